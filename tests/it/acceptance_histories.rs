//! Histories of uploads: the answer at an instant stays what it was, and the order in which files
//! came does not change a byte.

use std::collections::BTreeMap;

use bytes::Bytes;
use reqwest::Method;
use serde_json::json;
use trueprice::auth::Role;

use crate::{
    agreement::entries,
    support::{Caller, Reply, TestServer, files},
};

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn energy(price: u64) -> Bytes {
    let columns = [("5x16", price), ("2x16", price + 7), ("7x8", price / 2)];
    let line = |name: &str, cell: &dyn Fn(usize) -> String| {
        let cells: Vec<String> = (0..columns.len()).map(cell).collect();
        format!("{name},{}\n", cells.join(","))
    };
    let mut text = String::new();
    for (name, label) in [
        ("Control Area", "ERCOT"),
        ("State", "TX"),
        ("Load Zone", "NORTH ZONE"),
        ("Capacity Zone", "NORTH ZONE"),
        ("Utility", "ALL"),
    ] {
        text += &line(name, &|_| label.to_owned());
    }
    text += &line("Block Type", &|column| columns[column].0.to_owned());
    text += &line("Cost Group", &|_| "Energy".to_owned());
    text += &line("Cost Component", &|_| "Energy".to_owned());
    text += ",,,\n";
    text += &line("Month", &|_| "NORTH ZONE".to_owned());
    for month in ["6/1/2024", "7/1/2024"] {
        text += &line(month, &|column| format!("{}.{:02}", columns[column].1, price % 100));
    }
    text.into()
}

/// Uploads a file of a random time, or reopens a day; backfills where the day is closed or later.
async fn step(
    dice: &mut Dice,
    caller: &Caller,
    admin: &Caller,
    codes: &mut BTreeMap<String, usize>,
) {
    let day = 20 + dice.roll(3);
    let reply = if dice.roll(5) == 0 {
        let path = format!("/api/v1/datasets/energy/ercot/operating-days/2024-05-{day}/reopen");
        let body = json!({"reason": "a late correction"});
        let sent = admin.request(Method::POST, &path).json(&body).send().await.unwrap();
        Reply::of(sent).await
    } else {
        let suffix = if dice.roll(3) == 0 { "_cob" } else { "" };
        let (hour, minute) = (dice.roll(24), dice.roll(60));
        let name = format!("Energy_ERCOT_202405{day}_{hour:02}{minute:02}00{suffix}.csv");
        let query = if dice.roll(2) == 0 { "?backfill=true" } else { "" };
        let path = format!("/api/v1/uploads{query}");
        caller.send(&path, &[(&name, energy(20 + dice.roll(500)))]).await
    };
    let code = match reply.code() {
        "" => reply.status.to_string(),
        code => code.to_owned(),
    };
    *codes.entry(code).or_default() += 1;
}

fn queries() -> Vec<String> {
    let mut queries = Vec::new();
    for version in ["latest", "intraday", "cob", "all"] {
        for window in [
            "",
            "&operating_day=2024-05-20",
            "&operating_day=2024-05-20&operating_day_end=2024-05-22",
        ] {
            for mode in ["standardized", "unstandardized"] {
                queries.push(format!("iso=ercot&version={version}&mode={mode}{window}"));
            }
        }
    }
    queries
}

/// Status, and bytes where something matches.
async fn answer(caller: &Caller, query: &str) -> (u16, Option<Bytes>, Option<String>) {
    let answer = caller.get(&format!("/api/v1/data?curve=energy&{query}")).await;
    let known_at = answer.headers().get("x-known-at").map(|at| at.to_str().unwrap().to_owned());
    let (status, bytes) = (answer.status().as_u16(), answer.bytes().await.unwrap());
    (status, (status == 200).then_some(bytes), known_at)
}

#[tokio::test]
async fn any_history_of_uploads_is_answered_as_it_was_then() {
    let server = TestServer::start().await;
    let (caller, admin) = (server.caller(Role::ReadWrite).await, server.caller(Role::Admin).await);
    let (mut dice, mut codes) = (Dice(11), BTreeMap::new());
    let mut recorded = Vec::new();
    for _ in 0..24 {
        step(&mut dice, &caller, &admin, &mut codes).await;
        let Some(known_at) = answer(&caller, "iso=ercot&version=all").await.2 else { continue };
        for query in queries() {
            let (status, bytes, _) = answer(&caller, &query).await;
            recorded.push((format!("{query}&as_of={known_at}"), status, bytes));
        }
    }
    // 200: a day was reopened.
    for code in ["created", "superseded", "backfilled", "day_closed_by_cob", "200"] {
        assert!(codes.contains_key(code), "{code} is not in {codes:?}");
    }
    for (query, status, bytes) in &recorded {
        let (then, again, _) = answer(&caller, query).await;
        assert_eq!((then, &again), (*status, bytes), "{query}");
    }
}

/// The files that may come in any order: no day of theirs is closed.
fn loose_files() -> Vec<(String, Bytes)> {
    let folder = files::repository("good_test_data/good");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_some_and(|kind| kind == "csv") && !name.contains("_cob") {
            found.push((name, std::fs::read(path).unwrap().into()));
        }
    }
    found.sort();
    found
}

/// Every file that a server has of everything, from `files` in their order.
async fn loaded(files: &[(String, Bytes)]) -> BTreeMap<String, Vec<u8>> {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    for (name, bytes) in files {
        let reply = caller.send("/api/v1/uploads?backfill=true", &[(name, bytes.clone())]).await;
        assert_eq!(reply.status, 201, "{name}: {}", reply.body);
    }
    let mut all = BTreeMap::new();
    for mode in ["standardized", "unstandardized"] {
        for form in ["csv", "xlsx"] {
            for curve in [
                "all&version=latest",
                "energy&version=all",
                "nonenergy&version=all",
                "ptc&version=all",
            ] {
                let path = format!("/api/v1/data?curve={curve}&iso=all&mode={mode}&format={form}");
                let answer = caller.get(&path).await.bytes().await.unwrap();
                let files = entries(answer).0.into_iter();
                all.extend(
                    files.map(|(name, bytes)| (format!("{name} {curve} {mode} {form}"), bytes)),
                );
            }
        }
    }
    all
}

#[tokio::test]
async fn the_order_of_uploads_does_not_change_a_byte() {
    let mut files = loose_files();
    let in_order = loaded(&files).await;
    files.reverse();
    let reversed = loaded(&files).await;
    files.rotate_left(17);
    let rotated = loaded(&files).await;
    assert!(in_order.len() > 150 && in_order.keys().eq(reversed.keys()));
    for (name, bytes) in &in_order {
        assert!(bytes == &reversed[name] && bytes == &rotated[name], "{name}");
    }
}
