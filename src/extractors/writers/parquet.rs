//! Records as Apache Parquet: a column each, typed, in row groups of bounded size.

use std::{
    io::{self, Write},
    mem,
    sync::Arc,
};

use chrono::NaiveDate;
use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{
        BoolType, ByteArray, ByteArrayType, DataType, FixedLenByteArrayType, Int32Type, Int64Type,
    },
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::{Type, TypePtr},
};
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive as _};

use crate::extractors::cell::{Cell, Sink};

/// Records of a row group: what is held in memory.
const ROWS: usize = 1 << 15;

/// Decimals of a value. Stored values have 15 at the most, and a conversion from kWh to MWh adds
/// three; 20 digits are left before the point.
const SCALE: u32 = 18;
const PRECISION: i32 = 38;
const VALUE_BYTES: i32 = 16;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Flag,
    Small,
    Day,
    Instant,
    Value,
}

impl Kind {
    /// By the name of a column of the long layout.
    fn of(name: &str) -> Self {
        match name {
            "cob" => Self::Flag,
            "month" | "he" | "term" => Self::Small,
            "operating_day" | "contract_month" | "date" | "beginning_date" => Self::Day,
            "curve_timestamp" | "known_at" => Self::Instant,
            "value" => Self::Value,
            _ => Self::Text,
        }
    }

    fn column(self, name: &str) -> Result<TypePtr, ParquetError> {
        let micros = LogicalType::timestamp(true, TimeUnit::MICROS);
        let value = LogicalType::decimal(SCALE.cast_signed(), PRECISION);
        let (physical, logical) = match self {
            Self::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Self::Flag => (Physical::BOOLEAN, None),
            Self::Small => (Physical::INT32, None),
            Self::Day => (Physical::INT32, Some(LogicalType::Date)),
            Self::Instant => (Physical::INT64, Some(micros)),
            Self::Value => (Physical::FIXED_LEN_BYTE_ARRAY, Some(value)),
        };
        let column = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical);
        let column = match self {
            Self::Value => column
                .with_length(VALUE_BYTES)
                .with_precision(PRECISION)
                .with_scale(SCALE.cast_signed()),
            _ => column,
        };
        column.build().map(Arc::new)
    }
}

/// A cell as a column stores it.
#[derive(Debug, Clone, PartialEq)]
enum Field {
    Blank,
    Text(ByteArray),
    Flag(bool),
    Day(i32),
    Instant(i64),
    Number(Decimal),
}

impl From<Cell<'_>> for Field {
    fn from(cell: Cell<'_>) -> Self {
        match cell {
            Cell::Blank => Self::Blank,
            Cell::Text(text) => Self::Text(text.into()),
            Cell::Flag(flag) => Self::Flag(flag),
            Cell::Day(day) | Cell::Midnight(day) | Cell::UsDay(day) => Self::Day(days(day)),
            Cell::Timestamp(at) | Cell::Instant(at) | Cell::Microseconds(at) | Cell::Plain(at) => {
                Self::Instant(at.timestamp_micros())
            }
            Cell::Price(value) => Self::Number(rounded(value, 5)),
            Cell::Percent(value) => Self::Number(rounded(value, 2)),
            Cell::Exact(value) | Cell::Shortest(value) => Self::Number(value),
            Cell::Whole(number) => Self::Number(number.into()),
        }
    }
}

