//! Whole lists as files: the components of every curve type, and what was uploaded.

use std::{collections::BTreeSet, io::Cursor};

use calamine::{Reader as _, Xlsx};
use reqwest::{StatusCode, header};
use serde_json::Value;
use trueprice::{
    auth::Role,
    domain::{Dataset, Family, Iso},
};

use crate::{
    downloads_stored::{Stored, after, at, column, small, store},
    support::{Caller, TestServer, files},
};

/// Sheets, and the curve types that they are of.
const SHEETS: [(&str, &str); 7] = [
    ("Energy", "energy"),
    ("Non-Energy", "nonenergy"),
    ("Rec", "rec"),
    ("Line Loss", "lineloss"),
    ("Shaping", "shaping"),
    ("Load Profile", "loadprofile"),
    ("VLR", "vlr"),
];

const COLUMNS: [&str; 10] = [
    "DataType",
    "Lookup ID1",
    "Control Area",
    "State",
    "Load Zone",
    "Capacity Zone",
    "Utility",
    "Block Type",
    "Cost Group",
    "Cost Component",
];

type Row = Vec<String>;

/// The sheets by name, header records included.
async fn components(caller: &Caller, path: &str) -> Vec<(String, Vec<Row>)> {
    let answer = caller.get(path).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    let name = "attachment; filename=\"all_components.xlsx\"";
    assert_eq!(answer.headers()[header::CONTENT_DISPOSITION], name);
    let bytes = answer.bytes().await.unwrap();
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
    let sheets = book.worksheets().into_iter();
    let rows = |range: calamine::Range<calamine::Data>| {
        range.rows().map(|row| row.iter().map(ToString::to_string).collect()).collect()
    };
    sheets.map(|(name, range)| (name, rows(range))).collect()
}

/// A version of a dataset with one column in a zone.
fn version(dataset: Dataset, day: u32, zone: &str) -> Stored {
    let timestamp = at(3, day, 9, 0);
    let columns = vec![column(zone, "7x8", &["1"])];
    Stored { dataset, columns, ..small(timestamp, after(timestamp), false) }
}

#[tokio::test]
async fn every_curve_type_has_a_sheet_of_its_newest_series() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadOnly).await;
    let pool = &server.app.pool;
    for &family in Family::ALL {
        for iso in [Iso::Pjm, Iso::Ercot] {
            let dataset = Dataset::new(family, iso).unwrap();
            store(pool, &version(dataset, 4, "OLD")).await;
            // The newest operating day counts, whenever it came.
            store(pool, &version(dataset, 6, &format!("{family} {iso}"))).await;
            store(pool, &version(dataset, 5, "BETWEEN")).await;
        }
    }
    let sheets = components(&caller, "/api/v1/exports/components").await;
    let names: Vec<&str> = sheets.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, SHEETS.map(|(name, _)| name));
    for ((name, rows), (_, family)) in sheets.iter().zip(SHEETS) {
        assert_eq!(rows[0], COLUMNS, "{name}");
        let row = |iso: &str| {
            let zone = format!("{family} {iso}");
            [name, "", "ERCOT", "TX", &zone, "-", "ONCOR", "7x8", "Energy", "Energy"]
                .map(str::to_owned)
        };
        assert_eq!(rows[1..], [row("ercot"), row("pjm")], "{name}");
    }
    let then = components(&caller, "/allcomponents?as_of=2020-03-05T00:00:00Z").await;
    assert!(then.iter().all(|(_, rows)| rows.len() == 2 && rows[1][4] == "OLD"));
    let before = components(&caller, "/allcomponents?as_of=2020-01-01T00:00:00Z").await;
    assert!(before.iter().all(|(_, rows)| rows.len() == 1));
}

/// All records of a list.
async fn items(caller: &Caller, path: &str) -> Vec<Value> {
    let page = caller.ask(path).await.body;
    assert_eq!(page["next"], Value::Null, "{path}");
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn what_was_uploaded_is_in_the_exports() {
    const LABELS: [&str; 8] = [
        "control_area",
        "state",
        "load_zone",
        "capacity_zone",
        "utility",
        "block_type",
        "cost_group",
        "cost_component",
    ];
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let name = "all_families.zip";
    let bytes = std::fs::read(files::repository("good_test_data/good").join(name)).unwrap();
    let stored = caller.send("/api/v1/uploads", &[(name, bytes.into())]).await;
    assert!(stored.results().iter().all(|(_, status, _)| *status == 201), "{}", stored.body);
    let listed = items(&caller, "/api/v1/datasets").await;
    let sheets = components(&caller, "/allcomponents").await;
    let mut seen = 0;
    for ((name, rows), (_, family)) in sheets.iter().zip(SHEETS) {
        let (mut known, mut wanted) = (BTreeSet::new(), BTreeSet::new());
        for dataset in listed.iter().filter(|dataset| dataset["curve"] == family) {
            let iso = dataset["iso"].as_str().unwrap();
            let series = items(&caller, &format!("/api/v1/series?curve={family}&iso={iso}")).await;
            let labels = |series: &Value| -> Row {
                LABELS.map(|label| series[label].as_str().unwrap().to_owned()).to_vec()
            };
            known.extend(series.iter().map(labels));
            // Of several versions the newest may lack some.
            if dataset["versions"] == 1 {
                wanted.extend(series.iter().map(labels));
            }
        }
        let found: BTreeSet<Row> = rows[1..].iter().map(|row| row[2..].to_vec()).collect();
        assert!(!found.is_empty(), "{name}");
        assert!(found.is_superset(&wanted) && found.is_subset(&known), "{name}");
        assert!(rows[1..].iter().all(|row| row[0] == *name), "{name}");
        seen += found.len();
    }
    assert!(seen > 100, "{seen} series");
    let uploads = caller.get("/alluploads").await.text().await.unwrap();
    assert_eq!(uploads.lines().count(), 1 + stored.results().len());
}
