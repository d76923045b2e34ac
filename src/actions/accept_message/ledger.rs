//! The usage ledger of a group: gathered while recipients are decided, written once per key, in one order.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::group::Sender;
use crate::actions::error::ActionResult;
use crate::domain::ids::Id;
use crate::domain::period::{local_day, parse_time_zone};
use crate::models::AnyConnection;
use crate::models::counters::{self, Added, Delta};
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
    let at = now.naive_utc();
    let added: Vec<Added> = ledger.days.iter().map(|(key, delta)| Added::of(key, *delta, Some(at))).collect();
    counters::add(conn, &added)?;
    usage::add_days(conn, &ledger.days.iter().map(|(key, delta)| (key, *delta)).collect::<Vec<_>>())?;
    let domains = ledger.domains.iter().map(|((key, domain), accepted)| {
        let delta = Delta { accepted: *accepted, ..Delta::default() };
        (key, *domain, delta)
    });
    usage::add_domains(conn, &domains.collect::<Vec<_>>())?;
    let tags = ledger.tags.iter().map(|((key, tag), accepted)| (key, tag.as_str(), *accepted));
    usage::add_tags(conn, &tags.collect::<Vec<_>>())?;
    usage::add_totals(conn, &usage::of_parents(&ledger.days))?;
    Ok(())
}
