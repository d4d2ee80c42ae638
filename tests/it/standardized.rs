//! Standardized prices: derived from blocks, converted and scaled, to the last digit.

use chrono::NaiveDate;
use serde_json::Value;
use trueprice::{
    auth::Role,
    domain::{Dataset, Family, Iso, Labels, SeriesKey},
};

use crate::{
    downloads_stored::{Column, Stored, at, store},
    support::{Caller, TestServer},
};

pub async fn started() -> (TestServer, Caller) {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    (server, caller)
}

/// A column with a value for each month, empty for none; its caption is the component.
pub fn series(block: &str, component: &str, unit: &str, values: &[&str]) -> Column {
    let labels = ["AREA", "ST", "ZONE", "-", "UTILITY", block, "Charges", component];
    let key = SeriesKey {
        labels: Labels::from(labels.map(str::to_owned)),
        sub_component: component.to_owned(),
        unit: unit.to_owned(),
        ..SeriesKey::default()
    };
    let letters = values.iter().map(|value| if value.is_empty() { '#' } else { 'n' });
    let notation = values.contains(&"").then(|| letters.collect());
    Column { key, values: values.iter().map(|&value| value.to_owned()).collect(), notation }
}

/// A version of the months from 2024-02 on.
pub fn version(family: Family, iso: Iso, columns: Vec<Column>) -> Stored {
    let months = columns.first().map_or(0, |column| column.values.len());
    let first = NaiveDate::from_ymd_opt(2024, 2, 1).unwrap();
    let month = |place: usize| first + chrono::Months::new(u32::try_from(place).unwrap());
    Stored {
        dataset: Dataset::new(family, iso).unwrap(),
        timestamp: at(3, 4, 9, 30),
        cob: false,
        known_at: at(3, 4, 9, 31),
        months: (0..months).map(month).collect(),
        columns,
    }
}

/// Three blocks of a zone.
fn blocks(values: [&str; 3]) -> Vec<Column> {
    let names = ["2x16", "5x16", "7x8"];
    let columns = names.into_iter().zip(values);
    columns.map(|(block, value)| series(block, "Energy", "$/MWh", &[value])).collect()
}

async fn text(caller: &Caller, query: &str) -> String {
    let answer = caller.get(&format!("/api/v1/data?{query}")).await;
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, 200, "{query}: {text}");
    text
}

/// The records of a wide CSV.
pub async fn wide(caller: &Caller, query: &str) -> Vec<Vec<String>> {
    let text = text(caller, query).await;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let cells = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    reader.records().map(Result::unwrap).map(cells).collect()
}

/// Block, component, unit and values of the columns of a wide nonenergy CSV of one month.
async fn columns(caller: &Caller, query: &str) -> Vec<String> {
    let records = wide(caller, query).await;
    let column =
        |place: usize| [5, 7, 8, 10].map(|record: usize| records[record][place].as_str()).join(" ");
    (2..records[0].len()).map(column).collect()
}

pub async fn report(caller: &Caller, query: &str) -> Value {
    caller.ask(&format!("/api/v1/data/report?{query}")).await.body
}

/// Curve, ISO, stored series, and the price or prices of February 2024 as standardized prints them.
fn worked_examples() -> Vec<(Family, Iso, Vec<Column>, &'static str)> {
    let charge = |block: &str, name: &str, unit: &str, value| series(block, name, unit, &[value]);
    vec![
        (Family::Energy, Iso::Ercot, blocks(["82.66", "95.54", "69.74"]), "84.57126"),
        (
            Family::NonEnergy,
            Iso::Pjm,
            vec![
                charge("7x24", "Capacity Charge ($/kW-mo)", "$/kW-mo", "1.04"),
                charge("7x24", "Capacity Scaling Factor", "none", "1.21"),
            ],
            "1.80805",
        ),
        (
            Family::NonEnergy,
            Iso::Miso,
            vec![charge("7x24", "NITS Schedule 9", "$/MW-mo", "4161.14")],
            "5.97865",
        ),
        (
            Family::NonEnergy,
            Iso::Nyiso,
            vec![charge("WD", "Uplift", "$/MWh", "0.05"), charge("WE", "Uplift", "$/MWh", "0.07")],
            "0.05552",
        ),
        (
            Family::NonEnergy,
            Iso::Isone,
            vec![
                charge("7x24", "Reserve Off-Peak", "$/MWh", "0.25"),
                charge("7x24", "Reserve onpeak", "$/MWh", "0.52"),
            ],
            "0.43000",
        ),
    ]
}

