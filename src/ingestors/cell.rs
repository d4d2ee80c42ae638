//! The one grammar of value cells, for all families: exact decimals, never binary floating point.

use rust_decimal::Decimal;

use crate::{
    domain::{Code, Missing, Notation},
    grid::{Cell, CellKind},
};

/// The most decimals a stored value has.
const MAX_DECIMALS: i64 = 15;
/// The most digits before the point: values are below 10¹².
const MAX_WHOLE_DIGITS: i64 = 12;

const MARKERS: [&str; 10] =
    ["#N/A", "#NA", "N/A", "NA", "NaN", "-nan", "NULL", "None", "<NA>", "1.#IND"];
const INFINITE: [&str; 2] = ["inf", "Infinity"];

/// A cell that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value {
    /// The number, normalised; 0 where there is none (then the notation says so).
    pub number: Decimal,
    /// How it was written, or why it is missing.
    pub notation: Notation,
    /// Whether digits beyond the 15th decimal were rounded away.
    pub rounded: bool,
}

impl Value {
    const fn missing(reason: Missing) -> Self {
        Self { number: Decimal::ZERO, notation: Notation::Missing(reason), rounded: false }
    }

    /// The number, or `None` where it is missing.
    #[must_use]
    pub const fn get(&self) -> Option<Decimal> {
        match self.notation {
            Notation::Missing(_) => None,
            _ => Some(self.number),
        }
    }
}

/// Reads a cell; the error is `not_a_number`, `not_finite` or `out_of_range`.
pub fn read(cell: Cell<'_>) -> Result<Value, Code> {
    let text = cell.trimmed();
    match cell.kind {
        CellKind::Number => typed(text, Notation::Plain),
        CellKind::Percent => typed(text, Notation::Percent),
        CellKind::Money => typed(text, Notation::Money),
        CellKind::Date | CellKind::Formula => Err(Code::NotANumber),
        CellKind::Text if text.is_empty() => Ok(Value::missing(match cell.text {
            "" => Missing::Empty,
            _ => Missing::Blank,
        })),
        CellKind::Text => read_text(text),
    }
}

/// Whether a trimmed text is one of the markers of a missing value.
#[must_use]
pub fn is_missing_marker(text: &str) -> bool {
    MARKERS.iter().any(|marker| marker.eq_ignore_ascii_case(text))
}

/// Whether a trimmed text is a spreadsheet's error: `#REF!`, `#DIV/0!`, `####`.
#[must_use]
pub fn is_error_marker(text: &str) -> bool {
    text.starts_with('#') && (text.ends_with(['!', '?', '#']) || is_missing_marker(text))
}

fn typed(text: &str, notation: Notation) -> Result<Value, Code> {
    let (negative, digits) = split_sign(text);
    number(digits, negative.unwrap_or(false), 0, notation)
}

/// The commonest cell, quickly: an unsigned decimal of at most 12 digits before and 6 behind the
/// point.
fn short_decimal(text: &str) -> Option<Decimal> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !(1..=12).contains(&whole.len()) || !(1..=6).contains(&fraction.len()) {
        return None;
    }
    let mut mantissa: i64 = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        if !byte.is_ascii_digit() {
            return None;
        }
        mantissa = mantissa * 10 + i64::from(byte - b'0');
    }
    let mut scale = u32::try_from(fraction.len()).ok()?;
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    Some(Decimal::new(mantissa, scale))
}

