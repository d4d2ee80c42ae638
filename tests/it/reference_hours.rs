//! The reference hours, as they are asked for.

use std::collections::BTreeSet;

use calamine::Reader as _;
use trueprice::auth::Role;

use crate::support::{Caller, TestServer};

async fn text(caller: &Caller, query: &str) -> String {
    let answer = caller.get(&format!("/api/v1/reference-hours{query}")).await;
    assert_eq!(answer.status(), 200, "{query}");
    answer.text().await.unwrap()
}

/// ISO, month, calendar, and 5x16, 7x8, 2x16, 7x24, WE, WD of the published table.
const TABLE: [(&str, &str, &str, &str); 11] = [
    ("ercot", "2024-01", "flat", "368,248,128,744,192,552,496,248"),
    ("pjm", "2024-01", "nerc", "352,248,144,744,216,528,496,248"),
    ("isone", "2024-03", "nerc", "336,247,160,743,239,504,496,247"),
    ("miso", "2024-03", "nerc", "336,248,160,744,240,504,496,248"),
    ("nyiso", "2024-11", "flat", "336,240,144,720,216,504,480,240"),
    ("nyiso", "2024-11", "nerc", "320,241,160,721,241,480,480,241"),
    ("miso", "2024-11", "nerc", "320,240,160,720,240,480,480,240"),
    ("ercot", "2025-11", "nerc", "304,241,176,721,265,456,480,241"),
    ("ercot", "2026-07", "nerc", "368,248,128,744,192,552,496,248"),
    ("pjm", "2027-07", "flat", "352,248,144,744,216,528,496,248"),
    ("pjm", "2027-07", "nerc", "336,248,160,744,240,504,496,248"),
];

#[tokio::test]
async fn months_have_the_hours_of_the_table_in_every_format() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadOnly).await;
    let header = "ISO,CalMonth,5x16,7x8,2x16,7x24,WE,WD,OnPeak,OffPeak\n";
    for (iso, month, calendar, hours) in TABLE {
        let query = format!("?iso={iso}&start={month}&end={month}&calendar={calendar}");
        let expected = format!("{header}{},{month},{hours}\n", iso.to_uppercase());
        assert_eq!(text(&caller, &query).await, expected, "{query}");
    }
    let query = "?iso=pjm&start=2027-07&end=2027-07&calendar=nerc";
    let json = caller.ask(&format!("/api/v1/reference-hours{query}&format=json")).await.body;
    let item = serde_json::json!({
        "ISO": "PJM", "CalMonth": "2027-07", "5x16": 336, "7x8": 248, "2x16": 160, "7x24": 744,
        "WE": 240, "WD": 504, "OnPeak": 496, "OffPeak": 248
    });
    assert_eq!(json, serde_json::json!({ "items": [item] }));
    let answer = caller.get(&format!("/api/v1/reference-hours{query}&format=xlsx")).await;
    let name = "attachment; filename=\"reference_hours_pjm_nerc.xlsx\"";
    assert_eq!(answer.headers()["content-disposition"], name);
    let bytes = answer.bytes().await.unwrap();
    let mut book: calamine::Xlsx<_> = calamine::Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    assert_eq!(sheet.get((1, 1)).unwrap().to_string(), "2027-07");
    assert_eq!(sheet.get((1, 2)), Some(&calamine::Data::Float(336.0)));
}

