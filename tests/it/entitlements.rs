//! Who sees which cells: random grants over random versions, every reader against a naive model that
//! knows the rule cell by cell.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike as _, Months, NaiveDate, TimeDelta, Utc};
use reqwest::StatusCode;
use serde_json::{Value, json};
use trueprice::{
    auth::Role,
    domain::{Dataset, Family, Iso},
};

use crate::{
    downloads_stored::{Stored, at, column, months, store},
    support::{Caller, TestServer, files::repository},
};

/// The present of every test here.
const NOW: &str = "2020-03-20T12:00:00Z";
const ZONES: [&str; 3] = ["NORTH ZONE", "SOUTH ZONE", "WEST ZONE"];
const BLOCKS: [&str; 4] = ["5x16", "2x16", "7X8", "7x24"];
const MONTHS: u32 = 8;

/// Numbers that look random and are the same in every run.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.roll(n) == 0
    }

    fn some_of<'a>(&mut self, words: &[&'a str]) -> Option<Vec<&'a str>> {
        if self.one_in(2) {
            return None;
        }
        let mut chosen: Vec<&str> = words.iter().copied().filter(|_| self.one_in(2)).collect();
        if chosen.is_empty() {
            chosen.push(words[0]);
        }
        Some(chosen)
    }
}

/// A version as the model knows it.
pub struct Version {
    id: i64,
    day: NaiveDate,
    at: DateTime<Utc>,
    cob: bool,
    current: bool,
    /// Zone and block.
    series: Vec<(&'static str, &'static str)>,
}

/// Version, zone, block in lower case, month.
type Cell = (i64, String, String, NaiveDate);

/// One to three versions of each of nine days, each with some of the series. Every value is another.
pub async fn world(server: &TestServer, dice: &mut Dice) -> Vec<Version> {
    let mut versions: Vec<Version> = Vec::new();
    for day in 2..=10 {
        let count = 1 + dice.roll(3);
        for hour in 0..count {
            let cob = hour + 1 == count && dice.one_in(2);
            let mut series: Vec<_> =
                ZONES.into_iter().flat_map(|zone| BLOCKS.map(|block| (zone, block))).collect();
            series.retain(|_| !dice.one_in(4));
            let stamp = at(3, day, 8 + u32::try_from(hour).unwrap(), 0);
            let number = versions.len();
            let columns = series.iter().enumerate().map(|(place, (zone, block))| {
                let value = |month| format!("{}.{:02}{month}", number + 1, place);
                let values: Vec<String> = (0..MONTHS).map(value).collect();
                column(zone, block, &values.iter().map(|value| &**value).collect::<Vec<_>>())
            });
            let stored = Stored {
                dataset: Dataset::new(Family::Energy, Iso::Ercot).unwrap(),
                timestamp: stamp,
                cob,
                known_at: stamp + TimeDelta::minutes(1),
                months: months(MONTHS),
                columns: columns.collect(),
            };
            let id = store(&server.app.pool, &stored).await;
            let day = stamp.date_naive();
            let former = versions.iter_mut().filter(|version| version.day == day);
            former.for_each(|version| version.current = false);
            versions.push(Version { id, day, at: stamp, cob, current: true, series });
        }
    }
    let told = "insert into update_feed (kind, dataset_id, version_id, known_at)
                select 'version_published', dataset_id, id, known_at from curve_version order by known_at";
    sqlx::query(told).execute(&server.app.pool).await.unwrap();
    versions
}

/// A grant of ERCOT energy as JSON, as the table has it.
pub fn random_grant(dice: &mut Dice) -> Value {
    let mut grant = json!({ "curves": ["energy"] });
    let mut set = |name: &str, value: Value| {
        grant[name] = value;
    };
    if let Some(zones) = dice.some_of(&ZONES) {
        set("load_zones", json!(zones));
    }
    if let Some(blocks) = dice.some_of(&BLOCKS) {
        set("block_types", json!(blocks));
    }
    let month = |n: u64| months(MONTHS + 4)[usize::try_from(n).unwrap()];
    match dice.roll(3) {
        0 => {
            let (first, more) = (dice.roll(6), dice.roll(6));
            set("months", json!("fixed"));
            set("first_month", json!(month(first)));
            if dice.one_in(2) {
                set("last_month", json!(month(first + more)));
            }
        }
        1 => {
            set("months", json!("rolling"));
            set("rolling_months", json!(1 + dice.roll(12)));
            set("rolling_from", json!(if dice.one_in(2) { "balance" } else { "prompt" }));
        }
        _ => {}
    }
    set("cob_only", json!(dice.one_in(3)));
    set("current_only", json!(dice.one_in(4)));
    if dice.one_in(3) {
        set("delay_days", json!(8 + dice.roll(10)));
    }
    if dice.one_in(3) {
        set("history_days", json!(1 + dice.roll(9)));
    }
    grant
}

