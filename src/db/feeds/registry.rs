//! Which feeds, scopes and tasks there are.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::tasks::never;
use crate::domain::feed::TaskKind;

/// A feed as code and settings have it.
#[derive(Debug)]
pub struct FeedRow<'a> {
    /// Its id.
    pub feed_id: &'a str,
    /// By which regions are known.
    pub provider: &'a str,
    /// Length of a slot.
    pub step_secs: Option<i32>,
    /// How its stamps are read.
    pub time_semantics: &'a str,
    /// Tells whether a slot is there.
    pub primary_metric: Option<&'a str>,
    /// History before this is not asked for.
    pub not_before: DateTime<Utc>,
    /// In seconds.
    pub look_back: f64,
    /// In seconds.
    pub poll_every: f64,
    /// In seconds.
    pub expected_lag: f64,
    /// Whether it is polled.
    pub enabled: bool,
    /// Of queries that name none.
    pub default_factor_set: Option<&'a str>,
    /// What must stand beside its figures.
    pub attribution: &'a str,
    /// The settings in force, without secrets.
    pub config: Value,
}

/// A scope and what its rows are of.
#[derive(Debug, Clone)]
pub struct ScopeRow {
    /// Its feed.
    pub feed_id: String,
    /// Its name.
    pub scope: String,
    /// Under which its loads are put in order.
    pub scope_no: i32,
    /// The region that its rows are of.
    pub region_id: Option<String>,
    /// The meter.
    pub meter_id: Option<String>,
    /// The number of the meter's supply point.
    pub mpan: Option<String>,
    /// The number on the meter.
    pub serial: Option<String>,
    /// The tariff.
    pub tariff_code: Option<String>,
    /// The first instant that the upstream has.
    pub first_available: DateTime<Utc>,
    /// Whether it is polled.
    pub enabled: bool,
}

