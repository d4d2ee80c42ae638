//! The types that settings are read as.

use std::{net::IpAddr, str::FromStr, time::Duration};

use chrono::{DateTime, Utc};
use ipnet::IpNet;

/// The shape of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("known are text, json"),
        }
    }
}

/// Log directives that are known to parse.
#[derive(Debug)]
pub struct LogFilter(pub String);

impl Default for LogFilter {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl FromStr for LogFilter {
    type Err = tracing_subscriber::filter::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        tracing_subscriber::EnvFilter::builder().parse(text)?;
        Ok(Self(text.to_owned()))
    }
}

/// A length of time: a whole number and a unit, `90s`, `15m`, `2h`, `1d`.
#[derive(Debug)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "give a whole number and a unit, such as 90s, 15m, 2h or 1d";
        let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or(WANTED)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86400,
            _ => return Err(WANTED),
        };
        match number.parse::<u32>() {
            Ok(number) if number > 0 => Ok(Self(Duration::from_secs(seconds * u64::from(number)))),
            _ => Err(WANTED),
        }
    }
}

/// Addresses and networks, parted by commas.
#[derive(Debug, Default)]
pub struct Networks(pub Vec<IpNet>);

impl FromStr for Networks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let one = |part: &str| {
            let network = part.parse().or_else(|_| part.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_| format!("{part:?} is no address or network such as 10.0.0.0/8"))
        };
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(one).collect::<Result<_, _>>().map(Self)
    }
}

/// An http or https address without a slash at the end.
#[derive(Debug)]
pub struct Url(pub String);

impl FromStr for Url {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "give an address such as https://curves.example.com";
        let url: axum::http::Uri = text.parse().map_err(|_| WANTED)?;
        match (url.scheme_str(), url.authority(), url.query()) {
            (Some("http" | "https"), Some(_), None) => Ok(Self(text.trim_end_matches('/').into())),
            _ => Err(WANTED),
        }
    }
}

/// A sign-in name, trimmed and case-folded.
#[derive(Debug)]
pub struct Email(pub String);

impl Default for Email {
    fn default() -> Self {
        Self("admin@localhost".to_owned())
    }
}

impl FromStr for Email {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let email = text.trim().to_lowercase();
        let good = email.len() <= 254
            && !email.contains(|c: char| c.is_whitespace() || c.is_control())
            && matches!(email.split('@').collect::<Vec<_>>()[..], [name, host] if !name.is_empty() && !host.is_empty());
        if good { Ok(Self(email)) } else { Err("give an e-mail address such as admin@localhost") }
    }
}

/// An instant with its offset.
#[derive(Debug)]
pub struct Instant(pub DateTime<Utc>);

impl FromStr for Instant {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match DateTime::parse_from_rfc3339(text) {
            Ok(instant) => Ok(Self(instant.to_utc())),
            Err(_) => Err("give an instant with its offset, such as 2020-01-01T00:00:00Z"),
        }
    }
}

/// Words, apart by commas.
#[derive(Debug)]
pub struct Words(pub Vec<String>);

impl FromStr for Words {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        Ok(Self(words.map(str::to_owned).collect()))
    }
}
