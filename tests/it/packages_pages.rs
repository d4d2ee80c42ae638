//! The pages of packages as people use them: with scripts, and by forms alone.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trueprice::auth::Role;

use crate::{
    auth::{Browser, PASSWORD, user},
    packages::{north, package},
    support::{Caller, Chrome, TestServer, files, until},
};

const ADMIN: &str = "boss@example.com";
const READER: &str = "ann@example.com";
const FILES: [&str; 3] = [
    "Energy_ERCOT_20240603_080000.csv",
    "Energy_PJM_20240603_090000.csv",
    "PTC_ERCOT_20240603_070000.csv",
];

/// A server with curves of two ISOs, an administrator and a reader without packages.
async fn loaded() -> (TestServer, Caller) {
    let server = TestServer::start().await;
    server.clock.set("2024-06-05T12:00:00Z");
    user(&server, ADMIN, Role::Admin).await;
    user(&server, READER, Role::ReadOnly).await;
    sqlx::query("delete from user_package").execute(&server.app.pool).await.unwrap();
    let writer = server.caller(Role::ReadWrite).await;
    for name in FILES {
        let path = files::repository("good_test_data/good").join(name);
        assert_eq!(writer.upload(name, std::fs::read(path).unwrap()).await.status, 201, "{name}");
    }
    let admin = server.caller(Role::Admin).await;
    (server, admin)
}

async fn id_of(server: &TestServer, email: &str) -> String {
    sqlx::query_scalar("select id::text from app_user where email = $1")
        .bind(email)
        .fetch_one(&server.app.pool)
        .await
        .unwrap()
}

async fn signed_in(server: &TestServer, scripts: bool) -> Option<Chrome> {
    let chrome = Chrome::open(server.base(), scripts).await?;
    chrome.goto("/login").await;
    chrome.fill("#email", ADMIN).await;
    chrome.fill("#password", PASSWORD).await;
    chrome.click("main button").await;
    until(async || !chrome.path().await.starts_with("/login")).await;
    Some(chrome)
}

/// Every package.
async fn listed(admin: &Caller) -> Vec<Value> {
    admin.ask("/api/v1/grants").await.body["items"].as_array().unwrap().clone()
}

/// The box of a value, such as `load_zones`, `NORTH ZONE`.
fn tick(label: &str, value: &str) -> String {
    format!("input[name={label}][value='{value}']")
}

/// The values that are offered of a label.
async fn offered(chrome: &Chrome, label: &str) -> Vec<String> {
    chrome.texts(&format!("#list-{label} label")).await
}

#[tokio::test]
async fn a_package_for_a_user_takes_a_few_clicks_and_the_choices_cascade() {
    let (server, admin) = loaded().await;
    let Some(chrome) = signed_in(&server, true).await else { return };
    let ann = id_of(&server, READER).await;
    chrome.goto(&format!("/admin/users/{ann}/sight")).await;
    chrome.shows("#main", "no curve can be seen").await;
    chrome.click("a[href*='/admin/packages/new']").await;
    chrome.fill("#name", "ERCOT north").await;
    assert!(offered(&chrome, "load_zones").await.len() > 5, "zones of both ISOs at first");
    chrome.click(&tick("curves", "energy")).await;
    chrome.shows("#today ~ .scroll tbody", "Energy ERCOT").await;
    chrome.click(&tick("isos", "ercot")).await;
    until(async || !offered(&chrome, "load_zones").await.contains(&"PECO".to_owned())).await;
    chrome.click(&tick("load_zones", "NORTH ZONE")).await;
    until(async || offered(&chrome, "capacity_zones").await == ["NORTH ZONE"]).await;
    let focused = chrome.eval("return document.activeElement.value").await;
    assert_eq!(focused, "NORTH ZONE", "the focus stays where it was");
    chrome.click(&tick("block_types", "5x16")).await;
    chrome.shows(".grant-cards", "load zone NORTH ZONE, block type 5x16").await;
    chrome.click("#months-rolling").await;
    chrome.shows("#today ~ .scroll tbody", "2024-06 to 2024-08").await;
    assert_eq!(chrome.find("#name").await.prop("value").await.unwrap().unwrap(), "ERCOT north");
    chrome.click("button[value=preview]").await;
    chrome.shows("[aria-labelledby=preview] .figures", "Series\n1").await;
    chrome.click("button[value=save]").await;
    chrome.arrives_at(&format!("/admin/users/{ann}/sight?done=attached")).await;
    chrome.shows("[aria-labelledby=packages] tbody", "ERCOT north").await;
    chrome.shows("[aria-labelledby=sees] tbody", "ERCOT energy").await;
    let sees = admin.ask(&format!("/api/v1/users/{ann}/preview")).await.body;
    assert_eq!((&sees["totals"]["series"], &sees["totals"]["cells"]), (&json!(1), &json!(3)));
    assert_eq!(chrome.complaints().await, [""; 0]);
}

