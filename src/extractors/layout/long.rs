//! One record per value, the same columns for every curve type.

use std::{io, ops::Range};

use super::{Grid, GridColumn, Layout, wide::rows};
use crate::{
    db::data::VersionHeader,
    domain::Place,
    extractors::{
        cell::{Cell, Sink},
        printed::PrintedSeries,
        selection::Part,
        words::Curve,
    },
};

/// One header record, then the data.
#[derive(Debug, Clone, Copy)]
pub struct Long<'a>(pub &'a Part);

impl Long<'_> {
    /// The columns; additions go to the end.
    pub const COLUMNS: &'static [&'static str] = &[
        "curve",
        "iso",
        "version_id",
        "curve_timestamp",
        "operating_day",
        "cob",
        "known_at",
        "control_area",
        "state",
        "load_zone",
        "capacity_zone",
        "utility",
        "block_type",
        "cost_group",
        "cost_component",
        "sub_component",
        "customer_type",
        "load_profile",
        "matching_id",
        "lookup_id",
        "uom",
        "kind",
        "contract_month",
        "date",
        "month",
        "he",
        "term",
        "beginning_date",
        "measure",
        "value",
        "missing_reason",
    ];

    /// Those that JSON puts under `dims`.
    pub const DIMS: Range<usize> = 7..16;

    /// The labels of a series, its place on the axis, and its term: what a row is about.
    pub const SERIES_AND_PLACE: Range<usize> = 7..28;

    const SERIES: usize = 7;
    const PLACE: usize = 22;
    const OFFER: usize = 26;
}

impl Layout for Long<'_> {
    fn frozen(&self) -> (u32, u16) {
        (1, 0)
    }

    fn columns(&self) -> usize {
        Self::COLUMNS.len()
    }

    fn header<S: Sink>(&self, sink: &mut S) -> io::Result<()> {
        Self::COLUMNS.iter().try_for_each(|name| sink.cell(Cell::Text(name)))?;
        sink.end_record()
    }

    fn version<S: Sink>(
        &self,
        version: &VersionHeader,
        grid: &Grid,
        sink: &mut S,
    ) -> io::Result<u64> {
        let id = version.id.to_string();
        let head = [
            Cell::Text(self.0.combination.curve.as_str()),
            Cell::Text(self.0.combination.iso.as_str()),
            Cell::Text(&id),
            Cell::Instant(version.curve_timestamp),
            Cell::Day(version.operating_day),
            Cell::Flag(version.cob),
            Cell::Microseconds(version.known_at),
        ];
        let head = sink.prepare(0, &head);
        let pairs = self.0.series.iter().zip(&grid.columns);
        let columns: Vec<_> =
            pairs.filter_map(|(series, column)| Some((series, column.as_ref()?))).collect();
        let prepared: Vec<_> =
            columns.iter().map(|(series, column)| Prepared::new(sink, series, column)).collect();
        let mut records = 0;
        for row in rows(&grid.axis) {
            let place = grid.axis.place(row);
            let index = sink.prepare(Self::PLACE, &place_cells(place));
            for ((series, column), prepared) in columns.iter().zip(&prepared) {
                if !column.has(row) {
                    continue;
                }
                records += 1;
                sink.put(&head)?;
                match place {
                    // Each place of a matrix is a component with a unit of its own.
                    Place::Component(name, unit) => {
                        let cells = component_cells(self.0.combination.curve, name, unit);
                        let cells = series_cells(series, column, cells);
                        sink.put(&sink.prepare(Self::SERIES, &cells))?;
                    }
                    _ => sink.put(&prepared.series)?,
                }
                sink.put(&index)?;
                sink.put(&prepared.offer)?;
                sink.cell(Cell::Text(measure(self.0.combination.curve, place)))?;
                sink.cell(column.value(row).map_or(Cell::Blank, |value| column.cell(value)))?;
                sink.cell(column.missing_reason(row).map_or(Cell::Blank, Cell::Text))?;
                sink.end_record()?;
            }
        }
        Ok(records)
    }
}

/// The cells of a series that recur in its records.
struct Prepared<P> {
    /// Labels to kind.
    series: P,
    /// Term and beginning date.
    offer: P,
}

impl<P> Prepared<P> {
    fn new<S: Sink<Prepared = P>>(sink: &S, series: &PrintedSeries, column: &GridColumn) -> Self {
        let names = (Cell::Text(&series.sub_component), Cell::Text(&series.uom));
        let term = series.more.term.map_or(Cell::Blank, |months| Cell::Whole(months.into()));
        let beginning = series.more.beginning_date.map_or(Cell::Blank, Cell::Day);
        Self {
            series: sink.prepare(Long::SERIES, &series_cells(series, column, names)),
            offer: sink.prepare(Long::OFFER, &[term, beginning]),
        }
    }
}

/// Sub-component and unit: of headroom the measure is no component.
fn component_cells<'a>(curve: Curve, name: &'a str, unit: &'a str) -> (Cell<'a>, Cell<'a>) {
    match curve {
        Curve::Headroom => (Cell::Blank, Cell::Text(unit)),
        _ => (Cell::Text(name), Cell::Text(unit)),
    }
}

fn measure(curve: Curve, place: Place<'_>) -> &str {
    match (curve, place) {
        (Curve::Headroom, Place::Component(name, _)) => name,
        _ => "value",
    }
}

/// Contract month, date, month number, hour ending.
pub(in crate::extractors) fn place_cells(place: Place<'_>) -> [Cell<'static>; 4] {
    const BLANK: Cell<'static> = Cell::Blank;
    let whole = |number: u8| Cell::Whole(number.into());
    match place {
        Place::Month(month) => [Cell::Day(month.first_day()), BLANK, BLANK, BLANK],
        Place::Hour(day, hour) => [BLANK, Cell::Day(day), BLANK, whole(hour)],
        Place::MonthHour(month, hour) => [BLANK, BLANK, whole(month), whole(hour)],
        Place::Component(..) | Place::Single => [BLANK; 4],
    }
}

/// The labels, sub-component, more labels, unit and kind of a series.
pub(in crate::extractors) fn series_cells<'a>(
    series: &'a PrintedSeries,
    column: &'a GridColumn,
    (sub_component, uom): (Cell<'a>, Cell<'a>),
) -> Vec<Cell<'a>> {
    let more = &series.more;
    let mut cells: Vec<Cell<'a>> = series.labels.iter().map(|label| Cell::Text(label)).collect();
    cells.push(sub_component);
    cells.extend([
        Cell::text(more.customer_type.as_deref()),
        Cell::text(more.load_profile.as_deref()),
        Cell::text(more.matching_id.as_deref()),
        Cell::text(more.lookup_id.as_deref().or_else(|| column.lookup_id())),
    ]);
    cells.extend([uom, Cell::Text(series.kind.as_str())]);
    cells
}
