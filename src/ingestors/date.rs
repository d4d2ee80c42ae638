//! Dates: one format a file, month first, nothing guessed.

use chrono::{Datelike, NaiveDate};

use crate::{
    domain::{Code, Finding},
    grid::{Cell, CellKind, Grid},
};

/// How a date is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DateFormat {
    /// `5/1/2023`.
    SlashLong,
    /// `5/1/23`.
    SlashShort,
    /// `2023-05-01`.
    Iso,
    /// `May-23`.
    NameShort,
    /// `May-2023`.
    NameLong,
    /// A date or serial number of a workbook.
    Typed,
}

impl std::fmt::Display for DateFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SlashLong => "M/D/YYYY",
            Self::SlashShort => "M/D/YY",
            Self::Iso => "YYYY-MM-DD",
            Self::NameShort => "Mon-YY",
            Self::NameLong => "Mon-YYYY",
            Self::Typed => "a date of the workbook",
        })
    }
}

/// A date as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadDate {
    /// The day.
    pub day: NaiveDate,
    /// How it was written.
    pub format: DateFormat,
}

/// Reads the dates of a file, which must all be written alike.
#[derive(Debug, Clone)]
pub struct Dates<'g> {
    grid: &'g Grid,
    first: Option<DateFormat>,
}

impl<'g> Dates<'g> {
    /// Of this file.
    #[must_use]
    pub const fn of(grid: &'g Grid) -> Self {
        Self { grid, first: None }
    }

    /// Reads the next one; the error is `bad_date`, `date_order` or `mixed_date_formats`.
    pub fn read(&mut self, cell: Cell<'_>) -> Result<ReadDate, Finding> {
        let read = read(self.grid, cell).map_err(|code| wrong_date(code, cell.trimmed()))?;
        let first = *self.first.get_or_insert(read.format);
        if first == read.format {
            return Ok(read);
        }
        let message = format!("the date is written as {}, those above as {first}", read.format);
        Err(Finding::new(Code::MixedDateFormats, message).hint("write all dates of a file alike"))
    }
}

fn wrong_date(code: Code, text: &str) -> Finding {
    let (message, hint) = match (code, text) {
        (Code::DateOrder, _) => (
            "the first number is above 12: dates are read month first".to_owned(),
            "write dates as M/D/YYYY or YYYY-MM-DD",
        ),
        (_, "") => {
            ("the row has values but no date".to_owned(), "fill in the date or empty the row")
        }
        _ => (
            format!("{:?} is not a date", text.chars().take(40).collect::<String>()),
            "write dates as M/D/YYYY, YYYY-MM-DD or Mon-YY; totals and footnotes do not belong here",
        ),
    };
    Finding::new(code, message).hint(hint)
}

