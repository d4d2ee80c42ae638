//! Reference hours of a contract month, by formula, and the hours themselves.
//!
//! Hour-ending 1..=24 in the ISO's own clock. Sixteen hours of every day are on-peak; those of
//! weekdays are 5x16, those of weekend days 2x16, and all others 7x8.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::{
    Calendar, ClockChange, ContractMonth, Iso, clock_change, is_nerc_holiday, is_weekend, words,
};

/// Hours of a month in each block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the blocks' own names")]
pub struct MonthHours {
    pub s5x16: u32,
    pub s7x8: u32,
    pub s2x16: u32,
    pub s7x24: u32,
    pub we: u32,
    pub wd: u32,
    pub on_peak: u32,
    pub off_peak: u32,
}

impl MonthHours {
    /// The hours of `month` at `iso`.
    ///
    /// Flat: the same for every ISO. NERC: holidays count as weekend days, and where the clocks
    /// change, the Sundays of the change are an hour shorter or longer, off-peak.
    #[must_use]
    pub fn of(iso: Iso, calendar: Calendar, month: ContractMonth) -> Self {
        let first = month.first_day();
        let next = first.checked_add_months(Months::new(1)).unwrap_or(first);
        let days = first.iter_days().take_while(|day| *day < next);
        let all = u32::try_from((next - first).num_days()).unwrap_or_default();
        let weekend = days.clone().filter(|day| is_weekend_like(*day, calendar));
        let weekend = u32::try_from(weekend.count()).unwrap_or_default();
        let moved: i32 = days.map(|day| extra_hours(day, iso, calendar)).sum();
        let longer = |hours: u32| hours.saturating_add_signed(moved);
        let week = all - weekend;
        Self {
            s5x16: 16 * week,
            s7x8: longer(8 * all),
            s2x16: 16 * weekend,
            s7x24: longer(24 * all),
            we: longer(24 * weekend),
            wd: 24 * week,
            on_peak: 16 * all,
            off_peak: longer(8 * all),
        }
    }
}

/// Whether `day` counts as a weekend day.
fn is_weekend_like(day: NaiveDate, calendar: Calendar) -> bool {
    is_weekend(day) || calendar == Calendar::Nerc && is_nerc_holiday(day)
}

/// The change of the clocks on `day` where it counts.
fn change_on(day: NaiveDate, iso: Iso, calendar: Calendar) -> Option<ClockChange> {
    let counts = calendar == Calendar::Nerc && clock(iso).changes;
    if counts { clock_change(day) } else { None }
}

fn extra_hours(day: NaiveDate, iso: Iso, calendar: Calendar) -> i32 {
    match change_on(day, iso, calendar) {
        Some(ClockChange::Spring) => -1,
        Some(ClockChange::Autumn) => 1,
        None => 0,
    }
}

/// The clock of an ISO, and its peak.
#[derive(Debug, Clone, Copy)]
struct Clock {
    /// Hours that standard time lies behind UTC.
    behind: u8,
    /// Whether there is summer time.
    changes: bool,
    /// The first on-peak hour-ending; sixteen in all.
    on_peak: u8,
}

const fn clock(iso: Iso) -> Clock {
    match iso {
        Iso::Ercot => Clock { behind: 6, changes: true, on_peak: 7 },
        Iso::Isone | Iso::Nyiso | Iso::Pjm => Clock { behind: 5, changes: true, on_peak: 8 },
        Iso::Miso => Clock { behind: 5, changes: false, on_peak: 8 },
    }
}

words! {
    /// The season of a month, the same for all ISOs.
    Season("a season") {
        /// November to February.
        Winter = "Winter",
        /// March to June.
        Spring = "Spring",
        /// July and August.
        Summer = "Summer",
        /// September and October.
        Fall = "Fall",
    }
}

impl Season {
    /// The season of `month`.
    #[must_use]
    pub fn of(month: ContractMonth) -> Self {
        match month.first_day().month() {
            3..=6 => Self::Spring,
            7 | 8 => Self::Summer,
            9 | 10 => Self::Fall,
            _ => Self::Winter,
        }
    }
}

/// One hour of a day in the clock of an ISO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hour {
    /// The day.
    pub date: NaiveDate,
    /// Hour-ending, 1..=24. In NERC's calendar the spring Sunday has no 3 and the autumn Sunday has
    /// 2 twice.
    pub he: u8,
    /// When it begins. The flat calendar knows no summer time, so there it is standard time all
    /// year.
    pub start: DateTime<Utc>,
    /// Whether the day counts as a weekend day.
    pub weekend: bool,
    /// Whether it is one of the sixteen on-peak hours.
    pub on_peak: bool,
}

