//! `/api/v1/bi`: login roles of PostgreSQL for Tableau and other tools that speak SQL.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    app::App,
    audit::Actor,
    auth::{Admin, Credential, Principal, Role, Scopes, SignedIn},
    bi::{connect, roles},
    db::{
        bi::{self, Backend, RoleRow},
        users,
    },
    error::{Problem, Result},
    web::{
        paging::{Listing, PageOf},
        parameters::{NoQuery, StrictQuery},
    },
};

/// The calls of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show, make, remove))
        .routes(routes!(list))
        .routes(routes!(reset))
        .routes(routes!(lock, unlock))
        .routes(routes!(connections))
        .routes(routes!(cancel))
}

/// One's own access by SQL.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "user": "bi_0195d0a03c1e7a109f6e2f1f6f0c7a11", "exists": true, "created_at": "2026-03-02T08:00:00Z",
    "rotated_at": "2026-03-02T08:00:00Z", "last_login_at": "2026-03-02T08:05:00Z", "locked": false,
    "server": "db.example.com", "port": 5433, "database": "trueprice", "sslmode": "verify-full"
}))]
struct Access {
    /// The login role, whether or not it has been made.
    user: String,
    exists: bool,
    created_at: Option<DateTime<Utc>>,
    /// When its password was made.
    rotated_at: Option<DateTime<Utc>>,
    /// When a connection of it was last seen to begin.
    last_login_at: Option<DateTime<Utc>>,
    /// Whether an administrator keeps it from logging in.
    locked: bool,
    /// Where to connect; null where the operator has opened no way in.
    server: Option<String>,
    port: Option<u16>,
    database: String,
    sslmode: &'static str,
}

impl Access {
    fn of(app: &App, user: String, row: Option<RoleRow>) -> Self {
        let (server, port) = app.config.bi.server().unzip();
        Self {
            user,
            exists: row.is_some(),
            created_at: row.as_ref().map(|row| row.created_at),
            rotated_at: row.as_ref().map(|row| row.rotated_at),
            last_login_at: row.as_ref().and_then(|row| row.last_login_at),
            locked: row.is_some_and(|row| row.locked_at.is_some()),
            server,
            port,
            database: connect::database(app),
            sslmode: "verify-full",
        }
    }
}

/// A login role with its new password, shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "user": "bi_0195d0a03c1e7a109f6e2f1f6f0c7a11", "password": "u3n0cQ4f2yW1sZ8hR6kT5vB7xD9mG2jL4pN6qS8tV0w",
    "server": "db.example.com", "port": 5433, "database": "trueprice", "sslmode": "verify-full"
}))]
struct MadeRole {
    user: String,
    password: String,
    server: Option<String>,
    port: Option<u16>,
    database: String,
    sslmode: &'static str,
}

/// One's own access by SQL
#[utoipa::path(
    get, path = "/api/v1/bi", tag = "access",
    responses(
        (status = 200, description = "The login role, and where to connect", body = Access),
        (status = 401, description = "Not signed in"),
    )
)]
async fn show(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    _: NoQuery,
) -> Result<Json<Access>> {
    let row = bi::role_of(&app.pool, principal.user_id).await?;
    Ok(Json(Access::of(&app, bi::name_of(principal.user_id), row)))
}

/// Make one's login role, or give it another password
///
/// The password is shown this once. A new one ends the connections that the role has.
#[utoipa::path(
    post, path = "/api/v1/bi", tag = "access",
    responses(
        (status = 200, description = "There was a role; it has another password now", body = MadeRole),
        (status = 201, description = "The role is made", body = MadeRole),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "`forbidden`: a token of fewer scopes than the owner's role has"),
        (status = 503, description = "The server's database user may not make login roles"),
    )
)]
async fn make(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    actor: Actor,
    _: NoQuery,
) -> Result<Response> {
    refuse_lesser_token(&app, &principal).await?;
    let made = roles::make(&app, &actor, principal.user_id).await?;
    let (server, port) = app.config.bi.server().unzip();
    let answer = MadeRole {
        user: made.name,
        password: made.password.expose().to_owned(),
        server,
        port,
        database: connect::database(&app),
        sslmode: "verify-full",
    };
    let status = if made.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((status, no_store, Json(answer)).into_response())
}

