//! Who keeps house, and what is thrown away.

use chrono::{DateTime, Utc};

use super::accept_message::hour_of;
use super::error::ActionResult;
use super::throttle;
use crate::domain::ids::Id;
use crate::models::{AnyConnection, idempotency, leases, limits, messages, sessions, sign_in_failures, user_tokens};

/// Hours whose counts are kept: only the running one decides.
const HOURS_KEPT: i64 = 48;
/// Rows of one kind removed in one transaction.
const PURGED: i64 = 500;

/// Takes or renews the leadership for `node` until `until`; answers whether it has it.
///
/// # Errors
/// Only the database's.
pub fn lead(conn: &mut AnyConnection, node: Id, now: DateTime<Utc>, until: DateTime<Utc>) -> ActionResult<bool> {
    Ok(leases::take(conn, "housekeeping", node, now.naive_utc(), until.naive_utc())?)
}

/// Removes some of what is past its time: bodies, messages, stored answers, sessions, counted tries.
/// Answers how many rows of the large kinds went: while there are any, there may be more.
///
/// # Errors
/// Only the database's.
pub fn purge(conn: &mut AnyConnection, now: DateTime<Utc>) -> ActionResult<usize> {
    let gone = messages::purge(conn, now.naive_utc(), PURGED)?;
    sessions::purge(conn, now.naive_utc())?;
    sign_in_failures::purge(conn, (now - throttle::WINDOW).naive_utc())?;
    user_tokens::purge(conn, now.naive_utc())?;
    limits::purge_hours(conn, hour_of(now) - HOURS_KEPT)?;
    Ok(gone + idempotency::purge(conn, now.naive_utc())?)
}
