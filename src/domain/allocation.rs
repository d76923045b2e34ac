//! Sharing a pooled bill by volume, so that the parts add up to the total exactly (largest remainder method).

use super::ids::Id;

/// Each account's share of `total_minor`, in the order given. Every part is within one minor unit of the exact
/// share; the units left over go to the largest remainders, ties to the smaller id. With no volume at all
/// everything falls on `fallback` (the parent), which is added when it is not among `volumes`.
#[must_use]
pub fn allocate(total_minor: i64, volumes: &[(Id, i64)], fallback: Id) -> Vec<(Id, i64)> {
    let sum: i128 = volumes.iter().map(|(_, volume)| weight(*volume)).sum();
    if sum == 0 {
        return all_on(fallback, total_minor, volumes);
    }
    let total = i128::from(total_minor.unsigned_abs());
    // A product of two 63-bit numbers fits 126 bits.
    let quotas: Vec<(i128, i128)> =
        volumes.iter().map(|(_, volume)| (total * weight(*volume) / sum, total * weight(*volume) % sum)).collect();
    let mut left = total - quotas.iter().map(|(floor, _)| floor).sum::<i128>();

    let mut order: Vec<usize> = (0..volumes.len()).collect();
    order.sort_by(|&a, &b| quotas[b].1.cmp(&quotas[a].1).then(volumes[a].0.cmp(&volumes[b].0)));
    let mut parts: Vec<i128> = quotas.iter().map(|(floor, _)| *floor).collect();
    for index in order {
        if left == 0 {
            break;
        }
        parts[index] += 1;
        left -= 1;
    }
    volumes.iter().zip(parts).map(|((id, _), part)| (*id, signed(part, total_minor))).collect()
}

fn weight(volume: i64) -> i128 {
    i128::from(volume.max(0))
}

/// A part has at most the size of the total, whose sign it takes (a credit note is shared like a bill).
fn signed(part: i128, total: i64) -> i64 {
    i64::try_from(if total < 0 { -part } else { part }).unwrap_or(total)
}

fn all_on(fallback: Id, total_minor: i64, volumes: &[(Id, i64)]) -> Vec<(Id, i64)> {
    let mut parts: Vec<(Id, i64)> =
        volumes.iter().map(|(id, _)| (*id, if *id == fallback { total_minor } else { 0 })).collect();
    if !parts.iter().any(|(id, _)| *id == fallback) {
        parts.push((fallback, total_minor));
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::super::money::{Currency, Money};
    use super::*;

    fn id(n: u128) -> Id {
        Id(Uuid::from_u128(n))
    }

    fn numbered(volumes: &[i64]) -> Vec<(Id, i64)> {
        (1..).zip(volumes).map(|(n, volume)| (id(n), *volume)).collect()
    }

    fn parts(total: i64, volumes: &[i64]) -> Vec<i64> {
        allocate(total, &numbered(volumes), id(1)).into_iter().map(|(_, part)| part).collect()
    }

    #[test]
    fn the_contracts_example_comes_out() {
        assert_eq!(parts(8_000, &[1_000_000, 3_000_000, 0]), [2_000, 6_000, 0]);
    }

    #[test]
    fn ties_go_to_the_smaller_id() {
        assert_eq!(parts(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(parts(2, &[1, 1, 1]), [1, 1, 0]);
        assert_eq!(parts(-100, &[1, 1, 1]), [-34, -33, -33]);
    }

    #[test]
    fn without_volume_everything_falls_on_the_fallback() {
        assert_eq!(allocate(500, &numbered(&[0, 0]), id(2)), [(id(1), 0), (id(2), 500)]);
        assert_eq!(allocate(500, &[], id(9)), [(id(9), 500)]);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        assert_eq!(parts(i64::MAX, &[i64::MAX, i64::MAX]), [i64::MAX / 2 + 1, i64::MAX / 2]);
        assert_eq!(parts(i64::MIN, &[i64::MAX]), [i64::MIN]);
    }

    proptest! {
        #[test]
        fn parts_add_up_and_are_never_a_unit_off(
            total in 0..i64::MAX,
            volumes in prop::collection::vec(prop_oneof![0..10i64, 0..i64::MAX], 1..60),
        ) {
            let result = parts(total, &volumes);
            prop_assert_eq!(result.iter().map(|part| i128::from(*part)).sum::<i128>(), i128::from(total));
            let sum: i128 = volumes.iter().map(|volume| i128::from(*volume)).sum();
            if sum > 0 {
                for (part, volume) in result.iter().zip(&volumes) {
                    let off = (i128::from(*part) - i128::from(total) * i128::from(*volume) / sum).abs();
                    prop_assert!(off <= 1);
                    let exact = i128::from(total) * i128::from(*volume);
                    prop_assert!(*part == i64::try_from(exact / sum).expect("fits") || exact % sum != 0);
                }
            }
        }

        #[test]
        fn the_order_of_accounts_does_not_matter(
            total in 0..1_000_000i64,
            (volumes, shuffled) in prop::collection::vec(0..50i64, 1..30)
                .prop_map(|volumes| numbered(&volumes))
                .prop_flat_map(|volumes| (Just(volumes.clone()), Just(volumes).prop_shuffle())),
        ) {
            let mut one = allocate(total, &volumes, id(1));
            let mut other = allocate(total, &shuffled, id(1));
            one.sort();
            other.sort();
            prop_assert_eq!(one, other);
        }

        #[test]
        fn shown_amounts_add_up_in_every_kind_of_currency(
            total in 0..10_000_000i64,
            volumes in prop::collection::vec(0..100_000i64, 1..40),
            code in prop::sample::select(vec!["JPY", "USD", "KWD"]),
        ) {
            let currency = Currency::parse(code).expect("a currency");
            let shown: rust_decimal::Decimal =
                parts(total, &volumes).into_iter().map(|part| Money::new(part, currency).to_decimal()).sum();
            prop_assert_eq!(shown, Money::new(total, currency).to_decimal());
        }
    }
}
