//! The part of a full billing period that a period is. A parent that moves its billing day has one short period in
//! between; its fee, its included messages and its monthly caps are this part of a full period's. Whole numbers only.

/// So many days of a full period. `WHOLE` is what nearly every period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    days: i32,
    of_days: i32,
}

impl Default for Part {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl Part {
    pub const WHOLE: Self = Self { days: 1, of_days: 1 };

    /// `days` of a full period of `of_days`. What is as long as a full period, or longer, counts as one: nobody pays
    /// more than a period's fee for a period.
    #[must_use]
    pub fn of(days: i64, of_days: i64) -> Self {
        match (i32::try_from(days), i32::try_from(of_days)) {
            (Ok(days), Ok(of_days)) if 0 < days && days < of_days => Self { days, of_days },
            _ => Self::WHOLE,
        }
    }

    /// Days and days of a full period; `None` of a whole one.
    #[must_use]
    pub const fn days(self) -> Option<(i32, i32)> {
        if self.days == self.of_days { None } else { Some((self.days, self.of_days)) }
    }

    /// A monthly or pool cap in this part, rounded up: one that is set never becomes 0, which would mean none.
    #[must_use]
    pub fn cap(self, cap: i64) -> i64 {
        self.up(cap)
    }

    /// The smallest cap of a full period that lets `messages` through in this part.
    #[must_use]
    pub fn full_cap_for(self, messages: i64) -> i64 {
        let (days, of_days) = (i128::from(self.days), i128::from(self.of_days));
        narrow((i128::from(messages) * of_days + days - 1).div_euclid(days))
    }

    /// The messages that the fee covers in this part, rounded up.
    #[must_use]
    pub fn included(self, messages: i64) -> i64 {
        self.up(messages)
    }

    /// A period's fee for this part, rounded half up to the minor unit.
    #[must_use]
    pub fn fee(self, minor: i64) -> i64 {
        let (days, of_days) = (i128::from(self.days), i128::from(self.of_days));
        narrow((i128::from(minor) * days * 2 + of_days).div_euclid(of_days * 2))
    }

    fn up(self, whole: i64) -> i64 {
        let (days, of_days) = (i128::from(self.days), i128::from(self.of_days));
        narrow((i128::from(whole) * days + of_days - 1).div_euclid(of_days))
    }
}

/// Never beyond what it is a part of, which fits.
fn narrow(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_period_takes_its_days_of_the_fee_and_of_the_caps() {
        let part = Part::of(14, 31);
        assert_eq!(part.days(), Some((14, 31)));
        assert_eq!((part.fee(4_900), part.cap(10), part.cap(1), part.included(10_000)), (2_213, 5, 1, 4_517));
    }

    #[test]
    fn no_cap_stays_none_and_no_period_is_more_than_a_whole_one() {
        assert_eq!(Part::of(14, 31).cap(0), 0);
        for (days, of_days) in [(31, 31), (32, 31), (0, 31), (-1, 31), (1, 0), (i64::MAX, i64::MAX)] {
            assert_eq!(Part::of(days, of_days), Part::WHOLE, "{days} of {of_days}");
        }
    }

    proptest! {
        #[test]
        fn a_part_is_within_a_unit_of_its_exact_share(days in 1..60i64, of_days in 1..60i64, whole in 0..=i64::MAX / 2) {
            let part = Part::of(days, of_days);
            let (days, of_days) = part.days().map_or((1, 1), |(days, of)| (i128::from(days), i128::from(of)));
            let exact = |made: i64| i128::from(made) * of_days - i128::from(whole) * days;
            prop_assert!((0..of_days).contains(&exact(part.cap(whole))), "up, by less than one");
            prop_assert!((2 * exact(part.fee(whole))).abs() <= of_days, "to the nearest");
            prop_assert!(part.cap(whole) <= whole && part.fee(whole) <= whole);
            let enough = part.full_cap_for(whole / 100);
            prop_assert!(part.cap(enough) >= whole / 100 && part.cap(enough - 1) <= whole / 100);
        }
    }
}
