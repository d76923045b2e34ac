//! Billing periods: from an anchor day to the next, at midnight where the parent account lives.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::proration::Part;
use super::refusal::Refusal;

/// A period that follows a change of zone is longer than this, so that clocks which are apart by hours make no period of
/// hours.
const SHORTEST: TimeDelta = TimeDelta::hours(48);

/// A clock this far beyond the end of the newest period is wrong, or the installation was away: it closes nothing.
pub const FAR_BEYOND: TimeDelta = TimeDelta::days(62);

/// A period is closed this long after its end: by then every node whose clock is right has counted in it what belongs there.
pub const CLOSED_AFTER: TimeDelta = TimeDelta::hours(1);

/// When a parent's periods begin: a day of the month, at local midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BillingAnchor {
    day: u32,
    tz: Tz,
}

impl BillingAnchor {
    /// `day` is 1 to 31; in a shorter month the period begins on its last day.
    pub fn new(day: i64, tz: Tz) -> Result<Self, Refusal> {
        match u32::try_from(day) {
            Ok(day @ 1..=31) => Ok(Self { day, tz }),
            _ => Err(Refusal::new("Choose a billing day from 1 to 31.")),
        }
    }

    /// Reads the day and an IANA zone name such as `Europe/Berlin`.
    pub fn parse(day: i64, tz: &str) -> Result<Self, Refusal> {
        Self::new(day, parse_time_zone(tz)?)
    }

    #[must_use]
    pub const fn day(self) -> u32 {
        self.day
    }

    #[must_use]
    pub const fn tz(self) -> Tz {
        self.tz
    }
}

/// Reads an IANA zone name.
pub fn parse_time_zone(text: &str) -> Result<Tz, Refusal> {
    text.trim().parse().map_err(|_| Refusal::new("Choose a time zone by its name, for example Europe/Berlin."))
}

/// The period `[start, end)` that `now` falls in while an anchor never changes, in UTC: contiguous, never empty. Only the
/// first period of a parent is made by it; the others follow the one before ([`following`]).
#[must_use]
pub fn period_containing(anchor: BillingAnchor, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let today = now.with_timezone(&anchor.tz).date_naive();
    let this_month = today.with_day(1).unwrap_or(today);
    let start = boundary(anchor, this_month);
    if start <= now {
        (start, boundary(anchor, this_month + Months::new(1)))
    } else {
        (boundary(anchor, this_month - Months::new(1)), start)
    }
}

/// The end of the period that begins at `start`, where the one before it ended, and the part of a full period that it is.
/// `before` is the anchor that the one before was made by, `anchor` the one in force now.
///
/// Another zone moves the boundary by hours: the period ends at the first boundary of the new zone more than 48 hours
/// after its start, and is a full one. Another day makes a short period, up to the first boundary of the new anchor; it
/// counts its days of those that the period would have had, had the day not changed.
#[must_use]
pub fn following(before: BillingAnchor, start: DateTime<Utc>, anchor: BillingAnchor) -> (DateTime<Utc>, Part) {
    let full = boundary_after(BillingAnchor { day: before.day, ..anchor }, start + SHORTEST);
    if before.day == anchor.day {
        return (full, Part::WHOLE);
    }
    let least = if before.tz == anchor.tz { TimeDelta::zero() } else { SHORTEST };
    let end = boundary_after(anchor, start + least);
    (end, Part::of(days_between(start, end), days_between(start, full)))
}

/// The first boundary of `anchor` after `at`.
fn boundary_after(anchor: BillingAnchor, at: DateTime<Utc>) -> DateTime<Utc> {
    period_containing(anchor, at).1
}

/// Days to the nearest whole one, at least one: clocks that change make days of 23 and 25 hours.
fn days_between(start: DateTime<Utc>, end: DateTime<Utc>) -> i64 {
    ((end - start).num_hours() + 12).div_euclid(24).max(1)
}

/// The instant at which the period of the month that `first` begins starts.
fn boundary(anchor: BillingAnchor, first: NaiveDate) -> DateTime<Utc> {
    let last_day = u32::from(first.num_days_in_month());
    midnight(anchor.tz, first.with_day(anchor.day.min(last_day)).unwrap_or(first))
}

/// The first instant of a local day. Where clocks jump over midnight, or over the whole day (Samoa skipped
/// 30 December 2011), it is the first instant after the jump; where midnight comes twice, the earlier one.
#[must_use]
pub fn midnight(tz: Tz, day: NaiveDate) -> DateTime<Utc> {
    let mut local = day.and_time(NaiveTime::MIN);
    // No jump is longer than a day; zone rules are whole minutes in our century.
    for _ in 0..=24 * 60 {
        if let Some(instant) = tz.from_local_datetime(&local).earliest() {
            return instant.to_utc();
        }
        local += TimeDelta::minutes(1);
    }
    day.and_time(NaiveTime::MIN).and_utc()
}

