//! Emissions of a region asked of the upstream as they are wanted, over HTTP and from the terminal.

use chrono::{DateTime, Utc};
use clap::Parser as _;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use trueprice::{
    audit::Actor,
    auth::Role,
    config::Config,
    domain::feed::{TaskKind, Window},
    feeds::{
        read::{
            command,
            live::{self, By},
        },
        runner::{
            self, Upkeep,
            orders::{self, Ordered},
        },
    },
};

use crate::support::{
    Home, TestServer, User, address, empty_database,
    grid::{Grid, carbonara, only_carbonara},
};

const FEED: &str = "carbonara.intensity";
const REGION: &str = "US-CA-CAISO";
const LIVE: &str = "/api/v1/emissions/region/CAISO?source=live&start=2021-06-01T00:00:00Z&end=2021-08-01T00:00:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A server whose history of California begins two hours ago, and what it asks.
async fn server(adjust: impl FnOnce(&mut Config)) -> (TestServer, Grid) {
    let grid = Grid::start(at("2021-07-10T00:00:00Z")).await;
    let base = grid.base();
    let adjust = |config: &mut Config| {
        only_carbonara(config, &base, &["CAISO"]);
        carbonara(config).not_before = at("2021-07-07T23:00:00Z");
        adjust(config);
    };
    let server = TestServer::start_with(adjust, None).await;
    server.clock.set("2021-07-08T01:02:30Z");
    runner::sync(&server.app, Upkeep::Settle).await.unwrap();
    (server, grid)
}

