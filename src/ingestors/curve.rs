//! What a reading yields: an axis and its series.

use rust_decimal::Decimal;

use crate::domain::{ContractMonth, Notation, SeriesKey};

/// The content of a curve file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Curve {
    /// The axis: contract months in the order of the file.
    pub months: Vec<ContractMonth>,
    /// The 0-based record of each place of the axis.
    pub rows: Vec<usize>,
    /// The series in the order of the file's columns.
    pub series: Vec<CurveSeries>,
}

/// One series of a curve file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurveSeries {
    /// What makes it the same series in another version.
    pub key: SeriesKey,
    /// Its 0-based physical column.
    pub column: usize,
    /// The `Lookup ID1` of the column.
    pub lookup_id: Option<String>,
    /// One number per place of the axis; meaningless where the notation says missing.
    pub numbers: Vec<Decimal>,
    /// One notation per place of the axis.
    pub notations: Vec<Notation>,
}

impl CurveSeries {
    /// The value at a place of the axis; `None` where it is missing.
    #[must_use]
    pub fn value(&self, place: usize) -> Option<Decimal> {
        match self.notations.get(place) {
            None | Some(Notation::Missing(_)) => None,
            Some(_) => self.numbers.get(place).copied(),
        }
    }

    /// Every value in axis order.
    #[must_use]
    pub fn values(&self) -> impl ExactSizeIterator<Item = Option<Decimal>> + '_ {
        (0..self.numbers.len()).map(|place| self.value(place))
    }
}
