use proptest::prelude::*;
use rust_decimal::{Decimal, RoundingStrategy};

use super::*;

fn plan(code: &str, fee: i64, included: i64, tiers: &[(Option<i64>, i64)]) -> Plan {
    let currency = Currency::parse(code).expect("a currency");
    let tiers = tiers.iter().map(|&(up_to, micros_per_thousand)| Tier { up_to, micros_per_thousand }).collect();
    Plan { currency, monthly_fee_minor: fee, included, tiers }
}

fn rows(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn each_message_is_priced_by_the_step_it_falls_in() {
    let plan = plan("USD", 4_900, 100_000, &[(Some(500_000), 600_000), (None, 400_000)]).validate().expect("valid");
    let bill = rate(&plan, 700_000);
    let amounts: Vec<(i64, i64)> = bill.lines.iter().map(|line| (line.quantity, line.amount_minor)).collect();
    assert_eq!(amounts, [(1, 4_900), (100_000, 0), (500_000, 30_000), (100_000, 4_000)]);
    assert_eq!(bill.total_minor, 38_900);
    assert_eq!(rate(&plan, 99_999).total_minor, 4_900);
}

#[test]
fn a_line_is_rounded_once_and_half_to_even() {
    let at = |quantity| rate(&plan("USD", 0, 0, &[(None, 5_000_000)]), quantity).total_minor;
    assert_eq!([at(1), at(3), at(5)], [0, 2, 2]);
    assert_eq!(rate(&plan("JPY", 0, 0, &[(None, 500_000_000)]), 3).total_minor, 2);
    assert_eq!(rate(&plan("KWD", 0, 0, &[(None, 1_000_000)]), 1).total_minor, 1);
}

#[test]
fn the_largest_numbers_do_not_overflow() {
    let plan = plan("KWD", i64::MAX, 0, &[(None, i64::MAX)]);
    assert_eq!(rate(&plan, i64::MAX).total_minor, i64::MAX);
    assert_eq!(rate(&plan, i64::MIN).total_minor, i64::MAX);
}

#[test]
fn wrong_plans_are_refused_with_the_place() {
    let wrong = [
        plan("USD", -1, 0, &[]),
        plan("USD", 0, -1, &[]),
        plan("USD", 0, 0, &[(None, -1)]),
        plan("USD", 0, 0, &[(Some(5), 1)]),
        plan("USD", 0, 0, &[(None, 1), (None, 1)]),
        plan("USD", 0, 0, &[(Some(5), 1), (Some(5), 1), (None, 1)]),
    ];
    for plan in wrong {
        assert!(plan.clone().validate().is_err(), "{plan:?}");
    }
    let refusal =
        Plan::parse("USD", "49", "100000", &rows(&[("", "x")]), NumberStyle::Point).expect_err("x is no price");
    assert!(refusal.message().starts_with("Price step 1"), "{refusal}");
}

#[test]
fn a_form_becomes_a_plan() {
    let parsed = Plan::parse(
        "usd",
        "49.00",
        "100,000",
        &rows(&[("500,000", "0.60"), ("", "0.4"), ("", "")]),
        NumberStyle::Point,
    );
    assert_eq!(parsed, Ok(plan("USD", 4_900, 100_000, &[(Some(500_000), 600_000), (None, 400_000)])));
}

proptest! {
    #[test]
    fn a_line_agrees_with_decimal_arithmetic(
        quantity in 0..10_000_000_000i64,
        micros in 0..1_000_000_000i64,
        code in prop::sample::select(vec!["JPY", "USD", "KWD"]),
    ) {
        let plan = plan(code, 0, 0, &[(None, micros)]);
        let major = Decimal::from(quantity) * Decimal::new(micros, 9);
        let minor = (major * Decimal::from(plan.currency.minor_per_major()))
            .round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven);
        prop_assert_eq!(Decimal::from(rate(&plan, quantity).total_minor), minor);
    }

    #[test]
    fn more_messages_never_cost_less_and_all_are_on_the_bill(
        a in 0..2_000_000i64, b in 0..2_000_000i64, included in 0..500_000i64, step in 1..500_000i64, p in 0..9_000_000i64, q in 0..9_000_000i64,
    ) {
        let plan = plan("USD", 100, included, &[(Some(step), p), (None, q)]).validate().expect("valid");
        let (low, high) = (a.min(b), a.max(b));
        prop_assert!(rate(&plan, low).total_minor <= rate(&plan, high).total_minor + 1);
        let counted: i64 = rate(&plan, high).lines.iter().skip(1).map(|line| line.quantity).sum();
        prop_assert_eq!(counted, high);
    }
}
