//! What a feed is.

use std::time::Duration;

use crate::domain::feed::TimeSemantics;

/// What a feed is, and what is so where the settings say nothing.
#[derive(Debug)]
pub struct About {
    /// `provider.product`; also the section of its settings.
    pub id: &'static str,
    /// By which regions are known in `region_alias`.
    pub provider: &'static str,
    /// In words, for pages.
    pub name: &'static str,
    /// What must stand beside its figures: licence, source.
    pub attribution: &'static str,
    /// What its figures mean and leave out, in sentences; shown beside them.
    pub assumptions: &'static [&'static str],
    /// Length of a slot in seconds; none where rows are spans of any length.
    pub step_secs: Option<u32>,
    /// How its stamps are read.
    pub time_semantics: TimeSemantics,
    /// The column that tells whether a slot is there: `generated`, `mw`, `percent`, `kwh`. None: the feed
    /// has no watermark and no gaps.
    pub primary_metric: Option<&'static str>,
    /// Which key it needs.
    pub secrecy: Secrecy,
    /// Raised when the same bytes give other rows: what was unchanged is parsed again.
    pub parser_version: i32,
    /// Whether a weekly sweep re-reads old rows that still lack a value.
    pub sweep: Option<Duration>,
    /// Where the settings say nothing.
    pub default: Default,
}

/// Which key an upstream wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// None: the feed is on from the start.
    Open,
    /// The setting `api_key`: the feed is off until it is there.
    ApiKey,
}

/// The settings of a feed that nobody set.
#[derive(Debug)]
pub struct Default {
    /// Scheme and host, without a slash at the end.
    pub base_url: &'static str,
    /// Length of a window.
    pub window: Duration,
    /// Rows asked for in a page.
    pub page_size: u32,
    /// The most that the upstream gives in a page.
    pub page_size_max: u32,
    /// How often it is asked.
    pub poll_every: Duration,
    /// How far back each run asks again.
    pub look_back: Duration,
    /// How old the newest slot may be.
    pub expected_lag: Duration,
    /// History before this is not asked for (RFC 3339).
    pub not_before: &'static str,
    /// The sets of factors that are loaded.
    pub factor_sets: &'static [&'static str],
}
