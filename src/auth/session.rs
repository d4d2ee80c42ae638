//! Beginning and ending the session of a browser.
//!
//! The secret in the cookie is the id that `tower-sessions` makes: 128 random bits, where our tokens
//! have 256. It is kept as its digest, lives for hours, and cannot be tried out faster than the
//! server answers, so 128 bits are out of reach; a store of our own would be more to get wrong.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, header};
use serde_json::json;
use tower_sessions::Session;
use uuid::Uuid;

use super::{Credential, CsrfToken, Principal, Role, Scopes, store};
use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    config::AuthConfig,
    db,
    error::{Problem, Result},
};

/// The name of the session's cookie. The prefix makes browsers insist on TLS and on this host.
#[must_use]
pub const fn cookie_name(config: &AuthConfig) -> &'static str {
    if config.behind_tls_proxy { "__Host-session" } else { "session" }
}

/// Begins a session under a new id; the former one, if any, is dead at once. A `login` is written into
/// the audit log with it.
pub async fn begin(
    session: &Session,
    user_id: Uuid,
    address: IpAddr,
    headers: &HeaderMap,
    login: Option<store::Login>,
) -> Result<()> {
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let sign_in = store::SignIn {
        user_id,
        address: Some(address.to_string()),
        user_agent: user_agent.map(|text| text.chars().take(300).collect()),
        login,
    };
    session.cycle_id().await.map_err(away)?;
    session.insert(store::SIGN_IN, sign_in).await.map_err(away)
}

/// Ends the session on the server.
pub async fn end(session: &Session) -> Result<()> {
    session.flush().await.map_err(away)
}

/// The header that makes the browser forget the cookie.
#[must_use]
pub fn forget_cookie(config: &AuthConfig) -> HeaderValue {
    HeaderValue::from_static(if config.behind_tls_proxy {
        "__Host-session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
    } else {
        "session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
    })
}

/// Who is signed in with this session, and the token their forms must carry. A session whose user has
/// got another role gets a new id on the way.
pub async fn principal(session: &Session) -> Result<Option<(Principal, CsrfToken)>> {
    let Some(account) = session.get::<store::Account>(store::ACCOUNT).await.map_err(away)? else {
        return Ok(None);
    };
    if session.get::<Uuid>(store::RENEWED).await.map_err(away)?.is_some() {
        session.cycle_id().await.map_err(away)?;
        session.save().await.map_err(away)?;
        session.remove::<Uuid>(store::RENEWED).await.map_err(away)?;
    }
    let Some(secret) = session.id() else { return Ok(None) };
    let role: Role = account.role.parse().map_err(|error| Problem::internal(&error))?;
    let principal = Principal {
        user_id: account.user_id,
        email: account.email,
        role,
        scopes: Scopes::of_role(role),
        credential: Credential::Session(account.session_id),
        prefix: account.session_id.to_string().chars().take(8).collect(),
        must_change_password: account.must_change_password,
        shut: account.shut,
    };
    Ok(Some((principal, CsrfToken::of_secret(&secret.to_string()))))
}

/// Ends one session of `user_id`, as `actor` wishes; false where there is none.
pub async fn end_one(app: &App, actor: &Actor, user_id: Uuid, act: Act, id: Uuid) -> Result<bool> {
    let mut transaction = app.pool.begin().await?;
    if !db::sessions::delete(&mut *transaction, user_id, id).await? {
        return Ok(false);
    }
    audit::write(app, &mut transaction, actor, act.to("session", id)).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Ends all sessions and login tokens of a user, as `actor` wishes; API tokens stay.
pub async fn end_everywhere(app: &App, actor: &Actor, user_id: Uuid) -> Result<()> {
    let mut transaction = app.pool.begin().await?;
    db::sessions::delete_all(&mut transaction, user_id).await?;
    let login = db::tokens::Which::Login;
    db::tokens::revoke_all(&mut transaction, user_id, login, app.clock.now()).await?;
    let act = Act::done(Action::SessionEnded).to("user", user_id);
    let detail = json!({ "which": "all sessions and login tokens" });
    audit::write(app, &mut transaction, actor, act.with(detail)).await?;
    Ok(transaction.commit().await?)
}

/// The store of sessions is the database.
fn away(error: impl std::fmt::Display) -> Problem {
    tracing::warn!(%error, "sessions cannot be reached");
    Problem::unavailable(
        "database_unavailable",
        "The database cannot be reached just now. Nothing was changed; please try again.",
        5,
    )
}
