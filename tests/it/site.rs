//! The switches of the site: who is let in by which credential, at once and on every server; what the
//! server tells the database of itself; who may read its numbers.

use reqwest::{
    Method, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, LOCATION, RETRY_AFTER},
};
use serde_json::{Value, json};
use sqlx::PgPool;
use trueprice::{auth::Role, clock::Clock, db::pool, site};

use crate::{
    auth::{Browser, PASSWORD, user},
    support::{
        Caller, Home, Program, Reply, TestServer, User, accounts::Account, address, empty_database,
    },
};

const BACK: &str = "Back at <14:00>.";

/// Turns both switches.
async fn turn(admin: &Caller, ui: bool, api: bool) {
    let wanted = json!({
        "ui": {"open": ui, "message": BACK}, "api": {"open": api, "message": BACK}
    });
    let answer = admin.request(Method::PUT, "/api/v1/site").json(&wanted).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let now: Value = answer.json().await.unwrap();
    assert_eq!((&now["ui"]["open"], &now["api"]["open"]), (&json!(ui), &json!(api)));
}

async fn audited(pool: &PgPool, action: &str) -> Vec<Value> {
    sqlx::query_scalar("select detail from audit_event where action = $1 order by id")
        .bind(action)
        .fetch_all(pool)
        .await
        .unwrap()
}

/// Fails unless it is the problem of a closed site.
async fn assert_closed(answer: Response, what: &str) {
    assert_eq!(answer.status(), 503, "{what}");
    assert_eq!(answer.headers()[RETRY_AFTER], "120", "{what}");
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json", "{what}");
    let problem: Value = answer.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["detail"]), (&json!("maintenance"), &json!(BACK)));
}

#[tokio::test]
async fn the_credential_decides_which_switch_keeps_somebody_out() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    user(&server, "ann@example.com", Role::ReadWrite).await;
    user(&server, "boss@example.com", Role::Admin).await;
    let ann = Browser::signed_in(&server, "ann@example.com").await;
    let boss = Browser::signed_in(&server, "boss@example.com").await;
    for (ui, api) in [(true, true), (true, false), (false, true), (false, false)] {
        turn(&admin, ui, api).await;
        let what = format!("ui {ui} api {api}");
        for role in [Role::ReadOnly, Role::ReadWrite] {
            let token = server.caller(role).await;
            for accept in ["*/*", "text/html", "application/json"] {
                let ask = token.request(Method::GET, "/api/v1/me").header(ACCEPT, accept);
                let answer = ask.send().await.unwrap();
                if api {
                    assert_eq!(answer.status(), 200, "{what} {accept}");
                } else {
                    assert_closed(answer, &what).await;
                }
            }
        }
        // A browser that asks for a page gets one; whatever else it asks for is a document.
        let page = ann.get("/").await;
        assert_eq!(page.status().as_u16(), if ui { 200 } else { 503 }, "{what}");
        if !ui {
            assert_eq!(page.headers()[RETRY_AFTER], "120");
            let page = page.text().await.unwrap();
            assert!(page.contains("Closed for maintenance"), "{page}");
            assert!(page.contains("Back at &#60;14:00&#62;."), "{page}");
            assert!(!page.contains("<nav"), "nothing else is open: {page}");
            let data = ann.request(Method::GET, "/").header(ACCEPT, "application/json;q=1");
            assert_closed(without_html(data).await, &what).await;
            assert_closed(ann.get("/api/v1/me").await, &what).await;
        }
        let forged = ann.request(Method::GET, "/").header("Authorization", "Bearer tpk_made-up");
        assert_eq!(forged.send().await.unwrap().status(), 401, "{what}: no way around");
        assert_eq!(boss.get("/").await.status(), 200, "{what}");
        assert_eq!(boss.get("/admin/site").await.status(), 200, "{what}");
        assert_eq!(admin.get("/api/v1/me").await.status(), 200, "{what}");
        assert_eq!(server.anonymous().get("/api/v1/me").await.status(), 401, "{what}");
        let away = Browser::new(&server).get("/curves").await;
        assert_eq!(away.status(), 303, "{what}");
        assert_eq!(away.headers()[LOCATION], "/login?return_to=/curves", "{what}");
    }
}

/// The same request of something that is no page.
async fn without_html(request: reqwest::RequestBuilder) -> Response {
    let (client, request) = request.build_split();
    let mut request = request.unwrap();
    request.headers_mut().insert(ACCEPT, "application/json".parse().unwrap());
    client.execute(request).await.unwrap()
}

