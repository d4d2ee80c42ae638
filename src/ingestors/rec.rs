//! Renewable energy certificates: a row of states above the header row; `EY` is the energy year, yet values are monthly.

use super::rules::Rules;

/// The layout.
pub const RULES: Rules = Rules::MONTHLY_WITH_STATES;
