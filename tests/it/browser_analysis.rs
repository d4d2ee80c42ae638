//! The analysis page in a real browser: the chart, its keyboard, and a saved view.

use std::fs;

use fantoccini::key::Key;
use reqwest::{
    Method,
    multipart::{Form, Part},
};
use tokio::process::Command;
use trueprice::auth::Role;

use crate::{
    auth::{PASSWORD, user},
    support::{Caller, Chrome, TestServer, files, until},
};

const EMAIL: &str = "ann@example.com";
const FILES: [&str; 4] = [
    "Energy_ERCOT_20240603_080000.csv",
    "Energy_ERCOT_20240603_093000.csv",
    "Energy_ERCOT_20240604_000000.csv",
    "Energy_PJM_20240603_090000.csv",
];
const VIEW: &str = "/curves?curve=energy&iso=ercot&day2=previous_day";

async fn publish(caller: &Caller) {
    for name in FILES {
        let bytes = fs::read(files::repository("good_test_data/good").join(name)).unwrap();
        let form = Form::new().part("file", Part::bytes(bytes).file_name(name));
        let request = caller.request(Method::POST, "/api/v1/uploads").multipart(form);
        assert_eq!(request.send().await.unwrap().status(), 201, "{name}");
    }
}

/// A server with curves of two days, and a browser that is signed in.
async fn loaded(scripts: bool) -> Option<(TestServer, Chrome)> {
    let server = TestServer::start().await;
    let chrome = Chrome::open(server.base(), scripts).await?;
    user(&server, EMAIL, Role::ReadWrite).await;
    publish(&server.caller(Role::ReadWrite).await).await;
    chrome.goto("/login").await;
    chrome.fill("#email", EMAIL).await;
    chrome.fill("#password", PASSWORD).await;
    chrome.click("main button").await;
    until(async || !chrome.path().await.starts_with("/login")).await;
    Some((server, chrome))
}

/// Waits until both charts show lines and bars in the colours of their series.
async fn charts_are_drawn(chrome: &Chrome) {
    let drawn = "
        return [...document.querySelectorAll('.plot:not([hidden]) canvas')].map((canvas) => {
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            const colours = new Map();
            for (let i = 0; i < data.length; i += 4) {
                const colour = data.slice(i, i + 3).join();
                if (data[i + 3] > 200) colours.set(colour, (colours.get(colour) ?? 0) + 1);
            }
            const vivid = (colour) => Math.max(...colour.split(',')) - Math.min(...colour.split(',')) > 80;
            return [...colours].filter(([colour, points]) => points > 50 && vivid(colour)).length;
        })";
    until(async || {
        let colours: Vec<u64> = serde_json::from_value(chrome.eval(drawn).await).unwrap();
        matches!(colours[..], [lines, bars] if lines >= 2 && bars >= 1)
    })
    .await;
}

/// A row of the table, by its number from 0.
async fn row(chrome: &Chrome, number: usize) -> Vec<String> {
    let script = format!(
        "return [...document.querySelectorAll('#grid tbody tr')[{number}].cells]
             .map((cell) => cell.textContent.trim())"
    );
    serde_json::from_value(chrome.eval(&script).await).unwrap()
}

#[tokio::test]
async fn the_arrow_keys_tell_the_figures_of_the_table() {
    let Some((_server, chrome)) = loaded(true).await else { return };
    chrome.goto(VIEW).await;
    charts_are_drawn(&chrome).await;
    chrome.eval("document.querySelector('#lines').focus()").await;
    let told = async |keys: &[Key], number: usize| {
        for key in keys {
            chrome.press(*key).await;
        }
        let row = row(&chrome, number).await;
        chrome.shows("#cursor-day", &row[0]).await;
        let says = chrome.eval("return document.querySelector('#cursor-says').textContent").await;
        let says = says.as_str().unwrap().to_owned();
        let change = row[3].trim_start_matches('+');
        for figure in [&row[0], &row[1], &row[2], change] {
            assert!(says.contains(figure), "{figure} is not in {says}");
        }
    };
    told(&[Key::Right], 0).await;
    told(&[Key::Right, Key::Right], 2).await;
    told(&[Key::PageDown], 14).await;
    told(&[Key::Left], 13).await;
    told(&[Key::Home], 0).await;
    assert_eq!(chrome.complaints().await, [""; 0]);
}

#[tokio::test]
async fn a_choice_shows_at_once_and_empties_what_it_makes_meaningless() {
    let Some((_server, chrome)) = loaded(true).await else { return };
    chrome.goto("/curves?curve=energy&iso=ercot&zone=HOUSTON+ZONE&day=2024-06-03").await;
    chrome.shows("h1", "ERCOT").await;
    chrome.find("#iso").await.select_by_value("pjm").await.unwrap();
    chrome.shows("h1", "PJM").await;
    let path = chrome.path().await;
    assert!(!path.contains("zone=") && path.contains("day=2024-06-03"), "{path}");
    assert_eq!(chrome.texts(".fault").await, [""; 0]);
    chrome.click(".adds a").await;
    chrome.find("#zone2").await;
    charts_are_drawn(&chrome).await;
    assert_eq!(chrome.complaints().await, [""; 0]);
}

#[tokio::test]
async fn a_view_is_saved_opened_shared_and_deleted() {
    // With forms alone.
    let Some((server, chrome)) = loaded(false).await else { return };
    chrome.goto(VIEW).await;
    chrome.fill("#name", "Day on day").await;
    chrome.click("form.save button").await;
    until(async || chrome.texts(".saved li").await == ["Day on day"]).await;
    chrome.goto("/curves").await;
    chrome.click(".saved a").await;
    chrome.arrives_at(VIEW).await;
    chrome.goto("/curves/views").await;
    chrome.click("form[action$='/share'] button").await;
    chrome.shows(".views .badge", "shared").await;
    let reader = server.caller(Role::ReadOnly).await;
    let list = reader.get("/curves/views").await.text().await.unwrap();
    assert!(list.contains("Day on day") && list.contains(EMAIL), "{list}");
    chrome.click("form[action$='/delete'] button").await;
    chrome.shows(".empty", "No view is saved yet").await;
}

#[tokio::test]
async fn the_picture_the_file_and_the_line_to_copy() {
    let Some((server, chrome)) = loaded(true).await else { return };
    chrome.goto(VIEW).await;
    charts_are_drawn(&chrome).await;
    chrome.click("#png").await;
    let picture = chrome.downloaded("ercot_chart.png").await;
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 10_000);
    let link = chrome.find(".tools a").await.attr("href").await.unwrap().unwrap();
    chrome.click(".tools a").await;
    let button = chrome.downloaded("curves_energy_ercot_2024-06-04.csv").await;
    let caller = server.caller(Role::ReadOnly).await;
    assert!(button == caller.get(&link).await.bytes().await.unwrap());
    let script = "return document.querySelector('.copies code').textContent";
    let token = server.account(Role::ReadOnly).await.token;
    let shell = chrome.eval(script).await.as_str().unwrap().replace("YOUR_TOKEN", &token);
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new("bash").args(["-c", &shell]).current_dir(&folder).status().await;
    assert!(status.unwrap().success(), "{shell}");
    let copied = fs::read(folder.path().join("curves_energy_ercot_2024-06-04.csv")).unwrap();
    assert!(button == copied, "the line gives other bytes");
    assert_eq!(chrome.complaints().await, [""; 0]);
}
