//! Where BI tools connect to.

use std::{net::SocketAddr, path::PathBuf};

use super::{ConfigError, Sources};

/// Access by SQL, for Tableau and other BI tools.
#[derive(Debug, Clone, Default)]
pub struct BiConfig {
    /// Opens the private PostgreSQL to them; closed without it.
    pub opening: Option<Opening>,
    /// The name that they reach the database by, with a port where it is not that of the opening.
    pub host: Option<String>,
}

/// An address on which the private PostgreSQL takes connections over TLS.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The address; PostgreSQL has one port, which the server itself uses, too.
    pub listen: SocketAddr,
    /// The certificate with its chain (PEM).
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
}

impl BiConfig {
    /// The host and port that people are told; none where nobody said.
    #[must_use]
    pub fn server(&self) -> Option<(String, u16)> {
        let listened = self.opening.as_ref().map(|opening| opening.listen);
        let port = listened.map_or(5432, |listen| listen.port());
        let Some(host) = &self.host else {
            let named = listened.filter(|listen| !listen.ip().is_unspecified());
            return named.map(|listen| (listen.ip().to_string(), port));
        };
        match host.rsplit_once(':') {
            Some((name, own)) if !name.contains(':') => Some((name.to_owned(), own.parse().ok()?)),
            _ => Some((host.clone(), port)),
        }
    }
}

/// A host name or address, with or without a port.
struct Host(String);

impl std::str::FromStr for Host {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "give a host name such as db.example.com, or db.example.com:5433";
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') => (name, Some(port)),
            _ => (text, None),
        };
        let good = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
        let is_name = !name.is_empty() && name.len() <= 253 && name.chars().all(good);
        let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        if is_name && is_port { Ok(Self(text.to_owned())) } else { Err(WANTED) }
    }
}

pub(super) fn read(s: &mut Sources) -> Result<BiConfig, ConfigError> {
    let host = s.value::<Host>("bi.host")?.map(|host| host.0);
    let listen: Option<SocketAddr> = s.value("bi.listen")?;
    let certificate: Option<PathBuf> = s.value("bi.tls_cert")?;
    let key: Option<PathBuf> = s.value("bi.tls_key")?;
    let Some(listen) = listen else { return Ok(BiConfig { opening: None, host }) };
    if listen.port() == 0 {
        return Err(s.error("bi.listen", "name a port: people have to know it"));
    }
    let (Some(certificate), Some(key)) = (certificate, key) else {
        return Err(s.error(
            "bi.listen",
            "passwords and prices would travel in clear: name a certificate and its key \
             (TRUEPRICE_BI_TLS_CERT, TRUEPRICE_BI_TLS_KEY)",
        ));
    };
    for (name, path) in [("bi.tls_cert", &certificate), ("bi.tls_key", &key)] {
        if let Err(error) = std::fs::File::open(path) {
            return Err(s.error(name, format!("{} cannot be read: {error}", path.display())));
        }
    }
    Ok(BiConfig { opening: Some(Opening { listen, certificate, key }), host })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(listen: Option<&str>, host: Option<&str>) -> Option<(String, u16)> {
        let opening = listen.map(|listen| Opening {
            listen: listen.parse().unwrap(),
            certificate: PathBuf::new(),
            key: PathBuf::new(),
        });
        BiConfig { opening, host: host.map(str::to_owned) }.server()
    }

    #[test]
    fn people_are_told_where_the_database_is() {
        let told = |name: &str, port| Some((name.to_owned(), port));
        assert_eq!(server(None, None), None);
        assert_eq!(server(Some("0.0.0.0:5433"), None), None);
        assert_eq!(server(Some("192.0.2.7:5433"), None), told("192.0.2.7", 5433));
        assert_eq!(
            server(Some("0.0.0.0:5433"), Some("db.example.com")),
            told("db.example.com", 5433)
        );
        assert_eq!(server(None, Some("db.example.com")), told("db.example.com", 5432));
        assert_eq!(server(None, Some("db.example.com:6432")), told("db.example.com", 6432));
    }

    #[test]
    fn a_host_is_a_name() {
        for good in ["db", "db.example.com:5432", "192.0.2.7", "2001:db8::1"] {
            assert!(good.parse::<Host>().is_ok(), "{good}");
        }
        for bad in ["", "db/x", "db:0", "db:port", "a b", "<db>"] {
            assert!(bad.parse::<Host>().is_err(), "{bad}");
        }
    }
}
