//! Cells as comma-separated text.

use std::io::{self, Write};

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, SecondsFormat, Utc};

use crate::extractors::{
    cell::{Cell, Sink},
    number,
};

/// Bytes are handed on in pieces of about this size.
pub const PIECE: usize = 64 << 10;

/// Writes CSV with minimal quoting and a line feed after every record.
pub struct Csv<W> {
    out: W,
    buffer: Vec<u8>,
    at_start: bool,
}

impl<W: Write> Csv<W> {
    /// Writes to `out`, after a byte-order mark if `bom`.
    pub fn new(out: W, bom: bool) -> Self {
        let mut buffer = Vec::with_capacity(PIECE + (8 << 10));
        if bom {
            buffer.extend_from_slice("\u{feff}".as_bytes());
        }
        Self { out, buffer, at_start: true }
    }

    /// Ends with the disclaimer, if there is one, and hands on what is left.
    pub fn finish(mut self, disclaimer: Option<&str>) -> io::Result<()> {
        if let Some(text) = disclaimer {
            self.buffer.extend_from_slice(b"\r\n");
            put_quoted(&mut self.buffer, text);
            self.buffer.extend_from_slice(b"\r\n");
        }
        self.out.write_all(&self.buffer)
    }

    fn separate(&mut self) {
        if self.at_start {
            self.at_start = false;
        } else {
            self.buffer.push(b',');
        }
    }
}

impl<W: Write> Sink for Csv<W> {
    type Prepared = Vec<u8>;

    fn prepare(&self, _first_column: usize, cells: &[Cell<'_>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (place, cell) in cells.iter().enumerate() {
            if place > 0 {
                bytes.push(b',');
            }
            put_cell(&mut bytes, cell);
        }
        bytes
    }

    fn put(&mut self, prepared: &Vec<u8>) -> io::Result<()> {
        self.separate();
        self.buffer.extend_from_slice(prepared);
        Ok(())
    }

    fn cell(&mut self, cell: Cell<'_>) -> io::Result<()> {
        self.separate();
        put_cell(&mut self.buffer, &cell);
        Ok(())
    }

