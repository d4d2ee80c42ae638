//! `gb.forecast`: the national intensity of the next 48 hours, another issue each time.

use std::time::Duration;

use chrono::TimeDelta;
use serde::Deserialize;

use super::{ABOUT, FACTOR_SET, STEP};
use crate::{
    domain::feed::{IntensityUnit, Window},
    feeds::{
        About, Ask, BadBody, Default, Feed, Forecast, Live, Parsed, Records, Request, Scope,
        Settings, Shared,
        json::{Exact, Stamp},
    },
};

/// How far ahead the provider looks.
const HORIZON: TimeDelta = TimeDelta::hours(48);

static FORECAST: About = About {
    id: "gb.forecast",
    name: "Great Britain carbon intensity forecast",
    assumptions: &[
        "The system operator's forecast, as of the half-hour in which it was fetched; each issue is kept.",
    ],
    default: Default {
        window: Duration::from_hours(48),
        poll_every: Duration::from_mins(30),
        look_back: Duration::ZERO,
        ..ABOUT.default
    },
    ..ABOUT
};

/// The feed.
#[derive(Debug)]
pub struct GbForecast;

impl Feed for GbForecast {
    fn about(&self) -> &'static About {
        &FORECAST
    }

    fn scopes(&self, _settings: &Settings) -> Vec<Scope> {
        super::national()
    }

    fn windows(&self, _settings: &Settings, _scope: &Scope, range: Window) -> Vec<Window> {
        range.cut(HORIZON).collect()
    }

    fn has_history(&self) -> bool {
        false
    }

    /// From the present slot on; what was forecast before is not told any more.
    fn live_range(&self, _settings: &Settings, live: &Live) -> Option<Window> {
        let from = super::slot_of(live.now);
        Window::new(from, from + HORIZON).ok()
    }

    fn request(&self, ask: &Ask<'_>) -> Request {
        let from = super::minute(super::slot_of(ask.window.from()));
        super::request(format!("/intensity/{from}/fw48h"))
    }

    fn parse(&self, body: &[u8], ask: &Ask<'_>) -> Result<Parsed, BadBody> {
        let factor_set = Shared::from(FACTOR_SET);
        let row = |(index, slot): (usize, &Slot)| {
            Ok(Forecast {
                factor_set: factor_set.clone(),
                issued_at: super::slot_of(ask.now),
                start: super::start(index, slot.from, slot.to)?,
                secs: STEP.cast_signed(),
                generated: slot.intensity.forecast.map(|forecast| forecast.0),
                unit: IntensityUnit::GPerKwh,
            })
        };
        let rows =
            super::read::<Slot>(body)?.iter().enumerate().map(row).collect::<Result<_, _>>()?;
        Ok(super::parsed(Records::Forecast(rows)))
    }
}

/// One slot as it is written.
#[derive(Deserialize)]
struct Slot {
    from: Stamp,
    to: Stamp,
    intensity: Said,
}

#[derive(Deserialize)]
struct Said {
    forecast: Option<Exact>,
}