#[tokio::test]
async fn the_worked_examples_are_exact_in_every_format() {
    let (server, caller) = started().await;
    for (family, iso, columns, expected) in worked_examples() {
        store(&server.app.pool, &version(family, iso, columns)).await;
        let query = format!("curve={family}&iso={iso}&mode=standardized");
        let records = wide(&caller, &format!("{query}&format=csv")).await;
        assert_eq!(records[10].last().unwrap(), expected, "{query}");
        assert_eq!((records[8].last().unwrap().as_str(), records.len()), ("$/MWh", 11));
        for format in ["json", "ndjson"] {
            let text = text(&caller, &format!("{query}&format={format}")).await;
            assert!(text.contains(&format!("\"value\":{expected},")), "{text}");
        }
        let long = text(&caller, &format!("{query}&format=csv&layout=long")).await;
        assert!(long.ends_with(&format!(",value,{expected},\n")), "{long}");
        for layout in ["wide", "long"] {
            let query = format!("/api/v1/data?{query}&format=xlsx&layout={layout}");
            let bytes = caller.get(&query).await.bytes().await.unwrap();
            let mut book: calamine::Xlsx<_> =
                calamine::Reader::new(std::io::Cursor::new(bytes)).unwrap();
            let sheet = calamine::Reader::worksheet_range_at(&mut book, 0).unwrap().unwrap();
            let numbers = sheet.used_cells().map(|(_, _, cell)| cell.to_string());
            let shortest = expected.parse::<f64>().unwrap().to_string();
            assert!(numbers.into_iter().any(|number| number == shortest), "{query}");
        }
    }
    let scaled = columns(&caller, "curve=nonenergy&iso=pjm&mode=unstandardized").await;
    assert_eq!(scaled, ["7x24 Capacity Charge $/kW-mo 1.25840"]);
}

fn charges() -> Stored {
    let charge = |block: &str, name: &str, value| series(block, name, "$/MWh", &[value]);
    let columns = vec![
        series("7x24", "Capacity  charge ($/kW-Month)", "$/kW-mo", &["1.04"]),
        series("7x24", "Capacity Scaling Factor", "none", &["1.21"]),
        charge("7x24", "Reserve On-Peak", "0.52"),
        charge("7x24", "Reserve off-peak", "0.25"),
        charge("WD", "Regulation", "0.05"),
        charge("WE", "Regulation", "0.07"),
        charge("5x16", "Uplift", "3"),
        charge("2x16", "Uplift", "2"),
        charge("7x8", "Uplift", "1"),
        charge("7x24", "Transmission Peak Charge", "0.512345678"),
    ];
    version(Family::NonEnergy, Iso::Pjm, columns)
}

