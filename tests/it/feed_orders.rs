//! What people are told of feeds that do not answer, what follows from other settings, and what can be asked
//! of history.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use trueprice::{
    app::App,
    auth::Role,
    config::Config,
    db::feeds::tasks,
    domain::feed::TaskKind,
    feeds::runner::{self, Upkeep},
    objects::{Documents, LocalStore},
};

use crate::{
    auth::{Browser, user},
    support::{
        Caller, TestServer,
        feeds::{all, one},
        grid::{Grid, SEARCH, carbonara, is_missing, only_carbonara},
        upstream::{Answer, Upstream},
    },
};

const FEED: &str = "/api/v1/feeds/carbonara.intensity";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A server that polls California from a stub when the test tells it to.
async fn server(base: &str, now: &str, not_before: &str) -> TestServer {
    let adjust = |config: &mut Config| {
        only_carbonara(config, base, &["CAISO"]);
        carbonara(config).not_before = at(not_before);
    };
    let server = TestServer::start_with(adjust, None).await;
    server.clock.set(now);
    runner::sync(&server.app, Upkeep::Settle).await.unwrap();
    server
}

/// The same after a start with other settings.
async fn restarted(server: &TestServer, adjust: impl FnOnce(&mut Config)) -> App {
    let mut config = (*server.app.config).clone();
    adjust(&mut config);
    let documents =
        Documents::Local(LocalStore::open(&server.data_dir().join("documents")).unwrap());
    let app = App::new(config, server.app.pool.clone(), documents, server.clock.clock()).unwrap();
    runner::sync(&app, Upkeep::Settle).await.unwrap();
    app
}

