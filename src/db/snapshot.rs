//! A consistent view of the database with the instant up to which it knows.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool, Postgres, pool::PoolConnection};

use super::sight::{Sight, Viewer};
use crate::domain::Source;

/// What every read goes by: up to when, and for whom.
#[derive(Debug, Clone)]
pub struct View {
    /// The cut-off: versions with a later `known_at` are not read.
    pub known_at: DateTime<Utc>,
    /// What the caller may see.
    pub sight: Sight,
}

/// One read-only view of the database: every read through it sees the same state.
///
/// A publisher holds the exclusive advisory lock (7421, source) from the moment it assigns
/// `known_at` until its commit. Taking the shared lock before the view begins therefore means that
/// whatever is known by the cut-off is in the view: no version can appear later at or below it.
#[derive(Debug)]
pub struct Snapshot {
    connection: Option<PoolConnection<Postgres>>,
    /// What is read through it.
    pub view: View,
}

/// Why no snapshot could be taken.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The instant asked for has not come yet.
    #[error("{as_of} lies in the future; it is now {now}")]
    Future {
        /// What was asked for.
        as_of: DateTime<Utc>,
        /// The database's clock.
        now: DateTime<Utc>,
    },
    /// The database did not answer.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Snapshot {
    /// Begins a view of `sources` as of `as_of`, or as of now: of what `viewer` may see of them, or,
    /// for the server's own work, of everything.
    pub async fn begin<S: Copy + Into<Source>>(
        pool: &PgPool,
        viewer: Option<Viewer>,
        sources: &[S],
        as_of: Option<DateTime<Utc>>,
    ) -> Result<Self, SnapshotError> {
        let ids: Vec<i16> = sources.iter().map(|&source| source.into().id()).collect();
        // From here on, dropping `snapshot` closes the connection, and with it gives up the locks.
        let view = View { known_at: DateTime::UNIX_EPOCH, sight: Sight::everything() };
        let mut snapshot = Self { connection: Some(pool.acquire().await?), view };
        let connection = snapshot.connection();
        sqlx::query!(
            "select pg_advisory_lock_shared(7421, id) from unnest($1::smallint[]) as id",
            &ids
        )
        .execute(&mut *connection)
        .await?;
        sqlx::raw_sql("begin isolation level repeatable read read only")
            .execute(&mut *connection)
            .await?;
        let now = cut_off(connection, &ids).await?;
        sqlx::query!(
            "select pg_advisory_unlock_shared(7421, id) from unnest($1::smallint[]) as id",
            &ids
        )
        .fetch_all(&mut *connection)
        .await?;
        if let Some(as_of) = as_of.filter(|as_of| *as_of > now) {
            snapshot.finish().await?;
            return Err(SnapshotError::Future { as_of, now });
        }
        snapshot.view.known_at = as_of.unwrap_or(now);
        if let Some(viewer) = viewer {
            snapshot.view.sight = Sight::of(snapshot.connection(), viewer, &ids).await?;
        }
        Ok(snapshot)
    }

    /// The connection to read through.
    ///
    /// # Panics
    /// Never: only [`Snapshot::finish`] takes the connection, and it consumes the snapshot.
    pub fn connection(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("present until finish")
    }

    /// The connection beside what is read through it.
    ///
    /// # Panics
    /// Never, as [`Snapshot::connection`].
    pub fn parts(&mut self) -> (&mut PgConnection, &View) {
        (self.connection.as_mut().expect("present until finish"), &self.view)
    }

    /// Ends the view and gives the connection back. A snapshot that is dropped instead, because
    /// its reader failed or went away, closes the connection and so stops what still runs on it.
    pub async fn finish(mut self) -> sqlx::Result<()> {
        sqlx::raw_sql("commit").execute(self.connection()).await?;
        // Back to the pool: the view is over.
        drop(self.connection.take());
        Ok(())
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.detach());
        }
    }
}

/// The first statement of the view. A clock that was set back must not hide what is known already.
async fn cut_off(connection: &mut PgConnection, ids: &[i16]) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(
        r#"select greatest(clock_timestamp(), max(v.known_at)) as "now!"
           from unnest($1::smallint[]) as d (id)
           left join lateral (
               (select known_at from curve_version where dataset_id = d.id and known_at < 'infinity'
                order by known_at desc limit 1)
               union all
               (select known_at from headroom_version where dataset_id = d.id and known_at < 'infinity'
                order by known_at desc limit 1)) v on true"#,
        ids
    )
    .fetch_one(connection)
    .await
}
