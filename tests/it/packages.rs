//! Packages through the API: kept, attached, previewed, compared, and told of when they run out.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use trueprice::{auth, auth::Role};
use uuid::Uuid;

use crate::support::{Caller, Reply, TestServer, accounts::Account, files};

/// ERCOT, north, on-peak, three months from the current one.
pub fn north() -> Value {
    json!({
        "curves": ["energy"], "isos": ["ercot"], "load_zones": ["NORTH ZONE"],
        "block_types": ["5x16"], "months": "rolling", "rolling_months": 3,
        "rolling_from": "balance",
    })
}

async fn send(caller: &Caller, method: Method, path: &str, body: Value) -> Reply {
    Reply::of(caller.request(method, path).json(&body).send().await.unwrap()).await
}

async fn remove(caller: &Caller, path: &str) -> u16 {
    caller.request(Method::DELETE, path).send().await.unwrap().status().as_u16()
}

/// Makes a package; tells its id.
pub async fn package(admin: &Caller, name: &str, grants: Value) -> String {
    let made = send(admin, Method::POST, "/api/v1/grants", json!({"name": name, "grants": grants}));
    let made = made.await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.body["id"].as_str().unwrap().to_owned()
}

async fn attach(admin: &Caller, user: &Account, package: &str, term: Value) -> Reply {
    let path = format!("/api/v1/users/{}/grants/{package}", user.id);
    send(admin, Method::PUT, &path, term).await
}

/// The audit rows of an action: object and detail, in their order.
async fn told(server: &TestServer, action: &str) -> Vec<(String, Value)> {
    sqlx::query_as("select object_id, detail from audit_event where action = $1 order by id")
        .bind(action)
        .fetch_all(&server.app.pool)
        .await
        .unwrap()
}

async fn publish(server: &TestServer, names: &[&str]) {
    let writer = server.caller(Role::ReadWrite).await;
    for name in names {
        let path = files::repository("good_test_data/good").join(name);
        assert_eq!(writer.upload(name, std::fs::read(path).unwrap()).await.status, 201, "{name}");
    }
}

