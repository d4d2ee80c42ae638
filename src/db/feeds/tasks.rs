//! What is due, and who works at it.
//!
//! When work is due is told by the program's clock; how long a lease lasts by the database's, which all
//! servers share.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{
    PgConnection, PgPool,
    postgres::{PgListener, PgPoolOptions},
};
use uuid::Uuid;

use crate::domain::feed::TaskKind;

/// What tells of wishes: runs and backfills that wait.
const CHANNELS: [&str; 2] = ["feed_run", "feed_backfill"];

/// A connection of its own that hears of wishes.
pub async fn listener(pool: &PgPool) -> sqlx::Result<PgListener> {
    let options = pool.connect_options().as_ref().clone();
    let own = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    let mut listener = PgListener::connect_with(&own).await?;
    listener.listen_all(CHANNELS).await?;
    Ok(listener)
}

/// How long a lease lasts unless it is renewed.
pub const LEASE: Duration = Duration::from_secs(90);

/// When work is due that nobody asked for.
#[must_use]
pub fn never() -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(9999, 12, 31)
        .and_then(|date| date.and_hms_opt(0, 0, 0))
        .map_or(DateTime::<Utc>::MAX_UTC, |at| at.and_utc())
}

/// A task that was claimed: whose lease it is shows in `lease_epoch`.
#[derive(Debug, Clone)]
pub struct Task {
    /// Its row.
    pub task_id: i64,
    /// Its feed.
    pub feed_id: String,
    /// Its scope.
    pub scope: String,
    /// Its kind.
    pub task_kind: String,
    /// How many runs failed in a row.
    pub fail_count: i32,
    /// How the last try ended.
    pub last_class: Option<String>,
    /// When a run last came to its end.
    pub last_ok: Option<DateTime<Utc>>,
    /// The fencing token: rises with each claim.
    pub lease_epoch: i64,
}

/// Claims up to `limit` due tasks of some kinds, the most urgent first.
pub async fn claim(
    conn: &mut PgConnection,
    me: Uuid,
    kinds: &[TaskKind],
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Task>> {
    let kinds: Vec<String> = kinds.iter().map(ToString::to_string).collect();
    sqlx::query_file_as!(
        Task,
        "sql/queries/feed_claim.sql",
        me,
        LEASE.as_secs_f64(),
        now,
        &kinds,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Claims one task, due or not, unless somebody works at it.
pub async fn claim_one(
    conn: &mut PgConnection,
    me: Uuid,
    feed_id: &str,
    scope: &str,
    kind: TaskKind,
) -> sqlx::Result<Option<Task>> {
    sqlx::query_as!(
        Task,
        "update feed_task set lease_owner = $1, lease_epoch = lease_epoch + 1,
                              lease_until = now() + make_interval(secs => $2)
         where feed_id = $3 and scope = $4 and task_kind = $5 and (lease_until is null or lease_until < now())
         returning task_id, feed_id, scope, task_kind, fail_count, last_class, last_ok, lease_epoch",
        me,
        LEASE.as_secs_f64(),
        feed_id,
        scope,
        kind.as_str(),
    )
    .fetch_optional(conn)
    .await
}

/// Makes a lease last longer; `false` if it is somebody else's by now.
pub async fn renew(
    conn: &mut PgConnection,
    task_id: i64,
    me: Uuid,
    lease_epoch: i64,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update feed_task set lease_until = now() + make_interval(secs => $4)
         where task_id = $1 and lease_owner = $2 and lease_epoch = $3",
        task_id,
        me,
        lease_epoch,
        LEASE.as_secs_f64(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whose a lease is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// Ours.
    Held,
    /// Ours, and somebody wants its work to go no further.
    Paused,
    /// Somebody else's by now: nothing may be committed.
    Lost,
}

/// Locks a task until the transaction ends, and tells whose its lease is.
pub async fn hold(conn: &mut PgConnection, task_id: i64, lease_epoch: i64) -> sqlx::Result<Lease> {
    let task = sqlx::query!(
        "select lease_epoch, paused from feed_task where task_id = $1 for update",
        task_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(match task {
        Some(task) if task.lease_epoch == lease_epoch && task.paused => Lease::Paused,
        Some(task) if task.lease_epoch == lease_epoch => Lease::Held,
        _ => Lease::Lost,
    })
}

/// How a run left its task.
#[derive(Debug)]
pub struct Ending<'a> {
    /// Now.
    pub now: DateTime<Utc>,
    /// When it is due again.
    pub next_due: DateTime<Utc>,
    /// How many runs failed in a row.
    pub fail_count: i32,
    /// How it ended; none: it was stopped, and says nothing about the upstream.
    pub class: Option<&'a str>,
    /// What went wrong.
    pub error: Option<&'a str>,
}

/// Gives a lease back; `false` if it is somebody else's by now.
pub async fn give_back(
    conn: &mut PgConnection,
    task: &Task,
    ending: &Ending<'_>,
) -> sqlx::Result<bool> {
    let done = sqlx::query_file!(
        "sql/queries/feed_give_back.sql",
        task.task_id,
        task.lease_epoch,
        ending.now,
        ending.next_due,
        ending.fail_count,
        ending.class,
        ending.error,
        task.last_ok
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes a task due.
pub async fn make_due(
    conn: &mut PgConnection,
    feed_id: &str,
    scope: &str,
    kind: TaskKind,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into feed_task (feed_id, scope, task_kind, priority, next_due) values ($1, $2, $3, $4, $5)
         on conflict (feed_id, scope, task_kind) do update set next_due = least(feed_task.next_due, $5)",
        feed_id,
        scope,
        kind.as_str(),
        kind.priority(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// When the first task of some kinds is due that nobody works at.
pub async fn next_due(
    conn: &mut PgConnection,
    kinds: &[TaskKind],
) -> sqlx::Result<Option<DateTime<Utc>>> {
    let kinds: Vec<String> = kinds.iter().map(ToString::to_string).collect();
    sqlx::query_scalar!(
        "select min(next_due) from feed_task
         where not paused and (lease_until is null or lease_until < now()) and task_kind = any($1)",
        &kinds
    )
    .fetch_one(conn)
    .await
}

/// Pauses or resumes what a feed does by itself; what somebody asks for by hand is done in any case.
/// Gives the scopes for which that was a change.
pub async fn pause(
    conn: &mut PgConnection,
    feed_id: &str,
    paused: bool,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "update feed_task set paused = $2
         where feed_id = $1 and task_kind <> 'manual' and paused <> $2 returning scope",
        feed_id,
        paused,
    )
    .fetch_all(conn)
    .await
}
