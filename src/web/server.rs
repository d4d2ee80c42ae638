//! The connections: accepted, bounded in time, and ended without losing a request.

use std::{pin::pin, time::Duration};

use axum::{Extension, Router, extract::ConnectInfo};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tower::Layer as _;

/// How long the server waits for its clients.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the whole head of a request, and for the next request on an open connection.
    pub head: Duration,
    /// For requests in flight when the server ends.
    pub grace: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_secs(30), grace: Duration::from_secs(20) }
    }
}

/// The most bytes of a request's head, address and headers together.
pub const HEAD_BYTES: usize = 32 << 10;

/// Serves until `stop` is done; then takes no more requests, and lets those in flight finish.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
    patience: Patience,
) {
    let (builder, graceful) = (builder(patience), GracefulShutdown::new());
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                // Answers go out at once, however short.
                _ = socket.set_nodelay(true);
                // Requests know the address they came from.
                let service = Extension(ConnectInfo(peer)).layer(router.clone());
                let service = TowerToHyperService::new(service);
                let connection =
                    builder.serve_connection_with_upgrades(TokioIo::new(socket), service);
                tokio::spawn(graceful.watch(connection.into_owned()));
            }
            // Out of file descriptors, or a client that is gone already.
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(patience.grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests in flight did not finish in time; they are cut");
    }
}

/// HTTP/1.1 only: what stands in front of the server translates, and it reads the first byte of a
/// connection under the same clock as the rest.
fn builder(patience: Patience) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(HEAD_BYTES);
    builder
}
