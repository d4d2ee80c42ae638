//! What the best window is looked for in: carbon, price, or both.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt as _;
use rust_decimal::Decimal;

use super::average::reaching;
use crate::{
    db::feeds::{
        reads::{self, Issue, PriceSpan, Priced},
        regions::Series,
        snapshot::FeedSnapshot,
    },
    domain::feed::{IntensityUnit, Mean, Metric, Window, best::Step},
};

/// Prices are looked at by the half-hour, which is what is settled.
const SETTLED: i64 = 30 * 60;

/// Carbon as measured in slots that meet a window.
pub async fn measured(
    snapshot: &mut FeedSnapshot,
    series: &Series,
    window: Window,
    (metric, unit): (Metric, IntensityUnit),
) -> sqlx::Result<Vec<Step>> {
    let slots = reads::slots(snapshot, series, reaching(window));
    let step = |slot: reads::Slot| Step {
        from: slot.start,
        to: slot.end(),
        value: slot.plausible(metric, unit),
    };
    let meets = |step: &Step| std::future::ready(step.to > window.from());
    slots.map_ok(step).try_filter(meets).try_collect().await
}

/// Carbon as the newest issue foretells it, and when that was issued.
pub async fn foretold(
    snapshot: &mut FeedSnapshot,
    series: &Series,
    window: Window,
    (metric, unit): (Metric, IntensityUnit),
) -> sqlx::Result<(Option<Issue>, Vec<Step>)> {
    let Some(issue) = reads::issue(snapshot, series, None).await? else {
        return Ok((None, Vec::new()));
    };
    let around = reaching(window);
    let bounds = (Some(around.from()), Some(around.to()));
    let slots = reads::forecast(snapshot, series, issue, bounds).await?;
    let steps = slots.iter().map(|slot| Step {
        from: slot.start,
        to: slot.end(),
        value: slot.plausible(metric, unit),
    });
    Ok((Some(issue), steps.filter(|step| step.to > window.from()).collect()))
}

/// Prices without VAT by the half-hour, and their unit.
pub async fn priced(
    snapshot: &mut FeedSnapshot,
    priced: &Priced,
    window: Window,
    payment_method: &str,
) -> sqlx::Result<(Option<String>, Vec<Step>)> {
    let spans = reads::prices(snapshot, priced, window, payment_method).await?;
    let unit = spans.first().map(|span| span.unit.clone());
    Ok((unit, half_hours(&spans, window)))
}

/// Spans cut where a half-hour or another span begins; the last one that holds somewhere counts there.
fn half_hours(spans: &[PriceSpan], window: Window) -> Vec<Step> {
    let mut bounds: BTreeMap<DateTime<Utc>, Bound> = BTreeMap::new();
    let first = window.from().timestamp().div_euclid(SETTLED) * SETTLED;
    let halves = (0..).map_while(|half| DateTime::from_timestamp(first + half * SETTLED, 0));
    let inside = halves.take_while(|half| *half < window.to()).filter(|half| *half > window.from());
    bounds.extend(inside.chain([window.from(), window.to()]).map(|at| (at, Bound::default())));
    for (place, span) in spans.iter().enumerate().filter(|(_, span)| span.from < span.to) {
        bounds.entry(span.from).or_default().begin.push(place);
        bounds.entry(span.to).or_default().end.push(place);
    }
    let mut steps: Vec<Step> = Vec::with_capacity(bounds.len());
    let mut hold = BTreeSet::new();
    for (at, bound) in bounds {
        if let Some(step) = steps.last_mut() {
            step.to = at;
        }
        bound.end.iter().for_each(|place| _ = hold.remove(place));
        hold.extend(bound.begin);
        let value = hold.last().map(|place: &usize| spans[*place].exc_vat);
        steps.push(Step { from: at, to: at, value });
    }
    // Nothing begins where the last one ends.
    steps.pop();
    steps
}

/// The places of spans that begin and end at an instant.
#[derive(Default)]
struct Bound {
    begin: Vec<usize>,
    end: Vec<usize>,
}

