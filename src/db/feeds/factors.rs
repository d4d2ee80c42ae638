//! Emission factors of regions.

use chrono_tz::Tz;
use sqlx::PgConnection;

use crate::domain::feed::factors::{DatedFactor, Factors};

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
