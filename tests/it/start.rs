//! Starting with nothing, stopping, being killed, and starting again.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio, time::Duration};

use serde_json::Value;
use sqlx::Executor as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use trueprice::{app::App, db::pool, web::server::Patience};

use crate::support::{
    Caller, Home, Mood, Program, S3Server, TestServer, User, address, empty_database, serve,
    serve_with, signal, until,
};

async fn leave_mark(home: &Home) {
    let pool = home.pool();
    pool.execute("create table mark (x int)").await.unwrap();
    pool.close().await;
}

async fn assert_mark(home: &Home) {
    let pool = home.pool();
    pool.execute("select x from mark").await.expect("the data of the first start is there");
    pool.close().await;
}

async fn assert_ready(caller: &Caller) {
    let answer = caller.get("/readyz?verbose").await;
    assert_eq!(answer.status(), 200);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["status"], "ready");
    let names: Vec<_> = body["checks"].as_array().unwrap().iter().map(|c| &c["name"]).collect();
    assert_eq!(names, ["database", "migrations", "documents"]);
}

fn is_running(process: u32) -> bool {
    // A process that has ended and was not yet waited for has no folder that it works in.
    fs::read_link(format!("/proc/{process}/cwd")).is_ok()
}

#[tokio::test]
async fn the_first_start_needs_nothing_and_the_second_finds_the_data() {
    for user in User::all() {
        let home = Home::of(user);
        let first = home.serve().await;
        assert_ready(&first.anonymous()).await;
        leave_mark(&home).await;
        let postgres = home.postgres().unwrap();
        let status = first.end("TERM").await;
        assert!(status.success(), "{status}");
        assert!(!is_running(postgres), "PostgreSQL ended with the server");
        assert_eq!(home.postgres(), None, "PostgreSQL ended cleanly");
        let second = home.serve().await;
        assert_ready(&second.anonymous()).await;
        assert_mark(&home).await;
        assert!(second.end("INT").await.success());
    }
}

#[tokio::test]
async fn a_server_that_was_killed_starts_again_and_leaves_no_orphan() {
    for user in User::all() {
        let home = Home::of(user);
        let first = home.serve().await;
        leave_mark(&home).await;
        let postgres = home.postgres().unwrap();
        first.end("KILL").await;
        let second = home.serve().await;
        assert!(!is_running(postgres));
        assert_ready(&second.anonymous()).await;
        assert_mark(&home).await;
    }
}

#[tokio::test]
async fn no_postgres_is_left_when_a_killed_server_does_not_come_back() {
    let home = Home::of(User::Same);
    let server = home.serve().await;
    let postgres = home.postgres().unwrap();
    server.end("KILL").await;
    until(async || !is_running(postgres)).await;
}

#[tokio::test]
async fn a_postgres_that_outlived_its_server_is_ended_first() {
    let home = Home::of(User::Same);
    let server = home.serve().await;
    let postgres = home.postgres().unwrap();
    // A stopped process takes no signal but KILL until it goes on.
    signal(postgres, "STOP").await;
    server.end("KILL").await;
    let (second, ()) = tokio::join!(home.serve(), async {
        until(async || fs::read_to_string(home.data().join("lock")).is_ok()).await;
        signal(postgres, "CONT").await;
    });
    assert!(!is_running(postgres));
    assert_ready(&second.anonymous()).await;
}

#[tokio::test]
async fn what_an_interrupted_first_start_left_is_in_nobodys_way() {
    let home = Home::of(User::Same);
    let half = home.data().join("postgres.new-1/data");
    fs::create_dir_all(&half).unwrap();
    fs::set_permissions(home.data(), fs::Permissions::from_mode(0o711)).unwrap();
    fs::write(half.join("PG_VERSION"), "15").unwrap();
    let server = home.serve().await;
    assert_ready(&server.anonymous()).await;
    assert!(!home.data().join("postgres.new-1").exists());
}

#[tokio::test]
async fn a_process_with_the_number_of_the_old_postgres_is_left_alone() {
    let home = Home::of(User::Same);
    home.serve().await.end("TERM").await;
    let pid_file = home.data().join("postgres/data/postmaster.pid");
    fs::write(&pid_file, format!("{}\n", std::process::id())).unwrap();
    let server = home.serve().await;
    assert_ready(&server.anonymous()).await;
}

#[tokio::test]
async fn postgres_killed_under_the_server_comes_back() {
    let home = Home::of(User::Same);
    let server = home.serve().await;
    let caller = server.anonymous();
    let killed = home.postgres().unwrap();
    signal(killed, "KILL").await;
    until(async || home.postgres().is_some_and(|postgres| postgres != killed)).await;
    until(async || caller.get("/readyz").await.status() == 200).await;
    assert!(server.end("TERM").await.success());
}

