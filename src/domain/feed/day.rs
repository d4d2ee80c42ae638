//! Days of a zone as ranges of instants.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::Window;

/// The first instant of a day: midnight, or where the clocks skip it, the moment after the change.
#[must_use]
pub fn day_start(zone: Tz, day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    let quarter = |n: i64| {
        let later = midnight + TimeDelta::minutes(15 * n);
        zone.from_local_datetime(&later).earliest()
    };
    // No change of clocks skips more than a day; UTC stands in for what cannot be.
    (0..=96).find_map(quarter).map_or(midnight.and_utc(), |start| start.with_timezone(&Utc))
}

/// `[midnight, next midnight)`: 23, 24 or 25 hours. `None` at the end of the calendar.
#[must_use]
pub fn local_day(zone: Tz, day: NaiveDate) -> Option<Window> {
    let next = day.checked_add_days(Days::new(1))?;
    Window::new(day_start(zone, day), day_start(zone, next)).ok()
}

/// The day that an instant lies in.
#[must_use]
pub fn day_of(zone: Tz, instant: DateTime<Utc>) -> NaiveDate {
    instant.with_timezone(&zone).date_naive()
}

/// The days that a range touches, oldest first.
pub fn days_of(zone: Tz, range: Window) -> impl Iterator<Item = NaiveDate> {
    let last = day_of(zone, range.to() - TimeDelta::nanoseconds(1));
    day_of(zone, range.from()).iter_days().take_while(move |day| *day <= last)
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America::New_York, Asia::Beirut, Europe::London};

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn hours(zone: Tz, text: &str) -> i64 {
        local_day(zone, day(text)).unwrap().length().num_hours()
    }

    #[test]
    fn days_are_as_long_as_the_clocks_make_them() {
        assert_eq!(
            ["2024-03-31", "2024-07-15", "2024-10-27"].map(|day| hours(London, day)),
            [23, 24, 25]
        );
        assert_eq!(
            ["2024-03-10", "2024-11-03", "2025-02-01"].map(|day| hours(New_York, day)),
            [23, 25, 24]
        );
        // There the clocks go from 24:00 to 01:00.
        assert_eq!(hours(Beirut, "2024-03-31"), 23);
    }

    #[test]
    fn the_days_of_a_range_are_those_that_it_touches() {
        let window = local_day(London, day("2024-07-15")).unwrap();
        assert_eq!(days_of(London, window).collect::<Vec<_>>(), [day("2024-07-15")]);
        let longer = Window::new(window.from(), window.to() + TimeDelta::seconds(1)).unwrap();
        assert_eq!(days_of(London, longer).count(), 2);
        assert_eq!(day_of(London, window.from()), day("2024-07-15"));
    }
}
