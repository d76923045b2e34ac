//! What bounds an account's sending beside its monthly cap, and what happens at the cap. All of it is exact integer
//! arithmetic; the counts are read under the locks of the accepting transaction.

use super::cap::MonthlyCap;
use super::number::{self, Misread, NumberStyle};
use super::refusal::Refusal;

/// The most that a daily, hourly or pool cap may be.
pub const MAX_LIMIT: i64 = 1_000_000_000_000;
/// The longest that a held message is kept, in days.
pub const MAX_HOLD_DAYS: i32 = 30;

/// What happens to a message that its account has no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum AtCap {
    /// Refused, with the reason.
    #[default]
    Reject,
    /// Accepted, kept, and released oldest first once there is room.
    Hold,
    /// Sent and billed beyond the monthly cap. Other bounds still refuse.
    Overage,
}

impl AtCap {
    #[must_use]
    pub const fn all() -> [Self; 3] {
        [Self::Reject, Self::Hold, Self::Overage]
    }

    /// The stored form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Hold => "hold",
            Self::Overage => "overage",
        }
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// A sentence for any other word.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let known = Self::all().into_iter().find(|policy| policy.as_str() == text);
        known.ok_or_else(|| Refusal::new("Choose what happens at the cap: refuse, hold, or send and bill."))
    }

    /// The name on screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Reject => "Refuse",
            Self::Hold => "Hold",
            Self::Overage => "Send and bill",
        }
    }

    /// What becomes of new messages there: "New messages are …".
    #[must_use]
    pub const fn fate(self) -> &'static str {
        match self {
            Self::Reject => "refused",
            Self::Hold => "held",
            Self::Overage => "sent and billed all the same",
        }
    }
}

/// The shares of the cap, in percent, at which members are told: rising, at most five.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertPercents(Vec<i32>);

impl Default for AlertPercents {
    fn default() -> Self {
        Self(vec![80, 100])
    }
}

impl AlertPercents {
    /// Reads what the column holds.
    ///
    /// # Errors
    /// As [`Self::typed`].
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Self::typed(text, NumberStyle::Point)
    }

    /// Reads what a person typed: numbers with spaces, semicolons or commas between them; nothing is none. Where a comma
    /// is what parts decimals, `50,5` is no two numbers: a comma then needs its space.
    ///
    /// # Errors
    /// A sentence for what is no whole percent from 1 to 500, and for more than five.
    pub fn typed(text: &str, style: NumberStyle) -> Result<Self, Refusal> {
        let example = Self(vec![50, 80, 100]).shown(style);
        let wrong = || Refusal::new(format!("Enter at most five whole percents from 1 to 500, for example {example}."));
        if style == NumberStyle::Comma && decimal_comma(text) {
            return Err(wrong());
        }
        let words = text.split(|c: char| c == ',' || c == ';' || c == '%' || c.is_whitespace());
        let mut all = Vec::new();
        for word in words.filter(|word| !word.is_empty()) {
            let percent = number::whole(word, style).map_err(|_| wrong())?;
            all.push(i32::try_from(percent).ok().filter(|percent| (1..=500).contains(percent)).ok_or_else(wrong)?);
        }
        all.sort_unstable();
        all.dedup();
        if all.len() > 5 { Err(wrong()) } else { Ok(Self(all)) }
    }

    /// The same for a cap that nothing passes: a share beyond all of it would never be told.
    ///
    /// # Errors
    /// A sentence when there is one.
    pub fn within_the_whole(self) -> Result<Self, Refusal> {
        if self.0.last().is_some_and(|most| *most > 100) {
            return Err(Refusal::new("More than 100 % of this cap is never used: enter percents up to 100."));
        }
        Ok(self)
    }

    /// As a form shows it, to be read back by [`Self::typed`].
    #[must_use]
    pub fn shown(&self, style: NumberStyle) -> String {
        let between = if style == NumberStyle::Comma { "; " } else { ", " };
        self.0.iter().map(i32::to_string).collect::<Vec<_>>().join(between)
    }

    /// As the column keeps it.
    #[must_use]
    pub fn stored(&self) -> String {
        self.0.iter().map(i32::to_string).collect::<Vec<_>>().join(",")
    }

    /// Those that `used` of a cap has reached.
    #[must_use]
    pub fn reached(&self, cap: i64, used: i64) -> Vec<i32> {
        if cap <= 0 {
            return Vec::new();
        }
        let over = |percent: &i32| i128::from(used) * 100 >= i128::from(cap) * i128::from(*percent);
        self.0.iter().copied().filter(over).collect()
    }
}

