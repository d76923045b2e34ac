//! Messages, what they said, and their story. Bodies live in tables of their own and go by retention.

use std::collections::BTreeMap;

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use diesel::sql_types::{Binary, Integer, Nullable, Text, Timestamp};

use super::AnyConnection;
use super::kept::{bind, for_rows, one_of};
use super::portable::{insert_many, with_row_locks};
use super::schema::{attachments, attempts, contents, message_events, messages};
use crate::domain::ids::Id;

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
    /// How many of its messages are not final yet.
    pub waiting: i32,
    pub purge_at: NaiveDateTime,
    /// The payload is a message as a mail program handed it in, but for its Message-ID.
    pub is_raw: bool,
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
    insert_many!(conn, messages::table, rows)
}

pub fn insert_contents(conn: &mut AnyConnection, rows: &[Content]) -> QueryResult<()> {
    insert_many!(conn, contents::table, rows)
}

pub fn insert_attachments(conn: &mut AnyConnection, rows: &[Attachment]) -> QueryResult<()> {
    insert_many!(conn, attachments::table, rows)
}

pub fn insert_events(conn: &mut AnyConnection, rows: &[Event]) -> QueryResult<()> {
    insert_many!(conn, message_events::table, rows)
}

pub fn insert_attempts(conn: &mut AnyConnection, rows: &[Attempt]) -> QueryResult<()> {
    insert_many!(conn, attempts::table, rows)
}

pub fn find(conn: &mut AnyConnection, account: Id, id: Id) -> QueryResult<Option<Message>> {
    messages::table
        .find(id)
        .filter(messages::account_id.eq(account))
        .select(Message::as_select())
        .first(conn)
        .optional()
}

pub fn find_many(conn: &mut AnyConnection, ids: &[Id]) -> QueryResult<Vec<Message>> {
    messages::table.filter(one_of(messages::id, ids.to_vec())).select(Message::as_select()).load(conn)
}

pub fn content(conn: &mut AnyConnection, id: Id) -> QueryResult<Option<Content>> {
    contents::table.find(id).select(Content::as_select()).first(conn).optional()
}

/// What several messages said.
pub fn contents_of(conn: &mut AnyConnection, ids: &[Id]) -> QueryResult<Vec<Content>> {
    contents::table.filter(one_of(contents::id, ids.to_vec())).select(Content::as_select()).load(conn)
}

/// The attachments of several requests, each request's in their order.
pub fn attachments_of(conn: &mut AnyConnection, requests: &[Id]) -> QueryResult<Vec<Attachment>> {
    attachments::table
        .filter(one_of(attachments::request_id, requests.to_vec()))
        .order((attachments::request_id, attachments::position))
        .select(Attachment::as_select())
        .load(conn)
}

pub fn attachments(conn: &mut AnyConnection, request: Id) -> QueryResult<Vec<Attachment>> {
    attachments::table
        .filter(attachments::request_id.eq(request))
        .order(attachments::position)
        .select(Attachment::as_select())
        .load(conn)
}

pub fn events(conn: &mut AnyConnection, message: Id) -> QueryResult<Vec<Event>> {
    message_events::table
        .filter(message_events::message_id.eq(message))
        .order(message_events::id)
        .select(Event::as_select())
        .load(conn)
}

/// The events of several messages, oldest first.
pub fn events_of(conn: &mut AnyConnection, ids: &[Id]) -> QueryResult<Vec<Event>> {
    message_events::table
        .filter(one_of(message_events::message_id, ids.to_vec()))
        .order((message_events::message_id, message_events::id))
        .select(Event::as_select())
        .load(conn)
}

/// The attempts of several messages, oldest first.
pub fn attempts_of(conn: &mut AnyConnection, ids: &[Id]) -> QueryResult<Vec<Attempt>> {
    attempts::table
        .filter(one_of(attempts::message_id, ids.to_vec()))
        .order((attempts::message_id, attempts::id))
        .select(Attempt::as_select())
        .load(conn)
}

/// What a list of messages is narrowed by. Empty fields do not narrow.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub statuses: Vec<String>,
    pub sender: Option<String>,
    /// `Some` narrows to these sender domains; an empty list finds nothing.
    pub sender_domains: Option<Vec<String>>,
    pub recipient_lower: Option<String>,
    pub subject: Option<String>,
    pub id: Option<Id>,
    pub tags: Vec<String>,
    pub from: Option<NaiveDateTime>,
    pub to: Option<NaiveDateTime>,
}

