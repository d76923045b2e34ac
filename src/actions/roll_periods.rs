//! The beginning of a billing period: every summary of the parent starts at nothing sent. The exact counters need no
//! such moment, they key on the period.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use serde_json::json;

use super::Cx;
use super::audit::{self, Record};
use super::ensure_period::{self, catch_up, ensure_period};
use super::error::ActionResult;
use crate::domain::ids::Id;
use crate::domain::period::{CLOSED_AFTER, FAR_BEYOND};
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

/// The period that counts for a parent at `now` though it does not contain that time, if there is one.
///
/// # Errors
/// Only the database's.
pub fn counting(conn: &mut AnyConnection, root: Id, now: DateTime<Utc>) -> ActionResult<Option<Id>> {
    Ok(ensure_period::running(conn, root, now)?.map(|period| period.id))
}

/// Up to `limit` parents of which a period is to be closed at `now`: it ended an hour ago, and another follows.
///
/// # Errors
/// Only the database's.
pub fn to_be_closed(conn: &mut AnyConnection, now: DateTime<Utc>, limit: i64) -> ActionResult<Vec<Id>> {
    Ok(periods::to_be_closed(conn, (now - CLOSED_AFTER).naive_utc(), limit)?)
}

/// Closes those periods of `root`. From this commit on nothing that is accepted counts in them: whoever accepts has the
/// lock of the account too, and reads the period after it.
///
/// # Errors
/// Only the database's.
pub fn close(conn: &mut AnyConnection, root: Id, now: DateTime<Utc>) -> ActionResult<usize> {
    accounts::lock(conn, &[], &[root])?;
    Ok(periods::close(conn, root, now.naive_utc(), (now - CLOSED_AFTER).naive_utc())?)
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

/// What was accepted: until when the newest period of a parent lasted, until when it does now, and how many were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaughtUp {
    pub had_ended: NaiveDateTime,
    pub ends: NaiveDateTime,
    pub made: usize,
}

/// Makes the periods of `root` up to now, however far that is, because somebody says that the clock is right; `None` where
/// none was missing, and then nothing is recorded.
///
/// # Errors
/// Only the database's.
pub fn accept_clock(conn: &mut AnyConnection, cx: &Cx, root: Id) -> ActionResult<Option<CaughtUp>> {
    accounts::lock(conn, &[], &[root])?;
    let Some(account) = accounts::find_any(conn, root)? else { return Ok(None) };
    let had_ended = periods::latest(conn, root)?.map_or(cx.at(), |period| period.end_at);
    let made = catch_up(conn, root, cx.now)?;
    if made == 0 {
        return Ok(None);
    }
    let ends = periods::latest(conn, root)?.map_or(had_ended, |period| period.end_at);

    let before = Some(json!({ "newest_period_ends": time(had_ended) }));
    let after = Some(json!({ "newest_period_ends": time(ends), "periods_made": made, "clock": time(cx.at()) }));
    let record = Record { action: "account.accept_clock", target: account.name.clone(), before, after };
    audit::record(conn, cx, &account, record)?;
    Ok(Some(CaughtUp { had_ended, ends, made }))
}

fn time(at: NaiveDateTime) -> String {
    at.and_utc().to_rfc3339_opts(SecondsFormat::Secs, true)
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
