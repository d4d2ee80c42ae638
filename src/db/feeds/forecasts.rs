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

/// A point that is new or another.
#[derive(Debug, Clone)]
pub struct PutPoint {
    /// The set of factors.
    pub factor_set_id: String,
    /// The issue.
    pub issued_at: DateTime<Utc>,
    /// Whether it is new.
    pub new: bool,
}

/// Stores points. One that is there is overwritten where it says something else and was not fetched
/// later.
pub async fn put(
    conn: &mut PgConnection,
    (feed_id, region_id): (&str, &str),
    fetch_id: i64,
    points: &[NewPoint],
) -> sqlx::Result<Vec<PutPoint>> {
    fn each<T>(points: &[NewPoint], of: impl FnMut(&NewPoint) -> T) -> Vec<T> {
        points.iter().map(of).collect()
    }
    sqlx::query_file_as!(
        PutPoint,
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
        &each(points, |point| point.raw_unit.to_owned())
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
