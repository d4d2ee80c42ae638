//! Means weighted by hours, in integers, rounded once at the very end.

use rust_decimal::Decimal;

use crate::domain::{ContractMonth, FlatHours};

/// Decimals of a derived price.
pub const PLACES: u32 = 5;

/// Decimals of a percentage.
const PERCENT_PLACES: u32 = 2;

/// The hour-weighted 7x24 price of a month from its three blocks, $/MWh or whatever unit they share,
/// to five decimals. `None` where a block is missing.
#[must_use]
pub fn round_the_clock(
    month: ContractMonth,
    s2x16: Option<Decimal>,
    s5x16: Option<Decimal>,
    s7x8: Option<Decimal>,
) -> Option<Decimal> {
    let hours = FlatHours::of(month);
    weighted(&[(s2x16?, hours.s2x16), (s5x16?, hours.s5x16), (s7x8?, hours.s7x8)])
}

/// The mean of prices over months, each weighted by all hours of its month.
#[must_use]
pub fn over_months(prices: &[(ContractMonth, Decimal)]) -> Option<Decimal> {
    let hours = |month| FlatHours::of(month).s7x24;
    weighted(&prices.iter().map(|(month, price)| (*price, hours(*month))).collect::<Vec<_>>())
}

/// The mean of `values`, each with its weight, to five decimals, half away from zero. `None` for no
/// weight at all, and beyond what 128 bits hold.
fn weighted(values: &[(Decimal, u32)]) -> Option<Decimal> {
    let scale = values.iter().map(|(value, _)| value.scale()).max()?;
    let mut sum: i128 = 0;
    for (value, weight) in values {
        let up = 10_i128.checked_pow(scale - value.scale())?.checked_mul(i128::from(*weight))?;
        sum = sum.checked_add(value.mantissa().checked_mul(up)?)?;
    }
    let weight = values.iter().map(|(_, weight)| i128::from(*weight)).sum();
    quotient((sum, scale), (weight, 0), PLACES)
}

/// `part` as percent of `whole`, to two decimals, half away from zero; `None` where `whole` is 0.
#[must_use]
pub fn percent(part: Decimal, whole: Decimal) -> Option<Decimal> {
    let part = (part.mantissa().checked_mul(100)?, part.scale());
    quotient(part, (whole.mantissa(), whole.scale()), PERCENT_PLACES)
}

/// The quotient of two decimals, each a mantissa and its scale, to so many places, half away from
/// zero.
fn quotient(over: (i128, u32), under: (i128, u32), places: u32) -> Option<Decimal> {
    let (up, down) = (under.1 + places, over.1);
    let over = over.0.checked_mul(10_i128.checked_pow(up.saturating_sub(down))?)?;
    let under = under.0.checked_mul(10_i128.checked_pow(down.saturating_sub(up))?)?;
    if under == 0 {
        return None;
    }
    let (size, unit) = (over.unsigned_abs(), under.unsigned_abs());
    let rounded = size / unit + u128::from(size % unit >= unit - unit / 2);
    let rounded = i128::try_from(rounded).ok()?;
    let signed = if (over < 0) == (under < 0) { rounded } else { -rounded };
    Decimal::try_from_i128_with_scale(signed, places).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn month(text: &str) -> ContractMonth {
        text.parse().unwrap()
    }

    #[test]
    fn the_worked_example_is_met_to_the_digit() {
        let [a, b, c] = ["82.66", "95.54", "69.74"].map(|text| Some(decimal(text)));
        let price = round_the_clock(month("2024-02"), a, b, c).unwrap();
        assert_eq!(price.to_string(), "84.57126");
        assert_eq!(round_the_clock(month("2024-02"), a, None, c), None);
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
        fn a_flat_price_gives_itself_and_a_mean_lies_between(
            prices in prop::array::uniform3(-100_000_i64..1_000_000), months in 0_i32..1200
        ) {
            let month = month("2000-01").plus(months);
            let [a, b, c] = prices.map(|mantissa| Decimal::new(mantissa, 2));
            let flat = round_the_clock(month, Some(a), Some(a), Some(a)).unwrap();
            prop_assert_eq!(flat, a);
            let mean = round_the_clock(month, Some(a), Some(b), Some(c)).unwrap();
            prop_assert!(mean >= a.min(b).min(c) && mean <= a.max(b).max(c));
        }
    }
}
