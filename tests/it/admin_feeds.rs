//! How feeds fare, as REST and the pages of administrators tell it, and what can be asked of them there.

use reqwest::{Method, StatusCode, header::LOCATION};
use serde_json::{Value, json};
use trueprice::{
    auth::{Role, Secret},
    config::Config,
    feeds::runner::{self, Upkeep},
};

use crate::{
    auth::{Browser, user},
    support::{Caller, TestServer, accounts::Account},
};

const KEY: &str = "sk-not-to-be-seen-73911";
const ACCOUNT: &str = "A-73911F00";

fn settings(config: &mut Config) {
    for settings in &mut config.feeds.each {
        match settings.feed.id {
            "octopus.account" => {
                settings.enabled = true;
                settings.api_key = Some(Secret::new(KEY));
                settings.account = Some(ACCOUNT.to_owned());
            }
            "gb.intensity" => settings.not_before = "2025-01-01T00:00:00Z".parse().unwrap(),
            _ => {}
        }
    }
}

/// A server that knows its feeds. Nothing polls. It is noon of 15 January 2025; the newest half-hour of
/// Great Britain ended at 11:30, and three are missing in two gaps.
async fn server() -> TestServer {
    let server = TestServer::start_with(settings, None).await;
    server.clock.set("2025-01-15T12:00:00Z");
    runner::sync(&server.app, Upkeep::Settle).await.unwrap();
    run(
        &server,
        "insert into feed_watermark (feed_id, scope, high_water, contiguous_to, updated_at)
         values ('gb.intensity', 'GB', '2025-01-15 11:30Z', '2025-01-14 03:00Z', now())
         on conflict (feed_id, scope) do update set high_water = excluded.high_water,
             contiguous_to = excluded.contiguous_to",
    )
    .await;
    run(
        &server,
        "insert into feed_gap (feed_id, scope, start_at, end_at, state, tries, next_try, opened_at, closed_at)
         values ('gb.intensity', 'GB', '2025-01-14 03:00Z', '2025-01-14 04:00Z', 'open', 2, '2025-01-15 15:00Z',
                 '2025-01-14 05:00Z', null),
                ('gb.intensity', 'GB', '2025-01-14 09:00Z', '2025-01-14 09:30Z', 'open', 0, null,
                 '2025-01-14 10:00Z', null),
                ('gb.intensity', 'GB', '2025-01-12 09:00Z', '2025-01-12 09:30Z', 'filled', 1, null,
                 '2025-01-12 10:00Z', '2025-01-12 11:00Z'),
                ('gb.intensity', 'GB', '2025-01-02 09:00Z', '2025-01-02 10:00Z', 'upstream_absent', 12, null,
                 '2025-01-02 10:00Z', '2025-01-14 11:00Z')",
    )
    .await;
    ended(&server, "ok", 0).await;
    server
}

async fn run(server: &TestServer, sql: &'static str) {
    sqlx::query(sql).execute(&server.owner).await.unwrap();
}

/// How the last live run of Great Britain ended.
async fn ended(server: &TestServer, class: &str, failed: i32) {
    sqlx::query(
        "update feed_task set last_try = '2025-01-15 11:58Z', last_ok = '2025-01-15 11:48Z', last_class = $1,
             fail_count = $2, last_error = case when $1 = 'ok' then null else 'the upstream said no' end,
             next_due = '2025-01-15 12:10Z'
         where feed_id = 'gb.intensity' and task_kind = 'live'",
    )
    .bind(class)
    .bind(failed)
    .execute(&server.owner)
    .await
    .unwrap();
}

async fn get(caller: &Caller, path: &str) -> Value {
    let answer = caller.get(path).await;
    let (status, body) = (answer.status(), answer.json().await.unwrap());
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

async fn count(server: &TestServer, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&server.owner).await.unwrap()
}

