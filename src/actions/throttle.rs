//! Counting tries at something that can be guessed, before they are looked at: a thousand at once are still ten.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::ActionResult;
use crate::domain::ids::Id;
use crate::models::{AnyConnection, sign_in_failures};

/// How long a try counts.
pub const WINDOW: TimeDelta = TimeDelta::minutes(15);
/// Tries of long ago that one sign-in removes at most.
const PURGED: i64 = 500;

/// What is counted, by its digest, and how many tries it may have in [`WINDOW`].
pub type Subject = ([u8; 32], i64);

/// Between which instants tries count at `now`. What lies further ahead was counted by a clock that was wrong: it keeps
/// nobody out until that time comes.
#[must_use]
pub fn counts(now: DateTime<Utc>) -> (NaiveDateTime, NaiveDateTime) {
    ((now - WINDOW).naive_utc(), (now + WINDOW).naive_utc())
}

/// Counts one try at each of `subjects`, unless one of them has had its number: then `None`, and nothing is counted.
/// The ids take the try back with [`forgive`].
///
/// # Errors
/// Only the database's.
pub fn count(conn: &mut AnyConnection, now: DateTime<Utc>, subjects: &[Subject]) -> ActionResult<Option<Vec<Id>>> {
    let within = counts(now);
    for (subject, limit) in subjects {
        sign_in_failures::lock(conn, subject)?;
        if sign_in_failures::count(conn, subject, within)? >= *limit {
            return Ok(None);
        }
    }
    let mut counted = Vec::new();
    for (subject, _) in subjects {
        let id = Id::new(now);
        sign_in_failures::insert(conn, id, subject, now.naive_utc())?;
        counted.push(id);
    }
    Ok(Some(counted))
}

/// Takes a counted try back: it was right. Clears away what no longer counts.
///
/// # Errors
/// Only the database's.
pub fn forgive(conn: &mut AnyConnection, now: DateTime<Utc>, counted: &[Id]) -> ActionResult<()> {
    sign_in_failures::delete(conn, counted)?;
    sign_in_failures::purge(conn, (now - WINDOW).naive_utc(), PURGED)?;
    Ok(())
}
