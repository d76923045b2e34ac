//! How far apart the clocks of an installation's nodes may be, and how a time is judged that another of them wrote.

use chrono::{NaiveDateTime, TimeDelta};

/// Within this the clocks of all nodes agree; they are to be kept to within a few seconds.
pub const APART: TimeDelta = TimeDelta::minutes(1);

/// Times after this one were not written by a clock that agrees with ours at `now`: nothing of their kind is ever planned
/// for longer than `longest` ahead.
#[must_use]
pub fn farthest(now: NaiveDateTime, longest: TimeDelta) -> NaiveDateTime {
    now.checked_add_signed(longest + APART).unwrap_or(NaiveDateTime::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_a_minute_ahead_is_believed_and_one_beyond_it_is_not() {
        let (now, lease) = (chrono::DateTime::UNIX_EPOCH.naive_utc(), TimeDelta::seconds(40));
        let by_a_clock_ahead = |ahead: TimeDelta| now + ahead + lease;
        assert!(by_a_clock_ahead(TimeDelta::seconds(60)) <= farthest(now, lease));
        assert!(by_a_clock_ahead(TimeDelta::seconds(61)) > farthest(now, lease));
        assert_eq!(farthest(NaiveDateTime::MAX, lease), NaiveDateTime::MAX);
    }
}
