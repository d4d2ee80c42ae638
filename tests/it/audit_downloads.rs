//! Downloads in the audit log: what is written before the first byte, and what after the last.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trueprice::{auth::Role, headroom::catch_up};

use crate::{
    audit::{events, so_many},
    downloads_stored::{after, at, column, months, small, store},
    headroom::{EXAMPLE, MATRIX, PTC, TOTAL, matrix, ptc, publish},
    support::{Caller, TestServer},
    updates::energy,
};

/// A path, the object that is told, the format, and the versions of the first part.
type Case<'a> = (String, (&'a str, &'a str), &'a str, Vec<&'a str>);

/// Every way to take data away, with what its two rows say.
#[tokio::test]
async fn every_download_is_written_down_before_and_after() {
    let server = TestServer::start().await;
    let pool = &server.app.pool;
    let caller = server.caller(Role::ReadWrite).await;
    publish(&caller, PTC, ptc(&[("PA-KSP-R", "PJM PA KSP R", &["0.12"])])).await;
    publish(&caller, MATRIX, matrix(&[EXAMPLE], TOTAL)).await;
    catch_up(&server.app).await.unwrap();
    let one = publish(&caller, "Energy_ERCOT_20240521_080000.csv", energy("1")).await;
    let two = publish(&caller, "Energy_ERCOT_20240521_090000.csv", energy("2")).await;
    let energy = ("dataset", "energy/ercot");
    let cases: [Case<'_>; 9] = [
        (
            "/api/v1/data?curve=energy&iso=ercot&mode=unstandardized".into(),
            energy,
            "csv",
            vec![&two],
        ),
        (
            "/api/v1/data?curve=energy&iso=ercot&format=ndjson&version=all".into(),
            energy,
            "ndjson",
            vec![&one, &two],
        ),
        ("/api/v1/data?curve=energy&iso=all".into(), ("dataset", "energy/all"), "csv", vec![&two]),
        ("/get_data?curve_type=energy&iso=ercot&type=xlsx".into(), energy, "xlsx", vec![&two]),
        (format!("/api/v1/diff?from={one}&to={two}&format=csv"), energy, "csv", vec![&one, &two]),
        ("/api/v1/exports/components".into(), ("list", "all_components"), "xlsx", vec![]),
        ("/alluploads".into(), ("list", "all_uploads"), "csv", vec![]),
        ("/curves/export?curve=energy&iso=ercot".into(), ("view", "values"), "csv", vec![&two]),
        ("/api/v1/headroom?iso=pjm&format=csv".into(), ("list", "headroom"), "csv", vec![]),
    ];
    for (number, (path, object, format, versions)) in cases.iter().enumerate() {
        let answer = caller.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let request = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        let begun = events(pool, "download_begun").await;
        assert_eq!(begun.len(), number + 1, "{path}: written before the first byte is read");
        let begun = begun.last().unwrap();
        let bytes = answer.bytes().await.unwrap().len();
        let ended = so_many(pool, "download_ended", number + 1).await.pop().unwrap();
        assert_eq!((begun.object(), ended.object()), (*object, *object), "{path}");
        assert_eq!(begun.detail["format"], *format, "{path}");
        assert_eq!(begun.detail["route"], path.split('?').next().unwrap());
        if !versions.is_empty() {
            assert_eq!(begun.detail["parts"][0]["versions"], json!(versions), "{path}");
            assert!(begun.detail["known_at"].is_string(), "{path}");
        }
        assert_eq!(ended.request_id.map(|id| id.to_string()), Some(request));
        assert_eq!(ended.request_id, begun.request_id);
        assert_eq!(ended.detail["end"], "complete", "{path}");
        assert_eq!(ended.detail["bytes"], bytes, "{path}");
        assert!(ended.detail["rows"].as_u64().unwrap() > 0, "{path}");
    }
    let data = &events(pool, "download_begun").await[0].detail;
    assert_eq!(data["parameters"]["mode"], "unstandardized");
    let (data, rows) = (&events(pool, "download_ended").await[1], caller.get(&cases[1].0).await);
    let lines = rows.text().await.unwrap().lines().count();
    assert_eq!(data.detail["rows"], lines, "a row a line");
}

#[tokio::test]
async fn what_sends_no_bytes_writes_one_row() {
    let server = TestServer::start().await;
    let pool = &server.app.pool;
    let caller = server.caller(Role::ReadOnly).await;
    store(pool, &small(at(3, 4, 9, 30), at(3, 4, 9, 31), false)).await;
    let path = "/api/v1/data?curve=energy&iso=ercot&mode=unstandardized";
    let head = caller.request(Method::HEAD, path).send().await.unwrap();
    let etag = head.headers()["etag"].clone();
    let again =
        caller.request(Method::GET, path).header("if-none-match", etag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    caller.request(Method::HEAD, "/api/v1/exports/components").send().await.unwrap();
    let begun = events(pool, "download_begun").await;
    let answers: Vec<_> = begun.iter().map(|event| event.detail["answer"].clone()).collect();
    assert_eq!(answers, [json!("head"), json!(304), json!("head")]);
    // A whole one at last, so that what would be written beside the answers had time.
    caller.get(path).await.bytes().await.unwrap();
    so_many(pool, "download_ended", 1).await;
}

/// More than sockets hold, so that the client goes away in the middle.
async fn long_download(server: &TestServer) -> (Caller, &'static str) {
    let names: Vec<String> = (0..200).map(|zone| format!("ZONE {zone}")).collect();
    for minute in 0..40 {
        let moment = at(3, 4, 9, minute);
        let mut version = small(moment, after(moment), false);
        version.months = months(200);
        version.columns = names.iter().map(|zone| column(zone, "5x16", &["1.5"; 200])).collect();
        store(&server.app.pool, &version).await;
    }
    let path = "/api/v1/data?curve=energy&iso=ercot&mode=unstandardized&version=all&layout=long";
    (server.caller(Role::ReadOnly).await, path)
}

#[tokio::test]
async fn a_broken_download_ends_as_broken() {
    let server = TestServer::start().await;
    let pool = &server.app.pool;
    let (caller, path) = long_download(&server).await;
    let mut answer = caller.get(path).await;
    let got = answer.chunk().await.unwrap().unwrap().len() as u64;
    drop(answer);
    let ended = so_many(pool, "download_ended", 1).await.pop().unwrap();
    assert_eq!((&ended.detail["end"], ended.outcome.as_str()), (&json!("broken"), "failed"));
    let sent = ended.detail["bytes"].as_u64().unwrap();
    assert_eq!(ended.detail["rows"], Value::Null);
    let whole = caller.get(path).await.bytes().await.unwrap().len() as u64;
    assert!(sent >= got && sent < whole, "{got} {sent} {whole}");

    // The database goes away in the middle.
    let mut answer = caller.get(path).await;
    answer.chunk().await.unwrap();
    sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and state like 'idle in%'",
    )
    .execute(&server.owner)
    .await
    .unwrap();
    while let Ok(Some(_)) = answer.chunk().await {}
    let ended = so_many(pool, "download_ended", 3).await;
    let ends: Vec<_> = ended.iter().map(|event| event.detail["end"].clone()).collect();
    assert_eq!(ends, ["broken", "complete", "broken"]);
}