/// A comma with a digit on either side.
fn decimal_comma(text: &str) -> bool {
    text.as_bytes().windows(3).any(|w| w[1] == b',' && w[0].is_ascii_digit() && w[2].is_ascii_digit())
}

/// A cap as people type it; nothing is none, and a 0 is asked back.
///
/// # Errors
/// A sentence for what is no whole number above 0.
pub fn parse_limit(text: &str, style: NumberStyle) -> Result<i64, Refusal> {
    let wanted = || {
        let example = style.whole(5_000);
        format!("Enter a whole number of messages, for example {example}, or leave it empty for no cap.")
    };
    match number::whole(text, style) {
        Ok(0) => Err(Refusal::new("A cap of 0 would let nothing through. Leave it empty for no cap.")),
        Ok(number) if number <= MAX_LIMIT => Ok(number),
        Ok(_) => Err(Misread::TooLarge.refusal(style, &wanted())),
        Err(Misread::Empty) => Ok(0),
        Err(misread) => Err(misread.refusal(style, &wanted())),
    }
}

/// What an account's parent set beside its monthly cap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub at_cap: AtCap,
    /// How long a held message is kept, in days.
    pub hold_days: i32,
    /// Messages a day of the parent's time zone; 0 is no cap.
    pub daily: i64,
    /// Messages an hour of the clock; 0 is no cap.
    pub hourly: i64,
    /// Nothing may be sent at all: a cap of 0 means no cap, so this is a switch of its own.
    pub sends_nothing: bool,
    pub alerts: AlertPercents,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            at_cap: AtCap::Reject,
            hold_days: 3,
            daily: 0,
            hourly: 0,
            sends_nothing: false,
            alerts: AlertPercents::default(),
        }
    }
}

impl Limits {
    /// Checks the ranges.
    ///
    /// # Errors
    /// A sentence for the first that is out of its range.
    pub fn validate(self) -> Result<Self, Refusal> {
        if !(1..=MAX_HOLD_DAYS).contains(&self.hold_days) {
            return Err(Refusal::new("Held messages can be kept for 1 to 30 days."));
        }
        if !(0..=MAX_LIMIT).contains(&self.daily) || !(0..=MAX_LIMIT).contains(&self.hourly) {
            return Err(Refusal::new("Enter a cap of at most 1,000,000,000,000 messages, or leave it empty for none."));
        }
        Ok(self)
    }
}

/// What ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bound {
    /// Sending is switched off.
    Nothing,
    Hour,
    Day,
    Month,
    /// All accounts of the parent together.
    Pool,
}

/// How much of each bound is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    pub hour: i64,
    pub day: i64,
    pub month: i64,
    pub pool: i64,
}

/// What may go out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    pub messages: i64,
    /// What leaves no more, with its limit; `None` while nothing does.
    pub bound: Option<(Bound, i64)>,
}

