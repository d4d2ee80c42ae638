//! A diff as csv, json or ndjson.

use std::{
    io::{self, Write},
    ops::Range,
};

use chrono::SecondsFormat;
use serde_json::{Value, json, value::RawValue};

use super::{Comparison, Row, Status, Summary};
use crate::{
    domain::Place,
    extractors::{
        cell::{Cell, Sink},
        layout::{Long, place_cells, series_cells},
        words::Format,
        writers::{
            csv::Csv,
            json::{Framing, Json},
            version_json,
        },
    },
};

/// The columns of both versions, then those of the long layout from the labels to the beginning
/// date, then what became of the row; additions go to the end.
fn columns() -> Vec<&'static str> {
    let versions = ["curve", "iso", "from_version_id", "to_version_id"];
    let change = ["status", "old", "new", "delta", "percent"];
    [&versions, &Long::COLUMNS[Long::SERIES_AND_PLACE], &change].concat()
}

/// Those that JSON puts under `dims`.
const DIMS: Range<usize> = 4..4 + (Long::DIMS.end - Long::DIMS.start);

/// Writes the rows that changed, of one status where `only` says so, and tells how many were written.
/// The summary counts them all.
pub fn write(
    comparison: &Comparison,
    format: Format,
    only: Option<Status>,
    out: &mut (dyn Write + Send),
) -> io::Result<u64> {
    let end = match format {
        Format::Csv => {
            let mut csv = Csv::new(out, false);
            columns().iter().try_for_each(|name| csv.cell(Cell::Text(name)))?;
            csv.end_record()?;
            let end = comparison.put_rows(only, &mut csv)?;
            csv.finish(comparison.disclaimer.as_deref())?;
            end
        }
        Format::Ndjson => {
            let mut json = Json::new(out, columns(), DIMS, Framing::Lines);
            let end = comparison.put_rows(only, &mut json)?;
            json.finish()?;
            end
        }
        _ => {
            let mut json = Json::new(out, columns(), DIMS, Framing::Array);
            json.raw("{\"data\":[");
            let end = comparison.put_rows(only, &mut json)?;
            json.raw(&format!("\n],\n\"summary\":{},\n", comparison.summary(&end)?));
            json.raw(&format!("\"meta\":{}}}\n", comparison.meta()));
            json.finish()?;
            end
        }
    };
    Ok(end.rows)
}

/// What is known after the last row.
#[derive(Default)]
struct End<'a> {
    summary: Summary,
    largest: Option<Row<'a>>,
    /// How many rows were written.
    rows: u64,
}

impl<'a> End<'a> {
    fn count(&mut self, row: &Row<'a>) {
        self.summary.count(&row.change);
        let size = |row: &Row<'_>| row.change.delta().map(|delta| delta.abs());
        let known = self.largest.as_ref().and_then(size).unwrap_or_default();
        if size(row).is_some_and(|size| size > known) {
            self.largest = Some(*row);
        }
    }
}

/// The summary as it is told.
#[derive(serde::Serialize)]
struct Told {
    added: u64,
    removed: u64,
    changed: u64,
    unchanged: u64,
    largest_move: Option<Box<RawValue>>,
    from_note: Option<String>,
    to_note: Option<String>,
}

impl Comparison {
    fn put_rows<S: Sink>(&self, only: Option<Status>, sink: &mut S) -> io::Result<End<'_>> {
        let (head, levels) = (self.head(sink), self.levels());
        let mut end = End::default();
        for pair in self.pairs() {
            let mut series = None;
            for row in levels.iter().filter_map(|level| Row::of(pair, *level)) {
                end.count(&row);
                let wanted = only.is_none() || row.change.status == only;
                if row.change.status.is_none() || !wanted {
                    continue;
                }
                if series.is_none() || matches!(row.place, Place::Component(..)) {
                    series = Some(prepared_series(sink, &row));
                }
                sink.put(&head)?;
                series.iter().try_for_each(|series| sink.put(series))?;
                put_row(sink, &row)?;
                end.rows += 1;
            }
        }
        Ok(end)
    }

    fn head<S: Sink>(&self, sink: &S) -> S::Prepared {
        let (from, to) = (self.from.version.id.to_string(), self.to.version.id.to_string());
        let words = [self.combination.curve.as_str(), self.combination.iso.as_str(), &from, &to];
        sink.prepare(0, &words.map(Cell::Text))
    }

    fn summary(&self, end: &End<'_>) -> io::Result<String> {
        let Summary { added, removed, changed, unchanged } = end.summary;
        let largest_move = end.largest.as_ref().map(|row| self.largest(row)).transpose()?;
        // A version has no note of its upload.
        let (from_note, to_note) = (None, None);
        let told = Told { added, removed, changed, unchanged, largest_move, from_note, to_note };
        Ok(serde_json::to_string(&told)?)
    }

    /// The row as it stands among the data.
    fn largest(&self, row: &Row<'_>) -> io::Result<Box<RawValue>> {
        let mut bytes = Vec::new();
        let mut json = Json::new(&mut bytes, columns(), DIMS, Framing::Lines);
        json.put(&self.head(&json))?;
        json.put(&prepared_series(&json, row))?;
        put_row(&mut json, row)?;
        json.finish()?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    fn meta(&self) -> Value {
        json!({
            "from": version_json(&self.from.version),
            "to": version_json(&self.to.version),
            "known_at": self.known_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            "disclaimer": self.disclaimer,
        })
    }
}

/// Labels to kind.
fn prepared_series<S: Sink>(sink: &S, row: &Row<'_>) -> S::Prepared {
    let (series, column) = (row.pair.series, row.column);
    let names = match row.place {
        // Each place of a matrix is a component with a unit of its own.
        Place::Component(name, unit) => (Cell::Text(name), Cell::Text(unit)),
        _ => (Cell::Text(&series.sub_component), Cell::Text(&series.uom)),
    };
    sink.prepare(DIMS.start, &series_cells(series, column, names))
}

/// What stands behind the series.
fn put_row<S: Sink>(sink: &mut S, row: &Row<'_>) -> io::Result<()> {
    let (more, change) = (&row.pair.series.more, &row.change);
    place_cells(row.place).into_iter().try_for_each(|cell| sink.cell(cell))?;
    sink.cell(more.term.map_or(Cell::Blank, |months| Cell::Whole(months.into())))?;
    sink.cell(more.beginning_date.map_or(Cell::Blank, Cell::Day))?;
    sink.cell(Cell::text(change.status.map(Status::as_str)))?;
    let value = if row.column.computed { Cell::Price } else { Cell::Exact };
    for number in [change.old, change.new, change.delta()] {
        sink.cell(number.map_or(Cell::Blank, value))?;
    }
    sink.cell(change.percent().map_or(Cell::Blank, Cell::Price))?;
    sink.end_record()
}
