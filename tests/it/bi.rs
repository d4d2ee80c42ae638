//! SQL for BI tools: who gets in, what they see, and what they cannot do. Every connection is a real
//! one, over TLS, with the password that the server gave.

use chrono::{Datelike as _, Months, NaiveDate};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, postgres::PgSslMode};
use trueprice::{
    auth::Role,
    bi::{derive, watchdog},
    domain::{Dataset, Family, Iso},
};
use uuid::Uuid;

use crate::{
    downloads_stored::{Stored, at, column, store},
    support::{
        Caller, Home, Program, TestServer, User,
        accounts::{Account, attach_everything},
        as_bi, certificate, free_port, until,
    },
};

/// Somebody with a login role.
pub struct Analyst {
    pub account: Account,
    pub caller: Caller,
    pub user: String,
    pub password: String,
}

impl Analyst {
    /// A new user of this role without a package, who asks for access by SQL.
    pub async fn new(server: &TestServer, role: Role) -> Self {
        Self::of(server, server.account_without_grants(role).await).await
    }

    /// A user asks for access by SQL.
    pub async fn of(server: &TestServer, account: Account) -> Self {
        let caller = server.anonymous().with_token(&account.token);
        let made = make(&caller).await;
        let word = |name: &str| made[name].as_str().unwrap().to_owned();
        Self { account, user: word("user"), password: word("password"), caller }
    }

    /// A new connection.
    pub async fn connect(&self, server: &TestServer) -> PgConnection {
        self.try_connect(server).await.unwrap()
    }

    async fn try_connect(&self, server: &TestServer) -> sqlx::Result<PgConnection> {
        PgConnection::connect_with(&as_bi(&server.app.pool, &self.user, &self.password)).await
    }
}

async fn make(caller: &Caller) -> Value {
    let answer = caller.request(Method::POST, "/api/v1/bi").send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.json().await.unwrap()
}

async fn run(connection: &mut PgConnection, statement: &str) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await.map(|_| ())
}

async fn count(connection: &mut PgConnection, from: &str) -> i64 {
    let ask = AssertSqlSafe(format!("select count(*) from {from}"));
    sqlx::query_scalar(ask).fetch_one(connection).await.unwrap()
}

async fn texts(connection: &mut PgConnection, ask: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(ask.to_owned())).fetch_all(connection).await.unwrap()
}

fn ercot() -> Dataset {
    Dataset::new(Family::Energy, Iso::Ercot).unwrap()
}

/// Three zones with two blocks each, from last month on for six months.
fn prices() -> Stored {
    let first = this_month() - Months::new(1);
    let mut columns = Vec::new();
    for zone in ["NORTH ZONE", "SOUTH ZONE", "SECRET ZONE"] {
        for (block, tens) in [("5x16", "1"), ("2x16", "2"), ("7x8", "3")] {
            let values: Vec<String> = (0..6).map(|month| format!("{tens}{month}.5")).collect();
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            columns.push(column(zone, block, &values));
        }
    }
    Stored {
        dataset: ercot(),
        timestamp: at(3, 4, 9, 30),
        cob: false,
        known_at: at(3, 4, 9, 31),
        months: (0..6).map(|month| first + Months::new(month)).collect(),
        columns,
    }
}

fn this_month() -> NaiveDate {
    trueprice::clock::Clock::system().now().date_naive().with_day(1).unwrap()
}

async fn served() -> TestServer {
    let server = TestServer::start().await;
    store(&server.app.pool, &prices()).await;
    derive::catch_up(&server.app).await.unwrap();
    server
}

const VIEWS: [&str; 3] = ["trueprice.ercot_energy", "bi.points", "bi.series"];

