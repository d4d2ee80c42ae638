//! Exact decimals of any length, and the quotient of two, cut once.

use num_bigint::BigInt;
use rust_decimal::Decimal;

/// The most decimals that a cut quotient keeps. Rounding half away from zero to fewer gives the same
/// digits as rounding the exact quotient: a half is met or passed by both or by neither.
const DECIMALS: u32 = 20;

/// A decimal of any length: mantissa × 10^-scale.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Long {
    mantissa: BigInt,
    scale: u32,
}

impl Long {
    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.mantissa == BigInt::ZERO
    }

    /// The sum, exact.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let scale = self.scale.max(other.scale);
        Self { mantissa: self.at(scale) + other.at(scale), scale }
    }

    /// The difference, exact.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let scale = self.scale.max(other.scale);
        Self { mantissa: self.at(scale) - other.at(scale), scale }
    }

    /// The product, exact.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        Self { mantissa: &self.mantissa * &other.mantissa, scale: self.scale + other.scale }
    }

    /// `self / divisor`, cut after 20 decimals, or as many as 96 bits hold. `None` where the divisor
    /// is zero, or where not even the whole digits fit.
    #[must_use]
    pub fn cut_quotient(&self, divisor: &Self) -> Option<Decimal> {
        if divisor.is_zero() {
            return None;
        }
        let over = &self.mantissa * power_of_ten(divisor.scale);
        let under = &divisor.mantissa * power_of_ten(self.scale);
        (0..=DECIMALS).rev().find_map(|scale| {
            let cut = &over * power_of_ten(scale) / &under;
            let cut = Decimal::try_from_i128_with_scale(i128::try_from(cut).ok()?, scale).ok()?;
            Some(cut.normalize())
        })
    }

    fn at(&self, scale: u32) -> BigInt {
        &self.mantissa * power_of_ten(scale - self.scale)
    }
}

fn power_of_ten(exponent: u32) -> BigInt {
    BigInt::from(10).pow(exponent)
}

impl From<Decimal> for Long {
    fn from(value: Decimal) -> Self {
        Self { mantissa: value.mantissa().into(), scale: value.scale() }
    }
}

impl From<u32> for Long {
    fn from(value: u32) -> Self {
        Self { mantissa: value.into(), scale: 0 }
    }
}

/// A text that is no plain decimal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a decimal number")]
pub struct NotADecimal;

/// Reads digits with an optional sign and point, as the database prints a sum.
impl std::str::FromStr for Long {
    type Err = NotADecimal;

    fn from_str(text: &str) -> Result<Self, NotADecimal> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotADecimal);
        }
        let mantissa = format!("{whole}{fraction}").parse().map_err(|_| NotADecimal)?;
        Ok(Self { mantissa, scale: u32::try_from(fraction.len()).map_err(|_| NotADecimal)? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::RoundingStrategy;

    use super::*;

    fn long(text: &str) -> Long {
        text.parse().unwrap()
    }

    #[test]
    fn long_decimals_add_multiply_and_divide_exactly() {
        assert_eq!(long("0.1").plus(&long("0.25")), long("0.35"));
        assert_eq!(long("-1").minus(&long("0.25")), long("-1.25"));
        assert_eq!(long("1.5").times(&long("0.2")), long("0.30"));
        let third = long("1").cut_quotient(&long("3")).unwrap();
        assert_eq!(third.to_string(), "0.33333333333333333333");
        let exact = long("-0.5").cut_quotient(&long("0.04")).unwrap();
        assert_eq!(exact.to_string(), "-12.5");
        assert_eq!(long("1").cut_quotient(&Long::default()), None);
        assert!("1e5".parse::<Long>().is_err() && "".parse::<Long>().is_err());
    }

    #[test]
    fn what_does_not_fit_with_twenty_decimals_keeps_fewer() {
        let huge = long("123456789012345.678").cut_quotient(&long("0.000000000001")).unwrap();
        assert_eq!(huge.to_string(), "123456789012345678000000000");
        assert_eq!(long(&"9".repeat(40)).cut_quotient(&long("1")), None);
    }

    proptest! {
        /// Doubling the numerator and comparing integers is the definition of rounding half away.
        #[test]
        fn rounding_what_was_cut_is_rounding_the_exact_quotient(
            over in -1_000_000_i64..1_000_000, under in 1_i64..10_000, places in 0_u32..6,
        ) {
            let cut = long(&over.to_string()).cut_quotient(&long(&under.to_string())).unwrap();
            let printed = cut.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
            let unit = 10_i64.pow(places);
            let size = (2 * over.abs() * unit + under) / (2 * under);
            let exact = Decimal::new(size * over.signum(), places);
            prop_assert_eq!(printed, exact);
        }
    }
}
