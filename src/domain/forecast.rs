//! Where an account's use will stand at the end of its period, with a band of 80 %, and when it would reach its cap.
//! Each weekday is foretold from its own past, the newest weeks counting most; the band comes from how far such
//! forecasts were off before. It is an estimate for a page: nothing is billed or stopped by it.

use chrono::{Datelike, Days, NaiveDate};

/// Too little history says nothing: two whole weeks are needed.
const MIN_DAYS: usize = 14;
const MAX_DAYS: usize = 56;
/// A week counts this much less than the one after it.
const FADE: f64 = 0.7;
/// Four fifths of a normal distribution lie within this many standard deviations.
const Z80: f64 = 1.2816;
/// How many days' worth of luck the level itself rests on.
const LEVEL_DAYS: f64 = 14.0;

/// What is known at the time of asking.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Complete local days, the oldest first, the last one yesterday, days without mail as 0.
    pub daily: &'a [i64],
    pub today: NaiveDate,
    pub today_so_far: i64,
    /// Used in the period, today included.
    pub used: i64,
    /// The first local day of the next period.
    pub period_end: NaiveDate,
}

/// Use at the end of the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    pub low: i64,
    pub expected: i64,
    pub high: i64,
}

/// When the cap is likely reached; `None` is not within the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapForecast {
    pub likely: Option<NaiveDate>,
    /// The window of 80 %.
    pub earliest: Option<NaiveDate>,
    pub latest: Option<NaiveDate>,
}

/// The use at the period's end. `None` with less than two weeks of history, or with no mail in it.
#[must_use]
pub fn period_end(known: &Known<'_>) -> Option<Forecast> {
    let model = Model::fit(known)?;
    Some(
        model
            .path(known)
            .last()
            .map_or(Forecast { low: known.used, expected: known.used, high: known.used }, |(_, at)| at),
    )
}

/// When `cap` is reached. `None` as for `period_end`, and when it is reached already.
#[must_use]
pub fn cap_reached(known: &Known<'_>, cap: i64) -> Option<CapForecast> {
    if known.used >= cap {
        return None;
    }
    let model = Model::fit(known)?;
    let first = |use_of: fn(&Forecast) -> i64| model.path(known).find(|(_, at)| use_of(at) >= cap).map(|(day, _)| day);
    Some(CapForecast { likely: first(|at| at.expected), earliest: first(|at| at.high), latest: first(|at| at.low) })
}

struct Model {
    /// The expected messages of Monday to Sunday.
    weekdays: [f64; 7],
    /// The standard deviation of one day around its expectation.
    deviation: f64,
}

impl Model {
    fn fit(known: &Known<'_>) -> Option<Self> {
        let daily = &known.daily[known.daily.len().saturating_sub(MAX_DAYS)..];
        if daily.len() < MIN_DAYS || daily.iter().all(|count| *count <= 0) {
            return None;
        }
        let mut past: [Vec<f64>; 7] = Default::default();
        let mut squares = 0.0;
        let mut judged = 0.0;
        for (age, count) in (1..=daily.len()).rev().zip(daily) {
            let days = u64::try_from(age).ok()?;
            let weekday = known.today.checked_sub_days(Days::new(days))?.weekday().num_days_from_monday() as usize;
            let count = as_float(*count);
            if !past[weekday].is_empty() {
                squares += (count - faded(&past[weekday])).powi(2);
                judged += 1.0;
            }
            past[weekday].push(count);
        }
        let deviation = if judged > 0.0 { (squares / judged).sqrt() } else { 0.0 };
        Some(Self { weekdays: past.map(|counts| faded(&counts)), deviation })
    }

