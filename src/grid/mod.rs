//! Bytes to cells, with limits that keep hostile files out. No I/O.

mod csv;
mod encoding;
mod limits;
mod xlsx;
pub mod zip;

pub use limits::Limits;

use chrono::{Duration, NaiveDate};

use crate::domain::{FileFormat, Finding};

/// What kind of cell a text came from. A text file knows only [`CellKind::Text`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// Text as it was typed.
    Text,
    /// A number of a workbook; the text is its 15 significant digits.
    Number,
    /// A number under a percent format: already the fraction.
    Percent,
    /// A number under a money format.
    Money,
    /// A date of a workbook; the text is `YYYY-MM-DD`, with the time where there is one.
    Date,
    /// A formula without a cached value; the text is empty.
    Formula,
}

/// A cell that is there: at least a blank.
#[derive(Debug, Clone, Copy)]
struct StoredCell {
    column: u16,
    kind: CellKind,
    /// Where its text starts; it ends where the next one starts.
    start: u32,
}

/// The cells of a file, row by row. Only cells that exist take memory.
#[derive(Debug, Default)]
pub struct Grid {
    text: String,
    cells: Vec<StoredCell>,
    rows: Vec<RowEnd>,
    /// Whether the serial dates of the workbook count from 1904.
    epoch_1904: bool,
    /// Whether rows have a width of their own, as in a text file.
    has_widths: bool,
}

#[derive(Debug, Clone, Copy)]
struct RowEnd {
    cells: u32,
    width: u16,
}

/// A cell as it is read. An absent cell is empty text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell<'a> {
    /// The text, blanks included.
    pub text: &'a str,
    /// What it came from.
    pub kind: CellKind,
}

impl<'a> Cell<'a> {
    /// No cell at all.
    pub const EMPTY: Self = Self { text: "", kind: CellKind::Text };

    /// The text without surrounding blanks (space, tab, line ends, no-break space).
    #[must_use]
    pub fn trimmed(&self) -> &'a str {
        trim(self.text)
    }

    /// Whether nothing but blanks stands there.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.kind != CellKind::Formula && self.trimmed().is_empty()
    }
}

/// Drops the blanks around a cell's text.
#[must_use]
pub fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n', '\u{a0}'])
}

/// One record of a file.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    grid: &'a Grid,
    first: usize,
    last: usize,
    width: usize,
}

impl<'a> Row<'a> {
    /// The number of cells of a text record, blank ones included; for a workbook up to the last
    /// cell that exists.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// The cells that exist, by ascending 0-based column.
    #[must_use]
    pub fn cells(&self) -> impl DoubleEndedIterator<Item = (usize, Cell<'a>)> + use<'a> {
        let grid = self.grid;
        (self.first..self.last).map(move |index| grid.stored(index))
    }

    /// The cell of a 0-based column.
    #[must_use]
    pub fn cell(&self, column: usize) -> Cell<'a> {
        let cells = &self.grid.cells[self.first..self.last];
        match cells.binary_search_by_key(&column, |cell| usize::from(cell.column)) {
            Ok(found) => self.grid.stored(self.first + found).1,
            Err(_) => Cell::EMPTY,
        }
    }

    /// The cells by ascending columns: each is looked for from where the one before stood.
    #[must_use]
    pub const fn ascending(&self) -> Ascending<'a> {
        Ascending { grid: self.grid, next: self.first, last: self.last }
    }

    /// Whether every cell is blank.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.cells().all(|(_, cell)| cell.is_blank())
    }

    /// The 0-based column of the last cell that is not blank.
    #[must_use]
    pub fn last_column(&self) -> Option<usize> {
        self.cells().rev().find(|(_, cell)| !cell.is_blank()).map(|(column, _)| column)
    }
}

/// Goes through a row from left to right.
#[derive(Debug)]
pub struct Ascending<'a> {
    grid: &'a Grid,
    next: usize,
    last: usize,
}

impl<'a> Ascending<'a> {
    /// The cell of a 0-based column, which comes after all that were asked for before.
    pub fn cell(&mut self, column: usize) -> Cell<'a> {
        let cells = &self.grid.cells[self.next..self.last];
        let skipped = cells.iter().take_while(|cell| usize::from(cell.column) < column).count();
        self.next += skipped;
        match cells.get(skipped) {
            Some(cell) if usize::from(cell.column) == column => self.grid.stored(self.next).1,
            _ => Cell::EMPTY,
        }
    }
}

impl Grid {
    /// Reads a file. Warnings about its form go to `warnings`; the first error stops.
    pub fn read(
        format: FileFormat,
        bytes: &[u8],
        limits: &Limits,
        warnings: &mut Vec<Finding>,
    ) -> Result<Self, Finding> {
        limits.check_file_bytes(bytes.len())?;
        match format {
            FileFormat::Csv => csv::read(bytes, limits, warnings),
            FileFormat::Xlsx => xlsx::read(bytes, limits, warnings),
        }
    }

    /// How many records there are, empty ones counted.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no record at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The record of a 0-based index; an empty one beyond the last.
    #[must_use]
    pub fn row(&self, index: usize) -> Row<'_> {
        let end =
            |index: usize| self.rows.get(index).map_or(self.cells.len(), |r| r.cells as usize);
        let first = if index == 0 { 0 } else { end(index - 1) };
        let width = self.rows.get(index).map_or(0, |row| usize::from(row.width));
        Row { grid: self, first, last: end(index).max(first), width }
    }

    /// Every record.
    #[must_use]
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = Row<'_>> + ExactSizeIterator {
        (0..self.len()).map(|index| self.row(index))
    }

    /// Whether records have a width of their own, so that a short one is an error.
    #[must_use]
    pub const fn has_widths(&self) -> bool {
        self.has_widths
    }

    /// The day of a serial date: days since 1899-12-30 (so that 1 March 1900 is 61), or since
    /// 1904-01-01 in workbooks that say so. `None` unless it is a whole day of the years 1900 to 2200.
    #[must_use]
    pub fn serial_day(&self, serial: &str) -> Option<NaiveDate> {
        let days: i64 = serial.parse().ok().filter(|days| (1..=110_000).contains(days))?;
        let epoch = if self.epoch_1904 { (1904, 1, 1) } else { (1899, 12, 30) };
        NaiveDate::from_ymd_opt(epoch.0, epoch.1, epoch.2)?.checked_add_signed(Duration::days(days))
    }

    fn stored(&self, index: usize) -> (usize, Cell<'_>) {
        let cell = self.cells[index];
        let end = self.cells.get(index + 1).map_or(self.text.len(), |next| next.start as usize);
        let text = &self.text[cell.start as usize..end];
        (usize::from(cell.column), Cell { text, kind: cell.kind })
    }

    fn push_cell(&mut self, column: usize, kind: CellKind, text: &str) {
        let start = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        let column = u16::try_from(column).unwrap_or(u16::MAX);
        self.cells.push(StoredCell { column, kind, start });
        self.text.push_str(text);
    }

    fn end_row(&mut self, width: usize) {
        let cells = u32::try_from(self.cells.len()).unwrap_or(u32::MAX);
        self.rows.push(RowEnd { cells, width: u16::try_from(width).unwrap_or(u16::MAX) });
    }
}