/// The rule, one grant and one cell at a time, from the words of the specification.
struct Model<'a> {
    versions: &'a [Version],
    grants: &'a [Value],
    today: NaiveDate,
}

impl Model<'_> {
    /// Whether a grant lets a version through, its history apart.
    fn passes(&self, grant: &Value, version: &Version) -> bool {
        let delay = grant["delay_days"].as_i64();
        (grant["cob_only"] != true || version.cob)
            && (grant["current_only"] != true || version.current)
            && delay.is_none_or(|days| version.day <= self.today - TimeDelta::days(days))
    }

    fn shows_version(&self, grant: &Value, version: &Version) -> bool {
        let passing = self.versions.iter().filter(|version| self.passes(grant, version));
        let days: BTreeSet<NaiveDate> = passing.map(|version| version.day).collect();
        let depth =
            grant["history_days"].as_u64().map_or(usize::MAX, |n| usize::try_from(n).unwrap());
        self.passes(grant, version) && days.iter().rev().take(depth).any(|day| *day == version.day)
    }

    fn shows_series(grant: &Value, (zone, block): (&str, &str)) -> bool {
        let has = |set: &Value, word: &str, case: bool| {
            let same = |one: &Value| {
                let one = one.as_str().unwrap();
                if case { one == word } else { one.eq_ignore_ascii_case(word) }
            };
            set.as_array().is_none_or(|set| set.iter().any(same))
        };
        has(&grant["load_zones"], zone, true) && has(&grant["block_types"], block, false)
    }

    fn shows_month(&self, grant: &Value, month: NaiveDate) -> bool {
        let day = |name: &str| grant[name].as_str().map(|day| day.parse::<NaiveDate>().unwrap());
        if grant["months"] == "rolling" {
            let this = self.today.with_day(1).unwrap();
            let ahead = u32::from(grant["rolling_from"] == "prompt");
            let count = u32::try_from(grant["rolling_months"].as_u64().unwrap()).unwrap();
            let window: Vec<NaiveDate> =
                (ahead..ahead + count).map(|n| this + Months::new(n)).collect();
            return window.contains(&month);
        }
        day("first_month").is_none_or(|first| first <= month)
            && day("last_month").is_none_or(|last| month <= last)
    }

    fn versions(&self) -> Vec<&Version> {
        let shown = |version: &&Version| self.grants.iter().any(|g| self.shows_version(g, version));
        self.versions.iter().filter(shown).collect()
    }

    fn cells(&self) -> BTreeSet<Cell> {
        let mut cells = BTreeSet::new();
        for version in self.versions {
            for &(zone, block) in &version.series {
                for month in months(MONTHS) {
                    let shown = self.grants.iter().any(|grant| {
                        self.shows_version(grant, version)
                            && Self::shows_series(grant, (zone, block))
                            && self.shows_month(grant, month)
                    });
                    if shown {
                        cells.insert((version.id, zone.into(), block.to_lowercase(), month));
                    }
                }
            }
        }
        cells
    }

    /// Of each day the newest visible version.
    fn newest(&self) -> Vec<&Version> {
        let shown = self.versions();
        let is_newest = |version: &&&Version| {
            !shown.iter().any(|other| other.day == version.day && other.at > version.at)
        };
        shown.iter().filter(is_newest).copied().collect()
    }
}

fn of(cells: &BTreeSet<Cell>, versions: &[&Version]) -> BTreeSet<Cell> {
    let ids: Vec<i64> = versions.iter().map(|version| version.id).collect();
    cells.iter().filter(|cell| ids.contains(&cell.0)).cloned().collect()
}

const WINDOW: &str = "operating_day=2020-03-01&operating_day_end=2020-03-31";
const ENERGY: &str = "curve=energy&iso=ercot";

async fn text(caller: &Caller, path: &str) -> (StatusCode, String) {
    let answer = caller.get(path).await;
    (answer.status(), answer.text().await.unwrap())
}

/// Records of a CSV by the names of their columns.
fn records(csv: &str) -> Vec<std::collections::HashMap<String, String>> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    reader.deserialize().map(|record| record.unwrap()).collect()
}

