//! What keeps a browser, and everybody who has none, from doing what they should not.

use std::{collections::BTreeSet, path::Path};

use reqwest::{
    Method, StatusCode,
    header::{
        ACCEPT, ALLOW, CACHE_CONTROL, COOKIE, ETAG, HOST, IF_NONE_MATCH, LOCATION, ORIGIN,
        SET_COOKIE,
    },
};
use serde_json::Value;
use trueprice::auth::Role;

use crate::{
    auth::{Browser, PASSWORD, user},
    support::TestServer,
};

const PUBLIC: [&str; 11] = [
    "/livez",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/apidocs",
    "/apidocs/{file}",
    "/favicon.ico",
    "/forgot",
    "/link/{secret}",
    "/login",
    "/static/{*path}",
];

/// Every route that the source registers: those of the description, and those of `.route("...")`.
async fn routes(server: &TestServer) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    routes_below(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut found);
    let described = server.anonymous().get("/openapi.json").await;
    let described: Value = described.json().await.unwrap();
    found.extend(described["paths"].as_object().unwrap().keys().cloned());
    found
}

fn routes_below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            routes_below(&entry.path(), found);
        } else {
            let source = std::fs::read_to_string(entry.path()).unwrap_or_default();
            let calls = source.split(".route(").skip(1).map(str::trim_start);
            let paths = calls.filter_map(|call| call.strip_prefix('"')?.split('"').next());
            found.extend(paths.map(str::to_owned));
        }
    }
}

#[tokio::test]
async fn nothing_is_open_but_what_is_meant_to_be() {
    let server = TestServer::start().await;
    let routes = routes(&server).await;
    assert!(routes.contains("/account") && routes.contains("/api/v1/tokens"), "{routes:?}");
    for route in &routes {
        if PUBLIC.contains(&route.as_str()) {
            continue;
        }
        let path: String = route.replace(['{', '}', '*'], "");
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if (method == Method::POST) && path == "/api/v1/tokens" {
                continue;
            }
            let answer = server.anonymous().request(method.clone(), &path).send().await.unwrap();
            let no_logout = path == "/logout" && method != Method::POST;
            let wanted = match no_logout {
                true => StatusCode::METHOD_NOT_ALLOWED,
                false => StatusCode::UNAUTHORIZED,
            };
            assert_eq!(answer.status(), wanted, "{method} {route}");
        }
        let answer = Browser::new(&server).get(&path).await;
        if path.starts_with("/api/") {
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{route}");
        } else if path != "/logout" {
            assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{route}");
            assert!(answer.headers()[LOCATION].to_str().unwrap().starts_with("/login"), "{route}");
        }
    }
}

