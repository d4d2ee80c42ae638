//! What downloads refuse, say and limit.

use reqwest::{Method, StatusCode, header};
use serde_json::Value;
use trueprice::auth::Role;

use crate::{
    downloads_stored::{Stored, after, at, column, months, small, store},
    support::{Caller, TestServer},
};

async fn started() -> (TestServer, Caller) {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadOnly).await;
    (server, caller)
}

async fn problem(caller: &Caller, path: &str) -> (u16, String, String) {
    let answer = caller.get(path).await;
    let status = answer.status().as_u16();
    let problem: Value = answer.json().await.unwrap();
    let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    (status, text("code"), text("detail"))
}

#[tokio::test]
async fn what_no_database_holds_is_a_400_everywhere() {
    let (_server, caller) = started().await;
    let energy = "curve=energy&iso=ercot";
    // A cursor's content is `microseconds:key`.
    let cursor = |content: &str| {
        use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
        BASE64_URL_SAFE_NO_PAD.encode(content)
    };
    for path in [
        format!("/api/v1/labels?{energy}&next=load_zone&state=%00"),
        format!("/api/v1/labels?{energy}&next=load_zone&cursor={}", cursor("1:a\0b")),
        format!("/api/v1/data?{energy}&%00=1"),
        format!("/api/v1/data?{energy}&operating_day=-4713-01-01"),
        format!("/api/v1/data?{energy}&operating_day=%2B262142-12-31"),
        format!("/api/v1/data?{energy}&start=%2B262142-12-31"),
        format!("/api/v1/operating-days?{energy}&cursor={}", cursor("1:+262142-12-31")),
        format!("/api/v1/versions?{energy}&cursor={}", cursor("1:+262142-12-31T00:00:00Z")),
        format!(
            "/api/v1/versions?{energy}&cursor={}",
            cursor("-8000000000000000000:2020-01-01T00:00:00Z")
        ),
        "/get_data?curve_type=energy&iso=ercot&operating_day=%2B262142-12-31".to_owned(),
    ] {
        let (status, code, detail) = problem(&caller, &path).await;
        assert_eq!((status, &*code), (400, "bad_parameter"), "{path}: {detail}");
    }
}

#[tokio::test]
async fn head_does_not_say_that_the_file_is_empty() {
    let (server, caller) = started().await;
    store(&server.app.pool, &small(at(3, 4, 9, 30), at(3, 4, 9, 31), false)).await;
    for path in ["/api/v1/data?curve=energy&iso=ercot", "/get_data?curve_type=energy&iso=ercot"] {
        let head = caller.request(Method::HEAD, path).send().await.unwrap();
        assert_eq!(head.status(), StatusCode::OK);
        assert!(!head.headers().contains_key(header::CONTENT_LENGTH), "{path}");
        assert!(head.headers().contains_key(header::CONTENT_DISPOSITION), "{path}");
    }
}