#[tokio::test]
async fn a_package_is_made_read_replaced_and_deleted() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let wanted = json!({"name": " North ", "note": "Trial", "grants": [north()]});
    let answer = admin.request(Method::POST, "/api/v1/grants").json(&wanted).send().await.unwrap();
    let place = answer.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(answer.headers()["etag"], "\"1\"");
    let made = Reply::of(answer).await;
    assert_eq!((made.status, &made.body["name"]), (201, &json!("North")));
    assert_eq!(made.body["warnings"][0]["label"], "NORTH ZONE", "nothing is uploaded yet");
    let read = admin.ask(&place).await;
    assert_eq!(read.body, made.body);
    for (name, value) in north().as_object().unwrap() {
        assert_eq!(&read.body["grants"][0][name], value, "{name}");
    }

    let mut change =
        json!({"name": "North", "grants": [{"curves": ["rec"]}, north()], "revision": 1});
    let changed = send(&admin, Method::PUT, &place, change.clone()).await;
    assert_eq!((changed.status, &changed.body["revision"]), (200, &json!(2)));
    assert_eq!(changed.body["grants"].as_array().unwrap().len(), 2);
    assert_eq!(changed.body["note"], "", "what is left out is replaced too");
    let stale = send(&admin, Method::PUT, &place, change.clone()).await;
    assert_eq!((stale.outcome(), &stale.body["revision"]), ((409, "stale_edit"), &json!(2)));
    change.as_object_mut().unwrap().remove("revision");
    let without = send(&admin, Method::PUT, &place, change.clone()).await;
    assert_eq!(
        (without.outcome(), &without.body["parameter"]),
        ((400, "bad_parameter"), &json!("revision"))
    );
    let by_tag = admin.request(Method::PUT, &place).header("If-Match", "\"2\"").json(&change);
    assert_eq!(by_tag.send().await.unwrap().status(), 200);

    package(&admin, "South", json!([])).await;
    let taken = json!({"name": "South", "grants": [], "revision": 3});
    assert_eq!(send(&admin, Method::PUT, &place, taken).await.outcome(), (409, "name_taken"));
    assert_eq!(admin.ask(&place).await.body["name"], "North", "a refused change changes nothing");
    assert_eq!(remove(&admin, &place).await, 204);
    assert_eq!((admin.ask(&place).await.status, remove(&admin, &place).await), (404, 404));
    let names = |rows: Vec<(String, Value)>, side: &str| -> Vec<Value> {
        rows.into_iter().map(|(_, detail)| detail[side]["name"].clone()).collect()
    };
    assert_eq!(names(told(&server, "package_created").await, "after"), ["North", "South"]);
    assert_eq!(names(told(&server, "package_deleted").await, "before"), ["North"]);
    let rows = told(&server, "package_changed").await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].1["before"]["grants"].as_array().unwrap().len(), 1);
    assert_eq!(rows[0].1["after"]["grants"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn two_edits_of_one_revision_leave_one() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let path = format!("/api/v1/grants/{}", package(&admin, "A", json!([north()])).await);
    let edit = |name: &str| {
        send(&admin, Method::PUT, &path, json!({"name": name, "grants": [], "revision": 1}))
    };
    let (one, other) = (edit("B"), edit("C"));
    let (one, other) = tokio::join!(one, other);
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

#[tokio::test]
async fn what_is_wrong_with_a_package_is_named() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let with = |name: &str, value: Value| {
        let mut grant = north();
        grant[name] = value;
        json!({"name": "A", "grants": [{"curves": ["rec"]}, grant]})
    };
    for (body, member) in [
        (json!({"name": "", "grants": []}), "name"),
        (json!({"name": "A".repeat(101), "grants": []}), "name"),
        (json!({"name": "A", "note": "n".repeat(2001), "grants": []}), "note"),
        (json!({"name": "A"}), "grants"),
        (with("curves", json!(["gas"])), "grants[1].curves"),
        (with("curves", json!([])), "grants[1].curves"),
        (with("isos", json!(["caiso"])), "grants[1].isos"),
        (with("load_zones", json!([""])), "grants[1].load_zones"),
        (with("rolling_months", json!(0)), "grants[1].rolling_months"),
        (with("rolling_months", json!("3")), "grants[1].rolling_months"),
        (with("first_month", json!("2031-01")), "grants[1].first_month"),
        (with("months", json!("fixed")), "grants[1].rolling_months"),
        (with("delay_days", json!(-1)), "grants[1].delay_days"),
        (with("history_days", json!(40_000)), "grants[1].history_days"),
        (with("derived", json!("yes")), "grants[1].derived"),
    ] {
        for (method, path) in
            [(Method::POST, "/api/v1/grants"), (Method::POST, "/api/v1/grants/preview")]
        {
            if path.ends_with("preview") && !member.starts_with("grants[") {
                continue;
            }
            let mut body = body.clone();
            if path.ends_with("preview") {
                body.as_object_mut().unwrap().remove("name");
            }
            let refused = send(&admin, method, path, body).await;
            assert_eq!(refused.status, 400, "{}", refused.body);
            assert_eq!(refused.body["parameter"], member, "{}", refused.body);
        }
    }
    let unknown = json!({"name": "A", "grants": [{"curves": ["rec"], "zones": ["A"]}]});
    let unknown = send(&admin, Method::POST, "/api/v1/grants", unknown).await;
    assert_eq!(unknown.outcome(), (400, "unknown_parameter"));
}

#[tokio::test]
async fn packages_are_for_administrators() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let user = server.account_without_grants(Role::ReadOnly).await;
    let id = package(&admin, "A", json!([north()])).await;
    let calls = [
        (Method::GET, "/api/v1/grants".to_owned()),
        (Method::POST, "/api/v1/grants".to_owned()),
        (Method::GET, format!("/api/v1/grants/{id}")),
        (Method::PUT, format!("/api/v1/grants/{id}")),
        (Method::DELETE, format!("/api/v1/grants/{id}")),
        (Method::GET, format!("/api/v1/grants/{id}/holders")),
        (Method::GET, format!("/api/v1/grants/{id}/difference/{id}")),
        (Method::POST, "/api/v1/grants/preview".to_owned()),
        (Method::GET, format!("/api/v1/users/{}/grants", user.id)),
        (Method::PUT, format!("/api/v1/users/{}/grants/{id}", user.id)),
        (Method::DELETE, format!("/api/v1/users/{}/grants/{id}", user.id)),
        (Method::POST, format!("/api/v1/users/{}/grants/copy", user.id)),
        (Method::GET, format!("/api/v1/users/{}/preview", user.id)),
        (Method::GET, "/admin/packages".to_owned()),
        (Method::GET, "/admin/packages/new".to_owned()),
        (Method::GET, format!("/admin/packages/{id}")),
        (Method::POST, "/admin/packages/edit".to_owned()),
        (Method::POST, format!("/admin/packages/{id}/delete")),
        (Method::GET, format!("/admin/users/{}/sight", user.id)),
        (Method::POST, format!("/admin/users/{}/sight/attach", user.id)),
    ];
    for role in [Role::ReadOnly, Role::ReadWrite] {
        let caller = server.caller(role).await;
        for (method, path) in &calls {
            let mut request = caller.request(method.clone(), path);
            if path.starts_with("/admin") {
                let form = [("email", "a@b"), ("package", id.as_str()), ("do", "save")];
                let known = path.ends_with("/attach").then_some(&form[1..2]);
                request = request.form(known.unwrap_or(if path.ends_with("/edit") {
                    &form[2..]
                } else {
                    &[]
                }));
            } else if *method != Method::GET {
                request = request.json(&json!({}));
            }
            let status = request.send().await.unwrap().status();
            assert_eq!(status, 403, "{role}: {method} {path}");
        }
    }
    assert_eq!(admin.ask(&format!("/api/v1/grants/{id}")).await.body["revision"], 1);
}

