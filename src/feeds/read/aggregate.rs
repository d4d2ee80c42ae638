//! Hours, days, weeks and months: as they were summed up, or from the rows themselves where that is not
//! enough: as they were known before, or while a period still waits for its sums.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use futures::TryStreamExt as _;
use rust_decimal::{Decimal, RoundingStrategy::MidpointAwayFromZero};

use crate::{
    db::feeds::{
        reads::{self, Period, Slot},
        regions::Series,
        snapshot::FeedSnapshot,
    },
    domain::feed::{
        Grain, IntensityUnit, Metric, Quality, Window, period,
        rollup::{self, Fold},
    },
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
    /// How the slots that count came about.
    #[must_use]
    pub fn quality(&self) -> Quality {
        if self.n_estimated > 0 { Quality::Estimated } else { Quality::Measured }
    }

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

/// A mean is known to nine decimals of a gram. In a unit of another size one less is certain, and the
/// upstream's own numbers come back as they were.
fn in_unit(grams: Option<Decimal>, unit: IntensityUnit) -> Option<Decimal> {
    let value = IntensityUnit::GPerKwh.convert(grams?, unit)?;
    let is_same_size = unit.in_grams() == Decimal::ONE;
    let places = if is_same_size { PLACES } else { PLACES - 1 };
    Some(value.round_dp_with_strategy(places, MidpointAwayFromZero))
}

impl Aggregate {
    fn empty(span: Window, expected: i32) -> Self {
        let figure = Figure { n_expected: expected, ..Figure::default() };
        let known_at = DateTime::UNIX_EPOCH;
        Self { start: span.from(), end: span.to(), figures: [figure; 3], rev: 0, known_at }
    }

    /// How its values came about, all metrics together.
    #[must_use]
    pub fn quality(&self) -> Quality {
        let is_estimated = self.figures.iter().any(|one| one.quality() == Quality::Estimated);
        if is_estimated { Quality::Estimated } else { Quality::Measured }
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
    /// The span that holds an instant.
    #[must_use]
    pub fn holding(self, instant: DateTime<Utc>) -> Window {
        period::holding(self.grain, self.zone, instant)
    }

    /// The instants from the first span that begins in a window to the end of the last one.
    fn cover(self, window: Window) -> Option<Window> {
        let first = self.holding(window.from());
        let from = if first.from() == window.from() { first.from() } else { first.to() };
        let last = self.holding(window.to() - TimeDelta::microseconds(1));
        Window::new(from, last.to()).ok().filter(|_| from < window.to())
    }

    /// The whole spans in `cover` that meet stretches of time in the order of their starts, joined where they touch.
    fn runs(self, stretches: &[Window], cover: Window) -> Vec<Window> {
        let mut runs: Vec<Window> = Vec::new();
        for stretch in stretches.iter().filter_map(|stretch| stretch.meet(cover)) {
            let last = self.holding(stretch.to() - TimeDelta::microseconds(1));
            let whole = self.holding(stretch.from()).hull(last);
            match runs.last_mut() {
                Some(run) if whole.from() <= run.to() => *run = run.hull(whole),
                _ => runs.push(whole),
            }
        }
        runs
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
    let Some(cover) = calendar.cover(window) else { return Ok(Vec::new()) };
    let mut spans = kept(snapshot, series, calendar, window).await?;
    for run in stale(snapshot, series, calendar, cover).await? {
        spans.retain(|span| span.end <= run.from() || run.to() <= span.start);
        // Whole spans of a month or so are read at once, and no more.
        let mut from = run.from();
        while from < run.to() {
            let far = (from + TimeDelta::days(31)).min(run.to());
            let to = calendar.holding(far - TimeDelta::microseconds(1)).to();
            let Ok(piece) = Window::new(from, to) else { break };
            spans.extend(from_rows(snapshot, series, calendar, piece).await?);
            from = to;
        }
    }
    spans.sort_unstable_by_key(|span| span.start);
    Ok(spans)
}

/// What tells one state of the spans that begin in a window from another; where a cut-off was asked for there is
/// one state only.
pub async fn state(
    snapshot: &mut FeedSnapshot,
    series: &Series,
    calendar: Calendar,
    window: Window,
) -> sqlx::Result<String> {
    let (Some(cover), None) = (calendar.cover(window), snapshot.as_of) else {
        return Ok(String::new());
    };
    let words = (calendar.grain, calendar.zone.name());
    let sums = reads::periods_state(snapshot.connection(), series, words, window).await?;
    let mut state = vec![format!("{sums:?}")];
    for run in stale(snapshot, series, calendar, cover).await? {
        let rows = reads::rows_state(snapshot.connection(), series, run).await?;
        // A span is complete only once it is over, and zones differ by quarters of an hour.
        let quarter = snapshot.known_at.timestamp().div_euclid(900);
        state.push(format!("{run:?} {rows:?} {quarter}"));
    }
    Ok(state.join("\n"))
}

/// The spans that are kept as they were summed up; none where an instant of the past is asked for.
async fn kept(
    snapshot: &mut FeedSnapshot,
    series: &Series,
    calendar: Calendar,
    window: Window,
) -> sqlx::Result<Vec<Aggregate>> {
    if snapshot.as_of.is_some() && !snapshot.continues {
        return Ok(Vec::new());
    }
    let words = (calendar.grain, calendar.zone.name());
    let mut spans = together(reads::periods(snapshot.connection(), series, words, window).await?);
    // What is over by now may not have been when the list began.
    let is_open = |span: &&mut Aggregate| snapshot.as_of.is_some_and(|at| at < span.end);
    for span in spans.iter_mut().filter(is_open) {
        span.figures.iter_mut().for_each(|figure| figure.complete = false);
    }
    Ok(spans)
}

/// Runs of whole spans in `cover` of which the rows must be asked: those that are not kept.
async fn stale(
    snapshot: &mut FeedSnapshot,
    series: &Series,
    calendar: Calendar,
    cover: Window,
) -> sqlx::Result<Vec<Window>> {
    if snapshot.as_of.is_some() && !snapshot.continues {
        return Ok(vec![cover]);
    }
    let words = (calendar.grain, calendar.zone.name());
    let stretches = reads::stale(snapshot, series, words, cover).await?;
    Ok(calendar.runs(&stretches, cover))
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

/// Spans that begin in a window, from the slots that begin in it: the same sums as those that are kept.
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
    let mut spans: Vec<(Aggregate, [Fold; 3])> = Vec::new();
    while let Some(slot) = slots.try_next().await? {
        if spans.last().is_none_or(|(last, _)| last.end <= slot.start) {
            let span = calendar.holding(slot.start);
            let expected = span.length().num_seconds() / i64::from(series.step_secs.max(1));
            let expected = i32::try_from(expected).unwrap_or(i32::MAX);
            spans.push((Aggregate::empty(span, expected), Default::default()));
        }
        let Some((aggregate, folds)) = spans.last_mut() else { continue };
        let weight = weights.get(&slot.start).copied();
        for metric in Metric::ALL {
            folds[*metric as usize].add(&counted(&slot, *metric, weight));
        }
        aggregate.rev = aggregate.rev.max(slot.rev);
        aggregate.known_at = aggregate.known_at.max(slot.known_at);
    }
    let shaped = spans.into_iter().map(|(mut aggregate, folds)| {
        let (is_over, expected) = (aggregate.end <= now, aggregate.figures[0].n_expected);
        aggregate.figures = folds.map(|fold| figure(&fold, expected, is_over));
        aggregate
    });
    Ok(shaped.collect())
}

/// A slot as it counts in sums: in g/kWh with the decimals that are stored.
fn counted(slot: &Slot, metric: Metric, weight: Option<Decimal>) -> rollup::Slot {
    let value = slot.values[metric as usize].filter(|_| slot.quality != Quality::Suspect);
    rollup::Slot {
        value: value.and_then(|value| slot.unit.canonical(value)),
        secs: slot.secs,
        weight,
        weigh: rollup::Weigh::Power,
        estimated: matches!(slot.quality, Quality::Estimated | Quality::Imputed),
    }
}

fn figure(fold: &Fold, expected: i32, is_over: bool) -> Figure {
    let figures = fold.figures();
    Figure {
        mean: figures.mean_time,
        mean_weighted: figures.mean_weighted,
        n_expected: expected,
        n_present: figures.present,
        n_estimated: figures.estimated,
        complete: is_over && figures.present == expected,
    }
}
