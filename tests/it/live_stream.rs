//! The stream of events: numbered after the commit, told by server-sent events, resumed without loss.

use std::{collections::BTreeSet, time::Duration};

use chrono::TimeDelta;
use futures::{StreamExt as _, stream::BoxStream};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use trueprice::{auth::Role, db::feeds::outbox, domain::feed::Topic};
use uuid::Uuid;

use crate::{
    live_rows::{BRITAIN, NEW_YORK, at, event, write},
    support::{Caller, TestServer, until},
};

/// What takes longer than this does not come any more.
const NEVER: Duration = Duration::from_mins(1);

/// Somebody who listens.
pub struct Ear {
    body: BoxStream<'static, Vec<u8>>,
    text: String,
}

/// A server-sent event.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Frame {
    pub id: Option<i64>,
    pub event: Option<String>,
    pub data: Option<String>,
    pub comment: bool,
}

impl Frame {
    pub fn json(&self) -> Value {
        serde_json::from_str(self.data.as_ref().unwrap()).unwrap()
    }
}

impl Ear {
    pub async fn of(request: RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let pieces = answer.bytes_stream().take_while(|piece| std::future::ready(piece.is_ok()));
        Self { body: pieces.map(|piece| piece.unwrap().to_vec()).boxed(), text: String::new() }
    }

    pub async fn on(caller: &Caller, query: &str) -> Self {
        let path = format!("/api/v1/stream?{query}");
        Self::of(caller.request(Method::GET, &path)).await
    }

    /// The next frame of any kind; none at the end.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let frame: String = self.text.drain(..end + 2).collect();
                let mut read = Frame::default();
                for line in frame.lines() {
                    match line.split_once(':').map(|(name, value)| (name, value.trim_start())) {
                        Some(("id", value)) => read.id = value.parse().ok(),
                        Some(("event", value)) => read.event = Some(value.to_owned()),
                        Some(("data", value)) => read.data = Some(value.to_owned()),
                        Some(("", _)) => read.comment = true,
                        _ => {}
                    }
                }
                return Some(read);
            }
            let piece = tokio::time::timeout(NEVER, self.body.next()).await;
            self.text += &String::from_utf8(piece.expect("something is told")?).unwrap();
        }
    }

    /// The next event.
    pub async fn next(&mut self) -> Frame {
        loop {
            let frame = self.frame().await.expect("the stream goes on");
            if frame.event.is_some() {
                return frame;
            }
        }
    }
}

#[tokio::test]
async fn an_event_is_told_to_those_who_want_it() {
    let server = TestServer::start().await;
    server.relays();
    let caller = server.caller(Role::ReadOnly).await;
    let mut all = Ear::on(&caller, "topics=grid.intensity:*,grid.intensity.restated").await;
    let mut britain = Ear::on(&caller, "topics=grid.intensity:GB").await;
    let greeting = all.frame().await.unwrap();
    assert_eq!((greeting.id, greeting.event), (Some(0), None));
    NEW_YORK.slot(&server.app, at("2025-02-01T05:00:00Z"), "229.145120000").await;
    let first = all.next().await;
    assert_eq!((first.id, first.event.as_deref()), (Some(1), Some("grid.intensity")));
    // With all their digits, as they are stored.
    assert!(first.data.as_ref().unwrap().contains("229.145120000"));
    let told = first.json();
    assert_eq!(told["region"], "US-NY-NYISO");
    assert_eq!(told["source"], "nyiso.rtfuelmix");
    assert_eq!(told["time"], "2025-02-01T05:00:00Z");
    assert_eq!(told["data"]["rev"], 1);
    NEW_YORK.slot(&server.app, at("2025-02-01T05:00:00Z"), "230").await;
    let second = all.next().await;
    assert_eq!((second.id, second.event.as_deref()), (Some(2), Some("grid.intensity.restated")));
    BRITAIN.slot(&server.app, at("2025-02-01T05:00:00Z"), "150").await;
    assert_eq!(all.next().await.id, Some(3));
    // The one who asked for Britain alone was told of nothing else.
    assert_eq!(britain.next().await.id, Some(3));
}

