//! What changed between two versions: to the cell, and as the rows of both add up.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::StatusCode;
use serde_json::{Value, json};
use trueprice::{auth::Role, domain::Dataset};

use crate::{
    downloads_stored::{Stored, after, at, column, months, small, store},
    support::{Caller, TestServer},
};

struct Compared {
    server: TestServer,
    caller: Caller,
}

impl Compared {
    async fn start() -> Self {
        let server = TestServer::start().await;
        let caller = server.caller(Role::ReadOnly).await;
        Self { server, caller }
    }

    async fn store(&self, version: &Stored) -> i64 {
        store(&self.server.app.pool, version).await
    }

    /// Two versions of a day with every kind of change.
    async fn two_versions(&self) -> [i64; 2] {
        let mut first = small(at(3, 4, 9, 30), after(at(3, 4, 9, 30)), false);
        first.months = months(3);
        first.columns = vec![
            column("NORTH", "5x16", &["40", "0", ""]),
            column("NORTH", "7x8", &["1", "2", "3"]),
            column("=GONE", "7x8", &["7", "", "8"]),
        ];
        let mut second = small(at(3, 4, 16, 0), after(at(3, 4, 16, 0)), true);
        second.months = months(2);
        second.columns = vec![
            column("NORTH", "5x16", &["41.5", "2"]),
            column("NORTH", "7x8", &["1.00", ""]),
            column("SOUTH", "7x8", &["9", ""]),
        ];
        [self.store(&first).await, self.store(&second).await]
    }

    async fn text(&self, path: &str) -> String {
        let answer = self.caller.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert!(answer.headers().contains_key("x-known-at"), "{path}");
        answer.text().await.unwrap()
    }

    async fn diff(&self, from: i64, to: i64, query: &str) -> Value {
        let text = self.text(&format!("/api/v1/diff?from={from}&to={to}{query}")).await;
        serde_json::from_str(&text).unwrap()
    }

    /// The rows of a version as a download gives them.
    async fn rows(&self, id: i64, query: &str) -> BTreeMap<String, Value> {
        // What a diff does without a word about the mode.
        let mode = if query.contains("mode=") { "" } else { "&mode=unstandardized" };
        let query = format!("curve=energy&iso=ercot&version_id={id}{query}{mode}&format=ndjson");
        let answer = self.caller.get(&format!("/api/v1/data?{query}")).await;
        if answer.status() == StatusCode::NOT_FOUND {
            return BTreeMap::new();
        }
        let text = answer.text().await.unwrap();
        let rows = text.lines().map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            (key(&row), row["value"].clone())
        });
        rows.collect()
    }
}

/// What a row is of.
fn key(row: &Value) -> String {
    format!("{} {} {}", row["dims"], row["uom"], row["contract_month"])
}

const COUNTS: [&str; 4] = ["added", "removed", "changed", "unchanged"];

fn counts(diff: &Value) -> [u64; 4] {
    COUNTS.map(|name| diff["summary"][name].as_u64().unwrap())
}

#[tokio::test]
async fn every_kind_of_change_is_told() {
    let compared = Compared::start().await;
    let [from, to] = compared.two_versions().await;
    let csv = compared.text(&format!("/api/v1/diff?from={from}&to={to}&format=csv")).await;
    let row = |zone: &str, block: &str, sub: &str, month: &str, rest: &str| {
        format!(
            "energy,ercot,{from},{to},ERCOT,TX,{zone},-,ONCOR,{block},Energy,Energy,{sub},,,,,\
             $/MWh,native,{month},,,,,,{rest}\n"
        )
    };
    let expected = [
        "curve,iso,from_version_id,to_version_id,control_area,state,load_zone,capacity_zone,\
         utility,block_type,cost_group,cost_component,sub_component,customer_type,load_profile,\
         matching_id,lookup_id,uom,kind,contract_month,date,month,he,term,beginning_date,status,\
         old,new,delta,percent\n"
            .to_owned(),
        row("'=GONE", "7x8", "'=GONE", "2020-03-01", "removed,7,,,"),
        row("'=GONE", "7x8", "'=GONE", "2020-04-01", "removed,,,,"),
        row("'=GONE", "7x8", "'=GONE", "2020-05-01", "removed,8,,,"),
        row("NORTH", "5x16", "NORTH", "2020-03-01", "changed,40,41.5,1.5,3.75000"),
        row("NORTH", "5x16", "NORTH", "2020-04-01", "changed,0,2,2,"),
        row("NORTH", "5x16", "NORTH", "2020-05-01", "removed,,,,"),
        row("NORTH", "7x8", "NORTH", "2020-04-01", "changed,2,,,"),
        row("NORTH", "7x8", "NORTH", "2020-05-01", "removed,3,,,"),
        row("SOUTH", "7x8", "SOUTH", "2020-03-01", "added,,9,,"),
        row("SOUTH", "7x8", "SOUTH", "2020-04-01", "added,,,,"),
    ];
    assert_eq!(csv, expected.concat());
    let diff = compared.diff(from, to, "").await;
    assert_eq!(counts(&diff), [2, 5, 3, 1]);
    assert_eq!(diff["data"].as_array().unwrap().len(), 10);
    let largest = &diff["summary"]["largest_move"];
    assert_eq!(largest, &diff["data"][4]);
    assert_eq!((&largest["delta"], &largest["percent"]), (&json!(2), &json!(null)));
    assert_eq!(diff["meta"]["from"]["id"], json!(from.to_string()));
    assert_eq!(diff["summary"]["from_note"], json!(null));
    let lines = compared.text(&format!("/api/v1/diff?from={from}&to={to}&format=ndjson")).await;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json!(lines), diff["data"]);
}

