//! `trueprice feed ...`: the feeds from the terminal of the server, with one running or without.

mod list;
mod run;
mod status;

use std::process::ExitCode;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::{Subcommand, builder::PossibleValuesParser};
use tokio_util::sync::CancellationToken;
use trueprice::{
    app::App,
    config::{Config, ConfigError},
    db::pool::Sharing,
    error::Problem,
    feeds::{
        FEEDS,
        read::{command, live},
        runner::{self, RunError, Upkeep},
    },
};

use super::{Outcome, Parts};

/// Exit status of a command that was told what there is not, as that of one that clap refuses.
const USAGE: u8 = 2;

/// What to do with feeds.
#[derive(Debug, Clone, Subcommand)]
pub enum FeedCommand {
    /// List the feeds and their settings
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Ask for what is due, or for a range, and wait until it is loaded
    Run(run::RunArguments),
    /// Fetch history; or pause, resume, cancel a backfill
    Backfill(run::BackfillArguments),
    /// Print the emissions of a region
    Emissions(command::Arguments),
    /// How the scopes fare: state, lag, gaps, when they are due, backfills
    Status {
        /// A feed; all when left out.
        #[arg(value_parser = ids())]
        feed: Option<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

/// A command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum FeedCommandError {
    /// Refused.
    #[error("{}", .0.detail)]
    Refused(Problem),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A run broke off.
    #[error(transparent)]
    Run(#[from] RunError),
    /// What is told cannot be written.
    #[error(transparent)]
    Output(#[from] std::io::Error),
    /// A key is missing.
    #[error("setting feed.{0}.api_key: is not set, and the upstream asks for a key")]
    NoKey(&'static str),
}

impl From<Problem> for FeedCommandError {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl FeedCommandError {
    fn exit(&self) -> ExitCode {
        match self {
            Self::NoKey(_) => ExitCode::from(ConfigError::EXIT_STATUS),
            Self::Refused(problem) if problem.code == live::NO_KEY => {
                ExitCode::from(ConfigError::EXIT_STATUS)
            }
            Self::Refused(problem) if matches!(problem.status.as_u16(), 400 | 404) => {
                ExitCode::from(USAGE)
            }
            _ => ExitCode::FAILURE,
        }
    }
}

/// The ids that there are.
fn ids() -> PossibleValuesParser {
    PossibleValuesParser::new(FEEDS.iter().map(|feed| feed.about().id))
}

/// An instant with an offset, or a day of UTC.
fn instant(text: &str) -> Result<DateTime<Utc>, &'static str> {
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let instant = DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.to_utc());
    instant
        .or_else(|| day().map(|day| day.and_time(NaiveTime::MIN).and_utc()))
        .ok_or("give a day such as 2025-01-15, or an instant such as 2025-01-15T06:00:00Z")
}

pub async fn run(config: Config, command: FeedCommand) -> Outcome {
    if let FeedCommand::List { json } = command {
        list::print(&config.feeds, json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Parts { app, database } = Parts::open(config, Sharing::Joining).await?;
    let done = perform(&app, command).await;
    database.close().await;
    match done {
        Ok(code) => Ok(code),
        Err(error) => {
            eprintln!("trueprice: {error}");
            Ok(error.exit())
        }
    }
}

async fn perform(app: &App, command: FeedCommand) -> Result<ExitCode, FeedCommandError> {
    // What whoever polls has written down stays as it is.
    runner::sync(app, Upkeep::Ensure).await?;
    let halt = CancellationToken::new();
    let interrupt = interrupt(halt.clone());
    tokio::pin!(interrupt);
    let doing = async {
        match command {
            FeedCommand::List { json } => {
                list::print(&app.config.feeds, json)?;
                Ok(ExitCode::SUCCESS)
            }
            FeedCommand::Run(arguments) => run::run(app, &halt, arguments).await,
            FeedCommand::Backfill(arguments) => run::backfill(app, &halt, arguments).await,
            FeedCommand::Emissions(arguments) => {
                match command::print(app, &arguments, &halt, &mut std::io::stdout()).await {
                    Ok(()) => Ok(ExitCode::SUCCESS),
                    Err(command::Refused::Problem(problem)) => Err(problem.into()),
                    Err(command::Refused::Output(error)) => Err(error.into()),
                }
            }
            FeedCommand::Status { feed, json } => status::print(app, feed.as_deref(), json).await,
        }
    };
    tokio::pin!(doing);
    loop {
        tokio::select! {
            done = &mut doing => return done,
            // It ends between two pages, and gives its lease back.
            () = &mut interrupt, if !halt.is_cancelled() => {}
        }
    }
}

/// Cancels at SIGINT or SIGTERM.
async fn interrupt(halt: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    halt.cancel();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_its_midnight_and_an_instant_needs_an_offset() {
        assert_eq!(instant("2025-01-15").unwrap().to_rfc3339(), "2025-01-15T00:00:00+00:00");
        let summer = instant("2025-07-15T01:00:00+01:00").unwrap();
        assert_eq!(summer.to_rfc3339(), "2025-07-15T00:00:00+00:00");
        assert!(instant("2025-07-15T01:00:00").is_err());
    }
}