/// Does what is ordered by hand, and nothing else, until it is dropped.
async fn work(server: &TestServer) -> ! {
    let halt = CancellationToken::new();
    loop {
        let place = (FEED, "CAISO");
        runner::take_part(&server.app, &halt, place, TaskKind::Manual).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn runs(server: &TestServer) -> i64 {
    let sql = "select count(*) from feed_run where task_kind = 'manual'";
    sqlx::query_scalar(sql).fetch_one(&server.owner).await.unwrap()
}

#[tokio::test]
async fn the_upstream_is_asked_for_what_there_can_be_and_once() {
    let (server, grid) = server(|_| {}).await;
    let caller = server.caller(Role::ReadOnly).await;
    // Two months are asked for; of them two hours are history.
    let path = format!("{LIVE}&limit=10&unit=lb/MWh");
    let first = tokio::select! {
        reply = caller.ask(&path) => reply,
        () = async { work(&server).await } => unreachable!("it works for ever"),
    };
    assert_eq!(first.status, 200, "{}", first.body);
    assert_eq!(first.body["items"].as_array().unwrap().len(), 10);
    let asked: Vec<(DateTime<Utc>, DateTime<Utc>)> =
        grid.asked().keys().map(|(_, start, end, _)| (at(start), at(end))).collect();
    assert_eq!(asked, [(at("2021-07-07T23:00:00Z"), at("2021-07-08T01:00:00Z"))]);
    // Nobody works now: what would wait for the upstream would not be answered.
    grid.forget();
    let next = first.body["next"].as_str().unwrap();
    let second = caller.ask(&format!("{path}&cursor={next}")).await;
    assert_eq!(second.status, 200, "{}", second.body);
    assert_eq!(second.body["items"].as_array().unwrap().len(), 10);
    assert_ne!(second.body["items"][0], first.body["items"][0]);
    let headers = caller.get(&format!("{path}&cursor={next}")).await.headers().clone();
    let as_of = headers["x-known-at"].to_str().unwrap();
    let past = caller.ask(&format!("{path}&as_of={as_of}")).await;
    assert_eq!(past.body["items"], first.body["items"]);
    let future = "start=2021-07-20T00:00:00Z&end=2021-07-21T00:00:00Z";
    let future = caller.ask(&format!("/api/v1/emissions/region/CAISO?source=live&{future}")).await;
    assert_eq!((future.status, &future.body["items"]), (200, &Value::Array(Vec::new())));
    assert_eq!((grid.asked().len(), runs(&server).await), (0, 1));
}

#[tokio::test]
async fn whoever_asks_for_the_same_joins_the_run_that_waits() {
    let (server, grid) = server(|_| {}).await;
    let app = &server.app;
    let feed = Ordered::of(app, FEED).unwrap();
    let window = Window::new(at("2021-07-07T23:00:00Z"), at("2021-07-08T01:00:00Z")).unwrap();
    let scopes = ["CAISO".to_owned()];
    orders::run(app, &Actor::COMMAND, &feed, Some(&scopes), Some(window)).await.unwrap();
    let halt = CancellationToken::new();
    let place = (FEED, REGION);
    live::bring(app, &Actor::COMMAND, place, window, By::Whoever(&halt)).await.unwrap();
    assert_eq!((runs(&server).await, grid.asked().len()), (1, 1));
    // A run that is done is none to join.
    live::bring(app, &Actor::COMMAND, place, window, By::Whoever(&halt)).await.unwrap();
    assert_eq!(runs(&server).await, 2);
}

#[tokio::test]
async fn what_cannot_be_asked_is_told() {
    let (server, grid) = server(|config| {
        carbonara(config).not_before = at("2021-01-01T00:00:00Z");
    })
    .await;
    let caller = server.caller(Role::ReadOnly).await;
    assert_eq!(caller.ask(LIVE).await.outcome(), (400, "range_too_long"));
    let other = LIVE.replace("CAISO", "BPA");
    assert_eq!(caller.ask(&other).await.outcome(), (409, "feed_off"), "no scope of it is polled");
    assert_eq!((runs(&server).await, grid.asked().len()), (0, 0));
}

#[tokio::test]
async fn an_upstream_that_wants_patience_is_not_asked_without_a_pause() {
    let (server, grid) = server(|_| {}).await;
    grid.refuse("2021-07-01T00:00:00Z", "2021-08-01T00:00:00Z", 429);
    let window = Window::new(at("2021-07-07T23:00:00Z"), at("2021-07-08T01:00:00Z")).unwrap();
    let halt = CancellationToken::new();
    let (actor, by) = (Actor::COMMAND, By::Whoever(&halt));
    let bring = live::bring(&server.app, &actor, (FEED, REGION), window, by);
    let fetches = async || -> i64 {
        let sql = "select count(*) from feed_fetch";
        sqlx::query_scalar(sql).fetch_one(&server.owner).await.unwrap()
    };
    let look = async {
        while fetches().await == 0 {
            tokio::task::yield_now().await;
        }
        // As many looks as it would take to ask again many times.
        for _ in 0..500 {
            fetches().await;
        }
        halt.cancel();
    };
    let (brought, ()) = tokio::join!(bring, look);
    assert_eq!(brought.unwrap_err().code, "still_loading");
    assert_eq!((fetches().await, runs(&server).await), (1, 1));
}

#[tokio::test]
async fn a_part_of_slots_is_asked_for_as_the_slots_that_it_touches() {
    let (server, grid) = server(|_| {}).await;
    let caller = server.caller(Role::ReadOnly).await;
    let range = "start=2021-07-07T23:01:10Z&end=2021-07-07T23:56:00.5Z";
    let path = format!("/api/v1/emissions/region/CAISO?source=live&{range}");
    let reply = tokio::select! {
        reply = caller.ask(&path) => reply,
        () = async { work(&server).await } => unreachable!("it works for ever"),
    };
    assert_eq!(reply.status, 200, "{}", reply.body);
    let asked: Vec<(DateTime<Utc>, DateTime<Utc>)> =
        grid.asked().keys().map(|(_, start, end, _)| (at(start), at(end))).collect();
    assert_eq!(asked, [(at("2021-07-07T23:00:00Z"), at("2021-07-08T00:00:00Z"))]);
}

#[tokio::test]
async fn who_asks_while_many_runs_wait_is_sent_away() {
    let (server, _grid) = server(|_| {}).await;
    let caller = server.caller(Role::ReadOnly).await;
    let feed = Ordered::of(&server.app, FEED).unwrap();
    let scopes = ["CAISO".to_owned()];
    for slot in 0..4 {
        let from = at("2021-07-07T23:00:00Z") + chrono::TimeDelta::minutes(5 * slot);
        let window = Window::new(from, from + chrono::TimeDelta::minutes(5)).unwrap();
        let actor = Actor::COMMAND;
        orders::run(&server.app, &actor, &feed, Some(&scopes), Some(window)).await.unwrap();
    }
    let reply = caller.get(LIVE).await;
    assert_eq!(reply.headers()["retry-after"], "30");
    let reply = caller.ask(LIVE).await;
    assert_eq!(reply.outcome(), (429, "too_many_runs"));
    assert_eq!(runs(&server).await, 4);
    // Another shift of a slot that waits is no run more, and at the terminal all of them are done.
    let part = Window::new(at("2021-07-07T23:16:00Z"), at("2021-07-07T23:17:00Z")).unwrap();
    let halt = CancellationToken::new();
    let by = By::Whoever(&halt);
    live::bring(&server.app, &Actor::COMMAND, (FEED, REGION), part, by).await.unwrap();
    assert_eq!(runs(&server).await, 4);
}

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    arguments: command::Arguments,
}

const RANGE: &str = "--start 2021-07-07T23:00:00Z --end 2021-07-08T00:00:00Z";

async fn print(server: &TestServer, line: &str) -> Result<String, command::Refused> {
    let words = format!("emissions {line}");
    let arguments = Line::try_parse_from(words.split(' ')).unwrap().arguments;
    let (halt, mut out) = (CancellationToken::new(), Vec::new());
    command::print(&server.app, &arguments, &halt, &mut out).await?;
    Ok(String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn the_command_asks_the_upstream_where_no_server_does() {
    let (server, grid) = server(|_| {}).await;
    let stored = print(&server, &format!("CAISO {RANGE}")).await.unwrap();
    assert_eq!((stored.trim(), grid.asked().len()), ("[]", 0));
    let live = print(&server, &format!("CAISO {RANGE} --live --unit lb/MWh")).await.unwrap();
    let reports: Value = serde_json::from_str(&live).unwrap();
    assert_eq!(reports.as_array().unwrap().len(), 12);
    assert_eq!(reports[11]["duration"]["end_time"], "2021-07-08T00:00:00Z");
    let kept = print(&server, &format!("CAISO {RANGE} --unit lb/MWh")).await.unwrap();
    assert_eq!(kept, live, "its rows are kept");
}

#[tokio::test]
async fn without_a_key_the_command_says_so() {
    let grid = Grid::start(at("2021-08-10T00:00:00Z")).await;
    let pool = empty_database().await;
    let home = Home::of(User::Same);
    let (url, base) = (address(&pool), grid.base());
    let plain =
        vec![("DATABASE_URL", &*url), ("TRUEPRICE_FEED_CARBONARA_INTENSITY_BASE_URL", &*base)];
    let keyed = [&*plain, &[("TRUEPRICE_FEED_CARBONARA_INTENSITY_API_KEY", "k")]].concat();
    let line = format!("feed emissions CAISO {RANGE} --live --format csv");
    let words: Vec<&str> = line.split(' ').collect();
    let refused = home.run(&words, &plain).await;
    assert_eq!(refused.status.code(), Some(78));
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(why.contains("feed.carbonara.intensity.api_key: is not set"), "{why}");
    let done = home.run(&words, &keyed).await;
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(String::from_utf8_lossy(&done.stdout).lines().count(), 13);
}
