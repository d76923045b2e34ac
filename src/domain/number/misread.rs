//! Why a text is no number, and the sentence for whoever typed it.

use super::NumberStyle;
use crate::domain::refusal::Refusal;

/// What stood in the way of one meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misread {
    Empty,
    TooLong,
    /// A plus, a minus, or brackets.
    Signed,
    /// `1e3`.
    Exponent,
    Percent,
    /// Digits, or signs between them, of another script or width.
    OtherDigits,
    /// A currency, a unit, a word.
    Words,
    /// Signs that part no groups of three: it could be this number or that.
    Unclear,
    /// More decimals than the field has.
    Decimals(u8),
    TooLarge,
}

impl Misread {
    /// What the first character is that neither is a digit nor parts some.
    pub(super) fn of(text: &str, at: usize, c: char) -> Self {
        match c {
            '-' | '+' | '(' | ')' | '\u{2212}' | '\u{2010}'..='\u{2015}' => Self::Signed,
            '%' | '\u{2030}' => Self::Percent,
            'e' | 'E' if between_digits(text, at) => Self::Exponent,
            '\u{ff0c}' | '\u{ff0e}' | '\u{66b}' | '\u{66c}' => Self::OtherDigits,
            c if c.is_numeric() => Self::OtherDigits,
            _ => Self::Words,
        }
    }

    /// The sentence: what is wrong, then what is `wanted`, which gives an example in the same style.
    #[must_use]
    pub fn refusal(self, style: NumberStyle, wanted: &str) -> Refusal {
        let example = style.example();
        let wrong = match self {
            Self::Empty => return Refusal::new(wanted),
            Self::TooLong => "The number is too long.".to_owned(),
            Self::Signed => "Leave the sign out: less than 0 is not possible.".to_owned(),
            Self::Exponent => "Write the number out, without an exponent.".to_owned(),
            Self::Percent => "Leave the % sign out.".to_owned(),
            Self::OtherDigits => "Write it with the digits 0 to 9.".to_owned(),
            Self::Words => "Write the number alone, without a currency, a unit or a word.".to_owned(),
            Self::Unclear => {
                format!("It is not clear which number this is. Your numbers are written like {example}.")
            }
            Self::Decimals(0) => {
                format!("This reads as a number with decimals, because yours are written like {example}.")
            }
            Self::Decimals(most) => {
                format!("This has more than {most} decimals, because your numbers are written like {example}.")
            }
            Self::TooLarge => "The number is too large.".to_owned(),
        };
        Refusal::new(format!("{wrong} {wanted}"))
    }
}

/// `1e3` and `1E-3`, but not `1 euro`.
fn between_digits(text: &str, at: usize) -> bool {
    let before = text[..at].chars().next_back();
    let mut after = text[at + 1..].chars();
    let next = after.next().and_then(|c| if matches!(c, '+' | '-') { after.next() } else { Some(c) });
    [before, next].iter().all(|c| c.is_some_and(|c| c.is_ascii_digit()))
}
