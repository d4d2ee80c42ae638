//! Spans of the calendar: which hour, day, ISO week or month of a zone an instant lies in.
//!
//! Periods of one grain and zone cover time without hole or overlap, whatever the clocks do: a day of
//! a change has 23 or 25 hours, and where a zone changes by half an hour there is half an hour of the
//! clock.

use chrono::{
    DateTime, Datelike, Days, MappedLocalTime, Months, NaiveDate, NaiveDateTime, NaiveTime,
    Offset as _, TimeDelta, TimeZone as _, Utc,
};
use chrono_tz::Tz;

use super::{Grain, Window};

/// The period of a grain that holds `instant` by the clocks of `zone`.
#[must_use]
pub fn holding(grain: Grain, zone: Tz, instant: DateTime<Utc>) -> Window {
    let found = match grain {
        Grain::Hour => hour(zone, instant),
        Grain::Day | Grain::Week | Grain::Month => dates(grain, zone, instant),
    };
    // Only at the ends of the calendar, where there is no next period.
    found.unwrap_or_else(|| Window::point(instant))
}

/// The periods of a grain that meet a range, oldest first.
pub fn meeting(grain: Grain, zone: Tz, range: Window) -> impl Iterator<Item = Window> {
    let first = holding(grain, zone, range.from());
    std::iter::successors(Some(first), move |before| Some(holding(grain, zone, before.to())))
        .take_while(move |period| period.from() < range.to())
}

fn offset(zone: Tz, instant: DateTime<Utc>) -> TimeDelta {
    let offset = zone.offset_from_utc_datetime(&instant.naive_utc()).fix();
    TimeDelta::seconds(offset.local_minus_utc().into())
}

/// The instants around `instant` in which the clocks show the same hour and are not changed.
fn hour(zone: Tz, instant: DateTime<Utc>) -> Option<Window> {
    const HOUR: i64 = 3600;
    let here = offset(zone, instant);
    let into = (instant.timestamp() + here.num_seconds()).rem_euclid(HOUR);
    let from = DateTime::from_timestamp(instant.timestamp() - into, 0)?;
    let to = from.checked_add_signed(TimeDelta::hours(1))?;
    let same = |at| offset(zone, at) == here;
    let from = if same(from) { from } else { change(from, instant, |at| !same(at)) };
    let last = to - TimeDelta::seconds(1);
    let to = if same(last) { to } else { change(instant, to, same) };
    Window::new(from, to).ok()
}

/// The first second after `from` at which `holds` is over; it holds at `from`, not at `to`.
fn change(
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    holds: impl Fn(DateTime<Utc>) -> bool,
) -> DateTime<Utc> {
    let (mut before, mut after) = (from.timestamp(), to.timestamp());
    let at = |second| DateTime::from_timestamp(second, 0).unwrap_or(to);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if holds(at(middle)) { before = middle } else { after = middle }
    }
    at(after)
}

/// From one local midnight to another. Where clocks go back over midnight a date is there twice: the
/// first time begins it.
fn dates(grain: Grain, zone: Tz, instant: DateTime<Utc>) -> Option<Window> {
    let local = instant.with_timezone(&zone).date_naive();
    let first = first_day(grain, local)?;
    let mut period =
        Window::new(midnight(zone, first), midnight(zone, next(grain, first)?)).ok()?;
    if instant >= period.to() {
        let first = next(grain, first)?;
        period = Window::new(period.to(), midnight(zone, next(grain, first)?)).ok()?;
    }
    Some(period)
}

fn first_day(grain: Grain, day: NaiveDate) -> Option<NaiveDate> {
    match grain {
        Grain::Week => day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())),
        Grain::Month => day.with_day(1),
        Grain::Day | Grain::Hour => Some(day),
    }
}

fn next(grain: Grain, first: NaiveDate) -> Option<NaiveDate> {
    match grain {
        Grain::Week => first.checked_add_days(Days::new(7)),
        Grain::Month => first.checked_add_months(Months::new(1)),
        Grain::Day | Grain::Hour => first.succ_opt(),
    }
}

