//! Headroom from outside: files go in, the job runs, downloads and lists come out.

use bytes::Bytes;
use reqwest::StatusCode;
use serde_json::{Value, json};
use trueprice::{auth::Role, headroom::catch_up};

use crate::support::{Caller, TestServer};

/// An offer of a matrix: Lookup ID1, state, load zone, utility, customer type, load profile, term,
/// beginning date and Total Bundled Price.
pub type Offer = [&'static str; 9];

/// The offer of the specification's example.
pub const EXAMPLE: Offer =
    ["PA-KSP-R", "PA", "PECO", "KSP", "Residential", "RES", "12", "4/15/2024", "90.00"];

/// A price to compare: Matching ID, Lookup ID1 and the prices from the first month on.
pub type Ptc = (&'static str, &'static str, &'static [&'static str]);

fn row(label: &str, cells: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|cell| cell.as_ref().to_owned()).collect();
    format!("{label},{}\n", cells.join(","))
}

/// A matrix of PJM whose line of the bundled price has this name.
pub fn matrix(offers: &[Offer], line: &str) -> Bytes {
    let of = |place: usize| offers.iter().map(move |offer| offer[place]);
    let same = |text: &'static str| offers.iter().map(move |_| text);
    let ids = (1..=offers.len()).map(|n| format!("E{n:04}"));
    let text = [
        row("Matching ID", ids),
        row("Lookup ID1", of(0)),
        row("Beginning Date", of(7)),
        row("Control Area", same("PJM")),
        row("State", of(1)),
        row("Load Zone", of(2)),
        row("Capacity Zone", of(2)),
        row("Utility", of(3)),
        row("Block Type", same("7x24")),
        row("Cost Group", same("Fixed Price")),
        row("Cost Component", of(4)),
        row("Load Profile", of(5)),
        row("Term (Months)", of(6)),
        row("", same("")),
        row("Energy", same("41.20")),
        row("Not the Total Bundled Price", same("1.00")),
        row(line, of(8)),
    ];
    text.concat().into()
}

/// Prices to compare of PJM from April 2024 on.
pub fn ptc(prices: &[Ptc]) -> Bytes {
    let same = |text: &'static str| prices.iter().map(move |_| text);
    let mut text = [
        row("Matching ID", prices.iter().map(|price| price.0)),
        row("Lookup ID1", prices.iter().map(|price| price.1)),
        row("Control Area", same("PJM")),
        row("State", same("PA")),
        row("Load Zone", same("PECO")),
        row("Capacity Zone", same("PECO")),
        row("Utility", same("KSP")),
        row("Block Type", same("7x24")),
        row("Cost Group", same("PTC")),
        row("Cost Component", same("Residential")),
        row("Utility Name", same("Keystone Power")),
        row("Rate Class/Load Profile", same("R")),
        row("", same("")),
        row("Month", same("PTC")),
    ]
    .concat();
    for month in 0..prices[0].2.len() {
        let cells = prices.iter().map(|price| price.2[month]);
        text += &row(&format!("{}/1/2024", month + 4), cells);
    }
    text.into()
}

/// The line of the bundled price.
pub const TOTAL: &str = "Total Bundled Price ($/MWh)";
pub const MATRIX: &str = "Matrix_PJM_20240403_073000.csv";
pub const PTC: &str = "PTC_PJM_20240402_100000.csv";

/// Uploads a file that is stored; gives the version's id.
pub async fn publish(caller: &Caller, name: &str, bytes: Bytes) -> String {
    let reply = caller.upload(name, bytes).await;
    assert_eq!(reply.status, 201, "{name}: {}", reply.body);
    reply.body["version_id"]
        .as_str()
        .map_or_else(|| reply.body["version_id"].to_string(), str::to_owned)
}