async fn post(caller: &Caller, path: &str, body: Option<Value>) -> (u16, Value) {
    let request = caller.request(Method::POST, path);
    let request = match &body {
        Some(body) => request.json(body),
        None => request,
    };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

/// The one scope that is polled.
async fn scope(caller: &Caller) -> Value {
    let feed: Value = caller.get(FEED).await.json().await.unwrap();
    feed["scopes"][0].clone()
}

#[tokio::test]
async fn what_never_answered_waits_and_every_failure_is_shown_with_its_time() {
    let upstream = Upstream::start().await;
    let server = server(&upstream.base(), "2021-07-08T01:00:00Z", "2021-07-07T23:00:00Z").await;
    let reader = server.caller(Role::ReadOnly).await;
    let fresh = scope(&reader).await;
    assert_eq!((&fresh["state"], &fresh["last_error"]), (&json!("waiting"), &Value::Null));
    user(&server, "ada@example.com", Role::Admin).await;
    // Hours pass: nobody stays signed in.
    let page = async |path: &str| {
        let browser = Browser::signed_in(&server, "ada@example.com").await;
        browser.get(path).await.text().await.unwrap()
    };
    assert!(page("/admin/feeds").await.contains("nothing came yet"));

    upstream.fault(Answer::file("fault_wrong_type.json"));
    let mut tried = server.app.clock.now();
    for (failures, state) in
        [(1, "waiting"), (2, "waiting"), (3, "waiting"), (4, "waiting"), (5, "failing")]
    {
        tried = server.app.clock.now();
        runner::catch_up(&server.app).await.unwrap();
        let found = scope(&reader).await;
        assert_eq!((&found["state"], &found["failures"]), (&json!(state), &json!(failures)));
        assert!(found["last_error"].is_string() && found["last_ok"].is_null(), "{found}");
        assert_eq!(at(found["last_error_at"].as_str().unwrap()), tried);
        server.clock.advance(TimeDelta::minutes(67));
    }
    let told =
        "select payload -> 'data' from event_outbox where topic = 'feed.status' order by outbox_id";
    let told: Vec<(Value,)> = all(&server.app.pool, told).await;
    assert_eq!(told.len(), 5, "{told:?}");
    for (failures, (data,)) in (1..).zip(&told) {
        let state = if failures < 5 { "waiting" } else { "failing" };
        assert_eq!((&data["state"], &data["failures"]), (&json!(state), &json!(failures)));
        assert!(data["error"].is_string(), "{data}");
    }
    assert_eq!(at(told[4].0["error_at"].as_str().unwrap()), tried);
    for path in ["/admin/feeds", "/admin/feeds/carbonara.intensity/CAISO"] {
        let shown = page(path).await;
        assert!(shown.contains("5 in a row, the last 1 h 7 min ago"), "{shown}");
    }

    // After a good answer, one failure makes it no worse than it is; it is shown all the same.
    upstream.heal();
    upstream.once(SEARCH, Answer::file("carbonara_search_gap_unordered.json"));
    let well = server.app.clock.now();
    runner::catch_up(&server.app).await.unwrap();
    let found = scope(&reader).await;
    assert_eq!((&found["state"], &found["last_error_at"]), (&json!("late"), &Value::Null));
    server.clock.advance(TimeDelta::minutes(6));
    upstream.fault(Answer::file("fault_wrong_type.json"));
    runner::catch_up(&server.app).await.unwrap();
    let found = scope(&reader).await;
    assert_eq!((&found["state"], &found["failures"]), (&json!("late"), &json!(1)));
    assert_eq!(at(found["last_ok"].as_str().unwrap()), well);
    let error = found["last_error"].as_str().unwrap();
    let shown = page("/admin/feeds").await;
    assert!(shown.contains(">late<") && shown.contains(">0 s ago<"), "{shown}");
    assert!(shown.contains(error.split('"').next().unwrap()), "{error}: {shown}");
    let last = "select payload -> 'data' from event_outbox where topic = 'feed.status' order by outbox_id desc limit 1";
    let last: Value = one(&server.app.pool, last).await;
    assert_eq!((&last["state"], &last["error"]), (&json!("late"), &found["last_error"]));
}

type History = (DateTime<Utc>, DateTime<Utc>, String);

const HISTORIES: &str = "select from_at, to_at, state from feed_backfill order by backfill_id";

/// The first slot of California from an instant on that its upstream does not have by 10 August.
fn hole_after(from: &str) -> DateTime<Utc> {
    let mut starts = (at(from).timestamp()..).step_by(300);
    let known_to = at("2021-08-10T00:00:00Z").timestamp();
    let start = starts.find(|&start| start == known_to || is_missing("CAISO", start)).unwrap();
    DateTime::from_timestamp(start, 0).unwrap()
}

#[tokio::test]
async fn what_there_is_no_room_for_keeps_no_poll_waiting() {
    let server = server("http://127.0.0.1:9", "2021-08-10T00:00:00Z", "2021-08-01T00:00:00Z").await;
    let (sweep, poll) = (at("2021-08-09T00:00:00Z"), at("2021-08-10T00:01:00Z"));
    let due = "update feed_task set next_due = case task_kind when 'sweep' then $1 else $2 end
               where task_kind in ('live', 'sweep')";
    sqlx::query(due).bind(sweep).bind(poll).execute(&server.owner).await.unwrap();
    let mut conn = server.app.pool.acquire().await.unwrap();
    let kinds = [TaskKind::Live, TaskKind::Sweep];
    assert_eq!(tasks::next_due(&mut conn, &kinds).await.unwrap(), Some(sweep));
    assert_eq!(tasks::next_due(&mut conn, &kinds[..1]).await.unwrap(), Some(poll));
}

#[tokio::test]
async fn other_settings_move_the_marks_and_what_history_gains_is_loaded() {
    let grid = Grid::start(at("2021-08-10T00:00:00Z")).await;
    let server = server(&grid.base(), "2021-08-10T00:00:00Z", "2021-08-08T00:00:00Z").await;
    let pool = &server.app.pool;
    let marks = async || -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let marks = "select high_water, contiguous_to from feed_watermark where scope = 'CAISO'";
        all(pool, marks).await.remove(0)
    };
    runner::catch_up(&server.app).await.unwrap();
    let newest = marks().await.0;
    assert_eq!(marks().await.1, Some(hole_after("2021-08-08T00:00:00Z")));
    assert_eq!(all::<History>(pool, HISTORIES).await, []);

    // Earlier: what is gained is loaded, and unbroken from there on.
    let polled = async |not_before: &str, sets: &[&str]| {
        let app = restarted(&server, |config| {
            let settings = carbonara(config);
            settings.not_before = at(not_before);
            settings.factor_sets = sets.iter().map(|&set| set.to_owned()).collect();
        });
        server.clock.advance(TimeDelta::minutes(6));
        runner::catch_up(&app.await).await.unwrap();
    };
    let set = ["EGRID_u2019"];
    polled("2021-07-01T00:00:00Z", &set).await;
    let gained = (at("2021-07-01T00:00:00Z"), at("2021-08-08T00:00:00Z"), "done".to_owned());
    assert_eq!(all::<History>(pool, HISTORIES).await, [gained]);
    let first = "select min(start_at) from carbon_intensity where generated is not null";
    assert_eq!(one::<DateTime<Utc>>(pool, first).await, at("2021-07-01T00:00:00Z"));
    let early = hole_after("2021-07-01T00:00:00Z");
    assert_eq!(marks().await, (newest, Some(early)));

    // Later: what is before it counts no more.
    polled("2021-08-03T00:00:00Z", &set).await;
    assert_eq!(marks().await, (newest, Some(hole_after("2021-08-03T00:00:00Z"))));
    polled("2021-07-01T00:00:00Z", &set).await;
    assert_eq!(marks().await, (newest, Some(early)));

    // Of another set of factors there is nothing yet: all of it is asked for.
    grid.forget();
    polled("2021-07-01T00:00:00Z", &["EGRID_2019", "EGRID_u2019"]).await;
    assert_eq!(marks().await, (None, None));
    assert!(grid.asked().keys().any(|asked| asked.1.starts_with("2021-07-01T00:00")));
    polled("2021-07-01T00:00:00Z", &set).await;
    assert_eq!(marks().await, (newest, Some(early)), "from the rows that are there");
}

