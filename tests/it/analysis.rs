//! The analysis page's numbers, computed here once more from the files: by counting days instead of
//! formulas, in whole numbers instead of decimals.

use std::collections::BTreeMap;

use calamine::{Data, Reader as _, Xlsx};
use chrono::{Datelike, NaiveDate, Weekday};
use reqwest::{Method, StatusCode};
use trueprice::auth::Role;

use crate::support::{Caller, TestServer, files};

/// Hundredths of the three blocks, `None` for `#N/A`.
type Blocks = [Option<i128>; 3];

/// Two zones, 26 months from May 2024 on; every number differs, and `level` moves them all.
fn blocks(zone: usize, n: usize, level: i128) -> Blocks {
    let base = i128::try_from(1500 + 700 * zone + 37 * n).unwrap() + level;
    // WEST lacks a 2x16 in its fourth month.
    [(zone == 0 || n != 3).then_some(base), Some(base + 911), Some(base - 203)]
}

fn month(n: usize) -> NaiveDate {
    let n = u32::try_from(n).unwrap() + 4;
    NaiveDate::from_ymd_opt(2024 + i32::try_from(n / 12).unwrap(), n % 12 + 1, 1).unwrap()
}

fn cents(value: Option<i128>) -> String {
    value.map_or("#N/A".to_owned(), |value| rounded(value, 100, 2))
}

/// A file of the two zones.
fn file(iso: &str, level: i128) -> String {
    let six = |values: [&str; 2]| values.map(|value| [value; 3].join(",")).join(",");
    let zones = six(["NORTH", "WEST"]);
    let mut text = format!(
        "Control Area,{}\nState,{}\nLoad Zone,{zones}\nCapacity Zone,{zones}\nUtility,{}\n\
         Block Type,2x16,5x16,7x8,2x16,5x16,7x8\nCost Group,{}\nCost Component,{}\nMonth,{zones}\n",
        six([iso; 2]),
        six(["TX"; 2]),
        six(["-"; 2]),
        six(["Energy"; 2]),
        six(["Energy"; 2])
    );
    for n in 0..26 {
        let cells: Vec<_> = (0..2).flat_map(|zone| blocks(zone, n, level)).map(cents).collect();
        let month = month(n).format("%-m/%-d/%Y").to_string();
        text = [text, month, ",".into(), cells.join(","), "\n".into()].concat();
    }
    text
}

async fn store(caller: &Caller, name: &str, level: i128) {
    let iso = name.split('_').nth(1).unwrap();
    let reply = caller.upload(name, file(iso, level)).await;
    assert_eq!(reply.status, 201, "{name}: {}", reply.body);
}

/// Hours of a month in 2x16, 5x16 and 7x8, day by day.
fn hours(first: NaiveDate) -> [i128; 3] {
    let mut hours = [0; 3];
    for day in first.iter_days().take_while(|day| day.month() == first.month()) {
        let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        hours[usize::from(!weekend)] += 16;
        hours[2] += 8;
    }
    hours
}

/// `over / under` with so many decimals, half away from zero, as text.
fn rounded(over: i128, under: i128, places: u32) -> String {
    let scaled = over * 10_i128.pow(places);
    let size = (2 * scaled.abs() + under.abs()) / (2 * under.abs());
    let unit = 10_i128.pow(places);
    let minus = if (over < 0) != (under < 0) && size > 0 { "-" } else { "" };
    format!("{minus}{}.{:0places$}", size / unit, size % unit, places = places as usize)
}

/// The price of every hour, in hundred-thousandths.
fn price(zone: usize, n: usize, level: i128) -> Option<i128> {
    let (blocks, hours) = (blocks(zone, n, level), hours(month(n)));
    let sum: Option<i128> = blocks.iter().zip(hours).map(|(b, h)| b.map(|b| b * h)).sum();
    let text = rounded(sum?, 100 * hours.iter().sum::<i128>(), 5);
    text.replace('.', "").parse().ok()
}

fn five(value: Option<i128>) -> String {
    value.map_or(String::new(), |value| rounded(value, 100_000, 5))
}

/// The mean of the prices of months `first` to `last`, weighted by their hours.
fn mean(zone: usize, months: &[usize], level: i128) -> String {
    let all = |n: &usize| hours(month(*n)).iter().sum::<i128>();
    let sum: Option<i128> =
        months.iter().map(|n| price(zone, *n, level).map(|price| price * all(n))).sum();
    let weight: i128 = months.iter().map(all).sum();
    sum.map_or(String::new(), |sum| rounded(sum, weight * 100_000, 5))
}

type Records = Vec<Vec<String>>;

async fn export(caller: &Caller, query: &str) -> Records {
    let path = format!("/curves/export?{query}");
    let answer = caller.get(&path).await;
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect()
}

async fn page(caller: &Caller, path: &str) -> String {
    let request = caller.request(Method::GET, path).header("Accept", "text/html");
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    text
}