/// A server with one price to compare of the example, and one offer; the job has run.
pub async fn example() -> (TestServer, Caller) {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    publish(&caller, PTC, ptc(&[("PA-KSP-R", "PJM PA KSP R", &["0.12000"])])).await;
    publish(&caller, MATRIX, matrix(&[EXAMPLE], TOTAL)).await;
    assert_eq!(catch_up(&server.app).await.unwrap(), 1);
    (server, caller)
}

pub async fn text(caller: &Caller, path: &str) -> String {
    let answer = caller.get(path).await;
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    text
}

pub async fn items(caller: &Caller, path: &str) -> Vec<Value> {
    let reply = caller.ask(path).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.body);
    reply.body["items"].as_array().unwrap().clone()
}

pub const WIDE: &str = "/api/v1/data?curve=headroom&iso=pjm&format=csv";
const HEADER: &str = "ISO,State,Utility,Load Zone,Load Profile,Headroom Effective Date,PTC Effective Date,\
                      Utility PTC ($/MWh),TLE Price Term (months),TLE Price Start Date,\
                      Truelight Price ($/MWh),Headroom ($/MWh),Headroom (%)\n";

#[tokio::test]
async fn the_example_of_the_specification_comes_out_in_every_form() {
    let (_server, caller) = example().await;
    let record = "PJM,PA,KSP,PECO,RES,04/03/2024,04/02/2024,120.00000,12,04/15/2024,90.00000,30.00000,25.00\n";
    assert_eq!(text(&caller, WIDE).await, format!("{HEADER}{record}"));
    let answer = caller.get(WIDE).await;
    let disposition = answer.headers()["content-disposition"].to_str().unwrap();
    assert!(disposition.contains("headroom_pjm_all_2024-04-03.csv"), "{disposition}");
    let lines = text(&caller, "/api/v1/data?curve=headroom&iso=pjm&format=ndjson").await;
    let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (row, ends) in lines.lines().zip([
        "\"measure\":\"headroom\",\"value\":30.00000,\"missing_reason\":null}",
        "\"measure\":\"headroom_pct\",\"value\":25.00000,\"missing_reason\":null}",
        "\"measure\":\"ptc\",\"value\":120.00000,\"missing_reason\":null}",
        "\"measure\":\"retail_price\",\"value\":90.00000,\"missing_reason\":null}",
    ]) {
        assert!(row.ends_with(ends), "{row}");
    }
    let units: Vec<&Value> = rows.iter().map(|row| &row["uom"]).collect();
    assert_eq!(units, ["$/MWh", "%", "$/MWh", "$/MWh"]);
    for (name, value) in [
        ("kind", json!("derived")),
        ("term", json!(12)),
        ("beginning_date", json!("2024-04-15")),
        ("matching_id", json!("E0001")),
        ("lookup_id", json!("PA-KSP-R")),
        ("load_profile", json!("RES")),
        ("operating_day", json!("2024-04-03")),
    ] {
        assert_eq!(rows[0][name], value, "{name}");
    }
    for format in ["json", "xlsx", "parquet"] {
        let path = format!("/api/v1/data?curve=headroom&iso=pjm&format={format}");
        let answer = caller.get(&path).await;
        assert_eq!(answer.status(), 200, "{format}");
        assert!(!answer.bytes().await.unwrap().is_empty(), "{format}");
    }
}

