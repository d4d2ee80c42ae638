//! Emissions of a region as reports: `GetEmissionsForRegion`.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures::TryStreamExt as _;
use rust_decimal::Decimal;

use super::{Calendar, aggregates};
use crate::{
    db::feeds::{reads, regions::Series, snapshot::FeedSnapshot},
    domain::feed::{Grain, IntensityUnit, Metric, Window},
};

/// What the slots of a span come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its start.
    pub start: DateTime<Utc>,
    /// Its end, exclusive.
    pub end: DateTime<Utc>,
    /// By [`Metric`], in the unit that was asked for; what is not plausible is left out.
    pub rates: [Option<Decimal>; 3],
    /// Slots that it has.
    pub n_expected: i32,
    /// Slots that count, by [`Metric`].
    pub n_present: [i32; 3],
}

/// The word for the length of a report.
#[must_use]
pub const fn duration_type(grain: Option<Grain>) -> &'static str {
    match grain {
        None => "minute",
        Some(Grain::Hour) => "hourly",
        Some(Grain::Day) => "daily",
        Some(Grain::Week) => "weekly",
        Some(Grain::Month) => "monthly",
    }
}

/// Reports that begin in a window; without a calendar one for each slot. `window` is a piece of what is
/// asked: all of its reports are held at once.
pub async fn reports(
    snapshot: &mut FeedSnapshot,
    series: &Series,
    calendar: Option<Calendar>,
    (window, unit): (Window, IntensityUnit),
) -> sqlx::Result<Vec<Report>> {
    let Some(calendar) = calendar else {
        let slot = |slot: reads::Slot| Report {
            start: slot.start,
            end: slot.end(),
            rates: std::array::from_fn(|place| slot.plausible(Metric::ALL[place], unit)),
            n_expected: 1,
            n_present: std::array::from_fn(|place| {
                slot.plausible(Metric::ALL[place], unit).is_some().into()
            }),
        };
        return reads::slots(snapshot, series, window).map_ok(slot).try_collect().await;
    };
    let spans = aggregates(snapshot, series, calendar, window).await?;
    let report = |span: super::Aggregate| Report {
        start: span.start,
        end: span.end,
        rates: span.figures.map(|figure| figure.mean_in(unit)),
        n_expected: span.figures[0].n_expected,
        n_present: span.figures.map(|figure| figure.n_present),
    };
    Ok(spans.into_iter().map(report).collect())
}

/// How much of time is read at once.
#[must_use]
pub fn piece(series: &Series, calendar: Option<Calendar>) -> TimeDelta {
    let slots = || TimeDelta::seconds(i64::from(series.step_secs.max(1)) * 4096);
    calendar.map_or_else(slots, Calendar::piece)
}

/// An instant as reports print it.
#[must_use]
pub fn stamp(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
