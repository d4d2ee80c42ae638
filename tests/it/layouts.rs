//! The layouts of every curve type to the byte, from files that were uploaded.

use reqwest::header;
use serde_json::Value;
use trueprice::auth::Role;

use crate::support::{Caller, TestServer};

/// The eight label rows for two columns; `index` is what stands between name and values.
fn labels(index: &str, zones: [&str; 2], strip: &str, group: &str) -> String {
    let [a, b] = zones;
    format!(
        "Control Area,{index}NYISO,NYISO\nState,{index}NY,NY\nLoad Zone,{index}{a},{b}\n\
         Capacity Zone,{index}NYC,LHV\nUtility,{index}CONED,CONED\nBlock Type,{index}{strip},{strip}\n\
         Cost Group,{index}{group},{group}\nCost Component,{index}{group},{group}\n"
    )
}

async fn with(files: &[(&str, String)]) -> (TestServer, Caller) {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    for (name, text) in files {
        let reply = caller.upload(name, text.clone()).await;
        assert_eq!(reply.status, 201, "{name}: {}", reply.body);
    }
    (server, caller)
}

async fn csv(caller: &Caller, query: &str) -> String {
    let answer = caller.get(&format!("/api/v1/data?iso=nyiso&{query}")).await;
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, 200, "{query}: {text}");
    text
}

/// The named members of every record of a JSON answer.
async fn records(caller: &Caller, query: &str, names: &[&str]) -> Vec<Vec<Value>> {
    let reply = caller.ask(&format!("/api/v1/data?iso=nyiso&format=json&{query}")).await;
    assert_eq!(reply.status, 200, "{query}: {}", reply.body);
    let member = |record: &Value, name: &str| match record.get(name) {
        Some(value) => value.clone(),
        None => record["dims"][name].clone(),
    };
    let records = reply.body["data"].as_array().unwrap();
    records.iter().map(|r| names.iter().map(|name| member(r, name)).collect()).collect()
}

fn ptc() -> (&'static str, String) {
    let head = labels("", ["ZONE J", "ZONE A"], "7x24", "PTC");
    let text = format!(
        "Matching ID,,M-0002\nLookup ID1,NYISO NY J,NYISO NY A\n{head}\
         Utility Name,Utility One,Utility Two\nRate Class/Load Profile,SC-1 “Residential”,SC-2\n\
         Month,PTC,PTC\n5/1/2023,0.0931,#N/A\n6/1/2023,0.12,-0.5\n"
    );
    ("PTC_NYISO_20230522_080000.csv", text)
}

#[tokio::test]
async fn a_price_to_compare_is_ordered_by_its_ids_and_keeps_its_digits() {
    let (_server, caller) = with(&[ptc()]).await;
    // M-0002 comes before N/A, which the blank one is stored as.
    let wide = "Control Area,,NYISO,NYISO\n\
         State,,NY,NY\n\
         Load Zone,,ZONE A,ZONE J\n\
         Capacity Zone,,LHV,NYC\n\
         Utility,,CONED,CONED\n\
         Block Type,,7x24,7x24\n\
         Cost Group,,PTC,PTC\n\
         Cost Component,,PTC,PTC\n\
         Profile_load,,SC-2,SC-1 “Residential”\n\
         Curve Update Date,Curve Start Month,,\n\
         2023-05-22 08:00:00+00:00,2023-05-01 00:00:00+00:00,,0.0931\n\
         2023-05-22 08:00:00+00:00,2023-06-01 00:00:00+00:00,-0.5,0.12\n";
    assert_eq!(csv(&caller, "curve=ptc").await, wide);
    assert_eq!(csv(&caller, "curve=ptc&mode=standardized").await, wide);
    let names = ["matching_id", "lookup_id", "load_profile", "uom", "contract_month", "value"];
    let long = records(&caller, "curve=ptc&start=2023-06", &names).await;
    assert_eq!(
        serde_json::json!(long),
        serde_json::json!([
            ["M-0002", "NYISO NY A", "SC-2", "$/kWh", "2023-06-01", -0.5],
            ["N/A", "NYISO NY J", "SC-1 “Residential”", "$/kWh", "2023-06-01", 0.12]
        ])
    );
}

fn matrix(time: &str, price: &str) -> (String, String) {
    let head = labels("", ["ZONE J", "ZONE A"], "7x24", "Matrix");
    let text = format!(
        "Matching ID,M-2,M-1\nLookup ID1,M-0002,M-0009\nBeginning Date,6/15/2023,6/1/2023\n{head}\
         Load Profile,SC-2,SC-1\nTerm (Months),12,24\n\
         Energy,{price},40.85\nARR (Credit),(0.51),(0.48)\nTotal Contract Load (kWh),\"1,250,000\",#N/A\n"
    );
    (format!("Matrix_NYISO_20230522_{time}.csv"), text)
}