/// The cells of a long download; each must come once.
async fn downloaded(caller: &Caller, query: &str) -> BTreeSet<Cell> {
    let path = format!(
        "/api/v1/data?{ENERGY}&mode=unstandardized&strip=all&layout=long&format=csv&{query}"
    );
    let (status, csv) = text(caller, &path).await;
    if status != StatusCode::OK {
        assert!([StatusCode::NOT_FOUND, StatusCode::FORBIDDEN].contains(&status), "{path}: {csv}");
        return BTreeSet::new();
    }
    let mut cells = BTreeSet::new();
    for record in records(&csv) {
        let id: i64 = record["version_id"].parse().unwrap();
        let month = record["contract_month"].parse().unwrap();
        let cell = (id, record["load_zone"].clone(), record["block_type"].clone(), month);
        assert!(cells.insert(cell.clone()), "{cell:?} came twice");
        assert!(!record["value"].is_empty());
    }
    cells
}

async fn items(caller: &Caller, path: &str) -> Vec<Value> {
    let answer = caller.get(path).await;
    match answer.status() {
        StatusCode::OK => {
            answer.json::<Value>().await.unwrap()["items"].as_array().unwrap().clone()
        }
        StatusCode::FORBIDDEN => Vec::new(),
        status => panic!("{path}: {status}"),
    }
}

fn strings(items: &[Value], name: &str) -> BTreeSet<String> {
    items.iter().map(|item| item[name].as_str().unwrap().to_owned()).collect()
}

/// Compares what the readers give `caller` with the model.
async fn check(server: &TestServer, caller: &Caller, model: &Model<'_>, dice: &mut Dice) {
    let (cells, shown) = (model.cells(), model.versions());
    let all = format!("version=all&{WINDOW}");
    assert_eq!(downloaded(caller, &all).await, cells, "every version");
    assert_eq!(
        downloaded(caller, WINDOW).await,
        of(&cells, &model.newest()),
        "the newest of each day"
    );
    let last = model.newest().last().map(|version| vec![*version]).unwrap_or_default();
    assert_eq!(downloaded(caller, "").await, of(&cells, &last), "the newest of all");
    the_wide_layout(caller, &all, &cells).await;
    the_catalogue(caller, &cells, &shown).await;
    let ids: BTreeSet<String> = shown.iter().map(|version| version.id.to_string()).collect();
    let told = items(caller, "/api/v1/updates?limit=1000").await;
    assert_eq!(strings(&told, "version_id"), ids, "updates");
    for _ in 0..4 {
        let pick = |dice: &mut Dice| {
            &model.versions[usize::try_from(dice.roll(model.versions.len() as u64)).unwrap()]
        };
        a_diff(caller, &cells, (pick(dice), pick(dice))).await;
        every_curve(server, caller, &cells, pick(dice)).await;
    }
}

