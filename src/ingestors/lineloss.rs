//! Line loss factors: a flat table, a row for each series and no date.

use super::rules::{Header, Index, Rules};

/// The layout.
pub const RULES: Rules = Rules {
    labels: &[],
    header: Header::Flat { value: "Line Loss Factor" },
    index: Index::Series,
    has_sub_component: false,
};