/// A page of an account's messages by id: newest first, or, with `ascending`, the ones just newer than `edge`.
pub fn page(
    conn: &mut AnyConnection,
    account: Id,
    filter: &Filter,
    edge: Option<Id>,
    ascending: bool,
    limit: i64,
) -> QueryResult<Vec<Message>> {
    let mut query = messages::table.filter(messages::account_id.eq(account)).select(Message::as_select()).into_boxed();
    if !filter.statuses.is_empty() {
        query = query.filter(messages::status.eq_any(filter.statuses.clone()));
    }
    if let Some(sender) = &filter.sender {
        query = query.filter(messages::sender.eq(sender.clone()));
    }
    if let Some(domains) = &filter.sender_domains {
        query = query.filter(messages::sender_domain.eq_any(domains.clone()));
    }
    if let Some(recipient) = &filter.recipient_lower {
        query = query.filter(messages::recipient_lower.eq(recipient.clone()));
    }
    if let Some(subject) = &filter.subject {
        query = query.filter(messages::subject.like(format!("%{}%", escape_like(subject))).escape('\\'));
    }
    if let Some(id) = filter.id {
        query = query.filter(messages::id.eq(id));
    }
    for tag in &filter.tags {
        let quoted = serde_json::to_string(tag).unwrap_or_default();
        query = query.filter(messages::tags.like(format!("%{}%", escape_like(&quoted))).escape('\\'));
    }
    // Ids begin with the time of acceptance: only the partitions of that time are looked into.
    if let Some(from) = filter.from {
        query = query.filter(messages::created_at.ge(from)).filter(messages::id.ge(Id::first_at(from.and_utc())));
    }
    if let Some(to) = filter.to {
        let after = Id::first_at(to.and_utc() + TimeDelta::milliseconds(1));
        query = query.filter(messages::created_at.le(to)).filter(messages::id.lt(after));
    }
    match (edge, ascending) {
        (Some(edge), true) => query = query.filter(messages::id.gt(edge)),
        (Some(edge), false) => query = query.filter(messages::id.lt(edge)),
        (None, _) => {}
    }
    if ascending {
        query.order(messages::id.asc()).limit(limit).load(conn)
    } else {
        query.order(messages::id.desc()).limit(limit).load(conn)
    }
}

/// Text for LIKE with `\` as its escape.
#[must_use]
pub fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// Where a message stands after something happened to it.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    pub status: &'a str,
    pub num_attempts: i32,
    pub classification: &'a str,
    pub now: NaiveDateTime,
    pub sent_at: Option<NaiveDateTime>,
    pub delivered_at: Option<NaiveDateTime>,
}

pub fn set_progress(conn: &mut AnyConnection, id: Id, progress: &Progress<'_>) -> QueryResult<()> {
    advance(conn, &[(id, *progress)])
}

