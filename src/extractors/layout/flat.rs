//! The flat records that existing scripts read as JSON.

use std::io;

use chrono::NaiveTime;

use super::{Grid, Layout};
use crate::{
    db::data::VersionHeader,
    domain::ContractMonth,
    extractors::{
        cell::{Cell, Sink},
        selection::Part,
    },
};

/// One record per value.
#[derive(Debug, Clone, Copy)]
pub struct Flat<'a>(pub &'a Part);

impl Flat<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "Curve Start Month",
        "Data",
        "Curve Update Date",
        "Control Area",
        "State",
        "Load Zone",
        "Capacity Zone",
        "Utility",
        "Block Type",
        "Cost Group",
        "Cost Component",
        "Sub Cost Component",
        "UOM",
        "COB",
    ];

    /// The members of a record; curves without close of business have no `COB`.
    #[must_use]
    pub fn names(&self) -> &'static [&'static str] {
        let cob = self.0.combination.curve.has_cob();
        if cob { Self::COLUMNS } else { &Self::COLUMNS[..Self::COLUMNS.len() - 1] }
    }
}

impl Layout for Flat<'_> {
    fn frozen(&self) -> (u32, u16) {
        (0, 0)
    }

    fn columns(&self) -> usize {
        self.names().len()
    }

    fn header<S: Sink>(&self, _sink: &mut S) -> io::Result<()> {
        Ok(())
    }

    fn version<S: Sink>(
        &self,
        version: &VersionHeader,
        grid: &Grid,
        sink: &mut S,
    ) -> io::Result<u64> {
        let tails: Vec<_> = self
            .0
            .series
            .iter()
            .map(|series| {
                let mut cells = vec![Cell::Plain(version.curve_timestamp)];
                cells.extend(series.labels.iter().map(|label| Cell::Text(label)));
                cells.extend([Cell::Text(&series.sub_component), Cell::Text(&series.uom)]);
                if self.0.combination.curve.has_cob() {
                    cells.push(Cell::Flag(version.cob));
                }
                sink.prepare(2, &cells)
            })
            .collect();
        let mut records = 0;
        for (row, month) in grid.axis.months().map(ContractMonth::first_day).enumerate() {
            let month = sink.prepare(0, &[Cell::Plain(month.and_time(NaiveTime::MIN).and_utc())]);
            for (tail, column) in tails.iter().zip(&grid.columns) {
                let Some(column) = column else { continue };
                sink.put(&month)?;
                sink.cell(column.value(row).map_or(Cell::Blank, Cell::Price))?;
                sink.put(tail)?;
                sink.end_record()?;
                records += 1;
            }
        }
        Ok(records)
    }
}
