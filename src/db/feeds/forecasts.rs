//! Forecasts of intensities.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use sqlx::{PgConnection, PgPool};

/// One slot of a forecast that is about to be stored.
#[derive(Debug, Clone)]
pub struct NewPoint {
    /// The set of factors.
    pub factor_set: String,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// Start of the slot.
    pub start: DateTime<Utc>,
    /// Its length in seconds.
    pub secs: i32,
    /// g/kWh; none: unknown.
    pub generated: Option<Decimal>,
    /// As the upstream wrote it.
    pub raw: Option<Decimal>,
    /// In which unit.
    pub raw_unit: &'static str,
}

/// Stores points; gives the set of factors and the issue of each that is new. One that is there stays.
pub async fn put(
    conn: &mut PgConnection,
    (feed_id, region_id): (&str, &str),
    (fetch_id, known_at): (i64, DateTime<Utc>),
    points: &[NewPoint],
) -> sqlx::Result<Vec<(String, DateTime<Utc>)>> {
    fn each<T>(points: &[NewPoint], of: impl FnMut(&NewPoint) -> T) -> Vec<T> {
        points.iter().map(of).collect()
    }
    let new = sqlx::query_file!(
        "sql/queries/feed_put_forecast.sql",
        feed_id,
        region_id,
        fetch_id,
        &each(points, |point| point.factor_set.clone()),
        &each(points, |point| point.issued_at),
        &each(points, |point| point.start),
        &each(points, |point| point.secs),
        &each(points, |point| point.generated) as &[Option<Decimal>],
        &each(points, |point| point.raw) as &[Option<Decimal>],
        &each(points, |point| point.raw_unit.to_owned()),
        known_at
    )
    .fetch_all(conn)
    .await?;
    Ok(new.into_iter().map(|point| (point.factor_set_id, point.issued_at)).collect())
}

/// One slot of an issue.
#[derive(Debug, Clone)]
pub struct Point {
    /// Start of the slot.
    pub start_at: DateTime<Utc>,
    /// Its length in seconds.
    pub secs: i32,
    /// g/kWh; none: unknown.
    pub generated: Option<Decimal>,
}

/// The slots of an issue in order.
pub async fn of_issue(
    conn: &mut PgConnection,
    (feed_id, region_id, factor_set_id): (&str, &str, &str),
    issued_at: DateTime<Utc>,
) -> sqlx::Result<Vec<Point>> {
    sqlx::query_as!(
        Point,
        "select start_at, secs, generated from carbon_intensity_forecast
         where feed_id = $1 and region_id = $2 and factor_set_id = $3 and issued_at = $4 order by start_at",
        feed_id,
        region_id,
        factor_set_id,
        issued_at
    )
    .fetch_all(conn)
    .await
}

/// How long every issue is kept; of older ones the last of each UTC day.
const KEPT: TimeDelta = TimeDelta::days(90);

/// How many points are let go in one statement.
const PART: i64 = 20_000;

/// Lets old issues go, all but the last of each day; tells how many points that were. To be done from
/// time to time.
pub async fn thin(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let mut gone = 0;
    loop {
        let done = sqlx::query_file!("sql/queries/feed_thin_forecasts.sql", now - KEPT, PART)
            .execute(pool)
            .await?
            .rows_affected();
        gone += done;
        if done < PART.unsigned_abs() {
            return Ok(gone);
        }
    }
}
