//! The life of a user, as administrators lead it: by API, by page, by command.

use std::{convert::Infallible, time::Duration};

use axum::body::Body;
use futures::{StreamExt as _, stream};
use reqwest::{
    Method, Response, StatusCode,
    header::{ACCEPT, COOKIE, LINK, LOCATION, SET_COOKIE},
    multipart::Form,
};
use serde_json::{Value, json};
use trueprice::{auth::Role, web::middleware::running};

use crate::{
    auth::{Browser, PASSWORD, user},
    links::{invite, path_of},
    support::{Caller, Home, TestServer, User, address},
};

async fn json_of(answer: Response, status: u16) -> Value {
    let found = answer.status();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(found.as_u16(), status, "{body}");
    body
}

async fn patch(caller: &Caller, id: &str, body: Value) -> Response {
    let path = format!("/api/v1/users/{id}");
    caller.request(Method::PATCH, &path).json(&body).send().await.unwrap()
}

async fn post(caller: &Caller, path: &str) -> Response {
    caller.request(Method::POST, path).send().await.unwrap()
}

async fn delete(caller: &Caller, path: &str) -> StatusCode {
    caller.request(Method::DELETE, path).send().await.unwrap().status()
}

async fn one(admin: &Caller, email: &str) -> Value {
    let list = json_of(admin.get(&format!("/api/v1/users?q={email}")).await, 200).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
    list["items"][0].clone()
}

async fn id_of(admin: &Caller, email: &str) -> String {
    one(admin, email).await["id"].as_str().unwrap().to_owned()
}

/// What the log of acts tells of a user, in its order.
async fn acts(server: &TestServer, id: &str) -> Vec<String> {
    sqlx::query_scalar(
        "select action from audit_event where object_type = 'user' and object_id = $1 order by id",
    )
    .bind(id)
    .fetch_all(&server.app.pool)
    .await
    .unwrap()
}

async fn status_of(caller: &Caller) -> u16 {
    caller.get("/api/v1/me").await.status().as_u16()
}

/// A user with a browser, a login token and an API token.
struct Opened {
    browser: Browser,
    login: Caller,
    api: Caller,
}

impl Opened {
    async fn of(server: &TestServer, email: &str) -> Self {
        let form = [("email", email), ("password", PASSWORD)];
        let login = server.anonymous().request(Method::POST, "/login").form(&form);
        let login = json_of(login.send().await.unwrap(), 200).await;
        let body = json!({"email": email, "password": PASSWORD});
        let made = server.anonymous().request(Method::POST, "/api/v1/tokens").json(&body);
        let made = json_of(made.send().await.unwrap(), 201).await;
        let caller = |answer: &Value| {
            server.anonymous().with_token(answer["access_token"].as_str().unwrap())
        };
        let browser = Browser::signed_in(server, email).await;
        Self { browser, login: caller(&login), api: caller(&made) }
    }

    /// Session, login token, API token: what `GET /api/v1/me` answers to each.
    async fn statuses(&self) -> [u16; 3] {
        let session = self.browser.get("/api/v1/me").await.status().as_u16();
        [session, status_of(&self.login).await, status_of(&self.api).await]
    }
}

