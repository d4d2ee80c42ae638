//! Readings of generation, and the mixes and intensities of slots that are computed from them.
//!
//! A slot is computed when a reading at or after its end is known, or some minutes after its end. So the
//! only slot that can be unripe is the one of the newest reading; each load looks at it again, also a
//! load without rows. And each looks for the slots of its window that lack an intensity under one of the
//! sets of factors: so a set that is new in the settings gets the history that is asked for again.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    LoadError, Work, intensity,
    mix::{self as mix_rows, Part},
};
use crate::{
    db::feeds::{
        factors,
        mix::{SAMPLES, START},
        rows::Row,
        samples,
    },
    domain::feed::{
        IntensityUnit, Quality,
        day::day_of,
        mix::{self, NoIntensity, Sample, SlotMix},
        upsert::{Cell, Manner},
    },
    feeds::{FuelSample, Intensity, Shared, nyiso},
};

/// Length of a slot where the feed says nothing.
const STEP_SECS: u32 = 300;

/// Loads readings, and computes the slots that they change.
pub(super) async fn store(work: &mut Work<'_>, rows: Vec<FuelSample>) -> Result<(), LoadError> {
    let page = work.page;
    let (feed_id, region) = (page.feed_id(), page.region()?.to_owned());
    let before = samples::newest(work.conn, feed_id, &region).await?;
    let admitted = admit(work, &region, rows);
    let changes = work.upsert(&SAMPLES, Manner::Told, admitted).await?;
    let newest = samples::newest(work.conn, feed_id, &region).await?;
    let step = step(work);
    let read = changes.iter().filter_map(|change| change.after[START].instant());
    let mut starts: BTreeSet<_> = read.map(|at| mix::slot_of(at, step)).collect();
    if let Some(last) = before.map(|at| mix::slot_of(at, step)) {
        let is_computed = samples::is_computed(work.conn, feed_id, &region, last).await?;
        starts.extend((!is_computed).then_some(last));
    }
    let (place, sets) = ((feed_id, &*region), &page.settings.factor_sets);
    starts.extend(samples::without_intensity(work.conn, place, page.window, sets).await?);
    starts.retain(|start| mix::is_ripe(*start + step, newest, page.now));
    if starts.is_empty() {
        return Ok(());
    }
    compute(work, &region, &starts.into_iter().collect::<Vec<_>>()).await
}

fn step(work: &Work<'_>) -> TimeDelta {
    TimeDelta::seconds(work.page.feed.about().step_secs.unwrap_or(STEP_SECS).into())
}

/// The cells of the rows that are admitted.
fn admit(work: &mut Work<'_>, region: &str, rows: Vec<FuelSample>) -> Vec<Row> {
    let (feed_id, region) = (Cell::from(work.page.feed_id()), Cell::from(region));
    let mut admitted = Vec::with_capacity(rows.len());
    for row in rows {
        if row.mw.is_some() && work.page.is_ahead(row.sampled_at, 0) {
            work.loaded.reject_ahead(row.sampled_at);
            continue;
        }
        admitted.push(vec![
            feed_id.clone(),
            region.clone(),
            Cell::Instant(row.sampled_at),
            Cell::Text(row.fuel),
            row.mw.into(),
        ]);
    }
    admitted
}

/// Computes slots from all of their readings.
async fn compute(
    work: &mut Work<'_>,
    region: &str,
    starts: &[DateTime<Utc>],
) -> Result<(), LoadError> {
    let (feed_id, step) = (work.page.feed_id(), step(work));
    let secs = i32::try_from(step.num_seconds()).unwrap_or(i32::MAX);
    let read = samples::of_slots(work.conn, feed_id, region, starts, secs).await?;
    let read: Vec<Sample<'_>> =
        read.iter().map(|row| Sample { at: row.sampled_at, fuel: &row.fuel, mw: row.mw }).collect();
    let slots = mix::resample(&read, step);
    mix_rows::store(work, Manner::Computed, parts(&slots, secs)).await?;
    let rows = intensities(work, region, &slots, secs).await?;
    intensity::store(work, Manner::Computed, rows).await
}

/// The fuels of slots as they are stored.
fn parts(slots: &[SlotMix<'_>], secs: i32) -> Vec<Part> {
    let mut names: HashMap<&str, Shared> = HashMap::new();
    let mut parts = Vec::with_capacity(slots.len() * nyiso::FUELS.len());
    for slot in slots {
        for (&fuel, mean) in &slot.fuels {
            parts.push(Part {
                start: slot.start,
                secs,
                fuel: Arc::clone(names.entry(fuel).or_insert_with(|| fuel.into())),
                mw: mean.mw(),
                percent: None,
                n_samples: i32::try_from(mean.n_samples()).unwrap_or(i32::MAX),
            });
        }
    }
    parts
}

/// The intensity of each slot under each set of factors; none where it cannot be told.
async fn intensities(
    work: &mut Work<'_>,
    region: &str,
    slots: &[SlotMix<'_>],
    secs: i32,
) -> Result<Vec<Intensity>, LoadError> {
    let zone = factors::zone(work.conn, region).await?;
    let mut rows = Vec::with_capacity(slots.len() * work.page.settings.factor_sets.len());
    for set in &work.page.settings.factor_sets {
        let factors = factors::of_region(work.conn, set, region).await?;
        let factor_set: Arc<str> = set.as_str().into();
        for slot in slots {
            let day = day_of(zone, slot.start);
            let generated = mix::intensity(slot, &nyiso::FUELS, &factors, day);
            if let Err(reason) = &generated {
                note(work, slot.start, set, reason);
            }
            rows.push(computed(slot.start, secs, &factor_set, generated.ok()));
        }
    }
    Ok(rows)
}

/// Says why a slot has no intensity, unless a reading is simply not there.
fn note(work: &mut Work<'_>, start: DateTime<Utc>, set: &str, reason: &NoIntensity) {
    if let Some(code) = reason.code() {
        let message = format!("{reason}; the slot has no intensity under {set}");
        work.loaded.note(code, message, start, false);
    }
}

fn computed(
    start: DateTime<Utc>,
    secs: i32,
    factor_set: &Arc<str>,
    generated: Option<rust_decimal::Decimal>,
) -> Intensity {
    Intensity {
        factor_set: Arc::clone(factor_set),
        start,
        secs,
        generated,
        consumed: None,
        marginal: None,
        unit: IntensityUnit::GPerKwh,
        quality: Quality::Measured,
        src_key: None,
        src_updated_at: None,
        raw: None,
    }
}
