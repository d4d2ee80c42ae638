//! The header row: the captions, and where the data begins.

use std::ops::Range;

use crate::{
    domain::{Code, Finding},
    grid::{CellKind, Grid, Row},
    ingestors::{
        cell::{self, is_error_marker},
        date,
        report::Findings,
        rules::{Header, Rules},
    },
};

use super::{
    ignored_row, quoted,
    rows::{LabelRows, at_word},
    word,
};

/// Where the rows below the labels stand.
#[derive(Debug, Clone, Copy)]
pub struct HeaderRows {
    /// The row of captions; `None` in a family without one.
    pub row: Option<usize>,
    /// The row of states above it.
    pub state: Option<usize>,
    /// The first row that may hold values.
    pub data: usize,
}

impl HeaderRows {
    /// Finds them. `None` where there is an error, or no label row at all.
    pub fn find(
        rules: &Rules,
        grid: &Grid,
        labels: &LabelRows,
        findings: &mut Findings,
    ) -> Option<Self> {
        let below = labels.last? + 1;
        match rules.header {
            Header::Word { words, beside, has_state_row } => {
                let is_header = |row: &usize| is_one_of(&word(&grid.row(*row)), words);
                let row = (below..grid.len()).find(is_header);
                let states = has_state_row.then_some(labels);
                by_word(grid, (below, row), states)
                    .map_err(|between| findings.push(no_header(grid, words, &between)))
                    .ok()
                    .filter(|found| has_word_beside(grid, found, beside, findings))
            }
            Header::AboveFirstDate => above_first_date(grid, below, findings),
            Header::Absent | Header::Flat { .. } => {
                let rows = filled_rows(grid, below..grid.len());
                let words = rows.iter().take_while(|row| is_all_words(&grid.row(**row))).copied();
                let words: Vec<usize> = words.collect();
                findings.extend(words.iter().map(|row| ignored_row(*row, &word(&grid.row(*row)))));
                let data = words.last().map_or(below, |row| row + 1);
                Some(Self { row: None, state: None, data })
            }
        }
    }
}

/// Whether a word of column A is one of `words`, in any case.
pub fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

fn filled_rows(grid: &Grid, rows: Range<usize>) -> Vec<usize> {
    rows.filter(|row| !grid.row(*row).is_blank()).collect()
}

/// The header row `row`, if only separators stand above it from `below` on, and for some families
/// the state row; else what stands there.
fn by_word(
    grid: &Grid,
    (below, row): (usize, Option<usize>),
    states: Option<&LabelRows>,
) -> Result<HeaderRows, Vec<usize>> {
    let mut between = filled_rows(grid, below..row.unwrap_or(grid.len()));
    let state = row.zip(states).and_then(|(row, labels)| {
        let state = between.last().copied().filter(|state| state + 1 == row)?;
        is_state_row(grid, labels, state).then(|| between.pop()).flatten()
    });
    match row {
        Some(row) if between.is_empty() => Ok(HeaderRows { row: Some(row), state, data: row + 1 }),
        _ => Err(between),
    }
}

fn no_header(grid: &Grid, words: &[&str], between: &[usize]) -> Finding {
    let seen: Vec<String> = between.iter().map(|row| word(&grid.row(*row))).collect();
    let message = format!(
        "no header row ({} in column A) directly below the label rows; words seen there: {}",
        words.join(", "),
        quoted(seen.iter().map(String::as_str))
    );
    let finding = Finding::new(Code::HeaderNotFound, message)
        .hint("between label rows and header row only empty rows may stand");
    match between.first() {
        Some(row) => at_word(finding, grid, *row),
        None => finding,
    }
}

fn has_word_beside(
    grid: &Grid,
    found: &HeaderRows,
    beside: Option<&str>,
    findings: &mut Findings,
) -> bool {
    let (Some(row), Some(wanted)) = (found.row, beside) else { return true };
    let text = grid.row(row).cell(1).trimmed();
    let is_there = text.eq_ignore_ascii_case(wanted);
    if !is_there {
        let message = format!("column B of the header row must say {wanted}, not {text:?}");
        let finding = Finding::new(Code::HeaderNotFound, message).row(row).column(1).value(text);
        findings.push(finding.hint("the hour ending of each row stands in column B"));
    }
    is_there
}

/// Whether a row repeats states: in column A, or under a column the state of its labels.
fn is_state_row(grid: &Grid, labels: &LabelRows, row: usize) -> bool {
    let Some(state_labels) = labels.state().map(|row| grid.row(row)) else { return false };
    let row = grid.row(row);
    let first = row.cell(0).trimmed();
    state_labels.cells().skip_while(|(column, _)| *column == 0).any(|(column, state)| {
        let state = state.trimmed();
        !state.is_empty() && (state == first || state == row.cell(column).trimmed())
    })
}

/// The last row above the first date, or above the first numbers where no date can be read. A
/// header row with numbers is a row of values without a date.
fn above_first_date(grid: &Grid, below: usize, findings: &mut Findings) -> Option<HeaderRows> {
    let rows = filled_rows(grid, below..grid.len());
    let is_dated = |row: &usize| date::read(grid, grid.row(*row).cell(0)) != Err(Code::BadDate);
    let has_numbers = |row: &usize| holds_numbers(&grid.row(*row));
    let first = rows.iter().position(is_dated).or_else(|| rows.iter().position(has_numbers));
    let Some(first) = first else {
        let finding = Finding::new(Code::NoData, "there is no data row below the label rows");
        findings.push(finding.hint("send the file with its months and values"));
        return None;
    };
    let Some(header) = first.checked_sub(1) else {
        let message = "no header row between the label rows and the first date";
        let finding = at_word(Finding::new(Code::HeaderNotFound, message), grid, rows[first]);
        findings.push(finding.hint("write a row of captions above the first month"));
        return None;
    };
    let row = rows[header];
    findings.extend(rows[..header].iter().map(|row| ignored_row(*row, &word(&grid.row(*row)))));
    let data = if has_numbers(&row) { row } else { row + 1 };
    Some(HeaderRows { row: Some(row), state: None, data })
}

/// Whether a cell from column B on is a number.
fn holds_numbers(row: &Row<'_>) -> bool {
    let beside = row.cells().filter(|(column, _)| *column > 0);
    beside.map(|(_, cell)| cell::read(cell)).any(|read| read.is_ok_and(|read| read.get().is_some()))
}

/// Whether every cell from column B on is blank or a word: no number, no marker.
fn is_all_words(row: &Row<'_>) -> bool {
    let mut beside = row.cells().filter(|(column, cell)| *column > 0 && !cell.is_blank());
    beside.all(|(_, cell)| {
        cell.kind == CellKind::Text
            && cell::read(cell) == Err(Code::NotANumber)
            && !is_error_marker(cell.trimmed())
    })
}