#[tokio::test]
async fn what_is_not_there_is_a_404() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let user = server.account_without_grants(Role::ReadOnly).await;
    let id = package(&admin, "A", json!([])).await;
    let (nobody, nothing) = (Uuid::new_v4(), Uuid::new_v4());
    for path in [
        "/api/v1/grants/17".to_owned(),
        format!("/api/v1/grants/{nothing}"),
        format!("/api/v1/grants/{nothing}/holders"),
        format!("/api/v1/grants/{id}/difference/{nothing}"),
        format!("/api/v1/users/{nobody}/grants"),
        format!("/api/v1/users/{nobody}/preview"),
        format!("/admin/packages/{nothing}"),
        format!("/admin/packages/new?user={nobody}"),
        format!("/admin/users/{nobody}/sight"),
    ] {
        assert_eq!(admin.get(&path).await.status(), 404, "{path}");
    }
    let attach = async |user: Uuid, package: &str| {
        let path = format!("/api/v1/users/{user}/grants/{package}");
        send(&admin, Method::PUT, &path, json!({})).await.status
    };
    assert_eq!(attach(nobody, &id).await, 404);
    assert_eq!(attach(user.id, &nothing.to_string()).await, 404);
    let path = format!("/api/v1/users/{}/grants/{id}", user.id);
    assert_eq!(remove(&admin, &path).await, 404, "it is not attached");
}