/// Makes a set of factors that nobody described, unless it is there.
pub async fn put_factor_set(
    conn: &mut PgConnection,
    factor_set_id: &str,
    provider: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into factor_set (factor_set_id, provider, basis, note)
         values ($1, $2, 'provider', 'as named in the settings') on conflict do nothing",
        factor_set_id,
        provider,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes a feed; one that is there is left as it is unless `settle`.
pub async fn put_feed(
    conn: &mut PgConnection,
    feed: &FeedRow<'_>,
    settle: bool,
) -> sqlx::Result<()> {
    sqlx::query_file!(
        "sql/queries/feed_put.sql",
        feed.feed_id,
        feed.provider,
        feed.step_secs,
        feed.time_semantics,
        feed.primary_metric,
        feed.not_before,
        feed.look_back,
        feed.poll_every,
        feed.expected_lag,
        feed.enabled,
        feed.default_factor_set,
        feed.attribution,
        feed.config,
        settle,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the marks of a scope are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    /// The start of history; none: nobody has said yet.
    pub history_start: Option<DateTime<Utc>>,
    /// The set of factors whose slots count, where there are such.
    pub factor_set_id: Option<String>,
}

/// What the marks of a scope are of.
pub async fn basis(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
) -> sqlx::Result<Option<Basis>> {
    sqlx::query_as!(
        Basis,
        "select history_start, factor_set_id from feed_watermark where feed_id = $1 and scope = $2",
        feed_id,
        scope
    )
    .fetch_optional(conn)
    .await
}

/// Notes what the marks of a scope are of from now on.
pub async fn set_basis(
    conn: &mut PgConnection,
    (feed_id, scope): (&str, &str),
    basis: &Basis,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update feed_watermark set history_start = $3, factor_set_id = $4 where feed_id = $1 and scope = $2",
        feed_id,
        scope,
        basis.history_start,
        basis.factor_set_id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes a scope that the feed has by itself; one that is there is left as it is unless `settle`.
pub async fn put_scope(
    conn: &mut PgConnection,
    feed_id: &str,
    scope: (&str, Option<&str>, DateTime<Utc>),
    enabled: bool,
    settle: bool,
) -> sqlx::Result<()> {
    let (scope, region_id, first_available) = scope;
    sqlx::query!(
        "insert into feed_scope (feed_id, scope, region_id, first_available, enabled)
         values ($1, $2, $3, $4, $5)
         on conflict (feed_id, scope) do update
         set region_id = excluded.region_id, first_available = excluded.first_available, enabled = excluded.enabled
         where $6 and (feed_scope.region_id, feed_scope.first_available, feed_scope.enabled)
               is distinct from (excluded.region_id, excluded.first_available, excluded.enabled)",
        feed_id,
        scope,
        region_id,
        first_available,
        enabled,
        settle,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Turns the scopes of a feed on that are among `wanted`, and the others off; none: all are wanted.
pub async fn choose_scopes(
    conn: &mut PgConnection,
    feed_id: &str,
    enabled: bool,
    wanted: Option<&[String]>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update feed_scope set enabled = not enabled
         where feed_id = $1 and enabled <> ($2 and ($3::text[] is null or scope = any($3)))",
        feed_id,
        enabled,
        wanted,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives scopes that are polled the tasks and watermarks that they lack, and takes the due tasks of the
/// others away. Scopes that a document told of come to their tasks this way.
pub async fn settle_tasks(
    conn: &mut PgConnection,
    swept: &[String],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let kinds: Vec<String> = TaskKind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect();
    let priorities: Vec<i16> = TaskKind::ALL.iter().map(|kind| kind.priority()).collect();
    sqlx::query!(
        "insert into feed_watermark (feed_id, scope, updated_at)
         select s.feed_id, s.scope, $1 from feed_scope s
         where not exists (select from feed_watermark w where (w.feed_id, w.scope) = (s.feed_id, s.scope))
         on conflict do nothing",
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_file!(
        "sql/queries/feed_settle_tasks.sql",
        &kinds,
        &priorities,
        swept,
        now,
        never()
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_file!("sql/queries/feed_settle_due.sql", now, never()).execute(conn).await?;
    Ok(())
}

/// The scopes of a feed by name.
pub async fn scopes(conn: &mut PgConnection, feed_id: &str) -> sqlx::Result<Vec<ScopeRow>> {
    sqlx::query_file_as!(ScopeRow, "sql/queries/feed_scopes.sql", feed_id, None::<&str>)
        .fetch_all(conn)
        .await
}

/// One scope.
pub async fn scope(
    conn: &mut PgConnection,
    feed_id: &str,
    scope: &str,
) -> sqlx::Result<Option<ScopeRow>> {
    sqlx::query_file_as!(ScopeRow, "sql/queries/feed_scopes.sql", feed_id, Some(scope))
        .fetch_optional(conn)
        .await
}

/// Whether a scope is polled.
pub async fn is_enabled(conn: &mut PgConnection, feed_id: &str, scope: &str) -> sqlx::Result<bool> {
    let enabled = sqlx::query_scalar!(
        "select enabled from feed_scope where feed_id = $1 and scope = $2",
        feed_id,
        scope
    )
    .fetch_optional(conn)
    .await?;
    Ok(enabled.unwrap_or(false))
}

/// The state that was last told of a scope.
pub async fn state(
    conn: &mut PgConnection,
    feed_id: &str,
    scope: &str,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select state from feed_scope where feed_id = $1 and scope = $2",
        feed_id,
        scope
    )
    .fetch_optional(conn)
    .await
}

/// Notes that something is told of a scope, and in which state it is; gives how often something was.
pub async fn tell(
    conn: &mut PgConnection,
    feed_id: &str,
    scope: &str,
    state: &str,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "update feed_scope set state = $3, told = told + 1 where feed_id = $1 and scope = $2 returning told",
        feed_id,
        scope,
        state
    )
    .fetch_one(conn)
    .await
}

/// Gives each region that has none the feed whose intensity is meant where none is named: the first of
/// `feeds` that is polled for it. It stays, whatever is polled later.
pub async fn choose_default_feeds(conn: &mut PgConnection, feeds: &[String]) -> sqlx::Result<()> {
    sqlx::query!(
        "update region r set default_feed_id = chosen.feed_id
         from (select distinct on (s.region_id) s.region_id, s.feed_id
               from feed_scope s join feed f using (feed_id)
               where s.enabled and f.enabled and f.primary_metric in ('generated', 'mw')
               order by s.region_id, array_position($1::text[], s.feed_id)) chosen
         where chosen.region_id = r.region_id and r.default_feed_id is null",
        feeds
    )
    .execute(conn)
    .await?;
    Ok(())
}