/// The local day of `now` as `YYYY-MM-DD`, the form in which usage is keyed.
#[must_use]
pub fn local_day(tz: Tz, now: DateTime<Utc>) -> String {
    now.with_timezone(&tz).format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use chrono_tz::TZ_VARIANTS;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn period(day: i64, tz: &str, now: &str) -> (String, String) {
        let anchor = BillingAnchor::parse(day, tz).expect("valid");
        let (start, end) = period_containing(anchor, at(now));
        (start.format("%FT%R").to_string(), end.format("%FT%R").to_string())
    }

    fn pair(start: &str, end: &str) -> (String, String) {
        (start.to_owned(), end.to_owned())
    }

    #[test]
    fn a_period_runs_from_local_midnight_to_local_midnight() {
        let berlin = period(1, "Europe/Berlin", "2026-03-15T12:00:00Z");
        assert_eq!(berlin, pair("2026-02-28T23:00", "2026-03-31T22:00"));
        let late = period(1, "America/New_York", "2026-11-01T03:59:00Z");
        assert_eq!(late, pair("2026-10-01T04:00", "2026-11-01T04:00"));
    }

    #[test]
    fn the_31st_is_the_last_day_of_a_short_month() {
        assert_eq!(period(31, "UTC", "2027-02-28T00:00:00Z"), pair("2027-02-28T00:00", "2027-03-31T00:00"));
        assert_eq!(period(31, "UTC", "2028-02-28T23:59:00Z"), pair("2028-01-31T00:00", "2028-02-29T00:00"));
    }

    #[test]
    fn a_midnight_that_does_not_exist_gives_the_first_instant_after_it() {
        // Chile's clocks went from 24:00 on 2 September 2023 to 01:00.
        let start = midnight(chrono_tz::America::Santiago, NaiveDate::from_ymd_opt(2023, 9, 3).expect("a day"));
        assert_eq!(start, at("2023-09-03T04:00:00Z"));
        let skipped = midnight(chrono_tz::Pacific::Apia, NaiveDate::from_ymd_opt(2011, 12, 30).expect("a day"));
        assert_eq!(skipped, at("2011-12-30T10:00:00Z"));
    }

    #[test]
    fn the_local_day_is_the_parents() {
        let now = at("2026-11-24T23:30:00Z");
        assert_eq!(local_day(chrono_tz::Europe::Berlin, now), "2026-11-25");
        assert_eq!(local_day(chrono_tz::America::New_York, now), "2026-11-24");
    }

    #[test]
    fn wrong_anchors_are_refused() {
        for day in [-1, 0, 32, i64::MAX] {
            assert!(BillingAnchor::parse(day, "UTC").is_err());
        }
        assert!(BillingAnchor::parse(1, "Mars/Olympus").is_err());
    }

    fn anchor(day: i64, tz: &str) -> BillingAnchor {
        BillingAnchor::parse(day, tz).expect("valid")
    }

    fn next(before: BillingAnchor, start: &str, after: BillingAnchor) -> (String, Option<(i32, i32)>) {
        let (end, part) = following(before, at(start), after);
        (end.format("%FT%R").to_string(), part.days())
    }

    #[test]
    fn another_zone_makes_no_period_of_hours() {
        let (berlin, new_york) = (anchor(1, "Europe/Berlin"), anchor(1, "America/New_York"));
        // Six hours after its start lies New York's midnight: the month after it is meant.
        assert_eq!(next(berlin, "2026-11-30T23:00:00Z", new_york), ("2027-01-01T05:00".into(), None));
        assert_eq!(next(new_york, "2026-12-01T05:00:00Z", berlin), ("2026-12-31T23:00".into(), None));
        assert_eq!(next(berlin, "2026-11-30T23:00:00Z", berlin), ("2026-12-31T23:00".into(), None));
    }

    #[test]
    fn another_day_makes_a_short_period_of_so_many_days_of_a_full_one() {
        let (first, fifteenth) = (anchor(1, "Europe/Berlin"), anchor(15, "Europe/Berlin"));
        assert_eq!(next(first, "2026-11-30T23:00:00Z", fifteenth), ("2026-12-14T23:00".into(), Some((14, 31))));
        assert_eq!(next(fifteenth, "2026-12-14T23:00:00Z", first), ("2026-12-31T23:00".into(), Some((17, 31))));
        // The 31st of a short month is its last day: as long as a full period is one.
        assert_eq!(next(anchor(30, "UTC"), "2027-02-28T00:00:00Z", anchor(31, "UTC")).1, None);
        let both = next(first, "2026-11-30T23:00:00Z", anchor(15, "America/New_York"));
        assert_eq!(both, ("2026-12-15T05:00".into(), Some((14, 31))));
    }

    proptest! {
        #[test]
        fn periods_are_contiguous_contain_now_and_are_never_empty(
            day in 1..=31i64,
            zone in 0..TZ_VARIANTS.len(),
            seconds in 946_684_800..4_102_444_800i64,
        ) {
            let anchor = BillingAnchor::new(day, TZ_VARIANTS[zone]).expect("in range");
            let now = DateTime::from_timestamp(seconds, 0).expect("in range");
            let (start, end) = period_containing(anchor, now);
            prop_assert!(start <= now && now < end);
            prop_assert!(end - start >= TimeDelta::days(26) && end - start <= TimeDelta::days(33));
            prop_assert_eq!(period_containing(anchor, end).0, end);
            prop_assert_eq!(period_containing(anchor, start - TimeDelta::seconds(1)).1, start);
        }
    }
}