/// The first instant of a day: where the clocks skip midnight, the moment when they do.
fn midnight(zone: Tz, day: NaiveDate) -> DateTime<Utc> {
    let local: NaiveDateTime = day.and_time(NaiveTime::MIN);
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => at.to_utc(),
        MappedLocalTime::None => {
            // A change moves clocks by less than a day and a bit.
            let (before, after) =
                (local.and_utc() - TimeDelta::hours(36), local.and_utc() + TimeDelta::hours(36));
            let is_before = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local() < local;
            change(before, after, is_before)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ZONES: [Tz; 10] = [
        Tz::UTC,
        Tz::Europe__London,
        Tz::America__New_York,
        Tz::America__Los_Angeles,
        Tz::America__St_Johns,
        Tz::Asia__Kolkata,
        Tz::Australia__Lord_Howe,
        Tz::America__Havana,
        Tz::Asia__Beirut,
        Tz::Pacific__Apia,
    ];

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn hours(grain: Grain, zone: Tz, text: &str) -> (String, i64) {
        let period = holding(grain, zone, at(text));
        let from = period.from().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        (from, period.length().num_minutes())
    }

    proptest! {
        #[test]
        fn periods_hold_their_instants_and_join_without_hole(
            second in 946_684_800_i64..1_900_000_000,
            zone in prop::sample::select(&ZONES[..]),
            grain in prop::sample::select(Grain::ALL)
        ) {
            let instant = DateTime::from_timestamp(second, 0).unwrap();
            let period = holding(grain, zone, instant);
            prop_assert!(period.holds(instant), "{period}");
            prop_assert_eq!(holding(grain, zone, period.from()), period);
            prop_assert_eq!(holding(grain, zone, period.to() - TimeDelta::seconds(1)), period);
            prop_assert_eq!(holding(grain, zone, period.to()).from(), period.to());
        }

        #[test]
        fn every_hour_lies_in_one_day_and_every_day_in_one_week_and_month(
            second in 1_262_304_000_i64..1_900_000_000, zone in prop::sample::select(&ZONES[..])
        ) {
            let instant = DateTime::from_timestamp(second, 0).unwrap();
            let period = |grain| holding(grain, zone, instant);
            for (small, large) in
                [(Grain::Hour, Grain::Day), (Grain::Day, Grain::Week), (Grain::Day, Grain::Month)]
            {
                prop_assert_eq!(period(small).meet(period(large)), Some(period(small)));
            }
        }
    }

    #[test]
    fn days_of_a_clock_change_have_23_and_25_hours() {
        for (zone, text, from, minutes) in [
            (Tz::Europe__London, "2024-03-31T12:00:00Z", "2024-03-31T00:00:00Z", 23 * 60),
            (Tz::Europe__London, "2024-10-27T23:59:59Z", "2024-10-26T23:00:00Z", 25 * 60),
            (Tz::America__New_York, "2024-11-03T12:00:00Z", "2024-11-03T04:00:00Z", 25 * 60),
            (Tz::America__New_York, "2024-03-10T12:00:00Z", "2024-03-10T05:00:00Z", 23 * 60),
            (Tz::Asia__Beirut, "2024-03-31T12:00:00Z", "2024-03-30T22:00:00Z", 23 * 60),
            (
                Tz::Australia__Lord_Howe,
                "2024-04-07T00:00:00Z",
                "2024-04-06T13:00:00Z",
                24 * 60 + 30,
            ),
        ] {
            assert_eq!(hours(Grain::Day, zone, text), (from.to_owned(), minutes), "{zone}");
        }
    }

    #[test]
    fn weeks_begin_on_monday_and_hours_follow_the_clock() {
        let week = hours(Grain::Week, Tz::Europe__London, "2024-03-31T22:59:59Z");
        assert_eq!(week, ("2024-03-25T00:00:00Z".to_owned(), 7 * 24 * 60 - 60));
        let month = hours(Grain::Month, Tz::America__New_York, "2024-11-30T23:00:00Z");
        assert_eq!(month, ("2024-11-01T04:00:00Z".to_owned(), (30 * 24 + 1) * 60));
        let hour = hours(Grain::Hour, Tz::Asia__Kolkata, "2024-06-01T10:10:00Z");
        assert_eq!(hour, ("2024-06-01T09:30:00Z".to_owned(), 60));
        let half = hours(Grain::Hour, Tz::Australia__Lord_Howe, "2024-04-06T15:10:00Z");
        assert_eq!(half, ("2024-04-06T15:00:00Z".to_owned(), 30));
    }

    #[test]
    fn a_range_meets_the_periods_that_it_touches() {
        let range = Window::new(at("2024-03-31T00:30:00Z"), at("2024-03-31T03:00:00Z")).unwrap();
        let count = |grain| meeting(grain, Tz::Europe__London, range).count();
        assert_eq!((count(Grain::Hour), count(Grain::Day), count(Grain::Month)), (3, 1, 1));
    }
}
