//! Idempotency keys of the API: a lease while the work runs, then the answer that retries get.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use diesel::sql_types::{Binary, Text, Timestamp};

use super::AnyConnection;
use super::kept::kept;
use super::portable::delete_some;
use super::schema::idempotency_keys;
use crate::domain::clocks::farthest;
use crate::domain::ids::Id;

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = idempotency_keys)]
pub struct Record {
    pub account_id: Id,
    pub key: String,
    pub fingerprint: Vec<u8>,
    pub lease_until: NaiveDateTime,
    pub lease_owner: Id,
    /// The answer's status once it is known.
    pub status: Option<i32>,
    /// The answer's body, sealed.
    pub body: Option<Vec<u8>>,
    pub expires_at: NaiveDateTime,
}

/// A lease to take.
pub struct Lease<'a> {
    pub account_id: Id,
    pub key: &'a str,
    pub fingerprint: &'a [u8],
    pub owner: Id,
    pub until: NaiveDateTime,
}

/// Takes the lease unless the key is known and neither expired nor abandoned; answers whether it was taken. A lease that
/// ends later than its holder can have meant was taken by a clock that was ahead, and is as good as over.
pub fn take(conn: &mut AnyConnection, lease: &Lease<'_>, now: NaiveDateTime) -> QueryResult<bool> {
    let taken = kept(
        "INSERT INTO idempotency_keys (account_id, key, fingerprint, lease_until, lease_owner, status, body, expires_at) \
         VALUES ($1, $2, $3, $4, $5, NULL, NULL, $4) \
         ON CONFLICT (account_id, key) DO UPDATE SET fingerprint = excluded.fingerprint, lease_until = excluded.lease_until, \
         lease_owner = excluded.lease_owner, status = NULL, body = NULL, expires_at = excluded.expires_at \
         WHERE idempotency_keys.expires_at <= $6 \
         OR (idempotency_keys.status IS NULL AND idempotency_keys.expires_at > $7)",
    )
    .bind::<Binary, _>(lease.account_id)
    .bind::<Text, _>(lease.key)
    .bind::<Binary, _>(lease.fingerprint)
    .bind::<Timestamp, _>(lease.until)
    .bind::<Binary, _>(lease.owner)
    .bind::<Timestamp, _>(now)
    .bind::<Timestamp, _>(farthest(lease.until, TimeDelta::zero()))
    .execute(conn)?;
    Ok(taken > 0)
}

pub fn find(conn: &mut AnyConnection, account: Id, key: &str) -> QueryResult<Option<Record>> {
    idempotency_keys::table.find((account, key)).select(Record::as_select()).first(conn).optional()
}

/// Stores the answer if `owner` still holds the lease; answers whether it did.
pub fn complete(
    conn: &mut AnyConnection,
    (account, key, owner): (Id, &str, Id),
    status: i32,
    body: &[u8],
    expires_at: NaiveDateTime,
) -> QueryResult<bool> {
    let rows = diesel::update(
        idempotency_keys::table
            .filter(idempotency_keys::account_id.eq(account))
            .filter(idempotency_keys::key.eq(key))
            .filter(idempotency_keys::lease_owner.eq(owner))
            .filter(idempotency_keys::status.is_null()),
    )
    .set((
        idempotency_keys::status.eq(Some(status)),
        idempotency_keys::body.eq(Some(body)),
        idempotency_keys::expires_at.eq(expires_at),
    ))
    .execute(conn)?;
    Ok(rows > 0)
}

/// Gives a lease back, so that a retry runs again.
pub fn release(conn: &mut AnyConnection, account: Id, key: &str, owner: Id) -> QueryResult<()> {
    diesel::delete(
        idempotency_keys::table
            .filter(idempotency_keys::account_id.eq(account))
            .filter(idempotency_keys::key.eq(key))
            .filter(idempotency_keys::lease_owner.eq(owner))
            .filter(idempotency_keys::status.is_null()),
    )
    .execute(conn)
    .map(drop)
}

/// Forgets what expired; answers how many.
pub fn purge(conn: &mut AnyConnection, now: NaiveDateTime, limit: i64) -> QueryResult<usize> {
    delete_some!(conn, "idempotency_keys", "expires_at <= $1", Timestamp, now, limit)
}
