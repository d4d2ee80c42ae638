//! Units of carbon intensity.

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;

/// Mass of CO2 by energy. 1 lb is 0.45359237 kg by definition; kg/MWh and g/kWh are the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IntensityUnit {
    /// g/kWh.
    GPerKwh,
    /// kg/MWh.
    KgPerMwh,
    /// lb/MWh.
    LbPerMwh,
}

/// A text that is no unit of carbon intensity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a unit of carbon intensity; known are g/kWh, kg/MWh, lb/MWh")]
pub struct ParseUnitError(String);

impl IntensityUnit {
    /// Every one, the canonical first.
    pub const ALL: &'static [Self] = &[Self::GPerKwh, Self::KgPerMwh, Self::LbPerMwh];

    /// Grams per pound over 1000: exact by definition.
    const KG_PER_LB: Decimal = Decimal::from_parts(45_359_237, 0, 0, false, 8);

    /// As it is stored and printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GPerKwh => "g/kWh",
            Self::KgPerMwh => "kg/MWh",
            Self::LbPerMwh => "lb/MWh",
        }
    }

    /// What one of this unit is in g/kWh.
    #[must_use]
    pub const fn in_grams(self) -> Decimal {
        match self {
            Self::GPerKwh | Self::KgPerMwh => Decimal::ONE,
            Self::LbPerMwh => Self::KG_PER_LB,
        }
    }

    /// `value` of this unit in another: itself where the units are the same number, else exact as far
    /// as 28 digits hold it. `None` where it is too large for a decimal.
    #[must_use]
    pub fn convert(self, value: Decimal, to: Self) -> Option<Decimal> {
        let (from, to) = (self.in_grams(), to.in_grams());
        if from == to {
            return Some(value);
        }
        // One of the two is 1: a product, or one division.
        value.checked_mul(from)?.checked_div(to)
    }

    /// `value` in g/kWh with the nine decimals that are stored, half away from zero.
    #[must_use]
    pub fn canonical(self, value: Decimal) -> Option<Decimal> {
        use rust_decimal::RoundingStrategy::MidpointAwayFromZero;
        Some(value.checked_mul(self.in_grams())?.round_dp_with_strategy(9, MidpointAwayFromZero))
    }
}

impl fmt::Display for IntensityUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// As it is printed.
impl serde::Serialize for IntensityUnit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// As upstreams write it, too: `lbs/MWh`.
impl FromStr for IntensityUnit {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("lbs/MWh") {
            return Ok(Self::LbPerMwh);
        }
        let same = |unit: &&Self| unit.as_str().eq_ignore_ascii_case(text);
        Self::ALL.iter().find(same).copied().ok_or_else(|| ParseUnitError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn pounds_convert_exactly_and_come_back() {
        let (lb, g) = (IntensityUnit::LbPerMwh, IntensityUnit::GPerKwh);
        assert_eq!(lb.canonical(d("542.0")), Some(d("245.847064540")));
        assert_eq!(lb.convert(d("520.0"), lb), Some(d("520.0")));
        let there = lb.convert(d("866.25"), g).unwrap();
        assert_eq!(there, d("392.9243905125"));
        assert_eq!(g.convert(there, lb), Some(d("866.25")));
        assert_eq!(IntensityUnit::KgPerMwh.convert(d("1.50"), g).unwrap().to_string(), "1.50");
    }

    #[test]
    fn units_are_read_as_upstreams_write_them() {
        assert_eq!("lbs/MWh".parse(), Ok(IntensityUnit::LbPerMwh));
        assert_eq!("g/kwh".parse(), Ok(IntensityUnit::GPerKwh));
        assert!("lb/kWh".parse::<IntensityUnit>().is_err());
    }
}
