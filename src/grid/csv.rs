//! Comma-separated text to cells, with exact coordinates: every record counts, empty ones too.

use crate::domain::{Code, Finding};

use super::{CellKind, Grid, Limits, encoding, trim};

/// The first bytes of files that are something else.
const MAGIC: [(&[u8], &str); 3] = [
    (b"PK\x03\x04", "a zip archive or workbook"),
    (b"%PDF", "a PDF"),
    (b"\xD0\xCF\x11\xE0", "an old Excel workbook (.xls)"),
];

/// Reads a text file: RFC 4180 with CRLF, LF or CR line ends, comma only.
pub(super) fn read(
    bytes: &[u8],
    limits: &Limits,
    warnings: &mut Vec<Finding>,
) -> Result<Grid, Finding> {
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(not_csv(what));
    }
    let text = encoding::decode(bytes, warnings)?;
    match text.trim_start().chars().next() {
        Some('<') => return Err(not_csv("a web page or XML")),
        Some('{' | '[') => return Err(not_csv("JSON")),
        _ => {}
    }
    let grid = Splitter::new(&text, limits).split()?;
    check_delimiter(&grid)?;
    Ok(grid)
}

fn not_csv(what: &str) -> Finding {
    Finding::new(Code::NotCsv, format!("the file is {what}, not comma-separated text"))
        .hint("send the file itself as .csv or .xlsx")
}

/// A file of one column whose cells hold another delimiter was written with that one.
fn check_delimiter(grid: &Grid) -> Result<(), Finding> {
    if grid.rows().any(|row| row.width() > 1) {
        return Ok(());
    }
    let delimiter = grid.rows().find_map(|row| {
        let text = row.cell(0).text;
        [(';', "semicolons"), ('\t', "tabs"), ('|', "vertical bars")]
            .into_iter()
            .find(|(delimiter, _)| text.contains(*delimiter))
    });
    match delimiter {
        Some((_, name)) => {
            let message = format!("the columns are separated by {name}, not by commas");
            Err(Finding::new(Code::WrongDelimiter, message).hint("save the file with commas"))
        }
        None => Ok(()),
    }
}

/// Splits text into records and cells in one pass.
struct Splitter<'a> {
    text: &'a str,
    limits: &'a Limits,
    grid: Grid,
    filled: usize,
    /// The unquoted text of a cell that had quotes in it.
    unquoted: String,
}

impl<'a> Splitter<'a> {
    fn new(text: &'a str, limits: &'a Limits) -> Self {
        let mut grid = Grid { has_widths: true, ..Grid::default() };
        grid.text.reserve(text.len());
        // Room for all cells at once: a vector that grows has old and new in memory for a moment, and what
        // is never filled takes none.
        let ends = text.bytes().filter(|byte| matches!(byte, b',' | b'\n' | b'\r')).count();
        grid.cells.reserve_exact((ends + 1).min(limits.cells));
        Self { text, limits, grid, filled: 0, unquoted: String::new() }
    }

    fn split(mut self) -> Result<Grid, Finding> {
        let bytes = self.text.as_bytes();
        let (mut at, mut column) = (0, 0);
        while at < bytes.len() {
            at = self.cell(at, column)?;
            column += 1;
            match bytes.get(at) {
                Some(b',') => {
                    at += 1;
                    if at == bytes.len() {
                        // The empty cell behind the last comma of a file.
                        column += 1;
                        self.limits.check_columns(self.grid.len(), column)?;
                        self.end_row(column)?;
                    }
                }
                end => {
                    let empty = column == 1 && self.row_is_untouched();
                    self.end_row(if empty { 0 } else { column })?;
                    column = 0;
                    let crlf = end == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n');
                    at += if crlf { 2 } else { 1 };
                }
            }
        }
        Ok(self.grid)
    }

    /// Takes the cell that starts at byte `start`; answers where its end mark stands.
    fn cell(&mut self, start: usize, column: usize) -> Result<usize, Finding> {
        let bytes = self.text.as_bytes();
        let row = self.grid.len();
        self.limits.check_columns(row, column + 1)?;
        if bytes.get(start) == Some(&b'"') {
            let end = self.quoted(start)?;
            let text = std::mem::take(&mut self.unquoted);
            self.keep(row, column, &text)?;
            self.unquoted = text;
            return Ok(end);
        }
        let end = bytes[start..]
            .iter()
            .position(|byte| matches!(byte, b',' | b'\n' | b'\r'))
            .map_or(bytes.len(), |length| start + length);
        if end > start {
            let text = &self.text[start..end];
            self.keep(row, column, text)?;
        }
        Ok(end)
    }

