//! `GET /api/v1/feeds/{id}/fetches` and `GET /api/v1/fetches/{n}/document`: what upstreams answered.

use axum::{
    extract::{Path, State},
    http::Uri,
    response::Response,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    auth::{Admin, Principal, Role, SignedIn},
    db::feeds::fetches::{self, Asker, FetchFilter, FetchRow},
    domain::{Sha256, feed::FetchClass},
    error::{Problem, Result},
    web::{
        api::uploads::{attachment, kept},
        paging::{self, Listing},
        parameters::{FromParameters, NoQuery, Parameters, StrictQuery},
    },
};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(document))
}

/// Who asks, as the record of feeds sees them.
pub(super) fn asker(principal: &Principal) -> Asker {
    Asker { user_id: principal.user_id, sees_all: principal.role == Role::Admin }
}

/// An answer of an upstream, or one that did not come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "4711", "run_id": "1203", "feed": "gb.intensity", "scope": "GB", "task_kind": "live",
    "url": "https://api.carbonintensity.org.uk/intensity/2025-01-14T00:01Z/2025-01-16T00:01Z",
    "from": "2025-01-14T00:00:00Z", "to": "2025-01-16T00:00:00Z", "page": 1, "attempt": 1, "status": 200,
    "class": "ok", "etag": null, "last_modified": null, "answered_at": "Thu, 16 Jan 2025 00:00:12 GMT",
    "fetched_at": "2025-01-16T00:00:12.418210Z", "duration_ms": 212, "bytes": 14872,
    "sha256": "5f0c7a54d7a6a32f4a0cf8a2b8f2d3d5c9b0a4f6f8f5a7e8c6f1f6f2d2c4b9e1", "expired_at": null,
    "parser_version": 1, "loaded_at": "2025-01-16T00:00:12.611874Z",
    "rows": {"new": 1, "changed": 2, "same": 93, "rejected": 0}, "findings": [], "lease_epoch": "88"
}))]
struct FetchItem {
    id: String,
    /// The run that asked.
    run_id: String,
    feed: String,
    scope: String,
    /// `live`, `manual`, `sweep` or `backfill`.
    task_kind: String,
    /// The address, without keys, and with no more than the beginning of a number that names somebody.
    url: String,
    /// The window that was asked for: from then on.
    from: Option<DateTime<Utc>>,
    /// Its end, which is not in it.
    to: Option<DateTime<Utc>>,
    /// Which page of the window, from 1.
    page: i32,
    /// Which try, from 1.
    attempt: i16,
    /// Of HTTP; null: nothing came.
    status: Option<i16>,
    /// What became of it: `ok`, `unchanged`, `not_yet`, `no_data`, `throttled`, `transient`, `auth`,
    /// `client_error`, `bad_body`, `too_large` or `config`.
    class: String,
    etag: Option<String>,
    last_modified: Option<String>,
    /// The upstream's `Date`.
    answered_at: Option<String>,
    fetched_at: DateTime<Utc>,
    duration_ms: i32,
    bytes: i64,
    /// Of what is kept of the body.
    #[schema(value_type = Option<String>)]
    sha256: Option<Sha256>,
    /// When the body was let go.
    expired_at: Option<DateTime<Utc>>,
    parser_version: i32,
    /// When its rows were loaded.
    loaded_at: Option<DateTime<Utc>>,
    rows: Rows,
    /// What is odd: `{code, message, at, rejects_row}`.
    findings: Value,
    lease_epoch: String,
}

/// What became of the rows of a page.
#[derive(Debug, Serialize, ToSchema)]
struct Rows {
    new: i32,
    changed: i32,
    same: i32,
    rejected: i32,
}

impl From<FetchRow> for FetchItem {
    fn from(row: FetchRow) -> Self {
        Self {
            id: row.fetch_id.to_string(),
            run_id: row.run_id.to_string(),
            feed: row.feed_id,
            scope: row.scope,
            task_kind: row.task_kind,
            url: row.url_redacted,
            from: row.from_at,
            to: row.to_at,
            page: row.page,
            attempt: row.attempt,
            status: row.status,
            class: row.class,
            etag: row.etag,
            last_modified: row.last_modified,
            answered_at: row.answered_at,
            fetched_at: row.fetched_at,
            duration_ms: row.duration_ms,
            bytes: row.bytes,
            sha256: row.document_sha256.as_deref().and_then(Sha256::from_bytes),
            expired_at: row.expired_at,
            parser_version: row.parser_version,
            loaded_at: row.loaded_at,
            rows: Rows {
                new: row.rows_new,
                changed: row.rows_changed,
                same: row.rows_same,
                rejected: row.rows_rejected,
            },
            findings: row.findings,
            lease_epoch: row.lease_epoch.to_string(),
        }
    }
}