#[tokio::test]
async fn users_are_found_and_paged() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    for n in 0..3 {
        invite(&admin, &format!("ann{n}@example.com"), "read_only").await;
    }
    invite(&admin, "bob@example.com", "admin").await;
    let emails = async |query: &str| {
        let list = json_of(admin.get(&format!("/api/v1/users{query}")).await, 200).await;
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| item["email"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(emails("?q=ANN1").await, ["ann1@example.com"]);
    assert_eq!(emails("?role=admin&q=example").await[0], "bob@example.com");
    assert_eq!(emails("?q=%25").await, [""; 0], "a percent sign is a percent sign");
    let first = admin.get("/api/v1/users?q=ann&limit=2").await;
    let next = first.headers()[LINK].to_str().unwrap().to_owned();
    let next = next.split(['<', '>']).nth(1).unwrap().to_owned();
    let first = json_of(first, 200).await;
    assert_eq!(first["items"][1]["email"], "ann1@example.com");
    let last = json_of(admin.get(&next).await, 200).await;
    assert_eq!(
        (&last["items"][0]["email"], &last["next"]),
        (&json!("ann0@example.com"), &Value::Null)
    );
    for bad in ["?status=gone", "?role=boss", "?role=ADMIN", "?limit=0", "?cursor=x", "?sort=1"] {
        assert_eq!(admin.get(&format!("/api/v1/users{bad}")).await.status(), 400, "{bad}");
    }
    let id = id_of(&admin, "ann1@").await;
    assert_eq!(patch(&admin, &id, json!({"status": "disabled"})).await.status(), 200);
    assert_eq!(emails("?status=disabled").await, ["ann1@example.com"]);
    assert_eq!(emails("?status=enabled&q=ann").await, ["ann2@example.com", "ann0@example.com"]);
}

#[tokio::test]
async fn nobody_but_administrators_leads_users() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let id = invite(&admin, "ann@example.com", "read_only").await["user"]["id"].clone();
    let id = id.as_str().unwrap();
    let one = format!("/api/v1/users/{id}");
    let calls = [
        (Method::GET, "/api/v1/users".to_owned()),
        (Method::POST, "/api/v1/users".to_owned()),
        (Method::POST, "/api/v1/users/invite".to_owned()),
        (Method::PATCH, one.clone()),
        (Method::DELETE, one.clone()),
        (Method::POST, format!("{one}/reset")),
        (Method::DELETE, format!("{one}/sessions")),
        (Method::GET, "/admin/users".to_owned()),
        (Method::GET, format!("/admin/users/{id}")),
        (Method::POST, "/admin/users/invite-many".to_owned()),
        (Method::POST, format!("/admin/users/{id}/reset")),
        (Method::POST, format!("/admin/users/{id}/end-sessions")),
        (Method::POST, format!("/admin/users/{id}/erase")),
    ];
    for role in [Role::ReadOnly, Role::ReadWrite] {
        let email = format!("{role}@example.com");
        user(&server, &email, role).await;
        let (browser, caller) =
            (Browser::signed_in(&server, &email).await, server.caller(role).await);
        let csrf = browser.token_on("/account").await;
        for (method, path) in &calls {
            let body = json!({"email": "x@example.com", "role": "admin", "status": "disabled"});
            let with_token = caller.request(method.clone(), path).json(&body);
            assert_eq!(with_token.send().await.unwrap().status(), 403, "{role} {method} {path}");
            let with_cookie = browser.request(method.clone(), path).header("x-csrf-token", &csrf);
            let with_cookie = with_cookie.json(&body).send().await.unwrap();
            assert_eq!(with_cookie.status(), 403, "{role} {method} {path}");
        }
    }
    assert_eq!(acts(&server, id).await, ["user_created", "link_created"]);
}

#[tokio::test]
async fn a_role_is_exactly_one_of_three_words() {
    let server = TestServer::start().await;
    user(&server, "boss@example.com", Role::Admin).await;
    let admin = server.caller(Role::Admin).await;
    let id = invite(&admin, "ann@example.com", "read_only").await["user"]["id"].clone();
    let id = id.as_str().unwrap();
    let browser = Browser::signed_in(&server, "boss@example.com").await;
    let csrf = browser.token_on("/account").await;
    let mut bad: Vec<Value> =
        ["", "a", "min", "ADMIN", "admin ", "administrator", "read_write,admin"]
            .map(Value::from)
            .into();
    bad.extend([json!(["admin"]), json!([]), Value::Null, json!({"role": "admin"}), json!(2)]);
    for role in &bad {
        for body in [json!({"role": role}), json!({"role": role, "status": "disabled"})] {
            assert_eq!(patch(&admin, id, body.clone()).await.status(), 400, "{body}");
            let cookie = browser.request(Method::PATCH, &format!("/api/v1/users/{id}"));
            let cookie = cookie.header("x-csrf-token", &csrf).json(&body).send().await.unwrap();
            assert_eq!(cookie.status(), 400, "{body}");
        }
        let body = json!({"email": "new@example.com", "role": role});
        let created = admin.request(Method::POST, "/api/v1/users").json(&body);
        assert_eq!(created.send().await.unwrap().status(), 400, "{body}");
        if let Some(text) = role.as_str() {
            let form = [("role", text), ("csrf_token", &csrf)];
            let page = browser.request(Method::POST, &format!("/admin/users/{id}/role"));
            assert_eq!(page.form(&form).send().await.unwrap().status(), 400, "{text:?}");
        }
    }
    for body in [
        json!({}),
        json!({"status": "ENABLED"}),
        json!({"status": "erased"}),
        json!({"rol": "admin"}),
    ] {
        assert_eq!(patch(&admin, id, body.clone()).await.status(), 400, "{body}");
    }
    let ann = one(&admin, "ann@example.com").await;
    assert_eq!((&ann["role"], &ann["status"]), (&json!("read_only"), &json!("enabled")));
    let all = json_of(admin.get("/api/v1/users?q=new@").await, 200).await;
    assert_eq!(all["items"], json!([]));
}

