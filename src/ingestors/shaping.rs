//! Factors that shape a block price into hours.

use super::rules::Rules;

/// The layout.
pub const RULES: Rules = Rules::HOURLY;
