//! Numbers as people write them: the one parser of every figure that is typed into a form or a list, and the two ways
//! of writing one. A text has one meaning or none: what could be read as two numbers is refused with a sentence.

mod misread;
#[cfg(test)]
mod tests;

use std::fmt::Display;

use super::refusal::Refusal;
pub use misread::Misread;

/// The longest number that is read, in characters.
const LONGEST: usize = 40;

/// Which sign parts an account's decimals from its whole part, and which its thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum NumberStyle {
    /// 1,234.50
    #[default]
    Point,
    /// 1.234,50
    Comma,
}

impl NumberStyle {
    pub const ALL: [Self; 2] = [Self::Point, Self::Comma];

    /// Reads the stored word.
    ///
    /// # Errors
    /// A sentence for every other word.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let found = Self::ALL.into_iter().find(|style| style.as_str() == text);
        found.ok_or_else(|| Refusal::new("Choose how numbers are written: 1,234.50 or 1.234,50."))
    }

    /// The word in columns and forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Point => "point",
            Self::Comma => "comma",
        }
    }

    /// A number that shows both signs.
    #[must_use]
    pub const fn example(self) -> &'static str {
        match self {
            Self::Point => "1,234.50",
            Self::Comma => "1.234,50",
        }
    }

    /// What it is, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Point => "A point before decimals, commas between thousands.",
            Self::Comma => "A comma before decimals, points between thousands.",
        }
    }

    /// A text whose numbers are in point style, as this style writes them. Nothing else of it may hold either sign.
    #[must_use]
    pub fn shown(self, point: impl Display) -> String {
        let text = point.to_string();
        if self == Self::Point {
            return text;
        }
        let swapped = |sign| match sign {
            ',' => '.',
            '.' => ',',
            other => other,
        };
        text.chars().map(swapped).collect()
    }

    /// A whole number with its thousands parted.
    #[must_use]
    pub fn whole(self, number: i64) -> String {
        let sign = if number < 0 { "-" } else { "" };
        self.shown(format!("{sign}{}", super::money::grouped(number.unsigned_abs())))
    }

    const fn decimal_sign(self) -> Sign {
        match self {
            Self::Point => Sign::Point,
            Self::Comma => Sign::Comma,
        }
    }
}

/// What may stand between digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Point,
    Comma,
    /// Plain, no-break, narrow and thin.
    Space,
    Apostrophe,
    Underscore,
}

impl Sign {
    fn of(c: char) -> Option<Self> {
        Some(match c {
            '.' => Self::Point,
            ',' => Self::Comma,
            ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' => Self::Space,
            '\'' | '\u{2019}' => Self::Apostrophe,
            '_' => Self::Underscore,
            _ => return None,
        })
    }
}

/// Reads a whole number of 0 or more. One that is written with decimals is refused, whatever they are.
///
/// # Errors
/// Why it is none.
pub fn whole(text: &str, style: NumberStyle) -> Result<i64, Misread> {
    scaled(text, style, 0)
}

/// Reads a number of 0 or more as units of 10^-`decimals`: with 2, `1,234.5` is 123450.
///
/// # Errors
/// Why it is none, more decimals than that among it.
pub fn scaled(text: &str, style: NumberStyle, decimals: u8) -> Result<i64, Misread> {
    let (whole, fraction) = parts(text, style)?;
    let width = usize::from(decimals);
    if fraction.len() > width {
        return Err(Misread::Decimals(decimals));
    }
    format!("{whole}{fraction:0<width$}").parse().map_err(|_| Misread::TooLarge)
}

/// The digits before and after the decimal sign, without any other sign.
fn parts(text: &str, style: NumberStyle) -> Result<(String, String), Misread> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Misread::Empty);
    }
    if text.chars().nth(LONGEST).is_some() {
        return Err(Misread::TooLong);
    }
    let (mut groups, mut signs) = split(text)?;

    let mut fraction = String::new();
    if has_decimals(&groups, &signs, style) {
        signs.pop();
        fraction = groups.pop().filter(|digits| !digits.is_empty()).ok_or(Misread::Unclear)?;
    }

    if parted_by_threes(&groups, &signs) { Ok((groups.concat(), fraction)) } else { Err(Misread::Unclear) }
}

/// Runs of digits, and the signs between them: one fewer.
fn split(text: &str) -> Result<(Vec<String>, Vec<Sign>), Misread> {
    let (mut groups, mut signs) = (vec![String::new()], Vec::new());
    for (at, c) in text.char_indices() {
        if let Some(sign) = Sign::of(c) {
            signs.push(sign);
            groups.push(String::new());
        } else if let (true, Some(group)) = (c.is_ascii_digit(), groups.last_mut()) {
            group.push(c);
        } else {
            return Err(Misread::of(text, at, c));
        }
    }
    Ok((groups, signs))
}

/// Whether the last sign parts decimals. Of two different signs the last does, and of one that is repeated none. One
/// alone does, but before exactly three digits as the style has it: unless nothing or a 0 begins the number, which is
/// never a group of thousands.
fn has_decimals(groups: &[String], signs: &[Sign], style: NumberStyle) -> bool {
    let Some(last) = signs.last().filter(|sign| matches!(sign, Sign::Point | Sign::Comma)) else { return false };
    if signs.len() > 1 {
        return !signs[..signs.len() - 1].contains(last);
    }
    let (before, after) = (&groups[0], &groups[1]);
    after.len() != 3 || before.is_empty() || before.starts_with('0') || *last == style.decimal_sign()
}

/// Whether the whole part is one run of digits, or groups of three with one kind of sign between them.
fn parted_by_threes(groups: &[String], signs: &[Sign]) -> bool {
    let [first, others @ ..] = groups else { return false };
    let by_threes = (1..=3).contains(&first.len()) && !first.starts_with('0') && others.iter().all(|g| g.len() == 3);
    others.is_empty() || (by_threes && signs.iter().all(|sign| *sign == signs[0]))
}