    /// The use at the end of today and of each day that follows in the period.
    fn path<'a>(&'a self, known: &'a Known<'_>) -> impl Iterator<Item = (NaiveDate, Forecast)> + 'a {
        let mut expected = as_float(known.used);
        let mut days = 0.0;
        known.today.iter_days().take_while(|day| *day < known.period_end).map(move |day| {
            let foretold = self.weekdays[day.weekday().num_days_from_monday() as usize];
            expected += if day == known.today { (foretold - as_float(known.today_so_far)).max(0.0) } else { foretold };
            days += 1.0;
            (day, self.band(known.used, expected, days))
        })
    }

    /// Days are off independently, and all of them together where the level has shifted.
    fn band(&self, used: i64, expected: f64, days: f64) -> Forecast {
        let variance = self.deviation.powi(2) * (days + days.powi(2) / LEVEL_DAYS);
        let margin = Z80 * variance.sqrt();
        let expected_count = as_count(expected).max(used);
        Forecast {
            low: as_count(expected - margin).clamp(used, expected_count),
            expected: expected_count,
            high: as_count(expected + margin).max(expected_count),
        }
    }
}

/// The mean of a weekday's counts (oldest first), the newest counting most.
fn faded(counts: &[f64]) -> f64 {
    let (sum, weights, _) = counts
        .iter()
        .rev()
        .fold((0.0, 0.0, 1.0), |(sum, weights, weight), count| (sum + weight * count, weights + weight, weight * FADE));
    if weights > 0.0 { sum / weights } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate; counts are far below 2^53")]
fn as_float(count: i64) -> f64 {
    count as f64
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and counts are far below the limits")]
fn as_count(value: f64) -> i64 {
    value.round() as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    /// Asked on Tuesday, 24 November 2026 of a period that ends with the month.
    fn known(daily: &[i64], used: i64) -> Known<'_> {
        Known { daily, today: day("2026-11-24"), today_so_far: 0, used, period_end: day("2026-12-01") }
    }

    /// Whole weeks from a Tuesday on, nothing at the weekend.
    fn weekly(weeks: usize) -> Vec<i64> {
        [100, 100, 100, 100, 0, 0, 100].repeat(weeks)
    }

    #[test]
    fn the_weekly_rhythm_is_carried_on() {
        let daily = weekly(4);
        let forecast = period_end(&known(&daily, 2_000)).expect("enough history");
        assert_eq!(forecast, Forecast { low: 2_500, expected: 2_500, high: 2_500 });
    }

    #[test]
    fn the_cap_falls_on_a_working_day() {
        let daily = weekly(4);
        let forecast = cap_reached(&known(&daily, 2_000), 2_401).expect("enough history");
        assert_eq!(forecast.likely, Some(day("2026-11-30")));
        assert_eq!(cap_reached(&known(&daily, 2_000), 2_501).expect("enough history").likely, None);
        assert_eq!(cap_reached(&known(&daily, 2_000), 2_000), None);
    }

    #[test]
    fn what_today_already_has_is_not_foretold_again() {
        let daily = weekly(4);
        let known = Known { today_so_far: 70, ..known(&daily, 2_070) };
        assert_eq!(period_end(&known).map(|forecast| forecast.expected), Some(2_500));
    }

    #[test]
    fn too_little_history_says_nothing() {
        assert_eq!(period_end(&known(&[5; 13], 65)), None);
        assert_eq!(period_end(&known(&[0; 30], 0)), None);
        assert!(period_end(&known(&[5; 14], 70)).is_some());
    }

    proptest! {
        #[test]
        fn the_band_holds_the_expectation_and_never_unsends(
            daily in prop::collection::vec(0..100_000i64, 14..90),
            used in 0..1_000_000i64,
            so_far in 0..100_000i64,
            cap in 1..3_000_000i64,
        ) {
            let known = Known { today_so_far: so_far, ..known(&daily, used) };
            if let Some(Forecast { low, expected, high }) = period_end(&known) {
                prop_assert!(used <= low && low <= expected && expected <= high);
            }
            if let Some(CapForecast { likely, earliest, latest }) = cap_reached(&known, cap) {
                prop_assert!(earliest.is_some() || likely.is_none());
                prop_assert!(likely.is_some() || latest.is_none());
                prop_assert!(likely.is_none_or(|likely| earliest.is_some_and(|earliest| earliest <= likely)));
                prop_assert!(latest.is_none_or(|latest| likely.is_some_and(|likely| likely <= latest)));
            }
        }
    }
}
