//! The record of every answer of an upstream, and of every one that did not come.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool, postgres::types::PgRange, types::JsonValue};
use uuid::Uuid;

use crate::{
    db::uploads::insert_document,
    domain::{
        Sha256,
        feed::{FetchClass, TaskKind, Window},
    },
};

/// What an unchanged answer is like: the last one to the same request whose rows were loaded.
#[derive(Debug, Clone)]
pub struct Base {
    /// Its `ETag`.
    pub etag: Option<String>,
    /// Its `Last-Modified`.
    pub last_modified: Option<String>,
    /// Its bytes.
    pub document: Option<Sha256>,
    /// The page after it.
    pub next: Option<JsonValue>,
}

/// The last answer to a request whose rows were loaded by the same parser.
pub async fn last_loaded(
    pool: &PgPool,
    request_key: Sha256,
    parser_version: i32,
) -> sqlx::Result<Option<Base>> {
    let key = request_key.as_bytes().as_slice();
    let row = sqlx::query_file!("sql/queries/last_loaded_fetch.sql", key, parser_version)
        .fetch_optional(pool)
        .await?;
    Ok(row.map(|row| Base {
        etag: row.etag,
        last_modified: row.last_modified,
        document: row.document_sha256.as_deref().and_then(Sha256::from_bytes),
        next: row.next,
    }))
}

/// Whether what a fetch brought is loaded by now: somebody fetched the same at the same time. The caller
/// holds the scope's marks, so that nobody loads it meanwhile.
pub async fn is_loaded(conn: &mut PgConnection, fetch_id: i64) -> sqlx::Result<bool> {
    let found = sqlx::query_file_scalar!("sql/queries/feed_page_is_loaded.sql", fetch_id);
    Ok(found.fetch_optional(conn).await?.unwrap_or_default())
}

/// Whether a run asked a request already, as a page at or before `page` of a window.
pub async fn asked_before(
    pool: &PgPool,
    (run_id, window, page): (i64, Window, i32),
    request_key: Sha256,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
            select from feed_fetch
            where request_key = $1 and run_id = $2 and asked_window = $3 and page <= $4
        ) as "found!""#,
        request_key.as_bytes().as_slice(),
        run_id,
        PgRange::from(window.from()..window.to()),
        page
    )
    .fetch_one(pool)
    .await
}

/// An answer, or one that did not come.
#[derive(Debug)]
pub struct NewFetch<'a> {
    /// The run that asked.
    pub run_id: i64,
    /// The feed.
    pub feed_id: &'a str,
    /// The scope.
    pub scope: &'a str,
    /// Why it was asked.
    pub task_kind: TaskKind,
    /// The address without secrets and numbers of people.
    pub url_redacted: &'a str,
    /// Which request.
    pub request_key: Sha256,
    /// The window asked for.
    pub window: Window,
    /// Which page of it.
    pub page: i32,
    /// Which try in its run.
    pub attempt: i16,
    /// The status; none: nothing came.
    pub status: Option<i16>,
    /// What became of it.
    pub class: FetchClass,
    /// `ETag` of the answer.
    pub etag: Option<&'a str>,
    /// `Last-Modified` of the answer.
    pub last_modified: Option<&'a str>,
    /// `Date` of the answer.
    pub answered_at: Option<&'a str>,
    /// When it came, by the server's clock.
    pub fetched_at: DateTime<Utc>,
    /// How long it took.
    pub duration_ms: i32,
    /// Bytes of the body.
    pub bytes: i64,
    /// The bytes that are kept, and how many.
    pub document: Option<(Sha256, i64)>,
    /// Which parser.
    pub parser_version: i32,
    /// What is odd about it: a list.
    pub findings: JsonValue,
    /// The lease under which it was asked.
    pub lease_epoch: i64,
    /// The page after it.
    pub next: Option<JsonValue>,
}

