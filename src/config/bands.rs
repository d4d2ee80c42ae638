//! Bands of plausible values.

use rust_decimal::Decimal;

use super::{ConfigError, Sources};
use crate::domain::Family;

/// Where the values of a family in one unit are expected; both ends belong to the band.
///
/// In the file: `[bands.energy."$/MWh"]` with `low`, `high` and `hard`, each of which may be left
/// out. A table without `low` and `high` lifts the default band.
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
    fn energy() -> Self {
        Self {
            family: Family::Energy,
            unit: "$/MWh".to_owned(),
            low: Some(Decimal::ZERO),
            high: Some(Decimal::from(1000)),
            hard: false,
        }
    }
}

/// The default for energy, and what the file says.
pub(super) fn read(s: &mut Sources) -> Result<Vec<ValueBand>, ConfigError> {
    let mut bands = Vec::new();
    for (family_name, unit) in s.bands() {
        let name = |part: &str| format!("bands.{family_name}.{unit}{part}");
        let family = family_name.parse().map_err(|error| s.error(&name(".low"), error))?;
        let band = ValueBand {
            family,
            low: s.value(&name(".low"))?,
            high: s.value(&name(".high"))?,
            hard: s.value(&name(".hard"))?.unwrap_or(false),
            unit,
        };
        bands.push(band);
    }
    let energy = ValueBand::energy();
    if !bands.iter().any(|band| band.family == energy.family && band.unit == energy.unit) {
        bands.push(energy);
    }
    Ok(bands)
}
