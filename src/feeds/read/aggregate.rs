//! Hours, days, weeks and months: as they were summed up, or from the rows themselves where that is not
//! enough: as they were known before, or while a period still waits for its sums.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use futures::TryStreamExt as _;
use rust_decimal::{Decimal, RoundingStrategy::MidpointAwayFromZero};

use super::calendar;
use crate::{
    db::feeds::{
        reads::{self, Period, Slot},
        regions::Series,
        snapshot::FeedSnapshot,
    },
    domain::feed::{Grain, IntensityUnit, Mean, Metric, Quality, Window},
};

/// Decimals of a mean.
const PLACES: u32 = 9;

/// A span of the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregate {
    /// Its start.
    pub start: DateTime<Utc>,
    /// Its end.
    pub end: DateTime<Utc>,
    /// By [`Metric`].
    pub figures: [Figure; 3],
    /// Which content, the highest of its metrics; of what is computed from rows the highest of theirs.
    pub rev: i32,
    /// When it became known.
    pub known_at: DateTime<Utc>,
}

/// One metric of a span, in g/kWh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figure {
    /// Mean over time.
    pub mean: Option<Decimal>,
    /// Mean weighted by generation, where that is known.
    pub mean_weighted: Option<Decimal>,
    /// Slots that it has.
    pub n_expected: i32,
    /// Slots that count.
    pub n_present: i32,
    /// Of these, estimates.
    pub n_estimated: i32,
    /// Whether every slot counts and the span is over.
    pub complete: bool,
}

impl Figure {
    /// The mean in a unit.
    #[must_use]
    pub fn mean_in(&self, unit: IntensityUnit) -> Option<Decimal> {
        in_unit(self.mean, unit)
    }

    /// The weighted mean in a unit.
    #[must_use]
    pub fn weighted_in(&self, unit: IntensityUnit) -> Option<Decimal> {
        in_unit(self.mean_weighted, unit)
    }
}

fn in_unit(grams: Option<Decimal>, unit: IntensityUnit) -> Option<Decimal> {
    let value = IntensityUnit::GPerKwh.convert(grams?, unit)?;
    Some(value.round_dp_with_strategy(PLACES, MidpointAwayFromZero))
}

impl Aggregate {
    fn empty(span: Window, expected: i32) -> Self {
        let figure = Figure { n_expected: expected, ..Figure::default() };
        let known_at = DateTime::UNIX_EPOCH;
        Self { start: span.from(), end: span.to(), figures: [figure; 3], rev: 0, known_at }
    }

    /// How its values came about.
    #[must_use]
    pub fn quality(&self) -> Quality {
        let estimates = self.figures.iter().any(|figure| figure.n_estimated > 0);
        if estimates { Quality::Estimated } else { Quality::Measured }
    }
}

/// Which spans.
#[derive(Debug, Clone, Copy)]
pub struct Calendar {
    /// How long they are.
    pub grain: Grain,
    /// Whose midnights count.
    pub zone: Tz,
}

impl Calendar {
    /// The first span that begins at or after an instant.
    #[must_use]
    pub fn first(self, instant: DateTime<Utc>) -> Option<Window> {
        let span = calendar::span(self.grain, self.zone, instant)?;
        if span.from() == instant {
            Some(span)
        } else {
            calendar::span(self.grain, self.zone, span.to())
        }
    }

    /// The instants from the first span that begins in a window to the end of the last one.
    fn cover(self, window: Window) -> Option<Window> {
        let first = self.first(window.from()).filter(|first| first.from() < window.to())?;
        let last = calendar::span(self.grain, self.zone, window.to() - TimeDelta::microseconds(1))?;
        Window::new(first.from(), last.to()).ok()
    }

    /// How much of time is read at once.
    #[must_use]
    pub fn piece(self) -> TimeDelta {
        TimeDelta::days(match self.grain {
            Grain::Hour => 62,
            Grain::Day | Grain::Week => 366,
            Grain::Month => 3660,
        })
    }
}