#[tokio::test]
async fn the_way_back_is_kept_and_is_never_another_site() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    let asked = Browser::new(&server).get("/account?a=1").await;
    assert_eq!(asked.headers()[LOCATION], "/login?return_to=/account%3Fa%3D1");
    for (wanted, goes) in [
        ("/account?a=1", "/account?a=1"),
        ("//evil", "/"),
        ("https://evil", "/"),
        ("/\\evil", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ] {
        let answer = Browser::new(&server).sign_in("ann@example.com", PASSWORD, wanted).await;
        assert_eq!(answer.headers()[LOCATION], goes, "{wanted}");
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_what_it_may_do() {
    let server = TestServer::start().await;
    for path in
        ["/login", "/nope", "/api/v1/me", "/openapi.json", "/apidocs", "/static/nope", "/?token=a"]
    {
        let answer = server.anonymous().get(path).await;
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(
            header("content-security-policy"),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'",
            "{path}"
        );
        assert_eq!(header("strict-transport-security"), "max-age=31536000; includeSubDomains");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert!(header("permissions-policy").contains("camera=()"));
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn another_site_changes_nothing() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    user(&server, "eve@example.com", Role::ReadOnly).await;
    let ann = Browser::signed_in(&server, "ann@example.com").await;
    let eve = Browser::signed_in(&server, "eve@example.com").await;
    let (good, foreign) = (ann.token_on("/account").await, eve.token_on("/account").await);
    let logout = || ann.request(Method::POST, "/logout");
    let with_form = |token: &str| logout().form(&[("csrf_token", token)]);
    for (what, request) in [
        ("no token", logout()),
        ("empty form", logout().form::<[(&str, &str); 0]>(&[])),
        ("wrong token", with_form("wrong")),
        ("another user's", with_form(&foreign)),
        ("wrong header", logout().header("x-csrf-token", foreign.as_str())),
        ("foreign origin", with_form(&good).header(ORIGIN, "https://evil.example")),
        ("null origin", with_form(&good).header(ORIGIN, "null")),
        ("cross-site", with_form(&good).header("sec-fetch-site", "cross-site")),
        ("another port", with_form(&good).header(ORIGIN, "http://127.0.0.1:1")),
        ("a JSON body", logout().json(&serde_json::json!({"csrf_token": good}))),
    ] {
        assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{what}");
        assert!(ann.is_signed_in().await, "{what}");
    }
    let answer = with_form(&good).header(ORIGIN, server.base()).send().await.unwrap();
    assert_eq!(answer.headers()[LOCATION], "/login");
    assert!(!ann.is_signed_in().await);
    let header = eve.request(Method::POST, "/logout").header("x-csrf-token", foreign.as_str());
    assert_eq!(header.send().await.unwrap().status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_login_form_must_be_ours() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    let browser = Browser::new(&server);
    let csrf = browser.token_on("/login").await;
    let form = |csrf: &str| {
        let fields = [("email", "ann@example.com"), ("password", PASSWORD), ("csrf_token", csrf)];
        browser.request(Method::POST, "/login").form(&fields)
    };
    let wrong = form("wrong").send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
    let text = wrong.text().await.unwrap();
    assert!(text.contains("name=\"password\"") && text.contains("This form is too old"), "{text}");
    assert!(!text.contains("X-CSRF-Token"), "a person is told nothing of headers: {text}");
    let foreign = form(&csrf).header(ORIGIN, "https://evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    assert!(!browser.is_signed_in().await);
    assert_eq!(form(&csrf).send().await.unwrap().status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_error_has_two_faces_and_one_id() {
    let server = TestServer::start().await;
    let request = server.anonymous().request(Method::GET, "/nope").header("x-request-id", "forged");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_ne!(id, "forged");
    let body: Value = answer.json().await.unwrap();
    assert_eq!((&body["instance"], &body["code"]), (&id.into(), &"not_found".into()));
    let page = Browser::new(&server).get("/nope").await;
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    let id = page.headers()["x-request-id"].to_str().unwrap().to_owned();
    let text = page.text().await.unwrap();
    assert!(text.contains("<html") && text.contains(&id) && text.contains("not_found"), "{text}");
}

#[tokio::test]
async fn a_script_is_challenged_and_a_browser_is_not() {
    let server = TestServer::start().await;
    let script = server.anonymous().get("/api/v1/me").await;
    let challenge = script.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("Basic") && challenge.contains("Bearer"), "{challenge}");
    // The browser would ask for a password in a window of its own.
    let fetch = server.anonymous().request(Method::GET, "/api/v1/me");
    let fetch = fetch.header("sec-fetch-mode", "cors").send().await.unwrap();
    assert_eq!(fetch.status(), StatusCode::UNAUTHORIZED);
    assert!(!fetch.headers().contains_key("www-authenticate"));
}

#[tokio::test]
async fn behind_tls_a_cookie_is_bound_to_this_host() {
    let server = TestServer::start_with(|config| config.auth.behind_tls_proxy = true, None).await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    let request = |method| server.anonymous().request(method, "/login").header(ACCEPT, "text/html");
    let form = request(Method::GET).send().await.unwrap();
    let cookie = form.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-login=") && cookie.contains("; Secure"), "{cookie}");
    let page = form.text().await.unwrap();
    let token = page.split("name=\"csrf_token\" value=\"").nth(1).unwrap();
    let token = token.split('"').next().unwrap();
    let form = [("email", "ann@example.com"), ("password", PASSWORD), ("csrf_token", token)];
    let sent = request(Method::POST).header(COOKIE, cookie.split(';').next().unwrap());
    let answer = sent.form(&form).send().await.unwrap();
    let cookie = answer.headers()[SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-session="), "{cookie}");
    for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_path() {
    let server = TestServer::start().await;
    server.anonymous().get("/api/v1/tokens?cursor=a-cursor-that-nobody-should-see").await;
    server.anonymous().get("/a-path-that-nobody-should-see").await;
    let numbers = server.anonymous().get("/metrics").await.text().await.unwrap();
    let counted = "http_request_duration_seconds_count{method=\"GET\",route=\"/api/v1/tokens\",";
    assert!(numbers.contains(counted), "{numbers}");
    assert!(!numbers.contains("nobody-should-see"), "{numbers}");
}

#[tokio::test]
async fn limits_are_problems() {
    let server = TestServer::start().await;
    let anonymous = server.anonymous();
    let long = anonymous.get(&format!("/login?return_to={}", "a".repeat(9000))).await;
    assert_eq!(long.status(), StatusCode::URI_TOO_LONG);
    let body = format!("email={}", "a".repeat(70_000));
    let post = |kind: &str, body: String| {
        anonymous.request(Method::POST, "/login").header("content-type", kind).body(body).send()
    };
    let large = post("application/x-www-form-urlencoded", body.clone()).await.unwrap();
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(large.headers()["content-type"], "application/problem+json");
    assert_eq!(large.json::<Value>().await.unwrap()["limit"], 65_536);
    let chunks = futures::stream::iter([Ok::<_, std::io::Error>(body)]);
    let request = anonymous.request(Method::POST, "/login");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let chunked = request.body(reqwest::Body::wrap_stream(chunks)).send().await.unwrap();
    assert_eq!(chunked.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let wrong = post("text/plain", "email=a".to_owned()).await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let unknown = post("application/x-www-form-urlencoded", "emial=a".to_owned()).await.unwrap();
    assert_eq!(unknown.json::<Value>().await.unwrap()["code"], "unknown_parameter");
    let caller = server.caller(Role::ReadOnly).await;
    let method = caller.request(Method::PATCH, "/api/v1/tokens").send().await.unwrap();
    assert_eq!(method.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(method.headers()[ALLOW].to_str().unwrap().contains("POST"));
    assert_eq!(method.json::<Value>().await.unwrap()["code"], "method_not_allowed");
    let get = caller.get("/logout").await;
    assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_api_browser_has_nothing_inline_and_nothing_from_elsewhere() {
    let server = TestServer::start().await;
    let page = server.anonymous().get("/apidocs").await.text().await.unwrap();
    assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains("<script>"));
    assert!(!page.contains("//"), "{page}");
    let links = page.split(['"']).filter(|text| text.starts_with('/') && text.contains('.'));
    let links: Vec<&str> = links.collect();
    assert!(links.len() >= 3, "{links:?}");
    for link in links {
        let answer = server.anonymous().get(link).await;
        assert_eq!(answer.status(), StatusCode::OK, "{link}");
    }
}

#[tokio::test]
async fn an_asset_that_is_known_is_not_sent_again() {
    let server = TestServer::start().await;
    let first = server.anonymous().get("/static/apidocs.js").await;
    assert_eq!(first.headers()["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(first.headers()[CACHE_CONTROL], "public, max-age=0, must-revalidate");
    let etag = first.headers()[ETAG].clone();
    let again = server.anonymous().request(Method::GET, "/static/apidocs.js");
    let again = again.header(IF_NONE_MATCH, etag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    let icon = server.anonymous().get("/favicon.ico").await;
    let there = server.anonymous().get(icon.headers()[LOCATION].to_str().unwrap()).await;
    assert_eq!(there.headers()["content-type"], "image/svg+xml");
    let shown = server.anonymous().get("/static/screenshots/curves.png").await;
    assert_eq!(shown.status(), StatusCode::NOT_FOUND, "pictures of the README are not served");
    let outside = server.anonymous().get("/static/..%2fCargo.toml").await;
    assert_eq!(outside.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn behind_a_proxy_the_host_that_counts_is_the_one_it_passes_on() {
    let server = TestServer::start().await;
    let request = server.anonymous().request(Method::POST, "/login").header(ACCEPT, "text/html");
    let request = request.header(HOST, "prices.example").header(ORIGIN, "https://prices.example");
    let form = [("email", "a@b"), ("password", "c")];
    let answer = request.form(&form).send().await.unwrap();
    // Of our own origin, but without the form's token: the form comes back.
    assert!(answer.text().await.unwrap().contains("name=\"password\""));
}

#[tokio::test]
async fn a_person_who_goes_to_the_api_sees_a_page_and_a_script_of_a_page_does_not() {
    let server = TestServer::start().await;
    let anonymous = Browser::new(&server);
    let go = |browser: &Browser, path: &str, mode: &str| {
        browser.request(Method::GET, path).header("sec-fetch-mode", mode.to_owned()).send()
    };
    let sent_on = go(&anonymous, "/api/v1/me", "navigate").await.unwrap();
    assert_eq!(sent_on.headers()[LOCATION], "/login?return_to=/api/v1/me");
    let fetched = go(&anonymous, "/api/v1/me", "cors").await.unwrap();
    assert_eq!(fetched.status(), StatusCode::UNAUTHORIZED);
    user(&server, "ann@example.com", Role::ReadOnly).await;
    let ann = Browser::signed_in(&server, "ann@example.com").await;
    for (mode, kind) in
        [("navigate", "text/html; charset=utf-8"), ("cors", "application/problem+json")]
    {
        let wrong = go(&ann, "/api/v1/me?a=1", mode).await.unwrap();
        assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
        assert_eq!(wrong.headers()["content-type"], kind, "{mode}");
    }
}

#[tokio::test]
async fn what_takes_no_parameters_refuses_them() {
    let server = TestServer::start().await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    let ann = Browser::signed_in(&server, "ann@example.com").await;
    for path in ["/login", "/account", "/openapi.json", "/apidocs"] {
        let answer = ann.get(&format!("{path}?return_too=1")).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
        assert!(answer.text().await.unwrap().contains("unknown_parameter"), "{path}");
    }
    let id = uuid::Uuid::nil();
    for path in [
        "/logout".to_owned(),
        "/account/password".to_owned(),
        "/account/tokens".to_owned(),
        format!("/account/tokens/{id}/revoke"),
        format!("/account/sessions/{id}/end"),
        "/account/log-out-everywhere".to_owned(),
    ] {
        let answer = ann.account_form(&format!("{path}?a=1"), &[]).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
        assert!(answer.text().await.unwrap().contains("unknown_parameter"), "{path}");
    }
    let form = [("email", "ann@example.com"), ("password", PASSWORD)];
    for (path, status) in
        [("/login?a=1", StatusCode::BAD_REQUEST), ("/login?return_to=/curves", StatusCode::OK)]
    {
        let sent = server.anonymous().request(Method::POST, path).form(&form).send().await;
        assert_eq!(sent.unwrap().status(), status, "{path}");
    }
}

#[tokio::test]
async fn signing_out_revokes_no_token_that_was_made_to_last() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let out = caller.request(Method::POST, "/logout").send().await.unwrap();
    assert_eq!(out.status(), StatusCode::CONFLICT);
    let problem: Value = out.json().await.unwrap();
    let id = problem["token_id"].as_str().unwrap();
    let named = format!("DELETE /api/v1/tokens/{id}");
    assert!(problem["detail"].as_str().unwrap().contains(&named), "{problem}");
    let me: Value = caller.get("/api/v1/me").await.json().await.unwrap();
    assert!(!me["entitlements"]["datasets"].as_array().unwrap().is_empty());
    let revoked = caller.request(Method::DELETE, &format!("/api/v1/tokens/{id}")).send().await;
    assert_eq!(revoked.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(caller.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_json_body_is_an_object_of_known_members() {
    let server = TestServer::start().await;
    for (body, wanted) in [
        (r#"["a@b", "c", "d", 1, ["read"]]"#, "the body must be a JSON object; it is a list"),
        (r#"{"email": "a@b"}"#, "password is missing: send e-mail and password together"),
        (r#"{"email": "a@b", "pasword": "c"}"#, "did you mean password?"),
        (r#"{"email": "a@b\u0000", "password": "c"}"#, "email contains the character U+0000"),
    ] {
        let request = server.anonymous().request(Method::POST, "/api/v1/tokens");
        let request = request.header("content-type", "application/json").body(body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body}");
        let problem: Value = answer.json().await.unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(wanted), "{problem}");
    }
}
