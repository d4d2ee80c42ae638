//! `POST /login` and `POST /logout`, for scripts and for browsers.

use axum::{
    Json,
    extract::{Extension, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;
use tower_sessions::Session;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Act, Action, Actor, Proof, identity},
    auth::{
        Credential, Principal, Secret,
        address::ClientAddress,
        login::{self as credentials, User},
        session,
        token::{self, Kind, Wanted},
    },
    db::tokens,
    error::{Problem, Result},
    web::{
        body::StrictForm,
        middleware::accept::wants_html,
        pages::login::{LoginForm, LoginQuery, submit},
        parameters::{NoQuery, StrictQuery},
    },
};

/// The calls of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(login)).routes(routes!(logout))
}

/// What a script or the sign-in page sends.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the form, which LoginForm reads")]
struct LoginFields {
    /// Sign-in name.
    #[schema(example = "ann@example.com")]
    email: String,
    /// Password.
    #[schema(example = "four words of a song", format = Password)]
    password: String,
}

/// A token of a script.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "access_token": "tpl_u3n0cQ4f2yW1sZ8hR6kT5vB7xD9mG2jL4pN6qS8tV0w",
    "token_type": "Bearer",
    "expires_at": "2026-03-03T08:00:00Z",
    "msg": "Signed in. Send the token as Authorization: Bearer TOKEN.",
    "message_flag": "success"
}))]
struct LoginAnswer {
    access_token: String,
    token_type: &'static str,
    expires_at: DateTime<Utc>,
    msg: &'static str,
    message_flag: &'static str,
}

/// Sign in
///
/// For scripts: the answer has a token that lives 24 hours. With an `Accept` of `text/html` this is
/// the sign-in form of the browser, which sets a cookie instead.
#[utoipa::path(
    post, path = "/login", tag = "access", security(()),
    request_body(content = LoginFields, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Signed in", body = LoginAnswer),
        (status = 400, description = "A field is missing or unknown, or credentials were sent in the URL"),
        (status = 401, description = "The e-mail address or the password is not right"),
        (status = 403, description = "The password was chosen for the user and must be changed at /login first"),
        (status = 415, description = "Not a form"),
        (status = 429, description = "Too many failed sign-ins; `Retry-After` says when to come back"),
        (status = 503, description = "Too many sign-ins at once"),
    )
)]
async fn login(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    (address, actor): (ClientAddress, Actor),
    headers: HeaderMap,
    _: StrictQuery<LoginQuery>,
    StrictForm(sent): StrictForm<LoginForm>,
) -> Result<Response> {
    if wants_html(&headers) {
        return submit(&app, &session, (address, actor), &headers, sent).await;
    }
    let (user, actor) = prove(&app, actor, (&sent.email, &sent.password), address).await?;
    let life = TimeDelta::from_std(app.config.auth.login_token_life);
    let wanted = Wanted {
        kind: Kind::Login,
        user_id: user.id,
        name: "POST /login".to_owned(),
        scopes: None,
        life: life.map_err(|error| Problem::internal(&error))?,
    };
    let made = token::make(&app, &actor, user.role, wanted).await?;
    Ok(Json(LoginAnswer {
        access_token: made.token.expose().to_owned(),
        token_type: "Bearer",
        expires_at: made.expires_at,
        msg: "Signed in. Send the token as Authorization: Bearer TOKEN.",
        message_flag: "success",
    })
    .into_response())
}

/// Who this is by e-mail and password, for a token; what is refused is written down.
pub(super) async fn prove(
    app: &App,
    actor: Actor,
    (email, password): (&str, &Secret),
    ClientAddress(address): ClientAddress,
) -> Result<(User, Actor)> {
    let user = match credentials::with_password(app, email, password, address).await {
        Ok(user) => user,
        Err(problem) => {
            identity::login_refused(app, &actor, email, &problem).await?;
            return Err(problem);
        }
    };
    let actor = actor.proven(user.id, &email.trim().to_lowercase(), Proof::Password);
    if let Err(problem) = credentials::must_be_own_password(&user) {
        let why = json!({ "why": problem.code });
        let act = Act::refused(Action::Login).to("user", user.id).with(why);
        audit::note(app, &actor, act).await?;
        return Err(problem);
    }
    Ok((user, actor))
}

/// Sign out
///
/// Revokes the login token that is sent, or ends the session of the cookie. An API token, made to
/// last, is not revoked by the way: `DELETE /api/v1/tokens/{id}` does that.
#[utoipa::path(
    post, path = "/logout", tag = "access",
    responses(
        (status = 204, description = "The token or the session is no longer valid"),
        (status = 303, description = "To /login, for a browser"),
        (status = 401, description = "Not signed in"),
        (status = 400, description = "A parameter; there is none"),
        (status = 403, description = "A cookie without the token against forgery"),
        (status = 409, description = "`api_token`: not a login token but an API token, which stays valid"),
    )
)]
async fn logout(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    Extension(principal): Extension<Principal>,
    actor: Actor,
    headers: HeaderMap,
    _: NoQuery,
) -> Result<Response> {
    match principal.credential {
        Credential::Token(id) => {
            if end_login_token(&app, &actor, (principal.user_id, id)).await? {
                return Ok(StatusCode::NO_CONTENT.into_response());
            }
            Err(api_token(id))
        }
        Credential::Session(id) => {
            let act = Act::done(Action::Logout);
            session::end_one(&app, &actor, principal.user_id, act, id).await?;
            session::end(&session).await?;
            let forget = [(header::SET_COOKIE, session::forget_cookie(&app.config.auth))];
            if wants_html(&headers) {
                return Ok((forget, Redirect::to("/login")).into_response());
            }
            Ok((StatusCode::NO_CONTENT, forget).into_response())
        }
    }
}

/// Ends the login token that was sent; false where it is an API token.
async fn end_login_token(app: &App, actor: &Actor, (user, id): (Uuid, Uuid)) -> Result<bool> {
    let mut transaction = app.pool.begin().await?;
    if !tokens::revoke_login(&mut *transaction, user, id, app.clock.now()).await? {
        return Ok(false);
    }
    let act = Act::done(Action::Logout).to("token", id);
    audit::write(app, &mut transaction, actor, act).await?;
    transaction.commit().await?;
    Ok(true)
}

fn api_token(id: Uuid) -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "api_token",
        format!(
            "This is an API token, which is made to last: it stays valid. \
             DELETE /api/v1/tokens/{id} revokes it."
        ),
    )
    .with("token_id", id.to_string())
}
