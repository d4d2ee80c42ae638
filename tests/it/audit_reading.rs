//! Reading the audit log: the list, the streams and the page.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, PgPool,
    postgres::PgConnectOptions,
};
use trueprice::{auth::Role, db::pool};
use uuid::Uuid;

use crate::{
    auth::{Browser, user},
    support::{Caller, Home, Program, TestServer, User, empty_database, until},
};

/// Rows whose texts try to be something else.
const ODD: &str = "insert into audit_event (at, actor_email, credential, action, object_type, object_id,
                       outcome, detail)
                   select '2031-03-04T09:00:00Z'::timestamptz + make_interval(mins => n), '=cmd()@x',
                          'token', 'upload', 'file', E'a\r\nforged,line\u{2028}x', 'refused',
                          jsonb_build_object('file', '<script>alert(1)</script>', 'n', n)
                   from generate_series(1, 2500) n";

async fn filled() -> (TestServer, Caller) {
    let server = TestServer::start().await;
    sqlx::query(ODD).execute(&server.app.pool).await.unwrap();
    let caller = server.caller(Role::Admin).await;
    (server, caller)
}

#[tokio::test]
async fn the_list_is_filtered_and_paged() {
    let (server, caller) = filled().await;
    let first = caller.ask("/api/v1/audit?action=upload&limit=1000").await.body;
    assert_eq!(first["items"].as_array().unwrap().len(), 1000);
    assert_eq!(first["items"][0]["detail"]["n"], 2500);
    let mut seen: Vec<Value> = first["items"].as_array().unwrap().clone();
    let mut next = first["next"].clone();
    while let Some(cursor) = next.as_str() {
        let path = format!("/api/v1/audit?action=upload&limit=1000&cursor={cursor}");
        let page = caller.ask(&path).await.body;
        seen.extend(page["items"].as_array().unwrap().clone());
        next = page["next"].clone();
    }
    let numbers: Vec<_> = seen.iter().map(|item| item["detail"]["n"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=2500).rev().collect::<Vec<_>>());
    for (query, count) in [
        ("from=2031-03-04T09:10:00Z&to=2031-03-04T09:20:00Z", 10),
        ("actor=%3Dcmd()%40X&outcome=refused&from=2031-03-04T09:10:00Z&to=2031-03-04T09:11:00Z", 1),
        ("object_type=file&object_id=other", 0),
        ("actor=0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a11", 0),
        ("action=upload&outcome=ok", 0),
        ("action=token_first_used", 1),
    ] {
        let body = caller.ask(&format!("/api/v1/audit?{query}")).await.body;
        assert_eq!(body["items"].as_array().unwrap().len(), count, "{query}");
    }
    for (query, code) in [
        ("actor=ann", "bad_parameter"),
        ("action=nothing", "bad_parameter"),
        ("format=csv&limit=3", "contradictory_parameters"),
        ("who=x", "unknown_parameter"),
    ] {
        assert_eq!(caller.ask(&format!("/api/v1/audit?{query}")).await.outcome(), (400, code));
    }
    let writer = server.caller(Role::ReadWrite).await;
    assert_eq!(writer.ask("/api/v1/audit").await.status, 403);
    assert_eq!(server.anonymous().ask("/api/v1/audit").await.status, 401);
    assert_eq!(caller.request(Method::DELETE, "/api/v1/audit").send().await.unwrap().status(), 405);
}

#[tokio::test]
async fn no_text_forges_a_line_or_a_formula() {
    let (_server, caller) = filled().await;
    let csv = caller.get("/api/v1/audit?action=upload&format=csv").await;
    assert_eq!(csv.headers()["content-type"], "text/csv; charset=utf-8");
    let csv = csv.text().await.unwrap();
    let lines: Vec<&str> = csv.split(['\n', '\r', '\u{2028}']).collect();
    assert_eq!(lines.len(), 2502, "a header, the events, and what follows the last line feed");
    assert!(lines[0].starts_with("id,at,actor_id,actor_email,"));
    assert!(lines[1..2501].iter().all(|line| line.contains(",'=cmd()@x,")), "{}", lines[1]);
    assert!(lines[1].contains(r"a\u000d\u000aforged"), "{}", lines[1]);
    let ndjson =
        caller.get("/api/v1/audit?action=upload&format=ndjson").await.text().await.unwrap();
    let lines: Vec<&str> = ndjson.trim_end().split(['\n', '\r', '\u{2028}']).collect();
    assert_eq!(lines.len(), 2500);
    let event: Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(event["object_id"], "a\r\nforged,line\u{2028}x", "and nothing is lost");
    let export =
        caller.ask("/api/v1/audit?object_type=list&object_id=audit&action=download_begun").await;
    assert_eq!(export.body["items"].as_array().unwrap().len(), 2, "an export is a download");
    assert_eq!(export.body["items"][1]["detail"]["parameters"]["action"], json!("upload"));
}

