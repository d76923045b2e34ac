//! A message that cannot be claimed stops nobody else's: it waits for a while where it stood first.

use chrono::{DateTime, TimeDelta, Utc};

use super::claim_deliveries::{PARKED, Wanted, free, turns};
use super::error::ActionResult;
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::queue::{self, Back};

/// How long it waits: what stops it is no matter of moments, and others have their turn meanwhile.
const ASIDE: TimeDelta = TimeDelta::minutes(5);

/// Puts aside what a claim of one message would begin with; answers which message that is. An account on hold is parked
/// instead.
///
/// # Errors
/// Only the database's.
pub fn set_aside_delivery(conn: &mut AnyConnection, now: DateTime<Utc>, wanted: &Wanted) -> ActionResult<Option<Id>> {
    let at = now.naive_utc();
    let (accounts, _) = turns(conn, at, &Wanted { limit: 1, ..wanted.clone() })?;
    let free = free(conn, &accounts, at)?;
    let (free, held): (Vec<Id>, Vec<Id>) = accounts.into_iter().partition(|account| free.contains_key(account));

    let first = queue::due(conn, &free, at, 1)?.pop();
    let back =
        first.map(|due| Back { message_id: due.queued.message_id, due_at: at + ASIDE, attempts: due.queued.attempts });
    queue::retry(conn, back.as_slice())?;
    queue::end_turns(conn, &free, at)?;
    queue::park(conn, &held.iter().map(|account| (*account, at + PARKED)).collect::<Vec<_>>(), at)?;

    Ok(back.map(|back| back.message_id))
}
