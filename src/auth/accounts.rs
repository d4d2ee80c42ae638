//! The life of a user: invited, given another role, shut out, let in again, reset, erased.
//!
//! Each function is one transaction with its rows of the audit log. Whatever could leave the site
//! without an administrator locks the administrators' rows first, and asks whether the caller is
//! still one of them.

mod bulk;
mod recover;

use axum::http::StatusCode;
use serde_json::json;
use sqlx::{PgConnection, PgTransaction};
use uuid::Uuid;

use super::{
    Email, Role,
    links::{self, Link, Purpose},
};
use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    db::{
        self,
        tokens::Which,
        users::{self, NewUser, UserRow},
    },
    domain::words,
    error::{Problem, Result},
};

pub use bulk::{Line, invite_all};
pub use recover::recover;

words! {
    /// Whether a user may come in.
    Status("a status", exact) {
        /// They may.
        Enabled = "enabled",
        /// They are shut out.
        Disabled = "disabled",
    }
}

/// What an administrator changes of a user; at least one of the two.
#[derive(Debug, Clone, Copy)]
pub struct Changes {
    /// The new role.
    pub role: Option<Role>,
    /// Whether they may come in.
    pub status: Option<Status>,
}

/// Makes a user without a password, and the link that leads to one. 409 `email_taken`.
pub async fn invite(app: &App, actor: &Actor, email: &Email, role: Role) -> Result<Link> {
    let mut transaction = app.pool.begin().await?;
    let id = insert(app, &mut transaction, email, role).await?;
    let act = Act::done(Action::UserCreated).to("user", id).with(json!({ "role": role }));
    audit::write(app, &mut transaction, actor, act).await?;
    if role == Role::ReadWrite {
        attach_builtin(app, &mut transaction, actor, id).await?;
    }
    let user = (id, email.clone());
    let link = links::make(app, &mut transaction, actor, user, Purpose::Invite).await?;
    transaction.commit().await?;
    Ok(link)
}

async fn insert(
    app: &App,
    connection: &mut PgConnection,
    email: &Email,
    role: Role,
) -> Result<Uuid> {
    let user = NewUser {
        id: app.clock.new_id(),
        email: email.as_str(),
        role: role.as_str(),
        password_hash: None,
        must_change_password: false,
        created_at: app.clock.now(),
    };
    if users::insert(connection, user).await? {
        return Ok(user.id);
    }
    let detail = format!("There is a user {email} already.");
    Err(conflict("email_taken", detail).with("parameter", "email"))
}

async fn attach_builtin(
    app: &App,
    connection: &mut PgConnection,
    actor: &Actor,
    id: Uuid,
) -> Result<()> {
    let package = users::attach_builtin(connection, id, app.clock.now()).await?;
    let Some(package) = package else { return Ok(()) };
    let act = Act::done(Action::PackageAttached).to("user", id);
    let act = act.with(json!({ "package": package, "why": "new user of role read_write" }));
    Ok(audit::write(app, connection, actor, act).await?)
}

/// Changes role and status, both or neither. 403 `own_account`, 404, 409 `last_administrator` or
/// `user_erased`. What is already so is left as it is.
pub async fn change(app: &App, actor: &Actor, id: Uuid, changes: Changes) -> Result<()> {
    let (mut transaction, before, administrators) = begin(app, actor, id).await?;
    let leaves = changes.role.is_some_and(|role| role != Role::Admin)
        || changes.status == Some(Status::Disabled);
    if administrators == [id] && leaves {
        let detail = format!(
            "{} is the last enabled administrator and stays one. Make another one first.",
            before.email
        );
        return Err(conflict("last_administrator", detail));
    }
    if let Some(role) = changes.role.filter(|role| role.as_str() != before.role) {
        users::set_role(&mut transaction, id, role.as_str()).await?;
        let detail = json!({ "before": before.role, "after": role });
        let act = Act::done(Action::RoleChanged).to("user", id).with(detail);
        audit::write(app, &mut transaction, actor, act).await?;
    }
    match changes.status {
        Some(Status::Disabled) if before.disabled_at.is_none() => {
            disable(app, &mut transaction, actor, id).await?;
        }
        Some(Status::Enabled) if before.disabled_at.is_some() => {
            users::set_disabled_at(&mut transaction, id, None).await?;
            let act = Act::done(Action::UserEnabled).to("user", id);
            audit::write(app, &mut transaction, actor, act).await?;
        }
        _ => {}
    }
    Ok(transaction.commit().await?)
}

/// Locks the administrators and the user whom `actor`, still one of them, acts on.
async fn begin(
    app: &App,
    actor: &Actor,
    id: Uuid,
) -> Result<(PgTransaction<'static>, UserRow, Vec<Uuid>)> {
    let mut transaction = app.pool.begin().await?;
    let administrators = users::lock_administrators(&mut transaction).await?;
    match actor.user_id {
        Some(own) if own == id => return Err(own_account()),
        Some(own) if !administrators.contains(&own) => {
            return Err(Problem::forbidden("You are not an administrator any more."));
        }
        _ => {}
    }
    let user = users::lock(&mut transaction, id).await?.ok_or_else(no_such_user)?;
    if user.erased_at.is_some() {
        return Err(erased());
    }
    Ok((transaction, user, administrators))
}

