//! The settings: a flag beats the environment, the environment beats the file.
//!
//! A setting has one dotted name, `limits.file_bytes`. The file knows it by that name; the
//! environment by its capitals, `TRUEPRICE_LIMITS_FILE_BYTES`; the few that one types have a flag.
//! To add one, give it a field here and a line in the function that fills its struct.

mod bands;
mod bi;
mod feeds;
mod mail;
mod mqtt;
mod places;
mod sources;
mod values;

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use chrono_tz::Tz;
use ipnet::IpNet;
use sqlx::postgres::PgConnectOptions;

pub use crate::domain::ValueBand;
pub use bi::{BiConfig, Opening};
pub use mail::MailConfig;
pub use mqtt::{BrokerConfig, LiveConfig, MqttMode, PublisherConfig};
use places::Places;
pub use sources::{ConfigError, Flags, Sources};
pub use values::LogFormat;
use values::{Email, LogFilter, Networks, Span, Url};

use crate::{
    auth::{Secret, password_rules},
    feeds::settings::FeedsConfig,
    grid::Limits,
};

/// The settings in force.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address of the web server; port 0 picks a free one.
    pub listen: SocketAddr,
    /// How browsers reach the server, without a slash at the end; told in samples and in links.
    pub public_url: Option<String>,
    /// Where the embedded parts keep their files.
    pub data_dir: PathBuf,
    /// The database.
    pub database: DatabaseConfig,
    /// Access by SQL, for Tableau and other BI tools.
    pub bi: BiConfig,
    /// The bucket for documents; `None` keeps them as files under the data directory.
    pub s3_bucket: Option<String>,
    /// The clock that curve file names are written in; operating days are its days.
    pub curve_timezone: Tz,
    /// What an upload may cost.
    pub limits: Limits,
    /// An upload that sends nothing for so long is cut off.
    pub upload_idle: Duration,
    /// Values outside these get a finding.
    pub bands: Vec<ValueBand>,
    /// The first administrator, made only when there is no user.
    pub first_administrator: FirstAdministratorConfig,
    /// Passwords, sessions, tokens.
    pub auth: AuthConfig,
    /// How links are mailed; none: administrators hand them on themselves.
    pub mail: Option<MailConfig>,
    /// What downloads say and may use.
    pub downloads: DownloadConfig,
    /// What is polled, and how.
    pub feeds: FeedsConfig,
    /// What is told as it happens.
    pub live: LiveConfig,
    /// Days for which the audit log is kept.
    pub audit_days: i32,
    /// What is logged, and how.
    pub log: LogConfig,
    /// Who may read the numbers; empty: everybody.
    pub metrics_allow: Vec<IpNet>,
    /// Where the settings stand that can turn out to be wrong only later.
    places: Places,
}

/// The database.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// A PostgreSQL to use; `None` runs a private one under the data directory.
    pub url: Option<Secret>,
    /// The most connections that are open at once.
    pub connections: u32,
    /// The folder with the server programs of PostgreSQL for the private one.
    pub pg_bin: Option<PathBuf>,
}

/// The first administrator, made only when there is no user.
#[derive(Debug, Clone)]
pub struct FirstAdministratorConfig {
    /// Sign-in name.
    pub email: String,
    /// `None` makes a random one.
    pub password: Option<Secret>,
}

/// Passwords, sessions, tokens.
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// Memory of one password hash, in KiB; at least 19456.
    pub argon2_memory_kib: u32,
    /// Passes of one password hash; at least 2.
    pub argon2_iterations: u32,
    /// Lanes of one password hash; at least 1.
    pub argon2_lanes: u32,
    /// Password hashes that are computed at once; over it the answer is 503.
    pub hashing_concurrency: usize,
    /// A browser session ends after this time without a request.
    pub session_idle: Duration,
    /// A browser session ends after this time in any case.
    pub session_absolute: Duration,
    /// Life of a token made by `POST /login`.
    pub login_token_life: Duration,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// A proxy in front of the server speaks TLS with the clients: cookies are `Secure`.
    pub behind_tls_proxy: bool,
}