#[tokio::test]
async fn a_feed_tells_its_settings_and_how_each_scope_fares() {
    let server = server().await;
    run(
        &server,
        "insert into feed_backfill (feed_id, scope, from_at, to_at, state, windows_total, windows_done, rows_new,
             requested_at, started_at, progress_at)
         values ('gb.intensity', 'GB', '2025-01-01Z', '2025-01-15Z', 'running', 4, 1, 600, '2025-01-15 11:00Z',
                 '2025-01-15 11:59:00Z', '2025-01-15 11:59:10Z')",
    )
    .await;
    let reader = server.caller(Role::ReadOnly).await;
    let feed = get(&reader, "/api/v1/feeds/gb.intensity").await;
    assert_eq!((&feed["state"], &feed["enabled"]), (&json!("ok"), &json!(true)));
    assert_eq!(feed["config"]["step_seconds"], 1800);
    assert_eq!(feed["config"]["look_back_seconds"], 172_800);
    assert_eq!(feed["config"]["base_url"], "https://api.carbonintensity.org.uk");
    assert!(feed["attribution"].as_str().unwrap().contains("CC BY 4.0"));
    let scope = &feed["scopes"][0];
    for (name, said) in [
        ("scope", json!("GB")),
        ("region", json!("GB")),
        ("state", json!("ok")),
        ("lag_seconds", json!(1800)),
        ("high_water", json!("2025-01-15T11:30:00Z")),
        ("contiguous_to", json!("2025-01-14T03:00:00Z")),
        ("history_start", json!("2025-01-01T00:00:00Z")),
        ("open_gaps", json!(2)),
        ("open_gap_slots", json!(3)),
        ("next_due", json!("2025-01-15T12:10:00Z")),
        ("last_error", Value::Null),
        ("failures", json!(0)),
    ] {
        assert_eq!(scope[name], said, "{name}");
    }
    let backfill = &scope["backfills"][0];
    assert_eq!((&backfill["percent"], &backfill["state"]), (&json!(25), &json!("running")));
    assert_eq!((&backfill["rows_per_second"], &backfill["eta_seconds"]), (&json!(60), &json!(30)));

    let all = get(&reader, "/api/v1/feeds").await;
    let ids: Vec<&str> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|feed| feed["feed"].as_str().unwrap())
        .collect();
    assert!(
        ids.is_sorted() && ids.contains(&"carbonara.intensity") && ids.contains(&"octopus.usage")
    );
    let carbonara =
        all["items"].as_array().unwrap().iter().find(|f| f["feed"] == "carbonara.intensity");
    let carbonara = carbonara.unwrap();
    assert_eq!((&carbonara["enabled"], &carbonara["state"]), (&json!(false), &json!("off")));
    assert_eq!(carbonara["scopes"].as_array().unwrap().len(), 13);
    let account = all["items"].as_array().unwrap().iter().find(|f| f["feed"] == "octopus.account");
    assert_eq!(account.unwrap()["config"]["has_api_key"], true);
    let text = all.to_string();
    assert!(!text.contains(KEY) && !text.contains(ACCOUNT));

    // A page at a time.
    let first = get(&reader, "/api/v1/feeds?limit=2").await;
    let next = first["next"].as_str().unwrap();
    let second = get(&reader, &format!("/api/v1/feeds?limit=2&cursor={next}")).await;
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    assert_eq!(second["items"][0]["feed"], ids[2]);
}