#[tokio::test]
async fn prices_differences_and_percentages_are_exact() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    store(&caller, "Energy_ERCOT_20240531_081530.csv", 0).await;
    store(&caller, "Energy_ERCOT_20240531_170000_cob.csv", 55).await;
    let query = "curve=energy&iso=ercot&zone=NORTH&version=intraday&zone2=WEST&version3=cob";
    let records = export(&caller, query).await;
    let heads = [
        "Contract month",
        "ERCOT NORTH: 2024-05-31 08:15:30 ID, $/MWh",
        "ERCOT WEST: 2024-05-31 08:15:30 ID, $/MWh",
        "ERCOT NORTH: 2024-05-31 COB, $/MWh",
    ];
    assert_eq!(records[0][..4], heads);
    assert_eq!(records.len(), 27);
    for (n, record) in records[1..].iter().enumerate() {
        let of = |zone, level| price(zone, n, level);
        let (base, west, cob) = (of(0, 0).unwrap(), of(1, 0), of(0, 55).unwrap());
        let change = |other: Option<i128>| other.map(|other| other - base);
        let percent = |other: Option<i128>| {
            change(other).map_or(String::new(), |change| rounded(100 * change, base, 2))
        };
        let wanted = [
            month(n).format("%Y-%m").to_string(),
            five(Some(base)),
            five(west),
            five(Some(cob)),
            five(change(west)),
            percent(west),
            five(change(Some(cob))),
            percent(Some(cob)),
        ];
        assert_eq!(record[..], wanted, "month {n}");
    }
    assert_eq!(records[4][2], "", "a missing block is no price");
    let native =
        export(&caller, "curve=energy&iso=ercot&zone=WEST&block=2X16&version=intraday").await;
    assert_eq!(native[0][1], "ERCOT WEST 2x16: 2024-05-31 08:15:30 ID, $/MWh");
    assert_eq!((&*native[1][1], &*native[4][1]), (&*cents(blocks(1, 0, 0)[0]), ""));
}

#[tokio::test]
async fn the_summary_weighs_by_hours_and_needs_every_month() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    store(&caller, "Energy_ERCOT_20240531_081530.csv", 0).await;
    let query = "curve=energy&iso=ercot&zone=NORTH&zone2=WEST&table=summary";
    let records = export(&caller, query).await;
    let heads = [
        "Series",
        "Prompt month, 2024-06",
        "12 months, 2024-06 to 2025-05",
        "24 months, 2024-06 to 2026-05",
        "Cal 2025, 2025-01 to 2025-12",
        "Winter, 2024-11 to 2025-02",
        "Summer, 2024-07 to 2024-08",
    ];
    assert_eq!(records[0], heads);
    let months: [Vec<usize>; 6] = [
        vec![1],
        (1..13).collect(),
        (1..25).collect(),
        (8..20).collect(),
        (6..10).collect(),
        vec![2, 3],
    ];
    for (zone, record) in records[1..].iter().enumerate() {
        let wanted: Vec<_> = months.iter().map(|months| mean(zone, months, 0)).collect();
        assert_eq!(record[1..], wanted, "{}", record[0]);
    }
    // WEST's fourth month, August, is missing: so are the strips that hold it.
    assert_eq!([&*records[2][2], &*records[2][3], &*records[2][6]], ["", "", ""]);
    assert!(!records[2][4].is_empty() && !records[2][5].is_empty());
    // What lies outside the months asked for is missing, too; another year can be chosen.
    let query = "curve=energy&iso=ercot&zone=NORTH&start=2024-07&year=2026&table=summary";
    let later = export(&caller, query).await;
    assert_eq!([&*later[1][1], &*later[1][2]], ["", ""]);
    assert_eq!(later[0][4], "Cal 2026, 2026-01 to 2026-12");
    assert_eq!(later[1][4], "", "2026 ends with June");
}

