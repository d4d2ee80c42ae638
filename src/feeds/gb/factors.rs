//! `gb.factors`: the emission factors behind the intensities, by fuel.

use std::time::Duration;

use chrono::TimeDelta;
use rust_decimal::Decimal;

use super::ABOUT;
use crate::{
    domain::feed::{TimeSemantics, Window},
    feeds::{
        About, Ask, BadBody, Default, Factor, Feed, Live, Parsed, Records, Request, Scope,
        Settings,
        json::{self, Exact, Members},
    },
};

static FACTORS: About = About {
    id: "gb.factors",
    name: "Great Britain emission factors",
    assumptions: &["Factors in g/kWh as the system operator publishes them."],
    step_secs: None,
    time_semantics: TimeSemantics::Span,
    default: Default {
        window: Duration::from_hours(24),
        poll_every: Duration::from_hours(24),
        look_back: Duration::ZERO,
        ..ABOUT.default
    },
    ..ABOUT
};

/// A factor is below 10^9 g/kWh, as its column.
const BELOW: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// The feed.
#[derive(Debug)]
pub struct GbFactors;

impl Feed for GbFactors {
    fn about(&self) -> &'static About {
        &FACTORS
    }

    fn scopes(&self, _settings: &Settings) -> Vec<Scope> {
        super::national()
    }

    /// There are only those of today.
    fn windows(&self, _settings: &Settings, _scope: &Scope, range: Window) -> Vec<Window> {
        vec![range]
    }

    fn has_history(&self) -> bool {
        false
    }

    fn live_range(&self, _settings: &Settings, live: &Live) -> Option<Window> {
        Window::new(live.now - TimeDelta::days(1), live.now).ok()
    }

    fn request(&self, _ask: &Ask<'_>) -> Request {
        super::request("/intensity/factors".to_owned())
    }

    fn parse(&self, body: &[u8], _ask: &Ask<'_>) -> Result<Parsed, BadBody> {
        let objects = super::read::<Members<'_>>(body)?;
        let factors = objects.iter().flat_map(|object| &object.0).map(|(fuel, value)| {
            let wrong = |what: String| json::bad(&format!("at data.{}: {what}", fuel.0));
            if fuel.is_empty() || !json::is_text(fuel) {
                return Err(wrong("expected the name of a fuel".to_owned()));
            }
            let exact: Exact =
                serde_json::from_str(value.get()).map_err(|error| wrong(error.to_string()))?;
            if exact.0.abs() >= BELOW {
                return Err(wrong(format!("expected a factor in g/kWh, found {}", exact.0)));
            }
            Ok(Factor { fuel: fuel.to_string(), g_per_kwh: exact.0 })
        });
        Ok(super::parsed(Records::Factors(factors.collect::<Result<_, _>>()?)))
    }
}