#[tokio::test]
async fn without_a_grant_there_is_nothing_and_with_one_exactly_its_cells() {
    let server = served().await;
    let ann = Analyst::new(&server, Role::ReadOnly).await;
    let mut sql = ann.connect(&server).await;
    for view in VIEWS.into_iter().chain(["bi.versions", "bi.datasets", "bi.headroom"]) {
        assert_eq!(count(&mut sql, view).await, 0, "{view}");
    }
    assert_eq!(count(&mut sql, "bi.reference_hours").await, 5 * 2 * 1212);
    let rolling = |from: &str| {
        json!([{ "curves": ["energy"], "isos": ["ercot"], "load_zones": ["NORTH ZONE"], "block_types": ["5X16"],
                 "months": "rolling", "rolling_months": 3, "rolling_from": from }])
    };
    server.grant(ann.account.id, rolling("balance")).await;
    let month = |ahead| (this_month() + Months::new(ahead)).to_string();
    let expected: Vec<String> =
        (0..3).map(|ahead| format!("NORTH ZONE 5x16 {} 1{}.5", month(ahead), ahead + 1)).collect();
    let cells = "select concat_ws(' ', load_zone, strip, month, data) from trueprice.ercot_energy order by month";
    assert_eq!(texts(&mut sql, cells).await, expected);
    let cells = "select concat_ws(' ', load_zone, block_type, contract_month, value) from bi.points order by contract_month";
    assert_eq!(texts(&mut sql, cells).await, expected);
    assert_eq!(texts(&mut sql, "select block_type from bi.series").await, ["5x16"]);
    assert_eq!(
        texts(&mut sql, "select curve || ' ' || iso from bi.datasets").await,
        ["energy ercot"]
    );
    assert_eq!(count(&mut sql, "bi.versions").await, 1);
    // Another grant of the same cells and of a month more: no cell comes twice.
    server.grant(ann.account.id, rolling("prompt")).await;
    for view in &VIEWS[..2] {
        assert_eq!(count(&mut sql, view).await, 4, "{view}");
    }
}

#[tokio::test]
async fn windows_apart_from_each_other_leave_out_what_is_between() {
    let server = served().await;
    let ann = Analyst::new(&server, Role::ReadOnly).await;
    let month = |ahead| this_month() + Months::new(ahead);
    let only = |ahead| {
        json!({ "curves": ["energy"], "block_types": ["7x8"], "months": "fixed",
                "first_month": month(ahead), "last_month": month(ahead) })
    };
    server.grant(ann.account.id, json!([only(0), only(3)])).await;
    let mut sql = ann.connect(&server).await;
    let expected = [month(0).to_string(), month(3).to_string()];
    for (view, column) in [("trueprice.ercot_energy", "month"), ("bi.points", "contract_month")] {
        let ask = format!("select distinct {column}::text from {view} order by 1");
        assert_eq!(texts(&mut sql, &ask).await, expected, "{view}");
        assert_eq!(count(&mut sql, view).await, 6, "{view}");
    }
}

#[tokio::test]
async fn one_grant_must_allow_all_of_a_cell() {
    let server = served().await;
    let ann = Analyst::new(&server, Role::ReadOnly).await;
    // The zone by one, the months by another, which is for another zone.
    let far = this_month() + Months::new(12);
    let grants = json!([
        { "curves": ["energy"], "load_zones": ["NORTH ZONE"], "months": "fixed", "first_month": far },
        { "curves": ["energy"], "load_zones": ["NOWHERE"] },
        { "curves": ["energy"], "load_zones": ["SOUTH ZONE"], "delay_days": 30000 },
    ]);
    server.grant(ann.account.id, grants).await;
    let mut sql = ann.connect(&server).await;
    for view in &VIEWS[..2] {
        assert_eq!(count(&mut sql, view).await, 0, "{view}");
    }
}

#[tokio::test]
async fn derived_prices_need_leave_of_their_own() {
    let server = served().await;
    let cases = [
        ("SOUTH ZONE", None, false, 0),
        ("SOUTH ZONE", None, true, 6),
        ("SOUTH ZONE", Some(vec!["7x24"]), true, 6),
        ("SOUTH ZONE", Some(vec!["7X8", "5x16"]), true, 0),
        ("SOUTH ZONE", Some(vec!["7X8", "5x16", "2x16"]), true, 6),
        ("NOWHERE", None, true, 0),
    ];
    for (zone, blocks, derived, expected) in cases {
        let values = json!({ "curves": ["energy"], "load_zones": [zone], "block_types": blocks,
                             "derived": derived });
        let ann = Analyst::new(&server, Role::ReadOnly).await;
        server.grant(ann.account.id, json!([values])).await;
        let mut sql = ann.connect(&server).await;
        assert_eq!(count(&mut sql, "bi.points where kind = 'derived'").await, expected, "{values}");
        // What is computed is the same for everybody: 7x24 of the first month with flat hours.
        if expected > 0 {
            let ask = "select value::text from bi.points where kind = 'derived' order by contract_month limit 1";
            let mut operator = server.owner.acquire().await.unwrap();
            let everybody = texts(&mut operator, ask).await;
            assert_eq!(texts(&mut sql, ask).await, everybody);
        }
    }
}

