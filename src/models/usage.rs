//! The ledger by day of the parent's time zone: written with the messages, never purged, never recomputed.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Text};

use super::AnyConnection;
use super::counters::Delta;
use super::schema::{usage_days, usage_domains, usage_tags, usage_totals};
use crate::domain::ids::Id;

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = usage_days)]
pub struct UsageDay {
    pub account_id: Id,
    pub period_id: Id,
    /// `YYYY-MM-DD` in the parent's time zone.
    pub day: String,
    pub parent_id: Id,
    pub accepted: i64,
    pub delivered: i64,
    pub deferred: i64,
    pub bounced: i64,
    pub failed: i64,
    pub suppressed: i64,
    pub complained: i64,
}

/// A day of a parent with all its accounts.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = usage_totals)]
pub struct UsageTotal {
    pub parent_id: Id,
    pub day: String,
    pub accepted: i64,
    pub delivered: i64,
    pub bounced: i64,
    pub complained: i64,
}

/// Where a day's usage belongs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DayKey {
    pub account_id: Id,
    pub day: String,
    pub period_id: Id,
    pub parent_id: Id,
}

/// Adds `delta` to an account's day, making the row where there is none.
pub fn add_day(conn: &mut AnyConnection, key: &DayKey, delta: Delta) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO usage_days (account_id, period_id, day, parent_id, accepted, delivered, deferred, bounced, failed, suppressed, \
         complained) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         ON CONFLICT (account_id, day, period_id) DO UPDATE SET accepted = usage_days.accepted + excluded.accepted, \
         delivered = usage_days.delivered + excluded.delivered, deferred = usage_days.deferred + excluded.deferred, \
         bounced = usage_days.bounced + excluded.bounced, failed = usage_days.failed + excluded.failed, \
         suppressed = usage_days.suppressed + excluded.suppressed, complained = usage_days.complained + excluded.complained",
    )
    .bind::<Binary, _>(key.account_id)
    .bind::<Binary, _>(key.period_id)
    .bind::<Text, _>(&key.day)
    .bind::<Binary, _>(key.parent_id)
    .bind::<BigInt, _>(delta.accepted)
    .bind::<BigInt, _>(delta.delivered)
    .bind::<BigInt, _>(delta.deferred)
    .bind::<BigInt, _>(delta.bounced)
    .bind::<BigInt, _>(delta.failed)
    .bind::<BigInt, _>(delta.suppressed)
    .bind::<BigInt, _>(delta.complained)
    .execute(conn)
    .map(drop)
}

/// Adds `delta` to a parent's day. Last in a transaction: on PostgreSQL every node that serves the parent meets here.
pub fn add_total(conn: &mut AnyConnection, parent: Id, day: &str, delta: Delta) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO usage_totals (parent_id, day, accepted, delivered, bounced, complained) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (parent_id, day) DO UPDATE SET accepted = usage_totals.accepted + excluded.accepted, \
         delivered = usage_totals.delivered + excluded.delivered, bounced = usage_totals.bounced + excluded.bounced, \
         complained = usage_totals.complained + excluded.complained",
    )
    .bind::<Binary, _>(parent)
    .bind::<Text, _>(day)
    .bind::<BigInt, _>(delta.accepted)
    .bind::<BigInt, _>(delta.delivered)
    .bind::<BigInt, _>(delta.bounced)
    .bind::<BigInt, _>(delta.complained)
    .execute(conn)
    .map(drop)
}

pub fn add_domain(conn: &mut AnyConnection, key: &DayKey, domain: Id, accepted: i64) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO usage_domains (account_id, period_id, day, domain_id, accepted) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (account_id, day, period_id, domain_id) DO UPDATE SET accepted = usage_domains.accepted + excluded.accepted",
    )
    .bind::<Binary, _>(key.account_id)
    .bind::<Binary, _>(key.period_id)
    .bind::<Text, _>(&key.day)
    .bind::<Binary, _>(domain)
    .bind::<BigInt, _>(accepted)
    .execute(conn)
    .map(drop)
}

