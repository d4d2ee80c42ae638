//! Standardized prices that cannot be computed: empty cells, and a warning for each.

use std::collections::BTreeSet;

use serde_json::Value;
use trueprice::domain::{Family, Iso};

use crate::{
    downloads_stored::{Column, at, store},
    standardized::{report, series, started, version, wide},
    support::Caller,
};

/// The same in another zone.
fn in_zone(zone: &str, mut column: Column) -> Column {
    zone.clone_into(&mut column.key.labels.load_zone);
    column
}

/// Code, month and blocks of the warnings of a report.
fn warned(report: &Value) -> Vec<(String, String, String)> {
    let warnings = report["warnings"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let blocks = |value: &Value| {
        let blocks = value.as_array().map(Vec::as_slice).unwrap_or_default();
        blocks.iter().map(text).collect::<Vec<_>>().join(" ")
    };
    let of = |w: &Value| (text(&w["code"]), text(&w["contract_month"]), blocks(&w["blocks"]));
    warnings.iter().map(of).collect()
}

#[tokio::test]
async fn a_missing_block_is_an_empty_cell_and_one_warning() {
    let (server, caller) = started().await;
    let of = |zone, block, values: &[&str]| in_zone(zone, series(block, "Energy", "$/MWh", values));
    let columns = vec![
        of("A", "2x16", &["1", "", "0", "1"]),
        of("A", "5x16", &["1", "", "0", "2"]),
        of("A", "7x8", &["1", "5", "0", ""]),
        of("A", "7x24", &["9", "9", "9", "9"]),
        of("B", "5x16", &["3", "3", "3", "3"]),
        of("B", "WD", &["3", "3", "3", "3"]),
    ];
    store(&server.app.pool, &version(Family::Energy, Iso::Ercot, columns)).await;
    let all = "curve=energy&iso=ercot";
    let records = wide(&caller, all).await;
    let cells: Vec<&[String]> = records[10..].iter().map(|record| &record[3..]).collect();
    assert_eq!(
        cells,
        [
            ["9.00000", "1.00000", ""],
            ["9.00000", "", ""],
            ["9.00000", "0.00000", ""],
            ["9.00000", "", ""]
        ]
    );
    let report = report(&caller, all).await;
    let strip = |month: &str, blocks: &str| {
        ("missing_strip".to_owned(), month.to_owned(), blocks.to_owned())
    };
    assert_eq!(
        warned(&report),
        [
            strip("2024-03", "2x16 5x16"),
            strip("2024-05", "7x8"),
            strip("2024-02", "2x16 7x8"),
            strip("2024-03", "2x16 7x8"),
            strip("2024-04", "2x16 7x8"),
            strip("2024-05", "2x16 7x8"),
        ]
    );
    assert_eq!(
        report["warnings"][0]["series"],
        "AREA, ST, A, -, UTILITY, 7x24, Energy, Energy"
            .replace("Energy, Energy", "Charges, Energy")
    );
    assert_eq!(report["warning_count"], 6);
    // Only what is answered is warned of.
    let cut = format!("{all}&start=2024-04&end=2024-05&format=json");
    let answer = caller.get(&format!("/api/v1/data?{cut}")).await;
    assert_eq!(answer.headers()["x-warnings"], "3");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["meta"]["counts"]["rows"], 6);
    let reasons: Vec<&Value> =
        body["data"].as_array().unwrap().iter().map(|r| &r["missing_reason"]).collect();
    let strip = Value::from("missing_strip");
    assert_eq!(reasons, [&Value::Null, &Value::Null, &strip, &Value::Null, &strip, &strip]);
    let stored = caller.get(&format!("/api/v1/data?{all}&mode=unstandardized")).await;
    assert_eq!(stored.headers()["x-warnings"], "0");
}

#[tokio::test]
async fn warnings_beyond_a_thousand_are_counted() {
    let (server, caller) = started().await;
    let values = ["1"; 61];
    let zones = (0..20)
        .map(|zone| in_zone(&format!("Z{zone}"), series("5x16", "Energy", "$/MWh", &values)));
    store(&server.app.pool, &version(Family::Energy, Iso::Pjm, zones.collect())).await;
    let query = "curve=energy&iso=pjm&format=json";
    let answer = caller.get(&format!("/api/v1/data?{query}")).await;
    assert_eq!(answer.headers()["x-warnings"], "1220");
    let report = report(&caller, query).await;
    assert_eq!(report["warnings"].as_array().unwrap().len(), 1000);
    assert_eq!(report["warning_count"], 1220);
}

