//! Means over exactly what is asked.

use chrono::TimeDelta;
use futures::TryStreamExt as _;
use rust_decimal::Decimal;

use crate::{
    db::feeds::{reads, regions::Series, snapshot::FeedSnapshot},
    domain::feed::{IntensityUnit, Mean, Metric, Window},
};

/// How much earlier than a window a slot may begin that reaches into it.
const REACH: TimeDelta = TimeDelta::days(1);

/// The mean of one metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Average {
    /// Weighted by time, slots at the edges by what lies inside; none where nothing is known.
    pub value: Option<Decimal>,
    /// How much of the window is known, 0 to 1.
    pub coverage: Decimal,
}

/// The window that holds every slot that meets `window`.
#[must_use]
pub fn reaching(window: Window) -> Window {
    let from = window.from().checked_sub_signed(REACH);
    from.and_then(|from| Window::new(from, window.to()).ok()).unwrap_or(window)
}

/// Means over a window by [`Metric`], each slot from what the upstream wrote.
pub async fn averages(
    snapshot: &mut FeedSnapshot,
    series: &Series,
    window: Window,
    unit: IntensityUnit,
) -> sqlx::Result<[Average; 3]> {
    let mut means = [Mean::default(); 3];
    let mut slots = reads::slots(snapshot, series, reaching(window));
    while let Some(slot) = slots.try_next().await? {
        for metric in Metric::ALL {
            let value = slot.plausible(*metric, unit);
            means[*metric as usize].add(window, (slot.start, slot.end()), value);
        }
    }
    Ok(means.map(|mean| Average { value: mean.value(), coverage: mean.coverage(window.length()) }))
}
