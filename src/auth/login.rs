//! Proving who one is with e-mail and password.

use std::net::IpAddr;

use axum::http::{HeaderValue, StatusCode, header};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Email, Role, Secret, address,
    password_rules::{self, PasswordError},
    passwords::Verdict,
    throttle::Attempt,
};
use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    db::{
        self,
        tokens::Which,
        users::{self, UserRow},
    },
    error::{Problem, Result},
};

/// Who gave the right password.
#[derive(Debug, Clone)]
pub struct User {
    /// Row of `app_user`.
    pub id: Uuid,
    /// Their role now.
    pub role: Role,
    /// The password was chosen by somebody else.
    pub must_change_password: bool,
}

/// Checks e-mail and password, slowing down whoever guesses. An unknown e-mail, a wrong password
/// and a disabled account are one and the same 401 `wrong_credentials`, after the same work.
pub async fn with_password(
    app: &App,
    email: &str,
    password: &Secret,
    address: IpAddr,
) -> Result<User> {
    let folded = email.trim().to_lowercase();
    let attempt = Attempt::begin(app, &folded, address).await?;
    // An e-mail that cannot be is looked up all the same, unless PostgreSQL could not store it.
    let row = match folded.parse::<Email>() {
        Ok(email) => users::by_email(&app.pool, email.as_str()).await?,
        Err(_) => None,
    };
    let row = row.filter(|row| row.disabled_at.is_none());
    let stored = row.as_ref().and_then(|row| row.password_hash.clone());
    let verdict = match app.passwords.verify(password, stored).await {
        Ok(verdict) => verdict,
        Err(error) => {
            attempt.not_made(app).await?;
            return Err(error.into());
        }
    };
    let Some(row) = row.filter(|_| verdict != Verdict::Wrong) else {
        return Err(wrong_credentials());
    };
    attempt.succeeded(app).await?;
    signed_in(app, &row, password, verdict).await
}

async fn signed_in(app: &App, row: &UserRow, password: &Secret, verdict: Verdict) -> Result<User> {
    let stronger = match verdict {
        Verdict::RightButWeak => Some(app.passwords.hash(password).await?),
        _ => None,
    };
    // What was taken away while the password was looked at opens nothing.
    if !users::note_login(&app.pool, row, app.clock.now(), stronger.as_deref()).await? {
        return Err(wrong_credentials());
    }
    let role = row.role.parse().map_err(|error| Problem::internal(&error))?;
    Ok(User { id: row.id, role, must_change_password: row.must_change_password })
}

/// The one answer to every wrong sign-in.
fn wrong_credentials() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "wrong_credentials",
        "The e-mail address or the password is not right.",
    )
    .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"TRUEPrice\""))
}

/// 403 `password_change_required`: no token before the first password is replaced.
pub fn must_be_own_password(user: &User) -> Result<()> {
    if user.must_change_password { Err(password_change_required()) } else { Ok(()) }
}

/// 403 `password_change_required`.
#[must_use]
pub fn password_change_required() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "password_change_required",
        "The password was chosen for you. Sign in at /login with a browser and choose your own.",
    )
}

/// Changes a password, for which the old one is needed. Ends all sessions and login tokens; the
/// caller gives the current browser a new session. 401 for a wrong old password, 422 for a new
/// one that may not be.
pub async fn change_password(
    app: &App,
    actor: &Actor,
    email: &str,
    old: &Secret,
    new: &Secret,
) -> Result<User> {
    let address = address::of_actor(actor);
    let known: Email = email.parse().map_err(|error| Problem::internal(&error))?;
    password_rules::check(new, &known)?;
    let user = with_password(app, email, old, address).await?;
    if password_rules::normalized(old) == password_rules::normalized(new) {
        return Err(refused("the new password is the old one; choose another"));
    }
    let change = Change { must_change: false, end: Which::Login };
    set_password(app, actor, user.id, new, change).await?;
    Ok(user)
}

/// What a new password brings with it.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    /// Whether the user has to choose another one at once.
    pub must_change: bool,
    /// Which tokens end; all sessions do.
    pub end: Which,
}

/// Sets a password and ends what the old one had opened, all or nothing.
pub async fn set_password(
    app: &App,
    actor: &Actor,
    user_id: Uuid,
    new: &Secret,
    change: Change,
) -> Result<()> {
    let hash = app.passwords.hash(new).await?;
    let mut transaction = app.pool.begin().await?;
    let new = Password { user_id, hash: &hash };
    replace_password(app, &mut transaction, actor, new, change).await?;
    Ok(transaction.commit().await?)
}

/// A password to be set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Password<'a> {
    /// Whose.
    pub user_id: Uuid,
    /// PHC string.
    pub hash: &'a str,
}

/// The same in a transaction of the caller's.
pub(super) async fn replace_password(
    app: &App,
    connection: &mut PgConnection,
    actor: &Actor,
    new: Password<'_>,
    change: Change,
) -> Result<()> {
    let (id, now) = (new.user_id, app.clock.now());
    users::set_password(connection, id, new.hash, change.must_change).await?;
    let sessions = db::sessions::delete_all(connection, id).await?;
    let tokens = db::tokens::revoke_all(connection, id, change.end, now).await?;
    db::links::end_all(connection, id, now).await?;
    let ended = json!({ "ended": { "sessions": sessions, "tokens": tokens } });
    let act = Act::done(Action::PasswordChanged).to("user", id).with(ended);
    Ok(audit::write(app, connection, actor, act).await?)
}

fn refused(why: impl std::fmt::Display) -> Problem {
    let code = "password_refused";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, why.to_string())
        .with("parameter", "password")
}

impl From<PasswordError> for Problem {
    fn from(error: PasswordError) -> Self {
        refused(error)
    }
}
