//! Which version wins: the decision table, reopening, fifty at once, and the command beside HTTP.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgPool;
use trueprice::{auth::Role, clock::Clock, db::pool};

use crate::support::{
    Caller, Home, Program, Reply, TestServer, User,
    accounts::Account,
    address, empty_database, files, serve,
    store::{assert_sound, logged, stored},
};

/// A small good energy file; `price` tells its content from others.
fn energy(price: &str) -> Bytes {
    let labels = [
        "Control Area,ERCOT",
        "State,TX",
        "Load Zone,NORTH ZONE",
        "Capacity Zone,NORTH ZONE",
        "Utility,ALL",
        "Block Type,7x8",
        "Cost Group,Energy",
        "Cost Component,Energy",
    ];
    format!("{}\n,\nMonth,NORTH ZONE\n5/1/2024,{price}\n6/1/2024,20.5\n", labels.join("\n")).into()
}

fn name(time: &str, suffix: &str) -> String {
    format!("Energy_ERCOT_20240522_{time}{suffix}.csv")
}

struct Day {
    server: TestServer,
    caller: Caller,
}

impl Day {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let caller = server.caller(Role::ReadWrite).await;
        Self { server, caller }
    }

    async fn send(&self, time: &str, suffix: &str, price: &str) -> Reply {
        self.caller.upload(&name(time, suffix), energy(price)).await
    }

    async fn backfill(&self, time: &str, suffix: &str) -> Reply {
        let name = name(time, suffix);
        self.caller.send("/api/v1/uploads?backfill=true", &[(&name, energy(time))]).await
    }

    async fn reopen(&self, caller: &Caller, day: &str, body: Value) -> Reply {
        let path = format!("/api/v1/datasets/energy/ercot/operating-days/{day}/reopen");
        Reply::of(caller.request(Method::POST, &path).json(&body).send().await.unwrap()).await
    }

    /// Time of each version of the day and of its end.
    async fn validity(&self) -> Vec<(String, Option<String>)> {
        sqlx::query_as(
            "select to_char(curve_timestamp at time zone 'UTC', 'HH24MISS'),
                    to_char(valid_to at time zone 'UTC', 'HH24MISS')
             from curve_version order by curve_timestamp",
        )
        .fetch_all(&self.server.app.pool)
        .await
        .unwrap()
    }

    async fn assert_sound(&self) {
        assert_sound(&self.server.app.pool, &self.server.app.documents).await;
    }
}

fn span(from: &str, to: &str) -> (String, Option<String>) {
    (from.to_owned(), (!to.is_empty()).then(|| to.to_owned()))
}

#[tokio::test]
async fn the_decision_table_from_top_to_bottom() {
    let day = Day::new().await;
    let first = day.send("080000", "", "1").await;
    assert_eq!(first.outcome(), (201, "created"));
    let second = day.send("100000", "", "2").await;
    assert_eq!(second.outcome(), (201, "superseded"));
    assert_eq!(second.body["supersedes"]["version_id"], first.body["version_id"]);
    // Superseded versions count for rows 1 and 2.
    let again = day.send("080000", "", "1").await;
    assert_eq!(again.outcome(), (200, "already_stored"));
    assert_eq!(again.body["version_id"], first.body["version_id"]);
    let conflict = day.send("080000", "", "3").await;
    assert_eq!(conflict.outcome(), (409, "version_conflict"));
    assert_eq!(conflict.body["conflict"]["version_id"], first.body["version_id"]);
    let older = day.send("090000", "", "4").await;
    assert_eq!(older.outcome(), (409, "newer_version_exists"));
    assert_eq!(older.body["conflict"]["version_id"], second.body["version_id"]);
    // Errors of the content win, and the conflict is told beside them.
    let both = day.send("090000", "", "TBD").await;
    assert_eq!(both.outcome(), (422, "not_a_number"));
    assert_eq!(
        both.body["by_code"],
        json!({"not_a_number": 1, "newer_version_exists": 1, "unexpected_window": 1})
    );
    let cob = day.send("110000", "_cob", "5").await;
    assert_eq!(cob.outcome(), (201, "superseded"));
    for (time, suffix) in [("090000", ""), ("120000", ""), ("120000", "_cob")] {
        let closed = day.send(time, suffix, "6").await;
        assert_eq!(closed.outcome(), (409, "day_closed_by_cob"));
        assert_eq!(closed.body["conflict"]["version_id"], cob.body["version_id"]);
    }
    assert_eq!(day.backfill("090000", "").await.outcome(), (409, "day_closed_by_cob"));
    assert_eq!(day.send("110000", "_cob", "5").await.outcome(), (200, "already_stored"));
    assert_eq!(day.send("110000", "", "7").await.outcome(), (409, "version_conflict"));
    let ends = [span("080000", "100000"), span("100000", "110000"), span("110000", "")];
    assert_eq!(day.validity().await, ends);
    day.assert_sound().await;
}

