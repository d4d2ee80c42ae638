//! `bi.points` beside the download that it is said to be: every column of every record, of every family,
//! by every selector, and as of former instants.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use trueprice::{
    auth::Role,
    bi::derive,
    domain::{Family, Iso},
    headroom,
};

use crate::{
    bi::Analyst,
    downloads_stored::{Column, at, store},
    entitlements::{Dice, random_grant, world},
    headroom::{MATRIX, PTC},
    standardized::{series, version},
    support::{Caller, TestServer, files, form},
};

/// The records of a download as texts, sorted.
async fn downloaded(caller: &Caller, query: &str) -> Vec<Vec<String>> {
    let path = format!("/api/v1/data?{query}&layout=long&format=csv");
    let answer = caller.get(&path).await;
    let status = answer.status();
    let text = answer.text().await.unwrap();
    if [403, 404].contains(&status.as_u16()) {
        return Vec::new();
    }
    assert_eq!(status, 200, "{path}: {text}");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let records = reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect());
    let records: Vec<Vec<String>> = records.collect();
    let mut body = records[1..].to_vec();
    body.sort_unstable();
    body
}

/// The records of `bi.points` as texts in the words of a CSV, sorted.
async fn shown(connection: &mut PgConnection, condition: &str) -> Vec<Vec<String>> {
    let instant = |column: &str, form: &str| {
        format!("to_char({column} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS{form}\"Z\"')")
    };
    let columns: Vec<String> = headings(connection)
        .await
        .iter()
        .map(|name| match name.as_str() {
            "curve_timestamp" => instant("curve_timestamp", ""),
            "known_at" => {
                // As many digits as the instant has, in threes.
                let micros = instant("known_at", ".US");
                format!(r"regexp_replace({micros}, '(\.000)?000Z$', 'Z')")
            }
            "cob" => "case when cob then 'True' else 'False' end".to_owned(),
            name => format!("coalesce({name}::text, '')"),
        })
        .collect();
    let columns = columns.join(", ");
    let ask = format!("select array[{columns}] from bi.points where {condition}");
    let mut rows: Vec<Vec<String>> =
        sqlx::query_scalar(AssertSqlSafe(ask)).fetch_all(connection).await.unwrap();
    rows.sort_unstable();
    rows
}

/// The columns of `bi.points`.
async fn headings(connection: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(
        "select attname::text from pg_attribute
         where attrelid = 'bi.points'::regclass and attnum > 0 order by attnum",
    )
    .fetch_all(connection)
    .await
    .unwrap()
}

async fn assert_same(
    caller: &Caller,
    sql: &mut PgConnection,
    query: &str,
    condition: &str,
) -> usize {
    let (ours, theirs) = (shown(sql, condition).await, downloaded(caller, query).await);
    let first = ours.iter().zip(&theirs).find(|(ours, theirs)| ours != theirs);
    let (shown, downloaded) = (ours.len(), theirs.len());
    assert!(ours == theirs, "{query}: {shown} shown, {downloaded} downloaded: {first:#?}");
    ours.len()
}

/// Charges with everything that computing knows: units, scalers, gaps, peak words, mixed members.
fn charges(first: &str) -> Vec<Column> {
    let charge = |block: &str, name: &str, value| series(block, name, "$/MWh", &[value, "4.44"]);
    vec![
        series("7x24", "Capacity  charge ($/kW-Month)", "$/kW-mo", &[first, ""]),
        series("7x24", "Capacity Scaling Factor", "none", &["1.21", "1.3"]),
        series("7x24", "NITS Schedule 9", "$/MW-mo", &["4161.14", "7"]),
        charge("7x24", "Reserve On-Peak", "0.52"),
        charge("7x24", "Reserve off-peak", "0.25"),
        charge("7x24", "On-peak and off-peak", "9.123456789"),
        charge("WD", "Regulation", ""),
        charge("WE", "Regulation", "0.07"),
        charge("5x16", "Uplift", "3"),
        charge("2X16", "Uplift", "2"),
        charge("7x8", "Uplift", first),
        charge("5x16", "Alone", "3.10"),
        charge("3x8", "Something new", "1.50"),
    ]
}

async fn both(server: &TestServer) -> (Caller, PgConnection) {
    let ann = Analyst::of(server, server.account(Role::ReadWrite).await).await;
    let sql = ann.connect(server).await;
    (ann.caller, sql)
}

async fn set(sql: &mut PgConnection, name: &str, value: &str) {
    let statement = format!("select set_config('app.{name}', '{value}', false)");
    sqlx::query(AssertSqlSafe(statement)).execute(sql).await.unwrap();
}

