//! `octopus.usage`: half-hours of a meter, days late and corrected afterwards.

use std::time::Duration;

use chrono::{Days, TimeDelta};
use serde::Deserialize;

use super::{ABOUT, Listing, day_of, midnight, nullable, period, segment};
use crate::{
    domain::feed::{TimeSemantics, Window},
    feeds::{
        About, Ask, Auth, BadBody, Default, Feed, Live, PageRef, Parsed, Records, Request, Scope,
        Settings, Usage,
        json::{self, Exact, Stamp},
    },
};

/// Length of a slot in seconds.
const STEP: u32 = 1800;

/// The most digits of the number of a supply point of gas; one of electricity has 13.
const MPRN_DIGITS_MAX: usize = 10;

static USAGE: About = About {
    id: "octopus.usage",
    name: "Octopus meter usage",
    assumptions: &[
        "Half-hours as the smart meter read them; they come days late and may be corrected.",
    ],
    step_secs: Some(STEP),
    time_semantics: TimeSemantics::Explicit,
    primary_metric: Some("kwh"),
    default: Default {
        window: Duration::from_hours(365 * 24),
        page_size: 25_000,
        page_size_max: 25_000,
        poll_every: Duration::from_hours(1),
        look_back: Duration::from_hours(14 * 24),
        expected_lag: Duration::from_hours(5 * 24),
        ..ABOUT.default
    },
    ..ABOUT
};

/// The feed.
#[derive(Debug)]
pub struct OctopusUsage;

impl Feed for OctopusUsage {
    fn about(&self) -> &'static About {
        &USAGE
    }

    /// None by itself: meters come with their account.
    fn scopes(&self, _settings: &Settings) -> Vec<Scope> {
        Vec::new()
    }

    /// Cut where a day of London begins: no day lies in two windows.
    fn windows(&self, settings: &Settings, _scope: &Scope, range: Window) -> Vec<Window> {
        let days = Days::new(settings.window.num_days().max(1).unsigned_abs());
        let mut rest = Some(range);
        let mut cut = || {
            let now = rest?;
            let end = day_of(now.from()).checked_add_days(days).map_or(now.to(), midnight);
            rest = Window::new(end, now.to()).ok();
            Window::new(now.from(), end.min(now.to())).ok()
        };
        std::iter::from_fn(&mut cut).collect()
    }

    /// Whole days of London: as long as nothing is new, the question stays the same all day. At first all
    /// that there is, also where history begins earlier than was known.
    fn live_range(&self, settings: &Settings, live: &Live) -> Option<Window> {
        let high_water = live.last_ok.and(live.high_water);
        let from = high_water.map(|high_water| high_water - settings.look_back);
        let from = from.map(|from| midnight(day_of(from)));
        let from = from.map_or(live.history_start, |from| from.max(live.history_start));
        Window::new(from, midnight(day_of(live.now).succ_opt()?)).ok()
    }

    fn request(&self, ask: &Ask<'_>) -> Request {
        let (path, query) = match ask.page {
            PageRef::Number(_) => {
                let mut query = period(ask.window, ask.settings.page_size);
                query.insert(2, ("order_by", "period".to_owned()));
                (path(ask), query)
            }
            PageRef::Link { path_and_query, .. } => (path_and_query.clone(), Vec::new()),
        };
        Request { path, query, auth: Auth::BasicUser, is_archive: false }
    }

    fn parse(&self, body: &[u8], ask: &Ask<'_>) -> Result<Parsed, BadBody> {
        let listing: Listing<'_, HalfHour> = json::read(body)?;
        let rows = listing.results.iter().enumerate().map(|(index, row)| row.usage(index));
        let rows = rows.collect::<Result<_, _>>()?;
        let next = listing.next(&path(ask), ask.page)?;
        Ok(Parsed { records: Records::Usage(rows), findings: Vec::new(), next })
    }
}

/// Where the usage of a meter is. A scope without a meter leads to a place that is not there.
fn path(ask: &Ask<'_>) -> String {
    let meter = ask.scope.meter.as_ref();
    let (mpan, serial) = meter.map_or(("", ""), |meter| (&meter.mpan, &meter.serial));
    let fuel = if mpan.len() <= MPRN_DIGITS_MAX { "gas" } else { "electricity" };
    let (mpan, serial) = (segment(mpan), segment(serial));
    format!("/v1/{fuel}-meter-points/{mpan}/meters/{serial}/consumption/")
}

/// One row as it is written.
#[derive(Deserialize)]
struct HalfHour {
    #[serde(deserialize_with = "nullable")]
    consumption: Option<Exact>,
    interval_start: Stamp,
    interval_end: Stamp,
}

impl HalfHour {
    fn usage(&self, index: usize) -> Result<Usage, BadBody> {
        let (start, length) = (self.interval_start.0, self.interval_end.0 - self.interval_start.0);
        if length != TimeDelta::seconds(STEP.into()) {
            let (secs, start) = (length.num_seconds(), json::named(start));
            let found = format!("expected a slot of {STEP} s, found {secs} s from {start}");
            return Err(json::bad(&format!("at results[{index}]: {found}")));
        }
        let quantity = self.consumption.map(|exact| exact.0);
        Ok(Usage { start, secs: STEP.cast_signed(), quantity })
    }
}
