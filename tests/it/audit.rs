//! The audit log: what each group of acts leaves, that nothing happens without it, and that nobody
//! can change it.

use bytes::Bytes;
use chrono::TimeDelta;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use trueprice::{auth::Role, db};
use uuid::Uuid;

use crate::{
    auth::{Browser, PASSWORD, user},
    headroom::{EXAMPLE, MATRIX, PTC, TOTAL, matrix, ptc, publish},
    support::{TestServer, until},
    updates::energy,
};

/// An event, as far as tests look at it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Event {
    pub actor_id: Option<Uuid>,
    pub actor_email: Option<String>,
    pub credential: String,
    pub credential_prefix: Option<String>,
    pub address: Option<String>,
    pub request_id: Option<Uuid>,
    pub object_type: Option<String>,
    pub object_id: Option<String>,
    pub outcome: String,
    pub detail: Value,
}

impl Event {
    /// Kind and id of the object.
    pub fn object(&self) -> (&str, &str) {
        (self.object_type.as_deref().unwrap_or(""), self.object_id.as_deref().unwrap_or(""))
    }
}

/// The events of an action, oldest first.
pub async fn events(pool: &PgPool, action: &str) -> Vec<Event> {
    sqlx::query_as("select * from audit_event where action = $1 order by id")
        .bind(action)
        .fetch_all(pool)
        .await
        .unwrap()
}

/// The one event of an action.
async fn only(pool: &PgPool, action: &str) -> Event {
    let found = events(pool, action).await;
    assert_eq!(found.len(), 1, "{action}: {found:?}");
    found.into_iter().next().unwrap()
}

/// So many events of an action, some of which are written beside the answer.
pub async fn so_many(pool: &PgPool, action: &str, count: usize) -> Vec<Event> {
    until(async || events(pool, action).await.len() >= count).await;
    let found = events(pool, action).await;
    assert_eq!(found.len(), count, "{action}: {found:?}");
    found
}

async fn id_of(pool: &PgPool, email: &str) -> Uuid {
    db::users::by_email(pool, email).await.unwrap().unwrap().id
}

async fn script_login(server: &TestServer, email: &str, password: &str) -> reqwest::Response {
    let form = [("email", email), ("password", password)];
    server.anonymous().request(Method::POST, "/login").form(&form).send().await.unwrap()
}

