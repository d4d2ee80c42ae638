//! One answer in every form: wide and long, csv, xlsx, json and ndjson agree cell by cell, for every
//! curve type that is stored and in every mode. (Parquet is held against ndjson in [`super::parquet`].)

use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _},
};

use bytes::Bytes;
use calamine::{Data, Reader as _, Xlsx};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use reqwest::{Method, StatusCode, header};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, value::RawValue};
use trueprice::{auth::Role, config::Config};

use crate::{
    downloads_stored::{Column, Stored, at, column, months, small, store},
    support::{Caller, TestServer, files},
};

/// What is stored.
pub const CURVES: [&str; 9] =
    ["energy", "nonenergy", "rec", "ptc", "matrix", "loadprofile", "shaping", "vlr", "lineloss"];

/// A server with a version or more of every dataset, and somebody who reads.
pub async fn with_every_dataset() -> (TestServer, Caller) {
    with_every_dataset_and(|_| {}).await
}

async fn with_every_dataset_and(adjust: impl FnOnce(&mut Config)) -> (TestServer, Caller) {
    let server = TestServer::start_with(adjust, None).await;
    let caller = server.caller(Role::ReadWrite).await;
    let name = "all_families.zip";
    let bytes = std::fs::read(files::repository("good_test_data/good").join(name)).unwrap();
    let reply = caller.send("/api/v1/uploads", &[(name, bytes.into())]).await;
    assert!(reply.results().iter().all(|(_, status, _)| *status == 201), "{:?}", reply.results());
    (server, caller)
}

/// The files of an archive by name, without the extension; the manifest apart.
pub fn entries(archive: Bytes) -> (BTreeMap<String, Vec<u8>>, Value) {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut entries = BTreeMap::new();
    for place in 0..archive.len() {
        let mut entry = archive.by_index(place).unwrap();
        let name = entry.name().unwrap().rsplit_once('.').unwrap().0.to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        entries.insert(name, bytes);
    }
    let manifest = serde_json::from_slice(&entries.remove("manifest").unwrap()).unwrap();
    (entries, manifest)
}

type Record = Vec<String>;

/// The records of a csv file, text without the apostrophe that spreadsheets need.
pub fn csv_records(bytes: &[u8]) -> Vec<Record> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let plain = |cell: &str| match cell.strip_prefix('\'') {
        Some(text) if text.starts_with(['=', '+', '@', '-', '\t', '\r']) => text.to_owned(),
        _ => cell.to_owned(),
    };
    reader.records().map(|record| record.unwrap().iter().map(plain).collect()).collect()
}

/// Where the wide file of a curve type has what, in names of the long columns.
struct Geometry {
    index: &'static [&'static str],
    /// Besides the eight.
    labels: &'static [&'static str],
    captions: usize,
    decimals: Option<u32>,
}

const EIGHT: [&str; 8] = [
    "control_area",
    "state",
    "load_zone",
    "capacity_zone",
    "utility",
    "block_type",
    "cost_group",
    "cost_component",
];

fn geometry(curve: &str) -> Geometry {
    let hourly = &["curve_timestamp", "date", "he"];
    let monthly = &["curve_timestamp", "contract_month"];
    let price = Some(5);
    let (index, labels, captions, decimals): (&'static [_], &'static [_], _, _) = match curve {
        "energy" => (&["curve_timestamp", "contract_month", "cob"], &["uom"], 1, price),
        "nonenergy" | "rec" => (monthly, &["uom"], 1, price),
        "ptc" => (monthly, &["load_profile"], 1, None),
        "matrix" => (&["sub_component"], &["term", "beginning_date", "load_profile"], 0, None),
        "loadprofile" => (hourly, &["customer_type"], 1, None),
        "shaping" => (hourly, &[], 1, None),
        "vlr" => (&["curve_timestamp", "month", "he"], &[], 1, None),
        "lineloss" => (&["curve_timestamp"], &[], 0, None),
        other => panic!("{other}"),
    };
    Geometry { index, labels, captions, decimals }
}

/// Index, labels and value of a cell, as the wide file prints them.
type Point = (Record, Record, String);

fn of_wide(curve: &str, bytes: &[u8]) -> Vec<Point> {
    let (geometry, records) = (geometry(curve), csv_records(bytes));
    if curve == "lineloss" {
        let point = |r: &Record| (r[..1].to_vec(), r[1..9].to_vec(), r[9].clone());
        return records[1..].iter().map(point).collect();
    }
    let (count, index) = (EIGHT.len() + geometry.labels.len(), geometry.index.len());
    let labels = |column: usize| records[..count].iter().map(|r| r[column].clone()).collect();
    let cells = |record: &Record| {
        let place = record[..index].to_vec();
        let columns = index..record.len();
        columns.map(|c| (place.clone(), labels(c), record[c].clone())).collect::<Vec<_>>()
    };
    records[count + geometry.captions..].iter().flat_map(cells).collect()
}

