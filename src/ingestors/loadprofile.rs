//! The load of a customer class, hour by hour.

use super::{
    labels::{Field, LabelRule},
    rules::{LOOKUP_ID, Rules},
};

/// The layout.
pub const RULES: Rules = Rules {
    labels: &[LOOKUP_ID, LabelRule::required("Customer Type", Field::CustomerType)],
    ..Rules::HOURLY
};
