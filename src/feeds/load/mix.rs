//! The fuel mix: shares as an upstream tells them, or means of its readings.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rust_decimal::{Decimal, RoundingStrategy::MidpointAwayFromZero};
use serde::Serialize;
use serde_json::value::to_raw_value;

use super::{LoadError, Loaded, Page, Work, event::Figure};
use crate::{
    db::feeds::{
        mix::{self, FuelRow, START, TABLE},
        outbox::NewEvent,
        rows::Row,
    },
    domain::feed::{
        SeriesKind, Topic,
        upsert::{Cell, Manner},
    },
    feeds::{FuelShare, Shared},
};

/// One fuel of a slot.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Start of the slot.
    pub start: DateTime<Utc>,
    /// Its length in seconds.
    pub secs: i32,
    /// Which fuel.
    pub fuel: Shared,
    /// MW; none: unknown.
    pub mw: Option<Decimal>,
    /// Percent; none: unknown.
    pub percent: Option<Decimal>,
    /// Of how many readings it is the mean.
    pub n_samples: i32,
}

/// As an upstream tells it.
impl From<FuelShare> for Part {
    fn from(share: FuelShare) -> Self {
        let FuelShare { start, secs, fuel, percent } = share;
        Self { start, secs, fuel, mw: None, percent, n_samples: 1 }
    }
}

/// Stores the fuels of slots with what is told of them; gives the slots in which something is another.
pub(super) async fn store(
    work: &mut Work<'_>,
    manner: Manner,
    parts: impl IntoIterator<Item = Part>,
) -> Result<BTreeSet<DateTime<Utc>>, LoadError> {
    let (feed_id, region) = (work.page.feed_id(), work.page.region()?);
    let key = (Cell::from(feed_id), Cell::from(region));
    let rows: Vec<Row> = parts
        .into_iter()
        .filter_map(|part| admit(work.page, &key, part, &mut work.loaded))
        .collect();
    let changes = work.upsert(&TABLE, manner, rows).await?;
    let slots: BTreeSet<DateTime<Utc>> =
        changes.iter().filter_map(|change| change.after[START].instant()).collect();
    work.touched.add(work.page, SeriesKind::Mix, (region, None), slots.iter().copied());
    tell(work, region, &slots).await?;
    Ok(slots)
}

/// The cells of a row, unless it is left out.
fn admit(
    page: &Page<'_>,
    (feed_id, region): &(Cell, Cell),
    part: Part,
    loaded: &mut Loaded,
) -> Option<Row> {
    /// Of their columns: nine decimals, and nine digits before them.
    const PLACES: u32 = 9;
    const BOUND: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
    if (part.mw.is_some() || part.percent.is_some()) && page.is_ahead(part.start, part.secs) {
        loaded.reject_ahead(part.start);
        return None;
    }
    let round = |number: Decimal| number.round_dp_with_strategy(PLACES, MidpointAwayFromZero);
    let (mw, percent) = (part.mw.map(round), part.percent.map(round));
    if mw.iter().chain(&percent).any(|number| number.abs() >= BOUND) {
        let message = format!("{} beyond all measure was left out", part.fuel);
        loaded.reject("bad_row", message, part.start);
        return None;
    }
    Some(vec![
        feed_id.clone(),
        region.clone(),
        Cell::Instant(part.start),
        Cell::Text(part.fuel),
        Cell::Int(part.secs),
        mw.into(),
        percent.into(),
        Cell::Int(part.n_samples),
    ])
}

/// What an event says of a slot.
#[derive(Serialize)]
struct Told<'a> {
    start: DateTime<Utc>,
    secs: i32,
    unit: &'static str,
    fuels: BTreeMap<&'a str, Figure>,
}

/// Tells of slots whole. Their revision is how often a fuel of them was stored: it rises with each
/// change.
async fn tell(
    work: &mut Work<'_>,
    region: &str,
    slots: &BTreeSet<DateTime<Utc>>,
) -> Result<(), LoadError> {
    let slots: Vec<_> = slots.iter().copied().filter(|slot| work.page.tells_of(*slot)).collect();
    if slots.is_empty() {
        return Ok(());
    }
    let feed_id = work.page.feed_id();
    let rows = mix::of_slots(work.conn, (feed_id, region), &slots).await?;
    let key = [feed_id, region].join("/");
    let mut events = Vec::with_capacity(slots.len());
    for slot in rows.chunk_by(|a, b| a.start_at == b.start_at) {
        let told = Told::of(slot);
        events.push(NewEvent {
            topic: Topic::GridFuelMix,
            subject: region,
            series_key: &key,
            feed_id,
            time: told.start,
            rev: slot.iter().map(|fuel| i64::from(fuel.rev)).sum(),
            data: to_raw_value(&told)?,
        });
    }
    Ok(work.tell(&events).await?)
}

impl<'a> Told<'a> {
    fn of(slot: &'a [FuelRow]) -> Self {
        let in_mw = slot.iter().any(|fuel| fuel.mw.is_some());
        let value = |fuel: &FuelRow| Figure(if in_mw { fuel.mw } else { fuel.percent });
        Self {
            start: slot.first().map_or(DateTime::UNIX_EPOCH, |fuel| fuel.start_at),
            secs: slot.first().map_or(0, |fuel| fuel.secs),
            unit: if in_mw { "MW" } else { "percent" },
            fuels: slot.iter().map(|fuel| (&*fuel.fuel, value(fuel))).collect(),
        }
    }
}
