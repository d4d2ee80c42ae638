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
    /// A value with its exact decimals, at least one.
    Shortest(Decimal),
    /// A percentage with two decimals, rounded half away from zero.
    Percent(Decimal),
    /// A count: an hour ending, a month number.
    Whole(u32),
    /// A day as `mm/dd/yyyy`.
    UsDay(NaiveDate),
}

impl<'a> Cell<'a> {
    /// A text where there is one.
    #[must_use]
    pub const fn text(text: Option<&'a str>) -> Self {
        match text {
            Some(text) => Self::Text(text),
            None => Self::Blank,
        }
    }

    /// The cell where it borrows nothing, else its text.
    pub const fn without_text(self) -> Result<Cell<'static>, &'a str> {
        Ok(match self {
            Self::Text(text) => return Err(text),
            Self::Blank => Cell::Blank,
            Self::Timestamp(at) => Cell::Timestamp(at),
            Self::Midnight(day) => Cell::Midnight(day),
            Self::Instant(at) => Cell::Instant(at),
            Self::Microseconds(at) => Cell::Microseconds(at),
            Self::Day(day) => Cell::Day(day),
            Self::Plain(at) => Cell::Plain(at),
            Self::Flag(flag) => Cell::Flag(flag),
            Self::Price(value) => Cell::Price(value),
            Self::Exact(value) => Cell::Exact(value),
            Self::Shortest(value) => Cell::Shortest(value),
            Self::Percent(value) => Cell::Percent(value),
            Self::Whole(number) => Cell::Whole(number),
            Self::UsDay(day) => Cell::UsDay(day),
        })
    }
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
