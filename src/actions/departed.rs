//! A message that left, as far as reports about it need it: from its row, or from what retention left of it.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::error::{ActionError, ActionResult};
use super::services::Services;
use crate::domain::ids::Id;
use crate::domain::message::status::MessageStatus;
use crate::models::messages::{self, Message};
use crate::models::returned::{self, Departed};
use crate::models::{AnyConnection, usage::DayKey};

/// How long after it left a message may be reported about.
pub const REPORTABLE: TimeDelta = TimeDelta::days(30);

const CONTEXT: &str = "departed";

/// What reports need of a message.
#[derive(Clone, Debug)]
pub struct Sent {
    pub id: Id,
    pub account_id: Id,
    pub domain_id: Id,
    pub period_id: Id,
    pub day: String,
    pub sender_domain: String,
    pub recipient: String,
    pub status: MessageStatus,
    pub left_at: NaiveDateTime,
    /// The row itself, while there is one.
    pub row: Option<Message>,
}

impl Sent {
    #[must_use]
    pub fn recipient_lower(&self) -> String {
        self.recipient.to_lowercase()
    }

    /// Where it is counted, for an account billed to `root`.
    #[must_use]
    pub fn day_key(&self, root: Id) -> DayKey {
        DayKey { account_id: self.account_id, day: self.day.clone(), period_id: self.period_id, parent_id: root }
    }
}

/// Finds a message and keeps it as it is until the transaction ends.
///
/// # Errors
/// The database's; `Internal` when a row cannot be read back.
pub fn find(conn: &mut AnyConnection, services: &Services, id: Id) -> ActionResult<Option<Sent>> {
    messages::lock(conn, id)?;
    if let Some(row) = messages::find_many(conn, &[id])?.pop() {
        return Ok(Some(Sent {
            id,
            account_id: row.account_id,
            domain_id: row.domain_id,
            period_id: row.period_id,
            day: row.day.clone(),
            sender_domain: row.sender_domain.clone(),
            recipient: row.recipient.clone(),
            status: status(&row.status)?,
            left_at: left_at(&row),
            row: Some(row),
        }));
    }
    let Some(row) = returned::find_departed(conn, id)? else { return Ok(None) };
    let recipient = services.secrets.open(CONTEXT, &row.recipient_sealed);
    let recipient = recipient.map_err(|error| ActionError::Internal(format!("the recipient of {id}: {error}")))?;
    Ok(Some(Sent {
        id,
        account_id: row.account_id,
        domain_id: row.domain_id,
        period_id: row.period_id,
        day: row.day,
        sender_domain: row.sender_domain,
        recipient: String::from_utf8_lossy(&recipient).into_owned(),
        status: status(&row.status)?,
        left_at: row.left_at,
        row: None,
    }))
}

/// Keeps what reports need of `rows`, which retention is about to remove: of those that left and may still be reported
/// about.
///
/// # Errors
/// Only the database's.
pub fn keep(conn: &mut AnyConnection, now: DateTime<Utc>, services: &Services, rows: &[Message]) -> ActionResult<()> {
    let kept: Vec<Departed> = rows
        .iter()
        .filter(|row| status(&row.status).is_ok_and(may_be_reported) && !is_over(left_at(row), now))
        .map(|row| Departed {
            message_id: row.id,
            account_id: row.account_id,
            domain_id: row.domain_id,
            period_id: row.period_id,
            day: row.day.clone(),
            sender_domain: row.sender_domain.clone(),
            recipient_sealed: services.secrets.seal(CONTEXT, row.recipient.as_bytes()),
            status: row.status.clone(),
            left_at: left_at(row),
        })
        .collect();
    Ok(returned::insert_departed(conn, &kept)?)
}

/// Whether a message that left then can no longer be reported about.
#[must_use]
pub fn is_over(left_at: NaiveDateTime, now: DateTime<Utc>) -> bool {
    left_at + REPORTABLE < now.naive_utc()
}

/// A failed one may have left: its server took it and hung up.
const fn may_be_reported(status: MessageStatus) -> bool {
    matches!(status, MessageStatus::Delivered | MessageStatus::Bounced | MessageStatus::Failed)
}

fn left_at(row: &Message) -> NaiveDateTime {
    row.delivered_at.or(row.sent_at).unwrap_or(row.updated_at)
}

fn status(text: &str) -> ActionResult<MessageStatus> {
    MessageStatus::parse(text).map_err(|_| ActionError::Internal(format!("there is no status {text}")))
}
