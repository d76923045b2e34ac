//! The outbox of system mail: claimed by a worker, then gone, or tried again by the schedule of all mail.

use chrono::{DateTime, TimeDelta, Utc};

use super::error::ActionResult;
use crate::domain::retry::next_attempt;
use crate::models::AnyConnection;
use crate::models::system_mails::{self, SystemMail};

/// Longer than an attempt takes, so that no mail leaves twice.
const LEASE: TimeDelta = TimeDelta::minutes(20);
/// Mails claimed at once: sent one after the other within the lease.
const BATCH: i64 = 20;

/// Whether a mail is due: a read, so that an idle node does not write.
///
/// # Errors
/// Only the database's.
pub fn anything_due(conn: &mut AnyConnection, now: DateTime<Utc>) -> ActionResult<bool> {
    Ok(system_mails::any_due(conn, now.naive_utc(), (now + LEASE).naive_utc())?)
}

/// Takes due mails for this worker.
///
/// # Errors
/// Only the database's.
pub fn claim(conn: &mut AnyConnection, now: DateTime<Utc>) -> ActionResult<Vec<SystemMail>> {
    Ok(system_mails::claim(conn, now.naive_utc(), (now + LEASE).naive_utc(), BATCH)?)
}

/// The mail left.
///
/// # Errors
/// Only the database's.
pub fn sent(conn: &mut AnyConnection, mail: &SystemMail) -> ActionResult<()> {
    Ok(system_mails::remove(conn, mail.id)?)
}

/// The mail did not leave: it is tried again, unless that is pointless (`again`) or it has been for three days.
///
/// # Errors
/// Only the database's.
pub fn not_sent(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    mail: &SystemMail,
    again: bool,
    reason: &str,
) -> ActionResult<()> {
    let attempts = mail.attempts.saturating_add(1);
    let tries = u32::try_from(attempts).unwrap_or(1);
    match next_attempt(mail.id, tries, mail.created_at.and_utc(), None, now).filter(|_| again) {
        Some(due) => {
            log::warn!("system mail {} ({}) did not leave and is tried again: {reason}", mail.id, mail.kind);
            system_mails::retry(conn, mail.id, due.naive_utc(), attempts, reason)?;
        }
        None => {
            log::error!("system mail {} ({}) is given up after {attempts} attempts: {reason}", mail.id, mail.kind);
            system_mails::remove(conn, mail.id)?;
        }
    }
    Ok(())
}
