//! How feeds fare, as it is told to people.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{backfills::BackfillRow, tasks::never};

/// A feed as it was written down at the last start.
#[derive(Debug)]
pub struct FeedInfo {
    /// Its id.
    pub feed_id: String,
    /// By which regions are known.
    pub provider: String,
    /// Length of a slot.
    pub step_secs: Option<i32>,
    /// How its stamps are read.
    pub time_semantics: String,
    /// Tells whether a slot is there.
    pub primary_metric: Option<String>,
    /// History before this is not asked for.
    pub not_before: DateTime<Utc>,
    /// How far back each run asks.
    pub look_back_secs: i64,
    /// How often it is asked.
    pub poll_every_secs: i64,
    /// How old the newest slot may be.
    pub expected_lag_secs: i64,
    /// Whether it is polled.
    pub enabled: bool,
    /// Of queries that name none.
    pub default_factor_set: Option<String>,
    /// What must stand beside its figures.
    pub attribution: String,
    /// The other settings in force, without secrets.
    pub config: Value,
}

/// One feed, or a page of all after one, by id.
pub async fn feeds(
    conn: &mut PgConnection,
    only: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<FeedInfo>> {
    sqlx::query_file_as!(FeedInfo, "sql/queries/feed_status_feeds.sql", only, after, limit)
        .fetch_all(conn)
        .await
}

/// Who asks: scopes of meters are shown to those who may read the meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader {
    /// The user.
    pub user_id: Option<Uuid>,
    /// Whether everything is shown.
    pub is_admin: bool,
}

impl Reader {
    /// Whoever administers, and the program itself.
    pub const ADMIN: Self = Self { user_id: None, is_admin: true };
}

/// How a scope fares.
#[derive(Debug)]
pub struct ScopeInfo {
    /// Its feed.
    pub feed_id: String,
    /// Its name.
    pub scope: String,
    /// The region that its rows are of.
    pub region_id: Option<String>,
    /// The region's name.
    pub region_name: Option<String>,
    /// The meter that its rows are of.
    pub meter_id: Option<String>,
    /// The tariff that its rows are of.
    pub tariff_code: Option<String>,
    /// Whether it is polled.
    pub enabled: bool,
    /// The first instant that the upstream has.
    pub first_available: DateTime<Utc>,
    /// End of the newest slot.
    pub high_water: Option<DateTime<Utc>>,
    /// End of the unbroken run of slots from the start of history.
    pub contiguous_to: Option<DateTime<Utc>>,
    /// Whether somebody paused it.
    pub paused: bool,
    /// Runs that failed since the last that did not: polls, and what was asked for by hand.
    pub fail_count: i32,
    /// How the last of them ended.
    pub last_class: Option<String>,
    /// When one last went well.
    pub last_ok: Option<DateTime<Utc>>,
    /// When the last ended.
    pub last_try: Option<DateTime<Utc>>,
    /// What went wrong in it.
    pub last_error: Option<String>,
    /// When something is due next; none: nothing is.
    pub next_due: Option<DateTime<Utc>>,
    /// Open gaps.
    pub open_gaps: i64,
    /// How long they are together.
    pub open_gap_secs: i64,
}

impl ScopeInfo {
    /// How old the end of the newest slot is.
    #[must_use]
    pub fn lag(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        self.high_water.map(|high_water| now - high_water)
    }

    /// When it went wrong, if it did at last.
    #[must_use]
    pub fn error_at(&self) -> Option<DateTime<Utc>> {
        self.last_try.filter(|_| self.last_error.is_some())
    }
}

/// How the scopes of some feeds fare, or one of them: those that are polled first.
pub async fn scopes(
    conn: &mut PgConnection,
    feed_ids: &[String],
    scope: Option<&str>,
    reader: Reader,
) -> sqlx::Result<Vec<ScopeInfo>> {
    sqlx::query_file_as!(
        ScopeInfo,
        "sql/queries/feed_status_scopes.sql",
        feed_ids,
        scope,
        reader.is_admin,
        reader.user_id,
        never()
    )
    .fetch_all(conn)
    .await
}

