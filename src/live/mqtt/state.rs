//! What is retained: the present state of each region, made of what is stored and nothing else.

use std::{collections::BTreeMap, fmt::Write as _};

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use rust_decimal::Decimal;
use serde_json::{json, value::RawValue};
use sqlx::PgPool;

use crate::db::feeds::retained::{self, ForecastRow, MixRow, NowRow, SeriesRow};

/// Topics with what they retain.
pub type State = BTreeMap<String, Bytes>;

/// The topic of something of a region.
#[must_use]
pub fn topic(region: &str, rest: &str) -> String {
    format!("grid/{region}/{rest}")
}

/// The region of a topic.
#[must_use]
pub fn region_of(topic: &str) -> Option<&str> {
    topic.strip_prefix("grid/")?.split('/').next()
}

/// The state of regions; of all where none are named.
pub async fn read(pool: &PgPool, regions: Option<&[String]>) -> sqlx::Result<State> {
    let mut state = State::new();
    state.extend(retained::now(pool, regions).await?.iter().map(now));
    state.extend(retained::mix(pool, regions).await?.iter().map(mix));
    let slots = retained::series(pool, regions).await?;
    state.extend(slots.chunk_by(|a, b| a.region_id == b.region_id).map(series));
    let points = retained::forecast(pool, regions).await?;
    state.extend(points.chunk_by(|a, b| a.region_id == b.region_id).map(forecast));
    Ok(state)
}

/// A number with its digits and no zeros behind them.
#[must_use]
pub fn number(value: Decimal) -> Box<RawValue> {
    raw(value.normalize().to_string())
}

/// JSON that is put together here.
pub(super) fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Text of JSON out of pieces whose numbers keep their digits.
pub(super) fn object(members: &[(&str, &dyn AsJson)]) -> String {
    let mut out = String::from("{");
    for (name, value) in members {
        let comma = if out.len() > 1 { "," } else { "" };
        _ = write!(out, "{comma}\"{name}\":{}", value.json());
    }
    out + "}"
}

/// What prints itself as JSON.
pub(super) trait AsJson {
    fn json(&self) -> String;
}

impl AsJson for str {
    fn json(&self) -> String {
        json!(self).to_string()
    }
}

impl AsJson for &str {
    fn json(&self) -> String {
        (**self).json()
    }
}

impl AsJson for DateTime<Utc> {
    fn json(&self) -> String {
        format!("\"{}\"", instant(*self))
    }
}

impl AsJson for i32 {
    fn json(&self) -> String {
        self.to_string()
    }
}

impl AsJson for Decimal {
    fn json(&self) -> String {
        number(*self).get().to_owned()
    }
}

impl AsJson for Box<RawValue> {
    fn json(&self) -> String {
        self.get().to_owned()
    }
}

impl<T: AsJson> AsJson for Option<T> {
    fn json(&self) -> String {
        self.as_ref().map_or_else(|| "null".to_owned(), AsJson::json)
    }
}

impl<T: AsJson> AsJson for Vec<T> {
    fn json(&self) -> String {
        format!("[{}]", self.iter().map(AsJson::json).collect::<Vec<_>>().join(","))
    }
}

const UNIT: &str = "g/kWh";

fn now(row: &NowRow) -> (String, Bytes) {
    let payload = object(&[
        ("start", &row.start_at),
        ("secs", &row.secs),
        ("value", &row.value),
        ("unit", &UNIT),
        ("factor_set", &row.factor_set_id.as_str()),
        ("rev", &row.rev),
    ]);
    (topic(&row.region_id, &format!("now/{}", row.metric)), payload.into())
}

/// In MW where the feed tells MW, else in percent.
fn mix(row: &MixRow) -> (String, Bytes) {
    let (value, unit) = amount(row);
    let payload = object(&[("start", &row.start_at), ("value", &value), ("unit", &unit)]);
    (topic(&row.region_id, &format!("mix/{}", level(&row.fuel))), payload.into())
}

/// How much a fuel gives, and in what.
#[must_use]
pub fn amount(row: &MixRow) -> (Option<Decimal>, &'static str) {
    match (row.mw, row.percent) {
        (None, Some(percent)) => (Some(percent), "percent"),
        (mw, _) => (mw, "MW"),
    }
}

/// A text from elsewhere as one level of a topic.
#[must_use]
pub fn level(text: &str) -> String {
    let plain = |c: char| if c.is_control() || "/+#".contains(c) { '_' } else { c };
    text.chars().take(100).map(plain).collect()
}

fn series(rows: &[SeriesRow]) -> (String, Bytes) {
    let starts: Vec<_> = rows.iter().map(|row| row.start_at).collect();
    let values: Vec<_> = rows.iter().map(|row| row.value).collect();
    let payload = object(&[("unit", &UNIT), ("start", &starts), ("value", &values)]);
    (topic(&rows[0].region_id, "series/24h"), payload.into())
}

fn forecast(rows: &[ForecastRow]) -> (String, Bytes) {
    let point = |row: &ForecastRow| {
        raw(object(&[("start", &row.start_at), ("secs", &row.secs), ("value", &row.value)]))
    };
    let first = &rows[0];
    let points: Vec<_> = rows.iter().map(point).collect();
    let payload = object(&[
        ("issued_at", &first.issued_at),
        ("factor_set", &first.factor_set_id.as_str()),
        ("unit", &UNIT),
        ("points", &points),
    ]);
    (topic(&first.region_id, "forecast"), payload.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn payloads_are_those_that_are_written_down() {
        let row = NowRow {
            region_id: "US-NY-NYISO".into(),
            factor_set_id: "NY-STATE-2016".into(),
            metric: "generated".into(),
            start_at: at("2025-02-01T05:00:00Z"),
            secs: 300,
            value: "229.145120000".parse().unwrap(),
            rev: 1,
        };
        let (topic, payload) = now(&row);
        assert_eq!(topic, "grid/US-NY-NYISO/now/generated");
        assert_eq!(
            payload,
            r#"{"start":"2025-02-01T05:00:00Z","secs":300,"value":229.14512,"unit":"g/kWh","factor_set":"NY-STATE-2016","rev":1}"#
        );
        let mut row = MixRow {
            region_id: "US-NY-NYISO".into(),
            feed_id: "nyiso.rtfuelmix".into(),
            fuel: "Dual Fuel".into(),
            start_at: at("2025-02-01T05:00:00Z"),
            secs: 300,
            mw: Some("3391.000000000".parse().unwrap()),
            percent: None,
        };
        let (topic, payload) = mix(&row);
        assert_eq!(topic, "grid/US-NY-NYISO/mix/Dual Fuel");
        assert_eq!(payload, r#"{"start":"2025-02-01T05:00:00Z","value":3391,"unit":"MW"}"#);
        row.mw = None;
        assert!(mix(&row).1.starts_with(br#"{"start":"2025-02-01T05:00:00Z","value":null"#));
        (row.percent, row.fuel) = (Some("6.0".parse().unwrap()), "a/+#".into());
        assert_eq!(mix(&row).0, "grid/US-NY-NYISO/mix/a___");
        assert!(mix(&row).1.ends_with(br#""value":6,"unit":"percent"}"#));
    }

    #[test]
    fn a_topic_tells_its_region() {
        assert_eq!(region_of("grid/US-NY-NYISO.NYCW/forecast"), Some("US-NY-NYISO.NYCW"));
        assert_eq!(region_of("svc/trueprice/status"), None);
    }
}
