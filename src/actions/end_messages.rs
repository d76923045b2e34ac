//! The end of messages that will never leave: what they are then, their story, and what it adds to the counters.

use chrono::{DateTime, Utc};

use super::error::ActionResult;
use super::tally::Tally;
use crate::domain::ids::Id;
use crate::domain::message::status::MessageStatus;
use crate::models::AnyConnection;
use crate::models::counters::Delta;
use crate::models::messages::{self, Event, Message, Progress};

/// Why they end.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'a> {
    /// The classification of the failure; empty where it is nobody's bounce.
    pub classification: &'a str,
    /// What their story says.
    pub log: &'a str,
}

/// Ends `failed` as failed; `root_of` says to whom each is billed. What they add is left in `tally`, which comes last.
///
/// # Errors
/// Only the database's.
pub fn end_messages(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    failed: &[Message],
    root_of: impl Fn(&Message) -> Id,
    ending: Ending<'_>,
    tally: &mut Tally,
) -> ActionResult<()> {
    end_uncounted(conn, now, failed, ending)?;
    for message in failed {
        tally.add(message, root_of(message), Delta { failed: 1, ..Delta::default() });
    }
    Ok(())
}

/// The same for messages that were held at the cap: they were never counted, so nothing is.
///
/// # Errors
/// Only the database's.
pub fn end_uncounted(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    failed: &[Message],
    ending: Ending<'_>,
) -> ActionResult<()> {
    let progress = |message: &Message| Progress {
        status: MessageStatus::Failed.as_str(),
        num_attempts: message.num_attempts,
        classification: ending.classification,
        now: now.naive_utc(),
        sent_at: message.sent_at,
        delivered_at: None,
    };
    let event = |message: &Message| Event {
        id: Id::new(now),
        message_id: message.id,
        account_id: message.account_id,
        at: now.naive_utc(),
        status: MessageStatus::Failed.as_str().into(),
        log: ending.log.into(),
    };
    let moved: Vec<(Id, Progress<'_>)> = failed.iter().map(|message| (message.id, progress(message))).collect();
    messages::advance(conn, &moved)?;
    messages::insert_events(conn, &failed.iter().map(event).collect::<Vec<_>>())?;
    Ok(())
}
