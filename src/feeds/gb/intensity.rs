//! `gb.intensity`: what was measured, null for about half an hour and revised for at least a day.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ABOUT, FACTOR_SET, STEP};
use crate::{
    domain::feed::{IntensityUnit, Quality, Window},
    feeds::{
        About, Ask, BadBody, Feed, Intensity, Parsed, Records, Request, Scope, Settings, Shared,
        json::{self, Exact, Members, Stamp},
    },
};

static INTENSITY: About = About {
    id: "gb.intensity",
    name: "Great Britain carbon intensity",
    assumptions: &[
        "National average of CO2 per energy at the point of use, estimated by the system operator, \
         losses and imports included.",
        "The newest half-hours are unknown at first and may be revised for a day or more.",
    ],
    primary_metric: Some("generated"),
    ..ABOUT
};

/// The feed.
#[derive(Debug)]
pub struct GbIntensity;

impl Feed for GbIntensity {
    fn about(&self) -> &'static About {
        &INTENSITY
    }

    fn scopes(&self, _settings: &Settings) -> Vec<Scope> {
        super::national()
    }

    fn windows(&self, settings: &Settings, _scope: &Scope, range: Window) -> Vec<Window> {
        super::windows(settings, range)
    }

    fn request(&self, ask: &Ask<'_>) -> Request {
        super::range_request("intensity", ask)
    }

    fn parse(&self, body: &[u8], _ask: &Ask<'_>) -> Result<Parsed, BadBody> {
        let factor_set = Shared::from(FACTOR_SET);
        let slots = super::read::<Slot<'_>>(body)?;
        let rows =
            slots.iter().enumerate().map(|(index, slot)| slot.row(index, factor_set.clone()));
        Ok(super::parsed(Records::Intensity(rows.collect::<Result<_, _>>()?)))
    }
}

/// One slot as it is written.
#[derive(Deserialize)]
struct Slot<'a> {
    from: Stamp,
    to: Stamp,
    /// `actual`, and `forecast` and `index` that are kept beside it.
    #[serde(borrow)]
    intensity: Members<'a>,
}

impl Slot<'_> {
    fn row(&self, index: usize, factor_set: Shared) -> Result<Intensity, BadBody> {
        Ok(Intensity {
            factor_set,
            start: super::start(index, self.from, self.to)?,
            secs: STEP.cast_signed(),
            generated: self.actual(index)?,
            consumed: None,
            marginal: None,
            unit: IntensityUnit::GPerKwh,
            quality: Quality::Measured,
            src_key: None,
            src_updated_at: None,
            raw: self.rest(index)?,
        })
    }

    fn actual(&self, index: usize) -> Result<Option<rust_decimal::Decimal>, BadBody> {
        let actual = self.intensity.0.iter().find(|(name, _)| &**name == "actual");
        let Some((_, actual)) = actual else { return Ok(None) };
        let exact = serde_json::from_str::<Option<Exact>>(actual.get())
            .map_err(|error| json::bad(&format!("at data[{index}].intensity.actual: {error}")))?;
        Ok(exact.map(|exact| exact.0))
    }

    fn rest(&self, index: usize) -> Result<Option<Box<RawValue>>, BadBody> {
        match self.intensity.object(|name, _| name != "actual") {
            Some(rest) if !json::is_storable(&rest) => Err(json::bad(&format!(
                "at data[{index}].intensity: expected plain text and numbers, found what cannot be kept"
            ))),
            rest => Ok(rest),
        }
    }
}
