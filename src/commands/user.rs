//! `trueprice user ...`: users from the terminal of the server.

use std::{io::Write as _, process::ExitCode};

use clap::Subcommand;

use trueprice::{
    app::App,
    audit::Actor,
    auth::{
        Email, EmailError, Role,
        accounts::{self, Changes, Status},
        links::Link,
    },
    config::Config,
    db::{
        pool::Sharing,
        users::{self, UserRow},
    },
    error::Problem,
};

use super::{Outcome, Parts};

/// What to do with users.
#[derive(Debug, Clone, Subcommand)]
pub enum UserCommand {
    /// Make a user. Prints a link by which they choose their password, good once and for 72 hours.
    Add {
        /// Sign-in name.
        email: String,
        /// What the user may do: `read_only`, `read_write` or `admin`.
        #[arg(long, default_value = "read_only")]
        role: Role,
        /// The way back in when no enabled administrator is left: make this one, new or not. Prints
        /// a link that is good once and for an hour.
        #[arg(long)]
        recover: bool,
    },
    /// List all users.
    List,
    /// Shut a user out and end all their sessions and log-ins.
    Disable {
        /// Sign-in name.
        email: String,
    },
    /// Let a user in again. Their API tokens are good again; sessions stay ended.
    Enable {
        /// Sign-in name.
        email: String,
    },
    /// Take a user's password, sessions and tokens away. Prints a link by which they choose a new
    /// password, good once and for an hour.
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
    /// Recovering makes administrators only.
    #[error("--recover makes an administrator: say --role admin with it")]
    RecoverRole,
    /// Refused.
    #[error("{}", .0.detail)]
    Refused(Problem),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<Problem> for UserCommandError {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

pub async fn run(config: Config, command: UserCommand) -> Outcome {
    let Parts { app, database } = Box::pin(Parts::open(config, Sharing::Joining)).await?;
    let done = perform(&app, command).await;
    database.close().await;
    write!(std::io::stdout(), "{}", done?)?;
    Ok(ExitCode::SUCCESS)
}

/// The text that is returned belongs on the terminal: it may have a link in it.
async fn perform(app: &App, command: UserCommand) -> Result<String, UserCommandError> {
    let actor = Actor::COMMAND;
    match command {
        UserCommand::Add { email, role, recover: false } => {
            Ok(shown(app, &accounts::invite(app, &actor, &email.parse()?, role).await?))
        }
        UserCommand::Add { email, role: Role::Admin, recover: true } => {
            Ok(shown(app, &accounts::recover(app, &actor, &email.parse()?).await?))
        }
        UserCommand::Add { .. } => Err(UserCommandError::RecoverRole),
        UserCommand::List => Ok(users::all(&app.pool).await?.iter().map(line).collect()),
        UserCommand::Disable { email } => {
            let email = set_status(app, &email, Status::Disabled).await?;
            Ok(format!("{email} is shut out\n"))
        }
        UserCommand::Enable { email } => {
            let email = set_status(app, &email, Status::Enabled).await?;
            Ok(format!("{email} may come in again\n"))
        }
        UserCommand::Reset { email } => {
            let (_, user) = find(app, &email).await?;
            Ok(shown(app, &accounts::reset(app, &actor, user.id).await?))
        }
    }
}

async fn set_status(app: &App, email: &str, status: Status) -> Result<Email, UserCommandError> {
    let (email, user) = find(app, email).await?;
    let changes = Changes { role: None, status: Some(status) };
    accounts::change(app, &Actor::COMMAND, user.id, changes).await?;
    Ok(email)
}

async fn find(app: &App, email: &str) -> Result<(Email, UserRow), UserCommandError> {
    let email: Email = email.parse()?;
    let found = users::by_email(&app.pool, email.as_str()).await?;
    let user = found.ok_or_else(|| UserCommandError::Unknown(email.clone()))?;
    Ok((email, user))
}

fn shown(app: &App, link: &Link) -> String {
    let (email, until) = (&link.email, link.expires_at.format("%Y-%m-%dT%H:%M:%SZ"));
    let url = link.url(&app.config);
    format!("{email} chooses a password here, once, until {until}; it is not shown again:\n{url}\n")
}

fn line(user: &UserRow) -> String {
    let state = match (user.erased_at, user.disabled_at) {
        (Some(_), _) => "erased",
        (None, Some(_)) => "disabled",
        (None, None) => "enabled",
    };
    let seen = match user.last_login_at {
        Some(at) => at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        None => "never".to_owned(),
    };
    format!("{:40} {:10} {state:8} last sign-in {seen}\n", user.email, user.role)
}
