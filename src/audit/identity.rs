//! What is written down about proving who one is.

use axum::http::request::Parts;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use uuid::Uuid;

use super::{Act, Action, Actor, note, note_seldom, write};
use crate::{
    app::App,
    auth::{Email, address},
    db::{
        audit,
        tokens::{DeadToken, LiveToken},
        users,
    },
    domain::Sha256,
    error::{Problem, Result},
};

/// Writes down a sign-in that was refused, if `problem` is that. Of a user the row names the user; of
/// anything else that was typed, which may be somebody's password, only a keyed hash.
///
/// The same is asked of the database for known and unknown e-mails: the time tells nothing.
pub async fn login_refused(app: &App, actor: &Actor, email: &str, problem: &Problem) -> Result<()> {
    let throttled = problem.code == "too_many_attempts";
    if !throttled && problem.code != "wrong_credentials" {
        return Ok(());
    }
    let folded = email.trim().to_lowercase();
    let key = audit::key(&app.pool).await?;
    let known = match folded.parse::<Email>() {
        Ok(email) => users::by_email(&app.pool, email.as_str()).await?,
        Err(_) => None,
    };
    let act = match throttled {
        true => Act::refused(Action::LoginThrottled),
        false => Act::failed(Action::LoginFailed),
    };
    let act = match known {
        Some(user) => {
            let disabled = user.disabled_at.is_some();
            act.to("user", user.id).with(json!({ "email": user.email, "disabled": disabled }))
        }
        None => act.to("email_hash", keyed_hash(&key, &folded)?),
    };
    match throttled {
        true => note_seldom(app, actor, act).await?,
        false => note(app, actor, act).await?,
    }
    Ok(())
}

/// HMAC-SHA-256 in hexadecimal.
fn keyed_hash(key: &[u8], text: &str) -> Result<String> {
    let mut hash =
        Hmac::<sha2::Sha256>::new_from_slice(key).map_err(|error| Problem::internal(&error))?;
    hash.update(text.as_bytes());
    let digest = Sha256::from_bytes(&hash.finalize().into_bytes());
    digest.map(|digest| digest.to_string()).ok_or_else(|| Problem::internal(&"no digest"))
}

/// Writes down the first use of a token, in the transaction that notes it.
pub async fn token_first_used(
    app: &App,
    connection: &mut sqlx::PgConnection,
    parts: &Parts,
    token: &LiveToken,
) -> sqlx::Result<()> {
    let proof = super::proof_of_token(&token.prefix);
    let actor = Actor::of(parts, app).proven(token.user_id, &token.email, proof);
    let actor = actor.with_prefix(&token.prefix);
    let act = Act::done(Action::TokenFirstUsed).to("token", token.id);
    write(app, connection, &actor, act).await
}

/// Writes down that a token was sent which is in force no more. Nothing is written of texts that never
/// were a token, and one row a minute of each that was.
pub async fn token_refused(app: &App, parts: &Parts, token: &DeadToken) -> sqlx::Result<()> {
    let why = match token {
        DeadToken { disabled: true, .. } => "disabled",
        DeadToken { revoked: true, .. } => "revoked",
        _ => "expired",
    };
    let actor = Actor::of(parts, app).with_prefix(&token.prefix);
    let detail = json!({ "why": why, "owner": token.user_id, "email": token.email });
    let act = Act::refused(Action::CredentialRefused).to("token", token.id).with(detail);
    note_seldom(app, &actor, act).await
}

/// Writes down that a password or token stood in an address, where others can read it: from where, and
/// under which name, once a minute for each network. It was looked up nowhere.
pub async fn leaked(app: &App, parts: &Parts, parameter: &'static str) {
    let actor = Actor::of(parts, app);
    let from = address::of_request(parts, &app.config.auth.trusted_proxies);
    let detail = json!({ "why": "url", "parameter": parameter, "value": "[redacted]" });
    let act = Act::refused(Action::CredentialRefused).to("network", address::counted_on(from));
    if let Err(error) = note_seldom(app, &actor, act.with(detail)).await {
        tracing::warn!(%error, "a leak could not be written down");
    }
}

/// A sign-in with the right password, to be written with what it opened.
#[must_use]
pub fn login(kind: &'static str, id: Uuid) -> Act {
    Act::done(Action::Login).to(kind, id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_of_rfc_4231() {
        let hash = keyed_hash(&[0x0b; 20], "Hi There").unwrap();
        assert_eq!(
            hash,
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376cff32d4f7".to_owned()
        );
        let cut = keyed_hash(b"Jefe", "what do ya want for nothing?").unwrap();
        assert!(cut.starts_with("5bdcc146bf60754e6a042426089575c7"));
    }
}
