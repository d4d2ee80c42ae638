//! Means weighted by hours, exact, rounded once at the very end.

use std::sync::LazyLock;

use chrono::NaiveDate;
use rust_decimal::Decimal;

pub use crate::domain::exact::PLACES;
use crate::domain::{
    Calendar, ContractMonth, Iso, MonthHours,
    exact::{self, Term},
};

/// Months whose hours are kept, from 1970 on.
const MONTHS: i32 = 12 * 150;

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
    let hours = hours(month);
    weighted(&[(s2x16?, hours.s2x16), (s5x16?, hours.s5x16), (s7x8?, hours.s7x8)])
}

/// The flat hours of a month: of every ISO the same. Charts ask for the same months again and again.
fn hours(month: ContractMonth) -> MonthHours {
    static KNOWN: LazyLock<Vec<MonthHours>> = LazyLock::new(|| {
        (0..MONTHS).map(|n| flat(ContractMonth::containing(NaiveDate::default()).plus(n))).collect()
    });
    let place = month.months_since(ContractMonth::containing(NaiveDate::default()));
    let known = usize::try_from(place).ok().and_then(|place| KNOWN.get(place).copied());
    known.unwrap_or_else(|| flat(month))
}

fn flat(month: ContractMonth) -> MonthHours {
    MonthHours::of(Iso::Ercot, Calendar::Flat, month)
}

/// The mean of prices over months, each weighted by all hours of its month.
#[must_use]
pub fn over_months(prices: &[(ContractMonth, Decimal)]) -> Option<Decimal> {
    let point = |(month, price): &(ContractMonth, Decimal)| (*price, hours(*month).s7x24);
    weighted(&prices.iter().map(point).collect::<Vec<_>>())
}

/// The mean of `values`, each with its weight, to five decimals, half away from zero. `None` for no
/// weight at all.
fn weighted(values: &[(Decimal, u32)]) -> Option<Decimal> {
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

/// `part` as percent of `whole`, to two decimals, half away from zero; `None` where `whole` is 0, and
/// beyond what 128 bits hold.
#[must_use]
pub fn percent(part: Decimal, whole: Decimal) -> Option<Decimal> {
    // 100 for the percentage, and 10 for each of its decimals.
    let (up, down) = (whole.scale() + 2 + PERCENT_PLACES, part.scale());
    let power = |more: u32, less: u32| 10_i128.checked_pow(more.saturating_sub(less));
    let over = part.mantissa().checked_mul(power(up, down)?)?;
    let under = whole.mantissa().checked_mul(power(down, up)?)?;
    if under == 0 {
        return None;
    }
    let (size, unit) = (over.unsigned_abs(), under.unsigned_abs());
    let rounded = size / unit + u128::from(size % unit >= unit - size % unit);
    let rounded = i128::try_from(rounded).ok()?;
    let signed = if (over < 0) == (under < 0) { rounded } else { -rounded };
    Decimal::try_from_i128_with_scale(signed, PERCENT_PLACES).ok()
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