#[tokio::test]
async fn a_version_that_is_not_there_is_never_left_out_silently() {
    let (server, caller) = started().await;
    let id = store(&server.app.pool, &small(at(3, 4, 9, 30), at(3, 4, 9, 31), false)).await;
    let other = id + 1000;
    let data = "/api/v1/data?curve=energy&iso=ercot";
    let both = format!("{data}&version_id={id}&version_id={other}");
    let (status, code, detail) = problem(&caller, &both).await;
    assert_eq!((status, &*code), (404, "no_data"));
    assert_eq!(detail, format!("version {other} is not of energy ercot"));
    let (status, _, detail) =
        problem(&caller, &format!("/api/v1/data?curve=rec&iso=ercot&version_id={id}")).await;
    assert_eq!((status, detail), (404, format!("version {id} is not of rec ercot")));
    let late = format!("{data}&version_id={id}&start=2040-01");
    let (status, _, detail) = problem(&caller, &late).await;
    assert_eq!(status, 404);
    assert!(detail.contains("contract months and strips"), "{detail}");
    assert_eq!(caller.get(&format!("{data}&version_id={id}")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn one_query_has_one_tag_however_its_defaults_are_spelled() {
    let (server, caller) = started().await;
    store(&server.app.pool, &small(at(3, 4, 9, 30), at(3, 4, 9, 31), false)).await;
    let tag = async |more: &str| {
        let answer = caller.get(&format!("/api/v1/data?curve=energy&iso=ercot{more}")).await;
        answer.headers()[header::ETAG].clone()
    };
    let spelled = "&version=latest&calendar=flat&bom=FALSE&layout=wide&format=csv";
    assert_eq!(tag(spelled).await, tag("").await);
    assert_ne!(tag("&bom=true").await, tag("").await);
}

#[tokio::test]
async fn archives_and_marks_go_with_what_is_really_answered() {
    let (server, caller) = started().await;
    store(&server.app.pool, &small(at(3, 4, 9, 30), at(3, 4, 9, 31), false)).await;
    let status = async |query: &str, accept: &str| {
        let request = caller.request(Method::GET, &format!("/api/v1/data?{query}"));
        request.header(header::ACCEPT, accept).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status("curve=energy&iso=ercot", "application/zip").await, 406);
    assert_eq!(status("curve=energy&iso=all", "application/zip").await, 200);
    assert_eq!(status("curve=energy&iso=ercot&bom=true", "application/json").await, 400);
    assert_eq!(status("curve=energy&iso=ercot&bom=true", "text/csv").await, 200);
}

/// More than the buffers between server and client hold.
async fn store_much(server: &TestServer) {
    let names: Vec<String> = (0..200).map(|zone| format!("ZONE {zone}")).collect();
    for minute in 0..30 {
        let moment = at(3, 4, 9, minute);
        let mut version: Stored = small(moment, after(moment), false);
        version.months = months(200);
        version.columns = names.iter().map(|zone| column(zone, "5x16", &["1.5"; 200])).collect();
        store(&server.app.pool, &version).await;
    }
}

#[tokio::test]
async fn a_user_s_downloads_wait_for_each_other_and_not_for_those_of_others() {
    let adjust = |config: &mut trueprice::config::Config| config.downloads.concurrent_per_user = 1;
    let server = TestServer::start_with(adjust, None).await;
    let (caller, other) =
        (server.caller(Role::ReadOnly).await, server.caller(Role::ReadWrite).await);
    store_much(&server).await;
    let large = "/api/v1/data?curve=energy&iso=ercot&version=all&layout=long";
    let mut first = caller.get(large).await;
    first.chunk().await.unwrap();
    let little = "/api/v1/data?curve=energy&iso=ercot&start=2020-03&end=2020-03";
    let refused = caller.get(little).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "too_many_downloads");
    assert_eq!(other.get(little).await.status(), StatusCode::OK);
    // Who breaks off has the turn back.
    drop(first);
    let again = async {
        while caller.get(little).await.status() != StatusCode::OK {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(1), again).await.unwrap();
}

#[tokio::test]
async fn downloads_leave_connections_to_everything_else() {
    let adjust = |config: &mut trueprice::config::Config| config.database.connections = 7;
    let server = TestServer::start_with(adjust, None).await;
    let (caller, other) =
        (server.caller(Role::ReadOnly).await, server.caller(Role::ReadWrite).await);
    store_much(&server).await;
    let mut first = caller.get("/api/v1/data?curve=energy&iso=ercot&version=all&layout=long").await;
    first.chunk().await.unwrap();
    let refused = other.get("/api/v1/data?curve=energy&iso=ercot").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    assert_eq!(other.get("/api/v1/datasets").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_the_day_has_is_said_where_months_or_strips_miss_it() {
    let (server, caller) = started().await;
    let data = "/api/v1/data?curve=energy&iso=ercot";
    let nothing = problem(&caller, data).await.2;
    assert!(!nothing.contains("by then"), "{nothing}");
    store(&server.app.pool, &small(at(3, 4, 9, 30), at(3, 4, 9, 31), false)).await;
    for miss in ["&operating_day=2020-03-04&strip=2x16", "&start=2040-01"] {
        let (status, code, detail) = problem(&caller, &format!("{data}{miss}")).await;
        assert_eq!((status, &*code), (404, "no_data"));
        assert!(detail.contains("the months 2020-03 to 2020-03"), "{detail}");
        assert!(detail.contains("the strips 5x16"), "{detail}");
        assert!(!detail.contains("nearest"), "{detail}");
    }
    let (_, _, detail) = problem(&caller, &format!("{data}&version=cob")).await;
    assert!(!detail.contains("2020-03-04"), "no such day is of close of business: {detail}");
}

#[tokio::test]
async fn workbooks_hold_known_at_to_the_microsecond() {
    let (server, caller) = started().await;
    let known_at = at(3, 4, 9, 31) + chrono::TimeDelta::microseconds(123_457);
    store(&server.app.pool, &small(at(3, 4, 9, 30), known_at, false)).await;
    let data = "/api/v1/data?curve=energy&iso=ercot&layout=long";
    let text = caller.get(data).await.text().await.unwrap();
    assert!(text.contains(",2020-03-04T09:31:00.123457Z,"), "{text}");
    let book = caller.get(&format!("{data}&format=xlsx")).await.bytes().await.unwrap();
    let mut book: calamine::Xlsx<_> = calamine::Reader::new(std::io::Cursor::new(book)).unwrap();
    let sheet = calamine::Reader::worksheet_range_at(&mut book, 0).unwrap().unwrap();
    assert_eq!(sheet.get((1, 6)).unwrap().to_string(), "2020-03-04T09:31:00.123457Z");
}
