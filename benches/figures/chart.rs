//! How fast a browser paints the chart of the analysis page.

use std::{
    fmt::Write as _,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::{
    server::Server,
    table::{Table, ms},
};

/// Ten series of 120 months each.
const SERIES: usize = 10;
const QUERY: &str = "curve=nonenergy&iso=pjm&day=2024-01-02&start=2015-01&end=2024-12";
/// Draws everything anew and waits until it is on the screen: a frame begins after the one that
/// shows the chart.
const DRAW: &str = "const done = arguments[0];
    const begun = performance.now();
    document.dispatchEvent(new CustomEvent('content'));
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begun)));";
const ROUNDS: usize = 20;

/// Ten series of the wide file, from their data in the page to the second frame.
pub async fn paint(server: &Server, table: &mut Table) {
    let Some(mut driver) = Driver::start() else {
        println!("the chart: left out, chromedriver is missing");
        return;
    };
    match measure(server, &driver.address).await {
        Ok((median, drawn)) => {
            let is_met = median <= Duration::from_millis(200) && drawn == (SERIES, 120);
            let what = "a chart of 10 series x 120 months, in the browser";
            let compared = format!("{} x {} drawn, until the second frame", drawn.0, drawn.1);
            table.add(what, ms(median), &compared, "200 ms", is_met);
        }
        Err(why) => println!("the chart: left out, {why}"),
    }
    driver.stop();
}

async fn measure(
    server: &Server,
    driver: &str,
) -> Result<(Duration, (usize, usize)), Box<dyn std::error::Error>> {
    let arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,900"];
    let options = json!({"goog:chromeOptions": {"args": arguments}});
    let mut builder = ClientBuilder::new(HttpConnector::new());
    builder.capabilities(options.as_object().cloned().unwrap_or_default());
    let client = builder.connect(driver).await?;
    let found = draw(server, &client).await;
    client.close().await?;
    found
}

async fn draw(
    server: &Server,
    client: &Client,
) -> Result<(Duration, (usize, usize)), Box<dyn std::error::Error>> {
    let (email, password) = Server::ACCOUNT;
    client.goto(&server.url("/login")).await?;
    client.find(Locator::Css("[name=email]")).await?.send_keys(email).await?;
    client.find(Locator::Css("[name=password]")).await?.send_keys(password).await?;
    client.find(Locator::Css("main form button")).await?.click().await?;
    client.wait().for_element(Locator::Css("nav")).await?;
    let mut query = QUERY.to_owned();
    for place in 0..SERIES {
        let suffix = if place == 0 { String::new() } else { (place + 1).to_string() };
        _ = write!(query, "&zone{suffix}=ZONE+{place:02}+/+Component+{place}");
    }
    client.goto(&server.url(&format!("/curves?{query}"))).await?;
    client.wait().for_element(Locator::Css("canvas")).await?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let time = client.execute_async(DRAW, Vec::new()).await?;
        times.push(Duration::from_secs_f64(time.as_f64().ok_or("no time")? / 1e3));
    }
    let data = "return JSON.parse(document.querySelector('script[type=\"application/json\"]').textContent)";
    let figure: Value = client.execute(data, Vec::new()).await?;
    let length = |value: &Value| value.as_array().map_or(0, Vec::len);
    let drawn = (length(&figure["series"]), length(&figure["days"]));
    Ok((crate::table::median(times), drawn))
}

/// A driver on a port of its own choice.
struct Driver {
    process: Child,
    address: String,
}

impl Driver {
    fn start() -> Option<Self> {
        let mut process =
            Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).spawn().ok()?;
        let lines = BufReader::new(process.stdout.take()?).lines().map_while(Result::ok);
        let port_in = |line: String| {
            line.split_once("started successfully on port ").map(|(_, port)| port.to_owned())
        };
        let port = { lines }.find_map(port_in)?;
        let address = format!("http://127.0.0.1:{}", port.trim().trim_end_matches('.'));
        Some(Self { process, address })
    }

    fn stop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}
