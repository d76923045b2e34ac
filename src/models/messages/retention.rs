//! What goes with time: bodies first, then the messages with their stories.

use std::collections::HashSet;

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use diesel::sql_types::Binary;

use super::Message;
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::kept::{bind, load_each, one_of};
use crate::models::schema::{attachments, attempts, contents, message_events, messages};

/// When contents are looked at again whose time had come while a message still waited.
const LATER: TimeDelta = TimeDelta::minutes(10);

/// A content whose time has come.
#[derive(Queryable, Selectable)]
#[diesel(table_name = contents)]
struct Over {
    id: Id,
    account_id: Id,
    request_id: Id,
    last_message_id: Id,
    has_attachments: bool,
}

/// Purges up to `limit` bodies whose time has come and that no message still needs, and their attachments; answers how
/// many rows went or were put off.
pub fn purge_contents(conn: &mut AnyConnection, now: NaiveDateTime, limit: i64) -> QueryResult<usize> {
    let over: Vec<Over> =
        contents::table.filter(contents::purge_at.le(now)).limit(limit).select(Over::as_select()).load(conn)?;
    let needed = needed(conn, &over)?;
    let (later, over): (Vec<Over>, Vec<Over>) = over.into_iter().partition(|content| needed.contains(&content.id));
    let ids = |of: &[Over]| of.iter().map(|content| content.id).collect::<Vec<_>>();
    let mut done = diesel::update(contents::table.filter(one_of(contents::id, ids(&later))))
        .set(contents::purge_at.eq(now + LATER))
        .execute(conn)?;
    done += diesel::delete(contents::table.filter(one_of(contents::id, ids(&over)))).execute(conn)?;
    let with_files: Vec<Id> =
        over.iter().filter(|content| content.has_attachments).map(|content| content.request_id).collect();
    Ok(done + purge_attachments(conn, with_files)?)
}

#[derive(QueryableByName)]
struct Needed {
    #[diesel(sql_type = Binary)]
    content_id: Id,
}

/// Those of which a message has not reached its end (`MessageStatus::is_final`). Its messages lie between the content's
/// millisecond and the last.
fn needed(conn: &mut AnyConnection, over: &[Over]) -> QueryResult<HashSet<Id>> {
    let row = |content: &Over| {
        vec![
            bind::<Binary>(content.account_id),
            bind::<Binary>(Id::first_at(content.id.made_at())),
            bind::<Binary>(content.last_message_id),
            bind::<Binary>(content.id),
        ]
    };
    let found: Vec<Needed> = load_each(
        conn,
        "SELECT content_id FROM messages WHERE account_id = $1 AND id >= $2 AND id <= $3 AND content_id = $4 \
         AND status IN ('received', 'scheduled', 'held', 'deferred') LIMIT 1",
        &over.iter().map(row).collect::<Vec<_>>(),
    )?;
    Ok(found.into_iter().map(|found| found.content_id).collect())
}

/// Removes the attachments of those of `requests` that have no content any more.
fn purge_attachments(conn: &mut AnyConnection, requests: Vec<Id>) -> QueryResult<usize> {
    if requests.is_empty() {
        return Ok(0);
    }
    let alive: Vec<Id> = contents::table
        .filter(contents::has_attachments)
        .filter(one_of(contents::request_id, requests.clone()))
        .select(contents::request_id)
        .load(conn)?;
    let done: Vec<Id> = requests.into_iter().filter(|request| !alive.contains(request)).collect();
    diesel::delete(attachments::table.filter(one_of(attachments::request_id, done))).execute(conn)
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
