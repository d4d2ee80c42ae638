//! The job behind headroom: what wakes it, what it does when something fails, what it stores.

use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use trueprice::{app::App, auth::Role, headroom::catch_up};

use crate::{
    headroom::{
        EXAMPLE, MATRIX, Offer, PTC, TOTAL, WIDE, example, items, matrix, ptc, publish, text,
    },
    support::{Home, TestServer, User, accounts::Account, signal, until},
};

async fn count(app: &App, table: &str) -> i64 {
    let ask = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
    sqlx::query_scalar(ask).fetch_one(&app.pool).await.unwrap()
}

#[tokio::test]
async fn what_fails_does_not_keep_the_rest_waiting() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let pool = &server.owner;
    for statement in [
        "create function fail() returns trigger language plpgsql as $$ begin raise 'no'; end $$",
        "create trigger fail before insert on headroom_version for each row
         when (new.operating_day = '2024-04-03') execute function fail()",
    ] {
        sqlx::query(statement).execute(pool).await.unwrap();
    }
    publish(&caller, PTC, ptc(&[("PA-KSP-R", "L", &["0.12"])])).await;
    publish(&caller, MATRIX, matrix(&[EXAMPLE], TOTAL)).await;
    let earlier = MATRIX.replace("20240403", "20240402");
    publish(&caller, &earlier, matrix(&[EXAMPLE], TOTAL)).await;
    assert!(catch_up(&server.app).await.is_err());
    let days: Vec<Value> = items(&caller, "/api/v1/headroom/versions?iso=pjm").await;
    let days: Vec<_> = days.iter().map(|item| &item["operating_day"]).collect();
    assert_eq!(days, ["2024-04-02"], "the older day is computed though the newer fails");
    sqlx::query("drop trigger fail on headroom_version").execute(pool).await.unwrap();
    assert_eq!(catch_up(&server.app).await.unwrap(), 1, "it was not given up");
    assert_eq!(catch_up(&server.app).await.unwrap(), 0);
}

#[tokio::test]
async fn two_servers_on_one_database_never_compute_twice() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    publish(&caller, PTC, ptc(&[("PA-KSP-R", "L", &["0.12"])])).await;
    for day in 3..9 {
        let name = format!("Matrix_PJM_202404{day:02}_073000.csv");
        publish(&caller, &name, matrix(&[EXAMPLE], TOTAL)).await;
    }
    let other = App { pool: server.app.pool.clone(), ..server.app.clone() };
    let made = futures::join!(catch_up(&server.app), catch_up(&other), catch_up(&other));
    assert_eq!(made.0.unwrap() + made.1.unwrap() + made.2.unwrap(), 6);
    assert_eq!(count(&server.app, "headroom_version").await, 6);
    assert_eq!(count(&server.app, "update_feed where kind = 'headroom_recomputed'").await, 6);
    assert_eq!(count(&server.app, "headroom_done").await, 7);
    // All marks lost: everything is dealt with again, and nothing comes of it.
    for statement in ["alter table headroom_done disable trigger all", "delete from headroom_done"]
    {
        sqlx::query(statement).execute(&server.owner).await.unwrap();
    }
    assert_eq!(catch_up(&server.app).await.unwrap(), 0);
    assert_eq!(count(&server.app, "headroom_version").await, 6);
    assert_eq!(count(&server.app, "headroom_done").await, 7);
}

#[tokio::test]
async fn what_is_stored_is_never_changed() {
    let (server, _caller) = example().await;
    for statement in [
        "update headroom_record set ptc = 1",
        "delete from headroom_record",
        "update headroom_version set records = 7",
        "update headroom_version set known_at = now()",
        "truncate headroom_finding",
        "insert into headroom_version (dataset_id, matrix_version_id, ptc_version_id, curve_timestamp,
             operating_day, ptc_timestamp, offers, records, ambiguous)
         select dataset_id, matrix_version_id, ptc_version_id, curve_timestamp, operating_day,
                ptc_timestamp, 0, 0, 0 from headroom_version",
    ] {
        assert!(sqlx::query(statement).execute(&server.owner).await.is_err(), "{statement}");
    }
}

