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

/// Series of a zone in [`charges`]: block type and component.
const CHARGES: [(&str, &str); 12] = [
    ("7X24", "Capacity Charge"),
    ("7X24", "Capacity Scaling Factor"),
    ("7X24", "NITS Rate"),
    ("7X24", "TEAC"),
    ("7X24", "Black Start Charge"),
    ("7X24", "Reserve on-peak"),
    ("7X24", "Reserve off-peak"),
    ("WD", "Ancillary"),
    ("WE", "Ancillary"),
    ("5x16", "Uplift"),
    ("2x16", "Uplift"),
    ("7x8", "Uplift"),
];

/// Zones of a large file: 264 series.
pub const CHARGE_ZONES: usize = 22;

/// A nonenergy file as PJM's are: charges of so many zones in every unit and every block, 61 months from
/// July 2025 on.
pub fn charges(zones: usize) -> String {
    let series = zones * CHARGES.len();
    let of = |column: usize| CHARGES[column % CHARGES.len()];
    let mut text = String::with_capacity(300 << 10);
    let mut row = |name: &str, cell: &dyn Fn(usize) -> String| {
        text.push_str(name);
        for column in 0..series {
            text.push(',');
            text.push_str(&cell(column));
        }
        text.push_str("\r\n");
    };
    let zone = |column: usize| format!("ZONE {:02}", column / CHARGES.len());
    row("Control Area", &|_| "PJM".into());
    row("State", &|column| ["PA", "NJ", "MD", "OH"][column / CHARGES.len() % 4].into());
    row("Load Zone", &zone);
    row("Capacity Zone", &|_| "RTO".into());
    row("Utility", &|_| "ALL".into());
    row("Block Type", &|column| of(column).0.into());
    row("Cost Group", &|_| "Charges".into());
    row("Cost Component", &|column| of(column).1.into());
    row("Date", &|column| of(column).1.into());
    for place in 0..61 {
        let (year, month) = (2025 + (place + 6) / 12, (place + 6) % 12 + 1);
        row(&format!("{month}/1/{year}"), &|column| {
            let cents = cents(column, place, 7);
            format!("{}.{:02}", cents / 100, cents % 100)
        });
    }
    text
}