#[tokio::test]
async fn a_database_that_is_away_is_a_503_that_names_it() {
    let server = TestServer::start().await;
    let nowhere = "postgres://nobody@127.0.0.1:1/nothing".parse().unwrap();
    let base = serve(App { pool: pool::pool(nowhere, 2), ..server.app.clone() }).await;
    let caller = Caller::anonymous(&base);
    let answer = caller.get("/readyz").await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "5");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["code"], "not_ready");
    assert_eq!(body["checks"][0]["ready"], false);
    assert_eq!(body["checks"][2]["ready"], true);
    assert_eq!(caller.get("/livez").await.status(), 200);
}

#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_end() {
    let (home, s3) = (Home::of(User::Same), S3Server::start().await);
    let mut command = home.command(&["serve"]);
    command.envs(s3.environment());
    let server = Program::start(command).await;
    s3.set(Mood::Hanging);
    let caller = server.anonymous();
    let (answer, status) = tokio::join!(caller.get("/readyz"), async {
        // The server asks its store while it works on the request.
        s3.asked().await;
        server.end("TERM").await
    });
    assert_eq!(answer.status(), 503);
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_client_that_never_finishes_its_request_is_let_go() {
    let server = TestServer::start().await;
    let patience = Patience { head: Duration::from_millis(100), ..Patience::default() };
    let base = serve_with(server.app.clone(), patience).await;
    for beginning in ["", "GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        let mut client = TcpStream::connect(base.trim_start_matches("http://")).await.unwrap();
        client.write_all(beginning.as_bytes()).await.unwrap();
        let mut answer = String::new();
        // Ends when the server closes the connection.
        client.read_to_string(&mut answer).await.unwrap();
        assert!(!answer.contains("200 OK"), "{answer}");
    }
    assert_eq!(Caller::anonymous(&base).get("/livez").await.status(), 200);
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let server = TestServer::start().await;
    let request = server.anonymous().request(reqwest::Method::GET, "/livez");
    let answer = request.header("x-long", "x".repeat(64 << 10)).send().await;
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status() == 431));
}

#[tokio::test]
async fn one_data_directory_has_one_server() {
    let home = Home::of(User::Same);
    let server = home.serve().await;
    let second = home.run(&["serve"], &[]).await;
    assert_eq!(second.status.code(), Some(1));
    let words = String::from_utf8(second.stderr).unwrap();
    assert!(words.contains("stop it, or give this one another --data-dir"), "{words}");
    // Other commands use the server's database.
    let doctor = home.run(&["doctor"], &[]).await;
    let words = String::from_utf8(doctor.stdout).unwrap();
    assert!(doctor.status.success(), "{words}");
    assert!(words.contains("private PostgreSQL of the running server"), "{words}");
    let address = fs::read_to_string(home.data().join("database.url")).unwrap();
    assert!(
        address.starts_with("postgres://") && !address.contains('?'),
        "psql takes it: {address}"
    );
    assert_ready(&server.anonymous()).await;
}

#[tokio::test]
async fn a_wrong_setting_ends_with_78_and_is_named_with_its_place() {
    let home = Home::of(User::Same);
    fs::write(home.path().join("settings.toml"), "\n[limits]\nrows = 'many'\n").unwrap();
    let refused = async |arguments: &[&str], environment: &[(&str, &str)], wanted: &str| {
        let output = home.run(arguments, environment).await;
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(78), "{words}");
        assert!(words.contains(wanted), "{words}");
    };
    refused(&["serve", "--listen", "here"], &[], "flag --listen").await;
    refused(&["serve", "--listen", "0.0.0.0:0"], &[], "--behind-tls-proxy").await;
    let mars = [("TRUEPRICE_CURVE_TIMEZONE", "Mars")];
    refused(&["serve"], &mars, "environment variable TRUEPRICE_CURVE_TIMEZONE").await;
    let file = ["serve", "--config", "settings.toml"];
    refused(&file, &[], "settings.toml, line 3, limits.rows").await;
    refused(&["serve", "--config", "no.toml"], &[], "no.toml: cannot be read").await;
    refused(&["serve"], &[("DATABASE_URL", "foo")], "environment variable DATABASE_URL").await;
    let weak = [("TRUEPRICE_ADMIN_PASSWORD", "weak")];
    refused(&["serve"], &weak, "environment variable TRUEPRICE_ADMIN_PASSWORD").await;
    let misspelt = [("TRUEPRICE_DATADIR", "x")];
    refused(&["serve"], &misspelt, "did you mean TRUEPRICE_DATA_DIR?").await;
    let file = ["serve", "--data-dir", "settings.toml"];
    refused(&file, &[], "flag --data-dir").await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken_address = taken.local_addr().unwrap().to_string();
    let output = home.run(&["serve"], &[("TRUEPRICE_LISTEN", &taken_address)]).await;
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("environment variable TRUEPRICE_LISTEN: cannot listen"), "{words}");
    assert!(!home.data().exists(), "nothing was begun");
}

