//! Bands of plausible values: in the file `[bands.energy."$/MWh"]` with `low`, `high` and `hard`, each
//! of which may be left out. A table without `low` and `high` lifts the default band.

use super::{ConfigError, Sources};
use crate::domain::ValueBand;

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
