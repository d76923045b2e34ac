//! What bounds an account beside its monthly cap, and the exact counts that those bounds need.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer, Timestamp};

use super::AnyConnection;
use super::kept::{kept, one_of};
use super::portable::delete_some;
use super::schema::{cap_alerts, pool_counters, sending_limits, usage_hours};
use crate::domain::ids::Id;

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = sending_limits)]
pub struct LimitsRow {
    pub account_id: Id,
    pub at_cap: String,
    pub hold_days: i32,
    pub daily: i64,
    pub hourly: i64,
    pub sends_nothing: bool,
    pub alerts: String,
    /// Of a parent: messages a period of all its accounts together; 0 is no cap.
    pub pool: i64,
    pub updated_at: NaiveDateTime,
}

/// A share of a cap that was told.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = cap_alerts)]
pub struct Told {
    pub account_id: Id,
    pub period_id: Id,
    pub percent: i32,
    pub told_at: NaiveDateTime,
}

pub fn find(conn: &mut AnyConnection, account: Id) -> QueryResult<Option<LimitsRow>> {
    sending_limits::table.find(account).select(LimitsRow::as_select()).first(conn).optional()
}

/// The rows that exist among `accounts`.
pub fn find_many(conn: &mut AnyConnection, accounts: &[Id]) -> QueryResult<Vec<LimitsRow>> {
    sending_limits::table
        .filter(one_of(sending_limits::account_id, accounts.to_vec()))
        .select(LimitsRow::as_select())
        .load(conn)
}

/// Writes the row of an account. The caller holds the account's lock.
pub fn save(conn: &mut AnyConnection, row: &LimitsRow) -> QueryResult<()> {
    let changed = diesel::update(sending_limits::table.find(row.account_id)).set(row).execute(conn)?;
    if changed == 0 {
        diesel::insert_into(sending_limits::table).values(row).execute(conn)?;
    }
    Ok(())
}

/// What an account accepted in an hour since 1970.
pub fn used_in_hour(conn: &mut AnyConnection, account: Id, hour: i64) -> QueryResult<i64> {
    let used: Option<i64> =
        usage_hours::table.find((account, hour)).select(usage_hours::accepted).first(conn).optional()?;
    Ok(used.unwrap_or(0))
}

pub fn add_hour(conn: &mut AnyConnection, account: Id, hour: i64, accepted: i64) -> QueryResult<()> {
    kept(
        "INSERT INTO usage_hours (account_id, hour, accepted) VALUES ($1, $2, $3) \
         ON CONFLICT (account_id, hour) DO UPDATE SET accepted = usage_hours.accepted + excluded.accepted",
    )
    .bind::<Binary, _>(account)
    .bind::<BigInt, _>(hour)
    .bind::<BigInt, _>(accepted)
    .execute(conn)
    .map(drop)
}

/// Sets the count of an hour, when an hourly cap begins within it.
pub fn set_hour(conn: &mut AnyConnection, account: Id, hour: i64, accepted: i64) -> QueryResult<()> {
    kept(
        "INSERT INTO usage_hours (account_id, hour, accepted) VALUES ($1, $2, $3) \
         ON CONFLICT (account_id, hour) DO UPDATE SET accepted = excluded.accepted",
    )
    .bind::<Binary, _>(account)
    .bind::<BigInt, _>(hour)
    .bind::<BigInt, _>(accepted)
    .execute(conn)
    .map(drop)
}

/// Counts what was released in an hour of what was accepted before it, capped or not: no message tells that hour.
pub fn add_released(conn: &mut AnyConnection, account: Id, hour: i64, released: i64) -> QueryResult<()> {
    kept(
        "INSERT INTO usage_hours (account_id, hour, accepted, released) VALUES ($1, $2, 0, $3) \
         ON CONFLICT (account_id, hour) DO UPDATE SET released = usage_hours.released + excluded.released",
    )
    .bind::<Binary, _>(account)
    .bind::<BigInt, _>(hour)
    .bind::<BigInt, _>(released)
    .execute(conn)
    .map(drop)
}

