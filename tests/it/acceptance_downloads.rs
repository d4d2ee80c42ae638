//! What the specification of downloads promises, sentence by sentence where no other test holds it:
//! names, headers, refusals, archives, scripts' calls, histories, and sizes beyond the usual.

use bytes::Bytes;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use trueprice::domain::Sha256;

use crate::{
    agreement::{CURVES, csv_records, entries, with_every_dataset},
    support::{Caller, Reply},
};

async fn status_and_bytes(caller: &Caller, path: &str) -> (u16, Bytes) {
    let answer = caller.get(path).await;
    (answer.status().as_u16(), answer.bytes().await.unwrap())
}

async fn bytes(caller: &Caller, path: &str) -> Bytes {
    let (status, bytes) = status_and_bytes(caller, path).await;
    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&bytes));
    bytes
}

/// The named header; empty where there is none.
fn header_of(answer: &reqwest::Response, name: &str) -> String {
    answer.headers().get(name).map_or(String::new(), |value| value.to_str().unwrap().to_owned())
}

/// The parameters that section 6 says a curve type uses, of those tried below.
fn used(curve: &str) -> &'static [&'static str] {
    match curve {
        "energy" | "nonenergy" => &["start", "end", "strip", "mode", "calendar"],
        "rec" | "ptc" | "shaping" => &["start", "end", "strip"],
        "matrix" => &["strip"],
        _ => &[],
    }
}

#[tokio::test]
async fn a_parameter_chooses_where_it_is_used_and_is_named_where_it_is_not() {
    let (_server, caller) = with_every_dataset().await;
    let tried = [
        ("start", "2024-09"),
        ("end", "2024-07"),
        ("strip", "wd"),
        ("mode", "unstandardized"),
        ("calendar", "nerc"),
    ];
    for curve in CURVES {
        let path = format!("/api/v1/data?curve={curve}&iso=pjm");
        let whole = bytes(&caller, &path).await;
        for (name, value) in tried {
            let answer = caller.get(&format!("{path}&{name}={value}")).await;
            let (status, told) = (answer.status(), header_of(&answer, "x-not-applied"));
            let changed = answer.bytes().await.unwrap() != whole;
            if used(curve).contains(&name) {
                assert!(changed && told.is_empty(), "{curve} {name}: {told}");
            } else {
                assert_eq!((status, &*told), (StatusCode::OK, name), "{curve}");
                assert!(!changed, "{curve} {name}");
            }
            let describe = path.replace("data?", "data/report?");
            let report = caller.ask(&format!("{describe}&{name}={value}")).await;
            if report.status == 200 {
                let told = if used(curve).contains(&name) { json!([]) } else { json!([name]) };
                assert_eq!(report.body["not_applied"], told, "{curve} {name}");
            }
        }
        let cob = caller.ask(&format!("{path}&version=cob")).await;
        let refused = (400, "contradictory_parameters");
        assert_eq!(cob.outcome() == refused, curve != "energy", "{curve}: {:?}", cob.outcome());
    }
    // Months and strips that no curve has leave those that use neither.
    let none = "/api/v1/data?curve=all&iso=pjm&start=2099-01&strip=wd&version=cob";
    let (files, manifest) = entries(bytes(&caller, none).await);
    let files: Vec<&str> = files.keys().map(|name| name.split('_').next().unwrap()).collect();
    assert_eq!(files, ["lineloss", "loadprofile", "vlr"]);
    assert_eq!(manifest["warnings"][0]["code"], "selector_replaced");
}

