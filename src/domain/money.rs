//! Money: integer minor units with their currency, prices in micros. Nothing here is a float but what JSON asks for.

use std::fmt;

use rust_decimal::Decimal;

use super::number::{self, NumberStyle};
use super::refusal::Refusal;

/// An ISO 4217 currency with 0, 2 or 3 decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency {
    iso: iso_currency::Currency,
    exponent: u32,
}

impl Currency {
    /// Reads a code of three letters in any case. Metals, funds and test codes are refused: nobody is billed in them.
    pub fn parse(code: &str) -> Result<Self, Refusal> {
        let refusal = || Refusal::new("Choose a currency by its code of three letters, for example USD.");
        let iso = iso_currency::Currency::from_code(&code.trim().to_ascii_uppercase()).ok_or_else(refusal)?;
        match iso.exponent() {
            Some(exponent @ (0 | 2 | 3)) if !iso.is_special() && !iso.is_fund() => {
                Ok(Self { iso, exponent: u32::from(exponent) })
            }
            _ => Err(refusal()),
        }
    }

    /// The code in upper case, as it is stored and shown.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.iso.code()
    }

    /// The code in lower case, as the contract's usage answer has it.
    #[must_use]
    pub fn code_lower(self) -> String {
        self.code().to_ascii_lowercase()
    }

    #[must_use]
    pub fn name(&self) -> &str {
        self.iso.name()
    }

    /// How many decimals an amount has.
    #[must_use]
    pub const fn exponent(self) -> u32 {
        self.exponent
    }

    /// Minor units in one major unit: 1, 100 or 1000.
    #[must_use]
    pub const fn minor_per_major(self) -> i64 {
        10_i64.pow(self.exponent)
    }

    /// What stands before an amount. Only signs that mean one currency to every reader; otherwise the code.
    fn prefix(self) -> &'static str {
        match self.code() {
            "USD" => "$",
            "EUR" => "€",
            "GBP" => "£",
            "JPY" => "¥",
            "INR" => "₹",
            "KRW" => "₩",
            "ILS" => "₪",
            "PLN" => "zł\u{a0}",
            _ => "",
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in minor units (cents, yen, fils).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads an amount as people type it: `1234.5`, `1,234.50`. No more decimals than the currency has.
    ///
    /// # Errors
    /// A sentence with an example in the currency's decimals.
    pub fn parse(text: &str, currency: Currency, style: NumberStyle) -> Result<Self, Refusal> {
        let example = style.shown(Self::new(49 * currency.minor_per_major(), currency).amount());
        let wanted = format!("Enter an amount in {currency}, for example {example}.");
        let decimals = u8::try_from(currency.exponent).unwrap_or(0);
        let minor = number::scaled(text, style, decimals).map_err(|misread| misread.refusal(style, &wanted))?;
        Ok(Self { minor, currency })
    }

    /// The amount in major units, exact.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.exponent)
    }

    /// The amount for a JSON number: the double nearest to the exact value, which prints as the exact value
    /// up to 15 digits (both operands are exact below 2^53, and IEEE 754 division rounds correctly).
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 minor units")]
    pub fn as_json_number(self) -> f64 {
        self.minor as f64 / self.currency.minor_per_major() as f64
    }

    /// The amount without its currency, `1,234.56`, for a column that names the currency in its head.
    #[must_use]
    pub fn amount(self) -> String {
        let sign = if self.minor < 0 { "-" } else { "" };
        format!("{sign}{}", self.unsigned_amount())
    }

    fn unsigned_amount(self) -> String {
        let per_major = self.currency.minor_per_major().unsigned_abs();
        let minor = self.minor.unsigned_abs();
        let major = grouped(minor / per_major);
        match self.currency.exponent {
            0 => major,
            decimals => format!("{major}.{:0width$}", minor % per_major, width = decimals as usize),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minor < 0 { "-" } else { "" };
        match self.currency.prefix() {
            "" => write!(f, "{sign}{}\u{a0}{}", self.currency, self.unsigned_amount()),
            prefix => write!(f, "{sign}{prefix}{}", self.unsigned_amount()),
        }
    }
}

/// A price in millionths of a currency's major unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Micros(pub i64);

