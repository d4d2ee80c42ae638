//! The instant that a curve file was published at, as its name tells it.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

/// When a curve was published: the wall clock of its file name, read in the configured zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurveTimestamp {
    instant: DateTime<Utc>,
    local: NaiveDateTime,
    zone: Tz,
}

/// Why a wall-clock time names no instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// The clock was put forward over it.
    #[error("{0} does not exist in {1}: the clock was put forward over it")]
    Skipped(NaiveDateTime, Tz),
}

impl CurveTimestamp {
    /// Reads a wall-clock time in `zone`. Of an hour that the clock shows twice, the earlier.
    pub fn read(local: NaiveDateTime, zone: Tz) -> Result<Self, TimestampError> {
        let instant = zone
            .from_local_datetime(&local)
            .earliest()
            .ok_or(TimestampError::Skipped(local, zone))?
            .with_timezone(&Utc);
        Ok(Self { instant, local, zone })
    }

    /// The instant, UTC.
    #[must_use]
    pub const fn instant(self) -> DateTime<Utc> {
        self.instant
    }

    /// The wall clock as the file name has it.
    #[must_use]
    pub const fn local(self) -> NaiveDateTime {
        self.local
    }

    /// The zone it was read in.
    #[must_use]
    pub const fn zone(self) -> Tz {
        self.zone
    }

    /// The operating day: the calendar day in the zone, [00:00, next 00:00).
    #[must_use]
    pub fn operating_day(self) -> NaiveDate {
        self.local.date()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    #[test]
    fn both_clock_changes_of_chicago_are_read_right() {
        let zone = chrono_tz::America::Chicago;
        let autumn = CurveTimestamp::read(at("2023-11-05T01:30:00"), zone).unwrap();
        assert_eq!(autumn.instant().to_rfc3339(), "2023-11-05T06:30:00+00:00");
        let spring = CurveTimestamp::read(at("2023-03-12T02:30:00"), zone).unwrap_err();
        assert!(spring.to_string().contains("does not exist in America/Chicago"));
        let evening = CurveTimestamp::read(at("2023-05-22T23:00:00"), zone).unwrap();
        assert_eq!(evening.operating_day().to_string(), "2023-05-22");
        assert_eq!(evening.instant().date_naive().to_string(), "2023-05-23");
    }
}
