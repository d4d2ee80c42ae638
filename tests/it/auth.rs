//! Signing in, sessions and tokens.

use chrono::TimeDelta;
use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode,
    header::{ACCEPT, AUTHORIZATION, COOKIE, LOCATION, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE},
    redirect::Policy,
};
use serde_json::{Value, json};
use trueprice::{
    audit::Actor,
    auth::{
        self, Role, Secret,
        accounts::invite,
        login::{Change, set_password},
    },
    db::{tokens::Which, users},
};

use crate::support::{TestServer, accounts::attach_everything};

pub const PASSWORD: &str = "four words of a song";

/// A user with a password of their own.
pub async fn user(server: &TestServer, email: &str, role: Role) {
    let (app, actor) = (&server.app, Actor::COMMAND);
    let link = invite(app, &actor, &email.parse().unwrap(), role).await.unwrap();
    let change = Change { must_change: false, end: Which::All };
    set_password(app, &actor, link.user_id, &Secret::new(PASSWORD), change).await.unwrap();
    attach_everything(&app.pool, link.user_id).await;
}

/// A browser: keeps cookies, asks for pages, follows no redirect.
pub struct Browser {
    client: Client,
    base: String,
}

impl Browser {
    pub fn new(server: &TestServer) -> Self {
        Self::at(server.base())
    }

    /// A browser for the server at an address.
    pub fn at(base: &str) -> Self {
        _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().redirect(Policy::none()).cookie_store(true).build().unwrap();
        Self { client, base: base.to_owned() }
    }

    /// A browser in which this user is signed in.
    pub async fn signed_in(server: &TestServer, email: &str) -> Self {
        let browser = Self::new(server);
        let answer = browser.sign_in(email, PASSWORD, "").await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        browser
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).header(ACCEPT, "text/html")
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    /// Fills in the form of `/login`.
    pub async fn sign_in(&self, email: &str, password: &str, return_to: &str) -> Response {
        let csrf = self.token_on("/login").await;
        let form = [
            ("csrf_token", csrf.as_str()),
            ("email", email),
            ("password", password),
            ("return_to", return_to),
        ];
        self.request(Method::POST, "/login").form(&form).send().await.unwrap()
    }

    /// The token against forgery of a page's first form.
    pub async fn token_on(&self, path: &str) -> String {
        let page = self.get(path).await.text().await.unwrap();
        let after = page.split("name=\"csrf_token\" value=\"").nth(1).unwrap();
        after.split('"').next().unwrap().to_owned()
    }

    /// Sends a form of `/account`.
    pub async fn account_form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let csrf = self.token_on("/account").await;
        let mut form = vec![("csrf_token", csrf.as_str())];
        form.extend(fields);
        self.request(Method::POST, path).form(&form).send().await.unwrap()
    }

    pub async fn is_signed_in(&self) -> bool {
        self.get("/api/v1/me").await.status() == StatusCode::OK
    }
}

async fn script_login(server: &TestServer, email: &str, password: &str) -> Response {
    let form = [("email", email), ("password", password)];
    server.anonymous().request(Method::POST, "/login").form(&form).send().await.unwrap()
}

async fn json_of(answer: Response) -> Value {
    answer.json().await.unwrap()
}