#[tokio::test]
async fn administrators_see_everything_and_the_operator_too() {
    let server = served().await;
    let mut sql = Analyst::new(&server, Role::Admin).await.connect(&server).await;
    let mut operator = server.owner.acquire().await.unwrap();
    for connection in [&mut sql, &mut *operator] {
        assert_eq!(count(connection, "trueprice.ercot_energy").await, 54);
        assert_eq!(count(connection, "bi.points").await, 54 + 18);
        assert_eq!(count(connection, "bi.datasets").await, 49);
    }
}

/// Each is refused, with this state of SQL.
const REFUSED: [(&str, &str); 24] = [
    ("insert into trueprice.ercot_energy (data) values (1)", "55000"),
    ("update bi.points set value = 1", "55000"),
    ("delete from bi.versions", "55000"),
    ("create table bi.mine (a int)", "42501"),
    ("create table trueprice.mine (a int)", "42501"),
    ("create table public.mine (a int)", "42501"),
    ("create temporary table mine (a int)", "42501"),
    ("create schema mine", "42501"),
    ("create function pg_temp.leak(text) returns boolean language sql as 'select true'", "42501"),
    ("do $$ begin perform 1; end $$", "42501"),
    ("select lo_create(0)", "42501"),
    ("select lo_from_bytea(0, 'x')", "42501"),
    ("set role trueprice", "42501"),
    ("set session authorization trueprice", "42501"),
    ("select * from public.curve", "42501"),
    ("select * from public.app_user", "42501"),
    ("select * from public.bi_role", "42501"),
    ("select * from public.audit_event", "42501"),
    ("select public.bi_entitlements(null)", "42501"),
    ("select pg_read_file('/etc/passwd')", "42501"),
    ("copy bi.points to program 'cat'", "42501"),
    ("select rolpassword from pg_authid", "42501"),
    ("alter role current_user superuser", "42501"),
    ("create role mine", "42501"),
];