#[tokio::test]
async fn days_before_are_the_newest_with_data_not_later() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    // Tuesday after Memorial Day; the Friday, a week and a month before have no curve of their own.
    for (level, day) in (0..).zip(["20240328", "20240423", "20240520", "20240523", "20240528"]) {
        store(&caller, &format!("Energy_ERCOT_{day}_080000.csv"), level).await;
    }
    let query = "curve=energy&iso=ercot&zone=NORTH&day2=previous_day&day3=previous_week\
                 &day4=previous_month&day5=2024-03-28";
    let records = export(&caller, query).await;
    let days: Vec<_> = records[0][1..6].iter().map(|head| &head[13..23]).collect();
    assert_eq!(days, ["2024-05-28", "2024-05-23", "2024-05-20", "2024-04-23", "2024-03-28"]);
    for (column, level) in (1..).zip([4, 3, 2, 1, 0]) {
        assert_eq!(records[1][column], five(price(0, 0, level)), "column {column}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_and_nothing_takes_its_place() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    store(&caller, "Energy_ERCOT_20240531_081530.csv", 0).await;
    let base = "/curves?curve=energy&iso=ercot&zone=NORTH";
    for (query, words) in [
        (
            "version2=cob",
            "There is no ERCOT energy COB version of 2024-05-31; the day has only intraday versions.",
        ),
        (
            "day2=2024-05-30",
            "There is no ERCOT energy curve of 2024-05-30; the nearest day with data is 2024-05-31.",
        ),
        ("version2=4711", "There is no version 4711 of ERCOT energy."),
        ("zone2=EAST", "has no &#34;EAST&#34;"),
        ("block2=WD", "NORTH has no block WD; it has 7x24, 2x16, 5x16, 7x8."),
        ("curve2=rec&iso2=miso", "There are no MISO rec curves."),
        ("curve2=rec&version2=cob", "rec curves have no close of business"),
        ("iso2=pjm", "There is no PJM energy curve yet."),
        ("day2=previous_day", "up to 2024-05-30"),
    ] {
        let html = page(&caller, &format!("{base}&{query}")).await;
        assert!(html.contains(words), "{query}: {html}");
        let records = export(&caller, &format!("{}&{query}", &base[8..])).await;
        assert_eq!(records[0].len(), 2, "{query}: {:?}", records[0]);
    }
    let alone = "/curves/export?curve=energy&iso=ercot&day=2024-05-30";
    let answer = caller.get(alone).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    for bad in
        ["day=previous_day", "as_of=2099-01-01T00:00:00Z", "zone11=A", "format=xlsx&table=summary"]
    {
        let status = caller.get(&format!("/curves/export?{bad}")).await.status();
        assert_eq!(status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn over_days_there_is_one_point_a_day_by_the_selector() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let versions = [
        ("20240528_080000", 0),
        ("20240528_170000_cob", 1),
        ("20240529_080000", 2),
        ("20240530_080000", 3),
        ("20240530_093000", 4),
        ("20240603_170000_cob", 5),
    ];
    for (name, level) in versions {
        store(&caller, &format!("Energy_ERCOT_{name}.csv"), level).await;
    }
    let ask = async |query: &str| -> BTreeMap<String, Vec<String>> {
        let query = format!("curve=energy&iso=ercot&zone=NORTH&view=evolution&{query}");
        let records = export(&caller, &query).await;
        let record = |mut record: Vec<String>| (record.remove(0), record);
        records.into_iter().skip(1).map(record).collect()
    };
    let days = |points: &BTreeMap<String, Vec<String>>| points.keys().cloned().collect::<Vec<_>>();
    let latest = ask("period=2024-10").await;
    assert_eq!(days(&latest), ["2024-05-28", "2024-05-29", "2024-05-30", "2024-06-03"]);
    for (point, level) in latest.values().zip([1, 2, 4, 5]) {
        assert_eq!(point[0], five(price(0, 5, level)));
    }
    assert_eq!(days(&ask("period=prompt&version=cob").await), ["2024-05-28", "2024-06-03"]);
    let intraday = ask("period=prompt&version=intraday&from=2024-05-29").await;
    assert_eq!(days(&intraday), ["2024-05-29", "2024-05-30"]);
    // The prompt month moves with the day: June in May, July in June.
    let prompt = ask("period=prompt").await;
    assert_eq!(prompt["2024-05-30"][0], five(price(0, 1, 4)));
    assert_eq!(prompt["2024-06-03"][0], five(price(0, 2, 5)));
    let strip = ask("period=12&to=2024-06-03&from=2024-06-03").await;
    assert_eq!(strip["2024-06-03"][0], mean(0, &(2..14).collect::<Vec<_>>(), 5));
    // WEST has no August 2024: no summer, but a calendar year; the spread is told beside it.
    let summer = ask("period=summer&zone2=WEST").await;
    assert_eq!(summer["2024-05-29"][1], "");
    let year = ask("period=cal-2025&zone2=WEST").await;
    let months: Vec<usize> = (8..20).collect();
    assert_eq!(year["2024-05-30"][..2], [mean(0, &months, 4), mean(1, &months, 4)]);
    let spread = price(1, 8, 4).unwrap() - price(0, 8, 4).unwrap();
    assert_eq!(year["2024-05-30"][2], five(Some(spread)), "flat over the year");
    // Over days, a series of another day is the same series.
    let twin = "/curves?curve=energy&iso=ercot&view=evolution&day2=previous_day";
    assert!(page(&caller, twin).await.contains("by its day alone"));
}

#[tokio::test]
async fn an_answer_is_repeated_by_its_cut_off() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    store(&caller, "Energy_ERCOT_20240531_080000.csv", 0).await;
    let query = "curve=energy&iso=ercot&zone=NORTH&day2=previous_day";
    let before = caller.get(&format!("/curves/export?{query}")).await;
    let known_at = before.headers()["x-known-at"].to_str().unwrap().to_owned();
    let before = before.bytes().await.unwrap();
    store(&caller, "Energy_ERCOT_20240531_090000.csv", 7).await;
    store(&caller, "Energy_ERCOT_20240530_090000.csv", 7).await;
    let after = caller.get(&format!("/curves/export?{query}")).await.bytes().await.unwrap();
    assert_ne!(before, after);
    let path = format!("/curves/export?{query}&as_of={known_at}");
    let again = caller.get(&path).await;
    assert_eq!(again.headers()["x-known-at"], *known_at);
    assert_eq!(again.bytes().await.unwrap(), before);
    // Each series may have a cut-off of its own.
    let mixed =
        export(&caller, &format!("curve=energy&iso=ercot&zone=NORTH&as_of2={known_at}")).await;
    assert_eq!(mixed[1][1..3], [five(price(0, 0, 7)), five(price(0, 0, 0))]);
    let html = caller.get(&format!("/curves?{query}&as_of={known_at}")).await;
    assert_eq!(html.headers()["x-known-at"], *known_at);
}

#[tokio::test]
async fn a_workbook_holds_the_numbers_of_the_csv() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    store(&caller, "Energy_ERCOT_20240531_080000.csv", 0).await;
    let query = "curve=energy&iso=ercot&zone=NORTH&zone2=WEST";
    let csv = export(&caller, query).await;
    let summary = export(&caller, &format!("{query}&table=summary")).await;
    let path = format!("/curves/export?{query}&format=xlsx");
    let bytes = caller.get(&path).await.bytes().await.unwrap();
    assert_eq!(bytes, caller.get(&path).await.bytes().await.unwrap());
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(std::io::Cursor::new(bytes)).unwrap();
    for (sheet, records) in [("Values", csv), ("Summary", summary)] {
        let range = book.worksheet_range(sheet).unwrap();
        assert_eq!(range.height(), records.len());
        for (row, record) in range.rows().zip(&records) {
            for (cell, text) in row.iter().zip(record) {
                match cell {
                    Data::Float(number) => {
                        let shown: f64 = text.parse().unwrap();
                        assert_eq!(number.to_bits(), shown.to_bits());
                    }
                    Data::Empty => assert_eq!(text, ""),
                    cell => assert_eq!(cell.to_string(), *text),
                }
            }
        }
    }
}

#[tokio::test]
async fn a_spread_is_the_one_less_the_other() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    store(&caller, "Energy_ERCOT_20240531_080000.csv", 0).await;
    store(&caller, "Energy_PJM_20240531_090000.csv", 500).await;
    let query = "curve=energy&iso=ercot&zone=NORTH&zone2=WEST&iso3=pjm&zone3=NORTH&view=spread";
    let records = export(&caller, &format!("{query}&a=2&b=3")).await;
    assert!(records[0][1].starts_with("PJM NORTH") && records[0][2].starts_with("ERCOT WEST"));
    let spread = price(1, 0, 0).unwrap() - price(0, 0, 500).unwrap();
    assert_eq!(records[1][3], five(Some(spread)));
    let html = page(&caller, "/curves?curve=energy&iso=ercot&view=spread").await;
    assert!(html.contains("A spread needs two series"), "{html}");
}

