//! How long a destination is left alone that said it has enough (421), that takes nobody for a while (450, again and
//! again), or that cannot be reached: longer each time, until it takes something again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// The first time; doubled with every next.
const FIRST: TimeDelta = TimeDelta::seconds(30);
const LONGEST: TimeDelta = TimeDelta::minutes(15);
/// One 450 is about one mailbox; so many in a row, with nothing taken in between, are about all.
const MANY: u32 = 3;
/// Destinations remembered before those that are over are let go.
const KEPT: usize = 10_000;

#[derive(Clone, Copy, Debug)]
struct Trouble {
    until: DateTime<Utc>,
    /// Times in a row that it was left alone.
    times: u32,
    /// Soft refusals in a row.
    soft: u32,
}

#[derive(Debug)]
pub(super) struct Patience<K>(Mutex<HashMap<K, Trouble>>);

impl<K> Default for Patience<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Patience<K> {
    fn troubles(&self) -> MutexGuard<'_, HashMap<K, Trouble>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long `key` is still to be left alone. What was said before the clock was set back says nothing any more.
    pub(super) fn left(&self, key: &K, now: DateTime<Utc>) -> Option<Duration> {
        let until = self.troubles().get(key)?.until;
        Some(until - now).filter(|left| *left <= LONGEST)?.to_std().ok().filter(|left| !left.is_zero())
    }

    /// It has enough, or is not there. Several that were under way at once count as one.
    pub(super) fn lost(&self, key: K, now: DateTime<Utc>) {
        let mut all = self.troubles();
        if all.len() >= KEPT {
            all.retain(|_, trouble| now - trouble.until < LONGEST);
        }
        let trouble = all.entry(key).or_insert(Trouble { until: now, times: 0, soft: 0 });
        if trouble.until > now && trouble.until - now <= LONGEST {
            return;
        }
        let wait = (FIRST * 2_i32.pow(trouble.times.min(8))).min(LONGEST);
        *trouble = Trouble { until: now + wait, times: trouble.times + 1, soft: 0 };
    }

    /// It refused softly.
    pub(super) fn tried(&self, key: K, now: DateTime<Utc>)
    where
        K: Clone,
    {
        let many = {
            let mut all = self.troubles();
            let trouble = all.entry(key.clone()).or_insert(Trouble { until: now, times: 0, soft: 0 });
            trouble.soft += 1;
            trouble.soft >= MANY
        };
        if many {
            self.lost(key, now);
        }
    }

    /// It answers as it should.
    pub(super) fn restored(&self, key: &K) {
        self.troubles().remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).expect("an instant")
    }

    #[test]
    fn a_destination_is_left_alone_for_longer_each_time_and_at_once_asked_again_when_it_is_well() {
        let patience = Patience::default();
        let mut now = at(0);
        let mut waits = Vec::new();
        for _ in 0..8 {
            patience.lost("a", now);
            patience.lost("a", now);
            let left = patience.left(&"a", now).expect("left alone");
            waits.push(left.as_secs());
            now += TimeDelta::from_std(left).expect("short");
            assert_eq!(patience.left(&"a", now), None);
        }
        assert_eq!(waits, [30, 60, 120, 240, 480, 900, 900, 900]);
        assert_eq!(patience.left(&"b", now), None);
        patience.restored(&"a");
        patience.lost("a", now);
        assert_eq!(patience.left(&"a", now), Some(Duration::from_secs(30)));
    }

    #[test]
    fn one_450_is_about_a_mailbox_and_three_in_a_row_about_all() {
        let patience = Patience::default();
        patience.tried("a", at(0));
        patience.tried("a", at(0));
        assert_eq!(patience.left(&"a", at(0)), None);
        patience.restored(&"a");
        for _ in 0..3 {
            assert_eq!(patience.left(&"a", at(1)), None);
            patience.tried("a", at(1));
        }
        assert_eq!(patience.left(&"a", at(1)), Some(Duration::from_secs(30)));
    }
}