#[tokio::test]
async fn the_map_has_prices_per_kilowatt_hour() {
    let (_server, caller) = example().await;
    let raw = text(&caller, "/api/v1/headroom?iso=pjm").await;
    for digits in [
        "\"utility_price\":0.12000",
        "\"retail_price\":0.09000",
        "\"headroom\":0.03000",
        "\"headroom_pct\":25.00",
    ] {
        assert!(raw.contains(digits), "{digits} in {raw}");
    }
    let items = items(&caller, "/api/v1/headroom").await;
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["customer_type"], "Residential");
    assert_eq!(items[0]["rate_class"], "R");
    let csv = text(&caller, "/api/v1/headroom?iso=pjm&format=csv").await;
    assert!(csv.contains(",PA,KSP,PECO,0.12000,0.09000,0.03000,25.00,Residential,12,2024-04-15,"));
    for (query, found) in [
        ("state=PA&term=12&customer_type=Residential", 1),
        ("state=NJ", 0),
        ("term=24", 0),
        ("iso=ercot", 0),
        ("operating_day=2024-04-02", 0),
        ("operating_day=2024-04-03", 1),
        // April to March: the one price does not reach.
        ("basis=term", 0),
    ] {
        let items = self::items(&caller, &format!("/api/v1/headroom?{query}")).await;
        assert_eq!(items.len(), found, "{query}");
    }
    for query in ["basis=best", "iso=caiso", "term=x", "zone=PECO", "as_of=2024-01-01T00:00:00"] {
        assert_eq!(caller.ask(&format!("/api/v1/headroom?{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn every_offer_without_a_record_has_its_reason() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let offer = |lookup, begins, price| {
        let mut offer = EXAMPLE;
        (offer[0], offer[7], offer[8]) = (lookup, begins, price);
        offer
    };
    let offers = [
        offer("A", "4/15/2024", "90"),
        offer("nobody's", "4/15/2024", "90"),
        offer("A", "3/15/2024", "90"),
        offer("A", "2/15/2024", "90"),
        offer("A", "5/1/2024", "90"),
        offer("A", "4/15/2024", "#N/A"),
        offer("Z", "4/15/2024", "90"),
    ];
    let prices: [Ptc; 3] =
        [("A", "L1", &["0.12", "#N/A"]), ("Z", "L2", &["0", "0"]), ("", "L3", &["1", "1"])];
    publish(&caller, PTC, ptc(&prices)).await;
    publish(&caller, MATRIX, matrix(&offers, "Total Bundled Price")).await;
    catch_up(&server.app).await.unwrap();
    let unmatched = items(&caller, "/api/v1/headroom/unmatched?iso=pjm").await;
    let mut told: Vec<String> = unmatched
        .iter()
        .map(|item| {
            let part = |name: &str| item[name].as_str().unwrap_or("-").to_owned();
            [part("matching_id"), part("reason"), part("ptc_lookup_id")].join(" ")
        })
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "E0002 no_matching_id -",
            "E0004 no_ptc_month L1",
            "E0005 ptc_gap L1",
            "E0006 null_price -",
        ]
    );
    // The offer of March meets prices that start in April; a price of zero has no percentage.
    let wide = text(&caller, WIDE).await;
    let ends: Vec<&str> =
        wide.lines().skip(1).map(|line| line.splitn(8, ',').last().unwrap()).collect();
    assert_eq!(
        ends,
        [
            "120.00000,12,03/15/2024,90.00000,30.00000,25.00",
            "120.00000,12,04/15/2024,90.00000,30.00000,25.00",
            "0.00000,12,04/15/2024,90.00000,-90.00000,",
        ]
    );
    let report = caller.ask("/api/v1/headroom/versions?iso=pjm").await;
    assert_eq!(report.body["items"][0]["offers"], 7);
    assert_eq!(report.body["items"][0]["records"], 3);
}

#[tokio::test]
async fn a_line_that_merely_contains_the_words_is_no_price() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    publish(&caller, PTC, ptc(&[("PA-KSP-R", "L", &["0.12"])])).await;
    publish(&caller, MATRIX, matrix(&[EXAMPLE], "Total Bundled Price incl. tax")).await;
    assert_eq!(catch_up(&server.app).await.unwrap(), 1);
    let unmatched = items(&caller, "/api/v1/headroom/unmatched").await;
    assert_eq!(unmatched[0]["reason"], "no_total_line");
    let reply = caller.ask(WIDE).await;
    assert_eq!(reply.outcome(), (404, "no_data"));
    assert!(reply.body["detail"].as_str().unwrap().contains("/api/v1/headroom/unmatched"));
}