/// Why there is no blend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the mean of the {0} over the range is zero or not known: there is nothing to measure it by"
)]
pub struct NoScale(pub &'static str);

/// `weight` × carbon / mean carbon + (1 − `weight`) × price / mean price, means over the window; a mean
/// below zero counts by its size, so that lower stays better. What one of them lacks is not known.
pub fn blend(
    carbon: &[Step],
    price: &[Step],
    weight: Decimal,
    window: Window,
) -> Result<Vec<Step>, NoScale> {
    let scale = |steps: &[Step], what| {
        let mut mean = Mean::default();
        for step in steps {
            mean.add(window, (step.from, step.to), step.value);
        }
        mean.value().map(|mean| mean.abs()).filter(|mean| !mean.is_zero()).ok_or(NoScale(what))
    };
    let (of_carbon, of_price) = (scale(carbon, "carbon")?, scale(price, "price")?);
    let mut blended = Vec::new();
    let mut behind = price;
    for step in carbon {
        while let [first, rest @ ..] = behind
            && first.to <= step.from
        {
            behind = rest;
        }
        for other in behind.iter().take_while(|other| other.from < step.to) {
            let value = step.value.zip(other.value).and_then(|(carbon, price)| {
                let carbon = weight.checked_mul(carbon.checked_div(of_carbon)?)?;
                let price = (Decimal::ONE - weight).checked_mul(price.checked_div(of_price)?)?;
                carbon.checked_add(price)
            });
            let (from, to) = (step.from.max(other.from), step.to.min(other.to));
            blended.push(Step { from, to, value });
        }
    }
    Ok(blended)
}

/// The longest range that is looked through at once.
pub const LONGEST: TimeDelta = TimeDelta::days(366);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(minutes * 60, 0).unwrap()
    }

    fn span(from: i64, to: i64, exc_vat: i64) -> PriceSpan {
        let exc_vat = Decimal::from(exc_vat);
        let (unit, currency) = ("p/kWh".to_owned(), "GBP".to_owned());
        PriceSpan { from: at(from), to: at(to), exc_vat, inc_vat: exc_vat, unit, currency }
    }

    #[test]
    fn a_flat_tariff_has_half_hours_and_the_way_of_payment_goes_first() {
        let window = Window::new(at(10), at(95)).unwrap();
        let steps = half_hours(&[span(0, 200, 20), span(60, 75, 5)], window);
        let shown: Vec<(i64, i64, Option<Decimal>)> = steps
            .iter()
            .map(|s| (s.from.timestamp() / 60, s.to.timestamp() / 60, s.value))
            .filter(|(from, to, _)| *from >= 10 && *to <= 95)
            .collect();
        let (dear, cheap) = (Some(Decimal::from(20)), Some(Decimal::from(5)));
        assert_eq!(
            shown,
            [(10, 30, dear), (30, 60, dear), (60, 75, cheap), (75, 90, dear), (90, 95, dear)]
        );
    }

    #[test]
    fn a_year_of_half_hourly_prices_is_cut_at_once() {
        // Each of the 35 136 spans would be looked through for each of the half-hours: a thousand million looks.
        let spans: Vec<PriceSpan> = (0..366 * 96).map(|n| span(n * 15, n * 15 + 15, n)).collect();
        let window = Window::new(at(0), at(366 * 24 * 60)).unwrap();
        let steps = half_hours(&spans, window);
        assert_eq!(steps.len(), spans.len());
        let same = |(step, span): (&Step, &PriceSpan)| {
            (step.from, step.to, step.value) == (span.from, span.to, Some(span.exc_vat))
        };
        assert!(steps.iter().zip(&spans).all(same));
    }

    #[test]
    fn a_blend_weighs_each_by_its_mean() {
        let window = Window::new(at(0), at(60)).unwrap();
        let step = |from, to, value| Step {
            from: at(from),
            to: at(to),
            value: Some(Decimal::from(value)),
        };
        let (carbon, price) = ([step(0, 30, 100), step(30, 60, 300)], [step(0, 60, -4)]);
        let half = "0.5".parse().unwrap();
        let blended = blend(&carbon, &price, half, window).unwrap();
        // 0.5 × 100 / 200 + 0.5 × -4 / 4
        assert_eq!(blended[0].value, Some("-0.25".parse().unwrap()));
        assert_eq!(blended[1].value, Some("0.25".parse().unwrap()));
        let free = [step(0, 60, 0)];
        assert_eq!(blend(&carbon, &free, half, window), Err(NoScale("price")));
    }
}