#[tokio::test]
async fn series_can_be_added_removed_and_made_the_first_without_scripts() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    store(&caller, "Energy_ERCOT_20240530_080000.csv", 0).await;
    store(&caller, "Energy_ERCOT_20240531_080000.csv", 9).await;
    let link = |html: &str, words: &str| {
        let end = html.find(words).unwrap_or_else(|| panic!("no {words} in {html}"));
        let start = html[..end].rfind("href=\"").unwrap() + 6;
        html[start..].split('"').next().unwrap().replace("&#38;", "&")
    };
    let columns = async |path: &str| {
        let records = export(&caller, path.trim_start_matches("/curves?")).await;
        let heads = records[0][1..].iter().filter(|head| !head.contains(" less "));
        heads.map(|head| head[6..].replace(" 08:00:00 ID, $/MWh", "")).collect::<Vec<_>>()
    };
    let one = page(&caller, "/curves").await;
    let path = link(&one, ">+ zone<");
    let two = page(&caller, &path).await;
    let path = link(&two, ">+ previous business day<");
    assert_eq!(
        columns(&path).await,
        ["NORTH: 2024-05-31", "WEST: 2024-05-31", "NORTH: 2024-05-30"]
    );
    let three = page(&caller, &path).await;
    let led = link(&three, "title=\"Make series 3 the first");
    assert_eq!(columns(&led).await, ["NORTH: 2024-05-30", "NORTH: 2024-05-31", "WEST: 2024-05-31"]);
    let without = link(&three, "aria-label=\"Remove series 1\"");
    assert_eq!(columns(&without).await, ["WEST: 2024-05-31", "NORTH: 2024-05-30"]);
    let without = link(&three, "aria-label=\"Remove series 2\"");
    assert_eq!(columns(&without).await, ["NORTH: 2024-05-31", "NORTH: 2024-05-30"]);
}

#[tokio::test]
async fn other_monthly_families_are_chosen_by_component() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    for name in ["NonEnergy_ERCOT_20240430_101010.csv", "REC_ERCOT_20240507_142300.csv"] {
        let bytes = std::fs::read(files::repository("good_test_data/good").join(name)).unwrap();
        assert_eq!(caller.upload(name, bytes).await.status, 201);
    }
    // Published on another day: the newest not later, and the label says which.
    let records = export(&caller, "curve=rec&iso=ercot&curve2=nonenergy").await;
    assert!(records[0][1].contains("2024-05-07 14:23:00 ID"), "{:?}", records[0]);
    assert!(records[0][2].contains("2024-04-30 10:10:10 ID"), "{:?}", records[0]);
    assert_eq!(records[1][..2], ["2015-01", "0.0363"]);
    let price = export(&caller, "curve=rec&iso=ercot&zone=ALL+/+REC+Price").await;
    assert_eq!(price[0][1], "ERCOT ALL / REC Price: 2024-05-07 14:23:00 ID, $/MWh");
    assert_eq!(price[1][..], ["2015-01", "0.88"]);
}

/// Weekdays that count as weekend days, and the Sundays of the clock change, in the months of these
/// files: of NERC's calendar.
const HOLIDAYS: [&str; 13] = [
    "2024-05-27",
    "2024-07-04",
    "2024-09-02",
    "2024-11-28",
    "2024-12-25",
    "2025-01-01",
    "2025-05-26",
    "2025-07-04",
    "2025-09-01",
    "2025-11-27",
    "2025-12-25",
    "2026-01-01",
    "2026-05-25",
];
const CHANGES: [(&str, i128); 4] =
    [("2024-11", 1), ("2025-03", -1), ("2025-11", 1), ("2026-03", -1)];

