//! How the scopes of feeds fare, at a glance.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::backfills::BackfillRow;

/// A scope and how it fares.
#[derive(Debug, Clone)]
pub struct Overview {
    /// Its feed.
    pub feed_id: String,
    /// Its name.
    pub scope: String,
    /// The state that was last told.
    pub state: String,
    /// Whether it is polled.
    pub enabled: bool,
    /// End of the newest slot with the primary metric.
    pub high_water: Option<DateTime<Utc>>,
    /// End of the unbroken run of such slots from the start of history.
    pub contiguous_to: Option<DateTime<Utc>>,
    /// Gaps that are open.
    pub open_gaps: i64,
    /// When it is polled next; none: it is not.
    pub next_due: Option<DateTime<Utc>>,
    /// When a poll last came to its end.
    pub last_ok: Option<DateTime<Utc>>,
    /// What went wrong last, if that was not mended.
    pub last_error: Option<String>,
    /// How many polls failed in a row.
    pub fail_count: i32,
}

/// The scopes of a feed, or of all, by feed and name.
pub async fn scopes(
    conn: &mut PgConnection,
    feed_id: Option<&str>,
    never: DateTime<Utc>,
) -> sqlx::Result<Vec<Overview>> {
    sqlx::query_file_as!(Overview, "sql/queries/feed_overview.sql", feed_id, never)
        .fetch_all(conn)
        .await
}

/// The backfills of a feed, or of all, that are not at their end or failed.
pub async fn backfills(
    conn: &mut PgConnection,
    feed_id: Option<&str>,
) -> sqlx::Result<Vec<BackfillRow>> {
    sqlx::query_file_as!(BackfillRow, "sql/queries/feed_overview_backfills.sql", feed_id)
        .fetch_all(conn)
        .await
}