fn read_text(text: &str) -> Result<Value, Code> {
    if let Some(number) = short_decimal(text) {
        return Ok(Value { number, notation: Notation::Plain, rounded: false });
    }
    if let Some(first) = text.bytes().next()
        && (first.is_ascii_digit() || first == b'.')
        && let Ok(value) = signed(text, false)
    {
        return Ok(value);
    }
    if is_missing_marker(text) {
        return Ok(Value::missing(Missing::NotAvailable));
    }
    let bare = text.strip_prefix(['-', '+']).unwrap_or(text);
    if INFINITE.iter().any(|word| word.eq_ignore_ascii_case(bare)) {
        return Err(Code::NotFinite);
    }
    if is_dash(text) {
        return Ok(Value { number: Decimal::ZERO, notation: Notation::Dash, rounded: false });
    }
    match parenthesised(text) {
        Some((inner, money)) => {
            if inner.contains(['-', '+']) && !inner.contains(['e', 'E'])
                || inner.starts_with(['-', '+'])
            {
                return Err(Code::NotANumber);
            }
            let inner = if money { format!("${inner}") } else { inner.to_owned() };
            signed(&inner, true)
        }
        None => signed(text, false),
    }
}

/// `-`, `–`, `$ -` with any blanks.
fn is_dash(text: &str) -> bool {
    let rest = text.strip_prefix('$').unwrap_or(text).trim_matches([' ', '\t', '\u{a0}']);
    matches!(rest, "-" | "–")
}

/// The text inside `(…)` or `$(…)`, and whether the dollar stood outside.
fn parenthesised(text: &str) -> Option<(&str, bool)> {
    let (text, money) = match text.strip_prefix('$') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    text.strip_prefix('(')?.strip_suffix(')').map(|inner| (inner, money))
}

fn split_sign(text: &str) -> (Option<bool>, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (Some(true), rest),
        None => match text.strip_prefix('+') {
            Some(rest) => (Some(false), rest),
            None => (None, text),
        },
    }
}

/// A sign before or behind the dollar, digits, a percent sign.
fn signed(text: &str, negative: bool) -> Result<Value, Code> {
    let (outer, text) = split_sign(text);
    let (money, text) = match text.strip_prefix('$') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (inner, text) = if money { split_sign(text) } else { (None, text) };
    if outer.is_some() && inner.is_some() {
        return Err(Code::NotANumber);
    }
    let (text, percent) = match text.strip_suffix('%') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let (notation, shift) = match (money, percent) {
        (true, true) => return Err(Code::NotANumber),
        (true, false) => (Notation::Money, 0),
        (false, true) => (Notation::Percent, -2),
        (false, false) => (Notation::Plain, 0),
    };
    number(text, outer.or(inner).unwrap_or(false) != negative, shift, notation)
}

/// Unsigned digits with thousands groups, a point and an exponent, times ten to the `shift`.
fn number(text: &str, negative: bool, shift: i64, notation: Notation) -> Result<Value, Code> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let grouped = whole.contains(',');
    if grouped && !has_groups_of_three(whole)
        || !fraction.bytes().all(|byte| byte.is_ascii_digit())
        || !whole.bytes().all(|byte| byte.is_ascii_digit() || byte == b',')
        || whole.is_empty() && fraction.is_empty()
    {
        return Err(Code::NotANumber);
    }
    let digits = whole.bytes().chain(fraction.bytes()).filter(|byte| *byte != b',');
    let commas = whole.bytes().filter(|byte| *byte == b',').count();
    let point = i64::try_from(whole.len() - commas).unwrap_or(i64::MAX);
    let (number, rounded) = assemble(digits, point.saturating_add(exponent).saturating_add(shift))?;
    Ok(Value { number: if negative { -number } else { number }.normalize(), notation, rounded })
        .map(
            |value| {
                if value.number.is_zero() {
                    Value { number: Decimal::ZERO, ..value }
                } else {
                    value
                }
            },
        )
}

fn read_exponent(text: &str) -> Result<i64, Code> {
    let (negative, digits) = split_sign(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Code::NotANumber);
    }
    // Longer than this is beyond any range either way.
    let exponent = digits
        .trim_start_matches('0')
        .get(..9)
        .map_or_else(|| digits.trim_start_matches('0').parse().unwrap_or(0), |_| 1_000_000_000);
    Ok(if negative == Some(true) { -exponent } else { exponent })
}

fn has_groups_of_three(whole: &str) -> bool {
    let mut groups = whole.split(',');
    groups.next().is_some_and(|first| (1..=3).contains(&first.len()))
        && groups.all(|group| group.len() == 3)
}

