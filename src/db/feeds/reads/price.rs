//! What a kWh costs.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgPool;
use uuid::Uuid;

use crate::{db::feeds::snapshot::FeedSnapshot, domain::feed::Window};

/// Whose prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Priced {
    /// Those of a tariff.
    Tariff(String),
    /// Those of the tariffs that a meter had.
    Meter(String),
}

/// A price while it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceSpan {
    /// From then on.
    pub from: DateTime<Utc>,
    /// Until then.
    pub to: DateTime<Utc>,
    /// Without VAT.
    pub exc_vat: Decimal,
    /// With VAT.
    pub inc_vat: Decimal,
    /// Such as `p/kWh`.
    pub unit: String,
    /// Such as `GBP`.
    pub currency: String,
}

/// Whether there is such a tariff, or a meter that the user may read.
pub async fn priced(pool: &PgPool, priced: &Priced, user: Uuid) -> sqlx::Result<bool> {
    match priced {
        Priced::Tariff(code) => {
            sqlx::query_scalar!(
                r#"select exists (select from tariff_price where tariff_code = $1) as "is!""#,
                code
            )
            .fetch_one(pool)
            .await
        }
        Priced::Meter(id) => {
            sqlx::query_scalar!(
                r#"select exists (
                       select from meter m
                       where m.meter_id = $1
                         and (m.owner_user_id = $2
                              or exists (select from meter_reader r
                                         where r.meter_id = m.meter_id and r.user_id = $2))) as "is!""#,
                id,
                user
            )
            .fetch_one(pool)
            .await
        }
    }
}

/// Under which the loads and reads of its prices, and of what was agreed, are put in order.
pub async fn tariff_scopes(pool: &PgPool, priced: &Priced) -> sqlx::Result<Vec<i32>> {
    let (tariff, meter) = priced.parts();
    sqlx::query_scalar!(
        "select scope_no from feed_scope
         where tariff_code = $1 or meter_id = $2
            or tariff_code in (select tariff_code from meter_agreement where meter_id = $2)
            or (feed_id, scope) in (select h.feed_id, h.scope from meter_agreement a join feed_fetch h using (fetch_id)
                                    where a.meter_id = $2)",
        tariff,
        meter
    )
    .fetch_all(pool)
    .await
}

impl Priced {
    fn parts(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::Tariff(code) => (Some(code), None),
            Self::Meter(id) => (None, Some(id)),
        }
    }
}

/// Prices in a window, cut to it: those for all first, then those for the way of payment, which go
/// before them; each in order of time.
pub async fn prices(
    snapshot: &mut FeedSnapshot,
    priced: &Priced,
    window: Window,
    payment_method: &str,
) -> sqlx::Result<Vec<PriceSpan>> {
    let ((tariff, meter), as_of) = (priced.parts(), snapshot.as_of);
    sqlx::query_file_as!(
        PriceSpan,
        "sql/queries/tariff_prices.sql",
        tariff,
        meter,
        window.from(),
        window.to(),
        payment_method,
        as_of
    )
    .fetch_all(snapshot.connection())
    .await
}