/// An answer without what differs between any two requests.
async fn face(answer: Response) -> (StatusCode, Value) {
    let status = answer.status();
    let mut body = json_of(answer).await;
    body.as_object_mut().unwrap().remove("instance");
    (status, body)
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_script_signs_in_and_out() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadWrite).await;
    let answer = script_login(&server, " Ann@Example.com ", PASSWORD).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.headers().get(SET_COOKIE).is_none());
    let body = json_of(answer).await;
    assert_eq!(body["message_flag"], "success");
    let caller = server.anonymous().with_token(&text_of(&body["access_token"]));
    let me = json_of(caller.get("/api/v1/me").await).await;
    assert_eq!((&me["role"], &me["scopes"]), (&json!("read_write"), &json!(["read", "upload"])));
    let out = caller.request(Method::POST, "/logout").send().await.unwrap();
    assert_eq!(out.status(), StatusCode::NO_CONTENT);
    assert_eq!(caller.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_login_token_lives_a_day() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    let body = json_of(script_login(&server, "ann@example.com", PASSWORD).await).await;
    let caller = server.anonymous().with_token(&text_of(&body["access_token"]));
    server.clock.advance(TimeDelta::hours(23));
    assert_eq!(caller.get("/api/v1/me").await.status(), StatusCode::OK);
    server.clock.advance(TimeDelta::hours(1));
    assert_eq!(caller.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn exactly_one_credential() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    let token = server.account(Role::ReadOnly).await.token;
    let browser = Browser::signed_in(&server, "ann@example.com").await;
    let me = || browser.request(Method::GET, "/api/v1/me");
    let status = async |request: RequestBuilder| request.send().await.unwrap().status();
    assert_eq!(status(me()).await, StatusCode::OK);
    // With the token the cookie is not even looked at.
    let as_token = me().bearer_auth(&token).send().await.unwrap();
    assert!(as_token.headers().get(SET_COOKIE).is_none());
    assert_eq!(json_of(as_token).await["credential"], "token");
    assert_eq!(status(me().basic_auth("anything", Some(&token))).await, StatusCode::OK);
    let account_password = me().basic_auth("ann@example.com", Some(PASSWORD));
    assert_eq!(status(account_password).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(me().bearer_auth(format!("{token}x"))).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(me().bearer_auth(&token[..20])).await, StatusCode::UNAUTHORIZED);
    let twice = me().bearer_auth(&token).header(AUTHORIZATION, format!("Bearer {token}"));
    assert_eq!(status(twice).await, StatusCode::BAD_REQUEST);
    assert_eq!(status(me().header(AUTHORIZATION, token.as_str())).await, StatusCode::BAD_REQUEST);
    let in_cookie = server.anonymous().request(Method::GET, "/api/v1/me");
    let in_cookie = in_cookie.header(COOKIE, format!("session={token}"));
    assert_eq!(status(in_cookie).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_in_the_url_is_refused_before_it_is_looked_at() {
    let server = TestServer::start().await;
    let token = server.account(Role::ReadOnly).await.token;
    for query in [format!("token={token}"), format!("x={token}"), "password=a".to_owned()] {
        let answer = server.anonymous().get(&format!("/api/v1/me?{query}")).await;
        let (status, body) = face(answer).await;
        assert_eq!(
            (status, &body["code"]),
            (StatusCode::BAD_REQUEST, &json!("credentials_in_url"))
        );
        assert!(!body.to_string().contains(&token));
    }
    let query = "/login?email=ann@example.com&password=x";
    let answer = server.anonymous().request(Method::POST, query).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_same_answer_to_every_wrong_sign_in() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    user(&server, "gone@example.com", Role::ReadOnly).await;
    sqlx::query("update app_user set disabled_at = now() where email = 'gone@example.com'")
        .execute(&server.app.pool)
        .await
        .unwrap();
    let wrong = face(script_login(&server, "ann@example.com", "wrong").await).await;
    assert_eq!(wrong.0, StatusCode::UNAUTHORIZED);
    assert_eq!(face(script_login(&server, "nobody@example.com", "wrong").await).await, wrong);
    assert_eq!(face(script_login(&server, "gone@example.com", PASSWORD).await).await, wrong);
    assert_eq!(face(script_login(&server, "' or 1=1--", PASSWORD).await).await, wrong);
    let nul = script_login(&server, "ann@example.com\0", PASSWORD).await;
    assert_eq!(nul.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn whoever_guesses_waits_longer_and_longer() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    server.clock.advance(TimeDelta::zero());
    for email in ["ann@example.com", "nobody@example.com"] {
        for _ in 0..5 {
            let answer = script_login(&server, email, "wrong").await;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        }
        let body = json!({"email": email, "password": PASSWORD});
        let request = server.anonymous().request(Method::POST, "/api/v1/tokens").json(&body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers()[RETRY_AFTER], "1");
    }
    server.clock.advance(TimeDelta::seconds(1));
    assert_eq!(script_login(&server, "ann@example.com", "wrong").await.status(), 401);
    assert_eq!(script_login(&server, "ann@example.com", PASSWORD).await.status(), 429);
    server.clock.advance(TimeDelta::seconds(2));
    assert_eq!(script_login(&server, "ann@example.com", PASSWORD).await.status(), 200);
    // Success starts anew.
    assert_eq!(script_login(&server, "ann@example.com", "wrong").await.status(), 401);
    assert_eq!(script_login(&server, "ann@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn many_guesses_at_once_do_not_slip_through() {
    let server = TestServer::start().await;
    server.clock.advance(TimeDelta::zero());
    let guesses = (0..40).map(|_| script_login(&server, "ann@example.com", "wrong"));
    let answers = futures::future::join_all(guesses).await;
    let looked_at = answers.iter().filter(|answer| answer.status() == 401).count();
    let refused = answers.iter().filter(|answer| answer.status() == 429).count();
    assert_eq!((looked_at, refused), (5, 35));
}

#[tokio::test]
async fn an_address_has_twenty_failures_whatever_the_account() {
    let server = TestServer::start().await;
    server.clock.advance(TimeDelta::zero());
    for n in 0..20 {
        let answer = script_login(&server, &format!("a{n}@example.com"), "wrong").await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{n}");
    }
    let answer = script_login(&server, "other@example.com", "wrong").await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    server.clock.advance(TimeDelta::minutes(15));
    let answer = script_login(&server, "other@example.com", "wrong").await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_claimed_address_is_not_believed() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    let form = [("email", "ann@example.com"), ("password", PASSWORD)];
    let browser = Browser::new(&server);
    let csrf = browser.token_on("/login").await;
    let request = browser.request(Method::POST, "/login").header("x-forwarded-for", "203.0.113.9");
    let answer = request.form(&[form[0], form[1], ("csrf_token", &csrf)]).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let sessions = json_of(browser.get("/api/v1/sessions").await).await;
    assert_eq!(sessions["items"][0]["address"], "127.0.0.1");
}

#[tokio::test]
async fn a_session_id_that_was_known_before_signing_in_is_worth_nothing() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    let known = "session=AAAAAAAAAAAAAAAAAAAAAA";
    let browser = Browser::new(&server);
    let csrf = browser.get("/login").await;
    let cookie = csrf.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = csrf.text().await.unwrap();
    let token = page.split("name=\"csrf_token\" value=\"").nth(1).unwrap();
    let token = token.split('"').next().unwrap();
    let form = [("email", "ann@example.com"), ("password", PASSWORD), ("csrf_token", token)];
    let request = server.anonymous().request(Method::POST, "/login").header(ACCEPT, "text/html");
    let request = request.header(COOKIE, format!("{known}; {cookie}")).form(&form);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let fresh = answer.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    assert!(fresh.starts_with("session=") && !fresh.starts_with(known), "{fresh}");
    assert!(fresh.contains("HttpOnly") && fresh.contains("SameSite=Lax"), "{fresh}");
    let old = server.anonymous().request(Method::GET, "/api/v1/me").header(COOKIE, known);
    assert_eq!(old.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_database_never_sees_a_secret() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    let body = json_of(script_login(&server, "ann@example.com", PASSWORD).await).await;
    let token = text_of(&body["access_token"]);
    let stored: String = sqlx::query_scalar(
        "select (select string_agg(t::text, ' ') from user_token t) || ' '
             || (select string_agg(u::text, ' ') from app_user u)",
    )
    .fetch_one(&server.app.pool)
    .await
    .unwrap();
    assert!(stored.contains(&token[..8]) && !stored.contains(&token), "{stored}");
    assert!(!stored.contains(PASSWORD) && stored.contains("$argon2id$"), "{stored}");
}

#[tokio::test]
async fn a_session_ends_when_idle_and_after_half_a_day() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    server.clock.advance(TimeDelta::zero());
    let browser = Browser::signed_in(&server, "ann@example.com").await;
    server.clock.advance(TimeDelta::minutes(121));
    assert!(!browser.is_signed_in().await);
    let browser = Browser::signed_in(&server, "ann@example.com").await;
    for _ in 0..11 {
        server.clock.advance(TimeDelta::minutes(60));
        assert!(browser.is_signed_in().await);
    }
    server.clock.advance(TimeDelta::minutes(60));
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn a_new_password_ends_what_the_old_one_opened() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    let (here, there) = (
        Browser::signed_in(&server, "ann@example.com").await,
        Browser::signed_in(&server, "ann@example.com").await,
    );
    let login = json_of(script_login(&server, "ann@example.com", PASSWORD).await).await;
    let login = server.anonymous().with_token(&text_of(&login["access_token"]));
    let body = json!({"email": "ann@example.com", "password": PASSWORD, "name": "kept"});
    let made = server.anonymous().request(Method::POST, "/api/v1/tokens").json(&body);
    let made = json_of(made.send().await.unwrap()).await;
    let api = server.anonymous().with_token(&text_of(&made["access_token"]));
    let change = |old, new| [("old_password", old), ("new_password", new)];
    let new = "another song entirely";
    let path = "/account/password";
    assert_eq!(here.account_form(path, &change("wrong", new)).await.status(), 401);
    assert_eq!(here.account_form(path, &change(PASSWORD, "short")).await.status(), 422);
    assert_eq!(here.account_form(path, &change(PASSWORD, PASSWORD)).await.status(), 422);
    let before = here.token_on("/account").await;
    let changed = here.account_form(path, &change(PASSWORD, new)).await;
    assert_eq!(changed.status(), 303);
    let told = here.get(changed.headers()[LOCATION].to_str().unwrap()).await.text().await.unwrap();
    assert!(told.contains("Your password is changed."), "{told}");
    assert!(here.is_signed_in().await);
    assert_ne!(here.token_on("/account").await, before);
    assert!(!there.is_signed_in().await);
    assert_eq!(login.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(api.get("/api/v1/me").await.status(), StatusCode::OK);
    assert_eq!(script_login(&server, "ann@example.com", PASSWORD).await.status(), 401);
    assert_eq!(script_login(&server, "ann@example.com", new).await.status(), 200);
}

#[tokio::test]
async fn tokens_are_made_shown_once_listed_and_revoked() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadWrite).await;
    let browser = Browser::signed_in(&server, "ann@example.com").await;
    let fields = [("name", "<script>x</script>"), ("scopes", "read"), ("expires_in_days", "7")];
    let page = browser.account_form("/account/tokens", &fields).await;
    assert_eq!(page.status(), StatusCode::CREATED);
    let page = page.text().await.unwrap();
    assert!(!page.contains("<script>x"));
    let start = page.find("tpk_").unwrap();
    let caller = server.anonymous().with_token(&page[start..start + 47]);
    assert_eq!(json_of(caller.get("/api/v1/me").await).await["role"], "read_only");
    let list = json_of(caller.get("/api/v1/tokens").await).await;
    assert_eq!(list["items"][0]["name"], "<script>x</script>");
    assert!(!list.to_string().contains(&page[start..start + 47]));
    let id = text_of(&list["items"][0]["id"]);
    let again = browser.get("/account").await.text().await.unwrap();
    assert!(!again.contains(&page[start..start + 47]));
    let revoked = browser.account_form(&format!("/account/tokens/{id}/revoke"), &[]).await;
    assert_eq!(revoked.status(), StatusCode::SEE_OTHER);
    assert_eq!(caller.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED);
    for wrong in [[("scopes", "admin"), ("name", "a")], [("scopes", "READ"), ("name", "a")]] {
        let page = browser.account_form("/account/tokens", &wrong).await;
        assert!(page.status().is_client_error(), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_token_is_no_more_than_its_owner() {
    let server = TestServer::start().await;
    let account = server.account(Role::Admin).await;
    let caller = server.anonymous().with_token(&account.token);
    assert_eq!(json_of(caller.get("/api/v1/me").await).await["role"], "admin");
    sqlx::query("update app_user set role = 'read_only' where id = $1")
        .bind(account.id)
        .execute(&server.app.pool)
        .await
        .unwrap();
    let me = json_of(caller.get("/api/v1/me").await).await;
    assert_eq!((&me["role"], &me["scopes"]), (&json!("read_only"), &json!(["read"])));
    sqlx::query("update app_user set disabled_at = now() where id = $1")
        .bind(account.id)
        .execute(&server.app.pool)
        .await
        .unwrap();
    let answer = caller.get("/api/v1/me").await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(answer.headers().contains_key(WWW_AUTHENTICATE));
}

#[tokio::test]
async fn what_belongs_to_others_is_not_there() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    let browser = Browser::signed_in(&server, "ann@example.com").await;
    let session = json_of(browser.get("/api/v1/sessions").await).await;
    let session = text_of(&session["items"][0]["id"]);
    let login = json_of(script_login(&server, "ann@example.com", PASSWORD).await).await;
    let ann = server.anonymous().with_token(&text_of(&login["access_token"]));
    let token = json_of(ann.get("/api/v1/tokens").await).await;
    let token = text_of(&token["items"][0]["id"]);
    let other = server.caller(Role::Admin).await;
    for path in [format!("/api/v1/sessions/{session}"), format!("/api/v1/tokens/{token}")] {
        let answer = other.request(Method::DELETE, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert!(browser.is_signed_in().await);
    let own = ann.request(Method::DELETE, &format!("/api/v1/sessions/{session}"));
    assert_eq!(own.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn logging_out_everywhere_leaves_only_the_tokens_made_on_purpose() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    let here = Browser::signed_in(&server, "ann@example.com").await;
    let there = Browser::signed_in(&server, "ann@example.com").await;
    let login = json_of(script_login(&server, "ann@example.com", PASSWORD).await).await;
    let script = server.anonymous().with_token(&text_of(&login["access_token"]));
    let answer = here.account_form("/account/log-out-everywhere", &[]).await;
    assert_eq!(answer.headers()[LOCATION], "/login");
    assert!(!here.is_signed_in().await && !there.is_signed_in().await);
    assert_eq!(script.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_first_administrator_is_one_and_must_choose_a_password() {
    let server = TestServer::start().await;
    let (one, two) = futures::future::join(
        auth::bootstrap(&server.app, None, None),
        auth::bootstrap(&server.app, None, None),
    )
    .await;
    let made: Vec<_> = [one.unwrap(), two.unwrap()].into_iter().flatten().collect();
    let [first] = made.as_slice() else { panic!("{} administrators", made.len()) };
    let password = first.random_password.as_ref().unwrap().expose().to_owned();
    assert_eq!(script_login(&server, "admin@localhost", &password).await.status(), 403);
    let browser = Browser::new(&server);
    let answer = browser.sign_in("admin@localhost", &password, "/upload").await;
    assert_eq!(answer.headers()[LOCATION], "/account");
    let elsewhere = browser.get("/api/v1/tokens").await;
    assert_eq!(face(elsewhere).await.1["code"], "password_change_required");
    let fields = [("old_password", password.as_str()), ("new_password", PASSWORD)];
    assert_eq!(browser.account_form("/account/password", &fields).await.status(), 303);
    assert_eq!(browser.get("/api/v1/tokens").await.status(), StatusCode::OK);
    assert!(auth::bootstrap(&server.app, None, None).await.unwrap().is_none());
}

#[tokio::test]
async fn the_rules_hold_for_the_first_administrator_too() {
    let server = TestServer::start().await;
    let weak = Some(Secret::new("TruePrice2026!"));
    assert!(auth::bootstrap(&server.app, None, weak).await.is_err());
    let good = Some(Secret::new(PASSWORD));
    let made = auth::bootstrap(&server.app, Some("Ops@Example.com"), good).await.unwrap().unwrap();
    assert!(made.random_password.is_none());
    assert_eq!(script_login(&server, "ops@example.com", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn a_weak_hash_is_made_anew_at_sign_in() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    // m=8, t=1: made with the parameters of long ago.
    let params = argon2::Params::new(8, 1, 1, None).unwrap();
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let weak = argon2::PasswordHasher::hash_password(&argon2, PASSWORD.as_bytes()).unwrap();
    sqlx::query("update app_user set password_hash = $1")
        .bind(weak.to_string())
        .execute(&server.app.pool)
        .await
        .unwrap();
    assert_eq!(script_login(&server, "ann@example.com", PASSWORD).await.status(), 200);
    let row = users::by_email(&server.app.pool, "ann@example.com").await.unwrap().unwrap();
    assert!(row.password_hash.unwrap().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
}
