//! The connections: accepted, bounded in time, and ended without losing a request.

use std::{pin::pin, time::Duration};

use axum::{BoxError, Extension, Router, extract::ConnectInfo};
use hyper::{
    body::Incoming,
    server::conn::http1::{self, UpgradeableConnection},
    service::HttpService,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
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
    let builder = builder(patience);
    let (ending, connections) = (CancellationToken::new(), TaskTracker::new());
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
                let connection = builder.serve_connection(TokioIo::new(socket), service);
                connections.spawn(until(ending.clone(), connection.with_upgrades()));
            }
            // Out of file descriptors, or a client that is gone already.
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    ending.cancel();
    connections.close();
    if tokio::time::timeout(patience.grace, connections.wait()).await.is_err() {
        tracing::warn!("requests in flight did not finish in time; they are cut");
    }
}

/// Serves a connection; from the end of the server on only the request in flight.
async fn until<S>(
    ending: CancellationToken,
    connection: UpgradeableConnection<TokioIo<TcpStream>, S>,
) where
    S: HttpService<Incoming, ResBody = axum::body::Body, Future: Send, Error: Into<BoxError>>
        + Send,
{
    let mut connection = pin!(connection);
    // How a connection ends is its client's business.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = ending.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    _ = connection.await;
}

/// HTTP/1.1 only: what stands in front of the server translates, and it reads the first byte of a
/// connection under the same clock as the rest.
fn builder(patience: Patience) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(patience.head).max_buf_size(HEAD_BYTES);
    builder
}
