//! How numbers, sizes, rates and times read on screen: `now` and the time zone are arguments, instants are UTC, and numbers
//! are written as whoever the request is answered writes them (`web/numbers.rs`).
//! What is not known is said in words ("no data", "not set"), never as 0.

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeZone, Timelike};
use chrono_tz::OffsetName;
use chrono_tz::Tz;
use std::fmt::Display;

use super::numbers;
use crate::domain::ids::Id;
use crate::domain::money::{Micros, Money};
use crate::domain::number::NumberStyle;
use crate::domain::proration::Part;

/// Shown where a figure cannot be computed, for example a rate over no messages.
pub const NO_DATA: &str = "no data";
/// Shown where somebody has yet to enter a value, for example the price of a plan.
pub const NOT_SET: &str = "not set";

/// A whole number with its thousands parted: `1,284,310`.
pub fn number(value: impl Display) -> String {
    let plain = value.to_string();
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("-", rest));
    let mut grouped = String::with_capacity(plain.len() + plain.len() / 3);
    grouped.push_str(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    numbers::current().shown(grouped)
}

/// An amount with its currency: `$1,234.56`.
pub fn money(amount: Money) -> String {
    numbers::current().shown(amount)
}

/// A price without its currency: `0.85`.
pub fn price(price: Micros) -> String {
    numbers::current().shown(price)
}

/// A price of a thousand messages: `0.85 per 1,000`.
pub fn per_thousand(micros: Micros) -> String {
    format!("{} per {}", price(micros), number(1_000))
}

/// A number short enough for an axis or a headline: `950`, `2 k`, `1.28 M`, `3 G`. Three significant digits.
pub fn compact(value: u64) -> String {
    scaled(value, 1000.0, &["", "k", "M", "G", "T"])
}

/// A size in bytes, in powers of 1024 as mail programs count: `812 B`, `1.5 KB`, `12 MB`.
pub fn bytes(value: u64) -> String {
    scaled(value, 1024.0, &["B", "KB", "MB", "GB", "TB"])
}

fn scaled(value: u64, base: f64, units: &[&str]) -> String {
    let mut amount = value as f64;
    let mut unit = 0;
    // 999.5 would print as "1000": it belongs to the next unit.
    while amount >= base - 0.5 && unit + 1 < units.len() {
        amount /= base;
        unit += 1;
    }
    let decimals = match amount {
        _ if unit == 0 => 0,
        a if a < 9.995 => 2,
        a if a < 99.95 => 1,
        _ => 0,
    };
    let mut text = format!("{amount:.decimals$}");
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    let text = numbers::current().shown(text);
    if units[unit].is_empty() { text } else { format!("{text}\u{a0}{}", units[unit]) }
}

/// `part` of `whole` as a percentage with the digits that matter: `98.7 %`, `0.9 %`, `0.02 %`; [`NO_DATA`] over nothing.
pub fn percent(part: u64, whole: u64) -> String {
    percent_in(numbers::current(), part, whole)
}

/// The same in a style that is told.
pub fn percent_in(style: NumberStyle, part: u64, whole: u64) -> String {
    style.shown(point_percent(part, whole))
}

fn point_percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return NO_DATA.to_owned();
    }
    let share = part as f64 * 100.0 / whole as f64;
    let decimals = if share < 0.1 { 2 } else { 1 };
    let text = format!("{share:.decimals$}");
    match text.as_str() {
        "100.0" if part < whole => "99.9\u{a0}%".to_owned(),
        "100.0" => "100\u{a0}%".to_owned(),
        "0.00" if part > 0 => "<\u{a0}0.01\u{a0}%".to_owned(),
        "0.00" => "0\u{a0}%".to_owned(),
        _ => format!("{text}\u{a0}%"),
    }
}

/// A value somebody enters, or [`NOT_SET`]. Money comes here already written with its currency.
pub fn or_not_set(value: Option<impl Display>) -> String {
    value.map_or_else(|| NOT_SET.to_owned(), |value| value.to_string())
}

/// "1 domain", "3 domains": the count with its noun.
pub fn count(amount: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(amount), if amount == 1 { one } else { many })
}

/// The letters of an avatar: "Birch & Vale Hotels" gives "BV".
pub fn initials(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.filter_map(|word| word.chars().next()).take(2).flat_map(char::to_uppercase).collect()
}

