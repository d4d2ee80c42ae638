//! Instants.

use std::fmt;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, de};

/// An instant of a text in ISO 8601, with or without seconds: `2025-01-15T00:00Z`,
/// `2025-07-15T01:00:00+01:00`, `+0100`. One without a zone is refused: nothing says when it is.
/// Microseconds are kept, as tables keep them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(pub DateTime<Utc>);

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(AsText)
    }
}

struct AsText;

impl de::Visitor<'_> for AsText {
    type Value = Stamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an instant with its zone, such as 2025-01-15T00:00:00Z")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Stamp, E> {
        instant(text).map(Stamp).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

/// The instant that a text says; `None` where it says none, or no zone.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let text = text.as_bytes();
    let mark = |at: usize, marks: &[u8]| text.get(at).filter(|mark| marks.contains(mark));
    let field = |at: usize, length: usize| digits(text.get(at..at + length)?);
    mark(4, b"-").and(mark(7, b"-")).and(mark(10, b"Tt ")).and(mark(13, b":"))?;
    let date =
        NaiveDate::from_ymd_opt(i32::try_from(field(0, 4)?).ok()?, field(5, 2)?, field(8, 2)?)?;
    let (second, rest) = match mark(16, b":") {
        Some(_) => (field(17, 2)?, text.get(19..)?),
        None => (0, text.get(16..)?),
    };
    let (micros, zone) = fraction(rest)?;
    let local = date.and_hms_micro_opt(field(11, 2)?, field(14, 2)?, second, micros)?;
    local.and_utc().checked_sub_signed(TimeDelta::minutes(offset(zone)?))
}

/// The number that a few digits say, and nothing but digits.
fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0_u32, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u32::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Microseconds of `.25Z`, and what comes after them.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some(text) = text.strip_prefix(b".") else { return Some((0, text)) };
    let end = text.iter().position(|c| !c.is_ascii_digit()).unwrap_or(text.len());
    let kept = &text[..end.min(6)];
    let missing = 6_u32.checked_sub(u32::try_from(kept.len()).ok()?)?;
    let micros = digits(kept)? * 10_u32.pow(missing);
    (end > 0).then_some((micros, &text[end..]))
}

/// Minutes east of UTC of `Z`, `+01:00` or `+0100`.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match zone {
        b"Z" | b"z" => return Some(0),
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => (sign, [*h1, *h2], [*m1, *m2]),
        _ => return None,
    };
    let (hours, minutes) = (digits(&hours)?, digits(&minutes)?);
    let east = (hours < 24 && minutes < 60).then(|| i64::from(hours * 60 + minutes))?;
    match sign {
        b'+' => Some(east),
        b'-' => Some(-east),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Offset as _, SubsecRound as _};
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<String> {
        let stamp: Stamp = serde_json::from_str(&format!("{text:?}")).ok()?;
        Some(super::super::named(stamp.0))
    }

    #[test]
    fn stamps_are_read_as_upstreams_write_them() {
        for (text, instant) in [
            ("2025-01-15T00:00Z", Some("2025-01-15T00:00:00Z")),
            ("2025-07-15T01:00:00+01:00", Some("2025-07-15T00:00:00Z")),
            ("2025-07-15T01:00:00+0100", Some("2025-07-15T00:00:00Z")),
            ("2025-07-15T01:00-0330", Some("2025-07-15T04:30:00Z")),
            ("2021-07-07T23:06:00.250000Z", Some("2021-07-07T23:06:00.250Z")),
            ("2021-07-07T23:06:00.1234567891Z", Some("2021-07-07T23:06:00.123456Z")),
            ("2024-10-27 01:30:00+01:00", Some("2024-10-27T00:30:00Z")),
            ("2025-01-15T00:00:00", None),
            ("2025-01-15T00:00", None),
            ("2025-01-15", None),
            ("2025-02-29T00:00Z", None),
            ("2025-01-15T24:00Z", None),
            ("2025-01-15T00:00:60Z", None),
            ("2025-01-15T00:00:00.Z", None),
            ("2025-01-15T00:00:00+01", None),
            ("2025-01-15T00:00:00+24:00", None),
            ("2025-01-15T00:00:00Zulu", None),
            ("+025-01-15T00:00:00Z", None),
            ("２025-01-15T00:00Z", None),
            ("", None),
        ] {
            assert_eq!(read(text).as_deref(), instant, "{text}");
        }
        assert!(serde_json::from_str::<Stamp>("20250115").is_err());
    }

    proptest! {
        #[test]
        fn any_instant_comes_back_from_any_zone(
            seconds in -2_000_000_000_i64..4_000_000_000, micros in 0_u32..1_000_000, east in -1439_i32..1440
        ) {
            let at = DateTime::from_timestamp(seconds, micros * 1000).unwrap();
            let zone = chrono::FixedOffset::east_opt(east * 60).unwrap();
            prop_assert_eq!(zone.fix().local_minus_utc(), east * 60);
            prop_assert_eq!(instant(&at.with_timezone(&zone).to_rfc3339()), Some(at));
            let whole = at.trunc_subsecs(0);
            let compact = whole.with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S%z").to_string();
            prop_assert_eq!(instant(&compact), Some(whole));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            instant(&text);
        }
    }
}