#[tokio::test]
async fn an_address_is_given_once() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    invite(&admin, "ann@example.com", "read_only").await;
    for (email, status) in [("ANN@example.com ", 409), ("ann", 400), ("a@b@c", 400), ("", 400)] {
        let body = json!({"email": email, "role": "admin"});
        let answer = admin.request(Method::POST, "/api/v1/users").json(&body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{email:?}");
    }
    assert_eq!(one(&admin, "ann@example.com").await["role"], "read_only");
}

#[tokio::test]
async fn nobody_changes_their_own_role_or_status() {
    let server = TestServer::start().await;
    let account = server.account(Role::Admin).await;
    let other = server.caller(Role::Admin).await;
    let (admin, id) = (server.anonymous().with_token(&account.token), account.id.to_string());
    for body in
        [json!({"role": "read_only"}), json!({"status": "disabled"}), json!({"role": "admin"})]
    {
        let refused = json_of(patch(&admin, &id, body).await, 403).await;
        assert_eq!(refused["code"], "own_account");
    }
    let reset = post(&admin, &format!("/api/v1/users/{id}/reset")).await;
    assert_eq!(json_of(reset, 403).await["code"], "own_account");
    assert_eq!(one(&other, &account.email).await["role"], "admin");
}

#[tokio::test]
async fn one_administrator_always_remains() {
    let server = TestServer::start().await;
    for round in 0..6 {
        // Of two who take each other away at once, one succeeds.
        let (ann, bob) = (server.account(Role::Admin).await, server.account(Role::Admin).await);
        let caller = |token| server.anonymous().with_token(token);
        let (as_ann, as_bob) = (caller(&ann.token), caller(&bob.token));
        let body = match round % 3 {
            0 => json!({"role": "read_only"}),
            1 => json!({"status": "disabled"}),
            _ => json!({"role": "read_write", "status": "disabled"}),
        };
        let (ann_id, bob_id) = (ann.id.to_string(), bob.id.to_string());
        let (one, two) = futures::future::join(
            patch(&as_ann, &bob_id, body.clone()),
            patch(&as_bob, &ann_id, body.clone()),
        )
        .await;
        let mut statuses = [one.status().as_u16(), two.status().as_u16()];
        statuses.sort_unstable();
        assert!(statuses[0] == 200 && [401, 403, 409].contains(&statuses[1]), "{statuses:?}");
        let left: i64 = sqlx::query_scalar(
            "select count(*) from app_user where role = 'admin' and disabled_at is null",
        )
        .fetch_one(&server.app.pool)
        .await
        .unwrap();
        assert_eq!(left, 1, "round {round}");
        sqlx::query("update app_user set disabled_at = now()")
            .execute(&server.app.pool)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn the_command_line_leaves_the_last_administrator_too() {
    let server = TestServer::start().await;
    let account = server.account(Role::Admin).await;
    let home = Home::of(User::Same);
    let database = address(&server.app.pool);
    let run = async |arguments: &[&str]| {
        let output = home.run(arguments, &[("DATABASE_URL", &database)]).await;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    };
    let link = |text: &str| {
        let line = text.lines().find(|line| line.contains("/link/")).expect("a link");
        line[line.find("/link/").unwrap()..].to_owned()
    };
    let (done, _, why) = run(&["user", "disable", &account.email]).await;
    assert!(!done && why.contains("last enabled administrator"), "{why}");
    let (done, text, _) = run(&["user", "add", "ann@example.com", "--role", "read_write"]).await;
    assert!(done && text.contains("ann@example.com"), "{text}");
    let browser = Browser::new(&server);
    assert_eq!(browser.choose(&link(&text), PASSWORD).await.status(), 303);
    let ann = Opened::of(&server, "ann@example.com").await;
    let (_, text, _) = run(&["user", "reset", "ann@example.com"]).await;
    assert_eq!(ann.statuses().await, [401; 3]);
    assert_eq!(browser.choose(&link(&text), PASSWORD).await.status(), 303);
    for (arguments, status) in [("disable", 401), ("enable", 303)] {
        assert!(run(&["user", arguments, "ann@example.com"]).await.0);
        let tried = Browser::new(&server).sign_in("ann@example.com", PASSWORD, "").await;
        assert_eq!(tried.status().as_u16(), status, "{arguments}");
    }
    let recover = ["user", "add", "Ann@example.com", "--role", "admin", "--recover"];
    let (done, _, why) = run(&recover).await;
    assert!(!done && why.contains("There is an enabled administrator"), "{why}");
    assert!(!run(&["user", "add", "x@example.com", "--recover"]).await.0);
    assert!(!run(&["user", "add", "x@example.com", "--role", "ADMIN"]).await.0);
    sqlx::query("update app_user set disabled_at = now()").execute(&server.app.pool).await.unwrap();
    let (done, text, why) = run(&recover).await;
    assert!(done, "{why}");
    // The old password is as dead as the tokens.
    let tried = Browser::new(&server).sign_in("ann@example.com", PASSWORD, "").await;
    assert_eq!(tried.status(), 401);
    assert_eq!(browser.choose(&link(&text), "another song entirely").await.status(), 303);
    assert_eq!(browser.sign_in("ann@example.com", "another song entirely", "").await.status(), 303);
    let me: Value = browser.get("/api/v1/me").await.json().await.unwrap();
    assert_eq!(me["role"], "admin");
    assert!(!run(&recover).await.0);
    let (_, list, _) = run(&["user", "list"]).await;
    assert!(
        list.lines().any(|line| line.contains("ann@example.com") && line.contains("enabled")),
        "{list}"
    );
}

/// The session's cookie of an answer.
fn cookie_of(answer: &Response) -> Option<String> {
    let cookies = answer.headers().get_all(SET_COOKIE).iter();
    let mut cookies = cookies.map(|value| value.to_str().unwrap().split(';').next().unwrap());
    cookies.find(|cookie| cookie.starts_with("session=")).map(str::to_owned)
}

#[tokio::test]
async fn a_change_of_role_gives_each_session_a_new_id_and_shrinks_tokens() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    user(&server, "ann@example.com", Role::Admin).await;
    let ann = Opened::of(&server, "ann@example.com").await;
    let id = id_of(&admin, "ann@example.com").await;
    // A second session, whose cookie is in the test's hands.
    let browser = Browser::new(&server);
    let old = cookie_of(&browser.sign_in("ann@example.com", PASSWORD, "").await).unwrap();
    let with = async |cookie: &str, path: &str| {
        let request = server.anonymous().request(Method::GET, path).header(COOKIE, cookie);
        request.header(ACCEPT, "text/html").send().await.unwrap()
    };
    assert!(cookie_of(&with(&old, "/api/v1/me").await).is_none());
    let sessions = json_of(with(&old, "/api/v1/sessions").await, 200).await;
    assert_eq!(patch(&admin, &id, json!({"role": "read_only"})).await.status(), 200);
    let first = with(&old, "/account").await;
    let new = cookie_of(&first).expect("a new id");
    assert!(first.status() == 200 && new != old, "{new}");
    // The page's forms carry the token of the new id.
    let csrf = first.text().await.unwrap();
    let csrf =
        csrf.split("name=\"csrf_token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(with(&old, "/api/v1/me").await.status(), StatusCode::UNAUTHORIZED);
    let me = json_of(with(&new, "/api/v1/me").await, 200).await;
    assert_eq!((&me["role"], &me["csrf_token"]), (&json!("read_only"), &json!(csrf)));
    assert!(cookie_of(&with(&new, "/api/v1/me").await).is_none());
    // It is the same session: when it was made, and so when it ends, stays.
    let after = json_of(with(&new, "/api/v1/sessions").await, 200).await;
    assert_eq!(after["items"][0]["id"], sessions["items"][0]["id"]);
    assert_eq!(after["items"][0]["created_at"], sessions["items"][0]["created_at"]);
    assert_eq!(ann.statuses().await, [200; 3]);
    assert_eq!(ann.api.get("/api/v1/users").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(ann.login.get("/api/v1/users").await.status(), StatusCode::FORBIDDEN);
    // What the browser keeps, it keeps using.
    assert!(ann.browser.is_signed_in().await);
}

#[tokio::test]
async fn of_many_requests_after_a_change_of_role_one_gets_the_new_id() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    user(&server, "ann@example.com", Role::ReadWrite).await;
    let id = id_of(&admin, "ann@example.com").await;
    let old =
        cookie_of(&Browser::new(&server).sign_in("ann@example.com", PASSWORD, "").await).unwrap();
    assert_eq!(patch(&admin, &id, json!({"role": "read_only"})).await.status(), 200);
    let requests = (0..8).map(|_| {
        let request = server.anonymous().request(Method::GET, "/api/v1/me");
        request.header(COOKIE, &old).send()
    });
    let answers: Vec<Response> =
        futures::future::join_all(requests).await.into_iter().map(Result::unwrap).collect();
    let let_in = answers.iter().filter(|answer| answer.status() == 200);
    let new: Vec<String> = let_in.map(|answer| cookie_of(answer).unwrap()).collect();
    assert_eq!(new.len(), 1);
    let made: i64 = sqlx::query_scalar("select count(*) from user_session")
        .fetch_one(&server.app.pool)
        .await
        .unwrap();
    assert_eq!(made, 1);
}

#[tokio::test]
async fn who_is_shut_out_is_out_at_once_and_comes_back_with_api_tokens_only() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    user(&server, "ann@example.com", Role::ReadWrite).await;
    let (ann, id) = (Opened::of(&server, "ann@example.com").await, id_of(&admin, "ann@").await);
    assert_eq!(ann.statuses().await, [200; 3]);
    let disabled = json_of(patch(&admin, &id, json!({"status": "disabled"})).await, 200).await;
    assert_eq!(disabled["status"], "disabled");
    assert_eq!(ann.statuses().await, [401; 3]);
    assert_eq!(patch(&admin, &id, json!({"status": "disabled"})).await.status(), 200);
    let reset = post(&admin, &format!("/api/v1/users/{id}/reset")).await;
    assert_eq!(json_of(reset, 409).await["code"], "user_disabled");
    assert_eq!(patch(&admin, &id, json!({"status": "enabled"})).await.status(), 200);
    assert_eq!(ann.statuses().await, [401, 401, 200]);
    Browser::signed_in(&server, "ann@example.com").await;
    let told = acts(&server, &id).await;
    let told = told.iter().filter(|act| act.starts_with("user_")).collect::<Vec<_>>();
    assert_eq!(told, ["user_created", "user_disabled", "user_enabled"]);
}

#[tokio::test]
async fn a_reset_takes_everything_away_at_once() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    user(&server, "ann@example.com", Role::ReadWrite).await;
    let (ann, id) = (Opened::of(&server, "ann@example.com").await, id_of(&admin, "ann@").await);
    let reset = json_of(post(&admin, &format!("/api/v1/users/{id}/reset")).await, 201).await;
    assert_eq!(ann.statuses().await, [401; 3]);
    let browser = Browser::new(&server);
    assert_eq!(browser.sign_in("ann@example.com", PASSWORD, "").await.status(), 401);
    assert_eq!(browser.choose(&path_of(&reset), "another song entirely").await.status(), 303);
    assert_eq!(browser.sign_in("ann@example.com", "another song entirely", "").await.status(), 303);
    assert_eq!(ann.statuses().await, [401; 3]);
    let mut told = acts(&server, &id).await;
    told.retain(|act| act != "login_failed");
    assert!(
        told.ends_with(
            &["session_ended", "link_created", "link_used", "password_changed"].map(str::to_owned)
        ),
        "{told:?}"
    );
}