/// Whether every date lies in January though the days differ, as when D/M is read as M/D: the first
/// place that gives it away.
#[must_use]
pub fn days_of_january(dates: &[Option<ReadDate>]) -> Option<usize> {
    let slashes =
        |read: &ReadDate| matches!(read.format, DateFormat::SlashLong | DateFormat::SlashShort);
    let all_january =
        dates.iter().all(|read| read.is_some_and(|read| slashes(&read) && read.day.month() == 1));
    all_january
        .then(|| dates.iter().position(|read| read.is_some_and(|read| read.day.day() != 1)))
        .flatten()
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const YEARS: std::ops::RangeInclusive<i32> = 1990..=2100;

/// Reads the date in a cell; the error is `bad_date` or `date_order`.
pub fn read(grid: &Grid, cell: Cell<'_>) -> Result<ReadDate, Code> {
    let text = cell.trimmed();
    let read = match cell.kind {
        CellKind::Number => {
            grid.serial_day(text).map(|day| ReadDate { day, format: DateFormat::Typed })
        }
        CellKind::Date => read_iso(without_midnight(text))
            .map(|read| ReadDate { format: DateFormat::Typed, ..read }),
        CellKind::Text => read_text(without_midnight(text))?,
        CellKind::Percent | CellKind::Money | CellKind::Formula => None,
    };
    read.filter(|read| YEARS.contains(&read.day.year())).ok_or(Code::BadDate)
}

/// Drops a trailing `00:00` or `00:00:00`.
fn without_midnight(text: &str) -> &str {
    ["00:00:00", "00:00"]
        .iter()
        .find_map(|midnight| text.strip_suffix(midnight))
        .filter(|rest| rest.ends_with(' '))
        .map_or(text, str::trim_end)
}

fn read_text(text: &str) -> Result<Option<ReadDate>, Code> {
    if text.contains('/') {
        read_slashes(text)
    } else {
        Ok(read_iso(text).or_else(|| read_name(text)))
    }
}

fn read_slashes(text: &str) -> Result<Option<ReadDate>, Code> {
    let parts: Vec<&str> = text.split('/').collect();
    let &[first, second, year] = parts.as_slice() else { return Ok(None) };
    let (Some(month), Some(day)) = (digits(first, 1..=2), digits(second, 1..=2)) else {
        return Ok(None);
    };
    let Some((year, long)) = read_year(year) else { return Ok(None) };
    if month > 12 && (1..=12).contains(&day) {
        return Err(Code::DateOrder);
    }
    let format = if long { DateFormat::SlashLong } else { DateFormat::SlashShort };
    Ok(NaiveDate::from_ymd_opt(year, month, day).map(|day| ReadDate { day, format }))
}

fn read_iso(text: &str) -> Option<ReadDate> {
    let mut parts = text.split('-');
    let year = digits(parts.next()?, 4..=4)?.cast_signed();
    let month = digits(parts.next()?, 1..=2)?;
    let day = digits(parts.next()?, 1..=2)?;
    let day = NaiveDate::from_ymd_opt(year, month, day).filter(|_| parts.next().is_none())?;
    Some(ReadDate { day, format: DateFormat::Iso })
}

fn read_name(text: &str) -> Option<ReadDate> {
    let (name, year) = text.split_once('-')?;
    let (year, long) = read_year(year)?;
    let month = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))?;
    let day = NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()? + 1, 1)?;
    let format = if long { DateFormat::NameLong } else { DateFormat::NameShort };
    Some(ReadDate { day, format })
}

fn read_year(text: &str) -> Option<(i32, bool)> {
    match text.len() {
        2 => digits(text, 2..=2).map(|year| (2000 + year.cast_signed(), false)),
        _ => digits(text, 4..=4).map(|year| (year.cast_signed(), true)),
    }
}

fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<u32> {
    (length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Result<(String, DateFormat), Code> {
        read(&Grid::default(), Cell { text, kind: CellKind::Text })
            .map(|read| (read.day.to_string(), read.format))
    }

    #[test]
    fn every_accepted_form_is_read() {
        use DateFormat::{Iso, NameLong, NameShort, SlashLong, SlashShort};
        for (cell, format) in [
            ("5/1/2023", SlashLong),
            ("05/01/2023", SlashLong),
            (" 5/1/2023 00:00 ", SlashLong),
            ("5/1/23", SlashShort),
            ("2023-05-01", Iso),
            ("2023-05-01 00:00:00", Iso),
            ("May-23", NameShort),
            ("MAY-2023", NameLong),
        ] {
            assert_eq!(text(cell), Ok(("2023-05-01".into(), format)), "{cell}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for cell in [
            "",
            "Total",
            "45047",
            "2/30/2023",
            "5/1/1989",
            "5/1/2101",
            "5/1/023",
            "2023-05-01 12:00",
            "5-1-2023",
            "2023/05/01",
            "Mai-23",
            "May 2023",
            "1/0/2023",
            "5/1/2023/1",
            "2023-05-01-1",
            "20230501",
        ] {
            assert_eq!(text(cell).unwrap_err(), Code::BadDate, "{cell}");
        }
        assert_eq!(text("13/5/2023").unwrap_err(), Code::DateOrder);
    }

    #[test]
    fn workbook_dates_and_serial_numbers_are_read() {
        let typed = |text, kind| read(&Grid::default(), Cell { text, kind }).unwrap();
        let expected = ReadDate {
            day: NaiveDate::from_ymd_opt(2023, 5, 1).unwrap(),
            format: DateFormat::Typed,
        };
        assert_eq!(typed("2023-05-01", CellKind::Date), expected);
        assert_eq!(typed("45047", CellKind::Number), expected);
    }
}
