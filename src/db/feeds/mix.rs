//! The fuel mix of slots, and the readings that it is made of.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::rows::{ATTRIBUTE, Kind, METRIC, Part, Table, column};

/// Rows of `fuel_mix`.
pub const TABLE: Table = Table {
    name: "fuel_mix",
    columns: &[
        column("feed_id", Kind::Text, Part::Fixed),
        column("region_id", Kind::Text, Part::Fixed),
        column("start_at", Kind::Instant, Part::Start),
        column("fuel", Kind::Text, Part::Further),
        column("secs", Kind::Int, ATTRIBUTE),
        column("mw", Kind::Number, METRIC),
        column("percent", Kind::Number, METRIC),
        column("n_samples", Kind::Int, ATTRIBUTE),
    ],
    series: &["feed_id", "region_id"],
    updated_at: None,
    reconcile: None,
};

/// Where the start of a slot stands in a row.
pub const START: usize = 2;

/// Rows of `fuel_sample`.
pub const SAMPLES: Table = Table {
    name: "fuel_sample",
    columns: &[
        column("feed_id", Kind::Text, Part::Fixed),
        column("region_id", Kind::Text, Part::Fixed),
        column("sampled_at", Kind::Instant, Part::Start),
        column("fuel", Kind::Text, Part::Further),
        column("mw", Kind::Number, METRIC),
    ],
    series: &["feed_id", "region_id"],
    updated_at: None,
    reconcile: None,
};

/// One fuel of a slot as it is stored.
#[derive(Debug, Clone)]
pub struct FuelRow {
    /// Start of the slot.
    pub start_at: DateTime<Utc>,
    /// Its length in seconds.
    pub secs: i32,
    /// Which fuel.
    pub fuel: String,
    /// MW; none: unknown.
    pub mw: Option<Decimal>,
    /// Percent; none: unknown.
    pub percent: Option<Decimal>,
    /// Its revision.
    pub rev: i32,
}

/// All fuels of some slots, by slot and fuel.
pub async fn of_slots(
    conn: &mut PgConnection,
    (feed_id, region_id): (&str, &str),
    slots: &[DateTime<Utc>],
) -> sqlx::Result<Vec<FuelRow>> {
    sqlx::query_as!(
        FuelRow,
        "select start_at, secs, fuel, mw, percent, rev from fuel_mix
         where feed_id = $1 and region_id = $2 and start_at = any($3) order by start_at, fuel",
        feed_id,
        region_id,
        slots
    )
    .fetch_all(conn)
    .await
}
