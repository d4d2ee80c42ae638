//! What works in the background: jobs, attempts at them, and how their workers are woken.
//!
//! View `job` says what a job is; a worker notes here how its attempts end.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::domain::{Dataset, words};

words! {
    /// What has become of a job.
    JobState("a state of a job") {
        /// Nobody has begun.
        Waiting = "waiting",
        /// A server works at it.
        Running = "running",
        /// The last attempt failed; it is tried again.
        Failed = "failed",
        /// Its consequences are stored.
        Done = "done",
    }
}

/// A kind of job, with how many of each state there are.
#[derive(Debug, Clone)]
pub struct JobKind {
    /// Its word.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it does.
    pub note: String,
    /// Nobody has begun.
    pub waiting: i64,
    /// A server works at them.
    pub running: i64,
    /// The last attempt failed.
    pub failed: i64,
    /// Done.
    pub done: i64,
}

/// A job: a row of view `job`.
#[derive(Debug, Clone)]
pub struct JobRow {
    /// Row of `event`.
    pub id: i64,
    /// The word of its kind.
    pub kind: String,
    /// The dataset that set it off: row of `dataset`.
    pub dataset_id: i16,
    /// The version that set it off.
    pub version_id: i64,
    /// When it was set off.
    pub created_at: DateTime<Utc>,
    /// Waiting, running, failed or done.
    pub state: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When the last attempt ended.
    pub last_at: Option<DateTime<Utc>>,
    /// What went wrong, the last time that something did.
    pub last_error: Option<String>,
    /// When it was done.
    pub done_at: Option<DateTime<Utc>>,
}

/// Which jobs.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Of this kind.
    pub kind: Option<String>,
    /// In this state.
    pub state: Option<JobState>,
    /// Set off before this one.
    pub before: Option<i64>,
}

/// The kinds of jobs, by name.
pub async fn kinds(pool: &PgPool) -> sqlx::Result<Vec<JobKind>> {
    sqlx::query_as!(
        JobKind,
        r#"select k.kind, k.name, k.note,
                  count(*) filter (where j.state = 'waiting') as "waiting!",
                  count(*) filter (where j.state = 'running') as "running!",
                  count(*) filter (where j.state = 'failed') as "failed!",
                  count(*) filter (where j.state = 'done') as "done!"
           from job_kind k left join job j on j.kind = k.kind
           group by k.kind order by k.name"#
    )
    .fetch_all(pool)
    .await
}

/// Jobs, newest first.
pub async fn list(pool: &PgPool, filter: &JobFilter, limit: i64) -> sqlx::Result<Vec<JobRow>> {
    sqlx::query_as!(
        JobRow,
        r#"select id as "id!", kind as "kind!", dataset_id as "dataset_id!", version_id as "version_id!",
                  created_at as "created_at!", state as "state!", attempts as "attempts!",
                  last_at, last_error, done_at
           from job
           where ($1::text is null or kind = $1) and ($2::text is null or state = $2)
             and ($3::bigint is null or id < $3)
           order by id desc limit $4"#,
        filter.kind,
        filter.state.map(JobState::as_str),
        filter.before,
        limit
    )
    .fetch_all(pool)
    .await
}

/// One job.
pub async fn find(connection: &mut PgConnection, id: i64) -> sqlx::Result<Option<JobRow>> {
    sqlx::query_as!(
        JobRow,
        r#"select id as "id!", kind as "kind!", dataset_id as "dataset_id!", version_id as "version_id!",
                  created_at as "created_at!", state as "state!", attempts as "attempts!",
                  last_at, last_error, done_at
           from job where id = $1"#,
        id
    )
    .fetch_optional(connection)
    .await
}

/// Wakes whoever works at a kind of job, when the transaction commits.
pub async fn wake(connection: &mut PgConnection, kind: &str) -> sqlx::Result<()> {
    sqlx::query!("select pg_notify(channel, '') from job_kind where kind = $1", kind)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes an attempt at each of `events`: `error` says why it failed.
pub async fn attempted(
    connection: &mut PgConnection,
    events: &[i64],
    error: Option<&str>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into job_attempt as a (event_id, attempts, last_at, last_error)
         select id, 1, $2, $3 from unnest($1::bigint[]) as id
         on conflict (event_id) do update
         set attempts = a.attempts + 1, last_at = excluded.last_at,
             last_error = coalesce(excluded.last_error, a.last_error)",
        events,
        now,
        error
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A new job of kind `headroom`, about the current Matrix version of the newest day; none where
/// there is no Matrix. The database wakes the workers.
pub async fn ask_for_headroom(
    connection: &mut PgConnection,
    matrix: Dataset,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "insert into event (kind, dataset_id, version_id, created_at)
         select 'headroom', dataset_id, id, $2 from curve_version
         where dataset_id = $1 and valid_to is null and known_at < 'infinity'
         order by operating_day desc limit 1
         returning id",
        matrix.id(),
        now
    )
    .fetch_optional(connection)
    .await
}
