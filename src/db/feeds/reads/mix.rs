//! Fuel mix by slot.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::{
    db::feeds::{regions::MixSeries, snapshot::FeedSnapshot},
    domain::feed::Window,
};

/// One fuel in one slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MixRow {
    /// Start of the slot.
    pub start: DateTime<Utc>,
    /// Its length in seconds.
    pub secs: i32,
    /// As the upstream names it.
    pub fuel: String,
    /// Mean MW.
    pub mw: Option<Decimal>,
    /// Percent of all generation.
    pub percent: Option<Decimal>,
    /// Which content of the row.
    pub rev: i32,
    /// When it became known.
    pub known_at: DateTime<Utc>,
}

/// Fuels of slots that begin in a window, after one fuel of one slot, by slot and fuel.
pub async fn mix(
    snapshot: &mut FeedSnapshot,
    series: &MixSeries,
    window: Window,
    after: Option<(DateTime<Utc>, &str)>,
    limit: i64,
) -> sqlx::Result<Vec<MixRow>> {
    let (slot, fuel) = after.unwrap_or((DateTime::UNIX_EPOCH, ""));
    let from = if after.is_some() { window.from().max(slot) } else { window.from() };
    let Some(at) = snapshot.as_of else {
        return sqlx::query_as!(
            MixRow,
            "select start_at as start, secs, fuel, mw, percent, rev, changed_at as known_at from fuel_mix
             where feed_id = $1 and region_id = $2 and start_at >= $3 and start_at < $4
               and (start_at, fuel) > ($5, $6)
             order by start_at, fuel limit $7",
            series.feed_id,
            series.region_id,
            from,
            window.to(),
            slot,
            fuel,
            limit
        )
        .fetch_all(snapshot.connection())
        .await;
    };
    sqlx::query_as!(
        MixRow,
        r#"select start_at as "start!", secs as "secs!", fuel as "fuel!", mw, percent, rev as "rev!",
                  changed_at as "known_at!"
           from fuel_mix_at($1, $2, $3, $4, $5)
           where (start_at, fuel) > ($6, $7)
           order by start_at, fuel limit $8"#,
        series.feed_id,
        series.region_id,
        from,
        window.to(),
        at,
        slot,
        fuel,
        limit
    )
    .fetch_all(snapshot.connection())
    .await
}

/// How many figures of fuels there are in slots that begin in a window: a fuel may have megawatts and
/// percent, and where neither is known that is told, too.
pub async fn mix_count(
    snapshot: &mut FeedSnapshot,
    series: &MixSeries,
    window: Window,
) -> sqlx::Result<i64> {
    let at = snapshot.as_of.unwrap_or(snapshot.known_at);
    sqlx::query_scalar!(
        r#"select count(mw) + count(percent) + count(*) filter (where mw is null and percent is null) as "figures!"
           from fuel_mix_at($1, $2, $3, $4, $5)"#,
        series.feed_id,
        series.region_id,
        window.from(),
        window.to(),
        at
    )
    .fetch_one(snapshot.connection())
    .await
}
