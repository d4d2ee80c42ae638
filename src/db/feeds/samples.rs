//! Readings of generation by slot.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use crate::domain::feed::Window;

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

/// The slots of a window that have a mix and lack an intensity under one of some sets of factors.
pub async fn without_intensity(
    conn: &mut PgConnection,
    (feed_id, region_id): (&str, &str),
    window: Window,
    sets: &[String],
) -> sqlx::Result<Vec<DateTime<Utc>>> {
    sqlx::query_scalar!(
        r#"select distinct start_at as "start_at!" from (
             select start_at, factor_set from fuel_mix cross join unnest($5::text[]) factor_set
             where feed_id = $1 and region_id = $2 and start_at >= $3 and start_at < $4
             except
             select start_at, factor_set_id from carbon_intensity
             where feed_id = $1 and region_id = $2 and start_at >= $3 and start_at < $4 and factor_set_id = any($5)
           ) lacking"#,
        feed_id,
        region_id,
        window.from(),
        window.to(),
        sets
    )
    .fetch_all(conn)
    .await
}
