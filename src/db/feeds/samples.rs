//! Readings of generation, and what is made of them by slot.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::rows::{ATTRIBUTE, Kind, METRIC, Part, Table, column};

/// Rows of `fuel_sample`.
pub const TABLE: Table = Table {
    name: "fuel_sample",
    columns: &[
        column("feed_id", Kind::Text, Part::Fixed),
        column("region_id", Kind::Text, Part::Fixed),
        column("sampled_at", Kind::Instant, Part::Start),
        column("fuel", Kind::Text, Part::Further),
        column("mw", Kind::Number, METRIC),
    ],
    series: &["feed_id", "region_id"],
    updated_at: None,
    reconcile: None,
};

/// A stored reading.
#[derive(Debug)]
pub struct Sample {
    /// When it was read.
    pub sampled_at: DateTime<Utc>,
    /// As the upstream names it.
    pub fuel: String,
    /// MW.
    pub mw: Option<Decimal>,
}

/// The newest reading of a region.
pub async fn newest(
    conn: &mut PgConnection,
    feed_id: &str,
    region_id: &str,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        "select max(sampled_at) from fuel_sample where feed_id = $1 and region_id = $2",
        feed_id,
        region_id
    )
    .fetch_one(conn)
    .await
}

/// All readings of some slots of `secs` seconds: those after their start, up to their end.
pub async fn of_slots(
    conn: &mut PgConnection,
    feed_id: &str,
    region_id: &str,
    starts: &[DateTime<Utc>],
    secs: i32,
) -> sqlx::Result<Vec<Sample>> {
    sqlx::query_as!(
        Sample,
        "select s.sampled_at, s.fuel, s.mw from unnest($3::timestamptz[]) slot
         cross join lateral (
             select sampled_at, fuel, mw from fuel_sample
             where feed_id = $1 and region_id = $2
               and sampled_at > slot and sampled_at <= slot + make_interval(secs => $4)) s",
        feed_id,
        region_id,
        starts,
        f64::from(secs)
    )
    .fetch_all(conn)
    .await
}

/// Whether a slot has a mix.
pub async fn is_computed(
    conn: &mut PgConnection,
    feed_id: &str,
    region_id: &str,
    start: DateTime<Utc>,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from fuel_mix where feed_id = $1 and region_id = $2 and start_at = $3) as "is!""#,
        feed_id,
        region_id,
        start
    )
    .fetch_one(conn)
    .await
}

/// Rows of `fuel_mix` that are computed from readings.
pub const MIX: Table = Table {
    name: "fuel_mix",
    columns: &[
        column("feed_id", Kind::Text, Part::Fixed),
        column("region_id", Kind::Text, Part::Fixed),
        column("start_at", Kind::Instant, Part::Start),
        column("fuel", Kind::Text, Part::Further),
        column("secs", Kind::Int, ATTRIBUTE),
        column("mw", Kind::Number, METRIC),
        column("percent", Kind::Number, METRIC),
        column("n_samples", Kind::Int, ATTRIBUTE),
    ],
    series: &["feed_id", "region_id"],
    updated_at: None,
    reconcile: None,
};

/// Which content the mixes of slots have: a number that grows with each change of a fuel's row.
pub async fn mix_revs(
    conn: &mut PgConnection,
    feed_id: &str,
    region_id: &str,
    starts: &[DateTime<Utc>],
) -> sqlx::Result<HashMap<DateTime<Utc>, i64>> {
    let rows = sqlx::query!(
        r#"select start_at, sum(rev) as "rev!" from fuel_mix
           where feed_id = $1 and region_id = $2 and start_at = any($3) group by start_at"#,
        feed_id,
        region_id,
        starts
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.start_at, row.rev)).collect())
}
