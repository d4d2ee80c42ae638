//! `octopus.rates`: what a tariff charges, by span.
//!
//! A window of a tariff is read kind by kind: its unit rates (by day and by night where it has two
//! rates), then its standing charges. The first page is of the first kind; further pages of a kind
//! are by the provider's links, and the last page of a kind leads on to the next one. So the path of a
//! page says of which kind it is.

use std::time::Duration;

use chrono::{DateTime, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Europe::London;
use serde::Deserialize;

use super::{ABOUT, Listing, day_of, follow, is_empty, nullable, path_of, period, segment};
use crate::{
    domain::feed::FetchClass,
    domain::feed::{RateKind, Window},
    feeds::{
        About, Ask, Auth, BadBody, Default, Feed, Finding, Live, Next, PageRef, Parsed, Price,
        Records, Request, Scope, Secrecy, Settings,
        json::{self, Exact, Stamp, Text},
    },
};

/// How far ahead prices are asked for.
const AHEAD: TimeDelta = TimeDelta::days(2);

/// When the prices of tomorrow appear, by the clock of London, and how often is asked then.
const NEWS: (NaiveTime, NaiveTime) = (
    NaiveTime::from_hms_opt(16, 5, 0).expect("a time of day"),
    NaiveTime::from_hms_opt(20, 0, 0).expect("a time of day"),
);
const NEWS_EVERY: Duration = Duration::from_mins(15);

static RATES: About = About {
    id: "octopus.rates",
    name: "Octopus tariff prices",
    assumptions: &[
        "Prices in pence per kWh and pence per day, without and with VAT; they may be negative.",
        "A price without an end holds until a later one begins.",
    ],
    secrecy: Secrecy::Open,
    default: Default {
        page_size: 1500,
        page_size_max: 1500,
        poll_every: Duration::from_hours(6),
        look_back: Duration::from_hours(3 * 24),
        ..ABOUT.default
    },
    ..ABOUT
};

/// The feed.
#[derive(Debug)]
pub struct OctopusRates;

impl Feed for OctopusRates {
    fn about(&self) -> &'static About {
        &RATES
    }

    /// The tariffs that the settings name. Those of an account come with it.
    fn scopes(&self, settings: &Settings) -> Vec<Scope> {
        let scope = |tariff: &String| Scope {
            scope: tariff.clone(),
            region_id: None,
            meter: None,
            tariff_code: Some(tariff.clone()),
            first_available: settings.not_before,
        };
        settings.scopes.iter().flatten().map(scope).collect()
    }

    /// From the look-back before the last good answer; at first, all that the tariff had.
    fn live_range(&self, settings: &Settings, live: &Live) -> Option<Window> {
        let from = live.last_ok.map_or(live.history_start, |last_ok| last_ok - settings.look_back);
        Window::new(from.min(live.now), live.now + AHEAD).ok()
    }

    fn poll_after(&self, settings: &Settings, now: DateTime<Utc>) -> Duration {
        let time = now.with_timezone(&London).time();
        if (NEWS.0..NEWS.1).contains(&time) {
            return settings.poll_every.min(NEWS_EVERY);
        }
        let today = day_of(now);
        let day = if time < NEWS.0 { Some(today) } else { today.succ_opt() };
        let news = day.and_then(|day| London.from_local_datetime(&day.and_time(NEWS.0)).earliest());
        let until_news = news.and_then(|news| (news.to_utc() - now).to_std().ok());
        until_news.map_or(settings.poll_every, |until| settings.poll_every.min(until))
    }

    fn request(&self, ask: &Ask<'_>) -> Request {
        let (path, query) = match ask.page {
            PageRef::Number(_) => {
                let query = period(ask.window, ask.settings.page_size);
                (path(tariff(ask), kinds(tariff(ask))[0]), query)
            }
            PageRef::Link { path_and_query, .. } => (path_and_query.clone(), Vec::new()),
        };
        Request { path, query, auth: Auth::None, is_archive: false }
    }

    /// A tariff whose first kind of rate is there is known; it may have none of the others.
    fn absence(&self, ask: &Ask<'_>) -> Option<FetchClass> {
        let other = kind(ask).filter(|kind| *kind != kinds(tariff(ask))[0]);
        other.map(|_| FetchClass::NotYet)
    }

    /// A kind that a tariff does not have hides none of those after it.
    fn after_not_yet(&self, ask: &Ask<'_>) -> Option<PageRef> {
        first_of_next(ask, kind(ask)?)
    }

    fn parse(&self, body: &[u8], ask: &Ask<'_>) -> Result<Parsed, BadBody> {
        let listing: Listing<'_, Rate<'_>> = json::read(body)?;
        let tariff = tariff(ask);
        let kind = kind(ask).ok_or_else(|| json::bad("expected a page of rates, found another"))?;
        let mut findings = Vec::new();
        let prices = listing.results.iter().map(|rate| rate.price(kind, &mut findings));
        let prices: Vec<Option<Price>> = prices.collect::<Result<_, _>>()?;
        let next = listing.next(&path(tariff, kind), ask.page)?;
        Ok(Parsed {
            records: Records::Prices(prices.into_iter().flatten().collect()),
            findings,
            next: next.or_else(|| first_of_next(ask, kind).map(Next::Page)),
        })
    }
}