#[tokio::test]
async fn what_always_works() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    user(&server, "ann@example.com", Role::ReadWrite).await;
    turn(&admin, false, false).await;
    for path in ["/livez", "/readyz", "/metrics", "/openapi.json", "/static/style.css", "/login"] {
        assert_eq!(server.anonymous().get(path).await.status(), 200, "{path}");
    }
    let ann = Browser::signed_in(&server, "ann@example.com").await;
    assert_eq!(ann.get("/").await.status(), 503);
    for path in ["/livez", "/openapi.json", "/static/style.css"] {
        assert_eq!(ann.get(path).await.status(), 200, "{path}");
    }
    // The page has the one form that works: to sign out.
    let csrf = ann.token_on("/").await;
    let out = ann.request(Method::POST, "/logout").form(&[("csrf_token", csrf)]);
    assert_eq!(out.send().await.unwrap().status(), 303);
    assert_eq!(ann.get("/").await.status(), 303, "signed out");
    let form = [("email", "ann@example.com"), ("password", PASSWORD)];
    let login = server.anonymous().request(Method::POST, "/login").form(&form);
    assert_eq!(login.send().await.unwrap().status(), 200);
    let body = json!({"email": "ann@example.com", "password": PASSWORD});
    let token = server.anonymous().request(Method::POST, "/api/v1/tokens").json(&body);
    let token: Value = token.send().await.unwrap().json().await.unwrap();
    let token = server.anonymous().with_token(token["access_token"].as_str().unwrap());
    assert_closed(token.get("/api/v1/me").await, "a token of a closed site").await;
    turn(&admin, true, true).await;
    assert_eq!(token.get("/api/v1/me").await.status(), 200, "it was good all the while");
}

#[tokio::test]
async fn an_administrator_who_is_none_any_more_is_kept_out() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let demoted = server.account(Role::Admin).await;
    let caller = server.anonymous().with_token(&demoted.token);
    turn(&admin, true, false).await;
    assert_eq!(caller.get("/api/v1/me").await.status(), 200);
    // A token for reading is no administrator, whoever's it is.
    let narrow = "update user_token set scopes = '{read}' where user_id = $1";
    sqlx::query(narrow).bind(demoted.id).execute(&server.app.pool).await.unwrap();
    assert_closed(caller.get("/api/v1/me").await, "a token for reading").await;
    for statement in [
        "update user_token set scopes = '{read,upload,admin}' where user_id = $1",
        "update app_user set role = 'read_only' where id = $1",
    ] {
        assert!(sqlx::query(statement).bind(demoted.id).execute(&server.app.pool).await.is_ok());
    }
    assert_closed(caller.get("/api/v1/me").await, "demoted").await;
}

#[tokio::test]
async fn the_switches_are_turned_by_administrators_and_audited() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let closed = json!({
        "ui": {"open": false, "message": " a\r\nb "}, "api": {"open": true, "message": ""}
    });
    let put = async |caller: &Caller, body: &Value| {
        Reply::of(caller.request(Method::PUT, "/api/v1/site").json(body).send().await.unwrap())
            .await
    };
    for role in [Role::ReadOnly, Role::ReadWrite] {
        let caller = server.caller(role).await;
        assert_eq!(put(&caller, &closed).await.status, 403, "{role}");
        assert_eq!(caller.get("/api/v1/site").await.status(), 403, "{role}");
    }
    assert_eq!(put(&server.anonymous(), &closed).await.status, 401);
    let long = json!({"ui": {"open": true, "message": "x".repeat(1001)}, "api": {"open": true}});
    for (body, code) in [
        (json!({}), "bad_parameter"),
        (json!({"ui": {"open": true}}), "bad_parameter"),
        (json!({"ui": {"open": "yes"}, "api": {"open": true}}), "bad_parameter"),
        (json!({"ui": {"open": true}, "api": {"open": true}, "bi": {}}), "unknown_parameter"),
        (json!({"ui": {"open": true, "text": ""}, "api": {"open": true}}), "unknown_parameter"),
        (json!({"ui": {"open": true, "message": "\u{7}"}, "api": {"open": true}}), "bad_parameter"),
        (long, "bad_parameter"),
    ] {
        assert_eq!(put(&admin, &body).await.outcome(), (400, code), "{body}");
    }
    assert_eq!(audited(&server.app.pool, "site_switched").await, Vec::<Value>::new());
    let now = put(&admin, &closed).await;
    assert_eq!(now.body["ui"], json!({"open": false, "message": "a\nb"}));
    assert_eq!(put(&admin, &closed).await.status, 200, "again changes nothing");
    let rows = audited(&server.app.pool, "site_switched").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["before"]["ui"], json!({"open": true, "message": ""}));
    assert_eq!(rows[0]["after"]["ui"], now.body["ui"]);
    assert_eq!(admin.ask("/api/v1/site").await.body, now.body);
}

