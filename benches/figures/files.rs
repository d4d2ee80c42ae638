//! Generated curve files.

use std::fmt::Write as _;

/// Series and months of the wide file.
pub const SERIES: usize = 283;
/// Months from January 2010 on.
pub const MONTHS: usize = 252;
/// The load zones that the series are spread over.
const ZONES: usize = 20;

/// A price in cents that depends on series, month and day.
pub fn cents(series: usize, month: usize, day: usize) -> usize {
    (series * 3_701 + month * 1_009 + day * 97) % 19_999 + 1
}

/// The first day of the month at a place of the axis: year and month.
pub fn month(place: usize) -> (usize, usize) {
    (2010 + place / 12, place % 12 + 1)
}

/// A nonenergy file of 283 series and 252 months, different for each day.
pub fn wide(day: usize) -> String {
    let mut text = String::with_capacity(600 << 10);
    let mut row = |name: &str, cell: &dyn Fn(usize) -> String| {
        text.push_str(name);
        for series in 0..SERIES {
            text.push(',');
            text.push_str(&cell(series));
        }
        text.push_str("\r\n");
    };
    row("Control Area", &|_| "PJM".into());
    row("State", &|series| ["PA", "NJ", "MD", "OH"][series % 4].into());
    row("Load Zone", &|series| format!("ZONE {:02}", series % ZONES));
    row("Capacity Zone", &|series| format!("ZONE {:02}", series % ZONES));
    row("Utility", &|_| "ALL".into());
    row("Block Type", &|_| "7X24".into());
    row("Cost Group", &|_| "Ancillaries".into());
    row("Cost Component", &|series| format!("Component {series}"));
    row("", &|_| String::new());
    row("Date", &|series| format!("Component {series}"));
    for place in 0..MONTHS {
        let (year, month) = month(place);
        row(&format!("{month}/1/{year}"), &|series| {
            let cents = cents(series, place, day);
            format!("{}.{:02}", cents / 100, cents % 100)
        });
    }
    text
}

/// `NonEnergy_PJM_<day>_<time>.csv`, days counted from 1 January 2024.
pub fn name(day: usize, time: usize) -> String {
    let date = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).unwrap_or_default()
        + chrono::Days::new(day as u64);
    let mut name = format!("NonEnergy_PJM_{}", date.format("%Y%m%d"));
    _ = write!(name, "_{time:06}.csv");
    name
}
