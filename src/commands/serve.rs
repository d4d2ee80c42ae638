//! `trueprice serve`: everything, with nothing prepared.

use std::{error::Error, io::Write as _, process::ExitCode};

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use trueprice::{
    app::App,
    auth::{bootstrap, sweep_hourly},
    bi,
    config::Config,
    db::pool::Sharing,
    headroom, telemetry,
    web::{
        self,
        server::{self, Patience},
    },
};

use super::{Outcome, Parts};

pub async fn run(config: Config) -> Outcome {
    let stopping = stopping()?;
    // Before anything is made: an address in use should cost nothing.
    let listener =
        TcpListener::bind(config.listen).await.map_err(|error| config.cannot_listen(&error))?;
    telemetry::recorder();
    let parts = tokio::select! {
        parts = Parts::open(config, Sharing::Alone) => parts?,
        () = stopped(stopping.clone()) => return Ok(ExitCode::SUCCESS),
    };
    if let Err(error) = first_administrator(&parts.app).await {
        parts.database.close().await;
        return Err(error);
    }
    let address = listener.local_addr()?;
    tokio::spawn(sweep_hourly(parts.app.clone()));
    let headroom = tokio::spawn(headroom::run(parts.app.clone(), stopped(stopping.clone())));
    let derivation = tokio::spawn(bi::derive::run(parts.app.clone(), stopped(stopping.clone())));
    let watchdog = tokio::spawn(bi::watchdog::run(parts.app.clone(), stopped(stopping.clone())));
    let bell = parts.app.bell.clone();
    let router = web::router(parts.app);
    writeln!(std::io::stdout(), "listening on http://{address}")?;
    tracing::info!(%address, "ready");
    let stop = async {
        stopped(stopping).await;
        // Whoever waits for updates gets an answer.
        bell.end();
    };
    server::serve(listener, router, stop, Patience::default()).await;
    _ = tokio::join!(headroom, derivation, watchdog);
    parts.database.close().await;
    tracing::info!("ended");
    Ok(ExitCode::SUCCESS)
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
