//! What upstreams answered, as it is read: lists, bodies, runs.

use reqwest::StatusCode;
use serde_json::Value;
use trueprice::auth::Role;

use crate::support::{
    Caller,
    bench::{Bench, PATH, page},
    upstream::{Answer, hasty, wire},
};

async fn list(caller: &Caller, query: &str) -> Value {
    let answer = caller.get(&format!("/api/v1/feeds/test.feed/fetches{query}")).await;
    assert_eq!(answer.status(), StatusCode::OK, "{query}");
    answer.json().await.unwrap()
}

fn ids(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_answer_is_listed_newest_first() {
    let bench = Bench::new(hasty()).await;
    let reader = bench.server.caller(Role::ReadOnly).await;
    bench.upstream.queue(PATH, [page("1,2", None), Answer::file("fault_truncated.json")]);
    bench.upstream.always(PATH, Answer::body("{}").with_status(401));
    let good = bench.fetch().await;
    bench.load(&good).await;
    bench.fetch().await;

    let all = list(&reader, "").await;
    let items = all["items"].as_array().unwrap();
    let classes: Vec<&str> = items.iter().map(|item| item["class"].as_str().unwrap()).collect();
    assert_eq!(classes, ["auth", "bad_body", "ok"]);
    assert_eq!(all["next"], Value::Null);
    let last = &items[2];
    assert_eq!(last["id"], good.fetch_id.to_string());
    assert_eq!(last["run_id"], bench.run_id.to_string());
    assert_eq!(
        (&last["from"], &last["to"]),
        (&"2025-01-15T00:00:00Z".into(), &"2025-01-16T00:00:00Z".into())
    );
    assert_eq!(
        (&last["status"], &last["page"], &last["attempt"]),
        (&200.into(), &1.into(), &1.into())
    );
    assert!(last["loaded_at"].is_string() && items[1]["loaded_at"].is_null());
    assert!(
        last["url"].as_str().unwrap().ends_with("/v1/points/190***/meters/21X***/?account=A-1***")
    );
    assert_eq!(
        items[1]["sha256"],
        trueprice::domain::Sha256::of(&wire("fault_truncated.json")).to_string()
    );
    assert_eq!(items[1]["findings"][0]["code"], "bad_body");
    assert_eq!((&items[0]["attempt"], &items[0]["status"]), (&2.into(), &401.into()));

    assert_eq!(ids(&list(&reader, "?class=bad_body").await), [items[1]["id"].as_str().unwrap()]);
    assert_eq!(ids(&list(&reader, "?scope=other").await), [""; 0]);
    let first = list(&reader, "?limit=2").await;
    let next = first["next"].as_str().unwrap();
    let second = list(&reader, &format!("?limit=2&cursor={next}")).await;
    assert_eq!([ids(&first), ids(&second)].concat(), ids(&all));
    assert_eq!(second["next"], Value::Null);
    for (path, status) in [
        ("/api/v1/feeds/none/fetches", StatusCode::NOT_FOUND),
        ("/api/v1/feeds/test.feed/fetches?class=great", StatusCode::BAD_REQUEST),
        ("/api/v1/feeds/test.feed/fetches?limit=0", StatusCode::BAD_REQUEST),
        ("/api/v1/feeds/test.feed/fetches?cursor=x", StatusCode::BAD_REQUEST),
        ("/api/v1/feeds/test.feed/fetches?unknown=1", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(reader.get(path).await.status(), status, "{path}");
    }
}

#[tokio::test]
async fn administrators_read_the_bytes_and_it_is_written_down() {
    let bench = Bench::new(hasty()).await;
    let admin = bench.server.caller(Role::Admin).await;
    bench.upstream.queue(PATH, [page("1,2", None), Answer::status(401)]);
    let (kept, empty) = (bench.fetch().await.fetch_id, bench.fetch().await.fetch_id);
    let address = |id: i64| format!("/api/v1/fetches/{id}/document");
    let writer = bench.server.caller(Role::ReadWrite).await;
    assert_eq!(writer.get(&address(kept)).await.status(), StatusCode::FORBIDDEN);
    for missing in [address(empty), address(kept + 1000), "/api/v1/fetches/x/document".to_owned()] {
        assert_eq!(admin.get(&missing).await.status(), StatusCode::NOT_FOUND, "{missing}");
    }
    let audited = async || -> i64 {
        sqlx::query_scalar(
            "select count(*) from audit_event where action = 'document_fetched' and object_type = 'fetch'
             and object_id = $1 and detail->>'feed' = 'test.feed'",
        )
        .bind(kept.to_string())
        .fetch_one(&bench.server.owner)
        .await
        .unwrap()
    };
    assert_eq!(audited().await, 0);
    let answer = admin.get(&address(kept)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let name = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert_eq!(name, format!("attachment; filename=\"test.feed_{kept}.bin\""));
    assert_eq!(answer.bytes().await.unwrap(), "{\"results\":[1,2],\"next\":null}");
    assert_eq!(audited().await, 1);

    sqlx::query("update feed_fetch set expired_at = fetched_at")
        .execute(&bench.server.owner)
        .await
        .unwrap();
    assert_eq!(admin.get(&address(kept)).await.status(), StatusCode::NOT_FOUND, "it was let go");
}

#[tokio::test]
async fn a_run_tells_how_it_goes() {
    let bench = Bench::new(hasty()).await;
    let reader = bench.server.caller(Role::ReadOnly).await;
    sqlx::query(
        "update feed_run set state = 'done', finished_at = now(), requested_by = (select id from app_user limit 1),
             totals = '{\"windows\": 1, \"new\": 3}' where run_id = $1",
    )
    .bind(bench.run_id)
    .execute(&bench.server.owner)
    .await
    .unwrap();
    let address = format!("/api/v1/feeds/test.feed/runs/{}", bench.run_id);
    let run: Value = reader.get(&address).await.json().await.unwrap();
    assert_eq!((&run["state"], &run["totals"]["new"]), (&"done".into(), &3.into()));
    let admin = bench.server.caller(Role::Admin).await;
    let run: Value = admin.get(&address).await.json().await.unwrap();
    assert!(run["requested_by"].is_string());
    for missing in ["test.feed/runs/999999", "test.feed/runs/x", "gb.intensity/runs/1"] {
        let answer = reader.get(&format!("/api/v1/feeds/{missing}")).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{missing}");
    }
}

#[tokio::test]
async fn meters_are_told_to_their_readers_and_accounts_to_administrators() {
    let bench = Bench::new(hasty()).await;
    let owner = bench.server.account(Role::ReadOnly).await;
    let reader = bench.server.account(Role::ReadWrite).await;
    sqlx::raw_sql(
        "insert into meter (meter_id, fuel_kind, direction, unit, zone, mpan, serial)
         values ('m1', 'electricity', 'import', 'kWh', 'Europe/London', '1', '2');
         insert into feed_scope (feed_id, scope, region_id, meter_id, tariff_code, first_available, enabled)
         values ('test.feed', 'm1', 'GB', 'm1', null, now(), true),
                ('test.feed', 'A-12345678', null, null, null, now(), true),
                ('test.feed', 'E-1R', null, null, 'E-1R', now(), true);
         insert into feed_run (feed_id, scope, task_kind, requested_at, state)
         select 'test.feed', scope, 'live', now(), 'done' from feed_scope where scope <> 'meter-1';
         insert into feed_fetch (run_id, feed_id, scope, task_kind, url_redacted, request_key, page, attempt,
                                 class, fetched_at, duration_ms, parser_version, lease_epoch)
         select run_id, feed_id, scope, 'live', '', '', 1, 1, 'ok', now(), 1, 1, 1 from feed_run
         where scope <> 'meter-1'",
    )
    .execute(&bench.server.owner)
    .await
    .unwrap();
    sqlx::query("update meter set owner_user_id = $1")
        .bind(owner.id)
        .execute(&bench.server.owner)
        .await
        .unwrap();
    sqlx::query("insert into meter_reader (meter_id, user_id) values ('m1', $1)")
        .bind(reader.id)
        .execute(&bench.server.owner)
        .await
        .unwrap();
    let runs: Vec<(i64, String)> = sqlx::query_as(
        "select run_id, scope from feed_run where scope <> 'meter-1' order by scope",
    )
    .fetch_all(&bench.server.owner)
    .await
    .unwrap();
    let anonymous = bench.server.anonymous();
    for (caller, seen) in [
        (bench.server.caller(Role::Admin).await, &["A-12345678", "E-1R", "m1"][..]),
        (anonymous.with_token(&owner.token), &["E-1R", "m1"]),
        (anonymous.with_token(&reader.token), &["E-1R", "m1"]),
        (bench.server.caller(Role::ReadWrite).await, &["E-1R"]),
    ] {
        let all = list(&caller, "").await;
        let items = all["items"].as_array().unwrap().iter();
        let mut scopes: Vec<&str> = items.map(|item| item["scope"].as_str().unwrap()).collect();
        scopes.sort_unstable();
        assert_eq!(scopes, seen);
        for (run_id, scope) in &runs {
            let answer = caller.get(&format!("/api/v1/feeds/test.feed/runs/{run_id}")).await;
            let may = seen.contains(&scope.as_str());
            let wanted = if may { StatusCode::OK } else { StatusCode::NOT_FOUND };
            assert_eq!(answer.status(), wanted, "{scope} of {seen:?}");
        }
    }
}
