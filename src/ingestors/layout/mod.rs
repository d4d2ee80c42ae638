//! Where a file's labels, captions and values stand: found by content, never by offset.

mod columns;
mod flat;
mod header;
mod rows;

use crate::{
    domain::{Code, Finding, Iso, Stage},
    grid::{Grid, Row},
};

use self::{columns::ColumnReader, header::HeaderRows, rows::LabelRows};
use super::{
    labels::SeriesLabels,
    report::Findings,
    rules::{Header, Rules},
};

/// How many words an error repeats.
const WORDS_SHOWN: usize = 12;

/// A file's rows and columns by their meaning. Indices are 0-based.
#[derive(Debug)]
pub struct Layout {
    /// The row in which a column is told of: the header row, or the first label row where there is
    /// none.
    pub header: usize,
    /// Column A's word in the header row.
    pub header_word: String,
    /// The rows of values.
    pub data_rows: Vec<usize>,
    /// The columns of values.
    pub columns: Vec<ValueColumn>,
    /// The labels of each column, or of each row in a flat table.
    pub series: Vec<SeriesLabels>,
}

/// A column of values.
#[derive(Debug, Clone)]
pub struct ValueColumn {
    /// Its physical place.
    pub index: usize,
    /// The header row's cell; empty where it is blank.
    pub caption: String,
}

impl Layout {
    /// Finds the layout. `None` when an error of the grid or of the labels was found.
    pub fn find(rules: &Rules, grid: &Grid, iso: Iso, findings: &mut Findings) -> Option<Self> {
        if grid.rows().all(|row| row.is_blank()) {
            let finding = Finding::new(Code::NoData, "the file has no rows");
            findings.push(finding.hint("send the file with its labels and values"));
            return None;
        }
        let layout = match rules.header {
            Header::Flat { value } => flat::find(rules, grid, iso, value, findings),
            _ => Self::under_labels(rules, grid, iso, findings),
        };
        let layout = layout.filter(|_| !findings.has_errors_up_to(Stage::Labels))?;
        if layout.columns.is_empty() && !findings.has_errors() {
            let finding = Finding::new(Code::NoData, "there is no column of values");
            findings.push(finding.row(layout.header).hint("send the file with its values"));
            return None;
        }
        Some(layout)
    }

    fn under_labels(rules: &Rules, grid: &Grid, iso: Iso, findings: &mut Findings) -> Option<Self> {
        let labels = LabelRows::find(rules, grid, findings);
        let header = HeaderRows::find(rules, grid, &labels, findings);
        let (rows, header) = (labels.complete()?, header?);
        let data_rows = data_rows(grid, header.data, findings)?;
        let mut reader =
            ColumnReader { rules, grid, rows, header, data_rows: &data_rows, findings };
        reader.check_widths();
        if reader.findings.has_errors_up_to(Stage::Grid) {
            return None;
        }
        let (columns, series) = reader.read(iso);
        let first_label = labels.all_rows().min().unwrap_or_default();
        Some(Self {
            header: header.row.unwrap_or(first_label),
            header_word: header.row.map(|row| word(&grid.row(row))).unwrap_or_default(),
            data_rows,
            columns,
            series,
        })
    }
}

/// The rows from `first` on that are not blank; without any the file has no data.
fn data_rows(grid: &Grid, first: usize, findings: &mut Findings) -> Option<Vec<usize>> {
    let rows: Vec<usize> = (first..grid.len()).filter(|row| !grid.row(*row).is_blank()).collect();
    if rows.is_empty() {
        let finding = Finding::new(Code::NoData, "there is no data row below this one");
        let above = first.saturating_sub(1);
        findings.push(finding.row(above).hint("send the file with its values"));
        return None;
    }
    Some(rows)
}

/// Column A's word: trimmed, inner blanks collapsed, in lower case.
fn word(row: &Row<'_>) -> String {
    word_of(row.cell(0).trimmed())
}

fn word_of(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Words as an error repeats them.
fn quoted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let shown: Vec<String> = words
        .filter(|word| !word.is_empty())
        .take(WORDS_SHOWN)
        .map(|word| format!("{:?}", word.chars().take(40).collect::<String>()))
        .collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}

/// That a row between or below the label rows was not read.
fn ignored_row(row: usize, word: &str) -> Finding {
    let message = format!("row {} ({word:?}) is no label row and was ignored", row + 1);
    let finding = Finding::new(Code::UnknownLabelRow, message).row(row).column(0).value(word);
    finding.hint("check that no label row is misspelt")
}

/// That a label stands twice.
fn duplicate_label(name: &str, first: &str) -> Finding {
    let message = format!("the label {name:?} stands twice, first in {first}");
    Finding::new(Code::LabelDuplicate, message).hint("keep one of each label")
}

/// That a label stands nowhere, with the unknown words in its stead.
fn missing_label(name: &str, place: &str, seen: &str) -> Finding {
    let message = format!("there is no label {name:?} in {place}; unknown words there: {seen}");
    let finding = Finding::new(Code::LabelMissing, message).label(name);
    finding.hint(format!("name it in {place}; order and case do not matter"))
}

/// That a record is shorter than the labels reach (a width and what is needed).
fn short_row(row: usize, width: usize, needed: usize) -> Finding {
    let message = format!("the row has {width} cells; the labels reach column {needed}");
    let finding = Finding::new(Code::RaggedRow, message).row(row);
    finding.hint("check for a missing comma or an unquoted line break")
}

/// That a cell stands beyond the header row's width.
fn long_row(grid: &Grid, row: usize, column: usize, allowed: usize) -> Finding {
    let message = format!("a cell stands beyond the header row, which ends at column {allowed}");
    let finding = Finding::new(Code::RaggedRow, message).row(row).column(column);
    finding
        .value(grid.row(row).cell(column).text)
        .hint("check for an extra comma, or quote the number with its thousands marks")
}