#[tokio::test]
async fn filters_choose_rows_and_only_leaves_the_counts() {
    let compared = Compared::start().await;
    let [from, to] = compared.two_versions().await;
    for (query, expected) in [
        ("&strip=5x16", [0, 1, 2, 0]),
        ("&start=2020-04&end=2020-04", [1, 1, 2, 0]),
        // Only one of the versions has the month.
        ("&start=2020-05", [0, 3, 0, 0]),
        ("&start=2021-01", [0, 0, 0, 0]),
    ] {
        assert_eq!(counts(&compared.diff(from, to, query).await), expected, "{query}");
    }
    for (only, rows) in [("added", 2), ("removed", 5), ("changed", 3)] {
        let diff = compared.diff(from, to, &format!("&only={only}")).await;
        let data = diff["data"].as_array().unwrap();
        assert_eq!(data.len(), rows);
        assert!(data.iter().all(|row| row["status"] == only));
        assert_eq!(counts(&diff), [2, 5, 3, 1]);
    }
    let path = format!("/api/v1/diff?from={from}&to={to}&calendar=nerc");
    assert_eq!(compared.caller.get(&path).await.headers()["x-not-applied"], "calendar");
}

const BLOCKS: [&str; 3] = ["5x16", "2x16", "7x8"];

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap() % sides
    }

    /// A version with any months of a year, any series of four zones, few distinct values.
    fn version(&mut self, place: u32) -> Stored {
        let mut version = small(at(3, 4, place, 0), after(at(3, 4, place, 0)), false);
        version.months = months(12);
        version.months.retain(|_| self.roll(3) > 0);
        version.months.push(after(at(12, 1, 0, 0)).date_naive() + chrono::Months::new(12));
        let series = (0..12_usize).filter(|_| self.roll(3) > 0).collect::<Vec<_>>();
        version.columns = series
            .into_iter()
            .chain([12])
            .map(|series| {
                let values: Vec<&str> = version
                    .months
                    .iter()
                    .map(|_| ["", "0", "1.5", "1.50", "-3"][self.roll(5) as usize])
                    .collect();
                column(["A", "B", "C", "D", "E"][series / 3], BLOCKS[series % 3], &values)
            })
            .collect();
        version
    }
}

const QUERIES: [&str; 5] = [
    "",
    "&strip=7x8",
    "&start=2020-05&end=2020-09",
    "&mode=standardized",
    "&mode=standardized&calendar=nerc&start=2020-06",
];

#[tokio::test]
async fn whatever_two_versions_hold_the_rows_add_up() {
    let compared = Compared::start().await;
    let mut dice = Dice(3);
    let mut ids = Vec::new();
    for place in 0..6 {
        ids.push(compared.store(&dice.version(place)).await);
    }
    for query in QUERIES {
        for pair in ids.windows(2) {
            let [a, b] = [pair[0], pair[1]];
            let diff = compared.diff(a, b, query).await;
            let (old, new) = (compared.rows(a, query).await, compared.rows(b, query).await);
            let [added, removed, changed, unchanged] = counts(&diff);
            assert_eq!(old.len() as u64, removed + changed + unchanged, "{query}");
            assert_eq!(new.len() as u64, added + changed + unchanged, "{query}");
            let data = diff["data"].as_array().unwrap();
            let kind = if query.contains("mode") { "derived" } else { "native" };
            assert!(!data.is_empty() && data.iter().all(|row| row["kind"] == kind), "{query}");
            let told: BTreeSet<_> = data.iter().map(key).collect();
            assert_eq!(told.len(), data.len());
            for row in data {
                let (before, now) = (old.get(&key(row)), new.get(&key(row)));
                let status = match (before, now) {
                    (None, Some(_)) => "added",
                    (Some(_), None) => "removed",
                    _ => "changed",
                };
                assert_eq!(row["status"], status);
                assert_eq!(&row["old"], before.unwrap_or(&Value::Null));
                assert_eq!(&row["new"], now.unwrap_or(&Value::Null));
            }
            let same = old.iter().filter(|(key, _)| !told.contains(*key));
            for (key, value) in same {
                assert_eq!(new.get(key), Some(value), "{key}");
            }
            mirrors(&diff, &compared.diff(b, a, query).await);
        }
        let same = compared.diff(ids[0], ids[0], query).await;
        let rows = compared.rows(ids[0], query).await.len() as u64;
        assert_eq!((counts(&same), &same["data"]), ([0, 0, 0, rows], &json!([])));
        assert_eq!(same["summary"]["largest_move"], Value::Null);
    }
}