fn of_long(curve: &str, bytes: &[u8]) -> Vec<Point> {
    let (geometry, records) = (geometry(curve), csv_records(bytes));
    let place = |name: &str| records[0].iter().position(|other| other == name).unwrap();
    let point = |record: &Record| {
        let cell = |name: &&str| printed(name, &record[place(name)], geometry.decimals);
        let labels = EIGHT.iter().chain(geometry.labels).map(cell).collect();
        (geometry.index.iter().map(cell).collect(), labels, cell(&"value"))
    };
    records[1..].iter().map(point).collect()
}

/// A cell of the long layout as the wide one prints it, by the words of the specification.
fn printed(name: &str, text: &str, decimals: Option<u32>) -> String {
    match name {
        _ if text.is_empty() => String::new(),
        "curve_timestamp" => text.replace('T', " ").replace('Z', "+00:00"),
        "contract_month" | "date" | "beginning_date" => format!("{text} 00:00:00+00:00"),
        "term" => format!("{text}.0"),
        "value" => number(text.parse().unwrap(), decimals),
        _ => text.to_owned(),
    }
}

fn number(value: Decimal, decimals: Option<u32>) -> String {
    let value = match decimals {
        Some(n) => value.round_dp_with_strategy(n, RoundingStrategy::MidpointAwayFromZero),
        None => value.normalize(),
    };
    let value = if value.is_zero() { value.abs() } else { value };
    match decimals {
        Some(_) => format!("{value:.5}"),
        None if value.scale() == 0 => format!("{value}.0"),
        None => value.to_string(),
    }
}

/// The records of an NDJSON file, in the order and the spelling of the long csv.
fn of_lines(text: &str, names: &Record) -> Vec<Record> {
    #[derive(serde::Deserialize)]
    struct Exact<'a> {
        #[serde(borrow)]
        value: Option<&'a RawValue>,
    }
    let cell = |record: &Value, exact: &Exact<'_>, name: &str| {
        let member = record.get(name).unwrap_or_else(|| &record["dims"][name]);
        match (name, member) {
            ("value", _) => exact.value.map_or(String::new(), |raw| raw.get().to_owned()),
            (_, Value::Null) => String::new(),
            (_, Value::Bool(flag)) => if *flag { "True" } else { "False" }.to_owned(),
            (_, Value::String(text)) => text.clone(),
            (_, other) => other.to_string(),
        }
    };
    let record = |line: &str| {
        let (record, exact) =
            (serde_json::from_str(line).unwrap(), serde_json::from_str(line).unwrap());
        names.iter().map(|name| cell(&record, &exact, name)).collect()
    };
    text.lines().map(record).collect()
}

/// Whether a cell of a workbook shows what csv has as `text`.
fn shows(cell: &Data, text: &str) -> bool {
    let moment = |text: &str| {
        let day = text.get(..10)?.parse::<NaiveDate>().ok()?;
        let time = text.get(11..19).map_or(Ok(NaiveTime::MIN), str::parse).ok()?;
        Some(NaiveDateTime::new(day, time))
    };
    match cell {
        Data::Empty => text.is_empty(),
        Data::String(string) => string == text,
        Data::Bool(flag) => text == if *flag { "True" } else { "False" },
        Data::DateTime(at) => at.as_datetime().is_some() && at.as_datetime() == moment(text),
        // A cell holds a binary number; nobody can ask for more than its 15 digits.
        Data::Float(number) => {
            text.parse::<f64>().is_ok_and(|other| (number - other).abs() <= other.abs() * 1e-15)
        }
        other => panic!("{other:?}"),
    }
}

fn assert_book(name: &str, book: Vec<u8>, records: &[Record]) {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(book)).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    assert_eq!(sheet.height(), records.len(), "{name}");
    for (row, record) in (0..).zip(records) {
        for (column, text) in (0..).zip(record) {
            let cell = sheet.get_value((row, column)).unwrap_or(&Data::Empty);
            assert!(
                shows(cell, text),
                "{name}: row {row}, column {column}: {cell:?} is not {text}"
            );
        }
    }
}

fn curve_of(file: &str) -> &str {
    file.split_once('_').unwrap().0
}