#[tokio::test]
async fn sessions_are_ended_by_administrators() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    let (ann, id) = (Opened::of(&server, "ann@example.com").await, id_of(&admin, "ann@").await);
    assert_eq!(delete(&admin, &format!("/api/v1/users/{id}/sessions")).await, 204);
    assert_eq!(ann.statuses().await, [401, 401, 200]);
    assert_eq!(acts(&server, &id).await.last().unwrap(), "session_ended");
}

#[tokio::test]
async fn what_is_erased_is_gone_but_its_id() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    user(&server, "ann@example.com", Role::ReadWrite).await;
    let (ann, id) = (Opened::of(&server, "ann@example.com").await, id_of(&admin, "ann@").await);
    let path = format!("/api/v1/users/{id}");
    assert_eq!(delete(&admin, &path).await, 409);
    assert_eq!(ann.statuses().await, [200; 3]);
    assert_eq!(patch(&admin, &id, json!({"status": "disabled"})).await.status(), 200);
    assert_eq!(delete(&admin, &path).await, 204);
    assert_eq!(delete(&admin, &path).await, 204, "once more changes nothing");
    let erased = one(&admin, &id).await;
    assert_eq!(
        (&erased["status"], &erased["email"]),
        (&json!("erased"), &json!(format!("erased-{id}@erased.invalid")))
    );
    for body in [json!({"status": "enabled"}), json!({"role": "admin"})] {
        assert_eq!(json_of(patch(&admin, &id, body).await, 409).await["code"], "user_erased");
    }
    let stored: i64 = sqlx::query_scalar(
        "select (select count(*) from app_user u where u::text like '%ann@example%')
              + (select count(*) from user_token t where t.user_id = $1 and t.revoked_at is null)
              + (select count(*) from user_session s where s.user_id = $1)
              + (select count(*) from audit_event a where a.detail::text like '%ann@example%')",
    )
    .bind(id.parse::<uuid::Uuid>().unwrap())
    .fetch_one(&server.app.pool)
    .await
    .unwrap();
    assert_eq!(stored, 0);
    assert!(acts(&server, &id).await.contains(&"user_erased".to_owned()));
    // The address is free again, for somebody else.
    assert_ne!(invite(&admin, "ann@example.com", "read_only").await["user"]["id"], json!(id));
}

