//! Who may listen, and how MQTT is spoken.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use super::{ConfigError, Sources, is_loopback, values::Words};
use crate::{auth::Secret, live::mqtt::filter::Filter};

/// What is told as it happens.
#[derive(Debug, Clone)]
pub struct LiveConfig {
    /// How many may listen at once by server-sent events, and by MQTT as somebody.
    pub listeners: usize,
    /// How many of these may be one user's.
    pub listeners_per_user: usize,
    /// How MQTT is spoken.
    pub mqtt: MqttMode,
    /// The name of this installation in the topic of its status, `svc/{name}/status`.
    pub mqtt_name: String,
    /// Under this prefix the topics of New York are told in the shape that others know.
    pub compat_nyiso: Option<String>,
}

/// How MQTT is spoken.
#[derive(Debug, Clone)]
pub enum MqttMode {
    /// Not at all.
    Off,
    /// By a broker in this process.
    Embedded(BrokerConfig),
    /// To a broker elsewhere.
    External(PublisherConfig),
}

/// The broker in this process.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// Its address for TCP.
    pub listen: SocketAddr,
    /// Its address for web sockets.
    pub websocket_listen: SocketAddr,
    /// What may be read without signing in.
    pub anonymous_read: Vec<Filter>,
    /// The most clients at once.
    pub clients: usize,
    /// Pages that may connect by web socket besides those of the same host: `https://grafana.example.com`.
    pub origins: Vec<String>,
    /// Whether somebody asked for it, so that an address in use is an error and no warning.
    pub is_wanted: bool,
}

/// The broker elsewhere.
#[derive(Debug, Clone)]
pub struct PublisherConfig {
    /// Host name.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Whether TLS is spoken; the roots are those of the system.
    pub tls: bool,
    /// Who we are there.
    pub user: Option<String>,
    /// The password of the user.
    pub password: Option<Secret>,
}

impl PublisherConfig {
    /// By which it is known how far the broker was told.
    #[must_use]
    pub fn broker(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// `mqtt://host[:port]` or `mqtts://host[:port]`.
struct BrokerUrl {
    host: String,
    port: u16,
    tls: bool,
}

impl FromStr for BrokerUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "give an address such as mqtts://broker.example.com:8883; user and \
                              password are settings of their own, mqtt.user and mqtt.password";
        let url = reqwest::Url::parse(text).map_err(|_| WANTED)?;
        let tls = match url.scheme() {
            "mqtt" => false,
            "mqtts" => true,
            _ => return Err(WANTED),
        };
        let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        let host = url.host_str().filter(|host| !host.is_empty() && plain).ok_or(WANTED)?;
        let port = url.port().unwrap_or(if tls { 8883 } else { 1883 });
        Ok(Self { host: host.trim_matches(['[', ']']).to_owned(), port, tls })
    }
}

/// One level of a topic: no wildcard, no slash.
struct Level(String);

impl FromStr for Level {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !text.is_empty() && text.len() <= 40 && text.chars().all(good) {
            return Ok(Self(text.to_owned()));
        }
        Err("give a short word of letters, digits, - and _")
    }
}

pub(super) fn read(s: &mut Sources) -> Result<LiveConfig, ConfigError> {
    let level = |s: &mut Sources, name: &str, default: &str| {
        Ok(s.value::<Level>(name)?.map_or_else(|| default.to_owned(), |level| level.0))
    };
    let prefix = level(s, "mqtt.compat_prefix", "ny-power")?;
    Ok(LiveConfig {
        listeners: s.number("live.listeners", 1..=1_000_000, 5000)?,
        listeners_per_user: s.number("live.listeners_per_user", 1..=1_000_000, 100)?,
        mqtt: mode(s)?,
        mqtt_name: level(s, "mqtt.name", "trueprice")?,
        compat_nyiso: s.value("mqtt.compat_nyiso")?.unwrap_or(false).then_some(prefix),
    })
}

fn mode(s: &mut Sources) -> Result<MqttMode, ConfigError> {
    let wanted: Option<String> = s.value("mqtt.mode")?;
    let broker = broker(s, wanted.is_some())?;
    let publisher = publisher(s)?;
    match (wanted.as_deref(), publisher) {
        (None | Some("embedded"), None) => Ok(MqttMode::Embedded(broker)),
        (Some("external"), Some(publisher)) => Ok(MqttMode::External(publisher)),
        (Some("off"), _) => Ok(MqttMode::Off),
        (Some("external"), None) => {
            Err(s.error("mqtt.url", "is missing, and mqtt.mode is external"))
        }
        (None | Some("embedded"), Some(_)) => {
            Err(s.error("mqtt.url", "is for mqtt.mode = external, which is not set"))
        }
        (Some(_), _) => Err(s.error("mqtt.mode", "known are embedded, external, off")),
    }
}

