//! Who keeps house, and what is thrown away.

use chrono::{DateTime, TimeDelta, Utc};

use super::accept_message::hour_of;
use super::error::ActionResult;
use super::services::Services;
use super::{departed, message_days, throttle};
use crate::domain::ids::Id;
use crate::models::{
    AnyConnection, idempotency, leases, limits, messages, mta_sts, partitions, returned, sessions, sign_in_failures,
    user_tokens,
};

/// Hours whose counts are kept: only the running one decides.
const HOURS_KEPT: i64 = 48;
/// Rows of one kind removed in one transaction.
const PURGED: i64 = 500;
/// A report is remembered for as long as its message could be reported about again, and a day.
const REPORTS: TimeDelta = TimeDelta::days(31);
/// How long it is known what the inbound listener refused.
const REFUSALS: TimeDelta = TimeDelta::days(400);

/// Takes or renews the leadership for `node` until `until`; answers whether it has it.
///
/// # Errors
/// Only the database's.
pub fn lead(conn: &mut AnyConnection, node: Id, now: DateTime<Utc>, until: DateTime<Utc>) -> ActionResult<bool> {
    Ok(leases::take(conn, "housekeeping", node, now.naive_utc(), until.naive_utc())?)
}

/// Removes some of what is past its time: bodies, messages, stored answers, sessions, counted tries.
/// Answers how many rows went: while there are any, there may be more.
///
/// # Errors
/// Only the database's.
pub fn purge(conn: &mut AnyConnection, now: DateTime<Utc>, services: &Services) -> ActionResult<usize> {
    let at = now.naive_utc();
    let leaving = message_days::past(conn, now)?;
    let leaving: Vec<_> = leaving.over.into_iter().chain(leaving.leaving).map(partitions::ids_of).collect();
    let old = messages::past_retention(conn, at, &leaving, PURGED)?;
    departed::keep(conn, now, services, &old)?;
    let mut gone = messages::remove(conn, &old.iter().map(|row| row.id).collect::<Vec<_>>())?;
    gone += messages::purge_contents(conn, at, PURGED)?;
    gone += returned::purge(conn, at - departed::REPORTABLE, at - REPORTS, PURGED)?;
    returned::purge_refused(conn, &(now - REFUSALS).format("%Y-%m-%d").to_string())?;
    gone += sessions::purge(conn, at, PURGED)?;
    gone += sign_in_failures::purge(conn, (now - throttle::WINDOW).naive_utc(), PURGED)?;
    gone += user_tokens::purge(conn, at, PURGED)?;
    gone += mta_sts::purge(conn, at, PURGED)?;
    gone += limits::purge_hours(conn, hour_of(now) - HOURS_KEPT, PURGED)?;
    Ok(gone + idempotency::purge(conn, at, PURGED)?)
}
