//! Series headers and one version's grid at a time to records of cells. Pure.

mod flat;
mod long;
mod wide;

use rust_decimal::Decimal;

pub use self::{flat::Flat, long::Long, wide::Wide};
use super::{
    cell::{Cell, Sink},
    selection::Part,
};
use crate::{
    db::data::{Column, VersionHeader},
    domain::{Axis, Notation},
};

/// One version's cells: what is between its first and last requested contract month.
#[derive(Debug, Clone)]
pub struct Grid {
    /// What the rows stand for.
    pub axis: Axis,
    /// One for each series of the part, in its order; none where the version lacks the series.
    pub columns: Vec<Option<GridColumn>>,
}

/// One series of a grid.
#[derive(Debug, Clone)]
pub struct GridColumn {
    values: Vec<Option<Decimal>>,
    notation: Option<String>,
    lookup_id: Option<String>,
    first: usize,
    /// Whether the values were computed and carry five decimals; else they are exact.
    pub computed: bool,
}

impl GridColumn {
    /// `column` as it is stored, read from its place `first` on.
    #[must_use]
    pub fn new(column: Column, first: usize) -> Self {
        let (values, notation, lookup_id) = (column.values.0, column.notation, column.lookup_id);
        Self { values, notation, lookup_id, first, computed: false }
    }

    /// Values that were computed for the rows of a grid.
    #[must_use]
    pub const fn computed(values: Vec<Option<Decimal>>) -> Self {
        Self { values, notation: None, lookup_id: None, first: 0, computed: true }
    }

    /// The value at a row of the grid.
    #[must_use]
    pub fn value(&self, row: usize) -> Option<Decimal> {
        self.values.get(self.first + row).copied().flatten()
    }

    /// A value as the long layout has it.
    fn cell(&self, value: Decimal) -> Cell<'static> {
        if self.computed { Cell::Price(value) } else { Cell::Exact(value) }
    }

    /// Why there is no value at a row of the grid.
    #[must_use]
    pub fn missing_reason(&self, row: usize) -> Option<&'static str> {
        let notation = self.notation.as_ref()?.as_bytes().get(self.first + row)?;
        match Notation::from_code(*notation)? {
            Notation::Missing(reason) => Some(reason.as_str()),
            _ => None,
        }
    }

    /// The file's Lookup ID of the column.
    #[must_use]
    pub fn lookup_id(&self) -> Option<&str> {
        self.lookup_id.as_deref()
    }
}

/// Lays out one part.
pub trait Layout {
    /// Records before the data, and cells before the series: a workbook freezes them.
    fn frozen(&self) -> (u32, u16);

    /// Cells of a record.
    fn columns(&self) -> usize;

    /// Writes what stands before the data.
    fn header<S: Sink>(&self, sink: &mut S) -> std::io::Result<()>;

    /// Writes one version; tells how many records that were.
    fn version<S: Sink>(
        &self,
        version: &VersionHeader,
        grid: &Grid,
        sink: &mut S,
    ) -> std::io::Result<u64>;
}

/// Index columns of the wide layout: energy has a close-of-business flag.
fn index_columns(part: &Part) -> usize {
    if part.combination.curve.has_cob() { 3 } else { 2 }
}
