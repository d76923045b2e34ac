//! Bounce and complaint rates: of what, and from where on they are too high.

/// How many messages left: what a rate is of. One that was refused, or bounced later, left; one that failed for a fault
/// of its own, or still waits, did not.
#[must_use]
pub const fn left(delivered: i64, bounced: i64) -> i64 {
    delivered.saturating_add(bounced)
}

/// `part` of `left` per million; 0 where nothing left.
#[must_use]
pub const fn per_million(part: i64, left: i64) -> i64 {
    if left > 0 { part.saturating_mul(1_000_000) / left } else { 0 }
}

/// A rate that members of the parent are warned of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rate {
    Bounces,
    Complaints,
}

/// What a rate's newest value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It crossed the threshold: tell people, once.
    Warn,
    /// It fell: the next crossing is told again.
    Rearm,
    Stay,
}

impl Rate {
    /// Per million, at which people are warned: 5 % bounces, 0.1 % complaints. Large mailbox providers ask for less
    /// than 0.1 % complaints, and slow a sender down above 0.3 %.
    #[must_use]
    pub const fn threshold(self) -> i64 {
        match self {
            Self::Bounces => 50_000,
            Self::Complaints => 1_000,
        }
    }

    /// Messages that must have left before the rate says anything: so many that the threshold is at least five bounces,
    /// or one complaint.
    #[must_use]
    pub const fn minimum(self) -> i64 {
        match self {
            Self::Bounces => 100,
            Self::Complaints => 1_000,
        }
    }

    /// What follows from `count` of `left`, when people were (`warned`) or were not yet told. It has fallen below four
    /// fifths of the threshold before it can cross again, so that one which goes to and fro is told once.
    #[must_use]
    pub const fn turn(self, count: i64, left: i64, warned: bool) -> Turn {
        let rate = per_million(count, left);
        if !warned && left >= self.minimum() && rate >= self.threshold() {
            Turn::Warn
        } else if warned && rate < self.threshold() / 5 * 4 {
            Turn::Rearm
        } else {
            Turn::Stay
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_of_what_left() {
        assert_eq!(left(910, 90), 1000);
        assert_eq!(per_million(90, 1000), 90_000);
        assert_eq!(per_million(0, 0), 0);
    }

    #[test]
    fn a_warning_needs_the_threshold_and_some_volume_and_comes_once_a_crossing() {
        for (rate, count, left, warned, expected) in [
            (Rate::Bounces, 5, 100, false, Turn::Warn),
            (Rate::Bounces, 49, 1000, false, Turn::Stay),
            (Rate::Bounces, 50, 1000, false, Turn::Warn),
            (Rate::Bounces, 99, 99, false, Turn::Stay),
            (Rate::Bounces, 500, 1000, true, Turn::Stay),
            (Rate::Bounces, 41, 1000, true, Turn::Stay),
            (Rate::Bounces, 39, 1000, true, Turn::Rearm),
            (Rate::Complaints, 1, 1000, false, Turn::Warn),
            (Rate::Complaints, 1, 1001, false, Turn::Stay),
            (Rate::Complaints, 999, 999, false, Turn::Stay),
            (Rate::Complaints, 0, 0, false, Turn::Stay),
            (Rate::Complaints, 7, 10_000, true, Turn::Rearm),
        ] {
            assert_eq!(rate.turn(count, left, warned), expected, "{rate:?} {count} of {left}");
        }
    }
}