/// Rows and columns without a visible cell are not there.
async fn the_wide_layout(caller: &Caller, query: &str, cells: &BTreeSet<Cell>) {
    let path = format!("/api/v1/data?{ENERGY}&mode=unstandardized&strip=all&{query}");
    let (status, csv) = text(caller, &path).await;
    assert_eq!(status == StatusCode::OK, !cells.is_empty(), "{csv}");
    if cells.is_empty() {
        return;
    }
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(csv.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(|record| record.unwrap()).collect();
    let (head, body) = rows.split_at(10);
    let columns: BTreeSet<(&str, &str)> =
        (3..head[0].len()).map(|column| (&head[2][column], &head[5][column])).collect();
    let labels: BTreeSet<(&str, &str)> = cells.iter().map(|cell| (&*cell.1, &*cell.2)).collect();
    assert_eq!(columns, labels);
    let places: BTreeSet<_> = cells.iter().map(|cell| (cell.0, cell.3)).collect();
    assert_eq!(body.len(), places.len());
    let values = body.iter().flat_map(|row| row.iter().skip(3)).filter(|value| !value.is_empty());
    assert_eq!(values.count(), cells.len());
    let report = caller.get(&path.replace("/data?", "/data/report?")).await;
    let report: Value = report.json().await.unwrap();
    assert_eq!(report["entries"][0]["rows"], places.len());
    let report =
        caller.get(&format!("{}&layout=long", path.replace("/data?", "/data/report?"))).await;
    assert_eq!(report.json::<Value>().await.unwrap()["entries"][0]["rows"], cells.len());
}

async fn the_catalogue(caller: &Caller, cells: &BTreeSet<Cell>, shown: &[&Version]) {
    let versions = items(caller, &format!("/api/v1/versions?{ENERGY}")).await;
    assert_eq!(versions.len(), shown.len());
    for item in &versions {
        let id: i64 = item["id"].as_str().unwrap().parse().unwrap();
        assert!(shown.iter().any(|version| version.id == id));
        let own: Vec<&Cell> = cells.iter().filter(|cell| cell.0 == id).collect();
        let series: BTreeSet<_> = own.iter().map(|cell| (&cell.1, &cell.2)).collect();
        assert_eq!(item["counts"]["points"], own.len(), "{item}");
        assert_eq!(item["counts"]["series"], series.len(), "{item}");
        let months: BTreeSet<NaiveDate> = own.iter().map(|cell| cell.3).collect();
        assert_eq!(item["counts"]["months"], months.len(), "{item}");
        let first = own.iter().map(|cell| cell.3.to_string()).min();
        assert_eq!(item["first_month"].as_str().map(str::to_owned), first, "{item}");
    }
    let days: BTreeSet<String> = shown.iter().map(|version| version.day.to_string()).collect();
    let listed = items(caller, &format!("/api/v1/operating-days?{ENERGY}")).await;
    assert_eq!(strings(&listed, "operating_day"), days);
    let series = items(caller, &format!("/api/v1/series?{ENERGY}")).await;
    let listed: BTreeSet<(String, String)> = series
        .iter()
        .map(|item| {
            let word = |name: &str| item[name].as_str().unwrap().to_owned();
            (word("load_zone"), word("block_type").to_lowercase())
        })
        .collect();
    let labels: BTreeSet<_> = cells.iter().map(|cell| (cell.1.clone(), cell.2.clone())).collect();
    assert_eq!(listed, labels);
    let zones = items(caller, &format!("/api/v1/labels?{ENERGY}&next=load_zone")).await;
    let zones: BTreeSet<&str> = zones.iter().map(|item| item["value"].as_str().unwrap()).collect();
    assert_eq!(zones, cells.iter().map(|cell| &*cell.1).collect());
    let datasets = items(caller, "/api/v1/datasets").await;
    let energy = datasets.iter().find(|item| item["curve"] == "energy" && item["iso"] == "ercot");
    assert_eq!(energy.map_or(json!(0), |item| item["versions"].clone()), shown.len());
    let (_, uploads) = text(caller, "/api/v1/exports/uploads").await;
    assert_eq!(records(&uploads).len(), shown.len());
}

/// A diff needs both versions and tells of no other cell.
async fn a_diff(caller: &Caller, cells: &BTreeSet<Cell>, (from, to): (&Version, &Version)) {
    let path = format!("/api/v1/diff?from={}&to={}&format=csv", from.id, to.id);
    let (status, csv) = text(caller, &path).await;
    let (a, b) = (of(cells, &[from]), of(cells, &[to]));
    assert_eq!(status == StatusCode::OK, !a.is_empty() && !b.is_empty(), "{path}: {csv}");
    if status != StatusCode::OK {
        assert!([StatusCode::NOT_FOUND, StatusCode::FORBIDDEN].contains(&status));
        return;
    }
    let place = |cell: &Cell| (cell.1.clone(), cell.2.clone(), cell.3);
    let expected: BTreeSet<_> = a.iter().chain(&b).map(place).collect();
    let mut told = BTreeSet::new();
    for record in records(&csv) {
        let month: NaiveDate = record["contract_month"].parse().unwrap();
        let place = (record["load_zone"].clone(), record["block_type"].clone(), month);
        let cell = |id: i64| (id, place.0.clone(), place.1.clone(), place.2);
        assert_eq!(!record["old"].is_empty(), a.contains(&cell(from.id)), "{record:?}");
        assert_eq!(!record["new"].is_empty(), b.contains(&cell(to.id)), "{record:?}");
        told.insert(place);
    }
    if from.id == to.id {
        assert!(told.is_empty());
    } else {
        assert_eq!(told, expected);
    }
}

/// Each series of a version, by ids that need not be the caller's to know.
async fn every_curve(
    server: &TestServer,
    caller: &Caller,
    cells: &BTreeSet<Cell>,
    version: &Version,
) {
    let all: Vec<(i64, String, String)> =
        sqlx::query_as("select id, load_zone, lower(block_type) from series order by id")
            .fetch_all(&server.app.pool)
            .await
            .unwrap();
    for (id, zone, block) in all {
        let path = format!("/api/v1/series/{id}/curve?version_id={}", version.id);
        let (status, body) = text(caller, &path).await;
        let expected = cells.iter().filter(|c| c.0 == version.id && c.1 == zone && c.2 == block);
        let expected: Vec<String> = expected.map(|c| c.3.format("%Y-%m").to_string()).collect();
        assert_eq!(status == StatusCode::OK, !expected.is_empty(), "{path}: {body}");
        if status == StatusCode::OK {
            let body: Value = serde_json::from_str(&body).unwrap();
            let months = body["points"].as_array().unwrap().iter();
            let months: Vec<&str> = months.map(|point| point["month"].as_str().unwrap()).collect();
            assert_eq!(months, expected);
        }
    }
}

#[tokio::test]
async fn every_reader_agrees_with_a_naive_model() {
    let mut dice = Dice(0x5DEE_CE66_D1CE_5EED);
    for _ in 0..3 {
        let server = TestServer::start().await;
        server.clock.set(NOW);
        let versions = world(&server, &mut dice).await;
        for _ in 0..8 {
            let account = server.account_without_grants(Role::ReadOnly).await;
            let caller = server.anonymous().with_token(&account.token);
            let count = dice.roll(4);
            let grants: Vec<Value> = (0..count).map(|_| random_grant(&mut dice)).collect();
            // In two packages: which package a grant is in makes no difference.
            let (one, other) = grants.split_at(grants.len() / 2);
            server.grant(account.id, json!(one)).await;
            server.grant(account.id, json!(other)).await;
            let today = NOW.parse::<DateTime<Utc>>().unwrap().date_naive();
            let model = Model { versions: &versions, grants: &grants, today };
            check(&server, &caller, &model, &mut dice).await;
        }
    }
}

/// NORTH ZONE in the three blocks that a 7x24 is derived from, and SOUTH ZONE, in two versions.
async fn two_versions(server: &TestServer) -> [i64; 2] {
    let mut ids = Vec::new();
    for hour in [8, 9] {
        let mut columns = Vec::new();
        for zone in &ZONES[..2] {
            for (block, price) in [("5x16", 40), ("2x16", 30), ("7x8", 20)] {
                let values: Vec<String> =
                    (0..MONTHS).map(|month| format!("{price}.{hour}{month}")).collect();
                columns.push(column(zone, block, &values.iter().map(|v| &**v).collect::<Vec<_>>()));
            }
        }
        let stamp = at(3, 10, hour, 0);
        let dataset = Dataset::new(Family::Energy, Iso::Ercot).unwrap();
        let months = months(MONTHS);
        let version =
            Stored { dataset, timestamp: stamp, cob: false, known_at: stamp, months, columns };
        ids.push(store(&server.app.pool, &version).await);
    }
    ids.try_into().unwrap()
}

async fn reader(server: &TestServer, grants: Value) -> Caller {
    let account = server.account_without_grants(Role::ReadOnly).await;
    server.grant(account.id, grants).await;
    server.anonymous().with_token(&account.token)
}

/// The prices of a standardized download, month by month; none where it is refused.
async fn all_hours(caller: &Caller) -> Vec<String> {
    let path = format!("/api/v1/data?{ENERGY}&layout=long&format=csv");
    let (status, csv) = text(caller, &path).await;
    if status != StatusCode::OK {
        assert_eq!(status, StatusCode::NOT_FOUND, "{csv}");
        return Vec::new();
    }
    let of_north = |record: &std::collections::HashMap<String, String>| {
        assert_eq!(record["load_zone"], "NORTH ZONE");
        assert_eq!((&*record["block_type"], &*record["kind"]), ("7x24", "derived"));
        record["value"].clone()
    };
    records(&csv).iter().map(of_north).collect()
}

#[tokio::test]
async fn a_derived_price_needs_leave_of_its_own_and_is_the_same_for_all() {
    let server = TestServer::start().await;
    server.clock.set(NOW);
    two_versions(&server).await;
    let everything = server.caller(Role::Admin).await;
    let path = format!("/api/v1/data?{ENERGY}&layout=long&format=csv");
    let (_, csv) = text(&everything, &path).await;
    let whole: Vec<String> = records(&csv)
        .iter()
        .filter(|record| record["load_zone"] == "NORTH ZONE")
        .map(|record| record["value"].clone())
        .collect();
    assert_eq!(whole.len(), MONTHS as usize);
    let grant = |blocks: Value, derived: bool| {
        json!([{
            "curves": ["energy"], "load_zones": ["NORTH ZONE"], "block_types": blocks, "derived": derived,
        }])
    };
    let blocks: [(Value, bool, bool); 7] = [
        (Value::Null, true, true),
        (Value::Null, false, false),
        (json!(["7x24"]), true, true),
        (json!(["5x16", "2X16", "7x8"]), true, true),
        (json!(["5x16", "2x16", "7x8"]), false, false),
        // Of the members only some: the price would tell of the others.
        (json!(["5x16", "2x16"]), true, false),
        (json!(["7x24"]), false, false),
    ];
    for (blocks, derived, seen) in blocks {
        let caller = reader(&server, grant(blocks.clone(), derived)).await;
        let expected = if seen { whole.clone() } else { Vec::new() };
        assert_eq!(all_hours(&caller).await, expected, "{blocks} {derived}");
    }
    let window = json!([{
        "curves": ["energy"], "load_zones": ["NORTH ZONE"], "derived": true, "months": "rolling",
        "rolling_months": 2, "rolling_from": "prompt",
    }]);
    assert_eq!(all_hours(&reader(&server, window).await).await, whole[1..3]);
}

/// ERCOT, NORTH ZONE, 5x16, three rolling months from the prompt month: in every reader exactly that.
#[tokio::test]
async fn one_grant_shows_its_cells_everywhere_and_nothing_else_anywhere() {
    let server = TestServer::start().await;
    server.clock.set(NOW);
    let [old, new] = two_versions(&server).await;
    let caller = reader(
        &server,
        json!([{
            "curves": ["energy"], "isos": ["ercot"], "load_zones": ["NORTH ZONE"], "block_types": ["5x16"],
            "months": "rolling", "rolling_months": 3, "rolling_from": "prompt",
        }]),
    )
    .await;
    let admin = server.caller(Role::Admin).await;
    let cells = downloaded(&caller, "version=all").await;
    let months: Vec<NaiveDate> =
        (4..7).map(|m| NaiveDate::from_ymd_opt(2020, m, 1).unwrap()).collect();
    let cell = |id: i64, month: &NaiveDate| (id, "NORTH ZONE".into(), "5x16".into(), *month);
    let expected: BTreeSet<Cell> =
        [old, new].iter().flat_map(|id| months.iter().map(|month| cell(*id, month))).collect();
    assert_eq!(cells, expected);

    // No parameter reaches past it; what is asked for and not there tells nothing of what is.
    let series: i64 =
        sqlx::query_scalar("select id from series where load_zone = 'SOUTH ZONE' limit 1")
            .fetch_one(&server.app.pool)
            .await
            .unwrap();
    for path in [
        format!("/api/v1/data?{ENERGY}&mode=standardized"),
        format!("/api/v1/data?{ENERGY}&mode=unstandardized&strip=7x8"),
        format!("/api/v1/data?{ENERGY}&mode=unstandardized&strip=5x16&start=2020-07"),
        format!("/api/v1/data?{ENERGY}&mode=unstandardized&strip=5x16&end=2020-03"),
        format!("/api/v1/series/{series}/curve"),
        format!("/api/v1/series/{series}/curve?version_id={new}"),
        format!("/api/v1/diff?from={old}&to={new}&strip=7x8"),
        format!("/api/v1/diff?from={old}&to={new}&start=2020-07"),
    ] {
        let (status, body) = text(&caller, &path).await;
        assert!(
            status == StatusCode::NOT_FOUND || path.contains("diff"),
            "{path}: {status} {body}"
        );
        for word in ["SOUTH", "2x16", "2020-08", "2020-10", "2020-03-01"] {
            assert!(!body.contains(word), "{path} tells {word}: {body}");
        }
    }
    let (status, body) = text(&caller, "/api/v1/data?curve=energy&iso=pjm").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(body.contains("no_grant"), "{body}");

    // A diff, the feed, the catalogue, the report, a chart and its page.
    let (_, diff) = text(&caller, &format!("/api/v1/diff?from={old}&to={new}&format=csv")).await;
    assert_eq!(records(&diff).len(), months.len());
    let (_, summary) = text(&caller, &format!("/api/v1/diff?from={old}&to={new}")).await;
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["summary"]["changed"], 3);
    assert_eq!(summary["summary"]["unchanged"], 0);
    let zone = "curve=energy&iso=ercot&zone=NORTH+ZONE&block=5x16";
    let (status, chart) = text(&caller, &format!("/curves/export?{zone}&format=csv")).await;
    assert_eq!(status, StatusCode::OK, "{chart}");
    assert_eq!(
        chart.lines().filter(|line| line.starts_with("2020-")).count(),
        months.len(),
        "{chart}"
    );
    for path in [
        format!("/curves?{zone}"),
        "/curves".into(),
        "/curves?view=evolution&curve=energy&iso=ercot&period=cal-2020".into(),
        format!("/curves/versions?curve=energy&iso=ercot&version={new}&compare={old}"),
        "/curves/versions?curve=energy&iso=ercot".into(),
        "/download?curve=energy&iso=ercot&mode=unstandardized".into(),
        "/".into(),
        "/headroom".into(),
        "/api/v1/series?curve=energy&iso=ercot".into(),
        "/api/v1/labels?curve=energy&iso=ercot&next=load_zone".into(),
        "/api/v1/datasets".into(),
        format!("/api/v1/data/report?{ENERGY}&mode=unstandardized&strip=all"),
        format!("/api/v1/versions/{new}"),
    ] {
        let request = caller.request(reqwest::Method::GET, &path);
        let answer =
            request.header(reqwest::header::ACCEPT, "text/html, */*").send().await.unwrap();
        let (status, body) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {body}");
        for word in ["SOUTH", "2x16", "7x8", "MISO", "nonenergy"] {
            // The names of markets, and the strips that a request may name, are no data.
            let is_fixed =
                path == "/" && word == "MISO" || path.ends_with("datasets") && word.contains('x');
            let tells = body.contains(word) && !is_fixed;
            assert!(!tells, "{path} tells {word}");
        }
    }

    // The tag of an administrator's answer is not the caller's.
    let path = format!("/api/v1/data?{ENERGY}&mode=unstandardized&strip=5x16&version_id={new}");
    let theirs = admin.get(&path).await;
    let tag = theirs.headers()[reqwest::header::ETAG].clone();
    let request = caller.request(reqwest::Method::GET, &path);
    let own = request.header(reqwest::header::IF_NONE_MATCH, tag).send().await.unwrap();
    assert_eq!(own.status(), StatusCode::OK);
    assert_eq!(own.headers()[reqwest::header::CACHE_CONTROL], "private, no-cache");
    assert!(
        theirs.headers()[reqwest::header::CACHE_CONTROL].to_str().unwrap().contains("immutable")
    );

    // A month later the window has moved, also for what was known before; without the package, nothing.
    server.clock.set("2020-04-01T00:00:00Z");
    let moved = downloaded(&caller, "version=all&as_of=2020-03-11T00:00:00Z").await;
    let moved: BTreeSet<NaiveDate> = moved.into_iter().map(|cell| cell.3).collect();
    assert_eq!(moved, (5..8).map(|m| NaiveDate::from_ymd_opt(2020, m, 1).unwrap()).collect());
    sqlx::query(
        "delete from user_package where package_id in (select id from package where not builtin)",
    )
    .execute(&server.app.pool)
    .await
    .unwrap();
    assert_eq!(caller.get(&path).await.status(), StatusCode::FORBIDDEN);
    assert!(items(&caller, "/api/v1/updates").await.is_empty());
    assert!(items(&caller, "/api/v1/datasets").await.is_empty());
}