#[tokio::test]
async fn computed_prices_are_those_of_a_download() {
    let server = TestServer::start().await;
    let pool = &server.app.pool;
    let (caller, mut sql) = both(&server).await;
    for (family, hour, first) in [
        (Family::NonEnergy, 9, "1.04"),
        (Family::NonEnergy, 11, "-0.000004"),
        (Family::Energy, 9, "82.66"),
    ] {
        let mut stored = version(family, Iso::Pjm, charges(first));
        (stored.timestamp, stored.known_at) = (at(3, 4, hour, 30), at(3, 4, hour, 31));
        if family == Family::Energy {
            stored.columns.retain(|column| column.key.unit == "$/MWh");
        }
        store(pool, &stored).await;
    }
    assert_eq!(shown(&mut sql, "true").await.len(), 0, "not before its prices are computed");
    assert_eq!(derive::catch_up(&server.app).await.unwrap(), 3);
    assert_eq!(derive::catch_up(&server.app).await.unwrap(), 0);
    for family in ["nonenergy", "energy"] {
        let of = format!("curve = '{family}'");
        let asked = format!("curve={family}&iso=pjm");
        let all = format!("{asked}&mode=standardized");
        let standard = format!("{of} and block_type = '7x24'");
        assert!(assert_same(&caller, &mut sql, &all, &standard).await > 0);
        let blocks = ["7x24", "5x16", "2x16", "7x8", "wd", "we", "on-peak", "off-peak"];
        let strips = format!("&strip={}", blocks.join("&strip="));
        let known = format!("{of} and block_type <> '3x8'");
        assert!(assert_same(&caller, &mut sql, &format!("{asked}{strips}"), &known).await > 10);
        // A block that has no name in a request is shown as it is stored.
        assert_eq!(shown(&mut sql, &format!("{of} and block_type = '3x8'")).await.len(), 2);
        let selectors = if family == "energy" {
            &["all", "latest", "intraday"][..]
        } else {
            &["all", "latest"]
        };
        for selector in selectors {
            set(&mut sql, "version", selector).await;
            let query = format!("{all}&version={selector}");
            assert_same(&caller, &mut sql, &query, &standard).await;
        }
        set(&mut sql, "version", "").await;
        set(&mut sql, "as_of", "2020-03-04T10:00:00Z").await;
        let query = format!("{all}&as_of=2020-03-04T10:00:00Z");
        assert_same(&caller, &mut sql, &query, &standard).await;
        set(&mut sql, "as_of", "").await;
    }
    let derived = shown(&mut sql, "kind = 'derived'").await.len();
    let gone = "update derivation_state set revision = 0";
    sqlx::query(gone).execute(pool).await.unwrap();
    assert_eq!(
        derive::catch_up(&server.app).await.unwrap(),
        3,
        "another revision computes all anew"
    );
    assert_eq!(shown(&mut sql, "kind = 'derived'").await.len(), derived);
}

#[tokio::test]
async fn whatever_the_grants_both_show_the_same() {
    let server = TestServer::start().await;
    let mut dice = Dice(0x5eed_0b1a_57ed);
    world(&server, &mut dice).await;
    derive::catch_up(&server.app).await.unwrap();
    let window = "operating_day=2020-03-01&operating_day_end=2020-03-31";
    let mut cells = 0;
    for _ in 0..25 {
        let ann = Analyst::new(&server, Role::ReadOnly).await;
        let grants: Vec<Value> = (0..=dice.roll(3))
            .map(|_| {
                let mut grant = random_grant(&mut dice);
                grant["derived"] = dice.one_in(2).into();
                grant
            })
            .collect();
        server.grant(ann.account.id, grants.into()).await;
        let mut sql = ann.connect(&server).await;
        for selector in ["latest", "all", "cob", "intraday"] {
            set(&mut sql, "version", selector).await;
            let query = format!("curve=energy&iso=ercot&strip=all&version={selector}&{window}");
            cells += assert_same(&ann.caller, &mut sql, &query, "true").await;
        }
        for as_of in ["2020-03-04T08:30:00Z", "2020-03-08T09:00:30Z"] {
            set(&mut sql, "as_of", as_of).await;
            set(&mut sql, "version", "latest").await;
            let query = format!("curve=energy&iso=ercot&strip=all&as_of={as_of}&{window}");
            cells += assert_same(&ann.caller, &mut sql, &query, "true").await;
        }
    }
    assert!(cells > 5000, "{cells}");
}

#[tokio::test]
async fn two_servers_share_the_work() {
    let server = TestServer::start().await;
    let pool = &server.app.pool;
    for minute in 0..6 {
        let mut stored = version(Family::NonEnergy, Iso::Pjm, charges("1"));
        (stored.timestamp, stored.known_at) = (at(3, 4, 9, minute), at(3, 4, 9, minute + 1));
        store(pool, &stored).await;
    }
    let other = trueprice::app::App { pool: pool.clone(), ..server.app.clone() };
    let (one, two) = futures::join!(derive::catch_up(&server.app), derive::catch_up(&other));
    assert_eq!(one.unwrap() + two.unwrap(), 6);
    let due: i64 =
        sqlx::query_scalar("select count(*) from derivation_due").fetch_one(pool).await.unwrap();
    assert_eq!(due, 0);
}

