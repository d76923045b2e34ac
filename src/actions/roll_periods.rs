//! The beginning of a billing period: every summary of the parent starts at nothing sent. The exact counters need no
//! such moment, they key on the period.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDateTime, Utc};

use super::ensure_period::{catch_up, ensure_period};
use super::error::ActionResult;
use crate::domain::ids::Id;
use crate::domain::period::FAR_BEYOND;
use crate::models::{AnyConnection, accounts, periods, summaries};

/// The current period of every parent that has one.
///
/// # Errors
/// Only the database's.
pub fn current(conn: &mut AnyConnection, now: DateTime<Utc>) -> ActionResult<HashMap<Id, Id>> {
    Ok(periods::current(conn, now.naive_utc())?.into_iter().collect())
}

/// The parents that are not in `current`.
///
/// # Errors
/// Only the database's.
pub fn without_period(conn: &mut AnyConnection, current: &HashMap<Id, Id>) -> ActionResult<Vec<Id>> {
    let roots = accounts::roots(conn)?.into_iter().map(|account| account.id);
    Ok(roots.filter(|root| !current.contains_key(root)).collect())
}

/// Begins the period of a parent that has none at `now`; answers its id.
///
/// # Errors
/// Only the database's.
pub fn begin(conn: &mut AnyConnection, root: Id, now: DateTime<Utc>) -> ActionResult<Id> {
    Ok(ensure_period(conn, root, now)?.id)
}

/// Parents whose newest period ended so long ago that it is not followed by others, and when it ended: the clock is wrong,
/// or the installation was away. The longest ago first.
///
/// # Errors
/// Only the database's.
pub fn far_beyond(conn: &mut AnyConnection, now: DateTime<Utc>) -> ActionResult<Vec<(Id, NaiveDateTime)>> {
    Ok(periods::long_ended(conn, (now - FAR_BEYOND).naive_utc())?)
}

/// Makes the periods of `root` up to `now`, however far that is, because somebody says that the clock is right; answers
/// how many.
///
/// # Errors
/// Only the database's.
pub fn accept_clock(conn: &mut AnyConnection, root: Id, now: DateTime<Utc>) -> ActionResult<usize> {
    catch_up(conn, root, now)
}

/// The sub accounts of `root` whose summaries still speak of another period than `period`.
///
/// # Errors
/// Only the database's.
pub fn stale(conn: &mut AnyConnection, root: Id, period: Id) -> ActionResult<Vec<Id>> {
    Ok(summaries::of_other_periods(conn, root, period)?)
}

/// Starts the summaries of `accounts` anew. One that was flushed in the new period meanwhile stays as it is.
///
/// # Errors
/// Only the database's.
pub fn reset(conn: &mut AnyConnection, accounts: &[Id], period: Id) -> ActionResult<usize> {
    Ok(summaries::start_anew(conn, accounts, period)?)
}
