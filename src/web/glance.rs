//! The period at a glance: what an agency's accounts sent, what it costs so far, and where it is heading.

use std::collections::HashMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;

use super::chart::{BarChart, Column};
use super::format;
use crate::actions::ActionResult;
use crate::actions::ensure_period::{expected, running};
use crate::actions::set_plan;
use crate::domain::forecast::{self, Forecast, Known};
use crate::domain::ids::Id;
use crate::domain::money::Money;
use crate::domain::proration::Part;
use crate::domain::rating::{Plan, rate};
use crate::domain::reputation::left;
use crate::models::accounts::Account;
use crate::models::periods::Period;
use crate::models::usage::{Running, RunningPeriods, UsageTotal};
use crate::models::{AnyConnection, plans, usage};

/// Days of history that are read: eight weeks for the forecast.
const HISTORY: u64 = 56;

/// A day of all accounts together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    pub accepted: i64,
    pub delivered: i64,
    pub bounced: i64,
    pub complained: i64,
}

/// What is known of an agency's running period.
#[derive(Clone, Debug)]
pub struct Glance {
    /// `None` until something happened in the period.
    pub period_id: Option<Id>,
    pub first_day: NaiveDate,
    /// The first day of the next period.
    pub end_day: NaiveDate,
    pub today: NaiveDate,
    pub total: Day,
    /// As it prices this period.
    pub plan: Option<Plan>,
    /// The part of a full period that this one is.
    pub part: Part,
    pub forecast: Option<Forecast>,
    /// The last 30 days, the oldest first, today last.
    pub days: Vec<(NaiveDate, Day)>,
}

impl Glance {
    /// Reads it for a parent account.
    ///
    /// # Errors
    /// Only the database's, and a plan that cannot be read.
    pub fn read(conn: &mut AnyConnection, parent: &Account, now: DateTime<Utc>) -> ActionResult<Self> {
        let running = read(conn, parent, now)?;
        Self::of(&running, now)
    }

    /// The same as this node remembers it: what was sent may be a few seconds old.
    ///
    /// # Errors
    /// As [`Glance::read`].
    pub fn remembered(
        running: &RunningPeriods,
        conn: &mut AnyConnection,
        parent: &Account,
        now: DateTime<Utc>,
    ) -> ActionResult<Self> {
        let today = key(format::local_date(now.naive_utc(), time_zone(parent)));
        let running = running.of((parent.id, today), now, || read(conn, parent, now))?;
        Self::of(&running, now)
    }

    fn of(running: &Running, now: DateTime<Utc>) -> ActionResult<Self> {
        let (today, first_day, end_day) = days_of(&running.period, now);
        let since = running.days.first().and_then(|row| row.day.parse().ok()).unwrap_or(today);
        let mut by_day: HashMap<&str, Day> = HashMap::new();
        for row in &running.days {
            let of_day = by_day.entry(row.day.as_str()).or_default();
            *of_day = sum(*of_day, day(row));
        }
        let of = |day: NaiveDate| by_day.get(key(day).as_str()).copied().unwrap_or_default();
        // Not by days: the first may be one of the period before, too.
        let of_period = running.days.iter().filter(|row| row.period_id == running.period.id);
        let total = of_period.map(day).fold(Day::default(), sum);
        let history: Vec<i64> = NaiveDate::iter_days(&oldest(today, first_day).max(since))
            .take_while(|day| *day < today)
            .map(|day| of(day).accepted)
            .collect();
        let known = Known {
            daily: &history,
            today,
            today_so_far: of(today).accepted,
            used: total.accepted,
            period_end: end_day,
        };
        let begin = today.checked_sub_days(Days::new(29)).unwrap_or(today);
        let (part, plan) = (running.period.part(), running.plan.as_ref().map(set_plan::read).transpose()?);
        Ok(Self {
            period_id: running.begun.then_some(running.period.id),
            first_day,
            end_day,
            today,
            total,
            plan: plan.map(|plan| plan.for_part(part)),
            part,
            forecast: forecast::period_end(&known),
            days: begin.iter_days().take(30).map(|day| (day, of(day))).collect(),
        })
    }

    /// "1–30 November", or "1–14 December (14 of 31 days)".
    #[must_use]
    pub fn range(&self) -> String {
        let range = format::date_range(self.first_day, self.end_day.pred_opt().unwrap_or(self.end_day));
        format!("{range}{}", format::part(self.part))
    }

    /// "7 days left".
    #[must_use]
    pub fn days_left(&self) -> String {
        let left = (self.end_day - self.today).num_days();
        format::count(left.unsigned_abs(), "day left", "days left")
    }

    /// The pooled bill for `volume` messages.
    #[must_use]
    pub fn bill(&self, volume: i64) -> Option<Money> {
        self.plan.as_ref().map(|plan| Money::new(rate(plan, volume).total_minor, plan.currency))
    }

