//! Brings the figures of lists up to the exact counters that changed since they were last looked at: many accounts at once.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::ensure_period::running;
use super::error::ActionResult;
use super::refresh_summary::{computed, refresh_summary};
use super::services::Services;
use super::warn_of_rates::warn_of_rates;
use crate::domain::ids::Id;
use crate::models::counters::{self, Counter};
use crate::models::periods::Period;
use crate::models::summaries::{self, Summary};
use crate::models::{AnyConnection, accounts, suspensions};

/// A changed counter, and its period, which runs.
type Current = (Counter, Period);

/// Accounts flushed in one transaction: few, because their senders wait for it.
const FLUSHED: i64 = 64;

/// Flushes some of the counters that changed since the last flush; answers whether there may be more.
///
/// # Errors
/// Only the database's.
pub fn flush_summaries(conn: &mut AnyConnection, now: DateTime<Utc>, services: &Services) -> ActionResult<bool> {
    let mut ids = counters::dirty(conn, FLUSHED)?;
    ids.dedup();
    // Name, cap and hold stand still, so that a change of theirs is not overwritten with what they were.
    accounts::lock(conn, &ids, &[])?;
    let running = of_running_periods(conn, now, &ids)?;
    for (counter, _) in &running {
        warn_of_rates(conn, now, services, counter)?;
    }
    let children: Vec<&Current> =
        running.iter().filter(|(counter, _)| counter.account_id != counter.parent_id).collect();
    write(conn, now, &children)?;
    Ok(!ids.is_empty())
}

/// The changed counters of accounts, without those of periods that are over.
fn of_running_periods(conn: &mut AnyConnection, now: DateTime<Utc>, ids: &[Id]) -> ActionResult<Vec<Current>> {
    let changed = counters::take_dirty(conn, ids)?;
    let parents: HashSet<Id> = changed.iter().map(|counter| counter.parent_id).collect();
    let mut periods = HashMap::new();
    for parent in parents {
        periods.extend(running(conn, parent, now)?.map(|period| (period.id, period)));
    }
    let current = |counter: Counter| periods.get(&counter.period_id).cloned().map(|period| (counter, period));
    Ok(changed.into_iter().filter_map(current).collect())
}

/// Writes the figures. What does not come from counters stays as it is.
fn write(conn: &mut AnyConnection, now: DateTime<Utc>, counters: &[&Current]) -> ActionResult<()> {
    let ids: Vec<Id> = counters.iter().map(|(counter, _)| counter.account_id).collect();
    let accounts: HashMap<Id, _> = accounts::find_many(conn, &ids)?.into_iter().map(|one| (one.id, one)).collect();
    let held: HashSet<Id> = suspensions::held(conn, &ids, now.naive_utc())?.into_iter().collect();
    let previous: HashMap<Id, Summary> =
        summaries::find_many(conn, &ids)?.into_iter().map(|row| (row.account_id, row)).collect();
    let mut rows = Vec::with_capacity(counters.len());
    for (counter, period) in counters {
        let id = counter.account_id;
        let (Some(account), Some(previous)) = (accounts.get(&id), previous.get(&id)) else {
            refresh_summary(conn, id, now)?;
            continue;
        };
        rows.push(Summary {
            last_activity_at: counter.last_activity_at.or(previous.last_activity_at),
            ..computed(account, counter.parent_id, period, Some(counter), held.contains(&id))
        });
    }
    Ok(summaries::set_figures(conn, &rows)?)
}
