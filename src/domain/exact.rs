//! Exact weighted sums of decimals, rounded once.

use num_bigint::{BigInt, BigUint, Sign};
use rust_decimal::Decimal;

/// Decimals of a computed price.
pub const PLACES: u32 = 5;

/// One summand: value × scaler × weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// A stored value.
    pub value: Decimal,
    /// What multiplies it; one where nothing does.
    pub scaler: Decimal,
    /// Hours.
    pub weight: u32,
}

/// A result that has no place in a decimal: 10²³ or more. Stored values are below 10¹².
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a computed value is too large to be printed")]
pub struct TooLarge;

/// Σ(value × scaler × weight) × `times` / `divisor`, exact and rounded once, at the very end, to
/// five decimals, half away from zero. The divisor is not zero; a sum of no terms is zero.
pub fn weighted(terms: &[Term], times: u32, divisor: u32) -> Result<Decimal, TooLarge> {
    let scale = terms.iter().map(Term::scale).max().unwrap_or_default();
    let rounded = short(terms, scale, times, divisor)
        .or_else(|| long(terms, scale, times, divisor))
        .ok_or(TooLarge)?;
    Decimal::try_from_i128_with_scale(rounded, PLACES).map_err(|_| TooLarge)
}

/// `part` in percent of `whole`, exact and rounded once, to `places` decimals, half away from zero.
/// `None` where `whole` is 0, or where the result has no place in a decimal.
#[must_use]
pub fn percent(part: Decimal, whole: Decimal, places: u32) -> Option<Decimal> {
    if whole.is_zero() {
        return None;
    }
    // 100 for the percentage, and 10 for each of its decimals.
    let (up, down) = (whole.scale() + 2 + places, part.scale());
    let powers = (up.saturating_sub(down), down.saturating_sub(up));
    let in_short = || {
        let over = part.mantissa().checked_mul(power_of_ten(powers.0)?)?;
        let under = whole.mantissa().checked_mul(power_of_ten(powers.1)?)?;
        i128::try_from(divide_rounding(over.unsigned_abs(), under.unsigned_abs())).ok()
    };
    let in_long = || {
        let ten = BigInt::from(10);
        let over = BigInt::from(part.mantissa()) * ten.pow(powers.0);
        let under = BigInt::from(whole.mantissa()) * ten.pow(powers.1);
        i128::try_from(long_division(&over, &under)).ok()
    };
    let size = in_short().or_else(in_long)?;
    let is_negative = part.is_sign_negative() != whole.is_sign_negative();
    Decimal::try_from_i128_with_scale(if is_negative { -size } else { size }, places).ok()
}

impl Term {
    /// Decimals of the product.
    const fn scale(&self) -> u32 {
        self.value.scale() + self.scaler.scale()
    }
}

/// In 128 bits; `None` where they do not suffice.
fn short(terms: &[Term], scale: u32, times: u32, divisor: u32) -> Option<i128> {
    let mut sum = 0_i128;
    for term in terms {
        let product = term.value.mantissa().checked_mul(term.scaler.mantissa())?;
        let aligned = product.checked_mul(power_of_ten(scale - term.scale())?)?;
        sum = sum.checked_add(aligned.checked_mul(term.weight.into())?)?;
    }
    let sum =
        sum.checked_mul(times.into())?.checked_mul(power_of_ten(PLACES.saturating_sub(scale))?)?;
    let unit = power_of_ten(scale.saturating_sub(PLACES))?.checked_mul(divisor.into())?;
    let size = divide_rounding(sum.unsigned_abs(), unit.unsigned_abs());
    i128::try_from(size).ok().map(|size| if sum < 0 { -size } else { size })
}

/// Half goes up.
fn divide_rounding(size: u128, unit: u128) -> u128 {
    // 64-bit division is many times faster, and nearly all sums fit.
    if let (Ok(size), Ok(unit)) = (u64::try_from(size), u64::try_from(unit)) {
        let rest = size % unit;
        return u128::from(size / unit) + u128::from(rest >= unit - rest);
    }
    let rest = size % unit;
    size / unit + u128::from(rest >= unit - rest)
}