#[tokio::test]
async fn a_role_can_do_nothing_but_read_its_views() {
    let server = served().await;
    let (ann, bob) =
        (Analyst::new(&server, Role::ReadOnly).await, Analyst::new(&server, Role::ReadOnly).await);
    attach_everything(&server.app.pool, ann.account.id).await;
    let mut sql = ann.connect(&server).await;
    // What the role begins with is no more than a default.
    run(&mut sql, "set default_transaction_read_only = off; set statement_timeout = 0")
        .await
        .unwrap();
    let become_bob =
        [format!("set role {}", bob.user), format!("set session authorization {}", bob.user)];
    let statements = REFUSED.iter().map(|(statement, _)| *statement);
    for statement in statements.chain(become_bob.iter().map(String::as_str)) {
        let error = run(&mut sql, statement).await.expect_err(statement);
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .unwrap_or_default()
            .into_owned();
        let known = REFUSED.iter().find(|(known, _)| *known == statement);
        // A view that cannot be written says so before it asks who may.
        let wanted = known.map_or("42501", |(_, code)| code);
        assert!(code == wanted || code == "42501", "{statement}: {code} {error}");
    }
    assert_eq!(count(&mut sql, "trueprice.ercot_energy").await, 54, "it still reads");
    // The settings that a role begins with.
    let mut fresh = ann.connect(&server).await;
    for (name, value) in [
        ("default_transaction_read_only", "on"),
        ("statement_timeout", "1min"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("search_path", "trueprice, bi"),
    ] {
        assert_eq!(texts(&mut fresh, &format!("show {name}")).await, [value], "{name}");
    }
    let row = sqlx::query(
        "select rolinherit, rolconnlimit, rolsuper or rolcreaterole or rolcreatedb or rolbypassrls,
                (select count(*) from pg_auth_members where member = r.oid or roleid = r.oid)
         from pg_roles r where rolname = $1",
    )
    .bind(&ann.user)
    .fetch_one(&server.app.pool)
    .await
    .unwrap();
    let facts: (bool, i32, bool, i64) = (row.get(0), row.get(1), row.get(2), row.get(3));
    assert_eq!(facts, (false, 5, false, 0));
}

#[tokio::test]
async fn a_leaky_condition_sees_no_foreign_row() {
    let server = served().await;
    let ann = Analyst::new(&server, Role::ReadOnly).await;
    let values = json!([{ "curves": ["energy"], "load_zones": ["NORTH ZONE"], "derived": true }]);
    server.grant(ann.account.id, values).await;
    let mut sql = ann.connect(&server).await;
    for view in VIEWS {
        // The error of a cast tells what it could not read.
        for condition in [
            "load_zone::int = 1",
            "('x' || load_zone)::int = 1",
            "1 / (length(load_zone) - 11) = 5",
        ] {
            let ask = format!("select count(*) from {view} where {condition}");
            let told = match run(&mut sql, &ask).await {
                Ok(()) => String::new(),
                Err(error) => error.to_string(),
            };
            assert!(!told.contains("SECRET") && !told.contains("SOUTH"), "{ask}: {told}");
            // SECRET ZONE has eleven characters: that would be a division by zero.
            assert!(!told.contains("division"), "{ask}: {told}");
        }
    }
}

#[tokio::test]
async fn settings_that_are_wrong_are_errors() {
    let server = served().await;
    let ann = Analyst::new(&server, Role::ReadOnly).await;
    let mut sql = ann.connect(&server).await;
    for views in VIEWS.into_iter().chain(["bi.versions", "bi.headroom"]) {
        for (setting, value, told) in [
            ("app.as_of", "yesterday", "give an instant with its offset"),
            ("app.as_of", "2020-03-04", "give an instant with its offset"),
            ("app.as_of", "2020-03-04T09:30:00", "give an instant with its offset"),
            ("app.as_of", "2020-02-31T09:30:00Z", "no such instant"),
            ("app.as_of", "2999-01-01T00:00:00Z", "in the future"),
            ("app.version", "newest", "known are latest, cob, intraday, all"),
        ] {
            // Also for somebody without a grant, and where there is nothing to see.
            run(&mut sql, &format!("set {setting} = '{value}'")).await.unwrap();
            let error = run(&mut sql, &format!("select * from {views}")).await.expect_err(value);
            assert!(error.to_string().contains(told), "{views} {value}: {error}");
            run(&mut sql, &format!("set {setting} = ''")).await.unwrap();
            run(&mut sql, &format!("select * from {views}")).await.unwrap();
        }
    }
}

#[tokio::test]
async fn plain_connections_and_wrong_passwords_are_refused() {
    let server = served().await;
    let ann = Analyst::new(&server, Role::ReadOnly).await;
    let options = as_bi(&server.app.pool, &ann.user, &ann.password);
    let plain = options.clone().ssl_mode(PgSslMode::Disable);
    let error = PgConnection::connect_with(&plain).await.unwrap_err().to_string();
    assert!(error.contains("no encryption") && error.contains("no pg_hba.conf entry"), "{error}");
    let wrong = options.password("not the password");
    assert!(PgConnection::connect_with(&wrong).await.is_err());
    let mut operator = server.owner.acquire().await.unwrap();
    let stored: String = sqlx::query_scalar("select rolpassword from pg_authid where rolname = $1")
        .bind(&ann.user)
        .fetch_one(&mut *operator)
        .await
        .unwrap();
    assert!(stored.starts_with("SCRAM-SHA-256$4096:"), "{stored}");
}

#[tokio::test]
async fn another_password_ends_the_connections_of_the_former() {
    let server = served().await;
    let ann = Analyst::new(&server, Role::ReadOnly).await;
    let mut before = ann.connect(&server).await;
    let made = make(&ann.caller).await;
    assert_eq!(made["user"], ann.user.as_str());
    assert_ne!(made["password"], ann.password.as_str());
    assert!(run(&mut before, "select 1").await.is_err());
    assert!(ann.try_connect(&server).await.is_err());
    let again = Analyst { password: made["password"].as_str().unwrap().to_owned(), ..ann };
    let mut sql = again.connect(&server).await;
    let gone = again.caller.request(Method::DELETE, "/api/v1/bi").send().await.unwrap();
    assert_eq!(gone.status(), 204);
    assert!(run(&mut sql, "select 1").await.is_err());
    assert!(again.try_connect(&server).await.is_err());
    let gone = again.caller.request(Method::DELETE, "/api/v1/bi").send().await.unwrap();
    assert_eq!(gone.status(), 404);
    let left: i64 = sqlx::query_scalar("select count(*) from pg_roles where rolname = $1")
        .bind(&again.user)
        .fetch_one(&server.app.pool)
        .await
        .unwrap();
    assert_eq!(left, 0);
    let acts: Vec<String> = sqlx::query_scalar(
        "select action from audit_event where object_type = 'bi_role' and object_id = $1 order by id",
    )
    .bind(&again.user)
    .fetch_all(&server.app.pool)
    .await
    .unwrap();
    assert_eq!(acts, ["bi_role_created", "bi_password_rotated", "bi_role_dropped"]);
    let log: String = sqlx::query_scalar("select string_agg(e::text, ' ') from audit_event e")
        .fetch_one(&server.app.pool)
        .await
        .unwrap();
    assert!(!log.contains(&again.password) && !log.contains("SCRAM"), "{log}");
}

#[tokio::test]
async fn a_package_that_is_taken_away_shows_in_the_next_statement() {
    let server = served().await;
    let pool = &server.app.pool;
    let ann = Analyst::new(&server, Role::ReadOnly).await;
    let package = server.grant(ann.account.id, json!([{ "curves": ["energy"] }])).await;
    let mut sql = ann.connect(&server).await;
    for view in &VIEWS[..2] {
        assert_eq!(count(&mut sql, view).await, 54, "{view}");
    }
    // The same plan, once more.
    let ask = "select count(*) from trueprice.ercot_energy where load_zone = $1";
    let zone = async |sql: &mut PgConnection| -> i64 {
        sqlx::query_scalar(ask).bind("NORTH ZONE").fetch_one(sql).await.unwrap()
    };
    assert_eq!(zone(&mut sql).await, 18);
    run(&mut sql, "begin; select count(*) from bi.points").await.unwrap();
    sqlx::query("update user_package set ends_at = clock_timestamp() where package_id = $1")
        .bind(package)
        .execute(pool)
        .await
        .unwrap();
    assert_eq!(zone(&mut sql).await, 0, "in an open transaction");
    run(&mut sql, "commit").await.unwrap();
    for view in VIEWS {
        assert_eq!(count(&mut sql, view).await, 0, "{view}");
    }
}

#[tokio::test]
async fn who_is_disabled_is_put_out_and_comes_in_again_when_enabled() {
    let server = served().await;
    let pool = &server.app.pool;
    let ann = Analyst::new(&server, Role::ReadOnly).await;
    attach_everything(pool, ann.account.id).await;
    let mut sql = ann.connect(&server).await;
    let disable = async |at: &str| {
        let statement =
            AssertSqlSafe(format!("update app_user set disabled_at = {at} where id = $1"));
        sqlx::query(statement).bind(ann.account.id).execute(pool).await.unwrap();
    };
    disable("now()").await;
    assert_eq!(count(&mut sql, "bi.points").await, 0, "at once");
    watchdog::look(&server.app).await.unwrap();
    assert!(run(&mut sql, "select 1").await.is_err());
    let error = ann.try_connect(&server).await.unwrap_err().to_string();
    assert!(error.contains("not permitted to log in"), "{error}");
    disable("null").await;
    watchdog::look(&server.app).await.unwrap();
    assert_eq!(count(&mut ann.connect(&server).await, "bi.points").await, 72);
}

#[tokio::test]
async fn logins_and_what_was_asked_are_told() {
    let server = served().await;
    let ann = Analyst::new(&server, Role::ReadOnly).await;
    let mut sql = ann.connect(&server).await;
    watchdog::look(&server.app).await.unwrap();
    run(&mut sql, "select 1").await.unwrap();
    watchdog::look(&server.app).await.unwrap();
    sql.close().await.unwrap();
    let told = async || -> Vec<(String, String, String, Value)> {
        sqlx::query_as(
            "select action, actor_email, credential, detail from audit_event
             where action in ('bi_login', 'bi_volume') order by id",
        )
        .fetch_all(&server.app.pool)
        .await
        .unwrap()
    };
    until(async || {
        watchdog::look(&server.app).await.unwrap();
        told().await.len() > 1
    })
    .await;
    let told = told().await;
    let kinds: Vec<&str> = told.iter().map(|(action, ..)| action.as_str()).collect();
    assert_eq!(kinds, ["bi_login", "bi_volume"], "once a connection");
    assert!(told.iter().all(|(_, email, proof, _)| *email == ann.account.email && proof == "bi"));
    assert_eq!(told[0].3["encrypted"], true);
    assert!(told[1].3["statements_at_least"].as_i64().unwrap() >= 1, "{:?}", told[1]);
    let row = ann.caller.ask("/api/v1/bi").await.body;
    assert!(row["last_login_at"].is_string(), "{row}");
}

#[tokio::test]
async fn whoever_holds_a_lock_of_the_server_is_put_out() {
    let server = served().await;
    let ann = Analyst::new(&server, Role::ReadOnly).await;
    let mut sql = ann.connect(&server).await;
    run(&mut sql, "select pg_advisory_lock(7421, 11)").await.unwrap();
    watchdog::look(&server.app).await.unwrap();
    assert!(run(&mut sql, "select 1").await.is_err());
    let told: i64 =
        sqlx::query_scalar("select count(*) from audit_event where action = 'bi_cancelled'")
            .fetch_one(&server.app.pool)
            .await
            .unwrap();
    assert_eq!(told, 1);
}

#[tokio::test]
async fn administrators_list_lock_reset_and_cancel() {
    let server = served().await;
    let admin = server.caller(Role::Admin).await;
    let ann = Analyst::new(&server, Role::ReadOnly).await;
    let mut sql = ann.connect(&server).await;
    let list = admin.ask("/api/v1/bi/roles").await.body;
    assert_eq!(list["items"][0]["user"], ann.user.as_str());
    let id = ann.account.id;
    let send = async |caller: &Caller, method: Method, path: &str| {
        caller.request(method, path).send().await.unwrap().status().as_u16()
    };
    // A statement that runs until it is cancelled.
    let running = tokio::spawn(async move {
        let outcome = run(&mut sql, "select pg_sleep(3600)").await;
        (outcome, sql)
    });
    let mut pid = Value::Null;
    until(async || {
        let found = admin.ask("/api/v1/bi/connections").await.body;
        let is_ours = |item: &&Value| item["user"] == ann.user.as_str() && item["active"] == true;
        let item = found["items"].as_array().unwrap().iter().find(is_ours).cloned();
        pid = item.map_or(Value::Null, |item| item["pid"].clone());
        !pid.is_null()
    })
    .await;
    let cancel = format!("/api/v1/bi/connections/{pid}/cancel");
    assert_eq!(send(&ann.caller, Method::POST, &cancel).await, 403);
    assert_eq!(send(&admin, Method::POST, &cancel).await, 204);
    let (outcome, mut sql) = running.await.unwrap();
    assert!(outcome.unwrap_err().to_string().contains("canceling statement"));
    run(&mut sql, "select 1").await.unwrap();
    let lock = format!("/api/v1/bi/roles/{id}/lock");
    assert_eq!(send(&ann.caller, Method::PUT, &lock).await, 403);
    assert_eq!(send(&admin, Method::PUT, &lock).await, 204);
    assert!(run(&mut sql, "select 1").await.is_err());
    assert!(ann.try_connect(&server).await.is_err());
    assert_eq!(ann.caller.ask("/api/v1/bi").await.body["locked"], true);
    assert_eq!(make(&ann.caller).await["user"], ann.user.as_str());
    assert!(ann.try_connect(&server).await.is_err(), "a new password does not lift a lock");
    assert_eq!(send(&admin, Method::DELETE, &lock).await, 204);
    let made = make(&ann.caller).await;
    let ann = Analyst { password: made["password"].as_str().unwrap().to_owned(), ..ann };
    let mut sql = ann.connect(&server).await;
    assert_eq!(send(&admin, Method::POST, &format!("/api/v1/bi/roles/{id}/reset")).await, 204);
    assert!(run(&mut sql, "select 1").await.is_err());
    assert!(ann.try_connect(&server).await.is_err());
    for path in
        ["roles/no-id/reset", &format!("roles/{}/reset", Uuid::new_v4()), "connections/1/cancel"]
    {
        assert_eq!(send(&admin, Method::POST, &format!("/api/v1/bi/{path}")).await, 404, "{path}");
    }
    for path in ["roles", "connections"] {
        assert_eq!(ann.caller.ask(&format!("/api/v1/bi/{path}")).await.outcome().0, 403, "{path}");
    }
}

#[tokio::test]
async fn while_the_api_is_off_only_administrators_are_let_through() {
    let server = served().await;
    let ann = Analyst::of(&server, server.account(Role::ReadOnly).await).await;
    let admin = Analyst::new(&server, Role::Admin).await;
    let (mut sql, mut theirs) = (ann.connect(&server).await, admin.connect(&server).await);
    assert_eq!(count(&mut sql, "bi.points").await, 72);
    let off = "create or replace function bi_is_open() returns boolean
               language sql stable security definer as 'select false'";
    sqlx::query(off).execute(&server.owner).await.unwrap();
    for view in ["bi.points", "trueprice.ercot_energy"] {
        let error = run(&mut sql, &format!("select * from {view}")).await.unwrap_err().to_string();
        assert!(error.contains("switched off for maintenance"), "{view}: {error}");
        assert!(count(&mut theirs, view).await > 0, "{view}");
    }
}

#[tokio::test]
async fn a_database_user_who_may_not_make_roles_is_told_of() {
    let server = served().await;
    let caller = server.caller(Role::ReadOnly).await;
    let owner = format!("owner_{}", Uuid::new_v4().simple());
    for statement in [
        format!("create role {owner} nologin"),
        format!("grant usage on schema public to {owner}"),
        format!("grant all on bi_role to {owner}"),
        format!("grant select on app_user to {owner}"),
        format!("alter function bi_make_role(uuid, text, timestamptz) owner to {owner}"),
    ] {
        sqlx::query(AssertSqlSafe(statement)).execute(&server.owner).await.unwrap();
    }
    let answer = caller.request(Method::POST, "/api/v1/bi").send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "bi_unavailable");
    assert!(problem["detail"].as_str().unwrap().contains("README"), "{problem}");
    assert_eq!(caller.ask("/api/v1/bi").await.body["exists"], false, "nothing is half made");
}

