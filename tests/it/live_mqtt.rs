//! MQTT, with clients that others wrote.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    process::Stdio,
    time::Duration,
};

use chrono::TimeDelta;
use reqwest::StatusCode;
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS, v5};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    process::Command,
};
use trueprice::{
    auth::Role,
    config::{BrokerConfig, Config, MqttMode},
    domain::feed::Topic,
    live::mqtt::{self, listen::Doors},
};

use crate::{
    live_rows::{BRITAIN, FUELS, NEW_YORK, at, event, write},
    support::{Chrome, Home, TestServer, User, until},
};

const NEVER: Duration = Duration::from_mins(1);

pub fn broker(config: &mut Config) -> &mut BrokerConfig {
    match &mut config.live.mqtt {
        MqttMode::Embedded(broker) => broker,
        other => panic!("{other:?}"),
    }
}

/// A server with a broker on free ports, and where it listens: for TCP, for web sockets.
pub struct Served {
    pub server: TestServer,
    pub tcp: SocketAddr,
    web: SocketAddr,
    task: tokio::task::JoinHandle<()>,
    stop: tokio::sync::oneshot::Sender<()>,
}

pub async fn served(adjust: impl FnOnce(&mut Config)) -> Served {
    let server = TestServer::start_with(adjust, None).await;
    server.relays();
    serve(server).await
}

async fn serve(server: TestServer) -> Served {
    let mut config = (*server.app.config).clone();
    let broker = broker(&mut config);
    broker.listen.set_port(0);
    broker.websocket_listen.set_port(0);
    let broker = broker.clone();
    let doors = Doors::open(&config, &broker).await.unwrap().unwrap();
    let (tcp, web) = doors.addresses().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async { _ = stopped.await };
    let task = tokio::spawn(mqtt::serve(server.app.clone(), doors, broker, stopped));
    Served { server, tcp, web, task, stop }
}

/// A client of 3.1.1.
pub struct Client {
    pub asks: AsyncClient,
    events: EventLoop,
    /// What came before somebody asked for it.
    early: VecDeque<Message>,
}

/// A message: topic, payload, whether it was retained.
type Message = (String, String, bool);

fn message_of(publish: rumqttc::Publish) -> Message {
    let payload = String::from_utf8(publish.payload.to_vec()).unwrap();
    (publish.topic, payload, publish.retain)
}

impl Client {
    pub fn options(address: SocketAddr, token: Option<&str>) -> MqttOptions {
        let id = format!("test-{}", uuid::Uuid::new_v4().simple());
        let mut options = MqttOptions::new(id, address.ip().to_string(), address.port());
        options.set_max_packet_size(1 << 20, 1 << 20);
        if let Some(token) = token {
            options.set_credentials("anybody", token);
        }
        options
    }

    /// Connects; the error of a broker that does not let it in.
    pub async fn connect(address: SocketAddr, token: Option<&str>) -> Result<Self, String> {
        Self::with(Self::options(address, token)).await
    }