#[tokio::test]
async fn the_editor_works_by_its_buttons_alone() {
    let (server, admin) = loaded().await;
    let Some(chrome) = signed_in(&server, false).await else { return };
    chrome.goto("/admin/packages/new").await;
    chrome.fill("#name", "Two grants").await;
    chrome.click(&tick("curves", "ptc")).await;
    chrome.click(&tick("isos", "ercot")).await;
    chrome.click(".other .without-script").await;
    chrome.shows("[aria-labelledby=months-head]", "Price to compare: no month policy").await;
    chrome.fill("#other_value", "NOWHERE").await;
    chrome.click(".other button.second").await;
    chrome.shows("#list-load_zones label", "NOWHERE").await;
    chrome.shows("#list-load_zones .badge", "no series").await;
    chrome.click("button[value=add]").await;
    chrome.shows(".grant-cards [aria-current]", "nothing chosen yet").await;
    chrome.click(&tick("curves", "energy")).await;
    chrome.click("#months-fixed").await;
    chrome.click("button[value=save]").await;
    chrome.shows("[role=alert]", "Grant 2: first_month and last_month are missing").await;
    chrome.click("#months-unlimited").await;
    chrome.click("#cob_only").await;
    chrome.fill("#history_days", "5").await;
    chrome.click("button[value=save]").await;
    chrome.shows("[role=status]", "The package is saved.").await;
    chrome.shows(".notice.warn", "no series has the load zone \"NOWHERE\"").await;
    let made = listed(&admin).await.into_iter().find(|one| one["name"] == "Two grants").unwrap();
    assert_eq!(made["grants"][0]["load_zones"], json!(["NOWHERE"]));
    assert_eq!(made["grants"][1]["cob_only"], true);
    assert_eq!(made["grants"][1]["history_days"], 5);

    chrome.click("button[value=remove-0]").await;
    chrome.click("button[value=save]").await;
    chrome.shows("[role=status]", "The package is saved.").await;
    chrome.fill("#email", READER).await;
    chrome.click("[aria-labelledby=holders] form.filters button").await;
    chrome.shows("[aria-labelledby=holders] tbody", READER).await;
    chrome.click("[aria-labelledby=holders] tbody form button").await;
    chrome.shows("[aria-labelledby=holders]", "Nobody has it yet.").await;
    chrome.click("[name=confirm]").await;
    chrome.click("button.danger").await;
    chrome.arrives_at("/admin/packages?done=deleted").await;
    assert!(listed(&admin).await.iter().all(|one| one["builtin"] == true));
}

#[tokio::test]
async fn the_pages_fit_a_telephone() {
    let (server, admin) = loaded().await;
    let id = package(&admin, "ERCOT north", json!([north(), {"curves": ["rec"]}])).await;
    let Some(chrome) = signed_in(&server, true).await else { return };
    let ann = id_of(&server, READER).await;
    let builtin = listed(&admin).await.into_iter().find(|one| one["builtin"] == true).unwrap();
    let builtin = builtin["id"].as_str().unwrap();
    for width in [1280, 400] {
        chrome.set_width(width).await;
        for path in [
            "/admin/packages".to_owned(),
            format!("/admin/packages/{id}?compare={builtin}"),
            format!("/admin/packages/{builtin}"),
            format!("/admin/users/{ann}/sight"),
        ] {
            chrome.goto(&path).await;
            let taken = chrome.eval("return document.documentElement.scrollWidth").await;
            assert!(taken.as_u64().unwrap() <= u64::from(width), "{path}: {taken} of {width}");
        }
    }
    assert_eq!(chrome.complaints().await, [""; 0]);
}

