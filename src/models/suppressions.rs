//! Suppressions: addresses that an account must not mail, per domain, until they expire.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Text, Timestamp};

use super::AnyConnection;
use super::schema::suppressions;
use crate::domain::ids::Id;

/// Every domain of the account, later added ones included.
pub const EVERY_DOMAIN: &str = "*";

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = suppressions)]
pub struct Suppression {
    pub id: Id,
    pub account_id: Id,
    pub email: String,
    pub email_lower: String,
    pub domain: String,
    pub reason: String,
    pub created_at: NaiveDateTime,
    pub expires_at: NaiveDateTime,
}

/// Which of `emails` (lower case) an account must not mail from `domain` at `now`.
pub fn suppressed(
    conn: &mut AnyConnection,
    account: Id,
    domain: &str,
    emails: &[String],
    now: NaiveDateTime,
) -> QueryResult<Vec<String>> {
    suppressions::table
        .filter(suppressions::account_id.eq(account))
        .filter(suppressions::email_lower.eq_any(emails.to_vec()))
        .filter(suppressions::domain.eq_any(vec![domain.to_owned(), EVERY_DOMAIN.to_owned()]))
        .filter(suppressions::expires_at.gt(now))
        .select(suppressions::email_lower)
        .load(conn)
}

/// Writes a suppression; one that is there already gets the later end and the newer reason.
pub fn upsert(conn: &mut AnyConnection, row: &Suppression) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO suppressions (id, account_id, email, email_lower, domain, reason, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (account_id, email_lower, domain) DO UPDATE SET reason = excluded.reason, \
         expires_at = CASE WHEN excluded.expires_at > suppressions.expires_at THEN excluded.expires_at ELSE suppressions.expires_at END",
    )
    .bind::<Binary, _>(row.id)
    .bind::<Binary, _>(row.account_id)
    .bind::<Text, _>(&row.email)
    .bind::<Text, _>(&row.email_lower)
    .bind::<Text, _>(&row.domain)
    .bind::<Text, _>(&row.reason)
    .bind::<Timestamp, _>(row.created_at)
    .bind::<Timestamp, _>(row.expires_at)
    .execute(conn)
    .map(drop)
}
