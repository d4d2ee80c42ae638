//! When and how much upstreams are asked: cadence, windows, gaps, failures, leases, history, commands.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use trueprice::{
    app::App,
    auth::Role,
    config::Config,
    db::feeds::replay as beside,
    domain::feed::TaskKind,
    feeds::{
        replay,
        runner::{self, Upkeep},
    },
    objects::{Documents, LocalStore},
};

use crate::support::{
    Home, TestServer, User, address, empty_database,
    feeds::{all, one},
    grid::{Grid, SEARCH, carbonara, only_carbonara},
    until,
    upstream::{Answer, Upstream, hasty, wire},
};

const FEED: &str = "carbonara.intensity";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A server that polls California from a stub when the test tells it to.
async fn server(base: &str, adjust: impl FnOnce(&mut Config)) -> TestServer {
    let server = TestServer::start_with(
        |config| {
            only_carbonara(config, base, &["CAISO"]);
            carbonara(config).not_before = at("2021-07-07T23:00:00Z");
            adjust(config);
        },
        None,
    )
    .await;
    server.clock.set("2021-07-08T01:00:00Z");
    runner::sync(&server.app, Upkeep::Settle).await.unwrap();
    server
}

async fn execute(pool: &PgPool, sql: &'static str) {
    sqlx::query(sql).execute(pool).await.unwrap();
}

const GAPS: &str = "select start_at, end_at, state from feed_gap order by start_at";
const MARKS: &str = "select contiguous_to, high_water from feed_watermark w
    join feed_scope s using (feed_id, scope) where s.enabled";

type Mark = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

type History = (DateTime<Utc>, DateTime<Utc>, String, i32, i32);

type Gap = (DateTime<Utc>, DateTime<Utc>, String);

fn gap(start: &str, end: &str, state: &str) -> Gap {
    (at(start), at(end), state.to_owned())
}

