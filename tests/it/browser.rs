//! What people see: a real browser on the real pages.

use std::{fs, path::PathBuf};

use fantoccini::{Locator, key::Key};
use reqwest::{
    Method,
    multipart::{Form, Part},
};
use rust_decimal::Decimal;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use trueprice::auth::{self, Role};

use crate::{
    auth::{PASSWORD, user},
    support::{Caller, Chrome, TestServer, files, until},
};

const EMAIL: &str = "ann@example.com";
const MORNING: &str = "Energy_ERCOT_20240603_080000.csv";
const LATER: &str = "Energy_ERCOT_20240603_093000.csv";
const PJM: &str = "Energy_PJM_20240603_090000.csv";
const BAD: &str = "NonEnergy_ERCOT_20240510_101010.csv";
const PAGES: [&str; 13] = [
    "/",
    "/upload",
    "/uploads",
    "/curves",
    "/curves?curve=energy&iso=ercot&zone2=HOUSTON+ZONE&day3=previous_day",
    "/curves?curve=energy&iso=ercot&view=evolution",
    "/curves/versions?curve=energy&iso=ercot",
    "/curves/views",
    "/headroom",
    "/download",
    "/download?curve=energy&iso=ercot",
    "/account",
    "/apidocs",
];

fn good(name: &str) -> PathBuf {
    files::repository("good_test_data/good").join(name)
}

/// A file with errors, under a name that is right.
fn bad(folder: &TempDir) -> PathBuf {
    let path = folder.path().join(BAD);
    fs::copy(files::repository("good_test_data/bad/value_words.csv"), &path).unwrap();
    path
}

async fn publish(caller: &Caller, names: &[&str]) {
    for name in names {
        let part = Part::bytes(fs::read(good(name)).unwrap()).file_name((*name).to_owned());
        let request = caller.request(Method::POST, "/api/v1/uploads");
        let answer = request.multipart(Form::new().part("file", part)).send().await.unwrap();
        assert_eq!(answer.status(), 201, "{name}");
    }
}

async fn json(caller: &Caller, path: &str) -> Value {
    let answer = caller.get(path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

async fn sign_in(chrome: &Chrome, password: &str) {
    chrome.goto("/login").await;
    chrome.fill("#email", EMAIL).await;
    chrome.fill("#password", password).await;
    chrome.click("main button").await;
    until(async || !chrome.path().await.starts_with("/login")).await;
}

/// A server with two versions of a curve, a refused file, and a browser that is signed in.
async fn loaded(scripts: bool) -> Option<(TestServer, Caller, Chrome)> {
    let server = TestServer::start().await;
    let chrome = Chrome::open(server.base(), scripts).await?;
    user(&server, EMAIL, Role::ReadWrite).await;
    let caller = server.caller(Role::ReadWrite).await;
    publish(&caller, &[MORNING, LATER]).await;
    sign_in(&chrome, PASSWORD).await;
    Some((server, caller, chrome))
}

/// File name and badge of each report on the upload page, once there are so many.
async fn reports(chrome: &Chrome, wanted: usize) -> Vec<(String, String)> {
    const DONE: &str = "#results article:not(:has(progress))";
    until(async || chrome.client.find_all(Locator::Css(DONE)).await.unwrap().len() == wanted).await;
    let names = chrome.texts("#results .file-head h2").await;
    let badges = chrome.texts("#results .file-head .badge").await;
    let mut reports: Vec<_> = names.into_iter().zip(badges).collect();
    reports.sort();
    reports
}

fn texts(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, badge)| ((*name).to_owned(), (*badge).to_owned())).collect()
}

/// The complaints of the console but for the answer to a file that is refused.
async fn complaints(chrome: &Chrome) -> Vec<String> {
    let mut complaints = chrome.complaints().await;
    complaints.retain(|line| !(line.contains("/api/v1/uploads") && line.contains("status of 422")));
    complaints
}

#[tokio::test]
async fn the_first_password_must_be_changed() {
    let server = TestServer::start().await;
    let Some(chrome) = Chrome::open(server.base(), true).await else { return };
    let made = auth::bootstrap(&server.app, Some(EMAIL), None).await.unwrap().unwrap();
    let random = made.random_password.unwrap();
    chrome.goto("/curves").await;
    assert!(chrome.path().await.starts_with("/login?"));
    chrome.fill("#email", EMAIL).await;
    chrome.fill("#password", "not the password").await;
    chrome.click("main button").await;
    chrome.shows(".notice.bad", "not right").await;
    sign_in(&chrome, random.expose()).await;
    chrome.goto("/upload").await;
    chrome.arrives_at("/account").await;
    chrome.shows(".notice.warn", "chosen for you").await;
    chrome.fill("#old_password", random.expose()).await;
    chrome.fill("#new_password", "a password of her own").await;
    chrome.click("form[action='/account/password'] button").await;
    until(async || !chrome.texts("form[action='/account/tokens']").await.is_empty()).await;
    chrome.goto("/upload").await;
    chrome.arrives_at("/upload").await;
}