#[tokio::test]
async fn a_label_that_no_series_has_is_accepted_with_a_warning() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    publish(&server, &["Energy_ERCOT_20240603_080000.csv", "Matrix_ERCOT_20240603_073000.csv"])
        .await;
    let mut odd = north();
    odd["load_zones"] = json!(["NORTH ZONE", "north zone"]);
    odd["block_types"] = json!(["5X16", "9x9"]);
    let components = json!({"curves": ["matrix"], "sub_components": ["Margin", "Nope"]});
    let elsewhere = json!({"curves": ["energy"], "isos": ["pjm"], "load_zones": ["NORTH ZONE"]});
    let body = json!({"name": "Odd", "grants": [odd, components, elsewhere]});
    let made = send(&admin, Method::POST, "/api/v1/grants", body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let warnings = made.body["warnings"].as_array().unwrap().iter();
    let warnings: Vec<_> = warnings
        .map(|w| {
            (
                w["grant"].as_i64().unwrap(),
                w["member"].as_str().unwrap(),
                w["label"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        warnings,
        [
            (1, "load_zones", "north zone"),
            (1, "block_types", "9x9"),
            (2, "sub_components", "Nope"),
            (3, "load_zones", "NORTH ZONE"),
        ]
    );
}

#[tokio::test]
async fn packages_are_attached_with_dates_and_taken_away() {
    let server = TestServer::start().await;
    server.clock.set("2026-03-01T12:00:00Z");
    let admin = server.caller(Role::Admin).await;
    let ann = server.account_without_grants(Role::ReadOnly).await;
    let id = package(&admin, "A", json!([north()])).await;
    let term = json!({"starts_at": "2026-03-02T01:00:00+01:00", "ends_at": "2026-04-01T00:00:00Z"});
    let attached = attach(&admin, &ann, &id, term).await;
    assert_eq!(attached.status, 200, "{}", attached.body);
    assert_eq!(attached.body["starts_at"], "2026-03-02T00:00:00Z");
    assert_eq!(attached.body["in_force"], false);
    let again = attach(&admin, &ann, &id, json!({})).await;
    assert_eq!((&again.body["ends_at"], &again.body["in_force"]), (&Value::Null, &json!(true)));
    let held = admin.ask(&format!("/api/v1/users/{}/grants", ann.id)).await;
    let holders = admin.ask(&format!("/api/v1/grants/{id}/holders")).await;
    assert_eq!(held.body["items"], holders.body["items"]);
    assert_eq!(holders.body["items"][0]["email"], ann.email.as_str());
    assert_eq!(admin.ask(&format!("/api/v1/grants/{id}")).await.body["holders"], 1);
    for term in [
        json!({"starts_at": "2026-04-01T00:00:00Z", "ends_at": "2026-04-01T00:00:00Z"}),
        json!({"ends_at": "2026-04-01"}),
        json!({"ends_at": "2026-04-01T00:00:00"}),
        json!({"until": "2026-04-01T00:00:00Z"}),
    ] {
        assert_eq!(attach(&admin, &ann, &id, term).await.status, 400);
    }
    assert_eq!(remove(&admin, &format!("/api/v1/users/{}/grants/{id}", ann.id)).await, 204);
    let rows = told(&server, "package_attached").await;
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|(object, _)| *object == ann.id.to_string()));
    assert_eq!(rows[0].1["before"], Value::Null);
    assert_eq!(rows[1].1["before"]["ends_at"], "2026-04-01T00:00:00Z");
    assert_eq!(told(&server, "package_detached").await[0].1["before"]["name"], "A");
}

#[tokio::test]
async fn packages_of_another_user_are_copied_beside_what_is_held() {
    let server = TestServer::start().await;
    server.clock.set("2026-03-01T12:00:00Z");
    let admin = server.caller(Role::Admin).await;
    let (ann, bob) = (
        server.account_without_grants(Role::ReadOnly).await,
        server.account_without_grants(Role::ReadOnly).await,
    );
    let [a, b, c] = ["A", "B", "C"].map(|name| package(&admin, name, json!([])));
    let (a, b, c) = (a.await, b.await, c.await);
    attach(&admin, &ann, &a, json!({"ends_at": "2026-04-01T00:00:00Z"})).await;
    attach(&admin, &ann, &b, json!({"ends_at": "2026-05-01T00:00:00Z"})).await;
    attach(&admin, &ann, &c, json!({"ends_at": "2026-03-01T00:00:00Z"})).await;
    attach(&admin, &bob, &b, json!({})).await;
    let path = format!("/api/v1/users/{}/grants/copy", bob.id);
    let copied = send(&admin, Method::POST, &path, json!({"from": ann.id})).await;
    let names = |reply: &Reply| -> Vec<(String, Value)> {
        let items = reply.body["items"].as_array().unwrap().iter();
        items
            .map(|one| (one["name"].as_str().unwrap().to_owned(), one["ends_at"].clone()))
            .collect()
    };
    let april = json!("2026-04-01T00:00:00Z");
    assert_eq!(names(&copied), [("A".to_owned(), april.clone())], "what ran out is left aside");
    let held = admin.ask(&format!("/api/v1/users/{}/grants", bob.id)).await;
    assert_eq!(names(&held), [("A".to_owned(), april), ("B".to_owned(), Value::Null)]);
    let rows = told(&server, "package_attached").await;
    assert_eq!(rows.last().unwrap().1["copied_from"], ann.email.as_str());
    let nobody = send(&admin, Method::POST, &path, json!({"from": Uuid::new_v4()})).await;
    assert_eq!(nobody.status, 404);
}

#[tokio::test]
async fn ends_are_warned_of_and_told_once() {
    let server = TestServer::start().await;
    server.clock.set("2026-03-01T12:00:00Z");
    let admin = server.caller(Role::Admin).await;
    let ann = server.account_without_grants(Role::ReadOnly).await;
    let (soon, late) =
        (package(&admin, "Soon", json!([])).await, package(&admin, "Late", json!([])).await);
    attach(&admin, &ann, &soon, json!({"ends_at": "2026-03-11T00:00:00Z"})).await;
    attach(&admin, &ann, &late, json!({"ends_at": "2026-06-11T00:00:00Z"})).await;
    let expiring = async |days: i64| -> Vec<String> {
        let list = admin.ask(&format!("/api/v1/grants?expiring_in_days={days}")).await;
        let items = list.body["items"].as_array().unwrap().iter();
        let mut names: Vec<_> = items.map(|one| one["name"].as_str().unwrap().to_owned()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(expiring(9).await, [""; 0]);
    assert_eq!(expiring(30).await, ["Soon"]);
    assert_eq!(expiring(365).await, ["Late", "Soon"]);
    let package = admin.ask(&format!("/api/v1/grants/{soon}")).await;
    assert_eq!(package.body["expiring"], 1);
    assert_eq!(package.body["next_expiry"], "2026-03-11T00:00:00Z");
    assert_eq!(admin.ask("/api/v1/grants?expiring_in_days=0").await.status, 400);

    let both = async || {
        let (one, other) = tokio::join!(auth::sweep(&server.app), auth::sweep(&server.app));
        one.unwrap() + other.unwrap()
    };
    assert_eq!(both().await, 0);
    server.clock.set("2026-03-11T00:00:00Z");
    assert_eq!(both().await, 1, "two servers tell it once");
    assert_eq!(both().await, 0);
    let rows = told(&server, "package_expired").await;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].0.as_str(), &rows[0].1["name"]), (&*ann.id.to_string(), &json!("Soon")));
    // With new dates it can run out again.
    attach(&admin, &ann, &soon, json!({"ends_at": "2026-03-12T00:00:00Z"})).await;
    server.clock.advance(TimeDelta::days(2));
    assert_eq!(both().await, 1);
}

