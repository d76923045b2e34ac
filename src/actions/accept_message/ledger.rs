//! The usage ledger of a group: gathered while recipients are decided, written once per key, in one order.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::group::Sender;
use crate::actions::error::ActionResult;
use crate::domain::ids::Id;
use crate::domain::period::{local_day, parse_time_zone};
use crate::models::AnyConnection;
use crate::models::counters::{self, Delta};
use crate::models::usage::{self, DayKey};

#[derive(Default)]
pub struct Ledger {
    days: BTreeMap<DayKey, Delta>,
    domains: BTreeMap<(DayKey, Id), i64>,
    tags: BTreeMap<(DayKey, String), i64>,
}

impl Ledger {
    /// Adds what one request counted.
    pub fn add(&mut self, sender: &Sender, tags: &[String], domain: Id, counts: Delta, now: DateTime<Utc>) {
        if counts == Delta::default() {
            return;
        }
        let zone = parse_time_zone(&sender.period.time_zone).unwrap_or(chrono_tz::UTC);
        let key = DayKey {
            account_id: sender.account.id,
            day: local_day(zone, now),
            period_id: sender.period.id,
            parent_id: sender.account.root_id(),
        };
        *self.days.entry(key.clone()).or_default() += counts;
        if counts.accepted > 0 {
            *self.domains.entry((key.clone(), domain)).or_default() += counts.accepted;
            for tag in tags {
                *self.tags.entry((key.clone(), tag.clone())).or_default() += counts.accepted;
            }
        }
    }
}

/// Writes the ledger: counters by account, then days, then the parents' totals, each in key order.
pub fn write(conn: &mut AnyConnection, now: DateTime<Utc>, ledger: &Ledger) -> ActionResult<()> {
    let mut totals: BTreeMap<(Id, &str), Delta> = BTreeMap::new();
    for (key, delta) in &ledger.days {
        counters::add(conn, (key.account_id, key.period_id, key.parent_id), *delta, Some(now.naive_utc()))?;
    }
    for (key, delta) in &ledger.days {
        usage::add_day(conn, key, *delta)?;
        *totals.entry((key.parent_id, &key.day)).or_default() += *delta;
    }
    for ((key, domain), accepted) in &ledger.domains {
        usage::add_domain(conn, key, *domain, *accepted)?;
    }
    for ((key, tag), accepted) in &ledger.tags {
        usage::add_tag(conn, key, tag, *accepted)?;
    }
    for ((parent, day), delta) in totals {
        usage::add_total(conn, parent, day, delta)?;
    }
    Ok(())
}
