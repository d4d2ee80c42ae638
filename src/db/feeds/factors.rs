//! Emission factors as upstreams publish them.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;

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
