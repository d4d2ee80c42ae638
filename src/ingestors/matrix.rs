//! Fixed-term offers and how their price is built up: a column is an offer, a row a price component
//! with a unit of its own. No header row, no months.

use super::{
    labels::{Field, LabelRule},
    rules::{Header, Index, LOOKUP_KEY, MATCHING_ID, Rules},
};

/// The layout.
pub const RULES: Rules = Rules {
    labels: &[
        MATCHING_ID,
        LOOKUP_KEY,
        LabelRule::required("Beginning Date", Field::BeginningDate),
        LabelRule::required("Load Profile", Field::LoadProfile),
        LabelRule::required("Term (Months)", Field::Term),
    ],
    header: Header::Absent,
    index: Index::Component,
    has_sub_component: false,
};
