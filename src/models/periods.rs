//! Billing periods of a parent: rows, so that a new anchor day or time zone applies from the next one.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Integer, Text, Timestamp};

use super::AnyConnection;
use super::kept::kept;
use super::schema::periods;
use crate::domain::ids::Id;

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = periods)]
pub struct Period {
    pub id: Id,
    pub account_id: Id,
    /// First instant of the period.
    pub start_at: NaiveDateTime,
    /// First instant after it.
    pub end_at: NaiveDateTime,
    pub time_zone: String,
    pub anchor_day: i32,
    pub created_at: NaiveDateTime,
}

/// Writes a period unless another node wrote the one that starts then; read it back to know which.
pub fn insert(conn: &mut AnyConnection, period: &Period) -> QueryResult<()> {
    kept(
        "INSERT INTO periods (id, account_id, start_at, end_at, time_zone, anchor_day, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account_id, start_at) DO NOTHING",
    )
    .bind::<Binary, _>(period.id)
    .bind::<Binary, _>(period.account_id)
    .bind::<Timestamp, _>(period.start_at)
    .bind::<Timestamp, _>(period.end_at)
    .bind::<Text, _>(&period.time_zone)
    .bind::<Integer, _>(period.anchor_day)
    .bind::<Timestamp, _>(period.created_at)
    .execute(conn)
    .map(drop)
}

/// The period of `parent` that contains `at`.
pub fn containing(conn: &mut AnyConnection, parent: Id, at: NaiveDateTime) -> QueryResult<Option<Period>> {
    periods::table
        .filter(periods::account_id.eq(parent))
        .filter(periods::start_at.le(at))
        .filter(periods::end_at.gt(at))
        .order(periods::start_at.desc())
        .select(Period::as_select())
        .first(conn)
        .optional()
}

/// The newest period of `parent`.
pub fn latest(conn: &mut AnyConnection, parent: Id) -> QueryResult<Option<Period>> {
    periods::table
        .filter(periods::account_id.eq(parent))
        .order(periods::start_at.desc())
        .select(Period::as_select())
        .first(conn)
        .optional()
}

/// The periods of `parent`, newest first.
pub fn all(conn: &mut AnyConnection, parent: Id) -> QueryResult<Vec<Period>> {
    periods::table
        .filter(periods::account_id.eq(parent))
        .order(periods::start_at.desc())
        .limit(36)
        .select(Period::as_select())
        .load(conn)
}

pub fn find(conn: &mut AnyConnection, parent: Id, id: Id) -> QueryResult<Option<Period>> {
    periods::table.find(id).filter(periods::account_id.eq(parent)).select(Period::as_select()).first(conn).optional()
}

/// Every parent's period at `at`: parent and period.
pub fn current(conn: &mut AnyConnection, at: NaiveDateTime) -> QueryResult<Vec<(Id, Id)>> {
    periods::table
        .filter(periods::start_at.le(at))
        .filter(periods::end_at.gt(at))
        .order(periods::start_at)
        .select((periods::account_id, periods::id))
        .load(conn)
}
