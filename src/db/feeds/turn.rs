//! The order of loads and reads of a scope.
//!
//! A loader holds the exclusive advisory lock (7427, scope) from the moment it assigns `changed_at`
//! until its commit. A reader that takes the shared lock before its view begins sees whatever was
//! changed by its cut-off: nothing can appear later at or below it.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// Advisory lock: who changes the rows of a scope.
pub const LOAD_LOCK: i32 = 7427;

/// Waits until nobody else loads into the scope or begins to read it; then nobody does until the
/// transaction ends. The answer is the instant at which all of its changes are known.
pub async fn take(conn: &mut PgConnection, scope_no: i32) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query!("select pg_advisory_xact_lock($1, $2)", LOAD_LOCK, scope_no)
        .execute(&mut *conn)
        .await?;
    sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(conn).await
}
