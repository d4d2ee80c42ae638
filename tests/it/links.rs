//! One-time links: how somebody comes to a password.

use chrono::TimeDelta;
use reqwest::{
    Method, Response, StatusCode,
    header::{CACHE_CONTROL, LOCATION, ORIGIN, RETRY_AFTER},
};
use serde_json::{Value, json};
use trueprice::auth::Role;

use crate::{
    auth::{Browser, PASSWORD, user},
    support::{Caller, SmtpServer, TestServer, until},
};

/// The path of a link in an answer.
pub fn path_of(answer: &Value) -> String {
    let url = answer["link"]["url"].as_str().expect("a link");
    assert!(url.starts_with("http://127.0.0.1:8080/link/"), "{url}");
    url[url.find("/link/").unwrap()..].to_owned()
}

async fn json_of(answer: Response, status: u16) -> Value {
    let found = answer.status();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(found.as_u16(), status, "{body}");
    body
}

async fn post(caller: &Caller, path: &str, body: Value) -> Response {
    caller.request(Method::POST, path).json(&body).send().await.unwrap()
}

/// Invites somebody and returns the answer.
pub async fn invite(admin: &Caller, email: &str, role: &str) -> Value {
    let body = json!({"email": email, "role": role});
    json_of(post(admin, "/api/v1/users", body).await, 201).await
}

impl Browser {
    /// Fills in the form of a link.
    pub async fn choose(&self, link: &str, password: &str) -> Response {
        let csrf = self.token_on("/login").await;
        let form = [("csrf_token", csrf.as_str()), ("password", password)];
        self.request(Method::POST, link).form(&form).send().await.unwrap()
    }
}

#[tokio::test]
async fn an_invitation_leads_to_a_password_that_nobody_else_has_seen() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let invited = invite(&admin, " Ann@Example.com ", "read_write").await;
    let facts = ["email", "role", "status", "has_password"].map(|name| &invited["user"][name]);
    assert_eq!(json!(facts), json!(["ann@example.com", "read_write", "enabled", false]));
    assert_eq!(invited["link"]["mailed"], false);
    let (link, browser) = (path_of(&invited), Browser::new(&server));
    // Looking at it, however often, uses nothing up.
    for _ in 0..3 {
        let page = browser.get(&link).await;
        assert_eq!(
            (page.status(), &page.headers()[CACHE_CONTROL]),
            (StatusCode::OK, &"no-store".parse().unwrap())
        );
        let page = page.text().await.unwrap();
        assert!(page.contains("ann@example.com") && !page.contains(&link[6..]), "{page}");
    }
    assert_eq!(browser.choose(&link, "too short").await.status(), 422);
    assert_eq!(browser.choose(&link, "ann@example.com").await.status(), 422);
    let done = browser.choose(&link, PASSWORD).await;
    assert_eq!(
        (done.status().as_u16(), &done.headers()[LOCATION]),
        (303, &"/login?done=password".parse().unwrap())
    );
    let told = browser.get("/login?done=password").await.text().await.unwrap();
    assert!(told.contains("Your password is set."), "{told}");
    // It signed nobody in.
    assert!(!browser.is_signed_in().await);
    assert_eq!(browser.choose(&link, "another song entirely").await.status(), 410);
    let page = browser.get(&link).await;
    assert_eq!(page.status(), StatusCode::GONE);
    assert!(page.text().await.unwrap().contains("has set a password already"));
    let browser = Browser::signed_in(&server, "ann@example.com").await;
    let me: Value = browser.get("/api/v1/me").await.json().await.unwrap();
    assert_eq!((&me["role"], &me["must_change_password"]), (&json!("read_write"), &json!(false)));
}

#[tokio::test]
async fn of_many_at_once_one_sets_the_password() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let link = path_of(&invite(&admin, "ann@example.com", "read_only").await);
    let browser = Browser::new(&server);
    let passwords: Vec<String> = (0..4).map(|n| format!("four words of song {n}")).collect();
    let tries = passwords.iter().map(|password| browser.choose(&link, password));
    let answers = futures::future::join_all(tries).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    let won: Vec<usize> = (0..4).filter(|n| statuses[*n] == 303).collect();
    assert_eq!(won.len(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [303, 410].contains(status)), "{statuses:?}");
    for (n, password) in passwords.iter().enumerate() {
        let signed_in = Browser::new(&server).sign_in("ann@example.com", password, "").await;
        assert_eq!(signed_in.status() == 303, n == won[0], "{n}");
    }
}

