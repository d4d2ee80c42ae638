//! The uploaded file with what was found about it: an added column `error`, and in a workbook a sheet
//! of findings and marked cells.

use std::collections::{BTreeMap, HashMap};

use rust_xlsxwriter::{Color, Format, Workbook, Worksheet, XlsxError};
use serde::Deserialize;

use crate::{
    domain::FileFormat,
    grid::{Cell, CellKind, Grid, Limits},
};

/// The form of an annotated copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnnotatedFormat {
    /// Comma-separated text.
    Csv,
    /// A workbook.
    Xlsx,
}

/// A finding as the log keeps it.
#[derive(Debug, Clone, Deserialize)]
struct StoredFinding {
    severity: String,
    code: String,
    message: String,
    row: Option<usize>,
    column: Option<usize>,
    cell: Option<String>,
    label: Option<String>,
    value: Option<String>,
    hint: Option<String>,
}

impl StoredFinding {
    fn text(&self) -> String {
        format!("{} {}: {}", self.severity, self.code, self.message)
    }
}

/// Why an annotated copy could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AnnotateError {
    /// The findings of the log are not in their form.
    #[error("the findings cannot be read: {0}")]
    Findings(#[from] serde_json::Error),
    /// The text could not be written.
    #[error("the copy cannot be written: {0}")]
    Csv(#[from] csv::Error),
    /// The workbook could not be written.
    #[error("the copy cannot be written: {0}")]
    Xlsx(#[from] XlsxError),
}

/// Makes the annotated copy. Findings without a row stand in the first one, under the heading; a file
/// that could not be read as a table gives its findings alone.
pub fn annotate(
    source: FileFormat,
    bytes: &[u8],
    limits: &Limits,
    findings: serde_json::Value,
    format: AnnotatedFormat,
) -> Result<Vec<u8>, AnnotateError> {
    let findings: Vec<StoredFinding> = serde_json::from_value(findings)?;
    let grid = Grid::read(source, bytes, limits, &mut Vec::new()).unwrap_or_default();
    let copy = Copy { errors: by_row(&findings), grid, findings };
    match format {
        AnnotatedFormat::Csv => copy.csv(),
        AnnotatedFormat::Xlsx => copy.xlsx(),
    }
}

/// The text of the added column by 0-based row.
fn by_row(findings: &[StoredFinding]) -> BTreeMap<usize, String> {
    let mut texts: BTreeMap<usize, String> = BTreeMap::from([(0, "error".to_owned())]);
    for finding in findings {
        let text = texts.entry(finding.row.unwrap_or(1).saturating_sub(1)).or_default();
        if !text.is_empty() {
            text.push_str(" | ");
        }
        text.push_str(&finding.text());
    }
    texts
}

struct Copy {
    grid: Grid,
    findings: Vec<StoredFinding>,
    errors: BTreeMap<usize, String>,
}

impl Copy {
    fn rows(&self) -> usize {
        let last = self.errors.keys().next_back().map_or(0, |row| row + 1);
        self.grid.len().max(last)
    }

    /// The 0-based place of the added column.
    fn error_column(&self) -> usize {
        self.grid.rows().map(|row| row.width()).max().unwrap_or(0)
    }

    fn csv(&self) -> Result<Vec<u8>, AnnotateError> {
        let column = self.error_column();
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        for index in 0..self.rows() {
            let row = self.grid.row(index);
            let cell = |column| row.cell(column).text;
            match self.errors.get(&index) {
                Some(error) => {
                    let cells = (0..column).map(cell);
                    writer.write_record(cells.chain([&*harmless(error)]))?;
                }
                // Only a row with findings reaches the added column: memory follows the file.
                None => writer.write_record((0..row.width().max(1)).map(cell))?,
            }
        }
        Ok(writer.into_inner().unwrap_or_default())
    }

    fn xlsx(&self) -> Result<Vec<u8>, AnnotateError> {
        let mut workbook = Workbook::new();
        let mut styles = Styles::new();
        self.write_file(workbook.add_worksheet().set_name("file")?, &mut styles)?;
        self.write_findings(workbook.add_worksheet().set_name("findings")?, &styles)?;
        Ok(workbook.save_to_buffer()?)
    }

    fn write_file(&self, sheet: &mut Worksheet, styles: &mut Styles) -> Result<(), XlsxError> {
        let marked: HashMap<(usize, usize), bool> = self
            .findings
            .iter()
            .filter_map(|f| Some(((f.row? - 1, f.column? - 1), f.severity == "error")))
            .collect();
        for (index, row) in self.grid.rows().enumerate() {
            for (column, cell) in row.cells() {
                let mark = marked.get(&(index, column)).copied();
                write_cell(sheet, place(index, column), cell, styles.of(cell.kind, mark))?;
            }
        }
        // A cell that is wrong because nothing stands there can be marked all the same.
        for (&(row, column), &is_error) in &marked {
            if self.grid.row(row).cell(column) == Cell::EMPTY {
                let (row, column) = place(row, column);
                sheet.write_blank(row, column, styles.of(CellKind::Text, Some(is_error)))?;
            }
        }
        let column = self.error_column();
        for (row, text) in &self.errors {
            let (row, column) = place(*row, column);
            sheet.write_string_with_format(row, column, shortened(text), &styles.error)?;
        }
        let (_, column) = place(0, column);
        sheet.set_column_width(column, 60)?;
        Ok(())
    }

    fn write_findings(&self, sheet: &mut Worksheet, styles: &Styles) -> Result<(), XlsxError> {
        const HEAD: [&str; 8] =
            ["severity", "code", "cell", "row", "column", "label", "value", "message and hint"];
        for (column, text) in HEAD.iter().enumerate() {
            sheet.write_string_with_format(0, place(0, column).1, *text, &styles.head)?;
        }
        for (index, finding) in self.findings.iter().enumerate() {
            let hint = finding.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            let number = |number: Option<usize>| number.map(|n| n.to_string()).unwrap_or_default();
            let texts = [
                finding.severity.clone(),
                finding.code.clone(),
                finding.cell.clone().unwrap_or_default(),
                number(finding.row),
                number(finding.column),
                finding.label.clone().unwrap_or_default(),
                finding.value.clone().unwrap_or_default(),
                format!("{}{hint}", finding.message),
            ];
            for (column, text) in texts.iter().enumerate() {
                let (row, column) = place(index + 1, column);
                sheet.write_string(row, column, shortened(text))?;
            }
        }
        sheet.set_freeze_panes(1, 0)?;
        sheet.autofit();
        Ok(())
    }
}

fn place(row: usize, column: usize) -> (u32, u16) {
    (u32::try_from(row).unwrap_or(u32::MAX), u16::try_from(column).unwrap_or(u16::MAX))
}

/// A text that no spreadsheet takes for a formula.
fn harmless(text: &str) -> std::borrow::Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}").into() } else { text.into() }
}

