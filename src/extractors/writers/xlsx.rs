//! Cells as a workbook of one sheet, row by row in constant memory.

use std::io::{self, Write};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use crate::extractors::{
    cell::{Cell, Sink},
    number,
};

/// The most rows of a sheet.
pub const MAX_ROWS: u64 = 1_048_576;

/// The most columns of a sheet.
pub const MAX_COLUMNS: usize = 16_384;

/// Writes a workbook to `out`: what `fill` puts into the sheet, of which the first `rows` and
/// `columns` are frozen, then the disclaimer. Its internal dates are `dated`, so that the same content has the same bytes.
pub fn write(
    out: &mut (dyn Write + Send),
    (rows, columns): (u32, u16),
    dated: DateTime<Utc>,
    disclaimer: Option<&str>,
    fill: impl FnOnce(&mut Sheet<'_>) -> io::Result<u64>,
) -> io::Result<u64> {
    let mut workbook = Workbook::new();
    let created = ExcelDateTime::from_timestamp(dated.timestamp()).map_err(failed)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&created));
    let worksheet = workbook.add_worksheet_with_low_memory().map_err(failed)?;
    worksheet.set_freeze_panes(rows, columns).map_err(failed)?;
    let mut sheet = Sheet::new(worksheet);
    let records = fill(&mut sheet)?;
    if let Some(text) = disclaimer {
        sheet.end_record()?;
        sheet.cell(Cell::Text(text))?;
    }
    workbook.save_to_writer(out).map_err(failed)?;
    Ok(records)
}

fn failed(error: XlsxError) -> io::Error {
    io::Error::other(error)
}

/// A sheet that is filled row by row.
pub struct Sheet<'a> {
    worksheet: &'a mut Worksheet,
    row: u32,
    column: u16,
    price: Format,
    instant: Format,
    day: Format,
    us_day: Format,
    percent: Format,
    shortest: Format,
    whole: Format,
}

/// A cell that recurs.
#[derive(Debug)]
pub enum Ready {
    /// A text.
    Text(String),
    /// Anything else.
    Other(Cell<'static>),
}

impl<'a> Sheet<'a> {
    fn new(worksheet: &'a mut Worksheet) -> Self {
        Self {
            worksheet,
            row: 0,
            column: 0,
            price: Format::new().set_num_format("0.00000"),
            instant: Format::new().set_num_format("yyyy\\-mm\\-dd hh:mm:ss"),
            day: Format::new().set_num_format("yyyy\\-mm\\-dd"),
            us_day: Format::new().set_num_format("mm/dd/yyyy"),
            percent: Format::new().set_num_format("0.00"),
            shortest: Format::new().set_num_format("0.0##############"),
            whole: Format::new().set_num_format("0"),
        }
    }

    fn write(&mut self, cell: Cell<'_>) -> Result<(), XlsxError> {
        let (sheet, row, column) = (&mut *self.worksheet, self.row, self.column);
        match cell {
            Cell::Blank => return Ok(()),
            Cell::Text(text) => sheet.write_string(row, column, text)?,
            Cell::Flag(flag) => sheet.write_boolean(row, column, flag)?,
            Cell::Price(value) => {
                let value = number::decimals_as_f64(&value, number::FIVE);
                sheet.write_number_with_format(row, column, value, &self.price)?
            }
            Cell::Percent(value) => {
                let value = number::decimals_as_f64(&value, 2);
                sheet.write_number_with_format(row, column, value, &self.percent)?
            }
            Cell::Shortest(value) => {
                let value = number::as_f64(&value);
                sheet.write_number_with_format(row, column, value, &self.shortest)?
            }
            Cell::Whole(number) => sheet.write_number(row, column, number)?,
            Cell::Exact(value) => {
                // As csv prints it: by default a sheet shows little and much with an exponent.
                let format = if value.fract().is_zero() { &self.whole } else { &self.shortest };
                sheet.write_number_with_format(row, column, number::as_f64(&value), format)?
            }
            Cell::Timestamp(at) | Cell::Instant(at) | Cell::Plain(at) => {
                sheet.write_number_with_format(row, column, serial_instant(at), &self.instant)?
            }
            Cell::Microseconds(at) => {
                let text = at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
                sheet.write_string(row, column, text)?
            }
            Cell::UsDay(day) => {
                sheet.write_number_with_format(row, column, serial_day(day), &self.us_day)?
            }
            Cell::Midnight(day) | Cell::Day(day) => {
                sheet.write_number_with_format(row, column, serial_day(day), &self.day)?
            }
        };
        Ok(())
    }
}

/// Days since the workbook's day zero.
fn serial_day(day: NaiveDate) -> f64 {
    const ZERO: NaiveDate = NaiveDate::from_ymd_opt(1899, 12, 30).unwrap();
    i32::try_from((day - ZERO).num_days()).map_or(0.0, f64::from)
}

fn serial_instant(at: DateTime<Utc>) -> f64 {
    use chrono::Timelike;
    let time = at.time();
    let seconds = f64::from(time.num_seconds_from_midnight()) + f64::from(time.nanosecond()) / 1e9;
    serial_day(at.date_naive()) + seconds / 86_400.0
}

impl Sink for Sheet<'_> {
    type Prepared = Vec<Ready>;

    fn prepare(&self, _first_column: usize, cells: &[Cell<'_>]) -> Vec<Ready> {
        let ready = |cell: &Cell<'_>| match cell.without_text() {
            Ok(cell) => Ready::Other(cell),
            Err(text) => Ready::Text(text.to_owned()),
        };
        cells.iter().map(ready).collect()
    }

    fn put(&mut self, prepared: &Vec<Ready>) -> io::Result<()> {
        prepared.iter().try_for_each(|ready| match ready {
            Ready::Text(text) => self.cell(Cell::Text(text)),
            Ready::Other(cell) => self.cell(*cell),
        })
    }

    fn cell(&mut self, cell: Cell<'_>) -> io::Result<()> {
        self.write(cell).map_err(failed)?;
        self.column += 1;
        Ok(())
    }

    fn end_record(&mut self) -> io::Result<()> {
        self.row += 1;
        self.column = 0;
        Ok(())
    }
}
