//! Who may connect to the private PostgreSQL, and from where: by default the server itself on this
//! machine; with an [`Opening`] the login roles of BI tools, too, over TLS only.

use std::{fs, net::Ipv4Addr, os::unix::fs::PermissionsExt as _, path::PathBuf};

use super::{ClusterError, ClusterSettings, NAME, at, place::Place};
use crate::config::Opening;

/// Connections of BI tools for which there is room beside the server's own.
const CONNECTIONS: u32 = 100;

/// The first version in which a line may name users by a pattern.
const WITH_PATTERNS: u32 = 16;

/// Room for connections beside the server's own.
pub(super) fn connections(settings: &ClusterSettings) -> u32 {
    if settings.opening.is_some() { CONNECTIONS } else { 0 }
}

/// Writes who may connect, and puts the certificate where PostgreSQL may read it.
pub(super) fn prepare(place: &Place, opening: Option<&Opening>) -> Result<(), ClusterError> {
    let rules = rules(place.major(), opening);
    place.write_private(&hba_file(place), rules.as_bytes())?;
    let Some(opening) = opening else { return Ok(()) };
    for (from, to) in [(&opening.certificate, certificate(place)), (&opening.key, key(place))] {
        let content = fs::read(from).map_err(at(from))?;
        place.write_private(&to, &content)?;
    }
    Ok(())
}

/// The settings of the server program.
pub(super) fn parameters(place: &Place, opening: Option<&Opening>) -> Vec<String> {
    let mut parameters = vec![format!("hba_file={}", hba_file(place).display())];
    let Some(opening) = opening else {
        parameters.push("listen_addresses=127.0.0.1".to_owned());
        return parameters;
    };
    let ip = opening.listen.ip();
    let covers = ip == Ipv4Addr::UNSPECIFIED || ip == Ipv4Addr::LOCALHOST;
    let local = if covers { String::new() } else { ",127.0.0.1".to_owned() };
    parameters.extend([
        format!("listen_addresses={ip}{local}"),
        "ssl=on".to_owned(),
        "ssl_min_protocol_version=TLSv1.2".to_owned(),
        format!("ssl_cert_file={}", certificate(place).display()),
        format!("ssl_key_file={}", key(place).display()),
        "password_encryption=scram-sha-256".to_owned(),
    ]);
    parameters
}

fn hba_file(place: &Place) -> PathBuf {
    place.cluster().join("pg_hba.conf")
}

fn certificate(place: &Place) -> PathBuf {
    place.cluster().join("bi.crt")
}

fn key(place: &Place) -> PathBuf {
    place.cluster().join("bi.key")
}

/// The first line that fits decides. The superuser comes from this machine only, whoever comes from
/// elsewhere by TLS only; what no line fits is refused.
fn rules(major: Option<u32>, opening: Option<&Opening>) -> String {
    let mut lines = vec![
        format!("local all {NAME} scram-sha-256"),
        format!("host all {NAME} 127.0.0.1/32 scram-sha-256"),
        format!("host all {NAME} all reject"),
    ];
    if opening.is_some() {
        // No other role of this cluster has a password.
        let patterns = major.is_some_and(|major| major >= WITH_PATTERNS);
        let users = if patterns { "\"/^bi_[0-9a-f]{32}$\"" } else { "all" };
        lines.push(format!("hostssl all {users} all scram-sha-256"));
    }
    lines.join("\n") + "\n"
}

/// Kept from other users of this machine, and readable for PostgreSQL, whoever that runs as.
impl Place {
    fn write_private(&self, path: &std::path::Path, content: &[u8]) -> Result<(), ClusterError> {
        _ = fs::remove_file(path);
        fs::write(path, b"").map_err(at(path))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(at(path))?;
        fs::write(path, content).map_err(at(path))?;
        match self.owner() {
            Some((uid, gid)) => {
                std::os::unix::fs::chown(path, Some(uid), Some(gid)).map_err(at(path))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening() -> Opening {
        Opening {
            listen: "0.0.0.0:5433".parse().unwrap(),
            certificate: PathBuf::new(),
            key: PathBuf::new(),
        }
    }

    #[test]
    fn it_is_closed_by_default_and_open_to_bi_roles_by_tls_only() {
        let closed = rules(Some(18), None);
        assert!(closed.lines().all(|line| line.contains(" trueprice ")), "{closed}");
        let open = rules(Some(16), Some(&opening()));
        let others: Vec<&str> = open.lines().filter(|line| !line.contains(" trueprice ")).collect();
        assert_eq!(others, ["hostssl all \"/^bi_[0-9a-f]{32}$\" all scram-sha-256"]);
        assert!(
            rules(Some(15), Some(&opening())).ends_with("\nhostssl all all all scram-sha-256\n")
        );
    }
}
