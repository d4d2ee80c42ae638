//! The carbon intensity API of Great Britain's system operator: `gb.intensity`, `gb.mix`,
//! `gb.forecast` and `gb.factors`. Slots of half an hour with both ends given, in UTC, by the minute.

mod factors;
mod forecast;
mod intensity;
mod mix;

pub use factors::GbFactors;
pub use forecast::GbForecast;
pub use intensity::GbIntensity;
pub use mix::GbMix;

use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use serde::Deserialize;

use super::{
    About, Ask, Auth, BadBody, Default, Parsed, Records, Request, Scope, Secrecy, Settings,
    json::{self, Members, Stamp},
};
use crate::domain::feed::{TimeSemantics, Window};

/// Length of a slot in seconds.
const STEP: u32 = 1800;

/// The set of factors that the provider's figures are under.
const FACTOR_SET: &str = "NESO";

/// The most that is asked at once; the provider gives at most 14 days.
const WINDOW_MAX: TimeDelta = TimeDelta::days(13);

/// What is the same for all of them.
const ABOUT: About = About {
    id: "gb",
    provider: "neso",
    name: "",
    attribution: "Carbon Intensity API by NESO, licensed under CC BY 4.0 \
                  (https://creativecommons.org/licenses/by/4.0/)",
    assumptions: &[],
    step_secs: Some(STEP),
    time_semantics: TimeSemantics::Explicit,
    primary_metric: None,
    secrecy: Secrecy::Open,
    parser_version: 1,
    sweep: None,
    default: Default {
        base_url: "https://api.carbonintensity.org.uk",
        window: Duration::from_hours(13 * 24),
        page_size: 1,
        page_size_max: 1,
        poll_every: Duration::from_mins(10),
        look_back: Duration::from_hours(48),
        expected_lag: Duration::from_mins(30),
        not_before: "2018-01-01T00:00:00Z",
        factor_sets: &[FACTOR_SET],
    },
};

/// The country as a whole.
fn national() -> Vec<Scope> {
    vec![Scope::region("GB", "GB", DateTime::UNIX_EPOCH)]
}

/// A range in windows that the provider takes: 13 days at most, and none across a new year.
fn windows(settings: &Settings, range: Window) -> Vec<Window> {
    let length = settings.window.min(WINDOW_MAX);
    let years = range.from().year()..=range.to().year();
    let years = years.filter_map(|year| Window::new(new_year(year)?, new_year(year + 1)?).ok());
    years.filter_map(|year| year.meet(range)).flat_map(|part| part.cut(length)).collect()
}

fn new_year(year: i32) -> Option<DateTime<Utc>> {
    Some(NaiveDate::from_ymd_opt(year, 1, 1)?.and_hms_opt(0, 0, 0)?.and_utc())
}

/// The start of the slot that an instant lies in.
fn slot_of(at: DateTime<Utc>) -> DateTime<Utc> {
    at - TimeDelta::seconds(at.timestamp().rem_euclid(i64::from(STEP)))
        - TimeDelta::nanoseconds(i64::from(at.timestamp_subsec_nanos()))
}

/// As the provider writes instants.
fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%MZ").to_string()
}

/// Asks for the slots of a window. A start on a boundary would also return the slot before it.
fn range_request(endpoint: &str, ask: &Ask<'_>) -> Request {
    let (from, to) = (slot_of(ask.window.from()), ask.window.to());
    let to = if slot_of(to) == to { to } else { slot_of(to) + TimeDelta::seconds(STEP.into()) };
    let inside = TimeDelta::minutes(1);
    request(format!("/{endpoint}/{}/{}", minute(from + inside), minute(to + inside)))
}

const fn request(path: String) -> Request {
    Request { path, query: Vec::new(), auth: Auth::None, is_archive: false }
}

/// The last page of a window, without anything odd.
const fn parsed(records: Records) -> Parsed {
    Parsed { records, findings: Vec::new(), next: None }
}

/// `{"data": […]}`.
#[derive(Deserialize)]
struct Answer<T> {
    data: Option<Vec<T>>,
}

/// What an answer holds. Past its horizon the provider answers with an empty list, or an empty object.
fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<Vec<T>, BadBody> {
    if let Some(data) = json::read::<Answer<T>>(body)?.data {
        return Ok(data);
    }
    let members: Members<'_> = json::read(body)?;
    let Some((name, value)) = members.0.first() else { return Ok(Vec::new()) };
    let (name, value) = (&name.0, value.get());
    Err(json::bad(&format!("expected a list named data, or {{}}; found {name}: {value}")))
}

/// Start of a slot. Half an hour must lie between its ends.
fn start(index: usize, from: Stamp, to: Stamp) -> Result<DateTime<Utc>, BadBody> {
    let secs = (to.0 - from.0).num_seconds();
    if secs == i64::from(STEP) {
        return Ok(from.0);
    }
    let from = json::named(from.0);
    let found =
        format!("at data[{index}]: expected a slot of {STEP} s, found {secs} s from {from}");
    Err(json::bad(&found))
}

#[cfg(test)]
mod tests;
