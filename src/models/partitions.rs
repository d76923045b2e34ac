//! On PostgreSQL messages, their events and their attempts lie in a partition for each day (UTC). The three of a day are
//! made together and go together. On SQLite there are none, and nothing here does anything.
//!
//! A default partition takes what has no day of its own, so DETACH CONCURRENTLY is not to be had: PostgreSQL refuses it
//! beside a default. Making and dropping lock the tables for a moment instead, in one transaction, in the order in
//! which accepting takes them. They give up when a lock is not free within [`PATIENCE`], which is shorter than the
//! second after which PostgreSQL looks for deadlocks: who accepts waits that long at most, and never fails.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use super::AnyConnection;
use super::messages::Message;
use super::schema::{held_messages, messages, queue};
use crate::domain::ids::Id;

/// Milliseconds for a lock, and for a whole statement.
const PATIENCE: &str = "SET LOCAL lock_timeout = 200; SET LOCAL statement_timeout = 2000;";

/// Each with the column that its partitions go by.
const TABLES: [(&str, &str); 3] = [("messages", "id"), ("message_events", "message_id"), ("attempts", "message_id")];

/// Orders those who make or drop partitions.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(7226797);";

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    found: bool,
}

/// The days that have partitions of their own, the oldest first.
pub fn days(conn: &mut AnyConnection) -> QueryResult<Vec<NaiveDate>> {
    if !conn.has_partitions() {
        return Ok(Vec::new());
    }
    let rows: Vec<Named> = diesel::sql_query(
        "SELECT c.relname::text AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
         WHERE i.inhparent = 'messages'::regclass ORDER BY 1",
    )
    .load(conn)?;
    let day = |row: &Named| NaiveDate::parse_from_str(row.name.strip_prefix("messages_d")?, "%Y%m%d").ok();
    Ok(rows.iter().filter_map(day).collect())
}

/// The ids of a day: from the first, before the second.
#[must_use]
pub fn ids_of(day: NaiveDate) -> (Id, Id) {
    let at = |day: NaiveDate| Id::first_at(day.and_time(NaiveTime::MIN).and_utc());
    (at(day), at(day + Days::new(1)))
}

fn name(table: &str, day: NaiveDate) -> String {
    format!("{table}_d{}", day.format("%Y%m%d"))
}

/// A bound as PostgreSQL reads it: the six bytes of the time, which sort before every id that begins with them.
fn bound(id: Id) -> String {
    format!("'\\x{}'", &id.0.simple().to_string()[..12])
}

/// Makes the partitions of a day, in a transaction of its own; false when they are there already, or when the default
/// partition holds rows of that day: those stay where they are, and go in batches.
///
/// # Errors
/// The database's, also when a lock was not free: then nothing was made, and a later try does it.
pub fn make(conn: &mut AnyConnection, day: NaiveDate) -> QueryResult<bool> {
    if !conn.has_partitions() || days(conn)?.contains(&day) {
        return Ok(false);
    }
    conn.batch_execute(&format!("{PATIENCE}{ONE_AT_A_TIME}"))?;
    // Attaching alone would let rows go on being written, and one on its way into the default partition would find that
    // it no longer belongs there, and fail. So who writes waits, and then finds the new partition.
    lock(conn, "SHARE ROW EXCLUSIVE")?;
    let (first, end) = ids_of(day);
    let (low, high) = (bound(first), bound(end));
    for (table, key) in TABLES {
        let question = format!(
            "SELECT to_regclass('{}') IS NOT NULL OR EXISTS \
             (SELECT 1 FROM {table}_default WHERE {key} >= {low} AND {key} < {high}) AS found",
            name(table, day)
        );
        if diesel::sql_query(question).get_result::<Found>(conn)?.found {
            return Ok(false);
        }
    }
    for (table, _) in TABLES {
        let part = name(table, day);
        conn.batch_execute(&format!(
            "CREATE TABLE {part} (LIKE {table} INCLUDING ALL); \
             ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES FROM ({low}) TO ({high});"
        ))?;
    }
    Ok(true)
}

fn lock(conn: &mut AnyConnection, mode: &str) -> QueryResult<()> {
    TABLES.iter().try_for_each(|(table, _)| conn.batch_execute(&format!("LOCK TABLE ONLY {table} IN {mode} MODE")))
}

/// When the last message of a day with partitions goes by retention; none where the day is empty.
pub fn last_purge(conn: &mut AnyConnection, day: NaiveDate) -> QueryResult<Option<NaiveDateTime>> {
    let (first, end) = ids_of(day);
    messages::table
        .filter(messages::id.ge(first))
        .filter(messages::id.lt(end))
        .order(messages::purge_at.desc())
        .select(messages::purge_at)
        .first(conn)
        .optional()
}

/// Whether a message of the day still waits: in the queue, or at the cap.
pub fn any_waiting(conn: &mut AnyConnection, day: NaiveDate) -> QueryResult<bool> {
    let (first, end) = ids_of(day);
    let queued = queue::table.filter(queue::message_id.ge(first)).filter(queue::message_id.lt(end));
    let queued: Option<Id> = queued.select(queue::message_id).first(conn).optional()?;
    let held = held_messages::table
        .filter(held_messages::message_id.ge(first))
        .filter(held_messages::message_id.lt(end))
        .select(held_messages::message_id)
        .first::<Id>(conn)
        .optional()?;
    Ok(queued.is_some() || held.is_some())
}

/// Up to `limit` messages of a day after `after`, by id.
pub fn page(conn: &mut AnyConnection, day: NaiveDate, after: Option<Id>, limit: i64) -> QueryResult<Vec<Message>> {
    let (first, end) = ids_of(day);
    messages::table
        .filter(messages::id.gt(after.unwrap_or(first)))
        .filter(messages::id.lt(end))
        .order(messages::id)
        .limit(limit)
        .select(Message::as_select())
        .load(conn)
}

/// Drops the partitions of a day, in a transaction of its own; false when something in them is to be kept after all.
///
/// # Errors
/// The database's, also when a lock was not free: then all is as it was, and a later try does it.
pub fn drop_day(conn: &mut AnyConnection, day: NaiveDate, now: DateTime<Utc>) -> QueryResult<bool> {
    conn.batch_execute(&format!("{PATIENCE}{ONE_AT_A_TIME}"))?;
    lock(conn, "ACCESS EXCLUSIVE")?;
    // Looked at again under the locks: nothing changes any more.
    if last_purge(conn, day)?.is_some_and(|last| last > now.naive_utc()) || any_waiting(conn, day)? {
        return Ok(false);
    }
    let parts: Vec<String> = TABLES.iter().map(|(table, _)| name(table, day)).collect();
    conn.batch_execute(&format!("DROP TABLE {}", parts.join(", ")))?;
    Ok(true)
}
