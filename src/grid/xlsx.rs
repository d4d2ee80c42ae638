//! The first sheet of a workbook to cells, streamed: memory follows the cells that exist.

use std::{
    collections::HashSet,
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
};

use calamine::{DataRef, ExcelDateTime, Reader as _, Xlsx, XlsxError};

use crate::domain::{Code, Finding};

use super::{CellKind, Grid, Limits, trim, zip};

/// The first bytes of an encrypted or an old workbook.
const OLE_MAGIC: &[u8] = b"\xD0\xCF\x11\xE0";

type Workbook<'a> = Xlsx<Cursor<&'a [u8]>>;

/// Reads a workbook.
pub(super) fn read(
    bytes: &[u8],
    limits: &Limits,
    warnings: &mut Vec<Finding>,
) -> Result<Grid, Finding> {
    if bytes.starts_with(OLE_MAGIC) {
        return Err(not_xlsx("it is encrypted, or an old .xls under another name"));
    }
    let parts = zip::inspect_workbook(bytes, limits)?;
    // The reader's arithmetic panics on some damaged workbooks; no input may bring a request down.
    catch_unwind(AssertUnwindSafe(|| read_first_sheet(bytes, limits, &parts, warnings)))
        .unwrap_or_else(|_| Err(not_xlsx("it is damaged")))
}

pub(super) fn not_xlsx(why: impl std::fmt::Display) -> Finding {
    Finding::new(Code::NotXlsx, format!("the file is not a readable .xlsx workbook: {why}"))
        .hint("save it in Excel as .xlsx, without a password")
}

fn read_first_sheet(
    bytes: &[u8],
    limits: &Limits,
    parts: &zip::WorkbookParts,
    warnings: &mut Vec<Finding>,
) -> Result<Grid, Finding> {
    let mut workbook: Workbook<'_> = Xlsx::new(Cursor::new(bytes)).map_err(not_xlsx)?;
    let sheets = workbook.sheet_names();
    let first = sheets.first().ok_or_else(|| not_xlsx("it has no sheet"))?;
    if sheets.len() > 1 {
        let message =
            format!("only the first sheet, {first:?}, was read; {} more", sheets.len() - 1);
        warnings.push(Finding::new(Code::ExtraSheets, message));
    }
    let uncached = match parts.has_formulas {
        true => uncached_formulas(&mut workbook, first).map_err(not_xlsx)?,
        false => HashSet::new(),
    };
    let mut grid = Grid { epoch_1904: workbook.has_1904_epoch(), ..Grid::default() };
    Filler { grid: &mut grid, limits, filled: 0, row: 0, next_column: 0 }.fill(
        &mut workbook,
        first,
        &uncached,
    )?;
    Ok(grid)
}

/// The places of formulas whose value the workbook does not hold.
fn uncached_formulas(
    workbook: &mut Workbook<'_>,
    sheet: &str,
) -> Result<HashSet<(u32, u32)>, XlsxError> {
    let mut places = HashSet::new();
    let mut cells = workbook.worksheet_cells_reader(sheet)?;
    while let Some(cell) = cells.next_cell_with_formula_metadata()? {
        if cell.formula.is_some() && matches!(cell.value, DataRef::Empty) {
            places.insert(cell.pos);
        }
    }
    Ok(places)
}

/// Puts cells into a grid row by row.
struct Filler<'a> {
    grid: &'a mut Grid,
    limits: &'a Limits,
    filled: usize,
    row: usize,
    next_column: usize,
}