/// Hours of a month, counted day by day.
#[derive(Clone, Copy)]
struct Counted {
    all: i128,
    blocks: [i128; 3],
    wd: i128,
    we: i128,
    on_peak: i128,
    off_peak: i128,
}

/// The hours of the `n`th month where clocks change.
fn counted(n: usize, nerc: bool) -> Counted {
    let (first, mut wd, mut we) = (month(n), 0, 0);
    for day in first.iter_days().take_while(|day| day.month() == first.month()) {
        let holiday = nerc && HOLIDAYS.contains(&&*day.to_string());
        let weekend = holiday || matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        *(if weekend { &mut we } else { &mut wd }) += 1;
    }
    let change = CHANGES.iter().find(|(month, _)| nerc && first.to_string().starts_with(month));
    let moved = change.map_or(0, |(_, moved)| *moved);
    let (on_peak, off_peak) = (16 * (wd + we), 8 * (wd + we) + moved);
    let (all, blocks) = (on_peak + off_peak, [16 * we, 16 * wd, off_peak]);
    Counted { all, blocks, wd: 24 * wd, we: 24 * we + moved, on_peak, off_peak }
}

/// Charges of a zone: block, component and hundredths of the `n`th month's value.
type Charge = (&'static str, &'static str, fn(i128) -> Option<i128>);

const CHARGES: [Charge; 10] = [
    ("7x24", "Capacity Charge ($/kW-month)", |n| Some(104 + n)),
    ("7X24", "Capacity Scaling Factor", |n| (n != 5).then_some(121 - n)),
    ("7x24", "Reserve on-peak", |n| Some(52 + 3 * n)),
    ("7x24", "Reserve off-peak", |n| Some(25 - 2 * n)),
    ("WD", "Meter", |n| Some(5 + n)),
    ("WE", "Meter", |n| (n != 3).then_some(7 + 4 * n)),
    ("7x24", "Black Start Charge", |n| Some(416_114 + 7 * n)),
    ("WD", "Fee ($/MWh)", |n| Some(10 + n)),
    ("WE", "Fee ($/kW-mo)", |n| Some(20 + n)),
    ("7x24", "Uplift", |n| Some(-30 - n)),
];

fn charges(spelling: &str, level: i128) -> String {
    let count = CHARGES.len();
    let line = |name: &str, text: &str| format!("{name},{}\n", vec![text; count].join(","));
    let components = CHARGES.map(|(_, name, _)| name.replace("on-peak", spelling)).join(",");
    let mut text = [
        line("Control Area", "PJM"),
        line("State", "NJ"),
        line("Load Zone", "AECO"),
        line("Capacity Zone", "RTO"),
        line("Utility", "ACE"),
        format!("Block Type,{}\n", CHARGES.map(|(block, ..)| block).join(",")),
        line("Cost Group", "Charges"),
        format!("Cost Component,{components}\nMonth,{components}\n"),
    ]
    .concat();
    for n in 0..26 {
        let value = |(_, _, value): Charge| cents(value(charge_month(n)).map(|v| v + level));
        let month = month(n).format("%-m/%-d/%Y").to_string();
        text = [text, month, ",".into(), CHARGES.map(value).join(","), "\n".into()].concat();
    }
    text
}

fn charge_month(n: usize) -> i128 {
    i128::try_from(n).unwrap()
}

/// The hundredths of a charge in the `n`th month.
fn charge(place: usize, n: usize) -> Option<i128> {
    CHARGES[place].2(charge_month(n))
}

/// The standardized prices of the components of [`CHARGES`], in $/MWh as printed.
fn standardized(component: &str, n: usize, nerc: bool) -> String {
    let hours = counted(n, nerc);
    let sum = |parts: [(usize, i128); 2]| -> Option<i128> {
        parts.iter().map(|(place, hours)| charge(*place, n).map(|value| value * hours)).sum()
    };
    let fraction = match component {
        "Capacity Charge" => {
            let product = charge(0, n).zip(charge(1, n)).map(|(price, scaler)| price * scaler);
            product.map(|product| (product * 1000, 10_000 * hours.all))
        }
        "Reserve" => sum([(2, hours.on_peak), (3, hours.off_peak)]).map(|s| (s, 100 * hours.all)),
        "Meter" => sum([(4, hours.wd), (5, hours.we)]).map(|sum| (sum, 100 * hours.all)),
        "Black Start Charge" => charge(6, n).map(|price| (price, 100 * hours.all)),
        other => panic!("{other}"),
    };
    fraction.map_or(String::new(), |(over, under)| rounded(over, under, 5))
}

const COMPONENTS: [&str; 4] = ["Capacity Charge", "Reserve", "Meter", "Black Start Charge"];

/// The address of the lines of [`COMPONENTS`].
fn components() -> String {
    let zones = COMPONENTS.iter().zip(["", "2", "3", "4"]);
    let zone = |(name, n): (&&str, &str)| format!("&zone{n}=AECO+/+{}", name.replace(' ', "+"));
    format!("curve=nonenergy&iso=pjm{}", zones.map(zone).collect::<String>())
}