/// What fits a cell of a workbook.
fn shortened(text: &str) -> String {
    text.chars().take(32_767).collect()
}

fn write_cell(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    cell: Cell<'_>,
    format: &Format,
) -> Result<(), XlsxError> {
    let number = match cell.kind {
        CellKind::Number | CellKind::Percent | CellKind::Money => cell.text.parse::<f64>().ok(),
        CellKind::Text | CellKind::Date | CellKind::Formula => None,
    };
    let day = (cell.kind == CellKind::Date).then(|| cell.text.parse::<chrono::NaiveDate>().ok());
    match (number, day.flatten()) {
        (Some(number), _) => sheet.write_number_with_format(row, column, number, format)?,
        (_, Some(day)) => sheet.write_date_with_format(row, column, day, format)?,
        _ => sheet.write_string_with_format(row, column, cell.text, format)?,
    };
    Ok(())
}

/// The formats of cells by kind and mark.
struct Styles {
    by_kind: HashMap<(u8, Option<bool>), Format>,
    error: Format,
    head: Format,
}

impl Styles {
    fn new() -> Self {
        Self {
            by_kind: HashMap::new(),
            error: Format::new().set_font_color(Color::RGB(0x009C_0006)),
            head: Format::new().set_bold(),
        }
    }

    fn of(&mut self, kind: CellKind, mark: Option<bool>) -> &Format {
        let key = (kind as u8, mark);
        self.by_kind.entry(key).or_insert_with(|| {
            let format = match kind {
                CellKind::Percent => Format::new().set_num_format("0.00%"),
                CellKind::Money => Format::new().set_num_format("\"$\"#,##0.00"),
                CellKind::Date => Format::new().set_num_format("m/d/yyyy"),
                CellKind::Text | CellKind::Number | CellKind::Formula => Format::new(),
            };
            match mark {
                Some(true) => format.set_background_color(Color::RGB(0x00FF_C7CE)),
                Some(false) => format.set_background_color(Color::RGB(0x00FF_EB9C)),
                None => format,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn findings() -> serde_json::Value {
        let finding = |severity, code, row, column, message| json!({"severity": severity, "code": code, "row": row, "column": column, "message": message});
        json!([
            finding("error", "not_a_number", Some(2), Some(2), "\"x\" is not a number"),
            finding("error", "not_a_number", Some(2), Some(3), "\"y\" is not a number"),
            finding("warning", "month_gap", None::<usize>, None::<usize>, "a month is missing"),
        ])
    }

    #[test]
    fn every_cell_stays_and_each_row_gets_its_findings() {
        let source = b"a,\"b, c\",d\r\n1,x,y\r\n\r\n=z,2,3\r\n";
        let limits = Limits::default();
        let copy =
            annotate(FileFormat::Csv, source, &limits, findings(), AnnotatedFormat::Csv).unwrap();
        let expected = "a,\"b, c\",d,error | warning month_gap: a month is missing\n\
            1,x,y,\"error not_a_number: \"\"x\"\" is not a number | error not_a_number: \"\"y\"\" is not a number\"\n\
            \"\"\n=z,2,3\n";
        assert_eq!(String::from_utf8(copy).unwrap(), expected);
    }

    #[test]
    fn the_workbook_has_a_sheet_of_findings() {
        let limits = Limits::default();
        let bytes =
            annotate(FileFormat::Csv, b"a,b,c\n1,x,y", &limits, findings(), AnnotatedFormat::Xlsx)
                .unwrap();
        let mut warnings = Vec::new();
        let grid = Grid::read(FileFormat::Xlsx, &bytes, &limits, &mut warnings).unwrap();
        assert_eq!(grid.row(1).cell(2).text, "y");
        assert!(grid.row(1).cell(3).text.starts_with("error not_a_number"));
        assert_eq!(warnings.len(), 1);
    }

    #[test]
    fn a_file_that_is_no_table_gives_its_findings() {
        let copy =
            annotate(FileFormat::Csv, b"\0", &Limits::default(), findings(), AnnotatedFormat::Csv);
        assert!(String::from_utf8(copy.unwrap()).unwrap().contains("month_gap"));
    }
}
