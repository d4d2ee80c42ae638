//! Label rows on top, a header row, one column per series: found by content, never by offset.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::{Code, Finding, Iso, Labels, Stage, Strip},
    grid::{Grid, Row},
};

use super::{
    cell::{is_error_marker, is_missing_marker},
    report::Findings,
};

/// The words of column A that make a header row.
const HEADER_WORDS: [&str; 3] = ["date", "month", "ey"];
/// The label row that may be absent and is never part of a series.
const LOOKUP_ID: &str = "lookup id1";
/// The place of Control Area, State and Block Type in [`Labels::NAMES`].
const CONTROL_AREA: usize = 0;
const STATE: usize = 1;
const BLOCK_TYPE: usize = 5;
/// The longest label, in characters.
const MAX_LABEL: usize = 255;
/// How many words an error repeats.
const WORDS_SHOWN: usize = 12;

/// What a family's layout adds to label rows and a header row.
#[derive(Debug, Clone, Copy)]
pub struct LayoutRules {
    /// The ISO of the file name, which every Control Area cell must repeat.
    pub iso: Iso,
    /// Whether the row above the header row repeats the states.
    pub has_state_row: bool,
}

/// A file's rows and columns by their meaning. Indices are 0-based.
#[derive(Debug)]
pub struct Layout {
    /// The header row.
    pub header: usize,
    /// The rows below it that are not blank.
    pub data_rows: Vec<usize>,
    /// The columns with labels and values.
    pub columns: Vec<LabelledColumn>,
}

/// A value column by its labels.
#[derive(Debug, Clone)]
pub struct LabelledColumn {
    /// Its physical place.
    pub index: usize,
    /// The eight labels, the block type in its stored form.
    pub labels: Labels,
    /// The header row's cell; empty where it is blank.
    pub caption: String,
    /// The `Lookup ID1` cell, where there is one.
    pub lookup_id: Option<String>,
}

impl Layout {
    /// Finds the layout. `None` when an error of the grid or of the labels was found.
    pub fn find(grid: &Grid, rules: LayoutRules, findings: &mut Findings) -> Option<Self> {
        if grid.rows().all(|row| row.is_blank()) {
            let finding = Finding::new(Code::NoData, "the file has no rows");
            findings.push(finding.hint("send the file with its labels, months and values"));
            return None;
        }
        let labels = LabelRows::find(grid, findings);
        let header = labels.find_header(grid, rules.has_state_row, findings);
        let (rows, header) = (labels.complete()?, header?);
        let data_rows: Vec<usize> =
            (header.row + 1..grid.len()).filter(|row| !grid.row(*row).is_blank()).collect();
        if data_rows.is_empty() {
            let finding = Finding::new(Code::NoData, "there is no data row below the header row");
            findings.push(finding.row(header.row).hint("send the file with its months and values"));
            return None;
        }
        let mut reader =
            ColumnReader { grid, rules, rows, header, data_rows: &data_rows, findings };
        reader.check_widths(labels.lookup);
        if reader.findings.has_errors_up_to(Stage::Grid) {
            return None;
        }
        let columns = reader.columns(labels.lookup);
        reader.check_state_row(&columns);
        warn_of_near_duplicates(&columns, &rows, findings);
        (!findings.has_errors_up_to(Stage::Labels)).then_some(Self {
            header: header.row,
            data_rows,
            columns,
        })
    }
}