#[tokio::test]
async fn files_are_named_by_what_they_hold() {
    let (_server, caller) = with_every_dataset().await;
    let window = "operating_day=2024-06-03&operating_day_end=2024-06-04";
    let month = "operating_day=2024-06-01&operating_day_end=2024-06-30";
    for (query, name) in [
        ("curve=energy&iso=pjm", "energy_pjm_standardized_2024-06-03.csv"),
        ("curve=energy&iso=pjm&strip=5X16&strip=7x24", "energy_pjm_7x24_5x16_2024-06-03.csv"),
        ("curve=energy&iso=pjm&strip=all&format=json", "energy_pjm_all_2024-06-03.json"),
        (
            "curve=energy&iso=pjm&mode=unstandardized&strip=5x16",
            "energy_pjm_unstandardized_2024-06-03.csv",
        ),
        (
            &format!("curve=energy&iso=ercot&{window}"),
            "energy_ercot_standardized_2024-06-03_2024-06-04.csv",
        ),
        (
            &format!("curve=energy&iso=ercot&version=all&{month}"),
            "energy_ercot_standardized_2024-06-01_2024-06-30_all.csv",
        ),
        (
            "curve=nonenergy&iso=miso&strip=on-peak&strip=wd",
            "nonenergy_miso_wd_on-peak_2024-05-31.csv",
        ),
        ("curve=rec&iso=pjm&strip=7x24&format=ndjson", "rec_pjm_7x24_2024-05-07.ndjson"),
        ("curve=ptc&iso=pjm&format=parquet", "ptc_pjm_all_2024-06-04.parquet"),
        ("curve=matrix&iso=pjm&format=xlsx", "matrix_pjm_all_2024-06-03.xlsx"),
        ("curve=shaping&iso=pjm&strip=all", "shaping_pjm_all_2024-06-03.csv"),
        ("curve=vlr&iso=pjm&version=all", "vlr_pjm_2024-06-03_all.csv"),
        ("curve=loadprofile&iso=pjm&strip=7x24", "loadprofile_pjm_2024-06-03.csv"),
        (&format!("curve=lineloss&iso=pjm&{window}"), "lineloss_pjm_2024-06-03_2024-06-04.csv"),
        ("curve=matrix&iso=isone&version=all", "data.zip"),
        ("curve=lineloss", "data.zip"),
    ] {
        let answer = caller.get(&format!("/api/v1/data?{query}")).await;
        let disposition = header_of(&answer, "content-disposition");
        assert_eq!(disposition, format!("attachment; filename=\"{name}\""), "{query}");
        let report = caller.ask(&format!("/api/v1/data/report?{query}")).await;
        assert_eq!(report.body["file"], name, "{query}");
    }
    let several = "/api/v1/data?curve=matrix&iso=isone&version=all";
    let (_, manifest) = entries(bytes(&caller, several).await);
    for entry in manifest["entries"].as_array().unwrap() {
        let id = entry["versions"][0]["id"].as_str().unwrap();
        assert_eq!(entry["file"], format!("matrix_isone_all_2024-06-03_all_{id}.csv"));
    }
}

#[tokio::test]
async fn headers_say_what_an_answer_is_and_how_long_it_holds() {
    let (_server, caller) = with_every_dataset().await;
    let plain = "/api/v1/data?curve=energy&iso=ercot&strip=5X16";
    let first = caller.get(plain).await;
    let known_at = header_of(&first, "x-known-at");
    let version = caller.ask("/api/v1/versions?curve=energy&iso=ercot&limit=1").await;
    let id = version.body["items"][0]["id"].as_str().unwrap().to_owned();
    for (more, pinned) in [
        (String::new(), false),
        (format!("&as_of={known_at}"), true),
        (format!("&asOf={known_at}"), true),
        (format!("&version_id={id}"), true),
        ("&operating_day=2024-06-03".to_owned(), false),
        ("&format=json".to_owned(), false),
    ] {
        let path = format!("{plain}{more}");
        let got = caller.get(&path).await;
        let tag = header_of(&got, "etag");
        let unmodified = caller.request(Method::GET, &path).header(header::IF_NONE_MATCH, &tag);
        let head = caller.request(Method::HEAD, &path);
        for answer in [unmodified.send().await.unwrap(), head.send().await.unwrap(), got] {
            let has = |name: &str| header_of(&answer, name);
            assert_eq!(has("vary"), "Accept, Authorization, Cookie", "{path}");
            let caching =
                if pinned { "private, max-age=31536000, immutable" } else { "private, no-cache" };
            assert_eq!(has("cache-control"), caching, "{path}");
            assert_eq!(has("last-modified").is_empty(), pinned, "{path}");
            assert_eq!((has("etag"), has("x-warnings")), (tag.clone(), "0".to_owned()), "{path}");
            assert!(has("x-known-at").len() == known_at.len() && has("x-known-at").ends_with('Z'));
            if answer.status() == StatusCode::OK {
                assert_eq!(has("x-content-type-options"), "nosniff", "{path}");
                assert!(has("content-disposition").starts_with("attachment; filename="), "{path}");
            }
            let link = has("link");
            let target = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"describedby\"");
            let described = caller.request(Method::HEAD, target.unwrap()).send().await.unwrap();
            assert_eq!(described.status(), StatusCode::OK);
            assert_eq!(header_of(&described, "x-warnings"), "0");
            let report = caller.ask(target.unwrap()).await;
            assert_eq!((report.status, &report.body["request"]["strip"]), (200, &json!(["5x16"])));
        }
    }
}