#[tokio::test]
async fn a_run_that_is_told_to_wait_goes_on_later_with_what_is_left() {
    let upstream = Upstream::start().await;
    let server = server(&upstream.base(), "2021-07-08T08:00:00Z", "2021-07-07T00:00:00Z").await;
    let app = restarted(&server, |config| carbonara(config).window = TimeDelta::hours(1)).await;
    let pool = &app.pool;
    sqlx::query("update feed_task set paused = true where task_kind <> 'manual'")
        .execute(pool)
        .await
        .unwrap();
    let admin = server.caller(Role::Admin).await;
    let range = json!({ "scopes": ["CAISO"], "from": "2021-07-08T00:00:00Z", "to": "2021-07-08T04:00:00Z" });
    let (status, queued) = post(&admin, &format!("{FEED}/run"), Some(range)).await;
    assert_eq!(status, 202, "{queued}");
    upstream.always(SEARCH, Answer::file("carbonara_search_empty.json"));
    let page = |start: &str| format!("{SEARCH}?start=2021-07-08T{start}:00:00%2B00:00");
    upstream.once(&page("02"), Answer::status(429).header("Retry-After", "600"));
    runner::catch_up(&app).await.unwrap();
    let run = "select from_at, state, (totals ->> 'windows')::bigint from feed_run where task_kind = 'manual'";
    let left: Vec<(DateTime<Utc>, String, i64)> = all(pool, run).await;
    assert_eq!(left, [(at("2021-07-08T02:00:00Z"), "queued".to_owned(), 2)]);
    let due: DateTime<Utc> =
        one(pool, "select next_due from feed_task where task_kind = 'manual'").await;
    let wait = due - app.clock.now();
    assert!(wait > TimeDelta::seconds(590) && wait <= TimeDelta::seconds(600), "{wait}");
    let before = upstream.asked(SEARCH).len();
    runner::catch_up(&app).await.unwrap();
    assert_eq!(upstream.asked(SEARCH).len(), before, "not before its time");

    sqlx::query("update upstream_host set not_before = null").execute(pool).await.unwrap();
    server.clock.advance(TimeDelta::minutes(11));
    runner::catch_up(&app).await.unwrap();
    let done: Vec<(DateTime<Utc>, String, i64)> = all(pool, run).await;
    assert_eq!(done, [(at("2021-07-08T02:00:00Z"), "done".to_owned(), 4)]);
    let asked = upstream.asked(SEARCH);
    let starts: Vec<&str> =
        asked[before..].iter().map(|asked| &asked.parameter("start").unwrap()[11..13]).collect();
    assert_eq!(starts, ["02", "03"], "what was done is not asked for again");
}

#[tokio::test]
async fn polls_go_on_beside_long_runs_by_hand() {
    let grid = Grid::start(at("2021-08-10T00:00:00Z")).await;
    let server = server(&grid.base(), "2021-08-10T00:00:00Z", "2021-08-08T00:00:00Z").await;
    let app = restarted(&server, |config| {
        config.feeds.concurrency = 2;
        let regions = ["BPA", "CAISO", "SPP"];
        carbonara(config).scopes = Some(regions.map(str::to_owned).to_vec());
    })
    .await;
    runner::catch_up(&app).await.unwrap();
    let admin = server.caller(Role::Admin).await;
    let range = json!({ "from": "2021-01-01T00:00:00Z", "to": "2021-08-01T00:00:00Z" });
    assert_eq!(post(&admin, &format!("{FEED}/run"), Some(range)).await.0, 202);
    grid.forget();
    grid.slow_down(Duration::from_millis(50));
    let halt = tokio_util::sync::CancellationToken::new();
    let stopping = halt.clone();
    let run = tokio::spawn(runner::run(app.clone(), async move { stopping.cancelled().await }));
    let manual =
        "select count(*) from feed_task where task_kind = 'manual' and lease_owner is not null";
    crate::support::until(async || one::<i64>(&app.pool, manual).await > 0).await;
    assert_eq!(one::<i64>(&app.pool, manual).await, 1, "a place is left to polls");
    halt.cancel();
    run.await.unwrap();
}