#[tokio::test]
async fn three_files_at_once_and_the_bad_one_tells_its_cell() {
    let Some((_server, caller, chrome)) = loaded(true).await else { return };
    let folder = tempfile::tempdir().unwrap();
    chrome.goto("/upload").await;
    chrome.choose("#files", &[good(PJM), bad(&folder), good(MORNING)]).await;
    chrome.shows("#names", "3 files").await;
    chrome.click("#store").await;
    let wanted = [(MORNING, "Already stored"), (PJM, "Stored"), (BAD, "Refused")];
    assert_eq!(reports(&chrome, 3).await, texts(&wanted));
    assert!(chrome.texts("#results .findings").await.iter().any(|text| text.contains("C14")));
    let versions = json(&caller, "/api/v1/versions?curve=energy&iso=pjm").await;
    assert_eq!(versions["items"].as_array().unwrap().len(), 1);

    let log = "//article[.//span[text()='Refused']]//a[text()='In the log']";
    chrome.client.find(Locator::XPath(log)).await.unwrap().click().await.unwrap();
    chrome.shows("h1", BAD).await;
    let findings = chrome.texts(".findings tbody tr").await;
    assert!(findings[0].contains("C14") && findings[0].contains("n.a. yet"), "{findings:?}");
    chrome.click("a[href$='format=csv']").await;
    let copy = chrome.downloaded("NonEnergy_ERCOT_20240510_101010_report.csv").await;
    let copy = String::from_utf8(copy).unwrap();
    assert!(copy.lines().nth(13).unwrap().contains("not_a_number"), "{copy}");
    chrome.goto("/uploads").await;
    assert!(chrome.texts("#log tbody tr").await[0].contains(".csv"));
    assert_eq!(complaints(&chrome).await, [""; 0]);
}

#[tokio::test]
async fn a_dry_run_stores_nothing_until_it_is_told_to() {
    let Some((_server, caller, chrome)) = loaded(true).await else { return };
    let stored = async || {
        let versions = json(&caller, "/api/v1/versions?curve=energy&iso=pjm").await;
        versions["items"].as_array().unwrap().len()
    };
    chrome.goto("/upload").await;
    chrome.choose("#files", &[good(PJM)]).await;
    chrome.click("button[formaction*=dry_run]").await;
    assert_eq!(reports(&chrome, 1).await, texts(&[(PJM, "Would be stored")]));
    assert_eq!(stored().await, 0);
    chrome.click("#results article .actions button").await;
    assert_eq!(reports(&chrome, 2).await, texts(&[(PJM, "Stored"), (PJM, "Would be stored")]));
    assert_eq!(stored().await, 1);
    assert_eq!(complaints(&chrome).await, [""; 0]);
}

/// The points of a series in a version, exactly.
async fn points(caller: &Caller, series: &str, version: &str) -> Vec<Decimal> {
    let path = format!("/api/v1/series/{series}/curve?version_id={version}");
    let curve: Curve = caller.get(&path).await.json().await.unwrap();
    curve.points.into_iter().map(|point| point.value.get().parse().unwrap()).collect()
}

#[derive(serde::Deserialize)]
struct Curve {
    points: Vec<Point>,
}

#[derive(serde::Deserialize)]
struct Point {
    value: Box<serde_json::value::RawValue>,
}

/// The column of a table, by its number from 1.
async fn column(chrome: &Chrome, table: &str, number: usize) -> Vec<String> {
    let script = format!(
        "return [...document.querySelectorAll('{table} tbody tr')]
             .map((row) => row.cells[{number}].textContent.trim())"
    );
    serde_json::from_value(chrome.eval(&script).await).unwrap()
}

/// Waits until the chart shows lines: more than one colour and more than a few points.
async fn a_chart_is_drawn(chrome: &Chrome) {
    let drawn = "
        const canvas = document.querySelector('[data-chart]:not([hidden]) canvas');
        if (!canvas || canvas.width === 0) return 0;
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const colours = new Map();
        for (let i = 0; i < data.length; i += 4) {
            const colour = data.slice(i, i + 4).join();
            if (data[i + 3] > 0) colours.set(colour, (colours.get(colour) ?? 0) + 1);
        }
        return [...colours.values()].filter((points) => points > 50).length;";
    until(async || chrome.eval(drawn).await.as_u64().unwrap() >= 2).await;
}

