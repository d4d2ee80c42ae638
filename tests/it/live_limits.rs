//! Who may listen, for how long and how many; what is told of the program itself.

use std::time::Duration;

use chrono::TimeDelta;
use reqwest::{Method, StatusCode, header::COOKIE};
use rumqttc::{Packet, v5};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
};
use tower_sessions::session::Id;
use trueprice::{
    auth::Role,
    db::feeds::outbox::{self, NewEvent},
    domain::{Sha256, feed::Topic},
};
use uuid::Uuid;

use crate::{
    live_mqtt::{Client, Served, broker, served},
    live_rows::{NEW_YORK, at, event, write},
    live_stream::Ear,
    support::{TestServer, until},
};

/// What takes longer than this does not come any more.
const NEVER: Duration = Duration::from_mins(1);

const TOPICS: &str = "/api/v1/stream?topics=feed.gap";

async fn set(server: &TestServer, change: &'static str) {
    sqlx::query(change).execute(&server.owner).await.unwrap();
}

/// Writes many events at once.
async fn burst(server: &TestServer, events: i64, first: i64) {
    let time = |n| at("2025-01-01T00:00:00Z") + TimeDelta::seconds(n);
    let events: Vec<NewEvent<'_>> = (first..first + events)
        .map(|n| event(Topic::GridIntensity, "GB", "gb.intensity", time(n), "{}"))
        .collect();
    let mut connection = server.app.pool.acquire().await.unwrap();
    outbox::write(&mut connection, &events, server.app.clock.now()).await.unwrap();
}

/// The cookie of a new user of this role. A sign-in takes too long.
async fn session(server: &TestServer, role: Role) -> String {
    let account = server.account(role).await;
    let (secret, now) = (Id::default().to_string(), server.app.clock.now());
    sqlx::query("delete from user_token where user_id = $1")
        .bind(account.id)
        .execute(&server.owner)
        .await
        .unwrap();
    sqlx::query(
        "insert into user_session (id, secret_sha256, user_id, role, created_at, last_seen_at)
         select $1, $2, id, role, $4, $4 from app_user where id = $3",
    )
    .bind(Uuid::new_v4())
    .bind(Sha256::of(secret.as_bytes()).as_bytes())
    .bind(account.id)
    .bind(now)
    .execute(&server.owner)
    .await
    .unwrap();
    format!("session={secret}")
}

/// Those who listen with a token, or in a browser.
struct Listeners {
    server: TestServer,
    ears: Vec<(&'static str, Ear)>,
}

impl Listeners {
    async fn new() -> Self {
        let server = TestServer::start().await;
        server.relays();
        let (reader, admin, lowered) = (
            server.account(Role::ReadOnly).await,
            server.account(Role::Admin).await,
            server.account(Role::Admin).await,
        );
        // A token of an administrator that is good for reading alone is none of an administrator.
        sqlx::query("update user_token set scopes = '{read}' where user_id = $1")
            .bind(lowered.id)
            .execute(&server.owner)
            .await
            .unwrap();
        let mut ears = Vec::new();
        for (name, account) in [("reader", &reader), ("admin", &admin), ("lowered", &lowered)] {
            let caller = server.anonymous().with_token(&account.token);
            ears.push((name, Ear::on(&caller, "topics=feed.gap").await));
        }
        for (name, role) in [("page", Role::ReadOnly), ("admin's page", Role::Admin)] {
            let cookie = session(&server, role).await;
            let request = server.anonymous().request(Method::GET, TOPICS).header(COOKIE, cookie);
            ears.push((name, Ear::of(request).await));
        }
        Self { server, ears }
    }

    /// Those who still listen after a change: they hear of what happens, and the others come to an end.
    async fn left_after(mut self, change: &'static str, ended: &[&str]) {
        set(&self.server, change).await;
        for (name, ear) in self.ears.iter_mut().filter(|(name, _)| ended.contains(name)) {
            let end = async { while ear.frame().await.is_some() {} };
            tokio::time::timeout(NEVER, end).await.unwrap_or_else(|_| panic!("{name} stays"));
        }
        // Who has not gone by now was asked after with those who have.
        let now = self.server.app.clock.now();
        write(&self.server.app, event(Topic::FeedGap, "gb.mix", "gb.mix", now, "{}")).await;
        for (name, ear) in self.ears.iter_mut().filter(|(name, _)| !ended.contains(name)) {
            let frame = loop {
                let frame = ear.frame().await.unwrap_or_else(|| panic!("{name} has gone"));
                if frame.event.is_some() {
                    break frame;
                }
            };
            assert_eq!(frame.event.as_deref(), Some("feed.gap"), "{name}");
        }
    }
}

#[tokio::test]
async fn a_closed_api_ends_what_tokens_listen_to() {
    let listeners = Listeners::new().await;
    listeners.left_after("update site set api_open = false", &["reader", "lowered"]).await;
}

#[tokio::test]
async fn a_closed_ui_ends_what_pages_listen_to() {
    let listeners = Listeners::new().await;
    listeners.left_after("update site set ui_open = false", &["page"]).await;
}

#[tokio::test]
async fn who_needs_a_new_password_or_has_lost_the_credential_hears_no_more() {
    let listeners = Listeners::new().await;
    let change = "with one as (update app_user u set must_change_password = true from user_token t
                               where t.user_id = u.id and u.role = 'read_only'),
                       two as (update user_token t set scopes = '{upload}' from app_user u
                               where u.id = t.user_id and u.role = 'admin' and scopes = '{read}')
                  delete from user_session where role = 'admin'";
    listeners.left_after(change, &["reader", "lowered", "admin's page"]).await;
}

