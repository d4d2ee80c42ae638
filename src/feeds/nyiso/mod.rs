//! `nyiso.rtfuelmix`: what the plants of New York generate, by fuel, every five minutes; the fuel mix
//! and the intensity of slots are computed from it.
//!
//! A file holds a calendar day of New York and grows while the day lasts; an archive holds the files of
//! a month. Days younger than a week are asked by file, older ones by archive. The file of today may not
//! be there yet, and that of yesterday until 06:00. Any other that is not there has no data: its slots are
//! a gap. In which month the archives begin is not published: before the first that is found, history
//! begins later than the settings say, and whoever sets `not_before` further back finds what there is.

mod file;

use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike, Utc};
use chrono_tz::{America::New_York, Tz};

use super::{
    About, Ask, Auth, BadBody, Default, Feed, Live, Parsed, Records, Request, Scope, Secrecy,
    Settings,
};
use crate::domain::feed::{
    FetchClass, TimeSemantics, Window,
    day::{day_of, day_start, days_of, local_day},
};

/// The feed.
#[derive(Debug)]
pub struct FuelMix;

/// The fuels that make up the generation of New York: an intensity needs all of them.
pub const FUELS: [&str; 7] = [
    "Dual Fuel",
    "Natural Gas",
    "Nuclear",
    "Other Fossil Fuels",
    "Other Renewables",
    "Wind",
    "Hydro",
];

/// Whose calendar the files follow.
pub const ZONE: Tz = New_York;

/// Files of days as old as this are asked for in the archive of their month.
const ARCHIVE_AFTER_DAYS: i64 = 7;

/// For so long after its day a file may still come.
const FILE_MAY_COME: TimeDelta = TimeDelta::hours(6);

static ABOUT: About = About {
    id: "nyiso.rtfuelmix",
    provider: "nyiso",
    name: "NYISO real-time fuel mix",
    attribution: "Generation by fuel: New York Independent System Operator (NYISO); intensity computed",
    assumptions: &[
        "Average direct CO2 of what is generated in the region; imports are not counted.",
        "All gas plants are alike, with the state's average of 2016.",
        "Plants that burn either gas or oil burn a constant blend.",
        "All other fossil fuels are coal.",
        "Biomass and refuse count as zero.",
        "Other sets of factors count dual fuel as gas, and other fossil fuels as coal before April 2020 \
         and as oil since.",
    ],
    step_secs: Some(300),
    time_semantics: TimeSemantics::Instant,
    primary_metric: Some("mw"),
    secrecy: Secrecy::Open,
    parser_version: 1,
    sweep: None,
    default: Default {
        base_url: "http://mis.nyiso.com",
        window: Duration::from_hours(24),
        page_size: 1,
        page_size_max: 1,
        poll_every: Duration::from_mins(1),
        look_back: Duration::from_hours(30),
        expected_lag: Duration::from_mins(20),
        not_before: "2015-12-01T05:00:00Z",
        factor_sets: &["NY-STATE-2016"],
    },
};

impl Feed for FuelMix {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn scopes(&self, settings: &Settings) -> Vec<Scope> {
        vec![Scope {
            scope: "NYISO".to_owned(),
            region_id: Some("US-NY-NYISO".to_owned()),
            meter: None,
            tariff_code: None,
            first_available: settings.not_before,
        }]
    }

    /// Days where they are young by the end of the range, which is hardly ever after now; before that,
    /// as much of each month as is in the range.
    fn windows(&self, _settings: &Settings, _scope: &Scope, range: Window) -> Vec<Window> {
        let last = day_of(ZONE, range.to() - TimeDelta::nanoseconds(1));
        let mut windows: Vec<Window> = Vec::new();
        let mut months: Vec<Option<(i32, u32)>> = Vec::new();
        for day in days_of(ZONE, range) {
            let Some(window) = local_day(ZONE, day).and_then(|day| day.meet(range)) else {
                continue;
            };
            let is_old = (last - day).num_days() >= ARCHIVE_AFTER_DAYS;
            let month = is_old.then(|| (day.year(), day.month()));
            match (windows.last_mut(), months.last()) {
                (Some(before), Some(same)) if month.is_some() && *same == month => {
                    *before = Window::new(before.from(), window.to()).unwrap_or(*before);
                }
                _ => {
                    windows.push(window);
                    months.push(month);
                }
            }
        }
        windows
    }

