//! The rows that a group of requests becomes: contents once per request, one message a recipient, the queue.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::group::Sender;
use super::{Outcome, Prepared, PreparedEntry};
use crate::actions::error::{ActionError, ActionResult};
use crate::domain::ids::Id;
use crate::domain::message::status::{MessageStatus, SandboxResult};
use crate::domain::period::{local_day, parse_time_zone};
use crate::domain::waiting::{State, domain_of};
use crate::models::held::{self, Held};
use crate::models::messages::{self, Attachment, Content, Event, Message};
use crate::models::queue::{self, Queued};
use crate::models::{AnyConnection, counters::Delta};

/// A message that says nothing else is given up after this long: the end of the retry schedule.
pub const LIFETIME: TimeDelta = TimeDelta::days(3);

/// Why a message waits though there is room: the oldest goes first.
const BEHIND: &str = "older messages of this account still wait at the cap";

pub struct Rows {
    now: DateTime<Utc>,
    contents: Vec<Content>,
    attachments: Vec<Attachment>,
    messages: Vec<Message>,
    events: Vec<Event>,
    queue: Vec<Queued>,
    held: Vec<Held>,
    /// When each account's earliest new message is due.
    wake: HashMap<Id, NaiveDateTime>,
}

impl Rows {
    pub fn new(now: DateTime<Utc>) -> Self {
        Self {
            now,
            contents: Vec::new(),
            attachments: Vec::new(),
            messages: Vec::new(),
            events: Vec::new(),
            queue: Vec::new(),
            held: Vec::new(),
            wake: HashMap::new(),
        }
    }

    /// Begins the rows of one request.
    pub fn request<'a>(&'a mut self, sender: &'a Sender, request: &'a Prepared, domain_id: Id) -> Batch<'a> {
        let now = self.now;
        let zone = parse_time_zone(&sender.period.time_zone).unwrap_or(chrono_tz::UTC);
        let days = |asked: Option<i32>, default: i32| TimeDelta::days(i64::from(asked.unwrap_or(default)));
        Batch {
            sender,
            request,
            domain_id,
            request_id: Id::new(now),
            contents: vec![None; request.contents.len()],
            day: local_day(zone, now),
            due: request.first_attempt.unwrap_or(now).naive_utc(),
            expires: request.expires.unwrap_or_else(|| request.first_attempt.unwrap_or(now) + LIFETIME).naive_utc(),
            retain_until: (now + days(request.data_retention, sender.account.data_retention)).naive_utc(),
            purge_at: (now + days(request.metadata_retention, sender.account.metadata_retention)).naive_utc(),
            counts: Delta::default(),
            rows: self,
        }
    }

    /// Writes everything gathered.
    pub fn insert(self, conn: &mut AnyConnection) -> ActionResult<()> {
        messages::insert_contents(conn, self.contents)?;
        messages::insert_attachments(conn, &self.attachments)?;
        messages::insert(conn, &self.messages)?;
        messages::insert_events(conn, &self.events)?;
        queue::insert(conn, &self.queue)?;
        held::insert(conn, &self.held)?;
        let mut wake: Vec<_> = self.wake.into_iter().collect();
        wake.sort_unstable();
        Ok(queue::wake(conn, &wake)?)
    }
}

/// A content that has messages.
#[derive(Clone, Copy)]
struct Said {
    id: Id,
    last_message: Id,
}

/// The rows of one request while its recipients are decided.
pub struct Batch<'a> {
    rows: &'a mut Rows,
    sender: &'a Sender,
    request: &'a Prepared,
    domain_id: Id,
    request_id: Id,
    contents: Vec<Option<Said>>,
    day: String,
    due: NaiveDateTime,
    expires: NaiveDateTime,
    retain_until: NaiveDateTime,
    purge_at: NaiveDateTime,
    counts: Delta,
}

