//! Addresses that are not written to again because of what their hosts and owners said.

use chrono::{NaiveDateTime, TimeDelta};

use super::error::ActionResult;
use crate::domain::bounce::Classification;
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::returned::{self, Reported};
use crate::models::suppressions::{self, Suppression};
use crate::secrets;

/// How long: hard bounces, complaints, and too many soft bounces alike.
pub const SUPPRESSED: TimeDelta = TimeDelta::days(30);
/// Soft bounces of an address, of different messages from one domain, at which it is suppressed.
pub const SOFT_BOUNCES: i64 = 5;
/// The time in which they are counted.
pub const SOFT_WINDOW: TimeDelta = TimeDelta::days(30);
/// Characters kept of the reason.
const REASON: usize = 1000;

/// Whom it is about: an address, and the domain of an account that wrote to it.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    pub account_id: Id,
    pub sender_domain: &'a str,
    pub email: &'a str,
}

/// Suppresses an address for mail from that domain.
///
/// # Errors
/// Only the database's.
pub fn suppress(conn: &mut AnyConnection, address: Address<'_>, reason: &str, at: NaiveDateTime) -> ActionResult<()> {
    Ok(suppressions::upsert(conn, &row(address, reason, at))?)
}

/// The row of an automatic suppression.
#[must_use]
pub fn row(address: Address<'_>, reason: &str, at: NaiveDateTime) -> Suppression {
    Suppression {
        id: Id::new(at.and_utc()),
        account_id: address.account_id,
        email: address.email.to_owned(),
        email_lower: address.email.to_lowercase(),
        domain: address.sender_domain.to_owned(),
        reason: reason.chars().take(REASON).collect(),
        created_at: at,
        expires_at: at + SUPPRESSED,
    }
}

/// What a report says about the address.
#[must_use]
pub const fn weight(hard: bool, classification: Classification) -> &'static str {
    match (hard, classification.lies_with_recipient()) {
        (true, _) => "hard",
        (false, true) => "soft",
        (false, false) => "none",
    }
}

/// Writes down that a message bounced or was complained about; false when that was known.
///
/// # Errors
/// Only the database's.
pub fn note(
    conn: &mut AnyConnection,
    message: Id,
    address: Address<'_>,
    (kind, weight): (&'static str, &'static str),
    at: NaiveDateTime,
) -> ActionResult<bool> {
    let row = Reported {
        message_id: message,
        kind,
        account_id: address.account_id,
        sender_domain: address.sender_domain.to_owned(),
        recipient_digest: digest(address.email),
        weight,
        at,
    };
    Ok(returned::insert(conn, &row)?)
}

/// Why an address is to be suppressed after a soft bounce that was written down: there were too many. `None` if not.
///
/// # Errors
/// Only the database's.
pub fn too_many_soft(
    conn: &mut AnyConnection,
    address: Address<'_>,
    said: &str,
    at: NaiveDateTime,
) -> ActionResult<Option<String>> {
    let digest = digest(address.email);
    let count = returned::soft_bounces(conn, address.account_id, &digest, address.sender_domain, at - SOFT_WINDOW)?;
    Ok((count >= SOFT_BOUNCES)
        .then(|| format!("{count} soft bounces in {} days, the last: {said}", SOFT_WINDOW.num_days())))
}

fn digest(email: &str) -> Vec<u8> {
    secrets::sha256(email.to_lowercase().as_bytes()).to_vec()
}
