//! Files in: the good set and the bad set through HTTP, the twenty-five cases, and what an answer,
//! the log and the annotated copy say.

use std::io::Cursor;

use bytes::Bytes;
use calamine::{Data, Reader as _, Xlsx};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgPool;
use trueprice::auth::Role;

use crate::support::{
    Caller, Reply, TestServer, files, form,
    store::{assert_sound, logged, stored},
};

fn good(name: &str) -> Bytes {
    std::fs::read(files::repository("good_test_data/good").join(name)).unwrap().into()
}

fn bad(name: &str) -> Bytes {
    std::fs::read(files::repository("good_test_data/bad").join(name)).unwrap().into()
}

/// All that is stored but for how it was written: twins are equal in it.
async fn content(pool: &PgPool) -> Vec<(String, String)> {
    sqlx::query_as(
        "select split_part(u.file_name, '.', 1),
                md5(string_agg(concat_ws('|', c.file_column, control_area, state, load_zone, capacity_zone,
                    utility, block_type, cost_group, cost_component, sub_component, unit, customer_type,
                    utility_name, load_profile, matching_id, s.lookup_id, term, beginning_date, v.months::text,
                    v.dates::text, v.month_numbers::text, v.hours::text, v.components::text, v.component_units::text,
                    (select string_agg(coalesce(trim_scale(p)::text, 'null'), ',' order by n)
                     from unnest(c.values) with ordinality as t (p, n))), '/' order by c.file_column, s.digest))
         from curve_version v join upload u on u.id = v.upload_id
         join curve c on c.version_id = v.id join series s on s.id = c.series_id
         group by u.file_name order by 1",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

/// Warnings of a file after the files before it.
fn warnings_in_order(entry: &Value) -> Value {
    let mut warnings = entry["warnings"].clone();
    let change = &entry["in_order"];
    for code in ["series_added", "series_removed"] {
        if change[code].as_u64().is_some_and(|number| number > 0) {
            warnings[code] = json!(1);
        }
    }
    for code in ["scale_jump", "value_jump"] {
        if change[code].as_u64().is_some_and(|number| number > 0) {
            warnings[code] = change[code].clone();
        }
    }
    if change["unchanged_content"] == true {
        warnings["unchanged_content"] = json!(1);
    }
    warnings
}

/// Tries and then uploads every good file of one form, in its order.
async fn assert_good(server: &TestServer, extension: &str) {
    let expected = files::json("good_test_data/expected.json");
    let caller = server.caller(Role::ReadWrite).await;
    let mut wrong = Vec::new();
    for stem in expected["order"].as_array().unwrap() {
        let name = format!("{}.{extension}", stem.as_str().unwrap());
        let entry = &expected["files"][&name];
        let file = [(name.as_str(), good(&name))];
        let tried = caller.send("/api/v1/uploads?dry_run=true", &file).await;
        let reply = caller.send("/api/v1/uploads", &file).await;
        let found = json!({"status": reply.status, "code": reply.code(), "stats": reply.body["stats"],
            "warnings": reply.body["by_code"], "tried": [tried.status, tried.code()],
            "changed": tried.body["diff"]["changed"]});
        let changed = entry["in_order"].get("changed").cloned().unwrap_or(json!(0));
        let wanted = json!({"status": 201, "code": entry["code"], "stats": entry["stats"],
            "warnings": warnings_in_order(entry), "tried": [200, entry["code"]], "changed": changed});
        if found != wanted {
            wrong.push(format!("{name}\n  found  {found}\n  wanted {wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_sound(&server.app.pool, &server.app.documents).await;
}

#[tokio::test]
async fn every_good_file_in_order_and_its_twin_store_the_same() {
    let (first, second) = (TestServer::start().await, TestServer::start().await);
    tokio::join!(assert_good(&first, "csv"), assert_good(&second, "xlsx"));
    let (csv, xlsx) = (content(&first.app.pool).await, content(&second.app.pool).await);
    let order = &files::json("good_test_data/expected.json")["order"];
    assert_eq!(csv.len(), order.as_array().unwrap().len());
    assert_eq!(csv, xlsx);
}

#[tokio::test]
async fn good_archives_are_taken_in_by_dataset_and_timestamp() {
    let expected = files::json("good_test_data/expected.json");
    for (name, wanted) in expected["archives"].as_object().unwrap() {
        let server = TestServer::start().await;
        let caller = server.caller(Role::ReadWrite).await;
        let reply = caller.upload(name, good(name)).await;
        assert_eq!(reply.status, 207);
        let (skipped, taken): (Vec<_>, Vec<_>) =
            reply.results().into_iter().partition(|result| result.2 == "skipped");
        let taken: Vec<Value> = taken
            .iter()
            .map(|(file, status, code)| json!({"file": file, "status": status, "code": code}))
            .collect();
        assert_eq!(json!(taken), wanted["results"], "{name}");
        let mut skipped: Vec<&str> = skipped.iter().map(|result| result.0).collect();
        skipped.sort_unstable();
        let mut leftovers: Vec<&str> =
            wanted["skipped"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
        leftovers.sort_unstable();
        assert_eq!(skipped, leftovers, "{name}");
        assert_sound(&server.app.pool, &server.app.documents).await;
    }
}

fn is_open(case: &Value, member: &str) -> bool {
    case["open"].as_array().is_some_and(|open| open.contains(&json!(member)))
}

/// What is wrong with an answer, if anything.
fn differs(case: &Value, reply: &Reply) -> Option<String> {
    let first = &reply.body["errors"][0];
    let mut found = json!({"status": reply.status, "code": reply.body["code"], "cell": first["cell"],
        "row": first["row"], "column": first["column"]});
    let mut wanted = json!({});
    for member in ["status", "code", "cell", "row", "column"] {
        if is_open(case, member) {
            found.as_object_mut().unwrap().remove(member);
        } else {
            wanted[member] = case[member].clone();
        }
    }
    if let Some(part) = case.get("part") {
        (found["part"], wanted["part"]) = (reply.body["part"].clone(), part.clone());
    }
    if let Some(errors) = case["by_code"].as_object() {
        wanted["by_code"] = json!(errors);
        let counts = reply.body["by_code"].as_object().unwrap();
        let mut errors_found = counts.clone();
        errors_found.retain(|code, _| errors.contains_key(code));
        found["by_code"] = json!(errors_found);
    }
    if let Some(offset) = case["offset"].as_u64() {
        wanted["offset"] = json!(true);
        let message = first["message"].as_str().unwrap_or_default();
        found["offset"] = json!(message.split_whitespace().any(|word| word == offset.to_string()));
    }
    (found != wanted)
        .then(|| format!("{case}\n  found  {found}\n  wanted {wanted}\n  {}", reply.body))
}

/// The log names the refused file and its document is kept.
async fn assert_logged(caller: &Caller, reply: &Value, name: &str, bytes: &Bytes) {
    let id =
        reply["upload_id"].as_str().unwrap_or_else(|| panic!("{name} is not in the log: {reply}"));
    let report = caller.ask(&format!("/api/v1/uploads/{id}")).await;
    assert_eq!((report.status, &report.body["code"]), (200, &reply["code"]), "{name}");
    let document = caller.get(&format!("/api/v1/uploads/{id}/document")).await;
    assert_eq!(document.status(), 200, "{name}");
    assert_eq!(document.bytes().await.unwrap(), *bytes, "{name}");
}

async fn try_bad(server: &TestServer, caller: &Caller, case: &Value) -> Option<String> {
    let text = |member: &str| case[member].as_str().unwrap();
    let pool = &server.app.pool;
    for file in case["setup"].as_array().into_iter().flatten() {
        let name = file.as_str().unwrap().strip_prefix("good/").unwrap();
        assert_eq!(caller.upload(name, good(name)).await.status, 201, "{name}");
    }
    let (before, entries) = (stored(pool).await, logged(pool).await);
    let (name, bytes) = (text("upload_as"), bad(text("file")));
    let reply = caller.upload(name, bytes.clone()).await;
    if case["status"] == 207 {
        let mut found: Vec<Value> = reply
            .results()
            .iter()
            .map(|(file, status, code)| json!({"file": file, "status": status, "code": code}))
            .collect();
        let mut wanted = case["results"].as_array().unwrap().clone();
        found.sort_by_key(Value::to_string);
        wanted.sort_by_key(Value::to_string);
        assert!(
            reply.body["results"].as_array().unwrap().iter().all(|r| r["upload_id"].is_string())
        );
        assert_eq!(logged(pool).await, entries + i64::try_from(wanted.len()).unwrap());
        return (found != wanted).then(|| format!("{case}\n  found {found:?}"));
    }
    assert_eq!(stored(pool).await, before, "{case}");
    assert_eq!(logged(pool).await, entries + 1, "{case}: {}", reply.body);
    assert_logged(caller, &reply.body, name, &bytes).await;
    differs(case, &reply)
}

#[tokio::test]
async fn every_bad_file_is_refused_at_its_cell_and_leaves_nothing_but_its_entry() {
    let expected = files::json("good_test_data/bad/expected.json");
    let shared = TestServer::start().await;
    let caller = shared.caller(Role::ReadWrite).await;
    let mut wrong = Vec::new();
    for case in expected["cases"].as_array().unwrap() {
        if case.get("setup").is_none() && case["status"] != 207 {
            wrong.extend(try_bad(&shared, &caller, case).await);
            continue;
        }
        let server = TestServer::start().await;
        let caller = server.caller(Role::ReadWrite).await;
        wrong.extend(try_bad(&server, &caller, case).await);
        assert_sound(&server.app.pool, &server.app.documents).await;
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_sound(&shared.app.pool, &shared.app.documents).await;
}

/// A small good file.
const SMALL: &str = "\
Control Area,ERCOT,ERCOT
State,TX,TX
Load Zone,NORTH,HOUSTON
Capacity Zone,NORTH,HOUSTON
Utility,ALL,ALL
Block Type,7x24,7x24
Cost Group,Ancillaries,Ancillaries
Cost Component,Adder,Adder
,,
Date,Adder,Adder
1/1/2024,1.5,20
2/1/2024,1.6,30
";

fn small(from: &str, to: &str) -> Vec<u8> {
    assert!(SMALL.contains(from), "{from}");
    SMALL.replacen(from, to, 1).into_bytes()
}

/// The twenty-five cases of section 11. Where `bad/` has the case it is tried there, by the test
/// above; where a version decides, in `versions.rs`. Here is what they leave: the accepting side, and
/// the forms that the files do not have.
///
/// | case | where |
/// | --- | --- |
/// | 1, 2, 3, 5, 6 | `bad/name.csv` under bad names; here the accepted spellings of case 5 |
/// | 4, 7, 10, 14, 18, 20 | `bad/` |
/// | 8, 9, 11, 12, 13, 15, 16, 17, 24 | refusals in `bad/`, the accepting side here |
/// | 19, 21, 22, 23 | here |
/// | 25 | `versions.rs`, `breaking.rs` |
fn cases() -> Vec<(u8, Vec<u8>, &'static str, Value)> {
    let mut bom = b"\xEF\xBB\xBF".to_vec();
    bom.extend_from_slice(SMALL.as_bytes());
    let value = |text: &str| small("1.5", text);
    let mut cp1252 = small("ALL", "CAF#");
    let mark = cp1252.iter().position(|byte| *byte == b'#').unwrap();
    cp1252[mark] = 0xC9;
    let none = || json!({});
    vec![
        (8, bom, "created", none()),
        (8, cp1252, "created", json!({"encoding_cp1252": 1})),
        (9, small(",,\n", ""), "created", none()),
        (9, small(",,\n", "\n"), "created", none()),
        (9, small(",,\n", "\n,,,,,\n\n , \n,,\n"), "created", none()),
        (11, small("Block Type", " bLOCK  type "), "created", none()),
        (12, small("State,TX", "State,0"), "created", json!({"suspicious_label": 1})),
        (13, b"".to_vec(), "no_data", json!({"no_data": 1})),
        (
            15,
            small("HOUSTON\nCapacity Zone,NORTH,HOUSTON", "NORTH\nCapacity Zone,NORTH,NORTH"),
            "duplicate_series",
            json!({"duplicate_series": 1}),
        ),
        (15, same_labels_in_two_units(), "created", none()),
        (16, small("2/1/2024", "3/1/2024"), "created", json!({"month_gap": 1})),
        (
            17,
            small("1/1/2024,1.5,20\n2/1/2024", "2024-01-01,1.5,20\n2024-02-01"),
            "created",
            none(),
        ),
        (17, small("1/1/2024,1.5,20\n2/1/2024", "Jan-24,1.5,20\nFeb-24"), "created", none()),
        (17, small("1/1/2024,1.5,20\n2/1/2024", "1/1/24,1.5,20\n2/1/24"), "created", none()),
        (19, value("#N/A"), "created", none()),
        (19, value(""), "created", none()),
        (19, value(" "), "created", none()),
        (22, value("12.50%"), "created", json!({"mixed_units": 1})),
        (22, value("1239425200%"), "created", json!({"mixed_units": 1})),
        (23, value("inf"), "not_finite", json!({"not_finite": 1})),
        (23, value("1000000000000"), "out_of_range", json!({"out_of_range": 1})),
        (24, SMALL.replace('\n', "\r").into_bytes(), "created", none()),
        (24, SMALL.replace('\n', "\r\n").trim_end().as_bytes().to_vec(), "created", none()),
        (25, small("ALL", "a'); drop table x; --"), "created", none()),
        (25, small("7x24", "7x25"), "unknown_strip", json!({"unknown_strip": 1})),
    ]
}

fn same_labels_in_two_units() -> Vec<u8> {
    let same = SMALL.replace("HOUSTON", "NORTH");
    same.replace("1.5,20", "1.5,20%").replace("1.6,30", "1.6,30%").into_bytes()
}

#[tokio::test]
async fn what_the_twenty_five_cases_accept_is_accepted() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let mut wrong = Vec::new();
    for (place, (case, bytes, code, by_code)) in cases().into_iter().enumerate() {
        // Dry runs, so that none of them is compared with another.
        let reply = caller
            .send(
                "/api/v1/uploads?dry_run=true",
                &[("NonEnergy_ERCOT_20240510_101010.csv", bytes.into())],
            )
            .await;
        if reply.code() != code || reply.body["by_code"] != by_code {
            wrong
                .push(format!("{place}, case {case}: wanted {code} {by_code}, got {}", reply.body));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let accepted = ["NONENERGY_ercot_20240510_101010.CSV", "NonEnergy_ERCOT_20240511_000000.csv"];
    for name in accepted {
        let reply = caller.upload(name, SMALL).await;
        assert_eq!(reply.outcome(), (201, "created"), "{name}: {}", reply.body);
    }
}

/// Case 21: the value of each notation, in every family, as it comes back from the database.
#[tokio::test]
async fn every_notation_is_stored_as_its_exact_value() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let cells = [
        (" -   ", Some("0")),
        ("$ -   ", Some("0")),
        ("(1.50)", Some("-1.5")),
        ("-1.50", Some("-1.5")),
        ("$-1.50", Some("-1.5")),
        ("1.2E-05", Some("0.000012")),
        ("\"1,234.50\"", Some("1234.5")),
        ("15 ", Some("15")),
        ("#N/A", None),
        ("", None),
        ("   ", None),
        ("1239425200%", Some("12394252")),
    ];
    let months =
        cells.iter().enumerate().map(|(n, (cell, _))| format!("{}/1/2024,{cell},1\n", n + 1));
    let text = SMALL.replace("1/1/2024,1.5,20\n2/1/2024,1.6,30\n", &months.collect::<String>());
    for (family, header) in [("Energy", "Month"), ("NonEnergy", "Date"), ("REC", "EY")] {
        let name = format!("{family}_ERCOT_20240110_101010.csv");
        let reply = caller.upload(&name, text.replace("Date,", &format!("{header},"))).await;
        assert_eq!(reply.status, 201, "{name}: {}", reply.body);
        let values: Vec<Option<String>> = sqlx::query_scalar(
            "select trim_scale(p)::text from curve c, unnest(c.values) with ordinality as t (p, n)
             where c.version_id = $1::bigint and c.file_column = 2 order by n",
        )
        .bind(reply.body["version_id"].as_str().unwrap().parse::<i64>().unwrap())
        .fetch_all(&server.app.pool)
        .await
        .unwrap();
        let wanted = cells.map(|(_, value)| value.map(str::to_owned));
        assert_eq!(values, wanted, "{name}");
        let stats = &reply.body["stats"];
        assert_eq!((&stats["dash_zeros"], &stats["missing"]), (&json!(2), &json!(3)));
        assert_eq!(stats["missing_by_reason"], json!({"empty": 1, "blank": 1, "na": 1}));
    }
}

#[tokio::test]
async fn a_label_is_kept_to_the_letter() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let label = "a'); drop table x; --  \u{201c}\u{e9}\u{201d} 100%";
    let reply = caller
        .upload("NonEnergy_ERCOT_20240510_101010.csv", small("ALL", &format!("  {label} ")))
        .await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    let stored: Vec<String> = sqlx::query_scalar(
        "select utility from trueprice.ercot_nonenergy where load_zone = 'NORTH' group by 1",
    )
    .fetch_all(&server.app.pool)
    .await
    .unwrap();
    assert_eq!(stored, [label]);
}

#[tokio::test]
async fn times_one_hundred_against_the_version_before_is_told() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let longer = |text: &str| format!("{text}3/1/2024,1.7,40\n");
    caller.upload("NonEnergy_ERCOT_20240509_101010.csv", longer(SMALL)).await;
    let scaled = small("1.5,20\n2/1/2024,1.6", "150,20\n2/1/2024,160");
    let scaled = longer(&String::from_utf8(scaled).unwrap());
    let reply = caller
        .send(
            "/api/v1/uploads?dry_run=true",
            &[("NonEnergy_ERCOT_20240510_101010.csv", scaled.into())],
        )
        .await;
    assert_eq!(reply.body["by_code"], json!({"scale_jump": 1}), "{}", reply.body);
    let one = longer(&String::from_utf8(small(",20\n", ",2000\n")).unwrap());
    let reply = caller.upload("NonEnergy_ERCOT_20240510_101010.csv", one).await;
    assert_eq!(reply.body["by_code"], json!({"value_jump": 1}), "{}", reply.body);
    let jump = &reply.body["findings"][0];
    assert_eq!((&jump["cell"], &jump["value"]), (&json!("C11"), &json!("2000")));
    assert!(jump["message"].as_str().unwrap().contains("20"), "old and new: {jump}");
}

#[tokio::test]
async fn what_is_no_upload_is_told_what_it_lacks() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let file = [("NonEnergy_ERCOT_20240510_101010.csv", Bytes::from(SMALL))];
    let reply = caller.send("/api/v1/uploads", &[]).await;
    assert_eq!(reply.outcome(), (400, "no_file"));
    let reply = caller.send("/api/v1/uploads", &[("", Bytes::new())]).await;
    assert_eq!(reply.outcome(), (400, "no_file"), "as a browser sends an empty choice");
    let reply = caller.send("/api/v1/uploads?dryrun=true", &file).await;
    assert_eq!(reply.outcome(), (400, "unknown_parameter"));
    assert!(reply.body["detail"].as_str().unwrap().contains("dry_run"), "{}", reply.body);
    let reply = caller.send("/api/v1/uploads?dry_run=perhaps", &file).await;
    assert_eq!(reply.outcome(), (400, "bad_parameter"));
    let named_otherwise =
        caller.form("/api/v1/uploads", form("files", &file)).send().await.unwrap();
    let reply = Reply::of(named_otherwise).await;
    assert_eq!(reply.outcome(), (400, "unknown_parameter"));
    let no_form =
        caller.request(Method::POST, "/api/v1/uploads").json(&json!({})).send().await.unwrap();
    assert_eq!(no_form.status(), 415);
    let reader = server.caller(Role::ReadOnly).await;
    assert_eq!(reader.send("/api/v1/uploads", &file).await.outcome(), (403, "forbidden"));
    assert_eq!(server.anonymous().send("/api/v1/uploads", &file).await.status, 401);
    assert_eq!((logged(&server.app.pool).await, stored(&server.app.pool).await.versions), (0, 0));
}

#[tokio::test]
async fn several_files_of_one_request_are_independent() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let files = [
        ("NonEnergy_ERCOT_20240511_101010.csv", Bytes::from(SMALL)),
        ("NonEnergy_ERCOT_20240510_101010.csv", small("1.5", "TBD").into()),
        ("NonEnergy_ERCOT_20240509_101010.csv", Bytes::from(SMALL)),
        ("readme.txt", Bytes::from("hello")),
    ];
    let reply = caller.send("/api/v1/uploads", &files).await;
    assert_eq!(reply.status, 207);
    let wanted = [
        ("NonEnergy_ERCOT_20240509_101010.csv", 201, "created"),
        ("NonEnergy_ERCOT_20240510_101010.csv", 422, "not_a_number"),
        ("NonEnergy_ERCOT_20240511_101010.csv", 201, "created"),
        ("readme.txt", 400, "bad_filename"),
    ];
    assert_eq!(reply.results(), wanted);
    assert_eq!(logged(&server.app.pool).await, 4);
}

#[tokio::test]
async fn a_dry_run_stores_nothing_but_its_entry() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let before = stored(&server.app.pool).await;
    let file = [("NonEnergy_ERCOT_20240510_101010.csv", Bytes::from(SMALL))];
    let reply = caller.send("/api/v1/uploads?dry_run=true", &file).await;
    assert_eq!(reply.outcome(), (200, "created"));
    assert_eq!((&reply.body["dry_run"], &reply.body["version_id"]), (&json!(true), &Value::Null));
    assert_eq!(reply.body["diff"]["against"], Value::Null);
    assert_eq!(stored(&server.app.pool).await, before);
    let entries = caller.ask("/api/v1/uploads").await.body;
    assert_eq!(entries["items"][0]["dry_run"], true);
    assert_eq!(caller.send("/api/v1/uploads", &file).await.outcome(), (201, "created"));
}

#[tokio::test]
async fn the_annotated_copy_is_for_the_uploader_and_administrators() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let bytes = small("1.5,20", "TBD,=1+1");
    let reply = caller.upload("NonEnergy_ERCOT_20240510_101010.csv", bytes).await;
    assert_eq!(reply.outcome(), (422, "not_a_number"));
    let path = format!("/api/v1/uploads/{}/report", reply.body["upload_id"].as_str().unwrap());
    let csv = caller.get(&path).await;
    assert_eq!(csv.headers()["content-type"], "text/csv; charset=utf-8");
    assert_annotated(&csv.text().await.unwrap());
    let xlsx = caller.get(&format!("{path}?format=xlsx")).await.bytes().await.unwrap();
    let mut book = Xlsx::new(Cursor::new(xlsx)).unwrap();
    assert_eq!(book.sheet_names().len(), 2);
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    assert_eq!(sheet.get_value((10, 1)), Some(&Data::String("TBD".into())));
    assert_eq!(sheet.get_value((10, 2)), Some(&Data::String("=1+1".into())), "text, no formula");
    assert_eq!(sheet.get_value((0, 3)), Some(&Data::String("error".into())));
    assert_eq!(book.worksheet_range("findings").unwrap().height(), 3, "a head and two findings");
    let admin = server.caller(Role::Admin).await;
    assert_eq!(admin.get(&path).await.status(), 200);
    let other = server.caller(Role::ReadWrite).await;
    for path in [path.clone(), path.replace("/report", "/document")] {
        assert_eq!(other.ask(&path).await.outcome(), (404, "not_found"));
        assert_eq!(server.anonymous().get(&path).await.status(), 401);
    }
    assert_eq!(caller.ask(&format!("{path}?format=pdf")).await.outcome(), (400, "bad_parameter"));
}

/// Every cell as it came, and one more column.
fn assert_annotated(copy: &str) {
    let sent = String::from_utf8(small("1.5,20", "TBD,=1+1")).unwrap();
    for (row, (copied, sent)) in copy.lines().zip(sent.lines()).enumerate() {
        let added = copied
            .strip_prefix(sent)
            .unwrap_or_else(|| panic!("{copied}"))
            .trim_matches([',', '"']);
        match row {
            0 => assert_eq!(added, "error"),
            10 => {
                assert_eq!(added.matches("error not_a_number: ").count(), 2, "{added}");
                assert!(added.contains(" | "), "{added}");
            }
            _ => assert_eq!(added, ""),
        }
    }
}

#[tokio::test]
async fn scripts_get_their_flags_with_honest_statuses() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let name = "NonEnergy_ERCOT_20240510_101010.csv";
    for (bytes, status, code, flag) in [
        (small("1.5", "TBD"), 422, "not_a_number", "error"),
        (SMALL.into(), 201, "created", "success"),
        (SMALL.into(), 200, "already_stored", "success"),
        (small("1.5", "1.7"), 409, "version_conflict", "error"),
    ] {
        let reply = caller.send("/upload_csv", &[(name, bytes.into())]).await;
        assert_eq!(reply.outcome(), (status, code));
        assert_eq!(reply.body["message_flag"], flag);
        assert!(reply.body["message_toast"].as_str().unwrap().contains(name), "{}", reply.body);
    }
    let reply = caller.send("/upload_csv", &[]).await;
    assert_eq!((reply.outcome(), &reply.body["message_flag"]), ((400, "no_file"), &json!("error")));
}

#[tokio::test]
async fn all_findings_are_counted_and_a_hundred_shown() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let rows: Vec<String> =
        (0..150).map(|n| format!("{}/1/{},x,1\n", n % 12 + 1, 2010 + n / 12)).collect();
    let rows = rows.concat();
    let text = SMALL.replace("1/1/2024,1.5,20\n2/1/2024,1.6,30\n", &rows);
    let reply = caller.upload("NonEnergy_ERCOT_20240510_101010.csv", text).await;
    assert_eq!(reply.outcome(), (422, "not_a_number"));
    assert_eq!(reply.body["errors"].as_array().unwrap().len(), 100);
    assert_eq!(
        (&reply.body["counts"]["error"], &reply.body["truncated"]),
        (&json!(150), &json!(true))
    );
    let path = format!("/api/v1/uploads/{}/report", reply.body["upload_id"].as_str().unwrap());
    let copy = caller.get(&path).await.text().await.unwrap();
    assert_eq!(copy.matches("error not_a_number").count(), 150, "the copy has all of them");
}
