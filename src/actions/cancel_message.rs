//! Taking back what has not left: one scheduled message, or an account's whole queue.

use super::accept_message::end_held;
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::domain::message::status::MessageStatus;
use crate::models::AnyConnection;
use crate::models::accounts;
use crate::models::counters::{self, Added, Delta};
use crate::models::messages::{self, Event, Message, Progress};
use crate::models::usage::{self, DayKey};
use crate::models::{held, queue};

const CANCELLED: &str = "Cancelled before it left.";

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
        end_held(conn, cx.now, &row, CANCELLED)?;
        return Ok(row);
    }
    let scheduled = row.status == MessageStatus::Scheduled.as_str();
    if !scheduled || !queue::take(conn, message, cx.at())? {
        return Err(ActionError::invalid("message_id", "only a scheduled message that has not left can be cancelled"));
    }
    fail(conn, cx, &row, CANCELLED)?;
    Ok(row)
}

/// Cancels everything an account has in the queue or held at its cap; answers how many messages.
///
/// # Errors
/// Only the database's.
pub fn cancel_queue(conn: &mut AnyConnection, cx: &Cx, account: Id, log: &str) -> ActionResult<usize> {
    let mut cancelled = cancel_held(conn, cx, account, log)?;
    loop {
        let ids = queue::of_account(conn, account, 500)?;
        if ids.is_empty() {
            return Ok(cancelled);
        }
        for row in messages::find_many(conn, &ids)? {
            fail(conn, cx, &row, log)?;
        }
        queue::remove_many(conn, &ids)?;
        cancelled += ids.len();
    }
}

fn cancel_held(conn: &mut AnyConnection, cx: &Cx, account: Id, log: &str) -> ActionResult<usize> {
    let mut cancelled = 0;
    loop {
        let ids: Vec<Id> = held::oldest(conn, account, 500)?.into_iter().map(|row| row.message_id).collect();
        if ids.is_empty() {
            return Ok(cancelled);
        }
        for row in messages::find_many(conn, &ids)? {
            end_held(conn, cx.now, &row, log)?;
        }
        cancelled += held::remove(conn, &ids)?;
    }
}

/// Ends a message as failed and counts it where it was accepted.
fn fail(conn: &mut AnyConnection, cx: &Cx, row: &Message, log: &str) -> ActionResult<()> {
    let progress = Progress {
        status: MessageStatus::Failed.as_str(),
        num_attempts: row.num_attempts,
        classification: "",
        now: cx.at(),
        sent_at: row.sent_at,
        delivered_at: None,
    };
    messages::set_progress(conn, row.id, &progress)?;
    let event = Event {
        id: Id::new(cx.now),
        message_id: row.id,
        account_id: row.account_id,
        at: cx.at(),
        status: MessageStatus::Failed.as_str().into(),
        log: log.into(),
    };
    messages::insert_events(conn, &[event])?;
    count(conn, row, Delta { failed: 1, ..Delta::default() })
}

/// Adds `delta` to the counters and the day that a message was accepted in.
///
/// # Errors
/// Only the database's.
pub fn count(conn: &mut AnyConnection, row: &Message, delta: Delta) -> ActionResult<()> {
    let Some(account) = accounts::find_any(conn, row.account_id)? else { return Ok(()) };
    let key = DayKey {
        account_id: row.account_id,
        day: row.day.clone(),
        period_id: row.period_id,
        parent_id: account.root_id(),
    };
    counters::add(conn, &[Added::of(&key, delta, None)])?;
    usage::add_days(conn, &[(&key, delta)])?;
    usage::add_totals(conn, &[(key.parent_id, &key.day, delta)])?;
    Ok(())
}
