//! The small drawings of a table row: how much of a cap is used, and the trend of a month.

use crate::domain::number::NumberStyle;

/// From this share of its cap, in percent, an account is near it: the same share at which its agency gets a mail.
pub const NEAR_CAP_PERCENT: u64 = 80;

/// How much of a cap is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meter {
    /// Messages accepted this period.
    pub used: u64,
    /// The cap of this period, if there is one.
    pub cap: Option<u64>,
    numbers: NumberStyle,
}

impl Meter {
    pub fn new(used: u64, cap: Option<u64>) -> Self {
        Self { used, cap, numbers: NumberStyle::Point }
    }

    /// Its figures as the reader writes numbers.
    pub fn written_in(self, numbers: NumberStyle) -> Self {
        Self { numbers, ..self }
    }

    fn number(&self, number: u64) -> String {
        self.numbers.whole(i64::try_from(number).unwrap_or(i64::MAX))
    }

    /// Width of the filled part in percent; what is used is never drawn as nothing, what is left never as full.
    pub fn width(&self) -> u64 {
        match self.cap {
            None => 0,
            Some(cap) if self.used >= cap => 100,
            Some(_) if self.used == 0 => 0,
            Some(cap) => (u128::from(self.used) * 100 / u128::from(cap)).clamp(1, 99) as u64,
        }
    }

    /// Class of the filled part: `ok`, `wa` near the cap, `ba` at it.
    pub fn tone(&self) -> &'static str {
        match (self.cap, self.width()) {
            (None, _) => "ok",
            (_, 100) => "ba",
            (_, width) if width >= NEAR_CAP_PERCENT => "wa",
            _ => "ok",
        }
    }

    /// `18,204`.
    pub fn used_text(&self) -> String {
        self.number(self.used)
    }

    /// `of 25,000`, or `no cap`.
    pub fn cap_text(&self) -> String {
        self.cap.map_or_else(|| "no cap".to_owned(), |cap| format!("of {}", self.number(cap)))
    }
}

/// A small trend line, without axes, on a field of [`Sparkline::width`] by 260.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sparkline {
    /// Path of the line: numbers and letters alone, as few as will do, for a page has fifty.
    pub line: String,
    /// How wide the field is: ten for each step.
    pub width: usize,
}

/// Where nothing was sent, and how much higher the most is, from the top of the field.
const GROUND: i64 = 240;
const HEIGHT: u128 = 220;

impl Sparkline {
    /// The trend of `values`, oldest first. Fewer than two make a flat line.
    pub fn new(values: &[u64]) -> Self {
        let top = u128::from(values.iter().copied().max().unwrap_or(0).max(1));
        let single = [values.first().copied().unwrap_or(0); 2];
        let values = if values.len() < 2 { &single } else { values };
        let height = |value: u64| GROUND - i64::try_from(rounded(HEIGHT * u128::from(value), top)).unwrap_or(0);
        let mut before = height(values[0]);
        let mut line = String::with_capacity(values.len() * 7 + 12);
        line.push_str("M0 ");
        push_number(&mut line, before);
        let mut level = 0;
        for value in &values[1..] {
            let now = height(*value);
            if now == before {
                level += 10;
                continue;
            }
            push_level(&mut line, &mut level);
            line.push_str("l10 ");
            push_number(&mut line, now - before);
            before = now;
        }
        push_level(&mut line, &mut level);
        Self { line, width: (values.len() - 1) * 10 }
    }
}

/// A piece of the line that neither rises nor falls.
fn push_level(line: &mut String, level: &mut i64) {
    if *level > 0 {
        line.push('h');
        push_number(line, std::mem::take(level));
    }
}

/// `part / whole` to the nearest.
fn rounded(part: u128, whole: u128) -> u128 {
    (part * 2 + whole) / (whole * 2)
}

/// A whole number; quicker than formatting, which counts here.
fn push_number(text: &mut String, number: i64) {
    if number < 0 {
        text.push('-');
    }
    push_digits(text, number.unsigned_abs());
}

fn push_digits(text: &mut String, number: u64) {
    if number >= 10 {
        push_digits(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_is_full_only_at_the_cap_and_empty_only_at_zero() {
        let width = |used, cap| Meter::new(used, Some(cap)).width();
        assert_eq!(
            [width(0, 9), width(1, 100_000), width(99_999, 100_000), width(9, 9), width(12, 9)],
            [0, 1, 99, 100, 100]
        );
        assert_eq!(Meter::new(5, Some(0)).width(), 100);
        assert_eq!(Meter::new(5, None).width(), 0);
    }

    #[test]
    fn a_meter_warns_near_the_cap_and_alarms_at_it() {
        let tone = |used| Meter::new(used, Some(100)).tone();
        assert_eq!([tone(79), tone(80), tone(99), tone(100)], ["ok", "wa", "wa", "ba"]);
        assert_eq!(Meter::new(412_880, None).tone(), "ok");
        assert_eq!(Meter::new(412_880, None).cap_text(), "no cap");
    }

    #[test]
    fn a_sparkline_spans_its_field_and_survives_little_data() {
        let drawn = |values: &[u64]| {
            let Sparkline { line, width } = Sparkline::new(values);
            (line, width)
        };
        assert_eq!(drawn(&[0, 10]), ("M0 240l10 -220".into(), 10));
        assert_eq!(drawn(&[]), ("M0 240h10".into(), 10));
        assert_eq!(drawn(&[3]), ("M0 20h10".into(), 10));
        assert_eq!(drawn(&[0, 0, 0, 2, 4, 4]), ("M0 240h20l10 -110l10 -110h10".into(), 50));
    }

    #[test]
    fn a_level_piece_may_be_longer_than_a_hundred_days() {
        assert_eq!(Sparkline::new(&[1; 366]).line, "M0 20h3650");
        assert_eq!(Sparkline::new(&[u64::MAX, 0]).line, "M0 20l10 220");
    }
}
