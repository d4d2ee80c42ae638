//! Where a request comes from, believing only the proxies that the operator named.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, request::Parts},
};
use ipnet::IpNet;

use crate::{app::App, audit::Actor};

/// The network that a login attempt is counted on: an IPv4 address, or the /64 of an IPv6 one,
/// because whoever has one address of a /64 has all of them.
#[must_use]
pub fn counted_on(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
    }
}

/// The client's address: the peer's, or, as long as the hop that tells is a trusted proxy, the
/// one before it in `X-Forwarded-For`, read from its end.
#[must_use]
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut client = peer.to_canonical();
    let values: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
    for hop in values.iter().rev().flat_map(|value| value.rsplit(',')) {
        if !is_trusted(client) {
            break;
        }
        let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
        client = address.to_canonical();
    }
    client
}

/// The client's address of a request; unspecified where the server does not know its peer.
#[must_use]
pub fn of_request(parts: &Parts, trusted: &[IpNet]) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    client_address(peer.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), &parts.headers, trusted)
}

/// The same of an actor, to be counted on.
#[must_use]
pub fn of_actor(actor: &Actor) -> IpAddr {
    actor.address.unwrap_or(Ipv4Addr::UNSPECIFIED.into())
}

/// Extracts the client's address.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self(of_request(parts, &app.config.auth.trusted_proxies)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(peer: &str, header: &'static str, trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", header.parse().unwrap());
        let trusted: Vec<IpNet> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_cannot_claim_another_address() {
        assert_eq!(forwarded("203.0.113.9", "198.51.100.1", &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(
            forwarded("10.0.0.1", "198.51.100.1, 203.0.113.9", &["10.0.0.0/8"]),
            "203.0.113.9"
        );
        assert_eq!(forwarded("10.0.0.1", "203.0.113.9, 10.0.0.2", &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(forwarded("10.0.0.1", "rubbish", &["10.0.0.0/8"]), "10.0.0.1");
    }

    #[test]
    fn a_slash_64_counts_as_one() {
        let one = counted_on("2001:db8::1".parse().unwrap());
        assert_eq!(one, counted_on("2001:db8::ffff:1".parse().unwrap()));
        assert_ne!(one, counted_on("2001:db8:0:1::1".parse().unwrap()));
        assert_eq!(counted_on("::ffff:192.0.2.1".parse().unwrap()).to_string(), "192.0.2.1");
    }
}