#[tokio::test]
async fn the_range_is_a_century_and_what_lies_outside_is_refused() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadOnly).await;
    assert_eq!(text(&caller, "?iso=all").await.lines().count(), 1 + 5 * 1212);
    let days = text(&caller, "?iso=miso&start=2024-01-02&end=2024-03-01").await;
    let months: Vec<&str> = days.lines().skip(1).map(|line| &line[5..12]).collect();
    assert_eq!(months, ["2024-02", "2024-03"], "a month is in when its first day is");
    for (query, code) in [
        ("", "bad_parameter"),
        ("?iso=caiso", "bad_parameter"),
        ("?iso=pjm&start=1999-12", "bad_parameter"),
        ("?iso=pjm&end=2101-01", "bad_parameter"),
        ("?iso=pjm&end=2101-01-01", "bad_parameter"),
        ("?iso=pjm&start=2024-3", "bad_parameter"),
        ("?iso=pjm&calendar=julian", "bad_parameter"),
        ("?iso=pjm&format=parquet", "bad_parameter"),
        ("?iso=pjm&start=2024-02&end=2024-01", "contradictory_parameters"),
        ("?iso=pjm&month=2024-02", "unknown_parameter"),
    ] {
        for path in ["/api/v1/reference-hours", "/api/v1/reference-hours/hourly"] {
            let reply = caller.ask(&format!("{path}{query}")).await;
            assert_eq!(reply.outcome(), (400, code), "{path}{query}");
        }
        let reply = server.anonymous().ask("/api/v1/reference-hours?iso=pjm").await;
        assert_eq!(reply.status, 401);
    }
    let head = caller.request(reqwest::Method::HEAD, "/api/v1/reference-hours/hourly?iso=all");
    let head = head.send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert!(!head.headers().contains_key("content-length"), "nobody knows it");
    let reply = caller.ask("/api/v1/reference-hours/hourly?iso=all&format=xlsx").await;
    assert_eq!(reply.outcome(), (400, "too_large_for_xlsx"));
}

#[tokio::test]
async fn hours_follow_the_clock() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadOnly).await;
    let autumn = "/hourly?iso=ercot&start=2024-11-03&end=2024-11-03&calendar=nerc";
    let autumn = text(&caller, autumn).await;
    let lines: Vec<&str> = autumn.lines().collect();
    assert_eq!(lines[0], "ISO,Date,HE,UTCStart,DayType,HourType,Block,Season");
    assert_eq!(lines[1], "ERCOT,2024-11-03,1,2024-11-03T05:00:00Z,WE,OffPeak,7x8,Winter");
    assert_eq!(lines[2], "ERCOT,2024-11-03,2,2024-11-03T06:00:00Z,WE,OffPeak,7x8,Winter");
    assert_eq!(lines[3], "ERCOT,2024-11-03,2,2024-11-03T07:00:00Z,WE,OffPeak,7x8,Winter");
    assert_eq!(
        lines[8],
        "ERCOT,2024-11-03,7,2024-11-03T12:00:00Z,WE,OnPeak,2x16,Winter".to_owned()
    );
    assert_eq!(lines.len(), 26);
    let spring = "/hourly?iso=pjm&start=2024-03-10&end=2024-03-10&calendar=nerc";
    let spring = text(&caller, spring).await;
    assert!(!spring.contains(",3,2024"), "{spring}");
    assert!(spring.contains("\nPJM,2024-03-10,4,2024-03-10T07:00:00Z,WE,OffPeak,7x8,Spring\n"));
    let holiday = "/hourly?iso=pjm&start=2024-07-04&end=2024-07-04&calendar=";
    assert!(text(&caller, &format!("{holiday}nerc")).await.contains(",8,2024-07-04T11:00:00Z,WE,"));
    assert!(text(&caller, &format!("{holiday}flat")).await.contains(",8,2024-07-04T12:00:00Z,WD,"));
}

#[tokio::test]
async fn hours_counted_are_the_hours_of_the_months() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadOnly).await;
    let range = "?iso=all&start=2024-01&end=2024-12&calendar=nerc";
    let months = text(&caller, range).await;
    let hours = text(&caller, &format!("/hourly{range}")).await;
    let hours: Vec<Vec<&str>> =
        hours.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let starts: BTreeSet<(&str, &str)> = hours.iter().map(|hour| (hour[0], hour[3])).collect();
    assert_eq!(starts.len(), hours.len(), "no start twice");
    assert_eq!(hours.len(), 5 * 8784);
    for month in months.lines().skip(1) {
        let cells: Vec<&str> = month.split(',').collect();
        let of_month = hours.iter().filter(|hour| hour[0] == cells[0] && hour[1][..7] == *cells[1]);
        let count = |column: usize, word: &str| {
            of_month.clone().filter(|hour| hour[column] == word).count().to_string()
        };
        assert_eq!(
            [
                count(6, "5x16"),
                count(6, "7x8"),
                count(6, "2x16"),
                of_month.clone().count().to_string()
            ],
            cells[2..6],
            "{month}"
        );
        assert_eq!([count(4, "WE"), count(4, "WD")], cells[6..8], "{month}");
        assert_eq!([count(5, "OnPeak"), count(5, "OffPeak")], cells[8..10], "{month}");
    }
}