const MATRIX: &str = "control_area,NYISO,NYISO\n\
     state,NY,NY\n\
     load_zone,ZONE A,ZONE J\n\
     capacity_zone,LHV,NYC\n\
     utility,CONED,CONED\n\
     strip,7x24,7x24\n\
     cost_group,Matrix,Matrix\n\
     cost_component,Matrix,Matrix\n\
     term,24.0,12.0\n\
     beginning_date,2023-06-01 00:00:00+00:00,2023-06-15 00:00:00+00:00\n\
     load_profile,SC-1,SC-2\n\
     ARR (Credit),-0.48,-0.51\n\
     Energy,40.85,41.2\n\
     Total Contract Load (kWh),,1250000.0\n";

#[tokio::test]
async fn a_matrix_has_a_column_an_offer_and_a_file_a_version() {
    let (first, second) = (matrix("080000", "41.20"), matrix("090000", "39"));
    let files = [(&*first.0, first.1), (&*second.0, second.1)];
    let (_server, caller) = with(&files[..1]).await;
    assert_eq!(csv(&caller, "curve=matrix").await, MATRIX);
    assert_eq!(csv(&caller, "curve=matrix&mode=unstandardized").await, MATRIX);
    let names = ["sub_component", "uom", "term", "beginning_date", "value", "missing_reason"];
    let long = records(&caller, "curve=matrix", &names).await;
    assert_eq!(long.len(), 6);
    assert_eq!(
        serde_json::json!(long[4..]),
        serde_json::json!([
            ["Total Contract Load (kWh)", "kWh", 24, "2023-06-01", null, "na"],
            ["Total Contract Load (kWh)", "kWh", 12, "2023-06-15", 1_250_000, null]
        ])
    );
    let (name, text) = &files[1];
    assert_eq!(caller.upload(name, text.clone()).await.status, 201);
    let answer = caller.get("/api/v1/data?curve=matrix&iso=nyiso&version=all").await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/zip");
    let bytes = std::io::Cursor::new(answer.bytes().await.unwrap());
    let mut archive = zip::ZipArchive::new(bytes).unwrap();
    assert_eq!(archive.len(), 3);
    let mut text = String::new();
    let name = archive.by_index(0).unwrap().name().unwrap().into_owned();
    assert!(name.starts_with("matrix_nyiso_all_2023-05-22_all_"), "{name}");
    std::io::Read::read_to_string(&mut archive.by_index(0).unwrap(), &mut text).unwrap();
    assert_eq!(text, MATRIX);
}

#[tokio::test]
async fn a_load_profile_prints_megawatt_hours_by_day_and_hour() {
    let head = labels(",", ["ZONE J", "ZONE A"], "7x24", "Load");
    let text = format!(
        "{head}Customer Type,,Residential,Commercial\n,,,\nDate,HE,ZONE J,ZONE A\n\
         11/5/2023,1,1234.5,0.0312\n11/5/2023,2,1,2\n11/5/2023,25,3,\n"
    );
    let (_server, caller) = with(&[("LoadProfile_NYISO_20231101_080000.csv", text)]).await;
    assert_eq!(
        csv(&caller, "curve=loadprofile").await,
        "Control Area,,,NYISO,NYISO\n\
         State,,,NY,NY\n\
         Load Zone,,,ZONE A,ZONE J\n\
         Capacity Zone,,,LHV,NYC\n\
         Utility,,,CONED,CONED\n\
         Block Type,,,7x24,7x24\n\
         Cost Group,,,Load,Load\n\
         Cost Component,,,Load,Load\n\
         Customer Type,,,Commercial,Residential\n\
         Curve Update Date,Curve Start Month,HE,,\n\
         2023-11-01 08:00:00+00:00,2023-11-05 00:00:00+00:00,1,0.0000312,1.2345\n\
         2023-11-01 08:00:00+00:00,2023-11-05 00:00:00+00:00,2,0.002,0.001\n\
         2023-11-01 08:00:00+00:00,2023-11-05 00:00:00+00:00,25,,0.003\n"
    );
    let names = ["customer_type", "uom", "date", "he", "value", "missing_reason"];
    let long = records(&caller, "curve=loadprofile", &names).await;
    assert_eq!(
        serde_json::json!([long[0], long[4]]),
        serde_json::json!([
            ["Commercial", "MWh", "2023-11-05", 1, 0.000_031_2, null],
            ["Commercial", "MWh", "2023-11-05", 25, null, "empty"]
        ])
    );
}

