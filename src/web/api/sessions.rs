//! `/api/v1/sessions`: the browsers that one is signed in with.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    auth::{Credential, SignedIn, session, store},
    db::sessions::{self, SessionRow},
    error::{Problem, Result},
    web::{
        paging::{Listing, PageOf},
        parameters::{NoQuery, StrictQuery},
    },
};

/// The calls of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, end_all)).routes(routes!(end))
}

/// A browser that is signed in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a11", "created_at": "2026-03-02T08:00:00Z",
    "last_seen_at": "2026-03-02T08:31:00Z", "address": "192.0.2.7",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64)", "current": true
}))]
struct SessionItem {
    id: Uuid,
    created_at: DateTime<Utc>,
    /// To the minute.
    last_seen_at: DateTime<Utc>,
    address: Option<String>,
    user_agent: Option<String>,
    /// Whether it is the one that asks.
    current: bool,
}

/// One's own sessions
#[utoipa::path(
    get, path = "/api/v1/sessions", tag = "access",
    params(
        ("limit" = Option<u16>, Query, description = "1 to 1000 items, 100 when left out"),
        ("cursor" = Option<String>, Query, description = "the `next` of the page before"),
    ),
    responses(
        (status = 200, description = "The sessions in force, newest first", body = Listing<SessionItem>),
        (status = 400, description = "A parameter is unknown or wrong"),
        (status = 401, description = "Not signed in"),
    )
)]
async fn list(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    StrictQuery(page): StrictQuery<PageOf>,
) -> Result<Listing<SessionItem>> {
    let since = store::in_force_since(&app);
    let (user, before) = (principal.user_id, page.before);
    let rows = sessions::of_user(&app.pool, user, since, before, page.fetch()).await?;
    Ok(page.listing(rows, |row| row.id).map(|row| item(row, principal.credential)))
}

fn item(row: SessionRow, credential: Credential) -> SessionItem {
    let current = credential == Credential::Session(row.id);
    let SessionRow { id, created_at, last_seen_at, address, user_agent } = row;
    SessionItem { id, created_at, last_seen_at, address, user_agent, current }
}

/// Log out everywhere
///
/// Ends all sessions and the tokens that `POST /login` made. Tokens made by their owner stay.
#[utoipa::path(
    delete, path = "/api/v1/sessions", tag = "access",
    responses(
        (status = 204, description = "No session of the caller is left"),
        (status = 401, description = "Not signed in"),
    )
)]
async fn end_all(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    actor: Actor,
    _: NoQuery,
) -> Result<StatusCode> {
    session::end_everywhere(&app, &actor, principal.user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End a session
#[utoipa::path(
    delete, path = "/api/v1/sessions/{id}", tag = "access",
    params(("id" = Uuid, Path, description = "the id of one's own session")),
    responses(
        (status = 204, description = "The session has ended"),
        (status = 401, description = "Not signed in"),
        (status = 404, description = "The caller has no such session"),
    )
)]
async fn end(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<StatusCode> {
    end_own(&app, &actor, principal.user_id, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one of the caller's own sessions. 404 where there is none; that it is somebody else's is
/// written down.
pub async fn end_own(app: &App, actor: &Actor, user_id: Uuid, id: &str) -> Result<()> {
    let gone = || Problem::not_found("You have no such session.");
    let id: Uuid = id.parse().map_err(|_| gone())?;
    if session::end_one(app, actor, user_id, Act::done(Action::SessionEnded), id).await? {
        return Ok(());
    }
    if sessions::is_of_another(&app.pool, user_id, id).await? {
        audit::refused(app, actor, ("session", id)).await?;
    }
    Err(gone())
}