impl Filler<'_> {
    fn fill(
        mut self,
        workbook: &mut Workbook<'_>,
        sheet: &str,
        uncached: &HashSet<(u32, u32)>,
    ) -> Result<(), Finding> {
        let mut cells = workbook.worksheet_cells_reader(sheet).map_err(not_xlsx)?;
        let formats: Vec<CellKind> = cells
            .styles()
            .iter()
            .map(|style| number_kind(style.number_format.as_ref().map(|f| &*f.format_code)))
            .collect();
        while let Some((cell, style)) = cells.next_cell_with_style_id().map_err(not_xlsx)? {
            let place = cell.get_position();
            if uncached.contains(&place) {
                self.put(place, CellKind::Formula, "")?;
                continue;
            }
            let number = formats.get(style).copied().unwrap_or(CellKind::Number);
            let (kind, text) = convert(cell.get_value(), number);
            if !text.is_empty() {
                self.put(place, kind, &text)?;
            }
        }
        self.end_row();
        Ok(())
    }

    fn put(
        &mut self,
        (row, column): (u32, u32),
        kind: CellKind,
        text: &str,
    ) -> Result<(), Finding> {
        let (row, column) = (row as usize, column as usize);
        if row < self.row || (row == self.row && column < self.next_column) {
            return Err(not_xlsx("its cells are not in order"));
        }
        // A workbook can spell it `_x0000_`; no database takes it.
        if text.contains('\0') {
            let finding = Finding::new(Code::BadEncoding, "there is a NUL character in the cell");
            return Err(finding.row(row).column(column));
        }
        self.limits.check_rows(row + 1)?;
        self.limits.check_columns(row, column + 1)?;
        self.limits.check_cell(row, column, text)?;
        while self.row < row {
            self.end_row();
        }
        if !trim(text).is_empty() {
            self.filled += 1;
            self.limits.check_cells(row, self.filled)?;
        }
        self.grid.push_cell(column, kind, text);
        self.next_column = column + 1;
        Ok(())
    }

    fn end_row(&mut self) {
        self.grid.end_row(self.next_column);
        self.row += 1;
        self.next_column = 0;
    }
}

fn convert<'a>(value: &'a DataRef<'_>, number: CellKind) -> (CellKind, std::borrow::Cow<'a, str>) {
    use std::borrow::Cow::{Borrowed, Owned};
    match value {
        DataRef::Empty => (CellKind::Text, Borrowed("")),
        DataRef::SharedString(text) => (CellKind::Text, Borrowed(text)),
        DataRef::Float(float) => (number, Owned(shortest(*float))),
        DataRef::Int(integer) => (number, Owned(integer.to_string())),
        DataRef::Bool(truth) => (CellKind::Text, Borrowed(if *truth { "TRUE" } else { "FALSE" })),
        DataRef::DateTime(moment) => (CellKind::Date, Owned(day_text(moment))),
        DataRef::String(text) | DataRef::DurationIso(text) => (CellKind::Text, Borrowed(text)),
        DataRef::DateTimeIso(text) => (CellKind::Date, Owned(text.replace('T', " "))),
        DataRef::Error(error) => (CellKind::Text, Owned(error.to_string())),
    }
}

/// `YYYY-MM-DD`, with the time of day where there is one.
fn day_text(moment: &ExcelDateTime) -> String {
    match moment.as_datetime() {
        Some(moment) if moment.time() == chrono::NaiveTime::MIN => moment.date().to_string(),
        Some(moment) => moment.to_string(),
        None => shortest(moment.as_f64()),
    }
}

