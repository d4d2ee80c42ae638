//! What tells one state of rows from another, without a look at the rows.

use crate::{db::feeds::snapshot::FeedSnapshot, domain::feed::Window};

/// The state of rows of a table that begin in a window: of one feed and region.
///
/// It is how many rows of the window's months were ever written: whatever is written makes it grow. What
/// was known at an instant is the same for ever; then it is none.
pub async fn state(
    snapshot: &mut FeedSnapshot,
    table: &str,
    (feed_id, region_id): (&str, &str),
    window: Window,
) -> sqlx::Result<Option<i64>> {
    if snapshot.as_of.is_some() {
        return Ok(None);
    }
    sqlx::query_scalar!(
        "select sum(changes)::bigint from feed_change
         where table_name = $1 and feed_id = $2 and region_id = $3
           and month >= date_trunc('month', $4::timestamptz at time zone 'UTC')
           and month < $5::timestamptz at time zone 'UTC'",
        table,
        feed_id,
        region_id,
        window.from(),
        window.to()
    )
    .fetch_one(snapshot.connection())
    .await
}
