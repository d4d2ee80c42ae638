//! `/api/v1/admin/sessions`: who is signed in, and where.

use axum::{
    extract::{Path, State},
    http::{StatusCode, Uri},
    response::Response,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::OwnerQuery;
use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    auth::{Admin, store},
    db::credentials::{self, OwnedSession},
    error::{Problem, Result},
    web::{
        paging::{self, Listing},
        parameters::{NoQuery, StrictQuery},
    },
};

/// The calls of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(end))
}

/// A browser that is signed in, and who with it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a11", "user_id": "0195d09f-11aa-7c51-8a3e-5c1c44d0a2b7",
    "owner": "ann@example.com", "created_at": "2026-03-02T08:00:00Z",
    "last_seen_at": "2026-03-02T08:31:00Z", "address": "192.0.2.7",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64)"
}))]
struct AnySessionItem {
    id: Uuid,
    user_id: Uuid,
    /// The user's e-mail address.
    owner: String,
    created_at: DateTime<Utc>,
    /// To the minute.
    last_seen_at: DateTime<Utc>,
    address: Option<String>,
    user_agent: Option<String>,
}

impl From<OwnedSession> for AnySessionItem {
    fn from(row: OwnedSession) -> Self {
        let OwnedSession { id, user_id, owner, created_at, last_seen_at, address, user_agent } =
            row;
        Self { id, user_id, owner, created_at, last_seen_at, address, user_agent }
    }
}

/// List everybody's sessions
///
/// Those in force, newest first.
#[utoipa::path(
    get, path = "/api/v1/admin/sessions", tag = "administration", params(OwnerQuery),
    responses(
        (status = 200, description = "A page of the sessions", body = Listing<AnySessionItem>),
        (status = 400, description = "An unknown or bad parameter"),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "Not an administrator"),
    )
)]
async fn list(
    State(app): State<App>,
    _: Admin,
    uri: Uri,
    StrictQuery(query): StrictQuery<OwnerQuery>,
) -> Result<Response> {
    let since = store::in_force_since(&app);
    let rows = credentials::sessions(&app.pool, &query.page(), since).await?;
    let items: Vec<AnySessionItem> = rows.into_iter().map(AnySessionItem::from).collect();
    paging::answer(&uri, items, query.limit, |item| item.id.as_bytes().to_vec())
}

/// End anybody's session
///
/// From the next request on, on every server.
#[utoipa::path(
    delete, path = "/api/v1/admin/sessions/{id}", tag = "administration",
    params(("id" = Uuid, Path, description = "`id` of the list")),
    responses(
        (status = 204, description = "The session has ended"),
        (status = 400, description = "An unknown parameter"),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "No such session"),
    )
)]
async fn end(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<StatusCode> {
    end_any(&app, &actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a session, whoever's. 404 for what is none.
pub async fn end_any(app: &App, actor: &Actor, id: &str) -> Result<()> {
    let gone = || Problem::not_found("There is no such session.");
    let id: Uuid = id.parse().map_err(|_| gone())?;
    let mut transaction = app.pool.begin().await?;
    let ended = credentials::end_session(&mut transaction, id).await?.ok_or_else(gone)?;
    let detail = json!({ "user_id": ended.user_id, "owner": ended.owner });
    let act = Act::done(Action::SessionEnded).to("session", id).with(detail);
    audit::write(app, &mut transaction, actor, act).await?;
    Ok(transaction.commit().await?)
}
