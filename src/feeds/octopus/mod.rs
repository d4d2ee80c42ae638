//! A retailer of electricity and gas: `octopus.account` (meters and what was agreed for them),
//! `octopus.rates` (prices of tariffs) and `octopus.usage` (half-hours of meters).

mod account;
mod rates;
mod usage;

pub use account::OctopusAccount;
pub use rates::OctopusRates;
pub use usage::OctopusUsage;

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, TimeZone as _, Utc};
use chrono_tz::Europe::London;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Deserializer};

use super::{
    About, BadBody, Default, Finding, Next, PageRef, Secrecy,
    json::{self, Stamp, Text},
};
use crate::domain::feed::{TimeSemantics, Window};

/// What is the same for all of them.
const ABOUT: About = About {
    id: "octopus",
    provider: "octopus",
    name: "",
    attribution: "Prices and usage: Octopus Energy API",
    assumptions: &[],
    step_secs: None,
    time_semantics: TimeSemantics::Span,
    primary_metric: None,
    secrecy: Secrecy::ApiKey,
    parser_version: 1,
    sweep: None,
    default: Default {
        base_url: "https://api.octopus.energy",
        window: Duration::from_hours(30 * 24),
        page_size: 1,
        page_size_max: 1,
        poll_every: Duration::from_hours(24),
        look_back: Duration::ZERO,
        expected_lag: Duration::from_hours(24),
        not_before: "2018-01-01T00:00:00Z",
        factor_sets: &[],
    },
};

/// What a segment of a path may hold as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A name as a segment of a path.
fn segment(name: &str) -> impl std::fmt::Display {
    utf8_percent_encode(name, SEGMENT)
}

/// As the provider writes instants.
fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// What asks for the rows of a window.
fn period(window: Window, page_size: u32) -> Vec<(&'static str, String)> {
    vec![
        ("period_from", stamp(window.from())),
        ("period_to", stamp(window.to())),
        ("page_size", page_size.to_string()),
    ]
}

/// The first instant of a day in London.
fn midnight(day: NaiveDate) -> DateTime<Utc> {
    let local = day.and_time(NaiveTime::MIN);
    let at = London.from_local_datetime(&local).earliest();
    at.map_or_else(|| local.and_utc(), |at| at.to_utc())
}

/// The day in London that an instant lies in.
fn day_of(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&London).date_naive()
}

/// `{count, next, previous, results}`.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Listing<'a, T> {
    #[serde(borrow, deserialize_with = "nullable")]
    next: Option<Text<'a>>,
    results: Vec<T>,
}

impl<T> Listing<'_, T> {
    /// The page after `page`. A link must lead on through the same list, since rows of another would be
    /// taken for its; it is not repeated in a sentence, for it may hold anything.
    fn next(&self, path: &str, page: &PageRef) -> Result<Option<Next>, BadBody> {
        let Some(link) = &self.next else { return Ok(None) };
        let decoded = |path: &str| percent_decode_str(path).collect::<Vec<u8>>();
        if !link.starts_with('?') && !decoded(path_of(link)).ends_with(&decoded(path)) {
            return Err(json::bad(&format!(
                "expected a next page of {path}, found a link to another list"
            )));
        }
        match page {
            PageRef::Link { path_and_query, .. } if query_of(path_and_query) == query_of(link) => {
                Err(json::bad("expected a link to the next page, found one to the same page"))
            }
            _ => Ok(Some(Next::Link(link.to_string()))),
        }
    }
}

/// The path of a link, or of a path with a query.
fn path_of(link: &str) -> &str {
    let rest = link.split_once("://").map_or(link, |(_, rest)| rest);
    let path = rest.find('/').map_or("", |at| &rest[at..]);
    path.split(['?', '#']).next().unwrap_or_default()
}

fn query_of(link: &str) -> &str {
    link.split_once('?').map_or("", |(_, query)| query)
}

/// Null is an answer; absent is another shape.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// What is said of a span that ends where it begins, or before: it says nothing and is left out.
fn is_empty(from: Stamp, to: Option<Stamp>, what: &str, findings: &mut Vec<Finding>) -> bool {
    let is_empty = to.is_some_and(|to| to <= from);
    if is_empty {
        let message = format!("{what} ends where it begins, or before; it is left out");
        findings.push(Finding::new("bad_row", &message, &json::named(from.0), true));
    }
    is_empty
}

/// The page after `page` that this program asks for by itself.
fn follow(page: &PageRef, path_and_query: String) -> PageRef {
    PageRef::Link { number: page.number().saturating_add(1), path_and_query }
}

#[cfg(test)]
mod tests;
