//! Brings the figures of lists up to the exact counters that changed since they were last looked at: many accounts at once.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::error::ActionResult;
use super::refresh_summary::{computed, refresh_summary};
use super::services::Services;
use super::warn_of_rates::warn_of_rates;
use crate::domain::ids::Id;
use crate::models::counters::{self, Counter};
use crate::models::summaries::{self, Summary};
use crate::models::{AnyConnection, accounts, periods, suspensions};

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
    for counter in &running {
        warn_of_rates(conn, now, services, counter)?;
    }
    let children: Vec<&Counter> = running.iter().filter(|counter| counter.account_id != counter.parent_id).collect();
    write(conn, now, &children)?;
    Ok(!ids.is_empty())
}

/// The changed counters of accounts, without those of periods that are over.
fn of_running_periods(conn: &mut AnyConnection, now: DateTime<Utc>, ids: &[Id]) -> ActionResult<Vec<Counter>> {
    let mut changed = counters::take_dirty(conn, ids)?;
    let parents: HashSet<Id> = changed.iter().map(|counter| counter.parent_id).collect();
    let mut running = HashSet::new();
    for parent in parents {
        running.extend(periods::containing(conn, parent, now.naive_utc())?.map(|period| period.id));
    }
    changed.retain(|counter| running.contains(&counter.period_id));
    Ok(changed)
}

/// Writes the figures. What does not come from counters stays as it is.
fn write(conn: &mut AnyConnection, now: DateTime<Utc>, counters: &[&Counter]) -> ActionResult<()> {
    let ids: Vec<Id> = counters.iter().map(|counter| counter.account_id).collect();
    let accounts: HashMap<Id, _> = accounts::find_many(conn, &ids)?.into_iter().map(|one| (one.id, one)).collect();
    let held: HashSet<Id> = suspensions::held(conn, &ids, now.naive_utc())?.into_iter().collect();
    let previous: HashMap<Id, Summary> =
        summaries::find_many(conn, &ids)?.into_iter().map(|row| (row.account_id, row)).collect();
    let mut rows = Vec::with_capacity(counters.len());
    for counter in counters {
        let id = counter.account_id;
        let (Some(account), Some(previous)) = (accounts.get(&id), previous.get(&id)) else {
            refresh_summary(conn, id, now)?;
            continue;
        };
        rows.push(Summary {
            last_activity_at: counter.last_activity_at.or(previous.last_activity_at),
            ..computed(account, counter.parent_id, counter.period_id, Some(counter), held.contains(&id))
        });
    }
    Ok(summaries::set_figures(conn, &rows)?)
}
