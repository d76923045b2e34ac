//! A node's part of what a transport may do, where several nodes deliver: together they keep its limits.

use std::sync::atomic::{AtomicU64, Ordering};

use super::gate::Limits;

/// This node's place among those that deliver, and how many there are.
#[derive(Debug)]
pub struct Share(AtomicU64);

impl Default for Share {
    /// Alone.
    fn default() -> Self {
        Self(AtomicU64::new(1))
    }
}

impl Share {
    /// The place counts from 0.
    pub fn set(&self, place: usize, of: usize) {
        let (place, of) = (u32::try_from(place).unwrap_or(0), u32::try_from(of).unwrap_or(1).max(1));
        self.0.store(u64::from(place) << 32 | u64::from(of), Ordering::Relaxed);
    }

    /// This node's part; none where the limit is smaller than the number of nodes and others have it. What does not
    /// divide goes to the first.
    #[must_use]
    pub fn of(&self, limits: Limits) -> Option<Limits> {
        let now = self.0.load(Ordering::Relaxed);
        let (place, of) = (now >> 32, now & u64::from(u32::MAX));
        let part = |limit: u32| {
            let limit = u64::from(limit);
            let part = limit / of + u64::from(place < limit % of);
            // 0 is no limit at all, and stays that.
            (limit == 0 || part > 0).then(|| u32::try_from(part).unwrap_or(u32::MAX))
        };
        Some(Limits { at_once: part(limits.at_once)?, per_second: part(limits.per_second)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(limits: Limits, nodes: usize) -> Vec<Option<Limits>> {
        let share = Share::default();
        let of = |place| {
            share.set(place, nodes);
            share.of(limits)
        };
        (0..nodes).map(of).collect()
    }

    #[test]
    fn the_parts_of_all_nodes_are_the_limit() {
        for nodes in 1..6 {
            for (at_once, per_second) in [(10, 7), (5, 100), (6, 6)] {
                let parts = parts(Limits { at_once, per_second }, nodes);
                let sum = |of: fn(&Limits) -> u32| parts.iter().flatten().map(of).sum::<u32>();
                assert_eq!((sum(|part| part.at_once), sum(|part| part.per_second)), (at_once, per_second));
            }
        }
    }

    #[test]
    fn a_limit_below_the_number_of_nodes_is_some_nodes_alone() {
        let one = Limits { at_once: 1, per_second: 0 };
        assert_eq!(parts(one, 3), [Some(one), None, None]);
    }

    #[test]
    fn no_limit_stays_none_and_a_node_alone_has_all() {
        assert_eq!(parts(Limits::default(), 4), [Some(Limits::default()); 4]);
        let all = Limits { at_once: 3, per_second: 9 };
        assert_eq!(Share::default().of(all), Some(all));
    }
}
