//! The small drawings of a table row: how much of a cap is used, and the trend of a month.

use crate::web::format;

/// From this share of its cap, in percent, an account is near it: the same share at which its agency gets a mail.
pub const NEAR_CAP_PERCENT: u64 = 80;

/// How much of a cap is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meter {
    /// Messages accepted this period.
    pub used: u64,
    /// The cap of this period, if there is one.
    pub cap: Option<u64>,
}

impl Meter {
    pub fn new(used: u64, cap: Option<u64>) -> Self {
        Self { used, cap }
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
        format::number(self.used)
    }

    /// `of 25,000`, or `no cap`.
    pub fn cap_text(&self) -> String {
        self.cap.map_or_else(|| "no cap".to_owned(), |cap| format!("of {}", format::number(cap)))
    }
}

/// A small trend line, without axes, on a field of 96 by 26.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sparkline {
    /// Path of the line.
    pub line: String,
    /// Path of the area under it.
    pub area: String,
}

impl Sparkline {
    /// The trend of `values`, oldest first. Fewer than two make a flat line.
    pub fn new(values: &[u64]) -> Self {
        let top = u128::from(values.iter().copied().max().unwrap_or(0).max(1));
        let single = [values.first().copied().unwrap_or(0); 2];
        let values = if values.len() < 2 { &single } else { values };
        let last = values.len() as u128 - 1;
        let mut line = String::with_capacity(values.len() * 10 + 8);
        // In whole tenths: a page of fifty lines has thousands of numbers.
        for (place, value) in values.iter().enumerate() {
            line.push(if place == 0 { 'M' } else { 'L' });
            push_tenths(&mut line, rounded(960 * place as u128, last));
            line.push(' ');
            push_tenths(&mut line, 240 - rounded(220 * u128::from(*value), top));
        }
        let area = format!("{line}V26H0Z");
        Self { line, area }
    }
}

/// `part / whole` to the nearest.
fn rounded(part: u128, whole: u128) -> u128 {
    (part * 2 + whole) / (whole * 2)
}

/// `123` as `12.3`; up to 999.
fn push_tenths(text: &mut String, tenths: u128) {
    let digit = |number: u128| char::from(b'0' + (number % 10) as u8);
    if tenths >= 100 {
        text.push(digit(tenths / 100));
    }
    text.push(digit(tenths / 10));
    text.push('.');
    text.push(digit(tenths));
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
        assert_eq!(Sparkline::new(&[0, 10]).line, "M0.0 24.0L96.0 2.0");
        assert_eq!(Sparkline::new(&[]).line, "M0.0 24.0L96.0 24.0");
        assert_eq!(Sparkline::new(&[3]).line, "M0.0 2.0L96.0 2.0");
    }
}
