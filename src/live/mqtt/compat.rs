//! The readings of New York in the shape in which others have long told them.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::New_York;
use rust_decimal::Decimal;
use sqlx::PgPool;

use super::state::{self, AsJson, level, object, raw};
use crate::db::feeds::retained::{self, ReadingRow, SeriesRow};

/// How many rows of readings are told at once.
const MOST: i64 = 5000;

/// What is to be told, in this order, and up to which reading.
#[derive(Debug, Default)]
pub struct Readings {
    /// Topics and payloads, all retained.
    pub messages: Vec<(String, Bytes)>,
    /// The newest reading among them.
    pub read_to: Option<DateTime<Utc>>,
}

/// The readings after one, in time order; the newest alone where none was told.
pub async fn read(
    pool: &PgPool,
    prefix: &str,
    after: Option<DateTime<Utc>>,
) -> sqlx::Result<Readings> {
    let rows = retained::readings(pool, after, MOST).await?;
    let Some(newest) = rows.last().map(|row| row.sampled_at) else {
        return Ok(Readings { messages: Vec::new(), read_to: after });
    };
    let slots = retained::computed(pool, None).await?;
    let mut messages = Vec::new();
    for reading in rows.chunk_by(|a, b| a.sampled_at == b.sampled_at) {
        messages.extend(one(prefix, reading, &slots));
    }
    messages.push(archive(prefix, &slots));
    Ok(Readings { messages, read_to: Some(newest) })
}

/// The fuels of a reading, the intensity that follows from it, and last that it was told.
fn one(prefix: &str, reading: &[ReadingRow], slots: &[SeriesRow]) -> Vec<(String, Bytes)> {
    let at = reading[0].sampled_at;
    let mut messages: Vec<_> = reading
        .iter()
        .map(|row| {
            let topic = format!("{prefix}/upstream/fuel-mix/{}", level(&row.fuel));
            (topic, value(at, &row.mw, "MW"))
        })
        .collect();
    // The slot that the reading closes.
    let slot = slots.iter().find(|slot| end(slot) == at);
    if let Some(slot) = slot {
        let co2 = raw(three(slot.value));
        messages.push((format!("{prefix}/computed/co2"), value(at, &co2, "g / kWh")));
    }
    let (ts, iso) = stamps(at);
    let updated = object(&[("ts", &ts.as_str()), ("iso", &iso.as_str())]);
    messages.push((format!("{prefix}/status/fuel-mix/updated"), updated.into()));
    messages
}

fn end(slot: &SeriesRow) -> DateTime<Utc> {
    slot.start_at + TimeDelta::seconds(slot.secs.into())
}

fn stamps(at: DateTime<Utc>) -> (String, String) {
    let local = at.with_timezone(&New_York).format("%m/%d/%Y %H:%M:%S");
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

    #[test]
    fn a_reading_is_told_as_others_know_it() {
        let at: DateTime<Utc> = "2025-02-01T05:05:00Z".parse().unwrap();
        let reading = [ReadingRow {
            sampled_at: at,
            fuel: "Dual Fuel".into(),
            mw: Some("3391.0".parse().unwrap()),
        }];
        let slot = SeriesRow {
            region_id: "US-NY-NYISO".into(),
            start_at: "2025-02-01T05:00:00Z".parse().unwrap(),
            secs: 300,
            value: "229.145120000".parse().unwrap(),
        };
        let told = one("ny-power", &reading, &[slot]);
        let told: Vec<_> = told
            .iter()
            .map(|(topic, body)| (topic.as_str(), str::from_utf8(body).unwrap()))
            .collect();
        assert_eq!(
            told,
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
