//! The exact counter of an account in a billing period: caps are granted from it, money is made from it.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Timestamp};

use super::AnyConnection;
use super::schema::counters;
use crate::domain::ids::Id;

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = counters)]
pub struct Counter {
    pub account_id: Id,
    pub period_id: Id,
    pub parent_id: Id,
    pub accepted: i64,
    pub delivered: i64,
    pub deferred: i64,
    pub bounced: i64,
    pub failed: i64,
    pub suppressed: i64,
    pub complained: i64,
    pub last_activity_at: Option<NaiveDateTime>,
    pub dirty: bool,
    /// When members were told that the rate is too high; `None` while it is not.
    pub bounces_warned_at: Option<NaiveDateTime>,
    pub complaints_warned_at: Option<NaiveDateTime>,
}

/// What one transaction adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    pub accepted: i64,
    pub delivered: i64,
    pub deferred: i64,
    pub bounced: i64,
    pub failed: i64,
    pub suppressed: i64,
    pub complained: i64,
}

impl std::ops::AddAssign for Delta {
    fn add_assign(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.delivered += other.delivered;
        self.deferred += other.deferred;
        self.bounced += other.bounced;
        self.failed += other.failed;
        self.suppressed += other.suppressed;
        self.complained += other.complained;
    }
}

pub fn find(conn: &mut AnyConnection, account: Id, period: Id) -> QueryResult<Option<Counter>> {
    counters::table.find((account, period)).select(Counter::as_select()).first(conn).optional()
}

/// What an account used of its cap in a period: 0 when it has no counter yet.
pub fn used(conn: &mut AnyConnection, account: Id, period: Id) -> QueryResult<i64> {
    let used: Option<i64> =
        counters::table.find((account, period)).select(counters::accepted).first(conn).optional()?;
    Ok(used.unwrap_or(0))
}

/// Every counter of a parent's period: its own, its children's, removed ones'.
pub fn of_period(conn: &mut AnyConnection, parent: Id, period: Id) -> QueryResult<Vec<Counter>> {
    counters::table
        .filter(counters::parent_id.eq(parent))
        .filter(counters::period_id.eq(period))
        .order(counters::account_id)
        .select(Counter::as_select())
        .load(conn)
}

/// Who accepted anything in a parent's period, and how much, by account.
pub fn volumes(conn: &mut AnyConnection, parent: Id, period: Id) -> QueryResult<Vec<(Id, i64)>> {
    counters::table
        .filter(counters::parent_id.eq(parent))
        .filter(counters::period_id.eq(period))
        .filter(counters::accepted.gt(0))
        .order(counters::account_id)
        .select((counters::account_id, counters::accepted))
        .load(conn)
}

/// Adds `delta` to the counter of an account and period, making it where there is none.
pub fn add(
    conn: &mut AnyConnection,
    (account, period, parent): (Id, Id, Id),
    delta: Delta,
    active_at: Option<NaiveDateTime>,
) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO counters (account_id, period_id, parent_id, accepted, delivered, deferred, bounced, failed, suppressed, \
         complained, last_activity_at, dirty) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, TRUE) \
         ON CONFLICT (account_id, period_id) DO UPDATE SET accepted = counters.accepted + excluded.accepted, \
         delivered = counters.delivered + excluded.delivered, deferred = counters.deferred + excluded.deferred, \
         bounced = counters.bounced + excluded.bounced, failed = counters.failed + excluded.failed, \
         suppressed = counters.suppressed + excluded.suppressed, complained = counters.complained + excluded.complained, \
         last_activity_at = COALESCE(excluded.last_activity_at, counters.last_activity_at), dirty = TRUE",
    )
    .bind::<Binary, _>(account)
    .bind::<Binary, _>(period)
    .bind::<Binary, _>(parent)
    .bind::<BigInt, _>(delta.accepted)
    .bind::<BigInt, _>(delta.delivered)
    .bind::<BigInt, _>(delta.deferred)
    .bind::<BigInt, _>(delta.bounced)
    .bind::<BigInt, _>(delta.failed)
    .bind::<BigInt, _>(delta.suppressed)
    .bind::<BigInt, _>(delta.complained)
    .bind::<Nullable<Timestamp>, _>(active_at)
    .execute(conn)
    .map(drop)
}

/// Remembers that members were told of a rate, or forgets it when the rate has fallen.
pub fn set_warned(
    conn: &mut AnyConnection,
    account: Id,
    period: Id,
    bounces: Option<NaiveDateTime>,
    complaints: Option<NaiveDateTime>,
) -> QueryResult<()> {
    diesel::update(counters::table.find((account, period)))
        .set((counters::bounces_warned_at.eq(bounces), counters::complaints_warned_at.eq(complaints)))
        .execute(conn)
        .map(drop)
}

/// Marks an account's counters to be flushed into its summary.
pub fn mark_dirty(conn: &mut AnyConnection, account: Id, period: Id) -> QueryResult<()> {
    diesel::update(counters::table.find((account, period))).set(counters::dirty.eq(true)).execute(conn).map(drop)
}

/// The accounts of up to `limit` counters that changed since the last flush.
pub fn dirty(conn: &mut AnyConnection, limit: i64) -> QueryResult<Vec<Id>> {
    counters::table
        // Without a value to bind, so that SQLite knows its index of dirty counters to fit.
        .filter(counters::dirty)
        .order(counters::account_id)
        .limit(limit)
        .select(counters::account_id)
        .load(conn)
}

/// Takes the counters of `accounts` that changed since the last flush and marks them clean.
pub fn take_dirty(conn: &mut AnyConnection, accounts: &[Id]) -> QueryResult<Vec<Counter>> {
    let keys: Vec<(Id, Id)> = counters::table
        .filter(counters::account_id.eq_any(accounts.to_vec()))
        .filter(counters::dirty)
        .order((counters::account_id, counters::period_id))
        .select((counters::account_id, counters::period_id))
        .load(conn)?;
    let mut rows = Vec::with_capacity(keys.len());
    for key in keys {
        // Marked before it is read: what is counted in between marks it again.
        diesel::update(counters::table.find(key)).set(counters::dirty.eq(false)).execute(conn)?;
        rows.push(counters::table.find(key).select(Counter::as_select()).first(conn)?);
    }
    Ok(rows)
}