/// An instant as a page shows it: words near now, the exact instant on hover, machine form for `<time>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// "2 min ago", "yesterday", "24 Nov".
    pub text: String,
    /// "24 November 2026, 14:02:31 GMT".
    pub exact: String,
    /// "2026-11-24T14:02:31Z".
    pub iso: String,
}

impl When {
    /// The UTC instant `at`, as it reads at `now` in the zone `tz`.
    pub fn new(at: NaiveDateTime, now: NaiveDateTime, tz: Tz) -> Self {
        Self { text: relative(at, now, tz), exact: exact(at, tz), iso: iso(at) }
    }
}

/// `2026-11-24T13:02:31Z` (RFC 3339).
fn iso(at: NaiveDateTime) -> String {
    let (date, time) = (at.date(), at.time());
    format!("{date}T{:02}:{:02}:{:02}Z", time.hour(), time.minute(), time.second())
}

/// Digits, letters and hyphens: nothing to escape.
impl askama::filters::HtmlSafe for Id {}

/// How long ago, or how soon, in words; a date when it is a week away or more.
pub fn relative(at: NaiveDateTime, now: NaiveDateTime, tz: Tz) -> String {
    let seconds = (now - at).num_seconds();
    let (size, past) = (seconds.abs(), seconds >= 0);
    let days = (local_date(now, tz) - local_date(at, tz)).num_days().abs();
    let said = |text: String| if past { format!("{text} ago") } else { format!("in {text}") };
    match size {
        0..45 if past => "just now".to_owned(),
        0..3_570 => said(format!("{} min", ((size + 30) / 60).max(1))),
        // Within the same local day, or so near that "yesterday" would sound further than it is.
        _ if days == 0 || size < 6 * 3600 => said(format!("{} h", (size + 1800) / 3600)),
        _ if days == 1 => if past { "yesterday" } else { "tomorrow" }.to_owned(),
        _ if days < 7 => said(format!("{days} days")),
        _ => short_date_at(local_date(at, tz), local_date(now, tz)),
    }
}

/// The full instant in the account's time zone, for `title=`: `24 November 2026, 14:02:31 CET`.
pub fn exact(at: NaiveDateTime, tz: Tz) -> String {
    let local = tz.from_utc_datetime(&at);
    let (date, time) = (local.date_naive(), local.time());
    format!(
        "{}, {:02}:{:02}:{:02} {}",
        long_date(date),
        time.hour(),
        time.minute(),
        time.second(),
        local.offset().abbreviation().unwrap_or_default()
    )
}

/// Date and time to the minute in the account's time zone: `24 Nov, 14:02`.
pub fn date_time(at: NaiveDateTime, tz: Tz) -> String {
    tz.from_utc_datetime(&at).format("%-d %b, %H:%M").to_string()
}