    /// An account's share of the bill so far, by volume. To the nearest minor unit: the usage page shares the last
    /// units out so that the parts add up.
    #[must_use]
    pub fn share(&self, sent: i64) -> Option<Money> {
        let bill = self.bill(self.total.accepted)?;
        let pool = i128::from(self.total.accepted.max(1));
        let minor = (i128::from(bill.minor) * i128::from(sent) * 2 + pool) / (pool * 2);
        Some(Money::new(i64::try_from(minor).unwrap_or(i64::MAX), bill.currency))
    }

    /// "1,284,310".
    #[must_use]
    pub fn messages(&self) -> String {
        format::number(self.total.accepted)
    }

    /// "forecast 1.71 M (1.62–1.80 M)", or why there is none.
    #[must_use]
    pub fn forecast_note(&self) -> String {
        match &self.forecast {
            None => "a forecast needs two weeks of mail".into(),
            Some(at) => format!(
                "forecast {} ({}–{})",
                format::compact(at.expected.unsigned_abs()),
                format::compact(at.low.unsigned_abs()),
                format::compact(at.high.unsigned_abs())
            ),
        }
    }

    /// "$2,568.62", or "not set".
    #[must_use]
    pub fn cost(&self) -> String {
        format::or_not_set(self.bill(self.total.accepted).map(format::money))
    }

    /// Where the bill is heading.
    #[must_use]
    pub fn cost_note(&self) -> String {
        match (&self.plan, &self.forecast) {
            (None, _) => "enter your own costs in Settings".into(),
            (Some(_), Some(at)) => {
                let expected = self.bill(at.expected).map(format::money).unwrap_or_default();
                format!("estimate; heading for {expected}")
            }
            (Some(_), None) => {
                format!("estimate until {}", format::short_date(self.end_day.pred_opt().unwrap_or(self.end_day)))
            }
        }
    }

    /// Share of the accepted messages that were delivered.
    #[must_use]
    pub fn delivered(&self) -> String {
        format::percent(self.total.delivered.unsigned_abs(), self.total.accepted.unsigned_abs())
    }

    /// "bounced 0.9 %, complaints 0.02 %", of what left.
    #[must_use]
    pub fn bounce_note(&self) -> String {
        match left(self.total.delivered, self.total.bounced) {
            0 if self.total.accepted == 0 => "nothing sent this period".into(),
            0 => "bounces: no data, nothing left yet".into(),
            left => {
                let rate = |part: i64| format::percent(part.unsigned_abs(), left.unsigned_abs());
                format!("bounced {}, complaints {}", rate(self.total.bounced), rate(self.total.complained))
            }
        }
    }

    /// The last 30 days.
    #[must_use]
    pub fn chart(&self) -> BarChart {
        let columns = self.days.iter().map(|(date, day)| {
            Column::single(format::short_date(*date), day.accepted.unsigned_abs(), day.bounced.unsigned_abs())
        });
        BarChart::simple("Messages per day", columns.collect())
    }
}

fn time_zone(parent: &Account) -> Tz {
    parent.time_zone.parse().unwrap_or(chrono_tz::UTC)
}

fn read(conn: &mut AnyConnection, parent: &Account, now: DateTime<Utc>) -> ActionResult<Running> {
    let begun = running(conn, parent.id, now)?.is_some();
    let period = expected(conn, parent, now)?;
    let (today, first_day, _) = days_of(&period, now);
    Ok(Running {
        begun,
        days: usage::totals(conn, parent.id, &key(oldest(today, first_day)), &key(today))?,
        plan: plans::in_force(conn, parent.id, now.naive_utc())?,
        period,
    })
}

/// The first day that is read.
fn oldest(today: NaiveDate, first_day: NaiveDate) -> NaiveDate {
    today.checked_sub_days(Days::new(HISTORY)).unwrap_or(today).min(first_day)
}

/// Today, and the first day of a period and of the next, in the zone that it was opened in.
fn days_of(period: &Period, now: DateTime<Utc>) -> (NaiveDate, NaiveDate, NaiveDate) {
    let tz = period.time_zone.parse().unwrap_or(chrono_tz::UTC);
    let day = |at| format::local_date(at, tz);
    (day(now.naive_utc()), day(period.start_at), day(period.end_at))
}

fn day(row: &UsageTotal) -> Day {
    Day { accepted: row.accepted, delivered: row.delivered, bounced: row.bounced, complained: row.complained }
}

fn key(day: NaiveDate) -> String {
    day.to_string()
}

fn sum(a: Day, b: Day) -> Day {
    Day {
        accepted: a.accepted + b.accepted,
        delivered: a.delivered + b.delivered,
        bounced: a.bounced + b.bounced,
        complained: a.complained + b.complained,
    }
}
