//! `/api/v1/tokens`: tokens for scripts and spreadsheets.

use axum::{
    Json,
    extract::{Extension, Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::login::prove;
use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    auth::{
        Credential, Principal, Role, Scope, Scopes, Secret, SignedIn,
        address::ClientAddress,
        login,
        token::{self, Kind, Wanted},
    },
    db::tokens::{self, TokenRow},
    error::{Problem, Result},
    web::{
        body::{StrictJson, missing},
        paging::{Listing, PageOf},
        parameters::{NoQuery, StrictQuery},
    },
};

const TOGETHER: &str = ": send e-mail and password together";

/// The calls of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// The token that is wanted. E-mail and password are left out by a signed-in browser.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "email": "ann@example.com", "password": "four words of a song",
    "name": "morning upload", "scopes": ["read", "upload"], "expires_in_days": 90
}))]
struct NewToken {
    /// Sign-in name.
    email: Option<String>,
    /// Password.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Secret>,
    /// What the token is called in lists, 1 to 100 characters; "API token" when left out.
    name: Option<String>,
    /// Days, 1 to 365; 90 when left out.
    expires_in_days: Option<i64>,
    /// What it is good for; all that the role allows when left out.
    scopes: Option<Vec<Scope>>,
}

/// A new token, shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a11",
    "access_token": "tpk_u3n0cQ4f2yW1sZ8hR6kT5vB7xD9mG2jL4pN6qS8tV0w",
    "token_type": "Bearer",
    "scopes": ["read", "upload"],
    "expires_at": "2026-05-31T08:00:00Z"
}))]
struct MadeToken {
    id: Uuid,
    access_token: String,
    token_type: &'static str,
    scopes: Vec<Scope>,
    expires_at: DateTime<Utc>,
}

/// A token in a list; the token itself is not known any more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a11", "kind": "api", "name": "morning upload",
    "prefix": "tpk_u3n0", "scopes": ["read", "upload"], "created_at": "2026-03-02T08:00:00Z",
    "expires_at": "2026-05-31T08:00:00Z", "last_used_at": "2026-03-02T08:05:00Z"
}))]
struct TokenItem {
    id: Uuid,
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

impl From<TokenRow> for TokenItem {
    fn from(row: TokenRow) -> Self {
        let TokenRow { id, kind, name, prefix, scopes, created_at, expires_at, last_used_at } = row;
        Self { id, kind, name, prefix, scopes, created_at, expires_at, last_used_at }
    }
}

/// One's own tokens
#[utoipa::path(
    get, path = "/api/v1/tokens", tag = "access",
    params(
        ("limit" = Option<u16>, Query, description = "1 to 1000 items, 100 when left out"),
        ("cursor" = Option<String>, Query, description = "the `next` of the page before"),
    ),
    responses(
        (status = 200, description = "The tokens in force, newest first", body = Listing<TokenItem>),
        (status = 400, description = "A parameter is unknown or wrong"),
        (status = 401, description = "Not signed in"),
    )
)]
async fn list(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    StrictQuery(page): StrictQuery<PageOf>,
) -> Result<Listing<TokenItem>> {
    let (user, now) = (principal.user_id, app.clock.now());
    let rows = tokens::of_user(&app.pool, user, now, page.before, page.fetch()).await?;
    Ok(page.listing(rows, |row| row.id).map(TokenItem::from))
}