/// Column A's word: trimmed, inner blanks collapsed, in lower case.
fn word(row: &Row<'_>) -> String {
    row.cell(0).trimmed().split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Where the label rows stand.
struct LabelRows {
    rows: [Option<usize>; 8],
    lookup: Option<usize>,
    last: Option<usize>,
}

impl LabelRows {
    fn find(grid: &Grid, findings: &mut Findings) -> Self {
        let names = Labels::NAMES.map(str::to_lowercase);
        let mut found = Self { rows: [None; 8], lookup: None, last: None };
        let mut strangers = Vec::new();
        for (index, row) in grid.rows().enumerate() {
            let word = word(&row);
            let place = match names.iter().position(|name| *name == word) {
                Some(label) => &mut found.rows[label],
                None if word == LOOKUP_ID => &mut found.lookup,
                None => {
                    if !row.is_blank() {
                        strangers.push((index, word));
                    }
                    continue;
                }
            };
            if let Some(first) = place {
                let message =
                    format!("the label row {word:?} stands twice, first in row {}", *first + 1);
                let finding = Finding::new(Code::LabelDuplicate, message).row(index).column(0);
                findings.push(finding.hint("keep one row for each label"));
            } else {
                *place = Some(index);
                found.last = Some(index);
            }
        }
        found.report_missing(&strangers, findings);
        found.warn_of_strangers(&strangers, findings);
        found
    }

    fn report_missing(&self, strangers: &[(usize, String)], findings: &mut Findings) {
        // Below a header row stand months, not label rows.
        let above = strangers.iter().take_while(|(_, word)| !HEADER_WORDS.contains(&word.as_str()));
        let seen = quoted(above.map(|(_, word)| word.as_str()));
        for (name, _) in Labels::NAMES.iter().zip(self.rows).filter(|(_, row)| row.is_none()) {
            let message =
                format!("there is no label row {name:?} in column A; unknown words there: {seen}");
            findings.push(
                Finding::new(Code::LabelMissing, message)
                    .label(*name)
                    .hint("name the row in column A; order and case do not matter"),
            );
        }
    }

    fn warn_of_strangers(&self, strangers: &[(usize, String)], findings: &mut Findings) {
        for (index, word) in strangers.iter().filter(|(index, _)| Some(*index) < self.last) {
            let message = format!("row {} ({word:?}) is no label row and was ignored", index + 1);
            findings.push(
                Finding::new(Code::UnknownLabelRow, message).row(*index).column(0).value(word),
            );
        }
    }

    /// The header row: the first below the last label row that has its word in column A. Only
    /// separators may stand between, and for some families the state row.
    fn find_header(
        &self,
        grid: &Grid,
        has_state_row: bool,
        findings: &mut Findings,
    ) -> Option<HeaderRows> {
        let below = self.last? + 1..grid.len();
        let header = below.clone().find(|row| HEADER_WORDS.contains(&&*word(&grid.row(*row))));
        let upper = below.start..header.unwrap_or(below.end);
        let mut between: Vec<usize> = upper.filter(|row| !grid.row(*row).is_blank()).collect();
        let state = header.and_then(|header| {
            let state = between.last().copied().filter(|row| has_state_row && row + 1 == header)?;
            self.is_state_row(grid, state).then(|| between.pop()).flatten()
        });
        if let (Some(row), []) = (header, between.as_slice()) {
            return Some(HeaderRows { row, state });
        }
        let words: Vec<String> = between.iter().map(|row| word(&grid.row(*row))).collect();
        let message = format!(
            "no header row (Date, Month or EY in column A) directly below the label rows; words seen there: {}",
            quoted(words.iter().map(String::as_str))
        );
        let finding = Finding::new(Code::HeaderNotFound, message)
            .hint("between label rows and header row only empty rows may stand");
        findings.push(match between.first() {
            Some(row) => finding.row(*row).column(0).value(grid.row(*row).cell(0).trimmed()),
            None => finding,
        });
        None
    }

    /// Whether a row repeats states: in column A, or under a column the state of its labels.
    fn is_state_row(&self, grid: &Grid, row: usize) -> bool {
        let Some(state_labels) = self.rows[STATE].map(|row| grid.row(row)) else { return false };
        let row = grid.row(row);
        let first = row.cell(0).trimmed();
        state_labels.cells().skip_while(|(column, _)| *column == 0).any(|(column, state)| {
            let state = state.trimmed();
            !state.is_empty() && (state == first || state == row.cell(column).trimmed())
        })
    }

    fn complete(&self) -> Option<[usize; 8]> {
        let rows: Vec<usize> = self.rows.iter().copied().flatten().collect();
        rows.try_into().ok()
    }
}

fn quoted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let shown: Vec<String> = words
        .filter(|word| !word.is_empty())
        .take(WORDS_SHOWN)
        .map(|word| format!("{:?}", word.chars().take(40).collect::<String>()))
        .collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}

#[derive(Clone, Copy)]
struct HeaderRows {
    row: usize,
    state: Option<usize>,
}

/// Reads the columns once label rows and header row are known.
struct ColumnReader<'a> {
    grid: &'a Grid,
    rules: LayoutRules,
    rows: [usize; 8],
    header: HeaderRows,
    data_rows: &'a [usize],
    findings: &'a mut Findings,
}

