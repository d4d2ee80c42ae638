//! Spans of the calendar in a zone.

use chrono::{
    DateTime, Datelike as _, Days, Months, NaiveDate, NaiveTime, Offset as _, TimeDelta,
    TimeZone as _, Utc,
};
use chrono_tz::Tz;

use crate::domain::feed::{Grain, Window};

/// The span of a grain that holds an instant: whole hours of the clock, days from midnight to midnight
/// (23, 24 or 25 hours), ISO weeks, calendar months. `None` beyond the years that there are.
#[must_use]
pub fn span(grain: Grain, zone: Tz, instant: DateTime<Utc>) -> Option<Window> {
    let day = instant.with_timezone(&zone).date_naive();
    let (first, past) = match grain {
        Grain::Hour => return hour(zone, instant),
        Grain::Day => (day, day.checked_add_days(Days::new(1))?),
        Grain::Week => {
            let back = Days::new(day.weekday().num_days_from_monday().into());
            let monday = day.checked_sub_days(back)?;
            (monday, monday.checked_add_days(Days::new(7))?)
        }
        Grain::Month => {
            let first = day.with_day(1)?;
            (first, first.checked_add_months(Months::new(1))?)
        }
    };
    Window::new(midnight(zone, first)?, midnight(zone, past)?).ok()
}

fn hour(zone: Tz, instant: DateTime<Utc>) -> Option<Window> {
    let offset = zone.offset_from_utc_datetime(&instant.naive_utc()).fix().local_minus_utc();
    let local = instant.timestamp().checked_add(offset.into())?;
    let start = DateTime::from_timestamp(instant.timestamp() - local.rem_euclid(3600), 0)?;
    Window::new(start, start.checked_add_signed(TimeDelta::hours(1))?).ok()
}

/// The first instant of a day. Where clocks skip midnight it is the one after the gap.
#[must_use]
pub fn midnight(zone: Tz, day: NaiveDate) -> Option<DateTime<Utc>> {
    let quarters = (0..12).map(|quarters| TimeDelta::minutes(15 * quarters));
    let mut local = quarters.map(|later| day.and_time(NaiveTime::MIN) + later);
    local.find_map(|local| zone.from_local_datetime(&local).earliest()).map(|at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_as_long_as_their_clocks_make_them() {
        for (zone, day, hours) in [
            (chrono_tz::Europe::London, "2025-03-30", 23),
            (chrono_tz::Europe::London, "2025-10-26", 25),
            (chrono_tz::America::New_York, "2024-11-03", 25),
            (chrono_tz::America::Los_Angeles, "2024-03-10", 23),
            (chrono_tz::UTC, "2024-03-10", 24),
        ] {
            let noon = midnight(zone, day.parse().unwrap()).unwrap() + TimeDelta::hours(12);
            let span = span(Grain::Day, zone, noon).unwrap();
            assert_eq!(span.length().num_hours(), hours, "{zone} {day}");
        }
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first_of_the_zone() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let london = chrono_tz::Europe::London;
        // A Sunday evening of London summer is the same week.
        let week = span(Grain::Week, london, at("2025-10-26T23:30:00Z")).unwrap();
        assert_eq!(week.to_string(), "2025-10-19T23:00:00+00:00/2025-10-27T00:00:00+00:00");
        let month = span(Grain::Month, london, at("2025-06-30T23:00:00Z")).unwrap();
        assert_eq!(month.from(), at("2025-06-30T23:00:00Z"));
        let hour = span(Grain::Hour, chrono_tz::Asia::Kolkata, at("2025-01-01T00:10:00Z")).unwrap();
        assert_eq!(hour.from(), at("2024-12-31T23:30:00Z"));
    }
}
