//! Volume-weighted load ratios: hours of the twelve months of any year.

use super::rules::{Index, Rules};

/// The layout.
pub const RULES: Rules = Rules { index: Index::MonthHour, ..Rules::HOURLY };
