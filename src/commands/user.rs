//! `trueprice user ...`: users from the terminal of the server.

use std::{io::Write as _, process::ExitCode};

use clap::Subcommand;

use trueprice::{
    app::App,
    auth::{
        Email, EmailError, MakeUserError, Role, Secret, add_user,
        login::{Change, set_password},
    },
    config::Config,
    db::{
        self,
        pool::Sharing,
        tokens::Which,
        users::{self, Disabled, UserRow},
    },
    error::Problem,
};

use super::{Outcome, Parts};

/// What to do with users.
#[derive(Debug, Clone, Subcommand)]
pub enum UserCommand {
    /// Make a user. Prints a password once; the user must change it at first sign-in.
    Add {
        /// Sign-in name.
        email: String,
        /// What the user may do: `read_only`, `read_write` or admin.
        #[arg(long, default_value = "read_only", value_parser = role)]
        role: Role,
    },
    /// List all users.
    List,
    /// Shut a user out and end all their sessions and log-ins.
    Disable {
        /// Sign-in name.
        email: String,
    },
    /// Give a user a new password, printed once, and end all their sessions and tokens.
    Reset {
        /// Sign-in name.
        email: String,
    },
}

/// A command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum UserCommandError {
    /// Not an e-mail address.
    #[error(transparent)]
    Email(#[from] EmailError),
    /// Nobody has it.
    #[error("there is no user {0}; `trueprice user list` shows who there is")]
    Unknown(Email),
    /// Somebody must remain.
    #[error("{0} is the last enabled administrator and stays; make another one first")]
    LastAdministrator(Email),
    /// Not made.
    #[error(transparent)]
    Make(#[from] MakeUserError),
    /// The password was not set.
    #[error("{}", .0.detail)]
    Password(Problem),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Exactly one of the words: another case is not understood.
fn role(word: &str) -> Result<Role, String> {
    let known = Role::ALL.iter().copied();
    known.into_iter().find(|role| role.as_str() == word).ok_or_else(|| {
        format!(
            "known are {}",
            Role::ALL.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
        )
    })
}

pub async fn run(config: Config, command: UserCommand) -> Outcome {
    let Parts { app, database } = Parts::open(config, Sharing::Joining).await?;
    let done = perform(&app, command).await;
    database.close().await;
    write!(std::io::stdout(), "{}", done?)?;
    Ok(ExitCode::SUCCESS)
}

/// The text that is returned belongs on the terminal: it may have a password in it.
async fn perform(app: &App, command: UserCommand) -> Result<String, UserCommandError> {
    match command {
        UserCommand::Add { email, role } => {
            let email: Email = email.parse()?;
            let password = add_user(app, &email, role).await?;
            Ok(first_password(&email, &password))
        }
        UserCommand::List => Ok(users::all(&app.pool).await?.iter().map(line).collect()),
        UserCommand::Disable { email } => disable(app, &email).await,
        UserCommand::Reset { email } => reset(app, &email).await,
    }
}

async fn disable(app: &App, email: &str) -> Result<String, UserCommandError> {
    let (email, user) = find(app, email).await?;
    let mut transaction = app.pool.begin().await?;
    let now = app.clock.now();
    if users::disable(&mut transaction, user.id, now).await? == Disabled::LastAdministrator {
        return Err(UserCommandError::LastAdministrator(email));
    }
    db::sessions::delete_all(&mut transaction, user.id).await?;
    db::tokens::revoke_all(&mut transaction, user.id, Which::Login, now).await?;
    transaction.commit().await?;
    Ok(format!("{email} is shut out\n"))
}

async fn reset(app: &App, email: &str) -> Result<String, UserCommandError> {
    let (email, user) = find(app, email).await?;
    let password = Secret::random_password().map_err(MakeUserError::from)?;
    let change = Change { must_change: true, end: Which::All };
    set_password(app, user.id, &password, change).await.map_err(UserCommandError::Password)?;
    Ok(first_password(&email, &password))
}

async fn find(app: &App, email: &str) -> Result<(Email, UserRow), UserCommandError> {
    let email: Email = email.parse()?;
    let found = users::by_email(&app.pool, email.as_str()).await?;
    let user = found.ok_or_else(|| UserCommandError::Unknown(email.clone()))?;
    Ok((email, user))
}

fn first_password(email: &Email, password: &Secret) -> String {
    let password = password.expose();
    format!("{email} signs in with {password} and must change it; it is not shown again\n")
}

fn line(user: &UserRow) -> String {
    let state = if user.disabled_at.is_some() { "disabled" } else { "enabled" };
    let seen = match user.last_login_at {
        Some(at) => at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        None => "never".to_owned(),
    };
    format!("{:40} {:10} {state:8} last sign-in {seen}\n", user.email, user.role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_exact_words() {
        assert_eq!(role("admin"), Ok(Role::Admin));
        for bad in ["", "a", "min", "ADMIN", "admin ", "administrator", "read_write,admin"] {
            assert!(role(bad).is_err(), "{bad:?}");
        }
    }
}