#[tokio::test]
async fn the_list_is_paged_and_its_link_keeps_the_filter() {
    let server = TestServer::start().await;
    server.clock.set("2026-03-01T12:00:00Z");
    let admin = server.caller(Role::Admin).await;
    let ann = server.account_without_grants(Role::ReadOnly).await;
    for name in ["A", "B", "C"] {
        let id = package(&admin, name, json!([])).await;
        attach(&admin, &ann, &id, json!({"ends_at": "2026-03-11T00:00:00Z"})).await;
        server.clock.advance(TimeDelta::seconds(1));
    }
    let first = admin.get("/api/v1/grants?expiring_in_days=30&limit=2").await;
    let link = first.headers()["link"].to_str().unwrap().to_owned();
    let next = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
    assert!(next.contains("expiring_in_days=30"), "{next}");
    let names = |reply: Reply| -> Vec<Value> {
        reply.body["items"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect()
    };
    assert_eq!(names(Reply::of(first).await), ["C", "B"]);
    let second = admin.ask(&format!("/api/v1/grants{next}")).await;
    assert_eq!(second.body["next"], Value::Null);
    assert_eq!(names(second), ["A"]);
}

#[tokio::test]
async fn the_builtin_package_can_be_changed_and_deleted() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let ann = server.account(Role::ReadOnly).await;
    let list = admin.ask("/api/v1/grants").await;
    let items = list.body["items"].as_array().unwrap();
    let everything = items.iter().find(|one| one["builtin"] == true).unwrap();
    assert_eq!((&everything["builtin"], &everything["holders"]), (&json!(true), &json!(2)));
    let path = format!("/api/v1/grants/{}", everything["id"].as_str().unwrap());
    assert_eq!(remove(&admin, &path).await, 204);
    let held = admin.ask(&format!("/api/v1/users/{}/grants", ann.id)).await;
    assert_eq!(held.body["items"], json!([]));
}