#[tokio::test]
async fn midnight_belongs_to_its_own_day() {
    let day = Day::new().await;
    day.send("080000", "", "1").await;
    let midnight = day.caller.upload("Energy_ERCOT_20240523_000000.csv", energy("2")).await;
    assert_eq!(midnight.outcome(), (201, "created"));
    assert_eq!(midnight.body["operating_day"], "2024-05-23");
    assert_eq!(day.validity().await, [span("080000", ""), span("000000", "")]);
}

#[tokio::test]
async fn a_backfilled_version_ends_where_the_next_begins_and_cuts_the_one_before() {
    let day = Day::new().await;
    day.send("080000", "", "1").await;
    day.send("120000", "", "2").await;
    assert_eq!(day.backfill("100000", "").await.outcome(), (201, "backfilled"));
    assert_eq!(day.backfill("070000", "").await.outcome(), (201, "backfilled"));
    assert_eq!(day.backfill("090000", "_cob").await.outcome(), (409, "newer_version_exists"));
    let ends = [
        span("070000", "080000"),
        span("080000", "100000"),
        span("100000", "120000"),
        span("120000", ""),
    ];
    assert_eq!(day.validity().await, ends);
    assert_eq!(
        stored(&day.server.app.pool).await.events,
        2,
        "backfilled versions are not announced"
    );
    // What is newer is stored as ever.
    assert_eq!(day.backfill("130000", "").await.outcome(), (201, "superseded"));
    day.assert_sound().await;
}

#[tokio::test]
async fn an_administrator_reopens_a_day_and_a_new_cob_closes_it_again() {
    let day = Day::new().await;
    let (admin, date) = (day.server.caller(Role::Admin).await, "2024-05-22");
    let reason = json!({"reason": "wrong close for NORTH ZONE"});
    assert_eq!(day.reopen(&admin, date, reason.clone()).await.outcome(), (404, "not_found"));
    day.send("080000", "", "1").await;
    assert_eq!(day.reopen(&admin, date, reason.clone()).await.outcome(), (404, "not_found"));
    let cob = day.send("110000", "_cob", "2").await;
    assert_eq!(day.reopen(&day.caller, date, reason.clone()).await.outcome(), (403, "forbidden"));
    let anonymous = day.server.anonymous();
    assert_eq!(day.reopen(&anonymous, date, reason.clone()).await.status, 401);
    for (body, code) in [
        (json!({"reason": " "}), "bad_parameter"),
        (json!({"reason": "x", "why": "y"}), "unknown_parameter"),
    ] {
        assert_eq!(day.reopen(&admin, date, body).await.outcome(), (400, code));
    }
    for other in ["2024-05-23", "today", "2024-13-01"] {
        assert_eq!(day.reopen(&admin, other, reason.clone()).await.outcome(), (404, "not_found"));
    }
    let reopened = day.reopen(&admin, date, reason.clone()).await;
    assert_eq!(reopened.status, 200, "{}", reopened.body);
    assert_eq!(reopened.body["reopened"]["version_id"], cob.body["version_id"]);
    assert_eq!(day.reopen(&admin, date, reason).await.outcome(), (404, "not_found"), "it is open");
    assert_eq!(day.validity().await.last(), Some(&span("110000", "")), "the close stays current");
    let reasons: Vec<(String, bool)> =
        sqlx::query_as("select reason, reopened_by is not null from day_reopening")
            .fetch_all(&day.server.app.pool)
            .await
            .unwrap();
    assert_eq!(reasons, [("wrong close for NORTH ZONE".to_owned(), true)]);
    assert_eq!(day.send("120000", "", "3").await.outcome(), (201, "superseded"));
    assert_eq!(day.send("130000", "_cob", "4").await.outcome(), (201, "superseded"));
    assert_eq!(day.send("140000", "", "5").await.outcome(), (409, "day_closed_by_cob"));
    day.assert_sound().await;
}

