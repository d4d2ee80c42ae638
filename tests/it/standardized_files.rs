//! Standardized prices of real files, beside an independent computation.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, Weekday};
use rust_decimal::Decimal;
use trueprice::auth::Role;

use crate::support::{Caller, TestServer, files};

async fn started() -> (TestServer, Caller) {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    (server, caller)
}

async fn text(caller: &Caller, query: &str) -> String {
    let answer = caller.get(&format!("/api/v1/data?{query}")).await;
    assert_eq!(answer.status(), 200, "{query}");
    answer.text().await.unwrap()
}

/// A real file: labels by column, and months with their cells.
struct RealFile {
    labels: Vec<Vec<String>>,
    rows: Vec<(NaiveDate, Vec<String>)>,
}

fn read(path: &std::path::Path) -> RealFile {
    let bytes = std::fs::read(path).unwrap();
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&*bytes);
    let records: Vec<Vec<String>> = reader
        .records()
        .map(|record| record.unwrap().iter().map(|cell| cell.trim().to_owned()).collect())
        .collect();
    let day = |cell: &str| {
        ["%m/%d/%Y", "%m/%d/%y"].iter().find_map(|form| {
            let day = NaiveDate::parse_from_str(cell, form).ok()?;
            (day.year() > 1999).then_some(day)
        })
    };
    let rows = records.iter().filter_map(|record| Some((day(&record[0])?, record[1..].to_vec())));
    RealFile {
        rows: rows.collect(),
        labels: records[1..9].iter().map(|r| r[1..].to_vec()).collect(),
    }
}

/// Days of a month, and those of them on a weekend.
fn days(month: NaiveDate) -> (i128, i128) {
    let days = month.iter_days().take_while(|day| day.month() == month.month());
    let weekend = |day: &NaiveDate| matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let count = |days: &mut dyn Iterator<Item = NaiveDate>| i128::try_from(days.count()).unwrap();
    (count(&mut days.clone()), count(&mut days.filter(weekend)))
}

/// `sum` × 10⁻¹² / `hours` with five decimals, half away from zero.
fn rounded(sum: i128, hours: i128) -> String {
    let unit = hours * 10_i128.pow(7);
    let size = (sum.abs() * 2 + unit) / (unit * 2);
    let sign = if sum < 0 && size > 0 { "-" } else { "" };
    format!("{sign}{}.{:05}", size / 100_000, size % 100_000)
}

/// A cell times 10¹²; none for what is no number.
fn scaled(cell: &str) -> Option<i128> {
    let cell = cell.replace(['$', ',', ' '], "");
    let mut value: Decimal = cell.parse().ok()?;
    value.rescale(12);
    Some(value.mantissa())
}

/// Labels without the block to column and month to value, of a long CSV.
async fn prices(caller: &Caller, query: &str) -> BTreeMap<(String, String), String> {
    let text = text(caller, &format!("{query}&layout=long&format=csv")).await;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let key = |record: &csv::StringRecord| {
        let labels = [7, 8, 9, 10, 11, 13, 14].map(|place: usize| record[place].to_owned());
        (labels.join("|"), record[22].to_owned())
    };
    let all: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let prices: BTreeMap<_, _> =
        all.iter().map(|record| (key(record), record[29].to_owned())).collect();
    assert_eq!(prices.len(), all.len(), "each label and month once");
    prices
}

#[tokio::test]
async fn a_real_energy_file_is_the_weighted_mean_of_its_blocks() {
    let Some(folder) = files::real_curves() else { return };
    let (_server, caller) = started().await;
    let name = "Energy_ERCOT_20230522_082540.csv";
    let bytes = std::fs::read(folder.join(name)).unwrap();
    assert_eq!(caller.upload(name, bytes).await.status, 201);
    let file = read(&folder.join(name));
    let mut expected = BTreeMap::new();
    for (month, cells) in &file.rows {
        let (n, weekend) = days(*month);
        let mut sums: BTreeMap<String, i128> = BTreeMap::new();
        for (place, cell) in cells.iter().enumerate() {
            let label = |row: usize| &*file.labels[row][place];
            let hours = match label(5) {
                "5x16" => 16 * (n - weekend),
                "2x16" => 16 * weekend,
                "7x8" => 8 * n,
                other => panic!("{other}"),
            };
            let labels = [0, 1, 2, 3, 4, 6, 7].map(label).join("|");
            *sums.entry(labels).or_default() += scaled(cell).unwrap() * hours;
        }
        for (labels, sum) in sums {
            expected.insert((labels, month.to_string()), rounded(sum, 24 * n));
        }
    }
    assert_eq!(expected.len(), 4 * 61);
    assert_eq!(prices(&caller, "curve=energy&iso=ercot&mode=standardized").await, expected);
}

#[tokio::test]
async fn real_charges_are_converted_by_their_units() {
    let Some(folder) = files::real_curves() else { return };
    let (_server, caller) = started().await;
    for (name, iso) in [
        ("NonEnergy_NYISO_20230430_101010.csv", "nyiso"),
        ("NonEnergy_MISO_20230430_101010.csv", "miso"),
    ] {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let reply = caller.upload(name, bytes).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        let file = read(&folder.join(name));
        let mut expected: BTreeMap<(String, String), Option<(i128, i128)>> = BTreeMap::new();
        for (month, cells) in &file.rows {
            let (n, _) = days(*month);
            for (place, cell) in cells.iter().enumerate() {
                let label = |row: usize| &*file.labels[row][place];
                let component = label(7).replace(" ($/kW-day)", "");
                let (times, hours) = match &*component {
                    "ROS" | "LHV" | "NYC" => (1000 * 3, 24 * n * 3),
                    "Capacity Price" => (1000 * n * 3, 24 * n * 3),
                    "ARRs" | "NITS Schedule 9" => (3, 24 * n * 3),
                    // Two thirds of the hours are on-peak.
                    peak if peak.ends_with(" on-peak") => (2 * 24 * n, 24 * n * 3),
                    peak if peak.ends_with(" off-peak") => (24 * n, 24 * n * 3),
                    _ => (24 * n * 3, 24 * n * 3),
                };
                let component = component.replace(" on-peak", "").replace(" off-peak", "");
                let labels = [0, 1, 2, 3, 4, 6].map(label).join("|") + "|" + &component;
                let term = scaled(cell).map(|value| (value * times, hours));
                let sum = expected.entry((labels, month.to_string())).or_insert(Some((0, hours)));
                *sum = sum.zip(term).map(|((sum, hours), (term, _))| (sum + term, hours));
            }
        }
        let expected: BTreeMap<_, _> = expected
            .into_iter()
            .map(|(key, sum)| (key, sum.map_or(String::new(), |(sum, h)| rounded(sum, h))))
            .collect();
        let found = prices(&caller, &format!("curve=nonenergy&iso={iso}&mode=standardized")).await;
        let found: BTreeMap<_, _> = found
            .into_iter()
            .map(|(key, value)| (key, if value.is_empty() { value } else { five(&value) }))
            .collect();
        assert!(expected.values().any(|value| !value.is_empty() && value != "0.00000"));
        assert_eq!(found.len(), expected.len(), "{name}");
        for (key, value) in &expected {
            assert_eq!(found.get(key), Some(value), "{key:?}");
        }
    }
}

/// A number with five decimals: native ones are exact in the long layout.
fn five(text: &str) -> String {
    rounded(scaled(text).unwrap(), 1)
}