#[tokio::test]
async fn links_end_in_their_time_and_with_their_successor() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    server.clock.advance(TimeDelta::zero());
    let status = async |link: &str| Browser::new(&server).get(link).await.status().as_u16();
    let invited = invite(&admin, "ann@example.com", "read_only").await;
    let invitation = path_of(&invited);
    server.clock.advance(TimeDelta::hours(72) - TimeDelta::seconds(1));
    assert_eq!(status(&invitation).await, 200);
    server.clock.advance(TimeDelta::seconds(1));
    assert_eq!(status(&invitation).await, 410);
    assert_eq!(Browser::new(&server).choose(&invitation, PASSWORD).await.status(), 410);
    user(&server, "bob@example.com", Role::ReadOnly).await;
    let list: Value = admin.get("/api/v1/users?q=BOB").await.json().await.unwrap();
    let reset = format!("/api/v1/users/{}/reset", list["items"][0]["id"].as_str().unwrap());
    let first = json_of(post(&admin, &reset, json!({})).await, 201).await;
    let second = json_of(post(&admin, &reset, json!({})).await, 201).await;
    assert_eq!(first["link"]["purpose"], "reset");
    assert_eq!((status(&path_of(&first)).await, status(&path_of(&second)).await), (410, 200));
    server.clock.advance(TimeDelta::hours(1));
    assert_eq!(status(&path_of(&second)).await, 410);
}

#[tokio::test]
async fn a_link_of_somebody_who_is_shut_out_is_worth_nothing() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let invited = invite(&admin, "ann@example.com", "read_only").await;
    let path = format!("/api/v1/users/{}", invited["user"]["id"].as_str().unwrap());
    for status in ["disabled", "enabled"] {
        let change = admin.request(Method::PATCH, &path).json(&json!({"status": status}));
        assert_eq!(change.send().await.unwrap().status(), 200);
        let tried = Browser::new(&server).choose(&path_of(&invited), PASSWORD).await;
        assert_eq!(tried.status(), StatusCode::GONE, "{status}");
    }
    // Who never had a password gets an invitation anew, and the link that is used takes all others along.
    let anew = json_of(post(&admin, &format!("{path}/reset"), json!({})).await, 201).await;
    assert_eq!(anew["link"]["purpose"], "invite");
    assert_eq!(Browser::new(&server).choose(&path_of(&anew), PASSWORD).await.status(), 303);
}

