//! Makes, rotates and removes login roles, and tells the audit log.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::scram;
use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    auth::Secret,
    db::bi::{self, Backend},
    error::{Problem, Result},
};

/// A role with its new password, which is shown this once and kept nowhere.
#[derive(Debug)]
pub struct Made {
    /// `bi_` and the user's id without dashes.
    pub name: String,
    /// Its password.
    pub password: Secret,
    /// Whether the role is new; else it had another password until now.
    pub is_new: bool,
}

/// Makes the role of a user, or gives it another password and ends its connections.
pub async fn make(app: &App, actor: &Actor, user: Uuid) -> Result<Made> {
    let password = Secret::random("").map_err(|error| Problem::internal(&error))?;
    let verifier = scram::verifier(&password).map_err(|error| Problem::internal(&error))?;
    let mut tx = app.pool.begin().await?;
    let is_new = bi::make_role(&mut tx, user, &verifier, app.clock.now()).await.map_err(refused)?;
    let name = bi::name_of(user);
    let action = if is_new { Action::BiRoleCreated } else { Action::BiPasswordRotated };
    audit::write(app, &mut tx, actor, Act::done(action).to("bi_role", &name)).await?;
    tx.commit().await?;
    // Now that nobody can come in by the former password, those who did go.
    let mut connection = app.pool.acquire().await?;
    bi::end_sessions(&mut connection, &name).await.map_err(refused)?;
    Ok(Made { name, password, is_new })
}

/// Takes the password of somebody's role away, so that they have to make another one.
pub async fn reset(app: &App, actor: &Actor, user: Uuid) -> Result<()> {
    if bi::role_of(&app.pool, user).await?.is_none() {
        return Err(no_role());
    }
    // Nobody learns this one.
    make(app, actor, user).await.map(|_| ())
}

/// Removes the role of a user and ends its connections.
pub async fn drop(app: &App, actor: &Actor, user: Uuid) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    if !bi::drop_role(&mut tx, user).await.map_err(refused)? {
        return Err(no_role());
    }
    let act = Act::done(Action::BiRoleDropped).to("bi_role", bi::name_of(user));
    audit::write(app, &mut tx, actor, act).await?;
    tx.commit().await?;
    Ok(())
}

/// Locks a role or lets it log in again; a lock ends its connections.
pub async fn lock(app: &App, actor: &Actor, user: Uuid, locked: bool) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let since: Option<DateTime<Utc>> = locked.then(|| app.clock.now());
    let Some(before) = bi::set_lock(&mut tx, user, since).await? else { return Err(no_role()) };
    settle(&mut tx).await.map_err(refused)?;
    let act = Act::done(Action::BiRoleLocked)
        .to("bi_role", bi::name_of(user))
        .with(json!({ "before": before, "after": locked }));
    audit::write(app, &mut tx, actor, act).await?;
    tx.commit().await?;
    Ok(())
}

/// Brings who may log in up to date, and ends the connections of those who may not.
pub async fn settle(tx: &mut PgConnection) -> sqlx::Result<()> {
    bi::settle_logins(tx).await?;
    for name in bi::shut_out(tx).await? {
        bi::end_sessions(tx, &name).await?;
    }
    Ok(())
}

/// Cancels the running statement of a connection.
pub async fn cancel(app: &App, actor: &Actor, pid: i32) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let backends = bi::backends(&mut tx).await.map_err(refused)?;
    let Some(backend) = backends.into_iter().find(|backend| backend.pid == pid) else {
        return Err(Problem::not_found("There is no such connection."));
    };
    bi::signal(&mut tx, pid, backend.backend_start, false).await.map_err(refused)?;
    audit::write(app, &mut tx, actor, cancelled(&backend, "by an administrator")).await?;
    tx.commit().await?;
    Ok(())
}

/// What the log says of a statement that was cancelled, or a connection that was ended.
pub(super) fn cancelled(backend: &Backend, why: &str) -> Act {
    Act::done(Action::BiCancelled)
        .to("bi_role", &backend.role_name)
        .with(json!({ "pid": backend.pid, "why": why, "address": backend.address }))
}

fn no_role() -> Problem {
    Problem::not_found("There is no login role for SQL; make one first.")
}

/// What the database does not let us do is for the operator to allow.
fn refused(error: sqlx::Error) -> Problem {
    let code =
        error.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
    match code.as_deref() {
        Some("42501") => {
            tracing::warn!(%error, "the database user may not make login roles");
            Problem::unavailable(
                "bi_unavailable",
                "This server's database user may not make login roles, so that there is no access \
                 by SQL. The operator finds under \"Tableau and SQL\" in the README what to allow.",
                3600,
            )
        }
        _ => error.into(),
    }
}