impl ColumnReader<'_> {
    /// In a text file every row must reach the rightmost labelled column, and no cell may stand
    /// beyond the header row.
    fn check_widths(&mut self, lookup: Option<usize>) {
        if !self.grid.has_widths() {
            return;
        }
        let labelled = self.rows.iter().filter_map(|row| self.grid.row(*row).last_column());
        let needed = labelled.max().unwrap_or(0) + 1;
        let allowed = self.grid.row(self.header.row).width();
        let above = self.rows.iter().chain(&lookup).copied();
        let all = above.chain([self.header.row]).chain(self.data_rows.iter().copied());
        for index in all {
            let row = self.grid.row(index);
            let width = row.width();
            if width < needed {
                let message =
                    format!("the row has {width} cells; the labels reach column {needed}");
                self.findings.push(
                    Finding::new(Code::RaggedRow, message)
                        .row(index)
                        .hint("check for a missing comma or an unquoted line break"),
                );
            } else if let Some(column) = row.last_column().filter(|column| *column >= allowed) {
                let message =
                    format!("a cell stands beyond the header row, which ends at column {allowed}");
                self.findings.push(
                    Finding::new(Code::RaggedRow, message)
                        .row(index)
                        .column(column)
                        .value(row.cell(column).text)
                        .hint("check for an extra comma, or quote the number with its thousands marks"),
                );
            }
        }
    }

    fn columns(&mut self, lookup: Option<usize>) -> Vec<LabelledColumn> {
        let filled = self.first_filled_rows();
        let width = self
            .rows
            .iter()
            .chain([&self.header.row])
            .filter_map(|row| self.grid.row(*row).last_column())
            .map(|last| last + 1)
            .max()
            .unwrap_or(0);
        (1..width.max(filled.len()))
            .filter_map(|column| self.column(column, filled.get(column).copied().flatten(), lookup))
            .collect()
    }

    /// For each column the first data row with something in it.
    fn first_filled_rows(&self) -> Vec<Option<usize>> {
        let mut filled: Vec<Option<usize>> = Vec::new();
        for &index in self.data_rows {
            for (column, cell) in self.grid.row(index).cells() {
                if column >= filled.len() {
                    filled.resize(column + 1, None);
                }
                if filled[column].is_none() && !cell.is_blank() {
                    filled[column] = Some(index);
                }
            }
        }
        filled
    }

    fn column(
        &mut self,
        column: usize,
        filled: Option<usize>,
        lookup: Option<usize>,
    ) -> Option<LabelledColumn> {
        let texts = self.rows.map(|row| self.grid.row(row).cell(column).trimmed());
        let caption = self.grid.row(self.header.row).cell(column).trimmed();
        let labelled = texts.iter().any(|text| !text.is_empty());
        if !labelled {
            let place = if caption.is_empty() { filled? } else { self.header.row };
            let finding = Finding::new(Code::ColumnUnlabelled, "the column has no labels")
                .row(place)
                .column(column)
                .value(self.grid.row(place).cell(column).text);
            self.findings.push(finding.hint("label the column or empty it"));
            return None;
        }
        if filled.is_none() {
            let finding = Finding::new(Code::ColumnEmpty, "the column has labels but no value")
                .row(self.rows[CONTROL_AREA])
                .column(column)
                .hint("fill the column, write #N/A where there is no price, or drop its labels");
            self.findings.push(finding);
            return None;
        }
        let labels = self.labels(column, texts)?;
        self.check_beside(column, self.header.row, "the caption")?;
        if let Some(lookup) = lookup {
            self.check_beside(column, lookup, "the Lookup ID1")?;
        }
        let lookup_id = lookup
            .map(|row| self.grid.row(row).cell(column).trimmed().to_owned())
            .filter(|id| !id.is_empty());
        Some(LabelledColumn { index: column, labels, caption: caption.to_owned(), lookup_id })
    }

    fn labels(&mut self, column: usize, texts: [&str; 8]) -> Option<Labels> {
        let mut checked: [String; 8] = texts.map(str::to_owned);
        let before = self.findings.count(crate::domain::Severity::Error);
        for (place, text) in texts.iter().enumerate() {
            match self.check_label(place, text) {
                Ok(Some(stored)) => checked[place] = stored,
                Ok(None) => {}
                Err(finding) => {
                    let finding = finding
                        .row(self.rows[place])
                        .column(column)
                        .label(Labels::NAMES[place])
                        .value(text);
                    self.findings.push(finding);
                }
            }
        }
        self.warn_of_zeros(column, texts);
        (self.findings.count(crate::domain::Severity::Error) == before).then(|| checked.into())
    }

    /// Checks a text of the column that is no label; `None` if it is refused.
    fn check_beside(&mut self, column: usize, row: usize, what: &str) -> Option<()> {
        let text = self.grid.row(row).cell(column).trimmed();
        let checked = check_text(what, text);
        let place = |finding: Finding| finding.row(row).column(column).value(text);
        checked.map_err(|finding| self.findings.push(place(finding))).ok()
    }

    /// Checks a label; answers the stored form where it differs from the text.
    fn check_label(&self, place: usize, text: &str) -> Result<Option<String>, Finding> {
        let name = Labels::NAMES[place];
        if text.is_empty() || is_missing_marker(text) || is_error_marker(text) {
            let message = format!("the label {name} is missing in a column that is in use");
            return Err(Finding::new(Code::LabelBlank, message).hint("fill in the label"));
        }
        check_text(&format!("the label {name}"), text)?;
        match place {
            CONTROL_AREA if !text.eq_ignore_ascii_case(self.rules.iso.as_str()) => {
                let iso = self.rules.iso.as_str().to_uppercase();
                let message = format!("the file name says {iso}, the label {name} says {text}");
                Err(Finding::new(Code::AreaMismatch, message).hint("send each ISO in its own file"))
            }
            BLOCK_TYPE => match text.parse::<Strip>() {
                Ok(strip) => Ok(Some(strip.to_string())),
                Err(error) => Err(Finding::new(Code::UnknownStrip, error.to_string())
                    .hint("use one of the known block types")),
            },
            _ => Ok(None),
        }
    }

    fn warn_of_zeros(&mut self, column: usize, texts: [&str; 8]) {
        if let Some(place) = texts.iter().position(|text| *text == "0") {
            let message = format!("the label {} is 0", Labels::NAMES[place]);
            self.findings.push(
                Finding::new(Code::SuspiciousLabel, message)
                    .row(self.rows[place])
                    .column(column)
                    .value("0")
                    .hint("it was stored as it stands; check the spreadsheet's look-up"),
            );
        }
    }

    fn check_state_row(&mut self, columns: &[LabelledColumn]) {
        if !self.rules.has_state_row {
            return;
        }
        let Some(state_row) = self.header.state else {
            let message = "the row of states above the header row is missing";
            self.findings.push(Finding::new(Code::StateRowMissing, message).row(self.header.row));
            return;
        };
        for column in columns {
            let text = self.grid.row(state_row).cell(column.index).trimmed();
            if !text.is_empty() && text != column.labels.state {
                let message =
                    format!("the state row says {text}, the label State {}", column.labels.state);
                self.findings.push(
                    Finding::new(Code::StateMismatch, message)
                        .row(state_row)
                        .column(column.index)
                        .value(text),
                );
            }
        }
    }
}