#[tokio::test]
async fn rolling_windows_are_whole_calendar_months_of_the_deployments_zone() {
    let server = TestServer::start().await;
    sqlx::query("update site set curve_timezone = 'America/New_York'")
        .execute(&server.app.pool)
        .await
        .unwrap();
    let user = server.account_without_grants(Role::ReadOnly).await;
    for (from, months) in [("balance", 1), ("balance", 12), ("prompt", 1), ("prompt", 60)] {
        let grant = json!([{
            "curves": ["energy", "ptc"], "isos": ["pjm"], "months": "rolling", "rolling_months": months,
            "rolling_from": from,
        }]);
        server.grant(user.id, grant).await;
    }
    let windows = async |now: &str| -> Vec<(String, String)> {
        sqlx::query_as(
            "select first_month::text, last_month::text
             from entitlements($1, array[15::smallint], $2::timestamptz) order by 1, 2",
        )
        .bind(user.id)
        .bind(now.parse::<DateTime<Utc>>().unwrap())
        .fetch_all(&server.app.pool)
        .await
        .unwrap()
    };
    let expected =
        |pairs: [(&str, &str); 4]| pairs.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec();
    // The last hours of February 2024, a leap year, in New York; in UTC it is March.
    assert_eq!(
        windows("2024-03-01T04:59:59Z").await,
        expected([
            ("2024-02-01", "2024-02-01"),
            ("2024-02-01", "2025-01-01"),
            ("2024-03-01", "2024-03-01"),
            ("2024-03-01", "2029-02-01"),
        ])
    );
    assert_eq!(
        windows("2024-03-01T05:00:00Z").await,
        expected([
            ("2024-03-01", "2024-03-01"),
            ("2024-03-01", "2025-02-01"),
            ("2024-04-01", "2024-04-01"),
            ("2024-04-01", "2029-03-01"),
        ])
    );
    assert_eq!(windows("2024-12-31T12:00:00Z").await[3].1, "2029-12-01");
    let unlimited: i64 = sqlx::query_scalar(
        "select count(*) from entitlements($1, array[45::smallint], now())
         where num_nonnulls(first_month, last_month) = 0",
    )
    .bind(user.id)
    .fetch_one(&server.app.pool)
    .await
    .unwrap();
    // ptc has no month policy: four grants that are one.
    assert_eq!(unlimited, 1);
}