fn rounded(value: Decimal, places: u32) -> Decimal {
    value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

/// Days since 1970-01-01.
fn days(day: NaiveDate) -> i32 {
    let days = day.signed_duration_since(NaiveDate::default()).num_days();
    // chrono's own range is below 2^28 days.
    i32::try_from(days).unwrap_or_default()
}

/// Two's complement at [`SCALE`], the highest byte first. `None` for what it cannot hold exactly.
fn unscaled(value: Decimal) -> Option<[u8; 16]> {
    let value = value.normalize();
    let missing = SCALE.checked_sub(value.scale())?;
    let unscaled = value.mantissa().checked_mul(10_i128.pow(missing))?;
    let digits = 10_i128.pow(PRECISION.cast_unsigned());
    (unscaled.abs() < digits).then(|| unscaled.to_be_bytes())
}

/// Cells one after another, made once for many records.
#[derive(Debug, Clone)]
pub struct Fields(Arc<[Field]>);

/// Writes records as rows.
pub struct Parquet<W: Write + Send> {
    file: SerializedFileWriter<W>,
    kinds: Vec<Kind>,
    /// The rows of the group, each in pieces.
    pieces: Vec<Piece>,
    rows: usize,
}

#[derive(Debug)]
enum Piece {
    Shared(Fields),
    One(Field),
}

impl<W: Write + Send> Parquet<W> {
    /// Writes to `out` rows with these columns, and `facts` into the file's metadata.
    pub fn new(out: W, names: &[&str], facts: Vec<(&str, String)>) -> io::Result<Self> {
        let kinds: Vec<Kind> = names.iter().map(|name| Kind::of(name)).collect();
        let columns: Result<Vec<TypePtr>, ParquetError> =
            names.iter().zip(&kinds).map(|(name, kind)| kind.column(name)).collect();
        let schema = Type::group_type_builder("long").with_fields(columns.map_err(broken)?);
        let facts = facts.into_iter().map(|(name, text)| KeyValue::new(name.to_owned(), text));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("TRUEPrice version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(facts.collect()))
            .build();
        let schema = Arc::new(schema.build().map_err(broken)?);
        let file = SerializedFileWriter::new(out, schema, Arc::new(properties)).map_err(broken)?;
        Ok(Self { file, kinds, pieces: Vec::new(), rows: 0 })
    }

    /// Writes the last rows and the file's metadata.
    pub fn finish(mut self) -> io::Result<()> {
        self.end_group()?;
        self.file.finish().map_err(broken)?;
        Ok(())
    }

    fn end_group(&mut self) -> io::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let pieces = mem::take(&mut self.pieces);
        let mut group = self.file.next_row_group().map_err(broken)?;
        for (place, kind) in self.kinds.iter().enumerate() {
            let mut column = group.next_column().map_err(broken)?.ok_or_else(mismatch)?;
            write_column(&mut column, *kind, column_of(&pieces, place, self.kinds.len()))?;
            column.close().map_err(broken)?;
        }
        group.close().map_err(broken)?;
        self.rows = 0;
        Ok(())
    }
}

impl Piece {
    fn fields(&self) -> &[Field] {
        match self {
            Self::Shared(fields) => &fields.0,
            Self::One(field) => std::slice::from_ref(field),
        }
    }
}

impl<W: Write + Send> Sink for Parquet<W> {
    type Prepared = Fields;

    fn prepare(&self, _first_column: usize, cells: &[Cell<'_>]) -> Fields {
        Fields(cells.iter().map(|cell| Field::from(*cell)).collect())
    }

    fn put(&mut self, prepared: &Fields) -> io::Result<()> {
        self.pieces.push(Piece::Shared(prepared.clone()));
        Ok(())
    }

    fn cell(&mut self, cell: Cell<'_>) -> io::Result<()> {
        self.pieces.push(Piece::One(cell.into()));
        Ok(())
    }

    fn end_record(&mut self) -> io::Result<()> {
        self.rows += 1;
        if self.rows == ROWS { self.end_group() } else { Ok(()) }
    }
}

/// The cells of a column. No piece is of two rows.
fn column_of(pieces: &[Piece], place: usize, width: usize) -> impl Iterator<Item = &Field> + Clone {
    let places = pieces.iter().scan(0, move |next, piece| {
        let (first, fields) = (*next, piece.fields());
        *next = (first + fields.len()) % width;
        Some(place.checked_sub(first).and_then(|place| fields.get(place)))
    });
    places.flatten()
}

/// Writes the cells of one column; a cell of another kind is an error.
fn write_column<'a>(
    column: &mut SerializedColumnWriter<'_>,
    kind: Kind,
    cells: impl Iterator<Item = &'a Field> + Clone,
) -> io::Result<()> {
    match kind {
        Kind::Text => put::<ByteArrayType>(column, cells, |cell| match cell {
            Field::Text(text) => Some(text.clone()),
            _ => None,
        }),
        Kind::Flag => put::<BoolType>(column, cells, |cell| match cell {
            Field::Flag(flag) => Some(*flag),
            _ => None,
        }),
        Kind::Small => put::<Int32Type>(column, cells, |cell| match cell {
            Field::Number(value) => small(*value),
            _ => None,
        }),
        Kind::Day => put::<Int32Type>(column, cells, |cell| match cell {
            Field::Day(days) => Some(*days),
            _ => None,
        }),
        Kind::Instant => put::<Int64Type>(column, cells, |cell| match cell {
            Field::Instant(micros) => Some(*micros),
            _ => None,
        }),
        Kind::Value => put::<FixedLenByteArrayType>(column, cells, |cell| match cell {
            Field::Number(value) => unscaled(*value).map(|bytes| bytes.to_vec().into()),
            _ => None,
        }),
    }
}

/// Writes which cells there are, and those.
fn put<'a, T: DataType>(
    column: &mut SerializedColumnWriter<'_>,
    cells: impl Iterator<Item = &'a Field> + Clone,
    stored: impl Fn(&Field) -> Option<T::T>,
) -> io::Result<()> {
    let present: Vec<i16> = cells.clone().map(|cell| i16::from(*cell != Field::Blank)).collect();
    let cells = cells.filter(|cell| **cell != Field::Blank);
    let values: Vec<T::T> = cells.map(stored).collect::<Option<_>>().ok_or_else(mismatch)?;
    column.typed::<T>().write_batch(&values, Some(&present), None).map_err(broken)?;
    Ok(())
}

fn small(value: Decimal) -> Option<i32> {
    value.is_integer().then(|| value.to_i32()).flatten()
}

fn broken(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

fn mismatch() -> io::Error {
    io::Error::other("a cell does not fit into its Parquet column")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_that_may_be_stored_is_held_exactly() {
        for (text, unscaled_text) in [
            ("0", "0"),
            ("-0.000000000000001", "-1000"),
            ("999999999999.999999999999999", "999999999999999999999999999000"),
            ("-99999999999999.123", "-99999999999999123000000000000000"),
            ("0.000000000000000001", "1"),
            ("1.50000000000000000000", "1500000000000000000"),
        ] {
            let bytes = unscaled(text.parse().unwrap()).unwrap();
            assert_eq!(i128::from_be_bytes(bytes), unscaled_text.parse().unwrap(), "{text}");
        }
        for text in ["0.0000000000000000001", "123456789012345678901"] {
            assert_eq!(unscaled(text.parse().unwrap()), None, "{text}");
        }
    }

    #[test]
    fn a_cell_of_another_kind_breaks_the_file() {
        for (name, cell) in [
            ("cob", Cell::Text("x")),
            ("he", Cell::Exact("1.5".parse().unwrap())),
            ("value", Cell::Flag(true)),
            ("uom", Cell::Day(NaiveDate::default())),
        ] {
            let mut file = Parquet::new(Vec::new(), &[name], Vec::new()).unwrap();
            file.cell(cell).unwrap();
            file.end_record().unwrap();
            assert!(file.finish().is_err(), "{name}");
        }
    }
}
