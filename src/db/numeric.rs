//! PostgreSQL's binary form of `numeric` and `numeric[]`, read and written without a detour through
//! text. See `numeric_send` in PostgreSQL's `src/backend/utils/adt/numeric.c`: base-10000 digits,
//! the place of the first one (`weight`), a sign, and the number of decimals shown (`dscale`).

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "at most nine groups below 10^4 and 28 decimals; PostgreSQL bounds fields to 1 GiB"
)]

use rust_decimal::Decimal;
use sqlx::{
    Decode, Postgres, Type,
    error::BoxDynError,
    postgres::{PgTypeInfo, PgValueFormat, PgValueRef},
};

const NUMERIC_OID: i32 = 1700;
const NEGATIVE: u16 = 0x4000;
const POSITIVE: u16 = 0x0000;
const BASE: u128 = 10_000;
/// The most base-10000 digits of a [`Decimal`]: 29 decimal ones, and a group may be cut by the point.
const MAX_GROUPS: usize = 9;

/// The values of one series in axis order, as column `curve.values` holds them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Values(pub Vec<Option<Decimal>>);

impl Type<Postgres> for Values {
    fn type_info() -> PgTypeInfo {
        <Vec<Decimal> as Type<Postgres>>::type_info()
    }
}

impl<'r> Decode<'r, Postgres> for Values {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        match value.format() {
            PgValueFormat::Binary => Ok(Self(read_array(value.as_bytes()?)?)),
            PgValueFormat::Text => Err("numeric[] is read in binary form only".into()),
        }
    }
}

/// One `numeric`, where there are many: read without the detour of digits on the heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number(pub Decimal);

impl Type<Postgres> for Number {
    fn type_info() -> PgTypeInfo {
        <Decimal as Type<Postgres>>::type_info()
    }
}

impl<'r> Decode<'r, Postgres> for Number {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        match value.format() {
            PgValueFormat::Binary => Ok(Self(read_numeric(value.as_bytes()?)?)),
            PgValueFormat::Text => Ok(Self(value.as_str()?.parse()?)),
        }
    }
}

/// Bytes that are no `numeric`, or one that a [`Decimal`] cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumericError {
    /// The bytes end too early, or say something else than announced.
    #[error("the binary form of a numeric is broken")]
    Malformed,
    /// NaN, an infinity, more than 28 decimals or more than 96 bits.
    #[error("a stored number does not fit a decimal of 96 bits")]
    OutOfRange,
}

/// Takes big-endian integers off the front of a slice.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], NumericError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(NumericError::Malformed)?;
        self.0 = rest;
        Ok(*head)
    }

    fn i32(&mut self) -> Result<i32, NumericError> {
        self.bytes().map(i32::from_be_bytes)
    }

    fn i16(&mut self) -> Result<i16, NumericError> {
        self.bytes().map(i16::from_be_bytes)
    }

    fn u16(&mut self) -> Result<u16, NumericError> {
        self.bytes().map(u16::from_be_bytes)
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8], NumericError> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(NumericError::Malformed)?;
        self.0 = rest;
        Ok(head)
    }
}

fn read_array(bytes: &[u8]) -> Result<Vec<Option<Decimal>>, NumericError> {
    let mut reader = Reader(bytes);
    let (dimensions, _has_null, element) = (reader.i32()?, reader.i32()?, reader.i32()?);
    if element != NUMERIC_OID {
        return Err(NumericError::Malformed);
    }
    match dimensions {
        0 => return Ok(Vec::new()),
        1 => {}
        _ => return Err(NumericError::Malformed),
    }
    let (length, _lower_bound) = (reader.i32()?, reader.i32()?);
    let length = usize::try_from(length).map_err(|_| NumericError::Malformed)?;
    // Every element has at least its four length bytes: no announced length can ask for more.
    let mut values = Vec::with_capacity(length.min(reader.0.len() / 4));
    for _ in 0..length {
        let value = match usize::try_from(reader.i32()?) {
            Ok(size) => Some(read_numeric(reader.slice(size)?)?),
            Err(_) => None,
        };
        values.push(value);
    }
    Ok(values)
}

fn read_numeric(bytes: &[u8]) -> Result<Decimal, NumericError> {
    let mut reader = Reader(bytes);
    let (groups, weight, sign, shown) =
        (reader.i16()?, reader.i16()?, reader.u16()?, reader.u16()?);
    if sign != POSITIVE && sign != NEGATIVE {
        return Err(NumericError::OutOfRange);
    }
    let mut mantissa: i128 = 0;
    for _ in 0..groups {
        let digit = i128::from(reader.u16()?);
        mantissa = mantissa
            .checked_mul(BASE.cast_signed())
            .and_then(|m| m.checked_add(digit))
            .ok_or(NumericError::OutOfRange)?;
    }
    // Digits stand for mantissa * 10^-scale; bring that to the number of decimals shown.
    let scale = 4 * (i32::from(groups) - 1 - i32::from(weight));
    let shown = i32::from(shown);
    let mantissa = if mantissa == 0 {
        0
    } else if scale <= shown {
        let up = power_of_ten(shown.abs_diff(scale))?;
        mantissa.checked_mul(up).ok_or(NumericError::OutOfRange)?
    } else {
        mantissa / power_of_ten(scale.abs_diff(shown))?
    };
    let mantissa = if sign == NEGATIVE { -mantissa } else { mantissa };
    Decimal::try_from_i128_with_scale(mantissa, shown.unsigned_abs())
        .map_err(|_| NumericError::OutOfRange)
}

