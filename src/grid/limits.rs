//! What a file may cost.

use crate::domain::{Code, Finding};

/// What a file may cost; exceeding one is an error that tells the limit and what was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a .csv or .xlsx.
    pub file_bytes: u64,
    /// Bytes of a .zip.
    pub archive_bytes: u64,
    /// Decompressed bytes of a workbook or of a whole archive.
    pub decompressed_bytes: u64,
    /// Decompressed over compressed bytes, once [`Limits::RATIO_FROM`] bytes are produced.
    pub compression_ratio: u64,
    /// Entries of an archive.
    pub archive_entries: usize,
    /// Records of a file.
    pub rows: usize,
    /// Columns of a file.
    pub columns: usize,
    /// Non-blank cells of a file.
    pub cells: usize,
    /// Characters of a cell.
    pub cell_characters: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 32 << 20,
            archive_bytes: 64 << 20,
            decompressed_bytes: 256 << 20,
            compression_ratio: 200,
            archive_entries: 200,
            rows: 200_000,
            columns: 2_000,
            cells: 5_000_000,
            cell_characters: 32_767,
        }
    }
}

impl Limits {
    /// From this many decompressed bytes on the compression ratio is looked at.
    pub const RATIO_FROM: u64 = 10 << 20;

    /// 413 `too_large` for a file.
    pub fn check_file_bytes(&self, bytes: usize) -> Result<(), Finding> {
        if bytes as u64 > self.file_bytes {
            let message = format!("the file has {bytes} bytes; the limit is {}", self.file_bytes);
            return Err(Finding::new(Code::TooLarge, message));
        }
        Ok(())
    }

    pub(super) fn check_rows(&self, rows: usize) -> Result<(), Finding> {
        check("rows", rows, self.rows).map_err(|finding| finding.row(rows - 1))
    }

    pub(super) fn check_columns(&self, row: usize, columns: usize) -> Result<(), Finding> {
        check("columns", columns, self.columns).map_err(|finding| finding.row(row))
    }

    pub(super) fn check_cells(&self, row: usize, cells: usize) -> Result<(), Finding> {
        check("non-blank cells", cells, self.cells).map_err(|finding| finding.row(row))
    }

    pub(super) fn check_cell(&self, row: usize, column: usize, text: &str) -> Result<(), Finding> {
        if text.len() <= self.cell_characters {
            return Ok(());
        }
        check("characters in a cell", text.chars().count(), self.cell_characters)
            .map_err(|finding| finding.row(row).column(column))
    }
}

fn check(what: &str, measured: usize, limit: usize) -> Result<(), Finding> {
    if measured > limit {
        let message = format!("at least {measured} {what}; the limit is {limit}");
        return Err(Finding::new(Code::TooManyCells, message));
    }
    Ok(())
}
