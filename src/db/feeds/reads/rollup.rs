//! Hours, days, weeks and months of carbon intensity.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use crate::{
    db::feeds::{regions::Series, snapshot::FeedSnapshot},
    domain::feed::{Grain, Window},
};

/// What the slots of a period come to in one metric. In g/kWh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// Its start.
    pub start: DateTime<Utc>,
    /// Its end.
    pub end: DateTime<Utc>,
    /// `generated`, `consumed` or `marginal`.
    pub measure: String,
    /// Mean over time.
    pub mean_time: Option<Decimal>,
    /// Mean weighted by generation.
    pub mean_weighted: Option<Decimal>,
    /// Slots that it has.
    pub n_expected: i32,
    /// Slots that count.
    pub n_present: i32,
    /// Of these, how many are estimates.
    pub n_estimated: i32,
    /// Whether every slot counts and the period is over.
    pub complete: bool,
    /// Which content of the row.
    pub rev: i32,
    /// When it became known.
    pub known_at: DateTime<Utc>,
}

/// The periods of a series that begin in a window, by start and metric.
pub async fn periods(
    connection: &mut PgConnection,
    series: &Series,
    (grain, zone): (Grain, &str),
    window: Window,
) -> sqlx::Result<Vec<Period>> {
    sqlx::query_as!(
        Period,
        r#"select period_start as start, period_end as end, measure, mean_time, mean_weighted, n_expected, n_present,
                  n_estimated, complete, rev, computed_at as known_at
           from rollup
           where series_kind = 'intensity' and feed_id = $1 and subject_id = $2 and factor_set_id = $3
             and measure in ('generated', 'consumed', 'marginal') and grain = $4 and zone = $5
             and period_start >= $6 and period_start < $7
           order by period_start, measure"#,
        series.feed_id,
        series.region_id,
        series.factor_set_id,
        grain.as_str(),
        zone,
        window.from(),
        window.to()
    )
    .fetch_all(connection)
    .await
}

/// Whether some day of a range of a series still waits to be summed up.
pub async fn dirty(
    connection: &mut PgConnection,
    series: &Series,
    (range, now): (Window, DateTime<Utc>),
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select from rollup_dirty
               where series_kind = 'intensity' and feed_id = $1 and subject_id = $2 and factor_set_id = $3
                 and grain = 'day' and zone = 'UTC' and due_at <= $6
                 and period_start > $4::timestamptz - interval '1 day' and period_start < $5) as "is!""#,
        series.feed_id,
        series.region_id,
        series.factor_set_id,
        range.from(),
        range.to(),
        now
    )
    .fetch_one(connection)
    .await
}

/// How much was generated in the slots that begin in a window, in MW, where the feed tells; what takes power
/// is no generation.
pub async fn weights(
    snapshot: &mut FeedSnapshot,
    series: &Series,
    window: Window,
) -> sqlx::Result<Vec<(DateTime<Utc>, Decimal)>> {
    let at = snapshot.as_of.unwrap_or(snapshot.known_at);
    let rows = sqlx::query!(
        r#"select start_at as "start!", sum(mw) as "mw!"
           from fuel_mix_at($1, $2, $3, $4, $5) where mw > 0 group by start_at order by start_at"#,
        series.feed_id,
        series.region_id,
        window.from(),
        window.to(),
        at
    )
    .fetch_all(snapshot.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.start, row.mw)).collect())
}
