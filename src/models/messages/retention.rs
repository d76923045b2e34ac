//! What goes with time: bodies first, then the messages with their stories.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::Message;
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::kept::one_of;
use crate::models::schema::{attachments, attempts, contents, message_events, messages};

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
