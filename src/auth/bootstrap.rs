//! The first administrator.

use super::{
    Email, Role, Secret,
    email::EmailError,
    password_rules::{self, PasswordError},
    passwords::HashError,
    secret::NoRandomness,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    db::users::{self, NewUser},
};

/// The e-mail of the first administrator when none is set.
pub const DEFAULT_EMAIL: &str = "admin@localhost";

/// The administrator that was just made.
#[derive(Debug, Clone)]
pub struct FirstAdministrator {
    /// Sign-in name.
    pub email: Email,
    /// The random password, to be printed once on the terminal and nowhere else; none when the
    /// operator has set one.
    pub random_password: Option<Secret>,
}

/// The first administrator could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MakeUserError {
    /// The e-mail address cannot be one.
    #[error(transparent)]
    Email(#[from] EmailError),
    /// The password may not be used.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The e-mail address is taken.
    #[error("there is a user {0} already")]
    Taken(Email),
    /// No hash.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// No password.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Makes the first administrator when there is no user at all. Two servers that start together
/// make one.
pub async fn bootstrap(
    app: &App,
    email: Option<&str>,
    password: Option<Secret>,
) -> Result<Option<FirstAdministrator>, MakeUserError> {
    let email: Email = email.unwrap_or(DEFAULT_EMAIL).parse()?;
    let mut transaction = app.pool.begin().await?;
    if users::lock_and_ask_for_any(&mut transaction).await? {
        return Ok(None);
    }
    let random = password.is_none();
    let password = match password {
        Some(password) => password,
        None => Secret::random_password()?,
    };
    password_rules::check(&password, &email)?;
    let id = insert(app, &mut transaction, &email, &password, random).await?;
    let detail = json!({ "role": Role::Admin, "must_change_password": random });
    let act = Act::done(Action::Bootstrap).to("user", id).with(detail);
    audit::write(app, &mut transaction, &Actor::SERVER, act).await?;
    transaction.commit().await?;
    Ok(Some(FirstAdministrator { email, random_password: random.then_some(password) }))
}

async fn insert(
    app: &App,
    connection: &mut sqlx::PgConnection,
    email: &Email,
    password: &Secret,
    must_change_password: bool,
) -> Result<Uuid, MakeUserError> {
    let password_hash = app.passwords.hash(password).await?;
    let user = NewUser {
        id: app.clock.new_id(),
        email: email.as_str(),
        role: Role::Admin.as_str(),
        password_hash: Some(&password_hash),
        must_change_password,
        created_at: app.clock.now(),
    };
    if users::insert(connection, user).await? {
        return Ok(user.id);
    }
    Err(MakeUserError::Taken(email.clone()))
}
