//! What layouts hand to writers.

use std::io;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

/// One cell, by its meaning; how it looks is the writer's affair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Nothing: does not apply, or is missing.
    Blank,
    /// Text from a file or of the server.
    Text(&'a str),
    /// An instant as wide layouts print it: `2031-03-04 09:30:00+00:00`.
    Timestamp(DateTime<Utc>),
    /// A contract month as wide layouts print it: at midnight.
    Midnight(NaiveDate),
    /// An instant in RFC 3339 with `Z`.
    Instant(DateTime<Utc>),
    /// An instant to the microsecond, in RFC 3339 with `Z`: text in workbooks too, whose moments
    /// are good to milliseconds.
    Microseconds(DateTime<Utc>),
    /// A day.
    Day(NaiveDate),
    /// An instant without its zone: `2031-03-04 09:30:00`.
    Plain(DateTime<Utc>),
    /// Yes or no.
    Flag(bool),
    /// A price with five decimals, rounded half away from zero.
    Price(Decimal),
    /// A value with its exact decimals.
    Exact(Decimal),
}

/// Takes the records of a layout.
pub trait Sink {
    /// Cells that recur in many records, made ready once.
    type Prepared;

    /// Makes `cells` ready; `first_column` (0-based) is where they will stand.
    fn prepare(&self, first_column: usize, cells: &[Cell<'_>]) -> Self::Prepared;

    /// Writes prepared cells.
    fn put(&mut self, prepared: &Self::Prepared) -> io::Result<()>;

    /// Writes one cell.
    fn cell(&mut self, cell: Cell<'_>) -> io::Result<()>;

    /// Ends the record.
    fn end_record(&mut self) -> io::Result<()>;
}