#[tokio::test]
async fn holes_are_gaps_until_they_are_filled_and_the_newest_slot_never_moves_back() {
    let upstream = Upstream::start().await;
    let server = server(&upstream.base(), |_| {}).await;
    upstream.once(SEARCH, Answer::file("carbonara_search_gap_unordered.json"));
    runner::catch_up(&server.app).await.unwrap();
    let pool = &server.app.pool;
    assert_eq!(one::<i64>(pool, "select count(*) from carbon_intensity").await, 10);
    let holes = [
        gap("2021-07-07T23:15:00Z", "2021-07-07T23:20:00Z", "open"),
        gap("2021-07-07T23:35:00Z", "2021-07-07T23:40:00Z", "open"),
    ];
    assert_eq!(all::<Gap>(pool, GAPS).await, holes);
    let marks: Vec<(DateTime<Utc>, DateTime<Utc>)> = all(pool, MARKS).await;
    assert_eq!(marks, [(at("2021-07-07T23:15:00Z"), at("2021-07-08T00:00:00Z"))]);

    // The rest comes late.
    server.clock.set("2021-07-08T01:06:00Z");
    upstream.once(SEARCH, Answer::file("carbonara_search.json"));
    upstream.once(&format!("{SEARCH}?page=2"), Answer::file("carbonara_search_page2.json"));
    runner::catch_up(&server.app).await.unwrap();
    assert_eq!(one::<i64>(pool, "select count(*) from carbon_intensity").await, 12);
    let mut filled = holes.map(|(start, end, _)| (start, end, "filled".to_owned())).to_vec();
    filled.push(gap("2021-07-08T00:00:00Z", "2021-07-08T00:05:00Z", "open"));
    assert_eq!(all::<Gap>(pool, GAPS).await, filled);
    let marks: Vec<(DateTime<Utc>, DateTime<Utc>)> = all(pool, MARKS).await;
    assert_eq!(marks, [(at("2021-07-08T00:00:00Z"), at("2021-07-08T00:00:00Z"))]);
    let told: Vec<(Value,)> = all(
        pool,
        "select payload -> 'data' from event_outbox where topic = 'feed.gap' order by outbox_id",
    )
    .await;
    let states: Vec<&str> = told.iter().map(|(data,)| data["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["open", "open", "filled", "filled", "open"]);
}

#[tokio::test]
async fn an_empty_window_is_no_failure_and_the_next_begins_where_it_ends() {
    let upstream = Upstream::start().await;
    let server = server(&upstream.base(), |config| {
        carbonara(config).window = TimeDelta::hours(1);
    })
    .await;
    server.clock.set("2021-07-08T03:30:00Z");
    upstream.always(SEARCH, Answer::file("carbonara_search_empty.json"));
    runner::catch_up(&server.app).await.unwrap();
    let asked = upstream.asked(SEARCH);
    let range = |n: usize| {
        (asked[n].parameter("start").unwrap().to_owned(), asked[n].parameter("end").unwrap())
    };
    assert_eq!(asked.len(), 5);
    assert_eq!(range(0).0, "2021-07-07T23:00:00+00:00");
    assert!((1..5).all(|n| range(n).0 == range(n - 1).1), "no hole, no overlap");
    assert_eq!(range(4).1, "2021-07-08T03:30:00+00:00");
    let pool = &server.app.pool;
    let gaps = [gap("2021-07-07T23:00:00Z", "2021-07-08T02:30:00Z", "open")];
    assert_eq!(all::<Gap>(pool, GAPS).await, gaps);
    let task: Vec<(i32, Option<String>, String)> = all(
        pool,
        "select fail_count, last_error, last_class from feed_task where task_kind = 'live'",
    )
    .await;
    assert_eq!(task, [(0, None, "no_data".to_owned())]);
    let due: DateTime<Utc> =
        one(pool, "select next_due from feed_task where task_kind = 'live'").await;
    let wait = due - at("2021-07-08T03:30:00Z");
    assert!(wait >= TimeDelta::minutes(5) && wait <= TimeDelta::seconds(330), "{wait}");
}

#[tokio::test]
async fn a_missed_time_is_run_once() {
    let upstream = Upstream::start().await;
    let server = server(&upstream.base(), |_| {}).await;
    upstream.always(SEARCH, Answer::file("carbonara_search_empty.json"));
    runner::catch_up(&server.app).await.unwrap();
    server.clock.advance(TimeDelta::hours(9));
    runner::catch_up(&server.app).await.unwrap();
    assert_eq!(upstream.asked(SEARCH).len(), 2);
}

#[tokio::test]
async fn what_is_long_ago_waits_as_a_backfill_and_is_not_asked_for_again() {
    let until = at("2021-08-10T00:00:00Z");
    let grid = Grid::start(until).await;
    let server = server(&grid.base(), |config| {
        carbonara(config).not_before = at("2021-07-01T00:00:00Z");
    })
    .await;
    server.clock.set("2021-08-10T00:00:00Z");
    runner::catch_up(&server.app).await.unwrap();
    let pool = &server.app.pool;
    let backfills: Vec<History> =
        all(pool, "select from_at, to_at, state, windows_total, windows_done from feed_backfill")
            .await;
    let whole = (at("2021-07-01T00:00:00Z"), at("2021-07-27T00:00:00Z"), "done".to_owned(), 4, 4);
    assert_eq!(backfills, [whole]);
    let expected: i64 = (at("2021-07-01T00:00:00Z").timestamp()..until.timestamp())
        .step_by(300)
        .filter(|&start| !crate::support::grid::is_missing("CAISO", start))
        .count()
        .try_into()
        .unwrap();
    assert_eq!(one::<i64>(pool, "select count(*) from carbon_intensity").await, expected);
    // Every missing slot is in a gap, and no other is.
    let slots: i64 = one(
        pool,
        "select sum(extract(epoch from end_at - start_at))::bigint / 300 from feed_gap where state = 'open'",
    )
    .await;
    assert_eq!(slots + expected, 40 * 288);
    assert!(grid.asked().values().all(|&times| times == 1), "no page is asked for twice");
    grid.forget();
    server.clock.advance(TimeDelta::minutes(6));
    runner::catch_up(&server.app).await.unwrap();
    assert_eq!(one::<i64>(pool, "select count(*) from feed_backfill").await, 1);
    assert!(
        grid.asked().keys().all(|asked| asked.1.starts_with("2021-08-0")),
        "the look-back only"
    );
}

#[tokio::test]
async fn gaps_are_asked_for_again_by_their_schedule() {
    let grid = Grid::start(at("2021-08-10T00:00:00Z")).await;
    let server = server(&grid.base(), |config| {
        carbonara(config).not_before = at("2021-08-01T00:00:00Z");
    })
    .await;
    server.clock.set("2021-08-10T00:00:00Z");
    runner::catch_up(&server.app).await.unwrap();
    let pool = &server.app.pool;
    let open = "select count(*) from feed_gap where state = 'open' and start_at < '2021-08-07'";
    assert!(one::<i64>(pool, open).await >= 1);
    grid.forget();
    server.clock.advance(TimeDelta::minutes(61));
    runner::catch_up(&server.app).await.unwrap();
    let again: Vec<(i32,)> =
        all(pool, "select tries from feed_gap where state = 'open' and start_at < '2021-08-07'")
            .await;
    assert!(again.iter().all(|(tries,)| *tries == 1), "{again:?}");
    assert!(grid.asked().keys().any(|asked| asked.1.as_str() < "2021-08-07"));
    grid.forget();
    server.clock.advance(TimeDelta::minutes(10));
    runner::catch_up(&server.app).await.unwrap();
    assert!(
        grid.asked().keys().all(|asked| asked.1.as_str() > "2021-08-07"),
        "not before its time"
    );
}

const TASK: &str =
    "select fail_count, last_class, next_due from feed_task where task_kind = 'live'";
const STATE: &str = "select state from feed_scope where scope = 'CAISO'";

#[tokio::test]
async fn failures_wait_longer_and_longer_and_five_in_a_row_are_told() {
    let upstream = Upstream::start().await;
    let server = server(&upstream.base(), |_| {}).await;
    upstream.fault(Answer::file("fault_wrong_type.json"));
    let pool = &server.app.pool;
    for (fails, minutes) in [(1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (6, 60)] {
        runner::catch_up(&server.app).await.unwrap();
        let task: Vec<(i32, String, DateTime<Utc>)> = all(pool, TASK).await;
        let wait = task[0].2 - server.app.clock.now();
        assert_eq!((task[0].0, &*task[0].1), (fails, "bad_body"));
        let longest = TimeDelta::seconds(minutes * 66);
        assert!(wait >= TimeDelta::minutes(minutes) && wait <= longest, "{fails}: {wait}");
        let state: String = one(pool, STATE).await;
        assert_eq!(state, if fails < 5 { "waiting" } else { "failing" }, "{fails}");
        server.clock.advance(TimeDelta::minutes(67));
    }
    assert_eq!(one::<i64>(pool, "select count(*) from carbon_intensity").await, 0);
    let marks: Vec<Mark> = all(pool, MARKS).await;
    assert_eq!(marks, [(None, None)], "the marks did not move");
    upstream.heal();
    upstream.always(SEARCH, Answer::file("carbonara_search_empty.json"));
    runner::catch_up(&server.app).await.unwrap();
    assert_eq!(one::<String>(pool, STATE).await, "ok");
    let told: Vec<(Value,)> = all(
        pool,
        "select payload -> 'data' -> 'state' from event_outbox where topic = 'feed.status' order by outbox_id",
    )
    .await;
    let states: Vec<&str> = told.iter().map(|(state,)| state.as_str().unwrap()).collect();
    let told = ["waiting", "waiting", "waiting", "waiting", "failing", "ok"];
    assert_eq!(states, told, "each failure until it fails for good");
}

#[tokio::test]
async fn a_refused_key_is_tried_once_an_hour_and_a_wish_for_patience_is_no_failure() {
    let upstream = Upstream::start().await;
    let server = server(&upstream.base(), |_| {}).await;
    let pool = &server.app.pool;
    upstream.fault(Answer::status(401));
    runner::catch_up(&server.app).await.unwrap();
    runner::catch_up(&server.app).await.unwrap();
    assert_eq!(upstream.log().len(), 1);
    assert_eq!(one::<String>(pool, STATE).await, "auth");
    let task: Vec<(i32, String, DateTime<Utc>)> = all(pool, TASK).await;
    assert!(task[0].2 >= server.app.clock.now() + TimeDelta::hours(1));
    server.clock.advance(TimeDelta::minutes(67));
    runner::catch_up(&server.app).await.unwrap();
    assert_eq!(upstream.log().len(), 2, "one probe");
    let told = "select count(*) from event_outbox where topic = 'feed.status'";
    assert_eq!(one::<i64>(pool, told).await, 1);
    upstream.heal();
    upstream.fault(Answer::status(429).header("Retry-After", "600"));
    server.clock.advance(TimeDelta::minutes(67));
    runner::catch_up(&server.app).await.unwrap();
    let task: Vec<(i32, String, DateTime<Utc>)> = all(pool, TASK).await;
    let wait = task[0].2 - server.app.clock.now();
    assert_eq!((task[0].0, &*task[0].1), (2, "throttled"));
    assert!(wait > TimeDelta::seconds(590) && wait <= TimeDelta::seconds(600), "{wait}");
}

#[tokio::test]
async fn a_scope_fails_alone() {
    let upstream = Upstream::start().await;
    let server = server(&upstream.base(), |config| {
        carbonara(config).scopes = Some(vec!["CAISO".to_owned(), "BPA".to_owned()]);
    })
    .await;
    upstream.always(SEARCH, Answer::file("carbonara_search_gap_unordered.json"));
    upstream.always(&format!("{SEARCH}?region=BPA"), Answer::status(400));
    runner::catch_up(&server.app).await.unwrap();
    let pool = &server.app.pool;
    let states: Vec<(String, String)> =
        all(pool, "select scope, state from feed_scope where enabled order by scope").await;
    let states: Vec<(&str, &str)> = states.iter().map(|(a, b)| (&**a, &**b)).collect();
    assert_eq!(states, [("BPA", "failing"), ("CAISO", "ok")]);
    assert_eq!(one::<i64>(pool, "select count(*) from carbon_intensity").await, 10);
}

/// Another server on the same database.
fn other(server: &TestServer, adjust: impl FnOnce(&mut Config)) -> App {
    let mut config = (*server.app.config).clone();
    adjust(&mut config);
    let documents =
        Documents::Local(LocalStore::open(&server.data_dir().join("documents")).unwrap());
    App::new(config, server.app.pool.clone(), documents, server.clock.clock()).unwrap()
}

#[tokio::test]
async fn two_servers_never_load_a_page_twice() {
    let grid = Grid::start(at("2021-08-10T00:00:00Z")).await;
    let server = server(&grid.base(), |config| {
        let settings = carbonara(config);
        settings.not_before = at("2021-07-01T00:00:00Z");
        settings.page_size = 300;
        settings.scopes = Some(["CAISO", "BPA", "SPP"].map(str::to_owned).to_vec());
    })
    .await;
    server.clock.set("2021-08-10T00:00:00Z");
    let second = other(&server, |_| {});
    let (first, second) = tokio::join!(runner::catch_up(&server.app), runner::catch_up(&second));
    first.unwrap();
    second.unwrap();
    // Whoever ended early may have left a backfill that was queued later.
    runner::catch_up(&server.app).await.unwrap();
    let pool = &server.app.pool;
    // A sweep reads again what may have been filled in since; nothing else asks twice.
    let again = "select count(*) from (select scope, asked_window, page from feed_fetch where task_kind <> 'sweep'
                 group by scope, asked_window, page having count(*) > 1) again";
    assert_eq!(one::<i64>(pool, again).await, 0);
    let twice =
        "select count(*) from (select request_key from feed_fetch where loaded_at is not null
                 group by request_key having count(*) > 1) twice";
    assert_eq!(one::<i64>(pool, twice).await, 0);
    let owners = "select count(distinct lease_epoch) from feed_fetch";
    assert!(one::<i64>(pool, owners).await >= 1);
    let states: Vec<(String,)> = all(pool, "select distinct state from feed_backfill").await;
    assert_eq!(states, [("done".to_owned(),)]);
}

#[tokio::test]
async fn what_two_tasks_of_a_scope_fetched_at_once_is_loaded_once() {
    let grid = Grid::start(at("2021-08-10T00:00:00Z")).await;
    let server = server(&grid.base(), |config| {
        carbonara(config).not_before = at("2021-08-09T00:00:00Z");
    })
    .await;
    server.clock.set("2021-08-10T00:00:00Z");
    let ordered = server.caller(Role::Admin).await;
    let ordered = ordered
        .request(Method::POST, "/api/v1/feeds/carbonara.intensity/run")
        .json(&json!({ "from": "2021-08-09T00:00:00Z", "to": "2021-08-10T00:00:00Z" }));
    assert_eq!(ordered.send().await.unwrap().status(), 202);
    // Both have their answer before either has loaded it.
    grid.slow_down(Duration::from_millis(800));
    let (halt, place) = (CancellationToken::new(), (FEED, "CAISO"));
    let (by_plan, by_hand) = tokio::join!(
        runner::take_part(&server.app, &halt, place, TaskKind::Live),
        runner::take_part(&server.app, &halt, place, TaskKind::Manual)
    );
    assert!(by_plan.unwrap() && by_hand.unwrap());
    let pool = &server.app.pool;
    let fetched = "select count(*) from feed_fetch where class = 'ok' and page = 1";
    assert_eq!(one::<i64>(pool, fetched).await, 2);
    let loaded = "select count(*) from feed_fetch where loaded_at is not null and page = 1";
    assert_eq!(one::<i64>(pool, loaded).await, 1);
    let states: Vec<(String,)> = all(pool, "select distinct state from feed_run").await;
    assert_eq!(states, [("done".to_owned(),)]);
}

#[tokio::test]
async fn a_lease_that_was_lost_commits_nothing() {
    let grid = Grid::start(at("2021-08-10T00:00:00Z")).await;
    let server = server(&grid.base(), |config| {
        carbonara(config).not_before = at("2021-08-09T00:00:00Z");
    })
    .await;
    server.clock.set("2021-08-10T00:00:00Z");
    grid.slow_down(Duration::from_millis(400));
    let pool = server.app.pool.clone();
    let app = server.app.clone();
    let run = tokio::spawn(async move { runner::catch_up(&app).await });
    until(async || !grid.asked().is_empty()).await;
    // Its lease ran out, and somebody else claimed the task.
    execute(
        &pool,
        "update feed_task set lease_epoch = lease_epoch + 1, lease_owner = gen_random_uuid(),
                lease_until = now() + interval '90 seconds' where task_kind = 'live'",
    )
    .await;
    run.await.unwrap().unwrap();
    assert_eq!(one::<i64>(&pool, "select count(*) from carbon_intensity").await, 0);
    assert_eq!(one::<i64>(&pool, "select count(*) from event_outbox").await, 0);
    let loaded = "select count(*) from feed_fetch where loaded_at is not null";
    assert_eq!(one::<i64>(&pool, loaded).await, 0);
    let held =
        "select count(*) from feed_task where task_kind = 'live' and lease_owner is not null";
    assert_eq!(one::<i64>(&pool, held).await, 1, "the lease of the other stays");
    // Its lease runs out in turn.
    execute(&pool, "update feed_task set lease_until = now() - interval '1 second' where lease_until is not null").await;
    runner::catch_up(&server.app).await.unwrap();
    assert!(one::<i64>(&pool, "select count(*) from carbon_intensity").await > 0);
    let left = "select count(*) from feed_run where state = 'running'";
    assert_eq!(one::<i64>(&pool, left).await, 0, "the run that was left behind is ended");
}

#[tokio::test]
async fn a_backfill_goes_on_where_it_was_stopped() {
    let grid = Grid::start(at("2021-08-10T00:00:00Z")).await;
    let server = server(&grid.base(), |config| {
        let settings = carbonara(config);
        settings.not_before = at("2021-08-09T00:00:00Z");
        settings.page_size = 200;
    })
    .await;
    server.clock.set("2021-08-10T00:00:00Z");
    runner::catch_up(&server.app).await.unwrap();
    grid.forget();
    // A setting that reaches further back now.
    let app = other(&server, |config| carbonara(config).not_before = at("2021-06-01T00:00:00Z"));
    let pool = &server.app.pool;
    let actor = &trueprice::audit::Actor::COMMAND;
    let feed = runner::orders::Ordered::of(&app, FEED).unwrap();
    let window = trueprice::domain::feed::Window::new(
        at("2021-06-01T00:00:00Z"),
        at("2021-08-01T00:00:00Z"),
    );
    let history = runner::orders::History { window: window.unwrap(), every_slot: false };
    let ids = runner::orders::backfill(&app, actor, &feed, None, history).await.unwrap();
    assert_eq!(ids.len(), 1);
    grid.slow_down(Duration::from_millis(5));
    for stop in 1..=3 {
        let halt = CancellationToken::new();
        let (stopping, pages) = (halt.clone(), stop * 15);
        let run = tokio::spawn(runner::run(app.clone(), async move { stopping.cancelled().await }));
        until(async || grid.asked().len() > pages).await;
        halt.cancel();
        run.await.unwrap();
        let held = "select count(*) from feed_task where lease_owner is not null";
        assert_eq!(one::<i64>(pool, held).await, 0, "the lease is given back");
        assert_eq!(one::<String>(pool, "select state from feed_backfill").await, "queued");
    }
    runner::catch_up(&app).await.unwrap();
    assert_eq!(one::<String>(pool, "select state from feed_backfill").await, "done");
    let asked = grid.asked();
    let again = asked.values().filter(|&&times| times > 1).count();
    assert!(
        again <= 3 && asked.values().all(|&times| times <= 2),
        "only what was in flight: {again}"
    );
    let rows: i64 =
        one(pool, "select count(*) from carbon_intensity where start_at < '2021-08-01'").await;
    let expected = (at("2021-06-01T00:00:00Z").timestamp()..at("2021-08-01T00:00:00Z").timestamp())
        .step_by(300)
        .filter(|&start| !crate::support::grid::is_missing("CAISO", start))
        .count();
    assert_eq!(usize::try_from(rows).unwrap(), expected);
    let done: Vec<(i64, i32, i32)> =
        all(pool, "select rows_new, windows_done, windows_total from feed_backfill").await;
    assert_eq!(done, [(rows, 9, 9)]);
}

#[tokio::test]
async fn a_sweep_reads_again_what_lacks_a_consumed_value() {
    let grid = Grid::start(at("2021-08-10T00:00:00Z")).await;
    let server = server(&grid.base(), |config| {
        carbonara(config).not_before = at("2021-07-20T00:00:00Z");
    })
    .await;
    server.clock.set("2021-08-10T00:00:00Z");
    runner::catch_up(&server.app).await.unwrap();
    grid.forget();
    let pool = &server.app.pool;
    execute(pool, "update carbon_intensity set consumed = 1 where start_at >= '2021-07-27'").await;
    server.clock.advance(TimeDelta::days(8));
    execute(pool, "update feed_task set paused = task_kind <> 'sweep'").await;
    runner::catch_up(&server.app).await.unwrap();
    let asked = grid.asked();
    assert!(!asked.is_empty());
    assert!(asked.keys().all(|asked| asked.1.starts_with("2021-07-20")), "{asked:?}");
}

#[tokio::test]
async fn people_ask_for_runs_and_history_and_it_is_written_down() {
    let grid = Grid::start(at("2021-08-10T00:00:00Z")).await;
    let server = server(&grid.base(), |config| {
        carbonara(config).not_before = at("2021-08-01T00:00:00Z");
    })
    .await;
    server.clock.set("2021-08-10T00:00:00Z");
    let admin = server.caller(Role::Admin).await;
    let post = async |path: &str, body: Option<Value>| {
        let request = admin.request(Method::POST, &format!("/api/v1/feeds/{path}"));
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.unwrap_or_default())
    };
    let ranged = |from: &str, to: &str| Some(json!({ "from": from, "to": to }));
    let (status, queued) = post(
        "carbonara.intensity/run",
        Some(json!({ "scopes": ["CAISO"], "from": "2021-08-02T00:00:00Z", "to": "2021-08-02T01:00:00Z" })),
    )
    .await;
    assert_eq!(status, 202, "{queued}");
    assert!(grid.asked().is_empty(), "it does not wait for the upstream");
    let (status, first) = post(
        "carbonara.intensity/backfill",
        ranged("2021-08-01T00:00:00Z", "2021-08-03T00:00:00Z"),
    )
    .await;
    assert_eq!(status, 202, "{first}");
    let (_, second) = post(
        "carbonara.intensity/backfill",
        ranged("2021-08-02T00:00:00Z", "2021-08-04T00:00:00Z"),
    )
    .await;
    assert_eq!(first["backfill_ids"], second["backfill_ids"], "they merge");
    let id = &first["backfill_ids"][0];
    for (path, status) in [
        (format!("carbonara.intensity/backfill/{id}/pause"), 204),
        (format!("carbonara.intensity/backfill/{id}/pause"), 204),
        ("carbonara.intensity/backfill/999999/pause".to_owned(), 404),
        (format!("gb.intensity/backfill/{id}/pause"), 404),
        ("no.feed/pause".to_owned(), 404),
    ] {
        assert_eq!(post(&path, None).await.0, status, "{path}");
    }
    for (path, body) in [
        ("carbonara.intensity/run", json!({ "scopes": ["MARS"] })),
        ("carbonara.intensity/run", json!({ "form": "x" })),
        ("carbonara.intensity/run", json!({ "to": "2021-08-02T00:00:00Z" })),
        (
            "carbonara.intensity/backfill",
            json!({ "from": "2021-08-04T00:00:00Z", "to": "2021-08-04T00:00:00Z" }),
        ),
        (
            "carbonara.intensity/backfill",
            json!({ "from": "2011-08-04T00:00:00Z", "to": "2011-08-05T00:00:00Z" }),
        ),
    ] {
        let (status, problem) = post(path, Some(body.clone())).await;
        assert_eq!(status, 400, "{body}: {problem}");
    }
    runner::catch_up(&server.app).await.unwrap();
    let pool = &server.app.pool;
    assert_eq!(one::<String>(pool, "select state from feed_backfill").await, "paused");
    let totals: Value = one(pool, "select totals from feed_run where task_kind = 'manual'").await;
    // The poll beside it may have been first.
    let rows = totals["new"].as_u64().unwrap() + totals["same"].as_u64().unwrap();
    assert_eq!((rows, &totals["pages"]), (12, &json!(1)));
    assert_eq!(post(&format!("carbonara.intensity/backfill/{id}/resume"), None).await.0, 204);
    runner::catch_up(&server.app).await.unwrap();
    assert_eq!(one::<String>(pool, "select state from feed_backfill").await, "done");
    assert_eq!(post(&format!("carbonara.intensity/backfill/{id}/cancel"), None).await.0, 409);

    assert_eq!(post("carbonara.intensity/pause", None).await.0, 204);
    assert_eq!(one::<String>(pool, STATE).await, "paused");
    grid.forget();
    server.clock.advance(TimeDelta::hours(1));
    runner::catch_up(&server.app).await.unwrap();
    assert!(grid.asked().is_empty(), "nothing is asked by plan");
    assert_eq!(post("carbonara.intensity/run", Some(json!({}))).await.0, 202);
    runner::catch_up(&server.app).await.unwrap();
    assert!(!grid.asked().is_empty(), "but what somebody asks for");
    assert_eq!(post("carbonara.intensity/resume", None).await.0, 204);

    let acts: Vec<(String, i64)> = all(
        pool,
        "select action, count(*) from audit_event where action like 'feed%' group by 1 order by 1",
    )
    .await;
    let acts: Vec<(&str, i64)> = acts.iter().map(|(action, n)| (&**action, *n)).collect();
    assert_eq!(acts, [("feed_backfill", 4), ("feed_paused", 2), ("feed_run", 2)]);
    let reader = server.caller(Role::ReadWrite).await;
    let refused = reader.request(Method::POST, "/api/v1/feeds/carbonara.intensity/pause");
    assert_eq!(refused.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn a_feed_that_is_off_has_nothing_due_and_new_scopes_come_to_their_tasks() {
    let upstream = Upstream::start().await;
    let server = server(&upstream.base(), |config| {
        carbonara(config).factor_sets.push("OUR_OWN".to_owned());
    })
    .await;
    let pool = &server.app.pool;
    let kinds: Vec<(String,)> =
        all(pool, "select task_kind from feed_task order by priority").await;
    let kinds: Vec<&str> = kinds.iter().map(|(kind,)| &**kind).collect();
    assert_eq!(kinds, ["live", "manual", "sweep", "backfill"]);
    let set = "select provider from factor_set where factor_set_id = 'OUR_OWN'";
    assert_eq!(one::<String>(pool, set).await, "singularity");
    let config: Value =
        one(pool, "select config from feed where feed_id = 'carbonara.intensity'").await;
    assert_eq!(config["has_api_key"], true);
    assert!(!config.to_string().contains("\"k\""), "{config}");

    let due = "select count(*) from feed_task where next_due < '9999-01-01'";
    assert_eq!(one::<i64>(pool, due).await, 2);
    let off = other(&server, |config| carbonara(config).enabled = false);
    runner::sync(&off, Upkeep::Ensure).await.unwrap();
    assert_eq!(one::<i64>(pool, due).await, 2, "a command leaves what the server has settled");
    runner::sync(&off, Upkeep::Settle).await.unwrap();
    assert_eq!(one::<i64>(pool, due).await, 0);
    runner::catch_up(&off).await.unwrap();
    assert!(upstream.log().is_empty());
    runner::sync(&server.app, Upkeep::Settle).await.unwrap();
    assert_eq!(one::<i64>(pool, due).await, 2);

    // As if a document had told of it.
    execute(
        pool,
        "insert into feed_scope (feed_id, scope, region_id, first_available, enabled)
         values ('carbonara.intensity', 'NEW', 'GB', '2021-07-07T23:00Z', true)",
    )
    .await;
    upstream.always(SEARCH, Answer::file("carbonara_search_empty.json"));
    runner::catch_up(&server.app).await.unwrap();
    let regions: Vec<String> = upstream
        .asked(SEARCH)
        .iter()
        .map(|asked| asked.parameter("region").unwrap().to_owned())
        .collect();
    assert!(regions.contains(&"NEW".to_owned()), "{regions:?}");
}

#[tokio::test]
async fn the_commands_do_without_a_server_and_end_with_their_status() {
    let grid = Grid::start(at("2021-08-10T00:00:00Z")).await;
    let pool = empty_database().await;
    let home = Home::of(User::Same);
    let (url, base) = (address(&pool), grid.base());
    let plain = [
        ("DATABASE_URL", &*url),
        ("TRUEPRICE_FEED_CARBONARA_INTENSITY_BASE_URL", &*base),
        ("TRUEPRICE_FEED_CARBONARA_INTENSITY_SCOPES", "CAISO,BPA"),
    ];
    let mut keyed = plain.to_vec();
    keyed.push(("TRUEPRICE_FEED_CARBONARA_INTENSITY_API_KEY", "k"));
    let run = async |line: &str, environment: &[(&str, &str)]| {
        let words: Vec<&str> = line.split(' ').collect();
        let output = home.run(&words, environment).await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), text)
    };
    let range = "--from 2021-08-01 --to 2021-08-02";
    let (status, text) =
        run(&format!("feed run {FEED} {range} --scope CAISO --dry-run"), &keyed).await;
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("CAISO: read, not loaded, 1 pages, 2"), "{text}");
    assert_eq!(one::<i64>(&pool, "select count(*) from carbon_intensity").await, 0);
    let (status, text) = run(&format!("feed run {FEED} {range}"), &keyed).await;
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("BPA: done") && text.contains("CAISO: done"), "{text}");
    assert!(one::<i64>(&pool, "select count(*) from carbon_intensity").await > 500);
    let (status, text) = run(&format!("feed run {FEED} {range}"), &keyed).await;
    assert_eq!((status, text.contains(" 0 new, 0 changed")), (0, true), "{text}");
    let (status, text) = run(
        &format!("feed backfill {FEED} --from 2021-07-20 --to 2021-08-03 --scope BPA --wait"),
        &keyed,
    )
    .await;
    assert_eq!((status, text.contains("BPA: done")), (0, true), "{text}");
    let (status, text) = run("feed status --json", &keyed).await;
    assert_eq!(status, 0, "{text}");
    let scopes: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&scopes[0]["scope"], &scopes[0]["state"]), (&json!("BPA"), &json!("late")));
    execute(
        &pool,
        "update feed_task set last_try = now(), last_class = 'transient', last_error = 'no answer', fail_count = 2
         where scope = 'BPA' and task_kind = 'live'",
    )
    .await;
    let (_, text) = run("feed status", &keyed).await;
    let line = text.lines().find(|line| line.contains(" BPA ")).unwrap();
    assert!(
        line.contains(" late ")
            && line.contains("failed 2 times, ")
            && line.ends_with(" ago: no answer"),
        "{line}"
    );
    let waits = text.lines().find(|line| line.contains("gb.forecast"));
    assert!(waits.unwrap().contains(" waiting "), "{text}");
    assert_eq!(run("feed list", &keyed).await.0, 0);
    for (line, environment, status, word) in [
        ("feed run no.feed", &keyed[..], 2, "possible values"),
        ("feed run carbonara.intensity --scope MARS", &keyed[..], 2, "known are"),
        ("feed backfill --cancel 4711", &keyed[..], 2, "no backfill 4711"),
        ("feed run carbonara.intensity", &plain[..], 78, "api_key"),
        (
            "feed backfill gb.forecast --from 2025-01-01 --to 2025-01-02",
            &keyed[..],
            1,
            "no history",
        ),
    ] {
        let (found, text) = run(line, environment).await;
        assert_eq!(found, status, "{line}: {text}");
        assert!(text.contains(word), "{line}: {text}");
    }
    let mut unknown = keyed.clone();
    unknown.push(("TRUEPRICE_FEED_CARBONARA_INTENSITY_SCOPES", "CAISO,MARS"));
    let (status, text) = run("feed status", &unknown).await;
    assert_eq!(status, 78, "{text}");
    assert!(
        text.contains("TRUEPRICE_FEED_CARBONARA_INTENSITY_SCOPES") && text.contains("MARS"),
        "{text}"
    );
}