#[tokio::test]
async fn strips_units_names_and_columns_are_those_of_the_mode() {
    let (server, caller) = started().await;
    store(&server.app.pool, &charges()).await;
    let all = "curve=nonenergy&iso=pjm";
    let standardized = [
        "7x24 Capacity  charge $/MWh 1.80805",
        "7x24 Transmission Peak Charge $/MWh 0.51235",
        "7x24 Regulation $/MWh 0.05552",
        "7x24 Reserve $/MWh 0.43000",
        "7x24 Uplift $/MWh 2.14943",
    ];
    for query in ["", "&mode=standardized", "&strip=7x24", "&mode=standardized&strip=all"] {
        assert_eq!(columns(&caller, &format!("{all}{query}")).await, standardized, "{query}");
    }
    let stored = [
        "2x16 Uplift $/MWh 2.00000",
        "5x16 Uplift $/MWh 3.00000",
        "7x24 Capacity  charge $/kW-mo 1.25840",
        "7x24 Transmission Peak Charge $/MWh 0.51235",
        "7x8 Uplift $/MWh 1.00000",
        "off-peak Reserve $/MWh 0.25000",
        "on-peak Reserve $/MWh 0.52000",
        "wd Regulation $/MWh 0.05000",
        "we Regulation $/MWh 0.07000",
    ];
    assert_eq!(columns(&caller, &format!("{all}&mode=unstandardized")).await, stored);
    assert_eq!(columns(&caller, &format!("{all}&strip=ON-peak")).await, [stored[6]]);
    let seven = columns(&caller, &format!("{all}&mode=unstandardized&strip=7x24")).await;
    assert_eq!(seven, stored[2..4]);
    // Stored ones first, then those of every hour, all byte-wise.
    let [s0, s1, s2, s3, s4] = standardized;
    let both = columns(&caller, &format!("{all}&strip=7x24&strip=wd")).await;
    assert_eq!(both, [s0, s1, stored[7], s2, s3, s4]);
    let every = columns(&caller, &format!("{all}&strip=all")).await;
    let expected = [&stored[..2], &standardized[..2], &stored[4..], &standardized[2..]].concat();
    assert_eq!(every, expected);
    for strip in ["5x16", "on-peak", "we"] {
        let reply =
            caller.ask(&format!("/api/v1/data?{all}&mode=standardized&strip={strip}")).await;
        assert_eq!(reply.outcome(), (400, "contradictory_parameters"), "{strip}");
    }
}

#[tokio::test]
async fn long_records_tell_what_was_computed_and_keep_what_was_not() {
    let (server, caller) = started().await;
    store(&server.app.pool, &charges()).await;
    let query = "curve=nonenergy&iso=pjm&strip=7x24&strip=wd&format=ndjson";
    let text = text(&caller, query).await;
    let records: Vec<String> = text
        .lines()
        .map(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            let word = |value: &Value| value.as_str().unwrap().to_owned();
            let dims = &record["dims"];
            [&record["kind"], &record["uom"], &dims["cost_component"], &dims["sub_component"]]
                .map(word)
                .join(" | ")
        })
        .collect();
    assert_eq!(
        records,
        [
            "converted | $/MWh | Capacity  charge | Capacity  charge",
            "native | $/MWh | Transmission Peak Charge | Transmission Peak Charge",
            "native | $/MWh | Regulation | Regulation",
            "derived | $/MWh | Regulation | Regulation",
            "derived | $/MWh | Reserve | Reserve",
            "derived | $/MWh | Uplift | Uplift",
        ]
    );
    assert!(text.contains("\"value\":0.512345678,"), "native values are exact: {text}");
    let report = report(&caller, query).await;
    assert_eq!(
        (&report["entries"][0]["rows"], &report["entries"][0]["series"]),
        (&6.into(), &6.into())
    );
    assert_eq!(report["entries"][0]["mode"], Value::Null);
    assert_eq!(report["file"], "nonenergy_pjm_7x24_wd_2020-03-04.ndjson");
}

#[tokio::test]
async fn derivations_stay_inside_a_version_and_repeat_to_the_byte() {
    let (server, caller) = started().await;
    let first = version(Family::Energy, Iso::Ercot, blocks(["1", "1", "1"]));
    let mut second = version(Family::Energy, Iso::Ercot, blocks(["2", "2", "2"]).split_off(1));
    (second.timestamp, second.known_at) = (at(3, 4, 10, 30), at(3, 4, 10, 31));
    let first = store(&server.app.pool, &first).await;
    store(&server.app.pool, &second).await;
    let all = "curve=energy&iso=ercot";
    let records = wide(&caller, &format!("{all}&version=all")).await;
    assert_eq!([&*records[10][3], &*records[11][3]], ["1.00000", ""]);
    let pinned = wide(&caller, &format!("{all}&version_id={first}&mode=standardized")).await;
    assert_eq!(pinned[10][3], "1.00000");
    let as_of = at(3, 4, 10, 0).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    assert_eq!(wide(&caller, &format!("{all}&as_of={as_of}")).await[10][3], "1.00000");
    let ask = async |query: &str| {
        let answer = caller.get(&format!("/api/v1/data?{all}{query}")).await;
        (answer.headers()["etag"].clone(), answer.bytes().await.unwrap())
    };
    let one = ask("&version=all").await;
    assert_eq!(one, ask("&version=all&calendar=flat").await);
    assert_ne!(one.0, ask("&version=all&calendar=nerc").await.0);
    assert_ne!(one.0, ask("&version=all&mode=unstandardized").await.0);
    let request = caller.request(reqwest::Method::GET, &format!("/api/v1/data?{all}&version=all"));
    let again = request.header("if-none-match", &one.0).send().await.unwrap();
    assert_eq!(again.status(), 304);
}

