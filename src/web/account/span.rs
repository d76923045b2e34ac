//! The days of a billing period, in the time zone that it was opened in.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::domain::ids::Id;
use crate::domain::period::{BillingAnchor, period_containing};
use crate::models::accounts::Account;
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
}

impl Span {
    #[must_use]
    pub fn of(period: &Period) -> Self {
        let tz = period.time_zone.parse().unwrap_or(chrono_tz::UTC);
        Self { id: Some(period.id), start: period.start_at, end: period.end_at, tz }
    }

    /// The period that `root` is in at `now`, before anything was counted in it.
    #[must_use]
    pub fn expected(root: &Account, now: DateTime<Utc>) -> Self {
        let tz = root.time_zone.parse().unwrap_or(chrono_tz::UTC);
        let (start, end) = BillingAnchor::new(i64::from(root.anchor_day), tz)
            .map_or((now, now), |anchor| period_containing(anchor, now));
        Self { id: None, start: start.naive_utc(), end: end.naive_utc(), tz }
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

    /// `1–30 November`, with the year when it is not the one of `now`.
    #[must_use]
    pub fn label(&self, now: NaiveDateTime) -> String {
        let (first, last) = (self.first_day(), self.last_day());
        let range = format::date_range(first, last);
        let told = range.contains(&last.year().to_string());
        if told || last.year() == format::local_date(now, self.tz).year() {
            range
        } else {
            format!("{range} {}", last.year())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_has_the_days_of_its_own_time_zone() {
        let now = "2026-11-24T12:00:00Z".parse::<DateTime<Utc>>().expect("an instant");
        let mut root = Account::new(Id::new(now), None, "Agency", "agency.test", now.naive_utc());
        root.time_zone = "Europe/Berlin".into();
        let span = Span::expected(&root, now);
        assert_eq!(span.start.to_string(), "2026-10-31 23:00:00");
        assert_eq!((span.len(), span.label(now.naive_utc()).as_str()), (30, "1–30 November"));
        assert_eq!(span.days_until(now.naive_utc()).count(), 24);
        assert!(span.is_current(now.naive_utc()));
    }

    #[test]
    fn a_period_of_another_year_says_so() {
        let then = "2025-11-24T12:00:00Z".parse::<DateTime<Utc>>().expect("an instant");
        let root = Account::new(Id::new(then), None, "Agency", "agency.test", then.naive_utc());
        let now = "2026-11-24T12:00:00Z".parse::<DateTime<Utc>>().expect("an instant").naive_utc();
        assert_eq!(Span::expected(&root, then).label(now), "1–30 November 2025");
    }
}
