//! Regions, sets of factors, and which series a query reads.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::PgPool;

/// A region with what there is of it.
#[derive(Debug, Clone)]
pub struct RegionRow {
    /// Its id.
    pub region_id: String,
    /// Its name.
    pub name: String,
    /// IANA zone of its calendar.
    pub zone: String,
    /// ISO 3166 code.
    pub country: String,
    /// The region that it is a part of.
    pub parent_id: Option<String>,
    /// The feed that queries read where they name none.
    pub default_feed_id: Option<String>,
    /// `[{"provider","code"}]`.
    pub aliases: Value,
    /// `[{"feed","factor_set","step_seconds","attribution","data_from","data_to","latency_seconds"}]`.
    pub feeds: Value,
}

/// A page of regions by id, of `ids` or of all.
pub async fn list(
    pool: &PgPool,
    after: &str,
    ids: Option<&[String]>,
    limit: i64,
) -> sqlx::Result<Vec<RegionRow>> {
    sqlx::query_file_as!(RegionRow, "sql/queries/feed_regions.sql", after, ids as _, limit)
        .fetch_all(pool)
        .await
}

/// What a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// No region.
    Nothing,
    /// The region with this id.
    Region(String),
    /// Several: providers use the code for different regions.
    Several(Vec<String>),
}

/// The region that each text names: by its id or by the code of a provider, without case.
pub async fn named(pool: &PgPool, texts: &[String]) -> sqlx::Result<Vec<Named>> {
    let rows = sqlx::query_scalar!(
        r#"select array(select g.region_id from region g where lower(g.region_id) = lower(w.text)
                        union select a.region_id from region_alias a where lower(a.code) = lower(w.text)) as "ids!"
           from unnest($1::text[]) with ordinality as w (text, place) order by place"#,
        texts
    )
    .fetch_all(pool)
    .await?;
    let one = |mut ids: Vec<String>| match (ids.len(), ids.pop()) {
        (1, Some(id)) => Named::Region(id),
        (_, Some(last)) => Named::Several(ids.into_iter().chain([last]).collect()),
        _ => Named::Nothing,
    };
    Ok(rows.into_iter().map(one).collect())
}

/// The IANA zone of a region's calendar.
pub async fn zone(pool: &PgPool, region: &str) -> sqlx::Result<String> {
    sqlx::query_scalar!("select zone from region where region_id = $1", region)
        .fetch_one(pool)
        .await
}

/// What is read of a region.
#[derive(Debug, Clone)]
pub struct Series {
    /// Where.
    pub region_id: String,
    /// Its name.
    pub name: String,
    /// IANA zone of its calendar.
    pub zone: String,
    /// Which feed brought it.
    pub feed_id: String,
    /// Who gives the feed.
    pub provider: String,
    /// Length of its slots.
    pub step_secs: i32,
    /// What must stand beside its figures.
    pub attribution: String,
    /// How old the newest slot may be, in seconds.
    pub expected_lag: i64,
    /// Under which set of factors.
    pub factor_set_id: String,
    /// Under which its loads and reads are put in order.
    pub scopes: Vec<i32>,
}

/// What a query asks for in words.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Ids of regions.
    pub regions: Vec<String>,
    /// This feed rather than the region's own.
    pub feed: Option<String>,
    /// This set rather than the feed's own.
    pub factor_set: Option<String>,
    /// Forecasts instead of measurements.
    pub forecast: bool,
}

/// The series of a choice, by region; a region without any has none.
pub async fn series(pool: &PgPool, choice: &Choice) -> sqlx::Result<Vec<Series>> {
    sqlx::query_file_as!(
        Series,
        "sql/queries/feed_series.sql",
        &choice.regions,
        choice.feed.as_deref() as Option<&str>,
        choice.factor_set.as_deref() as Option<&str>,
        choice.forecast
    )
    .fetch_all(pool)
    .await
}

/// The feed that queries for a region read where they name none; where nothing was polled yet, the first
/// that could be.
pub async fn feed_of(pool: &PgPool, region: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select coalesce(g.default_feed_id, (
             select s.feed_id from feed_scope s join feed f using (feed_id)
             where s.region_id = g.region_id and f.primary_metric in ('generated', 'mw')
             order by s.enabled desc, s.feed_id limit 1))
         from region g where g.region_id = $1",
        region
    )
    .fetch_one(pool)
    .await
}

/// The mix of a region.
#[derive(Debug, Clone)]
pub struct MixSeries {
    /// Where.
    pub region_id: String,
    /// IANA zone of its calendar.
    pub zone: String,
    /// Which feed brought it.
    pub feed_id: String,
    /// What must stand beside its figures.
    pub attribution: String,
    /// Under which its loads and reads are put in order.
    pub scopes: Vec<i32>,
}

/// The mixes of regions, of one feed or of the first that has any.
pub async fn mixes(
    pool: &PgPool,
    regions: &[String],
    feed: Option<&str>,
) -> sqlx::Result<Vec<MixSeries>> {
    sqlx::query_as!(
        MixSeries,
        r#"select g.region_id, g.zone, f.feed_id, f.attribution,
                  array(select s.scope_no from feed_scope s
                        where s.feed_id = f.feed_id and s.region_id = g.region_id) as "scopes!"
           from region g
           cross join lateral (
               select d.* from feed d
               where d.feed_id = coalesce($2, d.feed_id)
                 and exists (select from fuel_mix m where m.feed_id = d.feed_id and m.region_id = g.region_id)
               order by d.feed_id = g.default_feed_id desc nulls last, d.feed_id limit 1) f
           where g.region_id = any($1) order by g.region_id"#,
        regions,
        feed
    )
    .fetch_all(pool)
    .await
}

/// The ids of all feeds.
pub async fn feed_ids(pool: &PgPool) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("select feed_id from feed order by feed_id").fetch_all(pool).await
}

/// A set of emission factors.
#[derive(Debug, Clone)]
pub struct FactorSetRow {
    /// Its name.
    pub factor_set_id: String,
    /// Who made it.
    pub provider: String,
    /// `direct`, `lifecycle` or `provider`.
    pub basis: String,
    /// What it is made of.
    pub note: String,
}

/// Every set of factors.
pub async fn factor_sets(pool: &PgPool) -> sqlx::Result<Vec<FactorSetRow>> {
    sqlx::query_as!(
        FactorSetRow,
        "select factor_set_id, provider, basis, note from factor_set order by factor_set_id"
    )
    .fetch_all(pool)
    .await
}

/// A factor of a set.
#[derive(Debug, Clone)]
pub struct FactorRow {
    /// Whose.
    pub factor_set_id: String,
    /// A region, or `*` for all others.
    pub region_id: String,
    /// Of what.
    pub fuel: String,
    /// From then on.
    pub valid_from: NaiveDate,
    /// Until then, exclusive.
    pub valid_to: Option<NaiveDate>,
    /// g/kWh.
    pub g_per_kwh: Decimal,
    /// Where it is from.
    pub source: String,
}

/// Every factor, by set, region, fuel and date.
pub async fn factors(pool: &PgPool) -> sqlx::Result<Vec<FactorRow>> {
    sqlx::query_as!(
        FactorRow,
        "select factor_set_id, region_id, fuel, valid_from, valid_to, g_per_kwh, source from emission_factor
         order by factor_set_id, region_id, fuel, valid_from"
    )
    .fetch_all(pool)
    .await
}
