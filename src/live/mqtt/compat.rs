//! The readings of New York in the shape in which others have long told them.

use std::collections::BTreeSet;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use sqlx::PgPool;

use super::state::{self, AsJson, level, object, raw};
use crate::{
    db::feeds::retained::{self, ReadingRow, SeriesRow},
    domain::feed::{
        day::day_of,
        factors::Factors,
        mix::{self, Sample},
    },
    feeds::nyiso::{FUELS, ZONE},
};

/// The slots of New York.
const STEP: TimeDelta = TimeDelta::minutes(5);

/// How many readings are told at once.
const MOST: i64 = 500;

/// What is to be told, in this order, and up to which reading.
#[derive(Debug, Default)]
pub struct Readings {
    /// Topics and payloads, all retained.
    pub messages: Vec<(String, Bytes)>,
    /// The newest reading among them.
    pub read_to: Option<DateTime<Utc>>,
}

/// The readings from one on, in time order, itself among them as it may have been restated; the newest
/// alone where none was told.
///
/// A file may be read while it is being written. So the newest reading of all counts once it has every
/// fuel, or another follows it.
pub async fn read(
    pool: &PgPool,
    prefix: &str,
    from: Option<DateTime<Utc>>,
) -> sqlx::Result<Readings> {
    let rows = retained::readings(pool, from, MOST).await?;
    let accepted = accepted(&rows, from.is_none());
    let Some(newest) = accepted.last().map(|reading| reading[0].sampled_at) else {
        return Ok(Readings { messages: Vec::new(), read_to: from });
    };
    let factors = retained::factors(pool).await?;
    let mut messages: Vec<_> =
        accepted.iter().flat_map(|reading| one(prefix, reading, &factors)).collect();
    messages.push(archive(prefix, &retained::computed(pool).await?));
    Ok(Readings { messages, read_to: Some(newest) })
}

/// The readings that count, oldest first; or the newest of them.
fn accepted(rows: &[ReadingRow], newest_alone: bool) -> Vec<&[ReadingRow]> {
    let mut readings: Vec<_> = rows.chunk_by(|a, b| a.sampled_at == b.sampled_at).collect();
    if readings.last().is_some_and(|newest| !is_whole(newest)) {
        readings.pop();
    }
    let told = if newest_alone { readings.len().saturating_sub(1) } else { 0 };
    readings.split_off(told)
}

fn is_whole(reading: &[ReadingRow]) -> bool {
    let fuels: BTreeSet<&str> = reading.iter().map(|row| row.fuel.as_str()).collect();
    FUELS.iter().all(|fuel| fuels.contains(fuel))
}

/// The fuels of a reading, the intensity that follows from it, and last that it was told.
fn one(prefix: &str, reading: &[ReadingRow], factors: &Factors) -> Vec<(String, Bytes)> {
    let at = reading[0].sampled_at;
    let mut messages: Vec<_> = reading
        .iter()
        .map(|row| {
            let topic = format!("{prefix}/upstream/fuel-mix/{}", level(&row.fuel));
            (topic, value(at, &row.mw, "MW"))
        })
        .collect();
    if let Some(co2) = intensity(reading, factors) {
        let co2 = raw(three(co2));
        messages.push((format!("{prefix}/computed/co2"), value(at, &co2, "g / kWh")));
    }
    let (ts, iso) = stamps(at);
    let updated = object(&[("ts", &ts.as_str()), ("iso", &iso.as_str())]);
    messages.push((format!("{prefix}/status/fuel-mix/updated"), updated.into()));
    messages
}

/// g/kWh of a reading by itself, as that of a slot is computed; none where a fuel is not known.
fn intensity(reading: &[ReadingRow], factors: &Factors) -> Option<Decimal> {
    let samples: Vec<_> = (reading.iter())
        .map(|row| Sample { at: row.sampled_at, fuel: &row.fuel, mw: row.mw })
        .collect();
    let slots = mix::resample(&samples, STEP);
    let slot = slots.first()?;
    mix::intensity(slot, &FUELS, factors, day_of(ZONE, slot.start)).ok()
}

fn end(slot: &SeriesRow) -> DateTime<Utc> {
    slot.start_at + TimeDelta::seconds(slot.secs.into())
}

fn stamps(at: DateTime<Utc>) -> (String, String) {
    let local = at.with_timezone(&ZONE).format("%m/%d/%Y %H:%M:%S");
    (local.to_string(), state::instant(at))
}

fn value(at: DateTime<Utc>, value: &dyn AsJson, units: &str) -> Bytes {
    let (ts, iso) = stamps(at);
    let members: [(&str, &dyn AsJson); 4] =
        [("ts", &ts.as_str()), ("value", value), ("units", &units), ("iso", &iso.as_str())];
    object(&members).into()
}

/// Three decimals, half away from zero.
fn three(value: Decimal) -> String {
    use rust_decimal::RoundingStrategy::MidpointAwayFromZero;
    let mut rounded = value.round_dp_with_strategy(3, MidpointAwayFromZero);
    rounded.rescale(3);
    rounded.to_string()
}

