//! What is written of messages: the rows, and how many of them are inserted at once.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Binary, Bool, Integer, Nullable, Text, Timestamp};

use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::kept::{bind, for_rows};
use crate::models::portable::insert_many;
use crate::models::schema::{attachments, attempts, contents, message_events, messages};

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = messages)]
pub struct Message {
    pub id: Id,
    pub account_id: Id,
    pub domain_id: Id,
    pub period_id: Id,
    /// The parent-local day it was accepted on, `YYYY-MM-DD`.
    pub day: String,
    pub content_id: Id,
    pub sender: String,
    pub sender_domain: String,
    pub recipient: String,
    pub recipient_lower: String,
    pub recipient_name: Option<String>,
    pub subject: String,
    /// JSON array.
    pub tags: String,
    pub status: String,
    /// The sandbox result asked for; `None` is a real message.
    pub sandbox: Option<String>,
    pub track_opens: bool,
    pub track_clicks: bool,
    pub num_attempts: i32,
    pub bounce_classification: String,
    pub scheduled_at: Option<NaiveDateTime>,
    pub expires_at: NaiveDateTime,
    pub created_at: NaiveDateTime,
    pub updated_at: NaiveDateTime,
    pub sent_at: Option<NaiveDateTime>,
    pub delivered_at: Option<NaiveDateTime>,
    /// When what it said goes.
    pub retain_until: NaiveDateTime,
    /// When the row itself goes.
    pub purge_at: NaiveDateTime,
}

impl Attempt {
    /// The `number`th attempt to deliver `message`, begun now and not ended.
    #[must_use]
    pub fn started(message: &Message, number: i32, now: DateTime<Utc>) -> Self {
        Self {
            id: Id::new(now),
            message_id: message.id,
            account_id: message.account_id,
            number,
            started_at: now.naive_utc(),
            finished_at: None,
            status: "started".into(),
            host: String::new(),
            code: None,
            log: String::new(),
        }
    }
}

impl Message {
    /// The Message-ID without its angle brackets.
    #[must_use]
    pub fn header_id(&self) -> String {
        format!("{}@{}", self.id, self.sender_domain)
    }
}

#[cfg(test)]
impl Message {
    /// One for tests: received, of an account, domain and period that all have its id.
    pub(crate) fn sample(id: Id, at: NaiveDateTime) -> Self {
        Self {
            id,
            account_id: id,
            domain_id: id,
            period_id: id,
            day: "2026-11-24".into(),
            content_id: id,
            sender: "hi@a.example".into(),
            sender_domain: "a.example".into(),
            recipient: "ann@b.example".into(),
            recipient_lower: "ann@b.example".into(),
            recipient_name: Some("Ann".into()),
            subject: "Hello".into(),
            tags: "[]".into(),
            status: "received".into(),
            sandbox: None,
            track_opens: false,
            track_clicks: false,
            num_attempts: 0,
            bounce_classification: String::new(),
            scheduled_at: None,
            expires_at: at,
            created_at: at,
            updated_at: at,
            sent_at: None,
            delivered_at: None,
            retain_until: at,
            purge_at: at,
        }
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = contents)]
pub struct Content {
    pub id: Id,
    pub account_id: Id,
    /// JSON of what was rendered, or the message itself.
    pub payload: Vec<u8>,
    pub request_id: Id,
    pub purge_at: NaiveDateTime,
    /// The payload is a message as a mail program handed it in, but for its Message-ID.
    pub is_raw: bool,
    /// None of its messages has a higher id, and none was made in an earlier millisecond than the content.
    pub last_message_id: Id,
    /// Its request came with attachments.
    pub has_attachments: bool,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = attachments)]
pub struct Attachment {
    pub request_id: Id,
    pub position: i32,
    pub file_name: String,
    pub content_type: String,
    pub disposition: Option<String>,
    pub content_id: Option<String>,
    pub data: Vec<u8>,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = message_events)]
pub struct Event {
    pub id: Id,
    pub message_id: Id,
    pub account_id: Id,
    pub at: NaiveDateTime,
    pub status: String,
    pub log: String,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = attempts)]
pub struct Attempt {
    pub id: Id,
    pub message_id: Id,
    pub account_id: Id,
    pub number: i32,
    pub started_at: NaiveDateTime,
    pub finished_at: Option<NaiveDateTime>,
    /// `started` until the answer is recorded, then `delivered`, `deferred`, `bounced` or `failed`.
    pub status: String,
    pub host: String,
    pub code: Option<i32>,
    pub log: String,
}

