//! Emission factors: of regions, and as upstreams publish them.

use chrono::NaiveDate;
use chrono_tz::Tz;
use rust_decimal::Decimal;
use sqlx::PgConnection;

use crate::domain::feed::factors::{DatedFactor, Factors};

/// What became of published factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Of fuels that the set did not know.
    pub new: i64,
    /// Other numbers than before.
    pub changed: i64,
}

/// Takes the factors of a set as they are published on `day`: a number that is another than the one in
/// force holds from that day on.
pub async fn publish(
    conn: &mut PgConnection,
    factor_set: &str,
    day: NaiveDate,
    factors: &[(String, Decimal)],
    source: &str,
) -> sqlx::Result<Published> {
    let (fuels, numbers): (Vec<String>, Vec<Decimal>) = factors.iter().cloned().unzip();
    let row = sqlx::query_file!(
        "sql/queries/feed_publish_factors.sql",
        factor_set,
        day,
        &fuels,
        &numbers,
        source
    )
    .fetch_one(conn)
    .await?;
    Ok(Published { new: row.new, changed: row.changed })
}

/// The factors of a set that count in a region: its own and those of all.
pub async fn of_region(
    conn: &mut PgConnection,
    factor_set_id: &str,
    region_id: &str,
) -> sqlx::Result<Factors> {
    let rows = sqlx::query_as!(
        DatedFactor,
        r#"select fuel, region_id <> '*' as "is_regional!", valid_from, valid_to, g_per_kwh
           from emission_factor where factor_set_id = $1 and region_id in ($2, '*')"#,
        factor_set_id,
        region_id
    )
    .fetch_all(conn)
    .await?;
    Ok(Factors::new(rows))
}

/// The zone by whose days the factors of a region are dated; UTC where its name is none.
pub async fn zone(conn: &mut PgConnection, region_id: &str) -> sqlx::Result<Tz> {
    let zone = sqlx::query_scalar!("select zone from region where region_id = $1", region_id);
    let zone = zone.fetch_optional(conn).await?;
    Ok(zone.and_then(|zone| zone.parse().ok()).unwrap_or(Tz::UTC))
}
