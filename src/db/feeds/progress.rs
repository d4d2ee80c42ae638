//! How far the rows of a scope came: the slots that are there, and the marks that are kept of them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// The marks of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermark {
    /// End of the newest slot with the primary metric.
    pub high_water: Option<DateTime<Utc>>,
    /// End of the unbroken run of such slots from the start of history.
    pub contiguous_to: Option<DateTime<Utc>>,
    /// Where history was found to begin, if later than the feed and its settings say.
    pub begins_at: Option<DateTime<Utc>>,
}

impl Watermark {
    /// Where history begins that may begin at `known`.
    #[must_use]
    pub fn history_start(self, known: DateTime<Utc>) -> DateTime<Utc> {
        self.begins_at.map_or(known, |begins_at| begins_at.max(known))
    }
}

/// The marks of a scope.
pub async fn read(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
) -> sqlx::Result<Option<Watermark>> {
    sqlx::query_as!(
        Watermark,
        "select high_water, contiguous_to, begins_at from feed_watermark where feed_id = $1 and scope = $2",
        feed_id,
        scope
    )
    .fetch_optional(conn)
    .await
}

/// The same; nobody else loads into the scope until the transaction ends.
pub async fn lock(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
) -> sqlx::Result<Option<Watermark>> {
    sqlx::query_as!(
        Watermark,
        "select high_water, contiguous_to, begins_at from feed_watermark
         where feed_id = $1 and scope = $2 for update",
        feed_id,
        scope
    )
    .fetch_optional(conn)
    .await
}

/// Writes the marks of a scope.
pub async fn write(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
    mark: Watermark,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update feed_watermark set high_water = $3, contiguous_to = $4, begins_at = $5, updated_at = $6
         where feed_id = $1 and scope = $2",
        feed_id,
        scope,
        mark.high_water,
        mark.contiguous_to,
        mark.begins_at,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which rows tell whether a slot is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slots<'a> {
    /// Intensities of a region under the feed's default set of factors.
    Intensity {
        /// The region.
        region_id: &'a str,
        /// The set.
        factor_set_id: &'a str,
    },
    /// Fuels of a region: one with a value is enough.
    Mix {
        /// The region.
        region_id: &'a str,
    },
    /// Usage of a meter.
    Usage {
        /// The meter.
        meter_id: &'a str,
    },
}

/// Slots one after the other without a hole: start of the first, start of the last.
pub type Island = (DateTime<Utc>, DateTime<Utc>);

/// Which slots to look for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// The feed.
    pub feed_id: &'a str,
    /// The rows.
    pub slots: Slots<'a>,
    /// Length of a slot in seconds.
    pub step: f64,
    /// From the slot that starts then.
    pub from: DateTime<Utc>,
    /// Up to before the slot that starts then.
    pub to: DateTime<Utc>,
    /// Only slots with a value; else all that have a row.
    pub known: bool,
    /// How many ends of islands to look for: each has one, or two.
    pub limit: i64,
}

/// First or last of an island, or both.
struct Shore {
    start_at: DateTime<Utc>,
    first: bool,
    last: bool,
}

/// The islands of slots in a range, in order. The rows are read in order and no further than the limit.
pub async fn islands(conn: &mut PgConnection, search: &Search<'_>) -> sqlx::Result<Vec<Island>> {
    let Search { feed_id, slots, step, from, to, known, limit } = *search;
    let shores = match slots {
        Slots::Intensity { region_id, factor_set_id } => {
            sqlx::query_file_as!(
                Shore,
                "sql/queries/feed_islands_intensity.sql",
                step,
                from,
                to,
                known,
                limit,
                feed_id,
                region_id,
                factor_set_id
            )
            .fetch_all(conn)
            .await?
        }
        Slots::Mix { region_id } => {
            sqlx::query_file_as!(
                Shore,
                "sql/queries/feed_islands_mix.sql",
                step,
                from,
                to,
                known,
                limit,
                feed_id,
                region_id
            )
            .fetch_all(conn)
            .await?
        }
        Slots::Usage { meter_id } => {
            sqlx::query_file_as!(
                Shore,
                "sql/queries/feed_islands_usage.sql",
                step,
                from,
                to,
                known,
                limit,
                meter_id
            )
            .fetch_all(conn)
            .await?
        }
    };
    Ok(joined(&shores))
}

fn joined(shores: &[Shore]) -> Vec<Island> {
    let mut islands: Vec<Island> = Vec::new();
    for shore in shores {
        if shore.first {
            islands.push((shore.start_at, shore.start_at));
        }
        if shore.last
            && let Some(island) = islands.last_mut()
        {
            island.1 = shore.start_at;
        }
    }
    islands
}

/// End of the newest slot with a value, from `from` on.
pub async fn newest(
    conn: &mut PgConnection,
    feed_id: &str,
    slots: Slots<'_>,
    from: DateTime<Utc>,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    match slots {
        Slots::Intensity { region_id, factor_set_id } => {
            sqlx::query_scalar!(
                r#"select start_at + make_interval(secs => secs) as "end!" from carbon_intensity
                   where feed_id = $1 and region_id = $2 and factor_set_id = $3 and start_at >= $4
                     and generated is not null
                   order by start_at desc limit 1"#,
                feed_id,
                region_id,
                factor_set_id,
                from,
            )
            .fetch_optional(conn)
            .await
        }
        Slots::Mix { region_id } => {
            sqlx::query_scalar!(
                r#"select start_at + make_interval(secs => secs) as "end!" from fuel_mix
                   where feed_id = $1 and region_id = $2 and start_at >= $3
                     and (mw is not null or percent is not null)
                   order by start_at desc limit 1"#,
                feed_id,
                region_id,
                from,
            )
            .fetch_optional(conn)
            .await
        }
        Slots::Usage { meter_id } => {
            sqlx::query_scalar!(
                r#"select start_at + make_interval(secs => secs) as "end!" from meter_usage
                   where meter_id = $1 and start_at >= $2 and quantity is not null
                   order by start_at desc limit 1"#,
                meter_id,
                from,
            )
            .fetch_optional(conn)
            .await
        }
    }
}

/// The days (UTC) of a range on which a region has intensities without a consumed value.
pub async fn days_without_consumed(
    conn: &mut PgConnection,
    (feed_id, region_id): (&str, &str),
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> sqlx::Result<Vec<DateTime<Utc>>> {
    sqlx::query_scalar!(
        r#"select distinct date_trunc('day', start_at, 'UTC') as "day!" from carbon_intensity
           where feed_id = $1 and region_id = $2 and start_at >= $3 and start_at < $4 and consumed is null
           order by 1"#,
        feed_id,
        region_id,
        from,
        to,
    )
    .fetch_all(conn)
    .await
}
