//! The cells of values: numbers, notations, units and bands, whatever a row stands for.

use rust_decimal::Decimal;

use crate::{
    domain::{Code, Finding, Missing, Notation, Place, ValueBand},
    grid::{Grid, Row},
};

use super::{
    Context, cell,
    labels::SeriesLabels,
    layout::{Layout, ValueColumn},
    report::{Findings, Tally},
    rules::Rules,
    unit::{self, Evidence},
};

/// The values of a file, by value column and data row.
pub struct Table<'a> {
    /// The family's.
    pub rules: &'a Rules,
    /// Where the values stand.
    pub layout: &'a Layout,
    /// What the data rows stand for.
    pub places: &'a [Option<Place<'a>>],
    /// One for each column of the layout.
    pub columns: Vec<Cells>,
}

/// The values of a column, row by row.
#[derive(Debug, Clone)]
pub struct Cells {
    /// Meaningless where the notation says missing.
    pub numbers: Vec<Decimal>,
    /// How each is written.
    pub notations: Vec<Notation>,
}

/// The cells that share a unit: those of a column, or in some families of a row.
#[derive(Debug, Clone, Copy)]
enum Line {
    Column(usize),
    Row(usize),
}

/// A cell of a table by its row and column there, with what it holds.
#[derive(Debug, Clone, Copy)]
struct Entry {
    row: usize,
    column: usize,
    number: Decimal,
    notation: Notation,
}

impl Entry {
    const fn is_missing(self) -> bool {
        matches!(self.notation, Notation::Missing(_))
    }
}