#[tokio::test]
async fn who_comes_back_has_missed_nothing() {
    let server = TestServer::start().await;
    server.relays();
    let caller = server.caller(Role::ReadOnly).await;
    let minutes = |n: i64| at("2025-02-01T00:00:00Z") + TimeDelta::minutes(5 * n);
    let mut ear = Ear::on(&caller, "topics=grid.intensity").await;
    ear.frame().await.unwrap();
    NEW_YORK.slot(&server.app, minutes(0), "1").await;
    let last = ear.next().await.id.unwrap();
    drop(ear);
    for n in 1..=700 {
        let data = format!(r#"{{"n":{n}}}"#);
        let one = event(Topic::GridIntensity, "US-NY-NYISO", "f", minutes(n), &data);
        write(&server.app, one).await;
    }
    // By the header, as a browser does; it counts more than the parameter.
    let path = "/api/v1/stream?topics=grid.intensity&last_event_id=0";
    let request = caller.request(Method::GET, path).header("last-event-id", last.to_string());
    let mut again = Ear::of(request).await;
    for n in 1..=700 {
        let told = again.next().await;
        assert_eq!((told.id, &told.json()["data"]["n"]), (Some(last + n), &n.into()));
    }
    // And by the parameter.
    let mut from = Ear::on(&caller, "topics=grid.intensity&last_event_id=698").await;
    assert_eq!(from.next().await.id, Some(699));
    assert_eq!(from.next().await.id, Some(700));
    assert_eq!(from.next().await.id, Some(701));
    NEW_YORK.slot(&server.app, minutes(900), "1").await;
    assert_eq!(from.next().await.id, Some(702));
    assert_eq!(again.next().await.id, Some(702));
}

#[tokio::test]
async fn a_transaction_that_commits_late_is_told_and_leaves_no_hole() {
    let server = TestServer::start().await;
    server.relays();
    let caller = server.caller(Role::ReadOnly).await;
    let mut ear = Ear::on(&caller, "topics=feed.gap").await;
    let now = server.app.clock.now();
    let gap = |n: i64| event(Topic::FeedGap, "gb.mix", "gb.mix", now + TimeDelta::seconds(n), "{}");
    let mut late = server.app.pool.begin().await.unwrap();
    outbox::write(&mut late, &[gap(1)], now).await.unwrap();
    let mut never = server.app.pool.begin().await.unwrap();
    outbox::write(&mut never, &[gap(2)], now).await.unwrap();
    write(&server.app, gap(3)).await;
    let first = ear.next().await;
    assert_eq!((first.id, first.json()["id"].clone()), (Some(1), gap(3).id().to_string().into()));
    never.rollback().await.unwrap();
    late.commit().await.unwrap();
    let second = ear.next().await;
    assert_eq!((second.id, second.json()["id"].clone()), (Some(2), gap(1).id().to_string().into()));
    // The same change has the same id and is told once.
    write(&server.app, gap(3)).await;
    write(&server.app, gap(4)).await;
    assert_eq!(ear.next().await.json()["id"], gap(4).id().to_string());
    assert_eq!(server.numbered().await, (1, 3, 3));
}

#[tokio::test]
async fn relays_that_are_killed_in_the_middle_leave_no_hole() {
    let server = TestServer::start().await;
    let writing = async {
        for n in 0..400 {
            let time = server.app.clock.now() + TimeDelta::seconds(n);
            write(&server.app, event(Topic::FeedGap, "gb.mix", "gb.mix", time, "{}")).await;
        }
    };
    let killing = async {
        for n in 0..12_u64 {
            // Two want to lead; both are cut off wherever they are.
            let (one, other) = (server.relays(), server.relays());
            tokio::time::sleep(Duration::from_millis(20 + n * 7)).await;
            one.abort();
            other.abort();
            // Connections too: the lock goes with them.
            sqlx::query(
                "select pg_terminate_backend(pid) from pg_locks
                 where locktype = 'advisory' and classid = 7428
                   and database = (select oid from pg_database where datname = current_database())",
            )
            .execute(&server.owner)
            .await
            .unwrap();
        }
    };
    tokio::join!(writing, killing);
    server.relays();
    until(async || server.numbered().await == (1, 400, 400)).await;
    let twice: i64 = sqlx::query_scalar(
        "select count(*) from (select stream_seq from event_outbox group by 1 having count(*) > 1) t",
    )
    .fetch_one(&server.app.pool)
    .await
    .unwrap();
    assert_eq!(twice, 0);
}

#[tokio::test]
async fn old_events_are_forgotten_and_who_wants_them_is_told_to_begin_anew() {
    let server = TestServer::start().await;
    server.clock.set("2025-02-01T00:00:00Z");
    for n in 0..5 {
        let time = server.app.clock.now();
        write(&server.app, event(Topic::FeedGap, "gb.mix", "gb.mix", time, "{}")).await;
        server.clock.advance(TimeDelta::days(if n == 2 { 6 } else { 1 }));
    }
    // Of 1, 2, 3, 9 and 10 February at the 11th.
    let relay = server.relays();
    until(async || server.numbered().await == (4, 5, 2)).await;
    relay.abort();
    let caller = server.caller(Role::ReadOnly).await;
    for (last, reset) in [(2, true), (3, false), (99, true)] {
        let mut ear = Ear::on(&caller, &format!("topics=feed.gap&last_event_id={last}")).await;
        let first = ear.next().await;
        let expected = if reset { ("reset", 5) } else { ("feed.gap", 4) };
        assert_eq!((first.event.as_deref(), first.id), (Some(expected.0), Some(expected.1)));
    }
    // The numbers go on, also where nothing is left.
    server.clock.advance(TimeDelta::days(30));
    server.relays();
    until(async || server.numbered().await.2 == 0).await;
    write(&server.app, event(Topic::FeedGap, "x", "x", server.app.clock.now(), "{}")).await;
    until(async || server.numbered().await == (6, 6, 1)).await;
}

#[tokio::test]
async fn other_sites_and_strangers_do_not_listen() {
    let server = TestServer::start().await;
    let path = "/api/v1/stream?topics=grid.intensity:*";
    assert_eq!(server.anonymous().get(path).await.status(), StatusCode::UNAUTHORIZED);
    let caller = server.caller(Role::ReadOnly).await;
    for (name, value) in
        [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
    {
        let request = caller.request(Method::GET, path).header(name, value);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{name}");
    }
    let own = caller.request(Method::GET, path).header("origin", server.base());
    assert_eq!(own.send().await.unwrap().status(), StatusCode::OK);
    for (query, status, code) in [
        ("", 400, "bad_parameter"),
        ("topics=", 400, "bad_parameter"),
        ("topics=grid.nonsense", 400, "bad_parameter"),
        ("topics=grid.intensity&last_event_id=x", 400, "bad_parameter"),
        ("topics=grid.intensity&topic=x", 400, "unknown_parameter"),
        ("topics=grid.intensity:US-NY-NYIS", 404, "no_such_region"),
        ("topics=grid.intensity,retail.usage", 403, "forbidden"),
        ("topics=usage.day:m1", 403, "forbidden"),
    ] {
        let answer = caller.get(&format!("/api/v1/stream?{query}")).await;
        assert_eq!(answer.status(), status, "{query}");
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], code, "{query}");
    }
}

