//! Times and days as people and programs write them: one reader for each form, and one range for all. A database that
//! compares times as text takes the year 12026 for one that is over, and far ones overflow where days are added.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc};

use super::refusal::Refusal;

/// The years of times that are taken from outside.
pub const YEARS: RangeInclusive<i32> = 1970..=2200;

/// How a form may write a date with a time of the day.
const LOCAL: [&str; 3] = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"];

/// An RFC 3339 time: any offset, fractions of a second down to the microsecond, `t` and `z` in either case. A leap second
/// is the first instant after it.
pub fn instant(text: &str) -> Result<DateTime<Utc>, Refusal> {
    #[expect(clippy::disallowed_methods, reason = "this is the one reader")]
    let read = DateTime::parse_from_rfc3339(text);
    let read = read.map_err(|_| Refusal::new("Use an RFC 3339 time, for example 2027-01-31T09:00:00Z."))?;
    within(read.to_utc().naive_utc()).map(|at| at.and_utc())
}

/// A day as `2026-11-30`, blanks around it aside.
pub fn day(text: &str) -> Result<NaiveDate, Refusal> {
    let day: NaiveDate = text.trim().parse().map_err(|_| Refusal::new("Use a day such as 2026-11-30."))?;
    if YEARS.contains(&day.year()) { Ok(day) } else { Err(too_far()) }
}

/// A date and a time of the day where somebody is, as `2026-12-01T09:00`: what forms send.
pub fn local(text: &str) -> Result<NaiveDateTime, Refusal> {
    let read = LOCAL.iter().find_map(|form| NaiveDateTime::parse_from_str(text.trim(), form).ok());
    within(read.ok_or_else(|| Refusal::new("Enter a date and time, for example 2026-12-01 09:00."))?)
}

/// A time as it is kept: without a leap second, to the microsecond, of a year that all databases order alike.
pub fn within(at: NaiveDateTime) -> Result<NaiveDateTime, Refusal> {
    let micros = at.nanosecond() / 1_000;
    let (seconds, micros) = if micros < 1_000_000 { (0, micros) } else { (1, micros - 1_000_000) };
    let plain = at.with_nanosecond(micros * 1_000).unwrap_or(at);
    let plain = plain.checked_add_signed(TimeDelta::seconds(seconds)).unwrap_or(plain);
    if YEARS.contains(&plain.year()) { Ok(plain) } else { Err(too_far()) }
}

fn too_far() -> Refusal {
    Refusal::new(format!("Use a year from {} to {}.", YEARS.start(), YEARS.end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        instant(text).map_or_else(String::from, |at| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }

    #[test]
    fn whatever_rfc_3339_allows_reads_the_same() {
        for text in [
            "2026-12-31T23:59:59Z",
            "2026-12-31t23:59:59z",
            "2027-01-01T00:59:59+01:00",
            "2026-12-31T18:29:59.000000000-05:30",
            "2026-12-31T23:59:59-00:00",
        ] {
            assert_eq!(read(text), "2026-12-31T23:59:59Z", "{text}");
        }
        assert_eq!(read("2026-12-31T23:59:59.1234567Z"), "2026-12-31T23:59:59.123456Z");
        assert_eq!(read("2026-12-31T23:59:60Z"), "2027-01-01T00:00:00Z");
        assert_eq!(read("2026-12-31T23:59:60.5Z"), "2027-01-01T00:00:00.500Z");
    }

    #[test]
    fn years_that_no_database_orders_rightly_are_refused() {
        for text in [
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "2201-01-01T00:00:00Z",
            "2200-12-31T23:59:60Z",
            "9999-12-31T23:59:59Z",
            "0000-01-01T00:00:00Z",
            "+12026-12-31T23:59:00Z",
            "12026-12-31T23:59:00Z",
            "-2026-12-31T23:59:00Z",
            "2026-12-31",
            "2026-12-31T23:59:61Z",
            "",
        ] {
            assert!(instant(text).is_err(), "{text}");
        }
        for text in ["+12026-12-31", "12026-12-31", "-0001-01-01", "1969-12-31", "2201-01-01", "soon", ""] {
            assert!(day(text).is_err() && local(&format!("{text}T23:59")).is_err(), "{text}");
        }
        assert!(instant("1970-01-01T00:00:00Z").is_ok() && instant("2200-12-31T23:59:59Z").is_ok());
    }

    #[test]
    fn days_and_local_times_are_read_as_forms_send_them() {
        assert_eq!(day(" 2026-11-30 ").map(|day| day.to_string()), Ok("2026-11-30".to_owned()));
        for text in ["2026-12-01T09:00", "2026-12-01T09:00:00", " 2026-12-01 09:00"] {
            assert_eq!(local(text).map(|at| at.to_string()), Ok("2026-12-01 09:00:00".to_owned()), "{text}");
        }
        assert_eq!(local("2026-12-31T23:59:60").map(|at| at.to_string()), Ok("2027-01-01 00:00:00".to_owned()));
    }
}