impl<'a> Table<'a> {
    /// Reads the cells; `tally` counts them.
    pub fn read(
        rules: &'a Rules,
        grid: &Grid,
        layout: &'a Layout,
        places: &'a [Option<Place<'a>>],
        (tally, findings): (&mut Tally, &mut Findings),
    ) -> Self {
        let rows = layout.data_rows.len();
        let empty =
            || Cells { numbers: Vec::with_capacity(rows), notations: Vec::with_capacity(rows) };
        let columns = layout.columns.iter().map(|_| empty()).collect();
        let mut table = Self { rules, layout, places, columns };
        for (row, &index) in layout.data_rows.iter().enumerate() {
            table.read_row(&grid.row(index), row, tally, findings);
        }
        table
    }

    fn read_row(&mut self, row: &Row<'_>, at: usize, tally: &mut Tally, findings: &mut Findings) {
        let mut cells = row.ascending();
        for (place, column) in self.layout.columns.iter().enumerate() {
            let cell = cells.cell(column.index);
            let (number, notation) = match cell::read(cell) {
                Ok(value) => {
                    if value.rounded {
                        let message = "more than 15 decimals; rounded half-even to 15";
                        let finding = Finding::new(Code::PrecisionReduced, message);
                        findings.push(self.placed(finding, at, place).value(cell.text));
                    }
                    tally.add(value.number, value.notation);
                    (value.number, value.notation)
                }
                Err(code) => {
                    tally.add_unreadable();
                    let finding = wrong_cell(code, cell.trimmed());
                    findings.push(self.placed(finding, at, place).value(cell.text));
                    (Decimal::ZERO, Notation::Missing(Missing::Blank))
                }
            };
            self.columns[place].numbers.push(number);
            self.columns[place].notations.push(notation);
        }
    }

    /// Decides the unit of each column, or of each row where it belongs to rows, and holds the cells
    /// against it.
    pub fn units(&self, context: &Context<'_>, findings: &mut Findings) -> Vec<&'static str> {
        let lines: Vec<Line> = if self.rules.has_units_by_row() {
            (0..self.layout.data_rows.len()).map(Line::Row).collect()
        } else {
            (0..self.columns.len()).map(Line::Column).collect()
        };
        let family = context.name.dataset.family;
        let unit_of = |line: Line| {
            let unit = self.decide_unit(line, context, findings);
            self.check_notations(line, findings);
            let mut bands = context.bands.iter();
            if let Some(band) = bands.find(|band| band.family == family && band.unit == unit) {
                self.check_band(line, band, findings);
            }
            unit
        };
        lines.into_iter().map(unit_of).collect()
    }

    fn entries(&self, line: Line) -> impl Iterator<Item = Entry> {
        let length = match line {
            Line::Column(_) => self.layout.data_rows.len(),
            Line::Row(_) => self.columns.len(),
        };
        (0..length).map(move |at| {
            let (row, column) = match line {
                Line::Column(column) => (at, column),
                Line::Row(row) => (row, at),
            };
            let cells = &self.columns[column];
            Entry { row, column, number: cells.numbers[row], notation: cells.notations[row] }
        })
    }

    /// A finding about a cell: where it stands, whose value it is.
    fn placed(&self, finding: Finding, row: usize, column: usize) -> Finding {
        let series = if self.rules.has_series_in_rows() { row } else { column };
        let labels = &self.layout.series[series];
        let label = match self.places[row] {
            None | Some(Place::Single) => labels.to_string(),
            Some(place) => format!("{labels}, {place}"),
        };
        let column = self.layout.columns[column].index;
        finding.row(self.layout.data_rows[row]).column(column).label(label)
    }

    fn decide_unit(
        &self,
        line: Line,
        context: &Context<'_>,
        findings: &mut Findings,
    ) -> &'static str {
        let has = |wanted| self.entries(line).any(|entry| entry.notation == wanted);
        let (caption, cost_group, cost_component) = self.texts(line);
        let decision = unit::decide(Evidence {
            dataset: context.name.dataset,
            caption,
            cost_group,
            cost_component,
            has_percent: has(Notation::Percent),
            has_money: has(Notation::Money),
        });
        let conflict = decision.conflict.map(|conflict| (Code::UnitConflict, conflict));
        let unknown = decision.unknown.map(|text| format!("the unit {text:?} is not known"));
        let unknown = unknown.map(|unknown| (Code::UnknownUnit, unknown));
        for (code, what) in conflict.into_iter().chain(unknown) {
            let finding = Finding::new(code, format!("{what}; stored as {}", decision.unit));
            findings.push(self.told_of(finding, line));
        }
        decision.unit
    }

    /// The labels of a column; none in a flat table.
    fn series_of(&self, column: usize) -> Option<&SeriesLabels> {
        let series = self.layout.series.get(column)?;
        (!self.rules.has_series_in_rows()).then_some(series)
    }

    /// Caption, cost group and cost component of a line; a row of a matrix has only its own name.
    fn texts(&self, line: Line) -> (&str, &str, &str) {
        match line {
            Line::Column(column) => {
                let caption = &self.layout.columns[column].caption;
                self.series_of(column).map_or((caption, "", ""), |series| {
                    (caption, &series.labels.cost_group, &series.labels.cost_component)
                })
            }
            Line::Row(row) => match self.places[row] {
                Some(Place::Component(name, _)) => ("", "", name),
                _ => ("", "", ""),
            },
        }
    }

    /// A finding about a line as a whole.
    fn told_of(&self, finding: Finding, line: Line) -> Finding {
        match line {
            Line::Column(column) => {
                let ValueColumn { index, caption } = &self.layout.columns[column];
                let finding = finding.row(self.layout.header).column(*index).value(caption);
                match self.series_of(column) {
                    Some(series) => finding.label(series.to_string()),
                    None => finding,
                }
            }
            Line::Row(row) => {
                let (_, _, name) = self.texts(line);
                finding.row(self.layout.data_rows[row]).column(0).value(name).label(name)
            }
        }
    }

    fn check_notations(&self, line: Line, findings: &mut Findings) {
        // Zeros, dashes and missing cells are neutral.
        let telling = self.entries(line).filter(|entry| {
            !entry.is_missing() && !entry.number.is_zero() && entry.notation != Notation::Dash
        });
        let mut first = None;
        for entry in telling {
            let first = *first.get_or_insert(entry.notation);
            if first != entry.notation {
                let message = format!(
                    "{} cells, then {} from here on; all are stored in one unit",
                    words(first),
                    words(entry.notation)
                );
                let finding = Finding::new(Code::MixedUnits, message)
                    .hint("check that percent cells and fractions mean the same");
                findings.push(self.placed(finding, entry.row, entry.column));
                return;
            }
        }
    }

    fn check_band(&self, line: Line, band: &ValueBand, findings: &mut Findings) {
        let outside = |entry: &Entry| !entry.is_missing() && !band.contains(entry.number);
        for entry in self.entries(line).filter(outside) {
            let number = entry.number;
            let side = if band.low.is_some_and(|low| number < low) { "below" } else { "above" };
            let message = format!("{number} {} is {side} the band {band}", band.unit);
            let code = if band.hard { Code::OutsideBand } else { Code::OutOfBand };
            let finding = Finding::new(code, message).value(&number.to_string());
            findings.push(
                self.placed(finding, entry.row, entry.column).hint("check the decimal point"),
            );
        }
    }
}

const fn words(notation: Notation) -> &'static str {
    match notation {
        Notation::Money => "money",
        Notation::Percent => "percent",
        _ => "plain",
    }
}

fn wrong_cell(code: Code, text: &str) -> Finding {
    let (message, hint) = match code {
        Code::NotFinite => {
            ("the value is infinite".to_owned(), "write #N/A where there is no price")
        }
        Code::OutOfRange => {
            ("the value is not below 1e12".to_owned(), "check the unit and the decimal point")
        }
        _ if text.is_empty() => (
            "a formula without a stored value".to_owned(),
            "open the workbook in Excel and save it, so that it holds its values",
        ),
        _ => (
            format!("{:?} is not a number", text.chars().take(60).collect::<String>()),
            "write a number, or #N/A or nothing where there is no price",
        ),
    };
    Finding::new(code, message).hint(hint)
}
