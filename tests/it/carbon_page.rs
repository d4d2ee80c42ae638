//! The live page of carbon intensity, in a real browser.

use std::{net::SocketAddr, time::Duration};

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use reqwest::StatusCode;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use trueprice::{auth::Role, domain::feed::Topic};

use crate::{
    auth::{PASSWORD, user},
    live_rows::{BRITAIN, FUELS, NEW_YORK, event, write},
    support::{Chrome, TestServer, until},
};

const EMAIL: &str = "ann@example.com";

/// What lies between a browser and the server, and can be cut.
struct Way {
    address: SocketAddr,
    to: SocketAddr,
    open: JoinHandle<()>,
}

impl Way {
    async fn to(server: &TestServer) -> Self {
        let to: SocketAddr = server.base().trim_start_matches("http://").parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { address, to, open: tokio::spawn(Self::open(listener, to)) }
    }

    async fn open(listener: TcpListener, to: SocketAddr) {
        let mut connections = JoinSet::new();
        loop {
            let (mut from, _) = listener.accept().await.unwrap();
            connections.spawn(async move {
                let Ok(mut to) = TcpStream::connect(to).await else { return };
                _ = copy_bidirectional(&mut from, &mut to).await;
            });
        }
    }

    /// Cuts every connection; no other is taken.
    async fn cut(&mut self) {
        self.open.abort();
        _ = (&mut self.open).await;
    }

    async fn mend(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.open = tokio::spawn(Self::open(listener, self.to));
    }
}

/// The newest slot that has ended.
fn newest(step: i64) -> DateTime<Utc> {
    let now = trueprice::clock::Clock::system().now();
    now.duration_trunc(TimeDelta::seconds(step)).unwrap() - TimeDelta::seconds(step)
}

/// A server with an hour of New York, and a browser that is signed in by a way that can be cut.
async fn loaded(scripts: bool) -> Option<(TestServer, Way, Chrome)> {
    let server = TestServer::start().await;
    let way = Way::to(&server).await;
    let chrome = Chrome::open(&format!("http://{}", way.address), scripts).await?;
    user(&server, EMAIL, Role::ReadOnly).await;
    server.relays();
    let last = newest(300);
    for n in 0..12 {
        // A slot is missing.
        if n != 5 {
            let start = last - TimeDelta::minutes(5 * n);
            NEW_YORK.slot(&server.app, start, &format!("{}.25", 200 + n)).await;
        }
    }
    NEW_YORK.mix(&server.app, last, &FUELS).await;
    chrome.goto("/login").await;
    chrome.fill("#email", EMAIL).await;
    chrome.fill("#password", PASSWORD).await;
    chrome.click("main button").await;
    until(async || !chrome.path().await.starts_with("/login")).await;
    Some((server, way, chrome))
}

#[tokio::test]
async fn the_page_is_whole_without_a_script() {
    let Some((server, _way, chrome)) = loaded(false).await else { return };
    chrome.click("nav a[href='/carbon']").await;
    chrome.arrives_at("/carbon").await;
    assert_eq!(chrome.texts("h1").await, ["New York ISO"]);
    assert_eq!(chrome.texts("#value").await, ["200"]);
    chrome.shows("#when", "ago").await;
    let rows = chrome.texts("#fuel-rows tr").await;
    assert!(rows[0].starts_with("Nuclear"), "{rows:?}");
    assert!(rows[1].contains("2,814.5 MW"), "{rows:?}");
    assert!(rows[6].contains("Other Fossil Fuels") && rows[6].contains("0 MW"), "{rows:?}");
    // The line breaks at the slot that is missing.
    let line = chrome.find("#measured").await.attr("d").await.unwrap().unwrap();
    assert_eq!(line.matches('M').count(), 2, "{line}");
    chrome.shows(".carbon-about", "NY-STATE-2016").await;
    chrome.shows(".carbon-about", "Source of nyiso.rtfuelmix").await;
    BRITAIN.slot(&server.app, newest(1800), "150").await;
    chrome.goto("/carbon?region=GB").await;
    chrome.arrives_at("/carbon/GB").await;
    assert_eq!(chrome.texts("#value").await, ["150"]);
}

