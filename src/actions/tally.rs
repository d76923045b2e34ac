//! What became of messages, added to the counters and days they were accepted in: once per key, in one order, so that
//! no two transactions wait for one another.

use std::collections::BTreeMap;

use super::error::ActionResult;
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::counters::{self, Delta};
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
        let mut totals: BTreeMap<(Id, &str), Delta> = BTreeMap::new();
        let mut periods: BTreeMap<(Id, Id, Id), Delta> = BTreeMap::new();
        for (key, delta) in &self.days {
            *periods.entry((key.account_id, key.period_id, key.parent_id)).or_default() += *delta;
            *totals.entry((key.parent_id, &key.day)).or_default() += *delta;
        }
        for (key, delta) in periods {
            counters::add(conn, key, delta, None)?;
        }
        for (key, delta) in &self.days {
            usage::add_day(conn, key, *delta)?;
        }
        for ((key, domain), delta) in &self.domains {
            if (delta.delivered, delta.bounced, delta.complained) != (0, 0, 0) {
                usage::add_domain_outcome(conn, key, *domain, *delta)?;
            }
        }
        for ((parent, day), delta) in totals {
            usage::add_total(conn, parent, day, delta)?;
        }
        Ok(())
    }
}