impl Hour {
    /// `WD` or `WE`: which of the two the hour is counted in.
    #[must_use]
    pub const fn day_type(&self) -> &'static str {
        if self.weekend { "WE" } else { "WD" }
    }

    /// `OnPeak` or `OffPeak`.
    #[must_use]
    pub const fn hour_type(&self) -> &'static str {
        if self.on_peak { "OnPeak" } else { "OffPeak" }
    }

    /// The block: `5x16`, `2x16` or `7x8`.
    #[must_use]
    pub const fn block(&self) -> &'static str {
        match (self.on_peak, self.weekend) {
            (false, _) => "7x8",
            (true, false) => "5x16",
            (true, true) => "2x16",
        }
    }
}

/// The hours of `date` at `iso` in their order: 24, or 23 or 25 where the clocks change.
pub fn hours_of_day(
    iso: Iso,
    calendar: Calendar,
    date: NaiveDate,
) -> impl Iterator<Item = Hour> + use<> {
    let Clock { behind, changes, on_peak } = clock(iso);
    let change = change_on(date, iso, calendar);
    let summer = calendar == Calendar::Nerc && changes && begins_in_summer_time(date);
    let midnight = date.and_time(NaiveTime::MIN).and_utc();
    let midnight = midnight + TimeDelta::hours(i64::from(behind) - i64::from(summer));
    let weekend = is_weekend_like(date, calendar);
    let count = match change {
        Some(ClockChange::Spring) => 23,
        Some(ClockChange::Autumn) => 25,
        None => 24,
    };
    (0..count).map(move |place: u8| {
        let he = match change {
            Some(ClockChange::Spring) if place >= 2 => place + 2,
            Some(ClockChange::Autumn) if place >= 2 => place,
            _ => place + 1,
        };
        let on_peak = (on_peak..on_peak + 16).contains(&he);
        let start = midnight + TimeDelta::hours(place.into());
        Hour { date, he, start, weekend, on_peak }
    })
}