#[tokio::test]
async fn a_new_row_shows_without_a_reload_and_a_cut_connection_is_taken_up() {
    let Some((server, mut way, chrome)) = loaded(true).await else { return };
    for width in [1280, 400] {
        chrome.set_width(width).await;
        chrome.goto("/carbon").await;
        let taken = chrome.eval("return document.documentElement.scrollWidth").await;
        assert!(taken.as_u64().unwrap() <= u64::from(width), "{taken} of {width}");
    }
    chrome.shows("#connection", "live").await;
    chrome.eval("window.same = true").await;
    let next = newest(300) + TimeDelta::minutes(5);
    NEW_YORK.slot(&server.app, next, "345.6").await;
    let shows = async |value: &str| chrome.texts("#value").await == [value];
    let within = async |value: &str| {
        tokio::time::timeout(Duration::from_secs(2), until(async || shows(value).await)).await
    };
    assert!(within("346").await.is_ok(), "{:?}", chrome.texts("#value").await);
    let mut fuels = FUELS;
    fuels[0].1 = "6001";
    NEW_YORK.mix(&server.app, next, &fuels).await;
    chrome.shows("#fuel-rows tr", "6,001").await;
    chrome.shows("#rows tr", "345.6").await;
    // Cut, and what happens meanwhile comes when it is mended.
    way.cut().await;
    chrome.shows("#connection", "lost").await;
    NEW_YORK.slot(&server.app, next, "400").await;
    NEW_YORK.slot(&server.app, next + TimeDelta::minutes(5), "500").await;
    way.mend().await;
    until(async || shows("500").await).await;
    chrome.shows("#connection", "live").await;
    let rows = chrome.texts("#rows tr").await;
    assert!(rows.is_empty() || rows[1].is_empty() || rows[1].contains("400"), "{rows:?}");
    let cell =
        chrome.eval("return document.querySelector('#rows tr:nth-child(2)').textContent").await;
    assert!(cell.as_str().unwrap().ends_with("400"), "{cell}");
    // All of it on the page that was there at first.
    assert_eq!(chrome.eval("return window.same").await, true);
    let now = server.app.clock.now();
    write(&server.app, event(Topic::PageReload, "-", "trueprice", now, "{}")).await;
    until(async || chrome.eval("return window.same ?? null").await.is_null()).await;
}

#[tokio::test]
async fn a_forecast_is_dashed_and_old_data_are_stale() {
    let Some((server, _way, chrome)) = loaded(true).await else { return };
    let last = newest(1800) - TimeDelta::hours(5);
    BRITAIN.slot(&server.app, last, "150").await;
    chrome.goto("/carbon/GB").await;
    chrome.shows("#stale", "stale").await;
    chrome.shows("#connection", "live").await;
    BRITAIN.forecast(&server.app, last + TimeDelta::minutes(30), &["140", "130", "120"]).await;
    chrome.shows("#issued", "dashed").await;
    let line = chrome.find("#forecast").await.attr("d").await.unwrap().unwrap();
    assert_eq!((line.matches('M').count(), line.matches('L').count()), (1, 2), "{line}");
    BRITAIN.slot(&server.app, newest(1800), "155").await;
    until(async || chrome.texts("#value").await == ["155"]).await;
    until(async || chrome.eval("return document.getElementById('stale').hidden").await == true)
        .await;
    let complaints = chrome.complaints().await;
    assert!(complaints.is_empty(), "{complaints:?}");
}

#[tokio::test]
async fn without_data_it_says_how_to_get_some() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadOnly).await;
    let page = caller.get("/carbon").await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.text().await.unwrap().contains("trueprice feed run nyiso.rtfuelmix"));
    let page = caller.get("/carbon/US-TX-ERCO").await.text().await.unwrap();
    assert!(page.contains("no intensities of this region yet"));
    assert_eq!(caller.get("/carbon/US-TX-ERC").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(caller.get("/carbon?region=//evil").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(caller.get("/carbon?regio=GB").await.status(), StatusCode::BAD_REQUEST);
}