pub fn insert(conn: &mut AnyConnection, rows: &[Message]) -> QueryResult<()> {
    let binds = |row: &Message| {
        vec![
            bind::<Binary>(row.id),
            bind::<Binary>(row.account_id),
            bind::<Binary>(row.domain_id),
            bind::<Binary>(row.period_id),
            bind::<Text>(&row.day),
            bind::<Binary>(row.content_id),
            bind::<Text>(&row.sender),
            bind::<Text>(&row.sender_domain),
            bind::<Text>(&row.recipient),
            bind::<Text>(&row.recipient_lower),
            bind::<Nullable<Text>>(row.recipient_name.clone()),
            bind::<Text>(&row.subject),
            bind::<Text>(&row.tags),
            bind::<Text>(&row.status),
            bind::<Nullable<Text>>(row.sandbox.clone()),
            bind::<Bool>(row.track_opens),
            bind::<Bool>(row.track_clicks),
            bind::<Integer>(row.num_attempts),
            bind::<Text>(&row.bounce_classification),
            bind::<Nullable<Timestamp>>(row.scheduled_at),
            bind::<Timestamp>(row.expires_at),
            bind::<Timestamp>(row.created_at),
            bind::<Timestamp>(row.updated_at),
            bind::<Nullable<Timestamp>>(row.sent_at),
            bind::<Nullable<Timestamp>>(row.delivered_at),
            bind::<Timestamp>(row.retain_until),
            bind::<Timestamp>(row.purge_at),
        ]
    };
    for_rows(
        conn,
        "INSERT INTO messages (id, account_id, domain_id, period_id, day, content_id, sender, sender_domain, \
         recipient, recipient_lower, recipient_name, subject, tags, status, sandbox, track_opens, track_clicks, \
         num_attempts, bounce_classification, scheduled_at, expires_at, created_at, updated_at, sent_at, \
         delivered_at, retain_until, purge_at)",
        &rows.iter().map(binds).collect::<Vec<_>>(),
        "",
    )
}

/// Takes the rows themselves: what they hold may be large, and is not copied.
pub fn insert_contents(conn: &mut AnyConnection, rows: Vec<Content>) -> QueryResult<()> {
    let binds = |row: Content| {
        vec![
            bind::<Binary>(row.id),
            bind::<Binary>(row.account_id),
            bind::<Binary>(row.payload),
            bind::<Binary>(row.request_id),
            bind::<Timestamp>(row.purge_at),
            bind::<Bool>(row.is_raw),
            bind::<Binary>(row.last_message_id),
            bind::<Bool>(row.has_attachments),
        ]
    };
    for_rows(
        conn,
        "INSERT INTO contents (id, account_id, payload, request_id, purge_at, is_raw, last_message_id, has_attachments)",
        &rows.into_iter().map(binds).collect::<Vec<_>>(),
        "",
    )
}

/// One by one: what they hold may be large, and is not copied.
pub fn insert_attachments(conn: &mut AnyConnection, rows: &[Attachment]) -> QueryResult<()> {
    insert_many!(conn, attachments::table, rows)
}

pub fn insert_events(conn: &mut AnyConnection, rows: &[Event]) -> QueryResult<()> {
    let binds = |row: &Event| {
        vec![
            bind::<Binary>(row.id),
            bind::<Binary>(row.message_id),
            bind::<Binary>(row.account_id),
            bind::<Timestamp>(row.at),
            bind::<Text>(&row.status),
            bind::<Text>(&row.log),
        ]
    };
    for_rows(
        conn,
        "INSERT INTO message_events (id, message_id, account_id, at, status, log)",
        &rows.iter().map(binds).collect::<Vec<_>>(),
        "",
    )
}

pub fn insert_attempts(conn: &mut AnyConnection, rows: &[Attempt]) -> QueryResult<()> {
    let binds = |row: &Attempt| {
        vec![
            bind::<Binary>(row.id),
            bind::<Binary>(row.message_id),
            bind::<Binary>(row.account_id),
            bind::<Integer>(row.number),
            bind::<Timestamp>(row.started_at),
            bind::<Nullable<Timestamp>>(row.finished_at),
            bind::<Text>(&row.status),
            bind::<Text>(&row.host),
            bind::<Nullable<Integer>>(row.code),
            bind::<Text>(&row.log),
        ]
    };
    for_rows(
        conn,
        "INSERT INTO attempts (id, message_id, account_id, number, started_at, finished_at, status, host, code, \
         log)",
        &rows.iter().map(binds).collect::<Vec<_>>(),
        "",
    )
}
