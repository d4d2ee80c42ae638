//! Answers that are like no slots, as files: a header and records, read as they are written.

use std::io::{self, Write};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use tokio::sync::mpsc;

use crate::extractors::{
    cell::{Cell, Sink},
    writers::{csv::Csv, xlsx},
};

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Datum {
    /// A text, or nothing.
    Text(Option<String>),
    /// A number with its exact digits, or nothing.
    Number(Option<Decimal>),
    /// A day.
    Day(NaiveDate),
    /// An instant, or nothing.
    Instant(Option<DateTime<Utc>>),
    /// Yes or no.
    Flag(bool),
}

impl Datum {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Text(text) => Cell::text(text.as_deref()),
            Self::Number(number) => number.map_or(Cell::Blank, Cell::Exact),
            Self::Day(day) => Cell::Day(*day),
            Self::Instant(at) => at.map_or(Cell::Blank, Cell::Instant),
            Self::Flag(flag) => Cell::Flag(*flag),
        }
    }
}

/// Some records.
pub type Records = Vec<Vec<Datum>>;

/// Records that are there already.
#[must_use]
pub fn once(records: Records) -> mpsc::Receiver<sqlx::Result<Records>> {
    let (sender, receiver) = mpsc::channel(1);
    // There is room for one.
    let _ = sender.try_send(Ok(records));
    receiver
}

/// What is written, and how.
#[derive(Debug)]
pub struct Table {
    /// A workbook rather than CSV.
    pub is_xlsx: bool,
    /// The header.
    pub columns: &'static [&'static str],
    /// What stands at the end: attribution, disclaimer.
    pub trailer: Option<String>,
    /// What dates a workbook inside.
    pub dated: DateTime<Utc>,
}

impl Table {
    /// Writes everything until the sender is gone; it says so when it fails.
    pub fn write(
        self,
        records: mpsc::Receiver<sqlx::Result<Records>>,
        out: &mut (dyn Write + Send),
    ) -> io::Result<u64> {
        let trailer = self.trailer.as_deref();
        if self.is_xlsx {
            return xlsx::write(out, (1, 0), self.dated, trailer, |sheet| {
                put(self.columns, records, sheet)
            });
        }
        let mut csv = Csv::new(out, false);
        let rows = put(self.columns, records, &mut csv)?;
        csv.finish(trailer)?;
        Ok(rows)
    }
}

fn put(
    columns: &[&str],
    mut records: mpsc::Receiver<sqlx::Result<Records>>,
    sink: &mut impl Sink,
) -> io::Result<u64> {
    columns.iter().try_for_each(|name| sink.cell(Cell::Text(name)))?;
    sink.end_record()?;
    let mut rows = 0;
    while let Some(some) = records.blocking_recv() {
        for record in some.map_err(io::Error::other)? {
            record.iter().try_for_each(|datum| sink.cell(datum.cell()))?;
            sink.end_record()?;
            rows += 1;
        }
    }
    Ok(rows)
}