fn tariff<'a>(ask: &Ask<'a>) -> &'a str {
    ask.scope.tariff_code.as_deref().unwrap_or(&ask.scope.scope)
}

/// What a tariff charges for, in the order in which it is asked.
fn kinds(tariff: &str) -> &'static [RateKind] {
    if tariff.starts_with("E-2R-") {
        &[RateKind::Day, RateKind::Night, RateKind::Standing]
    } else {
        &[RateKind::Standard, RateKind::Standing]
    }
}

/// The first page of the kind after one.
fn first_of_next(ask: &Ask<'_>, kind: RateKind) -> Option<PageRef> {
    let tariff = tariff(ask);
    let after = kinds(tariff).iter().skip_while(|one| **one != kind).nth(1)?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(period(ask.window, ask.settings.page_size));
    Some(follow(ask.page, format!("{}?{}", path(tariff, *after), query.finish())))
}

/// What a page is of.
fn kind(ask: &Ask<'_>) -> Option<RateKind> {
    let kinds = kinds(tariff(ask));
    match ask.page {
        PageRef::Number(_) => Some(kinds[0]),
        PageRef::Link { path_and_query, .. } => {
            let endpoint_of = path_of(path_and_query).trim_end_matches('/').rsplit('/').next()?;
            kinds.iter().copied().find(|kind| endpoint(*kind) == endpoint_of)
        }
    }
}

const fn endpoint(kind: RateKind) -> &'static str {
    match kind {
        RateKind::Standard => "standard-unit-rates",
        RateKind::Day => "day-unit-rates",
        RateKind::Night => "night-unit-rates",
        RateKind::Standing => "standing-charges",
    }
}

/// Where a kind of rate of a tariff is. `E-1R-AGILE-25-C` is of electricity, with one register, of the
/// product `AGILE-25`, in the region C.
fn path(tariff: &str, kind: RateKind) -> String {
    let fuel = if tariff.starts_with("G-") { "gas" } else { "electricity" };
    let product = tariff.splitn(3, '-').nth(2).and_then(|rest| rest.rsplit_once('-'));
    let product = product.map_or("", |(product, _region)| product);
    let (product, tariff, endpoint) = (segment(product), segment(tariff), endpoint(kind));
    format!("/v1/products/{product}/{fuel}-tariffs/{tariff}/{endpoint}/")
}

/// One span as it is written.
#[derive(Deserialize)]
struct Rate<'a> {
    value_exc_vat: Exact,
    value_inc_vat: Exact,
    valid_from: Stamp,
    #[serde(deserialize_with = "nullable")]
    valid_to: Option<Stamp>,
    #[serde(borrow, default)]
    payment_method: Option<Text<'a>>,
}

impl Rate<'_> {
    fn price(&self, kind: RateKind, findings: &mut Vec<Finding>) -> Result<Option<Price>, BadBody> {
        if is_empty(self.valid_from, self.valid_to, "The price", findings) {
            return Ok(None);
        }
        let payment_method = self.payment_method.as_deref();
        if !payment_method.is_none_or(json::is_text) {
            return Err(json::bad("expected a payment method of text, found U+0000 in it"));
        }
        Ok(Some(Price {
            rate_kind: kind,
            payment_method: payment_method.map(str::to_owned),
            valid_from: self.valid_from.0,
            valid_to: self.valid_to.map(|at| at.0),
            exc_vat: self.value_exc_vat.0,
            inc_vat: self.value_inc_vat.0,
        }))
    }
}