#[tokio::test]
async fn the_page_shows_what_changed_and_runs_nothing() {
    let (server, _caller) = filled().await;
    let change = "insert into audit_event (at, actor_id, actor_email, credential, action, object_type,
                      object_id, outcome, detail)
                  values (now(), gen_random_uuid(), 'eve@example.com', 'session', 'role_changed', 'user', 'u1',
                          'ok', '{\"before\": {\"role\": \"read_only\"}, \"after\": {\"role\": \"admin\"}}')";
    sqlx::query(change).execute(&server.app.pool).await.unwrap();
    user(&server, "ann@example.com", Role::Admin).await;
    let ann = Browser::signed_in(&server, "ann@example.com").await;
    let page = ann.get("/admin/audit?action=role_changed").await.text().await.unwrap();
    assert!(page.contains("<del>read_only</del>") && page.contains("<ins>admin</ins>"), "{page}");
    assert!(page.contains("href=\"/admin/audit?object_type=user&#38;object_id=u1\""), "{page}");
    assert!(page.contains("/api/v1/audit?action=role_changed&#38;format=csv"));
    let page =
        ann.get("/admin/audit?action=upload&object_type=&from=&to=").await.text().await.unwrap();
    assert!(!page.contains("<script>alert"), "{page}");
    assert!(page.contains("&#60;script&#62;alert(1)"), "{page}");
    let next = page.split("href=\"").find(|part| part.contains("cursor=")).unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    let older = ann.get(&next).await.text().await.unwrap();
    assert!(older.contains("Older events") && older != page);
    user(&server, "bob@example.com", Role::ReadWrite).await;
    let bob = Browser::signed_in(&server, "bob@example.com").await;
    assert_eq!(bob.get("/admin/audit").await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn start_and_stop_are_written_down() {
    let home = Home::of(User::Same);
    let program = home.serve().await;
    assert!(program.end("TERM").await.success());
    let second = home.serve().await;
    let pool = home.pool();
    let told: Vec<String> = sqlx::query_scalar(
        "select action from audit_event where action in ('started', 'stopped') order by id",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(told, ["started", "stopped", "started"]);
    pool.close().await;
    assert!(second.end("TERM").await.success());
}

/// The log of such a server is guarded by triggers alone, and the doctor says so.
/// The private PostgreSQL lets nobody but its owner in by its socket: here one more.
async fn let_in(database: &PgPool, name: &str, options: &PgConnectOptions) {
    let rules: String = sqlx::query_scalar("show hba_file").fetch_one(database).await.unwrap();
    let lines = std::fs::read_to_string(&rules).unwrap();
    std::fs::write(&rules, format!("local all {name} trust\n{lines}")).unwrap();
    sqlx::query("select pg_reload_conf()").execute(database).await.unwrap();
    until(async || PgConnection::connect_with(options).await.is_ok()).await;
}

#[tokio::test]
async fn a_user_who_may_not_make_roles_is_served_and_told() {
    let database = empty_database().await;
    let name = format!("plain_{}", Uuid::new_v4().simple());
    let of = database.connect_options().get_database().unwrap().to_owned();
    let statements =
        format!("create role {name} login password 'plain'; alter database {of} owner to {name}");
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&database).await.unwrap();
    let options = (*database.connect_options()).clone().username(&name).password("plain");
    let_in(&database, &name, &options).await;
    let url = options.to_url_lossy().to_string();
    let home = Home::of(User::Same);
    let mut command = home.command(&["serve"]);
    command.env("DATABASE_URL", &url);
    let program = Program::start(command).await;
    assert_eq!(program.anonymous().get("/readyz").await.status(), StatusCode::OK);
    let plain = pool::pool(options, 1);
    let started = "select count(*) from audit_event where action = 'started'";
    assert_eq!(sqlx::query_scalar::<_, i64>(started).fetch_one(&plain).await.unwrap(), 1);
    for statement in
        ["update audit_event set outcome = 'ok'", "delete from audit_event", "truncate audit_event"]
    {
        assert!(sqlx::query(statement).execute(&plain).await.is_err(), "{statement}");
    }
    let doctor = home.run(&["doctor"], &[("DATABASE_URL", &url)]).await;
    let words = String::from_utf8(doctor.stdout).unwrap();
    assert!(words.contains("WRONG audit: the server works as the owner of its tables"), "{words}");
    assert!(!doctor.status.success());
    assert!(program.end("TERM").await.success());
}
