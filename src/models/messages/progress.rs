//! What becomes of messages: where they stand, and how their attempts ended.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Integer, Nullable, Text, Timestamp};

use super::Attempt;
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::kept::{bind, for_rows, one_of};
use crate::models::schema::{attempts, messages};

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
