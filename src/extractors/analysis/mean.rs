//! Means weighted by hours, exact, rounded once at the very end.

use rust_decimal::Decimal;

pub use crate::domain::exact::PLACES;
use crate::domain::exact::{self, Term};

/// Decimals of a percentage.
const PERCENT_PLACES: u32 = 2;

/// The mean of `values`, each with its weight, to five decimals, half away from zero. `None` for no
/// weight at all.
#[must_use]
pub fn weighted(values: &[(Decimal, u32)]) -> Option<Decimal> {
    let term = |(value, weight): &(Decimal, u32)| Term {
        value: *value,
        scaler: Decimal::ONE,
        weight: *weight,
    };
    let terms: Vec<Term> = values.iter().map(term).collect();
    let hours: u32 = values.iter().map(|(_, weight)| weight).sum();
    if hours == 0 {
        return None;
    }
    // A mean lies between its values, so that it never is too large.
    exact::weighted(&terms, 1, hours).ok()
}

/// `part` in percent of `whole`, to two decimals; `None` where `whole` is 0.
#[must_use]
pub fn percent(part: Decimal, whole: Decimal) -> Option<Decimal> {
    exact::percent(part, whole, PERCENT_PLACES)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn halves_go_away_from_zero_and_a_zero_has_no_sign() {
        for (value, rounded) in [
            ("0.000005", "0.00001"),
            ("-0.000005", "-0.00001"),
            ("0.0000049", "0.00000"),
            ("-0.0000049", "0.00000"),
        ] {
            assert_eq!(weighted(&[(decimal(value), 7)]).unwrap().to_string(), rounded, "{value}");
        }
    }

    #[test]
    fn a_percentage_is_of_the_base_and_of_zero_there_is_none() {
        let of = |part, whole| percent(decimal(part), decimal(whole));
        assert_eq!(of("91.35", "19.76").unwrap().to_string(), "462.30");
        assert_eq!(of("-1", "8").unwrap().to_string(), "-12.50");
        assert_eq!(of("-1", "-8").unwrap().to_string(), "12.50");
        assert_eq!(of("1", "0.00"), None);
    }

    proptest! {
        #[test]
        fn an_equal_price_gives_itself_and_a_mean_lies_between(
            prices in prop::array::uniform3(-100_000_i64..1_000_000),
            weights in prop::array::uniform3(1_u32..800),
        ) {
            let [a, b, c] = prices.map(|mantissa| Decimal::new(mantissa, 2));
            let mean = |prices: [Decimal; 3]| {
                weighted(&prices.into_iter().zip(weights).collect::<Vec<_>>()).unwrap()
            };
            prop_assert_eq!(mean([a; 3]), a);
            let mean = mean([a, b, c]);
            prop_assert!(mean >= a.min(b).min(c) && mean <= a.max(b).max(c));
        }
    }
}