impl Batch<'_> {
    /// Accepts a recipient: counted, and queued for now or for its schedule.
    pub fn queue(&mut self, entry: &PreparedEntry, body: &(String, usize)) -> Outcome {
        let scheduled = self.request.first_attempt.is_some();
        let status = if scheduled { MessageStatus::Scheduled } else { MessageStatus::Received };
        let id = self.message(entry, body, status);
        self.counts.accepted += 1;
        self.rows.queue.push(Queued {
            message_id: id,
            account_id: self.request.account_id,
            due_at: self.due,
            attempts: 0,
            expires_at: self.expires,
            parent_id: self.sender.account.root_id(),
            destination: domain_of(&entry.email_lower).to_owned(),
            state: (if scheduled { State::Scheduled } else { State::Waiting }).as_str().to_owned(),
        });
        let due = self.due;
        self.rows.wake.entry(self.request.account_id).and_modify(|at| *at = due.min(*at)).or_insert(due);
        if scheduled { Outcome::Scheduled { id } } else { Outcome::Queued { id } }
    }

    /// Accepts a recipient that has no room yet: kept, and neither counted nor queued before there is.
    pub fn hold(&mut self, entry: &PreparedEntry, body: &(String, usize), why: Option<&ActionError>) -> Outcome {
        let id = self.message(entry, body, MessageStatus::Held);
        let now = self.rows.now.naive_utc();
        let kept_for = TimeDelta::days(i64::from(self.sender.bounds.limits.hold_days));
        self.rows.held.push(Held {
            message_id: id,
            account_id: self.request.account_id,
            held_at: now,
            expires_at: self.request.expires.map_or(now + kept_for, |asked| asked.naive_utc().min(now + kept_for)),
            due_at: self.due,
            parent_id: self.sender.account.root_id(),
            destination: domain_of(&entry.email_lower).to_owned(),
        });
        let why = why.map_or_else(|| BEHIND.to_owned(), ToString::to_string);
        self.event(id, MessageStatus::Held, &format!("Held: {why}."));
        if self.request.first_attempt.is_some() { Outcome::Scheduled { id } } else { Outcome::Queued { id } }
    }

    /// Keeps a recipient that must not be mailed as a record of that.
    pub fn suppress(&mut self, entry: &PreparedEntry, body: &(String, usize)) -> Outcome {
        let id = self.message(entry, body, MessageStatus::Suppressed);
        self.counts.suppressed += 1;
        self.event(id, MessageStatus::Suppressed, "The address is on the suppression list: nothing was sent.");
        Outcome::Queued { id }
    }

    /// Keeps a sandbox message with the result it asked for: it never leaves and is not counted.
    pub fn sandbox(&mut self, entry: &PreparedEntry, body: &(String, usize)) -> Outcome {
        let status = self.request.sandbox.map_or(MessageStatus::SandboxDelivered, SandboxResult::status);
        let id = self.message(entry, body, status);
        self.event(id, status, "Sandbox: the result was made up as asked, nothing was sent.");
        if self.request.first_attempt.is_some() { Outcome::Scheduled { id } } else { Outcome::Queued { id } }
    }

    /// Writes what the request's messages share, and answers what was counted.
    pub fn finish(self) -> Delta {
        let used: Vec<(usize, Said)> =
            self.contents.iter().enumerate().filter_map(|(index, said)| said.map(|said| (index, said))).collect();
        if used.is_empty() {
            return self.counts;
        }
        for (index, said) in used {
            self.rows.contents.push(Content {
                id: said.id,
                account_id: self.request.account_id,
                payload: self.request.contents[index].clone(),
                is_raw: self.request.is_raw,
                request_id: self.request_id,
                purge_at: self.retain_until,
                last_message_id: said.last_message,
                has_attachments: !self.request.attachments.is_empty(),
            });
        }
        for (position, attachment) in (0..).zip(&self.request.attachments) {
            self.rows.attachments.push(Attachment {
                request_id: self.request_id,
                position,
                file_name: attachment.file_name.clone(),
                content_type: attachment.content_type.clone(),
                disposition: attachment.disposition.clone(),
                content_id: attachment.content_id.clone(),
                data: attachment.data.clone(),
            });
        }
        self.counts
    }

    fn message(&mut self, entry: &PreparedEntry, (subject, content): &(String, usize), status: MessageStatus) -> Id {
        let now = self.rows.now;
        let id = Id::new(now);
        let said = self.contents[*content].get_or_insert_with(|| Said { id: Id::new(now), last_message: id });
        said.last_message = said.last_message.max(id);
        let content_id = said.id;
        let sandbox = self.request.sandbox;
        let final_at = (status == MessageStatus::SandboxDelivered).then_some(now.naive_utc());
        self.rows.messages.push(Message {
            id,
            account_id: self.request.account_id,
            domain_id: self.domain_id,
            period_id: self.sender.period.id,
            day: self.day.clone(),
            content_id,
            sender: self.request.sender.clone(),
            sender_domain: self.request.sender_domain.clone(),
            recipient: entry.email.clone(),
            recipient_lower: entry.email_lower.clone(),
            recipient_name: entry.name.clone(),
            subject: subject.clone(),
            tags: serde_json::Value::from(self.request.tags.clone()).to_string(),
            status: status.as_str().to_owned(),
            sandbox: sandbox.map(|sandbox| sandbox.as_str().to_owned()),
            track_opens: self.request.track_opens.unwrap_or(self.sender.account.track_opens),
            track_clicks: self.request.track_clicks.unwrap_or(self.sender.account.track_clicks),
            num_attempts: 0,
            bounce_classification: String::new(),
            scheduled_at: self.request.first_attempt.map(|at| at.naive_utc()),
            expires_at: self.expires,
            created_at: now.naive_utc(),
            updated_at: now.naive_utc(),
            sent_at: final_at,
            delivered_at: final_at,
            retain_until: self.retain_until,
            // The row outlives its queue: a message must not vanish while it may still be sent.
            purge_at: self.purge_at.max(self.expires).max(kept_at_the_cap(status, self.sender, now)),
        });
        id
    }

    fn event(&mut self, message_id: Id, status: MessageStatus, log: &str) {
        let now = self.rows.now;
        self.rows.events.push(Event {
            id: Id::new(now),
            message_id,
            account_id: self.request.account_id,
            at: now.naive_utc(),
            status: status.as_str().to_owned(),
            log: log.to_owned(),
        });
    }
}

/// Until when a message may be held and, once released, tried: no row and no content goes before.
fn kept_at_the_cap(status: MessageStatus, sender: &Sender, now: DateTime<Utc>) -> NaiveDateTime {
    let held = if status == MessageStatus::Held { sender.bounds.limits.hold_days } else { 0 };
    (now + TimeDelta::days(i64::from(held)) + LIFETIME).naive_utc()
}
