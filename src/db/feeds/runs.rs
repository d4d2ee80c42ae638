//! Passes over the scopes of feeds, by plan or by hand.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::feed::TaskKind;

/// A run that somebody asked for.
#[derive(Debug, Clone)]
pub struct QueuedRun {
    /// Its number.
    pub run_id: i64,
    /// From when; none: what is due.
    pub from_at: Option<DateTime<Utc>>,
    /// Until when.
    pub to_at: Option<DateTime<Utc>>,
    /// What came of it before it was to wait again.
    pub totals: Value,
}

/// Begins a run by plan.
pub async fn begin(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
    kind: TaskKind,
    now: DateTime<Utc>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into feed_run (feed_id, scope, task_kind, requested_at, started_at, state)
         values ($1, $2, $3, $4, $4, 'running') returning run_id",
        feed_id,
        scope,
        kind.as_str(),
        now
    )
    .fetch_one(conn)
    .await
}

/// Begins a run that loads nothing. Nobody else takes it up.
pub async fn begin_dry(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
    now: DateTime<Utc>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"insert into feed_run (feed_id, scope, task_kind, requested_at, started_at, state, totals)
           values ($1, $2, 'manual', $3, $3, 'running', '{"dry_run": true}') returning run_id"#,
        feed_id,
        scope,
        now
    )
    .fetch_one(conn)
    .await
}

/// Lets a run by hand wait for a server.
pub async fn queue(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
    (from, to): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    requested_by: Option<Uuid>,
    now: DateTime<Utc>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into feed_run (feed_id, scope, task_kind, from_at, to_at, requested_by, requested_at, state)
         values ($1, $2, 'manual', $3, $4, $5, $6, 'queued') returning run_id",
        feed_id,
        scope,
        from,
        to,
        requested_by,
        now
    )
    .fetch_one(conn)
    .await
}

/// The run by hand that waits or is done now and brings all of a window, if there is one.
pub async fn bringing(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "select min(run_id) from feed_run
         where feed_id = $1 and scope = $2 and task_kind = 'manual' and state in ('queued', 'running')
           and not totals ? 'dry_run' and from_at <= $3 and to_at >= $4",
        feed_id,
        scope,
        from,
        to
    )
    .fetch_one(conn)
    .await
}

/// Takes the oldest run by hand that waits. Whoever does holds the lease of the scope's manual task:
/// a run that is told to be running was left behind by somebody who is gone.
pub async fn take(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
    now: DateTime<Utc>,
) -> sqlx::Result<Option<QueuedRun>> {
    sqlx::query_as!(
        QueuedRun,
        "update feed_run set state = 'running', started_at = coalesce(started_at, $3)
         where run_id = (select run_id from feed_run
                         where feed_id = $1 and scope = $2 and task_kind = 'manual'
                           and state in ('queued', 'running') and not totals ? 'dry_run'
                         order by run_id limit 1)
         returning run_id, from_at, to_at, totals",
        feed_id,
        scope,
        now
    )
    .fetch_optional(conn)
    .await
}

/// Whether a run by hand waits.
pub async fn is_queued(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from feed_run
           where feed_id = $1 and scope = $2 and task_kind = 'manual' and state in ('queued', 'running')
                 and not totals ? 'dry_run') as "is!""#,
        feed_id,
        scope,
    )
    .fetch_one(conn)
    .await
}

/// How many runs by hand wait.
pub async fn count_queued(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "n!" from feed_run
           where feed_id = $1 and scope = $2 and state = 'queued' and task_kind = 'manual'"#,
        feed_id,
        scope,
    )
    .fetch_one(conn)
    .await
}

/// Lets a run that did not come to its end wait again; of one with a range, for what is left from `from`
/// on where that is said.
pub async fn requeue(
    conn: &mut PgConnection,
    run_id: i64,
    totals: Value,
    from: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update feed_run set state = 'queued', totals = $2,
                from_at = case when from_at is not null then coalesce($3, from_at) end
         where run_id = $1",
        run_id,
        totals,
        from
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a run, one way or the other.
pub async fn finish(
    conn: &mut PgConnection,
    run_id: i64,
    state: &str,
    totals: Value,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update feed_run set state = $2, totals = $3, finished_at = $4 where run_id = $1",
        run_id,
        state,
        totals,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the runs by plan that somebody who is gone left behind.
pub async fn close_left(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
    kind: TaskKind,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update feed_run set state = 'failed', finished_at = $4,
                  totals = totals || '{"error": "whoever worked at it is gone"}'
           where feed_id = $1 and scope = $2 and task_kind = $3 and state = 'running'"#,
        feed_id,
        scope,
        kind.as_str(),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A run and what came of it.
#[derive(Debug, Clone)]
pub struct RunRow {
    /// Its scope.
    pub scope: String,
    /// `queued`, `running`, `done` or `failed`.
    pub state: String,
    /// What came of it.
    pub totals: Value,
}

/// One run.
pub async fn find(conn: &mut PgConnection, run_id: i64) -> sqlx::Result<Option<RunRow>> {
    sqlx::query_as!(RunRow, "select scope, state, totals from feed_run where run_id = $1", run_id)
        .fetch_optional(conn)
        .await
}

/// Notes what came of a run so far.
pub async fn note(conn: &mut PgConnection, run_id: i64, totals: &Value) -> sqlx::Result<()> {
    sqlx::query!("update feed_run set totals = $2 where run_id = $1", run_id, totals)
        .execute(conn)
        .await?;
    Ok(())
}

/// What became of the rows of a page.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    /// Not known before.
    pub new: i32,
    /// Another content.
    pub changed: i32,
    /// As they were.
    pub same: i32,
    /// Left out.
    pub rejected: i32,
}

/// Notes that the rows of a page are loaded, and what loading found besides what reading it had.
pub async fn loaded(
    conn: &mut PgConnection,
    fetch_id: i64,
    counts: Counts,
    findings: Value,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update feed_fetch set loaded_at = $2, rows_new = $3, rows_changed = $4, rows_same = $5,
                               rows_rejected = rows_rejected + $6, findings = findings || $7
         where fetch_id = $1",
        fetch_id,
        now,
        counts.new,
        counts.changed,
        counts.same,
        counts.rejected,
        findings
    )
    .execute(conn)
    .await?;
    Ok(())
}