/// The day it is at the UTC instant `at` in the zone `tz`.
pub fn local_date(at: NaiveDateTime, tz: Tz) -> NaiveDate {
    tz.from_utc_datetime(&at).date_naive()
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `24 Nov`. Written by hand, like the others of a list's rows: a format string is read anew each time.
pub fn short_date(date: NaiveDate) -> String {
    let month = MONTHS[date.month0() as usize];
    format!("{} {}", date.day(), &month[..3])
}

/// `24 November 2026`.
pub fn long_date(date: NaiveDate) -> String {
    format!("{} {} {}", date.day(), MONTHS[date.month0() as usize], date.year())
}

fn short_date_at(date: NaiveDate, today: NaiveDate) -> String {
    if date.year() == today.year() { short_date(date) } else { date.format("%-d %b %Y").to_string() }
}

/// Days `first` to `last`, both included: `1–30 November`, `15 Nov – 14 Dec`, with years when they differ.
pub fn date_range(first: NaiveDate, last: NaiveDate) -> String {
    match (first.year() == last.year(), first.month() == last.month()) {
        (true, true) if first == last => first.format("%-d %B").to_string(),
        (true, true) => format!("{}–{}", first.day(), last.format("%-d %B")),
        (true, false) => format!("{} – {}", short_date(first), short_date(last)),
        (false, _) => format!("{} – {}", first.format("%-d %b %Y"), last.format("%-d %b %Y")),
    }
}

/// ` (14 of 31 days)` behind a short period; nothing behind a full one.
pub fn part(part: Part) -> String {
    part.days().map_or_else(String::new, |(days, of_days)| format!(" ({days} of {of_days} days)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Europe::Berlin;

    fn at(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn thousands_are_separated_and_signs_kept() {
        let said: Vec<String> = [0, 7, 999, 1000, 1_284_310, -50_000].map(number).into();
        assert_eq!(said, ["0", "7", "999", "1,000", "1,284,310", "-50,000"]);
    }

    #[test]
    fn compact_numbers_never_read_one_thousand_of_a_smaller_unit() {
        let said: Vec<String> = [0, 999, 1000, 2_500, 12_340, 999_960, 1_284_310, 3_000_000_000].map(compact).into();
        assert_eq!(said.join("|").replace('\u{a0}', " "), "0|999|1 k|2.5 k|12.3 k|1 M|1.28 M|3 G");
    }

    #[test]
    fn sizes_read_in_the_nearest_unit() {
        assert_eq!([812, 1536, 12 * 1024 * 1024].map(bytes), ["812\u{a0}B", "1.5\u{a0}KB", "12\u{a0}MB"]);
    }

    #[test]
    fn a_rate_over_nothing_is_no_data_and_a_small_rate_is_never_zero() {
        let said = [(0, 0), (0, 9), (987, 1000), (9, 1000), (2, 10_000), (1, 1_000_000), (999_999, 1_000_000), (5, 5)];
        let said: Vec<String> = said.map(|(a, b)| percent(a, b).replace('\u{a0}', " ")).into();
        assert_eq!(said, ["no data", "0 %", "98.7 %", "0.9 %", "0.02 %", "< 0.01 %", "99.9 %", "100 %"]);
    }

    #[test]
    fn near_instants_read_in_words_and_far_ones_as_dates() {
        let now = at("2026-11-24 12:00:00");
        let said = |text| relative(at(text), now, Berlin);
        assert_eq!(said("2026-11-24 11:59:30"), "just now");
        assert_eq!(said("2026-11-24 11:58:10"), "2 min ago");
        assert_eq!(said("2026-11-24 09:00:00"), "3 h ago");
        assert_eq!(said("2026-11-23 12:00:00"), "yesterday");
        assert_eq!(said("2026-11-20 12:00:00"), "4 days ago");
        assert_eq!(said("2026-11-03 12:00:00"), "3 Nov");
        assert_eq!(said("2025-11-03 12:00:00"), "3 Nov 2025");
        assert_eq!(said("2026-11-24 12:05:00"), "in 5 min");
        assert_eq!(said("2026-11-25 12:05:00"), "tomorrow");
    }

    #[test]
    fn yesterday_is_a_matter_of_the_accounts_time_zone() {
        // 23:30 UTC on the 23rd is already the 24th in Berlin.
        assert_eq!(relative(at("2026-11-23 23:30:00"), at("2026-11-24 12:00:00"), Berlin), "13 h ago");
        assert_eq!(relative(at("2026-11-23 23:30:00"), at("2026-11-24 12:00:00"), Tz::UTC), "yesterday");
    }

    #[test]
    fn the_exact_instant_names_its_zone() {
        assert_eq!(exact(at("2026-11-24 13:02:31"), Berlin), "24 November 2026, 14:02:31 CET");
        assert_eq!(When::new(at("2026-11-24 13:02:31"), at("2026-11-24 13:02:40"), Berlin).iso, "2026-11-24T13:02:31Z");
    }

    #[test]
    fn ranges_say_each_month_once() {
        assert_eq!(date_range(day("2026-11-01"), day("2026-11-30")), "1–30 November");
        assert_eq!(date_range(day("2026-11-15"), day("2026-12-14")), "15 Nov – 14 Dec");
        assert_eq!(date_range(day("2026-12-15"), day("2027-01-14")), "15 Dec 2026 – 14 Jan 2027");
    }

    #[test]
    fn initials_take_two_words_of_any_script() {
        assert_eq!(["Birch & Vale Hotels", "Éclair", "", "żabka 24"].map(initials), ["BV", "É", "", "Ż2"]);
    }
}
