//! Messages, what they said, and their story. Bodies live in tables of their own and go by retention.

mod list;
mod progress;
mod retention;
mod rows;

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::AnyConnection;
use super::kept::one_of;
use super::portable::with_row_locks;
use super::schema::{attachments, attempts, contents, message_events, messages};
use crate::domain::ids::Id;

pub use list::{Filter, page};
pub use progress::{
    Progress, Release, advance, finish_attempts, lapse_attempts, release_held, remove_attempt, set_progress,
};
pub use retention::{past_retention, purge_contents, remove};
pub use rows::{
    Attachment, Attempt, Content, Event, Message, insert, insert_attachments, insert_attempts, insert_contents,
    insert_events,
};

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

/// Keeps a message's row as it is until the transaction ends. On SQLite the transaction itself is the lock.
pub fn lock(conn: &mut AnyConnection, id: Id) -> QueryResult<()> {
    let Some(conn) = with_row_locks(conn) else { return Ok(()) };
    let row = messages::table.find(id).select(messages::id);
    row.for_no_key_update().load::<Id>(conn).map(drop)
}