#[tokio::test]
async fn shaping_is_cut_by_the_month_of_its_days() {
    let head = labels(",", ["ZONE J", "ZONE A"], "5x16", "Shaping");
    let text = format!(
        "{head},,,\nMonth,HE,ZONE J,ZONE A\n5/1/2023,1,0.03,0.5\n5/1/2023,2,1,1\n6/1/2023,1,2,2\n"
    );
    let (_server, caller) = with(&[("Shaping_NYISO_20230522_080000.csv", text)]).await;
    let may = csv(&caller, "curve=shaping&start=2023-05&end=2023-05").await;
    let records: Vec<&str> = may.lines().skip(8).collect();
    assert_eq!(
        records,
        [
            "Curve Update Date,Curve Start Month,HE,,",
            "2023-05-22 08:00:00+00:00,2023-05-01 00:00:00+00:00,1,0.5,0.03",
            "2023-05-22 08:00:00+00:00,2023-05-01 00:00:00+00:00,2,1.0,1.0"
        ]
    );
    let missing = caller.ask("/api/v1/data?curve=shaping&iso=nyiso&start=2023-07").await;
    assert_eq!(missing.outcome(), (404, "no_data"));
}

#[tokio::test]
async fn a_ratio_prints_percent_points_by_month_and_hour() {
    let head = labels(",", ["ZONE J", "ZONE A"], "7x24", "VLR");
    let text = format!("{head},,,\nMonth,HE,ZONE J,ZONE A\n1,1,5.5%,0.051\n12,24,-5%,#N/A\n");
    let (_server, caller) = with(&[("Vlr_NYISO_20230522_080000.csv", text)]).await;
    let wide = csv(&caller, "curve=vlr&start=2030-01").await;
    let records: Vec<&str> = wide.lines().skip(8).collect();
    assert_eq!(
        records,
        [
            "Curve Update Date,Month,HE,,",
            "2023-05-22 08:00:00+00:00,1,1,0.051,5.5",
            "2023-05-22 08:00:00+00:00,12,24,,-5.0"
        ]
    );
    let names = ["month", "he", "uom", "kind", "value"];
    let long = records_of(&caller, "curve=vlr", &names).await;
    assert_eq!(long[1], serde_json::json!([1, 1, "%", "converted", 5.5]));
}

async fn records_of(caller: &Caller, query: &str, names: &[&str]) -> Vec<Value> {
    records(caller, query, names).await.into_iter().map(Value::from).collect()
}

#[tokio::test]
async fn line_losses_are_a_flat_table() {
    let text = "Control Area,State,Load Zone,Capacity Zone,Utility,Block Type,Cost Group,Cost Component,Line Loss Factor\n\
                NYISO,NY,ZONE J,NYC,CONED,7x24,Line Loss,Primary,1.045\n\
                NYISO,NY,ZONE A,LHV,NYSEG,7x24,Line Loss,Secondary,1.06\n";
    let (_server, caller) = with(&[("LineLoss_NYISO_20230522_080000.csv", text.to_owned())]).await;
    let wide = "Curve Update Date,Control Area,State,Load Zone,Capacity Zone,Utility,Block Type,Cost Group,Cost Component,Line Loss Factor\n\
         2023-05-22 08:00:00+00:00,NYISO,NY,ZONE A,LHV,NYSEG,7x24,Line Loss,Secondary,1.06\n\
         2023-05-22 08:00:00+00:00,NYISO,NY,ZONE J,NYC,CONED,7x24,Line Loss,Primary,1.045\n";
    assert_eq!(csv(&caller, "curve=lineloss").await, wide);
    let long = records_of(&caller, "curve=lineloss", &["utility", "measure", "value"]).await;
    assert_eq!(
        long,
        [serde_json::json!(["NYSEG", "value", 1.06]), serde_json::json!(["CONED", "value", 1.045])]
    );
    let report = caller.ask("/api/v1/data/report?curve=lineloss&iso=nyiso&format=csv").await;
    let entry = &report.body["entries"][0];
    assert_eq!((&entry["rows"], &entry["columns"]), (&Value::from(2), &Value::from(10)));
}

#[tokio::test]
async fn totals_that_do_not_agree_are_told_when_stored_and_when_read() {
    let (name, text) = matrix("080000", "41.20");
    let text = text.replace("Total Contract Load (kWh),\"1,250,000\"", "Total Bundled Price,40.73");
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let reply = caller.upload(&name, text).await;
    assert_eq!((reply.status, &reply.body["by_code"]["total_mismatch"]), (201, &Value::from(1)));
    let answer = caller.get("/api/v1/data?curve=matrix&iso=nyiso").await;
    assert_eq!(answer.headers()["x-warnings"], "1");
    let report = caller.ask("/api/v1/data/report?curve=matrix&iso=nyiso").await;
    let warning = &report.body["warnings"][0];
    assert_eq!(warning["code"], "total_mismatch");
    assert_eq!(warning["detail"], "the lines sum to 40.69, the bundled price is 40.73");
}
