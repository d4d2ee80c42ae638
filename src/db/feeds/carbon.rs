//! What the live page of carbon intensity shows besides what is retained.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// A region that has intensities, with the series of it that is shown.
#[derive(Debug, Clone)]
pub struct RegionRow {
    /// The region.
    pub region_id: String,
    /// Its name.
    pub name: String,
    /// Its clock (IANA).
    pub zone: String,
    /// The feed of the series.
    pub feed_id: String,
    /// The set of factors of the series.
    pub factor_set_id: String,
    /// What the set is.
    pub factor_note: String,
    /// What must stand beside figures of the feed.
    pub attribution: String,
    /// Length of a slot in seconds.
    pub step_secs: i32,
    /// How old the newest slot may be, in seconds.
    pub expected_lag_secs: i64,
}

/// Every region that has intensities, by name.
pub async fn regions(pool: &PgPool) -> sqlx::Result<Vec<RegionRow>> {
    sqlx::query_as!(
        RegionRow,
        r#"select r.region_id, r.name, r.zone, s.feed_id as "feed_id!", s.factor_set_id as "factor_set_id!",
                  x.note as factor_note, f.attribution, coalesce(f.step_secs, 300) as "step_secs!",
                  extract(epoch from f.expected_lag)::bigint as "expected_lag_secs!"
           from region_series s
           join region r using (region_id) join feed f using (feed_id) join factor_set x using (factor_set_id)
           order by r.name"#
    )
    .fetch_all(pool)
    .await
}

/// The name of a region, if there is one.
pub async fn region_name(pool: &PgPool, region: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select name from region where region_id = $1", region)
        .fetch_optional(pool)
        .await
}

/// When a row of the series was last changed.
pub async fn changed_at(pool: &PgPool, row: &RegionRow) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        "select changed_at from carbon_intensity
         where feed_id = $1 and region_id = $2 and factor_set_id = $3 and generated is not null
         order by start_at desc limit 1",
        row.feed_id,
        row.region_id,
        row.factor_set_id,
    )
    .fetch_optional(pool)
    .await
}