#[tokio::test]
async fn the_calendar_counts_hours_where_something_is_computed() {
    let (server, caller) = started().await;
    let values = ["82.66", "82.66"];
    let columns = vec![
        series("2x16", "Energy", "$/MWh", &values),
        series("5x16", "Energy", "$/MWh", &["95.54", "95.54"]),
        series("7x8", "Energy", "$/MWh", &["69.74", "69.74"]),
    ];
    store(&server.app.pool, &version(Family::Energy, Iso::Ercot, columns)).await;
    let march = "curve=energy&iso=ercot&start=2024-03&calendar=";
    // (82.66 160 + 95.54 336 + 69.74 h) / (496 + h), h = 248 or 247.
    assert_eq!(wide(&caller, &format!("{march}flat")).await[10][3], "84.17011");
    assert_eq!(wide(&caller, &format!("{march}nerc")).await[10][3], "84.18953");
    let stored = caller.get(&format!("/api/v1/data?{march}nerc&strip=5x16")).await;
    assert_eq!(stored.headers()["x-not-applied"], "calendar");
    let computed = caller.get(&format!("/api/v1/data?{march}nerc")).await;
    assert!(!computed.headers().contains_key("x-not-applied"));
}

#[tokio::test]
async fn other_curves_are_the_same_in_every_mode() {
    let (server, caller) = started().await;
    let columns = vec![series("7x24", "Class I on-peak ($/kW-mo)", "$/kW-mo", &["0.05"])];
    store(&server.app.pool, &version(Family::Rec, Iso::Pjm, columns)).await;
    let query = "curve=rec&iso=pjm&mode=";
    let standardized = text(&caller, &format!("{query}standardized")).await;
    assert_eq!(standardized, text(&caller, &format!("{query}unstandardized")).await);
    assert_eq!(standardized, text(&caller, "curve=rec&iso=pjm").await);
    assert!(standardized.contains("Class I on-peak ($/kW-mo)"), "{standardized}");
}

#[tokio::test]
async fn scripts_and_pages_get_the_same_prices() {
    let (server, caller) = started().await;
    let stored = version(Family::Energy, Iso::Ercot, blocks(["82.66", "95.54", "69.74"]));
    store(&server.app.pool, &stored).await;
    let script = "/get_data?curve_type=energy&iso=ercot";
    let ours = text(&caller, "curve=energy&iso=ercot&mode=standardized").await;
    for strip in ["", "&strip=strip_standardized", "&strip=7x24"] {
        let theirs = caller.get(&format!("{script}{strip}")).await.text().await.unwrap();
        assert_eq!(theirs, ours, "{strip}");
    }
    let page =
        "/download?curve=energy&iso=ercot&operating_day=2020-03-04&start=2024-02&end=2024-02";
    for mode in ["", "&mode=standardized"] {
        let preview = caller.get(&format!("{page}{mode}")).await.text().await.unwrap();
        assert!(preview.contains("84.57126"), "{mode}: {preview}");
    }
    let json = caller.get(&format!("{script}&type=json")).await.text().await.unwrap();
    assert!(json.contains("\"Data\":84.57126,"), "{json}");
    assert!(json.contains("\"Block Type\":\"7x24\""), "{json}");
    let refused = caller.ask(&format!("{script}&strip=standardized&strip=5x16")).await;
    assert_eq!(refused.outcome(), (400, "contradictory_parameters"));
}
