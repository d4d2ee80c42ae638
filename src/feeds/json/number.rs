//! Exact numbers.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::value::RawValue;

use super::Text;

/// A number with the digits that the upstream wrote, as a JSON number or as one in a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exact(pub Decimal);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let wrong = || {
            let shown: String = raw.chars().take(60).collect();
            D::Error::custom(format!("expected a number of at most 28 digits, found {shown}"))
        };
        if raw.starts_with('"') {
            let text: Text<'_> = serde_json::from_str(raw).map_err(|_| wrong())?;
            return number(&text).map(Self).ok_or_else(wrong);
        }
        number(raw).map(Self).ok_or_else(wrong)
    }
}

/// The number that a text of digits says, with or without an exponent. `None` where it is none, or has
/// more digits than can be kept exactly.
fn number(text: &str) -> Option<Decimal> {
    let plain = |c: u8| c.is_ascii_digit() || matches!(c, b'.' | b'-' | b'+' | b'e' | b'E');
    let opens = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    if !opens || !text.bytes().all(plain) {
        return None;
    }
    match text.split_once(['e', 'E']) {
        None => Decimal::from_str_exact(text).ok(),
        Some((digits, exponent)) => {
            scaled(Decimal::from_str_exact(digits).ok()?, exponent.parse().ok()?)
        }
    }
}

/// `digits` × 10^`exponent`, exactly.
fn scaled(digits: Decimal, exponent: i32) -> Option<Decimal> {
    let scale = i64::from(digits.scale()) - i64::from(exponent);
    let zeros = u32::try_from(-scale).unwrap_or(0);
    let mantissa = match digits.mantissa() {
        0 => return Some(Decimal::ZERO),
        mantissa => mantissa.checked_mul(10_i128.checked_pow(zeros)?)?,
    };
    Decimal::try_from_i128_with_scale(mantissa, u32::try_from(scale.max(0)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &str) -> Option<String> {
        serde_json::from_str::<Exact>(json).ok().map(|exact| exact.0.to_string())
    }

    #[test]
    fn digits_stay_as_they_were_written() {
        for (json, read_as) in [
            ("520.0", Some("520.0")),
            ("\"520.0\"", Some("520.0")),
            ("0", Some("0")),
            ("-0.30", Some("-0.30")),
            ("18.64789", Some("18.64789")),
            ("1.5e3", Some("1500")),
            ("\"15E-4\"", Some("0.0015")),
            ("0e99999", Some("0")),
            ("1e29", None),
            ("1e-29", None),
            ("1e99999999999", None),
            ("0.12345678901234567890123456789", None),
            ("\"\"", None),
            ("\"1_000\"", None),
            ("\"1,5\"", None),
            ("\" 1\"", None),
            ("\"NaN\"", None),
            ("\"+1\"", None),
            ("true", None),
            ("[1]", None),
            ("null", None),
        ] {
            assert_eq!(read(json).as_deref(), read_as, "{json}");
        }
    }

    #[test]
    fn null_and_absent_are_unknown_and_zero_is_zero() {
        #[derive(serde::Deserialize)]
        struct Row {
            value: Option<Exact>,
        }
        let value = |json| serde_json::from_str::<Row>(json).unwrap().value;
        assert_eq!(value("{}"), None);
        assert_eq!(value("{\"value\":null}"), None);
        assert_eq!(value("{\"value\":0}"), Some(Exact(Decimal::ZERO)));
    }

    proptest! {
        #[test]
        fn any_decimal_comes_back_with_its_digits(mantissa in any::<i64>(), scale in 0_u32..=28) {
            let decimal = Decimal::new(mantissa, scale);
            prop_assert_eq!(read(&decimal.to_string()), Some(decimal.to_string()));
        }

        #[test]
        fn an_exponent_only_moves_the_point(mantissa in 1_i32..1_000_000, exponent in -20_i32..20) {
            let power = if exponent < 0 {
                Decimal::new(1, exponent.unsigned_abs())
            } else {
                Decimal::from(10_i128.pow(exponent.unsigned_abs()))
            };
            let product = (Decimal::from(mantissa) * power).normalize();
            let exact: Exact = serde_json::from_str(&format!("{mantissa}e{exponent}")).unwrap();
            prop_assert_eq!(exact.0.normalize(), product);
        }
    }
}
