//! Series headers and one version's grid at a time to records of cells. Pure.

mod flat;
mod long;
mod wide;

use chrono::NaiveDate;
use rust_decimal::Decimal;

pub use self::{flat::Flat, long::Long, wide::Wide};
use super::{cell::Sink, selection::Part};
use crate::{
    db::data::{Column, VersionHeader},
    domain::Notation,
};

/// One version's cells: what is between its first and last requested contract month.
#[derive(Debug, Clone, Default)]
pub struct Grid {
    /// The contract months.
    pub months: Vec<NaiveDate>,
    /// One for each series of the part, in its order; none where the version lacks the series.
    pub columns: Vec<Option<GridColumn>>,
}

/// One series of a grid.
#[derive(Debug, Clone)]
pub struct GridColumn {
    column: Column,
    first: usize,
}

impl GridColumn {
    /// `column`, read from its place `first` on.
    #[must_use]
    pub const fn new(column: Column, first: usize) -> Self {
        Self { column, first }
    }

    /// The value at a row of the grid.
    #[must_use]
    pub fn value(&self, row: usize) -> Option<Decimal> {
        self.column.values.0.get(self.first + row).copied().flatten()
    }

    /// Why there is no value at a row of the grid.
    #[must_use]
    pub fn missing_reason(&self, row: usize) -> Option<&'static str> {
        let notation = self.column.notation.as_ref()?.as_bytes().get(self.first + row)?;
        match Notation::from_code(*notation)? {
            Notation::Missing(reason) => Some(reason.as_str()),
            _ => None,
        }
    }

    /// The file's Lookup ID of the column.
    #[must_use]
    pub fn lookup_id(&self) -> Option<&str> {
        self.column.lookup_id.as_deref()
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
