//! Forecasts of intensities: every issue is a series of points of its own. What it told of a slot first
//! stays: the same issue fetched again adds the slots that it did not have.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::to_raw_value;

use super::{LoadError, Work, event::Figure};
use crate::{
    db::feeds::{
        forecasts::{self, NewPoint},
        intensity::ensure_series,
        outbox::NewEvent,
    },
    domain::feed::{IntensityUnit, Topic},
    feeds::Forecast,
};

/// Stores the points of a forecast, and tells of each issue to which something is added.
pub(super) async fn store(work: &mut Work<'_>, rows: Vec<Forecast>) -> Result<(), LoadError> {
    let (feed_id, region) = (work.page.feed_id(), work.page.region()?);
    let points: Vec<NewPoint> =
        last_of_each(rows).into_iter().filter_map(|row| point(work, &row)).collect();
    let sets: BTreeSet<&str> = points.iter().map(|point| &*point.factor_set).collect();
    let sets: Vec<String> = sets.into_iter().map(str::to_owned).collect();
    if sets.is_empty() {
        return Ok(());
    }
    let provider = work.page.feed.about().provider;
    ensure_series(work.conn, (feed_id, region), provider, &sets).await?;
    let source = (work.page.fetch_id, work.page.known_at);
    let new = forecasts::put(work.conn, (feed_id, region), source, &points).await?;
    work.loaded.new += new.len() as u64;
    work.loaded.same += (points.len() - new.len()) as u64;
    tell(work, region, &new.into_iter().collect()).await
}

/// Of points of the same slot the last one.
fn last_of_each(rows: Vec<Forecast>) -> Vec<Forecast> {
    let mut seen = BTreeSet::new();
    let key = |row: &Forecast| (row.factor_set.clone(), row.issued_at, row.start);
    let mut last: Vec<Forecast> =
        rows.into_iter().rev().filter(|row| seen.insert(key(row))).collect();
    last.reverse();
    last
}

fn point(work: &mut Work<'_>, row: &Forecast) -> Option<NewPoint> {
    let generated = match row.generated.map(|value| row.unit.canonical(value)) {
        Some(None) => {
            let message = "a forecast beyond all measure was left out".to_owned();
            work.loaded.reject("bad_row", message, row.start);
            return None;
        }
        Some(grams) => grams,
        None => None,
    };
    Some(NewPoint {
        factor_set: row.factor_set.to_string(),
        issued_at: row.issued_at,
        start: row.start,
        secs: row.secs,
        generated,
        raw: row.generated,
        raw_unit: row.unit.as_str(),
    })
}

/// What an event says of an issue.
#[derive(Serialize)]
struct Told<'a> {
    issued_at: DateTime<Utc>,
    factor_set: &'a str,
    unit: IntensityUnit,
    points: Vec<Point>,
}

#[derive(Serialize)]
struct Point {
    start: DateTime<Utc>,
    secs: i32,
    value: Figure,
}

impl Point {
    const fn of(point: &forecasts::Point) -> Self {
        Self { start: point.start_at, secs: point.secs, value: Figure(point.generated) }
    }
}

/// An issue can be fetched more than once: each fetch that adds to it is a revision. It is told whole.
async fn tell(
    work: &mut Work<'_>,
    region: &str,
    issues: &BTreeSet<(String, DateTime<Utc>)>,
) -> Result<(), LoadError> {
    let feed_id = work.page.feed_id();
    let keys: Vec<String> =
        issues.iter().map(|(set, _)| [feed_id, region, set].join("/")).collect();
    let mut events = Vec::with_capacity(issues.len());
    for ((set, issued_at), series_key) in issues.iter().zip(&keys) {
        let (issued_at, unit) = (*issued_at, IntensityUnit::GPerKwh);
        let points = forecasts::of_issue(work.conn, (feed_id, region, set), issued_at).await?;
        let points = points.iter().map(Point::of).collect();
        events.push(NewEvent {
            topic: Topic::GridForecast,
            subject: region,
            series_key,
            feed_id,
            time: issued_at,
            rev: work.page.fetch_id,
            data: to_raw_value(&Told { issued_at, factor_set: set, unit, points })?,
        });
    }
    Ok(work.tell(&events).await?)
}
