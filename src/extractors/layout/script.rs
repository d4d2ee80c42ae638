//! The flat records that existing scripts read as JSON.

use std::io;

use chrono::{NaiveDate, NaiveTime};
use rust_decimal::Decimal;

use super::{
    Grid, Layout,
    shape::{Shape, shape},
    wide::rows,
};
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

/// One record per value.
#[derive(Debug, Clone, Copy)]
pub struct Script<'a>(pub &'a Part);

impl Script<'_> {
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
    ];

    /// The members of a record, those last that only some curve types have.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let mut names = Self::COLUMNS.to_vec();
        names.extend(more_of(self.0.combination.curve));
        names
    }
}

const fn more_of(curve: Curve) -> &'static [&'static str] {
    match curve {
        Curve::Energy => &["COB"],
        Curve::LoadProfile => &["HE", "Customer Type"],
        Curve::Shaping | Curve::Vlr => &["HE"],
        _ => &[],
    }
}

impl Layout for Script<'_> {
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
        let mut records = 0;
        let update = Cell::Plain(version.curve_timestamp);
        for row in rows(&grid.axis) {
            let place = grid.axis.place(row);
            let month = sink.prepare(0, &[start(place)]);
            for (series, column) in self.0.series.iter().zip(&grid.columns) {
                let Some(column) = column.as_ref().filter(|column| column.has(row)) else {
                    continue;
                };
                sink.put(&month)?;
                sink.cell(column.value(row).map_or(Cell::Blank, |value| self.number(value)))?;
                sink.cell(update)?;
                series.labels.iter().try_for_each(|label| sink.cell(Cell::Text(label)))?;
                let (component, unit) = match place {
                    Place::Component(name, unit) => (name, unit),
                    _ => (&*series.sub_component, &*series.uom),
                };
                sink.cell(Cell::Text(component))?;
                sink.cell(Cell::Text(unit))?;
                for name in more_of(self.0.combination.curve) {
                    sink.cell(more(name, version, series, place))?;
                }
                sink.end_record()?;
                records += 1;
            }
        }
        Ok(records)
    }
}

impl Script<'_> {
    fn number(self, value: Decimal) -> Cell<'static> {
        match shape(self.0.combination.curve) {
            Shape::Columns(columns) => columns.number.cell(value),
            Shape::Records(_) => Cell::Exact(value),
        }
    }
}

/// The month; a day or a month number where a curve type has these.
fn start(place: Place<'_>) -> Cell<'static> {
    let midnight = |day: NaiveDate| Cell::Plain(day.and_time(NaiveTime::MIN).and_utc());
    match place {
        Place::Month(month) => midnight(month.first_day()),
        Place::Hour(day, _) => midnight(day),
        Place::MonthHour(month, _) => Cell::Whole(month.into()),
        Place::Component(..) | Place::Single => Cell::Blank,
    }
}

fn more<'a>(
    name: &str,
    version: &VersionHeader,
    series: &'a PrintedSeries,
    place: Place<'_>,
) -> Cell<'a> {
    match (name, place) {
        ("COB", _) => Cell::Flag(version.cob),
        ("HE", Place::Hour(_, hour) | Place::MonthHour(_, hour)) => Cell::Whole(hour.into()),
        ("Customer Type", _) => Cell::text(series.more.customer_type.as_deref()),
        _ => Cell::Blank,
    }
}