/// Writes an answer down, and its document, whose bytes lie in the store already. Tells its number.
pub async fn insert(pool: &PgPool, new: &NewFetch<'_>) -> sqlx::Result<i64> {
    let mut transaction = pool.begin().await?;
    if let Some((sha256, bytes)) = new.document {
        insert_document(&mut transaction, sha256, bytes, new.fetched_at).await?;
    }
    let fetch_id = sqlx::query_file_scalar!(
        "sql/queries/insert_fetch.sql",
        new.run_id,
        new.feed_id,
        new.scope,
        new.task_kind.as_str(),
        new.url_redacted,
        new.request_key.as_bytes().as_slice(),
        PgRange::from(new.window.from()..new.window.to()),
        new.page,
        new.attempt,
        new.status,
        new.class.as_str(),
        new.etag,
        new.last_modified,
        new.answered_at,
        new.fetched_at,
        new.duration_ms,
        new.bytes,
        new.document.as_ref().map(|(sha256, _)| sha256.as_bytes().as_slice()),
        new.parser_version,
        new.findings,
        new.lease_epoch,
        new.next
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(fetch_id)
}

/// An answer as lists show it.
#[derive(Debug)]
#[expect(missing_docs, reason = "the columns of feed_fetch, in its words")]
pub struct FetchRow {
    pub fetch_id: i64,
    pub run_id: i64,
    pub feed_id: String,
    pub scope: String,
    pub task_kind: String,
    pub url_redacted: String,
    pub from_at: Option<DateTime<Utc>>,
    pub to_at: Option<DateTime<Utc>>,
    pub page: i32,
    pub attempt: i16,
    pub status: Option<i16>,
    pub class: String,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    pub answered_at: Option<String>,
    pub fetched_at: DateTime<Utc>,
    pub duration_ms: i32,
    pub bytes: i64,
    pub document_sha256: Option<Vec<u8>>,
    pub parser_version: i32,
    pub loaded_at: Option<DateTime<Utc>>,
    pub rows_new: i32,
    pub rows_changed: i32,
    pub rows_same: i32,
    pub rows_rejected: i32,
    pub findings: JsonValue,
    pub lease_epoch: i64,
    pub expired_at: Option<DateTime<Utc>>,
}

/// Who asks for the record of feeds.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    /// Who.
    pub user_id: Uuid,
    /// Whether they see every scope; others see no account, and no meter that they may not read.
    pub sees_all: bool,
}

/// Which answers.
#[derive(Debug, Clone, Default)]
pub struct FetchFilter {
    /// Of this scope.
    pub scope: Option<String>,
    /// Of this class.
    pub class: Option<FetchClass>,
    /// Older than this one.
    pub before: Option<i64>,
}

/// Answers to a feed, newest first.
pub async fn list(
    pool: &PgPool,
    feed_id: &str,
    asker: Asker,
    filter: &FetchFilter,
    limit: i64,
) -> sqlx::Result<Vec<FetchRow>> {
    sqlx::query_file_as!(
        FetchRow,
        "sql/queries/list_fetches.sql",
        feed_id,
        filter.scope,
        filter.class.map(FetchClass::as_str),
        filter.before,
        limit,
        asker.user_id,
        asker.sees_all
    )
    .fetch_all(pool)
    .await
}

/// Whether there is a feed.
pub async fn feed_is_there(pool: &PgPool, feed_id: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from feed where feed_id = $1) as "found!""#,
        feed_id
    )
    .fetch_one(pool)
    .await
}

/// What is kept of an answer: its feed, and the digest of its bytes unless there were none or they were
/// let go.
pub async fn document(
    pool: &PgPool,
    fetch_id: i64,
) -> sqlx::Result<Option<(String, Option<Sha256>)>> {
    let row = sqlx::query!(
        "select feed_id, case when expired_at is null then document_sha256 end as sha256
         from feed_fetch where fetch_id = $1",
        fetch_id
    );
    let row = row.fetch_optional(pool).await?;
    Ok(row.map(|row| (row.feed_id, row.sha256.as_deref().and_then(Sha256::from_bytes))))
}

/// A run.
#[derive(Debug)]
#[expect(missing_docs, reason = "the columns of feed_run, in its words")]
pub struct RunRow {
    pub run_id: i64,
    pub feed_id: String,
    pub scope: String,
    pub task_kind: String,
    pub from_at: Option<DateTime<Utc>>,
    pub to_at: Option<DateTime<Utc>>,
    pub requested_by: Option<String>,
    pub requested_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub state: String,
    pub totals: JsonValue,
}

/// A run of a feed, if the asker may know of its scope.
pub async fn find_run(
    pool: &PgPool,
    feed_id: &str,
    run_id: i64,
    asker: Asker,
) -> sqlx::Result<Option<RunRow>> {
    sqlx::query_file_as!(
        RunRow,
        "sql/queries/find_run.sql",
        feed_id,
        run_id,
        asker.user_id,
        asker.sees_all
    )
    .fetch_optional(pool)
    .await
}