#[tokio::test]
async fn accept_decides_and_format_wins() {
    let (_server, caller) = with_every_dataset().await;
    let asked = async |more: &str, accept: &str| {
        let path = format!("/api/v1/data?curve=vlr&iso=pjm{more}");
        let request = caller.request(Method::GET, &path).header(header::ACCEPT, accept);
        let answer = request.send().await.unwrap();
        let media = header_of(&answer, "content-type");
        (answer.status().as_u16(), Reply::of(answer).await.code().to_owned(), media)
    };
    let kinds = [
        ("json", "application/json"),
        ("ndjson", "application/x-ndjson"),
        ("parquet", "application/vnd.apache.parquet"),
    ];
    for (format, media) in kinds {
        assert_eq!(asked("", media).await, (200, String::new(), media.to_owned()));
        for wide in
            [asked("&layout=wide", media), asked(&format!("&layout=wide&format={format}"), "*/*")]
        {
            let (status, code, problem) = wide.await;
            assert_eq!((status, &*code), (400, "contradictory_parameters"), "{format}");
            assert_eq!(problem, "application/problem+json");
        }
        let (status, _, answered) = asked("&format=csv&layout=wide", media).await;
        assert_eq!((status, &*answered), (200, "text/csv; charset=utf-8"));
    }
    let (status, code, _) = asked("", "text/html, image/*").await;
    assert_eq!((status, &*code), (406, "not_acceptable"));
    assert_eq!(asked("&format=csv", "image/png").await.0, 200);
}

#[tokio::test]
async fn an_archive_holds_or_skips_each_combination_and_its_manifest_is_true() {
    let (_server, caller) = with_every_dataset().await;
    for format in ["csv", "csv&layout=long", "xlsx", "ndjson"] {
        let answer = caller.get(&format!("/api/v1/data?curve=all&iso=all&format={format}")).await;
        let known_at = header_of(&answer, "x-known-at");
        assert!(header_of(&answer, "etag").starts_with("W/"));
        let (files, manifest) = entries(answer.bytes().await.unwrap());
        assert_eq!(manifest["known_at"], known_at);
        let mut names: Vec<&String> = manifest.as_object().unwrap().keys().collect();
        names.sort();
        let wanted = [
            "disclaimer",
            "entries",
            "known_at",
            "request",
            "skipped",
            "warning_count",
            "warnings",
        ];
        assert_eq!(names, wanted);
        let combination = |entry: &Value| format!("{} {}", entry["curve"], entry["iso"]);
        let (listed, skipped) =
            (manifest["entries"].as_array().unwrap(), manifest["skipped"].as_array().unwrap());
        let mut seen: Vec<String> = listed.iter().chain(skipped).map(combination).collect();
        seen.sort();
        seen.dedup();
        assert_eq!((seen.len(), listed.len(), skipped.len()), (50, 44, 6));
        for entry in skipped {
            let reason = if entry["curve"] == "rec" { "no_such_dataset" } else { "no_data" };
            assert_eq!(entry["reason"], reason, "{entry}");
        }
        for entry in listed {
            let file = entry["file"].as_str().unwrap();
            let bytes = &files[file.rsplit_once('.').unwrap().0];
            assert_eq!(entry["sha256"], Sha256::of(bytes).to_string(), "{file}");
            assert_eq!(entry["bytes"], bytes.len(), "{file}");
            assert_eq!(entry["versions"].as_array().unwrap().len(), 1, "{file}");
            if format == "csv&layout=long" {
                let records = csv_records(bytes);
                assert_eq!(entry["rows"], records.len() - 1, "{file}");
                assert_eq!(entry["columns"], records[0].len(), "{file}");
            }
        }
    }
}

