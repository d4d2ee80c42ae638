//! Prices to compare: the default rate of a utility's rate class, month by month, under a header row
//! of any words.

use super::{
    labels::{Field, LabelRule},
    rules::{Header, LOOKUP_KEY, MATCHING_ID, Rules},
};

/// The layout.
pub const RULES: Rules = Rules {
    labels: &[
        MATCHING_ID,
        LOOKUP_KEY,
        LabelRule::required("Utility Name", Field::UtilityName),
        LabelRule::required("Rate Class/Load Profile", Field::LoadProfile),
    ],
    header: Header::AboveFirstDate,
    has_sub_component: false,
    ..Rules::MONTHLY
};
