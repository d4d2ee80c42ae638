//! The words of feeds: what is polled, restated one interval at a time, and read as rows.

pub mod best;
pub mod day;
pub mod factors;
mod mean;
pub mod mix;
pub mod period;
pub mod rollup;
mod state;
pub mod summary;
pub mod tariff;
mod unit;
pub mod upsert;
mod window;

pub use mean::Mean;
pub use state::{BackfillState, GapState, RunState, ScopeState};
pub use unit::{IntensityUnit, ParseUnitError};
pub use window::{EmptyWindow, Window};

use crate::domain::words;

words! {
    /// Which intensity; separate columns, never averaged together or put in place of one another.
    Metric("a metric of carbon intensity") {
        /// Of what is generated in the region.
        Generated = "generated",
        /// Of what is consumed there, imports and exports counted.
        Consumed = "consumed",
        /// Of the next unit that is generated.
        Marginal = "marginal",
    }
}

words! {
    /// How a value came about.
    Quality("a quality", exact) {
        /// As the upstream measured it.
        Measured = "measured",
        /// A forecast in the place of a measurement.
        Estimated = "estimated",
        /// Filled in by the upstream.
        Imputed = "imputed",
        /// Not plausible: kept, and left out of rollups.
        Suspect = "suspect",
    }
}

words! {
    /// How the stamps of an upstream are to be read.
    TimeSemantics("a reading of stamps", exact) {
        /// The stamp opens the slot.
        IntervalStart = "interval_start",
        /// The stamp closes the slot.
        IntervalEnd = "interval_end",
        /// A reading at an instant; slots are made of them.
        Instant = "instant",
        /// From and to are given.
        Explicit = "explicit",
        /// Validity, possibly open at its end.
        Span = "span",
    }
}

words! {
    /// Why a scope is worked at. In the order in which work is claimed.
    TaskKind("a kind of task", exact) {
        /// What is due by the cadence.
        Live = "live",
        /// Asked for by somebody.
        Manual = "manual",
        /// What the upstream fills in late.
        Sweep = "sweep",
        /// History.
        Backfill = "backfill",
    }
}

impl TaskKind {
    /// The order in which tasks are claimed; small first.
    #[must_use]
    pub const fn priority(self) -> i16 {
        self as i16
    }
}

words! {
    /// A span of the calendar that rows are summed up over.
    Grain("a granularity", exact) {
        /// An hour of the clock.
        Hour = "hour",
        /// From midnight to midnight: 23, 24 or 25 hours.
        Day = "day",
        /// An ISO week, from Monday 00:00.
        Week = "week",
        /// A calendar month.
        Month = "month",
    }
}

words! {
    /// What rollups are made of.
    SeriesKind("a kind of series", exact) {
        /// Intensities, by set of factors and metric.
        Intensity = "intensity",
        /// The fuel mix, by fuel.
        Mix = "mix",
        /// Usage of a meter.
        Usage = "usage",
    }
}

words! {
    /// What became of one request to an upstream.
    FetchClass("a class of answers", exact) {
        /// A page with rows.
        Ok = "ok",
        /// The same as the last time.
        Unchanged = "unchanged",
        /// Not published yet.
        NotYet = "not_yet",
        /// A good answer without rows.
        NoData = "no_data",
        /// Asked to wait.
        Throttled = "throttled",
        /// Down for a moment.
        Transient = "transient",
        /// The key is missing or refused.
        Auth = "auth",
        /// The request is refused.
        ClientError = "client_error",
        /// Not what was announced.
        BadBody = "bad_body",
        /// Over a limit.
        TooLarge = "too_large",
        /// A setting is lacking.
        Config = "config",
    }
}

impl FetchClass {
    /// Whether the run goes on: nothing is wrong.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Ok | Self::Unchanged | Self::NotYet | Self::NoData)
    }

    /// Whether it is this one page that failed, and asking for it again at once would not help: others may
    /// be good.
    #[must_use]
    pub const fn is_refusal(self) -> bool {
        matches!(self, Self::BadBody | Self::ClientError | Self::TooLarge)
    }
}

words! {
    /// What the events of the stream are about.
    Topic("a topic", exact) {
        /// The primary metric of a slot is known for the first time.
        GridIntensity = "grid.intensity",
        /// A metric of a known slot is another.
        GridIntensityRestated = "grid.intensity.restated",
        /// The fuel mix of a slot.
        GridFuelMix = "grid.fuelmix",
        /// A forecast was issued.
        GridForecast = "grid.forecast",
        /// A price is known, or another.
        RetailPrice = "retail.price",
        /// The usage of a slot is known for the first time.
        RetailUsage = "retail.usage",
        /// The usage of a slot is another.
        RetailUsageRestated = "retail.usage.restated",
        /// Many old slots of a day came or changed.
        Rollup = "rollup",
        /// The daily summary of a meter.
        UsageDay = "usage.day",
        /// State or progress of a feed.
        FeedStatus = "feed.status",
        /// A gap was found or filled.
        FeedGap = "feed.gap",
        /// Pages should be loaded again.
        PageReload = "page.reload",
    }
}

words! {
    /// What a tariff charges for.
    RateKind("a kind of rate", exact) {
        /// Energy, at any hour.
        Standard = "standard",
        /// Energy by day.
        Day = "day",
        /// Energy by night.
        Night = "night",
        /// Each day, used or not.
        Standing = "standing",
    }
}