/// Adds what became of messages of one domain.
pub fn add_domain_outcome(conn: &mut AnyConnection, key: &DayKey, domain: Id, delta: Delta) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO usage_domains (account_id, period_id, day, domain_id, accepted, delivered, bounced, complained) \
         VALUES ($1, $2, $3, $4, 0, $5, $6, $7) \
         ON CONFLICT (account_id, day, period_id, domain_id) DO UPDATE SET delivered = usage_domains.delivered + excluded.delivered, \
         bounced = usage_domains.bounced + excluded.bounced, complained = usage_domains.complained + excluded.complained",
    )
    .bind::<Binary, _>(key.account_id)
    .bind::<Binary, _>(key.period_id)
    .bind::<Text, _>(&key.day)
    .bind::<Binary, _>(domain)
    .bind::<BigInt, _>(delta.delivered)
    .bind::<BigInt, _>(delta.bounced)
    .bind::<BigInt, _>(delta.complained)
    .execute(conn)
    .map(drop)
}

pub fn add_tag(conn: &mut AnyConnection, key: &DayKey, tag: &str, accepted: i64) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO usage_tags (account_id, period_id, day, tag, accepted) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (account_id, day, period_id, tag) DO UPDATE SET accepted = usage_tags.accepted + excluded.accepted",
    )
    .bind::<Binary, _>(key.account_id)
    .bind::<Binary, _>(key.period_id)
    .bind::<Text, _>(&key.day)
    .bind::<Text, _>(tag)
    .bind::<BigInt, _>(accepted)
    .execute(conn)
    .map(drop)
}

/// An account's days from `from` to `to`, both included, oldest first.
pub fn days(conn: &mut AnyConnection, account: Id, from: &str, to: &str) -> QueryResult<Vec<UsageDay>> {
    usage_days::table
        .filter(usage_days::account_id.eq(account))
        .filter(usage_days::day.ge(from))
        .filter(usage_days::day.le(to))
        .order((usage_days::day, usage_days::period_id))
        .select(UsageDay::as_select())
        .load(conn)
}

/// What an account accepted on one day.
pub fn accepted_on(conn: &mut AnyConnection, account: Id, day: &str) -> QueryResult<i64> {
    Ok(days(conn, account, day, day)?.iter().map(|row| row.accepted).sum())
}

/// The days of several accounts, for the sparklines of a list page.
pub fn days_of_many(conn: &mut AnyConnection, accounts: &[Id], from: &str) -> QueryResult<Vec<(Id, String, i64)>> {
    usage_days::table
        .filter(usage_days::account_id.eq_any(accounts.to_vec()))
        .filter(usage_days::day.ge(from))
        .order((usage_days::account_id, usage_days::day))
        .select((usage_days::account_id, usage_days::day, usage_days::accepted))
        .load(conn)
}

/// A parent's days with all its accounts, oldest first.
pub fn totals(conn: &mut AnyConnection, parent: Id, from: &str, to: &str) -> QueryResult<Vec<UsageTotal>> {
    usage_totals::table
        .filter(usage_totals::parent_id.eq(parent))
        .filter(usage_totals::day.ge(from))
        .filter(usage_totals::day.le(to))
        .order(usage_totals::day)
        .select(UsageTotal::as_select())
        .load(conn)
}

/// A day of one domain.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = usage_domains)]
pub struct DomainDay {
    pub domain_id: Id,
    pub accepted: i64,
    pub delivered: i64,
    pub bounced: i64,
    pub complained: i64,
}

/// The days of an account's domains from `from` to `to`, both included.
pub fn by_domain(conn: &mut AnyConnection, account: Id, from: &str, to: &str) -> QueryResult<Vec<DomainDay>> {
    usage_domains::table
        .filter(usage_domains::account_id.eq(account))
        .filter(usage_domains::day.ge(from))
        .filter(usage_domains::day.le(to))
        .select(DomainDay::as_select())
        .load(conn)
}

/// Accepted messages of an account and period, by tag.
pub fn by_tag(conn: &mut AnyConnection, account: Id, from: &str, to: &str) -> QueryResult<Vec<(String, i64)>> {
    usage_tags::table
        .filter(usage_tags::account_id.eq(account))
        .filter(usage_tags::day.ge(from))
        .filter(usage_tags::day.le(to))
        .select((usage_tags::tag, usage_tags::accepted))
        .load(conn)
}

/// When an account was last active, from its newest counter.
pub fn last_activity(conn: &mut AnyConnection, account: Id) -> QueryResult<Option<NaiveDateTime>> {
    use super::schema::counters;
    let latest: Option<Option<NaiveDateTime>> = counters::table
        .filter(counters::account_id.eq(account))
        .filter(counters::last_activity_at.is_not_null())
        .order(counters::last_activity_at.desc())
        .select(counters::last_activity_at)
        .first(conn)
        .optional()?;
    Ok(latest.flatten())
}
