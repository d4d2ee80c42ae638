//! Every call that existing scripts make, held against the download that it stands for.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    agreement::{csv_records, with_every_dataset},
    support::Caller,
};

/// Status, media type, file name and bytes.
async fn got(caller: &Caller, path: &str) -> (u16, String, String, Bytes) {
    let answer = caller.get(path).await;
    let of = |name: &str| {
        let value = answer.headers().get(name);
        value.map_or(String::new(), |value| value.to_str().unwrap().to_owned())
    };
    let (media, name) = (of("content-type"), of("content-disposition"));
    (answer.status().as_u16(), media, name, answer.bytes().await.unwrap())
}

#[tokio::test]
async fn every_call_gives_what_its_download_gives() {
    let (_server, caller) = with_every_dataset().await;
    let day = "operating_day=2024-06-03";
    for (script, download) in [
        ("curve_type=energy&iso=ercot", "curve=energy&iso=ercot"),
        ("curve_type=ENERGY&iso=ERCOT&type=csv", "curve=energy&iso=ercot"),
        ("curve_type=energy&iso=ercot&type=xlsx", "curve=energy&iso=ercot&format=xlsx"),
        ("curve_type=energy&iso=ercot&idcob=all", "curve=energy&iso=ercot"),
        ("curve_type=energy&iso=ercot&idcob=latestall", "curve=energy&iso=ercot&version=latest"),
        ("curve_type=energy&iso=ercot&idcob=cobonly", "curve=energy&iso=ercot&version=cob"),
        (
            "curve_type=energy&iso=ercot&idcob=intradayonly&operating_day=20240603",
            &format!("curve=energy&iso=ercot&version=intraday&{day}"),
        ),
        ("curve_type=rec&iso=pjm&idcob=cobonly", "curve=rec&iso=pjm"),
        ("curve_type=vlr&iso=pjm&idcob=intradayonly&history=", "curve=vlr&iso=pjm"),
        (
            "curve_type=energy&iso=ercot&history=all&operating_day=20240603",
            &format!("curve=energy&iso=ercot&version=all&{day}"),
        ),
        ("curve_type=energy&iso=ercot&history=ALL", "curve=energy&iso=ercot&version=all"),
        ("curve_type=energy&iso=ercot&history=none", "curve=energy&iso=ercot"),
        (
            "curve_type=energy&iso=ercot&operating_day=20240604&offset=1",
            &format!("curve=energy&iso=ercot&{day}"),
        ),
        (
            "curve_type=energy&iso=ercot&operating_day=2024-06-04&offset=0",
            "curve=energy&iso=ercot&operating_day=2024-06-04",
        ),
        (
            "curve_type=energy&iso=ercot&operating_day=20240603&operating_day_end=20240604",
            &format!("curve=energy&iso=ercot&{day}&operating_day_end=2024-06-04"),
        ),
        (
            "curve_type=energy&iso=pjm&start=20240801&end=2024-09",
            "curve=energy&iso=pjm&start=2024-08&end=2024-09-30",
        ),
        ("curve_type=energy&iso=pjm&strip=strip_5x16", "curve=energy&iso=pjm&strip=5x16"),
        ("curve_type=energy&iso=pjm&strip=a_b_7X8", "curve=energy&iso=pjm&strip=7x8"),
        (
            "curve_type=energy&iso=pjm&strip=strip_5x16&strip=strip_2x16&strip=7x24",
            "curve=energy&iso=pjm&strip=2x16&strip=5x16&strip=7x24",
        ),
        ("curve_type=nonenergy&iso=pjm&strip=all", "curve=nonenergy&iso=pjm&strip=all"),
        (
            "curve_type=nonenergy&iso=pjm&strip=strip_all&strip=strip_Unstandardized",
            "curve=nonenergy&iso=pjm&strip=all&mode=unstandardized",
        ),
        ("curve_type=energy&iso=pjm&strip=STANDARDIZED", "curve=energy&iso=pjm&mode=standardized"),
        ("curve_type=lineloss", "curve=lineloss"),
        ("curve_type=loadprofile&iso=pjm&strip=strip_5x16", "curve=loadprofile&iso=pjm"),
    ] {
        let old = got(&caller, &format!("/get_data?{script}")).await;
        let new = got(&caller, &format!("/api/v1/data?{download}")).await;
        assert_eq!((old.0, new.0), (200, 200), "{script}: {}", String::from_utf8_lossy(&old.3));
        assert_eq!(old.1, new.1, "{script}");
        if old.1 != "application/zip" {
            assert_eq!(old.3, new.3, "{script}");
        }
    }
    // From Tuesday over Sunday to Friday, of which there is nothing.
    let friday =
        caller.ask("/get_data?curve_type=energy&iso=ercot&operating_day=20240604&offset=2");
    assert_eq!(friday.await.outcome(), (404, "no_data"));
}

