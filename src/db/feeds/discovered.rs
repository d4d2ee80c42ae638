//! Scopes that documents tell of: the tariffs and meters of an account.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// A scope of another feed.
#[derive(Debug)]
pub struct NewScope<'a> {
    /// The feed.
    pub feed_id: &'a str,
    /// Its name there.
    pub scope: &'a str,
    /// Where it is.
    pub region_id: &'a str,
    /// Whose usage it is.
    pub meter_id: Option<&'a str>,
    /// Which tariff's prices.
    pub tariff_code: Option<&'a str>,
    /// The first instant that is wanted of it.
    pub first_available: DateTime<Utc>,
}

/// Makes a scope, on where its feed is; one that is there reaches back as far as this, and is asked for
/// as one that is new. Nothing where there is no such feed.
pub async fn put(conn: &mut PgConnection, scope: &NewScope<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "with put as (
             insert into feed_scope as s (feed_id, scope, region_id, meter_id, tariff_code, first_available, enabled)
             select f.feed_id, $2, $3, $4, $5, $6, f.enabled from feed f where f.feed_id = $1
             on conflict (feed_id, scope) do update set first_available = excluded.first_available
             where excluded.first_available < s.first_available
             returning feed_id, scope
         )
         update feed_task t set last_ok = null from put
         where (t.feed_id, t.scope, t.task_kind) = (put.feed_id, put.scope, 'live')",
        scope.feed_id,
        scope.scope,
        scope.region_id,
        scope.meter_id,
        scope.tariff_code,
        scope.first_available
    )
    .execute(conn)
    .await?;
    Ok(())
}