/// Whether the clocks show summer time at the first moment of `day`.
fn begins_in_summer_time(day: NaiveDate) -> bool {
    let before = || (1..day.day()).filter_map(|number| day.with_day(number));
    let changed = |change| before().any(|day| clock_change(day) == Some(change));
    match (day.year() >= 2007, day.month()) {
        (true, 4..=10) | (false, 5..=9) => true,
        (true, 3) | (false, 4) => changed(ClockChange::Spring),
        (true, 11) | (false, 10) => !changed(ClockChange::Autumn),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn hours(iso: Iso, calendar: Calendar, month: &str) -> [u32; 6] {
        let h = MonthHours::of(iso, calendar, month.parse().unwrap());
        [h.s5x16, h.s2x16, h.s7x8, h.s7x24, h.wd, h.we]
    }

    #[test]
    fn the_reference_table_is_met() {
        let (january, july) = ([368, 128, 248, 744, 552, 192], [352, 144, 248, 744, 528, 216]);
        for (month, flat, nerc) in [
            ("2024-01", january, july),
            ("2024-02", [336, 128, 232, 696, 504, 192], [336, 128, 232, 696, 504, 192]),
            ("2024-03", [336, 160, 248, 744, 504, 240], [336, 160, 247, 743, 504, 239]),
            ("2024-05", january, july),
            ("2024-07", january, july),
            ("2024-09", [336, 144, 240, 720, 504, 216], [320, 160, 240, 720, 480, 240]),
            ("2024-11", [336, 144, 240, 720, 504, 216], [320, 160, 241, 721, 480, 241]),
            ("2024-12", [352, 144, 248, 744, 528, 216], [336, 160, 248, 744, 504, 240]),
            ("2025-11", [320, 160, 240, 720, 480, 240], [304, 176, 241, 721, 456, 265]),
            ("2026-07", january, january),
            ("2027-07", july, [336, 160, 248, 744, 504, 240]),
        ] {
            for iso in Iso::ALL {
                assert_eq!(hours(*iso, Calendar::Flat, month), flat, "{iso} {month}");
            }
            for iso in [Iso::Ercot, Iso::Isone, Iso::Nyiso, Iso::Pjm] {
                assert_eq!(hours(iso, Calendar::Nerc, month), nerc, "{iso} {month}");
            }
        }
        let miso = |month| hours(Iso::Miso, Calendar::Nerc, month);
        assert_eq!(miso("2024-11"), [320, 160, 240, 720, 480, 240]);
        assert_eq!(miso("2024-03"), [336, 160, 248, 744, 504, 240]);
        // Before 2007 the clocks changed in April and October.
        let pjm = |month| hours(Iso::Pjm, Calendar::Nerc, month)[3];
        let changes = ["2006-03", "2006-04", "2006-10", "2006-11", "2007-03", "2007-04"].map(pjm);
        assert_eq!(changes, [744, 719, 745, 720, 743, 720]);
    }

    fn months() -> impl Iterator<Item = ContractMonth> {
        let first: ContractMonth = "2000-01".parse().unwrap();
        (0..1212).map(move |months| first.plus(months))
    }

    fn every_case() -> impl Iterator<Item = (Iso, Calendar)> {
        let calendars = |iso| Calendar::ALL.iter().map(move |&calendar| (iso, calendar));
        Iso::ALL.iter().flat_map(move |&iso| calendars(iso))
    }

    #[test]
    fn blocks_add_up_in_every_month_of_a_century() {
        for (iso, calendar) in every_case() {
            for month in months() {
                let h = MonthHours::of(iso, calendar, month);
                assert_eq!(h.s5x16 + h.s2x16 + h.s7x8, h.s7x24, "{iso} {calendar} {month}");
                assert_eq!(h.wd + h.we, h.s7x24, "{iso} {calendar} {month}");
                assert_eq!(h.on_peak + h.off_peak, h.s7x24, "{iso} {calendar} {month}");
                let days = (month.plus(1).first_day() - month.first_day()).num_days();
                assert_eq!(i64::from(h.on_peak), 16 * days, "{iso} {calendar} {month}");
            }
        }
    }

    #[test]
    fn the_hours_of_the_days_are_those_of_the_month() {
        for (iso, calendar) in every_case() {
            for month in months() {
                let days = month.first_day().iter_days();
                let days = days.take_while(|day| *day < month.plus(1).first_day());
                let all: Vec<Hour> =
                    days.flat_map(|day| hours_of_day(iso, calendar, day)).collect();
                let count = |wanted: &dyn Fn(&Hour) -> bool| {
                    u32::try_from(all.iter().filter(|hour| wanted(hour)).count()).unwrap()
                };
                let counted = MonthHours {
                    s5x16: count(&|hour| hour.block() == "5x16"),
                    s7x8: count(&|hour| hour.block() == "7x8"),
                    s2x16: count(&|hour| hour.block() == "2x16"),
                    s7x24: count(&|_| true),
                    we: count(&|hour| hour.day_type() == "WE"),
                    wd: count(&|hour| hour.day_type() == "WD"),
                    on_peak: count(&|hour| hour.hour_type() == "OnPeak"),
                    off_peak: count(&|hour| hour.hour_type() == "OffPeak"),
                };
                let formula = MonthHours::of(iso, calendar, month);
                assert_eq!(counted, formula, "{iso} {calendar} {month}");
            }
        }
    }

    #[test]
    fn starts_are_those_of_the_time_zones() {
        let first: NaiveDate = "2000-01-01".parse().unwrap();
        for (iso, zone) in [
            (Iso::Ercot, chrono_tz::America::Chicago),
            (Iso::Isone, chrono_tz::America::New_York),
            (Iso::Nyiso, chrono_tz::America::New_York),
            (Iso::Pjm, chrono_tz::America::New_York),
            (Iso::Miso, chrono_tz::EST),
        ] {
            let mut expected = zone.from_local_datetime(&first.and_time(NaiveTime::MIN)).unwrap();
            for day in first.iter_days().take_while(|day| day.year() < 2037) {
                for hour in hours_of_day(iso, Calendar::Nerc, day) {
                    assert_eq!(hour.start, expected, "{iso} {day} {}", hour.he);
                    let local = zone.from_utc_datetime(&hour.start.naive_utc()).naive_local();
                    assert_eq!((local.date(), local.time()), (day, clock_time(hour.he)), "{iso}");
                    expected += TimeDelta::hours(1);
                }
            }
        }
    }

    #[test]
    fn the_flat_calendar_keeps_standard_time_all_year() {
        assert_eq!(flat_offset(Iso::Ercot, "2024-07-01"), 6);
        assert_eq!(flat_offset(Iso::Pjm, "2024-01-01"), 5);
    }

    fn clock_time(he: u8) -> NaiveTime {
        NaiveTime::from_hms_opt(u32::from(he) - 1, 0, 0).unwrap()
    }

    fn flat_offset(iso: Iso, day: &str) -> i64 {
        let date: NaiveDate = day.parse().unwrap();
        let first = hours_of_day(iso, Calendar::Flat, date).next().unwrap().start;
        (first.naive_utc() - date.and_time(NaiveTime::MIN)).num_hours()
    }

    #[test]
    fn the_sundays_of_the_change_skip_three_and_repeat_two() {
        let of = |iso, day: &str| -> Vec<u8> {
            let hours = hours_of_day(iso, Calendar::Nerc, day.parse().unwrap());
            hours.map(|hour| hour.he).collect()
        };
        assert_eq!(of(Iso::Pjm, "2024-03-10")[..4], [1, 2, 4, 5]);
        assert_eq!(of(Iso::Ercot, "2024-11-03")[..4], [1, 2, 2, 3]);
        assert_eq!(of(Iso::Pjm, "2005-10-30").len(), 25);
        assert_eq!(of(Iso::Miso, "2024-03-10").len(), 24);
    }
}
