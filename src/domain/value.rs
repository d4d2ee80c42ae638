//! What stands in a cell besides its number.

use rust_decimal::Decimal;

/// How a cell was written; one character each in a stored curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notation {
    /// A bare number.
    Plain,
    /// With a dollar sign.
    Money,
    /// With a percent sign; stored as the fraction.
    Percent,
    /// A dash that stands for zero.
    Dash,
    /// No value, for this reason.
    Missing(Missing),
}

/// Why a cell has no value. It is NULL, never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Missing {
    /// Nothing between the commas.
    Empty,
    /// Blanks only.
    Blank,
    /// A marker such as `#N/A`.
    NotAvailable,
}

impl Missing {
    /// The word that reports and downloads use: `empty`, `blank`, `na`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Blank => "blank",
            Self::NotAvailable => "na",
        }
    }
}

impl Notation {
    /// The character of column `curve.notation`.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Plain => b'n',
            Self::Money => b'$',
            Self::Percent => b'%',
            Self::Dash => b'-',
            Self::Missing(Missing::Empty) => b'e',
            Self::Missing(Missing::Blank) => b'b',
            Self::Missing(Missing::NotAvailable) => b'#',
        }
    }

    /// The notation of a character of column `curve.notation`.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            b'n' => Self::Plain,
            b'$' => Self::Money,
            b'%' => Self::Percent,
            b'-' => Self::Dash,
            b'e' => Self::Missing(Missing::Empty),
            b'b' => Self::Missing(Missing::Blank),
            b'#' => Self::Missing(Missing::NotAvailable),
            _ => return None,
        })
    }
}

/// The exact sum of any number of stored values: integers of 10⁻¹⁵.
///
/// A stored value is below 10¹² with at most 15 decimals, so 10¹¹ of them fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExactSum(i128);

impl ExactSum {
    const SCALE: u32 = 15;

    /// Adds a stored value.
    pub fn add(&mut self, value: Decimal) {
        let shift = Self::SCALE.saturating_sub(value.scale());
        self.0 += value.mantissa() * 10_i128.pow(shift);
    }
}

/// The shortest exact decimal.
impl std::fmt::Display for ExactSum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = 10_u128.pow(Self::SCALE);
        let (whole, fraction) = (self.0.unsigned_abs() / unit, self.0.unsigned_abs() % unit);
        let sign = if self.0 < 0 { "-" } else { "" };
        let fraction = format!("{fraction:015}");
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            digits => write!(f, "{sign}{whole}.{digits}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact_where_floats_are_not() {
        let mut sum = ExactSum::default();
        for text in ["0.1", "0.2", "-0.3", "999999999999.123456789012345", "-0.000000000000001"] {
            sum.add(text.parse().unwrap());
        }
        assert_eq!(sum.to_string(), "999999999999.123456789012344");
        assert_eq!(ExactSum::default().to_string(), "0");
        let mut negative = ExactSum::default();
        negative.add("-0.5".parse().unwrap());
        assert_eq!(negative.to_string(), "-0.5");
    }

    #[test]
    fn every_notation_has_its_own_character() {
        for code in *b"n$%-eb#" {
            assert_eq!(Notation::from_code(code).map(Notation::code), Some(code));
        }
        assert_eq!(Notation::from_code(b'x'), None);
    }
}