/// API tokens stay: they are inert, and come back when the user does.
async fn disable(app: &App, connection: &mut PgConnection, actor: &Actor, id: Uuid) -> Result<()> {
    users::set_disabled_at(connection, id, Some(app.clock.now())).await?;
    let ended = end(app, connection, id, Which::Login).await?;
    db::links::end_all(connection, id, app.clock.now()).await?;
    let act = Act::done(Action::UserDisabled).to("user", id).with(ended);
    Ok(audit::write(app, connection, actor, act).await?)
}

/// Takes the user's password, sessions and tokens away at once, and makes a link to a new password:
/// an invite for who never had one, else a reset. 403 `own_account`, 404, 409 `user_disabled` or
/// `user_erased`.
pub async fn reset(app: &App, actor: &Actor, id: Uuid) -> Result<Link> {
    let (mut transaction, user, _) = begin(app, actor, id).await?;
    if user.disabled_at.is_some() {
        let detail = format!("{} is disabled. Enable the account first.", user.email);
        return Err(conflict("user_disabled", detail));
    }
    let is_new = user.password_hash.is_none()
        && user.last_login_at.is_none()
        && !db::links::was_made(&mut transaction, id, Purpose::Reset.as_str()).await?;
    let purpose = if is_new { Purpose::Invite } else { Purpose::Reset };
    let user = (id, stored_email(&user)?);
    let link = start_anew(app, &mut transaction, actor, user, purpose).await?;
    transaction.commit().await?;
    Ok(link)
}

/// Ends everything that the user has, the password too, and makes the link to a new one.
async fn start_anew(
    app: &App,
    connection: &mut PgConnection,
    actor: &Actor,
    (id, email): (Uuid, Email),
    purpose: Purpose,
) -> Result<Link> {
    users::forget_password(connection, id).await?;
    db::links::end_all(connection, id, app.clock.now()).await?;
    let ended = end(app, connection, id, Which::All).await?;
    let act = Act::done(Action::SessionEnded).to("user", id).with(ended);
    audit::write(app, connection, actor, act).await?;
    links::make(app, connection, actor, (id, email), purpose).await
}

/// Ends the user's sessions and login tokens. 404.
pub async fn end_sessions(app: &App, actor: &Actor, id: Uuid) -> Result<()> {
    let mut transaction = app.pool.begin().await?;
    users::lock(&mut transaction, id).await?.ok_or_else(no_such_user)?;
    let ended = end(app, &mut transaction, id, Which::Login).await?;
    let act = Act::done(Action::SessionEnded).to("user", id).with(ended);
    audit::write(app, &mut transaction, actor, act).await?;
    Ok(transaction.commit().await?)
}

async fn end(
    app: &App,
    connection: &mut PgConnection,
    id: Uuid,
    which: Which,
) -> Result<serde_json::Value> {
    let sessions = db::sessions::delete_all(connection, id).await?;
    let tokens = db::tokens::revoke_all(connection, id, which, app.clock.now()).await?;
    Ok(json!({ "ended": { "sessions": sessions, "tokens": tokens } }))
}

/// Puts an address that says nothing in the place of the user's, and revokes their tokens; the id
/// stays, for what the log and the uploads tell of it. 404, 409 `not_disabled`. Doing it again
/// changes nothing.
pub async fn erase(app: &App, actor: &Actor, id: Uuid) -> Result<()> {
    let mut transaction = app.pool.begin().await?;
    let user = users::lock(&mut transaction, id).await?.ok_or_else(no_such_user)?;
    if user.erased_at.is_some() {
        return Ok(());
    }
    if user.disabled_at.is_none() {
        let detail = format!("{} is enabled. Disable the account first.", user.email);
        return Err(conflict("not_disabled", detail));
    }
    let ended = end(app, &mut transaction, id, Which::All).await?;
    let nobody = format!("erased-{id}@erased.invalid");
    users::erase(&mut transaction, id, &nobody, app.clock.now()).await?;
    let act = Act::done(Action::UserErased).to("user", id).with(ended);
    audit::write(app, &mut transaction, actor, act).await?;
    Ok(transaction.commit().await?)
}

fn stored_email(user: &UserRow) -> Result<Email> {
    user.email.parse().map_err(|error| Problem::internal(&error))
}

fn erased() -> Problem {
    let detail = "The personal data of this user were erased; nothing of them can be changed.";
    conflict("user_erased", detail)
}

fn own_account() -> Problem {
    Problem {
        code: "own_account",
        ..Problem::forbidden(
            "Nobody changes their own role or status. Ask another administrator; your password is \
             changed at /account.",
        )
    }
}

/// 404 for an id that no user has.
#[must_use]
pub fn no_such_user() -> Problem {
    Problem::not_found("There is no such user.")
}

fn conflict(code: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, detail)
}
