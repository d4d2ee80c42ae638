//! Attempts 4, 9 and 12 to 15 of the table in `negative_routes.rs`: credentials that are over, too
//! small, guessed, or somebody else's.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use reqwest::{Method, StatusCode};
use serde_json::json;
use trueprice::{app::App, auth::Role};

use crate::{
    auth::{Browser, PASSWORD, user},
    support::{Caller, TestServer, accounts::Account, serve},
};

async fn sign_in(caller: &Caller, email: &str, password: &str) -> (StatusCode, String) {
    let form = [("email", email), ("password", password)];
    let answer = caller.request(Method::POST, "/login").form(&form).send().await.unwrap();
    let status = answer.status();
    let mut body: serde_json::Value = answer.json().await.unwrap();
    body.as_object_mut().unwrap().remove("instance");
    (status, body.to_string())
}

#[tokio::test]
async fn a_session_ends_with_logout_and_with_its_user() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    let left = Browser::signed_in(&server, "ann@example.com").await;
    let shut_out = Browser::signed_in(&server, "ann@example.com").await;
    assert_eq!(left.account_form("/logout", &[]).await.status(), StatusCode::SEE_OTHER);
    assert!(!left.is_signed_in().await && shut_out.is_signed_in().await);
    sqlx::query("update app_user set disabled_at = now() where email = 'ann@example.com'")
        .execute(&server.app.pool)
        .await
        .unwrap();
    assert_eq!(shut_out.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_belongs_to_others_is_neither_read_nor_changed() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadWrite).await;
    user(&server, "eve@example.com", Role::ReadWrite).await;
    let ann = Browser::signed_in(&server, "ann@example.com").await;
    let eve = Browser::signed_in(&server, "eve@example.com").await;
    let owner = server.account(Role::ReadWrite).await;
    let owner = server.anonymous().with_token(&owner.token);
    let refused = owner.upload("Energy_ERCOT_20240603_080000.csv", "a,b\n").await;
    let upload = refused.body["upload_id"].as_str().unwrap().to_owned();
    let view = [("name", "mine"), ("query", "")];
    assert_eq!(ann.account_form("/curves/views", &view).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(
        ann.account_form("/account/tokens", &[("name", "mine"), ("scopes", "read")]).await.status(),
        StatusCode::CREATED
    );
    let id = async |table: &str| {
        let statement = format!(
            "select t.id from {table} t join app_user u on u.id = t.{} where u.email = 'ann@example.com'",
            if table == "saved_view" { "owner" } else { "user_id" }
        );
        let id: uuid::Uuid = sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
            .fetch_one(&server.app.pool)
            .await
            .unwrap();
        id
    };
    let (view, token, session) =
        (id("saved_view").await, id("user_token").await, id("user_session").await);
    let script = server.caller(Role::ReadWrite).await;
    for (method, path) in [
        (Method::GET, format!("/curves/views/{view}")),
        (Method::POST, format!("/curves/views/{view}/rename")),
        (Method::POST, format!("/curves/views/{view}/share")),
        (Method::POST, format!("/curves/views/{view}/delete")),
        (Method::DELETE, format!("/api/v1/tokens/{token}")),
        (Method::POST, format!("/account/tokens/{token}/revoke")),
        (Method::DELETE, format!("/api/v1/sessions/{session}")),
        (Method::POST, format!("/account/sessions/{session}/end")),
        (Method::GET, format!("/api/v1/uploads/{upload}/document")),
        (Method::GET, format!("/api/v1/uploads/{upload}/report")),
    ] {
        let csrf = eve.token_on("/account").await;
        let form: &[(&str, &str)] = match path.rsplit('/').next() {
            Some("rename") => &[("name", "stolen")],
            Some("share") => &[("shared", "true")],
            _ => &[],
        };
        let by_cookie = eve.request(method.clone(), &path).header("x-csrf-token", csrf);
        for request in [by_cookie, script.request(method.clone(), &path)] {
            let request = if method == Method::POST { request.form(form) } else { request };
            let status = request.send().await.unwrap().status();
            assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}");
        }
    }
    assert!(ann.is_signed_in().await);
    assert_eq!(ann.get(&format!("/curves/views/{view}")).await.status(), StatusCode::SEE_OTHER);
    let page = ann.get("/curves/views").await.text().await.unwrap();
    assert!(page.contains("mine") && !page.contains("stolen"));
    let noted: Vec<String> = sqlx::query_scalar(
        "select distinct object_type from audit_event where action = 'access_refused'
         and object_id = any($1) order by 1",
    )
    .bind([view.to_string(), token.to_string(), session.to_string(), upload])
    .fetch_all(&server.app.pool)
    .await
    .unwrap();
    assert_eq!(noted, ["session", "token", "upload", "view"]);
}

#[tokio::test]
async fn a_token_that_is_not_in_force_is_worth_nothing() {
    let server = TestServer::start().await;
    server.clock.advance(TimeDelta::zero());
    let status = async |token: &str| {
        server.anonymous().with_token(token).get("/api/v1/me").await.status().as_u16()
    };
    let good = server.account(Role::ReadWrite).await;
    assert_eq!(status(&good.token).await, 200);
    for end in 0..good.token.len() {
        assert!(matches!(status(&good.token[..end]).await, 400 | 401), "{end} characters");
    }
    for (place, bit) in (4..good.token.len()).flat_map(|place| [(place, 1), (place, 2)]) {
        let mut changed = good.token.clone().into_bytes();
        changed[place] ^= bit;
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(status(&changed).await, 401, "{changed}");
    }
    let update = async |statement: &'static str, account: &Account| {
        sqlx::query(statement).bind(account.id).execute(&server.app.pool).await.unwrap();
    };
    for (what, statement) in [
        ("revoked", "update user_token set revoked_at = now() where user_id = $1"),
        ("disabled", "update app_user set disabled_at = now() where id = $1"),
    ] {
        let account = server.account(Role::ReadWrite).await;
        assert_eq!(status(&account.token).await, 200, "{what}");
        update(statement, &account).await;
        assert_eq!(status(&account.token).await, 401, "{what}");
    }
    server.clock.advance(TimeDelta::days(90));
    assert_eq!(status(&good.token).await, 401, "expired");
}