#[tokio::test]
async fn new_writers_receive_the_built_in_package_and_nobody_else_does() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    for (role, packages) in [("read_only", 0), ("read_write", 1), ("admin", 0)] {
        let made = invite(&admin, &format!("{role}@example.com"), role).await;
        assert_eq!(made["user"]["packages"], packages, "{role}");
    }
    let id = id_of(&admin, "read_only@").await;
    let changed = json_of(patch(&admin, &id, json!({"role": "read_write"})).await, 200).await;
    assert_eq!(changed["packages"], 0);
    let id = id_of(&admin, "read_write@").await;
    let changed = json_of(patch(&admin, &id, json!({"role": "read_only"})).await, 200).await;
    assert_eq!(changed["packages"], 1);
    assert_eq!(
        acts(&server, &id).await,
        ["user_created", "package_attached", "link_created", "role_changed"]
    );
    let detail: Value = sqlx::query_scalar(
        "select detail from audit_event where action = 'role_changed' and object_id = $1",
    )
    .bind(&id)
    .fetch_one(&server.app.pool)
    .await
    .unwrap();
    assert_eq!(detail, json!({"before": "read_write", "after": "read_only"}));
}

#[tokio::test]
async fn many_are_invited_at_once_and_a_bad_line_leaves_nothing() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let send = async |kind: &str, body: &str| {
        let request = admin.request(Method::POST, "/api/v1/users/invite");
        request.header("content-type", kind).body(body.to_owned()).send().await.unwrap()
    };
    let body = "email,role\nann@example.com,read_write\nbob,read_only\nann@EXAMPLE.com,admin\n\
                cid@example.com,ADMIN\ndan@example.com\neve@example.com,read_only\n";
    let answer = json_of(send("text/csv; charset=utf-8", body).await, 207).await;
    assert_eq!((&answer["invited"], &answer["refused"]), (&json!(2), &json!(4)));
    let results = answer["results"].as_array().unwrap().iter();
    let shown: Vec<_> =
        results.clone().map(|one| (one["line"].as_u64(), one["status"].as_u64())).collect();
    let wanted = [(2, 201), (3, 400), (4, 409), (5, 400), (6, 400), (7, 201)];
    assert_eq!(shown, wanted.map(|(line, status)| (Some(line), Some(status))));
    for one in results.filter(|one| one["status"] == 201) {
        assert_eq!(Browser::new(&server).get(&path_of(one)).await.status(), 200);
    }
    let list = json_of(admin.get("/api/v1/users?q=example.com&role=read_only").await, 200).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(one(&admin, "ann@example").await["role"], "read_write");
    for (kind, body, status) in [
        ("text/csv", "", 400),
        ("text/csv", "email,role\n", 400),
        ("application/json", "[]", 415),
        ("text/csv", &"x".repeat((64 << 10) + 1), 413),
    ] {
        assert_eq!(send(kind, body).await.status().as_u16(), status, "{kind}");
    }
    let told: Value =
        sqlx::query_scalar("select detail from audit_event where action = 'bulk_invite'")
            .fetch_one(&server.app.pool)
            .await
            .unwrap();
    assert_eq!(told, json!({"lines": 6, "invited": 2, "refused": 4}));
}