/// Remove one's login role
///
/// Its connections end.
#[utoipa::path(
    delete, path = "/api/v1/bi", tag = "access",
    responses(
        (status = 204, description = "The role is gone"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "`forbidden`: a token of fewer scopes than the owner's role has"),
        (status = 404, description = "There is none"),
        (status = 503, description = "The server's database user may not make login roles"),
    )
)]
async fn remove(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    actor: Actor,
    _: NoQuery,
) -> Result<StatusCode> {
    refuse_lesser_token(&app, &principal).await?;
    roles::drop(&app, &actor, principal.user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A login role reads what its owner may see and outlives any token: a token that is good for less
/// than its owner may do makes none. 403 `forbidden`.
async fn refuse_lesser_token(app: &App, principal: &Principal) -> Result<()> {
    if matches!(principal.credential, Credential::Session(_)) {
        return Ok(());
    }
    let role = users::role_of(&app.pool, principal.user_id).await?;
    let role: Role = role.parse().map_err(|error| Problem::internal(&error))?;
    if Scopes::of_role(role).as_slice().iter().all(|scope| principal.may(*scope)) {
        return Ok(());
    }
    Err(Problem::forbidden(
        "This token is good for less than you are: sign in, or use a token of every scope that \
         your role allows.",
    ))
}

/// A login role in the list of all.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "user_id": "0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a11", "email": "ann@example.com",
    "user": "bi_0195d0a03c1e7a109f6e2f1f6f0c7a11", "created_at": "2026-03-02T08:00:00Z",
    "rotated_at": "2026-03-02T08:00:00Z", "last_login_at": null, "locked": false, "disabled": false
}))]
struct RoleItem {
    user_id: Uuid,
    email: String,
    user: String,
    created_at: DateTime<Utc>,
    rotated_at: DateTime<Utc>,
    last_login_at: Option<DateTime<Utc>>,
    /// By an administrator.
    locked: bool,
    /// Whether the user is disabled, which keeps the role from logging in, too.
    disabled: bool,
}

impl From<RoleRow> for RoleItem {
    fn from(row: RoleRow) -> Self {
        Self {
            user_id: row.user_id,
            email: row.email,
            user: row.name,
            created_at: row.created_at,
            rotated_at: row.rotated_at,
            last_login_at: row.last_login_at,
            locked: row.locked_at.is_some(),
            disabled: row.is_disabled,
        }
    }
}

/// All login roles
#[utoipa::path(
    get, path = "/api/v1/bi/roles", tag = "administration",
    params(
        ("limit" = Option<u16>, Query, description = "1 to 1000 items, 100 when left out"),
        ("cursor" = Option<String>, Query, description = "the `next` of the page before"),
    ),
    responses(
        (status = 200, description = "The roles, those of the newest users first", body = Listing<RoleItem>),
        (status = 400, description = "A parameter is unknown or wrong"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
    )
)]
async fn list(
    State(app): State<App>,
    _: Admin,
    StrictQuery(page): StrictQuery<PageOf>,
) -> Result<Listing<RoleItem>> {
    let rows = bi::roles(&app.pool, page.before, page.fetch()).await?;
    Ok(page.listing(rows, |row| row.user_id).map(RoleItem::from))
}

