//! Where clients of the broker come in.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, FromRequestParts as _, Request, State, ws::WebSocketUpgrade},
    http::{HeaderMap, Request as HttpRequest, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use tokio::net::{TcpListener, TcpStream};

use super::{broker::Broker, filter::Filter, packet, session::Hall, wire::Wire};
use crate::{
    app::App,
    config::{BrokerConfig, Config, ConfigError},
    web::server::{self, Patience},
};

/// The path of the WebSocket.
const PATH: &str = "/mqtt";

/// The names of the protocol inside a WebSocket.
const PROTOCOLS: [&str; 2] = ["mqtt", "mqttv3.1"];

/// The addresses that the broker listens on.
#[derive(Debug)]
pub struct Doors {
    tcp: TcpListener,
    web: TcpListener,
}

impl Doors {
    /// Takes the addresses. `None`, with a warning, where one is in use and nobody asked for a broker:
    /// another server may run beside this one. 78 where somebody did.
    pub async fn open(config: &Config, broker: &BrokerConfig) -> Result<Option<Self>, ConfigError> {
        let bind = async |web, address: SocketAddr| {
            let bound = TcpListener::bind(address).await;
            bound.map_err(|error| config.broker_cannot_listen(web, address, &error))
        };
        let tcp = bind(false, broker.listen).await;
        match (tcp, bind(true, broker.websocket_listen).await) {
            (Ok(tcp), Ok(web)) => Ok(Some(Self { tcp, web })),
            (Err(error), _) | (_, Err(error)) if broker.is_wanted => Err(error),
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!(
                    "MQTT is not served: {error}. Name other addresses, or say \
                     TRUEPRICE_MQTT_MODE=off"
                );
                Ok(None)
            }
        }
    }

    /// Where it listens: for TCP, for web sockets.
    pub fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.tcp.local_addr()?, self.web.local_addr()?))
    }

    /// Lets clients in until the broker ends.
    pub async fn serve(self, app: App, broker: Broker, config: Arc<BrokerConfig>) {
        let hall = Hall { readable: Arc::new(readable(&app)), app, broker, config };
        let router =
            Router::new().route(PATH, get(upgrade)).fallback(elsewhere).with_state(hall.clone());
        let web = server::serve(self.web, router, hall.broker.ended(), Patience::default());
        let ended = hall.broker.ended();
        tokio::select! {
            () = accept(self.tcp, &hall) => {}
            () = async { tokio::join!(web, ended); } => {}
        }
    }
}

/// What everybody may read who is signed in: the grid and how the service does, nothing of meters.
fn readable(app: &App) -> Vec<Filter> {
    let compat = app.config.live.compat_nyiso.iter().map(|prefix| format!("{prefix}/#"));
    let filters = ["grid/#".to_owned(), "svc/#".to_owned()].into_iter().chain(compat);
    filters.filter_map(|filter| filter.parse().ok()).collect()
}

async fn accept(listener: TcpListener, hall: &Hall) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                _ = stream.set_nodelay(true);
                tokio::spawn(one(hall.clone(), stream, peer));
            }
            // Out of file descriptors, or a client that is gone already.
            Err(error) => {
                tracing::warn!(%error, "an MQTT connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn one(hall: Hall, stream: TcpStream, peer: SocketAddr) {
    let (mut parts, ()) = HttpRequest::new(()).into_parts();
    parts.extensions.insert(ConnectInfo(peer));
    hall.serve(Wire::Tcp(stream), parts).await;
}

/// Takes a WebSocket of a page of this host, of one that is named, or of a program.
async fn upgrade(State(hall): State<Hall>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if !is_ours(&parts.headers, &hall) {
        return (StatusCode::FORBIDDEN, "Pages of other sites may not connect (mqtt.origins).\n")
            .into_response();
    }
    match WebSocketUpgrade::from_request_parts(&mut parts, &hall).await {
        Err(refused) => refused.into_response(),
        Ok(upgrade) => upgrade
            .protocols(PROTOCOLS)
            .max_message_size(packet::LARGEST)
            .max_frame_size(packet::LARGEST)
            .on_upgrade(move |socket| hall.serve(Wire::Web(Box::new(socket)), parts)),
    }
}

/// For whoever looks what is here.
async fn elsewhere() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "MQTT is spoken in the web socket at /mqtt.\n")
}

/// The pages of this server come from another port of the same host.
fn is_ours(headers: &HeaderMap, hall: &Hall) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let origin = origin.to_str().unwrap_or("?");
    let named = hall.config.origins.iter().map(String::as_str);
    if named.chain(hall.app.config.public_url.as_deref()).any(|named| named == origin) {
        return true;
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin = origin.split_once("://").map(|(_, authority)| authority);
    origin.is_some() && origin.map(without_port) == host.map(without_port)
}

fn without_port(authority: &str) -> &str {
    let end = authority.rfind(']').unwrap_or(0);
    authority[end..].find(':').map_or(authority, |colon| &authority[..end + colon])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_without_its_port() {
        for (authority, host) in
            [("a:1", "a"), ("a", "a"), ("[::1]:8083", "[::1]"), ("[::1]", "[::1]")]
        {
            assert_eq!(without_port(authority), host);
        }
    }
}
