//! Capacity, ancillary services, transmission and the like: components of different units side by side.

use super::rules::Rules;

/// The layout.
pub const RULES: Rules = Rules::MONTHLY;