    fn end_record(&mut self) -> io::Result<()> {
        self.buffer.push(b'\n');
        self.at_start = true;
        if self.buffer.len() >= PIECE {
            self.out.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }
}

/// Appends a cell as it stands between commas.
pub fn put_cell(out: &mut Vec<u8>, cell: &Cell<'_>) {
    match cell {
        Cell::Blank => {}
        Cell::Text(text) => put_text(out, text),
        Cell::Flag(true) => out.extend_from_slice(b"True"),
        Cell::Flag(false) => out.extend_from_slice(b"False"),
        Cell::Price(value) => number::put_decimals(out, value, number::FIVE),
        Cell::Percent(value) => number::put_decimals(out, value, 2),
        Cell::Shortest(value) => number::put_shortest(out, value),
        Cell::Whole(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Cell::Exact(value) => number::put_exact(out, value),
        moment => put_moment(out, moment),
    }
}

/// Appends days and instants; other cells have none.
pub fn put_moment(out: &mut Vec<u8>, cell: &Cell<'_>) {
    match cell {
        Cell::Timestamp(instant) => {
            put_plain(out, instant);
            out.extend_from_slice(b"+00:00");
        }
        Cell::Midnight(day) => {
            put_day(out, *day);
            out.extend_from_slice(b" 00:00:00+00:00");
        }
        Cell::Instant(instant) | Cell::Microseconds(instant) => {
            let text = instant.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            out.extend_from_slice(text.as_bytes());
        }
        Cell::Day(day) => put_day(out, *day),
        Cell::Plain(instant) => put_plain(out, instant),
        Cell::UsDay(day) => out.extend_from_slice(day.format("%m/%d/%Y").to_string().as_bytes()),
        _ => {}
    }
}

fn put_plain(out: &mut Vec<u8>, instant: &DateTime<Utc>) {
    put_day(out, instant.date_naive());
    if instant.time() == NaiveTime::MIN {
        out.extend_from_slice(b" 00:00:00");
    } else {
        out.extend_from_slice(instant.format(" %H:%M:%S").to_string().as_bytes());
    }
}

/// `YYYY-MM-DD`. The years of curves have four digits.
fn put_day(out: &mut Vec<u8>, day: NaiveDate) {
    let two = |number: u32| [digit(number / 10), digit(number)];
    let year = day.year().unsigned_abs();
    out.extend_from_slice(&two(year / 100));
    out.extend_from_slice(&two(year));
    out.push(b'-');
    out.extend_from_slice(&two(day.month()));
    out.push(b'-');
    out.extend_from_slice(&two(day.day()));
}

fn digit(number: u32) -> u8 {
    b'0' + (number % 10).to_le_bytes()[0]
}

/// Text that a spreadsheet would take for a formula gets an apostrophe before it; quotes only where
/// they are needed.
fn put_text(out: &mut Vec<u8>, text: &str) {
    let apostrophe = match text.as_bytes() {
        [b'=' | b'+' | b'@' | b'\t' | b'\r', ..] => true,
        [b'-', rest @ ..] => !rest.is_empty() && !is_number(text),
        _ => false,
    };
    let quoted = text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n'));
    match (quoted, apostrophe) {
        (false, false) => out.extend_from_slice(text.as_bytes()),
        (false, true) => {
            out.push(b'\'');
            out.extend_from_slice(text.as_bytes());
        }
        (true, false) => put_quoted(out, text),
        (true, true) => put_quoted(out, &format!("'{text}")),
    }
}

fn is_number(text: &str) -> bool {
    text.parse::<rust_decimal::Decimal>().is_ok()
}

fn put_quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn printed(text: &str) -> String {
        let mut out = Vec::new();
        put_text(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_is_safe_in_a_spreadsheet_and_quoted_only_where_needed() {
        for (text, safe) in [
            ("NORTH ZONE", "NORTH ZONE"),
            ("-", "-"),
            ("-5.5", "-5.5"),
            ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
            ("=1+1", "'=1+1"),
            ("+A1", "'+A1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("a, b", "\"a, b\""),
            ("say \"a\"", "\"say \"\"a\"\"\""),
            ("=1,2", "\"'=1,2\""),
            ("  two  blanks", "  two  blanks"),
            ("ÖÄ", "ÖÄ"),
        ] {
            assert_eq!(printed(text), safe);
        }
    }

    #[test]
    fn moments_print_in_utc() {
        let mut out = Vec::new();
        let instant = "2031-03-04T09:30:00Z".parse().unwrap();
        let day = "2031-04-01".parse().unwrap();
        for cell in [Cell::Timestamp(instant), Cell::Midnight(day), Cell::Instant(instant)] {
            put_cell(&mut out, &cell);
            out.push(b'|');
        }
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "2031-03-04 09:30:00+00:00|2031-04-01 00:00:00+00:00|2031-03-04T09:30:00Z|"
        );
    }

    #[test]
    fn the_disclaimer_is_a_quoted_cell_after_an_empty_line() {
        let mut out = Vec::new();
        let mut csv = Csv::new(&mut out, true);
        csv.cell(Cell::Text("a")).unwrap();
        csv.end_record().unwrap();
        csv.finish(Some("No \"advice\"")).unwrap();
        assert_eq!(out, b"\xef\xbb\xbfa\n\r\n\"No \"\"advice\"\"\"\r\n");
    }

    proptest! {
        #[test]
        fn whatever_the_text_a_reader_gets_it_back(texts in prop::collection::vec(any::<String>(), 2..6)) {
            let mut out = Vec::new();
            let mut csv = Csv::new(&mut out, false);
            for text in &texts {
                csv.cell(Cell::Text(text)).unwrap();
            }
            csv.end_record().unwrap();
            csv.finish(None).unwrap();
            let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(&*out);
            let record = reader.records().next().unwrap().unwrap();
            prop_assert_eq!(record.len(), texts.len());
            for (read, text) in record.iter().zip(&texts) {
                prop_assert!(read == text || read.strip_prefix('\'') == Some(text));
            }
        }
    }
}
