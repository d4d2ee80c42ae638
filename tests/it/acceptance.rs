//! The thirteen real files through HTTP, as they came and as typed workbooks, with documents in a
//! folder and in a bucket. Section 12 of the curve file specification, in full.

use std::{collections::BTreeMap, io::Write as _, path::Path};

use bytes::Bytes;
use serde_json::{Value, json};
use sqlx::PgPool;
use trueprice::auth::Role;

use crate::support::{
    Caller, Reply, S3Server, TestServer, files,
    store::{Stored, assert_sound, logged, stored, through_views},
    twin::twin,
};

/// As it stands in the specification: file, header row, rows, columns, points, missing, dashes,
/// percent, money, negative, zero, sum, first and last month.
const TABLE: &str = "
Energy_ERCOT_20230522_082540     13  61 12  732    0   0   0    0   0    0 31720.56             2023-05 2028-05
Energy_ERCOT_20230522_082542_cob 12  61 12  732    0   0   0    0   0    0 31811.91             2023-05 2028-05
Energy_ISONE_20230522_082540     12  61 27 1647    0   0   0    0   0    0 100637.04            2023-05 2028-05
Energy_ISONE_20230522_082542_cob 12  61 27 1647    0   0   0    0   0    0 100839.11            2023-05 2028-05
Energy_MISO_20230522_082540      12  61 12  732    0   0   0    0   0    0 36925.27             2023-05 2028-05
Energy_MISO_20230522_082542_cob  12  61 12  732    0   0   0    0   0    0 40238.86             2023-05 2028-05
NonEnergy_ERCOT_20230419_101010  11 252 24 6048   73   0   0    0 599 3241 4161.23              2010-01 2030-12
NonEnergy_MISO_20230430_101010   11 252 29 7308 1968   0   0    0 188 1767 559352.52            2010-01 2030-12
NonEnergy_NYISO_20230430_101010  11 252 10 2520  732   0   0    0 169   75 1745.25668           2010-01 2030-12
REC_ERCOT_20230506_142300        13 228  7 1596  870   0 238  456   0    0 2826655988.286574663 2012-01 2030-12
REC_ERCOT_20230507_142300        13 228  3  684    0   0   0    0   0    0 433.5876             2012-01 2030-12
REC_NYISO_20230506_142700        13 228  8 1824   12   0 672 1032   0  693 6667.1244            2012-01 2030-12
REC_NYISO_20230507_142300        13 228  8 1824    0 597   0    0   0  717 6541.2               2012-01 2030-12";

/// All versions, current versions, announcements.
const TOTALS: (i64, i64, i64) = (28_026, 24_915, 6);

struct Row<'a> {
    stem: &'a str,
    fields: Vec<&'a str>,
}

fn table() -> Vec<Row<'static>> {
    let row = |line: &'static str| {
        let mut fields = line.split_whitespace();
        Row { stem: fields.next().unwrap(), fields: fields.collect() }
    };
    TABLE.trim().lines().map(row).collect()
}

