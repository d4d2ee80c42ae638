//! Records as JSON objects, one after another. Numbers keep their exact digits.

use std::{
    borrow::Cow,
    io::{self, Write},
    ops::Range,
};

use super::csv::{PIECE, put_moment};
use crate::extractors::{
    cell::{Cell, Sink},
    number,
};

/// What stands between and after records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Elements of an array.
    Array,
    /// One a line.
    Lines,
}

/// Writes records as objects.
pub struct Json<W> {
    out: W,
    buffer: Vec<u8>,
    names: Cow<'static, [&'static str]>,
    dims: Range<usize>,
    framing: Framing,
    column: usize,
    first: bool,
}

/// Members that recur, and how many they are.
#[derive(Debug)]
pub struct Members {
    bytes: Vec<u8>,
    count: usize,
}

impl<W: Write> Json<W> {
    /// Writes to `out` records with these members; those of `dims` stand in an object of that name.
    pub fn new(
        out: W,
        names: impl Into<Cow<'static, [&'static str]>>,
        dims: Range<usize>,
        framing: Framing,
    ) -> Self {
        let buffer = Vec::with_capacity(PIECE + (8 << 10));
        Self { out, buffer, names: names.into(), dims, framing, column: 0, first: true }
    }

    /// Writes text between records, such as what opens and closes the array.
    pub fn raw(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    /// Hands on what is left.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)
    }

    fn put_member(&self, out: &mut Vec<u8>, column: usize, cell: &Cell<'_>) {
        out.push(if column == 0 { b'{' } else { b',' });
        if column == self.dims.start && !self.dims.is_empty() {
            out.extend_from_slice(b"\"dims\":{");
        }
        put_string(out, self.names.get(column).copied().unwrap_or_default());
        out.push(b':');
        put_value(out, cell);
        if column + 1 == self.dims.end {
            out.push(b'}');
        }
    }

    fn separate(&mut self) {
        if self.column == 0 && self.framing == Framing::Array {
            let separator: &[u8] = if self.first { b"\n" } else { b",\n" };
            self.buffer.extend_from_slice(separator);
            self.first = false;
        }
    }
}

impl<W: Write> Sink for Json<W> {
    type Prepared = Members;

    fn prepare(&self, first_column: usize, cells: &[Cell<'_>]) -> Members {
        let mut bytes = Vec::new();
        for (place, cell) in cells.iter().enumerate() {
            self.put_member(&mut bytes, first_column + place, cell);
        }
        Members { bytes, count: cells.len() }
    }

    fn put(&mut self, prepared: &Members) -> io::Result<()> {
        self.separate();
        self.buffer.extend_from_slice(&prepared.bytes);
        self.column += prepared.count;
        Ok(())
    }

    fn cell(&mut self, cell: Cell<'_>) -> io::Result<()> {
        self.separate();
        let mut buffer = std::mem::take(&mut self.buffer);
        self.put_member(&mut buffer, self.column, &cell);
        self.buffer = buffer;
        self.column += 1;
        Ok(())
    }

    fn end_record(&mut self) -> io::Result<()> {
        self.column = 0;
        self.buffer.push(b'}');
        if self.framing == Framing::Lines {
            self.buffer.push(b'\n');
        }
        if self.buffer.len() >= PIECE {
            self.out.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }
}

fn put_value(out: &mut Vec<u8>, cell: &Cell<'_>) {
    match cell {
        Cell::Blank => out.extend_from_slice(b"null"),
        Cell::Text(text) => put_string(out, text),
        Cell::Flag(true) => out.extend_from_slice(b"true"),
        Cell::Flag(false) => out.extend_from_slice(b"false"),
        Cell::Price(value) => number::put_decimals(out, value, number::FIVE),
        Cell::Percent(value) => number::put_decimals(out, value, 2),
        Cell::Whole(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Cell::Exact(value) | Cell::Shortest(value) => number::put_exact(out, value),
        moment => {
            out.push(b'"');
            put_moment(out, moment);
            out.push(b'"');
        }
    }
}

fn put_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_keep_their_digits_and_dims_nest() {
        let mut out = Vec::new();
        let mut json = Json::new(&mut out, ["a", "b", "c", "d"].to_vec(), 1..3, Framing::Lines);
        json.cell(Cell::Exact("999999999999.123456789012345".parse().unwrap())).unwrap();
        let text = json.prepare(1, &[Cell::Text("x\"y"), Cell::Blank]);
        json.put(&text).unwrap();
        json.cell(Cell::Flag(true)).unwrap();
        json.end_record().unwrap();
        json.finish().unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\"a\":999999999999.123456789012345,\"dims\":{\"b\":\"x\\\"y\",\"c\":null},\"d\":true}\n"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_json_string(text in any::<String>()) {
            let mut out = Vec::new();
            put_string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