impl Micros {
    /// Reads a price in major units with at most six decimals.
    ///
    /// # Errors
    /// A sentence with an example.
    pub fn parse(text: &str, style: NumberStyle) -> Result<Self, Refusal> {
        let wanted = format!("Enter a price with at most six decimals, for example {}.", style.shown("0.85"));
        number::scaled(text, style, 6).map(Self).map_err(|misread| misread.refusal(style, &wanted))
    }

    /// The price in major units, exact.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.0, 6)
    }
}

impl fmt::Display for Micros {
    /// At least two decimals, and as many as the price needs: `0.50`, `0.085`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.to_decimal().normalize();
        if shown.scale() < 2 {
            shown.rescale(2);
        }
        shown.fmt(f)
    }
}

/// Digits in groups of three: `1,234,567`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).expect("a currency")
    }

    #[test]
    fn amounts_show_their_currency_its_decimals_and_thousands() {
        for (minor, code, shown) in [
            (123_456, "usd", "$1,234.56"),
            (-5, "EUR", "-€0.05"),
            (1_234_567, "JPY", "¥1,234,567"),
            (1_234, "KWD", "KWD\u{a0}1.234"),
            (100_000, "CHF", "CHF\u{a0}1,000.00"),
            (i64::MIN, "USD", "-$92,233,720,368,547,758.08"),
        ] {
            assert_eq!(Money::new(minor, currency(code)).to_string(), shown);
        }
    }

    #[test]
    fn metals_funds_and_nonsense_are_no_currencies() {
        for code in ["XAU", "XXX", "CLF", "", "US", "DOLLAR", "ZZZ"] {
            assert!(Currency::parse(code).is_err(), "{code}");
        }
        assert_eq!(currency(" usd ").code_lower(), "usd");
    }

    #[test]
    fn typed_amounts_have_no_more_decimals_than_the_currency() {
        let minor = |text: &str, code: &str, style| Money::parse(text, currency(code), style).map(|m| m.minor);
        assert_eq!(minor("1,234.5", "USD", NumberStyle::Point), Ok(123_450));
        assert_eq!(minor("1234", "JPY", NumberStyle::Point), Ok(1234));
        assert_eq!(minor("0.001", "KWD", NumberStyle::Point), Ok(1));
        assert_eq!(minor("1.500", "USD", NumberStyle::Comma), Ok(150_000));
        for style in NumberStyle::ALL {
            assert_eq!(minor("49,00", "EUR", style), Ok(4_900));
            assert_eq!(Micros::parse("0,90", style), Ok(Micros(900_000)));
        }
        for (text, code) in [("1.234", "USD"), ("1.5", "JPY"), ("", "USD"), (".", "USD"), ("-1", "USD"), ("1e3", "USD")]
        {
            assert!(minor(text, code, NumberStyle::Point).is_err(), "{text}");
        }
    }

    #[test]
    fn prices_show_at_least_two_decimals() {
        for (text, shown) in [("0.5", "0.50"), ("0.085", "0.085"), ("12", "12.00"), ("0.000001", "0.000001")] {
            assert_eq!(Micros::parse(text, NumberStyle::Point).expect("a price").to_string(), shown);
        }
        assert!(Micros::parse("0.0000001", NumberStyle::Point).is_err());
    }

    proptest! {
        #[test]
        fn a_json_number_prints_as_the_exact_amount(
            minor in -999_999_999_999_999..999_999_999_999_999i64,
            code in prop::sample::select(vec!["JPY", "USD", "KWD"]),
        ) {
            let money = Money::new(minor, currency(code));
            prop_assert_eq!(money.as_json_number().to_string(), money.to_decimal().normalize().to_string());
        }

        #[test]
        fn what_is_shown_can_be_typed(minor in 0..i64::MAX, code in prop::sample::select(vec!["JPY", "USD", "KWD"])) {
            let money = Money::new(minor, currency(code));
            for style in NumberStyle::ALL {
                prop_assert_eq!(Money::parse(&style.shown(money.amount()), money.currency, style), Ok(money));
                prop_assert_eq!(Micros::parse(&style.shown(Micros(minor)), style), Ok(Micros(minor)));
            }
        }
    }
}