fn mirrors(there: &Value, back: &Value) {
    let [added, removed, changed, unchanged] = counts(there);
    assert_eq!(counts(back), [removed, added, changed, unchanged]);
    let rows = there["data"].as_array().unwrap().iter().zip(back["data"].as_array().unwrap());
    for (there, back) in rows {
        assert_eq!(key(there), key(back));
        assert_eq!((&there["old"], &there["new"]), (&back["new"], &back["old"]));
        let delta = |row: &Value| row["delta"].as_f64();
        assert_eq!(delta(there), delta(back).map(|delta| -delta));
    }
}

#[tokio::test]
async fn a_day_is_compared_with_itself_at_two_instants() {
    let compared = Compared::start().await;
    let [from, to] = compared.two_versions().await;
    let day = "/api/v1/diff?curve=energy&iso=ercot&operating_day=2020-03-04";
    let early = "&from_as_of=2020-03-04T10:00:00Z";
    for (query, ids) in [
        (early.to_owned(), [from, to]),
        (format!("{early}&to_as_of=2020-03-04T12:00:00%2B01:00"), [from, from]),
        (format!("{early}&to_as_of=2020-03-05T00:00:00Z"), [from, to]),
    ] {
        let diff: Value =
            serde_json::from_str(&compared.text(&format!("{day}{query}")).await).unwrap();
        let told = ["from", "to"].map(|side| diff["meta"][side]["id"].clone());
        assert_eq!(told, ids.map(|id| json!(id.to_string())), "{query}");
        assert_eq!(diff["data"], compared.diff(ids[0], ids[1], "").await["data"]);
    }
    for (query, outcome) in [
        ("&from_as_of=2020-03-04T09:00:00Z", (404, "no_data")),
        ("&from_as_of=2999-01-01T00:00:00Z", (400, "bad_parameter")),
        ("&from_as_of=2020-03-04T10:00:00", (400, "bad_parameter")),
        ("", (400, "bad_parameter")),
    ] {
        let reply = compared.caller.ask(&format!("{day}{query}")).await;
        assert_eq!(reply.outcome(), outcome, "{query}");
    }
}

#[tokio::test]
async fn what_cannot_be_compared_is_refused() {
    let compared = Compared::start().await;
    let [from, to] = compared.two_versions().await;
    let other = Dataset::from_id(12).unwrap();
    let other = Stored { dataset: other, ..small(at(3, 4, 9, 30), at(3, 4, 9, 31), false) };
    let other = compared.store(&other).await;
    for (query, outcome) in [
        (format!("from={from}&to={other}"), (400, "contradictory_parameters")),
        (format!("from={from}&to={to}&iso=ercot"), (400, "contradictory_parameters")),
        (
            format!("from={from}&to={to}&start=2020-05&end=2020-04"),
            (400, "contradictory_parameters"),
        ),
        (format!("from={from}&to=999999"), (404, "not_found")),
        (format!("from={from}"), (400, "bad_parameter")),
        (format!("from={from}&to={to}&format=xlsx"), (400, "bad_parameter")),
        (format!("from={from}&to={to}&only=moved"), (400, "bad_parameter")),
        (format!("from={from}&to={to}&zone=x"), (400, "unknown_parameter")),
        (format!("from={from}&to={to}&strip=wd"), (404, "no_data")),
        ("curve=rec&iso=miso".to_owned(), (404, "no_such_dataset")),
    ] {
        let reply = compared.caller.ask(&format!("/api/v1/diff?{query}")).await;
        assert_eq!(reply.outcome(), outcome, "{query}: {}", reply.body);
    }
    let anonymous = compared.server.anonymous();
    assert_eq!(anonymous.ask(&format!("/api/v1/diff?from={from}&to={to}")).await.status, 401);
}
