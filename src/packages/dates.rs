//! From when until when an attachment is in force.

use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;

use crate::error::{Problem, Result};

/// The two ends: in force from the first on, and not from the second on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dates {
    /// None: always.
    pub starts_at: Option<DateTime<Utc>>,
    /// Exclusive; none: for good.
    pub ends_at: Option<DateTime<Utc>>,
}

impl Dates {
    /// Two instants. 400 unless they are in order.
    pub fn new(starts_at: Option<DateTime<Utc>>, ends_at: Option<DateTime<Utc>>) -> Result<Self> {
        if starts_at.zip(ends_at).is_some_and(|(starts, ends)| ends <= starts) {
            let detail = "ends_at must come after starts_at";
            let problem = Problem::new(StatusCode::BAD_REQUEST, "bad_parameter", detail);
            return Err(problem.with("parameter", "ends_at"));
        }
        Ok(Self { starts_at, ends_at })
    }

    /// Whole days of a zone, both inclusive.
    pub fn of_days(first: Option<NaiveDate>, last: Option<NaiveDate>, zone: Tz) -> Result<Self> {
        let after = last.map(|day| day.succ_opt().unwrap_or(day));
        Self::new(first.map(|day| midnight(day, zone)), after.map(|day| midnight(day, zone)))
    }
}

/// The instant at which a day begins; where clocks jump over midnight, the first that is there.
#[must_use]
pub fn midnight(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let local = day.and_time(NaiveTime::MIN);
    let instant = zone.from_local_datetime(&local).earliest();
    let jumped = || zone.from_utc_datetime(&local).to_utc();
    instant.map_or_else(jumped, |instant| instant.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_zone_and_inclusive() {
        let day = |text: &str| Some(text.parse::<NaiveDate>().unwrap());
        let zone = chrono_tz::America::Chicago;
        let dates = Dates::of_days(day("2031-03-09"), day("2031-03-09"), zone).unwrap();
        assert_eq!(dates.starts_at.unwrap().to_rfc3339(), "2031-03-09T06:00:00+00:00");
        // The day on which clocks go forward has 23 hours.
        assert_eq!(dates.ends_at.unwrap().to_rfc3339(), "2031-03-10T05:00:00+00:00");
        let problem = Dates::of_days(day("2031-03-09"), day("2031-03-08"), zone).unwrap_err();
        assert_eq!(problem.members["parameter"], "ends_at");
        assert_eq!(Dates::of_days(None, None, zone).unwrap(), Dates::default());
    }
}