/// A client of version 5 that reads and never says that it has anything; what it is told in the end.
async fn farewell(served: &Served, token: Option<&str>) -> JoinHandle<String> {
    let (host, port) = (served.tcp.ip().to_string(), served.tcp.port());
    let mut options = v5::MqttOptions::new(Uuid::new_v4().to_string(), host, port);
    options.set_manual_acks(true);
    if let Some(token) = token {
        options.set_credentials("anybody", token);
    }
    let (client, mut events) = v5::AsyncClient::new(options, 10);
    client.subscribe("grid/GB/events/#", v5::mqttbytes::QoS::AtLeastOnce).await.unwrap();
    let (is_in, waits) = tokio::sync::oneshot::channel();
    let mut is_in = Some(is_in);
    let reading = tokio::spawn(async move {
        let _client = client;
        loop {
            match tokio::time::timeout(NEVER, events.poll()).await.expect("something comes") {
                Ok(v5::Event::Incoming(v5::mqttbytes::v5::Packet::SubAck(_))) => {
                    _ = is_in.take().unwrap().send(());
                }
                Ok(_) => {}
                Err(error) => return format!("{error:?}"),
            }
        }
    });
    waits.await.expect("it is let in");
    reading
}

#[tokio::test]
async fn a_closed_api_sends_clients_away_and_strangers_too() {
    let served =
        served(|config| broker(config).anonymous_read = vec!["grid/GB/#".parse().unwrap()]).await;
    let token = served.server.account(Role::ReadOnly).await.token;
    let own = farewell(&served, Some(&token)).await;
    let strange = farewell(&served, None).await;
    set(&served.server, "update site set api_open = false").await;
    for gone in [own, strange] {
        let told = gone.await.unwrap();
        assert!(told.contains("AdministrativeAction"), "{told}");
    }
    for token in [Some(token.as_str()), None] {
        let refused = Client::connect(served.tcp, token).await.err().unwrap();
        assert!(refused.contains("ServiceUnavailable"), "{refused}");
    }
}

#[tokio::test]
async fn a_burst_waits_for_a_slow_client_and_no_longer_than_ten_thousand() {
    const EVENTS: i64 = 2000;
    let served = served(|_| {}).await;
    let token = served.server.account(Role::ReadOnly).await.token;
    let mut options = Client::options(served.tcp, Some(&token));
    options.set_manual_acks(true);
    let mut slow = Client::with(options).await.unwrap();
    assert!(slow.subscribe("grid/GB/events/#").await);
    let mut quick = Client::connect(served.tcp, Some(&token)).await.unwrap();
    assert!(quick.subscribe("grid/GB/events/#").await);
    let deaf = farewell(&served, Some(&token)).await;
    burst(&served.server, EVENTS, 0).await;
    for _ in 0..EVENTS {
        quick.message().await;
    }
    // It says only now that it has anything: all of it comes, in order.
    for n in 0..EVENTS {
        let Packet::Publish(publish) = slow.packet().await.unwrap() else {
            panic!("a message");
        };
        let envelope: Value = serde_json::from_slice(&publish.payload).unwrap();
        let time = at("2025-01-01T00:00:00Z") + TimeDelta::seconds(n);
        assert_eq!(at(envelope["time"].as_str().unwrap()), time);
        slow.asks.ack(&publish).await.unwrap();
    }
    burst(&served.server, 12_000, EVENTS).await;
    let told = deaf.await.unwrap();
    assert!(told.contains("QuotaExceeded"), "{told}");
}

#[tokio::test]
async fn a_user_has_so_many_streams_and_no_more() {
    let house = served(|config| config.live.listeners_per_user = 2).await;
    let server = &house.server;
    let account = server.account(Role::ReadOnly).await;
    let caller = server.anonymous().with_token(&account.token);
    let first = Ear::on(&caller, "topics=feed.gap").await;
    let mut client = Client::connect(house.tcp, Some(&account.token)).await.unwrap();
    let refused = caller.get(TOPICS).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key("retry-after"));
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "too_many_streams");
    assert!(problem["detail"].as_str().unwrap().starts_with("2 connections"), "{problem}");
    let refused = Client::connect(house.tcp, Some(&account.token)).await.err().unwrap();
    assert!(refused.contains("ServiceUnavailable"), "{refused}");
    // Others are not in the way, and a place that is given back is free.
    let other = server.caller(Role::ReadOnly).await;
    assert_eq!(other.get(TOPICS).await.status(), StatusCode::OK);
    drop(first);
    until(async || caller.get(TOPICS).await.status() == StatusCode::OK).await;
    assert!(client.subscribe("grid/#").await);
}

