//! One column per series, one record per contract month of a version.

use std::io;

use super::{Grid, Layout, index_columns};
use crate::{
    db::data::VersionHeader,
    domain::{ContractMonth, Labels},
    extractors::{
        cell::{Cell, Sink},
        selection::{Part, PrintedSeries},
    },
};

/// Ten header records, then the data.
#[derive(Debug, Clone, Copy)]
pub struct Wide<'a>(pub &'a Part);

impl Wide<'_> {
    fn label_record<S: Sink>(
        self,
        sink: &mut S,
        name: &str,
        text: impl Fn(&PrintedSeries) -> &str,
    ) -> io::Result<()> {
        sink.cell(Cell::Text(name))?;
        for _ in 1..index_columns(self.0) {
            sink.cell(Cell::Blank)?;
        }
        self.0.series.iter().try_for_each(|series| sink.cell(Cell::Text(text(series))))?;
        sink.end_record()
    }
}

impl Layout for Wide<'_> {
    fn frozen(&self) -> (u32, u16) {
        (10, if index_columns(self.0) == 3 { 3 } else { 2 })
    }

    fn columns(&self) -> usize {
        index_columns(self.0) + self.0.series.len()
    }

    fn header<S: Sink>(&self, sink: &mut S) -> io::Result<()> {
        for (place, name) in Labels::NAMES.iter().enumerate() {
            self.label_record(sink, name, |series| &series.labels[place])?;
        }
        self.label_record(sink, "UOM", |series| &series.uom)?;
        let captions = ["Curve Update Date", "Curve Start Month", "COB"];
        for caption in &captions[..index_columns(self.0)] {
            sink.cell(Cell::Text(caption))?;
        }
        self.0.series.iter().try_for_each(|_| sink.cell(Cell::Blank))?;
        sink.end_record()
    }

    fn version<S: Sink>(
        &self,
        version: &VersionHeader,
        grid: &Grid,
        sink: &mut S,
    ) -> io::Result<u64> {
        let update = sink.prepare(0, &[Cell::Timestamp(version.curve_timestamp)]);
        let cob = sink.prepare(2, &[Cell::Flag(version.cob)]);
        for (row, month) in grid.axis.months().map(ContractMonth::first_day).enumerate() {
            sink.put(&update)?;
            sink.cell(Cell::Midnight(month))?;
            if index_columns(self.0) == 3 {
                sink.put(&cob)?;
            }
            for column in &grid.columns {
                let value = column.as_ref().and_then(|column| column.value(row));
                sink.cell(value.map_or(Cell::Blank, Cell::Price))?;
            }
            sink.end_record()?;
        }
        Ok(grid.axis.len() as u64)
    }
}
