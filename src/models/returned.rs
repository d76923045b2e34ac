//! What came back: the reports that counted, what is left of messages that are gone, and what was refused.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Text, Timestamp};

use super::AnyConnection;
use super::kept::kept;
use super::portable::{delete_some, insert_many};
use super::schema::{departed, inbound_refusals, returned_reports};
use crate::domain::ids::Id;

/// A report that counted.
#[derive(Clone, Debug)]
pub struct Reported {
    pub message_id: Id,
    /// `bounce` or `complaint`.
    pub kind: &'static str,
    pub account_id: Id,
    pub sender_domain: String,
    /// SHA-256 of the address in lower case.
    pub recipient_digest: Vec<u8>,
    /// `hard`, `soft` or `none`: what it says about the address.
    pub weight: &'static str,
    pub at: NaiveDateTime,
}

/// What is left of a message that retention removed.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = departed)]
pub struct Departed {
    pub message_id: Id,
    pub account_id: Id,
    pub domain_id: Id,
    pub period_id: Id,
    pub day: String,
    pub sender_domain: String,
    pub recipient_sealed: Vec<u8>,
    pub status: String,
    pub left_at: NaiveDateTime,
}

/// Writes a report down; false when one of its kind is there already for the message.
pub fn insert(conn: &mut AnyConnection, row: &Reported) -> QueryResult<bool> {
    let rows = kept(
        "INSERT INTO returned_reports (message_id, kind, account_id, sender_domain, recipient_digest, weight, at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (message_id, kind) DO NOTHING",
    )
    .bind::<Binary, _>(row.message_id)
    .bind::<Text, _>(row.kind)
    .bind::<Binary, _>(row.account_id)
    .bind::<Text, _>(&row.sender_domain)
    .bind::<Binary, _>(&row.recipient_digest)
    .bind::<Text, _>(row.weight)
    .bind::<Timestamp, _>(row.at)
    .execute(conn)?;
    Ok(rows > 0)
}

/// Soft bounces of an address since `since`, of mail from one domain of an account.
pub fn soft_bounces(
    conn: &mut AnyConnection,
    account: Id,
    recipient_digest: &[u8],
    sender_domain: &str,
    since: NaiveDateTime,
) -> QueryResult<i64> {
    returned_reports::table
        .filter(returned_reports::account_id.eq(account))
        .filter(returned_reports::recipient_digest.eq(recipient_digest.to_vec()))
        .filter(returned_reports::sender_domain.eq(sender_domain.to_owned()))
        .filter(returned_reports::weight.eq("soft"))
        .filter(returned_reports::at.gt(since))
        .count()
        .get_result(conn)
}

/// Keeps what is left of messages.
pub fn insert_departed(conn: &mut AnyConnection, rows: &[Departed]) -> QueryResult<()> {
    insert_many!(conn, departed::table, rows)
}

/// Those of `messages` of which something is left.
pub fn departed_of(conn: &mut AnyConnection, messages: &[Id]) -> QueryResult<Vec<Id>> {
    departed::table.filter(departed::message_id.eq_any(messages.to_vec())).select(departed::message_id).load(conn)
}

pub fn find_departed(conn: &mut AnyConnection, message: Id) -> QueryResult<Option<Departed>> {
    departed::table.find(message).select(Departed::as_select()).first(conn).optional()
}

/// Removes what is left of messages that left before `left`, and reports that came before `reported`.
pub fn purge(conn: &mut AnyConnection, left: NaiveDateTime, reported: NaiveDateTime, limit: i64) -> QueryResult<usize> {
    let gone = delete_some!(&mut *conn, "departed", "left_at <= $1", Timestamp, left, limit)?;
    Ok(gone + delete_some!(conn, "returned_reports", "at <= $1", Timestamp, reported, limit)?)
}

/// Adds to what was refused for `reason` on `day` (`YYYY-MM-DD`, UTC).
pub fn count_refused(conn: &mut AnyConnection, day: &str, reason: &str, count: i64) -> QueryResult<()> {
    kept(
        "INSERT INTO inbound_refusals (day, reason, count) VALUES ($1, $2, $3) \
         ON CONFLICT (day, reason) DO UPDATE SET count = inbound_refusals.count + excluded.count",
    )
    .bind::<Text, _>(day)
    .bind::<Text, _>(reason)
    .bind::<BigInt, _>(count)
    .execute(conn)
    .map(drop)
}

/// What was refused since `day`: day, reason, how often; the newest first.
pub fn refused_since(conn: &mut AnyConnection, day: &str) -> QueryResult<Vec<(String, String, i64)>> {
    inbound_refusals::table
        .filter(inbound_refusals::day.ge(day))
        .order((inbound_refusals::day.desc(), inbound_refusals::reason))
        .select((inbound_refusals::day, inbound_refusals::reason, inbound_refusals::count))
        .load(conn)
}

/// Forgets what was refused before `day`.
pub fn purge_refused(conn: &mut AnyConnection, day: &str) -> QueryResult<usize> {
    diesel::delete(inbound_refusals::table.filter(inbound_refusals::day.lt(day))).execute(conn)
}
