//! How long a window is, as people write it.

use chrono::TimeDelta;

/// An ISO 8601 duration in days, hours, minutes and seconds, such as `PT3H` or `P1DT30M`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration(pub TimeDelta);

/// A text that is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a duration; write one of ISO 8601 such as PT3H, PT90M or P1D")]
pub struct BadDuration;

impl std::str::FromStr for Duration {
    type Err = BadDuration;

    fn from_str(text: &str) -> Result<Self, BadDuration> {
        let rest = text.strip_prefix('P').ok_or(BadDuration)?;
        let (days, time) = rest.split_once('T').map_or((rest, None), |(d, t)| (d, Some(t)));
        if days.is_empty() && time.is_none() || time == Some("") {
            return Err(BadDuration);
        }
        let total = parts(days, &[('W', 604_800), ('D', 86_400)])?
            .checked_add(parts(time.unwrap_or_default(), &[('H', 3600), ('M', 60), ('S', 1)])?);
        let length =
            total.and_then(TimeDelta::try_seconds).filter(|length| *length > TimeDelta::zero());
        length.map(Self).ok_or(BadDuration)
    }
}

/// Numbers before letters that come in this order, in seconds.
fn parts(text: &str, letters: &[(char, i64)]) -> Result<i64, BadDuration> {
    let (mut rest, mut total, mut letters) = (text, 0_i64, letters.iter());
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or(BadDuration)?;
        let number: i64 = rest[..end].parse().map_err(|_| BadDuration)?;
        let letter = rest[end..].chars().next().ok_or(BadDuration)?;
        let (_, seconds) = letters.find(|(known, _)| *known == letter).ok_or(BadDuration)?;
        let part = number.checked_mul(*seconds).ok_or(BadDuration)?;
        total = total.checked_add(part).ok_or(BadDuration)?;
        rest = &rest[end + letter.len_utf8()..];
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_iso_writes_them() {
        for (text, seconds) in [
            ("PT3H", 10_800),
            ("PT90M", 5400),
            ("P1D", 86_400),
            ("P1DT30M", 88_200),
            ("P2W", 1_209_600),
            ("PT1H5S", 3605),
        ] {
            assert_eq!(text.parse(), Ok(Duration(TimeDelta::seconds(seconds))), "{text}");
        }
        for text in [
            "",
            "P",
            "PT",
            "3H",
            "PT0H",
            "PT-1H",
            "PT1.5H",
            "P1H",
            "PT1M2H",
            "PT1",
            "P1é",
            "PT99999999999999999999H",
        ] {
            assert_eq!(text.parse::<Duration>(), Err(BadDuration), "{text}");
        }
    }
}
