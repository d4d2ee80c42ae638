//! Instants as text, by integer arithmetic, straight into a buffer.

use chrono::{DateTime, Offset as _, TimeZone as _, Utc};
use chrono_tz::Tz;

/// Appends an instant in RFC 3339 with `Z`; microseconds only where there are any.
pub fn put_utc(out: &mut Vec<u8>, instant: DateTime<Utc>) {
    put_wall(out, instant.timestamp());
    let micros = instant.timestamp_subsec_micros();
    if micros > 0 {
        out.push(b'.');
        put_digits(out, micros, 6);
    }
    out.push(b'Z');
}

/// A zone, and which offset holds there: looked up once an hour, for slots come in their order.
#[derive(Debug, Clone)]
pub struct LocalClock {
    zone: Tz,
    quarter: i64,
    offset: i32,
}

impl LocalClock {
    /// Offsets change at whole quarters of an hour.
    const QUARTER: i64 = 900;

    /// The clock of a zone.
    #[must_use]
    pub const fn new(zone: Tz) -> Self {
        Self { zone, quarter: i64::MIN, offset: 0 }
    }

    /// Seconds that it is ahead of UTC.
    pub fn offset(&mut self, instant: DateTime<Utc>) -> i32 {
        let quarter = instant.timestamp().div_euclid(Self::QUARTER);
        if quarter != self.quarter {
            let offset = self.zone.offset_from_utc_datetime(&instant.naive_utc());
            (self.quarter, self.offset) = (quarter, offset.fix().local_minus_utc());
        }
        self.offset
    }

    /// Appends an instant in RFC 3339 with the zone's offset, in whole seconds.
    pub fn put(&mut self, out: &mut Vec<u8>, instant: DateTime<Utc>) {
        let offset = self.offset(instant);
        put_wall(out, instant.timestamp() + i64::from(offset));
        out.push(if offset < 0 { b'-' } else { b'+' });
        put_digits(out, offset.unsigned_abs() / 3600, 2);
        out.push(b':');
        put_digits(out, offset.unsigned_abs() / 60 % 60, 2);
    }

    /// The same as a text.
    pub fn text(&mut self, instant: DateTime<Utc>) -> String {
        let mut out = Vec::with_capacity(25);
        self.put(&mut out, instant);
        out.iter().copied().map(char::from).collect()
    }
}

/// `YYYY-MM-DDTHH:MM:SS`.
fn put_wall(out: &mut Vec<u8>, seconds: i64) {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let second = u32::try_from(second).unwrap_or_default();
    put_digits(out, year, 4);
    for (mark, number) in [
        (b'-', month),
        (b'-', day),
        (b'T', second / 3600),
        (b':', second / 60 % 60),
        (b':', second % 60),
    ] {
        out.push(mark);
        put_digits(out, number, 2);
    }
}

/// Year, month and day of a day since 1970, as Howard Hinnant computes it: years begin in March, so
/// that the day of leap years is their last. Years of a database have four digits.
fn civil(days: i64) -> (u32, u32, u32) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let short = |number: i64| u32::try_from(number).unwrap_or_default();
    (short(year), short(month), short(day))
}

/// Appends a number with so many digits.
fn put_digits(out: &mut Vec<u8>, number: u32, digits: usize) {
    let start = out.len();
    out.resize(start + digits, b'0');
    let mut rest = number;
    for place in out[start..].iter_mut().rev() {
        *place += (rest % 10).to_le_bytes()[0];
        rest /= 10;
    }
}

#[cfg(test)]
mod tests {
    use chrono::SecondsFormat;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_prints_what_chrono_prints(micros in -60_000_000_000_000_000_i64..200_000_000_000_000_000) {
            let instant = DateTime::from_timestamp_micros(micros).unwrap();
            let mut out = Vec::new();
            put_utc(&mut out, instant);
            let wanted = if micros % 1_000_000 == 0 { SecondsFormat::Secs } else { SecondsFormat::Micros };
            prop_assert_eq!(String::from_utf8(out).unwrap(), instant.to_rfc3339_opts(wanted, true));
            // From when on zones have offsets of whole minutes.
            if micros > 0 {
                let local = LocalClock::new(chrono_tz::America::St_Johns).text(instant);
                let wanted = instant.with_timezone(&chrono_tz::America::St_Johns);
                prop_assert_eq!(local, wanted.to_rfc3339_opts(SecondsFormat::Secs, false));
            }
        }
    }
}