/// All that `query` gives, in each form, must be the same.
pub async fn assert_agreement(caller: &Caller, query: &str) -> BTreeMap<String, Vec<u8>> {
    let archive = async |more: &str| {
        let answer = caller.get(&format!("/api/v1/data?{query}{more}")).await;
        assert_eq!(answer.status(), StatusCode::OK, "{query}{more}");
        entries(answer.bytes().await.unwrap()).0
    };
    let (wide, long) = (archive("").await, archive("&layout=long").await);
    let (mut sheets, mut long_sheets) =
        (archive("&format=xlsx").await, archive("&format=xlsx&layout=long").await);
    let (lines, json) = (archive("&format=ndjson").await, archive("&format=json").await);
    for other in [&long, &sheets, &long_sheets, &lines, &json] {
        assert!(other.keys().eq(wide.keys()), "{query}");
    }
    for (name, wide) in &wide {
        let (curve, long) = (curve_of(name), &long[name]);
        let has = |point: &Point| !point.2.is_empty();
        let (of_wide, of_long) = (of_wide(curve, wide), of_long(curve, long));
        if query.contains("version=all") {
            // Where a version lacks a series, the wide file has an empty cell and the long one none.
            assert!(
                of_wide.iter().filter(|p| has(p)).eq(of_long.iter().filter(|p| has(p))),
                "{name}"
            );
        } else {
            assert_eq!(of_wide, of_long, "{name}");
        }
        let records = csv_records(long);
        let text = std::str::from_utf8(&lines[name]).unwrap();
        assert_eq!(of_lines(text, &records[0]), records[1..], "{name}");
        let json = std::str::from_utf8(&json[name]).unwrap();
        let data = format!("{{\"data\":[\n{}\n],\n\"meta\":", text.trim_end().replace('\n', ",\n"));
        assert!(json.starts_with(&data), "{name}");
        assert_book(name, sheets.remove(name).unwrap(), &csv_records(wide));
        assert_book(name, long_sheets.remove(name).unwrap(), &records);
    }
    wide
}

#[tokio::test]
async fn every_curve_type_agrees_in_every_form_and_mode() {
    let (_server, caller) = with_every_dataset().await;
    let mut modes = Vec::new();
    for more in ["mode=standardized", "mode=unstandardized", "strip=all", "version=all"] {
        modes.push(assert_agreement(&caller, &format!("curve=all&iso=all&{more}")).await);
    }
    let of = |mode: usize| modes[mode].iter().filter(|(name, _)| !name.contains("energy"));
    let missing = |curve: &&str| {
        let of_curve = |(name, _): &(&String, &Vec<u8>)| curve_of(name) == *curve;
        let mut points = modes[2].iter().filter(of_curve).flat_map(|(_, b)| of_wide(curve, b));
        points.any(|point| point.2.is_empty())
    };
    assert!(CURVES.iter().all(missing));
    // What is stored, but for MISO REC and headroom; and what has no modes is the same in both.
    assert_eq!(modes[0].len(), 44);
    assert!(of(0).count() == 34 && of(0).eq(of(1)));
    assert!(modes[3].keys().filter(|name| name.starts_with("matrix_isone_all_")).count() >= 1);
}

#[tokio::test]
async fn every_answer_repeats_to_the_byte_and_then_is_not_sent_again() {
    let (_server, caller) = with_every_dataset().await;
    for curve in CURVES {
        for format in ["csv", "csv&layout=long", "xlsx", "ndjson", "parquet", "json"] {
            let path = format!("/api/v1/data?curve={curve}&iso=pjm&format={format}");
            let (first, again) = (caller.get(&path).await, caller.get(&path).await);
            let tag = first.headers()[header::ETAG].clone();
            assert_eq!(tag, again.headers()[header::ETAG], "{path}");
            let (first, again) = (first.bytes().await.unwrap(), again.bytes().await.unwrap());
            // JSON prints the cut-off, behind its data.
            let data = |bytes: &Bytes| match format {
                "json" => {
                    bytes[..bytes.windows(7).position(|w| w == b"\"meta\":").unwrap()].to_vec()
                }
                _ => bytes.to_vec(),
            };
            assert!(!first.is_empty() && data(&first) == data(&again), "{path}");
            let tags = format!("\"other\", {}", tag.to_str().unwrap());
            let request = caller.request(Method::GET, &path).header(header::IF_NONE_MATCH, tags);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{path}");
            assert!(answer.bytes().await.unwrap().is_empty(), "{path}");
        }
    }
}

/// Zone, block, component and sub-component, and values of some months.
pub type Drawn = ([String; 4], Vec<Option<Decimal>>);

/// Any such column of `count` values.
pub fn any_column(count: usize) -> impl Strategy<Value = Drawn> {
    let text = || prop_oneof!["[A-Ca-c]", "-", "[=+@-][A-C]{1,2}", "[A-C][, \"\n\r]{1,2}[A-C]"];
    let block = prop_oneof!["5x16", "7X8", "2x16"];
    let value = (any::<i32>(), 0_u32..9).prop_map(|(size, scale)| Decimal::new(size.into(), scale));
    let halves = (-9_i64..9).prop_map(|n| Decimal::new(n * 10 + 5, 6));
    let values =
        prop::collection::vec(prop::option::weighted(0.8, prop_oneof![value, halves]), count);
    ((text(), block, text(), text()).prop_map(<[String; 4]>::from), values)
}

