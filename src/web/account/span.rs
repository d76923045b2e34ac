//! The days of a billing period, in the time zone that it was opened in.

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta};
use chrono_tz::Tz;

use crate::domain::ids::Id;
use crate::domain::proration::Part;
use crate::models::periods::Period;
use crate::web::format;

/// A billing period as pages speak of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// `None` while nothing has been counted in it.
    pub id: Option<Id>,
    pub start: NaiveDateTime,
    /// The first instant after it.
    pub end: NaiveDateTime,
    pub tz: Tz,
    /// The part of a full period that it is.
    pub part: Part,
}

impl Span {
    #[must_use]
    pub fn of(period: &Period) -> Self {
        Self { id: Some(period.id), ..Self::expected(period) }
    }

    /// A period as it will be, before anything was counted in it.
    #[must_use]
    pub fn expected(period: &Period) -> Self {
        let tz = period.time_zone.parse().unwrap_or(chrono_tz::UTC);
        Self { id: None, start: period.start_at, end: period.end_at, tz, part: period.part() }
    }

    #[must_use]
    pub fn first_day(&self) -> NaiveDate {
        format::local_date(self.start, self.tz)
    }

    #[must_use]
    pub fn last_day(&self) -> NaiveDate {
        format::local_date(self.end - TimeDelta::microseconds(1), self.tz)
    }

    /// How many days it has.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from((self.last_day() - self.first_day()).num_days() + 1).unwrap_or(1)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The days that have begun at `now`, oldest first.
    pub fn days_until(&self, now: NaiveDateTime) -> impl Iterator<Item = NaiveDate> + use<> {
        let last = self.last_day().min(format::local_date(now, self.tz));
        self.first_day().iter_days().take_while(move |day| *day <= last)
    }

    #[must_use]
    pub fn is_current(&self, now: NaiveDateTime) -> bool {
        self.start <= now && now < self.end
    }

    /// `1–30 November`, with the year when it is not the one of `now`, and a short one's days: `(14 of 31 days)`.
    #[must_use]
    pub fn label(&self, now: NaiveDateTime) -> String {
        let (first, last) = (self.first_day(), self.last_day());
        let mut range = format::date_range(first, last);
        let told = range.contains(&last.year().to_string());
        if !told && last.year() != format::local_date(now, self.tz).year() {
            range = format!("{range} {}", last.year());
        }
        range + &format::part(self.part)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn period(start: &str, end: &str) -> Period {
        Period {
            id: Id::new(at(start)),
            account_id: Id::new(at(start)),
            start_at: at(start).naive_utc(),
            end_at: at(end).naive_utc(),
            time_zone: "Europe/Berlin".into(),
            anchor_day: 1,
            created_at: at(start).naive_utc(),
            days: None,
            of_days: None,
        }
    }

    #[test]
    fn a_period_has_the_days_of_its_own_time_zone() {
        let now = at("2026-11-24T12:00:00Z");
        let span = Span::of(&period("2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z"));
        assert_eq!((span.len(), span.label(now.naive_utc()).as_str()), (30, "1–30 November"));
        assert_eq!(span.days_until(now.naive_utc()).count(), 24);
        assert!(span.is_current(now.naive_utc()));
    }

    #[test]
    fn a_period_of_another_year_says_so() {
        let (start, end) = ("2025-10-31T23:00:00Z", "2025-11-30T23:00:00Z");
        let now = at("2026-11-24T12:00:00Z").naive_utc();
        assert_eq!(Span::of(&period(start, end)).label(now), "1–30 November 2025");
        let short = Period { days: Some(14), of_days: Some(31), ..period(start, "2025-11-14T23:00:00Z") };
        assert_eq!(Span::of(&short).label(now), "1–14 November 2025 (14 of 31 days)");
    }
}
