//! `/api/v1/data` and `/get_data`: bytes, headers, formats that agree, breaks that are seen.

use std::io::{Cursor, Read as _};

use calamine::{Data, Reader as _, Xlsx};
use reqwest::{Method, StatusCode, header};
use rust_decimal::Decimal;
use serde_json::Value;
use trueprice::{
    auth::Role,
    domain::{Dataset, Sha256},
};

use crate::{
    downloads_stored::{Stored, after, at, column, months, small, store},
    support::{Caller, TestServer},
};

/// Stored blocks.
const STORED: &str = "/api/v1/data?curve=energy&iso=ercot&mode=unstandardized";

async fn started() -> (TestServer, Caller) {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadOnly).await;
    (server, caller)
}

/// Two versions of a day; the later one lacks a series and has another.
async fn two_versions(server: &TestServer) -> [i64; 2] {
    let mut first = small(at(3, 4, 9, 30), at(3, 4, 9, 31), false);
    first.months = months(3);
    first.columns = vec![
        column("Zb", "7x8", &["10", "-0.000005", ""]),
        column("ZB", "5X16", &["41.270004999", "0.000005", "41.27"]),
        column("=SUM(A1), \"x\"", "5x16", &["1", "-0.000004", "123456789.123456789"]),
    ];
    let mut second = small(at(3, 4, 16, 0), at(3, 4, 16, 1), true);
    second.months = months(2);
    second.columns = vec![column("ZB", "5X16", &["5", ""]), column("Za", "7x8", &["6", "7"])];
    [store(&server.app.pool, &first).await, store(&server.app.pool, &second).await]
}

#[tokio::test]
async fn the_wide_csv_is_right_to_the_byte() {
    let (server, caller) = started().await;
    two_versions(&server).await;
    let answer = caller.get(&format!("{STORED}&version=all")).await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    assert_eq!(
        answer.headers()[header::CONTENT_DISPOSITION],
        "attachment; filename=\"energy_ercot_unstandardized_2020-03-04_all.csv\""
    );
    assert_eq!(
        answer.text().await.unwrap(),
        "Control Area,,,ERCOT,ERCOT,ERCOT,ERCOT\n\
         State,,,TX,TX,TX,TX\n\
         Load Zone,,,\"'=SUM(A1), \"\"x\"\"\",ZB,Za,Zb\n\
         Capacity Zone,,,-,-,-,-\n\
         Utility,,,ONCOR,ONCOR,ONCOR,ONCOR\n\
         Block Type,,,5x16,5x16,7x8,7x8\n\
         Cost Group,,,Energy,Energy,Energy,Energy\n\
         Cost Component,,,Energy,Energy,Energy,Energy\n\
         UOM,,,$/MWh,$/MWh,$/MWh,$/MWh\n\
         Curve Update Date,Curve Start Month,COB,,,,\n\
         2020-03-04 09:30:00+00:00,2020-03-01 00:00:00+00:00,False,1.00000,41.27000,,10.00000\n\
         2020-03-04 09:30:00+00:00,2020-04-01 00:00:00+00:00,False,0.00000,0.00001,,-0.00001\n\
         2020-03-04 09:30:00+00:00,2020-05-01 00:00:00+00:00,False,123456789.12346,41.27000,,\n\
         2020-03-04 16:00:00+00:00,2020-03-01 00:00:00+00:00,True,,5.00000,6.00000,\n\
         2020-03-04 16:00:00+00:00,2020-04-01 00:00:00+00:00,True,,,7.00000,\n"
    );
}

#[tokio::test]
async fn a_disclaimer_ends_every_file() {
    let adjust = |config: &mut trueprice::config::Config| {
        config.downloads.disclaimer = Some("Not \"advice\"".to_owned());
    };
    let server = TestServer::start_with(adjust, None).await;
    let caller = server.caller(Role::ReadOnly).await;
    store(&server.app.pool, &small(at(3, 4, 9, 30), at(3, 4, 9, 31), false)).await;
    let text = caller.get(&format!("{STORED}&bom=true")).await.bytes().await.unwrap();
    assert!(text.starts_with("\u{feff}Control Area".as_bytes()));
    assert!(text.ends_with(b"41.27000\n\r\n\"Not \"\"advice\"\"\"\r\n"));
}

/// Month, zone and value of every record of a long answer.
type Points = Vec<(String, String, String, Option<Decimal>)>;