#[tokio::test]
async fn timestamps_are_wall_clock_of_the_configured_zone() {
    let zone = chrono_tz::America::New_York;
    let server = TestServer::start_with(|config| config.curve_timezone = zone, None).await;
    let caller = server.caller(Role::ReadWrite).await;
    for (time, instant, day) in [
        ("20240522_230000", "2024-05-23T03:00:00+00:00", "2024-05-22"),
        ("20240523_000000", "2024-05-23T04:00:00+00:00", "2024-05-23"),
        // The hour comes twice; the first one counts.
        ("20241103_013000", "2024-11-03T05:30:00+00:00", "2024-11-03"),
        ("20241103_020000", "2024-11-03T07:00:00+00:00", "2024-11-03"),
    ] {
        let reply = caller.upload(&format!("Energy_ERCOT_{time}.csv"), energy("1")).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        assert_eq!(
            (&reply.body["curve_timestamp"], &reply.body["operating_day"]),
            (&json!(instant), &json!(day))
        );
    }
    let skipped = caller.upload("Energy_ERCOT_20240310_023000.csv", energy("1")).await;
    assert_eq!((skipped.outcome(), &skipped.body["part"]), ((400, "bad_filename"), &json!("time")));
    let kept: Vec<(String, String)> = sqlx::query_as(
        "select curve_timestamp_local::text, curve_timezone from curve_version order by 1 limit 1",
    )
    .fetch_all(&server.app.pool)
    .await
    .unwrap();
    assert_eq!(kept, [("2024-05-22 23:00:00".to_owned(), "America/New_York".to_owned())]);
    assert_sound(&server.app.pool, &server.app.documents).await;
}

/// The zone may be set anew; what was stored before keeps its instants.
#[tokio::test]
async fn an_instant_is_taken_once_whatever_zone_it_was_written_in() {
    let first = TestServer::start().await;
    let caller = first.caller(Role::ReadWrite).await;
    let reply = caller.upload("Energy_ERCOT_20240522_010000.csv", energy("1")).await;
    assert_eq!(reply.outcome(), (201, "created"));
    let mut app = first.app.clone();
    let mut config = trueprice::config::Config::clone(&app.config);
    config.curve_timezone = chrono_tz::America::Chicago;
    app.config = std::sync::Arc::new(config);
    let account = first.account(Role::ReadWrite).await;
    let caller = Caller::anonymous(&serve(app).await).with_token(&account.token);
    // The same instant, of the day before.
    let again = caller.upload("Energy_ERCOT_20240521_200000.csv", energy("1")).await;
    assert_eq!(again.outcome(), (200, "already_stored"), "{}", again.body);
    let other = caller.upload("Energy_ERCOT_20240521_200000.csv", energy("2")).await;
    assert_eq!(other.outcome(), (409, "version_conflict"), "{}", other.body);
}

/// How often each outcome came.
async fn outcomes(
    replies: impl IntoIterator<Item = impl Future<Output = Reply>>,
) -> BTreeMap<(u16, String), usize> {
    let mut counts = BTreeMap::new();
    for reply in join_all(replies).await {
        let (status, code) = reply.outcome();
        *counts.entry((status, code.to_owned())).or_default() += 1;
    }
    counts
}

