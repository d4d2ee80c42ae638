//! What can be typed after `trueprice`. To add a command: its file, a line in [`Command`] and one in
//! [`Command::run`].

mod doctor;
mod feed;
mod ingest;
mod migrate;
mod openapi;
mod replay;
mod serve;
mod user;

use std::{error::Error, process::ExitCode, time::Duration};

use trueprice::{
    app::App,
    clock::Clock,
    config::{Config, ConfigError, Flags},
    db::pool::{Database, Sharing},
    objects::Documents,
    telemetry,
};

/// What work off the async threads gets to stop once a command is done.
const LEAVE: Duration = Duration::from_secs(1);

/// What a command ends with.
pub type Outcome = Result<ExitCode, Box<dyn Error + Send + Sync>>;

/// A self-hosted server for energy-market data: forward curves in, every version kept, exact
/// numbers out.
#[derive(Debug, clap::Parser)]
#[command(version, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check everything that the server needs, and say what to do
    Doctor,
    /// Run feeds, fetch their history, see how they fare
    #[command(subcommand)]
    Feed(feed::FeedCommand),
    /// Publish curve files without a server
    Ingest(ingest::IngestArguments),
    /// Bring the database's schema up to date
    Migrate,
    /// Print the description of the REST interface
    Openapi,
    /// Read every kept document again and hold the stored versions against it
    Replay,
    /// Start the server
    Serve,
    /// Make, list, disable and reset users
    #[command(subcommand)]
    User(user::UserCommand),
}

impl Command {
    async fn run(self, config: Config) -> Outcome {
        match self {
            Self::Doctor => doctor::run(config).await,
            Self::Feed(command) => Box::pin(feed::run(config, command)).await,
            Self::Ingest(arguments) => Box::pin(ingest::run(config, arguments)).await,
            Self::Migrate => migrate::run(config).await,
            Self::Openapi => openapi::run(),
            Self::Replay => Box::pin(replay::run(config)).await,
            Self::Serve => Box::pin(serve::run(config)).await,
            Self::User(command) => Box::pin(user::run(config, command)).await,
        }
    }
}

impl Cli {
    /// Runs the command. Exit status 78 tells a wrong setting, 1 any other failure.
    pub fn run(self) -> ExitCode {
        let outcome = Config::load(&self.flags).map_err(Into::into).and_then(|config| {
            telemetry::start_logging(&config.log);
            // The one provider of TLS; it is set once, here.
            _ = rustls::crypto::ring::default_provider().install_default();
            let runtime = tokio::runtime::Runtime::new()?;
            let outcome = runtime.block_on(self.command.run(config));
            // A download whose client takes nothing must not hold up the end.
            runtime.shutdown_timeout(LEAVE);
            outcome
        });
        outcome.unwrap_or_else(|error| {
            eprintln!("trueprice: {error}");
            ExitCode::from(if error.is::<ConfigError>() { ConfigError::EXIT_STATUS } else { 1 })
        })
    }
}

/// The parts that commands work with, and the database that must be closed at the end.
pub struct Parts {
    /// What handlers and commands share.
    pub app: App,
    /// To be closed.
    pub database: Database,
}

impl Parts {
    /// Opens the database, with its schema up to date, and the document store.
    pub async fn open(
        config: Config,
        sharing: Sharing,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        config.check_data_dir()?;
        let mut database = Box::pin(Database::open(&config, sharing)).await?;
        match Box::pin(Self::app(config, &mut database)).await {
            Ok(app) => Ok(Self { app, database }),
            Err(error) => {
                database.close().await;
                Err(error)
            }
        }
    }

    async fn app(
        config: Config,
        database: &mut Database,
    ) -> Result<App, Box<dyn Error + Send + Sync>> {
        database.prepare(&config).await?;
        let documents = Documents::open(&config).await?;
        let app = App::new(config, database.pool.clone(), documents, Clock::system())?;
        Ok(app)
    }
}
