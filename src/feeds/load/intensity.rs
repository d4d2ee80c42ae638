//! Intensities: of an upstream, or computed from the fuel mix.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::to_raw_value;

use super::{
    LoadError, Loaded, Page, Work,
    event::{self, Figure},
};
use crate::{
    db::feeds::{
        intensity::{FACTOR_SET, GRAMS, QUALITY, SECS, START, TABLE, ensure_series, is_plausible},
        outbox::NewEvent,
        rows::{Change, Row},
    },
    domain::feed::{
        IntensityUnit, Metric, Quality, SeriesKind, Topic,
        upsert::{Cell, Manner},
    },
    feeds::Intensity,
};

/// Stores intensities with what is told of them.
pub(super) async fn store(
    work: &mut Work<'_>,
    manner: Manner,
    rows: Vec<Intensity>,
) -> Result<(), LoadError> {
    let (feed_id, region) = (work.page.feed_id(), work.page.region()?);
    let key = (Cell::from(feed_id), Cell::from(region));
    let mut sets = BTreeSet::new();
    let mut admitted = Vec::with_capacity(rows.len());
    for row in rows {
        let set = row.factor_set.clone();
        if let Some(cells) = admit(work.page, &key, row, &mut work.loaded) {
            admitted.push(cells);
            sets.insert(set);
        }
    }
    if admitted.is_empty() {
        return Ok(());
    }
    let named: Vec<String> = sets.iter().map(ToString::to_string).collect();
    let provider = work.page.feed.about().provider;
    ensure_series(work.conn, (feed_id, region), provider, &named).await?;
    let changes = work.upsert(&TABLE, manner, admitted).await?;
    for set in &sets {
        let of_set = |change: &&Change| change.after[FACTOR_SET].text() == Some(set);
        let slots = changes.iter().filter(of_set).map(|change| start(&change.after));
        work.touched.add(work.page, SeriesKind::Intensity, (region, Some(set)), slots);
    }
    tell(work, region, &changes).await
}

/// What an event says of a slot.
#[derive(Serialize)]
struct Told<'a> {
    start: DateTime<Utc>,
    secs: i32,
    factor_set: &'a str,
    rev: i32,
    #[serde(flatten)]
    values: Values<'a>,
    unit: IntensityUnit,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<Values<'a>>,
}

/// The figures of a row in g/kWh.
#[derive(Serialize)]
struct Values<'a> {
    generated: Figure,
    consumed: Figure,
    marginal: Figure,
    quality: &'a str,
}

impl<'a> Values<'a> {
    fn of(row: &'a [Cell]) -> Self {
        Self {
            generated: Figure(row[GRAMS].number()),
            consumed: Figure(row[GRAMS + 1].number()),
            marginal: Figure(row[GRAMS + 2].number()),
            quality: row[QUALITY].text().unwrap_or_default(),
        }
    }
}

fn start(row: &[Cell]) -> DateTime<Utc> {
    row[START].instant().unwrap_or_default()
}

/// Tells of slots whose primary metric is known.
async fn tell(work: &mut Work<'_>, region: &str, changes: &[Change]) -> Result<(), LoadError> {
    let page = work.page;
    let primary = page.feed.about().primary_metric.and_then(|metric| metric.parse().ok());
    let primary = GRAMS + primary.map_or(0, |metric: Metric| metric as usize);
    let told = changes.iter().filter(|change| page.tells_of(start(&change.after)));
    let told = told.filter_map(|change| Some((topic(change, primary)?, change)));
    let told = told.collect::<Vec<_>>();
    let keys: Vec<_> = told.iter().map(|(_, change)| series_key(page, region, change)).collect();
    let mut events = Vec::with_capacity(told.len());
    for ((topic, change), key) in told.iter().zip(&keys) {
        let restated = *topic == Topic::GridIntensityRestated;
        let data = Told {
            start: start(&change.after),
            secs: event::int(&change.after[SECS]),
            factor_set: change.after[FACTOR_SET].text().unwrap_or_default(),
            rev: change.rev,
            values: Values::of(&change.after),
            unit: IntensityUnit::GPerKwh,
            old: change.before.as_deref().filter(|_| restated).map(Values::of),
        };
        events.push(NewEvent {
            topic: *topic,
            subject: region,
            series_key: key,
            feed_id: page.feed_id(),
            time: data.start,
            rev: change.rev.into(),
            data: to_raw_value(&data)?,
        });
    }
    Ok(work.tell(&events).await?)
}

fn series_key(page: &Page<'_>, region: &str, change: &Change) -> String {
    let set = change.after[FACTOR_SET].text().unwrap_or_default();
    [page.feed_id(), region, set].join("/")
}

/// What a change of a row is told as: its primary metric is known for the first time, or a metric of a
/// known slot is another.
fn topic(change: &Change, primary: usize) -> Option<Topic> {
    let metrics = GRAMS..GRAMS + 3;
    match &change.before {
        Some(before) if !before[primary].is_null() => (before[metrics.clone()]
            != change.after[metrics])
            .then_some(Topic::GridIntensityRestated),
        _ => (!change.after[primary].is_null()).then_some(Topic::GridIntensity),
    }
}

/// The cells of a row, unless it is left out.
fn admit(
    page: &Page<'_>,
    (feed_id, region): &(Cell, Cell),
    row: Intensity,
    loaded: &mut Loaded,
) -> Option<Row> {
    let raw = [row.generated, row.consumed, row.marginal];
    if raw.iter().any(Option::is_some) && page.is_ahead(row.start, row.secs) {
        loaded.reject_ahead(row.start);
        return None;
    }
    let Some(grams) = canonical(raw, row.unit) else {
        loaded.reject(
            "bad_row",
            "an intensity beyond all measure was left out".to_owned(),
            row.start,
        );
        return None;
    };
    let is_plausible = grams.iter().flatten().all(|grams| is_plausible(*grams));
    let quality = if is_plausible { row.quality } else { Quality::Suspect };
    let [generated, consumed, marginal] = grams.map(Cell::from);
    let [raw_generated, raw_consumed, raw_marginal] = raw.map(Cell::from);
    Some(vec![
        feed_id.clone(),
        region.clone(),
        Cell::Text(row.factor_set),
        Cell::Instant(row.start),
        Cell::Int(row.secs),
        generated,
        consumed,
        marginal,
        raw_generated,
        raw_consumed,
        raw_marginal,
        row.unit.as_str().into(),
        quality.as_str().into(),
        row.raw.map_or(Cell::Null, |raw| Cell::Json(raw.get().into())),
        row.src_key.map_or(Cell::Null, |key| Cell::Text(key.into())),
        row.src_updated_at.into(),
    ])
}

/// The values in g/kWh; none where one has no place in its column.
fn canonical(raw: [Option<Decimal>; 3], unit: IntensityUnit) -> Option<[Option<Decimal>; 3]> {
    const BOUND: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
    let mut grams = [None; 3];
    for (place, value) in raw.into_iter().enumerate() {
        let Some(value) = value else { continue };
        grams[place] = Some(unit.canonical(value).filter(|grams| grams.abs() < BOUND)?);
    }
    Some(grams)
}