#[tokio::test]
async fn a_server_that_is_killed_before_the_job_leaves_the_event_to_the_next() {
    let home = Home::of(User::Same);
    let program = home.serve().await;
    let pool = home.pool();
    let account = Account::insert(&pool, &trueprice::clock::Clock::system(), Role::ReadWrite).await;
    let caller = program.anonymous().with_token(&account.token);
    // The job of PJM waits for the test.
    let mut holder = PgConnection::connect_with(&pool.connect_options()).await.unwrap();
    sqlx::query("select pg_advisory_lock(7424, 105)").execute(&mut holder).await.unwrap();
    publish(&caller, PTC, ptc(&[("PA-KSP-R", "L", &["0.12"])])).await;
    publish(&caller, MATRIX, matrix(&[EXAMPLE], TOTAL)).await;
    until(async || {
        let waits =
            "select exists (select from pg_locks where locktype = 'advisory' and not granted)";
        sqlx::query_scalar::<_, bool>(waits).fetch_one(&pool).await.unwrap()
    })
    .await;
    signal(program.process(), "KILL").await;
    program.end("KILL").await;
    drop(holder);
    let program = home.serve().await;
    let caller = program.anonymous().with_token(&account.token);
    until(async || !items(&caller, "/api/v1/headroom").await.is_empty()).await;
    assert!(
        text(&caller, WIDE).await.ends_with(",120.00000,12,04/15/2024,90.00000,30.00000,25.00\n")
    );
    // While it runs, the word of the database wakes it.
    publish(&caller, "PTC_PJM_20240403_100000.csv", ptc(&[("PA-KSP-R", "L", &["0.18"])])).await;
    until(async || text(&caller, WIDE).await.contains(",180.00000,12,")).await;
    assert!(program.end("TERM").await.success());
}

#[tokio::test]
async fn a_recomputation_is_told_in_the_feed() {
    let (_server, caller) = example().await;
    let updates = items(&caller, "/api/v1/updates?curve=headroom&iso=pjm").await;
    assert_eq!(updates.len(), 1);
    assert_eq!(updates[0]["kind"], "headroom_recomputed");
    let version = &items(&caller, "/api/v1/headroom/versions").await[0];
    assert_eq!(updates[0]["version_id"], version["matrix_version_id"]);
    assert_eq!(updates[0]["ptc_version_id"], version["ptc_version_id"]);
    assert_eq!(updates[0]["known_at"], version["known_at"]);
}

#[tokio::test]
async fn many_offers_are_stored_part_by_part() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let of = |n: usize| {
        let mut offer = EXAMPLE;
        offer[0] = if n.is_multiple_of(2) { "PA-KSP-R" } else { "nobody's" };
        offer
    };
    let offers: Vec<Offer> = (0..70).map(of).collect();
    publish(&caller, PTC, ptc(&[("PA-KSP-R", "A", &["0.12"]), ("PA-KSP-R", "B", &["0.1"])])).await;
    publish(&caller, MATRIX, matrix(&offers, TOTAL)).await;
    assert_eq!(catch_up(&server.app).await.unwrap(), 1);
    let version = &items(&caller, "/api/v1/headroom/versions?iso=pjm").await[0];
    let counts = ["offers", "records", "ambiguous"].map(|name| version[name].as_u64());
    assert_eq!(counts, [70, 70, 35].map(Some));
    assert_eq!(items(&caller, "/api/v1/headroom?iso=pjm&limit=1000").await.len(), 70);
    let unmatched = items(&caller, "/api/v1/headroom/unmatched?iso=pjm&limit=1000").await;
    assert_eq!(unmatched.len(), 35);
}
