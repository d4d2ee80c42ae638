//! Bands of plausible values.

use rust_decimal::Decimal;

use super::Family;

/// Where the values of a family in one unit are expected; both ends belong to the band.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueBand {
    /// The family it is for.
    pub family: Family,
    /// The unit it is for.
    pub unit: String,
    /// The lowest expected value, in the unit.
    pub low: Option<Decimal>,
    /// The highest expected value, in the unit.
    pub high: Option<Decimal>,
    /// A value outside is an error, not a warning.
    pub hard: bool,
}

impl ValueBand {
    /// The band in force unless the settings say otherwise: energy between 0 and 1000 $/MWh.
    #[must_use]
    pub fn energy() -> Self {
        Self {
            family: Family::Energy,
            unit: "$/MWh".to_owned(),
            low: Some(Decimal::ZERO),
            high: Some(Decimal::from(1000)),
            hard: false,
        }
    }

    /// Whether a value lies in the band.
    #[must_use]
    pub fn contains(&self, value: Decimal) -> bool {
        self.low.is_none_or(|low| low <= value) && self.high.is_none_or(|high| value <= high)
    }
}

/// The two ends: `0…1000`; an open one is left out.
impl std::fmt::Display for ValueBand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let end = |end: Option<Decimal>| end.map(|end| end.to_string()).unwrap_or_default();
        write!(f, "{}…{}", end(self.low), end(self.high))
    }
}
