//! Figures and summaries as files: the numbers of the page, cell by cell.

use std::io;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::figure::{Figure, print};
use crate::extractors::{
    cell::{Cell, Sink as _},
    number,
    writers::csv::Csv,
};

/// A table of texts and exact numbers, as it stands on the page.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    /// Its name in a workbook.
    pub name: &'static str,
    /// The heads of its columns; the first is that of the rows' names.
    pub heads: Vec<String>,
    /// The rows' names and values.
    pub rows: Vec<(String, Vec<Printed>)>,
}

/// A value, and the decimals that it is printed with.
pub type Printed = (Option<Decimal>, u32);

impl Sheet {
    /// The figure: prices, then differences from the first column, then percentages. `row_name` is
    /// how a day is named, `head` what the days are.
    #[must_use]
    pub fn of(figure: &Figure, head: &str, row_name: impl Fn(chrono::NaiveDate) -> String) -> Self {
        let titled = |label: &str, unit: &str| match unit {
            "" => label.to_owned(),
            unit => format!("{label}, {unit}"),
        };
        let base = figure.columns.first().map_or("", |base| &base.label);
        let mut heads = vec![head.to_owned()];
        heads.extend(figure.columns.iter().map(|c| titled(&c.label, &c.unit)));
        for difference in figure.differences.iter().filter(|d| d.unit.is_some()) {
            let name = format!("{} less {base}", difference.label);
            heads.push(titled(&name, difference.unit.as_deref().unwrap_or_default()));
            heads.push(titled(&name, "%"));
        }
        let row = |(place, day): (usize, &chrono::NaiveDate)| {
            let mut cells: Vec<_> =
                figure.columns.iter().map(|column| (column.values[place], column.places)).collect();
            for difference in figure.differences.iter().filter(|d| d.unit.is_some()) {
                cells.push((difference.values[place], difference.places));
                cells.push((difference.percents[place], 2));
            }
            (row_name(*day), cells)
        };
        Self { name: "Values", heads, rows: figure.rows.iter().enumerate().map(row).collect() }
    }

    /// As comma-separated text.
    pub fn csv(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut csv = Csv::new(&mut bytes, false);
        self.heads.iter().try_for_each(|head| csv.cell(Cell::Text(head)))?;
        csv.end_record()?;
        for (name, values) in &self.rows {
            csv.cell(Cell::Text(name))?;
            for (value, places) in values {
                let text = value.map(|value| print(value, *places));
                csv.cell(text.as_deref().map_or(Cell::Blank, Cell::Text))?;
            }
            csv.end_record()?;
        }
        csv.finish(None)?;
        Ok(bytes)
    }

    fn write(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        let head = Format::new().set_bold().set_text_wrap();
        sheet.set_name(self.name)?.set_freeze_panes(1, 1)?;
        for (column, text) in (0..).zip(&self.heads) {
            sheet.write_string_with_format(0, column, text, &head)?;
            sheet.set_column_width(column, 18)?;
        }
        for (row, (name, values)) in (1..).zip(&self.rows) {
            sheet.write_string(row, 0, name)?;
            for (column, (value, places)) in (1..).zip(values) {
                let Some(value) = value else { continue };
                let zeros = "0".repeat(*places as usize);
                let form = if *places == 0 { "0".to_owned() } else { format!("0.{zeros}") };
                let format = Format::new().set_num_format(form);
                sheet.write_number_with_format(row, column, number::as_f64(value), &format)?;
            }
        }
        Ok(())
    }
}

/// A workbook of the sheets. Its internal date is `dated`, so that the same content has the same
/// bytes.
pub fn workbook(sheets: &[Sheet], dated: DateTime<Utc>) -> io::Result<Vec<u8>> {
    build(sheets, dated).map_err(io::Error::other)
}

fn build(sheets: &[Sheet], dated: DateTime<Utc>) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let created = ExcelDateTime::from_timestamp(dated.timestamp())?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&created));
    for sheet in sheets {
        sheet.write(workbook.add_worksheet())?;
    }
    workbook.save_to_buffer()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_decimals_and_gaps_stay_empty() {
        let value = |text: &str| (text.parse().ok(), 5);
        let sheet = Sheet {
            name: "Values",
            heads: vec!["Month".into(), "A, b".into()],
            rows: vec![("2024-01".into(), vec![value("-1.5"), (None, 5), value("0.10000")])],
        };
        let csv = String::from_utf8(sheet.csv().unwrap()).unwrap();
        assert_eq!(csv, "Month,\"A, b\"\n2024-01,-1.50000,,0.10000\n");
        let dated = DateTime::UNIX_EPOCH;
        let twice = [(); 2].map(|()| workbook(std::slice::from_ref(&sheet), dated).unwrap());
        assert!(twice[0].starts_with(b"PK") && twice[0] == twice[1]);
    }
}
