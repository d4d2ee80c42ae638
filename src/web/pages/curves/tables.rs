//! What stands under the chart: prices with their differences, and the summary by strips.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::chart::Key;
use crate::{
    extractors::analysis::{
        Figure, Strip,
        export::Sheet,
        figure::{Column, print},
        mean,
    },
    web::pages::format::signed,
};

/// A figure as texts.
pub(super) struct Table {
    pub(super) head: &'static str,
    pub(super) columns: Vec<Head>,
    pub(super) rows: Vec<Row>,
}

/// The head of a column.
pub(super) struct Head {
    /// Of the series, from 1.
    pub(super) number: usize,
    pub(super) key: Key,
    pub(super) label: String,
    /// The unit, or what the column tells.
    pub(super) unit: String,
    pub(super) is_difference: bool,
}

/// A month or a day.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) cells: Vec<Cell>,
}

/// A value; `None` where there is none.
pub(super) struct Cell {
    pub(super) text: Option<String>,
    /// `up`, `down` or nothing.
    pub(super) direction: &'static str,
}

impl Cell {
    fn plain(value: Option<Decimal>, places: u32) -> Self {
        Self { text: value.map(|value| print(value, places)), direction: "" }
    }

    fn change(value: Option<Decimal>, places: u32) -> Self {
        let direction = match value {
            Some(value) if value.is_zero() => "",
            Some(value) if value.is_sign_positive() => "up",
            Some(_) => "down",
            None => "",
        };
        Self { text: value.map(|value| signed(value, places)), direction }
    }
}

/// How the days of a figure are named.
pub(super) fn row_name(is_month: bool) -> impl Fn(NaiveDate) -> String {
    move |day| day.format(if is_month { "%Y-%m" } else { "%Y-%m-%d" }).to_string()
}

/// What the rows of a figure are.
pub(super) const fn row_head(is_month: bool) -> &'static str {
    if is_month { "Contract month" } else { "Operating day" }
}

impl Table {
    pub(super) fn new(figure: &Figure, is_month: bool) -> Self {
        let head = |column: &Column| Head {
            number: column.place + 1,
            key: Key::of(column.place),
            label: column.label.clone(),
            unit: column.unit.clone(),
            is_difference: false,
        };
        let mut columns: Vec<Head> = figure.columns.iter().map(head).collect();
        let base = figure.columns.first().map_or(1, |column| column.place + 1);
        for difference in &figure.differences {
            let Some(unit) = &difference.unit else { continue };
            for unit in [unit.as_str(), "%"] {
                let label = format!("{} − {base}", difference.place + 1);
                let (number, key) = (difference.place + 1, Key::of(difference.place));
                let unit = unit.to_owned();
                columns.push(Head { number, key, label, unit, is_difference: true });
            }
        }
        let name = row_name(is_month);
        let row = |(place, day): (usize, &NaiveDate)| Row {
            name: name(*day),
            cells: cells(figure, place),
        };
        let rows = figure.rows.iter().enumerate().map(row).collect();
        Self { head: row_head(is_month), columns, rows }
    }
}

impl Table {
    /// Whether any series can be subtracted from another.
    pub(super) fn has_differences(&self) -> bool {
        self.columns.iter().any(|column| column.is_difference)
    }
}

fn cells(figure: &Figure, row: usize) -> Vec<Cell> {
    let price = |column: &Column| Cell::plain(column.values[row], column.places);
    let mut cells: Vec<Cell> = figure.columns.iter().map(price).collect();
    for difference in figure.differences.iter().filter(|difference| difference.unit.is_some()) {
        cells.push(Cell::change(difference.values[row], difference.places));
        cells.push(Cell::change(difference.percents[row], 2));
    }
    cells
}

/// The means of the strips, one row per series.
pub(super) struct Summary {
    pub(super) strips: Vec<Strip>,
    pub(super) rows: Vec<SummaryRow>,
}

/// A series' means.
pub(super) struct SummaryRow {
    /// Of the series, from 1.
    pub(super) number: usize,
    pub(super) key: Key,
    pub(super) label: String,
    pub(super) unit: String,
    /// Each with its difference from the first series.
    pub(super) cells: Vec<(Cell, Cell)>,
    means: Vec<Option<Decimal>>,
}

impl Summary {
    pub(super) fn new(figure: &Figure, strips: impl Into<Vec<Strip>>) -> Self {
        let strips = strips.into();
        let means = |column: &Column| -> Vec<Option<Decimal>> {
            let prices = figure.common_points(column);
            strips.iter().map(|strip| strip.mean(&prices, column.hours)).collect()
        };
        let base = figure.columns.first().map(|base| (&base.unit, means(base)));
        let row = |(place, column): (usize, &Column)| {
            let means = means(column);
            let base = base.as_ref().filter(|(unit, _)| place > 0 && **unit == column.unit);
            let cell = |(strip, mean): (usize, &Option<Decimal>)| {
                let base = base.and_then(|(_, base)| base[strip]);
                let change = base.zip(*mean).and_then(|(base, mean)| mean.checked_sub(base));
                (Cell::plain(*mean, mean::PLACES), Cell::change(change, mean::PLACES))
            };
            SummaryRow {
                number: column.place + 1,
                key: Key::of(column.place),
                label: column.label.clone(),
                unit: column.unit.clone(),
                cells: means.iter().enumerate().map(cell).collect(),
                means,
            }
        };
        let rows = figure.columns.iter().enumerate().map(row).collect();
        Self { strips, rows }
    }

    /// The same for a file.
    pub(super) fn sheet(&self) -> Sheet {
        let head = |strip: &Strip| format!("{}, {}", strip.name, strip.span());
        let heads = std::iter::once("Series".to_owned()).chain(self.strips.iter().map(head));
        let row = |row: &SummaryRow| {
            let means = row.means.iter().map(|mean| (*mean, mean::PLACES)).collect();
            (format!("{}, {}", row.label, row.unit), means)
        };
        let rows = self.rows.iter().map(row).collect();
        Sheet { name: "Summary", heads: heads.collect(), rows }
    }
}
