//! Usage of meters, the meters, and what was agreed for them.

use sqlx::PgConnection;

use super::rows::{ATTRIBUTE, Kind, METRIC, Part, Table, column};

/// Rows of `meter_usage`.
pub const TABLE: Table = Table {
    name: "meter_usage",
    columns: &[
        column("meter_id", Kind::Text, Part::Fixed),
        column("start_at", Kind::Instant, Part::Start),
        column("secs", Kind::Int, ATTRIBUTE),
        column("quantity", Kind::Number, METRIC),
        column("quality", Kind::Text, ATTRIBUTE),
    ],
    series: &["meter_id"],
    updated_at: None,
    reconcile: None,
};

/// Where the cells of a row stand.
pub const START: usize = 1;
/// See [`START`].
pub const SECS: usize = 2;
/// See [`START`].
pub const QUANTITY: usize = 3;

/// Rows of `meter_agreement`.
pub const AGREEMENTS: Table = Table {
    name: "meter_agreement",
    columns: &[
        column("meter_id", Kind::Text, Part::Fixed),
        column("valid_from", Kind::Instant, Part::Start),
        column("tariff_code", Kind::Text, ATTRIBUTE),
        column("valid_to", Kind::Instant, ATTRIBUTE),
    ],
    series: &["meter_id"],
    updated_at: None,
    reconcile: None,
};

/// The unit of a meter: `kWh` or `m3`.
pub async fn unit_of(conn: &mut PgConnection, meter_id: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select unit from meter where meter_id = $1", meter_id)
        .fetch_optional(conn)
        .await
}

/// A meter as an account tells of it.
#[derive(Debug)]
pub struct NewMeter<'a> {
    /// Our id of it.
    pub meter_id: &'a str,
    /// `electricity` or `gas`.
    pub fuel_kind: &'a str,
    /// `import` or `export`.
    pub direction: &'a str,
    /// `kWh` or `m3`.
    pub unit: &'a str,
    /// The number of the supply point.
    pub mpan: &'a str,
    /// The number on the meter.
    pub serial: &'a str,
    /// Where it is; its zone is the meter's.
    pub region_id: &'a str,
    /// The e-mail of the user whose it is.
    pub owner: Option<&'a str>,
}

/// Makes a meter, or brings it up to date; tells whether it has an owner then.
pub async fn put_meter(conn: &mut PgConnection, meter: &NewMeter<'_>) -> sqlx::Result<bool> {
    sqlx::query_file_scalar!(
        "sql/queries/feed_put_meter.sql",
        meter.meter_id,
        meter.fuel_kind,
        meter.direction,
        meter.unit,
        meter.mpan,
        meter.serial,
        meter.region_id,
        meter.owner
    )
    .fetch_one(conn)
    .await
}