/// Which answers.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct FetchesQuery {
    /// Of this scope.
    #[param(required = false, value_type = Option<String>)]
    scope: Option<String>,
    /// Of this class, such as `bad_body`.
    #[param(required = false, value_type = Option<String>)]
    class: Option<FetchClass>,
    /// Answers at the most.
    #[param(required = false, default = 100, minimum = 1, maximum = 1000, value_type = u16)]
    limit: i64,
    /// The `next` of the page before.
    #[param(required = false, value_type = Option<String>)]
    cursor: Option<i64>,
}

impl FromParameters for FetchesQuery {
    const NAMES: &'static [&'static str] = &["scope", "class", "limit", "cursor"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let cursor = parameters.text("cursor")?;
        Ok(Self {
            scope: parameters.text("scope")?,
            class: parameters.value("class")?,
            limit: paging::limit(parameters, 100)?,
            cursor: cursor.as_deref().map(paging::read_number).transpose()?,
        })
    }
}

/// List what the upstream of a feed answered
///
/// Newest first, one entry for each request, also where nothing came. Meters are told to those who may
/// read them, accounts to administrators.
#[utoipa::path(
    get, path = "/api/v1/feeds/{id}/fetches", tag = "feeds",
    params(("id" = String, Path, description = "The feed", example = "gb.intensity"), FetchesQuery),
    responses(
        (status = 200, description = "A page of the record", body = Listing<FetchItem>),
        (status = 400, description = "An unknown or bad parameter"),
        (status = 401, description = "No valid credential"),
        (status = 404, description = "No such feed"),
    )
)]
async fn list(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    Path(id): Path<String>,
    uri: Uri,
    StrictQuery(query): StrictQuery<FetchesQuery>,
) -> Result<Response> {
    if !fetches::feed_is_there(&app.pool, &id).await? {
        return Err(no_such_feed());
    }
    let FetchesQuery { scope, class, limit, cursor } = query;
    let filter = FetchFilter { scope, class, before: cursor };
    let rows = fetches::list(&app.pool, &id, asker(&principal), &filter, limit + 1).await?;
    // The cursor holds the number, which the item prints.
    let items: Vec<FetchItem> = rows.into_iter().map(FetchItem::from).collect();
    let place =
        |item: &FetchItem| item.id.parse::<i64>().unwrap_or_default().to_be_bytes().to_vec();
    paging::answer(&uri, items, limit, place)
}

/// 404.
pub(super) fn no_such_feed() -> Problem {
    Problem::not_found("There is no such feed.")
}

/// Download what an upstream answered
///
/// The body as it came, after decoding; of a request that failed, its first 64 KiB.
#[utoipa::path(
    get, path = "/api/v1/fetches/{n}/document", tag = "feeds",
    params(("n" = i64, Path, description = "The `id` of a fetch", example = 4711)),
    responses(
        (status = 200, description = "The bytes as they came", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "No such fetch, or nothing is kept of it"),
        (status = 503, description = "`storage_unavailable`"),
    )
)]
async fn document(
    State(app): State<App>,
    _: Admin,
    Path(n): Path<String>,
    actor: Actor,
    _: NoQuery,
) -> Result<Response> {
    let missing = || Problem::not_found("There is no such fetch.");
    let number: i64 = n.parse().map_err(|_| missing())?;
    let (feed, sha256) = fetches::document(&app.pool, number).await?.ok_or_else(missing)?;
    let nothing = || Problem::not_found("Nothing is kept of what came.");
    let sha256 = sha256.ok_or_else(nothing)?;
    let bytes = kept(&app, sha256).await?;
    let act = Act::done(Action::DocumentFetched).to("fetch", number);
    audit::note(&app, &actor, act.with(json!({ "feed": feed, "sha256": sha256 }))).await?;
    Ok(attachment(&format!("{feed}_{number}.bin"), "application/octet-stream", bytes))
}