/// The decimal whose digits are `digits` with the point before the one at `point`, rounded
/// half-even to 15 decimals; whether that took anything away.
fn assemble(digits: impl Iterator<Item = u8>, point: i64) -> Result<(Decimal, bool), Code> {
    let mut mantissa: i128 = 0;
    let mut decimals: i64 = 0;
    // The first digit that does not fit, and whether a later one is not zero.
    let mut cut: Option<(u8, bool)> = None;
    for (index, digit) in (0_i64..).zip(digits) {
        let digit = digit - b'0';
        // Ten to the power of this is the digit's place; -1 is the first decimal.
        let place = point - 1 - index;
        if place >= MAX_WHOLE_DIGITS && digit > 0 {
            return Err(Code::OutOfRange);
        }
        if place >= -MAX_DECIMALS {
            mantissa = mantissa * 10 + i128::from(digit);
            decimals = -place;
        } else {
            cut = match cut {
                None if place == -MAX_DECIMALS - 1 => Some((digit, false)),
                None => Some((0, digit > 0)),
                Some((first, more)) => Some((first, more || digit > 0)),
            };
        }
    }
    if cut.is_some() {
        decimals = MAX_DECIMALS;
    }
    if decimals < 0 {
        if mantissa > 0 {
            mantissa *= 10_i128.pow(u32::try_from(-decimals).unwrap_or(0));
        }
        decimals = 0;
    }
    let (first, more) = cut.unwrap_or((0, false));
    if first > 5 || first == 5 && (more || mantissa % 2 == 1) {
        mantissa += 1;
    }
    if mantissa >= 10_i128.pow(u32::try_from(MAX_WHOLE_DIGITS + decimals).unwrap_or(0)) {
        return Err(Code::OutOfRange);
    }
    let scale = u32::try_from(decimals).unwrap_or(0);
    Ok((Decimal::from_i128_with_scale(mantissa, scale), first > 0 || more))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Result<Value, Code> {
        read(Cell { text, kind: CellKind::Text })
    }

    #[test]
    fn every_notation_of_the_table_is_read() {
        use Notation::{Dash, Money, Percent, Plain};
        for (cell, number, notation) in [
            ("19.76", "19.76", Plain),
            ("-1.5", "-1.5", Plain),
            ("+3", "3", Plain),
            (".5", "0.5", Plain),
            ("0.0449", "0.0449", Plain),
            ("15 ", "15", Plain),
            ("\u{a0}1\t", "1", Plain),
            ("$0.04", "0.04", Money),
            ("-$1.50", "-1.5", Money),
            ("$-1.50", "-1.5", Money),
            ("1,234.50", "1234.5", Plain),
            ("$12,345", "12345", Money),
            ("4.99%", "0.0499", Percent),
            ("-2%", "-0.02", Percent),
            ("1239425200%", "12394252", Percent),
            ("(1.50)", "-1.5", Plain),
            ("($1.50)", "-1.5", Money),
            ("$(1.50)", "-1.5", Money),
            ("(5%)", "-0.05", Percent),
            ("-", "0", Dash),
            ("–", "0", Dash),
            (" $  -   ", "0", Dash),
            ("1.2E-05", "0.000012", Plain),
            ("3e6", "3000000", Plain),
            ("-0", "0", Plain),
            ("-0.00", "0", Plain),
            ("0e999999999999", "0", Plain),
            ("999999999999.999999999999999", "999999999999.999999999999999", Plain),
        ] {
            let value = text(cell).unwrap_or_else(|code| panic!("{cell:?}: {code}"));
            assert_eq!(value.number.to_string(), number, "{cell:?}");
            assert_eq!(value.notation, notation, "{cell:?}");
            assert!(!value.rounded, "{cell:?}");
        }
    }

    #[test]
    fn a_missing_value_is_never_zero_and_keeps_its_reason() {
        for (cell, reason) in [
            ("", Missing::Empty),
            (" ", Missing::Blank),
            ("\u{a0} \t", Missing::Blank),
            ("#n/a", Missing::NotAvailable),
            (" NaN ", Missing::NotAvailable),
            ("-nan", Missing::NotAvailable),
            ("<NA>", Missing::NotAvailable),
            ("1.#IND", Missing::NotAvailable),
            ("null", Missing::NotAvailable),
        ] {
            let value = text(cell).unwrap();
            assert_eq!(
                (value.get(), value.notation),
                (None, Notation::Missing(reason)),
                "{cell:?}"
            );
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for cell in [
            "1,23", "12,34.5", "1234,567", ",123", "(-1)", "(+1)", "#REF!", "#DIV/0!", "####",
            "1 234", "€5", "5 $", "$5%", "1.2.3", "1e", "e5", "--1", "-$-1", "()", "%", "$", ".",
            "1,234,5", "0x10", "TBD", "$ 1.50", "1_000", "١٢",
        ] {
            assert_eq!(text(cell), Err(Code::NotANumber), "{cell:?}");
        }
        for cell in ["inf", "-Infinity", "+INF"] {
            assert_eq!(text(cell), Err(Code::NotFinite), "{cell:?}");
        }
        for cell in
            ["1e12", "1000000000000", "1E999", "-1e999999999999", "999999999999.9999999999999999"]
        {
            assert_eq!(text(cell), Err(Code::OutOfRange), "{cell:?}");
        }
    }

    #[test]
    fn the_sixteenth_decimal_is_rounded_half_even_and_told() {
        for (cell, number) in [
            ("0.0000000000000005", "0"),
            ("0.0000000000000015", "0.000000000000002"),
            ("0.00000000000000050000001", "0.000000000000001"),
            ("0.1234567890123454", "0.123456789012345"),
            ("1e-999999", "0"),
            ("0.1234567890123451%", "0.001234567890123"),
        ] {
            let value = text(cell).unwrap();
            assert_eq!(value.number.to_string(), number, "{cell}");
            assert!(value.rounded, "{cell}");
        }
    }

    #[test]
    fn typed_cells_are_taken_as_they_are() {
        let typed = |text, kind| read(Cell { text, kind }).unwrap();
        let percent = typed("0.0499", CellKind::Percent);
        assert_eq!(
            (percent.number.to_string().as_str(), percent.notation),
            ("0.0499", Notation::Percent)
        );
        assert_eq!(typed("0", CellKind::Money).notation, Notation::Money);
        assert_eq!(read(Cell { text: "", kind: CellKind::Formula }), Err(Code::NotANumber));
        assert_eq!(read(Cell { text: "2023-05-01", kind: CellKind::Date }), Err(Code::NotANumber));
    }

    proptest! {
        #[test]
        fn any_decimal_comes_back_exactly(mantissa in -999_999_999_999_999_999_999_999_999_i128..=999_999_999_999_999_999_999_999_999, scale in 15_u32..=15) {
            let number = Decimal::from_i128_with_scale(mantissa, scale);
            let value = text(&number.to_string()).unwrap();
            prop_assert_eq!(value.number, number);
            prop_assert!(!value.rounded);
        }

        #[test]
        fn the_quick_way_and_the_long_one_agree(cell in "[0-9]{1,13}(\\.[0-9]{0,8})?") {
            let value = text(&cell);
            prop_assert_eq!(value, signed(&cell, false));
            let shown = value.map(|value| value.number.to_string());
            prop_assert!(!shown.is_ok_and(|text| text.contains('.') && text.ends_with('0')));
        }

        #[test]
        fn no_text_panics(cell in "\\PC{0,40}") {
            let _ = text(&cell);
        }

        #[test]
        fn nothing_near_a_number_panics(cell in "[-+$(]{0,3}[0-9,.]{0,45}[eE]?[-+]?[0-9]{0,12}[%)]{0,2}") {
            let _ = text(&cell);
        }
    }
}
