//! History that is fetched piece by piece.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A piece of history that is wanted.
#[derive(Debug, Clone)]
pub struct BackfillRow {
    /// Its number.
    pub backfill_id: i64,
    /// Its feed.
    pub feed_id: String,
    /// Its scope.
    pub scope: String,
    /// From when.
    pub from_at: DateTime<Utc>,
    /// Until when.
    pub to_at: DateTime<Utc>,
    /// How far it came: `{"window_start", "window_end", "page_size", "page"}`.
    pub cursor: Option<Value>,
    /// `queued`, `running`, `paused`, `done`, `failed` or `cancelled`.
    pub state: String,
    /// One event a slot even where it is old.
    pub every_slot: bool,
    /// Windows in all.
    pub windows_total: i32,
    /// Windows that are done.
    pub windows_done: i32,
    /// Of these, those that were refused for good.
    pub windows_failed: i32,
    /// Rows that were not known before.
    pub rows_new: i64,
    /// Rows with another content.
    pub rows_changed: i64,
    /// Rows as they were.
    pub rows_same: i64,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it last came further.
    pub progress_at: Option<DateTime<Utc>>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// One backfill.
pub async fn find(conn: &mut PgConnection, backfill_id: i64) -> sqlx::Result<Option<BackfillRow>> {
    sqlx::query_file_as!(
        BackfillRow,
        "sql/queries/feed_backfills.sql",
        Some(backfill_id),
        None::<&str>,
        None::<&str>
    )
    .fetch_optional(conn)
    .await
}

/// The backfills of a scope that are not at their end, oldest range first.
pub async fn open(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
) -> sqlx::Result<Vec<BackfillRow>> {
    sqlx::query_file_as!(
        BackfillRow,
        "sql/queries/feed_backfills.sql",
        None::<i64>,
        Some(feed_id),
        Some(scope)
    )
    .fetch_all(conn)
    .await
}

/// The ranges of all backfills of a scope that there ever were, but those that failed before
/// `failed_since`.
pub async fn ranges(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
    failed_since: DateTime<Utc>,
) -> sqlx::Result<Vec<(DateTime<Utc>, DateTime<Utc>)>> {
    let rows = sqlx::query!(
        "select from_at, to_at from feed_backfill
         where feed_id = $1 and scope = $2 and (state <> 'failed' or finished_at >= $3)",
        feed_id,
        scope,
        failed_since
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.from_at, row.to_at)).collect())
}

/// Lets a piece of history wait for a server.
pub async fn insert(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    windows_total: i32,
    requested_by: Option<Uuid>,
    now: DateTime<Utc>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into feed_backfill (feed_id, scope, from_at, to_at, state, windows_total, requested_by, requested_at)
         values ($1, $2, $3, $4, 'queued', $5, $6, $7) returning backfill_id",
        feed_id,
        scope,
        from,
        to,
        windows_total,
        requested_by,
        now
    )
    .fetch_one(conn)
    .await
}

/// Gives an open backfill another range.
pub async fn stretch(
    conn: &mut PgConnection,
    backfill_id: i64,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    windows_total: i32,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update feed_backfill set from_at = $2, to_at = $3, windows_total = $4 where backfill_id = $1",
        backfill_id,
        from,
        to,
        windows_total
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets backfills tell of each slot from now on, however old it is.
pub async fn tell_every_slot(conn: &mut PgConnection, backfill_ids: &[i64]) -> sqlx::Result<()> {
    sqlx::query!(
        "update feed_backfill set every_slot = true where backfill_id = any($1)",
        backfill_ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves a backfill from one of some states to another; `false` if it is in none of them. One that failed
/// begins anew.
pub async fn turn(
    conn: &mut PgConnection,
    backfill_id: i64,
    from: &[&str],
    to: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let from: Vec<String> = from.iter().map(|&state| state.to_owned()).collect();
    let done = sqlx::query!(
        "update feed_backfill set state = $3, progress_at = case when $3 = 'running' then $4 else progress_at end,
                started_at = case when $3 = 'running' then coalesce(started_at, $4) else started_at end,
                finished_at = case when $3 in ('done', 'failed', 'cancelled') then $4 end,
                last_error = case when $3 in ('done', 'running') then null else last_error end,
                cursor = case when state = 'failed' and $3 = 'queued' then null else cursor end,
                windows_done = case when state = 'failed' and $3 = 'queued' then 0 else windows_done end,
                windows_failed = case when state = 'failed' and $3 = 'queued' then 0 else windows_failed end
         where backfill_id = $1 and state = any($2)",
        backfill_id,
        &from,
        to,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends a backfill that came to `to`, unless it was stretched meanwhile: `done` or `failed`, with what
/// there is to say of windows that failed.
pub async fn complete(
    conn: &mut PgConnection,
    backfill_id: i64,
    to: DateTime<Utc>,
    (state, error): (&str, Option<&str>),
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update feed_backfill set state = $4, finished_at = $3, progress_at = $3, last_error = $5
         where backfill_id = $1 and state = 'running' and to_at <= $2",
        backfill_id,
        to,
        now,
        state,
        error
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes what stood in the way; it waits and goes on where it was.
pub async fn wait(conn: &mut PgConnection, backfill_id: i64, error: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update feed_backfill set last_error = $2, state = 'queued'
         where backfill_id = $1 and state = 'running'",
        backfill_id,
        error
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How far a page brought a backfill.
#[derive(Debug)]
pub struct Step {
    /// Where it goes on.
    pub cursor: Value,
    /// Windows that this page ended.
    pub windows: i32,
    /// Windows that failed by it.
    pub failed: i32,
    /// Rows that were not known before.
    pub new: i64,
    /// Rows with another content.
    pub changed: i64,
    /// Rows as they were.
    pub same: i64,
}

/// Moves the cursor, in the transaction of the page; gives the backfill as it is then.
pub async fn advance(
    conn: &mut PgConnection,
    backfill_id: i64,
    step: &Step,
    now: DateTime<Utc>,
) -> sqlx::Result<BackfillRow> {
    sqlx::query_file_as!(
        BackfillRow,
        "sql/queries/feed_backfill_advance.sql",
        backfill_id,
        step.cursor,
        step.windows,
        step.failed,
        step.new,
        step.changed,
        step.same,
        now
    )
    .fetch_one(conn)
    .await
}
