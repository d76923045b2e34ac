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
        let top = values.iter().copied().max().unwrap_or(0).max(1) as f64;
        let step = 96.0 / values.len().saturating_sub(1).max(1) as f64;
        let mut heights: Vec<f64> = values.iter().map(|value| 24.0 - 22.0 * *value as f64 / top).collect();
        if heights.len() < 2 {
            heights = vec![heights.first().copied().unwrap_or(24.0); 2];
        }
        let step = if heights.len() == values.len() { step } else { 96.0 };
        let points: Vec<String> =
            heights.iter().enumerate().map(|(i, y)| format!("{:.1} {y:.1}", i as f64 * step)).collect();
        let line = format!("M{}", points.join("L"));
        let area = format!("{line}V26H0Z");
        Self { line, area }
    }
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