/// Moves messages on, in their order.
pub fn advance(conn: &mut AnyConnection, moved: &[(Id, Progress<'_>)]) -> QueryResult<()> {
    let row = |(id, to): &(Id, Progress<'_>)| {
        vec![
            bind::<Binary>(*id),
            bind::<Text>(to.status),
            bind::<Integer>(to.num_attempts),
            bind::<Text>(to.classification),
            bind::<Timestamp>(to.now),
            bind::<Nullable<Timestamp>>(to.sent_at),
            bind::<Nullable<Timestamp>>(to.delivered_at),
        ]
    };
    for_rows(
        conn,
        "WITH moved (id, status, num_attempts, classification, at, sent_at, delivered_at) AS (",
        &moved.iter().map(row).collect::<Vec<_>>(),
        ") UPDATE messages SET status = moved.status, num_attempts = moved.num_attempts, \
         bounce_classification = moved.classification, updated_at = moved.at, sent_at = moved.sent_at, \
         delivered_at = moved.delivered_at FROM moved WHERE messages.id = moved.id",
    )
}

/// Where a held message stands when it is released: counted in the period and on the day of its release.
pub struct Release<'a> {
    pub status: &'a str,
    pub period_id: Id,
    pub day: &'a str,
    pub expires_at: NaiveDateTime,
    pub now: NaiveDateTime,
}

pub fn release_held(conn: &mut AnyConnection, id: Id, release: &Release<'_>) -> QueryResult<()> {
    diesel::update(messages::table.find(id))
        .set((
            messages::status.eq(release.status),
            messages::period_id.eq(release.period_id),
            messages::day.eq(release.day),
            messages::expires_at.eq(release.expires_at),
            messages::updated_at.eq(release.now),
        ))
        .execute(conn)
        .map(drop)
}

/// How many messages of an account were accepted for sending since `since`: neither sandbox, suppressed nor held.
pub fn accepted_since(conn: &mut AnyConnection, account: Id, since: NaiveDateTime) -> QueryResult<i64> {
    messages::table
        .filter(messages::account_id.eq(account))
        .filter(messages::created_at.ge(since))
        .filter(messages::id.ge(Id::first_at(since.and_utc())))
        .filter(messages::sandbox.is_null())
        .filter(messages::status.ne_all(["suppressed", "held"]))
        .count()
        .get_result(conn)
}

/// Records how attempts ended.
pub fn finish_attempts(conn: &mut AnyConnection, ended: &[Attempt]) -> QueryResult<()> {
    let row = |attempt: &Attempt| {
        vec![
            bind::<Binary>(attempt.message_id),
            bind::<Binary>(attempt.id),
            bind::<Nullable<Timestamp>>(attempt.finished_at),
            bind::<Text>(&attempt.status),
            bind::<Text>(&attempt.host),
            bind::<Nullable<Integer>>(attempt.code),
            bind::<Text>(&attempt.log),
        ]
    };
    for_rows(
        conn,
        "WITH ended (message_id, id, finished_at, status, host, code, log) AS (",
        &ended.iter().map(row).collect::<Vec<_>>(),
        ") UPDATE attempts SET finished_at = ended.finished_at, status = ended.status, host = ended.host, \
         code = ended.code, log = ended.log FROM ended \
         WHERE attempts.message_id = ended.message_id AND attempts.id = ended.id",
    )
}

/// Ends attempts of `messages` that nobody will finish: their process stopped in between.
pub fn lapse_attempts(conn: &mut AnyConnection, messages: &[Id], now: NaiveDateTime, log: &str) -> QueryResult<()> {
    diesel::update(
        attempts::table.filter(one_of(attempts::message_id, messages.to_vec())).filter(attempts::status.eq("started")),
    )
    .set((attempts::status.eq("deferred"), attempts::finished_at.eq(Some(now)), attempts::log.eq(log)))
    .execute(conn)
    .map(drop)
}

/// Forgets an attempt that never began.
pub fn remove_attempt(conn: &mut AnyConnection, message: Id, id: Id) -> QueryResult<()> {
    diesel::delete(attempts::table.find((message, id))).execute(conn).map(drop)
}

/// One of a content's messages is final: the content may go when its time comes and none waits.
pub fn release_content(conn: &mut AnyConnection, content: Id) -> QueryResult<()> {
    release_contents(conn, &BTreeMap::from([(content, 1)]))
}

/// The same for as many messages of each content.
pub fn release_contents(conn: &mut AnyConnection, ended: &BTreeMap<Id, i32>) -> QueryResult<()> {
    if let Some(conn) = with_row_locks(conn) {
        // Messages of one request end in several transactions at once: the contents they share are locked in one order.
        let shared = contents::table.filter(one_of(contents::id, ended.keys().copied())).order(contents::id);
        shared.select(contents::id).for_no_key_update().load::<Id>(conn)?;
    }
    let row = |(id, count): (&Id, &i32)| vec![bind::<Binary>(*id), bind::<Integer>(*count)];
    for_rows(
        conn,
        "WITH ended (id, n) AS (",
        &ended.iter().map(row).collect::<Vec<_>>(),
        ") UPDATE contents SET waiting = waiting - ended.n FROM ended WHERE contents.id = ended.id",
    )
}

/// Keeps a message's row as it is until the transaction ends. On SQLite the transaction itself is the lock.
pub fn lock(conn: &mut AnyConnection, id: Id) -> QueryResult<()> {
    let Some(conn) = with_row_locks(conn) else { return Ok(()) };
    let row = messages::table.find(id).select(messages::id);
    row.for_no_key_update().load::<Id>(conn).map(drop)
}

/// Purges up to `limit` bodies whose time has come, and their attachments; answers how many rows went.
pub fn purge_contents(conn: &mut AnyConnection, now: NaiveDateTime, limit: i64) -> QueryResult<usize> {
    let bodies: Vec<(Id, Id)> = contents::table
        .filter(contents::purge_at.le(now))
        // Written out and not bound, so that SQLite knows its index of contents that nobody waits for to fit.
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("waiting = 0"))
        .limit(limit)
        .select((contents::id, contents::request_id))
        .load(conn)?;
    let (ids, requests): (Vec<Id>, Vec<Id>) = bodies.into_iter().unzip();
    let mut gone = diesel::delete(contents::table.filter(one_of(contents::id, ids))).execute(conn)?;
    let alive: Vec<Id> = contents::table
        .filter(one_of(contents::request_id, requests.clone()))
        .select(contents::request_id)
        .load(conn)?;
    let done: Vec<Id> = requests.into_iter().filter(|request| !alive.contains(request)).collect();
    gone += diesel::delete(attachments::table.filter(one_of(attachments::request_id, done))).execute(conn)?;
    Ok(gone)
}

/// Up to `limit` messages whose time has come, but for those between the ids of `leaving`: from the first, before the
/// second.
pub fn past_retention(
    conn: &mut AnyConnection,
    now: NaiveDateTime,
    leaving: &[(Id, Id)],
    limit: i64,
) -> QueryResult<Vec<Message>> {
    let mut query = messages::table.filter(messages::purge_at.le(now)).select(Message::as_select()).into_boxed();
    for (first, end) in leaving {
        query = query.filter(messages::id.lt(*first).or(messages::id.ge(*end)));
    }
    query.limit(limit).load(conn)
}

/// Removes messages with their stories; answers how many went.
pub fn remove(conn: &mut AnyConnection, ids: &[Id]) -> QueryResult<usize> {
    diesel::delete(attempts::table.filter(one_of(attempts::message_id, ids.to_vec()))).execute(conn)?;
    diesel::delete(message_events::table.filter(one_of(message_events::message_id, ids.to_vec()))).execute(conn)?;
    diesel::delete(messages::table.filter(one_of(messages::id, ids.to_vec()))).execute(conn)
}