#[tokio::test]
async fn me_tells_what_packages_come_to_today() {
    let server = TestServer::start().await;
    server.clock.set("2026-03-01T12:00:00Z");
    let admin = server.account(Role::Admin).await;
    let admin = server.anonymous().with_token(&admin.token);
    assert_eq!(admin.ask("/api/v1/me").await.body["entitlements"]["read"], "all");
    let ann = server.account_without_grants(Role::ReadOnly).await;
    let caller = server.anonymous().with_token(&ann.token);
    let none = caller.ask("/api/v1/me").await;
    assert_eq!(
        none.body["entitlements"],
        json!({"read": "granted", "upload": false, "datasets": []})
    );
    let mut grant = north();
    grant["delay_days"] = json!(2);
    let id = package(&admin, "A", json!([grant])).await;
    attach(&admin, &ann, &id, json!({})).await;
    let told = caller.ask("/api/v1/me").await;
    let window = json!({
        "first_month": "2026-03-01", "last_month": "2026-05-01", "first_day": null,
        "last_day": "2026-02-27", "cob_only": false, "current_only": false, "derived": false,
        "labels": {"load_zones": ["NORTH ZONE"], "block_types": ["5x16"]},
    });
    let datasets = json!([{"curve": "energy", "iso": "ercot", "windows": [window]}]);
    assert_eq!(told.body["entitlements"]["datasets"], datasets);
}

/// Whether a described path is about packages.
pub fn has(path: &str) -> bool {
    path.starts_with("/api/v1/grants")
        || path.starts_with("/api/v1/users/{id}/grants")
        || path == "/api/v1/users/{id}/preview"
}

/// A real answer of a described call about packages, or of `GET /api/v1/me`, where somebody holds one.
pub async fn answer(server: &TestServer, admin: &Caller, method: &str, path: &str) -> Value {
    let (ann, bob) = (
        server.account_without_grants(Role::ReadWrite).await,
        server.account_without_grants(Role::ReadOnly).await,
    );
    let mut odd = north();
    odd["load_zones"] = json!(["NRTH ZONE"]);
    let early = json!({
        "curves": ["energy"], "block_types": ["5x16"], "months": "fixed", "last_month": "2024-12",
    });
    let late = json!({
        "curves": ["energy"], "block_types": ["7x8"], "months": "fixed", "first_month": "2024-12",
    });
    let grants = json!([odd, early]);
    let id = package(admin, &Uuid::new_v4().to_string(), grants.clone()).await;
    let other = package(admin, &Uuid::new_v4().to_string(), json!([late])).await;
    let ends_at = server.app.clock.now() + TimeDelta::days(10);
    let attached = attach(admin, &ann, &id, json!({"ends_at": ends_at})).await;
    let real = path.replace("{package}", &id).replace("{a}", &id).replace("{b}", &other);
    let real = real.replace("{id}", &ann.id.to_string());
    let reply = match (method, path) {
        (_, "/api/v1/me") => server.anonymous().with_token(&ann.token).ask(&real).await,
        ("POST", "/api/v1/grants/preview") => {
            send(admin, Method::POST, &real, json!({"grants": grants})).await
        }
        ("POST", "/api/v1/grants") => {
            let wanted = json!({"name": Uuid::new_v4(), "grants": grants});
            send(admin, Method::POST, &real, wanted).await
        }
        ("POST", _) => {
            let path = format!("/api/v1/users/{}/grants/copy", bob.id);
            send(admin, Method::POST, &path, json!({"from": ann.id})).await
        }
        ("PUT", "/api/v1/users/{id}/grants/{package}") => attached,
        ("PUT", _) => {
            let wanted = json!({"name": Uuid::new_v4(), "grants": grants, "revision": 1});
            send(admin, Method::PUT, &real, wanted).await
        }
        _ => admin.ask(&real).await,
    };
    assert!((200..300).contains(&reply.status), "{method} {path}: {}", reply.body);
    reply.body
}
