//! The monthly cap: how many recipients an account may be granted in one billing period, and when to warn.
//! All thresholds are exact integer arithmetic.

use super::number::{self, NumberStyle};
use super::proration::Part;
use super::refusal::Refusal;

/// The most that the contract lets a cap be.
pub const MAX_CAP: i64 = 1_000_000_000;
/// What a typed 0 is answered with: the contract takes it for no cap, people for one that lets nothing through.
pub const ZERO: &str = "A cap of 0 could mean two things. Choose “No cap” to let it send without a limit, or suspend the account to stop its sending.";

/// `monthly_credit` of the contract: 0 to 1,000,000,000, where 0 means no cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct MonthlyCap(i64);

impl MonthlyCap {
    pub const NONE: Self = Self(0);

    /// Checks the range.
    pub fn new(value: i64) -> Result<Self, Refusal> {
        if (0..=MAX_CAP).contains(&value) {
            Ok(Self(value))
        } else {
            Err(Refusal::new("Enter a monthly cap from 0 to 1,000,000,000. 0 means no cap."))
        }
    }

    /// Reads what a person typed: a whole number above 0.
    ///
    /// # Errors
    /// A sentence for what is none; for a 0 one that offers both ways out of it.
    pub fn parse(text: &str, style: NumberStyle) -> Result<Self, Refusal> {
        let example = style.whole(50_000);
        let wanted = format!("Enter the monthly cap as a whole number, for example {example}.");
        match number::whole(text, style).map_err(|misread| misread.refusal(style, &wanted))? {
            0 => Err(Refusal::new(ZERO)),
            value @ 1..=MAX_CAP => Ok(Self(value)),
            _ => Err(Refusal::new(format!("Enter a monthly cap of at most {}.", style.whole(MAX_CAP)))),
        }
    }

    /// The stored number, 0 for no cap.
    #[must_use]
    pub const fn value(self) -> i64 {
        self.0
    }

    /// The cap in a part of a full period; none stays none.
    #[must_use]
    pub fn in_part(self, part: Part) -> Self {
        Self(part.cap(self.0))
    }

    /// The limit in recipients a period, `None` without a cap.
    #[must_use]
    pub const fn limit(self) -> Option<i64> {
        if self.0 == 0 { None } else { Some(self.0) }
    }
}

/// How many of `wanted` recipients may still be accepted when `used` have been.
#[must_use]
pub fn grant(cap: MonthlyCap, used: i64, wanted: i64) -> i64 {
    let wanted = wanted.max(0);
    match cap.limit() {
        None => wanted,
        Some(limit) => wanted.min(limit.saturating_sub(used).max(0)),
    }
}

/// How near an account is to its cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CapState {
    NoCap,
    Under,
    /// At 80 % or more.
    Near,
    /// Nothing is left.
    At,
}

impl CapState {
    #[must_use]
    pub fn of(cap: MonthlyCap, used: i64) -> Self {
        if cap.limit().is_none() {
            Self::NoCap
        } else if reached(cap, used, 100) {
            Self::At
        } else if reached(cap, used, 80) {
            Self::Near
        } else {
            Self::Under
        }
    }

    /// The form in URLs and filters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoCap => "no-cap",
            Self::Under => "under",
            Self::Near => "near",
            Self::At => "at",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NoCap => "No cap",
            Self::Under => "Under cap",
            Self::Near => "Near cap",
            Self::At => "At cap",
        }
    }
}

/// Whether `used` is at or over `percent` of the cap. Never without a cap.
fn reached(cap: MonthlyCap, used: i64, percent: i64) -> bool {
    cap.limit().is_some_and(|limit| i128::from(used) * 100 >= i128::from(limit) * i128::from(percent))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zero_means_no_cap() {
        assert_eq!(MonthlyCap::NONE.limit(), None);
        assert_eq!(grant(MonthlyCap::NONE, i64::MAX, 7), 7);
        assert_eq!(CapState::of(MonthlyCap::NONE, i64::MAX), CapState::NoCap);
    }

    #[test]
    fn the_range_is_the_contracts() {
        assert!(MonthlyCap::new(-1).is_err());
        assert!(MonthlyCap::new(MAX_CAP).is_ok());
        assert!(MonthlyCap::new(MAX_CAP + 1).is_err());
    }

    #[test]
    fn people_may_type_thousands_separators() {
        let cap = |text: &str, style| MonthlyCap::parse(text, style).map(MonthlyCap::value);
        assert_eq!(cap(" 50,000 ", NumberStyle::Point), Ok(50_000));
        assert_eq!(cap("50.000", NumberStyle::Comma), Ok(50_000));
        for style in NumberStyle::ALL {
            for text in ["", "1.5", "1,5", "5000,00", "-1", "ten", "1000000001", "9999999999999999999999"] {
                assert!(cap(text, style).is_err(), "{text}");
            }
            assert_eq!(cap("0", style), Err(Refusal::new(ZERO)));
        }
    }

    #[test]
    fn eighty_percent_is_exact_for_small_caps() {
        let cap = MonthlyCap::new(7).expect("in range");
        assert_eq!([5, 6, 7].map(|used| CapState::of(cap, used)), [CapState::Under, CapState::Near, CapState::At]);
    }

    proptest! {
        #[test]
        fn a_grant_never_exceeds_the_cap_and_wastes_nothing(cap in 1..=MAX_CAP, used in 0..=MAX_CAP, wanted in 0..=MAX_CAP) {
            let limit = MonthlyCap::new(cap).expect("in range");
            let granted = grant(limit, used, wanted);
            prop_assert!(granted >= 0 && granted <= wanted);
            if used <= cap {
                prop_assert!(used + granted <= cap);
                prop_assert!(granted == wanted || used + granted == cap);
            } else {
                prop_assert_eq!(granted, 0);
            }
        }
    }
}
