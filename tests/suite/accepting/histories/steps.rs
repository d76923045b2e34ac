//! What may happen to a family, by chance.

use canopy::domain::limits::AtCap;
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

use super::family::Family;
use super::model::{Fate, Rules};

#[derive(Clone, Debug)]
pub struct Send {
    pub account: usize,
    pub recipients: i64,
    pub all_or_none: bool,
}

#[derive(Clone, Debug)]
pub enum Step {
    /// At once, in this order.
    Send(Vec<Send>),
    Release,
    Pool(i64),
    Cap(usize, i64),
    /// Of these the cap and the suspension stay as they are.
    Limits(usize, Rules),
    Suspend(usize, bool),
    Delete(usize),
    /// Another billing day of the parent.
    Anchor(u32),
}

impl Family {
    /// The next step of its history.
    pub fn choose(&self, random: &mut StdRng) -> Step {
        let alive: Vec<usize> = (0..self.model.accounts.len()).filter(|it| !self.model.accounts[*it].deleted).collect();
        let one = |random: &mut StdRng| *alive.choose(random).expect("the parent is there");
        let child = alive.iter().copied().filter(|account| *account > 0).collect::<Vec<_>>().choose(random).copied();
        match (random.random_range(0..100), child) {
            (0..55, _) | (_, None) => {
                let send = |random: &mut StdRng| Send {
                    account: one(random),
                    recipients: random.random_range(1..=12),
                    all_or_none: random.random_bool(0.3),
                };
                Step::Send((0..random.random_range(1..=4)).map(|_| send(random)).collect())
            }
            (55..63, _) => Step::Release,
            (63..68, _) => Step::Anchor(*[1, 5, 15, 28, 30, 31].choose(random).expect("some")),
            (68..76, _) => Step::Pool(*[0, 10, 25, 60].choose(random).expect("some")),
            (76..86, Some(child)) => Step::Cap(child, *[0, 1, 7, 20, 40].choose(random).expect("some")),
            (86..95, Some(child)) => Step::Limits(child, rules(random)),
            (95..99, Some(child)) => Step::Suspend(child, random.random_bool(0.5)),
            (_, Some(child)) => Step::Delete(child),
        }
    }
}

fn rules(random: &mut StdRng) -> Rules {
    Rules {
        cap: 0,
        at_cap: *[AtCap::Reject, AtCap::Hold, AtCap::Hold, AtCap::Overage].choose(random).expect("some"),
        hold_days: *[1, 3, 30].choose(random).expect("some"),
        daily: *[0, 0, 9, 20].choose(random).expect("some"),
        hourly: *[0, 0, 5, 11].choose(random).expect("some"),
        sends_nothing: random.random_bool(0.1),
        suspended: false,
    }
}

/// What all histories were made of: a test that never meets a case shows nothing of it.
#[derive(Debug, Default)]
pub struct Seen {
    requests: usize,
    taken: i64,
    refused: i64,
    cut: usize,
    suspended: usize,
    releases: usize,
    changes: usize,
    /// Requests in short periods.
    short: usize,
}

impl Seen {
    pub fn add(&mut self, (step, fates): (Step, Vec<Fate>), short: bool) {
        match step {
            Step::Send(_) => {}
            Step::Release => self.releases += 1,
            _ => self.changes += 1,
        }
        for fate in fates {
            self.requests += 1;
            self.short += usize::from(short);
            self.taken += fate.taken;
            self.refused += fate.refused;
            self.cut += usize::from(fate.taken > 0 && fate.refused > 0);
            self.suspended += usize::from(fate.suspended);
        }
    }

    pub fn is_of_every_kind(&self) -> bool {
        self.taken > 0
            && self.refused > 0
            && [self.cut, self.suspended, self.releases, self.changes, self.short].iter().all(|n| *n > 0)
    }
}
