//! The present state of regions: what MQTT retains.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgPool;

use super::factors;
use crate::domain::feed::factors::Factors;

/// The newest value of a metric of a region, in g/kWh.
#[derive(Debug)]
pub struct NowRow {
    /// The region.
    pub region_id: String,
    /// Its set of factors.
    pub factor_set_id: String,
    /// `generated`, `consumed`, `marginal`.
    pub metric: String,
    /// Start of the slot.
    pub start_at: DateTime<Utc>,
    /// Its length.
    pub secs: i32,
    /// g/kWh.
    pub value: Decimal,
    /// Which content of the row.
    pub rev: i32,
}

/// A fuel in the newest slot of the mix of a region.
#[derive(Debug)]
pub struct MixRow {
    /// The region.
    pub region_id: String,
    /// Which feed brought it.
    pub feed_id: String,
    /// As the upstream names it.
    pub fuel: String,
    /// Start of the slot.
    pub start_at: DateTime<Utc>,
    /// Its length.
    pub secs: i32,
    /// MW, where the feed tells it.
    pub mw: Option<Decimal>,
    /// Percent, where the feed tells it.
    pub percent: Option<Decimal>,
}

/// A slot of the last 24 hours, in g/kWh.
#[derive(Debug)]
pub struct SeriesRow {
    /// The region.
    pub region_id: String,
    /// Start of the slot.
    pub start_at: DateTime<Utc>,
    /// Its length.
    pub secs: i32,
    /// g/kWh of generation.
    pub value: Decimal,
}

/// A slot of the newest forecast.
#[derive(Debug)]
pub struct ForecastRow {
    /// The region.
    pub region_id: String,
    /// Its set of factors.
    pub factor_set_id: String,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// Start of the slot.
    pub start_at: DateTime<Utc>,
    /// Its length.
    pub secs: i32,
    /// g/kWh of generation.
    pub value: Option<Decimal>,
}

/// The newest values of regions; of all where none are named.
pub async fn now(pool: &PgPool, regions: Option<&[String]>) -> sqlx::Result<Vec<NowRow>> {
    sqlx::query_file_as!(NowRow, "sql/queries/retained_now.sql", regions).fetch_all(pool).await
}

/// The newest mix of regions, by fuel.
pub async fn mix(pool: &PgPool, regions: Option<&[String]>) -> sqlx::Result<Vec<MixRow>> {
    sqlx::query_file_as!(MixRow, "sql/queries/retained_mix.sql", regions).fetch_all(pool).await
}

/// The last 24 hours of regions, oldest first.
pub async fn series(pool: &PgPool, regions: Option<&[String]>) -> sqlx::Result<Vec<SeriesRow>> {
    sqlx::query_file_as!(SeriesRow, "sql/queries/retained_series.sql", regions)
        .fetch_all(pool)
        .await
}

/// The newest forecasts of regions, oldest slot first.
pub async fn forecast(pool: &PgPool, regions: Option<&[String]>) -> sqlx::Result<Vec<ForecastRow>> {
    sqlx::query_file_as!(ForecastRow, "sql/queries/retained_forecast.sql", regions)
        .fetch_all(pool)
        .await
}

/// The feed whose readings others know in a shape of their own, and its region.
pub const NYISO: (&str, &str) = ("nyiso.rtfuelmix", "US-NY-NYISO");

/// Generation of a fuel as New York's operator read it.
#[derive(Debug, Clone)]
pub struct ReadingRow {
    /// When.
    pub sampled_at: DateTime<Utc>,
    /// As the operator names it.
    pub fuel: String,
    /// MW.
    pub mw: Option<Decimal>,
}

/// The readings from one on, oldest first, at most `most` of them, each with all its fuels; the newest
/// two where none is named.
pub async fn readings(
    pool: &PgPool,
    from: Option<DateTime<Utc>>,
    most: i64,
) -> sqlx::Result<Vec<ReadingRow>> {
    sqlx::query_file_as!(
        ReadingRow,
        "sql/queries/retained_readings.sql",
        NYISO.0,
        NYISO.1,
        from,
        most
    )
    .fetch_all(pool)
    .await
}

/// The computed intensity of New York in the slots of the newest day, oldest first.
pub async fn computed(pool: &PgPool) -> sqlx::Result<Vec<SeriesRow>> {
    sqlx::query_as!(
        SeriesRow,
        r#"select c.region_id, c.start_at, c.secs, c.generated as "value!"
           from carbon_intensity c join feed f using (feed_id)
           where c.feed_id = $1 and c.region_id = $2 and c.factor_set_id = f.default_factor_set
             and c.generated is not null
             and c.start_at > (select max(m.start_at) - interval '24 hours' from carbon_intensity m
                               where m.feed_id = $1 and m.region_id = $2 and m.generated is not null)
           order by c.start_at"#,
        NYISO.0,
        NYISO.1,
    )
    .fetch_all(pool)
    .await
}

/// The factors by which the intensity of New York is computed.
pub async fn factors(pool: &PgPool) -> sqlx::Result<Factors> {
    let set =
        sqlx::query_scalar!("select default_factor_set from feed where feed_id = $1", NYISO.0);
    match set.fetch_optional(pool).await?.flatten() {
        Some(set) => factors::of_region(&mut *pool.acquire().await?, &set, NYISO.1).await,
        None => Ok(Factors::default()),
    }
}

/// How far a broker elsewhere was told.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// The place of the last event in the stream.
    pub stream_seq: i64,
    /// The retained topics that it holds of ours.
    pub topics: Vec<String>,
    /// The newest reading that it was told in the shape of NYISO's.
    pub read_to: Option<DateTime<Utc>>,
}

/// How far a broker was told; nothing for one that is new.
pub async fn told(pool: &PgPool, broker: &str) -> sqlx::Result<Option<Told>> {
    sqlx::query_as!(
        Told,
        "select stream_seq, topics, read_to from mqtt_broker where broker = $1",
        broker
    )
    .fetch_optional(pool)
    .await
}

/// Keeps how far a broker was told.
pub async fn keep_told(pool: &PgPool, broker: &str, told: &Told) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into mqtt_broker (broker, stream_seq, topics, read_to) values ($1, $2, $3, $4)
         on conflict (broker) do update
         set stream_seq = excluded.stream_seq, topics = excluded.topics, read_to = excluded.read_to",
        broker,
        told.stream_seq,
        &told.topics,
        told.read_to,
    )
    .execute(pool)
    .await?;
    Ok(())
}