#[tokio::test]
async fn where_nothing_matches_the_nearest_day_is_named() {
    let (_server, caller) = with_every_dataset().await;
    for curve in CURVES {
        let days = caller.ask(&format!("/api/v1/operating-days?curve={curve}&iso=pjm")).await;
        let days: Vec<&str> = days.body["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["operating_day"].as_str().or(item.as_str()).unwrap())
            .collect();
        for (asked, nearest) in [("2019-01-01", days[days.len() - 1]), ("2031-01-01", days[0])] {
            let query = format!("curve={curve}&iso=pjm&operating_day={asked}");
            for path in ["/api/v1/data?", "/api/v1/data/report?"] {
                let reply = caller.ask(&format!("{path}{query}")).await;
                assert_eq!(reply.outcome(), (404, "no_data"), "{curve}");
                assert_eq!(reply.body["nearest_operating_day"], nearest, "{curve}");
                assert!(reply.body["detail"].as_str().unwrap().contains(nearest), "{curve}");
            }
        }
        let early = format!("/api/v1/data?curve={curve}&iso=pjm&as_of=2001-01-01T00:00:00Z");
        let reply = caller.ask(&early).await;
        assert_eq!(reply.outcome(), (404, "no_data"), "{curve}");
        assert!(reply.body.get("nearest_operating_day").is_none(), "{curve}");
    }
}

/// Parameters and values that must each be refused, with the word that says why.
const WRONG: [(&str, &str, &str); 34] = [
    ("curve", "gas", "bad_parameter"),
    ("iso", "caiso", "bad_parameter"),
    ("start", "2024-13", "bad_parameter"),
    ("start", "2024-1", "bad_parameter"),
    ("start", "20240101", "bad_parameter"),
    ("end", "2024-02-30", "bad_parameter"),
    ("end", "tomorrow", "bad_parameter"),
    ("strip", "9x9", "bad_parameter"),
    ("strip", "", "bad_parameter"),
    ("operating_day", "20240603", "bad_parameter"),
    ("operating_day", "2024-06", "bad_parameter"),
    ("operating_day_end", "2024-06-31", "bad_parameter"),
    ("operating_day_end", "2024-06-03", "contradictory_parameters"),
    ("version", "newest", "bad_parameter"),
    ("version_id", "0x11", "bad_parameter"),
    ("version_id", "1.0", "bad_parameter"),
    ("version_id", "9223372036854775808", "bad_parameter"),
    ("version_id", "99999999999999999999999999", "bad_parameter"),
    ("as_of", "2024-06-03T00:00:00", "bad_parameter"),
    ("as_of", "2024-06-03", "bad_parameter"),
    ("as_of", "now", "bad_parameter"),
    ("as_of", "2999-01-01T00:00:00Z", "bad_parameter"),
    ("asOf", "2024-06-03T00:00:00", "bad_parameter"),
    ("mode", "raw", "bad_parameter"),
    ("calendar", "gregorian", "bad_parameter"),
    ("layout", "tall", "bad_parameter"),
    ("format", "pdf", "bad_parameter"),
    ("format", "zip", "bad_parameter"),
    ("bom", "2", "bad_parameter"),
    ("limit", "10", "unknown_parameter"),
    ("Curve", "energy", "unknown_parameter"),
    ("curve_type", "energy", "unknown_parameter"),
    ("type", "csv", "unknown_parameter"),
    ("", "", "unknown_parameter"),
];

async fn assert_refused(caller: &Caller, path: &str, code: &str, parameter: &str) {
    for method in [Method::GET, Method::HEAD] {
        let answer = caller.request(method, path).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 400, "{path}");
        assert_eq!(header_of(&answer, "content-type"), "application/problem+json", "{path}");
    }
    let reply = caller.ask(path).await;
    assert_eq!(reply.outcome(), (400, code), "{path}: {}", reply.body);
    assert!(reply.body["detail"].as_str().unwrap().contains(parameter), "{path}: {}", reply.body);
}

#[tokio::test]
async fn every_wrong_parameter_is_a_problem_that_names_it() {
    let (_server, caller) = with_every_dataset().await;
    for (name, value, code) in WRONG {
        let mut pairs = vec![("curve", "energy"), ("iso", "ercot")];
        pairs.retain(|(other, _)| *other != name);
        pairs.push((name, value));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        for path in ["/api/v1/data?", "/api/v1/data/report?"] {
            assert_refused(&caller, &format!("{path}{query}"), code, name).await;
        }
    }
    // What may be given once, given twice with the same value.
    let once = [
        "curve=energy",
        "iso=ercot",
        "start=2024-07",
        "end=2024-08",
        "operating_day=2024-06-03",
        "version=latest",
        "as_of=2024-06-03T00:00:00Z",
        "mode=standardized",
        "calendar=flat",
        "layout=long",
        "format=csv",
        "bom=true",
    ];
    for pair in once {
        let all = format!("/api/v1/data?curve=energy&iso=ercot&{pair}");
        let twice = if all.matches(pair).count() == 1 { format!("{all}&{pair}") } else { all };
        let name = pair.split('=').next().unwrap();
        assert_refused(&caller, &twice, "bad_parameter", name).await;
    }
    for (query, code, name) in [
        ("iso=ercot", "bad_parameter", "curve_type"),
        ("curve_type=energy", "bad_parameter", "iso"),
        ("curve_type=energy&iso=ercot&type=parquet", "bad_parameter", "type"),
        ("curve_type=energy&iso=ercot&type=ndjson", "bad_parameter", "type"),
        ("curve_type=energy&iso=ercot&idcob=never", "bad_parameter", "idcob"),
        ("curve_type=energy&iso=ercot&strip=strip_9x9", "bad_parameter", "strip"),
        ("curve_type=energy&iso=ercot&operating_day=2024060", "bad_parameter", "operating_day"),
        ("curve_type=energy&iso=ercot&operating_day=20240603&offset=-1", "bad_parameter", "offset"),
        (
            "curve_type=energy&iso=ercot&start=20240801&end=20240701",
            "contradictory_parameters",
            "start",
        ),
        ("curve_type=energy&iso=ercot&curve=energy", "unknown_parameter", "curve"),
        ("curve_type=energy&iso=ercot&format=csv", "unknown_parameter", "format"),
    ] {
        assert_refused(&caller, &format!("/get_data?{query}"), code, name).await;
    }
    for path in ["/upload_csv", "/logout"] {
        assert_eq!(caller.get(path).await.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}