async fn meter(server: &TestServer, id: &str, owner: Uuid) {
    sqlx::query(
        "insert into meter (meter_id, fuel_kind, direction, unit, zone, mpan, serial, owner_user_id)
         values ($1, 'electricity', 'import', 'kWh', 'Europe/London', $1, $1, $2)",
    )
    .bind(id)
    .bind(owner)
    .execute(&server.app.pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn usage_is_told_to_the_owner_and_to_whom_the_owner_lets_read() {
    let server = TestServer::start().await;
    server.relays();
    let (ann, ben, eve) = (
        server.account(Role::ReadOnly).await,
        server.account(Role::ReadOnly).await,
        server.account(Role::Admin).await,
    );
    meter(&server, "m1", ann.id).await;
    meter(&server, "m2", eve.id).await;
    let reader = "insert into meter_reader values ('m1', $1)";
    sqlx::query(reader).bind(ben.id).execute(&server.app.pool).await.unwrap();
    let caller = |token: &str| server.anonymous().with_token(token);
    let refused = caller(&ben.token).get("/api/v1/stream?topics=retail.usage:m2").await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    // Not even to an administrator.
    let refused = caller(&eve.token).get("/api/v1/stream?topics=retail.usage:m1").await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let topics = "topics=retail.usage,rollup,usage.day";
    let mut ears = Vec::new();
    for account in [&ann, &ben, &eve] {
        ears.push(Ear::on(&caller(&account.token), topics).await);
    }
    let of =
        |meter, n| event(Topic::RetailUsage, meter, "octopus.usage", at("2025-01-01T00:00:00Z"), n);
    write(&server.app, of("m2", "{}")).await;
    write(&server.app, of("m1", "{}")).await;
    let day = r#"{"series_kind":"usage","grain":"day"}"#;
    let rollup = event(Topic::Rollup, "m2", "octopus.usage", at("2025-01-01T00:00:00Z"), day);
    write(&server.app, rollup).await;
    let region = event(Topic::Rollup, "GB", "gb.mix", at("2025-01-01T00:00:00Z"), "{}");
    write(&server.app, region).await;
    let mut heard = Vec::new();
    for ear in &mut ears {
        let mut subjects = Vec::new();
        while subjects.last().is_none_or(|last| last != "GB") {
            subjects.push(ear.next().await.json()["region"].as_str().unwrap().to_owned());
        }
        heard.push(subjects.join(" "));
    }
    assert_eq!(heard, ["m1 GB", "m1 GB", "m2 m2 GB"]);
    // Whoever is let read no more hears no more, on the same connection.
    sqlx::query("delete from meter_reader").execute(&server.app.pool).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let later = event(Topic::UsageDay, "m1", "octopus.usage", at("2025-01-02T00:00:00Z"), "{}");
    write(&server.app, later).await;
    let last = event(Topic::Rollup, "GB", "gb.mix", at("2025-01-02T00:00:00Z"), "{}");
    write(&server.app, last).await;
    assert_eq!(ears[1].next().await.json()["region"], "GB");
    assert_eq!(ears[0].next().await.json()["type"], "usage.day");
}

#[tokio::test]
async fn it_breaks_off_for_who_is_shut_out_and_when_the_server_ends() {
    let server = TestServer::start().await;
    let (shut_out, revoked, stays) = (
        server.account(Role::ReadOnly).await,
        server.account(Role::ReadOnly).await,
        server.account(Role::ReadOnly).await,
    );
    let mut ears = Vec::new();
    for account in [&shut_out, &revoked, &stays] {
        let caller = server.anonymous().with_token(&account.token);
        let mut ear = Ear::on(&caller, "topics=page.reload").await;
        ear.frame().await.unwrap();
        ears.push(ear);
    }
    for (statement, user) in [
        ("update app_user set disabled_at = now() where id = $1", shut_out.id),
        ("update user_token set revoked_at = now() where user_id = $1", revoked.id),
    ] {
        sqlx::query(statement).bind(user).execute(&server.app.pool).await.unwrap();
    }
    assert_eq!(ears[0].frame().await, None);
    assert_eq!(ears[1].frame().await, None);
    server.relays();
    let reload = event(Topic::PageReload, "-", "trueprice", server.app.clock.now(), "{}");
    write(&server.app, reload).await;
    assert_eq!(ears[2].next().await.event.as_deref(), Some("page.reload"));
    server.app.stream.end();
    assert_eq!(ears[2].frame().await, None);
}

/// Far more than the network holds.
const EVENTS: i64 = 3000;

#[tokio::test]
async fn who_takes_nothing_is_let_go_and_goes_on_later() {
    let server = TestServer::start().await;
    server.relays();
    let caller = server.caller(Role::ReadOnly).await;
    let mut slow = Ear::on(&caller, "topics=feed.status").await;
    let mut quick = Ear::on(&caller, "topics=feed.status").await;
    slow.frame().await.unwrap();
    quick.frame().await.unwrap();
    // Far more than the network holds.
    let padding = "x".repeat(20_000);
    let data = format!(r#"{{"padding":"{padding}"}}"#);
    let writing = async {
        for n in 0..EVENTS {
            let time = at("2025-01-01T00:00:00Z") + TimeDelta::seconds(n);
            write(&server.app, event(Topic::FeedStatus, "gb.mix", "gb.mix", time, &data)).await;
        }
    };
    let hearing = async {
        for n in 1..=EVENTS {
            assert_eq!(quick.next().await.id, Some(n));
        }
    };
    tokio::join!(writing, hearing);
    let mut heard = BTreeSet::new();
    while let Some(frame) = slow.frame().await {
        heard.extend(frame.id);
    }
    let last = *heard.last().unwrap();
    assert!(last < EVENTS - 1000, "{last}");
    let mut again = Ear::on(&caller, &format!("topics=feed.status&last_event_id={last}")).await;
    for n in last + 1..=EVENTS {
        assert_eq!(again.next().await.id, Some(n));
    }
}
