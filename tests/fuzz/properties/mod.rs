//! What holds for every reader whatever it is given. Each `check` takes any bytes and panics where
//! it does not hold. The fuzzers look for such bytes; `tests/it/negative_readers.rs` replays those that
//! they kept, and small changes of them, with every run of the tests.

pub mod cell;
pub mod csv;
pub mod curve;
pub mod date;
pub mod feed;
pub mod file_name;
pub mod xlsx;

use trueprice::grid::{CellKind, Grid, Limits};

/// Limits that a fuzzer's small inputs reach.
const LIMITS: Limits = Limits {
    file_bytes: 1 << 20,
    archive_bytes: 1 << 20,
    decompressed_bytes: 4 << 20,
    compression_ratio: 200,
    archive_entries: 20,
    rows: 200,
    columns: 40,
    cells: 600,
    cell_characters: 300,
};

/// The kind of a cell that a byte stands for.
fn kind(byte: u8) -> CellKind {
    use CellKind::{Date, Formula, Money, Number, Percent, Text};
    [Text, Text, Number, Percent, Money, Date, Formula, Text][usize::from(byte % 8)]
}

/// Whatever a grid was read from: its limits hold, and both ways through a row meet the same cells.
fn check_grid(grid: &Grid, limits: &Limits) {
    assert!(grid.len() <= limits.rows);
    let mut filled = 0;
    for row in grid.rows() {
        assert!(row.width() <= limits.columns);
        assert!(row.last_column().is_none_or(|last| last < row.width()));
        let mut ascending = row.ascending();
        let mut next = 0;
        for (column, cell) in row.cells() {
            assert!(column >= next && column < row.width(), "columns ascend within the width");
            next = column + 1;
            assert_eq!(row.cell(column), cell);
            assert_eq!(ascending.cell(column), cell);
            assert!(cell.text.chars().count() <= limits.cell_characters);
            assert!(!cell.text.contains('\0'));
            filled += usize::from(!cell.trimmed().is_empty());
        }
        assert_eq!(row.cell(next).text, "");
    }
    assert!(filled <= limits.cells);
    assert!(grid.row(grid.len()).is_blank(), "beyond the last record there is nothing");
}