#[tokio::test]
async fn charges_are_charted_as_a_download_standardizes_them() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let name = "NonEnergy_PJM_20240531_101010.csv";
    let reply = caller.upload(name, charges("on-peak", 0)).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    for (calendar, nerc) in [("", false), ("&calendar=flat", false), ("&calendar=nerc", true)] {
        let records = export(&caller, &format!("{}{calendar}", components())).await;
        let head = "PJM AECO / Reserve: 2024-05-31 10:10:10 ID, $/MWh";
        assert_eq!(records[0][2], head);
        for (n, record) in records[1..].iter().enumerate() {
            let wanted = COMPONENTS.map(|component| standardized(component, n, nerc));
            assert_eq!(record[1..5], wanted, "{calendar} month {n}");
        }
        // Cell by cell what the download has under the same names.
        let data = "/api/v1/data?curve=nonenergy&iso=pjm&mode=standardized&format=csv";
        let text = caller.get(&format!("{data}{calendar}")).await.text().await.unwrap();
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        for (column, component) in (1..).zip(COMPONENTS) {
            let place = lines[7].iter().position(|name| *name == component).unwrap();
            assert_eq!(lines[8][place], "$/MWh", "{component}");
            for (line, record) in lines[10..].iter().zip(&records[1..]) {
                assert_eq!(line[place], record[column], "{component} {}", record[0]);
            }
        }
    }
}

#[tokio::test]
async fn stored_charges_stay_selectable_and_what_is_missing_is_said() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let name = "NonEnergy_PJM_20240531_101010.csv";
    assert_eq!(caller.upload(name, charges("on-peak", 0)).await.status, 201);
    let query = "curve=nonenergy&iso=pjm&zone=AECO+/+Capacity+Charge&block=7x24-stored\
                 &zone2=AECO+/+Reserve&block2=On-Peak&zone3=AECO+/+Uplift&block3=7x24";
    let records = export(&caller, query).await;
    assert_eq!(
        records[0][1..4],
        [
            "PJM AECO / Capacity Charge 7x24 as stored: 2024-05-31 10:10:10 ID, $/kW-mo",
            "PJM AECO / Reserve on-peak: 2024-05-31 10:10:10 ID, $/MWh",
            "PJM AECO / Uplift: 2024-05-31 10:10:10 ID, $/MWh",
        ]
    );
    for (n, record) in records[1..].iter().enumerate() {
        let scaled = charge(0, n).zip(charge(1, n)).map(|(price, scaler)| price * scaler);
        let scaled = scaled.map_or(String::new(), |scaled| rounded(scaled, 10_000, 5));
        assert_eq!(record[1..4], [scaled, cents(charge(2, n)), cents(charge(9, n))], "month {n}");
    }
    for (zone, words) in [
        ("Meter", "No price in 2024-08: block we has no value (missing_strip)."),
        ("Capacity+Charge", "No price in 2024-10: the scaler has no value (missing_scaler)."),
        ("Fee", "No price: the members have different units (mixed_uom)."),
    ] {
        let path = format!("/curves?curve=nonenergy&iso=pjm&zone=AECO+/+{zone}");
        let html = page(&caller, &path).await;
        assert!(html.contains(words), "{zone}: {html}");
        assert!(!page(&caller, &format!("{path}&end=2024-06")).await.contains("No price in"));
    }
    // The members of the fee are still there, each in its own unit.
    let query = "curve=nonenergy&iso=pjm&zone=AECO+/+Fee&block=wd&zone2=AECO+/+Fee&block2=we";
    let fees = export(&caller, query).await;
    assert!(fees[0][1].ends_with("$/MWh") && fees[0][2].ends_with("$/kW-mo"), "{:?}", fees[0]);
    // A scaler is no series.
    let html = page(&caller, "/curves?curve=nonenergy&iso=pjm").await;
    assert!(!html.contains("Scaling Factor"), "{html}");
}

#[tokio::test]
async fn over_days_charges_are_standardized_whatever_their_spelling() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    for (day, spelling) in
        [("20240529", "on-peak"), ("20240530", "OnPeak"), ("20240531", "on peak")]
    {
        let name = format!("NonEnergy_PJM_{day}_101010.csv");
        let reply = caller.upload(&name, charges(spelling, 0)).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
    }
    for (calendar, nerc) in [("", false), ("&calendar=nerc", true)] {
        let query = format!("{}&view=evolution{calendar}", components());
        let november = export(&caller, &format!("{query}&period=2024-11")).await;
        let wanted = COMPONENTS.map(|component| standardized(component, 6, nerc));
        assert_eq!(november.len(), 4);
        for record in &november[1..] {
            assert_eq!(record[1..5], wanted, "{}{calendar}", record[0]);
        }
        // A strip is weighted by the same calendar.
        let strip = export(&caller, &format!("{query}&period=cal-2025")).await;
        let mean = |component: &str| {
            let months = || (8..20).map(|n| counted(n, nerc).all);
            let price = |n| standardized(component, n, nerc).replace('.', "").parse::<i128>();
            let sum: i128 = (8..20).zip(months()).map(|(n, all)| price(n).unwrap() * all).sum();
            rounded(sum, 100_000 * months().sum::<i128>(), 5)
        };
        for record in &strip[1..] {
            assert_eq!(record[1..5], COMPONENTS.map(mean), "{}{calendar}", record[0]);
        }
    }
    let path = format!("/curves?{}&view=evolution&period=2024-08", components());
    let words = "Series 3: 3 of 3 days lack a price that is needed: missing strip (missing_strip).";
    assert!(page(&caller, &path).await.contains(words));
}

