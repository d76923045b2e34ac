//! A server took a message and said later that it did not arrive: status, story, counters and suppression follow.

use chrono::{DateTime, Utc};

use super::automatic_suppression::{self as automatic, Address};
use super::departed::Sent;
use super::error::{ActionError, ActionResult};
use super::tally::Tally;
use crate::domain::ids::Id;
use crate::domain::message::status::MessageStatus;
use crate::domain::returned::{Failure, InboundRefusal};
use crate::models::counters::Delta;
use crate::models::messages::{self, Event, Progress};
use crate::models::{AnyConnection, accounts};

/// Records that `sent` bounced. What it adds to the period and day that the message was accepted in is left in `tally`.
///
/// # Errors
/// `Conflict` while the message is still under way here: the report came before our own record, and is to come again.
/// Else only the database's.
pub fn record_bounce(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    sent: &Sent,
    failure: &Failure,
    tally: &mut Tally,
) -> ActionResult<Result<(), InboundRefusal>> {
    let mut delta = Delta { bounced: 1, ..Delta::default() };
    match sent.status {
        MessageStatus::Delivered => delta.delivered = -1,
        MessageStatus::Failed => delta.failed = -1,
        MessageStatus::Bounced => return Ok(Err(InboundRefusal::Replayed)),
        status if !status.is_final() => return Err(under_way()),
        _ => return Ok(Err(InboundRefusal::Foreign)),
    }
    let at = now.naive_utc();
    let address = Address { account_id: sent.account_id, sender_domain: &sent.sender_domain, email: &sent.recipient };
    let weight = automatic::weight(failure.hard, failure.classification);
    if !automatic::note(conn, sent.id, address, ("bounce", weight), at)? {
        return Ok(Err(InboundRefusal::Replayed));
    }
    move_on(conn, now, sent, failure)?;
    let reason = match weight {
        "hard" => Some(failure.reason.clone()),
        "soft" => automatic::too_many_soft(conn, address, &failure.reason, at)?,
        _ => None,
    };
    if let Some(reason) = reason {
        automatic::suppress(conn, address, &reason, at)?;
    }
    count(conn, sent, delta, tally)?;
    Ok(Ok(()))
}

/// Gives the message, while there is a row of it, its new state and a step in its story.
fn move_on(conn: &mut AnyConnection, now: DateTime<Utc>, sent: &Sent, failure: &Failure) -> ActionResult<()> {
    let Some(row) = &sent.row else { return Ok(()) };
    let progress = Progress {
        status: MessageStatus::Bounced.as_str(),
        num_attempts: row.num_attempts,
        classification: failure.classification.as_str(),
        now: now.naive_utc(),
        sent_at: row.sent_at,
        delivered_at: None,
    };
    messages::set_progress(conn, sent.id, &progress)?;
    let by = if failure.host.is_empty() { String::new() } else { format!("Reported by {}: ", failure.host) };
    story(conn, sent, now, MessageStatus::Bounced.as_str(), format!("{by}{}", failure.reason))
}

/// The answer while the message's own delivery is not recorded yet.
pub(super) fn under_way() -> ActionError {
    ActionError::Conflict("the message is still under way here".into())
}

/// Adds a step to the message's story.
pub(super) fn story(
    conn: &mut AnyConnection,
    sent: &Sent,
    now: DateTime<Utc>,
    status: &str,
    log: String,
) -> ActionResult<()> {
    let event = Event {
        id: Id::new(now),
        message_id: sent.id,
        account_id: sent.account_id,
        at: now.naive_utc(),
        status: status.into(),
        log,
    };
    Ok(messages::insert_events(conn, &[event])?)
}

/// Counts where the message was counted; the tally comes last in the transaction.
pub(super) fn count(conn: &mut AnyConnection, sent: &Sent, delta: Delta, tally: &mut Tally) -> ActionResult<()> {
    let account = accounts::find_any(conn, sent.account_id)?.ok_or(ActionError::NotFound("account"))?;
    tally.add_to(sent.day_key(account.root_id()), sent.domain_id, delta);
    Ok(())
}
