//! The contract's messages: as answered on sending, in lists, and in full.

use chrono::NaiveDateTime;
use serde::Serialize;
use utoipa::ToSchema;

use super::time;
use crate::actions::accept_message::{Accepted, Entry, Outcome};
use crate::api::pagination::ListObject;
use crate::domain::ids::Id;
use crate::domain::message::parse::ContentParsed;
use crate::domain::message::reference::message_id;
use crate::domain::message::status::MessageStatus;
use crate::models::messages::{self, Attempt, Event};

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Message,
}

/// The answer to a send: one entry for each recipient, in the order they were given.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreateMessageResponse {
    #[schema(inline)]
    object: ListObject,
    data: Vec<CreateSingleMessageResponse>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CreateSingleMessageResponse {
    #[schema(inline)]
    object: Kind,
    /// `<uuid@domain>`; null when nothing was accepted for this recipient.
    #[schema(required)]
    id: Option<String>,
    recipient: AcceptedRecipient,
    #[schema(inline)]
    status: SendStatus,
    /// Why nothing was accepted.
    #[schema(required)]
    error: Option<String>,
    /// As it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<MessageSchedule>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AcceptedRecipient {
    email: String,
    /// Empty when none was given.
    name: String,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum SendStatus {
    Queued,
    Scheduled,
    Error,
}

/// RFC 3339 times.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct MessageSchedule {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    first_attempt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    expires: Option<String>,
}

impl CreateMessageResponse {
    #[must_use]
    pub fn new(accepted: &Accepted) -> Self {
        let shown = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(|at| time(at.naive_utc()));
        let schedule =
            MessageSchedule { first_attempt: shown(accepted.first_attempt), expires: shown(accepted.expires) };
        let schedule = (schedule.first_attempt.is_some() || schedule.expires.is_some()).then_some(schedule);
        let one = |entry| CreateSingleMessageResponse::new(entry, &accepted.sender_domain, schedule.clone());
        Self { object: ListObject::List, data: accepted.entries.iter().map(one).collect() }
    }
}

impl CreateSingleMessageResponse {
    fn new(entry: &Entry, domain: &str, schedule: Option<MessageSchedule>) -> Self {
        let header = |id: &Id| Some(format!("<{}>", message_id(*id, domain)));
        let (id, status, error) = match &entry.outcome {
            Outcome::Queued { id } => (header(id), SendStatus::Queued, None),
            Outcome::Scheduled { id } => (header(id), SendStatus::Scheduled, None),
            Outcome::Refused { reason } => (None, SendStatus::Error, Some(reason.clone())),
        };
        let recipient = AcceptedRecipient { email: entry.email.clone(), name: entry.name.clone().unwrap_or_default() };
        Self { object: Kind::Message, id, recipient, status, error, schedule }
    }
}

/// A message in a list: everything but what it said.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageSummary {
    #[schema(inline)]
    object: Kind,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    #[schema(required, format = DateTime)]
    sent_at: Option<String>,
    #[schema(required, format = DateTime)]
    delivered_at: Option<String>,
    /// When what it said is purged.
    #[schema(format = DateTime)]
    retain_until: String,
    /// `outbound`: received mail is not kept as messages.
    direction: &'static str,
    is_bounce_notification: bool,
    /// Empty unless it bounced.
    bounce_classification: String,
    delivery_attempts: Vec<DeliveryEvent>,
    /// The Message-ID header: `<uuid@domain>`.
    message_id: String,
    #[schema(value_type = Option<uuid::Uuid>, required)]
    id: Id,
    subject: String,
    tags: Vec<String>,
    #[schema(format = Email)]
    sender: String,
    #[schema(format = Email)]
    recipient: String,
    status: &'static str,
    #[schema(minimum = 0)]
    num_attempts: i32,
    #[schema(minimum = 0)]
    click_count: i64,
    #[schema(minimum = 0)]
    open_count: i64,
    #[schema(required)]
    reference_message_id: Option<i64>,
    #[schema(value_type = uuid::Uuid)]
    domain_id: Id,
    #[schema(value_type = uuid::Uuid)]
    account_id: Id,
}

/// Something that happened to a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryEvent {
    #[schema(format = DateTime)]
    time: String,
    log: String,
    status: String,
}

/// A message in full.
#[derive(Debug, Serialize, ToSchema)]
pub struct Message {
    #[serde(flatten)]
    summary: MessageSummary,
    /// RFC 5322, as it is sent but for the signature; absent once purged.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    /// Absent once purged.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_parsed: Option<ContentParsed>,
}

impl Message {
    #[must_use]
    pub fn new(summary: MessageSummary, content: Option<(String, ContentParsed)>) -> Self {
        let (content, content_parsed) = content.unzip();
        Self { summary, content, content_parsed }
    }
}

impl MessageSummary {
    /// `attempts` and `events` may hold other messages' too.
    #[must_use]
    pub fn new(message: &messages::Message, attempts: &[Attempt], events: &[Event]) -> Self {
        Self {
            object: Kind::Message,
            created_at: time(message.created_at),
            updated_at: time(message.updated_at),
            sent_at: message.sent_at.map(time),
            delivered_at: message.delivered_at.map(time),
            retain_until: time(message.retain_until),
            direction: "outbound",
            is_bounce_notification: false,
            bounce_classification: message.bounce_classification.clone(),
            delivery_attempts: story(message.id, attempts, events),
            message_id: format!("<{}>", message.header_id()),
            id: message.id,
            subject: message.subject.clone(),
            tags: serde_json::from_str(&message.tags).unwrap_or_default(),
            sender: message.sender.clone(),
            recipient: message.recipient.clone(),
            status: MessageStatus::parse(&message.status).map_or("Failed", MessageStatus::api_name),
            num_attempts: message.num_attempts,
            click_count: 0,
            open_count: 0,
            reference_message_id: None,
            domain_id: message.domain_id,
            account_id: message.account_id,
        }
    }
}

/// Finished attempts and what happened besides, in the order of time.
fn story(message: Id, attempts: &[Attempt], events: &[Event]) -> Vec<DeliveryEvent> {
    let tried = attempts.iter().filter(|attempt| attempt.message_id == message).filter_map(|attempt| {
        let at = attempt.finished_at?;
        Some((at, &attempt.log, &attempt.status))
    });
    let else_happened = events.iter().filter(|event| event.message_id == message);
    let mut all: Vec<(NaiveDateTime, &String, &String)> =
        tried.chain(else_happened.map(|event| (event.at, &event.log, &event.status))).collect();
    all.sort_by_key(|(at, ..)| *at);
    all.into_iter()
        .map(|(at, log, status)| DeliveryEvent {
            time: time(at),
            log: log.clone(),
            status: MessageStatus::parse(status).map_or_else(|_| status.clone(), |known| known.api_name().to_owned()),
        })
        .collect()
}