fn of_wide(text: &str) -> Points {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let mut points = Points::new();
    for record in &records[10..] {
        for column in 3..record.len() {
            let zone = records[2][column].trim_start_matches('\'').to_owned();
            let key = (record[0][..19].replace(' ', "T"), record[1][..10].to_owned(), zone);
            points.push((key.0, key.1, key.2, record[column].parse().ok()));
        }
    }
    points.sort();
    points.retain(|point| point.3.is_some());
    points
}

fn of_long(text: &str) -> Points {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names = reader.headers().unwrap().clone();
    let place = |name: &str| names.iter().position(|n| n == name).unwrap();
    let (update, month, zone, value) =
        (place("curve_timestamp"), place("contract_month"), place("load_zone"), place("value"));
    let mut points: Points = reader
        .records()
        .map(Result::unwrap)
        .map(|record| {
            let zone = record[zone].trim_start_matches('\'').to_owned();
            let value = record[value].parse().ok();
            (record[update][..19].to_owned(), record[month].to_owned(), zone, value)
        })
        .collect();
    points.sort();
    points
}

fn of_record(record: &Value) -> (String, String, String, Option<Decimal>) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let value = match &record["value"] {
        Value::Null => None,
        number => Some(number.to_string().parse().unwrap()),
    };
    let update = text(&record["curve_timestamp"])[..19].to_owned();
    (update, text(&record["contract_month"]), text(&record["dims"]["load_zone"]), value)
}

fn rounded(points: &Points) -> Points {
    let away = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
    let round = |value: Decimal| value.round_dp_with_strategy(5, away);
    let known = points.iter().filter(|point| point.3.is_some());
    known.map(|p| (p.0.clone(), p.1.clone(), p.2.clone(), p.3.map(round))).collect()
}

#[tokio::test]
async fn every_format_has_the_same_values() {
    let (server, caller) = started().await;
    two_versions(&server).await;
    let url = &format!("{STORED}&version=all");
    let text = async |more: &str| caller.get(&format!("{url}{more}")).await.text().await.unwrap();
    let long = of_long(&text("&layout=long").await);
    assert_eq!(long.len(), 13);
    assert_eq!(of_wide(&text("").await), rounded(&long));

    let mut lines: Points = text("&format=ndjson")
        .await
        .lines()
        .map(|line| of_record(&serde_json::from_str(line).unwrap()))
        .collect();
    lines.sort();
    let json = text("&format=json").await;
    assert!(json.starts_with("{\"data\":["));
    // Digits that no binary number has.
    assert!(json.contains("\"value\":123456789.123456789,"), "{json}");
    let json: Value = serde_json::from_str(&json).unwrap();
    let mut records: Points = json["data"].as_array().unwrap().iter().map(of_record).collect();
    records.sort();
    assert_eq!(records, lines);
    assert_eq!(json["meta"]["counts"]["rows"], 13);
    let exact = |points: &Points| points.iter().filter(|p| p.3.is_some()).count();
    assert_eq!(exact(&lines), exact(&long));

    let book = caller.get(&format!("{url}&format=xlsx")).await.bytes().await.unwrap();
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(book)).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    assert_eq!(sheet.get((2, 3)), Some(&Data::String("=SUM(A1), \"x\"".to_owned())));
    assert_eq!(sheet.get((10, 4)), Some(&Data::Float(41.27)));
    assert_eq!(sheet.get((13, 2)), Some(&Data::Bool(true)));
    assert!(matches!(sheet.get((10, 0)), Some(Data::DateTime(_))));
    assert_eq!(sheet.height(), 15);
}

#[tokio::test]
async fn what_is_missing_is_empty_and_says_why() {
    let (server, caller) = started().await;
    two_versions(&server).await;
    let url = "/api/v1/data?curve=energy&iso=ercot&layout=long&strip=7x8&version=intraday";
    let text = caller.get(url).await.text().await.unwrap();
    let last = text.lines().last().unwrap();
    assert!(last.ends_with(",2020-05-01,,,,,,value,,empty"), "{last}");
}

