//! `gb.mix`: shares of generation by fuel.

use serde::Deserialize;

use super::{ABOUT, STEP};
use crate::{
    domain::feed::Window,
    feeds::{
        About, Ask, BadBody, Default, Feed, FuelShare, Parsed, Records, Request, Scope, Settings,
        json::{self, Exact, Pool, Stamp, Text},
    },
};

static MIX: About = About {
    id: "gb.mix",
    name: "Great Britain generation mix",
    assumptions: &["Shares of generation and imports in percent; the provider gives no MW."],
    primary_metric: Some("percent"),
    default: Default { factor_sets: &[], ..ABOUT.default },
    ..ABOUT
};

/// The feed.
#[derive(Debug)]
pub struct GbMix;

impl Feed for GbMix {
    fn about(&self) -> &'static About {
        &MIX
    }

    fn scopes(&self, _settings: &Settings) -> Vec<Scope> {
        super::national()
    }

    fn windows(&self, settings: &Settings, _scope: &Scope, range: Window) -> Vec<Window> {
        super::windows(settings, range)
    }

    fn request(&self, ask: &Ask<'_>) -> Request {
        super::range_request("generation", ask)
    }

    fn parse(&self, body: &[u8], _ask: &Ask<'_>) -> Result<Parsed, BadBody> {
        let mut fuels = Pool::default();
        let mut rows = Vec::new();
        for (index, slot) in super::read::<Slot<'_>>(body)?.iter().enumerate() {
            let start = super::start(index, slot.from, slot.to)?;
            for share in &slot.generationmix {
                if share.fuel.is_empty() || !json::is_text(&share.fuel) {
                    let sentence =
                        "expected the name of a fuel, found an empty one or U+0000 in it";
                    return Err(json::bad(&format!("at data[{index}].generationmix: {sentence}")));
                }
                rows.push(FuelShare {
                    start,
                    secs: STEP.cast_signed(),
                    fuel: fuels.share(&share.fuel),
                    percent: share.perc.map(|percent| percent.0),
                });
            }
        }
        Ok(super::parsed(Records::Mix(rows)))
    }
}

/// One slot as it is written.
#[derive(Deserialize)]
struct Slot<'a> {
    from: Stamp,
    to: Stamp,
    #[serde(borrow)]
    generationmix: Vec<Share<'a>>,
}

#[derive(Deserialize)]
struct Share<'a> {
    #[serde(borrow)]
    fuel: Text<'a>,
    perc: Option<Exact>,
}