/// A client that reads slowly, and is shut out meanwhile, does not get the rest.
#[tokio::test]
async fn a_running_download_of_a_disabled_user_breaks_off() {
    const LONG: u32 = 252;
    let server = TestServer::start().await;
    server.clock.set(NOW);
    let values = vec!["12.34"; LONG as usize];
    for minute in 0..40 {
        let zones: Vec<String> = (0..20).map(|n| format!("ZONE {n}")).collect();
        let stamp = at(3, 10, 8, minute);
        let stored = Stored {
            dataset: Dataset::new(Family::Energy, Iso::Ercot).unwrap(),
            timestamp: stamp,
            cob: false,
            known_at: stamp,
            months: months(LONG),
            columns: zones.iter().map(|zone| column(zone, "5x16", &values)).collect(),
        };
        store(&server.app.pool, &stored).await;
    }
    let user = server.account(Role::ReadOnly).await;
    let caller = server.anonymous().with_token(&user.token);
    let path = format!(
        "/api/v1/data?{ENERGY}&mode=unstandardized&strip=all&layout=long&version=all&format=csv"
    );
    let mut answer = caller.get(&path).await;
    let mut read = answer.chunk().await.unwrap().unwrap().len();
    sqlx::query("update app_user set disabled_at = now() where id = $1")
        .bind(user.id)
        .execute(&server.app.pool)
        .await
        .unwrap();
    // Until the watch has looked; what lies in the sockets' buffers may still come.
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    let broken = loop {
        match answer.chunk().await {
            Ok(Some(bytes)) => read += bytes.len(),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(broken, "all {read} bytes came");
    assert_eq!(caller.get(&path).await.status(), StatusCode::UNAUTHORIZED);
}

/// What is compared with what is stored tells of it: an uploader who may not see a dataset whole learns
/// nothing by trying files.
#[tokio::test]
async fn an_upload_tells_no_price_that_its_sender_may_not_see() {
    let server = TestServer::start().await;
    let name = |time: &str| format!("Energy_ERCOT_20240603_{time}.csv");
    let stored =
        std::fs::read_to_string(repository("good_test_data/good").join(name("080000"))).unwrap();
    let owner = server.caller(Role::ReadWrite).await;
    let first = owner.upload(&name("080000"), stored.clone()).await;
    assert_eq!(first.status, 201, "{}", first.body);
    let guess = stored.replacen(".1", ".9", 200);
    assert_ne!(guess, stored);
    let tried = async |caller: &Caller| {
        let path = "/api/v1/uploads?dry_run=true";
        let form = reqwest::multipart::Form::new()
            .part("file", reqwest::multipart::Part::text(guess.clone()).file_name(name("120000")));
        let answer =
            caller.request(reqwest::Method::POST, path).multipart(form).send().await.unwrap();
        answer.json::<Value>().await.unwrap()
    };
    let own = tried(&owner).await;
    assert!(own["diff"]["largest"].as_array().is_some_and(|cells| !cells.is_empty()), "{own}");
    for grants in
        [json!([]), json!([{"curves": ["energy"], "isos": ["ercot"], "block_types": ["5x16"]}])]
    {
        let account = server.account_without_grants(Role::ReadWrite).await;
        server.grant(account.id, grants).await;
        let caller = server.anonymous().with_token(&account.token);
        let told = tried(&caller).await;
        assert!(told["diff"].is_null(), "{told}");
        let id = first.body["upload_id"].as_str().unwrap();
        let report = caller.get(&format!("/api/v1/uploads/{id}")).await;
        assert_eq!(report.status(), StatusCode::NOT_FOUND);
    }
}
