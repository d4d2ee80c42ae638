//! NERC holidays, business days and clock changes, by formula.

use chrono::{Datelike, Days, NaiveDate, Weekday};

use super::words;

words! {
    /// How the hours of a month are counted.
    Calendar("a calendar") {
        /// Without holidays and clock changes.
        Flat = "flat",
        /// With NERC holidays and clock changes.
        Nerc = "nerc",
    }
}

/// Whether `day` is one of the six NERC holidays as observed: one that falls on a Sunday is
/// observed on the Monday after it, one on a Saturday stays there.
#[must_use]
pub fn is_nerc_holiday(day: NaiveDate) -> bool {
    let sunday_before = |date| day.weekday() == Weekday::Mon && day.pred_opt().is_some_and(date);
    let of_date = |day: NaiveDate| matches!((day.month(), day.day()), (1, 1) | (7, 4) | (12, 25));
    of_date(day) && day.weekday() != Weekday::Sun || sunday_before(of_date) || is_of_weekday(day)
}

/// Memorial Day, Labor Day and Thanksgiving.
fn is_of_weekday(day: NaiveDate) -> bool {
    match (day.month(), day.weekday()) {
        (5, Weekday::Mon) => day.day() > 24,
        (9, Weekday::Mon) => day.day() <= 7,
        (11, Weekday::Thu) => (22..=28).contains(&day.day()),
        _ => false,
    }
}

/// Whether `day` is a Saturday or a Sunday.
#[must_use]
pub fn is_weekend(day: NaiveDate) -> bool {
    matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

/// Whether `day` is neither on a weekend nor a NERC holiday.
#[must_use]
pub fn is_business_day(day: NaiveDate) -> bool {
    !is_weekend(day) && !is_nerc_holiday(day)
}

/// The last business day before `day`; `day` itself at the calendar's beginning.
#[must_use]
pub fn business_day_before(day: NaiveDate) -> NaiveDate {
    let mut before = (1..=7).filter_map(|days| day.checked_sub_days(Days::new(days)));
    before.find(|day| is_business_day(*day)).unwrap_or(day)
}

/// The change of the clocks on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockChange {
    /// 02:00 becomes 03:00: the day has 23 hours.
    Spring,
    /// 02:00 becomes 01:00: the day has 25 hours.
    Autumn,
}

/// The change of the clocks on `day` in the United States, by the Uniform Time Act as amended: from
/// 2007 the second Sunday of March and the first of November, in 2000-2006 the first of April and
/// the last of October. It goes on for ever, as contracts have it.
#[must_use]
pub fn clock_change(day: NaiveDate) -> Option<ClockChange> {
    if day.weekday() != Weekday::Sun {
        return None;
    }
    match (day.year() >= 2007, day.month(), day.day()) {
        (true, 3, 8..=14) | (false, 4, 1..=7) => Some(ClockChange::Spring),
        (true, 11, 1..=7) | (false, 10, 25..=31) => Some(ClockChange::Autumn),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_holidays_of_some_years_are_those_nerc_published() {
        for (year, holidays) in [
            (2023, ["01-02", "05-29", "07-04", "09-04", "11-23", "12-25"]),
            (2024, ["01-01", "05-27", "07-04", "09-02", "11-28", "12-25"]),
            (2026, ["01-01", "05-25", "07-04", "09-07", "11-26", "12-25"]),
            (2027, ["01-01", "05-31", "07-05", "09-06", "11-25", "12-25"]),
            (2028, ["01-01", "05-29", "07-04", "09-04", "11-23", "12-25"]),
            (2022, ["01-01", "05-30", "07-04", "09-05", "11-24", "12-26"]),
        ] {
            let found: Vec<String> = NaiveDate::from_ymd_opt(year, 1, 1)
                .unwrap()
                .iter_days()
                .take_while(|day| day.year() == year)
                .filter(|day| is_nerc_holiday(*day))
                .map(|day| day.format("%m-%d").to_string())
                .collect();
            assert_eq!(found, holidays, "{year}");
        }
    }

    #[test]
    fn every_year_has_six_holidays_and_two_clock_changes() {
        for year in 2000..=2100 {
            let days = || {
                let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
                first.iter_days().take_while(|day| day.year() == year)
            };
            assert_eq!(days().filter(|day| is_nerc_holiday(*day)).count(), 6, "{year}");
            let changes: Vec<_> = days().filter_map(clock_change).collect();
            assert_eq!(changes, [ClockChange::Spring, ClockChange::Autumn], "{year}");
        }
    }

    #[test]
    fn business_days_skip_weekends_and_holidays() {
        for (of, before) in [
            ("2024-05-28", "2024-05-24"),
            ("2024-05-23", "2024-05-22"),
            ("2027-07-06", "2027-07-02"),
            ("2023-01-03", "2022-12-30"),
            ("2026-07-06", "2026-07-03"),
            ("2024-11-30", "2024-11-29"),
        ] {
            assert_eq!(business_day_before(day(of)), day(before), "{of}");
        }
        assert!(!is_business_day(day("2024-11-28")) && is_business_day(day("2024-11-29")));
        assert_eq!(business_day_before(NaiveDate::MIN), NaiveDate::MIN);
    }
}