const fn power_of_ten(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

/// In as many bits as it takes; `None` where the result does not fit into 128.
fn long(terms: &[Term], scale: u32, times: u32, divisor: u32) -> Option<i128> {
    let ten = BigInt::from(10);
    let sum: BigInt = terms
        .iter()
        .map(|term| {
            BigInt::from(term.value.mantissa())
                * term.scaler.mantissa()
                * term.weight
                * ten.pow(scale - term.scale())
        })
        .sum();
    let sum = sum * times * ten.pow(PLACES.saturating_sub(scale));
    let unit = ten.pow(scale.saturating_sub(PLACES)) * divisor;
    let size = i128::try_from(long_division(&sum, &unit)).ok()?;
    Some(if sum.sign() == Sign::Minus { -size } else { size })
}

/// |over| / |under| + 1/2, cut: half goes up.
fn long_division(over: &BigInt, under: &BigInt) -> BigUint {
    (over.magnitude() * 2_u32 + under.magnitude()) / (under.magnitude() * 2_u32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn term(value: &str, weight: u32) -> Term {
        Term { value: decimal(value), scaler: Decimal::ONE, weight }
    }

    #[test]
    fn a_percentage_is_exact_however_long_its_parts_are() {
        let of = |part, whole| percent(decimal(part), decimal(whole), 5);
        let (long, short) = ("999999999999.123456789012345", "0.000000000000001");
        assert_eq!(of(long, long).unwrap().to_string(), "100.00000");
        assert_eq!(of(short, long).unwrap().to_string(), "0.00000");
        assert_eq!(
            of("-0.123456789012345", "0.123456789012345").unwrap().to_string(),
            "-100.00000"
        );
        assert_eq!(
            of("12345.678901234567890123456789", "-2").unwrap().to_string(),
            "-617283.94506"
        );
        assert_eq!((of("1", "0.00"), of(long, short)), (None, None));
    }

    #[test]
    fn the_worked_examples_are_met_to_the_last_digit() {
        let printed =
            |terms: &[Term], times, divisor| weighted(terms, times, divisor).unwrap().to_string();
        let blocks = [term("82.66", 128), term("95.54", 336), term("69.74", 232)];
        assert_eq!(printed(&blocks, 1, 696), "84.57126");
        let scaled = [Term { value: decimal("1.04"), scaler: decimal("1.21"), weight: 1 }];
        assert_eq!(printed(&scaled, 1, 1), "1.25840");
        assert_eq!(printed(&scaled, 1000, 696), "1.80805");
        assert_eq!(printed(&[term("4161.14", 1)], 1, 696), "5.97865");
        assert_eq!(printed(&[term("0.05", 504), term("0.07", 192)], 1, 696), "0.05552");
        assert_eq!(printed(&[term("0.25", 232), term("0.52", 464)], 1, 696), "0.43000");
    }

    #[test]
    fn halves_go_away_from_zero_and_zero_has_no_sign() {
        let rounded = |value| weighted(&[term(value, 1)], 1, 1).unwrap().to_string();
        assert_eq!(rounded("0.000005"), "0.00001");
        assert_eq!(rounded("-0.000005"), "-0.00001");
        assert_eq!(rounded("0.00000499999999999999999999"), "0.00000");
        assert_eq!(rounded("-0.000004"), "0.00000");
        assert_eq!(weighted(&[term("0.00001", 1)], 1, 2).unwrap().to_string(), "0.00001");
        assert_eq!(weighted(&[term("-0.00001", 1)], 1, 2).unwrap().to_string(), "-0.00001");
        assert_eq!(weighted(&[term("0.00001", 1)], 1, 3).unwrap().to_string(), "0.00000");
    }

    #[test]
    fn what_does_not_fit_is_an_error_and_never_a_number() {
        let huge = Term { value: Decimal::MAX, scaler: Decimal::MAX, weight: 744 };
        assert_eq!(weighted(&[huge], 1000, 696), Err(TooLarge));
        assert_eq!(weighted(&[Term { scaler: Decimal::ZERO, ..huge }], 1, 1), Ok(Decimal::ZERO));
    }

    fn any_decimal() -> impl Strategy<Value = Decimal> {
        (-(10_i128.pow(27))..10_i128.pow(27), 0..16_u32)
            .prop_map(|(mantissa, scale)| Decimal::from_i128_with_scale(mantissa, scale))
            .prop_filter("stored values are below 10^12", |v| {
                v.abs() < Decimal::from(10_u64.pow(12))
            })
    }

    fn any_terms() -> impl Strategy<Value = Vec<Term>> {
        let term = (any_decimal(), prop_oneof![Just(Decimal::ONE), any_decimal()], 1..745_u32);
        let term = term.prop_map(|(value, scaler, weight)| Term { value, scaler, weight });
        prop::collection::vec(term, 1..4)
    }

    /// Whether `found` is the rational Σ × times / divisor rounded, without a division: it is at
    /// most half a unit away, and at a half the farther from zero.
    fn is_rounded(found: &Decimal, terms: &[Term], times: u32, divisor: u32) -> bool {
        let ten = BigInt::from(10);
        let sum: BigInt = terms
            .iter()
            .map(|t| {
                let shift = 60 - t.value.scale() - t.scaler.scale();
                BigInt::from(t.value.mantissa()) * t.scaler.mantissa() * t.weight * ten.pow(shift)
            })
            .sum();
        let exact: BigInt = sum * times * 2_u32;
        let mut printed = *found;
        printed.rescale(PLACES);
        let found: BigInt = BigInt::from(printed.mantissa()) * ten.pow(55) * divisor * 2_u32;
        let half: BigInt = ten.pow(55) * divisor;
        let off = &found - &exact;
        let away = exact.sign() == off.sign();
        if off.magnitude() == half.magnitude() { away } else { off.magnitude() < half.magnitude() }
    }

    proptest! {
        #[test]
        fn results_are_the_exact_rational_rounded(
            terms in any_terms(), times in prop_oneof![Just(1_u32), Just(1000)], divisor in 1..800_u32,
        ) {
            // Values beyond 10^23 have no place; two stored values multiplied can get there.
            if let Ok(found) = weighted(&terms, times, divisor) {
                prop_assert!(is_rounded(&found, &terms, times, divisor), "{found} of {terms:?}");
            }
        }

        #[test]
        fn both_ways_agree(terms in any_terms(), times in 1..1001_u32, divisor in 1..800_u32) {
            let scale = terms.iter().map(Term::scale).max().unwrap();
            if let Some(rounded) = short(&terms, scale, times, divisor) {
                prop_assert_eq!(Some(rounded), long(&terms, scale, times, divisor));
            }
        }

        #[test]
        fn a_mean_lies_between_its_values_and_of_equals_is_the_same(
            values in prop::collection::vec((any_decimal(), 1..745_u32), 1..4),
        ) {
            let of = |values: &[(Decimal, u32)]| {
                let term = |(value, weight): &(Decimal, u32)| {
                    Term { value: *value, scaler: Decimal::ONE, weight: *weight }
                };
                let terms: Vec<Term> = values.iter().map(term).collect();
                let hours = values.iter().map(|(_, weight)| weight).sum();
                weighted(&terms, 1, hours).unwrap()
            };
            let round = |value: Decimal| of(&[(value, 1)]);
            let mean = of(&values);
            let low = values.iter().map(|(value, _)| *value).min().unwrap();
            let high = values.iter().map(|(value, _)| *value).max().unwrap();
            prop_assert!(round(low) <= mean && mean <= round(high), "{low} {mean} {high}");
            let flat: Vec<(Decimal, u32)> = values.iter().map(|(_, weight)| (low, *weight)).collect();
            prop_assert_eq!(of(&flat), round(low));
        }
    }
}
