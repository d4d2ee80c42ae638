//! Comma-separated text to cells.

use trueprice::{
    domain::FileFormat,
    grid::{Grid, Limits},
};

use super::{LIMITS, check_grid};

/// The bytes are the file.
pub fn check(data: &[u8]) {
    let Ok(grid) = Grid::read(FileFormat::Csv, data, &LIMITS, &mut Vec::new()) else { return };
    check_grid(&grid, &LIMITS);
    let cells: usize = grid.rows().map(|row| row.width()).sum();
    assert!(cells <= data.len() + 1, "{cells} cells of {} bytes", data.len());
    let again = written(&grid);
    let room = Limits { file_bytes: 1 << 30, ..LIMITS };
    let read = Grid::read(FileFormat::Csv, again.as_bytes(), &room, &mut Vec::new());
    let read = read.expect("what was written from cells");
    assert_eq!(read.len(), grid.len(), "{again:?}");
    for (first, second) in grid.rows().zip(read.rows()) {
        assert_eq!(first.width(), second.width(), "{again:?}");
        assert!(first.cells().eq(second.cells()), "{again:?}");
    }
}

/// The cells as RFC 4180 writes them, all texts in quotes.
fn written(grid: &Grid) -> String {
    let line = |row: trueprice::grid::Row<'_>| {
        let cells: Vec<String> = (0..row.width())
            .map(|column| match row.cell(column).text {
                "" => String::new(),
                text => format!("\"{}\"", text.replace('"', "\"\"")),
            })
            .collect();
        cells.join(",") + "\n"
    };
    grid.rows().map(line).collect()
}
