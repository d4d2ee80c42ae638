//! `carbonara.intensity`: the grid carbon API of Singularity. One event is one slot of five minutes with
//! its own rates under one set of emission factors; up to six events share a slot, one per set.

mod event;
mod regions;

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;

use super::{
    About, Ask, Auth, BadBody, Default, Feed, Intensity, Next, PageRef, Parsed, Records, Request,
    Scope, Secrecy, Settings,
    json::{self, Pool},
};
use crate::domain::feed::TimeSemantics;
use event::Event;

/// The type of the events that are asked for.
const EVENT_TYPE: &str = "carbon_intensity";

/// Length of a slot in seconds.
const STEP: u32 = 300;

static ABOUT: About = About {
    id: "carbonara.intensity",
    provider: "singularity",
    name: "Carbonara grid carbon intensity",
    attribution: "Carbon intensity: Singularity Energy (Carbonara), under contract",
    assumptions: &[
        "Rates are CO2 per energy under the named set of eGRID emission factors; another set is another series.",
        "Consumed rates are published days to months after the others; until then they are unknown, not zero.",
        "Rates that the provider imputed are marked as imputed.",
    ],
    step_secs: Some(STEP),
    time_semantics: TimeSemantics::IntervalStart,
    primary_metric: Some("generated"),
    secrecy: Secrecy::ApiKey,
    parser_version: 1,
    sweep: Some(Duration::from_hours(120 * 24)),
    default: Default {
        base_url: "https://api.singularity.energy",
        window: Duration::from_hours(7 * 24),
        page_size: 1000,
        page_size_max: 1000,
        poll_every: Duration::from_mins(5),
        look_back: Duration::from_hours(48),
        expected_lag: Duration::from_hours(1),
        not_before: "2020-01-01T00:00:00Z",
        factor_sets: &["EGRID_u2019"],
    },
};

/// The feed.
#[derive(Debug)]
pub struct CarbonaraIntensity;

impl Feed for CarbonaraIntensity {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn scopes(&self, settings: &Settings) -> Vec<Scope> {
        regions::scopes(settings.scopes.as_deref())
    }

    fn request(&self, ask: &Ask<'_>) -> Request {
        let settings = ask.settings;
        let mut query = vec![
            ("region", ask.scope.scope.clone()),
            ("event_type", EVENT_TYPE.to_owned()),
            ("start", stamp(ask.window.from())),
            ("end", stamp(ask.window.to())),
            ("per_page", settings.page_size.to_string()),
            ("page", ask.page.number().to_string()),
        ];
        if let ([set], true) = (&settings.factor_sets[..], settings.filter_upstream) {
            query.push(("filter", format!("meta.generated_emissions_source:{set}")));
        }
        let path = "/v1/region_events/search".to_owned();
        Request { path, query, auth: Auth::Header("X-Api-Key"), is_archive: false }
    }

    fn parse(&self, body: &[u8], ask: &Ask<'_>) -> Result<Parsed, BadBody> {
        let answer: Answer<'_> = json::read(body)?;
        let next = answer.meta.pagination.next(ask.page)?;
        let rows = rows(&answer.data, ask)?;
        Ok(Parsed { records: Records::Intensity(rows), findings: Vec::new(), next })
    }
}

/// As the provider writes instants.
fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, false)
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Vec<Event<'a>>,
    meta: AnswerMeta,
}

#[derive(Deserialize)]
struct AnswerMeta {
    pagination: Pagination,
}

#[derive(Deserialize)]
struct Pagination {
    this: u32,
    last: u32,
}

impl Pagination {
    /// The page after the one that was asked for, which must be this one.
    fn next(&self, asked: &PageRef) -> Result<Option<Next>, BadBody> {
        let (this, last, asked) = (self.this, self.last, asked.number());
        if this != asked {
            return Err(json::bad(&format!("expected page {asked}, found page {this} of {last}")));
        }
        Ok((this < last).then(|| Next::Page(PageRef::Number(this + 1))))
    }
}

/// The rows of the wanted sets. One event that does not belong here rejects them all: then the answer is
/// to another question.
fn rows(events: &[Event<'_>], ask: &Ask<'_>) -> Result<Vec<Intensity>, BadBody> {
    let mut sets = Pool::default();
    let mut rows = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        let place = |sentence: String| json::bad(&format!("at data[{index}]: {sentence}"));
        if event.kind.0 != EVENT_TYPE {
            let found = &event.kind.0;
            return Err(place(format!("expected an event of type {EVENT_TYPE}, found {found}")));
        }
        if !regions::is_same(&event.region, &ask.scope.scope) {
            let (asked, found) = (&ask.scope.scope, &event.region.0);
            return Err(place(format!(
                "expected an event of region {asked}, found one of {found}"
            )));
        }
        let set = event.factor_set();
        if ask.settings.wants(set) {
            rows.push(event.row(sets.share(set)).map_err(place)?);
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests;