fn power_of_ten(exponent: u32) -> Result<i128, NumericError> {
    10_i128.checked_pow(exponent).ok_or(NumericError::OutOfRange)
}

/// Appends `value` as a field of a binary COPY or an element of an array: its length in bytes
/// (int32), then the number of digits, weight, sign, decimals (int16 each) and the digits.
pub fn put_numeric(buf: &mut Vec<u8>, value: &Decimal) {
    let mut digits = [0_u16; MAX_GROUPS];
    let (count, weight) = split(value, &mut digits);
    let sign = if value.is_sign_negative() && !value.is_zero() { NEGATIVE } else { POSITIVE };
    let scale = value.scale() as u16;
    buf.extend_from_slice(&(8 + 2 * count as i32).to_be_bytes());
    buf.extend_from_slice(&(count as i16).to_be_bytes());
    buf.extend_from_slice(&weight.to_be_bytes());
    buf.extend_from_slice(&sign.to_be_bytes());
    buf.extend_from_slice(&scale.to_be_bytes());
    for digit in &digits[..count] {
        buf.extend_from_slice(&digit.to_be_bytes());
    }
}

/// Base-10000 digits of `value`, first one first, without zeros at either end: how many there are
/// and the weight of the first.
fn split(value: &Decimal, digits: &mut [u16; MAX_GROUPS]) -> (usize, i16) {
    let fraction_groups = value.scale().div_ceil(4);
    let pad = fraction_groups * 4 - value.scale();
    let mut rest = value.mantissa().unsigned_abs() * 10_u128.pow(pad);
    let mut total = 0;
    while rest > 0 {
        // Most numbers are short, and 64-bit division is many times faster.
        if let Ok(short) = u64::try_from(rest) {
            digits[total] = (short % 10_000) as u16;
            rest = u128::from(short / 10_000);
        } else {
            digits[total] = (rest % BASE) as u16;
            rest /= BASE;
        }
        total += 1;
    }
    if total == 0 {
        return (0, 0);
    }
    digits[..total].reverse();
    let trailing = digits[..total].iter().rev().take_while(|digit| **digit == 0).count();
    (total - trailing, total as i16 - 1 - fraction_groups as i16)
}

/// Appends `values` as a `numeric[]` field of a binary COPY: its length in bytes (int32), then
/// dimensions, NULL flag, element type, size, lower bound 1, and the elements.
pub fn put_numeric_array(buf: &mut Vec<u8>, values: &[Option<Decimal>]) {
    let start = buf.len();
    buf.extend_from_slice(&[0; 4]);
    let has_null = i32::from(values.iter().any(Option::is_none));
    for word in [i32::from(!values.is_empty()), has_null, NUMERIC_OID] {
        buf.extend_from_slice(&word.to_be_bytes());
    }
    if !values.is_empty() {
        buf.extend_from_slice(&(values.len() as i32).to_be_bytes());
        buf.extend_from_slice(&1_i32.to_be_bytes());
    }
    for value in values {
        match value {
            Some(value) => put_numeric(buf, value),
            None => buf.extend_from_slice(&(-1_i32).to_be_bytes()),
        }
    }
    let length = (buf.len() - start - 4) as i32;
    buf[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimals() -> impl Strategy<Value = Decimal> {
        (-(1_i128 << 96) + 1..1_i128 << 96, 0_u32..=28, 0_u32..=28).prop_map(|(m, drop, scale)| {
            // Short numbers are the usual ones.
            Decimal::from_i128_with_scale(m / 10_i128.pow(drop), scale)
        })
    }

    fn array_of(values: &[Option<Decimal>]) -> Vec<Option<Decimal>> {
        let mut buf = Vec::new();
        put_numeric_array(&mut buf, values);
        let (length, field) = buf.split_first_chunk().unwrap();
        assert_eq!(usize::try_from(i32::from_be_bytes(*length)).unwrap(), field.len());
        read_array(field).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(values in prop::collection::vec(prop::option::of(decimals()), 0..20)) {
            let read = array_of(&values);
            prop_assert_eq!(&read, &values);
            for (a, b) in read.iter().flatten().zip(values.iter().flatten()) {
                prop_assert_eq!(a.scale(), b.scale());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read_array(&bytes);
            let _ = read_numeric(&bytes);
        }
    }

    #[test]
    fn the_bytes_are_those_that_postgresql_sends() {
        // select encode(numeric_send(-12345.678), 'hex')
        let mut buf = Vec::new();
        put_numeric(&mut buf, &"-12345.678".parse().unwrap());
        assert_eq!(buf, [0, 0, 0, 14, 0, 3, 0, 1, 0x40, 0, 0, 3, 0, 1, 0x09, 0x29, 0x1a, 0x7c]);
        let mut zero = Vec::new();
        put_numeric(&mut zero, &"-0.00".parse().unwrap());
        assert_eq!(zero, [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 2]);
    }

    #[test]
    fn a_number_beyond_96_bits_is_an_error_not_another_number() {
        let nan = [0, 0, 0, 0, 0xc0, 0, 0, 0];
        assert_eq!(read_numeric(&nan), Err(NumericError::OutOfRange));
        let huge = [0, 1, 0, 30, 0, 0, 0, 0, 0, 1];
        assert_eq!(read_numeric(&huge), Err(NumericError::OutOfRange));
    }
}
