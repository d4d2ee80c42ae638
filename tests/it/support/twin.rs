//! The twin of a comma-separated file: a workbook with typed cells.

use chrono::NaiveDate;
use rust_xlsxwriter::{Format, Formula, Workbook, Worksheet};

/// Makes it. Values are numbers with percent and money formats, months are dates, `#N/A` is an
/// error cell; a dash and whatever else is text stays text.
pub fn twin(csv: &[u8]) -> Vec<u8> {
    let mut in_data = false;
    book(csv, |record| {
        in_data |= record.first().is_some_and(|first| day(first).is_some());
        in_data
    })
}

/// The same with typed cells among the labels, too: what looks like a number or a date is one.
pub fn typed(csv: &[u8]) -> Vec<u8> {
    book(csv, |_| true)
}

/// A workbook in which the cells of a record are typed where `has_values` says so.
fn book(csv: &[u8], mut has_values: impl FnMut(&[String]) -> bool) -> Vec<u8> {
    let text = String::from_utf8(csv.to_vec()).unwrap();
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, line) in (0..).zip(text.lines()) {
        let record = record(line);
        let has_values = has_values(&record);
        for (column, cell) in (0..).zip(&record) {
            match has_values {
                true => write_value(sheet, row, column, cell),
                false => write_label(sheet, row, column, cell),
            }
        }
    }
    workbook.save_to_buffer().unwrap()
}

/// The cells of one line.
pub fn record(line: &str) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
    let record = reader.records().next();
    record.map(|record| record.unwrap().iter().map(str::to_owned).collect()).unwrap_or_default()
}

fn day(text: &str) -> Option<NaiveDate> {
    // %y reads two digits and leaves those of a longer year, which fails.
    let forms = ["%m/%d/%y", "%m/%d/%Y"];
    forms.iter().find_map(|form| NaiveDate::parse_from_str(text.trim(), form).ok())
}

fn write_label(sheet: &mut Worksheet, row: u32, column: u16, cell: &str) {
    match cell {
        "" => {}
        "0" => _ = sheet.write_number(row, column, 0).unwrap(),
        text => _ = sheet.write_string(row, column, text).unwrap(),
    }
}

fn write_value(sheet: &mut Worksheet, row: u32, column: u16, cell: &str) {
    let text = cell.trim();
    let format = |format: &str| Format::new().set_num_format(format);
    if cell.is_empty() {
    } else if text == "#N/A" {
        sheet.write_formula(row, column, Formula::new("=NA()").set_result("#N/A")).unwrap();
    } else if let Some(day) = day(text) {
        sheet.write_date_with_format(row, column, day, &format("m/d/yyyy")).unwrap();
    } else if let Some(percent) = text.strip_suffix('%').and_then(number) {
        // To the nearest fraction: a division would be off in the last place.
        let fraction = format!("{percent}e-2").parse::<f64>().unwrap();
        sheet.write_number_with_format(row, column, fraction, &format("0.00%")).unwrap();
    } else if let Some(money) = text.strip_prefix('$').and_then(number) {
        let money = money.parse::<f64>().unwrap();
        sheet.write_number_with_format(row, column, money, &format("\"$\"#,##0.00")).unwrap();
    } else if let Some(plain) = number(text) {
        sheet.write_number(row, column, plain.parse::<f64>().unwrap()).unwrap();
    } else {
        sheet.write_string(row, column, cell).unwrap();
    }
}

/// The digits of a number without its thousands marks.
fn number(text: &str) -> Option<String> {
    let text = text.replace(',', "");
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(|_| text)
}