#[tokio::test]
async fn a_backfill_tells_of_every_slot_where_it_is_asked_to() {
    let grid = Grid::start(at("2021-08-10T00:00:00Z")).await;
    let server = server(&grid.base(), "2021-08-10T00:00:00Z", "2021-08-09T00:00:00Z").await;
    let app =
        restarted(&server, |config| carbonara(config).not_before = at("2021-06-01T00:00:00Z"));
    let app = app.await;
    let pool = &app.pool;
    sqlx::query("update feed_task set paused = true where task_kind in ('live', 'sweep')")
        .execute(pool)
        .await
        .unwrap();
    let orders = runner::orders::Ordered::of(&app, "carbonara.intensity").unwrap();
    let load = async |day: &str, every_slot| {
        let from = at(&format!("{day}T00:00:00Z"));
        let window = trueprice::domain::feed::Window::new(from, from + TimeDelta::days(1)).unwrap();
        let history = runner::orders::History { window, every_slot };
        let actor = &trueprice::audit::Actor::COMMAND;
        runner::orders::backfill(&app, actor, &orders, None, history).await.unwrap();
        runner::catch_up(&app).await.unwrap();
    };
    let events = "select count(*) from event_outbox where topic = 'grid.intensity'";
    load("2021-06-03", false).await;
    assert_eq!(one::<i64>(pool, events).await, 0);
    load("2021-06-10", true).await;
    let rows = "select count(*) from carbon_intensity where start_at >= '2021-06-10Z'";
    let rows: i64 = one(pool, rows).await;
    assert!(rows > 200);
    assert_eq!(one::<i64>(pool, events).await, rows);

    // The member of the call is that flag, and what is told of the backfill.
    let admin = server.caller(Role::Admin).await;
    let range =
        json!({ "from": "2021-08-09T00:00:00Z", "to": "2021-08-09T01:00:00Z", "every_slot": true });
    let (status, answer) = post(&admin, &format!("{FEED}/backfill"), Some(range)).await;
    assert_eq!(status, 202, "{answer}");
    let backfills = scope(&admin).await["backfills"].clone();
    let told: Vec<bool> = backfills
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["every_slot"].as_bool().unwrap())
        .collect();
    assert_eq!(told, [false, true, true]);
}

#[tokio::test]
async fn history_is_refused_where_the_upstream_tells_of_the_present_alone() {
    let server = TestServer::start().await;
    server.clock.set("2025-01-15T12:00:00Z");
    runner::sync(&server.app, Upkeep::Settle).await.unwrap();
    let admin = server.caller(Role::Admin).await;
    let range = json!({ "from": "2025-01-01T00:00:00Z", "to": "2025-01-02T00:00:00Z" });
    for call in ["backfill", "run"] {
        let path = format!("/api/v1/feeds/gb.forecast/{call}");
        let (status, problem) = post(&admin, &path, Some(range.clone())).await;
        assert_eq!((status, &problem["code"]), (409, &json!("no_history")), "{problem}");
        let (status, problem) =
            post(&admin, &path.replace("forecast", "intensity"), Some(range.clone())).await;
        assert_eq!(status, 202, "{problem}");
    }
    let (status, _) = post(&admin, "/api/v1/feeds/gb.forecast/run", Some(json!({}))).await;
    assert_eq!(status, 202, "what is now can be asked for");
    let queued = "select count(*) from feed_backfill where feed_id = 'gb.forecast'";
    assert_eq!(one::<i64>(&server.owner, queued).await, 0);

    user(&server, "ada@example.com", Role::Admin).await;
    let browser = Browser::signed_in(&server, "ada@example.com").await;
    let page = browser.get("/admin/feeds/gb.forecast/GB").await.text().await.unwrap();
    assert!(page.contains("nothing of the past") && !page.contains("Load history"), "{page}");
    assert!(!page.contains("History from"), "{page}");
    let path = "/admin/feeds/gb.forecast/GB/backfill";
    let refused = browser.account_form(path, &[("from", "2025-01-02")]).await;
    assert_eq!(refused.status(), 409);
    assert!(refused.text().await.unwrap().contains("gb.forecast has no history"));
    let (status, _) = post(&admin, "/api/v1/feeds/gb.intensity/backfill/1/stop", None).await;
    assert_eq!(status, 404, "nothing of that name can be done with a backfill");
}
