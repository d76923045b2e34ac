//! Billing periods of a parent: rows, so that a new anchor day or time zone applies from the next one. Each begins where
//! the one before it ends. A while after its end a period is closed: nothing more counts in it.

use chrono::NaiveDateTime;
use diesel::dsl::max;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text, Timestamp};

use super::AnyConnection;
use super::kept::kept;
use super::schema::{accounts, periods};
use crate::domain::ids::Id;
use crate::domain::proration::Part;

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
    /// Of a short period: how many days it has of those that a full one would have had. `None` of a full one.
    pub days: Option<i32>,
    pub of_days: Option<i32>,
}

impl Period {
    /// The part of a full period that it is.
    #[must_use]
    pub fn part(&self) -> Part {
        let (days, of_days) = (self.days.map_or(0, i64::from), self.of_days.map_or(0, i64::from));
        Part::of(days, of_days)
    }
}

/// Writes a period unless another node wrote the one that starts then; read it back to know which.
pub fn insert(conn: &mut AnyConnection, period: &Period) -> QueryResult<()> {
    kept(
        "INSERT INTO periods (id, account_id, start_at, end_at, time_zone, anchor_day, created_at, days, of_days) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (account_id, start_at) DO NOTHING",
    )
    .bind::<Binary, _>(period.id)
    .bind::<Binary, _>(period.account_id)
    .bind::<Timestamp, _>(period.start_at)
    .bind::<Timestamp, _>(period.end_at)
    .bind::<Text, _>(&period.time_zone)
    .bind::<Integer, _>(period.anchor_day)
    .bind::<Timestamp, _>(period.created_at)
    .bind::<Nullable<Integer>, _>(period.days)
    .bind::<Nullable<Integer>, _>(period.of_days)
    .execute(conn)
    .map(drop)
}

/// The open period of `parent` that contains `at`.
pub fn containing(conn: &mut AnyConnection, parent: Id, at: NaiveDateTime) -> QueryResult<Option<Period>> {
    periods::table
        .filter(periods::account_id.eq(parent))
        .filter(periods::start_at.le(at))
        .filter(periods::end_at.gt(at))
        .filter(periods::closed_at.is_null())
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

/// The newest open period of `parent` that began at `at` or before; else its oldest open one.
pub fn nearest(conn: &mut AnyConnection, parent: Id, at: NaiveDateTime) -> QueryResult<Option<Period>> {
    let of_parent = || {
        periods::table
            .filter(periods::account_id.eq(parent))
            .filter(periods::closed_at.is_null())
            .select(Period::as_select())
    };
    let before = of_parent().filter(periods::start_at.le(at)).order(periods::start_at.desc()).first(conn).optional()?;
    match before {
        Some(period) => Ok(Some(period)),
        None => of_parent().order(periods::start_at).first(conn).optional(),
    }
}

/// The end of the newest period of each live parent whose newest one ended before `before`; longest ago first.
pub fn long_ended(conn: &mut AnyConnection, before: NaiveDateTime) -> QueryResult<Vec<(Id, NaiveDateTime)>> {
    let newest = max(periods::end_at);
    periods::table
        .inner_join(accounts::table.on(accounts::id.eq(periods::account_id)))
        .filter(accounts::deleted_at.is_null())
        .group_by(periods::account_id)
        .having(newest.lt(before))
        .order(newest)
        .select((periods::account_id, newest.assume_not_null()))
        .load(conn)
}

/// How many periods of `parent` begin at `from` or later.
pub fn count_from(conn: &mut AnyConnection, parent: Id, from: NaiveDateTime) -> QueryResult<usize> {
    let count: i64 = periods::table
        .filter(periods::account_id.eq(parent))
        .filter(periods::start_at.ge(from))
        .count()
        .get_result(conn)?;
    Ok(usize::try_from(count).unwrap_or(0))
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

/// Every parent's open period at `at`: parent and period.
pub fn current(conn: &mut AnyConnection, at: NaiveDateTime) -> QueryResult<Vec<(Id, Id)>> {
    periods::table
        .filter(periods::start_at.le(at))
        .filter(periods::end_at.gt(at))
        .filter(periods::closed_at.is_null())
        .order(periods::start_at)
        .select((periods::account_id, periods::id))
        .load(conn)
}

#[derive(QueryableByName)]
struct Parent {
    #[diesel(sql_type = Binary)]
    account_id: Id,
}

/// Up to `limit` parents with an open period that ended by `before`, though another follows it; the longest ended first.
pub fn to_be_closed(conn: &mut AnyConnection, before: NaiveDateTime, limit: i64) -> QueryResult<Vec<Id>> {
    let found: Vec<Parent> = diesel::sql_query(
        "SELECT account_id FROM periods WHERE end_at <= $1 AND closed_at IS NULL AND EXISTS (SELECT 1 FROM periods AS later \
         WHERE later.account_id = periods.account_id AND later.start_at >= periods.end_at) ORDER BY end_at LIMIT $2",
    )
    .bind::<Timestamp, _>(before)
    .bind::<BigInt, _>(limit)
    .load(conn)?;
    Ok(found.into_iter().map(|row| row.account_id).collect())
}

/// Closes the periods of `parent` at `now` that ended by `before`, but for its newest.
pub fn close(conn: &mut AnyConnection, parent: Id, now: NaiveDateTime, before: NaiveDateTime) -> QueryResult<usize> {
    let Some(newest) = latest(conn, parent)? else { return Ok(0) };
    diesel::update(
        periods::table
            .filter(periods::account_id.eq(parent))
            .filter(periods::end_at.le(before))
            .filter(periods::end_at.le(newest.start_at))
            .filter(periods::closed_at.is_null()),
    )
    .set(periods::closed_at.eq(Some(now)))
    .execute(conn)
}
