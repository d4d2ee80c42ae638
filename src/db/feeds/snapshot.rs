//! A consistent view of what feeds loaded, with the instant up to which it knows.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool, Postgres, pool::PoolConnection};

use super::turn::LOAD_LOCK;
use crate::db::snapshot::SnapshotError;

/// One read-only view of some scopes: every read through it sees the same state.
///
/// A loader holds the exclusive advisory lock ([`LOAD_LOCK`], scope) from the moment it assigns
/// `changed_at` until its commit. Taking the shared lock before the view begins therefore means that
/// whatever is known by the cut-off is in the view: nothing can appear later at or below it.
#[derive(Debug)]
pub struct FeedSnapshot {
    connection: Option<PoolConnection<Postgres>>,
    /// The cut-off, which `X-Known-At` tells.
    pub known_at: DateTime<Utc>,
    /// The cut-off where the caller asked for one: revisions are looked up only then.
    pub as_of: Option<DateTime<Utc>>,
    /// Whether the cut-off is that of the page before, of a list of what is known now: sums that were kept
    /// then count on this page, too.
    pub continues: bool,
}

impl FeedSnapshot {
    /// Begins a view of the scopes with these numbers, as of `as_of` or as of now.
    pub async fn begin(
        pool: &PgPool,
        scopes: &[i32],
        as_of: Option<DateTime<Utc>>,
    ) -> Result<Self, SnapshotError> {
        // From here on, dropping the snapshot closes the connection, and with it gives up the locks.
        let (connection, known_at) = (Some(pool.acquire().await?), DateTime::UNIX_EPOCH);
        let mut snapshot = Self { connection, known_at, as_of, continues: false };
        let connection = snapshot.connection();
        sqlx::query!(
            "select pg_advisory_lock_shared($1, id) from unnest($2::integer[]) as id",
            LOAD_LOCK,
            scopes
        )
        .execute(&mut *connection)
        .await?;
        sqlx::raw_sql("begin isolation level repeatable read read only")
            .execute(&mut *connection)
            .await?;
        let now = cut_off(connection, scopes).await?;
        sqlx::query!(
            "select pg_advisory_unlock_shared($1, id) from unnest($2::integer[]) as id",
            LOAD_LOCK,
            scopes
        )
        .fetch_all(&mut *connection)
        .await?;
        if let Some(as_of) = as_of.filter(|as_of| *as_of > now) {
            snapshot.finish().await?;
            return Err(SnapshotError::Future { as_of, now });
        }
        snapshot.known_at = as_of.unwrap_or(now);
        Ok(snapshot)
    }

    /// The connection to read through.
    ///
    /// # Panics
    /// Never: only [`FeedSnapshot::finish`] takes the connection, and it consumes the snapshot.
    pub fn connection(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("present until finish")
    }

    /// Ends the view and gives the connection back. A snapshot that is dropped instead closes the
    /// connection and so stops what still runs on it.
    pub async fn finish(mut self) -> sqlx::Result<()> {
        sqlx::raw_sql("commit").execute(self.connection()).await?;
        drop(self.connection.take());
        Ok(())
    }
}

impl Drop for FeedSnapshot {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.detach());
        }
    }
}

/// The first statement of the view. A clock that was set back must not hide what was loaded already.
async fn cut_off(connection: &mut PgConnection, scopes: &[i32]) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(
        r#"select greatest(clock_timestamp(), max(w.updated_at)) as "now!"
           from feed_scope s join feed_watermark w using (feed_id, scope)
           where s.scope_no = any($1)"#,
        scopes
    )
    .fetch_one(connection)
    .await
}
