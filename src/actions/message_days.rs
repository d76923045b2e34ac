//! The days that messages lie in on PostgreSQL: made ahead, and dropped whole when retention keeps nothing of them.
//! A day with messages that are kept longer loses the others row by row, as everything does on SQLite.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::departed;
use super::error::ActionResult;
use super::services::Services;
use crate::domain::ids::Id;
use crate::models::{AnyConnection, partitions, returned};

/// Days made ahead: so long may housekeeping stand still.
const AHEAD: u64 = 14;
/// A day whose last message goes within this time is left to be dropped whole.
const WHOLE: TimeDelta = TimeDelta::days(1);
/// Messages of a day looked through in one transaction.
const STEP: i64 = 500;

/// The days from today on that have no partitions yet.
///
/// # Errors
/// Only the database's.
pub fn missing(conn: &mut AnyConnection, now: DateTime<Utc>) -> ActionResult<Vec<NaiveDate>> {
    if !conn.has_partitions() {
        return Ok(Vec::new());
    }
    let there = partitions::days(conn)?;
    let wanted = (0..=AHEAD).map(|days| now.date_naive() + Days::new(days));
    Ok(wanted.filter(|day| !there.contains(day)).collect())
}

/// Makes a day.
///
/// # Errors
/// The database's, also while it is too busy for it: then a later try does it.
pub fn make(conn: &mut AnyConnection, day: NaiveDate) -> ActionResult<bool> {
    Ok(partitions::make(conn, day)?)
}

/// Past days, by what becomes of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Nothing of them is kept: they can be dropped.
    pub over: Vec<NaiveDate>,
    /// They will be so within a day: their rows stay until then.
    pub leaving: Vec<NaiveDate>,
}

/// What of the past retention no longer keeps.
///
/// # Errors
/// Only the database's.
pub fn past(conn: &mut AnyConnection, now: DateTime<Utc>) -> ActionResult<Past> {
    let mut past = Past::default();
    for day in partitions::days(conn)?.into_iter().filter(|day| *day < now.date_naive()) {
        let last = partitions::last_purge(conn, day)?;
        if last.is_some_and(|last| last > (now + WHOLE).naive_utc()) {
            continue;
        }
        if last.is_some_and(|last| last > now.naive_utc()) || partitions::any_waiting(conn, day)? {
            past.leaving.push(day);
        } else {
            past.over.push(day);
        }
    }
    Ok(past)
}

/// Keeps what reports need of a step's messages of a day, after `after`; answers where the next step begins, none at
/// the end of the day. Safe to run again.
///
/// # Errors
/// Only the database's.
pub fn keep_departed(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    day: NaiveDate,
    after: Option<Id>,
) -> ActionResult<Option<Id>> {
    let rows = partitions::page(conn, day, after, STEP)?;
    let last = rows.last().map(|row| row.id);
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let kept = returned::departed_of(conn, &ids)?;
    let rows: Vec<_> = rows.into_iter().filter(|row| !kept.contains(&row.id)).collect();
    departed::keep(conn, now, services, &rows)?;
    Ok(last)
}

/// Drops a day of which everything that must be kept was kept; false when something in it is to stay after all.
///
/// # Errors
/// The database's, also while it is too busy for it: then a later try does it.
pub fn drop_day(conn: &mut AnyConnection, day: NaiveDate, now: DateTime<Utc>) -> ActionResult<bool> {
    Ok(partitions::drop_day(conn, day, now)?)
}