/// A number with the 15 significant digits that Excel keeps, as a plain decimal; with an exponent
/// only where it is out of any price's range.
fn shortest(float: f64) -> String {
    let scientific = format!("{float:.14e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(i32::MAX);
    if !(-30..30).contains(&exponent) {
        return scientific;
    }
    let sign = if mantissa.starts_with('-') { "-" } else { "" };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    let point = usize::try_from(exponent + 1).unwrap_or(0);
    if exponent < 0 {
        let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
        return match digits {
            "" => "0".to_owned(),
            _ => format!("{sign}0.{}{digits}", "0".repeat(zeros)),
        };
    }
    match digits.len() {
        0 => "0".to_owned(),
        length if length <= point => format!("{sign}{digits:0<point$}"),
        _ => format!("{sign}{}.{}", &digits[..point], &digits[point..]),
    }
}

/// What a number format makes of a number. Quoted text and locale marks such as `[$-409]` count not.
fn number_kind(format: Option<&str>) -> CellKind {
    let mut rest = format.unwrap_or_default();
    let mut kind = CellKind::Number;
    while let Some(character) = rest.chars().next() {
        let skipped = match character {
            '%' => return CellKind::Percent,
            '"' if rest[1..].starts_with("$\"") => {
                kind = CellKind::Money;
                3
            }
            '"' => rest[1..].find('"').map_or(rest.len(), |end| end + 2),
            '[' => {
                let end = rest.find(']').map_or(rest.len(), |end| end + 1);
                if rest.starts_with("[$$") {
                    kind = CellKind::Money;
                }
                end
            }
            '$' => {
                kind = CellKind::Money;
                1
            }
            _ => character.len_utf8(),
        };
        rest = &rest[skipped..];
    }
    kind
}

#[cfg(test)]
mod tests {
    use rust_xlsxwriter::{Format, Workbook as Writer};

    use super::*;

    fn written(fill: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut workbook = Writer::new();
        fill(&mut workbook);
        workbook.save_to_buffer().unwrap()
    }

    #[test]
    fn typed_cells_keep_what_they_are() {
        let bytes = written(|workbook| {
            let sheet = workbook.add_worksheet();
            sheet.write(0, 0, "Month").unwrap();
            sheet.write(2, 1, 19.76).unwrap();
            sheet.write_with_format(2, 2, 0.0499, &Format::new().set_num_format("0.00%")).unwrap();
            sheet
                .write_with_format(2, 3, -1.5, &Format::new().set_num_format("\"$\"#,##0.00"))
                .unwrap();
            let date = Format::new().set_num_format("m/d/yyyy");
            sheet.write_with_format(2, 4, 45047.0, &date).unwrap();
            sheet.write(2, 6, "x").unwrap();
        });
        let grid = read(&bytes, &Limits::default(), &mut Vec::new()).unwrap();
        assert_eq!(grid.len(), 3);
        assert!(grid.row(1).is_blank());
        let row = grid.row(2);
        let cell = |column| (row.cell(column).kind, row.cell(column).text);
        assert_eq!(cell(0), (CellKind::Text, ""));
        assert_eq!(cell(1), (CellKind::Number, "19.76"));
        assert_eq!(cell(2), (CellKind::Percent, "0.0499"));
        assert_eq!(cell(3), (CellKind::Money, "-1.5"));
        assert_eq!(cell(4), (CellKind::Date, "2023-05-01"));
        assert_eq!(cell(6), (CellKind::Text, "x"));
        assert_eq!(grid.serial_day("45047"), chrono::NaiveDate::from_ymd_opt(2023, 5, 1));
    }

    #[test]
    fn further_sheets_are_told() {
        let bytes = written(|workbook| {
            workbook.add_worksheet().write(0, 0, "a").unwrap();
            workbook.add_worksheet();
        });
        let mut warnings = Vec::new();
        read(&bytes, &Limits::default(), &mut warnings).unwrap();
        assert_eq!(warnings[0].code, Code::ExtraSheets);
    }

    #[test]
    fn a_far_cell_is_refused_without_the_cells_between() {
        let bytes = written(|workbook| {
            workbook.add_worksheet().write(1_048_575, 16_383, 1).unwrap();
        });
        let error = read(&bytes, &Limits::default(), &mut Vec::new()).unwrap_err();
        assert_eq!(error.code, Code::TooManyCells);
    }

    #[test]
    fn no_memory_is_taken_on_the_word_of_a_workbook() {
        let bytes = written(|workbook| {
            workbook.add_worksheet().write(0, 0, "a").unwrap();
        });
        let said = |count: &str| {
            let parts = zip::tests::repacked(&bytes, "xl/sharedStrings.xml", |text| {
                text.replace("uniqueCount=\"1\"", &format!("uniqueCount=\"{count}\""))
            });
            read(&parts, &Limits::default(), &mut Vec::new()).map(|grid| grid.len())
        };
        assert_eq!(said("1"), Ok(1));
        assert_eq!(said("5000000"), Ok(1));
        for count in ["5000001", "222222222222", "99999999999999999999999"] {
            assert_eq!(said(count).unwrap_err().code, Code::TooManyCells, "{count}");
        }
    }

    #[test]
    fn numbers_are_written_plainly() {
        for (float, text) in [
            (0.1 + 0.2, "0.3"),
            (19.76, "19.76"),
            (-0.000_012, "-0.000012"),
            (248_543_619.0, "248543619"),
            (1e29, "100000000000000000000000000000"),
            (0.0, "0"),
            (-0.0, "0"),
            (1e300, "1.00000000000000e300"),
        ] {
            assert_eq!(shortest(float), text);
        }
    }

    #[test]
    fn formats_tell_money_from_percent() {
        for (format, kind) in [
            ("0.00%", CellKind::Percent),
            ("\"$\"#,##0.00", CellKind::Money),
            ("$#,##0", CellKind::Money),
            ("[$$-409]#,##0.00", CellKind::Money),
            ("[$-409]0.00", CellKind::Number),
            ("[$€-2] 0.00", CellKind::Number),
            ("0.00\" per $ of load\"", CellKind::Number),
            ("General", CellKind::Number),
        ] {
            assert_eq!(number_kind(Some(format)), kind, "{format}");
        }
    }
}
