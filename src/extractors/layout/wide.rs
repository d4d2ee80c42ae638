//! The layout of spreadsheets: one column per series, or one record per series.

use std::io;

use rust_decimal::Decimal;

use super::{
    Grid, Layout,
    shape::{Columns, Field, Record, Shape, shape},
};
use crate::{
    db::data::VersionHeader,
    domain::{Axis, Place},
    extractors::{
        cell::{Cell, Sink},
        selection::Part,
    },
};

/// Header records, then the data, in the shape of the curve type.
#[derive(Debug, Clone, Copy)]
pub struct Wide<'a>(pub &'a Part);

impl Wide<'_> {
    fn shape(self) -> Shape {
        shape(self.0.combination.curve)
    }
}

impl Layout for Wide<'_> {
    fn frozen(&self) -> (u32, u16) {
        match self.shape() {
            Shape::Columns(columns) => {
                let records = columns.labels.len() + usize::from(columns.captions);
                let frozen = u32::try_from(records).unwrap_or_default();
                (frozen, u16::try_from(columns.index.len()).unwrap_or_default())
            }
            Shape::Records(_) => (1, 0),
        }
    }

    fn columns(&self) -> usize {
        match self.shape() {
            Shape::Columns(columns) => columns.index.len() + self.0.series.len(),
            Shape::Records(fields) => fields.len(),
        }
    }

    fn header<S: Sink>(&self, sink: &mut S) -> io::Result<()> {
        match self.shape() {
            Shape::Columns(columns) => columns_header(columns, self.0, sink),
            Shape::Records(fields) => {
                fields.iter().try_for_each(|Field(caption, _)| sink.cell(Cell::Text(caption)))?;
                sink.end_record()
            }
        }
    }

    fn version<S: Sink>(
        &self,
        version: &VersionHeader,
        grid: &Grid,
        sink: &mut S,
    ) -> io::Result<u64> {
        match self.shape() {
            Shape::Columns(columns) => columns_version(columns, version, grid, sink),
            Shape::Records(fields) => records_version(fields, self.0, (version, grid), sink),
        }
    }
}

fn columns_header<S: Sink>(columns: &Columns, part: &Part, sink: &mut S) -> io::Result<()> {
    for label in columns.labels {
        sink.cell(Cell::Text(label.0))?;
        columns.index[1..].iter().try_for_each(|_| sink.cell(Cell::Blank))?;
        part.series.iter().try_for_each(|series| sink.cell(label.1(series)))?;
        sink.end_record()?;
    }
    if columns.captions {
        columns.index.iter().try_for_each(|index| sink.cell(Cell::Text(index.0)))?;
        part.series.iter().try_for_each(|_| sink.cell(Cell::Blank))?;
        sink.end_record()?;
    }
    Ok(())
}

fn columns_version<S: Sink>(
    columns: &Columns,
    version: &VersionHeader,
    grid: &Grid,
    sink: &mut S,
) -> io::Result<u64> {
    // Most of an index is the same in every record of a version.
    let updated = sink.prepare(0, &[Cell::Timestamp(version.curve_timestamp)]);
    for row in rows(&grid.axis) {
        let place = grid.axis.place(row);
        let index = columns.index.iter().map(|index| index.1(version, place));
        for cell in index {
            match cell {
                Cell::Timestamp(_) => sink.put(&updated)?,
                cell => sink.cell(cell)?,
            }
        }
        for column in &grid.columns {
            let value = column.as_ref().and_then(|column| column.value(row));
            sink.cell(value.map_or(Cell::Blank, |value| columns.number.cell(value)))?;
        }
        sink.end_record()?;
    }
    Ok(grid.axis.len() as u64)
}

/// The rows in the order of the records: components by their names' bytes, else as the axis is.
pub(super) fn rows(axis: &Axis) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..axis.len()).collect();
    if matches!(axis, Axis::Components(_)) {
        rows.sort_by_key(|row| match axis.place(*row) {
            Place::Component(name, _) => name,
            _ => "",
        });
    }
    rows
}

fn records_version<S: Sink>(
    fields: &[Field],
    part: &Part,
    (version, grid): (&VersionHeader, &Grid),
    sink: &mut S,
) -> io::Result<u64> {
    let mut records = 0;
    for (series, column) in part.series.iter().zip(&grid.columns) {
        let Some(column) = column else { continue };
        let values: Vec<Option<Decimal>> =
            (0..grid.axis.len()).map(|row| column.value(row)).collect();
        let record = Record { version, series, values: &values };
        fields.iter().try_for_each(|Field(_, cell)| sink.cell(cell(&record)))?;
        sink.end_record()?;
        records += 1;
    }
    Ok(records)
}
