//! One record per value, the same columns for every curve type.

use std::{io, ops::Range};

use super::{Grid, GridColumn, Layout};
use crate::{
    db::data::VersionHeader,
    domain::ContractMonth,
    extractors::{
        cell::{Cell, Sink},
        selection::{Part, PrintedSeries},
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

    const SERIES: usize = 7;
    const MONTH: usize = 22;
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
        let columns: Vec<_> = pairs
            .filter_map(|(series, column)| {
                column.as_ref().map(|column| (prepare_series(sink, series, column), column))
            })
            .collect();
        for (row, month) in grid.axis.months().map(ContractMonth::first_day).enumerate() {
            let month = [Cell::Day(month), Cell::Blank, Cell::Blank, Cell::Blank, Cell::Blank];
            let tail = [Cell::Blank, Cell::Text("value")];
            let month = sink.prepare(Self::MONTH, &[&month[..], &tail[..]].concat());
            for (series, column) in &columns {
                sink.put(&head)?;
                sink.put(series)?;
                sink.put(&month)?;
                sink.cell(column.value(row).map_or(Cell::Blank, |value| column.cell(value)))?;
                sink.cell(column.missing_reason(row).map_or(Cell::Blank, Cell::Text))?;
                sink.end_record()?;
            }
        }
        Ok((grid.axis.len() * columns.len()) as u64)
    }
}

fn prepare_series<S: Sink>(sink: &S, series: &PrintedSeries, column: &GridColumn) -> S::Prepared {
    let labels = series.labels.iter().map(|label| Cell::Text(label));
    let rest = [
        Cell::Text(&series.sub_component),
        Cell::Blank,
        Cell::Blank,
        Cell::Blank,
        column.lookup_id().map_or(Cell::Blank, Cell::Text),
        Cell::Text(&series.uom),
        Cell::Text("native"),
    ];
    let cells: Vec<Cell<'_>> = labels.chain(rest).collect();
    sink.prepare(Long::SERIES, &cells)
}