/// The numbers of a column.
async fn numbers(chrome: &Chrome, table: &str, number: usize) -> Vec<Decimal> {
    let texts = column(chrome, table, number).await;
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_curve_is_shown_and_compared() {
    let Some((_server, caller, chrome)) = loaded(true).await else { return };
    let versions = json(&caller, "/api/v1/versions?curve=energy&iso=ercot").await;
    let version = |place: usize| versions["items"][place]["id"].as_str().unwrap().to_owned();
    let (later, earlier) = (version(0), version(1));
    chrome.goto("/curves/versions?curve=energy&iso=ercot").await;
    let chosen = chrome.find("input[name=series]:checked").await;
    let series = chosen.attr("value").await.unwrap().unwrap();
    assert_eq!(numbers(&chrome, "#grid", 1).await, points(&caller, &series, &later).await);
    assert_eq!(column(&chrome, "#grid", 0).await[0], "2024-06");
    a_chart_is_drawn(&chrome).await;

    let compare = "//a[text()='compare']";
    chrome.client.find(Locator::XPath(compare)).await.unwrap().click().await.unwrap();
    chrome.find("#pair").await;
    let shown = chrome.find("input[name=series]:checked").await;
    let series = shown.attr("value").await.unwrap().unwrap();
    let old = numbers(&chrome, "#pair", 1).await;
    let new = numbers(&chrome, "#pair", 2).await;
    assert_eq!(old, points(&caller, &series, &earlier).await);
    assert_eq!(new, points(&caller, &series, &later).await);
    assert_ne!(old, new);
    let change: Vec<_> = new.iter().zip(&old).map(|(new, old)| *new - *old).collect();
    assert_eq!(numbers(&chrome, "#pair", 3).await, change);
    a_chart_is_drawn(&chrome).await;
    assert_eq!(complaints(&chrome).await, [""; 0]);
}

#[tokio::test]
async fn the_button_the_api_and_the_line_to_copy_give_the_same_bytes() {
    let Some((server, caller, chrome)) = loaded(true).await else { return };
    chrome.goto("/download?curve=energy&iso=ercot").await;
    chrome.shows(".preview", "2024-06").await;
    for format in ["csv", "xlsx", "json"] {
        chrome.find("#format").await.select_by_value(format).await.unwrap();
        chrome.shows("h2#preview", &format!(".{format}")).await;
        let name = chrome.find("h2#preview").await.text().await.unwrap();
        let link = chrome.find("#get").await.attr("href").await.unwrap().unwrap();
        chrome.click("#get").await;
        let button = chrome.downloaded(&name).await;
        let api = caller.get(&link).await.bytes().await.unwrap();
        let token = server.account(Role::ReadOnly).await.token;
        let shell = chrome.texts(".copy code").await[0].replace("YOUR_TOKEN", &token);
        let folder = tempfile::tempdir().unwrap();
        let status = Command::new("bash").args(["-c", &shell]).current_dir(&folder).status().await;
        assert!(status.unwrap().success(), "{shell}");
        let copied = fs::read(folder.path().join(&name)).unwrap();
        if format == "json" {
            // It tells when it was asked.
            let rows = |bytes: &[u8]| {
                let answer: Value = serde_json::from_slice(bytes).unwrap();
                answer["data"].clone()
            };
            assert_eq!((rows(&button), rows(&copied)), (rows(&api), rows(&api)));
        } else {
            assert!(button == api, "{name}: the button gives other bytes");
            assert!(copied == api, "{name}: the line gives other bytes");
        }
    }
    assert_eq!(complaints(&chrome).await, [""; 0]);
}

#[tokio::test]
async fn a_step_back_shows_the_view_before() {
    let Some((_server, _caller, chrome)) = loaded(true).await else { return };
    chrome.goto("/download?curve=energy&iso=ercot").await;
    chrome.shows("h2#preview", ".xlsx").await;
    chrome.find("#format").await.select_by_value("csv").await.unwrap();
    chrome.shows("h2#preview", ".csv").await;
    assert!(chrome.path().await.contains("format=csv"));
    chrome.client.back().await.unwrap();
    chrome.shows("h2#preview", ".xlsx").await;
    chrome.arrives_at("/download?curve=energy&iso=ercot").await;
}

#[tokio::test]
async fn every_page_fits_a_telephone_and_is_of_this_server_alone() {
    let Some((_server, caller, chrome)) = loaded(true).await else { return };
    let uploads = json(&caller, "/api/v1/uploads").await;
    let upload = format!("/uploads/{}", uploads["items"][0]["id"].as_str().unwrap());
    let pages = PAGES.iter().copied().chain([upload.as_str(), "/nothing"]);
    for (page, width) in pages.flat_map(|page| [(page, 400), (page, 1280)]) {
        chrome.set_width(width).await;
        chrome.goto(page).await;
        if page == "/apidocs" {
            chrome.find(".opblock").await;
        }
        let taken = chrome.eval("return document.documentElement.scrollWidth").await;
        assert!(taken.as_u64().unwrap() <= u64::from(width), "{page} takes {taken} of {width}");
        let foreign = chrome
            .eval(
                "return performance.getEntriesByType('resource').map((entry) => entry.name)
                     .concat([...document.querySelectorAll('[src]')].map((one) => one.src))
                     .filter((name) => !name.startsWith(location.origin) && !name.startsWith('data:'))",
            )
            .await;
        assert_eq!(foreign, serde_json::json!([]), "{page}");
        let mut complaints = complaints(&chrome).await;
        complaints.retain(|line| page != "/nothing" || !line.contains("status of 404"));
        assert_eq!(complaints, [""; 0], "{page}");
    }
}

#[tokio::test]
async fn the_keyboard_reaches_every_control_and_does_the_work() {
    let Some((_server, _caller, chrome)) = loaded(true).await else { return };
    let reached = async |page: &str| -> Vec<String> {
        chrome.goto(page).await;
        chrome.eval("document.activeElement.blur()").await;
        let mut reached = Vec::new();
        for _ in 0..80 {
            chrome.press(Key::Tab).await;
            let name = chrome
                .eval(
                    "const one = document.activeElement;
                     return one.id || one.getAttribute('href') || one.textContent.trim()",
                )
                .await;
            reached.push(name.as_str().unwrap().to_owned());
        }
        reached
    };
    let wanted = [
        ("/upload", vec!["#main", "/uploads", "/curves", "/download", "files", "store", "Dry run"]),
        ("/uploads", vec!["file", "curve", "iso", "outcome", "day"]),
        ("/curves/versions?curve=energy&iso=ercot", vec!["curve", "iso", "day", "compare", "find"]),
        (
            "/curves?curve=energy&iso=ercot",
            vec!["curve", "iso", "zone", "block", "day", "version", "lines", "png"],
        ),
        (
            "/download?curve=energy&iso=ercot",
            vec!["curve", "iso", "operating_day", "version", "start", "end", "format", "get"],
        ),
    ];
    for (page, controls) in wanted {
        let reached = reached(page).await;
        let missing: Vec<_> =
            controls.iter().filter(|control| !reached.iter().any(|one| one == *control)).collect();
        assert!(missing.is_empty(), "{page}: {missing:?} not among {reached:?}");
    }
    // The first step skips the head of the page.
    chrome.goto("/uploads").await;
    chrome.press(Key::Tab).await;
    chrome.press(Key::Enter).await;
    chrome.arrives_at("/uploads#main").await;
    until(async || chrome.eval("return document.activeElement.id").await == "main").await;
    chrome.press(Key::Tab).await;
    let within = "return document.querySelector('main').contains(document.activeElement)";
    assert_eq!(chrome.eval(within).await, true);
}

#[tokio::test]
async fn forms_work_without_scripts() {
    let Some((_server, caller, chrome)) = loaded(false).await else { return };
    let folder = tempfile::tempdir().unwrap();
    chrome.goto("/upload").await;
    chrome.choose("#files", &[good(PJM), bad(&folder)]).await;
    chrome.click("#store").await;
    assert_eq!(reports(&chrome, 2).await, texts(&[(PJM, "Stored"), (BAD, "Refused")]));
    assert!(chrome.texts("#results .findings").await.concat().contains("C14"));

    chrome.goto("/curves?curve=energy&iso=pjm").await;
    assert!(chrome.texts("#grid tbody th").await.contains(&"2024-06".to_owned()));
    chrome.goto("/download?curve=energy&iso=ercot").await;
    chrome.find("#format").await.select_by_value("csv").await.unwrap();
    chrome.click("form .without-script button").await;
    chrome.shows("h2#preview", ".csv").await;
    let name = chrome.find("h2#preview").await.text().await.unwrap();
    let link = chrome.find("#get").await.attr("href").await.unwrap().unwrap();
    chrome.click("#get").await;
    let api = caller.get(&link).await.bytes().await.unwrap();
    assert!(chrome.downloaded(&name).await == api);
}
