//! The record of every answer of an upstream, and of every one that did not come.

use chrono::{DateTime, Utc};
use sqlx::{PgPool, postgres::types::PgRange, types::JsonValue};

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
