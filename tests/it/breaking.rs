//! Killed and cut off at every step of an upload: never half a version, and sending the file again
//! completes it. A step is reached for certain: the test holds the lock that the step needs, and
//! waits until the server waits for it.

use std::fs;

use bytes::Bytes;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool};
use tokio::{
    io::{AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use trueprice::{
    auth::Role,
    clock::Clock,
    db::pool,
    domain::{Dataset, Family, Iso},
    objects::{Documents, LocalStore},
};

use crate::support::{
    Caller, Home, Mood, Program, Reply, S3Server, TestServer, User,
    accounts::Account,
    address, empty_database, signal,
    store::{Stored, assert_sound, stored},
    until,
};

/// Where an upload is stopped, and what holds it there. `%` stands for the dataset.
const STEPS: [(&str, &str); 10] = [
    ("the bytes are durable", "lock table curve_version in access exclusive mode"),
    (
        "before the decision",
        "select pg_advisory_xact_lock(7422, % * 100000 + ('2024-05-22'::date - '1970-01-01'::date))",
    ),
    ("the row of the document", "lock table document in share mode"),
    ("the end of the version before", "lock table curve_version in share row exclusive mode"),
    ("new series", "lock table series in share mode"),
    ("the COPY begins", "lock table curve in share mode"),
    ("the COPY ends", "lock table series in exclusive mode"),
    ("the announcement", "lock table event in share mode"),
    ("the log", "lock table upload in share mode"),
    ("before it is known", "select pg_advisory_xact_lock_shared(7421, %)"),
];

/// An energy file of `columns` zones. A new zone makes a new series.
fn energy(columns: usize, price: usize) -> Bytes {
    let row = |label: &str, cell: &dyn Fn(usize) -> String| {
        let cells: Vec<String> = (0..columns).map(cell).collect();
        format!("{label},{}\n", cells.join(","))
    };
    let same = |text: &'static str| move |_: usize| text.to_owned();
    let zone = |n: usize| format!("ZONE {n}");
    let mut text = row("Control Area", &same("ERCOT")) + &row("State", &same("TX"));
    text +=
        &(row("Load Zone", &zone) + &row("Capacity Zone", &zone) + &row("Utility", &same("ALL")));
    text += &(row("Block Type", &same("7x8")) + &row("Cost Group", &same("Energy")));
    text += &(row("Cost Component", &same("Energy")) + &row("", &same("")) + &row("Month", &zone));
    for month in 0..61 {
        let date = format!("{}/1/{}", (month + 4) % 12 + 1, 2024 + (month + 4) / 12);
        text += &row(&date, &|n| format!("{}.{n:02}", price + month));
    }
    text.into()
}

fn name(step: usize) -> String {
    format!("Energy_ERCOT_20240522_08{step:02}00.csv")
}

/// The file that is sent at a step: new series only where they are the step.
fn file(step: usize) -> (String, Bytes) {
    let columns = if STEPS.get(step).is_some_and(|step| step.0 == "new series") { 5 } else { 4 };
    (name(step), energy(columns, 20 + step))
}

/// Holds an upload at a step until it is dropped or ended.
async fn hold(pool: &PgPool, lock: &str) -> PgConnection {
    let dataset = Dataset::new(Family::Energy, Iso::Ercot).unwrap();
    let mut connection = PgConnection::connect_with(&pool.connect_options()).await.unwrap();
    let lock = lock.replace('%', &dataset.id().to_string());
    connection.execute(AssertSqlSafe(format!("begin; {lock}"))).await.unwrap();
    connection
}

async fn count(pool: &PgPool, what: &'static str) -> i64 {
    sqlx::query_scalar(what).fetch_one(pool).await.unwrap()
}

/// Waits until somebody waits for a lock.
async fn somebody_waits(pool: &PgPool) {
    const WAITING: &str = "select count(*) from pg_stat_activity
        where datname = current_database() and backend_type = 'client backend'
          and wait_event_type = 'Lock'";
    until(async || count(pool, WAITING).await > 0).await;
}

/// Waits until nobody else does anything: what was begun is committed or gone.
async fn nobody_works(pool: &PgPool) {
    const WORKING: &str = "select count(*) from pg_stat_activity
        where datname = current_database() and backend_type = 'client backend'
          and pid <> pg_backend_pid() and state <> 'idle'";
    until(async || count(pool, WORKING).await == 0).await;
}

async fn assert_unchanged(pool: &PgPool, documents: &Documents, before: Stored, step: &str) {
    assert_eq!(stored(pool).await, before, "{step}");
    assert_sound(pool, documents).await;
}

fn sending(caller: &Caller, (name, bytes): (String, Bytes)) -> JoinHandle<Option<Reply>> {
    let request = caller.form("/api/v1/uploads", crate::support::form("file", &[(&name, bytes)]));
    tokio::spawn(async move {
        match request.send().await {
            Ok(response) => Some(Reply::of(response).await),
            Err(_) => None,
        }
    })
}

/// A server as a process, with a database that outlives it.
struct Outside {
    home: Home,
    pool: PgPool,
    token: String,
    environment: Vec<(&'static str, String)>,
}

impl Outside {
    async fn new(environment: &[(&'static str, String)]) -> Self {
        let pool = empty_database().await;
        pool::migrate(&pool).await.unwrap();
        let token = Account::insert(&pool, &Clock::system(), Role::ReadWrite).await.token;
        Self { home: Home::of(User::Same), pool, token, environment: environment.to_vec() }
    }

    async fn start(&self) -> (Program, Caller) {
        let mut command = self.home.command(&["serve"]);
        command.env("DATABASE_URL", address(&self.pool));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let program = Program::start(command).await;
        let caller = program.anonymous().with_token(&self.token);
        (program, caller)
    }

    fn documents(&self) -> Documents {
        Documents::Local(LocalStore::open(&self.home.data().join("documents")).unwrap())
    }
}

#[tokio::test]
async fn a_server_that_is_killed_at_any_step_leaves_all_or_nothing() {
    let outside = Outside::new(&[]).await;
    let (pool, documents) = (&outside.pool, outside.documents());
    let (mut program, mut caller) = outside.start().await;
    let first = caller.upload("Energy_ERCOT_20240522_000000.csv", energy(4, 19)).await;
    assert_eq!(first.outcome(), (201, "created"), "{}", first.body);
    for (step, (what, lock)) in STEPS.iter().enumerate() {
        let before = stored(pool).await;
        let held = hold(pool, lock).await;
        let answer = sending(&caller, file(step));
        somebody_waits(pool).await;
        program.end("KILL").await;
        assert!(answer.await.unwrap().is_none(), "{what}: nobody is told that it was stored");
        held.close().await.unwrap();
        nobody_works(pool).await;
        assert_unchanged(pool, &documents, before, what).await;
        (program, caller) = outside.start().await;
        let (name, bytes) = file(step);
        let again = caller.upload(&name, bytes).await;
        assert_eq!(again.outcome(), (201, "superseded"), "{what}: {}", again.body);
        assert_eq!(stored(pool).await.versions, before.versions + 1, "{what}");
        assert_sound(pool, &documents).await;
    }
}

#[tokio::test]
async fn a_sender_that_goes_away_at_any_step_leaves_all_or_nothing() {
    let server = TestServer::start().await;
    let (pool, documents) = (&server.app.pool, &server.app.documents);
    let caller = server.caller(Role::ReadWrite).await;
    assert_eq!(caller.upload("Energy_ERCOT_20240522_000000.csv", energy(4, 19)).await.status, 201);
    for (step, (what, lock)) in STEPS.iter().enumerate() {
        let before = stored(pool).await;
        let held = hold(pool, lock).await;
        let answer = sending(&caller, file(step));
        somebody_waits(&server.owner).await;
        answer.abort();
        _ = answer.await;
        held.close().await.unwrap();
        nobody_works(&server.owner).await;
        assert_sound(pool, documents).await;
        let (name, bytes) = file(step);
        let again = caller.upload(&name, bytes).await;
        let expected = [(201, "superseded"), (200, "already_stored")];
        assert!(expected.contains(&again.outcome()), "{what}: {}", again.body);
        assert_eq!(stored(pool).await.versions, before.versions + 1, "{what}");
        assert_sound(pool, documents).await;
    }
}

/// A store in front of a store: takes everything in, and never lets an answer out.
async fn swallow_answers(target: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let target = target.clone();
            tokio::spawn(async move {
                let store = TcpStream::connect(target).await.unwrap();
                let ((mut from, open), (_unread, mut to)) =
                    (client.into_split(), store.into_split());
                _ = copy(&mut from, &mut to).await;
                _ = to.shutdown().await;
                drop(open);
            });
        }
    });
    endpoint
}

fn with_endpoint(s3: &S3Server, endpoint: &str) -> Vec<(&'static str, String)> {
    let mut environment = s3.environment().to_vec();
    for (name, value) in &mut environment {
        if *name == "AWS_ENDPOINT_URL" {
            endpoint.clone_into(value);
        }
    }
    environment
}

#[tokio::test]
async fn a_server_that_is_killed_while_the_store_takes_the_bytes_leaves_at_most_an_object() {
    let s3 = S3Server::start().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let mut outside = Outside::new(&with_endpoint(&s3, &endpoint)).await;
    // The bytes never arrive.
    let (program, caller) = outside.start().await;
    let answer = sending(&caller, file(0));
    let (socket, _) = silent.accept().await.unwrap();
    program.end("KILL").await;
    drop(socket);
    assert!(answer.await.unwrap().is_none());
    let documents = s3.documents();
    let nothing = stored(&outside.pool).await;
    assert_eq!((nothing.versions, s3.files().len()), (0, 0));
    // They arrive, and nobody is told.
    let target =
        s3.environment().into_iter().find(|(name, _)| *name == "AWS_ENDPOINT_URL").unwrap();
    let target = target.1.trim_start_matches("http://").to_owned();
    outside.environment = with_endpoint(&s3, &swallow_answers(target).await);
    let (program, caller) = outside.start().await;
    let answer = sending(&caller, file(0));
    until(async || !s3.files().is_empty()).await;
    program.end("KILL").await;
    assert!(answer.await.unwrap().is_none());
    assert_unchanged(&outside.pool, &documents, nothing, "an object without a row").await;
    outside.environment = s3.environment().to_vec();
    let (_program, caller) = outside.start().await;
    let (name, bytes) = file(0);
    assert_eq!(caller.upload(&name, bytes).await.outcome(), (201, "created"));
    assert_eq!(s3.files().len(), 1);
    assert_sound(&outside.pool, &documents).await;
}

/// A server with its private PostgreSQL.
async fn inside(home: &Home) -> (Program, Caller, PgPool) {
    let program = home.serve().await;
    let pool = home.pool();
    let token = Account::insert(&pool, &Clock::system(), Role::ReadWrite).await.token;
    let caller = program.anonymous().with_token(&token);
    (program, caller, pool)
}

fn documents_of(home: &Home) -> Documents {
    Documents::Local(LocalStore::open(&home.data().join("documents")).unwrap())
}

/// The process of the connection that waits for a lock.
async fn who_waits(pool: &PgPool) -> u32 {
    let process: i32 = sqlx::query_scalar(
        "select pid from pg_stat_activity where wait_event_type = 'Lock' and pid <> pg_backend_pid()",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    u32::try_from(process).unwrap()
}

#[tokio::test]
async fn a_postgres_that_is_killed_in_the_middle_of_a_copy_leaves_nothing() {
    let home = Home::of(User::Same);
    let (_program, caller, pool) = inside(&home).await;
    assert_eq!(caller.upload("Energy_ERCOT_20240522_000000.csv", energy(4, 19)).await.status, 201);
    let copying = STEPS.iter().filter(|step| step.0.starts_with("the COPY"));
    for (step, (what, lock)) in copying.enumerate() {
        // All of it, then one connection of it.
        for whole in [true, false] {
            let step = 2 * step + usize::from(!whole);
            let before = stored(&pool).await;
            let mut held = hold(&pool, lock).await;
            let answer = sending(&caller, (name(step), energy(4, 20 + step)));
            somebody_waits(&pool).await;
            let victim = if whole { home.postgres().unwrap() } else { who_waits(&pool).await };
            signal(victim, "KILL").await;
            let answer = answer.await.unwrap().expect("an answer");
            assert_eq!(answer.outcome(), (503, "database_unavailable"), "{what}: {}", answer.body);
            // A connection that still stands belongs to the PostgreSQL that is about to fall.
            while held.execute("select 1").await.is_ok() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            until(async || caller.get("/readyz").await.status() == 200).await;
            until(async || pool.execute("select 1").await.is_ok()).await;
            assert_unchanged(&pool, &documents_of(&home), before, what).await;
            let again = caller.upload(&name(step), energy(4, 20 + step)).await;
            assert_eq!(again.status, 201, "{what}: {}", again.body);
            assert_eq!(stored(&pool).await.versions, before.versions + 1);
        }
    }
    assert_sound(&pool, &documents_of(&home)).await;
}

#[tokio::test]
async fn what_was_committed_before_a_kill_is_stored_whole() {
    const COMMITTING: &str = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'";
    const STANDBY: &str = "select count(*) from pg_settings
        where name = 'synchronous_standby_names' and setting = 'nobody'";
    let home = Home::of(User::Same);
    let (program, caller, pool) = inside(&home).await;
    // The use of the token is written now, and not again within the minute.
    assert_eq!(caller.upload("Energy_ERCOT_20240522_000000.csv", energy(4, 19)).await.status, 201);
    // What follows from the first file is done: the next commit is that of the second.
    until(async || count(&pool, "select count(*) from derivation_due").await == 0).await;
    nobody_works(&pool).await;
    // A commit is durable here, and waits for a copy elsewhere that never is.
    pool.execute("alter system set synchronous_standby_names = 'nobody'").await.unwrap();
    pool.execute("select pg_reload_conf()").await.unwrap();
    until(async || count(&pool, STANDBY).await > 0).await;
    let answer = sending(&caller, file(1));
    until(async || count(&pool, COMMITTING).await > 0).await;
    program.end("KILL").await;
    assert!(answer.await.unwrap().is_none());
    pool.close().await;
    fs::write(home.data().join("postgres/data/postgresql.auto.conf"), "").unwrap();
    let (_program, caller, pool) = inside(&home).await;
    assert_eq!(stored(&pool).await.versions, 2);
    assert_sound(&pool, &documents_of(&home)).await;
    let (name, bytes) = file(1);
    assert_eq!(caller.upload(&name, bytes).await.outcome(), (200, "already_stored"));
}

#[tokio::test]
async fn without_its_store_the_server_takes_nothing_in_and_reads_on() {
    let s3 = S3Server::start().await;
    let server = TestServer::start_on(&s3).await;
    let (pool, documents) = (&server.app.pool, &server.app.documents);
    let caller = server.caller(Role::ReadWrite).await;
    let (first, bytes) = file(1);
    assert_eq!(caller.upload(&first, bytes.clone()).await.outcome(), (201, "created"));
    let (second, later) = file(2);
    for mood in [Mood::Refusing, Mood::Hanging] {
        let before = stored(pool).await;
        s3.set(mood);
        let reply = caller.upload(&second, later.clone()).await;
        assert_eq!(reply.outcome(), (503, "storage_unavailable"), "{mood:?}");
        assert_eq!(stored(pool).await, before, "{mood:?}");
        let versions = caller.ask("/api/v1/versions?curve=energy&iso=ercot").await;
        assert_eq!(
            (versions.status, versions.body["items"].as_array().map(Vec::len)),
            (200, Some(1))
        );
        let data =
            caller.get("/api/v1/data?curve=energy&iso=ercot&mode=unstandardized&format=csv").await;
        let status = data.status();
        let text = data.text().await.unwrap();
        assert_eq!(status, 200, "{text}");
        assert!(text.contains("ZONE 3"), "{text}");
        s3.set(Mood::Serving);
        assert_sound(pool, documents).await;
    }
    assert_eq!(caller.upload(&second, later).await.outcome(), (201, "superseded"));
}

#[tokio::test]
async fn a_store_that_fails_after_the_bytes_are_in_it_changes_no_answer() {
    let s3 = S3Server::start().await;
    let server = TestServer::start_on(&s3).await;
    let pool = &server.app.pool;
    let caller = server.caller(Role::ReadWrite).await;
    let held = hold(pool, STEPS[9].1).await;
    let answer = sending(&caller, file(0));
    somebody_waits(&server.owner).await;
    s3.set(Mood::Refusing);
    held.close().await.unwrap();
    assert_eq!(answer.await.unwrap().unwrap().outcome(), (201, "created"));
    s3.set(Mood::Serving);
    assert_sound(pool, &server.app.documents).await;
    let entries: Value = caller.ask("/api/v1/uploads").await.body;
    assert_eq!(entries["items"][0]["status"], 201);
}