#[tokio::test]
async fn an_offer_of_several_prices_is_told() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let prices: [Ptc; 2] = [("PA-KSP-R", "B", &["0.10"]), ("PA-KSP-R", "A", &["0.12"])];
    publish(&caller, PTC, ptc(&prices)).await;
    publish(&caller, MATRIX, matrix(&[EXAMPLE], TOTAL)).await;
    catch_up(&server.app).await.unwrap();
    let items = items(&caller, "/api/v1/headroom").await;
    let told: Vec<_> =
        items.iter().map(|i| (i["ptc_lookup_id"].as_str().unwrap(), &i["ambiguous"])).collect();
    assert_eq!(told, [("A", &json!(true)), ("B", &json!(true))]);
    let report = caller.ask("/api/v1/data/report?curve=headroom&iso=pjm").await;
    assert_eq!(report.body["warnings"][0]["code"], "ambiguous_match");
    assert_eq!(report.body["entries"][0]["rows"], 2);
}

#[tokio::test]
async fn a_new_price_recomputes_and_the_former_stays_readable() {
    let (server, caller) = example().await;
    let first = caller.get(WIDE).await;
    let known_at = first.headers()["x-known-at"].to_str().unwrap().to_owned();
    let before = first.text().await.unwrap();
    assert_eq!(catch_up(&server.app).await.unwrap(), 0, "doing it again changes nothing");
    // Of a later day than the matrix: no concern of its.
    let price = |price: &'static [&'static str]| ptc(&[("PA-KSP-R", "PJM PA KSP R", price)]);
    publish(&caller, "PTC_PJM_20240404_100000.csv", price(&["0.5"])).await;
    assert_eq!(catch_up(&server.app).await.unwrap(), 0);
    assert_eq!(text(&caller, WIDE).await, before);
    publish(&caller, "PTC_PJM_20240403_100000.csv", price(&["0.06"])).await;
    assert_eq!(catch_up(&server.app).await.unwrap(), 1);
    let after = text(&caller, WIDE).await;
    assert!(after.contains(",04/03/2024,60.00000,12,04/15/2024,90.00000,-30.00000,-50.00\n"));
    // The same day once more.
    publish(&caller, "PTC_PJM_20240403_110000.csv", price(&["0.08"])).await;
    assert_eq!(catch_up(&server.app).await.unwrap(), 1);
    assert!(text(&caller, WIDE).await.contains(",80.00000,12,"));
    let as_of = format!("{WIDE}&as_of={known_at}");
    assert_eq!(text(&caller, &as_of).await, before);
    let all = text(&caller, &format!("{WIDE}&version=all")).await;
    assert_eq!(all.lines().count(), 4, "{all}");
    let versions = items(&caller, "/api/v1/headroom/versions?iso=pjm").await;
    let ended = versions.iter().map(|version| version["ended_at"].is_null()).collect::<Vec<_>>();
    assert_eq!(ended, [true, false, false]);
    let oldest = versions[2]["id"].as_str().unwrap();
    assert_eq!(text(&caller, &format!("{WIDE}&version_id={oldest}")).await, before);
    let items = items(&caller, &format!("/api/v1/headroom?version_id={oldest}")).await;
    assert_eq!(items[0]["headroom_pct"], json!(25.0));
    let then = self::items(&caller, &format!("/api/v1/headroom/versions?as_of={known_at}")).await;
    assert_eq!((then.len(), &then[0]["ended_at"]), (1, &Value::Null));
}

