//! How quickly messages of each account left just now: so many may be claimed ahead of a place for them. Who is slow
//! keeps nothing from other nodes and other accounts.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::ids::Id;

/// What left in as long a time may be claimed ahead.
const SPAN: Duration = Duration::from_millis(250);

/// Messages that left in this span and in the one before, by account.
#[derive(Debug)]
pub struct Pace {
    begun: Instant,
    now: HashMap<Id, usize>,
    before: HashMap<Id, usize>,
}

impl Pace {
    pub fn new(begun: Instant) -> Self {
        Self { begun, now: HashMap::new(), before: HashMap::new() }
    }

    /// A message of `account` left.
    pub fn note(&mut self, account: Id, at: Instant) {
        self.turn(at);
        *self.now.entry(account).or_default() += 1;
    }

    /// How many may be claimed ahead for each account: as many as left in a span, and `most` in all. An account without
    /// any is not among them.
    pub fn allows(&mut self, at: Instant, most: usize) -> HashMap<Id, usize> {
        self.turn(at);
        let mut allowed = self.before.clone();
        for (account, count) in &self.now {
            allowed.entry(*account).and_modify(|before| *before = (*before).max(*count)).or_insert(*count);
        }
        let all: usize = allowed.values().sum();
        if all > most {
            for count in allowed.values_mut() {
                *count = *count * most / all;
            }
        }
        allowed
    }

    fn turn(&mut self, at: Instant) {
        let passed = at.saturating_duration_since(self.begun);
        if passed < SPAN {
            return;
        }
        let last = std::mem::take(&mut self.now);
        self.before = if passed < SPAN * 2 { last } else { HashMap::new() };
        self.begun = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_left_lately_may_be_claimed_ahead_and_is_forgotten_soon() {
        let (begun, quick, slow) =
            (Instant::now(), Id::new(chrono::DateTime::UNIX_EPOCH), Id::new(chrono::DateTime::UNIX_EPOCH));
        let mut pace = Pace::new(begun);
        for _ in 0..30 {
            pace.note(quick, begun);
        }
        pace.note(slow, begun);
        assert_eq!(pace.allows(begun, 100), HashMap::from([(quick, 30), (slow, 1)]));
        let next = begun + SPAN;
        pace.note(slow, next);
        pace.note(slow, next);
        assert_eq!(pace.allows(next, 100), HashMap::from([(quick, 30), (slow, 2)]), "the better of two spans");
        assert_eq!(pace.allows(next, 16), HashMap::from([(quick, 15), (slow, 1)]), "at most so many in all");
        assert_eq!(pace.allows(next + SPAN, 100), HashMap::from([(slow, 2)]));
        assert_eq!(pace.allows(next + SPAN * 4, 100), HashMap::new());
    }
}