#[tokio::test]
async fn whoever_tries_links_has_twenty_tries_apart_from_signing_in() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    server.clock.advance(TimeDelta::zero());
    let link = path_of(&invite(&admin, "ann@example.com", "read_only").await);
    let browser = Browser::new(&server);
    for n in 0..20 {
        let page = browser.get(&format!("/link/{n}")).await;
        assert_eq!(page.status(), StatusCode::NOT_FOUND);
        let page = page.text().await.unwrap();
        assert!(page.contains("ask your administrator for a new one"), "{page}");
    }
    let refused = browser.get(&link).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()[RETRY_AFTER], "900");
    assert_eq!(browser.choose(&link, PASSWORD).await.status(), 429);
    assert_eq!(browser.sign_in("ann@example.com", PASSWORD, "").await.status(), 401);
    server.clock.advance(TimeDelta::minutes(15));
    // A good one is no failure.
    for _ in 0..25 {
        assert_eq!(browser.get(&link).await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn the_form_of_a_link_cannot_be_forged() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let link = path_of(&invite(&admin, "ann@example.com", "read_only").await);
    let browser = Browser::new(&server);
    let csrf = browser.token_on(&link).await;
    let foreign = Browser::new(&server).token_on(&link).await;
    let send = async |browser: &Browser, csrf: Option<&str>| {
        let mut form = vec![("password", PASSWORD)];
        form.extend(csrf.map(|csrf| ("csrf_token", csrf)));
        browser.request(Method::POST, &link).form(&form).send().await.unwrap().status()
    };
    assert_eq!(send(&browser, None).await, StatusCode::FORBIDDEN);
    assert_eq!(send(&browser, Some(&foreign)).await, StatusCode::FORBIDDEN);
    assert_eq!(send(&Browser::new(&server), Some(&csrf)).await, StatusCode::FORBIDDEN);
    let form = [("password", PASSWORD), ("csrf_token", &csrf)];
    let elsewhere = browser.request(Method::POST, &link).header(ORIGIN, "https://evil.example");
    assert_eq!(elsewhere.form(&form).send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let put = browser.request(Method::PUT, &link).send().await.unwrap();
    assert_eq!(put.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(send(&browser, Some(&csrf)).await, StatusCode::SEE_OTHER);
}

async fn with_mail() -> (TestServer, SmtpServer) {
    let smtp = SmtpServer::start().await;
    let mail = Some(smtp.config());
    (TestServer::start_with(|config| config.mail = mail, None).await, smtp)
}

#[tokio::test]
async fn links_are_mailed_where_mail_is_set_up() {
    let (server, smtp) = with_mail().await;
    let admin = server.caller(Role::Admin).await;
    let invited = invite(&admin, "ann@example.com", "read_only").await;
    assert_eq!(invited["link"]["mailed"], true);
    let [mail] = &smtp.mails()[..] else { panic!("one mail") };
    assert_eq!((mail.to.as_str(), mail.link()), ("ann@example.com", path_of(&invited)));
    assert!(mail.text.contains("Subject: Your invitation to TRUEPrice"), "{}", mail.text);
    assert!(mail.text.contains("From: TRUEPrice <curves@example.com>"), "{}", mail.text);
    assert_eq!(Browser::new(&server).choose(&mail.link(), PASSWORD).await.status(), 303);
}

#[tokio::test]
async fn without_its_mail_server_a_link_is_made_all_the_same() {
    let mut mail = SmtpServer::start().await.config();
    // Nobody listens on the port of nobody.
    mail.smtp_url = trueprice::auth::Secret::new("smtp://127.0.0.1:1");
    let server = TestServer::start_with(|config| config.mail = Some(mail), None).await;
    let admin = server.caller(Role::Admin).await;
    let invited = invite(&admin, "ann@example.com", "read_only").await;
    assert_eq!(invited["link"]["mailed"], false);
    assert_eq!(Browser::new(&server).get(&path_of(&invited)).await.status(), 200);
}

impl Browser {
    async fn forgets(&self, email: &str) -> Response {
        let csrf = self.token_on("/forgot").await;
        let form = [("csrf_token", csrf.as_str()), ("email", email)];
        self.request(Method::POST, "/forgot").form(&form).send().await.unwrap()
    }
}

#[tokio::test]
async fn whoever_forgot_gets_a_mail_and_nobody_learns_who_there_is() {
    let (server, smtp) = with_mail().await;
    server.clock.advance(TimeDelta::zero());
    for email in ["ann@example.com", "gone@example.com"] {
        user(&server, email, Role::ReadOnly).await;
    }
    sqlx::query("update app_user set disabled_at = now() where email = 'gone@example.com'")
        .execute(&server.app.pool)
        .await
        .unwrap();
    let browser = Browser::new(&server);
    let face = async |email| {
        let answer = browser.forgets(email).await;
        let mut headers = answer.headers().clone();
        for name in ["date", "x-request-id"] {
            headers.remove(name);
        }
        (answer.status(), headers, answer.text().await.unwrap())
    };
    let known = face("Ann@example.com").await;
    assert_eq!(
        (known.0.as_u16(), &known.1[LOCATION]),
        (303, &"/forgot?done=sent".parse().unwrap())
    );
    for email in ["nobody@example.com", "gone@example.com", "ann@example.com"] {
        assert_eq!(face(email).await, known, "{email}");
    }
    until(async || !smtp.mails().is_empty()).await;
    let link = smtp.mails()[0].link();
    // The fourth wish came too soon after the first; a later one makes a new link.
    server.clock.advance(TimeDelta::minutes(5));
    face("ann@example.com").await;
    until(async || smtp.mails().len() > 1).await;
    let to: Vec<String> = smtp.mails().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, ["ann@example.com", "ann@example.com"]);
    assert_eq!(browser.get(&link).await.status(), StatusCode::GONE);
    let session = Browser::signed_in(&server, "ann@example.com").await;
    let newest = smtp.mails()[1].link();
    assert_eq!(browser.choose(&newest, "another song entirely").await.status(), 303);
    assert!(!session.is_signed_in().await);
    assert_eq!(browser.sign_in("ann@example.com", PASSWORD, "").await.status(), 401);
    assert_eq!(browser.sign_in("ann@example.com", "another song entirely", "").await.status(), 303);
}

#[tokio::test]
async fn without_mail_the_page_says_whom_to_ask() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let page = browser.get("/forgot").await.text().await.unwrap();
    assert!(page.contains("sends no mail") && !page.contains("<form"), "{page}");
    let csrf = browser.token_on("/login").await;
    let form = [("csrf_token", csrf.as_str()), ("email", "ann@example.com")];
    let sent = browser.request(Method::POST, "/forgot").form(&form).send().await.unwrap();
    assert_eq!(sent.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn neither_the_database_nor_the_log_of_acts_has_a_link() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let link = path_of(&invite(&admin, "ann@example.com", "read_only").await);
    let browser = Browser::new(&server);
    assert_eq!(browser.choose(&link, PASSWORD).await.status(), 303);
    assert_eq!(browser.get(&link).await.status(), 410);
    let stored: String = sqlx::query_scalar(
        "select (select string_agg(l::text, ' ') from one_time_link l) || ' '
             || (select string_agg(a::text, ' ') from audit_event a)",
    )
    .fetch_one(&server.app.pool)
    .await
    .unwrap();
    assert!(stored.contains("link_used") && stored.contains("link_refused"), "{stored}");
    assert!(!stored.contains(&link[6..]) && !stored.contains(PASSWORD), "{stored}");
}