#[tokio::test]
async fn who_stalls_gives_the_place_to_others() {
    let server = TestServer::start_with(|config| config.live.listeners = 1, None).await;
    server.relays();
    let token = server.account(Role::ReadOnly).await.token;
    let address = server.base().trim_start_matches("http://");
    let mut stalls = TcpStream::connect(address).await.unwrap();
    let head = format!("GET {TOPICS} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    stalls.write_all(head.as_bytes()).await.unwrap();
    assert!(stalls.read(&mut [0; 12]).await.unwrap() > 0);
    let caller = server.caller(Role::ReadOnly).await;
    let full = caller.get(TOPICS).await;
    assert_eq!(full.status(), StatusCode::SERVICE_UNAVAILABLE);
    // Far more than the network holds, and far fewer than make it fall behind.
    let data = format!(r#"{{"padding":"{}"}}"#, "x".repeat(100_000));
    for n in 0..300 {
        let time = at("2025-01-01T00:00:00Z") + TimeDelta::seconds(n);
        write(&server.app, event(Topic::FeedGap, "gb.mix", "gb.mix", time, &data)).await;
    }
    until(async || caller.get(TOPICS).await.status() == StatusCode::OK).await;
}

#[tokio::test]
async fn pages_of_a_former_program_are_told_to_load_again() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadOnly).await;
    let told = async || -> i64 {
        let told = "select count(*) from event_outbox where topic = 'page.reload'";
        sqlx::query_scalar(told).fetch_one(&server.owner).await.unwrap()
    };
    let leads = async || {
        let relay = server.relays();
        let now = server.app.clock.now() + TimeDelta::microseconds(told().await);
        let numbered = server.numbered().await.1;
        let series = Uuid::new_v4().to_string();
        let gap = event(Topic::FeedGap, "gb.mix", "gb.mix", now, "{}");
        write(&server.app, NewEvent { series_key: &series, ..gap }).await;
        until(async || server.numbered().await.1 > numbered).await;
        relay.abort();
        _ = relay.await;
    };
    // The first program, and the same again, has nobody's pages to make anew.
    leads().await;
    leads().await;
    assert_eq!(told().await, 0);
    let mut ear = Ear::on(&caller, "topics=page.reload:*").await;
    ear.frame().await.unwrap();
    set(&server, "update event_stream set program = '0.0.1 a former one'").await;
    leads().await;
    assert_eq!(told().await, 1);
    assert_eq!(ear.next().await.event.as_deref(), Some("page.reload"));
    leads().await;
    assert_eq!(told().await, 1);
}

/// The rows that were looked at in vain to answer a query.
fn in_vain(plan: &Value) -> u64 {
    match plan {
        Value::Object(members) => {
            let own = members.get("Rows Removed by Filter").and_then(Value::as_u64).unwrap_or(0);
            let loops = members.get("Actual Loops").and_then(Value::as_u64).unwrap_or(1);
            own * loops + members.values().map(in_vain).sum::<u64>()
        }
        Value::Array(items) => items.iter().map(in_vain).sum(),
        _ => 0,
    }
}

#[tokio::test]
async fn the_newest_value_of_a_metric_is_found_without_reading_those_since() {
    let server = TestServer::start().await;
    let fetch = NEW_YORK.make(&server.owner).await;
    // 100 days, of which the first slot alone has a consumed intensity and the first day a marginal one.
    sqlx::query(
        "insert into carbon_intensity (feed_id, region_id, factor_set_id, start_at, secs, generated, consumed,
             marginal, raw_unit, quality, content_hash, first_seen, changed_at, fetch_id)
         select 'nyiso.rtfuelmix', 'US-NY-NYISO', 'NY-STATE-2016', '2025-01-01Z'::timestamptz + n * interval '5 min',
                300, n, case when n = 0 then 7 end, case when n < 288 then n end, 'g/kWh', 'measured', '', now(),
                now(), $1
         from generate_series(0, 28799) n",
    )
    .bind(fetch)
    .execute(&server.owner)
    .await
    .unwrap();
    set(&server, "analyze carbon_intensity").await;
    let now = trueprice::db::feeds::retained::now(&server.app.pool, None).await.unwrap();
    let found: Vec<String> = now.iter().map(|row| row.value.normalize().to_string()).collect();
    assert_eq!(found, ["28799", "7", "287"]);
    let plan: Value = sqlx::query_scalar(concat!(
        "explain (analyze, format json) ",
        include_str!("../../sql/queries/retained_now.sql")
    ))
    .bind(None::<Vec<String>>)
    .fetch_one(&server.owner)
    .await
    .unwrap();
    assert!(in_vain(&plan) < 100, "{} rows in vain: {plan:#}", in_vain(&plan));
}