/// How many rows of all tables are as in their documents, and how many are not.
async fn replayed(app: &App) -> (i64, i64) {
    let mut conn = beside::beside(&app.pool).await.unwrap();
    let (mut same, mut different) = (0, 0);
    for (feed, settings, scope) in replay::scopes(app).await.unwrap() {
        let done = replay::scope(app, &mut conn, feed, settings, &scope).await.unwrap();
        same += done.tables.iter().map(|table| table.same).sum::<i64>();
        different += done.tables.iter().map(|table| table.different).sum::<i64>();
    }
    (same, different)
}

#[tokio::test]
async fn every_row_can_be_made_again_from_kept_documents() {
    let upstream = Upstream::start().await;
    let server = server(&upstream.base(), |_| {}).await;
    for (clock, file) in [
        ("2021-07-08T01:00:00Z", "carbonara_search_gap_unordered.json"),
        ("2021-07-08T02:00:00Z", "carbonara_search_page2.json"),
        ("2021-07-10T02:00:00Z", "carbonara_search_restated.json"),
    ] {
        server.clock.set(clock);
        upstream.once(SEARCH, Answer::file(file));
        runner::catch_up(&server.app).await.unwrap();
        execute(&server.owner, "update feed_task set next_due = '2021-07-08'").await;
    }
    let pool = &server.app.pool;
    let revised = "select count(*) from carbon_intensity where rev > 1";
    assert!(one::<i64>(pool, revised).await > 0);
    let rows = one::<i64>(pool, "select count(*) from carbon_intensity").await;
    assert_eq!(replayed(&server.app).await, (rows, 0));
    execute(
        &server.owner,
        "update carbon_intensity set generated = generated + 0.000000001
         where start_at = '2021-07-07 23:30Z' and factor_set_id = 'EGRID_u2019'",
    )
    .await;
    assert_eq!(replayed(&server.app).await, (rows - 1, 2), "what is stored, and what should be");
    assert_eq!(one::<i64>(pool, "select count(*) from carbon_intensity").await, rows);
}