/// Checks a text that becomes part of a series or is kept beside it.
fn check_text(what: &str, text: &str) -> Result<(), Finding> {
    if text.chars().count() > MAX_LABEL {
        let message = format!("{what} has more than {MAX_LABEL} characters");
        return Err(Finding::new(Code::LabelTooLong, message).hint("shorten the text"));
    }
    if text.chars().any(char::is_control) {
        let message = format!("{what} holds a line break or another control character");
        return Err(Finding::new(Code::LabelInvalid, message).hint("write it in one line"));
    }
    Ok(())
}

/// Labels that differ only in case or blanks make different series; that is rarely meant.
fn warn_of_near_duplicates(columns: &[LabelledColumn], rows: &[usize; 8], findings: &mut Findings) {
    for (place, name) in Labels::NAMES.iter().enumerate() {
        let mut spellings: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for column in columns {
            let text = column.labels.as_array()[place];
            let folded = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            let known = spellings.entry(folded).or_default();
            if known.contains(text) {
                continue;
            }
            if let Some(other) = known.first() {
                let message =
                    format!("{name} is {text:?} here and {other:?} elsewhere in the file");
                findings.push(
                    Finding::new(Code::NearDuplicateLabel, message)
                        .row(rows[place])
                        .column(column.index)
                        .value(text)
                        .hint("they are stored as different series"),
                );
            }
            known.insert(text);
        }
    }
}
