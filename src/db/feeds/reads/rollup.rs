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

/// Stretches of time of a series in which its periods by `grain` and `zone` do not say what was known at the
/// view's cut-off: the rows themselves do. `cover` are whole periods.
pub async fn stale(
    snapshot: &mut FeedSnapshot,
    series: &Series,
    (grain, zone): (Grain, &str),
    cover: Window,
) -> sqlx::Result<Vec<Window>> {
    let (known_at, continues) = (snapshot.known_at, snapshot.continues);
    let rows = sqlx::query_file!(
        "sql/queries/rollup_stale.sql",
        series.feed_id,
        series.region_id,
        series.factor_set_id,
        cover.from(),
        cover.to(),
        grain.as_str(),
        zone,
        known_at,
        continues
    )
    .fetch_all(snapshot.connection())
    .await?;
    let window =
        |from, to| Window::new(from, to).map_err(|error| sqlx::Error::Decode(error.into()));
    rows.into_iter().map(|row| window(row.from, row.to)).collect()
}

/// What tells one state of the periods that begin in a window from another: how many there are, how often they
/// were summed up to something else, and when last.
pub async fn periods_state(
    connection: &mut PgConnection,
    series: &Series,
    (grain, zone): (Grain, &str),
    window: Window,
) -> sqlx::Result<(i64, i64, Option<DateTime<Utc>>)> {
    let row = sqlx::query!(
        r#"select count(*) as "periods!", coalesce(sum(rev), 0)::bigint as "revs!", max(computed_at) as computed_at
           from rollup
           where series_kind = 'intensity' and feed_id = $1 and subject_id = $2 and factor_set_id = $3
             and measure in ('generated', 'consumed', 'marginal') and grain = $4 and zone = $5
             and period_start >= $6 and period_start < $7"#,
        series.feed_id,
        series.region_id,
        series.factor_set_id,
        grain.as_str(),
        zone,
        window.from(),
        window.to()
    )
    .fetch_one(connection)
    .await?;
    Ok((row.periods, row.revs, row.computed_at))
}

/// The same of the rows that periods are summed up from: slots that begin in a window, and what weighs them.
pub async fn rows_state(
    connection: &mut PgConnection,
    series: &Series,
    window: Window,
) -> sqlx::Result<(i64, i64, Option<DateTime<Utc>>)> {
    let row = sqlx::query!(
        r#"select count(*) as "rows!", coalesce(sum(rev), 0)::bigint as "revs!", max(changed_at) as changed_at
           from (select rev, changed_at from carbon_intensity
                 where feed_id = $1 and region_id = $2 and factor_set_id = $3 and start_at >= $4 and start_at < $5
                 union all
                 select rev, changed_at from fuel_mix
                 where feed_id = $1 and region_id = $2 and start_at >= $4 and start_at < $5) t"#,
        series.feed_id,
        series.region_id,
        series.factor_set_id,
        window.from(),
        window.to()
    )
    .fetch_one(connection)
    .await?;
    Ok((row.rows, row.revs, row.changed_at))
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