#[tokio::test]
async fn the_state_is_that_of_this_moment() {
    let server = server().await;
    let reader = server.caller(Role::ReadOnly).await;
    let state = async || {
        let feed = get(&reader, "/api/v1/feeds/gb.intensity").await;
        assert_eq!(feed["state"], feed["scopes"][0]["state"]);
        feed["scopes"][0]["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state().await, "ok");
    for (class, failed, expected) in [
        ("unchanged", 0, "ok"),
        ("transient", 4, "ok"),
        ("transient", 5, "failing"),
        ("client_error", 1, "failing"),
        ("auth", 1, "auth"),
        ("ok", 0, "ok"),
    ] {
        ended(&server, class, failed).await;
        assert_eq!(state().await, expected, "{class}, {failed}");
    }
    // Twice the expected lag of half an hour, and the ten minutes of a poll.
    server.clock.set("2025-01-15T12:40:00Z");
    assert_eq!(state().await, "ok");
    server.clock.set("2025-01-15T12:40:01Z");
    assert_eq!(state().await, "late");
    run(&server, "update feed_task set paused = true where feed_id = 'gb.intensity'").await;
    assert_eq!(state().await, "paused");
    run(
        &server,
        "update feed_task set last_try = null, last_class = null, last_ok = null, paused = false",
    )
    .await;
    assert_eq!(state().await, "late", "what there is came once");
    run(&server, "update feed_watermark set high_water = null").await;
    assert_eq!(state().await, "waiting");
    run(&server, "update feed_scope set enabled = false where feed_id = 'gb.intensity'").await;
    assert_eq!(state().await, "off");
}

#[tokio::test]
async fn gaps_are_listed_newest_first_by_page_and_state() {
    let server = server().await;
    let reader = server.caller(Role::ReadOnly).await;
    let path = "/api/v1/feeds/gb.intensity/gaps";
    let starts = async |query: &str| -> Vec<String> {
        let gaps = get(&reader, &format!("{path}{query}")).await;
        let gaps = gaps["items"].as_array().unwrap();
        gaps.iter().map(|gap| gap["start"].as_str().unwrap()[8..16].to_owned()).collect()
    };
    assert_eq!(starts("").await, ["14T09:00", "14T03:00", "12T09:00", "02T09:00"]);
    assert_eq!(starts("?state=open&scope=GB").await, ["14T09:00", "14T03:00"]);
    assert_eq!(starts("?state=upstream_absent").await, ["02T09:00"]);
    assert!(starts("?scope=FR").await.is_empty());
    let first = get(&reader, &format!("{path}?limit=2")).await;
    assert_eq!(
        first["items"][1],
        json!({
            "scope": "GB", "start": "2025-01-14T03:00:00Z", "end": "2025-01-14T04:00:00Z", "slots": 2,
            "state": "open", "tries": 2, "next_try": "2025-01-15T15:00:00Z",
            "opened_at": "2025-01-14T05:00:00Z", "closed_at": null
        })
    );
    let next = first["next"].as_str().unwrap();
    assert_eq!(starts(&format!("?limit=2&cursor={next}")).await, ["12T09:00", "02T09:00"]);
    for (path, status) in [
        ("/api/v1/feeds/gb.intensity/gaps?state=closed", 400),
        ("/api/v1/feeds/gb.intensity/gaps?cursor=abc", 400),
        // A position in the year 262 142.
        ("/api/v1/feeds/gb.intensity/gaps?cursor=ODIxMDI2Njg3Njc5OTk5OTk5OSBHQg", 400),
        ("/api/v1/feeds/gb.intensity/gaps?scopes=GB", 400),
        ("/api/v1/feeds/gb.nothing/gaps", 404),
        ("/api/v1/feeds/gb.nothing", 404),
        ("/api/v1/feeds/gb.intensity?x=1", 400),
        ("/api/v1/feeds?limit=0", 400),
    ] {
        assert_eq!(reader.get(path).await.status().as_u16(), status, "{path}");
    }
    assert_eq!(server.anonymous().get(path).await.status(), 401);
}

#[tokio::test]
async fn meters_are_told_of_to_those_who_may_read_them() {
    let server = server().await;
    let (owner, guest) =
        (server.account(Role::ReadOnly).await, server.account(Role::ReadOnly).await);
    sqlx::query(
        "insert into meter (meter_id, fuel_kind, direction, unit, zone, mpan, serial, owner_user_id)
         values ('m-1', 'electricity', 'import', 'kWh', 'Europe/London', '1900000000001', '21X', $1)",
    )
    .bind(owner.id)
    .execute(&server.owner)
    .await
    .unwrap();
    sqlx::query("insert into meter_reader (meter_id, user_id) values ('m-1', $1)")
        .bind(guest.id)
        .execute(&server.owner)
        .await
        .unwrap();
    run(
        &server,
        "insert into feed_scope (feed_id, scope, meter_id, first_available, enabled)
         values ('octopus.usage', 'm-1', 'm-1', '2025-01-01Z', true)",
    )
    .await;
    run(
        &server,
        "insert into feed_gap (feed_id, scope, start_at, end_at, state, opened_at)
         values ('octopus.usage', 'm-1', '2025-01-02Z', '2025-01-03Z', 'open', now())",
    )
    .await;
    let (stranger, admin) =
        (server.account(Role::ReadWrite).await, server.account(Role::Admin).await);
    let told = async |account: &Account| {
        let caller = server.anonymous().with_token(&account.token);
        let feed = get(&caller, "/api/v1/feeds/octopus.usage").await;
        let gaps = get(&caller, "/api/v1/feeds/octopus.usage/gaps").await;
        assert!(!feed.to_string().contains("1900000000001"));
        (feed["scopes"].as_array().unwrap().len(), gaps["items"].as_array().unwrap().len())
    };
    for who in [&owner, &guest, &admin] {
        assert_eq!(told(who).await, (1, 1));
    }
    assert_eq!(told(&stranger).await, (0, 0));
}

/// An administrator in a browser.
async fn administrator(server: &TestServer) -> Browser {
    user(server, "ada@example.com", Role::Admin).await;
    Browser::signed_in(server, "ada@example.com").await
}

async fn post(
    browser: &Browser,
    path: &str,
    fields: &[(&str, &str)],
) -> (StatusCode, String, String) {
    let answer = browser.account_form(path, fields).await;
    let to = answer.headers().get(LOCATION).map(|to| to.to_str().unwrap().to_owned());
    (answer.status(), to.unwrap_or_default(), answer.text().await.unwrap())
}

const PAUSED: &str = "select count(*) from feed_task where feed_id = 'gb.intensity' and paused";

const AUDITED: &str = "select count(*) from audit_event
    where action in ('feed_run', 'feed_backfill', 'feed_paused')";

#[tokio::test]
async fn what_went_wrong_last_is_shown_of_a_scope_that_is_off_too() {
    let server = server().await;
    let browser = administrator(&server).await;
    ended(&server, "auth", 1).await;
    run(&server, "update feed_scope set enabled = false where feed_id = 'gb.intensity'").await;
    for path in ["/admin/feeds", "/admin/feeds/gb.intensity/GB"] {
        let page = browser.get(path).await.text().await.unwrap();
        assert!(page.contains(">off<") && page.contains("the upstream said no"), "{path}: {page}");
    }
    let reader = server.caller(Role::ReadOnly).await;
    let feed = get(&reader, "/api/v1/feeds/gb.intensity").await;
    assert_eq!(feed["scopes"][0]["last_error"], "the upstream said no");
}

#[tokio::test]
async fn the_page_has_a_row_for_each_scope_and_takes_orders() {
    let server = server().await;
    let browser = administrator(&server).await;
    let page = browser.get("/admin/feeds").await.text().await.unwrap();
    for said in [
        "<strong>GB</strong>",
        "Great Britain carbon intensity",
        ">30 min<",
        ">2025-01-14 03:00 UTC<",
        ">3 slots<",
        ">in 10 min<",
        "Set feed.&#34;carbonara.intensity&#34;.api_key",
    ] {
        assert!(page.contains(said), "{said} is not in {page}");
    }
    assert!(!page.contains(KEY) && !page.contains(ACCOUNT) && !page.contains("CAISO"));

    let scope = "/admin/feeds/gb.intensity/GB";
    let ran = post(&browser, &format!("{scope}/run"), &[("in_list", "true")]).await;
    assert_eq!((ran.0, &*ran.1), (StatusCode::SEE_OTHER, "/admin/feeds?done=run"));
    let days = [("from", "2025-01-03"), ("to", "2025-01-04")];
    let ran = post(&browser, &format!("{scope}/run"), &days).await;
    assert_eq!(&*ran.1, "/admin/feeds/gb.intensity/GB?done=run");
    let ranges: Vec<(Option<String>, Option<String>)> = sqlx::query_as(
        "select to_char(from_at at time zone 'UTC', 'MM-DD HH24'), to_char(to_at at time zone 'UTC', 'MM-DD HH24')
         from feed_run where state = 'queued' and scope = 'GB' order by run_id",
    )
    .fetch_all(&server.owner)
    .await
    .unwrap();
    let range = (Some("01-03 00".to_owned()), Some("01-05 00".to_owned()));
    assert_eq!(ranges, [(None, None), range]);

    let filled = post(&browser, &format!("{scope}/backfill"), &[("from", "2025-01-02")]).await;
    assert_eq!(&*filled.1, "/admin/feeds/gb.intensity/GB?done=backfill");
    let number: i64 = sqlx::query_scalar(
        "select backfill_id from feed_backfill where state = 'queued' and from_at = '2025-01-02Z'",
    )
    .fetch_one(&server.owner)
    .await
    .unwrap();
    let turn = format!("{scope}/backfills/{number}");
    let shown = browser.get(scope).await.text().await.unwrap();
    assert!(shown.contains(&turn) && shown.contains("0 %, queued"));
    for (wanted, state) in [("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled")] {
        assert_eq!(post(&browser, &turn, &[("do", wanted)]).await.0, StatusCode::SEE_OTHER);
        let now: String =
            sqlx::query_scalar("select state from feed_backfill where backfill_id = $1")
                .bind(number)
                .fetch_one(&server.owner)
                .await
                .unwrap();
        assert_eq!(now, state);
    }

    for (wanted, are_paused) in [("pause", true), ("resume", false)] {
        let paused = post(&browser, "/admin/feeds/gb.intensity", &[("do", wanted)]).await;
        assert_eq!(paused.1, format!("/admin/feeds?done={wanted}d"));
        assert_eq!(count(&server, PAUSED).await > 0, are_paused);
    }
    assert_eq!(count(&server, AUDITED).await, 2 + 1 + 3 + 2);
}

#[tokio::test]
async fn a_scope_shows_its_gaps_and_its_last_answers() {
    let server = server().await;
    run(
        &server,
        "with run as (
             insert into feed_run (feed_id, scope, task_kind, requested_at, state)
             values ('gb.intensity', 'GB', 'live', now(), 'done') returning run_id
         )
         insert into feed_fetch (run_id, feed_id, scope, task_kind, url_redacted, request_key, asked_window, page,
             attempt, status, class, fetched_at, duration_ms, bytes, parser_version, rows_new, rows_same, findings,
             lease_epoch)
         select run_id, 'gb.intensity', 'GB', 'live', 'https://api.example/intensity/<b>x</b>', '\\x01',
                '[2025-01-13Z, 2025-01-15Z)', 1, 1, 200, 'ok', '2025-01-15 11:48:07Z', 187, 7436, 1, 2, 94,
                '[{\"code\":\"duplicate_in_body\",\"message\":\"<script>\",\"at\":\"2025-01-14T19:00:00Z\",\"rejects_row\":false}]', 1
         from run",
    )
    .await;
    let browser = administrator(&server).await;
    let page = browser.get("/admin/feeds/gb.intensity/GB").await.text().await.unwrap();
    for said in [
        "<svg viewBox=\"0 0 1000 24\"",
        "<rect class=\"whole\" x=\"0\" y=\"0\"",
        "<rect class=\"open\"",
        "<rect class=\"absent\"",
        "upstream absent",
        "2025-01-14 09:00 UTC",
        "duplicate_in_body",
        "2 new, 94 same",
        "187 ms",
        "https://api.example/intensity/&#60;b&#62;x",
        "CC BY 4.0",
    ] {
        assert!(page.contains(said), "{said} is not in {page}");
    }
    assert!(!page.contains("<script>") && !page.contains("style="));
    let path = "/admin/feeds/gb.intensity/GB/backfill";
    for (fields, said) in [
        (vec![], "from"),
        (vec![("from", "2025-01-09"), ("to", "2025-01-07")], "holds nothing"),
        (vec![("from", "2026-01-01")], "from"),
    ] {
        let (status, _, page) = post(&browser, path, &fields).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(page.contains("role=\"alert\"") && page.contains(said), "{page}");
    }
    assert_eq!(count(&server, "select count(*) from feed_backfill").await, 0);
    assert_eq!(browser.get("/admin/feeds/gb.intensity/FR").await.status(), 404);
    assert_eq!(browser.get("/admin/feeds/gb.nothing/GB").await.status(), 404);
    let forged = browser.request(Method::POST, path).form(&[("from", "2025-01-02")]).send().await;
    assert_eq!(forged.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn only_administrators_see_the_pages_and_give_orders() {
    let server = server().await;
    for role in [Role::ReadOnly, Role::ReadWrite] {
        let email = format!("{role}@example.com");
        user(&server, &email, role).await;
        let browser = Browser::signed_in(&server, &email).await;
        for path in ["/admin/feeds", "/admin/feeds/gb.intensity/GB"] {
            assert_eq!(browser.get(path).await.status(), 403, "{path}");
        }
        for path in ["/admin/feeds/gb.intensity/GB/run", "/admin/feeds/gb.intensity"] {
            let fields: &[(&str, &str)] =
                if path.ends_with("run") { &[] } else { &[("do", "pause")] };
            assert_eq!(post(&browser, path, fields).await.0, 403, "{path}");
        }
    }
    assert_eq!(count(&server, "select count(*) from feed_run").await, 0);
}
