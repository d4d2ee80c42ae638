//! The settings: a flag beats the environment, the environment beats the file.

use chrono_tz::Tz;

/// The settings in force.
#[derive(Debug, Clone)]
pub struct Config {
    /// The clock that curve file names are written in; operating days are its days.
    pub curve_timezone: Tz,
    /// What an upload may cost.
    pub limits: crate::grid::Limits,
}