/// The file of a day of New York as far as it goes before the stamp `until`, on another day and in
/// another half of the year.
fn new_york(until: &str, days: [&str; 2], zone: &str) -> Answer {
    let text = String::from_utf8(wire("full/20250201rtfuelmix.csv").to_vec()).unwrap();
    let text = text.replace(",EST,", &format!(",{zone},"));
    let text = text.replace("02/02/2025", days[1]).replace("02/01/2025", days[0]);
    let rows = text.lines().take_while(|line| !line.starts_with(until));
    Answer::body(rows.flat_map(|line| [line, "\n"]).collect::<String>())
}

#[tokio::test]
async fn at_midnight_of_new_york_the_last_row_and_the_first_arrive_once() {
    for (midnight, days, after, zone) in [
        ("2025-02-02T05:00:00Z", ["02/01/2025", "02/02/2025"], "02/03/2025", "EST"),
        ("2025-07-02T04:00:00Z", ["07/01/2025", "07/02/2025"], "07/03/2025", "EDT"),
    ] {
        let upstream = Upstream::start().await;
        let midnight = at(midnight);
        let server = TestServer::start_with(
            |config| {
                config.feeds.manners = hasty();
                for settings in &mut config.feeds.each {
                    settings.enabled = settings.feed.id == "nyiso.rtfuelmix";
                    settings.base_url = upstream.base();
                    settings.not_before = midnight - TimeDelta::days(1);
                }
            },
            None,
        )
        .await;
        let file = |day: &str| {
            let (month, rest) = day.split_once('/').unwrap();
            format!("/public/csv/rtfuelmix/2025{month}{}rtfuelmix.csv", &rest[..2])
        };
        let set = |minutes| {
            server.clock.set(&(midnight + TimeDelta::minutes(minutes)).to_rfc3339());
        };
        set(-2);
        runner::sync(&server.app, Upkeep::Settle).await.unwrap();
        upstream.always(&file(days[0]), new_york(days[1], days, zone));
        upstream.always(&file(days[1]), Answer::status(404));
        runner::catch_up(&server.app).await.unwrap();
        let pool = &server.app.pool;
        let stamps = "select count(distinct sampled_at) from fuel_sample";
        assert_eq!(one::<i64>(pool, stamps).await, 287);

        set(1);
        upstream.always(&file(days[0]), new_york("never", days, zone));
        runner::catch_up(&server.app).await.unwrap();
        assert_eq!(one::<i64>(pool, stamps).await, 288);
        let task: Vec<(i32, String, DateTime<Utc>)> = all(pool, TASK).await;
        assert_eq!((task[0].0, &*task[0].1), (0, "not_yet"));

        set(12);
        let young = new_york(&format!("{} 00:15:00", days[1]), [days[1], after], zone);
        upstream.always(&file(days[1]), young);
        runner::catch_up(&server.app).await.unwrap();
        assert_eq!(one::<i64>(pool, stamps).await, 290);
        let slots = "select count(distinct start_at) from fuel_mix";
        assert_eq!(one::<i64>(pool, slots).await, 290, "288 of the day, two of the next");
        assert_eq!(one::<i64>(pool, "select count(*) from fuel_sample where rev > 1").await, 0);
        assert!(all::<Gap>(pool, GAPS).await.is_empty(), "no failure, no gap");
        let marks: Vec<(DateTime<Utc>, DateTime<Utc>)> = all(pool, MARKS).await;
        let newest = midnight + TimeDelta::minutes(10);
        assert_eq!(marks, [(newest, newest)]);
    }
}