fn drawn(([zone, block, component, sub], values): Drawn) -> Column {
    let texts: Vec<String> =
        values.iter().map(|value| value.map_or(String::new(), |value| value.to_string())).collect();
    let mut column = column(&zone, &block, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    (column.key.labels.cost_component, column.key.sub_component) = (component, sub);
    column
}

#[tokio::test]
async fn any_small_curve_agrees_in_every_form() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadOnly).await;
    let mut runner = TestRunner::deterministic();
    for day in 1..=12 {
        let count = 1 + day as usize % 3;
        let some = prop::collection::vec(any_column(count), 1..12);
        let mut columns: Vec<Column> =
            some.new_tree(&mut runner).unwrap().current().into_iter().map(drawn).collect();
        columns.sort_by_key(|column| column.key.digest());
        columns.dedup_by_key(|column| column.key.digest());
        let small = small(at(3, day, 9, 30), at(3, day, 9, 31), day % 2 == 0);
        let version = Stored { months: months(count.try_into().unwrap()), columns, ..small };
        store(&server.app.pool, &version).await;
        for mode in ["standardized", "unstandardized"] {
            let query = format!("curve=energy&iso=all&mode={mode}&operating_day=2020-03-{day:02}");
            assert_agreement(&caller, &query).await;
        }
    }
    let all = "curve=energy&iso=all&mode=unstandardized&version=all&operating_day=2020-03-01";
    assert_agreement(&caller, &format!("{all}&operating_day_end=2020-03-12")).await;
}

/// A file inside a workbook.
fn inside(book: &Bytes, name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(book.clone())).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn workbooks_are_frozen_and_formatted_and_every_file_ends_with_the_disclaimer() {
    let disclaimer = "=No \"advice\", at all";
    let adjust = |config: &mut Config| config.downloads.disclaimer = Some(disclaimer.to_owned());
    let (_server, caller) = with_every_dataset_and(adjust).await;
    for curve in CURVES {
        let get = async |more: &str| {
            let path = format!("/api/v1/data?curve={curve}&iso=pjm{more}");
            caller.get(&path).await.bytes().await.unwrap()
        };
        let Geometry { index, labels, captions, decimals } = geometry(curve);
        let (columns, records) = match curve {
            "lineloss" => (0, 1),
            _ => (index.len(), EIGHT.len() + labels.len() + captions),
        };
        for (more, columns, records) in [("", columns, records), ("&layout=long", 0, 1)] {
            let csv = get(more).await;
            let end = b"\n\r\n\"=No \"\"advice\"\", at all\"\r\n";
            assert!(csv.ends_with(end), "{curve}{more}");
            let book = get(&format!("{more}&format=xlsx")).await;
            let sheet = inside(&book, "xl/worksheets/sheet1.xml");
            let split = match columns {
                0 => format!("<pane ySplit=\"{records}\" "),
                _ => format!("<pane xSplit=\"{columns}\" ySplit=\"{records}\" "),
            };
            assert!(sheet.contains(&split), "{curve}{more}: {split}");
            let format = match decimals {
                Some(_) if more.is_empty() => "formatCode=\"0.00000\"",
                _ => "formatCode=\"0.0##############\"",
            };
            let standardized = curve == "energy" && !more.is_empty();
            let styles = inside(&book, "xl/styles.xml");
            assert!(standardized || styles.contains(format), "{curve}{more}: {styles}");
            let mut book: Xlsx<_> = Xlsx::new(Cursor::new(book)).unwrap();
            let sheet = book.worksheet_range_at(0).unwrap().unwrap();
            let rows: Vec<_> = sheet.rows().collect();
            let [.., empty, last] = &*rows else { panic!("{curve}") };
            assert!(empty.iter().all(|cell| *cell == Data::Empty), "{curve}");
            assert_eq!(last[0], Data::String(disclaimer.to_owned()), "{curve}");
        }
        let json: Value = serde_json::from_slice(&get("&format=json").await).unwrap();
        assert_eq!(json["meta"]["disclaimer"], disclaimer, "{curve}");
        assert_eq!(json["meta"]["counts"]["rows"], json["data"].as_array().unwrap().len());
    }
    let archive = caller.get("/api/v1/data?curve=lineloss").await.bytes().await.unwrap();
    assert_eq!(entries(archive).1["disclaimer"], disclaimer);
}