fn counts<const N: usize>(counts: [((u16, &str), usize); N]) -> BTreeMap<(u16, String), usize> {
    counts.map(|((status, code), count)| ((status, code.to_owned()), count)).into()
}

#[tokio::test]
async fn the_same_bytes_fifty_times_at_once_are_one_version() {
    let day = Day::new().await;
    let found = outcomes((0..50).map(|_| day.send("080000", "", "1"))).await;
    assert_eq!(found, counts([((201, "created"), 1), ((200, "already_stored"), 49)]));
    let stored = stored(&day.server.app.pool).await;
    assert_eq!((stored.versions, stored.curves, stored.events), (1, 1, 1));
    assert_eq!(logged(&day.server.app.pool).await, 50);
    day.assert_sound().await;
}

#[tokio::test]
async fn fifty_contents_for_one_timestamp_have_one_winner() {
    let day = Day::new().await;
    let prices: Vec<String> = (1..=50).map(|price| price.to_string()).collect();
    let found = outcomes(prices.iter().map(|price| day.send("080000", "", price))).await;
    assert_eq!(found, counts([((201, "created"), 1), ((409, "version_conflict"), 49)]));
    assert_eq!(stored(&day.server.app.pool).await.versions, 1);
    day.assert_sound().await;
}

#[tokio::test]
async fn of_fifty_timestamps_of_one_day_the_newest_is_current() {
    let day = Day::new().await;
    let times: Vec<String> = (0..50).map(|second| format!("0800{second:02}")).collect();
    let found = outcomes(times.iter().rev().map(|time| day.send(time, "", time))).await;
    let stored_now = stored(&day.server.app.pool).await;
    let created =
        found.iter().filter(|((status, _), _)| *status == 201).map(|(_, n)| n).sum::<usize>();
    let refused = found.get(&(409, "newer_version_exists".to_owned())).copied().unwrap_or_default();
    assert_eq!(created + refused, 50, "{found:?}");
    assert_eq!(usize::try_from(stored_now.versions).unwrap(), created);
    assert_eq!(stored_now.current, 1);
    assert_eq!(day.validity().await.last(), Some(&span("080049", "")), "whatever came first");
    day.assert_sound().await;
}

#[tokio::test]
async fn datasets_do_not_wait_for_each_other() {
    let day = Day::new().await;
    let mut held = day.server.app.pool.begin().await.unwrap();
    hold_day(&mut held).await;
    let waiting = day.send("080000", "", "1");
    tokio::pin!(waiting);
    let others = ["Energy_PJM", "Energy_NYISO"].map(|dataset| {
        let text = String::from_utf8(energy("1").to_vec()).unwrap();
        let text = text.replace("ERCOT", dataset.rsplit('_').next().unwrap());
        (format!("{dataset}_20240522_080000.csv"), Bytes::from(text))
    });
    tokio::select! {
        biased;
        reply = &mut waiting => panic!("{:?} came past the lock", reply.outcome()),
        () = async {
            for (name, bytes) in others {
                assert_eq!(day.caller.upload(&name, bytes).await.outcome(), (201, "created"));
            }
            // Another day of the same dataset neither.
            let other_day = day.caller.upload("Energy_ERCOT_20240521_080000.csv", energy("1")).await;
            assert_eq!(other_day.outcome(), (201, "created"));
        } => {}
    }
    held.rollback().await.unwrap();
    assert_eq!(waiting.await.outcome(), (201, "created"));
    day.assert_sound().await;
}

/// Holds the lock of the day of `name`, as one who decides about it would.
async fn hold_day(tx: &mut sqlx::PgConnection) {
    let dataset = "energy".parse().ok().zip("ercot".parse().ok());
    let (family, iso) = dataset.unwrap();
    let dataset = trueprice::domain::Dataset::new(family, iso).unwrap();
    let day = "2024-05-22".parse().unwrap();
    trueprice::db::versions::lock_day(tx, dataset, day).await.unwrap();
}