/// The spans of a series that begin in a window, of which there is any row.
pub async fn aggregates(
    snapshot: &mut FeedSnapshot,
    series: &Series,
    calendar: Calendar,
    window: Window,
) -> sqlx::Result<Vec<Aggregate>> {
    let words = (calendar.grain, calendar.zone.name());
    let waits = reads::dirty(snapshot.connection(), series, words, window).await?;
    if snapshot.as_of.is_none() && !waits {
        let periods = reads::periods(snapshot.connection(), series, words, window).await?;
        return Ok(together(periods));
    }
    let Some(cover) = calendar.cover(window) else { return Ok(Vec::new()) };
    // A month of five minutes is read at once, and no more.
    let mut spans = Vec::new();
    let mut from = cover.from();
    while from < cover.to() {
        let month = calendar.first(from).map_or(cover.to(), |first| {
            let far = first.to().max(from + TimeDelta::days(31));
            calendar.first(far).map_or(cover.to(), Window::from)
        });
        let Ok(piece) = Window::new(from, month.min(cover.to())) else { break };
        spans.extend(from_rows(snapshot, series, calendar, piece).await?);
        from = piece.to();
    }
    Ok(spans)
}

/// The metrics of each period beside each other.
fn together(periods: Vec<Period>) -> Vec<Aggregate> {
    let mut spans: Vec<Aggregate> = Vec::new();
    for period in periods {
        let Ok(metric) = period.measure.parse::<Metric>() else { continue };
        if spans.last().is_none_or(|last| last.start != period.start)
            && let Ok(span) = Window::new(period.start, period.end)
        {
            spans.push(Aggregate::empty(span, period.n_expected));
        }
        let Some(span) = spans.last_mut() else { continue };
        let rounded = |mean: Decimal| mean.round_dp_with_strategy(PLACES, MidpointAwayFromZero);
        span.figures[metric as usize] = Figure {
            mean: period.mean_time.map(rounded),
            mean_weighted: period.mean_weighted.map(rounded),
            n_expected: period.n_expected,
            n_present: period.n_present,
            n_estimated: period.n_estimated,
            complete: period.complete,
        };
        span.rev = span.rev.max(period.rev);
        span.known_at = span.known_at.max(period.known_at);
    }
    spans
}

/// What is summed up of one metric of a span.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    mean: Mean,
    weighted: Decimal,
    weight: Decimal,
    present: i32,
    estimated: i32,
}

impl Sum {
    fn add(&mut self, span: Window, slot: &Slot, value: Decimal, weight: Option<Decimal>) {
        self.mean.add(span, (slot.start, slot.end()), Some(value));
        self.present += 1;
        self.estimated += i32::from(slot.quality == Quality::Estimated);
        if let Some((weight, product)) = weight.and_then(|w| Some((w, value.checked_mul(w)?))) {
            self.weighted += product;
            self.weight += weight;
        }
    }

    fn figure(&self, expected: i32, is_over: bool) -> Figure {
        let weighted = self.weighted.checked_div(self.weight);
        Figure {
            mean: self.mean.value(),
            mean_weighted: weighted
                .map(|mean| mean.round_dp_with_strategy(PLACES, MidpointAwayFromZero)),
            n_expected: expected,
            n_present: self.present,
            n_estimated: self.estimated,
            complete: is_over && self.present == expected,
        }
    }
}

/// Spans that begin in a window, from the slots that begin in it.
async fn from_rows(
    snapshot: &mut FeedSnapshot,
    series: &Series,
    calendar: Calendar,
    window: Window,
) -> sqlx::Result<Vec<Aggregate>> {
    let now = snapshot.known_at;
    let weights: BTreeMap<_, _> =
        reads::weights(snapshot, series, window).await?.into_iter().collect();
    let mut slots = reads::slots(snapshot, series, window);
    let mut spans: Vec<(Aggregate, [Sum; 3])> = Vec::new();
    while let Some(slot) = slots.try_next().await? {
        let Some(span) = calendar::span(calendar.grain, calendar.zone, slot.start) else {
            continue;
        };
        if spans.last().is_none_or(|(last, _)| last.start != span.from()) {
            let expected = span.length().num_seconds() / i64::from(series.step_secs.max(1));
            let expected = i32::try_from(expected).unwrap_or(i32::MAX);
            spans.push((Aggregate::empty(span, expected), Default::default()));
        }
        let Some((aggregate, sums)) = spans.last_mut() else { continue };
        for metric in Metric::ALL {
            if let Some(value) = slot.plausible(*metric, IntensityUnit::GPerKwh) {
                let weight = weights.get(&slot.start).copied();
                sums[*metric as usize].add(span, &slot, value, weight);
            }
        }
        aggregate.rev = aggregate.rev.max(slot.rev);
        aggregate.known_at = aggregate.known_at.max(slot.known_at);
    }
    let shaped = spans.into_iter().map(|(mut aggregate, sums)| {
        let is_over = aggregate.end <= now;
        let expected = aggregate.figures[0].n_expected;
        aggregate.figures = sums.map(|sum| sum.figure(expected, is_over));
        aggregate
    });
    Ok(shaped.collect())
}
