//! Bytes to cells, with limits that keep hostile files out. No I/O.

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

impl Limits {
    /// From this many decompressed bytes on the compression ratio is looked at.
    pub const RATIO_FROM: u64 = 10 << 20;
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