#[tokio::test]
async fn a_scope_is_the_most_that_a_token_can_do() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadWrite).await;
    user(&server, "boss@example.com", Role::Admin).await;
    let token = async |email: &str, scopes: &[&str]| {
        let body = json!({"email": email, "password": PASSWORD, "scopes": scopes});
        let made = server.anonymous().request(Method::POST, "/api/v1/tokens").json(&body);
        let made: serde_json::Value = made.send().await.unwrap().json().await.unwrap();
        server.anonymous().with_token(made["access_token"].as_str().unwrap())
    };
    let reader = token("ann@example.com", &["read"]).await;
    assert_eq!(reader.upload("Energy_ERCOT_20240603_080000.csv", "a").await.status, 403);
    let writer = token("ann@example.com", &["upload"]).await;
    assert_eq!(writer.upload("Energy_ERCOT_20240603_080000.csv", "a").await.status, 422);
    assert_eq!(writer.get("/api/v1/datasets").await.status(), StatusCode::FORBIDDEN);
    let boss = token("boss@example.com", &["admin"]).await;
    let reopen = async |caller: &Caller| {
        let path = "/api/v1/datasets/energy/ercot/operating-days/2024-06-03/reopen";
        let request = caller.request(Method::POST, path).json(&json!({"reason": "wrong"}));
        request.send().await.unwrap().status()
    };
    assert_eq!(reopen(&boss).await, StatusCode::NOT_FOUND, "nothing is closed there");
    for role in ["read_write", "read_only"] {
        sqlx::query("update app_user set role = $1::user_role where email = 'boss@example.com'")
            .bind(role)
            .execute(&server.app.pool)
            .await
            .unwrap();
        assert_eq!(reopen(&boss).await, StatusCode::FORBIDDEN, "{role}");
    }
}

/// Accounts whose password is known, without the cost of hashing it for each.
async fn many_users(server: &TestServer, count: usize) {
    user(server, "user0@example.com", Role::ReadOnly).await;
    sqlx::query(
        "insert into app_user (id, email, role, password_hash, created_at)
         select gen_random_uuid(), 'user' || n || '@example.com', role, password_hash, created_at
         from app_user, generate_series(1, $1) n where email = 'user0@example.com'",
    )
    .bind(i32::try_from(count).unwrap() - 1)
    .execute(&server.app.pool)
    .await
    .unwrap();
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// One timing can be disturbed; three in the same direction are a difference.
#[tokio::test]
async fn an_unknown_address_takes_as_long_as_a_wrong_password() {
    const EACH: usize = 200;
    let server = TestServer::start().await;
    many_users(&server, EACH).await;
    let anonymous = server.anonymous();
    let mut told = Vec::new();
    for _ in 0..3 {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        let mut faces = Vec::new();
        for n in 0..EACH {
            // By turns, so that whatever else the machine does meets both.
            for (times, name) in [(&mut known, "user"), (&mut unknown, "nobody")] {
                // A quarter of an hour later nothing is left of the attempts before.
                server.clock.advance(TimeDelta::minutes(16));
                let begin = Instant::now();
                faces.push(
                    sign_in(&anonymous, &format!("{name}{n}@example.com"), "wrong password").await,
                );
                times.push(begin.elapsed());
            }
        }
        assert!(faces.iter().all(|face| *face == faces[0]), "{faces:?}");
        assert_eq!(faces[0].0, StatusCode::UNAUTHORIZED);
        let (known, unknown) = (median(known), median(unknown));
        let apart = known.abs_diff(unknown);
        if apart <= known.max(unknown) / 10 + Duration::from_millis(1) {
            return;
        }
        told.push(format!("{known:?} and {unknown:?}"));
    }
    panic!("a wrong password and an unknown address take {told:?}");
}

#[tokio::test]
async fn a_thousand_guesses_over_two_nodes_find_the_limit() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    server.clock.advance(TimeDelta::zero());
    let App { config, pool, documents, clock, .. } = server.app.clone();
    let second = App::new((*config).clone(), pool, documents, clock).unwrap();
    let nodes = [server.anonymous(), Caller::anonymous(&serve(second).await)];
    let mut looked_at = 0;
    for n in 0..1_000 {
        let status = sign_in(&nodes[n % 2], "ann@example.com", "wrong password").await.0;
        looked_at += usize::from(status == StatusCode::UNAUTHORIZED);
        assert!(matches!(status.as_u16(), 401 | 429), "{status}");
    }
    assert_eq!(looked_at, 5, "the others are not even looked at");
    assert_eq!(sign_in(&nodes[1], "ann@example.com", PASSWORD).await.0, 429);
    server.clock.advance(TimeDelta::seconds(1));
    assert_eq!(sign_in(&nodes[0], "ann@example.com", PASSWORD).await.0, 200);
    // From one address on any accounts: twenty, over both.
    server.clock.advance(TimeDelta::minutes(16));
    let mut looked_at = 0;
    for n in 0..60 {
        let status = sign_in(&nodes[n % 2], &format!("a{n}@example.com"), "wrong password").await.0;
        looked_at += usize::from(status == StatusCode::UNAUTHORIZED);
    }
    assert_eq!(looked_at, 20);
}