impl AuthConfig {
    /// The least memory of a password hash in KiB.
    pub const LEAST_MEMORY_KIB: u32 = 19_456;
    /// The least passes of a password hash.
    pub const LEAST_ITERATIONS: u32 = 2;
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            argon2_memory_kib: Self::LEAST_MEMORY_KIB,
            argon2_iterations: Self::LEAST_ITERATIONS,
            argon2_lanes: 1,
            // Reads go on meanwhile.
            hashing_concurrency: std::thread::available_parallelism()
                .map_or(1, |processors| processors.get().div_ceil(2)),
            session_idle: Duration::from_hours(2),
            session_absolute: Duration::from_hours(12),
            login_token_life: Duration::from_hours(24),
            trusted_proxies: Vec::new(),
            behind_tls_proxy: false,
        }
    }
}

/// What downloads say and may use.
#[derive(Debug, Clone)]
pub struct DownloadConfig {
    /// A text at the end of each downloaded file.
    pub disclaimer: Option<String>,
    /// Downloads that one user may run at once.
    pub concurrent_per_user: usize,
}

/// What is logged, and how.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// Directives such as `info,trueprice=debug`.
    pub filter: String,
    /// For people or for machines.
    pub format: LogFormat,
}

impl Config {
    /// Reads the flags, the environment of this process and the file that `--config` names.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        Self::resolve(Sources::of_process(flags)?)
    }

    /// The defaults, with all files under `data_dir`; nothing of the environment.
    pub fn under(data_dir: impl Into<PathBuf>) -> Result<Self, ConfigError> {
        Ok(Self { data_dir: data_dir.into(), ..Self::resolve(Sources::default())? })
    }

    /// Takes every setting out of `sources`, and refuses what is left in the file.
    pub fn resolve(mut sources: Sources) -> Result<Self, ConfigError> {
        let s = &mut sources;
        let mut config = Self {
            listen: listen(s)?,
            public_url: s.value::<Url>("public_url")?.map(|url| url.0),
            data_dir: s.value("data_dir")?.unwrap_or_else(|| "./data".into()),
            database: database(s)?,
            bi: bi::read(s)?,
            s3_bucket: s.value("s3_bucket")?,
            curve_timezone: s.value("curve_timezone")?.unwrap_or(Tz::UTC),
            limits: limits(s)?,
            upload_idle: s
                .value::<Span>("limits.upload_idle")?
                .map_or(Duration::from_mins(1), |span| span.0),
            bands: bands::read(s)?,
            first_administrator: first_administrator(s)?,
            auth: auth(s)?,
            mail: mail::read(s)?,
            downloads: DownloadConfig {
                disclaimer: s.value("downloads.disclaimer")?,
                concurrent_per_user: s.number("downloads.concurrent_per_user", 1..=1000, 4)?,
            },
            feeds: feeds::read(s)?,
            live: mqtt::read(s)?,
            audit_days: s.number("audit.days", 1..=36_500, 400)?,
            log: LogConfig {
                filter: s.value::<LogFilter>("log")?.unwrap_or_default().0,
                format: s.value("log_format")?.unwrap_or_default(),
            },
            metrics_allow: s.value::<Networks>("metrics_allow")?.unwrap_or_default().0,
            places: Places::default(),
        };
        if config.mail.is_some() && config.public_url.is_none() && config.auth.behind_tls_proxy {
            return Err(sources.error("public_url", mail::NO_PUBLIC_URL));
        }
        config.places = sources.finish()?;
        Ok(config)
    }

    /// How browsers reach the server, as far as it knows, without a slash at the end. Never taken from
    /// a request: whoever sends one could choose where a link leads.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen))
    }
}

/// The password is checked even where there are users already, and it will not be used.
fn first_administrator(s: &mut Sources) -> Result<FirstAdministratorConfig, ConfigError> {
    let email = s.value::<Email>("admin_email")?.unwrap_or_default().0;
    let password: Option<Secret> = s.value("admin_password")?;
    if let (Some(password), Ok(email)) = (&password, email.parse()) {
        password_rules::check(password, &email)
            .map_err(|problem| s.error("admin_password", problem))?;
    }
    Ok(FirstAdministratorConfig { email, password })
}