/// Take the password of a login role away
///
/// Its connections end. Nobody learns the new password: the user makes another one.
#[utoipa::path(
    post, path = "/api/v1/bi/roles/{id}/reset", tag = "administration",
    params(("id" = Uuid, Path, description = "the id of the user")),
    responses(
        (status = 204, description = "The former password is no longer good"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "The user has no login role"),
        (status = 503, description = "The server's database user may not make login roles"),
    )
)]
async fn reset(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<StatusCode> {
    roles::reset(&app, &actor, user(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lock a login role
///
/// Its connections end, and it cannot log in until it is unlocked.
#[utoipa::path(
    put, path = "/api/v1/bi/roles/{id}/lock", tag = "administration",
    params(("id" = Uuid, Path, description = "the id of the user")),
    responses(
        (status = 204, description = "It is locked"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "The user has no login role"),
        (status = 503, description = "The server's database user may not make login roles"),
    )
)]
async fn lock(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<StatusCode> {
    roles::lock(&app, &actor, user(&id)?, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Unlock a login role
#[utoipa::path(
    delete, path = "/api/v1/bi/roles/{id}/lock", tag = "administration",
    params(("id" = Uuid, Path, description = "the id of the user")),
    responses(
        (status = 204, description = "It is not locked by an administrator any more"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "The user has no login role"),
        (status = 503, description = "The server's database user may not make login roles"),
    )
)]
async fn unlock(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<StatusCode> {
    roles::lock(&app, &actor, user(&id)?, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A connection of a login role.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "pid": 4711, "user": "bi_0195d0a03c1e7a109f6e2f1f6f0c7a11", "email": "ann@example.com",
    "since": "2026-03-02T08:05:00Z", "address": "192.0.2.7", "encrypted": true, "application": "Tableau",
    "active": true, "statement_since": "2026-03-02T08:06:00Z", "statement": "select * from points"
}))]
struct ConnectionItem {
    /// The server process.
    pid: i32,
    user: String,
    email: Option<String>,
    since: DateTime<Utc>,
    address: Option<String>,
    encrypted: bool,
    application: String,
    /// Whether its statement runs.
    active: bool,
    statement_since: Option<DateTime<Utc>>,
    /// The statement that runs, or ran last: its first 2000 characters.
    statement: String,
}

impl From<Backend> for ConnectionItem {
    fn from(row: Backend) -> Self {
        Self {
            pid: row.pid,
            user: row.role_name,
            email: row.email,
            since: row.backend_start,
            address: row.address,
            encrypted: row.encrypted,
            application: row.application,
            active: row.is_active,
            statement_since: row.query_start,
            statement: row.query,
        }
    }
}

/// The connections of login roles.
#[derive(Debug, Serialize, ToSchema)]
struct Connections {
    /// Oldest first.
    items: Vec<ConnectionItem>,
}

/// The connections of login roles
#[utoipa::path(
    get, path = "/api/v1/bi/connections", tag = "administration",
    responses(
        (status = 200, description = "All that are open, oldest first", body = Connections),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
    )
)]
async fn connections(State(app): State<App>, _: Admin, _: NoQuery) -> Result<Json<Connections>> {
    let mut connection = app.pool.acquire().await?;
    let backends = bi::backends(&mut connection).await?;
    Ok(Json(Connections { items: backends.into_iter().map(ConnectionItem::from).collect() }))
}

/// Cancel the statement of a connection
///
/// The connection stays open.
#[utoipa::path(
    post, path = "/api/v1/bi/connections/{pid}/cancel", tag = "administration",
    params(("pid" = i32, Path, description = "the server process of the connection")),
    responses(
        (status = 204, description = "The statement is cancelled, if one was running"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "There is no such connection"),
        (status = 503, description = "The server's database user may not end statements"),
    )
)]
async fn cancel(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    Path(pid): Path<String>,
    _: NoQuery,
) -> Result<StatusCode> {
    let pid = pid.parse().map_err(|_| Problem::not_found("There is no such connection."))?;
    roles::cancel(&app, &actor, pid).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn user(id: &str) -> Result<Uuid> {
    id.parse().map_err(|_| Problem::not_found("There is no such login role."))
}