/// What psql says to a statement, and whether it was content.
async fn psql(home: &Home, connection: &str, password: &str, statement: &str) -> (bool, String) {
    let mut command = tokio::process::Command::new("psql");
    command.args(["-X", "-A", "-t", "-c", statement, connection]).env("PGPASSWORD", password);
    let output = command.current_dir(home.path()).output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn the_private_database_opens_over_tls_only_and_only_where_the_settings_say_so() {
    let home = Home::of(User::Same);
    let (certificate, key) = certificate(home.path());
    let port = free_port();
    let mut command = home.command(&["serve"]);
    command.env("TRUEPRICE_BI_LISTEN", format!("127.0.0.1:{port}"));
    command.env("TRUEPRICE_BI_TLS_CERT", &certificate).env("TRUEPRICE_BI_TLS_KEY", &key);
    let program = Program::start(command).await;
    let pool = home.pool();
    let account = Account::insert(&pool, &trueprice::clock::Clock::system(), Role::ReadOnly).await;
    let made = make(&program.anonymous().with_token(&account.token)).await;
    assert_eq!((&made["server"], &made["port"]), (&"127.0.0.1".into(), &port.into()));
    let (user, password) = (made["user"].as_str().unwrap(), made["password"].as_str().unwrap());
    let at = |user: &str, tls: &str| {
        format!("host=127.0.0.1 port={port} dbname=trueprice user={user} {tls}")
    };
    let full = format!("sslmode=verify-full sslrootcert={}", certificate.display());
    let ask = "select version, (select count(*) > 0 from bi.reference_hours) from pg_stat_ssl where pid = pg_backend_pid()";
    until(async || psql(&home, &at(user, &full), password, ask).await.1.contains("|t")).await;
    let (_, said) = psql(&home, &at(user, &full), password, ask).await;
    assert!(said.starts_with("TLSv1.3") || said.starts_with("TLSv1.2"), "{said}");
    for (who, tls, told) in [
        (user, "sslmode=disable", "no encryption"),
        (
            user,
            "sslmode=require ssl_min_protocol_version=TLSv1 ssl_max_protocol_version=TLSv1.1",
            "SSL",
        ),
        ("trueprice", "sslmode=require dbname=postgres", ""),
    ] {
        let (content, said) = psql(&home, &at(who, tls), "not the password", "select 1").await;
        assert!(!content && said.contains(told), "{who} {tls}: {said}");
    }
    // The running server ends the connections of somebody who is disabled.
    let options = sqlx::postgres::PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .database("trueprice")
        .username(user)
        .password(password)
        .ssl_mode(PgSslMode::Require);
    let mut sql = PgConnection::connect_with(&options).await.unwrap();
    let disable = "update app_user set disabled_at = now() where id = $1";
    sqlx::query(disable).bind(account.id).execute(&pool).await.unwrap();
    until(async || run(&mut sql, "select 1").await.is_err()).await;
    until(async || PgConnection::connect_with(&options).await.is_err()).await;
    assert!(program.end("TERM").await.success());
    // Without the settings it is closed.
    let program = home.serve().await;
    let (content, _) = psql(&home, &at(user, &full), password, "select 1").await;
    assert!(!content);
    assert!(program.end("TERM").await.success());
}

#[tokio::test]
async fn pages_make_a_login_without_a_script() {
    let server = TestServer::start_with(
        |config| config.bi.host = Some("db.example.com:5433".to_owned()),
        None,
    )
    .await;
    crate::auth::user(&server, "ann@example.com", Role::Admin).await;
    let browser = crate::auth::Browser::signed_in(&server, "ann@example.com").await;
    let page = async |path: &str| {
        let answer = browser.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    };
    let before = page("/account/bi").await;
    assert!(before.contains("Make a login") && !before.contains(".tds\""), "{before}");
    let send = async |path: &str| browser.account_form(path, &[]).await;
    let made = send("/account/bi").await;
    assert_eq!(made.status(), 201);
    assert_eq!(made.headers()["cache-control"], "no-store");
    let made = made.text().await.unwrap();
    let code = made.split("<h3>Password</h3>").nth(1).unwrap().split("<code>").nth(1).unwrap();
    let password = code.split('<').next().unwrap().to_owned();
    assert_eq!(password.len(), 43, "{password}");
    let after = page("/account/bi").await;
    assert!(!after.contains(&password), "it is shown once");
    let tds = page("/account/bi/trueprice.tds").await;
    assert!(tds.contains("server='db.example.com'") && !tds.contains(&password), "{tds}");
    let user = tds.split("username='").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    let options = as_bi(&server.app.pool, &user, &password);
    let mut sql = PgConnection::connect_with(&options).await.unwrap();
    let admin = page("/admin/bi").await;
    assert!(admin.contains("ann@example.com") && admin.contains("1 open"), "{admin}");
    let refused = browser.request(Method::POST, "/account/bi").send().await.unwrap();
    assert_eq!(refused.status(), 403, "without the CSRF token");
    assert_eq!(send("/account/bi/remove").await.status(), 303);
    assert!(run(&mut sql, "select 1").await.is_err());
}

/// A real answer of a call of this subject, for the examples of its description.
pub async fn answer(server: &TestServer, method: &str, path: &str) -> Value {
    let admin = Analyst::new(server, Role::Admin).await;
    let _connected = admin.connect(server).await;
    match method {
        "POST" => make(&admin.caller).await,
        _ => admin.caller.ask(path).await.body,
    }
}
