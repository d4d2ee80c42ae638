//! Dates of rows.

use chrono::{Datelike as _, NaiveDate};
use trueprice::{
    grid::{Cell, CellKind, Grid},
    ingestors::date::{self, DateFormat},
};

use super::kind;

/// The first byte chooses the kind, the others are the text.
pub fn check(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(text);
    let grid = Grid::default();
    let Ok(read) = date::read(&grid, Cell { text: &text, kind: kind(*choice) }) else { return };
    assert!((1990..=2100).contains(&read.day.year()), "{read:?}");
    let (text, kind) = printed(read.day, read.format);
    assert_eq!(date::read(&grid, Cell { text: &text, kind }), Ok(read), "{text:?}");
}

/// A day as its format writes it. A short year is one of this century.
fn printed(day: NaiveDate, format: DateFormat) -> (String, CellKind) {
    let pattern = match format {
        DateFormat::SlashLong => "%m/%d/%Y",
        DateFormat::SlashShort => "%m/%d/%y",
        DateFormat::Iso => "%Y-%m-%d",
        DateFormat::NameShort => "%b-%y",
        DateFormat::NameLong => "%b-%Y",
        DateFormat::Typed => return (day.to_string(), CellKind::Date),
    };
    (day.format(pattern).to_string(), CellKind::Text)
}
