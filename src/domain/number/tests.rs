use proptest::prelude::*;

use super::*;

use Misread::{Decimals, Empty, Exponent, OtherDigits, Percent, Signed, TooLarge, TooLong, Unclear, Words};
use NumberStyle::{Comma, Point};

/// Hundredths, in point and in comma style.
type Hundredths = Result<i64, Misread>;

#[test]
fn a_number_is_read_as_its_writer_meant_it() {
    let table: &[(&str, Hundredths, Hundredths)] = &[
        ("49", Ok(4_900), Ok(4_900)),
        ("49,00", Ok(4_900), Ok(4_900)),
        ("49.00", Ok(4_900), Ok(4_900)),
        ("0,90", Ok(90), Ok(90)),
        ("1,5", Ok(150), Ok(150)),
        ("5000,00", Ok(500_000), Ok(500_000)),
        // Two different signs: the last is decimal.
        ("1,234.50", Ok(123_450), Ok(123_450)),
        ("1.234,50", Ok(123_450), Ok(123_450)),
        ("1,234,567.8", Ok(123_456_780), Ok(123_456_780)),
        // One sign before three digits follows the style.
        ("1,234", Ok(123_400), Err(Decimals(2))),
        ("1.234", Err(Decimals(2)), Ok(123_400)),
        ("1234,567", Err(Unclear), Err(Decimals(2))),
        // The same sign again parts groups.
        ("1,234,567", Ok(123_456_700), Ok(123_456_700)),
        ("1.234.567", Ok(123_456_700), Ok(123_456_700)),
        ("1,23,456", Err(Unclear), Err(Unclear)),
        ("12,34,567", Err(Unclear), Err(Unclear)),
        ("1,234.5,6", Err(Unclear), Err(Unclear)),
        // Spaces and apostrophes part groups only.
        ("1 234,50", Ok(123_450), Ok(123_450)),
        ("1\u{a0}234\u{a0}567", Ok(123_456_700), Ok(123_456_700)),
        ("1\u{202f}234.5", Ok(123_450), Ok(123_450)),
        ("1\u{2009}234", Ok(123_400), Ok(123_400)),
        ("1'234.50", Ok(123_450), Ok(123_450)),
        ("1’234’567", Ok(123_456_700), Ok(123_456_700)),
        ("10_000", Ok(1_000_000), Ok(1_000_000)),
        ("1 23", Err(Unclear), Err(Unclear)),
        ("1234 567", Err(Unclear), Err(Unclear)),
        ("1 234'567", Err(Unclear), Err(Unclear)),
        ("1 234,567.8", Err(Unclear), Err(Unclear)),
        ("1,234 567", Err(Unclear), Err(Unclear)),
        // A leading 0 is never a group.
        ("0,900", Err(Decimals(2)), Err(Decimals(2))),
        ("0.900", Err(Decimals(2)), Err(Decimals(2))),
        ("0,123.45", Err(Unclear), Err(Unclear)),
        ("0 900", Err(Unclear), Err(Unclear)),
        (" 007 ", Ok(700), Ok(700)),
        (".5", Ok(50), Ok(50)),
    ];
    for (text, point, comma) in table {
        assert_eq!(scaled(text, Point, 2), *point, "{text:?} in point style");
        assert_eq!(scaled(text, Comma, 2), *comma, "{text:?} in comma style");
    }
    for text in ["0,900", "0.900"] {
        assert_eq!([Point, Comma].map(|style| scaled(text, style, 6)), [Ok(900_000), Ok(900_000)], "{text}");
    }
}

#[test]
fn a_whole_number_has_no_decimals_whatever_they_are() {
    for (text, point, comma) in [
        ("50,000", Ok(50_000), Err(Decimals(0))),
        ("50.000", Err(Decimals(0)), Ok(50_000)),
        ("1,5", Err(Decimals(0)), Err(Decimals(0))),
        ("5000,00", Err(Decimals(0)), Err(Decimals(0))),
        ("5.0", Err(Decimals(0)), Err(Decimals(0))),
        ("9223372036854775807", Ok(i64::MAX), Ok(i64::MAX)),
        ("9223372036854775808", Err(TooLarge), Err(TooLarge)),
    ] {
        assert_eq!((whole(text, Point), whole(text, Comma)), (point, comma), "{text}");
    }
}

