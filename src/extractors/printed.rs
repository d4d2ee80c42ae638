//! A series as it is printed, and the order of columns.

use std::cmp::Ordering;

use crate::{
    db::{data::SeriesHeader, sight::Admitted},
    domain::{Family, MoreLabels},
    extractors::standardise::Recipe,
};

/// The place of Block Type among the labels: a derived column comes after the native ones of the
/// labels before it.
const BLOCK_TYPE: usize = 5;

/// Where a column's values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// As they are stored.
    Native,
    /// One stored series in another unit.
    Converted,
    /// Several stored series in one.
    Derived,
}

impl Kind {
    /// The word of column `kind`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Converted => "converted",
            Self::Derived => "derived",
        }
    }
}

/// A series as it is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintedSeries {
    /// Row of `series`: of a derived column, that of its first member.
    pub id: i64,
    /// The eight labels in the order of [`crate::domain::Labels::NAMES`].
    pub labels: [String; 8],
    /// The column's caption.
    pub sub_component: String,
    /// Unit of measure.
    pub uom: String,
    /// Where its values come from.
    pub kind: Kind,
    /// How its values come about.
    pub recipe: Recipe,
    /// Values are printed times ten to this power: loads in MWh, ratios in percent points.
    pub shift: i32,
    /// What the family has besides the eight labels.
    pub more: MoreLabels,
    /// The grants that show it.
    pub admitted: Admitted,
}

impl PrintedSeries {
    /// A stored series as it prints where nothing is computed.
    #[must_use]
    pub fn native(family: Family, header: SeriesHeader) -> Self {
        let mut labels = header.key.labels;
        let upper = family == Family::Rec;
        let block = &labels.block_type;
        labels.block_type =
            if upper { block.to_ascii_uppercase() } else { block.to_ascii_lowercase() };
        let (shift, uom) = match (family, &*header.key.unit) {
            (Family::LoadProfile, "kWh") => (-3, "MWh"),
            (Family::Vlr, "%") => (2, "%"),
            (_, unit) => (0, unit),
        };
        Self {
            id: header.id,
            labels: labels.as_array().map(str::to_owned),
            sub_component: header.key.sub_component,
            uom: uom.to_owned(),
            kind: if shift == 0 { Kind::Native } else { Kind::Converted },
            recipe: Recipe::Stored,
            shift,
            more: header.key.more,
            admitted: header.admitted,
        }
    }

    /// The stored series that its values come from.
    #[must_use]
    pub fn sources(&self) -> Vec<i64> {
        match &self.recipe {
            Recipe::Stored => vec![self.id],
            Recipe::Computed(computed) => computed.series().collect(),
        }
    }

    /// The order of columns, byte-wise on the printed text. Columns that print alike follow their
    /// sub-component; those that are still equal, their place in the file.
    #[must_use]
    pub fn order(&self, other: &Self, family: Family) -> Ordering {
        let (a, b) = (&self.more, &other.more);
        let ids = || a.matching_id.cmp(&b.matching_id).then_with(|| a.lookup_id.cmp(&b.lookup_id));
        let by_labels = || {
            let derived = |series: &Self| series.kind == Kind::Derived;
            let (place, block) = self.labels.split_at(BLOCK_TYPE);
            let (other_place, other_block) = other.labels.split_at(BLOCK_TYPE);
            place
                .cmp(other_place)
                .then_with(|| derived(self).cmp(&derived(other)))
                .then_with(|| block.cmp(other_block))
        };
        let printed = match family {
            Family::Ptc => ids()
                .then_with(|| self.labels.cmp(&other.labels))
                .then_with(|| a.load_profile.cmp(&b.load_profile)),
            Family::Matrix => ids()
                .then_with(|| self.labels.cmp(&other.labels))
                .then_with(|| a.term.cmp(&b.term))
                .then_with(|| a.beginning_date.cmp(&b.beginning_date))
                .then_with(|| a.load_profile.cmp(&b.load_profile)),
            _ => by_labels()
                .then_with(|| self.uom.cmp(&other.uom))
                .then_with(|| a.customer_type.cmp(&b.customer_type)),
        };
        printed.then_with(|| self.sub_component.cmp(&other.sub_component))
    }
}
