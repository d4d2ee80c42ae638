//! Columns by their labels, once label rows and header row are known.

use crate::{
    domain::{Code, Finding, Iso},
    grid::Grid,
    ingestors::{
        labels::{LabelReader, SeriesLabels, check_text},
        report::Findings,
        rules::Rules,
    },
};

use super::{ValueColumn, header::HeaderRows, long_row, rows::LabelRows, short_row};

/// Reads the columns.
pub struct ColumnReader<'a> {
    /// The family's.
    pub rules: &'a Rules,
    /// The file.
    pub grid: &'a Grid,
    /// Where labels stand.
    pub rows: &'a LabelRows,
    /// Where captions stand.
    pub header: HeaderRows,
    /// Where values stand.
    pub data_rows: &'a [usize],
    /// What is found.
    pub findings: &'a mut Findings,
}

impl ColumnReader<'_> {
    /// In a text file every row must reach the rightmost labelled column, and no cell may stand
    /// beyond the header row.
    pub fn check_widths(&mut self) {
        if !self.grid.has_widths() {
            return;
        }
        let labelled = self.rows.key_rows().filter_map(|row| self.grid.row(row).last_column());
        let needed = labelled.max().unwrap_or(0) + 1;
        let allowed = self.header.row.map_or(usize::MAX, |row| self.grid.row(row).width());
        let above = self.rows.all_rows().chain(self.header.row);
        for index in above.chain(self.data_rows.iter().copied()) {
            let row = self.grid.row(index);
            if row.width() < needed {
                self.findings.push(short_row(index, row.width(), needed));
            } else if let Some(column) = row.last_column().filter(|column| *column >= allowed) {
                self.findings.push(long_row(self.grid, index, column, allowed));
            }
        }
    }

    /// The columns of values and their labels.
    pub fn read(&mut self, iso: Iso) -> (Vec<ValueColumn>, Vec<SeriesLabels>) {
        let filled = self.first_filled_rows();
        let mut labels = LabelReader::new(self.grid, iso, self.rows.rules.clone());
        self.check_index_columns();
        let above = self.rows.key_rows().chain(self.header.row);
        let width = above.filter_map(|row| self.grid.row(row).last_column()).max().unwrap_or(0) + 1;
        let columns = (self.rules.first_column()..width.max(filled.len())).filter_map(|column| {
            self.column(column, filled.get(column).copied().flatten(), &mut labels)
        });
        let found = columns.unzip();
        self.check_state_row(&found);
        labels.warn_of_near_duplicates(self.findings);
        found
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

    /// No label may stand above hours ending.
    fn check_index_columns(&mut self) {
        for column in 1..self.rules.first_column() {
            for row in self.rows.all_rows() {
                let cell = self.grid.row(row).cell(column);
                if !cell.is_blank() {
                    let message = "a label stands in column B, which holds the hours ending";
                    let finding = Finding::new(Code::LabelInvalid, message).row(row).column(column);
                    self.findings.push(
                        finding.value(cell.text).hint("labels begin in column C; leave B blank"),
                    );
                }
            }
        }
    }

    fn column(
        &mut self,
        column: usize,
        filled: Option<usize>,
        labels: &mut LabelReader<'_>,
    ) -> Option<(ValueColumn, SeriesLabels)> {
        let caption = self.header.row.map_or("", |row| self.grid.row(row).cell(column).trimmed());
        let mut key_rows = self.rows.key_rows();
        if key_rows.all(|row| self.grid.row(row).cell(column).is_blank()) {
            let captioned = self.header.row.filter(|_| !caption.is_empty());
            let place = captioned.or(filled)?;
            let finding = Finding::new(Code::ColumnUnlabelled, "the column has no labels")
                .row(place)
                .column(column)
                .value(self.grid.row(place).cell(column).text);
            self.findings.push(finding.hint("label the column or empty it"));
            return None;
        }
        if filled.is_none() {
            let finding = Finding::new(Code::ColumnEmpty, "the column has labels but no value")
                .row(self.rows.rows.first().copied().flatten()?)
                .column(column)
                .hint("fill the column, write #N/A where there is no price, or drop its labels");
            self.findings.push(finding);
            return None;
        }
        let places: Vec<_> = self.rows.rows.iter().map(|row| Some(((*row)?, column))).collect();
        let labels = labels.read(&places, self.findings)?;
        if let (Err(finding), Some(row)) = (check_text("the caption", caption), self.header.row) {
            self.findings.push(finding.row(row).column(column).value(caption));
            return None;
        }
        Some((ValueColumn { index: column, caption: caption.to_owned() }, labels))
    }

    fn check_state_row(&mut self, (columns, series): &(Vec<ValueColumn>, Vec<SeriesLabels>)) {
        let (true, Some(header)) = (self.rules.has_state_row(), self.header.row) else { return };
        let Some(state_row) = self.header.state else {
            let message = "the row of states above the header row is missing";
            self.findings.push(Finding::new(Code::StateRowMissing, message).row(header));
            return;
        };
        for (column, series) in columns.iter().zip(series) {
            let text = self.grid.row(state_row).cell(column.index).trimmed();
            let state = &series.labels.state;
            if !text.is_empty() && text != state {
                let message = format!("the state row says {text}, the label State {state}");
                let finding = Finding::new(Code::StateMismatch, message).row(state_row);
                self.findings.push(finding.column(column.index).value(text));
            }
        }
    }
}
