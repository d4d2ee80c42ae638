//! What works in the background: jobs, attempts at them, and how their workers are woken.
//!
//! View `job` says what a job is; a worker notes here how its attempts end.

use std::{
    fmt::{Display, Formatter},
    str::FromStr,
};

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
    /// The word of its kind.
    pub kind: String,
    /// Its number among those of its kind.
    pub number: i64,
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

/// Where a job stands in the queue: newest first, then by number and kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobPlace {
    /// When it was set off.
    pub created_at: DateTime<Utc>,
    /// Which it is.
    pub job: JobId,
}

/// Which job: its kind and its number, `headroom-41`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobId {
    /// The word of its kind.
    pub kind: String,
    /// Its number among those of its kind.
    pub number: i64,
}

impl JobRow {
    /// Which it is.
    #[must_use]
    pub fn id(&self) -> JobId {
        JobId { kind: self.kind.clone(), number: self.number }
    }

    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> JobPlace {
        JobPlace { created_at: self.created_at, job: self.id() }
    }
}

impl Display for JobId {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.kind, self.number)
    }
}

/// A text that names no job, or no place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("take it from the list")]
pub struct NoJob;

impl FromStr for JobId {
    type Err = NoJob;

    fn from_str(text: &str) -> Result<Self, NoJob> {
        let (kind, number) = text.rsplit_once('-').ok_or(NoJob)?;
        Ok(Self { kind: kind.to_owned(), number: number.parse().map_err(|_| NoJob)? })
    }
}

impl Display for JobPlace {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.created_at.timestamp_micros(), self.job)
    }
}

impl FromStr for JobPlace {
    type Err = NoJob;

    fn from_str(text: &str) -> Result<Self, NoJob> {
        let (micros, job) = text.split_once('.').ok_or(NoJob)?;
        let micros = micros.parse().map_err(|_| NoJob)?;
        let created_at = DateTime::from_timestamp_micros(micros).ok_or(NoJob)?;
        Ok(Self { created_at, job: job.parse()? })
    }
}

/// Which jobs.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Of this kind.
    pub kind: Option<String>,
    /// In this state.
    pub state: Option<JobState>,
    /// Below this one.
    pub before: Option<JobPlace>,
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
        r#"select kind as "kind!", id as "number!", dataset_id as "dataset_id!", version_id as "version_id!",
                  created_at as "created_at!", state as "state!", attempts as "attempts!",
                  last_at, last_error, done_at
           from job
           where ($1::text is null or kind = $1) and ($2::text is null or state = $2)
             and ($3::timestamptz is null or (created_at, id, kind) < ($3, $4, $5))
           order by created_at desc, id desc, kind desc limit $6"#,
        filter.kind,
        filter.state.map(JobState::as_str),
        filter.before.as_ref().map(|place| place.created_at),
        filter.before.as_ref().map(|place| place.job.number),
        filter.before.as_ref().map(|place| place.job.kind.as_str()),
        limit
    )
    .fetch_all(pool)
    .await
}

/// One job.
pub async fn find(connection: &mut PgConnection, id: &JobId) -> sqlx::Result<Option<JobRow>> {
    sqlx::query_as!(
        JobRow,
        r#"select kind as "kind!", id as "number!", dataset_id as "dataset_id!", version_id as "version_id!",
                  created_at as "created_at!", state as "state!", attempts as "attempts!",
                  last_at, last_error, done_at
           from job where kind = $1 and id = $2"#,
        id.kind,
        id.number
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

/// Notes an attempt at each of some jobs of a kind: `error` says why it failed.
pub async fn attempted(
    connection: &mut PgConnection,
    kind: &str,
    numbers: &[i64],
    error: Option<&str>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into job_attempt as a (kind, id, attempts, last_at, last_error)
         select $4, id, 1, $2, $3 from unnest($1::bigint[]) as id
         on conflict (kind, id) do update
         set attempts = a.attempts + 1, last_at = excluded.last_at,
             last_error = coalesce(excluded.last_error, a.last_error)",
        numbers,
        now,
        error,
        kind
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The kind of job that [`crate::headroom`] does.
pub const HEADROOM: &str = "headroom";

/// A new job of kind [`HEADROOM`], about the current Matrix version of the newest day; none where
/// there is no Matrix. The database wakes the workers.
pub async fn ask_for_headroom(
    connection: &mut PgConnection,
    matrix: Dataset,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<JobId>> {
    let asked = sqlx::query_scalar!(
        "insert into event (kind, dataset_id, version_id, created_at)
         select 'headroom', dataset_id, id, $2 from curve_version
         where dataset_id = $1 and valid_to is null and known_at < 'infinity'
         order by operating_day desc limit 1
         returning id",
        matrix.id(),
        now
    )
    .fetch_optional(connection)
    .await?;
    Ok(asked.map(|number| JobId { kind: HEADROOM.to_owned(), number }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_places_are_read_as_they_are_written() {
        let job = JobId { kind: "bi-prices".into(), number: 41 };
        let place = JobPlace { created_at: DateTime::UNIX_EPOCH, job: job.clone() };
        assert_eq!((job.to_string().parse(), place.to_string().parse()), (Ok(job), Ok(place)));
        for wrong in
            ["", "41", "headroom", "headroom-", "headroom-x", "headroom-99999999999999999999"]
        {
            assert_eq!(wrong.parse::<JobId>(), Err(NoJob), "{wrong}");
            assert_eq!(format!("0.{wrong}").parse::<JobPlace>(), Err(NoJob), "{wrong}");
        }
        assert_eq!("x.headroom-1".parse::<JobPlace>(), Err(NoJob));
    }
}