/// What was counted by [`add_released`].
pub fn released_in_hour(conn: &mut AnyConnection, account: Id, hour: i64) -> QueryResult<i64> {
    let released: Option<i64> =
        usage_hours::table.find((account, hour)).select(usage_hours::released).first(conn).optional()?;
    Ok(released.unwrap_or(0))
}

/// Removes hours before `hour`.
pub fn purge_hours(conn: &mut AnyConnection, hour: i64, limit: i64) -> QueryResult<usize> {
    delete_some!(conn, "usage_hours", "hour < $1", BigInt, hour, limit)
}

#[derive(QueryableByName)]
struct Pool {
    #[diesel(sql_type = BigInt)]
    accepted: i64,
}

/// What a parent's accounts used together of their pool in a period: 0 when nothing was counted yet.
pub fn pool_used(conn: &mut AnyConnection, parent: Id, period: Id) -> QueryResult<i64> {
    let used: Option<i64> =
        pool_counters::table.find((parent, period)).select(pool_counters::accepted).first(conn).optional()?;
    Ok(used.unwrap_or(0))
}

/// Locks the count of a parent's period and answers it. Parents in the order of their ids.
pub fn lock_pool(conn: &mut AnyConnection, parent: Id, period: Id) -> QueryResult<i64> {
    add_pool(conn, parent, period, 0)
}

/// Adds to the count of a parent's period; answers what it is then.
pub fn add_pool(conn: &mut AnyConnection, parent: Id, period: Id, accepted: i64) -> QueryResult<i64> {
    let pool: Pool = kept(
        "INSERT INTO pool_counters (parent_id, period_id, accepted) VALUES ($1, $2, $3) \
         ON CONFLICT (parent_id, period_id) DO UPDATE SET accepted = pool_counters.accepted + excluded.accepted \
         RETURNING accepted",
    )
    .bind::<Binary, _>(parent)
    .bind::<Binary, _>(period)
    .bind::<BigInt, _>(accepted)
    .get_result(conn)?;
    Ok(pool.accepted)
}

/// Counts a parent's period anew from its accounts' counters, when a pool cap begins within it. The caller holds the
/// parent's lock, so that nobody accepts meanwhile: the database adds up, in one read of an index.
pub fn recount_pool(conn: &mut AnyConnection, parent: Id, period: Id) -> QueryResult<i64> {
    let counted: Pool = kept(
        "SELECT CAST(COALESCE(SUM(accepted), 0) AS BIGINT) AS accepted FROM counters WHERE parent_id = $1 AND period_id = $2",
    )
    .bind::<Binary, _>(parent)
    .bind::<Binary, _>(period)
    .get_result(conn)?;
    diesel::delete(pool_counters::table.find((parent, period))).execute(conn)?;
    add_pool(conn, parent, period, counted.accepted)
}

/// Remembers that a share of a cap was told in a period; answers whether it was not before.
pub fn tell(conn: &mut AnyConnection, told: &Told) -> QueryResult<bool> {
    let rows = kept(
        "INSERT INTO cap_alerts (account_id, period_id, percent, told_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (account_id, period_id, percent) DO NOTHING",
    )
    .bind::<Binary, _>(told.account_id)
    .bind::<Binary, _>(told.period_id)
    .bind::<Integer, _>(told.percent)
    .bind::<Timestamp, _>(told.told_at)
    .execute(conn)?;
    Ok(rows > 0)
}

/// Arms the shares of a cap that are not among `reached`, so that their next crossing is told.
pub fn rearm(conn: &mut AnyConnection, account: Id, period: Id, reached: &[i32]) -> QueryResult<()> {
    diesel::delete(
        cap_alerts::table
            .filter(cap_alerts::account_id.eq(account))
            .filter(cap_alerts::period_id.eq(period))
            .filter(cap_alerts::percent.ne_all(reached.to_vec())),
    )
    .execute(conn)
    .map(drop)
}
