//! The seed's own chance: the same numbers on every machine, one stream for each client, so that what one client does
//! never changes another. Not for secrets.

use chrono::{DateTime, Utc};
use uuid::Builder;

use crate::domain::ids::Id;

/// A stream of numbers (SplitMix64: Steele, Lea and Flood, 2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream number `index` of those called `name`.
    #[must_use]
    pub fn stream(seed: u64, name: &str, index: u64) -> Self {
        // FNV-1a spreads the name; two rounds spread seed and index over all bits.
        let named = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        let mut random = Self(named ^ seed);
        random.0 = random.next() ^ index;
        random.0 = random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A whole number from 0 up to, not with, `end`; 0 when `end` is.
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    /// A whole number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = usize::try_from(high - low + 1).unwrap_or(1);
        low + self.below(width) as i64
    }

    /// A number from 0 up to, not with, 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// `value` rounded up or down, so that it is right on average.
    pub fn rounded(&mut self, value: f64) -> i64 {
        (value + self.unit()).floor() as i64
    }

    /// One of `items`, which are never none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// An id that sorts at `at`.
    pub fn id(&mut self, at: DateTime<Utc>) -> Id {
        let (high, low) = (self.next().to_be_bytes(), self.next().to_be_bytes());
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&high);
        bytes[8..].copy_from_slice(&low[..2]);
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
        Id(Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_repeats_itself_and_is_unlike_its_neighbours() {
        let first: Vec<u64> = (0..4).map(|index| Random::stream(1, "client", index).next()).collect();
        assert_eq!(first[2], Random::stream(1, "client", 2).next());
        assert!(first.windows(2).all(|pair| pair[0] != pair[1]));
        assert_ne!(first[0], Random::stream(2, "client", 0).next());
        assert_ne!(first[0], Random::stream(1, "period", 0).next());
    }

    #[test]
    fn numbers_stay_in_their_range_and_reach_both_ends() {
        let mut random = Random::stream(7, "range", 0);
        let drawn: Vec<i64> = (0..1000).map(|_| random.between(-2, 2)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&-2), Some(&2)));
        assert!((0..1000).all(|_| (0.0..1.0).contains(&random.unit())));
        let total: i64 = (0..10_000).map(|_| random.rounded(0.25)).sum();
        assert!((2300..2700).contains(&total), "{total}");
    }

    #[test]
    fn an_id_sorts_at_its_time() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let mut random = Random::stream(1, "id", 0);
        let (late, early) = (random.id(at(2000)), random.id(at(1000)));
        assert!(early < late);
        assert_eq!(late.0.get_version_num(), 7);
    }
}