/// How many of `wanted` messages have room, and what bounds the rest. `pool` is the parent's, 0 for none.
#[must_use]
pub fn room(cap: MonthlyCap, limits: &Limits, pool: i64, used: Used, wanted: i64) -> Room {
    if limits.sends_nothing {
        return Room { messages: 0, bound: Some((Bound::Nothing, 0)) };
    }
    let month = if limits.at_cap == AtCap::Overage { 0 } else { cap.value() };
    let bounds = [
        (Bound::Month, month, used.month),
        (Bound::Pool, pool, used.pool),
        (Bound::Day, limits.daily, used.day),
        (Bound::Hour, limits.hourly, used.hour),
    ];
    let mut room = Room { messages: wanted.max(0), bound: None };
    for (bound, limit, used) in bounds.into_iter().filter(|(_, limit, _)| *limit > 0) {
        let left = limit.saturating_sub(used).max(0);
        if left < room.messages {
            room = Room { messages: left, bound: Some((bound, limit)) };
        }
    }
    room
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_cap_is_none_and_a_zero_is_asked_back() {
        assert_eq!(parse_limit("5,000", NumberStyle::Point), Ok(5_000));
        assert_eq!(parse_limit("5.000", NumberStyle::Comma), Ok(5_000));
        for style in NumberStyle::ALL {
            assert_eq!(parse_limit(" ", style), Ok(0));
            for wrong in ["0", "-1", "1.5", "1,5", "x", "1000000000001", "99999999999999999999"] {
                assert!(parse_limit(wrong, style).is_err(), "{wrong}");
            }
        }
    }

    #[test]
    fn percents_are_read_as_people_write_them() {
        assert_eq!(AlertPercents::parse("100, 50%  80").map(|all| all.stored()), Ok("50,80,100".into()));
        assert_eq!(AlertPercents::parse("").map(|all| all.stored()), Ok(String::new()));
        for wrong in ["0", "501", "1.5", "-3", "+3", "x", "1 2 3 4 5 6"] {
            assert!(AlertPercents::parse(wrong).is_err(), "{wrong}");
        }
        assert!(AlertPercents::typed("50,5", NumberStyle::Comma).is_err(), "fifty and a half, or 50 and 5");
        for style in NumberStyle::ALL {
            let all = AlertPercents::typed("50, 80; 100", style).expect("percents");
            assert_eq!((all.stored().as_str(), AlertPercents::typed(&all.shown(style), style)), ("50,80,100", Ok(all)));
        }
        assert!(AlertPercents::parse("80 100").and_then(AlertPercents::within_the_whole).is_ok());
        assert!(AlertPercents::parse("80 101").and_then(AlertPercents::within_the_whole).is_err());
        assert_eq!(AlertPercents::default().reached(7, 6), [80]);
        assert!(AlertPercents::default().reached(0, 6).is_empty(), "no cap has no shares");
    }

    #[test]
    fn the_tightest_bound_is_named() {
        let cap = MonthlyCap::new(100).expect("in range");
        let limits = Limits { daily: 10, hourly: 4, ..Limits::default() };
        let used = Used { hour: 3, day: 9, month: 50, pool: 0 };
        assert_eq!(room(cap, &limits, 0, used, 5), Room { messages: 1, bound: Some((Bound::Day, 10)) });
        assert_eq!(room(cap, &limits, 0, used, 1), Room { messages: 1, bound: None });
        let off = Limits { sends_nothing: true, ..limits };
        assert_eq!(room(cap, &off, 0, used, 1).bound, Some((Bound::Nothing, 0)));
    }

    #[test]
    fn overage_passes_the_month_and_nothing_else() {
        let cap = MonthlyCap::new(100).expect("in range");
        let limits = Limits { at_cap: AtCap::Overage, ..Limits::default() };
        let used = Used { month: 100, pool: 990, ..Used::default() };
        assert_eq!(room(cap, &limits, 0, used, 7).messages, 7);
        assert_eq!(room(cap, &limits, 995, used, 7), Room { messages: 5, bound: Some((Bound::Pool, 995)) });
    }

    proptest! {
        #[test]
        fn no_bound_is_passed_and_no_room_is_wasted(
            caps in prop::array::uniform4(0..50i64),
            used in prop::array::uniform4(0..60i64),
            wanted in 0..80i64,
        ) {
            let limits = Limits { daily: caps[1], hourly: caps[2], ..Limits::default() };
            let used = Used { month: used[0], day: used[1], hour: used[2], pool: used[3] };
            let found = room(MonthlyCap::new(caps[0]).expect("in range"), &limits, caps[3], used, wanted);
            let left = [(caps[0], used.month), (caps[1], used.day), (caps[2], used.hour), (caps[3], used.pool)]
                .into_iter()
                .filter(|(cap, _)| *cap > 0)
                .map(|(cap, used)| (cap - used).max(0))
                .min();
            prop_assert_eq!(found.messages, left.map_or(wanted, |left| left.min(wanted)));
            prop_assert_eq!(found.bound.is_some(), found.messages < wanted);
        }
    }
}