#[tokio::test]
async fn the_page_turns_the_switches_and_shows_what_will_be_seen() {
    let server = TestServer::start().await;
    user(&server, "boss@example.com", Role::Admin).await;
    let boss = Browser::signed_in(&server, "boss@example.com").await;
    let send = async |path: &str, csrf: &str, message: &str| {
        let form = [
            ("csrf_token", csrf),
            ("ui_open", "false"),
            ("ui_message", message),
            ("api_open", "true"),
            ("api_message", ""),
        ];
        boss.request(Method::POST, path).form(&form).send().await.unwrap()
    };
    let csrf = boss.token_on("/admin/site").await;
    let preview = send("/admin/site/preview", &csrf, BACK).await;
    assert_eq!(preview.status(), 200);
    assert!(preview.text().await.unwrap().contains("Back at &#60;14:00&#62;."));
    assert!(trueprice::db::site::read(&server.app.pool).await.unwrap().switches.ui.open);
    assert_eq!(send("/admin/site", "wrong", BACK).await.status(), 403);
    let long = send("/admin/site", &csrf, &"x".repeat(1001)).await;
    assert_eq!(long.status(), 400);
    assert!(long.text().await.unwrap().contains("at most 1000 characters"));
    let saved = send("/admin/site", &csrf, BACK).await;
    assert_eq!(
        (saved.status(), &saved.headers()[LOCATION]),
        (StatusCode::SEE_OTHER, &"/admin/site?done=saved".parse().unwrap())
    );
    let page = boss.get("/admin/site?done=saved&component=scaler").await.text().await.unwrap();
    assert!(page.contains("Saved.") && page.contains("Back at &#60;14:00&#62;."), "{page}");
    assert!(page.contains("Capacity Scaling Factor") && !page.contains("TEAC"), "{page}");
    assert!(!trueprice::db::site::read(&server.app.pool).await.unwrap().switches.ui.open);
}

/// A server as a process of its own on a shared database.
async fn start(home: &Home, pool: &PgPool) -> Program {
    let mut command = home.command(&["serve"]);
    command.env("DATABASE_URL", address(pool));
    Program::start(command).await
}

#[tokio::test]
async fn two_servers_on_one_database_hear_at_once() {
    let pool = empty_database().await;
    pool::migrate(&pool).await.unwrap();
    let clock = Clock::system();
    let admin = Account::insert(&pool, &clock, Role::Admin).await;
    let writer = Account::insert(&pool, &clock, Role::ReadWrite).await;
    let homes = [Home::of(User::Same), Home::of(User::Same)];
    let (one, other) = (start(&homes[0], &pool).await, start(&homes[1], &pool).await);
    let admin = one.anonymous().with_token(&admin.token);
    let callers = [&one, &other].map(|server| server.anonymous().with_token(&writer.token));
    let statuses = async || {
        let [here, there] = &callers;
        [here.get("/api/v1/me").await.status(), there.get("/api/v1/me").await.status()]
    };
    for open in [true, false, true, false, true] {
        turn(&admin, true, open).await;
        let wanted = if open { 200 } else { 503 };
        assert_eq!(statuses().await.map(|status| status.as_u16()), [wanted; 2], "open: {open}");
    }
    let tokens = admin.ask(&format!("/api/v1/admin/tokens?owner={}", writer.email)).await.body;
    let id = tokens["items"][0]["id"].as_str().unwrap();
    let revoke = admin.request(Method::DELETE, &format!("/api/v1/admin/tokens/{id}"));
    assert_eq!(revoke.send().await.unwrap().status(), 204);
    assert_eq!(statuses().await, [StatusCode::UNAUTHORIZED; 2]);
    assert_eq!(audited(&pool, "token_revoked").await.len(), 1);
}

#[tokio::test]
async fn the_server_tells_the_database_its_zone_and_bi_follows_the_api() {
    let chicago = |config: &mut trueprice::config::Config| {
        config.curve_timezone = chrono_tz::America::Chicago;
    };
    let server = TestServer::start_with(chicago, None).await;
    let pool = &server.app.pool;
    let admin = server.caller(Role::Admin).await;
    assert_eq!(admin.ask("/api/v1/site").await.body["curve_timezone"], "America/Chicago");
    let told = json!({"before": "UTC", "after": "America/Chicago"});
    assert_eq!(audited(pool, "setting_changed").await, std::slice::from_ref(&told));
    site::settle_timezone(&server.app).await.unwrap();
    assert_eq!(audited(pool, "setting_changed").await, [told], "nothing new to tell");
    for open in [false, true] {
        turn(&admin, true, open).await;
        let bi: bool = sqlx::query_scalar("select bi_is_open()").fetch_one(pool).await.unwrap();
        assert_eq!(bi, open);
    }
    let everybody = "select has_function_privilege('public', 'bi_is_open()', 'execute')";
    assert!(!sqlx::query_scalar::<_, bool>(everybody).fetch_one(pool).await.unwrap());
}

#[tokio::test]
async fn the_numbers_are_for_given_addresses() {
    for (allowed, status) in [
        (&[][..], 200),
        (&["127.0.0.0/8"], 200),
        (&["10.0.0.0/8", "127.0.0.1/32"], 200),
        (&["10.0.0.0/8"], 403),
    ] {
        let server = TestServer::start_with(
            |config| {
                config.metrics_allow = allowed.iter().map(|net| net.parse().unwrap()).collect();
            },
            None,
        )
        .await;
        // Who is no trusted proxy tells nobody's address.
        let ask = server.anonymous().request(Method::GET, "/metrics");
        let answer = ask.header("X-Forwarded-For", "10.1.2.3").send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{allowed:?}");
        assert_eq!(server.anonymous().get("/livez").await.status(), 200);
    }
}