async fn token_of(answer: reqwest::Response) -> String {
    let body: Value = answer.json().await.unwrap();
    body["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn proving_who_one_is_is_written_down_and_secrets_never_are() {
    let server = TestServer::start().await;
    let pool = &server.app.pool;
    user(&server, "ann@example.com", Role::ReadWrite).await;
    let ann = id_of(pool, "ann@example.com").await;

    let browser = Browser::signed_in(&server, "ann@example.com").await;
    let login = only(pool, "login").await;
    assert_eq!((login.actor_id, login.credential.as_str()), (Some(ann), "password"));
    assert_eq!(login.actor_email.as_deref(), Some("ann@example.com"));
    assert_eq!((login.address.as_deref(), login.object().0), (Some("127.0.0.1"), "session"));
    assert!(login.request_id.is_some());

    let token = token_of(script_login(&server, "Ann@Example.com ", PASSWORD).await).await;
    let login = events(pool, "login").await.pop().unwrap();
    let made = only(pool, "token_created").await;
    assert_eq!(login.object(), made.object());
    assert_eq!(made.request_id, login.request_id, "one request, one transaction");
    assert_eq!(made.detail["prefix"], token[..8]);
    assert_eq!(made.detail["scopes"], json!(["read", "upload"]));
    assert!(made.detail["expires_at"].is_string());

    let caller = server.anonymous().with_token(&token);
    for _ in 0..2 {
        assert_eq!(caller.get("/api/v1/me").await.status(), StatusCode::OK);
    }
    let first = only(pool, "token_first_used").await;
    assert_eq!((first.credential.as_str(), first.object()), ("login_token", made.object()));
    assert_eq!(first.credential_prefix.as_deref(), Some(&token[..8]));
    caller.request(Method::POST, "/logout").send().await.unwrap();
    assert_eq!(only(pool, "logout").await.object(), made.object());
    // Now it is known and dead: twice in a minute is once.
    for _ in 0..2 {
        assert_eq!(caller.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED);
    }
    let refused = only(pool, "credential_refused").await;
    assert_eq!((refused.outcome.as_str(), &refused.detail["why"]), ("refused", &json!("revoked")));
    assert_eq!((refused.object(), refused.actor_id), (made.object(), None));
    server.clock.advance(TimeDelta::minutes(2));
    caller.get("/api/v1/me").await;
    assert_eq!(events(pool, "credential_refused").await.len(), 2);
    // What never was a token leaves nothing.
    server.anonymous().with_token("tpk_never").get("/api/v1/me").await;
    assert_eq!(events(pool, "credential_refused").await.len(), 2);

    browser.account_form("/account/log-out-everywhere", &[]).await;
    let ended = only(pool, "session_ended").await;
    assert_eq!((ended.object().0, ended.credential.as_str()), ("user", "session"));
    assert_no_secret(pool, &[PASSWORD, &token]).await;
}

async fn assert_no_secret(pool: &PgPool, secrets: &[&str]) {
    let all: String = sqlx::query_scalar("select string_agg(e::text, ' ') from audit_event e")
        .fetch_one(pool)
        .await
        .unwrap();
    for secret in secrets {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

#[tokio::test]
async fn a_failed_login_names_users_and_hashes_everybody_else() {
    let server = TestServer::start().await;
    let pool = &server.app.pool;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    let ann = id_of(pool, "ann@example.com").await.to_string();
    let wrong = "not the password at all";
    assert_eq!(script_login(&server, "ann@example.com", wrong).await.status(), 401);
    for _ in 0..2 {
        assert_eq!(script_login(&server, "Eve@example.com", wrong).await.status(), 401);
    }
    let body = json!({"email": "bob@example.com", "password": wrong});
    let create = server.anonymous().request(Method::POST, "/api/v1/tokens").json(&body);
    assert_eq!(create.send().await.unwrap().status(), 401);
    let failed = events(pool, "login_failed").await;
    assert_eq!(failed.len(), 4);
    assert_eq!(
        (failed[0].object(), failed[0].outcome.as_str()),
        (("user", ann.as_str()), "failed")
    );
    assert_eq!((failed[0].actor_id, failed[0].credential.as_str()), (None, "none"));
    let hash = failed[1].object().1;
    assert_eq!((failed[1].object().0, hash.len()), ("email_hash", 64));
    assert_eq!(failed[2].object(), failed[1].object(), "the same stranger is known again");
    assert_ne!(failed[3].object(), failed[1].object());
    for _ in 0..6 {
        script_login(&server, "ann@example.com", wrong).await;
    }
    let throttled = only(pool, "login_throttled").await;
    assert_eq!(
        (throttled.object(), throttled.outcome.as_str()),
        (("user", ann.as_str()), "refused")
    );
    assert_no_secret(pool, &[wrong, "eve@example.com", "Eve@example.com", "bob@example.com"]).await;
}

#[tokio::test]
async fn a_token_in_an_address_is_a_leak() {
    let server = TestServer::start().await;
    let account = server.account(Role::ReadOnly).await;
    for name in ["token", "iso", "token"] {
        let path = format!("/api/v1/datasets?{name}={}", account.token);
        assert_eq!(server.anonymous().get(&path).await.status(), StatusCode::BAD_REQUEST);
    }
    let leak = only(&server.app.pool, "credential_refused").await;
    assert_eq!((leak.object(), &leak.detail["why"]), (("network", "127.0.0.1"), &json!("url")));
    assert_eq!(
        (&leak.detail["parameter"], &leak.detail["value"]),
        (&json!("token"), &json!("[redacted]"))
    );
    assert_no_secret(&server.app.pool, &[&account.token]).await;
}

#[tokio::test]
async fn what_is_refused_is_written_down() {
    let server = TestServer::start().await;
    let pool = &server.app.pool;
    let (reader, writer) =
        (server.account(Role::ReadOnly).await, server.account(Role::ReadWrite).await);
    let as_reader = server.anonymous().with_token(&reader.token);
    let as_writer = server.anonymous().with_token(&writer.token);
    assert_eq!(as_reader.upload("x.csv", "x").await.status, 403);
    let refused = only(pool, "access_refused").await;
    assert_eq!(
        (refused.object(), refused.actor_id),
        (("route", "/api/v1/uploads"), Some(reader.id))
    );
    assert_eq!(refused.detail, json!({"method": "POST", "answer": 403}));

    user(&server, "ann@example.com", Role::Admin).await;
    let ann = Browser::signed_in(&server, "ann@example.com").await;
    let upload =
        as_writer.upload("x.csv", "x").await.body["upload_id"].as_str().unwrap().to_owned();
    let token: Uuid = sqlx::query_scalar("select id from user_token where user_id = $1")
        .bind(reader.id)
        .fetch_one(pool)
        .await
        .unwrap();
    let session: Uuid =
        sqlx::query_scalar("select id from user_session").fetch_one(pool).await.unwrap();
    let form = [("name", "mine"), ("query", "curve=energy&iso=ercot")];
    assert_eq!(ann.account_form("/curves/views", &form).await.status(), StatusCode::SEE_OTHER);
    let view: Uuid = sqlx::query_scalar("select id from saved_view").fetch_one(pool).await.unwrap();
    let other = server.caller(Role::ReadWrite).await;
    for (method, path, object) in [
        (Method::DELETE, format!("/api/v1/tokens/{token}"), ("token", token.to_string())),
        (Method::DELETE, format!("/api/v1/sessions/{session}"), ("session", session.to_string())),
        (Method::GET, format!("/api/v1/uploads/{upload}/document"), ("upload", upload.clone())),
        (Method::GET, format!("/api/v1/uploads/{upload}/report"), ("upload", upload.clone())),
        (Method::GET, format!("/curves/views/{view}"), ("view", view.to_string())),
    ] {
        let before = events(pool, "access_refused").await.len();
        let answer = other.request(method, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        let found = events(pool, "access_refused").await;
        assert_eq!(found.len(), before + 1, "{path}");
        let last = found.last().unwrap();
        assert_eq!((last.object(), &last.detail["answer"]), ((object.0, &*object.1), &json!(404)));
    }
    // What is nobody's is no refusal.
    let before = events(pool, "access_refused").await.len();
    let nobody = format!("/api/v1/tokens/{}", Uuid::new_v4());
    other.request(Method::DELETE, &nobody).send().await.unwrap();
    assert_eq!(events(pool, "access_refused").await.len(), before);
}

#[tokio::test]
async fn files_and_versions_are_written_down() {
    let server = TestServer::start().await;
    let pool = &server.app.pool;
    let account = server.account(Role::Admin).await;
    let caller = server.anonymous().with_token(&account.token);
    let send = async |time: &str, price: &str, backfill: bool| {
        let path = format!("/api/v1/uploads?backfill={backfill}");
        let name = format!("Energy_ERCOT_{time}.csv");
        caller.send(&path, &[(&name, energy(price))]).await
    };
    let first = send("20240521_080000", "1", false).await.body;
    let upload = only(pool, "upload").await;
    assert_eq!((upload.actor_id, upload.outcome.as_str()), (Some(account.id), "ok"));
    assert_eq!(upload.object(), ("upload", first["upload_id"].as_str().unwrap()));
    assert_eq!(upload.detail["sha256"], first["sha256"]);
    assert_eq!(upload.detail["file"], "Energy_ERCOT_20240521_080000.csv");
    assert_eq!(
        (&upload.detail["code"], &upload.detail["status"]),
        (&json!("created"), &json!(201))
    );
    let published = only(pool, "published").await;
    assert_eq!(published.object(), ("version", first["version_id"].as_str().unwrap()));
    assert_eq!(published.request_id, upload.request_id);
    send("20240521_100000", "2", false).await;
    let superseded = only(pool, "superseded").await;
    assert_eq!(superseded.object(), published.object());
    assert_eq!(superseded.detail["after"]["valid_to"], "2024-05-21T10:00:00Z");
    send("20240521_090000", "3", true).await;
    assert_eq!(only(pool, "backfilled").await.detail["after"], first["version_id"]);
    assert_eq!(caller.upload("Energy_ERCOT_20240522_080000.csv", "nonsense").await.status, 422);
    let refused = events(pool, "upload").await.pop().unwrap();
    assert_eq!((refused.outcome.as_str(), &refused.detail["status"]), ("refused", &json!(422)));
    assert_eq!(events(pool, "published").await.len(), 2);

    send("20240521_160000_cob", "4", false).await;
    let day = "/api/v1/datasets/energy/ercot/operating-days/2024-05-21/reopen";
    let reopen = caller.request(Method::POST, day).json(&json!({"reason": "wrong close"}));
    assert_eq!(reopen.send().await.unwrap().status(), StatusCode::OK);
    let reopened = only(pool, "day_reopened").await;
    assert_eq!(reopened.detail["reason"], "wrong close");
    assert_eq!(reopened.detail["before"]["closed_by"]["cob"], true);
    let id = first["upload_id"].as_str().unwrap();
    caller.get(&format!("/api/v1/uploads/{id}/document")).await;
    let fetched = only(pool, "document_fetched").await;
    assert_eq!((fetched.object(), &fetched.detail["sha256"]), (("upload", id), &first["sha256"]));
}

/// Counts of what the acts below would change.
const STATE: &str = "select jsonb_build_array(
    (select count(*) from upload), (select count(*) from curve_version),
    (select count(*) from user_session), (select count(*) from user_token),
    (select count(*) from user_token where revoked_at is not null))";

/// What fails when no audit row can be written: nothing of it is left.
#[tokio::test]
async fn without_its_row_nothing_happens() {
    let server = TestServer::start().await;
    let (pool, owner) = (&server.app.pool, &server.owner);
    user(&server, "ann@example.com", Role::Admin).await;
    let browser = Browser::signed_in(&server, "ann@example.com").await;
    let caller = server.caller(Role::Admin).await;
    publish(&caller, PTC, ptc(&[("PA-KSP-R", "PJM PA KSP R", &["0.12"])])).await;
    caller.get("/api/v1/me").await;
    let csrf = browser.token_on("/account").await;
    for statement in [
        "create function no_audit() returns trigger language plpgsql as $$ begin raise 'no'; end $$",
        "create trigger no_audit before insert on audit_event for each row execute function no_audit()",
    ] {
        sqlx::query(statement).execute(owner).await.unwrap();
    }
    let before: Value = sqlx::query_scalar(STATE).fetch_one(pool).await.unwrap();
    let token: Uuid =
        sqlx::query_scalar("select id from user_token limit 1").fetch_one(pool).await.unwrap();
    let form = [("csrf_token", csrf.as_str())];
    let anew = Browser::new(&server);
    let answers = [
        ("upload", caller.upload(MATRIX, matrix(&[EXAMPLE], TOTAL)).await.status),
        ("upload", caller.upload("x.csv", "x").await.status),
        ("download", caller.get("/api/v1/data?curve=ptc&iso=pjm").await.status().as_u16()),
        ("export", caller.get("/api/v1/exports/uploads").await.status().as_u16()),
        ("login", script_login(&server, "ann@example.com", PASSWORD).await.status().as_u16()),
        ("login", anew.sign_in("ann@example.com", PASSWORD, "").await.status().as_u16()),
        (
            "logout",
            browser
                .request(Method::POST, "/logout")
                .form(&form)
                .send()
                .await
                .unwrap()
                .status()
                .as_u16(),
        ),
        (
            "revoke",
            caller
                .request(Method::DELETE, &format!("/api/v1/tokens/{token}"))
                .send()
                .await
                .unwrap()
                .status()
                .as_u16(),
        ),
        (
            "end all",
            caller
                .request(Method::DELETE, "/api/v1/sessions")
                .send()
                .await
                .unwrap()
                .status()
                .as_u16(),
        ),
    ];
    for (what, status) in answers {
        assert!(status >= 500, "{what}: {status}");
    }
    let now: Value = sqlx::query_scalar(STATE).fetch_one(pool).await.unwrap();
    assert_eq!(now, before);
    assert!(browser.is_signed_in().await);
}

/// What a server may not do, and the owner of the schema neither.
#[tokio::test]
async fn nobody_changes_what_is_written() {
    let server = TestServer::start().await;
    let pool = &server.app.pool;
    script_login(&server, "eve@example.com", "x").await;
    let count = "select count(*) from audit_event";
    let before: i64 = sqlx::query_scalar(count).fetch_one(pool).await.unwrap();
    let triggers: Vec<String> = sqlx::query_scalar(
        "select tgname::text from pg_trigger where tgrelid = 'audit_event'::regclass",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert_eq!(triggers.len(), 3, "{triggers:?}");
    let changes = [
        "update audit_event set outcome = 'ok'",
        "delete from audit_event",
        "truncate audit_event",
    ];
    for statement in changes {
        assert!(sqlx::query(statement).execute(&server.owner).await.is_err(), "owner: {statement}");
    }
    let drops: Vec<String> =
        triggers.iter().map(|name| format!("drop trigger {name} on audit_event")).collect();
    let more = [
        "alter table audit_event disable trigger all",
        "drop table audit_event",
        "update audit_retention set days = 1",
        "update audit_key set key = key",
        "create or replace function drop_old_audit() returns bigint language sql as 'select 1::bigint'",
        "set role trueprice_retention; delete from audit_event",
        "create table mine (x int)",
    ];
    let statements = changes.into_iter().chain(drops.iter().map(String::as_str)).chain(more);
    for statement in statements {
        let mut connection = pool.acquire().await.unwrap().detach();
        let done =
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await;
        // The user who connects may change to any role; no statement of the server does.
        if statement.starts_with("set role") {
            assert!(done.is_err(), "not even its role drops what is kept");
            continue;
        }
        let error = done.expect_err(statement);
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        assert_eq!(code.as_deref(), Some("42501"), "{statement}: {error}");
    }
    assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(pool).await.unwrap(), before);
}

#[tokio::test]
async fn what_is_past_retention_is_dropped_and_that_is_written_down() {
    let server = TestServer::start().await;
    let pool = &server.app.pool;
    let add = "insert into audit_event (at, credential, action, outcome)
               values (now() - make_interval(days => $1), 'server', 'started', 'ok')";
    for days in [399, 401, 900] {
        sqlx::query(add).bind(days).execute(pool).await.unwrap();
    }
    assert_eq!(db::audit::drop_old(pool).await.unwrap(), 2);
    assert_eq!(events(pool, "started").await.len(), 1);
    let dropped = only(pool, "audit_dropped").await;
    assert_eq!((&dropped.detail["rows"], &dropped.detail["days"]), (&json!(2), &json!(400)));
    assert_eq!(db::audit::drop_old(pool).await.unwrap(), 0);
    db::audit::keep_for(&server.owner, 398).await.unwrap();
    let changed = only(pool, "setting_changed").await;
    assert_eq!((&changed.detail["before"], &changed.detail["after"]), (&json!(400), &json!(398)));
    assert_eq!(db::audit::drop_old(pool).await.unwrap(), 1);
    let steps = events(pool, "migrated").await;
    assert!(steps.iter().any(|step| step.object() == ("schema", "12")), "{steps:?}");
}

/// The pages and files that a browser sends for the same bytes.
#[tokio::test]
async fn a_file_is_written_down_whichever_way_it_comes() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let file = [("Energy_ERCOT_20240521_080000.csv", energy("1"))];
    let again = [("Energy_ERCOT_20240521_080000.csv", energy("1")), ("x.csv", Bytes::from("x"))];
    caller.send("/upload_csv", &file).await;
    caller.send("/api/v1/uploads?dry_run=true", &again).await;
    let uploads = events(&server.app.pool, "upload").await;
    let told: Vec<_> = uploads
        .iter()
        .map(|e| json!([e.detail["via"], e.detail["code"], e.detail["dry_run"], e.outcome]))
        .collect();
    assert_eq!(
        told,
        [
            json!(["script", "created", false, "ok"]),
            json!(["api", "already_stored", true, "ok"]),
            json!(["api", "bad_filename", true, "refused"]),
        ]
    );
}