/// What a form of a page sends when nothing on it is touched.
async fn post(
    browser: &Browser,
    page: &str,
    path: &str,
    fields: &[(&str, &str)],
) -> (StatusCode, String) {
    let token = browser.token_on(page).await;
    let form: Vec<(&str, &str)> =
        [("csrf_token", &*token)].into_iter().chain(fields.iter().copied()).collect();
    let answer = browser.request(Method::POST, path).form(&form).send().await.unwrap();
    let status = answer.status();
    let place = answer.headers().get("location").map(|place| place.to_str().unwrap().to_owned());
    (status, place.unwrap_or(answer.text().await.unwrap()))
}

#[tokio::test]
async fn ends_are_shown_and_packages_are_copied_on_the_page_of_a_user() {
    let (server, admin) = loaded().await;
    let browser = Browser::signed_in(&server, ADMIN).await;
    let (ann, boss) = (id_of(&server, READER).await, id_of(&server, ADMIN).await);
    let id = package(&admin, "North <b>", json!([north()])).await;
    let sight = format!("/admin/users/{ann}/sight");
    let attach = format!("{sight}/attach");
    let dates = [("package", &*id), ("first_day", "2024-06-05"), ("last_day", "2024-06-14")];
    let (status, place) = post(&browser, &sight, &attach, &dates).await;
    assert_eq!((status, place), (StatusCode::SEE_OTHER, format!("{sight}?done=attached")));
    let page = browser.get(&sight).await.text().await.unwrap();
    assert!(page.contains("ends in 9 days") && page.contains("value=\"2024-06-14\""), "{page}");
    assert!(!page.contains("North <b>"), "a name became markup");
    let list = browser.get("/admin/packages").await.text().await.unwrap();
    assert!(
        list.contains("One user loses a package") && list.contains("next 2024-06-14"),
        "{list}"
    );
    let after = browser.get(&format!("{sight}?on=2024-06-15")).await.text().await.unwrap();
    assert!(after.contains("Nothing can be seen."), "{after}");

    let crossed = [("package", &*id), ("first_day", "2024-06-15"), ("last_day", "2024-06-14")];
    let (status, page) = post(&browser, &sight, &attach, &crossed).await;
    assert!(
        status == StatusCode::BAD_REQUEST && page.contains("ends_at must come after"),
        "{page}"
    );
    let copy = format!("/admin/users/{boss}/sight/copy");
    let own = format!("/admin/users/{boss}/sight");
    let (status, page) = post(&browser, &own, &copy, &[("email", "nobody@example.com")]).await;
    assert!(status == StatusCode::NOT_FOUND && page.contains("There is no user"), "{page}");
    for done in ["copied", "same"] {
        let (_, place) = post(&browser, &own, &copy, &[("email", " Ann@example.com ")]).await;
        assert_eq!(place, format!("{own}?done={done}"));
    }
    let detach = format!("{sight}/detach");
    let (status, _) = post(&browser, &sight, &detach, &[("package", &*id)]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let held = admin.ask(&format!("/api/v1/users/{ann}/grants")).await;
    assert_eq!(held.body["items"], json!([]));
}

#[tokio::test]
async fn a_stale_edit_on_the_page_keeps_the_draft_and_changes_nothing() {
    let (server, admin) = loaded().await;
    let browser = Browser::signed_in(&server, ADMIN).await;
    let id = package(&admin, "North", json!([north()])).await;
    let page = format!("/admin/packages/{id}");
    let edit = |revision| {
        [
            ("package", &*id),
            ("revision", revision),
            ("name", "Mine"),
            ("note", "kept words"),
            ("grants", "[]"),
            ("open", "0"),
            ("curves", "rec"),
            ("months", "unlimited"),
            ("do", "save"),
        ]
    };
    let (status, _) = post(&browser, &page, "/admin/packages/edit", &edit("1")).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let (status, text) = post(&browser, &page, "/admin/packages/edit", &edit("1")).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(text.contains("was changed meanwhile") && text.contains("kept words"), "{text}");
    assert_eq!(admin.ask(&format!("/api/v1/grants/{id}")).await.body["revision"], 2);
    let (status, text) = post(&browser, &page, &format!("{page}/delete"), &[]).await;
    assert!(status == StatusCode::BAD_REQUEST && text.contains("nothing was deleted"), "{text}");
    let forged =
        browser.request(Method::POST, &format!("{page}/delete")).form(&[("confirm", "yes")]);
    assert_eq!(forged.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(admin.ask(&format!("/api/v1/grants/{id}")).await.status, 200);
}
