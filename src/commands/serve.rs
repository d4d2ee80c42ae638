//! `trueprice serve`: everything, with nothing prepared.

use std::{io::Write as _, net::SocketAddr, process::ExitCode, time::Duration};

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use trueprice::{config::Config, db::pool::Sharing, telemetry, web};

use super::{Outcome, Parts};

/// What requests in flight get to finish after a signal.
const GRACE: Duration = Duration::from_secs(20);

pub async fn run(config: Config) -> Outcome {
    let stopping = stopping()?;
    // Before anything is made: an address in use should cost nothing.
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", config.listen))?;
    telemetry::recorder();
    let parts = tokio::select! {
        parts = Parts::open(config, Sharing::Alone) => parts?,
        () = stopped(stopping.clone()) => return Ok(ExitCode::SUCCESS),
    };
    let address = listener.local_addr()?;
    let router = web::router(parts.app).into_make_service_with_connect_info::<SocketAddr>();
    writeln!(std::io::stdout(), "listening on http://{address}")?;
    tracing::info!(%address, "ready");
    let server = axum::serve(listener, router).with_graceful_shutdown(stopped(stopping.clone()));
    tokio::select! {
        end = server.into_future() => end?,
        () = async { stopped(stopping).await; tokio::time::sleep(GRACE).await } => {
            tracing::warn!("requests in flight did not finish in time; they are cut");
        }
    }
    parts.database.close().await;
    tracing::info!("ended");
    Ok(ExitCode::SUCCESS)
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