/// A report without what differs from one time to the next.
fn timeless(report: &Value) -> Value {
    let mut report = report.clone();
    let members = report.as_object_mut().unwrap();
    members.retain(|name, _| !matches!(name.as_str(), "upload_id" | "instance" | "status"));
    report
}

async fn database_with_administrator() -> PgPool {
    let pool = empty_database().await;
    pool::migrate(&pool).await.unwrap();
    Account::insert(&pool, &Clock::system(), Role::Admin).await;
    pool
}

/// Runs `ingest`; its reports and whether it was content.
async fn ingest(home: &Home, pool: &PgPool, arguments: &[&str]) -> (Vec<Value>, bool) {
    let address = address(pool);
    let arguments: Vec<&str> = ["ingest"].iter().chain(arguments).copied().collect();
    let output = home.run(&arguments, &[("DATABASE_URL", &address)]).await;
    let lines = String::from_utf8(output.stdout).unwrap();
    (
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        output.status.success(),
    )
}

#[tokio::test]
async fn ingest_gives_the_same_report_and_stores_the_same() {
    let (home, pool) = (Home::of(User::Same), database_with_administrator().await);
    let day = Day::new().await;
    let good = |name: &str| files::repository("good_test_data/good").join(name);
    for (name, is_content) in [
        ("Energy_ERCOT_20240603_080000.csv", true),
        ("Energy_ERCOT_20240603_101500.xlsx", true),
        ("Energy_ERCOT_20240603_093000.csv", false),
        ("Energy_ERCOT_20240603_080000.csv", true),
    ] {
        let path = good(name);
        let (reports, content) = ingest(&home, &pool, &[path.to_str().unwrap()]).await;
        let reply = day.caller.upload(name, std::fs::read(&path).unwrap()).await;
        assert_eq!((reports.len(), content), (1, is_content), "{name}");
        assert_eq!(timeless(&reports[0]), timeless(&reply.body), "{name}");
        assert_eq!(reports[0]["status"], reply.status, "{name}");
    }
    let archive = good("all_families.zip");
    let (reports, content) = ingest(&home, &pool, &[archive.to_str().unwrap()]).await;
    let reply = day.caller.upload("all_families.zip", std::fs::read(&archive).unwrap()).await;
    assert!(!content, "one of them is older than what is stored");
    let results = reply.body["results"].as_array().unwrap();
    let timeless = |reports: &[Value]| reports.iter().map(timeless).collect::<Vec<_>>();
    assert_eq!(timeless(&reports), timeless(results));
    assert_eq!(stored(&pool).await, stored(&day.server.app.pool).await);
    let (reports, content) = ingest(&home, &pool, &["no_such_file.csv"]).await;
    assert_eq!((&reports[0]["code"], content), (&json!("no_file"), false));
}

#[tokio::test]
async fn ingest_works_beside_a_server_that_runs() {
    let (home, pool) = (Home::of(User::Same), database_with_administrator().await);
    let mut command = home.command(&["serve"]);
    command.env("DATABASE_URL", address(&pool));
    let program = Program::start(command).await;
    let account = Account::insert(&pool, &Clock::system(), Role::ReadWrite).await;
    let caller = program.anonymous().with_token(&account.token);
    let file = files::repository("good_test_data/good/Energy_ERCOT_20240603_080000.csv");
    let (tried, content) = ingest(&home, &pool, &["--dry-run", file.to_str().unwrap()]).await;
    assert_eq!((&tried[0]["dry_run"], content), (&json!(true), true));
    let (_, content) = ingest(&home, &pool, &[file.to_str().unwrap()]).await;
    assert!(content);
    let reply =
        caller.upload("Energy_ERCOT_20240603_080000.csv", std::fs::read(&file).unwrap()).await;
    assert_eq!(reply.outcome(), (200, "already_stored"));
}
