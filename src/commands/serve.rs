//! `trueprice serve`: everything, with nothing prepared.

use std::{error::Error, io::Write as _, net::SocketAddr, process::ExitCode, time::Duration};

use serde_json::json;

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use trueprice::{
    app::App,
    audit::{self, Act, Action, Actor},
    auth::{bootstrap, sweep_hourly},
    bi,
    config::{Config, ConfigError, MqttMode},
    db::pool::Sharing,
    feeds::runner::{self, Upkeep},
    headroom,
    live::{self, mqtt::listen::Doors},
    site, telemetry,
    web::{
        self,
        server::{self, Patience},
    },
};

use super::{Outcome, Parts};

/// How long the ends of downloads may take to be written down.
const LAST_WORDS: Duration = Duration::from_secs(5);

pub async fn run(mut config: Config) -> Outcome {
    let stopping = stopping()?;
    // Before anything is made: an address in use should cost nothing.
    let listener =
        TcpListener::bind(config.listen).await.map_err(|error| config.cannot_listen(&error))?;
    let address = listener.local_addr()?;
    // Where a link leads when no other address is set.
    config.listen = address;
    telemetry::recorder();
    let doors = doors(&config).await?;
    let parts = tokio::select! {
        parts = Box::pin(Parts::open(config, Sharing::Alone)) => parts?,
        () = stopped(stopping.clone()) => return Ok(ExitCode::SUCCESS),
    };
    if let Err(error) = prepare(&parts.app).await {
        parts.database.close().await;
        return Err(error);
    }
    if let Err(error) = tell(&parts.app, Action::Started, address).await {
        parts.database.close().await;
        return Err(error.into());
    }
    tokio::spawn(sweep_hourly(parts.app.clone()));
    let headroom = tokio::spawn(headroom::run(parts.app.clone(), stopped(stopping.clone())));
    let derivation = tokio::spawn(bi::derive::run(parts.app.clone(), stopped(stopping.clone())));
    let watchdog = tokio::spawn(bi::watchdog::run(parts.app.clone(), stopped(stopping.clone())));
    let relay = tokio::spawn(live::relay::run(parts.app.clone(), stopped(stopping.clone())));
    let mqtt = tokio::spawn(mqtt(parts.app.clone(), doors, stopped(stopping.clone())));
    let feeds = tokio::spawn(poll(parts.app.clone(), stopped(stopping.clone())));
    let app = parts.app.clone();
    let (bell, stream) = (app.bell.clone(), app.stream.clone());
    let router = web::router(parts.app);
    writeln!(std::io::stdout(), "listening on http://{address}")?;
    tracing::info!(%address, "ready");
    let stop = async {
        stopped(stopping).await;
        // Whoever waits for updates gets an answer.
        bell.end();
        stream.end();
    };
    server::serve(listener, router, stop, Patience::default()).await;
    _ = tokio::join!(headroom, derivation, watchdog, feeds, relay, mqtt);
    last_words(&app, address).await;
    parts.database.close().await;
    tracing::info!("ended");
    Ok(ExitCode::SUCCESS)
}

/// The addresses of the MQTT broker, where one is to run here.
async fn doors(config: &Config) -> Result<Option<Doors>, ConfigError> {
    match &config.live.mqtt {
        MqttMode::Embedded(broker) => Doors::open(config, broker).await,
        MqttMode::External(_) | MqttMode::Off => Ok(None),
    }
}

/// Runs the MQTT broker of this process, if there is to be one.
async fn mqtt(app: App, doors: Option<Doors>, stop: impl Future<Output = ()>) {
    let config = app.config.clone();
    if let (Some(doors), MqttMode::Embedded(broker)) = (doors, &config.live.mqtt) {
        live::mqtt::serve(app, doors, broker.clone(), stop).await;
    }
}

/// Polls the feeds unless the settings leave that to other servers.
async fn poll(app: App, stop: impl Future<Output = ()>) {
    if app.config.feeds.poll {
        runner::run(app, stop).await;
    }
}

/// Writes into the audit log that the server began or ended.
async fn tell(app: &App, action: Action, address: SocketAddr) -> sqlx::Result<()> {
    let detail = json!({ "version": env!("CARGO_PKG_VERSION"), "address": address.to_string() });
    let act = Act::done(action).to("server", address).with(detail);
    audit::note(app, &Actor::SERVER, act).await
}

/// Waits for the ends of downloads to be written down, and writes down that of the server.
async fn last_words(app: &App, address: SocketAddr) {
    app.endings.close();
    if tokio::time::timeout(LAST_WORDS, app.endings.wait()).await.is_err() {
        tracing::error!("the ends of some downloads could not be written down");
    }
    if let Err(error) = tell(app, Action::Stopped, address).await {
        tracing::error!(%error, "the end of the server could not be written down");
    }
}

/// What must be so before the first request. Commands beside the server may not know its zone: the
/// server alone tells it.
async fn prepare(app: &App) -> Result<(), Box<dyn Error + Send + Sync>> {
    site::settle_timezone(app).await?;
    let upkeep = if app.config.feeds.poll { Upkeep::Settle } else { Upkeep::Ensure };
    runner::sync(app, upkeep).await?;
    first_administrator(app).await
}

/// Makes the first administrator. A random password is printed here and nowhere else.
async fn first_administrator(app: &App) -> Result<(), Box<dyn Error + Send + Sync>> {
    let wanted = &app.config.first_administrator;
    let password = wanted.password.clone();
    let Some(made) = bootstrap(app, Some(&wanted.email), password).await? else { return Ok(()) };
    if let Some(password) = made.random_password {
        let (email, password) = (made.email, password.expose().to_owned());
        writeln!(std::io::stdout(), "sign in as {email} with {password} and choose your own")?;
    }
    Ok(())
}

/// Becomes true at SIGTERM or SIGINT.
fn stopping() -> std::io::Result<watch::Receiver<bool>> {
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (stop, stopping) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("stopping: no new requests, those in flight finish");
        _ = stop.send(true);
        // The channel stays open: its end would be taken for the signal.
        stop.closed().await;
    });
    Ok(stopping)
}

async fn stopped(mut stopping: watch::Receiver<bool>) {
    _ = stopping.wait_for(|stop| *stop).await;
}
