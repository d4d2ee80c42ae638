//! Parquet: typed columns, exact values, groups of bounded size, the same rows as everywhere.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta};
use parquet::{
    data_type::Decimal as Stored,
    file::{
        metadata::RowGroupMetaData, reader::FileReader as _,
        serialized_reader::SerializedFileReader,
    },
    record::{Field, Row},
};
use reqwest::{StatusCode, header};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use trueprice::auth::Role;

use crate::{
    downloads_stored::{at, column, months, small, store},
    support::{Caller, TestServer, files},
};

const QUERY: &str = "/api/v1/data?curve=energy&iso=ercot&mode=unstandardized&version=all";

struct Downloads {
    server: TestServer,
    caller: Caller,
}

impl Downloads {
    async fn start() -> Self {
        let adjust = |config: &mut trueprice::config::Config| {
            config.downloads.disclaimer = Some("No \"advice\"".to_owned());
        };
        let server = TestServer::start_with(adjust, None).await;
        let caller = server.caller(Role::ReadOnly).await;
        Self { server, caller }
    }

    /// Two versions with every kind of value, gaps among them.
    async fn of_a_day() -> Self {
        let downloads = Self::start().await;
        let mut first = small(at(3, 4, 9, 30), at(3, 4, 9, 31), false);
        first.months = months(3);
        first.columns = vec![
            column("Zb", "7x8", &["10", "-0.000000000000001", ""]),
            column("=SUM(A1), \"x\"", "5X16", &["0", "-4", "999999999999.999999999999999"]),
        ];
        let mut second = small(at(3, 4, 16, 0), at(3, 4, 16, 1), true);
        second.columns = vec![column("Zb", "7x8", &["5"])];
        store(&downloads.server.app.pool, &first).await;
        store(&downloads.server.app.pool, &second).await;
        downloads
    }

    async fn bytes(&self, path: &str) -> Bytes {
        let answer = self.caller.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.bytes().await.unwrap()
    }
}

/// A cell as the line formats write it.
fn json_of(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(flag) => json!(flag),
        Field::Int(number) => json!(number),
        Field::Str(text) => json!(text),
        Field::Date(days) => {
            json!(NaiveDate::default() + TimeDelta::days(i64::from(*days)))
        }
        Field::TimestampMicros(micros) => {
            let instant = DateTime::from_timestamp_micros(*micros).unwrap();
            json!(instant.to_rfc3339_opts(SecondsFormat::Micros, true))
        }
        Field::Decimal(value) => json!(exact(value).to_string()),
        other => panic!("{other:?}"),
    }
}

fn exact(value: &Stored) -> Decimal {
    let unscaled = i128::from_be_bytes(value.data().try_into().unwrap());
    let mut text = format!("{:019}", unscaled.unsigned_abs());
    text.insert(text.len() - 18, '.');
    let sign = if unscaled < 0 { "-" } else { "" };
    format!("{sign}{}", text.trim_end_matches('0')).parse().unwrap()
}

fn flat(row: &Row) -> Map<String, Value> {
    row.get_column_iter().map(|(name, field)| (name.clone(), json_of(field))).collect()
}

/// A line of NDJSON in the same shape.
fn line(text: &str) -> Map<String, Value> {
    #[derive(serde::Deserialize)]
    struct Exact<'a> {
        #[serde(borrow)]
        value: Option<&'a serde_json::value::RawValue>,
    }
    let value: Exact<'_> = serde_json::from_str(text).unwrap();
    let mut record: Map<String, Value> = serde_json::from_str(text).unwrap();
    let Some(Value::Object(dims)) = record.remove("dims") else { panic!("{text}") };
    record.extend(dims);
    let value = value.value.map(|value| value.get().parse::<Decimal>().unwrap().normalize());
    record.insert("value".to_owned(), json!(value.map(|value| value.to_string())));
    for name in ["curve_timestamp", "known_at"] {
        let instant: DateTime<chrono::Utc> = record[name].as_str().unwrap().parse().unwrap();
        record[name] = json!(instant.to_rfc3339_opts(SecondsFormat::Micros, true));
    }
    record
}

#[tokio::test]
async fn every_cell_is_that_of_the_other_formats() {
    let downloads = Downloads::of_a_day().await;
    let lines = downloads.bytes(&format!("{QUERY}&format=ndjson")).await;
    let wanted: Vec<_> = std::str::from_utf8(&lines).unwrap().lines().map(line).collect();
    let file = downloads.bytes(&format!("{QUERY}&format=parquet")).await;
    let reader = SerializedFileReader::new(file).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(|row| flat(&row.unwrap())).collect();
    assert_eq!(rows.len(), 7);
    assert_eq!(rows, wanted);
    assert!(rows.iter().any(|row| row["value"] == "999999999999.999999999999999"));
    assert!(rows.iter().any(|row| row["value"].is_null() && row["missing_reason"] == "empty"));
}

/// The entries of an archive by name, without the extension.
fn entries(archive: Bytes) -> BTreeMap<String, Bytes> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    let mut entries = BTreeMap::new();
    for place in 0..archive.len() {
        let mut entry = archive.by_index(place).unwrap();
        let name = entry.name().unwrap().rsplit_once('.').unwrap().0.to_owned();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        entries.insert(name, bytes.into());
    }
    entries.remove("manifest");
    entries
}