#[tokio::test]
async fn one_calendar_counts_the_hours_of_the_whole_view() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    for iso in ["PJM", "MISO"] {
        store(&caller, &format!("Energy_{iso}_20240531_081530.csv"), 0).await;
    }
    let query = "curve=energy&iso=pjm&zone=NORTH&iso2=miso&zone2=NORTH&calendar=nerc";
    let records = export(&caller, query).await;
    // MISO has the holidays, but its clocks do not change.
    let hours = |n: usize, miso: bool| {
        let mut hours = counted(n, true);
        if miso {
            let flat = counted(n, false);
            (hours.blocks[2], hours.all) = (flat.blocks[2], flat.all);
        }
        hours
    };
    let price = |n: usize, miso: bool| {
        let hours = hours(n, miso);
        let sum: i128 = blocks(0, n, 0).iter().zip(hours.blocks).map(|(b, h)| b.unwrap() * h).sum();
        rounded(sum, 100 * hours.all, 5)
    };
    for (n, record) in records[1..].iter().enumerate() {
        assert_eq!(record[1..3], [price(n, false), price(n, true)], "{}", record[0]);
    }
    assert_ne!(records[7][1], records[7][2], "November's clocks");
    let summary = export(&caller, &format!("{query}&table=summary")).await;
    for (miso, record) in [(false, &summary[1]), (true, &summary[2])] {
        let number = |n| price(n, miso).replace('.', "").parse::<i128>().unwrap();
        let sum: i128 = (1..13).map(|n| number(n) * hours(n, miso).all).sum();
        let all: i128 = (1..13).map(|n| hours(n, miso).all).sum();
        assert_eq!(record[2], rounded(sum, 100_000 * all, 5), "{}", record[0]);
    }
    let html = page(&caller, &format!("/curves?{query}")).await;
    assert!(html.contains("<option value=\"nerc\" selected>"), "{html}");
    let copied = html.split("class=\"copies\"").nth(1).unwrap();
    assert!(copied.split("</details>").next().unwrap().contains("calendar=nerc"), "{copied}");
    for bad in ["calendar=julian", "calendar=flat&calendar=nerc", "calendar2=nerc"] {
        let status = caller.get(&format!("/curves/export?{bad}")).await.status();
        assert_eq!(status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn percentages_are_of_the_base_with_its_sign_on_both_pages() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    // Uplift is -0.30 and 0.01 less each month; a level of 10 makes it -0.20.
    for (day, level) in [("20240530", 0), ("20240531", 10)] {
        let name = format!("NonEnergy_PJM_{day}_101010.csv");
        assert_eq!(caller.upload(&name, charges("on-peak", level)).await.status, 201);
    }
    let query = "curve=nonenergy&iso=pjm&zone=AECO+/+Uplift&day=2024-05-30&day2=2024-05-31";
    let records = export(&caller, query).await;
    // (-0.20 + 0.30) / -0.30
    assert_eq!(records[1][1..5], ["-0.30", "-0.20", "0.10", "-33.33"]);
    let html = page(&caller, "/curves/versions?curve=nonenergy&iso=pjm&day=2024-05-31").await;
    let other = html.split("<optgroup label=\"2024-05-30\"><option value=\"").nth(1).unwrap();
    let other = other.split('"').next().unwrap();
    let path = format!("/curves/versions?curve=nonenergy&iso=pjm&day=2024-05-31&compare={other}");
    let html = page(&caller, &path).await;
    let uplift = html.split("Series that differ</th>").nth(1).unwrap();
    let uplift = uplift.split("<tr").find(|row| row.contains("Uplift")).unwrap();
    let link = uplift.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
    let html = page(&caller, &link.replace("&#38;", "&")).await;
    let row = html.split("<th scope=\"row\">2024-05</th>").nth(1).unwrap();
    let row = row.split("</tr>").next().unwrap();
    assert!(row.contains("+0.10") && row.contains(">-33.33%<"), "{row}");
}

async fn post(caller: &Caller, path: &str, form: &[(&str, &str)]) -> (StatusCode, String) {
    let answer = caller.request(Method::POST, path).form(form).send().await.unwrap();
    let place = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
    (answer.status(), place.unwrap_or_default())
}

#[tokio::test]
async fn views_belong_to_who_saved_them_and_sharing_lets_others_read() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.caller(Role::ReadOnly).await, server.caller(Role::ReadOnly).await);
    let query = "curve=energy&iso=ercot&day2=previous_day&view=evolution";
    let saved = post(&ann, "/curves/views", &[("name", " My view "), ("query", query)]).await;
    assert_eq!(saved, (StatusCode::SEE_OTHER, format!("/curves?{query}")));
    let again = post(&ann, "/curves/views", &[("name", "My view"), ("query", query)]).await.0;
    assert_eq!(again, StatusCode::CONFLICT);
    for bad in [("", query), ("b", "nonsense=1"), ("c", "iso=caiso")] {
        let form = [("name", bad.0), ("query", bad.1)];
        assert_eq!(post(&ann, "/curves/views", &form).await.0, StatusCode::BAD_REQUEST, "{bad:?}");
    }
    let list = page(&ann, "/curves/views").await;
    let view = list.split("href=\"").find(|link| link.starts_with("/curves/views/")).unwrap();
    let view = view.split('"').next().unwrap();
    let open = async |caller: &Caller| {
        let answer = caller.get(view).await;
        let place = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        (answer.status(), place)
    };
    let opened = (StatusCode::SEE_OTHER, Some(format!("/curves?{query}")));
    assert_eq!(open(&ann).await, opened);
    assert_eq!(open(&bob).await.0, StatusCode::NOT_FOUND);
    assert!(!page(&bob, "/curves/views").await.contains("My view"));

    let share = format!("{view}/share");
    assert_eq!(post(&bob, &share, &[("shared", "true")]).await.0, StatusCode::NOT_FOUND);
    assert_eq!(post(&ann, &share, &[("shared", "true")]).await.0, StatusCode::SEE_OTHER);
    assert_eq!(open(&bob).await, opened);
    let seen = page(&bob, "/curves/views").await;
    assert!(seen.contains("My view") && !seen.contains("/rename"), "{seen}");
    for (change, form) in [("rename", [("name", "Mine")]), ("share", [("shared", "false")])] {
        let path = format!("{view}/{change}");
        assert_eq!(post(&bob, &path, &form).await.0, StatusCode::NOT_FOUND, "{change}");
    }
    assert_eq!(post(&bob, &format!("{view}/delete"), &[]).await.0, StatusCode::NOT_FOUND);

    let renamed = post(&ann, &format!("{view}/rename"), &[("name", "Ours")]).await.0;
    assert_eq!(renamed, StatusCode::SEE_OTHER);
    assert!(page(&bob, "/curves/views").await.contains("Ours"));
    assert_eq!(post(&ann, &share, &[("shared", "false")]).await.0, StatusCode::SEE_OTHER);
    assert_eq!(open(&bob).await.0, StatusCode::NOT_FOUND);
    assert_eq!(post(&ann, &format!("{view}/delete"), &[]).await.0, StatusCode::SEE_OTHER);
    assert_eq!(open(&ann).await.0, StatusCode::NOT_FOUND);
}

