//! The exact counter of an account in a billing period: caps are granted from it, money is made from it.

use std::collections::BTreeSet;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Timestamp};

use super::AnyConnection;
use super::kept::{Bind, bind, for_rows, one_of};
use super::portable::with_row_locks;
use super::schema::counters;
use super::usage::DayKey;
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

impl Delta {
    /// What became of messages that left, alone.
    #[must_use]
    pub fn outcome(self) -> Self {
        Self { delivered: self.delivered, bounced: self.bounced, complained: self.complained, ..Self::default() }
    }

    /// Its numbers, in the order of the columns.
    pub(super) fn binds(&self) -> [Bind; 7] {
        let Self { accepted, delivered, deferred, bounced, failed, suppressed, complained } = *self;
        [accepted, delivered, deferred, bounced, failed, suppressed, complained].map(bind::<BigInt>)
    }
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

/// What is added to the counter of an account and period.
#[derive(Clone, Copy, Debug)]
pub struct Added {
    pub account_id: Id,
    pub period_id: Id,
    pub parent_id: Id,
    pub delta: Delta,
    /// When the account accepted something; `None` for what became of it.
    pub active_at: Option<NaiveDateTime>,
}

impl Added {
    /// `delta` for the account and period of a day.
    #[must_use]
    pub fn of(key: &DayKey, delta: Delta, active_at: Option<NaiveDateTime>) -> Self {
        Self { account_id: key.account_id, period_id: key.period_id, parent_id: key.parent_id, delta, active_at }
    }
}

/// Adds to counters, each once, in their order; makes those that are not there.
pub fn add(conn: &mut AnyConnection, added: &[Added]) -> QueryResult<()> {
    let row = |one: &Added| {
        let mut row =
            vec![bind::<Binary>(one.account_id), bind::<Binary>(one.period_id), bind::<Binary>(one.parent_id)];
        row.extend(one.delta.binds());
        row.extend([bind::<Nullable<Timestamp>>(one.active_at), bind::<Bool>(true)]);
        row
    };
    for_rows(
        conn,
        "INSERT INTO counters (account_id, period_id, parent_id, accepted, delivered, deferred, bounced, failed, suppressed, \
         complained, last_activity_at, dirty)",
        &added.iter().map(row).collect::<Vec<_>>(),
        "ON CONFLICT (account_id, period_id) DO UPDATE SET accepted = counters.accepted + excluded.accepted, \
         delivered = counters.delivered + excluded.delivered, deferred = counters.deferred + excluded.deferred, \
         bounced = counters.bounced + excluded.bounced, failed = counters.failed + excluded.failed, \
         suppressed = counters.suppressed + excluded.suppressed, complained = counters.complained + excluded.complained, \
         last_activity_at = COALESCE(excluded.last_activity_at, counters.last_activity_at), dirty = TRUE",
    )
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

/// Takes the counters of `accounts` that changed since the last flush and marks them clean. Others of the same accounts
/// and periods may be among them.
pub fn take_dirty(conn: &mut AnyConnection, accounts: &[Id]) -> QueryResult<Vec<Counter>> {
    let keys: Vec<(Id, Id)> = counters::table
        .filter(one_of(counters::account_id, accounts.to_vec()))
        .filter(counters::dirty)
        .order((counters::account_id, counters::period_id))
        .select((counters::account_id, counters::period_id))
        .load(conn)?;
    let (accounts, periods): (BTreeSet<Id>, BTreeSet<Id>) = keys.into_iter().unzip();
    let taken = || {
        counters::table
            .filter(one_of(counters::account_id, accounts.clone()))
            .filter(one_of(counters::period_id, periods.clone()))
    };
    if let Some(conn) = with_row_locks(conn) {
        // In the order in which accepting counts, so that neither waits for the other for ever.
        let order = (counters::account_id, counters::period_id);
        taken().order(order).select(counters::account_id).for_no_key_update().load::<Id>(conn)?;
    }
    // Marked before they are read: what is counted in between marks them again.
    diesel::update(taken().filter(counters::dirty)).set(counters::dirty.eq(false)).execute(conn)?;
    taken().order((counters::account_id, counters::period_id)).select(Counter::as_select()).load(conn)
}
