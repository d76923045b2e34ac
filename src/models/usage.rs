//! The ledger by day of the parent's time zone: written with the messages, never purged, never recomputed.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Text};

use super::AnyConnection;
use super::counters::Delta;
use super::kept::{Bind, bind, for_rows, one_of};
use super::periods::Period;
use super::plans::PlanRow;
use super::remembered::Remembered;
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

/// A day of a parent with all its accounts. One on which a period ends and another begins, because the zone changed, has
/// a row of each.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = usage_totals)]
pub struct UsageTotal {
    pub parent_id: Id,
    pub day: String,
    pub period_id: Id,
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

impl DayKey {
    /// Account, period and day, in the order of the columns.
    fn binds(&self) -> Vec<Bind> {
        vec![bind::<Binary>(self.account_id), bind::<Binary>(self.period_id), bind::<Text>(&self.day)]
    }
}

/// Adds to accounts' days, each once, in their order; makes those that are not there.
pub fn add_days(conn: &mut AnyConnection, added: &[(&DayKey, Delta)]) -> QueryResult<()> {
    let row = |(key, delta): &(&DayKey, Delta)| {
        let mut row = key.binds();
        row.push(bind::<Binary>(key.parent_id));
        row.extend(delta.binds());
        row
    };
    for_rows(
        conn,
        "INSERT INTO usage_days (account_id, period_id, day, parent_id, accepted, delivered, deferred, bounced, failed, suppressed, \
         complained)",
        &added.iter().map(row).collect::<Vec<_>>(),
        "ON CONFLICT (account_id, day, period_id) DO UPDATE SET accepted = usage_days.accepted + excluded.accepted, \
         delivered = usage_days.delivered + excluded.delivered, deferred = usage_days.deferred + excluded.deferred, \
         bounced = usage_days.bounced + excluded.bounced, failed = usage_days.failed + excluded.failed, \
         suppressed = usage_days.suppressed + excluded.suppressed, complained = usage_days.complained + excluded.complained",
    )
}

/// A parent, one of its days, and the period.
type TotalKey<'a> = (Id, &'a str, Id);

/// What `days` add to the days of parents, in their order.
#[must_use]
pub fn of_parents(days: &BTreeMap<DayKey, Delta>) -> Vec<(TotalKey<'_>, Delta)> {
    let mut totals: BTreeMap<TotalKey<'_>, Delta> = BTreeMap::new();
    for (key, delta) in days {
        *totals.entry((key.parent_id, &key.day, key.period_id)).or_default() += *delta;
    }
    totals.into_iter().collect()
}

/// Adds to parents' days. Last in a transaction: on PostgreSQL every node that serves a parent meets here.
pub fn add_totals(conn: &mut AnyConnection, added: &[(TotalKey<'_>, Delta)]) -> QueryResult<()> {
    let row = |((parent, day, period), delta): &(TotalKey<'_>, Delta)| {
        let mut row = vec![bind::<Binary>(*parent), bind::<Text>(*day), bind::<Binary>(*period)];
        row.extend([delta.accepted, delta.delivered, delta.bounced, delta.complained].map(bind::<BigInt>));
        row
    };
    for_rows(
        conn,
        "INSERT INTO usage_totals (parent_id, day, period_id, accepted, delivered, bounced, complained)",
        &added.iter().map(row).collect::<Vec<_>>(),
        "ON CONFLICT (parent_id, day, period_id) DO UPDATE SET accepted = usage_totals.accepted + excluded.accepted, \
         delivered = usage_totals.delivered + excluded.delivered, bounced = usage_totals.bounced + excluded.bounced, \
         complained = usage_totals.complained + excluded.complained",
    )
}

/// Adds what was accepted, and what became of it, to the days of domains.
pub fn add_domains(conn: &mut AnyConnection, added: &[(&DayKey, Id, Delta)]) -> QueryResult<()> {
    let row = |(key, domain, delta): &(&DayKey, Id, Delta)| {
        let mut row = key.binds();
        row.push(bind::<Binary>(*domain));
        row.extend([delta.accepted, delta.delivered, delta.bounced, delta.complained].map(bind::<BigInt>));
        row
    };
    for_rows(
        conn,
        "INSERT INTO usage_domains (account_id, period_id, day, domain_id, accepted, delivered, bounced, complained)",
        &added.iter().map(row).collect::<Vec<_>>(),
        "ON CONFLICT (account_id, day, period_id, domain_id) DO UPDATE SET \
         accepted = usage_domains.accepted + excluded.accepted, delivered = usage_domains.delivered + excluded.delivered, \
         bounced = usage_domains.bounced + excluded.bounced, complained = usage_domains.complained + excluded.complained",
    )
}

/// Adds what was accepted to the days of tags.
pub fn add_tags(conn: &mut AnyConnection, added: &[(&DayKey, &str, i64)]) -> QueryResult<()> {
    let row = |(key, tag, accepted): &(&DayKey, &str, i64)| {
        let mut row = key.binds();
        row.extend([bind::<Text>(*tag), bind::<BigInt>(*accepted)]);
        row
    };
    for_rows(
        conn,
        "INSERT INTO usage_tags (account_id, period_id, day, tag, accepted)",
        &added.iter().map(row).collect::<Vec<_>>(),
        "ON CONFLICT (account_id, day, period_id, tag) DO UPDATE SET accepted = usage_tags.accepted + excluded.accepted",
    )
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
        .filter(one_of(usage_days::account_id, accounts.to_vec()))
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
        .order((usage_totals::day, usage_totals::period_id))
        .select(UsageTotal::as_select())
        .load(conn)
}

/// What is known of a parent's running period: the period, the days, and the plan.
#[derive(Clone, Debug)]
pub struct Running {
    pub period: Period,
    /// Whether it is written down already; else it is as it will be.
    pub begun: bool,
    pub days: Vec<UsageTotal>,
    pub plan: Option<PlanRow>,
}

/// What a node remembers, by parent and day of the parent.
pub type RunningPeriods = Remembered<(Id, String), Running>;

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

/// The days of an account's domains in a period, from `from` to `to`, both included.
pub fn by_domain(
    conn: &mut AnyConnection,
    account: Id,
    period: Id,
    (from, to): (&str, &str),
) -> QueryResult<Vec<DomainDay>> {
    usage_domains::table
        .filter(usage_domains::account_id.eq(account))
        .filter(usage_domains::period_id.eq(period))
        .filter(usage_domains::day.ge(from))
        .filter(usage_domains::day.le(to))
        .select(DomainDay::as_select())
        .load(conn)
}

/// Accepted messages of an account and period, by tag, from `from` to `to`, both included.
pub fn by_tag(
    conn: &mut AnyConnection,
    account: Id,
    period: Id,
    (from, to): (&str, &str),
) -> QueryResult<Vec<(String, i64)>> {
    usage_tags::table
        .filter(usage_tags::account_id.eq(account))
        .filter(usage_tags::period_id.eq(period))
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
