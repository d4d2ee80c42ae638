//! The words in which a family declares its layout. What they mean is read once, for all families.

use super::labels::{Field, LabelRule, Presence};

/// The layout of a family's files.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The labels besides the common eight.
    pub labels: &'static [LabelRule],
    /// Where the captions stand, and with them where the data begins.
    pub header: Header,
    /// What a data row stands for.
    pub index: Index,
    /// Whether the caption is part of a series; else the cost component stands in its place.
    pub has_sub_component: bool,
}

/// How the header row is found. Between label rows and data only empty rows may stand besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// By a word in column A.
    Word {
        /// The words, in any case.
        words: &'static [&'static str],
        /// The word that column B must have, in any case.
        beside: Option<&'static str>,
        /// Whether the row above it repeats the states.
        has_state_row: bool,
    },
    /// It is the last row above the first date; others there are ignored.
    AboveFirstDate,
    /// There is none: data begins below the label rows, rows of words apart.
    Absent,
    /// The labels are columns of it, and a series is a row: a flat table.
    Flat {
        /// The name of the column of values.
        value: &'static str,
    },
}

/// What a data row stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// A contract month in column A.
    Month {
        /// How many months from the file's own on a file usually has.
        window: Option<usize>,
    },
    /// A date in column A, a first of month under the header `Month`; the hour ending in column B.
    DayHour,
    /// A month number in column A, the hour ending in column B.
    MonthHour,
    /// A price component in column A, which has a unit of its own.
    Component,
    /// A series.
    Series,
}

/// `Lookup ID1` where it is kept and no part of a series.
pub const LOOKUP_ID: LabelRule =
    LabelRule { name: "Lookup ID1", field: Field::LookupId, presence: Presence::Optional };
/// `Lookup ID1` where it is part of a series.
pub const LOOKUP_KEY: LabelRule = LabelRule { presence: Presence::Required, ..LOOKUP_ID };
/// What offers and prices to compare are matched by.
pub const MATCHING_ID: LabelRule =
    LabelRule { name: "Matching ID", field: Field::MatchingId, presence: Presence::MayBeBlank };

/// The header words of monthly files: any of them in any family.
const MONTHLY_WORDS: &[&str] = &["Date", "Month", "EY"];

impl Rules {
    /// Label rows, a header row, one row for each contract month.
    pub const MONTHLY: Self = Self {
        labels: &[LOOKUP_ID],
        header: Header::Word { words: MONTHLY_WORDS, beside: None, has_state_row: false },
        index: Index::Month { window: None },
        has_sub_component: true,
    };
    /// The same with a row of states above the header row.
    pub const MONTHLY_WITH_STATES: Self = Self {
        header: Header::Word { words: MONTHLY_WORDS, beside: None, has_state_row: true },
        ..Self::MONTHLY
    };
    /// Label rows, a header row, one row for each hour of a day.
    pub const HOURLY: Self = Self {
        labels: &[LOOKUP_ID],
        header: Header::Word {
            words: &["Month", "Date"],
            beside: Some("HE"),
            has_state_row: false,
        },
        index: Index::DayHour,
        has_sub_component: false,
    };

    /// Every label of the family, the common eight first.
    pub fn all_labels(&self) -> Vec<LabelRule> {
        LabelRule::COMMON.iter().chain(self.labels).copied().collect()
    }

    /// Whether the block of labels stands on its side, so that a series is a row.
    pub const fn has_series_in_rows(&self) -> bool {
        matches!(self.header, Header::Flat { .. })
    }

    /// Whether the row above the header row repeats the states.
    pub const fn has_state_row(&self) -> bool {
        matches!(self.header, Header::Word { has_state_row: true, .. })
    }

    /// Whether a unit belongs to a row and not to a column.
    pub const fn has_units_by_row(&self) -> bool {
        matches!(self.index, Index::Component)
    }

    /// The 0-based column in which values begin.
    pub const fn first_column(&self) -> usize {
        match self.index {
            Index::DayHour | Index::MonthHour => 2,
            _ => 1,
        }
    }
}
