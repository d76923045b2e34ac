//! What became of messages, added to the counters and days they were accepted in: once per key, in one order, so that
//! no two transactions wait for one another.

use std::collections::BTreeMap;

use super::error::ActionResult;
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::counters::{self, Added, Delta};
use crate::models::messages::Message;
use crate::models::usage::{self, DayKey};

#[derive(Default)]
pub struct Tally {
    days: BTreeMap<DayKey, Delta>,
    domains: BTreeMap<(DayKey, Id), Delta>,
}

impl Tally {
    /// Adds `delta` for a message of an account billed to `root`.
    pub fn add(&mut self, message: &Message, root: Id, delta: Delta) {
        let key = DayKey {
            account_id: message.account_id,
            day: message.day.clone(),
            period_id: message.period_id,
            parent_id: root,
        };
        self.add_to(key, message.domain_id, delta);
    }

    /// Adds `delta` for mail of a domain where it was counted when it was accepted.
    pub fn add_to(&mut self, key: DayKey, domain: Id, delta: Delta) {
        *self.domains.entry((key.clone(), domain)).or_default() += delta;
        *self.days.entry(key).or_default() += delta;
    }

    /// Counters by account, then days, then domains, then the parents' totals. Last in a transaction.
    pub fn write(self, conn: &mut AnyConnection) -> ActionResult<()> {
        let mut periods: BTreeMap<(Id, Id, Id), Delta> = BTreeMap::new();
        for (key, delta) in &self.days {
            *periods.entry((key.account_id, key.period_id, key.parent_id)).or_default() += *delta;
        }
        let added = |((account_id, period_id, parent_id), delta)| Added {
            account_id,
            period_id,
            parent_id,
            delta,
            active_at: None,
        };
        counters::add(conn, &periods.into_iter().map(added).collect::<Vec<_>>())?;
        usage::add_days(conn, &self.days.iter().map(|(key, delta)| (key, *delta)).collect::<Vec<_>>())?;
        let outcomes = self.domains.iter().map(|((key, domain), delta)| (key, *domain, delta.outcome()));
        usage::add_domains(conn, &outcomes.filter(|(_, _, delta)| *delta != Delta::default()).collect::<Vec<_>>())?;
        usage::add_totals(conn, &usage::of_parents(&self.days))?;
        Ok(())
    }
}