#[tokio::test]
async fn an_instant_that_is_not_settled_is_not_answered() {
    let server = TestServer::start().await;
    let (_, mut sql) = both(&server).await;
    store(&server.app.pool, &version(Family::NonEnergy, Iso::Pjm, charges("1"))).await;
    set(&mut sql, "as_of", "2020-03-05T00:00:00Z").await;
    let ask = "select count(*) from bi.points";
    let error = sqlx::query(ask).execute(&mut sql).await.unwrap_err().to_string();
    assert!(error.contains("still being prepared"), "{error}");
    derive::catch_up(&server.app).await.unwrap();
    let count: i64 = sqlx::query_scalar(ask).fetch_one(&mut sql).await.unwrap();
    assert!(count > 0);
}

#[tokio::test]
async fn every_family_is_shown_as_it_is_downloaded() {
    let server = TestServer::start().await;
    let (caller, mut sql) = both(&server).await;
    let archive = files::repository("good_test_data/good/all_families.zip");
    let bytes = std::fs::read(archive).unwrap();
    let body = form("file", &[("all_families.zip", bytes.into())]);
    let sent = caller.form("/api/v1/uploads", body).send().await.unwrap();
    assert!(sent.status().is_success(), "{}", sent.status());
    headroom::catch_up(&server.app).await.unwrap();
    derive::catch_up(&server.app).await.unwrap();
    let list: Value = caller.ask("/api/v1/datasets").await.body;
    let (mut families, mut records) = (BTreeSet::new(), 0);
    for item in list["items"].as_array().unwrap() {
        let (curve, iso) = (item["curve"].as_str().unwrap(), item["iso"].as_str().unwrap());
        let condition = format!("curve = '{curve}' and iso = '{iso}'");
        let days = format!("select max(operating_day)::text from bi.points where {condition}");
        let Some(day): Option<String> =
            sqlx::query_scalar(AssertSqlSafe(days)).fetch_one(&mut sql).await.unwrap()
        else {
            continue;
        };
        families.insert(curve.to_owned());
        let condition = format!("{condition} and operating_day = '{day}'");
        let query = format!("curve={curve}&iso={iso}&strip=all");
        records += assert_same(&caller, &mut sql, &query, &condition).await;
    }
    assert!(families.len() >= 9 && records > 1000, "{families:?} {records}");
}

#[tokio::test]
async fn headroom_is_shown_as_it_is_downloaded() {
    let (server, _) = crate::headroom::example().await;
    let (caller, mut sql) = both(&server).await;
    let query = "curve=headroom&iso=pjm";
    assert_same(&caller, &mut sql, query, "curve = 'headroom'").await;
    let row: (String, String) = sqlx::query_as(
        "select headroom::text, headroom_pct::text from bi.headroom where basis = 'prompt'",
    )
    .fetch_one(&mut sql)
    .await
    .unwrap();
    assert_eq!(row, ("30.00000".to_owned(), "25.00000".to_owned()), "{MATRIX} {PTC}");
}

#[tokio::test]
async fn reference_hours_are_those_of_the_calendar() {
    let server = TestServer::start().await;
    derive::catch_up(&server.app).await.unwrap();
    let (_, mut sql) = both(&server).await;
    let row: Vec<String> = sqlx::query_scalar(
        "select concat_ws(',', hours_5x16, hours_2x16, hours_7x8, hours_7x24, hours_wd, hours_we)
         from bi.reference_hours where iso = 'ercot' and month = '2024-01-01' order by calendar",
    )
    .fetch_all(&mut sql)
    .await
    .unwrap();
    assert_eq!(row, ["368,128,248,744,552,192", "352,144,248,744,528,216"]);
}

#[tokio::test]
async fn workbooks_go_back_in_time_too() {
    let server = TestServer::start().await;
    let (_, mut sql) = both(&server).await;
    for (hour, value) in [(9, "1"), (11, "2")] {
        let columns = vec![series("5x16", "Energy", "$/MWh", &[value])];
        let mut stored = version(Family::Energy, Iso::Ercot, columns);
        (stored.timestamp, stored.known_at) = (at(3, 4, hour, 30), at(3, 4, hour, 31));
        store(&server.app.pool, &stored).await;
    }
    for (as_of, current, superseded) in [
        ("", "2", "1"),
        ("2020-03-04T10:00:00Z", "1", ""),
        ("2020-03-04T12:31:00+01:00", "2", "1"),
        ("2020-03-04T12:30:59.999999+01:00", "1", ""),
        ("2020-03-04T09:00:00Z", "", ""),
    ] {
        set(&mut sql, "as_of", as_of).await;
        for (view, expected) in [("ercot_energy", current), ("ercot_energy_history", superseded)] {
            let ask = format!(
                "select coalesce(string_agg(data::text, ' '), '')
                 from trueprice.{view} where (curveend is null) = ('{view}' = 'ercot_energy')"
            );
            let found: String =
                sqlx::query_scalar(AssertSqlSafe(ask)).fetch_one(&mut sql).await.unwrap();
            assert_eq!(found, expected, "{view} as of {as_of:?}");
        }
    }
}