#[tokio::test]
async fn a_database_and_a_bucket_outside_are_used_when_they_are_named() {
    let (home, s3, database) =
        (Home::of(User::Same), S3Server::start().await, empty_database().await);
    let mut command = home.command(&["serve"]);
    command.env("DATABASE_URL", address(&database)).envs(s3.environment());
    let server = Program::start(command).await;
    assert_ready(&server.anonymous()).await;
    assert_eq!(pool::pending_migrations(&database).await.unwrap(), 0);
    assert!(!home.data().join("postgres").exists());
}

#[tokio::test]
async fn two_nodes_bring_the_schema_up_to_date_together() {
    let database = empty_database().await;
    assert_ne!(pool::pending_migrations(&database).await.unwrap(), 0);
    let (one, other) = tokio::join!(pool::migrate(&database), pool::migrate(&database));
    one.unwrap();
    other.unwrap();
    assert_eq!(pool::pending_migrations(&database).await.unwrap(), 0);
}

#[tokio::test]
async fn root_finds_a_place_where_postgres_can_go() {
    if !User::all().contains(&User::Nobody) {
        return;
    }
    let home = Home::of(User::Same);
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let first = home.serve().await;
    let place = fs::read_link(home.data().join("cluster")).unwrap();
    assert!(place.starts_with("/var/lib/trueprice"), "{}", place.display());
    leave_mark(&home).await;
    first.end("KILL").await;
    let second = home.serve().await;
    assert_mark(&home).await;
    second.end("TERM").await;
    fs::remove_dir_all(place).unwrap();
    assert!(!home.run(&["migrate"], &[]).await.status.success(), "an empty database is no answer");
}

#[tokio::test]
async fn the_doctor_tells_what_is_wrong() {
    let home = Home::of(User::Same);
    assert!(home.run(&["doctor"], &[]).await.status.success());
    assert!(!home.data().exists(), "the doctor makes nothing");
    assert!(home.run(&["migrate"], &[]).await.status.success());
    let nonsense = home.run(&["doctor"], &[("TRUEPRICE_PG_BIN", "/tmp")]).await;
    let words = String::from_utf8(nonsense.stdout).unwrap();
    assert!(words.contains("WRONG postgresql: TRUEPRICE_PG_BIN: /tmp: there is no"), "{words}");
    let well = home.run(&["doctor"], &[]).await;
    assert!(well.status.success(), "{}", String::from_utf8_lossy(&well.stdout));
    let nowhere = [("DATABASE_URL", "postgres://nobody:hush@127.0.0.1:1/nothing")];
    let ill = home.run(&["doctor"], &nowhere).await;
    let words = String::from_utf8([ill.stdout, ill.stderr].concat()).unwrap();
    assert_eq!(ill.status.code(), Some(1));
    assert!(words.contains("WRONG database"), "{words}");
    assert!(!words.contains("hush"), "{words}");
}

#[tokio::test]
async fn the_description_is_printed_without_a_server() {
    let home = Home::of(User::Same);
    let output = home.run(&["openapi"], &[]).await;
    let description: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(description["paths"]["/readyz"]["get"].is_object());
    assert!(!Path::new(&home.data()).exists());
}

#[tokio::test]
async fn the_numbers_are_told() {
    let server = TestServer::start().await;
    let answer = server.anonymous().get("/metrics").await;
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    let body = answer.text().await.unwrap();
    assert!(body.contains("\ndatabase_connections "), "{body}");
    assert_eq!(server.anonymous().get("/metrics?x=1").await.status(), 400);
}

#[tokio::test]
async fn a_first_start_may_be_killed_at_any_moment() {
    let home = Home::of(User::Same);
    for milliseconds in [30, 100, 200, 300, 400, 500, 700, 900] {
        let mut first = home.command(&["serve"]).stdout(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        first.kill().await.unwrap();
    }
    let last = home.serve().await;
    assert_ready(&last.anonymous()).await;
    assert!(last.end("TERM").await.success());
}