#[tokio::test]
async fn a_corrected_matrix_replaces_its_day() {
    let (server, caller) = example().await;
    let mut dearer = EXAMPLE;
    dearer[8] = "150";
    publish(&caller, "Matrix_PJM_20240403_090000.csv", matrix(&[dearer], TOTAL)).await;
    publish(&caller, "Matrix_PJM_20240404_073000.csv", matrix(&[EXAMPLE], TOTAL)).await;
    assert_eq!(catch_up(&server.app).await.unwrap(), 2);
    let day = format!("{WIDE}&operating_day=2024-04-03");
    assert!(
        text(&caller, &day)
            .await
            .ends_with(",120.00000,12,04/15/2024,150.00000,-30.00000,-25.00\n")
    );
    assert!(text(&caller, WIDE).await.contains(",04/04/2024,04/02/2024,120.00000,"));
    let days = items(&caller, "/api/v1/operating-days?curve=headroom&iso=pjm").await;
    let told: Vec<_> = days.iter().map(|day| (&day["operating_day"], &day["versions"])).collect();
    assert_eq!(told, [(&json!("2024-04-04"), &json!(1)), (&json!("2024-04-03"), &json!(2))]);
    let dataset = caller.ask("/api/v1/datasets/headroom/pjm").await.body;
    assert_eq!((&dataset["versions"], &dataset["curve"]), (&json!(3), &json!("headroom")));
    let window = format!("{WIDE}&operating_day=2024-04-03&operating_day_end=2024-04-04");
    assert_eq!(text(&caller, &window).await.lines().count(), 3);
}

#[tokio::test]
async fn a_term_is_weighted_by_the_load_profile_that_is_known() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let mut offer = EXAMPLE;
    offer[6] = "2";
    let prices: [Ptc; 1] = [("PA-KSP-R", "L", &["0.10", "0.20"])];
    publish(&caller, PTC, ptc(&prices)).await;
    publish(&caller, MATRIX, matrix(&[offer], TOTAL)).await;
    catch_up(&server.app).await.unwrap();
    let price = async || {
        let items = items(&caller, "/api/v1/headroom?basis=term").await;
        items[0]["utility_price"].to_string()
    };
    // 720 hours of April, 744 of May: (100 × 720 + 200 × 744) / 1464.
    assert_eq!(price().await, "0.15082");
    let labels = [
        ("Control Area", "PJM"),
        ("State", "PA"),
        ("Load Zone", "PECO"),
        ("Capacity Zone", "PECO"),
        ("Utility", "ALL"),
        ("Block Type", "7x24"),
        ("Cost Group", "Load"),
        ("Cost Component", "Profile"),
        ("Customer Type", "RES"),
    ];
    let labels = labels.map(|(label, value)| format!("{label},,{value}\n")).concat();
    let profile = format!(
        "{labels},,\nMonth,HE,PECO\n4/1/2024,1,1\n4/1/2024,2,2\n5/1/2024,1,1\n5/1/2024,2,0\n"
    );
    publish(&caller, "LoadProfile_PJM_20240401_060000.csv", profile.into()).await;
    assert_eq!(catch_up(&server.app).await.unwrap(), 0, "no event, and nothing new to compare");
    publish(&caller, "Matrix_PJM_20240403_080000.csv", matrix(&[offer], TOTAL)).await;
    catch_up(&server.app).await.unwrap();
    assert_eq!(price().await, "0.125");
    let megawatt_hours =
        format!("{labels},,\nMonth,HE,PECO (MWh)\n4/1/2024,1,0.1\n5/1/2024,1,0.3\n");
    publish(&caller, "LoadProfile_PJM_20240402_060000.csv", megawatt_hours.into()).await;
    publish(&caller, "Matrix_PJM_20240403_090000.csv", matrix(&[offer], TOTAL)).await;
    catch_up(&server.app).await.unwrap();
    assert_eq!(price().await, "0.175");
    let wide = text(&caller, WIDE).await;
    assert!(wide.contains(",100.00000,2,"), "downloads are of basis prompt: {wide}");
}