#[tokio::test]
async fn units_scalers_and_names_that_do_not_fit_give_no_number() {
    let (server, caller) = started().await;
    let columns = vec![
        series("WD", "Mixed", "$/MWh", &["1", "1"]),
        series("WE", "Mixed", "$/kW-mo", &["1", "1"]),
        series("WD", "Same", "$/kW-mo", &["1", "1"]),
        series("WE", "Same", "$/kW-mo", &["1", "1"]),
        series("7x24", "Capacity", "$/kW-mo", &["2", "2"]),
        series("7x24", "Capacity Scaler", "none", &["", "1.5"]),
        in_zone("Z", series("7x24", "Capacity", "$/kW-mo", &["", "2"])),
        series("7x24", "Both on-peak and off-peak", "$/MWh", &["4", "4"]),
        series("7x24", "ISO Sched 3 ($/MW-mo)", "$/MW-mo", &["696", "696"]),
        series("7x24", "Odd ($/furlong)", "unknown", &["7", "7"]),
        series("5x16", "Twice", "$/MWh", &["1", "1"]),
        series("5x16", "Twice ($/MWh)", "$/MWh", &["2", "2"]),
    ];
    store(&server.app.pool, &version(Family::NonEnergy, Iso::Isone, columns)).await;
    let query = "curve=nonenergy&iso=isone&end=2024-02";
    assert_eq!(
        columns_of(&caller, query).await,
        [
            "ZONE 7x24 Both on-peak and off-peak $/MWh 4.00000",
            "ZONE 7x24 Capacity $/MWh ",
            "ZONE 7x24 ISO Sched 3 $/MWh 1.00000",
            "ZONE 7x24 Odd ($/furlong) unknown 7.00000",
            "ZONE 7x24 Mixed $/MWh ",
            "ZONE 7x24 Same $/kW-mo 1.00000",
            "ZONE 7x24 Twice $/MWh ",
            "Z 7x24 Capacity $/MWh ",
        ]
        .map(str::to_owned)
        .into()
    );
    let mut codes: Vec<String> =
        warned(&report(&caller, query).await).into_iter().map(|(code, ..)| code).collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        ["ambiguous_member", "missing_scaler", "mixed_uom", "peak_conflict", "unit_conflict"]
    );
    let stored = columns_of(&caller, &format!("{query}&mode=unstandardized")).await;
    assert!(stored.contains("ZONE 7x24 Capacity $/kW-mo "), "{stored:?}");
    assert!(!stored.iter().any(|column| column.contains("Scaler")), "{stored:?}");
    let second = columns_of(&caller, "curve=nonenergy&iso=isone&start=2024-03").await;
    assert!(second.contains("ZONE 7x24 Capacity $/MWh 4.03226"), "3000 / 744: {second:?}");
    assert!(second.contains("Z 7x24 Capacity $/MWh 2.68817"), "no scaler is one: {second:?}");
}

#[tokio::test]
async fn a_unit_that_changes_between_versions_makes_two_columns_and_nothing_is_mixed() {
    let (server, caller) = started().await;
    let of = |unit: &str| vec![series("WD", "X", unit, &["1"]), series("WE", "X", unit, &["1"])];
    let first = version(Family::NonEnergy, Iso::Miso, of("$/MWh"));
    let mut second = version(Family::NonEnergy, Iso::Miso, of("$/kW-mo"));
    (second.timestamp, second.known_at) = (at(3, 4, 10, 30), at(3, 4, 10, 31));
    store(&server.app.pool, &first).await;
    store(&server.app.pool, &second).await;
    let query = "curve=nonenergy&iso=miso&version=all";
    let records = wide(&caller, query).await;
    assert_eq!(records[8][2..], ["$/MWh", "$/kW-mo"]);
    assert_eq!([&records[10][2..], &records[11][2..]], [["1.00000", ""], ["", "1.00000"]]);
    let report = report(&caller, &format!("{query}&layout=long")).await;
    assert_eq!((&report["entries"][0]["rows"], &report["warning_count"]), (&2.into(), &0.into()));
}

/// Zone, block, component, unit and value of the columns, in any order.
async fn columns_of(caller: &Caller, query: &str) -> BTreeSet<String> {
    let records = wide(caller, query).await;
    let column = |place: usize| {
        [2, 5, 7, 8, 10].map(|record: usize| records[record][place].as_str()).join(" ")
    };
    (2..records[0].len()).map(column).collect()
}