impl Row<'_> {
    fn number(&self, place: usize) -> usize {
        self.fields[place].parse().unwrap()
    }

    /// `stats` of an answer, but for `min` and `max`, which the table does not tell.
    fn stats(&self) -> Value {
        let missing = self.number(4);
        let markers =
            self.stem.starts_with("NonEnergy_MISO") || self.stem.starts_with("NonEnergy_NYISO");
        let (empty, na) = if markers { (0, missing) } else { (missing, 0) };
        json!({
            "rows": self.number(1), "columns": self.number(2), "points": self.number(3), "missing": missing,
            "missing_by_reason": {"empty": empty, "blank": 0, "na": na}, "dash_zeros": self.number(5),
            "percent_cells": self.number(6), "money_cells": self.number(7), "negatives": self.number(8),
            "zeros": self.number(9), "sum": self.fields[10], "months": self.number(1),
            "first_month": self.fields[11], "last_month": self.fields[12],
        })
    }

    fn code(&self) -> &'static str {
        if self.stem.ends_with("_cob") { "superseded" } else { "created" }
    }

    /// Warnings by code, in an empty store, files in name order.
    fn warnings(&self) -> Value {
        match self.stem {
            "Energy_MISO_20230522_082542_cob" => json!({"out_of_band": 1, "value_jump": 1}),
            "REC_ERCOT_20230506_142300" => json!({"unit_conflict": 1}),
            "REC_ERCOT_20230507_142300" | "REC_NYISO_20230507_142300" => {
                json!({"series_added": 1, "series_removed": 1})
            }
            _ => json!({}),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Csv,
    Xlsx,
}

/// Name and bytes of each file in name order.
fn real(folder: &Path, form: Form) -> Vec<(String, Bytes)> {
    let file = |row: &Row<'_>| {
        let bytes = std::fs::read(folder.join(format!("{}.csv", row.stem))).unwrap();
        match form {
            Form::Csv => (format!("{}.csv", row.stem), bytes.into()),
            Form::Xlsx => (format!("{}.xlsx", row.stem), twin(&bytes).into()),
        }
    };
    table().iter().map(file).collect()
}

fn without_range(stats: &Value) -> Value {
    let mut stats = stats.clone();
    stats.as_object_mut().unwrap().retain(|name, _| name != "min" && name != "max");
    stats
}

fn assert_report(row: &Row<'_>, report: &Value) {
    let stem = row.stem;
    assert_eq!(report["code"], row.code(), "{stem}: {report}");
    assert_eq!(without_range(&report["stats"]), row.stats(), "{stem}");
    assert_eq!(report["by_code"], row.warnings(), "{stem}: {}", report["findings"]);
    let findings = report["findings"].as_array().unwrap();
    let find = |code: &str| findings.iter().find(|finding| finding["code"] == code);
    match stem {
        "Energy_MISO_20230522_082542_cob" => {
            for code in ["out_of_band", "value_jump"] {
                assert_eq!(find(code).unwrap()["cell"], "B13");
            }
        }
        "REC_ERCOT_20230506_142300" => assert_eq!(find("unit_conflict").unwrap()["column"], 8),
        "REC_ERCOT_20230507_142300" => assert_added_and_removed(find, "3", "7"),
        "REC_NYISO_20230507_142300" => assert_added_and_removed(find, "8", "8"),
        _ => {}
    }
}

fn assert_added_and_removed<'a>(
    find: impl Fn(&str) -> Option<&'a Value>,
    added: &str,
    removed: &str,
) {
    for (code, number) in [("series_added", added), ("series_removed", removed)] {
        let message = find(code).unwrap()["message"].as_str().unwrap();
        assert!(message.split_whitespace().any(|word| word == number), "{message}");
    }
}

async fn assert_totals(pool: &PgPool, (all, current, events): (i64, i64, i64)) -> Stored {
    let found = stored(pool).await;
    assert_eq!((found.points, found.current_points, found.events), (all, current, events));
    let (points, _) = through_views(pool, "").await;
    assert_eq!(points, current);
    let (points, _) = through_views(pool, "_history").await;
    assert_eq!(points, all - current);
    found
}

/// The exact sum that the database finds in each version, by its file's name without extension.
async fn sums(pool: &PgPool) -> BTreeMap<String, String> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "select split_part(u.file_name, '.', 1), trim_scale(sum(p.value))::text
         from curve_version v join upload u on u.id = v.upload_id
         join curve c on c.version_id = v.id cross join unnest(c.values) as p (value)
         group by u.file_name",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    rows.into_iter().collect()
}