/// Plain HTTP is served on loopback only, or behind a declared TLS proxy.
fn listen(s: &mut Sources) -> Result<SocketAddr, ConfigError> {
    let listen = s.value("listen")?.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)));
    if is_loopback(listen) || s.value("behind_tls_proxy")?.unwrap_or(false) {
        return Ok(listen);
    }
    Err(s.error(
        "listen",
        format!(
            "{listen} can be reached from other machines, and passwords would travel in clear. \
             Listen on 127.0.0.1, or put a proxy that speaks TLS in front and say so with \
             --behind-tls-proxy (TRUEPRICE_BEHIND_TLS_PROXY=true)"
        ),
    ))
}

/// Whether nobody on another machine reaches an address.
fn is_loopback(address: SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(v4) => v4.is_loopback(),
        IpAddr::V6(v6) => v6.to_canonical().is_loopback(),
    }
}

fn database(s: &mut Sources) -> Result<DatabaseConfig, ConfigError> {
    Ok(DatabaseConfig {
        url: database_url(s)?,
        connections: s.number("database.connections", 2..=1000, 20)?,
        pg_bin: s.value("pg_bin")?,
    })
}

/// The address of the database. It is not repeated when it is wrong: it may hold a password.
fn database_url(s: &mut Sources) -> Result<Option<Secret>, ConfigError> {
    const WANTED: &str = "this is no address such as postgres://user:password@host/database";
    let Some(url) = s.value::<Secret>("database_url")? else { return Ok(None) };
    let scheme = url.expose().split_once("://").map(|(scheme, _)| scheme);
    if !matches!(scheme, Some("postgres" | "postgresql")) {
        return Err(s.error("database_url", WANTED));
    }
    match url.expose().parse::<PgConnectOptions>() {
        Ok(_) => Ok(Some(url)),
        Err(error) => Err(s.error("database_url", format!("{WANTED}: {error}"))),
    }
}

fn limits(s: &mut Sources) -> Result<Limits, ConfigError> {
    let d = Limits::default();
    // A workbook's own bounds are 1,048,576 rows and 16,384 columns.
    Ok(Limits {
        file_bytes: s.number("limits.file_bytes", 1..=1 << 32, d.file_bytes)?,
        archive_bytes: s.number("limits.archive_bytes", 1..=1 << 32, d.archive_bytes)?,
        decompressed_bytes: s.number(
            "limits.decompressed_bytes",
            1..=1 << 34,
            d.decompressed_bytes,
        )?,
        compression_ratio: s.number(
            "limits.compression_ratio",
            1..=100_000,
            d.compression_ratio,
        )?,
        archive_entries: s.number("limits.archive_entries", 1..=100_000, d.archive_entries)?,
        rows: s.number("limits.rows", 1..=1_048_576, d.rows)?,
        columns: s.number("limits.columns", 1..=16_384, d.columns)?,
        cells: s.number("limits.cells", 1..=100_000_000, d.cells)?,
        cell_characters: s.number("limits.cell_characters", 1..=1_000_000, d.cell_characters)?,
    })
}

fn auth(s: &mut Sources) -> Result<AuthConfig, ConfigError> {
    let d = AuthConfig::default();
    let span =
        |s: &mut Sources, name, default| Ok(s.value::<Span>(name)?.map_or(default, |span| span.0));
    Ok(AuthConfig {
        argon2_memory_kib: s.number(
            "auth.argon2_memory_kib",
            d.argon2_memory_kib..=4_194_304,
            d.argon2_memory_kib,
        )?,
        argon2_iterations: s.number(
            "auth.argon2_iterations",
            d.argon2_iterations..=100,
            d.argon2_iterations,
        )?,
        argon2_lanes: s.number("auth.argon2_lanes", 1..=64, d.argon2_lanes)?,
        hashing_concurrency: s.number(
            "auth.hashing_concurrency",
            1..=1024,
            d.hashing_concurrency,
        )?,
        session_idle: span(s, "auth.session_idle", d.session_idle)?,
        session_absolute: span(s, "auth.session_absolute", d.session_absolute)?,
        login_token_life: span(s, "auth.login_token_life", d.login_token_life)?,
        trusted_proxies: s.value::<Networks>("trusted_proxies")?.unwrap_or_default().0,
        behind_tls_proxy: s.value("behind_tls_proxy")?.unwrap_or(false),
    })
}

#[cfg(test)]
mod tests;
