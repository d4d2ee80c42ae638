//! Workbooks to cells.

use std::io::{Cursor, Write as _};

use trueprice::{
    domain::FileFormat,
    grid::{CellKind, Grid, Limits},
    ingestors::{cell, date},
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{LIMITS, check_grid};

/// What stands between the parts of a workbook in an input.
const BETWEEN: &[u8] = b"%%";

const TYPES: &str = r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/></Types>"#;
const ROOT: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const WORKBOOK: &str = r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const RELATIONS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/><Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#;

/// Bytes that begin like an archive are the file. Others are its sheet, shared strings and styles, in
/// that order: no fuzzer finds its way through checksums.
pub fn check(data: &[u8]) {
    if data.starts_with(b"PK") {
        return check_file(data);
    }
    let mut parts = [&b""[..]; 3];
    let mut rest = data;
    for part in &mut parts {
        let end = rest.windows(BETWEEN.len()).position(|at| at == BETWEEN);
        *part = &rest[..end.unwrap_or(rest.len())];
        rest = end.map_or(&[], |end| &rest[end + BETWEEN.len()..]);
    }
    check_file(&packed(parts));
}

fn packed([sheet, strings, styles]: [&[u8]; 3]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in [
        ("[Content_Types].xml", TYPES.as_bytes()),
        ("_rels/.rels", ROOT.as_bytes()),
        ("xl/workbook.xml", WORKBOOK.as_bytes()),
        ("xl/_rels/workbook.xml.rels", RELATIONS.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet),
        ("xl/sharedStrings.xml", strings),
        ("xl/styles.xml", styles),
    ] {
        if !bytes.is_empty() {
            writer.start_file(name, stored).expect("memory takes a part");
            writer.write_all(bytes).expect("memory takes bytes");
        }
    }
    writer.finish().expect("memory takes an end").into_inner()
}

fn check_file(bytes: &[u8]) {
    let limits = Limits { rows: 2_000, ..LIMITS };
    let Ok(grid) = Grid::read(FileFormat::Xlsx, bytes, &limits, &mut Vec::new()) else { return };
    check_grid(&grid, &limits);
    for (_, cell) in grid.rows().flat_map(|row| row.cells()) {
        _ = date::read(&grid, cell);
        let value = cell::read(cell);
        if matches!(cell.kind, CellKind::Number | CellKind::Percent | CellKind::Money) {
            let finite = cell.text.bytes().any(|byte| byte.is_ascii_digit());
            let read = value.is_ok() || value == Err(trueprice::domain::Code::OutOfRange);
            assert!(read || !finite, "a number is a number: {cell:?}");
        }
        assert!(cell.kind != CellKind::Formula || cell.text.is_empty());
    }
}
