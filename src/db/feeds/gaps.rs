//! Where slots are missing.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// A gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapRow {
    /// Start of the first slot that is missing.
    pub start_at: DateTime<Utc>,
    /// End of the last.
    pub end_at: DateTime<Utc>,
    /// `open`, `filled` or `upstream_absent`.
    pub state: String,
    /// How often it was asked for again.
    pub tries: i32,
    /// When that counts next.
    pub next_try: Option<DateTime<Utc>>,
    /// When it was found.
    pub opened_at: DateTime<Utc>,
    /// When it was filled or given up.
    pub closed_at: Option<DateTime<Utc>>,
}

/// The gaps that lie in a range or touch it, in order.
pub async fn touching(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> sqlx::Result<Vec<GapRow>> {
    sqlx::query_file_as!(GapRow, "sql/queries/feed_gaps_touching.sql", feed_id, scope, from, to)
        .fetch_all(conn)
        .await
}

/// Puts gaps in the place of others.
pub async fn replace(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
    gone: &[DateTime<Utc>],
    gaps: &[GapRow],
) -> sqlx::Result<()> {
    if !gone.is_empty() {
        sqlx::query!(
            "delete from feed_gap where feed_id = $1 and scope = $2 and start_at = any($3)",
            feed_id,
            scope,
            gone
        )
        .execute(&mut *conn)
        .await?;
    }
    if gaps.is_empty() {
        return Ok(());
    }
    let starts: Vec<_> = gaps.iter().map(|gap| gap.start_at).collect();
    let ends: Vec<_> = gaps.iter().map(|gap| gap.end_at).collect();
    let states: Vec<_> = gaps.iter().map(|gap| gap.state.clone()).collect();
    let tries: Vec<_> = gaps.iter().map(|gap| gap.tries).collect();
    let next: Vec<_> = gaps.iter().map(|gap| gap.next_try).collect();
    let opened: Vec<_> = gaps.iter().map(|gap| gap.opened_at).collect();
    let closed: Vec<_> = gaps.iter().map(|gap| gap.closed_at).collect();
    sqlx::query_file!(
        "sql/queries/feed_gaps_put.sql",
        feed_id,
        scope,
        &starts,
        &ends,
        &states,
        &tries,
        &next as &[Option<DateTime<Utc>>],
        &opened,
        &closed as &[Option<DateTime<Utc>>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The oldest open gaps between two instants that are to be asked for again.
pub async fn due(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
    (after, before): (DateTime<Utc>, DateTime<Utc>),
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<(DateTime<Utc>, DateTime<Utc>)>> {
    let rows = sqlx::query!(
        "select start_at, end_at from feed_gap
         where feed_id = $1 and scope = $2 and state = 'open' and end_at > $6 and start_at < $3
           and next_try <= $4
         order by start_at limit $5",
        feed_id,
        scope,
        before,
        now,
        limit,
        after
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.start_at, row.end_at)).collect())
}