/// Make a token
///
/// With e-mail and password in the body, or from a signed-in browser. A token cannot make tokens.
#[utoipa::path(
    post, path = "/api/v1/tokens", tag = "access", security((), ("session" = [])),
    request_body = NewToken,
    responses(
        (status = 201, description = "The token, shown this once", body = MadeToken),
        (status = 400, description = "A member is unknown or wrong"),
        (status = 401, description = "The e-mail address or the password is not right"),
        (status = 403, description = "The role does not allow the scopes, or a token was sent"),
        (status = 415, description = "Not JSON"),
        (status = 429, description = "Too many failed sign-ins; `Retry-After` says when to come back"),
        (status = 503, description = "Too many sign-ins at once"),
    )
)]
async fn create(
    State(app): State<App>,
    principal: Option<Extension<Principal>>,
    (address, actor): (ClientAddress, Actor),
    _: NoQuery,
    StrictJson(wanted): StrictJson<NewToken>,
) -> Result<(StatusCode, Json<MadeToken>)> {
    let principal = principal.map(|Extension(principal)| principal);
    let (user_id, role, actor) = match (&wanted.email, &wanted.password) {
        (Some(email), Some(password)) => {
            refuse_token(principal.as_ref())?;
            let (user, actor) = prove(&app, actor, (email, password), address).await?;
            (user.id, user.role, actor)
        }
        (None, None) => {
            let (user_id, role) = of_session(principal)?;
            (user_id, role, actor)
        }
        (Some(_), None) => return Err(missing("password", TOGETHER)),
        (None, Some(_)) => return Err(missing("email", TOGETHER)),
    };
    let made = token::make(&app, &actor, role, wanted.for_user(user_id)?).await?;
    let answer = MadeToken {
        id: made.id,
        access_token: made.token.expose().to_owned(),
        token_type: "Bearer",
        scopes: made.scopes.as_slice().to_vec(),
        expires_at: made.expires_at,
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

impl NewToken {
    fn for_user(self, user_id: Uuid) -> Result<Wanted> {
        Ok(Wanted {
            kind: Kind::Api,
            user_id,
            name: self.name.unwrap_or_else(|| "API token".to_owned()),
            scopes: self.scopes.map(Scopes::new),
            life: token::life(self.expires_in_days)?,
        })
    }
}

fn refuse_token(principal: Option<&Principal>) -> Result<()> {
    match principal.map(|principal| principal.credential) {
        Some(Credential::Token(_)) => Err(Problem::forbidden(
            "A token cannot make tokens: send e-mail and password without it, or sign in.",
        )),
        _ => Ok(()),
    }
}

fn of_session(principal: Option<Principal>) -> Result<(Uuid, Role)> {
    refuse_token(principal.as_ref())?;
    let principal = principal.ok_or_else(|| {
        Problem::unauthenticated("Send e-mail and password in the body, or sign in at /login.")
    })?;
    if principal.must_change_password {
        return Err(login::password_change_required());
    }
    Ok((principal.user_id, principal.role))
}

/// Revoke a token
#[utoipa::path(
    delete, path = "/api/v1/tokens/{id}", tag = "access",
    params(("id" = Uuid, Path, description = "the id of one's own token")),
    responses(
        (status = 204, description = "The token is no longer valid"),
        (status = 401, description = "Not signed in"),
        (status = 404, description = "The caller has no such token"),
    )
)]
async fn revoke(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<StatusCode> {
    revoke_own(&app, &actor, principal.user_id, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revokes one of the caller's own tokens. 404 where there is none; that it is somebody else's is
/// written down.
pub async fn revoke_own(app: &App, actor: &Actor, user_id: Uuid, id: &str) -> Result<()> {
    let gone = || Problem::not_found("You have no such token.");
    let id: Uuid = id.parse().map_err(|_| gone())?;
    let mut transaction = app.pool.begin().await?;
    let now = app.clock.now();
    let Some(prefix) = tokens::revoke(&mut *transaction, user_id, id, now).await? else {
        drop(transaction);
        if tokens::is_of_another(&app.pool, user_id, id).await? {
            audit::refused(app, actor, ("token", id)).await?;
        }
        return Err(gone());
    };
    let act = Act::done(Action::TokenRevoked).to("token", id).with(json!({ "prefix": prefix }));
    audit::write(app, &mut transaction, actor, act).await?;
    Ok(transaction.commit().await?)
}