#[test]
fn what_is_no_number_is_told_why() {
    for (text, why) in [
        ("", Empty),
        (" \u{a0}", Empty),
        ("-1", Signed),
        ("+1", Signed),
        ("\u{2212}1", Signed),
        ("(1)", Signed),
        ("1e3", Exponent),
        ("1E-3", Exponent),
        ("1 euro", Words),
        ("49 EUR", Words),
        ("$49", Words),
        ("49€", Words),
        ("0x10", Words),
        ("ten", Words),
        ("1;2", Words),
        ("1\x02", Words),
        ("50%", Percent),
        ("\u{ff11}\u{ff12}", OtherDigits),
        ("\u{661}\u{662}\u{663}", OtherDigits),
        ("1\u{ff0c}5", OtherDigits),
        ("½", OtherDigits),
        (".", Unclear),
        (",", Unclear),
        ("5.", Unclear),
        ("1,,234", Unclear),
        ("1, 234", Unclear),
        (",234,567", Unclear),
    ] {
        assert_eq!([Point, Comma].map(|style| scaled(text, style, 2)), [Err(why), Err(why)], "{text:?}");
    }
    for long in ["1".repeat(41), format!("1{}", ",000".repeat(1_000_000)), "é".repeat(41)] {
        assert_eq!(whole(&long, Point), Err(TooLong));
    }
}

#[test]
fn the_sentence_shows_how_the_writers_own_numbers_look() {
    let said = |style: NumberStyle| Decimals(0).refusal(style, "Enter a whole number.").to_string();
    assert!(said(Point).contains("1,234.50") && said(Comma).contains("1.234,50"));
    assert_eq!(Empty.refusal(Point, "Enter one.").message(), "Enter one.");
    for style in NumberStyle::ALL {
        assert_eq!(NumberStyle::parse(style.as_str()), Ok(style));
        assert_eq!(scaled(style.example(), style, 2), Ok(123_450), "its own example");
    }
    assert!(NumberStyle::parse("").is_err());
}

fn styles() -> impl Strategy<Value = NumberStyle> {
    prop::sample::select(NumberStyle::ALL.to_vec())
}

proptest! {
    #[test]
    fn what_a_style_writes_it_reads_back(number in 0..=i64::MAX, style in styles()) {
        prop_assert_eq!(whole(&style.whole(number), style), Ok(number));
        for decimals in 1..=6u8 {
            let unit = 10_i64.pow(u32::from(decimals));
            let width = usize::from(decimals);
            let text = format!("{}.{:0width$}", Point.whole(number / unit), number % unit);
            prop_assert_eq!(scaled(&style.shown(&text), style, decimals), Ok(number), "{}", text);
        }
    }

    /// The styles differ over one sign before three digits, and over nothing else.
    #[test]
    fn only_one_sign_before_three_digits_depends_on_the_style(text in "[0-9]{0,5}([., '][0-9]{0,4}){0,4}") {
        let text = text.trim();
        let signs: Vec<usize> = text.match_indices([',', '.', ' ', '\'']).map(|(at, _)| at).collect();
        let ambiguous = signs.len() == 1 && text.len() - signs[0] == 4;
        if !ambiguous {
            prop_assert_eq!(scaled(text, Point, 6), scaled(text, Comma, 6), "{}", text);
        }
    }

    /// Nothing that is read loses, gains or moves a digit.
    #[test]
    fn what_is_read_has_the_digits_that_were_typed(text in "[0-9]{1,5}([., '_][0-9]{1,4}){0,4}", style in styles()) {
        if let Ok(number) = scaled(&text, style, 4) {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            let typed: i64 = digits.parse().unwrap_or(i64::MAX);
            let places = (0..=4).any(|shift| typed.checked_mul(10_i64.pow(shift)) == Some(number));
            prop_assert!(places, "{} became {}", text, number);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}", style in styles()) {
        for decimals in [0, 2, 6] {
            if let Err(why) = scaled(&text, style, decimals) {
                prop_assert!(why.refusal(style, "Enter a number.").message().ends_with("Enter a number."));
            }
        }
    }
}
