//! Tries to sign in, by the digest of what is throttled: an address, an e-mail, a device.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::Timestamp;

use super::AnyConnection;
use super::kept::one_of;
use super::portable::delete_some;
use super::schema::sign_in_failures;
use crate::domain::ids::Id;

/// How many tries `subject` made after the first instant and until the second.
pub fn count(
    conn: &mut AnyConnection,
    subject: &[u8],
    (since, until): (NaiveDateTime, NaiveDateTime),
) -> QueryResult<i64> {
    sign_in_failures::table
        .filter(sign_in_failures::subject.eq(subject))
        .filter(sign_in_failures::at.gt(since))
        .filter(sign_in_failures::at.le(until))
        .count()
        .get_result(conn)
}

pub fn insert(conn: &mut AnyConnection, id: Id, subject: &[u8], at: NaiveDateTime) -> QueryResult<()> {
    diesel::insert_into(sign_in_failures::table)
        .values((sign_in_failures::id.eq(id), sign_in_failures::subject.eq(subject), sign_in_failures::at.eq(at)))
        .execute(conn)
        .map(drop)
}

/// Takes single tries back: they succeeded.
pub fn delete(conn: &mut AnyConnection, ids: &[Id]) -> QueryResult<()> {
    diesel::delete(sign_in_failures::table.filter(one_of(sign_in_failures::id, ids.to_vec()))).execute(conn).map(drop)
}

/// Forgets every try of `subject`.
pub fn forget(conn: &mut AnyConnection, subject: &[u8]) -> QueryResult<()> {
    diesel::delete(sign_in_failures::table.filter(sign_in_failures::subject.eq(subject))).execute(conn).map(drop)
}

/// Removes what no longer counts.
pub fn purge(conn: &mut AnyConnection, before: NaiveDateTime, limit: i64) -> QueryResult<usize> {
    delete_some!(conn, "sign_in_failures", "at < $1", Timestamp, before, limit)
}

/// Orders tries at one subject on PostgreSQL, so that a hundred at once count one another; on SQLite the write
/// transaction already does.
pub fn lock(conn: &mut AnyConnection, subject: &[u8]) -> QueryResult<()> {
    let AnyConnection::Pg(conn) = conn else { return Ok(()) };
    let key = i64::from_be_bytes(subject.get(..8).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default());
    diesel::sql_query("SELECT pg_advisory_xact_lock($1)")
        .bind::<diesel::sql_types::BigInt, _>(key)
        .execute(conn)
        .map(drop)
}