#[tokio::test]
async fn every_curve_type_reads_as_its_lines_do() {
    let downloads = Downloads::start().await;
    let uploader = downloads.server.caller(Role::ReadWrite).await;
    let name = "all_families.zip";
    let bytes = std::fs::read(files::repository("good_test_data/good").join(name)).unwrap();
    uploader.send("/api/v1/uploads", &[(name, bytes.into())]).await;
    let all = "/api/v1/data?curve=all&iso=all&strip=all";
    let lines = entries(downloads.bytes(&format!("{all}&format=ndjson")).await);
    let files = entries(downloads.bytes(&format!("{all}&format=parquet")).await);
    assert!(files.len() > 10 && files.keys().eq(lines.keys()));
    for (name, file) in files {
        let wanted = std::str::from_utf8(&lines[&name]).unwrap().lines().map(line);
        let reader = SerializedFileReader::new(file).unwrap();
        let rows = reader.get_row_iter(None).unwrap().map(|row| flat(&row.unwrap()));
        assert!(rows.eq(wanted), "{name}");
    }
}

#[tokio::test]
async fn columns_are_typed_and_the_file_says_what_it_is() {
    let downloads = Downloads::of_a_day().await;
    let answer = downloads.caller.get(&format!("{QUERY}&format=parquet")).await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/vnd.apache.parquet");
    let name = "attachment; filename=\"energy_ercot_unstandardized_2020-03-04_all.parquet\"";
    assert_eq!(answer.headers()[header::CONTENT_DISPOSITION], name);
    assert!(!answer.headers()[header::ETAG].to_str().unwrap().starts_with("W/"));
    let file = answer.bytes().await.unwrap();
    let again = downloads.bytes(&format!("{QUERY}&format=parquet")).await;
    assert_eq!(file, again);
    let reader = SerializedFileReader::new(file).unwrap();
    let meta = reader.metadata().file_metadata();
    let mut schema = Vec::new();
    parquet::schema::printer::print_schema(&mut schema, meta.schema());
    let schema = String::from_utf8(schema).unwrap();
    for column in [
        "OPTIONAL BYTE_ARRAY curve (STRING);",
        "OPTIONAL INT64 curve_timestamp (TIMESTAMP(MICROS,true));",
        "OPTIONAL INT32 operating_day (DATE);",
        "OPTIONAL BOOLEAN cob;",
        "OPTIONAL INT32 contract_month (DATE);",
        "OPTIONAL INT32 he;",
        "OPTIONAL FIXED_LEN_BYTE_ARRAY (16) value (DECIMAL(38,18));",
    ] {
        assert!(schema.contains(column), "{column} is not in {schema}");
    }
    let facts = meta.key_value_metadata().unwrap();
    let fact = |name: &str| facts.iter().find(|fact| fact.key == name)?.value.clone();
    assert_eq!(fact("disclaimer").as_deref(), Some("No \"advice\""));
    let request: Value = serde_json::from_str(&fact("request").unwrap()).unwrap();
    assert_eq!((&request["version"], &request["format"]), (&json!("all"), &json!("parquet")));
}

#[tokio::test]
async fn a_long_range_comes_in_groups() {
    let downloads = Downloads::start().await;
    let mut version = small(at(3, 4, 9, 30), at(3, 4, 9, 31), false);
    version.months = months(700);
    let prices: Vec<String> = (0..700).map(|price| price.to_string()).collect();
    let prices: Vec<&str> = prices.iter().map(String::as_str).collect();
    let zones = (0..100).map(|zone| format!("Z{zone:03}"));
    version.columns = zones.map(|zone| column(&zone, "7x8", &prices)).collect();
    store(&downloads.server.app.pool, &version).await;
    let file = downloads.bytes(&format!("{QUERY}&format=parquet")).await;
    let reader = SerializedFileReader::new(file).unwrap();
    let groups = reader.metadata().row_groups().iter().map(RowGroupMetaData::num_rows);
    assert_eq!(groups.collect::<Vec<_>>(), [32_768, 32_768, 4_464]);
    let sum: Decimal = reader
        .get_row_iter(None)
        .unwrap()
        .map(|row| match row.unwrap().get_column_iter().nth(29) {
            Some((name, Field::Decimal(value))) if name == "value" => exact(value),
            other => panic!("{other:?}"),
        })
        .sum();
    assert_eq!(sum, Decimal::from(100 * 699 * 700 / 2));
}

#[tokio::test]
async fn parquet_may_be_asked_for_by_accept_and_in_archives_but_never_wide() {
    let downloads = Downloads::of_a_day().await;
    let accepting = async |query: &str| {
        let request = downloads.caller.request(reqwest::Method::GET, &format!("{QUERY}{query}"));
        request.header(header::ACCEPT, "application/vnd.apache.parquet").send().await.unwrap()
    };
    let answer = accepting("").await.bytes().await.unwrap();
    assert!(answer.starts_with(b"PAR1") && answer.ends_with(b"PAR1"));
    for query in ["&layout=wide", "&bom=true"] {
        let refused: Value = accepting(query).await.json().await.unwrap();
        assert_eq!(refused["code"], "contradictory_parameters", "{query}");
    }
    let archive = "/api/v1/data?curve=energy&iso=all&mode=unstandardized&format=parquet";
    let bytes = downloads.bytes(archive).await;
    let (_, entry) = entries(bytes).pop_first().unwrap();
    let reader = SerializedFileReader::new(entry).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 1);
}
