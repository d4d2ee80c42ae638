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
///
/// A scope that reaches back far enough is not locked, and its task is before it is: whoever works at the
/// task goes on to tell of the scope.
pub async fn put(conn: &mut PgConnection, scope: &NewScope<'_>) -> sqlx::Result<()> {
    let known = sqlx::query_scalar!(
        "select first_available from feed_scope where feed_id = $1 and scope = $2",
        scope.feed_id,
        scope.scope
    )
    .fetch_optional(&mut *conn)
    .await?;
    if known.is_some_and(|known| known <= scope.first_available) {
        return Ok(());
    }
    sqlx::query!(
        "update feed_task set last_ok = null where feed_id = $1 and scope = $2 and task_kind = 'live'",
        scope.feed_id,
        scope.scope
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into feed_scope as s (feed_id, scope, region_id, meter_id, tariff_code, first_available, enabled)
         select f.feed_id, $2, $3, $4, $5, $6, f.enabled from feed f where f.feed_id = $1
         on conflict (feed_id, scope) do update set first_available = excluded.first_available
         where excluded.first_available < s.first_available",
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
