//! The days that the demo looks back on, in the agency's time zone, and the billing periods they fall in.

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::random::Random;
use crate::actions::{ActionError, ActionResult};
use crate::domain::ids::Id;
use crate::domain::period::{BillingAnchor, midnight, period_containing};
use crate::models::periods::Period;

pub const TIME_ZONE: &str = "Europe/Berlin";

/// The running period is this many days old, so that there is always something to see in it.
const PERIOD_AGE: u64 = 18;

/// Local hour at which the last mail of a day goes out. No local day is shorter than 23 hours.
pub const LAST_HOUR: i64 = 20;

#[derive(Clone, Debug)]
pub struct Day {
    pub date: NaiveDate,
    /// `YYYY-MM-DD`
    pub text: String,
    pub start: DateTime<Utc>,
    /// Which of the calendar's periods.
    pub period: usize,
    /// Hours in which mail can have gone out: fewer than [`LAST_HOUR`] today.
    pub hours: i64,
}

#[derive(Clone, Debug)]
pub struct Calendar {
    pub now: DateTime<Utc>,
    pub anchor_day: u32,
    /// Oldest first; the last is today.
    pub days: Vec<Day>,
    /// Oldest first; the last is running.
    pub periods: Vec<Period>,
}

impl Calendar {
    /// The `days` days that end with `now`'s.
    ///
    /// # Errors
    /// `Internal` when the time zone database lacks the demo's zone.
    pub fn new(now: DateTime<Utc>, days: u32, seed: u64, parent: Id) -> ActionResult<Self> {
        let internal = |error: &dyn std::fmt::Display| ActionError::Internal(error.to_string());
        let tz: Tz = TIME_ZONE.parse().map_err(|error| internal(&error))?;
        let today = now.with_timezone(&tz).date_naive();
        let first = today - Days::new(u64::from(days.max(1)) - 1);
        let anchor_day = (today - Days::new(PERIOD_AGE)).day().min(28);
        let anchor = BillingAnchor::new(i64::from(anchor_day), tz).map_err(|refusal| internal(&refusal))?;
        let mut calendar = Self { now, anchor_day, days: Vec::new(), periods: Vec::new() };
        for date in first.iter_days().take_while(|date| *date <= today) {
            let start = midnight(tz, date);
            calendar.cover(start, anchor, seed, parent);
            let hours = (now - start).num_hours().min(LAST_HOUR);
            let period = calendar.periods.len() - 1;
            calendar.days.push(Day { date, text: date.to_string(), start, period, hours });
        }
        Ok(calendar)
    }

    /// Makes the period that `instant` falls in, unless it is the last one made.
    fn cover(&mut self, instant: DateTime<Utc>, anchor: BillingAnchor, seed: u64, parent: Id) {
        if self.periods.last().is_some_and(|period| instant.naive_utc() < period.end_at) {
            return;
        }
        let (start, end) = period_containing(anchor, instant);
        self.periods.push(Period {
            id: Random::stream(seed, "period", self.periods.len() as u64).id(start),
            account_id: parent,
            start_at: start.naive_utc(),
            end_at: end.naive_utc(),
            time_zone: TIME_ZONE.into(),
            anchor_day: i32::try_from(anchor.day()).unwrap_or(1),
            created_at: start.naive_utc(),
            days: None,
            of_days: None,
        });
    }

    /// `days` before now.
    #[must_use]
    pub fn ago(&self, days: f64) -> DateTime<Utc> {
        self.now - TimeDelta::seconds((days * 86_400.0) as i64)
    }

    /// The running period's place in `periods`.
    #[must_use]
    pub fn running(&self) -> usize {
        self.periods.len().saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::period::local_day;

    fn calendar(now: &str) -> Calendar {
        let now = now.parse().expect("an instant");
        Calendar::new(now, 90, 1, Random::stream(1, "parent", 0).id(now)).expect("the zone is known")
    }

    #[test]
    fn every_day_lies_in_its_period_and_the_last_is_today() {
        for now in ["2026-11-24T09:30:00Z", "2026-03-31T22:10:00Z", "2028-03-01T00:00:00Z", "2026-10-25T01:30:00Z"] {
            let calendar = calendar(now);
            assert_eq!(calendar.days.len(), 90);
            let tz: Tz = TIME_ZONE.parse().expect("known");
            assert_eq!(calendar.days[89].text, local_day(tz, calendar.now));
            for day in &calendar.days {
                let period = &calendar.periods[day.period];
                let last = day.start + TimeDelta::hours(day.hours.max(1)) - TimeDelta::seconds(1);
                assert!(period.start_at <= day.start.naive_utc() && last.naive_utc() < period.end_at, "{}", day.text);
                assert_eq!(local_day(tz, last), day.text);
            }
            assert_eq!(calendar.days[89].period, calendar.running());
            assert!(calendar.periods.windows(2).all(|pair| pair[0].end_at == pair[1].start_at));
        }
    }

    #[test]
    fn the_running_period_is_between_two_and_four_weeks_old() {
        for days in 0..800 {
            let now = "2026-01-01T12:00:00Z".parse::<DateTime<Utc>>().expect("an instant") + TimeDelta::days(days);
            let calendar = calendar(&now.to_rfc3339());
            let age = now.naive_utc() - calendar.periods[calendar.running()].start_at;
            assert!((18..=21).contains(&age.num_days()), "{now}: {age}");
        }
    }
}
