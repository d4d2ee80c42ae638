//! Series headers and one version's grid at a time to records of cells. Pure.

mod long;
mod script;
pub mod shape;
mod wide;

use rust_decimal::Decimal;

pub(in crate::extractors) use self::long::{place_cells, series_cells};
pub use self::{long::Long, script::Script, wide::Wide};
use super::cell::{Cell, Sink};
use crate::{
    db::{
        data::{Column, VersionHeader},
        sight::Cells,
    },
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

impl Grid {
    /// The same grid with only the cells that are visible, one set for each column: rows and columns
    /// without any are gone, and a hidden cell among visible ones is no cell. For callers who do not see
    /// everything.
    #[must_use]
    pub fn as_far_as(mut self, cells: impl Iterator<Item = Cells>) -> Self {
        let mut shown = vec![false; self.axis.len()];
        for (slot, cells) in self.columns.iter_mut().zip(cells) {
            let Some(column) = slot else { continue };
            let places = || self.axis.places().map(|place| cells.shows(place));
            match cells {
                Cells::All => shown.fill(true),
                Cells::Within(_) if places().any(|shows| shows) => {
                    let hidden: Vec<bool> = places().map(|shows| !shows).collect();
                    shown.iter_mut().zip(&hidden).for_each(|(shown, hidden)| *shown |= !hidden);
                    column.hidden = hidden;
                }
                Cells::Within(_) => *slot = None,
            }
        }
        if shown.contains(&false) {
            let rows: Vec<usize> = (0..shown.len()).filter(|row| shown[*row]).collect();
            self.axis = self.axis.reordered(&rows);
            self.columns.iter_mut().flatten().for_each(|column| column.keep(&rows));
        }
        self
    }
}

/// One series of a grid.
#[derive(Debug, Clone)]
pub struct GridColumn {
    values: Vec<Option<Decimal>>,
    notation: Option<String>,
    lookup_id: Option<String>,
    reasons: Vec<Option<&'static str>>,
    first: usize,
    shift: i32,
    /// Whether the values were computed and carry five decimals; else they are exact.
    pub computed: bool,
    /// The rows that the caller may not see; empty where there is none.
    hidden: Vec<bool>,
}

impl GridColumn {
    /// `column` as it is stored, read from its place `first` on.
    #[must_use]
    pub fn new(column: Column, first: usize) -> Self {
        let (values, notation, lookup_id) = (column.values.0, column.notation, column.lookup_id);
        let reasons = Vec::new();
        let hidden = Vec::new();
        Self { values, notation, lookup_id, reasons, first, shift: 0, computed: false, hidden }
    }

    /// Values that were computed for the rows of a grid.
    #[must_use]
    pub fn computed(values: Vec<Option<Decimal>>) -> Self {
        let reasons = Vec::new();
        let (notation, lookup_id, hidden) = (None, None, Vec::new());
        Self { values, notation, lookup_id, reasons, first: 0, shift: 0, computed: true, hidden }
    }

    /// The same column with what is to say beside computed values: why one is missing, row by row,
    /// and the file's Lookup ID.
    #[must_use]
    pub fn explained(
        mut self,
        reasons: Vec<Option<&'static str>>,
        lookup_id: Option<String>,
    ) -> Self {
        (self.reasons, self.lookup_id) = (reasons, lookup_id);
        self
    }

    /// The same column with its values times ten to the power of `shift`, exactly.
    #[must_use]
    pub const fn shifted(mut self, shift: i32) -> Self {
        self.shift = shift;
        self
    }

    /// Whether there is a cell at a row of the grid that the caller may see.
    #[must_use]
    pub fn has(&self, row: usize) -> bool {
        !self.hidden.get(row).copied().unwrap_or_default()
    }

    /// Only these rows, in their order.
    fn keep(&mut self, rows: &[usize]) {
        let first = std::mem::take(&mut self.first);
        let row = |row: &usize| first + row;
        self.values = rows.iter().map(|r| self.values.get(row(r)).copied().flatten()).collect();
        if let Some(notation) = &self.notation {
            let codes = notation.as_bytes();
            let code = |r| codes.get(row(r)).copied().map_or(' ', char::from);
            self.notation = Some(rows.iter().map(code).collect());
        }
        if !self.reasons.is_empty() {
            let reasons = rows.iter().map(|r| self.reasons.get(*r).copied().flatten());
            self.reasons = reasons.collect();
        }
        self.hidden = rows.iter().map(|r| !self.has(*r)).collect();
    }

    /// The value at a row of the grid.
    #[must_use]
    pub fn value(&self, row: usize) -> Option<Decimal> {
        if !self.has(row) {
            return None;
        }
        let value = self.values.get(self.first + row).copied().flatten()?;
        Some(if self.shift == 0 { value } else { shifted(value, self.shift) })
    }

    /// A value as the long layout has it.
    fn cell(&self, value: Decimal) -> Cell<'static> {
        if self.computed { Cell::Price(value) } else { Cell::Exact(value) }
    }

    /// Why there is no value at a row of the grid.
    #[must_use]
    pub fn missing_reason(&self, row: usize) -> Option<&'static str> {
        if !self.has(row) {
            return None;
        }
        if let Some(reason) = self.reasons.get(row).copied().flatten() {
            return Some(reason);
        }
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

/// `value` times ten to the power of `shift`. Stored values have at most 12 whole digits and 15
/// decimals, so that a few more or less fit.
fn shifted(value: Decimal, shift: i32) -> Decimal {
    let scale = i64::from(value.scale()) - i64::from(shift);
    let (scale, factor) = match u32::try_from(scale) {
        Ok(scale) => (scale, 0),
        Err(_) => (0, u32::try_from(-scale).unwrap_or_default()),
    };
    Decimal::from_i128_with_scale(value.mantissa() * 10_i128.pow(factor), scale)
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