#[tokio::test]
async fn months_are_inclusive_at_both_ends() {
    let (server, caller) = started().await;
    two_versions(&server).await;
    let of = async |query: &str| {
        let url = format!("/api/v1/data?curve=energy&iso=ercot&version=intraday&{query}");
        let text = caller.get(&url).await.text().await.unwrap();
        text.lines().skip(10).map(|line| line[26..33].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("start=2020-04&end=2020-05").await, ["2020-04", "2020-05"]);
    assert_eq!(of("start=2020-03-02").await, ["2020-04", "2020-05"]);
    assert_eq!(of("end=2020-03-31").await, ["2020-03"]);
}

#[tokio::test]
async fn the_same_request_has_the_same_tag_and_is_not_read_again() {
    let (server, caller) = started().await;
    let ids = two_versions(&server).await;
    for more in ["", "&format=xlsx", "&format=json", &format!("&version_id={}", ids[0])] {
        let url = format!("/api/v1/data?curve=energy&iso=ercot{more}");
        let first = caller.get(&url).await;
        let tag = first.headers()[header::ETAG].clone();
        let known_at = first.headers()["x-known-at"].to_str().unwrap().to_owned();
        assert_eq!(known_at.len(), "2020-03-04T09:30:00.123456Z".len());
        assert_eq!(tag.as_bytes().starts_with(b"W/"), more.ends_with("json"));
        let bytes = first.bytes().await.unwrap();
        let again = caller.get(&url).await;
        assert_eq!(again.headers()[header::ETAG], tag);
        if !more.ends_with("json") {
            assert_eq!(again.bytes().await.unwrap(), bytes);
        }
        let request = caller.request(Method::GET, &url).header(header::IF_NONE_MATCH, tag);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
        assert!(answer.headers().contains_key("x-known-at"));
        let head = caller.request(Method::HEAD, &url).send().await.unwrap();
        assert_eq!(head.status(), StatusCode::OK);
        let pinned = more.contains("version_id");
        let caching = head.headers()[header::CACHE_CONTROL].to_str().unwrap();
        assert_eq!(caching.contains("immutable"), pinned, "{caching}");
    }
}

#[tokio::test]
async fn several_results_come_as_an_archive_with_a_true_manifest() {
    let (server, caller) = started().await;
    two_versions(&server).await;
    let mut other = small(at(3, 5, 9, 30), at(3, 5, 9, 31), false);
    other.dataset = Dataset::from_id(35).unwrap();
    other.columns = vec![column("ZB", "7x24", &["0.05"])];
    store(&server.app.pool, &other).await;
    let answer = caller.get("/api/v1/data?curve=all&iso=all&version=cob&mode=unstandardized").await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/zip");
    assert_eq!(answer.headers()["x-not-applied"], "version, mode");
    assert_eq!(answer.headers()["x-warnings"], "1");
    let bytes = answer.bytes().await.unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut entry = |name: &str| {
        let mut bytes = Vec::new();
        archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    let manifest: Value = serde_json::from_slice(&entry("manifest.json")).unwrap();
    let files: Vec<&str> = manifest["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["file"].as_str().unwrap())
        .collect();
    assert_eq!(files, ["energy_ercot_unstandardized_2020-03-04.csv", "rec_pjm_all_2020-03-05.csv"]);
    for (place, file) in files.iter().enumerate() {
        let bytes = entry(file);
        let listed = &manifest["entries"][place];
        assert_eq!(listed["sha256"], Sha256::of(&bytes).to_string());
        assert_eq!(listed["bytes"], bytes.len());
    }
    assert!(String::from_utf8(entry(files[1])).unwrap().contains("Block Type,,7X24\n"));
    // Fifty combinations, of which two are there.
    assert_eq!(manifest["skipped"].as_array().unwrap().len(), 48);
    assert!(manifest["skipped"].as_array().unwrap().iter().any(|skipped| {
        skipped["curve"] == "rec"
            && skipped["iso"] == "miso"
            && skipped["reason"] == "no_such_dataset"
    }));
}

#[tokio::test]
async fn nothing_found_names_the_nearest_day() {
    let (server, caller) = started().await;
    let code = async |path: &str| {
        let answer = caller.get(path).await;
        let status = answer.status().as_u16();
        let problem: Value = answer.json().await.unwrap();
        (status, problem["code"].as_str().unwrap().to_owned(), problem["detail"].to_string())
    };
    let (status, word, _) = code("/api/v1/data?curve=energy&iso=ercot").await;
    assert_eq!((status, &*word), (404, "no_data"));
    two_versions(&server).await;
    for days in
        ["operating_day=2020-02-01", "operating_day=2021-01-01&operating_day_end=2021-02-01"]
    {
        let (status, _, detail) =
            code(&format!("/api/v1/data?curve=energy&iso=ercot&{days}")).await;
        assert_eq!(status, 404);
        assert!(detail.contains("2020-03-04"), "{detail}");
    }
    assert_eq!(code("/api/v1/data?curve=rec&iso=miso").await.1, "no_such_dataset");
    assert_eq!(code("/api/v1/data?curve=ptc&iso=pjm").await.1, "no_data");
    assert_eq!(code("/api/v1/data?curve=energy&iso=ercot&version_id=999").await.0, 404);
    for bad in ["as_of=2020-03-04T00:00:00", "as_of=2999-01-01T00:00:00Z", "strip=8x24", "x=1"] {
        let (status, ..) = code(&format!("/api/v1/data?curve=energy&iso=ercot&{bad}")).await;
        assert_eq!(status, 400, "{bad}");
    }
    let request = caller.request(Method::GET, "/api/v1/data?curve=energy&iso=ercot");
    let answer = request.header(header::ACCEPT, "image/png").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_ACCEPTABLE);
    let anonymous = server.anonymous().get("/api/v1/data?curve=energy&iso=ercot").await;
    assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn scripts_get_what_the_interface_gives() {
    let (server, caller) = started().await;
    two_versions(&server).await;
    let text = async |path: &str| caller.get(path).await.text().await.unwrap();
    assert_eq!(
        text(
            "/get_data?curve_type=energy&iso=ercot&operating_day=20200304&idcob=intradayonly\
              &strip=strip_5x16&strip=strip_unstandardized"
        )
        .await,
        text(
            "/api/v1/data?curve=energy&iso=ercot&operating_day=2020-03-04&version=intraday\
              &strip=5x16&mode=unstandardized"
        )
        .await
    );
    let json = text("/get_data?curve_type=energy&iso=all&type=json&history=all").await;
    let records: Value = serde_json::from_str(&json).unwrap();
    let record = &records.as_array().unwrap()[0];
    assert_eq!(record["Curve Start Month"], "2020-03-01 00:00:00");
    assert_eq!(record["Curve Update Date"], "2020-03-04 09:30:00");
    assert_eq!(record["COB"], false);
    assert_eq!(record["Sub Cost Component"], "=SUM(A1), \"x\"");
    let gone = caller.get("/get_curve").await;
    assert_eq!(gone.status(), StatusCode::GONE);
    assert_eq!(gone.json::<Value>().await.unwrap()["replacement"], "GET /api/v1/data");
}

#[tokio::test]
async fn a_sheet_that_is_too_small_is_told_before_the_first_byte() {
    let (server, caller) = started().await;
    let mut version = small(at(3, 4, 9, 30), at(3, 4, 9, 31), false);
    let names: Vec<String> = (0..700).map(|zone| format!("ZONE {zone}")).collect();
    let values = vec!["1"; 1500];
    version.months = months(1500);
    version.columns = names.iter().map(|zone| column(zone, "5x16", &values)).collect();
    store(&server.app.pool, &version).await;
    let url = "/api/v1/data?curve=energy&iso=ercot&format=xlsx&layout=long";
    let answer = caller.get(url).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "too_large_for_xlsx");
    let wide = caller.request(Method::HEAD, "/api/v1/data?curve=energy&iso=ercot&format=xlsx");
    assert_eq!(wide.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_read_that_breaks_breaks_the_transfer() {
    let (server, caller) = started().await;
    let names: Vec<String> = (0..200).map(|zone| format!("ZONE {zone}")).collect();
    for minute in 0..30 {
        let moment = at(3, 4, 9, minute);
        let mut version: Stored = small(moment, after(moment), false);
        version.months = months(200);
        version.columns = names.iter().map(|zone| column(zone, "5x16", &["1.5"; 200])).collect();
        store(&server.app.pool, &version).await;
    }
    let url = &format!("{STORED}&version=all&layout=long");
    let mut answer = caller.get(url).await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.chunk().await.unwrap();
    sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()",
    )
    .execute(&server.owner)
    .await
    .unwrap();
    let mut end = answer.chunk().await;
    while let Ok(Some(_)) = end {
        end = answer.chunk().await;
    }
    assert!(end.is_err(), "the transfer ended cleanly");
}
