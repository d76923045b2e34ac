//! What bounds the accounts of a transaction: their own caps, and the pools of their parents. Read under the locks,
//! counted as recipients are granted, written once.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, TimeDelta, Utc};

use crate::actions::error::{ActionError, ActionResult};
use crate::domain::cap::MonthlyCap;
use crate::domain::ids::Id;
use crate::domain::limits::{AlertPercents, AtCap, Bound, Limits, Room, Used, room};
use crate::domain::period::{local_day, midnight, parse_time_zone};
use crate::models::accounts::Account;
use crate::models::limits::{self, LimitsRow};
use crate::models::periods::Period;
use crate::models::{AnyConnection, usage};

/// The limits of an account as they are stored; the defaults without a row.
///
/// # Errors
/// `Internal` for a row that cannot be read.
pub fn limits_of(row: Option<&LimitsRow>) -> ActionResult<Limits> {
    let Some(row) = row else { return Ok(Limits::default()) };
    let unreadable = |refusal: crate::domain::refusal::Refusal| ActionError::Internal(refusal.to_string());
    Ok(Limits {
        at_cap: AtCap::parse(&row.at_cap).map_err(unreadable)?,
        hold_days: row.hold_days,
        daily: row.daily,
        hourly: row.hourly,
        sends_nothing: row.sends_nothing,
        alerts: AlertPercents::parse(&row.alerts).map_err(unreadable)?,
    })
}

/// The hour that an instant falls in, since 1970.
#[must_use]
pub fn hour_of(now: DateTime<Utc>) -> i64 {
    now.timestamp().div_euclid(3600)
}

/// One account's caps and what it used of them.
pub struct Bounds {
    /// As it is in force: a short period has its part.
    pub cap: MonthlyCap,
    pub limits: Limits,
    pub used: Used,
    hour: i64,
    granted: i64,
}

impl Bounds {
    /// Those of an account that used `month` of its period's cap; day and hour are read only where they are capped.
    ///
    /// # Errors
    /// Only the database's.
    pub fn read(
        conn: &mut AnyConnection,
        now: DateTime<Utc>,
        account: &Account,
        period: &Period,
        row: Option<&LimitsRow>,
        month: i64,
    ) -> ActionResult<Self> {
        let limits = limits_of(row)?;
        let cap = MonthlyCap::new(account.monthly_credit)
            .map_err(|refusal| ActionError::Internal(refusal.to_string()))?
            .in_part(period.part());
        let zone = parse_time_zone(&period.time_zone).unwrap_or(chrono_tz::UTC);
        let hour = hour_of(now);
        let used = Used {
            month,
            day: if limits.daily > 0 { usage::accepted_on(conn, account.id, &local_day(zone, now))? } else { 0 },
            hour: if limits.hourly > 0 { limits::used_in_hour(conn, account.id, hour)? } else { 0 },
            pool: 0,
        };
        Ok(Self { cap, limits, used, hour, granted: 0 })
    }

    /// How many of `wanted` have room.
    #[must_use]
    pub fn room(&self, pool: PoolUse, wanted: i64) -> Room {
        room(self.cap, &self.limits, pool.cap, Used { pool: pool.used, ..self.used }, wanted)
    }

    /// Counts what was granted.
    pub fn grant(&mut self, granted: i64) {
        self.granted += granted;
        self.used.month += granted;
        self.used.day += granted;
        self.used.hour += granted;
    }

    /// Writes the hour's count where it is capped; month and day are the ledger's.
    ///
    /// # Errors
    /// Only the database's.
    pub fn write(&self, conn: &mut AnyConnection, account: Id) -> ActionResult<()> {
        if self.limits.hourly > 0 && self.granted > 0 {
            limits::add_hour(conn, account, self.hour, self.granted)?;
        }
        Ok(())
    }

    /// Why there is no room, and when there will be.
    #[must_use]
    pub fn refusal(
        &self,
        (bound, cap): (Bound, i64),
        pool_used: i64,
        now: DateTime<Utc>,
        period: &Period,
    ) -> ActionError {
        let used = match bound {
            Bound::Nothing => 0,
            Bound::Hour => self.used.hour,
            Bound::Day => self.used.day,
            Bound::Month => self.used.month,
            Bound::Pool => pool_used,
        };
        let resets_at = match bound {
            Bound::Hour => DateTime::from_timestamp((self.hour + 1) * 3600, 0).unwrap_or(now),
            Bound::Day => tomorrow(now, period),
            Bound::Nothing | Bound::Month | Bound::Pool => period.end_at.and_utc(),
        };
        ActionError::CapReached { bound, cap, used, resets_at }
    }
}

/// The next midnight of the period's zone.
fn tomorrow(now: DateTime<Utc>, period: &Period) -> DateTime<Utc> {
    let zone = parse_time_zone(&period.time_zone).unwrap_or(chrono_tz::UTC);
    let next = now.with_timezone(&zone).date_naive().checked_add_days(Days::new(1));
    next.map_or_else(|| now + TimeDelta::days(1), |day| midnight(zone, day))
}

/// What a parent's accounts used together of what they may; a cap of 0 is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct PoolUse {
    pub cap: i64,
    pub used: i64,
}

/// A parent's pool in this transaction.
#[derive(Clone, Debug)]
pub struct Pool {
    pub parent: Id,
    pub period: Period,
    pub cap: i64,
    pub alerts: AlertPercents,
    pub used_before: i64,
    pub used: i64,
}

/// The pools of a transaction, by parent; only those with a cap.
#[derive(Default)]
pub struct Pools(BTreeMap<Id, Pool>);

impl Pools {
    /// Locks the counts of capped pools, in the order of their parents, given with their period and limits.
    ///
    /// # Errors
    /// Only the database's.
    pub fn lock(conn: &mut AnyConnection, roots: &BTreeMap<Id, (Period, Option<LimitsRow>)>) -> ActionResult<Self> {
        let mut pools = BTreeMap::new();
        for (parent, (period, row)) in roots {
            let Some(row) = row.as_ref().filter(|row| row.pool > 0) else { continue };
            let used = limits::lock_pool(conn, *parent, period.id)?;
            let (cap, alerts) = (period.part().cap(row.pool), limits_of(Some(row))?.alerts);
            let period = period.clone();
            pools.insert(*parent, Pool { parent: *parent, period, cap, alerts, used_before: used, used });
        }
        Ok(Self(pools))
    }

    /// What stands of a parent's pool.
    #[must_use]
    pub fn of(&self, parent: Id) -> PoolUse {
        self.0.get(&parent).map_or_else(PoolUse::default, |pool| PoolUse { cap: pool.cap, used: pool.used })
    }

    /// Counts what was granted to one of the parent's accounts.
    pub fn grant(&mut self, parent: Id, granted: i64) {
        if let Some(pool) = self.0.get_mut(&parent) {
            pool.used += granted;
        }
    }

    /// Writes the counts that moved; answers the pools they are of.
    ///
    /// # Errors
    /// Only the database's.
    pub fn write(&self, conn: &mut AnyConnection) -> ActionResult<Vec<Pool>> {
        let moved: Vec<Pool> = self.0.values().filter(|pool| pool.used > pool.used_before).cloned().collect();
        for pool in &moved {
            limits::add_pool(conn, pool.parent, pool.period.id, pool.used - pool.used_before)?;
        }
        Ok(moved)
    }
}
