//! Usage of meters, the meters, and what was agreed for them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::rows::{ATTRIBUTE, Kind, METRIC, Part, Source, Table, column};

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
        column("account", Kind::Text, Part::Beside),
    ],
    series: &["meter_id"],
    updated_at: None,
    reconcile: None,
};

/// The unit of a meter: `kWh` or `m3`, or none where that is not known. Nothing where there is no such
/// meter.
pub async fn unit_of(
    conn: &mut PgConnection,
    meter_id: &str,
) -> sqlx::Result<Option<Option<String>>> {
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
    /// `kWh` or `m3`; none: not known.
    pub unit: Option<&'a str>,
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

/// Withdraws what an account once listed for a meter and lists no more: of `listed` are the starts of what
/// it lists. What it was stays as a revision. Gives the starts of what was withdrawn.
pub async fn withdraw_agreements(
    conn: &mut PgConnection,
    (meter_id, account): (&str, &str),
    listed: &[DateTime<Utc>],
    source: &Source,
) -> sqlx::Result<Vec<DateTime<Utc>>> {
    sqlx::query_file_scalar!(
        "sql/queries/feed_withdraw_agreements.sql",
        meter_id,
        account,
        listed,
        source.fetched_at,
        source.known_at,
        source.fetch_id
    )
    .fetch_all(conn)
    .await
}

/// Numbers agreements that came back after they were withdrawn: they go on where they ended.
pub async fn go_on_with_agreements(
    conn: &mut PgConnection,
    meter_id: &str,
    new: &[DateTime<Utc>],
) -> sqlx::Result<()> {
    sqlx::query!(
        "update meter_agreement a set rev = r.rev + 1
         from (select start_at, max(rev) as rev from row_revision
               where table_name = 'meter_agreement' and series_key = $1 and start_at = any($2) group by 1) r
         where a.meter_id = $1 and a.valid_from = r.start_at",
        meter_id,
        new
    )
    .execute(conn)
    .await?;
    Ok(())
}