/// In name order into an empty store; then all of it again.
async fn assert_accepted(server: &TestServer, form: Form) {
    let Some(folder) = files::real_curves() else { return };
    let pool = &server.app.pool;
    let caller = server.caller(Role::ReadWrite).await;
    let files = real(&folder, form);
    for (row, (name, bytes)) in table().iter().zip(&files) {
        let reply = caller.upload(name, bytes.clone()).await;
        assert_eq!(reply.status, 201, "{name}: {}", reply.body);
        assert_report(row, &reply.body);
    }
    let before = assert_totals(pool, TOTALS).await;
    let sums = sums(pool).await;
    for row in table() {
        assert_eq!(sums[row.stem], row.fields[10], "{}", row.stem);
    }
    assert_sound(pool, &server.app.documents).await;
    for (name, bytes) in &files {
        let reply = caller.upload(name, bytes.clone()).await;
        assert_eq!(reply.outcome(), (200, "already_stored"), "{name}: {}", reply.body);
        assert!(reply.body["version_id"].is_string());
    }
    assert_eq!(stored(pool).await, before);
    assert_eq!(logged(pool).await, 26);
    assert_sound(pool, &server.app.documents).await;
}

#[tokio::test]
async fn the_real_files_with_documents_in_a_folder() {
    assert_accepted(&TestServer::start().await, Form::Csv).await;
}

#[tokio::test]
async fn their_workbooks_with_documents_in_a_folder() {
    assert_accepted(&TestServer::start().await, Form::Xlsx).await;
}

#[tokio::test]
async fn the_real_files_with_documents_in_a_bucket() {
    let s3 = S3Server::start().await;
    assert_accepted(&TestServer::start_on(&s3).await, Form::Csv).await;
}

#[tokio::test]
async fn their_workbooks_with_documents_in_a_bucket() {
    let s3 = S3Server::start().await;
    assert_accepted(&TestServer::start_on(&s3).await, Form::Xlsx).await;
}

#[tokio::test]
async fn in_reverse_order_the_plain_energy_files_meet_a_closed_day() {
    let Some(folder) = files::real_curves() else { return };
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    for (name, bytes) in real(&folder, Form::Csv).into_iter().rev() {
        let expected = match name.starts_with("Energy_") && !name.contains("_cob") {
            true => (409, "day_closed_by_cob"),
            false => (201, "created"),
        };
        let reply = caller.upload(&name, bytes).await;
        assert_eq!(reply.outcome(), expected, "{name}: {}", reply.body);
    }
    assert_totals(&server.app.pool, (24_915, 24_915, 3)).await;
    assert_sound(&server.app.pool, &server.app.documents).await;
}

#[tokio::test]
async fn one_archive_of_all_is_as_good_as_one_after_the_other() {
    let Some(folder) = files::real_curves() else { return };
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    // What counts is the order of datasets and timestamps, not that of the archive.
    for (name, bytes) in real(&folder, Form::Csv).into_iter().rev() {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&bytes).unwrap();
    }
    let reply = caller.upload("morning.zip", archive.finish().unwrap().into_inner()).await;
    assert_eq!(reply.status, 207);
    for (row, result) in table().iter().zip(reply.body["results"].as_array().unwrap()) {
        assert_eq!(result["file"], format!("{}.csv", row.stem));
        assert_eq!(result["status"], 201);
        assert_report(row, result);
    }
    assert_totals(&server.app.pool, TOTALS).await;
    assert_sound(&server.app.pool, &server.app.documents).await;
}

async fn validity(caller: &Caller, reply: &Reply) -> (Value, Value) {
    let id = reply.body["version_id"].as_str().unwrap();
    let version = caller.ask(&format!("/api/v1/versions/{id}")).await.body;
    (version["curve_timestamp"].clone(), version["valid_to"].clone())
}

#[tokio::test]
async fn the_same_bytes_under_a_later_name_supersede_and_say_that_nothing_changed() {
    let Some(folder) = files::real_curves() else { return };
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let (name, bytes) = real(&folder, Form::Csv).remove(0);
    let first = caller.upload(&name, bytes.clone()).await;
    let second = caller.upload("Energy_ERCOT_20230522_082541.csv", bytes).await;
    assert_eq!(second.outcome(), (201, "superseded"));
    assert_eq!(second.body["by_code"], json!({"unchanged_content": 1}));
    assert_eq!(second.body["supersedes"]["version_id"], first.body["version_id"]);
    assert_eq!(validity(&caller, &first).await.1, "2023-05-22T08:25:41Z");
    assert_totals(&server.app.pool, (1464, 732, 2)).await;
    let ends: Vec<(i64, bool)> = sqlx::query_as(
        "select count(*), bool_and(curveend = '2023-05-22 08:25:41+00') from trueprice.ercot_energy_history",
    )
    .fetch_all(&server.app.pool)
    .await
    .unwrap();
    assert_eq!(ends, [(732, true)]);
}

