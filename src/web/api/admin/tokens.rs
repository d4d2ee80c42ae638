//! `/api/v1/admin/tokens`: everybody's tokens.

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
    auth::Admin,
    db::credentials::{self, OwnedToken},
    error::{Problem, Result},
    web::{
        paging::{self, Listing},
        parameters::{NoQuery, StrictQuery},
    },
};

/// The calls of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(revoke))
}

/// A token in force, and whose it is. The token itself is not known any more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a11", "user_id": "0195d09f-11aa-7c51-8a3e-5c1c44d0a2b7",
    "owner": "ann@example.com", "inert": false, "kind": "api", "name": "morning upload",
    "prefix": "tpk_u3n0", "scopes": ["read", "upload"], "created_at": "2026-03-02T08:00:00Z",
    "expires_at": "2026-05-31T08:00:00Z", "last_used_at": "2026-03-02T08:05:00Z"
}))]
struct AnyTokenItem {
    id: Uuid,
    user_id: Uuid,
    /// The owner's e-mail address.
    owner: String,
    /// Whether the owner is disabled, and the token with them.
    inert: bool,
    /// `api`, or `login` for one that `POST /login` made.
    kind: String,
    name: String,
    /// The first characters of the token.
    prefix: String,
    scopes: Vec<String>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    /// To the minute; null while it was never used.
    last_used_at: Option<DateTime<Utc>>,
}

impl From<OwnedToken> for AnyTokenItem {
    fn from(row: OwnedToken) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            owner: row.owner,
            inert: row.inert,
            kind: row.kind,
            name: row.name,
            prefix: row.prefix,
            scopes: row.scopes,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// List everybody's tokens
///
/// Those in force, newest first.
#[utoipa::path(
    get, path = "/api/v1/admin/tokens", tag = "administration", params(OwnerQuery),
    responses(
        (status = 200, description = "A page of the tokens", body = Listing<AnyTokenItem>),
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
    let rows = credentials::tokens(&app.pool, &query.page(), app.clock.now()).await?;
    let items: Vec<AnyTokenItem> = rows.into_iter().map(AnyTokenItem::from).collect();
    paging::answer(&uri, items, query.limit, |item| item.id.as_bytes().to_vec())
}

/// Revoke anybody's token
///
/// From the next request on, on every server.
#[utoipa::path(
    delete, path = "/api/v1/admin/tokens/{id}", tag = "administration",
    params(("id" = Uuid, Path, description = "`id` of the list")),
    responses(
        (status = 204, description = "The token is no longer valid"),
        (status = 400, description = "An unknown parameter"),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "No such token in force"),
    )
)]
async fn revoke(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<StatusCode> {
    revoke_any(&app, &actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a token, whoever's. 404 for what is none, or no longer in force.
pub async fn revoke_any(app: &App, actor: &Actor, id: &str) -> Result<()> {
    let gone = || Problem::not_found("There is no such token in force.");
    let id: Uuid = id.parse().map_err(|_| gone())?;
    let mut transaction = app.pool.begin().await?;
    let now = app.clock.now();
    let ended = credentials::revoke_token(&mut transaction, id, now).await?.ok_or_else(gone)?;
    let detail = json!({ "user_id": ended.user_id, "owner": ended.owner, "prefix": ended.prefix });
    let act = Act::done(Action::TokenRevoked).to("token", id).with(detail);
    audit::write(app, &mut transaction, actor, act).await?;
    Ok(transaction.commit().await?)
}
