//! Feeds: ingestors whose documents are fetched instead of uploaded.
//!
//! A page takes one road: fetched ([`http`]) and kept as a document, parsed by its feed (pure: bytes,
//! what was asked, and the clock give [`Records`]), and loaded in one transaction ([`load`]) with its
//! revisions, events and progress. When and how much is asked is the runner's business ([`runner`]).
//!
//! # To add a feed
//!
//! 1. Write its file: a type that implements [`Feed`]. [`About`] says what it is, [`Feed::scopes`] which
//!    regions it has, [`Feed::request`] how a page is asked for, [`Feed::parse`] what its bytes say. Nothing
//!    else knows the upstream.
//! 2. Name it in [`FEEDS`].
//! 3. Give new regions and their codes, or sets of factors, in a migration.
//!
//! Leases, patience with the host, retries, windows, look-back, restatement, gaps, backfill, commands,
//! pages and metrics are the same for all. Fuzzers (`tests/fuzz`) build the feeds without these.

mod about;
mod ask;
pub mod carbonara;
pub mod gb;
#[cfg(not(fuzzing))]
pub mod http;
pub mod json;
#[cfg(not(fuzzing))]
pub mod load;
#[cfg(not(fuzzing))]
pub mod numbers;
pub mod nyiso;
pub mod octopus;
#[cfg(not(fuzzing))]
pub mod overview;
#[cfg(not(fuzzing))]
pub mod read;
mod records;
#[cfg(not(fuzzing))]
pub mod replay;
#[cfg(not(fuzzing))]
pub mod rollups;
#[cfg(not(fuzzing))]
pub mod runner;
#[cfg(test)]
mod samples;
pub mod settings;

pub use about::{About, Default, Secrecy};
pub use ask::{Ask, Auth, MeterPoint, PageRef, Request, Scope, Shared};
pub use records::{
    Agreement, BadBody, Factor, Finding, Forecast, FuelSample, FuelShare, Intensity, Metering,
    Next, Parsed, Price, Records, Usage,
};
pub use settings::Settings;

use std::{fmt::Debug, time::Duration};

use chrono::{DateTime, Utc};

use crate::domain::feed::{FetchClass, Window};

/// Every feed that there is.
pub const FEEDS: &[&dyn Feed] = &[
    &carbonara::CarbonaraIntensity,
    &gb::GbFactors,
    &gb::GbForecast,
    &gb::GbIntensity,
    &gb::GbMix,
    &nyiso::FuelMix,
    &octopus::OctopusAccount,
    &octopus::OctopusRates,
    &octopus::OctopusUsage,
];

/// The feed with an id.
#[must_use]
pub fn find(feed_id: &str) -> Option<&'static dyn Feed> {
    FEEDS.iter().find(|feed| feed.about().id == feed_id).copied()
}

/// One product of one provider. Pure: a feed says what to ask and what an answer means.
pub trait Feed: Debug + Sync {
    /// What it is, and what is so where the settings say nothing.
    fn about(&self) -> &'static About;

    /// The scopes that there are when the settings name none. Scopes that other documents tell of, such
    /// as the tariffs of an account, are not among them: loading makes them.
    fn scopes(&self, settings: &Settings) -> Vec<Scope>;

    /// Whether the upstream tells of the past; else there is nothing to backfill.
    fn has_history(&self) -> bool {
        true
    }

    /// Cuts what is to be asked into windows, oldest first, without hole or overlap. One window may
    /// need several pages.
    fn windows(&self, settings: &Settings, _scope: &Scope, range: Window) -> Vec<Window> {
        range.cut(settings.window).collect()
    }

    /// What a live run covers: from the look-back before the newest row, or from the beginning of
    /// history, up to now. `None`: nothing is to be asked now.
    fn live_range(&self, settings: &Settings, live: &Live) -> Option<Window> {
        let from = live.high_water.map(|high_water| high_water - settings.look_back);
        let from = from.map_or(live.history_start, |from| from.max(live.history_start));
        Window::new(from, live.now).ok()
    }

    /// How long until the next live run.
    fn poll_after(&self, settings: &Settings, _now: DateTime<Utc>) -> Duration {
        settings.poll_every
    }

    /// What asks for a page.
    fn request(&self, ask: &Ask<'_>) -> Request;

    /// What a 404 means where it is no refusal: [`FetchClass::NotYet`] of a document that is still to come,
    /// which leaves no gap, or [`FetchClass::NoData`] of one that should be there.
    fn absence(&self, _ask: &Ask<'_>) -> Option<FetchClass> {
        None
    }

    /// The page after one that does not exist yet, where a window has other pages besides.
    fn after_not_yet(&self, _ask: &Ask<'_>) -> Option<PageRef> {
        None
    }

    /// What the bytes of a page say. An error rejects the page whole; what is wrong with single rows is a
    /// finding.
    fn parse(&self, body: &[u8], ask: &Ask<'_>) -> Result<Parsed, BadBody>;
}

/// What a live run is planned by.
#[derive(Debug, Clone, Copy)]
pub struct Live {
    /// Now, by the injected clock.
    pub now: DateTime<Utc>,
    /// The later of the first instant that the upstream has and the one that is wanted.
    pub history_start: DateTime<Utc>,
    /// End of the newest slot with the primary metric.
    pub high_water: Option<DateTime<Utc>>,
    /// When a live run last went well: what feeds without slots go by.
    pub last_ok: Option<DateTime<Utc>>,
}