#[tokio::test]
async fn validity_reaches_to_the_next_version_of_the_day() {
    let Some(folder) = files::real_curves() else { return };
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let (_, bytes) = real(&folder, Form::Csv).remove(0);
    let mut replies = Vec::new();
    for hour in ["08", "09", "10"] {
        let name = format!("Energy_ERCOT_20230522_{hour}0000.csv");
        replies.push(caller.upload(&name, bytes.clone()).await);
    }
    let instant = |hour: &str| json!(format!("2023-05-22T{hour}:00:00Z"));
    let expected = [
        (instant("08"), instant("09")),
        (instant("09"), instant("10")),
        (instant("10"), Value::Null),
    ];
    for (reply, expected) in replies.iter().zip(expected) {
        assert_eq!(validity(&caller, reply).await, expected);
    }
}

#[tokio::test]
async fn a_dry_run_of_each_cob_file_finds_the_one_cell_that_differs() {
    let Some(folder) = files::real_curves() else { return };
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let files = real(&folder, Form::Csv);
    for (place, label, old, new) in [
        (0, "NORTH ZONE", "19.76", "111.11"),
        (2, "MAINE", "20.15", "222.22"),
        (4, "AMILCIPS", "19.74", "3333.33"),
    ] {
        let (plain, cob) = (&files[place], &files[place + 1]);
        let plain = caller.upload(&plain.0, plain.1.clone()).await;
        let before = stored(&server.app.pool).await;
        let reply = caller
            .send(
                "/api/v1/uploads?dry_run=true",
                std::slice::from_ref(&(cob.0.as_str(), cob.1.clone())),
            )
            .await;
        assert_eq!(reply.outcome(), (200, "superseded"));
        let diff = &reply.body["diff"];
        assert_eq!(diff["against"], plain.body["version_id"]);
        assert_eq!((&diff["changed"], diff["largest"].as_array().unwrap().len()), (&json!(1), 1));
        let points = plain.body["stats"]["points"].as_u64().unwrap();
        assert_eq!(diff["unchanged"], points - 1);
        let largest = &diff["largest"][0];
        let text = largest["label"].as_str().unwrap();
        assert!(text.contains(label) && text.to_lowercase().contains("7x8"), "{text}");
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert_eq!(text(&largest["month"]), "2023-05");
        assert_eq!(
            (text(&largest["old"]), text(&largest["new"])),
            (old.to_owned(), new.to_owned())
        );
        assert_eq!(stored(&server.app.pool).await, before);
    }
}

#[tokio::test]
async fn single_values_of_the_side_table_are_exact_in_both_forms() {
    let Some(folder) = files::real_curves() else { return };
    for form in [Form::Csv, Form::Xlsx] {
        let server = TestServer::start().await;
        let caller = server.caller(Role::ReadWrite).await;
        let (name, bytes) = real(&folder, form).remove(9);
        assert_eq!(caller.upload(&name, bytes).await.status, 201);
        let values: Vec<(i32, String, String)> = sqlx::query_as(
            "select c.file_column, trim_scale(c.values[1])::text, s.unit
             from curve c join series s on s.id = c.series_id order by c.file_column",
        )
        .fetch_all(&server.app.pool)
        .await
        .unwrap();
        let expected = [
            (2, "0.04", "$/MWh"),
            (3, "0.0499", "%"),
            (4, "0.9", "$/MWh"),
            (6, "2012", "year"),
            (7, "248543619", "MWh"),
            (8, "12394252", "MWh"),
            (9, "0.049867512", "%"),
        ];
        assert_eq!(values, expected.map(|(c, v, u)| (c, v.to_owned(), u.to_owned())), "{name}");
    }
}