fn archive(prefix: &str, slots: &[SeriesRow]) -> (String, Bytes) {
    let stamps: Vec<_> = slots.iter().map(end).collect();
    let values: Vec<_> = slots.iter().map(|slot| raw(three(slot.value))).collect();
    let members: [(&str, &dyn AsJson); 3] =
        [("units", &"g / kWh"), ("ts", &stamps), ("values", &values)];
    (format!("{prefix}/archive/co2/24h"), object(&members).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::feed::factors::DatedFactor;

    const MW: [(&str, &str); 7] = [
        ("Dual Fuel", "3391.0"),
        ("Hydro", "2900.0"),
        ("Natural Gas", "3180.0"),
        ("Nuclear", "3275.0"),
        ("Other Fossil Fuels", "2.0"),
        ("Other Renewables", "230.0"),
        ("Wind", "865.0"),
    ];

    fn reading(at: &str, fuels: &[(&str, &str)]) -> Vec<ReadingRow> {
        let row = |(fuel, mw): &(&str, &str)| ReadingRow {
            sampled_at: at.parse().unwrap(),
            fuel: (*fuel).into(),
            mw: mw.parse().ok(),
        };
        fuels.iter().map(row).collect()
    }

    fn factors() -> Factors {
        let known = [
            ("Natural Gas", "473.035727"),
            ("Dual Fuel", "491.117147"),
            ("Other Fossil Fuels", "1212.018384"),
        ];
        let factor = |fuel: &str| known.iter().find(|(name, _)| *name == fuel).map_or("0", |f| f.1);
        let row = |fuel: &&str| DatedFactor {
            fuel: (*fuel).to_owned(),
            is_regional: false,
            valid_from: chrono::NaiveDate::MIN,
            valid_to: None,
            g_per_kwh: factor(fuel).parse().unwrap(),
        };
        Factors::new(FUELS.iter().map(row).collect())
    }

    #[test]
    fn a_reading_is_told_as_others_know_it() {
        let reading = reading("2025-02-01T05:05:00Z", &MW);
        let told = one("ny-power", &reading, &factors());
        let told: Vec<_> = told
            .iter()
            .map(|(topic, body)| (topic.as_str(), str::from_utf8(body).unwrap()))
            .collect();
        assert_eq!(told.len(), 9);
        assert_eq!(
            [told[0], told[7], told[8]],
            [
                (
                    "ny-power/upstream/fuel-mix/Dual Fuel",
                    r#"{"ts":"02/01/2025 00:05:00","value":3391,"units":"MW","iso":"2025-02-01T05:05:00Z"}"#
                ),
                (
                    "ny-power/computed/co2",
                    r#"{"ts":"02/01/2025 00:05:00","value":229.145,"units":"g / kWh","iso":"2025-02-01T05:05:00Z"}"#
                ),
                (
                    "ny-power/status/fuel-mix/updated",
                    r#"{"ts":"02/01/2025 00:05:00","iso":"2025-02-01T05:05:00Z"}"#
                ),
            ]
        );
    }

    #[test]
    fn the_newest_reading_counts_once_it_is_whole_or_another_follows() {
        let (first, second, third) =
            ("2025-02-01T05:05:00Z", "2025-02-01T05:10:00Z", "2025-02-01T05:16:34Z");
        let stamps = |rows: &[ReadingRow], newest_alone| -> Vec<String> {
            let accepted = accepted(rows, newest_alone);
            accepted.iter().map(|reading| state::instant(reading[0].sampled_at)).collect()
        };
        let mut rows = reading(first, &MW);
        rows.extend(reading(second, &MW[..6]));
        assert_eq!(stamps(&rows, false), [first]);
        assert_eq!(stamps(&rows, true), [first]);
        let mut followed = rows.clone();
        followed.extend(reading(third, &MW));
        assert_eq!(stamps(&followed, false), [first, second, third]);
        assert_eq!(stamps(&followed, true), [third]);
        // A value that is not known is told as that; the reading is whole.
        rows.extend(reading(second, &[("Wind", "")]));
        assert_eq!(stamps(&rows, true), [second]);
        assert_eq!(intensity(&rows[7..], &factors()), None);
        assert!(accepted(&[], true).is_empty());
    }

    #[test]
    fn the_archive_has_ends_of_slots_and_three_decimals() {
        let slot = SeriesRow {
            region_id: String::new(),
            start_at: "2025-02-01T05:00:00Z".parse().unwrap(),
            secs: 300,
            value: "200".parse().unwrap(),
        };
        let (topic, payload) = archive("p", &[slot]);
        assert_eq!(topic, "p/archive/co2/24h");
        assert_eq!(
            payload,
            r#"{"units":"g / kWh","ts":["2025-02-01T05:05:00Z"],"values":[200.000]}"#
        );
    }
}