    /// The same with other options.
    pub async fn with(options: MqttOptions) -> Result<Self, String> {
        let (client, events) = AsyncClient::new(options, 100);
        let mut client = Self { asks: client, events, early: VecDeque::new() };
        match client.events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => Ok(client),
            other => Err(format!("{other:?}")),
        }
    }

    pub async fn packet(&mut self) -> Result<Packet, String> {
        loop {
            let polled = tokio::time::timeout(NEVER, self.events.poll()).await;
            match polled.expect("something comes") {
                Ok(Event::Incoming(packet)) => return Ok(packet),
                Ok(Event::Outgoing(_)) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    /// Subscribes; whether it was let. What comes of other subscriptions meanwhile is kept.
    pub async fn subscribe(&mut self, filter: &str) -> bool {
        self.asks.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        loop {
            match self.packet().await.unwrap() {
                Packet::SubAck(ack) => {
                    return ack.return_codes
                        == [rumqttc::SubscribeReasonCode::Success(QoS::AtLeastOnce)];
                }
                Packet::Publish(publish) => self.early.push_back(message_of(publish)),
                _ => {}
            }
        }
    }

    /// The next message. That the connection is alive is none.
    pub async fn message(&mut self) -> Message {
        if let Some(early) = self.early.pop_front() {
            return early;
        }
        let coming = async {
            loop {
                if let Packet::Publish(publish) = self.packet().await.unwrap() {
                    return message_of(publish);
                }
            }
        };
        tokio::time::timeout(NEVER, coming).await.expect("a message comes")
    }

    /// The next so many messages, by topic.
    async fn messages(&mut self, count: usize) -> BTreeMap<String, String> {
        let mut messages = BTreeMap::new();
        while messages.len() < count {
            let (topic, payload, _) = self.message().await;
            messages.insert(topic, payload);
        }
        messages
    }
}

#[tokio::test]
async fn a_client_reads_the_retained_state_and_then_what_happens() {
    let served = served(|_| {}).await;
    let (app, start) = (&served.server.app, at("2025-02-01T05:00:00Z"));
    NEW_YORK.slot(app, start, "229.145120000").await;
    NEW_YORK.mix(app, start, &FUELS).await;
    BRITAIN.slot(app, start, "150").await;
    BRITAIN.forecast(app, at("2025-02-01T05:30:00Z"), &["140", "131.5"]).await;
    let token = served.server.account(Role::ReadOnly).await.token;
    let mut client = Client::connect(served.tcp, Some(&token)).await.unwrap();
    assert!(client.subscribe("grid/US-NY-NYISO/#").await);
    // The events of these slots may come among them, or may have been told before.
    let mut state = BTreeMap::new();
    let has_all = |state: &BTreeMap<String, String>| {
        let retained = state.keys().filter(|topic| !topic.contains("/events/"));
        retained.count() == 9
    };
    while !has_all(&state) {
        let (topic, payload, _) = client.message().await;
        state.insert(topic, payload);
    }
    assert_eq!(
        state["grid/US-NY-NYISO/now/generated"],
        r#"{"start":"2025-02-01T05:00:00Z","secs":300,"value":229.14512,"unit":"g/kWh","factor_set":"NY-STATE-2016","rev":1}"#
    );
    assert_eq!(
        state["grid/US-NY-NYISO/mix/Hydro"],
        r#"{"start":"2025-02-01T05:00:00Z","value":2814.5,"unit":"MW"}"#
    );
    let series = r#"{"unit":"g/kWh","start":["2025-02-01T05:00:00Z"],"value":[229.14512]}"#;
    assert_eq!(state["grid/US-NY-NYISO/series/24h"], series);
    // What happens: the event itself, and what it changes of the state, which may be told a moment
    // before with what an earlier event has changed.
    NEW_YORK.slot(app, start, "230").await;
    let (mut told, mut changed) = (None, BTreeMap::new());
    let is_new = |changed: &BTreeMap<String, String>| {
        let says = |end: &str, what: &str| {
            let topic = format!("grid/US-NY-NYISO/{end}");
            changed.get(&topic).is_some_and(|payload| payload.contains(what))
        };
        says("now/generated", r#""value":230,"#)
            && says("now/generated", r#""rev":2"#)
            && says("series/24h", "[230]")
    };
    while told.is_none() || !is_new(&changed) {
        let message = client.message().await;
        let envelope: Option<Value> = serde_json::from_str(&message.1).ok();
        match envelope.filter(|envelope| envelope["data"]["rev"] == 2) {
            Some(envelope) => told = Some((message.0, message.2, envelope)),
            None => _ = changed.insert(message.0, message.1),
        }
    }
    let (topic, retained, envelope) = told.unwrap();
    assert_eq!((topic.as_str(), retained), ("grid/US-NY-NYISO/events/intensity", false));
    assert_eq!(envelope["type"], "grid.intensity.restated");
    // A client of version 5 reads the same.
    let mut options = v5::MqttOptions::new("five", served.tcp.ip().to_string(), served.tcp.port());
    options.set_credentials("anybody", &token);
    let (five, mut events) = v5::AsyncClient::new(options, 10);
    five.subscribe("grid/GB/forecast", v5::mqttbytes::QoS::AtLeastOnce).await.unwrap();
    let forecast = loop {
        if let v5::Event::Incoming(v5::mqttbytes::v5::Packet::Publish(publish)) =
            events.poll().await.unwrap()
        {
            break String::from_utf8(publish.payload.to_vec()).unwrap();
        }
    };
    assert_eq!(
        forecast,
        r#"{"issued_at":"2025-02-01T05:30:00Z","factor_set":"NESO","unit":"g/kWh","points":[{"start":"2025-02-01T05:30:00Z","secs":1800,"value":140},{"start":"2025-02-01T06:00:00Z","secs":1800,"value":131.5}]}"#
    );
}

#[tokio::test]
async fn the_state_is_the_same_after_a_restart_and_what_is_gone_is_cleared() {
    let first = served(|_| {}).await;
    let start = at("2025-02-01T05:00:00Z");
    NEW_YORK.slot(&first.server.app, start, "229").await;
    NEW_YORK.mix(&first.server.app, start, &FUELS).await;
    let token = first.server.account(Role::ReadOnly).await.token;
    let state = async |address| {
        let mut client = Client::connect(address, Some(&token)).await.unwrap();
        client.subscribe("grid/+/mix/+").await;
        client.subscribe("grid/+/now/+").await;
        client.messages(8).await
    };
    let before = state(first.tcp).await;
    let mut watching = Client::connect(first.tcp, Some(&token)).await.unwrap();
    watching.subscribe("svc/+/status").await;
    assert_eq!(watching.message().await.1, "online");
    first.stop.send(()).unwrap();
    assert_eq!(watching.message().await.1, "offline");
    first.task.await.unwrap();
    let second = serve(first.server).await;
    assert_eq!(state(second.tcp).await, before);
    // The next slot has a fuel less.
    let mut client = Client::connect(second.tcp, Some(&token)).await.unwrap();
    client.subscribe("grid/US-NY-NYISO/mix/Wind").await;
    assert!(client.message().await.1.contains("258"));
    let next = start + TimeDelta::minutes(5);
    let fewer: Vec<_> = FUELS.into_iter().filter(|(fuel, _)| *fuel != "Wind").collect();
    NEW_YORK.mix(&second.server.app, next, &fewer).await;
    assert_eq!(client.message().await, ("grid/US-NY-NYISO/mix/Wind".into(), String::new(), false));
}

#[tokio::test]
async fn nobody_publishes_and_nobody_reads_beyond_what_they_may() {
    let served = served(|_| {}).await;
    let token = served.server.account(Role::ReadOnly).await.token;
    for (token, why) in [
        (None, "NotAuthorized"),
        (Some("tpk_wrong"), "BadUserNamePassword"),
        (Some("a password for this run only"), "BadUserNamePassword"),
    ] {
        let refused = Client::connect(served.tcp, token).await.err().unwrap();
        assert!(refused.contains(why), "{refused}");
    }
    let mut client = Client::connect(served.tcp, Some(&token)).await.unwrap();
    for (filter, is_let) in [
        ("grid/#", true),
        ("svc/+/status", true),
        ("#", false),
        ("+/GB", false),
        ("$SYS/#", false),
        ("meter/#", false),
        ("retail/usage", false),
        ("ny-power/#", false),
    ] {
        assert_eq!(client.subscribe(filter).await, is_let, "{filter}");
    }
    client.asks.publish("grid/GB/now/generated", QoS::AtMostOnce, true, "1").await.unwrap();
    while client.packet().await.is_ok() {}
    let mut other = Client::connect(served.tcp, Some(&token)).await.unwrap();
    other.subscribe("grid/#").await;
    NEW_YORK.slot(&served.server.app, at("2025-02-01T05:00:00Z"), "229").await;
    // The first that comes is no other's.
    assert_eq!(other.message().await.0, "grid/US-NY-NYISO/events/intensity");
    // A last will is a message, too.
    let mut options = Client::options(served.tcp, Some(&token));
    options.set_last_will(rumqttc::LastWill::new("grid/x", "1", QoS::AtMostOnce, true));
    let (_client, mut events) = AsyncClient::new(options, 1);
    assert!(format!("{:?}", events.poll().await).contains("NotAuthorized"));
}

#[tokio::test]
async fn strangers_read_what_the_settings_name_and_no_more() {
    let served = served(|config| {
        broker(config).anonymous_read = vec!["grid/+/now/generated".parse().unwrap()];
    })
    .await;
    let mut client = Client::connect(served.tcp, None).await.unwrap();
    assert!(client.subscribe("grid/GB/now/generated").await);
    assert!(!client.subscribe("grid/#").await);
    assert!(!client.subscribe("svc/#").await);
    BRITAIN.slot(&served.server.app, at("2025-02-01T05:00:00Z"), "150").await;
    assert_eq!(client.message().await.0, "grid/GB/now/generated");
}

#[tokio::test]
async fn who_is_shut_out_has_to_go_and_so_has_who_is_not_understood() {
    let served = served(|_| {}).await;
    let account = served.server.account(Role::ReadOnly).await;
    let mut client = Client::connect(served.tcp, Some(&account.token)).await.unwrap();
    client.subscribe("grid/#").await;
    sqlx::query("update app_user set disabled_at = now() where id = $1")
        .bind(account.id)
        .execute(&served.server.app.pool)
        .await
        .unwrap();
    while client.packet().await.is_ok() {}
    let again = Client::connect(served.tcp, Some(&account.token)).await;
    assert!(again.err().unwrap().contains("BadUserNamePassword"));
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        // A first packet without an end, one that is too large, one that is no connect.
        &[0x10, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x10, 0xff, 0xff, 0x7f],
        &[0xc0, 0],
        &[0x10, 2, 0, 4],
    ] {
        let mut stream = TcpStream::connect(served.tcp).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(NEVER, stream.read_to_end(&mut answer)).await;
        // The end, or a reset: what was sent was not all read.
        assert!(read.is_ok() && answer.is_empty(), "{bytes:?}");
    }
}

#[tokio::test]
async fn pages_of_other_sites_do_not_connect() {
    let served = served(|config| broker(config).origins = vec!["https://own.example".into()]).await;
    let base = format!("http://{}", served.web);
    for (origin, status) in [
        (None, StatusCode::SWITCHING_PROTOCOLS),
        (Some("http://127.0.0.1:8080"), StatusCode::SWITCHING_PROTOCOLS),
        (Some("https://own.example"), StatusCode::SWITCHING_PROTOCOLS),
        (Some("https://evil.example"), StatusCode::FORBIDDEN),
        (Some("null"), StatusCode::FORBIDDEN),
    ] {
        let client = reqwest::Client::new();
        let mut request = client
            .get(format!("{base}/mqtt"))
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-protocol", "mqtt");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        assert_eq!(request.send().await.unwrap().status(), status, "{origin:?}");
    }
}

/// The packets are written by hand: a browser has no client of its own.
const IN_A_BROWSER: &str = r#"
const [url, token] = [ADDRESS, TOKEN];
window.heard = [];
const text = (s) => { const b = new TextEncoder().encode(s); return [b.length >> 8, b.length & 255, ...b]; };
const packet = (first, body) => new Uint8Array([first, body.length, ...body]);
const socket = new WebSocket(url, "mqtt");
socket.binaryType = "arraybuffer";
socket.onopen = () => socket.send(packet(0x10, [...text("MQTT"), 4, 0xc2, 0, 60, ...text("page"), ...text("me"), ...text(token)]));
socket.onmessage = ({ data }) => {
  const bytes = new Uint8Array(data);
  for (let i = 0; i < bytes.length;) {
    let length = 0, shift = 0, at = i + 1;
    do { length |= (bytes[at] & 127) << shift; shift += 7; } while (bytes[at++] & 128);
    const type = bytes[i] >> 4;
    if (type === 2) socket.send(packet(0x82, [0, 1, ...text("grid/+/now/generated"), 0]));
    if (type === 3) {
      const topic = (bytes[at] << 8) + bytes[at + 1];
      window.heard.push(new TextDecoder().decode(bytes.slice(at + 2 + topic, at + length)));
    }
    i = at + length;
  }
};
"#;

#[tokio::test]
async fn a_browser_reads_by_web_socket() {
    let served = served(|_| {}).await;
    let Some(chrome) = Chrome::open(&format!("http://{}", served.web), true).await else { return };
    BRITAIN.slot(&served.server.app, at("2025-02-01T05:00:00Z"), "150").await;
    let token = served.server.account(Role::ReadOnly).await.token;
    // A page of the same host without a policy of its own: there is nothing at this address.
    chrome.goto("/").await;
    let script = IN_A_BROWSER
        .replace("ADDRESS", &json!(format!("ws://{}/mqtt", served.web)).to_string())
        .replace("TOKEN", &json!(token).to_string());
    chrome.eval(&script).await;
    let heard = async || chrome.eval("return window.heard").await;
    until(async || heard().await.as_array().unwrap().len() == 1).await;
    BRITAIN.slot(&served.server.app, at("2025-02-01T05:30:00Z"), "160").await;
    until(async || heard().await.as_array().unwrap().len() == 2).await;
    let heard = heard().await;
    assert!(heard[0].as_str().unwrap().contains(r#""value":150,"#), "{heard}");
    assert!(heard[1].as_str().unwrap().contains(r#""value":160,"#), "{heard}");
}

#[tokio::test]
async fn mosquitto_sub_reads_state_and_stream() {
    let served = served(|_| {}).await;
    BRITAIN.slot(&served.server.app, at("2025-02-01T05:00:00Z"), "150").await;
    let token = served.server.account(Role::ReadOnly).await.token;
    for version in ["mqttv311", "mqttv5"] {
        let mut command = Command::new("mosquitto_sub");
        command.args(["-h", "127.0.0.1", "-p", &served.tcp.port().to_string(), "-V", version]);
        command.args(["-u", "ann", "-P", &token, "-q", "1", "-C", "1", "-W", "50"]);
        command.args(["-t", "grid/GB/now/generated"]).stderr(Stdio::inherit());
        let Ok(output) = command.output().await else {
            eprintln!("skipped: mosquitto_sub (Debian: mosquitto-clients) is not installed");
            return;
        };
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["value"], 150, "{version}");
    }
}

/// A reading as the operator wrote it: 229.145 g/kWh by the factors of the state.
const READING: [(&str, &str); 7] = [
    ("Dual Fuel", "3391"),
    ("Hydro", "2900"),
    ("Natural Gas", "3180"),
    ("Nuclear", "3275"),
    ("Other Fossil Fuels", "2"),
    ("Other Renewables", "230"),
    ("Wind", "865"),
];

impl Client {
    /// The next messages in the shape of others, in the order in which they come.
    async fn compat(&mut self, count: usize) -> Vec<(String, String)> {
        let mut told = Vec::new();
        while told.len() < count {
            let (topic, payload, _) = self.message().await;
            told.push((topic.strip_prefix("ny-power/").unwrap().to_owned(), payload));
        }
        told
    }
}

fn topics(told: &[(String, String)]) -> Vec<&str> {
    told.iter().map(|(topic, _)| topic.as_str()).collect()
}

const WHOLE: [&str; 10] = [
    "upstream/fuel-mix/Dual Fuel",
    "upstream/fuel-mix/Hydro",
    "upstream/fuel-mix/Natural Gas",
    "upstream/fuel-mix/Nuclear",
    "upstream/fuel-mix/Other Fossil Fuels",
    "upstream/fuel-mix/Other Renewables",
    "upstream/fuel-mix/Wind",
    "computed/co2",
    "status/fuel-mix/updated",
    "archive/co2/24h",
];

#[tokio::test]
async fn readings_of_new_york_are_told_in_time_order_as_others_know_them() {
    let served = served(|config| config.live.compat_nyiso = Some("ny-power".into())).await;
    let (app, start) = (&served.server.app, at("2025-02-01T05:00:00Z"));
    NEW_YORK.reading(app, start, Some("229.145120000"), &READING).await;
    let token = served.server.account(Role::ReadOnly).await.token;
    let mut client = Client::connect(served.tcp, Some(&token)).await.unwrap();
    assert!(client.subscribe("ny-power/#").await);
    let state = client.messages(10).await;
    assert_eq!(
        state["ny-power/computed/co2"],
        r#"{"ts":"02/01/2025 00:05:00","value":229.145,"units":"g / kWh","iso":"2025-02-01T05:05:00Z"}"#
    );
    assert_eq!(
        state["ny-power/archive/co2/24h"],
        r#"{"units":"g / kWh","ts":["2025-02-01T05:05:00Z"],"values":[229.145]}"#
    );
    let next = start + TimeDelta::minutes(5);
    NEW_YORK.reading(app, next, Some("230"), &READING).await;
    assert_eq!(topics(&client.compat(10).await), WHOLE);
    write(app, event(Topic::PageReload, "-", "trueprice", next, "{}")).await;
    let reload = ("ny-power/application/webui".to_owned(), "reload".to_owned(), false);
    assert_eq!(client.message().await, reload);
}

#[tokio::test]
async fn a_reading_that_was_cut_off_is_told_whole_and_one_off_the_grid_has_its_intensity() {
    let served = served(|config| config.live.compat_nyiso = Some("ny-power".into())).await;
    let (app, start) = (&served.server.app, at("2025-02-01T05:00:00Z"));
    let later = |minutes| start + TimeDelta::minutes(minutes);
    NEW_YORK.reading(app, start, Some("229"), &READING).await;
    let token = served.server.account(Role::ReadOnly).await.token;
    let mut client = Client::connect(served.tcp, Some(&token)).await.unwrap();
    assert!(client.subscribe("ny-power/#").await);
    client.messages(10).await;
    // The file is read while its last reading is being written: that one has to wait.
    NEW_YORK.reading(app, later(5), None, &READING[..6]).await;
    // The next time it is all there, and one more that lies between two slots.
    let mut loading = app.pool.begin().await.unwrap();
    let fetch = "select max(fetch_id) from feed_fetch";
    let fetch: i64 = sqlx::query_scalar(fetch).fetch_one(&mut *loading).await.unwrap();
    let rest = [&READING[6..], &READING].concat();
    for (place, (fuel, mw)) in rest.iter().enumerate() {
        let at = if place == 0 { later(10) } else { later(13) };
        sqlx::query(
            "insert into fuel_sample (feed_id, region_id, sampled_at, fuel, mw, content_hash, first_seen,
                 changed_at, fetch_id)
             values ('nyiso.rtfuelmix', 'US-NY-NYISO', $1, $2, $3::numeric, '', now(), now(), $4)",
        )
        .bind(at)
        .bind(fuel)
        .bind(mw)
        .bind(fetch)
        .execute(&mut *loading)
        .await
        .unwrap();
    }
    let now = app.clock.now();
    let told = event(Topic::GridFuelMix, "US-NY-NYISO", "nyiso.rtfuelmix", later(10), "{}");
    trueprice::db::feeds::outbox::write(&mut loading, &[told], now).await.unwrap();
    loading.commit().await.unwrap();
    let told = client.compat(18).await;
    assert_eq!(topics(&told), [&WHOLE[..9], &WHOLE[..9]].concat());
    for (place, stamp) in [(6, "05:10:00Z"), (7, "05:10:00Z"), (8, "05:10:00Z"), (16, "05:13:00Z")]
    {
        assert!(told[place].1.contains(stamp), "{:?}", told[place]);
    }
    assert!(told[7].1.contains(r#""value":229.145,"#), "{:?}", told[7]);
    assert!(told[16].1.contains(r#""value":229.145,"#), "{:?}", told[16]);
}

#[tokio::test]
async fn a_long_row_of_readings_is_told_without_a_cut() {
    let served = served(|config| config.live.compat_nyiso = Some("ny-power".into())).await;
    let (app, start) = (&served.server.app, at("2025-02-01T05:00:00Z"));
    NEW_YORK.reading(app, start, Some("229"), &READING).await;
    let token = served.server.account(Role::ReadOnly).await.token;
    let mut client = Client::connect(served.tcp, Some(&token)).await.unwrap();
    assert!(client.subscribe("ny-power/status/#").await);
    client.message().await;
    // With fuels of their own, so that no number of rows is a number of readings.
    let fill = "insert into fuel_sample (feed_id, region_id, sampled_at, fuel, mw, content_hash, first_seen,
                    changed_at, fetch_id)
                select s.feed_id, s.region_id, s.sampled_at + n * interval '5 min', f.fuel, 1, '', now(), now(), s.fetch_id
                from fuel_sample s, generate_series(1, 1200) n,
                     lateral (select s.fuel union select 'Sun' where s.fuel = 'Wind') f";
    sqlx::query(fill).execute(&app.pool).await.unwrap();
    let told = event(
        Topic::GridFuelMix,
        "US-NY-NYISO",
        "nyiso.rtfuelmix",
        at("2025-02-05T09:00:00Z"),
        "{}",
    );
    write(app, told).await;
    for n in 1..=1200 {
        let stamp = start + TimeDelta::minutes(5 * (n + 1));
        let stamp = stamp.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let payload = client.message().await.1;
        assert!(payload.contains(&stamp), "{payload} is not of {stamp}");
    }
}

/// A broker elsewhere: it takes messages, and says that it has them until it is told not to.
struct Elsewhere {
    listener: TcpListener,
    retained: BTreeMap<String, String>,
    events: Vec<Value>,
}

impl Elsewhere {
    /// Takes one client until `most` messages of events came or `enough` says so; then cuts it off
    /// without a word for the last.
    async fn take(&mut self, mut enough: impl FnMut(&Self) -> bool) {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let mut buffer = bytes::BytesMut::new();
        loop {
            match Packet::read(&mut buffer, 1 << 20) {
                Err(rumqttc::mqttbytes::Error::InsufficientBytes(_)) => {
                    if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                Ok(Packet::Connect(connect)) => {
                    let login = connect.login.unwrap();
                    assert_eq!((login.username.as_str(), login.password.as_str()), ("u", "p"));
                    let will = connect.last_will.unwrap();
                    assert_eq!(
                        (will.topic.as_str(), &will.message[..]),
                        ("svc/trueprice/status", &b"offline"[..])
                    );
                    let mut out = bytes::BytesMut::new();
                    let code = rumqttc::ConnectReturnCode::Success;
                    rumqttc::mqttbytes::v4::ConnAck::new(code, false).write(&mut out).unwrap();
                    stream.write_all(&out).await.unwrap();
                }
                Ok(Packet::Publish(publish)) => {
                    let payload = String::from_utf8(publish.payload.to_vec()).unwrap();
                    match (publish.retain, payload.is_empty()) {
                        (false, _) => self.events.push(serde_json::from_str(&payload).unwrap()),
                        (true, false) => _ = self.retained.insert(publish.topic, payload),
                        (true, true) => _ = self.retained.remove(&publish.topic),
                    }
                    if enough(self) {
                        return;
                    }
                    let mut out = bytes::BytesMut::new();
                    rumqttc::mqttbytes::v4::PubAck::new(publish.pkid).write(&mut out).unwrap();
                    stream.write_all(&out).await.unwrap();
                }
                Ok(Packet::PingReq) => stream.write_all(&[0xd0, 0]).await.unwrap(),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_broker_elsewhere_is_told_everything_though_it_and_the_server_are_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let external = trueprice::config::PublisherConfig {
        host: "127.0.0.1".into(),
        port,
        tls: false,
        user: Some("u".into()),
        password: Some(trueprice::auth::Secret::new("p")),
    };
    let adjust = |config: &mut Config| config.live.mqtt = MqttMode::External(external);
    let server = TestServer::start_with(adjust, None).await;
    let start = at("2025-02-01T05:00:00Z");
    let slot = |n: i64| start + TimeDelta::minutes(5 * n);
    NEW_YORK.slot(&server.app, slot(0), "100").await;
    NEW_YORK.mix(&server.app, slot(0), &FUELS).await;
    let mut elsewhere = Elsewhere { listener, retained: BTreeMap::new(), events: Vec::new() };
    // A first connection that is told the state and all of it taken: then it counts from here.
    let relay = server.relays();
    elsewhere.take(|it| it.retained.len() == 10).await;
    let is_kept = until(async || {
        let kept = "select count(*) from mqtt_broker";
        let kept: i64 = sqlx::query_scalar(kept).fetch_one(&server.app.pool).await.unwrap();
        kept == 1
    });
    tokio::select! {
        () = elsewhere.take(|_| false) => panic!("the server hung up"),
        () = is_kept => {}
    }
    relay.abort();
    // While nobody relays, and then with a broker that hangs up again and again.
    for n in 1..=30 {
        NEW_YORK.slot(&server.app, slot(n), "101").await;
    }
    let fewer: Vec<_> = FUELS.into_iter().filter(|(fuel, _)| *fuel != "Wind").collect();
    NEW_YORK.mix(&server.app, slot(30), &fewer).await;
    assert!(elsewhere.retained.contains_key("grid/US-NY-NYISO/mix/Wind"));
    server.relays();
    for most in [1, 5, 12] {
        let before = elsewhere.events.len();
        elsewhere.take(|it| it.events.len() >= before + most).await;
    }
    let wanted: Vec<String> =
        (1..=30).map(|n| slot(n).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)).collect();
    let came = |it: &Elsewhere| {
        let told: Vec<&str> = it.events.iter().filter_map(|e| e["time"].as_str()).collect();
        wanted.iter().all(|wanted| told.contains(&wanted.as_str()))
    };
    let is_cleared = |it: &Elsewhere| {
        !it.retained.contains_key("grid/US-NY-NYISO/mix/Wind")
            && it.retained["grid/US-NY-NYISO/now/generated"].contains("07:30:00Z")
    };
    elsewhere.take(|it| came(it) && is_cleared(it)).await;
}

#[tokio::test]
async fn an_address_in_use_is_told_with_its_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let home = Home::of(User::Same);
    for setting in ["TRUEPRICE_MQTT_LISTEN", "TRUEPRICE_MQTT_WEBSOCKET_LISTEN"] {
        let other = if setting.contains("WEB") {
            "TRUEPRICE_MQTT_LISTEN"
        } else {
            "TRUEPRICE_MQTT_WEBSOCKET_LISTEN"
        };
        let environment =
            [("TRUEPRICE_MQTT_MODE", "embedded"), (setting, &address), (other, "127.0.0.1:0")];
        let output = home.run(&["serve"], &environment).await;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{told}");
        assert!(told.contains(setting) && told.contains(&address), "{told}");
    }
    // Where nobody asked for a broker, another server beside this one is no error.
    let mut config = Config::under(home.path()).unwrap();
    let broker = broker(&mut config);
    broker.listen = taken.local_addr().unwrap();
    broker.websocket_listen.set_port(0);
    let broker = broker.clone();
    assert!(Doors::open(&config, &broker).await.unwrap().is_none());
}