#[tokio::test]
async fn one_result_under_all_comes_bare() {
    let (_server, caller) = with_every_dataset().await;
    let day = "operating_day=2024-06-04";
    for kind in ["csv", "xlsx"] {
        let bare = format!("/get_data?curve_type=energy&iso=all&{day}&type={kind}");
        let plain = format!("/api/v1/data?curve=energy&iso=ercot&{day}&format={kind}");
        assert_eq!(got(&caller, &bare).await, got(&caller, &plain).await);
    }
    let json = got(&caller, &format!("/get_data?curve_type=energy&iso=all&{day}&type=json")).await;
    assert_eq!(json.1, "application/json");
    assert!(serde_json::from_slice::<Value>(&json.3).unwrap().is_array());
    let several = got(&caller, "/get_data?curve_type=energy&iso=all").await;
    assert_eq!(several.1, "application/zip");
    let archive = got(&caller, &format!("/api/v1/data?curve=energy&iso=all&{day}")).await;
    assert_eq!(archive.1, "application/zip");
    let none = caller.ask("/get_data?curve_type=all&iso=all&operating_day=2020-01-01").await;
    assert_eq!(none.outcome(), (404, "no_data"));
}

const MEMBERS: [&str; 13] = [
    "Curve Start Month",
    "Data",
    "Curve Update Date",
    "Control Area",
    "State",
    "Load Zone",
    "Capacity Zone",
    "Utility",
    "Block Type",
    "Cost Group",
    "Cost Component",
    "Sub Cost Component",
    "UOM",
];

/// The long columns that the members of a record repeat, and how they print.
fn expected(curve: &str, names: &[String], long: &[String]) -> Vec<Value> {
    let cell = |name: &str| &*long[names.iter().position(|other| other == name).unwrap()];
    let moment = |text: &str| json!(text.replace('T', " ").trim_end_matches('Z'));
    let text = |name: &str| match cell(name) {
        "" => Value::Null,
        text => json!(text),
    };
    let start = match curve {
        "loadprofile" | "shaping" => json!(format!("{} 00:00:00", cell("date"))),
        "vlr" => json!(cell("month").parse::<u8>().unwrap()),
        "matrix" | "lineloss" => Value::Null,
        _ => json!(format!("{} 00:00:00", cell("contract_month"))),
    };
    let mut members = vec![start, Value::Null, moment(cell("curve_timestamp"))];
    members.extend(names[7..16].iter().chain([&"uom".to_owned()]).map(|name| text(name)));
    if curve == "energy" {
        members.push(json!(cell("cob") == "True"));
    }
    if ["loadprofile", "shaping", "vlr"].contains(&curve) {
        members.push(json!(cell("he").parse::<u8>().unwrap()));
    }
    if curve == "loadprofile" {
        members.push(text("customer_type"));
    }
    members
}

#[tokio::test]
async fn flat_records_have_the_members_of_their_curve_type_and_the_values_of_the_long_layout() {
    let (_server, caller) = with_every_dataset().await;
    let more: [(&str, &[&str]); 9] = [
        ("energy", &["COB"]),
        ("nonenergy", &[]),
        ("rec", &[]),
        ("ptc", &[]),
        ("matrix", &[]),
        ("loadprofile", &["HE", "Customer Type"]),
        ("shaping", &["HE"]),
        ("vlr", &["HE"]),
        ("lineloss", &[]),
    ];
    for (curve, more) in more {
        let path = format!("/get_data?curve_type={curve}&iso=pjm&type=json");
        let records = caller.ask(&path).await.body;
        let records = records.as_array().unwrap();
        let long = format!("/api/v1/data?curve={curve}&iso=pjm&layout=long");
        let long = csv_records(&got(&caller, &long).await.3);
        let value = long[0].iter().position(|name| name == "value").unwrap();
        assert_eq!(records.len(), long.len() - 1, "{curve}");
        let mut names: Vec<&str> = MEMBERS.iter().chain(more).copied().collect();
        for (record, of_long) in records.iter().zip(&long[1..]) {
            for (name, wanted) in names.iter().zip(expected(curve, &long[0], of_long)) {
                if *name != "Data" {
                    assert_eq!(record[name], wanted, "{curve} {name}");
                }
            }
            let number = of_long[value].parse::<f64>().ok();
            let data = record["Data"].as_f64();
            // Prices are rounded to five decimals here.
            let close = number.zip(data).is_none_or(|(a, b)| (a - b).abs() <= 0.000_005_000_1);
            assert!(number.is_some() == data.is_some() && close, "{curve}: {number:?}, {data:?}");
        }
        names.sort_unstable();
        assert!(records[0].as_object().unwrap().keys().eq(names.iter()), "{curve}");
    }
}