    /// Unquotes the cell at `start` into `self.unquoted`. Text after the closing quote is kept, as
    /// spreadsheets keep it.
    fn quoted(&mut self, start: usize) -> Result<usize, Finding> {
        let bytes = self.text.as_bytes();
        self.unquoted.clear();
        let mut at = start + 1;
        loop {
            let Some(length) = bytes[at..].iter().position(|&byte| byte == b'"') else {
                let message = "a quote opens here and is never closed";
                return Err(Finding::new(Code::BadQuote, message)
                    .row(self.grid.len())
                    .hint("close the quote, or double it if it belongs to the text"));
            };
            self.unquoted.push_str(&self.text[at..at + length]);
            at += length + 1;
            if bytes.get(at) != Some(&b'"') {
                break;
            }
            self.unquoted.push('"');
            at += 1;
        }
        let end = bytes[at..]
            .iter()
            .position(|byte| matches!(byte, b',' | b'\n' | b'\r'))
            .map_or(bytes.len(), |length| at + length);
        self.unquoted.push_str(&self.text[at..end]);
        Ok(end)
    }

    fn keep(&mut self, row: usize, column: usize, text: &str) -> Result<(), Finding> {
        self.limits.check_cell(row, column, text)?;
        if !trim(text).is_empty() {
            self.filled += 1;
            self.limits.check_cells(row, self.filled)?;
        }
        if !text.is_empty() {
            self.grid.push_cell(column, CellKind::Text, text);
        }
        Ok(())
    }

    fn row_is_untouched(&self) -> bool {
        self.grid.cells.len() == self.grid.rows.last().map_or(0, |row| row.cells as usize)
    }

    fn end_row(&mut self, width: usize) -> Result<(), Finding> {
        self.grid.end_row(width);
        self.limits.check_rows(self.grid.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<Vec<String>> {
        let grid = read(text.as_bytes(), &Limits::default(), &mut Vec::new()).unwrap();
        grid.rows()
            .map(|row| (0..row.width()).map(|c| row.cell(c).text.to_owned()).collect())
            .collect()
    }

    #[test]
    fn every_line_end_gives_the_same_records() {
        let expected =
            vec![vec!["a".to_owned(), "b".into()], vec![], vec![String::new(), "d".into()]];
        for text in ["a,b\n\n,d\n", "a,b\r\n\r\n,d", "a,b\r\r,d\r"] {
            assert_eq!(cells(text), expected, "{text:?}");
        }
        assert_eq!(cells("a,").first().map(Vec::len), Some(2));
        assert_eq!(cells(",,\n"), vec![vec![""; 3]]);
    }

    #[test]
    fn quotes_hold_commas_line_breaks_and_quotes() {
        assert_eq!(
            cells("\"a, \"\"b\"\"\nc\",\"1,250\"\r\nx\"y,z"),
            vec![vec!["a, \"b\"\nc".to_owned(), "1,250".into()], vec!["x\"y".into(), "z".into()],]
        );
        let error = read(b"a,b\nc,\"d\ne", &Limits::default(), &mut Vec::new()).unwrap_err();
        assert_eq!((error.code, error.row), (Code::BadQuote, Some(2)));
    }

    #[test]
    fn other_files_are_named_for_what_they_are() {
        for (bytes, code) in [
            (&b" <html>"[..], Code::NotCsv),
            (b"{\"a\":1}", Code::NotCsv),
            (b"PK\x03\x04\0", Code::NotCsv),
            (b"a;b\nc;d", Code::WrongDelimiter),
            (b"a\tb", Code::WrongDelimiter),
        ] {
            let error = read(bytes, &Limits::default(), &mut Vec::new()).unwrap_err();
            assert_eq!(error.code, code);
        }
    }

    #[test]
    fn limits_stop_while_splitting() {
        let limits =
            Limits { rows: 2, columns: 3, cells: 4, cell_characters: 5, ..Limits::default() };
        for (text, what) in [
            ("a\nb\nc", "3 rows; the limit is 2"),
            ("a,,,d", "4 columns; the limit is 3"),
            ("a,,,", "4 columns; the limit is 3"),
            ("a,b,c\nd,e", "5 non-blank cells; the limit is 4"),
            ("abcdef", "6 characters in a cell; the limit is 5"),
        ] {
            let error = read(text.as_bytes(), &limits, &mut Vec::new()).unwrap_err();
            assert_eq!(error.code, Code::TooManyCells);
            assert!(error.message.ends_with(what), "{}", error.message);
        }
    }
}