fn broker(s: &mut Sources, is_wanted: bool) -> Result<BrokerConfig, ConfigError> {
    let listen = address(s, "mqtt.listen", 1883)?;
    let websocket_listen = address(s, "mqtt.websocket_listen", 8083)?;
    let filters = s.value::<Words>("mqtt.anonymous_read")?.map_or_else(Vec::new, |words| words.0);
    let filters = filters.iter().map(|text| text.parse()).collect::<Result<_, _>>();
    Ok(BrokerConfig {
        is_wanted: is_wanted || listen.is_some() || websocket_listen.is_some(),
        listen: listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 1883))),
        websocket_listen: websocket_listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8083))),
        anonymous_read: filters.map_err(|error| s.error("mqtt.anonymous_read", error))?,
        clients: s.number("mqtt.clients", 1..=100_000, 1000)?,
        origins: s.value::<Words>("mqtt.origins")?.map_or_else(Vec::new, |words| words.0),
    })
}

/// The tokens of clients would travel in clear: loopback only, or behind a proxy that speaks TLS.
fn address(s: &mut Sources, name: &str, port: u16) -> Result<Option<SocketAddr>, ConfigError> {
    let Some(listen) = s.value::<SocketAddr>(name)? else { return Ok(None) };
    if is_loopback(listen) || s.value("behind_tls_proxy")?.unwrap_or(false) {
        return Ok(Some(listen));
    }
    let detail = format!(
        "{listen} can be reached from other machines, and tokens would travel in clear. Listen on \
         127.0.0.1:{port}, or put a proxy that speaks TLS in front and say so with \
         --behind-tls-proxy (TRUEPRICE_BEHIND_TLS_PROXY=true)"
    );
    Err(s.error(name, detail))
}

/// A password travels under TLS, or not beyond this machine.
fn publisher(s: &mut Sources) -> Result<Option<PublisherConfig>, ConfigError> {
    let url: Option<BrokerUrl> = s.value("mqtt.url")?;
    let (user, password) = (s.value("mqtt.user")?, s.value::<Secret>("mqtt.password")?);
    let Some(BrokerUrl { host, port, tls }) = url else { return Ok(None) };
    let is_here = host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|ip| is_loopback((ip, port).into()));
    if password.is_some() && !tls && !is_here {
        return Err(s.error("mqtt.url", "the password would travel in clear; use mqtts://"));
    }
    if password.is_some() && user.is_none() {
        return Err(s.error("mqtt.user", "is missing, and mqtt.password is set"));
    }
    Ok(Some(PublisherConfig { host, port, tls, user, password }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Flags;

    fn with(environment: &[(&str, &str)]) -> Result<LiveConfig, String> {
        let mut sources = Sources::for_tests(&Flags::default(), environment, None).unwrap();
        read(&mut sources).map_err(|error| error.to_string())
    }

    #[test]
    fn a_broker_runs_unless_another_or_none_is_wanted() {
        let MqttMode::Embedded(broker) = with(&[]).unwrap().mqtt else { panic!("embedded") };
        assert_eq!(broker.listen.to_string(), "127.0.0.1:1883");
        assert!(!broker.is_wanted && broker.anonymous_read.is_empty());
        let MqttMode::Embedded(broker) =
            with(&[("TRUEPRICE_MQTT_LISTEN", "127.0.0.1:2883")]).unwrap().mqtt
        else {
            panic!("embedded")
        };
        assert!(broker.is_wanted);
        let external = [("TRUEPRICE_MQTT_MODE", "external"), ("TRUEPRICE_MQTT_URL", "mqtts://b")];
        let MqttMode::External(publisher) = with(&external).unwrap().mqtt else { panic!() };
        assert_eq!((publisher.broker().as_str(), publisher.tls), ("b:8883", true));
        assert!(matches!(with(&[("TRUEPRICE_MQTT_MODE", "off")]).unwrap().mqtt, MqttMode::Off));
    }

    #[test]
    fn wrong_settings_are_named() {
        for (name, value) in [
            ("TRUEPRICE_MQTT_MODE", "on"),
            ("TRUEPRICE_MQTT_MODE", "external"),
            ("TRUEPRICE_MQTT_URL", "mqtt://u:p@b"),
            ("TRUEPRICE_MQTT_URL", "mqtts://b"),
            ("TRUEPRICE_MQTT_LISTEN", "0.0.0.0:1883"),
            ("TRUEPRICE_MQTT_ANONYMOUS_READ", "grid/#/x"),
            ("TRUEPRICE_MQTT_COMPAT_PREFIX", "a/b"),
        ] {
            let error = with(&[(name, value)]).unwrap_err();
            let place = ["mqtt.url", name].iter().any(|place| error.contains(*place));
            assert!(place, "{name}={value}: {error}");
        }
        let clear = [
            ("TRUEPRICE_MQTT_MODE", "external"),
            ("TRUEPRICE_MQTT_URL", "mqtt://broker.example.com"),
            ("TRUEPRICE_MQTT_USER", "u"),
            ("TRUEPRICE_MQTT_PASSWORD", "hunter2"),
        ];
        let error = with(&clear).unwrap_err();
        assert!(error.contains("in clear") && !error.contains("hunter2"), "{error}");
    }
}