/// How one scope fares, as the program itself sees it.
pub async fn scope(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
) -> sqlx::Result<Option<ScopeInfo>> {
    Ok(scopes(conn, &[feed_id.to_owned()], Some(scope), Reader::ADMIN).await?.pop())
}

/// The backfills of some feeds that are open, and those that ended since.
pub async fn backfills(
    conn: &mut PgConnection,
    feed_ids: &[String],
    scope: Option<&str>,
    ended_since: DateTime<Utc>,
) -> sqlx::Result<Vec<BackfillRow>> {
    sqlx::query_file_as!(
        BackfillRow,
        "sql/queries/feed_status_backfills.sql",
        feed_ids,
        scope,
        ended_since
    )
    .fetch_all(conn)
    .await
}

/// A gap of a scope.
#[derive(Debug)]
pub struct GapInfo {
    /// Its scope.
    pub scope: String,
    /// Start of the first slot that is missing.
    pub start_at: DateTime<Utc>,
    /// End of the last.
    pub end_at: DateTime<Utc>,
    /// `open`, `filled` or `upstream_absent`.
    pub state: String,
    /// How often it was asked for again.
    pub tries: i32,
    /// When it is asked for again.
    pub next_try: Option<DateTime<Utc>>,
    /// When it was found.
    pub opened_at: DateTime<Utc>,
    /// When it was filled or given up.
    pub closed_at: Option<DateTime<Utc>>,
}

/// Which gaps.
#[derive(Debug, Clone, Copy)]
pub struct GapFilter<'a> {
    /// Of this feed.
    pub feed_id: &'a str,
    /// Of this scope.
    pub scope: Option<&'a str>,
    /// In this state.
    pub state: Option<&'a str>,
    /// Before this one: its start and its scope.
    pub before: Option<(DateTime<Utc>, &'a str)>,
    /// Who asks.
    pub reader: Reader,
    /// At most.
    pub limit: i64,
}

/// Gaps, newest first.
pub async fn gaps(conn: &mut PgConnection, filter: &GapFilter<'_>) -> sqlx::Result<Vec<GapInfo>> {
    sqlx::query_file_as!(
        GapInfo,
        "sql/queries/feed_status_gaps.sql",
        filter.feed_id,
        filter.scope,
        filter.state,
        filter.before.map(|(start, _)| start),
        filter.before.map(|(_, scope)| scope),
        filter.reader.is_admin,
        filter.reader.user_id,
        filter.limit
    )
    .fetch_all(conn)
    .await
}

/// An answer of an upstream, or one that did not come.
#[derive(Debug)]
pub struct FetchInfo {
    /// Its number.
    pub fetch_id: i64,
    /// Why it was asked.
    pub task_kind: String,
    /// The address without secrets.
    pub url_redacted: String,
    /// Start of the window that was asked for.
    pub window_from: Option<DateTime<Utc>>,
    /// Its end.
    pub window_to: Option<DateTime<Utc>>,
    /// Which page of it.
    pub page: i32,
    /// Which try.
    pub attempt: i16,
    /// The status; none: nothing came.
    pub status: Option<i16>,
    /// What became of it.
    pub class: String,
    /// When it came.
    pub fetched_at: DateTime<Utc>,
    /// How long it took.
    pub duration_ms: i32,
    /// Bytes of the body.
    pub bytes: i64,
    /// Rows that were not known before.
    pub rows_new: i32,
    /// Rows with another content.
    pub rows_changed: i32,
    /// Rows as they were.
    pub rows_same: i32,
    /// Rows that were left out.
    pub rows_rejected: i32,
    /// What is odd about it: a list.
    pub findings: Value,
    /// Whether its bytes are kept.
    pub has_document: bool,
}

/// The newest answers of a scope.
pub async fn fetches(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
    limit: i64,
) -> sqlx::Result<Vec<FetchInfo>> {
    sqlx::query_file_as!(FetchInfo, "sql/queries/feed_status_fetches.sql", feed_id, scope, limit)
        .fetch_all(conn)
        .await
}
