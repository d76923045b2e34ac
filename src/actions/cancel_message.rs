//! Taking back one message that has not left: a scheduled one, or one held at the cap.

use super::end_messages::{Ending, end_messages, end_uncounted};
use super::tally::Tally;
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::domain::message::status::MessageStatus;
use crate::models::messages::{self, Message};
use crate::models::{AnyConnection, accounts, held, queue};

const ENDING: Ending<'static> = Ending { classification: "", log: "Cancelled before it left." };

/// Cancels a scheduled message of `account`, which stays counted, since it was accepted; or one held at the cap, which
/// never was.
///
/// # Errors
/// `NotFound` for another's message, `Conflict` when it is not scheduled, or on its way already.
pub fn cancel_message(conn: &mut AnyConnection, cx: &Cx, account: Id, message: Id) -> ActionResult<Message> {
    // No worker takes the message while we look: claiming holds the account's lock too.
    accounts::lock(conn, &[], &[account])?;
    let row = messages::find(conn, account, message)?.ok_or(ActionError::NotFound("message"))?;
    if row.status == MessageStatus::Held.as_str() && held::remove(conn, &[message])? == 1 {
        end_uncounted(conn, cx.now, std::slice::from_ref(&row), ENDING)?;
        return Ok(row);
    }
    let scheduled = row.status == MessageStatus::Scheduled.as_str();
    if !scheduled || !queue::take(conn, message, cx.at())? {
        return Err(ActionError::invalid("message_id", "only a scheduled message that has not left can be cancelled"));
    }
    let root = accounts::find_any(conn, account)?.map_or(account, |account| account.root_id());
    let mut tally = Tally::default();
    end_messages(conn, cx.now, std::slice::from_ref(&row), |_| root, ENDING, &mut tally)?;
    tally.write(conn)?;
    Ok(row)
}