#[test]
fn the_hours_of_this_test_are_those_of_the_trade() {
    assert_eq!(hours("2024-05-01".parse().unwrap()), [128, 368, 248]);
    assert_eq!(rounded(-1, 200_000, 5), "-0.00001");
}

#[tokio::test]
async fn curves_without_contract_months_are_looked_at_version_by_version() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    for name in [
        "Shaping_ERCOT_20240603_060000.csv",
        "Vlr_ERCOT_20240603_060000.csv",
        "LoadProfile_ERCOT_20240603_060000.csv",
        "LineLoss_ERCOT_20240603_060000.csv",
        "LineLoss_PJM_20240603_060000.csv",
        "LineLoss_PJM_20240604_060000.csv",
        "Matrix_ERCOT_20240603_073000.csv",
        "PTC_ERCOT_20240603_070000.csv",
    ] {
        let bytes = std::fs::read(files::repository("good_test_data/good").join(name)).unwrap();
        assert_eq!(caller.upload(name, bytes).await.status, 201, "{name}");
    }
    let answer = caller.get("/curves?curve=shaping&iso=ercot").await;
    let place = answer.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(place, "/curves/versions?curve=shaping&iso=ercot");
    // The files' first rows of that part, cell by cell.
    for (query, row) in [
        ("curve=shaping", vec!["HE 1", "0.9245", "0.9245", "0.9421"]),
        ("curve=vlr&part=1", vec!["HE 7", "0.0631", "0.0636"]),
        ("curve=loadprofile", vec!["HE 2", "0.6815", "5.5254", "18.9872"]),
        ("curve=loadprofile&part=2024-06-01", vec!["HE 6", "0.8089", "6.4075", "21.7557"]),
        ("curve=matrix", vec!["Line Losses, $/MWh", "2.31", "2.17", "2.01"]),
    ] {
        let html = page(&caller, &format!("/curves/versions?iso=ercot&{query}")).await;
        let (name, cells) = row.split_first().unwrap();
        let cells = cells.join("</td><td class=\"num\">");
        let row = format!("<th scope=\"row\">{name}</th><td class=\"num\">{cells}</td>");
        assert!(html.contains(&row), "{query}: {row} is not in {html}");
    }
    let losses = page(&caller, "/curves/versions?iso=ercot&curve=lineloss").await;
    let row = "<th scope=\"row\">NORTH ZONE 7x24 Secondary</th><td class=\"num\">0.0616</td>";
    assert!(losses.contains(row), "{losses}");
    let none = "/curves/versions?iso=ercot&curve=shaping&part=1999-01-01";
    assert_eq!(caller.get(none).await.status(), StatusCode::BAD_REQUEST);

    let two = page(&caller, "/curves/versions?iso=pjm&curve=lineloss").await;
    let other = two.split("<optgroup label=\"2024-06-03\"><option value=\"").nth(1).unwrap();
    let other = other.split('"').next().unwrap();
    let compared = format!("/curves/versions?iso=pjm&curve=lineloss&compare={other}");
    assert!(page(&caller, &compared).await.contains("Values changed"));

    let offers = export(&caller, "iso=ercot&curve=ptc").await;
    assert!(offers[0][1].starts_with("ERCOT NORTH ZONE / Residential / "), "{:?}", offers[0]);
    let known = caller.get("/curves/versions?curve=matrix&iso=ercot").await;
    assert!(known.headers().contains_key("x-known-at"));
    let early = "/curves/versions?curve=matrix&iso=ercot&as_of=2001-01-01T00:00:00Z";
    assert!(page(&caller, early).await.contains("There is no ERCOT matrix curve yet."));
}
