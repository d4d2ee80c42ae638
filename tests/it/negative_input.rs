//! Attempts 1, 6 and 22 of the table in `negative_routes.rs`: hostile text in everything that
//! the server takes, and GET where something would change.

use std::{cell::Cell, collections::BTreeMap, time::Duration};

use futures::{StreamExt as _, stream};
use reqwest::{Method, RequestBuilder, Response, StatusCode, header::HeaderValue};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use trueprice::auth::Role;

use crate::{
    agreement::with_every_dataset,
    auth::{Browser, user},
    support::{
        Caller, TestServer, form,
        routes::{Body, Route},
    },
};

fn hostile() -> Vec<String> {
    let texts = [
        "'",
        "' OR 1=1--",
        ";drop table app_user;--",
        "%27",
        "\0",
        "$(reboot)",
        "<script>alert(1)",
    ];
    texts.map(str::to_owned).into_iter().chain(["x".repeat(10_000)]).collect()
}

/// Rows and content of each table. Whatever tells of the asking itself is left out.
pub async fn content(pool: &PgPool) -> BTreeMap<String, (i64, String)> {
    const OF_THE_ASKING: [&str; 4] = ["audit_event", "login_failure", "user_session", "user_token"];
    let tables: Vec<String> = sqlx::query_scalar(
        "select table_name::text from information_schema.tables
         where table_schema = 'public' and table_type = 'BASE TABLE'",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let mut content = BTreeMap::new();
    for table in tables.into_iter().filter(|table| !OF_THE_ASKING.contains(&&**table)) {
        let statement = format!(
            "select count(*), coalesce(md5(string_agg(t::text, '|' order by t::text)), '')
             from {table} t"
        );
        let found = sqlx::query_as(AssertSqlSafe(statement)).fetch_one(pool).await.unwrap();
        content.insert(table, found);
    }
    content
}

/// What no right request of the tests changes: curves, and who there was.
async fn of_value(pool: &PgPool, users: &[String]) -> Vec<(String, i64, String)> {
    let kept = ["curve", "series", "dataset", "headroom"];
    let content = content(pool).await.into_iter();
    let content = content.filter(|(table, _)| kept.iter().any(|kept| table.starts_with(kept)));
    let mut found: Vec<_> = content.map(|(table, (rows, hash))| (table, rows, hash)).collect();
    let accounts: String = sqlx::query_scalar(
        "select string_agg(concat_ws(' ', id, email, role, disabled_at, password_hash), ',' order by id)
         from app_user where email = any($1)",
    )
    .bind(users)
    .fetch_one(pool)
    .await
    .unwrap();
    found.push(("app_user".to_owned(), 0, accounts));
    found
}

/// One request with one hostile text in it.
struct Attempt {
    what: String,
    request: RequestBuilder,
    /// Whether an answer without an error must be an empty list.
    filters: bool,
}

impl Attempt {
    async fn outcome(self) -> Option<String> {
        let answer = match patiently(self.request).await {
            Ok(answer) => answer,
            Err(error) => return Some(format!("{}: {error}", self.what)),
        };
        let status = answer.status();
        // A stream of events has no end.
        let content_type = answer.headers().get("content-type").cloned();
        if content_type.is_some_and(|content_type| content_type == "text/event-stream") {
            return (!status.is_success()).then(|| format!("{}: {status}", self.what));
        }
        let body = answer.text().await.unwrap_or_default();
        let list = serde_json::from_str::<Value>(&body).ok();
        let items = list.as_ref().and_then(|list| list["items"].as_array());
        let found_some =
            self.filters && status.is_success() && items.is_some_and(|i| !i.is_empty());
        (status.is_server_error() || found_some).then(|| {
            format!("{}: {status} {}", self.what, body.chars().take(200).collect::<String>())
        })
    }
}

/// Sends a request, and again where the server says that it is busy just now.
async fn patiently(request: RequestBuilder) -> reqwest::Result<Response> {
    for _ in 0..2 {
        let answer = request.try_clone().expect("a body of bytes").send().await?;
        if answer.status() != StatusCode::SERVICE_UNAVAILABLE {
            return Ok(answer);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    request.send().await
}

/// Every parameter of every route with each of the texts, as somebody sends requests.
fn attempts(routes: &[Route], send: &dyn Fn(Method, &str) -> RequestBuilder) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for route in routes {
        for text in hostile() {
            let shown: String = text.chars().take(12).collect();
            let mut attempt = |place: &str, filters, request| {
                let what = format!("{} with {shown:?} in {place}", route.name());
                attempts.push(Attempt { what, request, filters });
            };
            let plain = |address: &str| send(route.method.clone(), address);
            for name in route.path.keys() {
                let address = route.address(&[(name, &text)]);
                attempt(
                    name,
                    false,
                    with_body(route, plain(&address).query(&route.query(&[])), None),
                );
            }
            for name in route.query.keys() {
                let query = route.query(&[(name, &text)]);
                let request = plain(&route.address(&[])).query(&query);
                attempt(name, route.reads(), with_body(route, request, None));
            }
            let can_be_sent = HeaderValue::from_str(&text).is_ok();
            for name in route.headers.iter().filter(|_| can_be_sent) {
                let request = plain(&route.address(&[])).query(&route.query(&[]));
                attempt(name, false, with_body(route, request.header(name, &text), None));
            }
            for name in fields(&route.body) {
                let request = plain(&route.address(&[])).query(&route.query(&[]));
                attempt(&name, false, with_body(route, request, Some((&name, &text))));
            }
        }
    }
    attempts
}

fn fields(body: &Body) -> Vec<String> {
    match body {
        Body::Nothing => Vec::new(),
        Body::Form(names) => names.clone(),
        Body::Json(example) => {
            example.as_object().into_iter().flatten().map(|m| m.0.clone()).collect()
        }
        Body::Multipart => vec!["name".to_owned(), "content".to_owned()],
    }
}

/// A body that is right but for one field.
pub fn with_body(
    route: &Route,
    request: RequestBuilder,
    field: Option<(&str, &str)>,
) -> RequestBuilder {
    let is = |name: &str| field.filter(|(known, _)| *known == name).map(|(_, text)| text);
    match &route.body {
        Body::Nothing => request,
        Body::Form(names) => {
            let pairs = names.iter().map(|name| (name.as_str(), is(name).unwrap_or("1")));
            request.form(&pairs.collect::<Vec<_>>())
        }
        Body::Json(example) => {
            let mut body = example.clone();
            if let Some((name, text)) = field {
                body[name] = text.into();
            }
            request.json(&body)
        }
        Body::Multipart => {
            let name = is("name").unwrap_or("Energy_ERCOT_20240603_235959.csv").to_owned();
            let content = is("content").unwrap_or("a").to_owned();
            let body = form("file", &[(&name, content.into())]);
            let kind = "multipart/form-data; boundary=------------------------trueprice";
            request.header("content-type", kind).body(body)
        }
    }
}

async fn run(attempts: Vec<Attempt>) -> Vec<String> {
    let outcomes = stream::iter(attempts).map(Attempt::outcome).buffer_unordered(4);
    outcomes.filter_map(std::future::ready).collect().await
}

/// A server with data, an administrator's token and browser.
async fn laid_out() -> (TestServer, Caller, Browser, Vec<Route>) {
    let (server, _) = with_every_dataset().await;
    user(&server, "ann@example.com", Role::Admin).await;
    let browser = Browser::signed_in(&server, "ann@example.com").await;
    let caller = server.caller(Role::Admin).await;
    let routes = server.routes(&caller).await;
    (server, caller, browser, routes)
}

#[tokio::test]
async fn hostile_text_in_any_parameter_finds_nothing_and_changes_nothing() {
    let (server, caller, browser, routes) = laid_out().await;
    let (reading, changing): (Vec<_>, Vec<_>) = routes.into_iter().partition(Route::reads);
    let csrf = browser.token_on("/account").await;
    // By turns, so that every parameter is sent in both ways.
    let by_cookie = Cell::new(false);
    let send = |method: Method, path: &str| match by_cookie.replace(!by_cookie.get()) {
        true => browser.request(method, path).header("x-csrf-token", &csrf),
        false => caller.request(method, path),
    };
    let pool = &server.app.pool;
    let before = content(pool).await;
    let tried = attempts(&reading, &send);
    assert!(tried.len() > 1_000, "{} attempts", tried.len());
    let wrong = run(tried).await;
    assert!(wrong.is_empty(), "{} answers:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(content(pool).await, before, "reading changes nothing");
    let users: Vec<String> =
        sqlx::query_scalar("select email from app_user").fetch_all(pool).await.unwrap();
    let before = of_value(pool, &users).await;
    let tried = attempts(&changing, &send);
    assert!(tried.len() > 200, "{} attempts", tried.len());
    let wrong = run(tried).await;
    assert!(wrong.is_empty(), "{} answers:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(of_value(pool, &users).await, before);
    assert!(browser.is_signed_in().await);
}

/// Headers that say nothing of who asks: sent all at once.
const HEADERS: [&str; 12] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "content-type",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "range",
    "referer",
    "user-agent",
    "x-forwarded-for",
    "x-request-id",
];

/// Those that do: each alone, in front of the hostile text.
const CREDENTIALS: [(&str, &str); 6] = [
    ("authorization", ""),
    ("authorization", "Bearer "),
    ("authorization", "Basic "),
    ("cookie", "session="),
    ("cookie", "login="),
    ("origin", ""),
];

#[tokio::test]
async fn hostile_text_in_any_header_or_cookie_changes_nothing() {
    let (server, caller, browser, routes) = laid_out().await;
    let pool = &server.app.pool;
    let before = content(pool).await;
    let texts = hostile().into_iter().filter(|text| HeaderValue::from_str(text).is_ok());
    let mut attempts = Vec::new();
    for (text, route) in
        texts.flat_map(|text| routes.iter().map(move |route| (text.clone(), route)))
    {
        if !route.reads() {
            continue;
        }
        let get = |request: RequestBuilder| request.query(&route.query(&[]));
        let mut attempt = |name: &str, request: RequestBuilder| {
            let what = format!("{} with {name}: {text:.12}", route.name());
            attempts.push(Attempt { what, request, filters: false });
        };
        let address = route.address(&[]);
        let all = |request| {
            HEADERS.iter().fold(get(request), |request, name| request.header(*name, &text))
        };
        attempt("all", all(caller.request(Method::GET, &address)));
        attempt("all", all(browser.request(Method::GET, &address)));
        for (name, scheme) in CREDENTIALS {
            let value = format!("{scheme}{text}");
            let request = server.anonymous().request(Method::GET, &address);
            attempt(name, get(request).header(name, value));
        }
    }
    let wrong = run(attempts).await;
    assert!(wrong.is_empty(), "{} answers:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(content(pool).await, before);
}

#[tokio::test]
async fn a_nul_in_a_head_is_a_400() {
    let server = TestServer::start().await;
    let host = server.base().trim_start_matches("http://").to_owned();
    for head in ["GET /\0 HTTP/1.1\r\nHost: a", "GET / HTTP/1.1\r\nHost: a\r\nCookie: session=\0"] {
        let mut socket = TcpStream::connect(&host).await.unwrap();
        socket.write_all(format!("{head}\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
}

#[tokio::test]
async fn get_changes_nothing_where_something_can_be_changed() {
    let (server, caller, browser, routes) = laid_out().await;
    let before = content(&server.app.pool).await;
    let reads = |template: &str| routes.iter().any(|r| r.reads() && r.template == template);
    let mut tried = 0;
    for route in routes.iter().filter(|route| !route.reads() && !reads(&route.template)) {
        let address = route.address(&[]);
        for answer in [caller.get(&address).await, browser.get(&address).await] {
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{}", route.name());
            assert!(!answer.headers()["allow"].to_str().unwrap().contains("GET"));
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
    assert_eq!(content(&server.app.pool).await, before);
}
