//! Usage of meters.

use chrono::{DateTime, Utc};
use rust_decimal::{Decimal, RoundingStrategy::MidpointAwayFromZero};
use serde::Serialize;
use serde_json::value::to_raw_value;

use super::{
    LoadError, Loaded, Page, Work,
    event::{self, Figure},
};
use crate::{
    db::feeds::{
        outbox::NewEvent,
        rows::{Change, Row},
        usage::{QUANTITY, SECS, START, TABLE, unit_of},
    },
    domain::feed::{
        Quality, SeriesKind, Topic,
        upsert::{Cell, Manner},
    },
    feeds::Usage,
};

/// Stores usage as an upstream tells it, with what is told of it.
pub(super) async fn store(work: &mut Work<'_>, rows: Vec<Usage>) -> Result<(), LoadError> {
    let page = work.page;
    let meter = page.scope.meter.as_ref().ok_or_else(|| page.lacks("meter"))?;
    let meter_id = meter.meter_id.as_str();
    let unit = unit_of(work.conn, meter_id).await?.ok_or_else(|| page.lacks("meter"))?;
    let key = Cell::from(meter_id);
    let rows: Vec<Row> =
        rows.into_iter().filter_map(|row| admit(page, &key, &row, &mut work.loaded)).collect();
    let changes = work.upsert(&TABLE, Manner::Told, rows).await?;
    let slots = changes.iter().filter_map(|change| change.after[START].instant());
    work.touched.add(page, SeriesKind::Usage, (meter_id, None), slots);
    tell(work, meter_id, unit.as_deref(), &changes).await
}

/// The cells of a row, unless it is left out.
fn admit(page: &Page<'_>, meter_id: &Cell, row: &Usage, loaded: &mut Loaded) -> Option<Row> {
    /// Of its column: four decimals, and ten digits before them.
    const PLACES: u32 = 4;
    const BOUND: Decimal = Decimal::from_parts(1_410_065_408, 2, 0, false, 0);
    if row.quantity.is_some() && page.is_ahead(row.start, row.secs) {
        loaded.reject_ahead(row.start);
        return None;
    }
    let quantity = row.quantity.map(|q| q.round_dp_with_strategy(PLACES, MidpointAwayFromZero));
    if quantity.is_some_and(|quantity| quantity.abs() >= BOUND) {
        loaded.reject("bad_row", "usage beyond all measure was left out".to_owned(), row.start);
        return None;
    }
    Some(vec![
        meter_id.clone(),
        Cell::Instant(row.start),
        Cell::Int(row.secs),
        quantity.into(),
        Quality::Measured.as_str().into(),
    ])
}

/// What an event says of a slot.
#[derive(Serialize)]
struct Told<'a> {
    start: DateTime<Utc>,
    secs: i32,
    quantity: Figure,
    /// Null: it is not known.
    unit: Option<&'a str>,
    rev: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<Old>,
}

#[derive(Serialize)]
struct Old {
    quantity: Figure,
}

/// Tells of slots whose usage is known, and of those where it is another.
async fn tell(
    work: &mut Work<'_>,
    meter_id: &str,
    unit: Option<&str>,
    changes: &[Change],
) -> Result<(), LoadError> {
    let mut events = Vec::new();
    for change in changes {
        let start = change.after[START].instant().unwrap_or_default();
        let before = change.before.as_ref().and_then(|before| before[QUANTITY].number());
        let after = change.after[QUANTITY].number();
        if before == after || !work.page.tells_of(start) {
            continue;
        }
        let told = Told {
            start,
            secs: event::int(&change.after[SECS]),
            quantity: Figure(after),
            unit,
            rev: change.rev,
            old: before.map(|before| Old { quantity: Figure(Some(before)) }),
        };
        events.push(NewEvent {
            topic: before.map_or(Topic::RetailUsage, |_| Topic::RetailUsageRestated),
            subject: meter_id,
            series_key: meter_id,
            feed_id: work.page.feed_id(),
            time: start,
            rev: change.rev.into(),
            data: to_raw_value(&told)?,
        });
    }
    Ok(work.tell(&events).await?)
}
