//! What an upstream refuses or does not have: passed over, told of, and asked for again in its time.

use std::io::{Cursor, Write as _};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use trueprice::{
    config::Config,
    domain::feed::Window,
    feeds::runner::{self, Upkeep},
};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::support::{
    TestServer,
    feeds::all,
    grid::{Grid, carbonara, is_missing, only_carbonara},
    upstream::{Answer, Upstream, hasty, wire},
};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A server that polls California when the test tells it to, with this much history.
async fn server(grid: &Grid, not_before: &str, adjust: impl FnOnce(&mut Config)) -> TestServer {
    let server = TestServer::start_with(
        |config| {
            only_carbonara(config, &grid.base(), &["CAISO"]);
            carbonara(config).not_before = at(not_before);
            adjust(config);
        },
        None,
    )
    .await;
    server.clock.set("2021-08-10T00:00:00Z");
    runner::sync(&server.app, Upkeep::Settle).await.unwrap();
    server
}

async fn grid() -> Grid {
    Grid::start(at("2021-09-20T00:00:00Z")).await
}

async fn one<T>(pool: &PgPool, sql: &'static str) -> T
where
    T: Send + Unpin + for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>,
{
    sqlx::query_as(sql).fetch_one(pool).await.unwrap()
}

/// Polls so often, as far apart as polls are at most.
async fn poll(server: &TestServer, times: u32) {
    for _ in 0..times {
        server.clock.advance(TimeDelta::seconds(331));
        runner::catch_up(&server.app).await.unwrap();
    }
}

/// The starts of the slots that the upstream has in a range.
fn known(from: &str, to: &str) -> Vec<DateTime<Utc>> {
    let starts = (at(from).timestamp()..at(to).timestamp()).step_by(300);
    let starts = starts.filter(|&start| !is_missing("CAISO", start));
    starts.map(|start| DateTime::from_timestamp(start, 0).unwrap()).collect()
}

/// The slots of a range that are neither stored nor in an open gap.
async fn lost(pool: &PgPool, from: &str, to: &str) -> i64 {
    let lost = sqlx::query_scalar(
        "select count(*) from generate_series($1, $2 - interval '5 minutes', interval '5 minutes') slot
         where not exists (select from carbon_intensity where start_at = slot)
           and not exists (select from feed_gap where state = 'open' and start_at <= slot and end_at > slot)",
    );
    lost.bind(at(from)).bind(at(to)).fetch_one(pool).await.unwrap()
}

async fn stored(pool: &PgPool, from: &str, to: &str) -> Vec<DateTime<Utc>> {
    let stored = sqlx::query_scalar(
        "select start_at from carbon_intensity where start_at >= $1 and start_at < $2 order by 1",
    );
    stored.bind(at(from)).bind(at(to)).fetch_all(pool).await.unwrap()
}

/// Failures in a row, the last error, the last try, when it is due, how the scope fares.
type Task = (i32, Option<String>, Option<DateTime<Utc>>, DateTime<Utc>, String);

type Gap = (DateTime<Utc>, DateTime<Utc>, String, i32);

type Backfill = (String, i32, i32, i32, Option<String>);

const BACKFILLS: &str = "select state, windows_total, windows_done, windows_failed, last_error
                         from feed_backfill order by backfill_id";

#[tokio::test]
async fn a_backfill_passes_over_a_window_that_is_refused_and_its_slots_are_a_gap() {
    for (status, why) in [(400, "status 400"), (200, "data")] {
        let grid = grid().await;
        grid.refuse("2021-06-16T00:00:00Z", "2021-06-17T00:00:00Z", status);
        let server = server(&grid, "2021-06-01T00:00:00Z", |_| {}).await;
        runner::catch_up(&server.app).await.unwrap();
        let pool = &server.app.pool;
        let (state, total, done, failed, error): Backfill = one(pool, BACKFILLS).await;
        assert_eq!((&*state, total, done, failed), ("done", 8, 8, 1));
        let error = error.unwrap();
        let told = "1 of 8 windows failed; the last, 2021-06-15T00:00:00+00:00/2021-06-22T00:00:00+00:00: ";
        assert!(error.starts_with(told) && error.contains(why), "{error}");
        let rest = ["2021-06-22T00:00:00Z", "2021-08-09T00:00:00Z"];
        assert_eq!(stored(pool, rest[0], rest[1]).await, known(rest[0], rest[1]));
        assert!(stored(pool, "2021-06-15T00:00:00Z", rest[0]).await.is_empty());
        assert_eq!(lost(pool, "2021-06-01T00:00:00Z", rest[1]).await, 0);
        let (contiguous_to,): (DateTime<Utc>,) =
            one(pool, "select contiguous_to from feed_watermark where contiguous_to is not null")
                .await;
        assert!(contiguous_to <= at("2021-06-15T00:00:00Z"));

        grid.heal();
        poll(&server, 11).await;
        assert_eq!(stored(pool, "2021-06-15T00:00:00Z", rest[0]).await.len(), 2016 - 24);
    }
}

#[tokio::test]
async fn what_is_refused_is_asked_for_by_the_schedule_of_its_gap_and_no_more() {
    let grid = grid().await;
    // All that a backfill asks for.
    grid.refuse("2021-07-01T00:00:00Z", "2021-07-27T00:00:00Z", 404);
    let server = server(&grid, "2021-07-01T00:00:00Z", |_| {}).await;
    runner::catch_up(&server.app).await.unwrap();
    let pool = &server.app.pool;
    let (state, _, done, failed, error): Backfill = one(pool, BACKFILLS).await;
    assert_eq!((&*state, done, failed), ("failed", 4, 4), "{error:?}");
    assert_eq!(grid.refusals(), 4);
    assert_eq!(lost(pool, "2021-07-01T00:00:00Z", "2021-08-09T00:00:00Z").await, 0);

    let schedule = "select tries, next_try - opened_at > make_interval(hours => $1)
                    from feed_gap where start_at = '2021-07-01Z' and state = 'open'";
    // One, three and nine hours after it was found.
    for (polls, tries) in [(9, 0), (3, 1), (18, 1), (6, 2), (56, 2), (8, 3)] {
        poll(&server, polls).await;
        let of_gap: (i32, bool) =
            sqlx::query_as(schedule).bind(tries).fetch_one(pool).await.unwrap();
        assert_eq!(of_gap.0, tries);
        let asked = if polls < 9 { 4 } else { 0 };
        assert_eq!(grid.refusals(), asked, "after {polls} more polls");
    }
    let states: Vec<(String,)> =
        all(pool, "select state from feed_backfill where windows_failed > 0").await;
    assert_eq!(states.len(), 4, "one for each try, and the first");

    // Somebody who knows better begins it anew.
    grid.heal();
    let resumed = "update feed_gap set next_try = '9999-01-01' where state = 'open'";
    sqlx::query(resumed).execute(&server.owner).await.unwrap();
    let actor = &trueprice::audit::Actor::COMMAND;
    let (id,): (i64,) = one(pool, "select min(backfill_id) from feed_backfill").await;
    runner::orders::turn(&server.app, actor, None, id, runner::orders::Turn::Resume).await.unwrap();
    runner::catch_up(&server.app).await.unwrap();
    let (state, _, done, failed, error): Backfill = one(pool, BACKFILLS).await;
    assert_eq!((&*state, done, failed, error), ("done", 4, 0, None));
    let range = ["2021-07-01T00:00:00Z", "2021-07-27T00:00:00Z"];
    assert_eq!(stored(pool, range[0], range[1]).await, known(range[0], range[1]));
}

#[tokio::test]
async fn a_gap_that_is_due_does_not_hurry_a_backfill_that_waits() {
    let grid = grid().await;
    let server = server(&grid, "2021-07-01T00:00:00Z", |_| {}).await;
    runner::catch_up(&server.app).await.unwrap();
    // Its gaps are due in an hour, when the key is refused for a while.
    grid.refuse("2021-07-01T00:00:00Z", "2021-07-27T00:00:00Z", 401);
    poll(&server, 12).await;
    assert_eq!(grid.refusals(), 1);
    let pool = &server.app.pool;
    let waits = "select count(*) from feed_backfill where state = 'queued'";
    assert!(one::<(i64,)>(pool, waits).await.0 > 0);
    poll(&server, 9).await;
    assert_eq!(grid.refusals(), 0, "an hour between probes");
    let failed = "select count(*) from feed_backfill where state = 'failed' or windows_failed > 0";
    assert_eq!(one::<(i64,)>(pool, failed).await, (0,));
    let tries = "select max(tries) from feed_gap where start_at < '2021-07-27'";
    assert_eq!(one::<(i32,)>(pool, tries).await, (0,), "nobody has looked");
    grid.heal();
    poll(&server, 4).await;
    assert_eq!(one::<(i64,)>(pool, waits).await, (0,));
    assert_eq!(one::<(i32,)>(pool, tries).await, (1,));
}

#[tokio::test]
async fn a_poll_passes_over_a_window_and_asks_for_it_again() {
    let grid = grid().await;
    grid.refuse("2021-08-02T00:00:00Z", "2021-08-03T00:00:00Z", 400);
    let server = server(&grid, "2021-08-01T00:00:00Z", |config| {
        carbonara(config).window = TimeDelta::days(1);
    })
    .await;
    runner::catch_up(&server.app).await.unwrap();
    let pool = &server.app.pool;
    let runs = "select state, (totals -> 'windows')::int, (totals -> 'failed')::int from feed_run";
    assert_eq!(all::<(String, i32, i32)>(pool, runs).await, [("failed".to_owned(), 9, 1)]);
    let marks = "select contiguous_to <= '2021-08-02', high_water > '2021-08-09 22:00Z'
                 from feed_watermark where high_water is not null";
    assert_eq!(all::<(bool, bool)>(pool, marks).await, [(true, true)]);
    assert_eq!(lost(pool, "2021-08-01T00:00:00Z", "2021-08-09T00:00:00Z").await, 0);
    grid.heal();
    poll(&server, 12).await;
    let day = ["2021-08-02T00:00:00Z", "2021-08-03T00:00:00Z"];
    assert_eq!(stored(pool, day[0], day[1]).await, known(day[0], day[1]));

    // What fails again and again fails as a whole.
    grid.refuse("2021-08-01T00:00:00Z", "2021-08-09T00:00:00Z", 400);
    let actor = &trueprice::audit::Actor::COMMAND;
    let feed = runner::orders::Ordered::of(&server.app, "carbonara.intensity").unwrap();
    let range = runner::orders::range(
        Some(at("2021-08-01T00:00:00Z")),
        Some(at("2021-08-09T00:00:00Z")),
        server.app.clock.now(),
    );
    runner::orders::run(&server.app, actor, &feed, None, range.unwrap()).await.unwrap();
    runner::catch_up(&server.app).await.unwrap();
    let (windows, failed): (i32, i32) = one(
        pool,
        "select (totals -> 'windows')::int, (totals -> 'failed')::int from feed_run where task_kind = 'manual'",
    )
    .await;
    assert_eq!((windows, failed), (4, 4));
}

#[tokio::test]
async fn rows_that_the_database_refuses_stop_nobody() {
    let grid = grid().await;
    let server = server(&grid, "2021-07-01T00:00:00Z", |_| {}).await;
    let refuse = "alter table carbon_intensity add constraint no check (start_at <> '2021-07-10Z')";
    sqlx::query(refuse).execute(&server.owner).await.unwrap();
    runner::catch_up(&server.app).await.unwrap();
    let pool = &server.app.pool;
    let (state, total, done, failed, error): Backfill = one(pool, BACKFILLS).await;
    assert_eq!((&*state, total, done, failed), ("done", 4, 4, 1));
    assert!(error.as_deref().unwrap().contains("cannot be loaded"), "{error:?}");
    assert_eq!(lost(pool, "2021-07-01T00:00:00Z", "2021-08-09T00:00:00Z").await, 0);
}

#[tokio::test]
async fn what_breaks_off_on_our_side_counts_as_a_failed_run() {
    let grid = grid().await;
    let server = server(&grid, "2021-08-09T00:00:00Z", |_| {}).await;
    let pool = &server.app.pool;
    sqlx::query("alter table carbon_intensity rename to lost")
        .execute(&server.owner)
        .await
        .unwrap();
    let task = "select t.fail_count, t.last_error, t.last_try, t.next_due, s.state
                from feed_task t join feed_scope s using (feed_id, scope)
                where s.enabled and t.task_kind = 'live'";
    for (fails, minutes) in [(1, 5), (2, 10), (3, 20), (4, 40), (5, 60)] {
        let now = server.app.clock.now();
        runner::catch_up(&server.app).await.unwrap();
        let (fail_count, error, tried, due, state): Task = one(pool, task).await;
        assert_eq!((fail_count, tried), (fails, Some(now)));
        assert!(error.unwrap().contains("carbon_intensity"));
        assert!(due >= now + TimeDelta::minutes(minutes), "{fails}: {due}");
        assert_eq!(state == "failing", fails == 5, "{fails}: {state}");
        server.clock.advance(TimeDelta::minutes(67));
    }
    sqlx::query("alter table lost rename to carbon_intensity")
        .execute(&server.owner)
        .await
        .unwrap();
    runner::catch_up(&server.app).await.unwrap();
    let (fail_count, error, .., state): Task = one(pool, task).await;
    assert_eq!((fail_count, error, &*state), (0, None, "ok"));
}

/// The file of a day of New York, of another day than it was.
fn new_york(day: &str, next: &str, zone: &str) -> String {
    let text = String::from_utf8(wire("full/20250201rtfuelmix.csv").to_vec()).unwrap();
    let text = text.replace(",EST,", &format!(",{zone},"));
    text.replace("02/02/2025", next).replace("02/01/2025", day)
}

/// An archive with a file of one day.
fn archive(day: &str, next: &str) -> Answer {
    let text = new_york(day, next, "EDT");
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("0rtfuelmix.csv", SimpleFileOptions::default()).unwrap();
    writer.write_all(text.as_bytes()).unwrap();
    Answer::body(writer.finish().unwrap().into_inner())
}

#[tokio::test]
async fn an_archive_that_is_not_there_is_a_gap_unless_history_begins_after_it() {
    const FOLDER: &str = "/public/csv/rtfuelmix";
    let upstream = Upstream::start().await;
    let server = TestServer::start_with(
        |config| {
            config.feeds.manners = hasty();
            for settings in &mut config.feeds.each {
                settings.enabled = settings.feed.id == "nyiso.rtfuelmix";
                settings.base_url = upstream.base();
                settings.not_before = at("2024-09-01T04:00:00Z");
            }
        },
        None,
    )
    .await;
    server.clock.set("2025-02-10T17:00:00Z");
    runner::sync(&server.app, Upkeep::Settle).await.unwrap();
    upstream.always(
        &format!("{FOLDER}/20241101rtfuelmix_csv.zip"),
        archive("11/01/2024", "11/02/2024"),
    );
    upstream.always(&format!("{FOLDER}/20250201rtfuelmix_csv.zip"), Answer::status(404));
    let file = new_york("02/10/2025", "02/11/2025", "EST");
    let so_far = file.lines().take_while(|line| !line.starts_with("02/10/2025 12:05:00"));
    let so_far: String = so_far.flat_map(|line| [line, "\n"]).collect();
    upstream.always(&format!("{FOLDER}/20250210rtfuelmix.csv"), Answer::body(so_far));
    runner::catch_up(&server.app).await.unwrap();
    let pool = &server.app.pool;
    let marks = "select begins_at, contiguous_to, high_water from feed_watermark where high_water is not null";
    let mark = || one::<(DateTime<Utc>, DateTime<Utc>, DateTime<Utc>)>(pool, marks);
    let (begins, end) = (at("2024-11-01T04:00:00Z"), at("2024-11-02T04:00:00Z"));
    assert_eq!(mark().await, (begins, end, at("2025-02-10T17:00:00Z")));
    // The files of the days before today are not there either.
    let today = at("2025-02-10T05:00:00Z");
    let gaps = "select start_at, end_at, state, tries from feed_gap order by 1";
    let gap = |tries| (end, today, "open".to_owned(), tries);
    assert_eq!(all::<Gap>(pool, gaps).await, [gap(0)]);
    let fails = "select sum(fail_count) from feed_task";
    assert_eq!(one::<(i64,)>(pool, fails).await, (0,));
    let backfill: Backfill = one(pool, BACKFILLS).await;
    assert_eq!((&*backfill.0, backfill.3), ("done", 0));
    let shown = server.caller(trueprice::auth::Role::Admin).await;
    let shown = shown.get("/api/v1/feeds/nyiso.rtfuelmix").await.json::<serde_json::Value>().await;
    let history_start = &shown.unwrap()["scopes"][0]["history_start"];
    assert_eq!(history_start.as_str().unwrap().parse::<DateTime<Utc>>().unwrap(), begins);

    let zips = || {
        let asked = upstream.asked(FOLDER);
        asked.iter().filter(|asked| asked.path.ends_with("zip")).count()
    };
    let before = zips();
    for _ in 0..5 {
        server.clock.advance(TimeDelta::minutes(10));
        runner::catch_up(&server.app).await.unwrap();
        assert_eq!(zips(), before, "it is asked for in its time");
    }
    server.clock.advance(TimeDelta::minutes(20));
    runner::catch_up(&server.app).await.unwrap();
    let asked = zips();
    assert!(asked > before);
    assert_eq!(all::<Gap>(pool, gaps).await[0], gap(1));
    // A server that starts again has not forgotten.
    runner::sync(&server.app, Upkeep::Settle).await.unwrap();
    assert_eq!(mark().await.0, begins);

    // Somebody knows better.
    let october = archive("10/31/2024", "11/01/2024");
    upstream.always(&format!("{FOLDER}/20241001rtfuelmix_csv.zip"), october);
    let actor = &trueprice::audit::Actor::COMMAND;
    let feed = runner::orders::Ordered::of(&server.app, "nyiso.rtfuelmix").unwrap();
    let window = Window::new(at("2024-10-01T04:00:00Z"), begins).unwrap();
    let history = runner::orders::History { window, every_slot: false };
    runner::orders::backfill(&server.app, actor, &feed, None, history).await.unwrap();
    runner::catch_up(&server.app).await.unwrap();
    let begins = "select begins_at from feed_watermark where high_water is not null";
    let found = at("2024-10-31T04:00:00Z");
    assert_eq!(one::<(DateTime<Utc>,)>(pool, begins).await, (found,), "its first window with rows");
}
