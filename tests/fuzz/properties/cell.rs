//! Value cells.

use rust_decimal::Decimal;
use trueprice::{
    domain::Notation,
    grid::{Cell, CellKind},
    ingestors::cell::{self, Value},
};

use super::kind;

/// The first byte chooses the kind, the others are the text.
pub fn check(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(text);
    let Ok(value) = cell::read(Cell { text: &text, kind: kind(*choice) }) else { return };
    let below = Decimal::from(1_000_000_000_000_u64);
    assert!(value.number.abs() < below && value.number.scale() <= 15, "{value:?}");
    assert!(!value.number.is_zero() || value.number.is_sign_positive(), "a zero has no sign");
    assert_eq!(value.number.normalize().scale(), value.number.scale(), "{value:?}");
    match value.notation {
        Notation::Missing(_) => assert_eq!((value.get(), value.rounded), (None, false)),
        _ => assert_eq!(printed_and_read(&value), value.number, "{text:?}"),
    }
}

/// The value, written in its notation and read once more.
fn printed_and_read(value: &Value) -> Decimal {
    let number = value.number;
    let text = match value.notation {
        Notation::Money => format!("${number}"),
        Notation::Percent => format!("{}%", hundredfold(number)),
        Notation::Dash => "-".to_owned(),
        Notation::Plain | Notation::Missing(_) => number.to_string(),
    };
    let again = cell::read(Cell { text: &text, kind: CellKind::Text }).expect("what was printed");
    assert_eq!((again.notation, again.rounded), (value.notation, false), "{text:?}");
    again.number
}

/// The value times a hundred, by moving its point.
fn hundredfold(number: Decimal) -> Decimal {
    match number.scale() {
        0 | 1 => number * Decimal::ONE_HUNDRED,
        scale => Decimal::from_i128_with_scale(number.mantissa(), scale - 2),
    }
}