    /// Today; yesterday while its last rows may still come; from the newest row on after a pause; and on
    /// the 3rd of a month, four times, all of the month before.
    fn live_range(&self, settings: &Settings, live: &Live) -> Option<Window> {
        let today = day_of(ZONE, live.now);
        let first = [
            Some(today),
            today.pred_opt().filter(|_| looks_at_yesterday(settings, live.now)),
            live.high_water.map(|high_water| day_of(ZONE, high_water)),
            Some(month_before(today)).filter(|_| looks_at_last_month(settings, live.now)),
        ];
        let first = first.into_iter().flatten().min()?;
        let from = live.high_water.map_or(live.history_start, |_| day_start(ZONE, first));
        Window::new(from.max(live.history_start), live.now).ok()
    }

    fn request(&self, ask: &Ask<'_>) -> Request {
        const FOLDER: &str = "/public/csv/rtfuelmix";
        let day = day_of(ZONE, ask.window.from());
        let is_archive = is_archive(ask);
        let path = match is_archive {
            true => format!("{FOLDER}/{}01rtfuelmix_csv.zip", day.format("%Y%m")),
            false => format!("{FOLDER}/{}rtfuelmix.csv", day.format("%Y%m%d")),
        };
        Request { path, query: Vec::new(), auth: Auth::None, is_archive }
    }

    /// The file of today may still come, and that of yesterday while it is looked at.
    fn absence(&self, ask: &Ask<'_>) -> Option<FetchClass> {
        let may_come = day_of(ZONE, ask.window.from()) >= day_of(ZONE, ask.now - FILE_MAY_COME);
        let is_to_come = may_come && !is_archive(ask);
        Some(if is_to_come { FetchClass::NotYet } else { FetchClass::NoData })
    }

    fn parse(&self, body: &[u8], ask: &Ask<'_>) -> Result<Parsed, BadBody> {
        let mut rows = file::Rows::new();
        if is_archive(ask) {
            rows.read_archive(body)?;
        } else {
            rows.read_file(body)?;
        }
        let (samples, findings) = rows.finish();
        Ok(Parsed { records: Records::Samples(samples), findings, next: None })
    }
}

/// Whether a window is asked for in the archive of its month: it is longer than a day, or too old.
fn is_archive(ask: &Ask<'_>) -> bool {
    let (first, today) = (day_of(ZONE, ask.window.from()), day_of(ZONE, ask.now));
    let last = day_of(ZONE, ask.window.to() - TimeDelta::nanoseconds(1));
    first != last || (today - first).num_days() >= ARCHIVE_AFTER_DAYS
}

/// At each poll just after midnight, then once an hour until 06:00.
fn looks_at_yesterday(settings: &Settings, now: DateTime<Utc>) -> bool {
    let local = now.with_timezone(&ZONE);
    let just_after_midnight = local.hour() == 0 && local.minute() < 30;
    just_after_midnight || local.hour() < 6 && is_first_of_hour(settings, now)
}

/// The archive of a month is complete on the 3rd.
fn looks_at_last_month(settings: &Settings, now: DateTime<Utc>) -> bool {
    let local = now.with_timezone(&ZONE);
    local.day() == 3 && local.hour().is_multiple_of(6) && is_first_of_hour(settings, now)
}

/// Whether no poll was due in this hour before: polls are as far apart as the settings say, and up to
/// a tenth more.
fn is_first_of_hour(settings: &Settings, now: DateTime<Utc>) -> bool {
    let seconds = u64::from(now.minute()) * 60 + u64::from(now.second());
    Duration::from_secs(seconds) < settings.poll_every * 11 / 10
}

/// The first day of the month before that of a day.
fn month_before(day: NaiveDate) -> NaiveDate {
    let first = day.with_day(1).unwrap_or(day);
    first.pred_opt().and_then(|last| last.with_day(1)).unwrap_or(first)
}

#[cfg(test)]
mod tests;