#[tokio::test]
async fn what_the_page_offers_works() {
    let server = TestServer::start().await;
    user(&server, "boss@example.com", Role::Admin).await;
    let admin = server.caller(Role::Admin).await;
    let browser = Browser::signed_in(&server, "boss@example.com").await;
    let csrf = browser.token_on("/account").await;
    let send = async |path: &str, fields: &[(&str, &str)]| {
        let mut form = vec![("csrf_token", csrf.as_str())];
        form.extend(fields);
        browser.request(Method::POST, path).form(&form).send().await.unwrap()
    };
    let to_users = browser.get("/admin").await;
    assert_eq!(to_users.headers()[LOCATION], "/admin/users");
    let page =
        send("/admin/users/invite", &[("email", "ann@example.com"), ("role", "read_only")]).await;
    assert_eq!(page.status(), StatusCode::CREATED);
    let page = page.text().await.unwrap();
    let link = page[page.find("/link/").unwrap()..].split('<').next().unwrap().to_owned();
    assert!(!browser.get("/admin/users").await.text().await.unwrap().contains("/link/"));
    assert_eq!(Browser::new(&server).choose(&link, PASSWORD).await.status(), 303);
    let again =
        send("/admin/users/invite", &[("email", "ann@example.com"), ("role", "admin")]).await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
    assert!(again.text().await.unwrap().contains("There is a user ann@example.com already."));
    let id = id_of(&admin, "ann@example.com").await;
    let path = |what: &str| format!("/admin/users/{id}{what}");
    for (what, fields, told) in [
        ("/role", &[("role", "read_write")][..], "The role is changed."),
        ("/end-sessions", &[], "login tokens have ended"),
        ("/status", &[("status", "disabled")], "shut out"),
        ("/status", &[("status", "enabled")], "may come in again"),
        ("/status", &[("status", "disabled")], "shut out"),
    ] {
        let answer = send(&path(what), fields).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{what}");
        let page =
            browser.get(answer.headers()[LOCATION].to_str().unwrap()).await.text().await.unwrap();
        assert!(page.contains(told), "{what}: {page}");
    }
    assert_eq!(one(&admin, "ann@").await["role"], "read_write");
    assert_eq!(send(&path("/reset"), &[]).await.status(), StatusCode::CONFLICT);
    assert_eq!(
        send(&path("/status"), &[("status", "enabled")]).await.status(),
        StatusCode::SEE_OTHER
    );
    let reset = send(&path("/reset"), &[]).await;
    assert_eq!(reset.status(), StatusCode::CREATED);
    assert!(reset.text().await.unwrap().contains("/link/"));
    assert_eq!(send(&path("/erase"), &[]).await.status(), StatusCode::CONFLICT);
    let own = id_of(&admin, "boss@example.com").await;
    let page = browser.get(&format!("/admin/users/{own}")).await.text().await.unwrap();
    assert!(page.contains("This is your own account."), "{page}");
    assert!(!page.contains(&format!("action=\"/admin/users/{own}")), "{page}");
    assert_eq!(
        send(&format!("/admin/users/{own}/role"), &[("role", "read_only")]).await.status(),
        403
    );
    assert_eq!(browser.get("/admin/users/nobody").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_page_invites_many_from_lines_or_a_file() {
    let server = TestServer::start().await;
    user(&server, "boss@example.com", Role::Admin).await;
    let browser = Browser::signed_in(&server, "boss@example.com").await;
    let csrf = browser.token_on("/account").await;
    let send = async |lines: &str, file: &str| {
        let form = Form::new().text("csrf_token", csrf.clone()).text("lines", lines.to_owned());
        let form = form.text("file", file.to_owned());
        let request = browser.request(Method::POST, "/admin/users/invite-many").multipart(form);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, page) = send("ann@example.com,read_only\r\n<b>,admin\r\n", "").await;
    assert_eq!(status, 207);
    assert!(page.contains("1 invited, 1 refused") && page.contains("&#60;b&#62;"), "{page}");
    let (status, page) = send("", "bob@example.com,read_only\n").await;
    assert!(status == 207 && page.contains("1 invited, 0 refused"), "{page}");
    assert_eq!(send("", "").await.0, 400);
    assert_eq!(send("a@b,admin", "c@d,admin").await.0, 400);
}

#[tokio::test]
async fn the_first_administrator_is_told_of() {
    let server = TestServer::start().await;
    trueprice::auth::bootstrap(&server.app, None, None).await.unwrap().unwrap();
    let told: (String, String) =
        sqlx::query_as("select action, credential from audit_event where action = 'bootstrap'")
            .fetch_one(&server.app.pool)
            .await
            .unwrap();
    assert_eq!(told, ("bootstrap".to_owned(), "server".to_owned()));
}

#[tokio::test]
async fn what_is_still_being_sent_breaks_off_when_its_user_is_shut_out() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let account = server.account(Role::ReadOnly).await;
    let endless = || Body::from_stream(stream::repeat_with(|| Ok::<_, Infallible>("12.50\n")));
    let sent = async |id| {
        let mut pieces = running::watched(server.app.clone(), id, endless()).into_data_stream();
        assert!(pieces.next().await.unwrap().is_ok());
        pieces
    };
    let mut pieces = sent(account.id).await;
    let id = account.id.to_string();
    assert_eq!(patch(&admin, &id, json!({"status": "disabled"})).await.status(), 200);
    let rest = async {
        // Not an end, which would look like a whole file, but an error, and nothing after it.
        while pieces.next().await.expect("no clean end").is_ok() {
            tokio::task::yield_now().await;
        }
        pieces.next().await.is_none()
    };
    let over = tokio::time::timeout(Duration::from_mins(1), rest).await;
    assert!(over.expect("it breaks off"));
}

#[tokio::test]
async fn what_ends_in_time_is_sent_as_it_is() {
    let server = TestServer::start().await;
    let account = server.account(Role::ReadOnly).await;
    let body = Body::from_stream(stream::iter(["a", "b"].map(Ok::<_, Infallible>)));
    let body = running::watched(server.app.clone(), account.id, body);
    assert_eq!(axum::body::to_bytes(body, 10).await.unwrap(), "ab");
}