/// Cells of a CSV by record.
fn parsed(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[tokio::test]
async fn records_are_ordered_and_the_wide_file_equals_the_long() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let mut offers = Vec::new();
    for (n, price) in ["90", "101.125", "77.7777777", "120.0000001", "1"].into_iter().enumerate() {
        for zone in ["b", "Z", "a b"] {
            for term in ["24", "6"] {
                let mut offer = EXAMPLE;
                (offer[2], offer[6], offer[8]) = (zone, term, price);
                offer[7] = ["4/3/2024", "4/1/2024", "4/2/2024", "3/31/2024", "4/30/2024"][n];
                offers.push(offer);
            }
        }
    }
    publish(&caller, PTC, ptc(&[("PA-KSP-R", "L", &["0.1234567"])])).await;
    publish(&caller, MATRIX, matrix(&offers, TOTAL)).await;
    catch_up(&server.app).await.unwrap();
    let wide = parsed(&text(&caller, WIDE).await);
    assert_eq!(wide.len(), 31);
    let key = |r: &Vec<String>| {
        let (month, day) = (r[9][..2].to_owned(), r[9][3..5].to_owned());
        (r[3].clone(), r[8].parse::<u32>().unwrap(), month, day)
    };
    assert!(wide[1..].is_sorted_by_key(key));
    let long = parsed(&text(&caller, &format!("{WIDE}&layout=long")).await);
    let place = |name: &str| long[0].iter().position(|column| column == name).unwrap();
    let values = |measure: &str| -> Vec<&String> {
        let rows = long[1..].iter().filter(|row| row[place("measure")] == measure);
        rows.map(|row| &row[place("value")]).collect()
    };
    for (measure, column) in [("ptc", 7), ("retail_price", 10), ("headroom", 11)] {
        let printed: Vec<&String> = wide[1..].iter().map(|record| &record[column]).collect();
        assert_eq!(values(measure), printed, "{measure}");
    }
    for (long, record) in values("headroom_pct").into_iter().zip(&wide[1..]) {
        let long: rust_decimal::Decimal = long.parse().unwrap();
        let away = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
        assert_eq!(format!("{:.2}", long.round_dp_with_strategy(2, away)), record[12]);
    }
    let again = caller.get(WIDE).await;
    let etag = again.headers()["etag"].clone();
    let request = caller.request(reqwest::Method::GET, WIDE).header("If-None-Match", etag);
    assert_eq!(request.send().await.unwrap().status(), 304);
    // Pages of seven give the same as one.
    let (mut paged, mut path) = (Vec::new(), "/api/v1/headroom?limit=7".to_owned());
    loop {
        let reply = caller.ask(&path).await.body;
        paged.extend(reply["items"].as_array().unwrap().clone());
        let Some(next) = reply["next"].as_str() else { break };
        path = format!("/api/v1/headroom?limit=7&cursor={next}");
    }
    assert_eq!(paged, items(&caller, "/api/v1/headroom").await);
}

/// PTC files may have their prices in cents, or by the megawatt-hour.
#[tokio::test]
async fn prices_of_other_units_are_compared_in_dollars_per_megawatt_hour() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let file = String::from_utf8(ptc(&[("PA-KSP-R", "L", &["12"])]).to_vec()).unwrap();
    let cents = file.replace("Month,PTC", "Month,PTC in cents/kWh");
    assert_ne!(cents, file);
    publish(&caller, PTC, cents.into()).await;
    publish(&caller, MATRIX, matrix(&[EXAMPLE], TOTAL)).await;
    assert_eq!(catch_up(&server.app).await.unwrap(), 1);
    let wide = text(&caller, WIDE).await;
    assert!(wide.contains(",120.00000,12,04/15/2024,90.00000,30.00000,25.00\n"), "{wide}");
}

#[tokio::test]
async fn the_download_page_offers_headroom_with_its_days() {
    let (_server, caller) = example().await;
    let request =
        caller.request(reqwest::Method::GET, "/download?curve=headroom&iso=pjm&format=csv");
    let answer = request.header("Accept", "text/html").send().await.unwrap();
    let page = answer.text().await.unwrap();
    assert!(page.contains("<option value=\"2024-04-03\" selected>"), "{page}");
    assert!(
        page.contains("Truelight Price ($/MWh)") && page.contains("<td class=\"num\">25.00</td>")
    );
}
