//! Which versions a request reads: the rules of the selectors, replayed against a plain model.

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use serde_json::Value;
use trueprice::{auth::Role, domain::Dataset};

use crate::{
    downloads_stored::{Stored, at, small, store},
    support::{Caller, TestServer},
};

/// What the model knows of a version.
struct Past {
    id: i64,
    timestamp: DateTime<Utc>,
    cob: bool,
    known_at: DateTime<Utc>,
}

/// The rules of downloads, word by word.
fn model(
    history: &[Past],
    selector: &str,
    as_of: DateTime<Utc>,
    window: Option<(NaiveDate, NaiveDate)>,
) -> Vec<i64> {
    let matching: Vec<&Past> = history
        .iter()
        .filter(|version| version.known_at <= as_of)
        .filter(|version| match selector {
            "cob" => version.cob,
            "intraday" => !version.cob,
            _ => true,
        })
        .collect();
    let day = |version: &Past| version.timestamp.date_naive();
    let Some(newest) = matching.iter().map(|version| day(version)).max() else { return Vec::new() };
    let (first, last) = window.unwrap_or((newest, newest));
    let mut chosen: Vec<&Past> = matching
        .iter()
        .copied()
        .filter(|version| (first..=last).contains(&day(version)))
        .filter(|version| {
            selector == "all"
                || !matching
                    .iter()
                    .any(|other| day(other) == day(version) && other.timestamp > version.timestamp)
        })
        .collect();
    chosen.sort_by_key(|version| version.timestamp);
    chosen.iter().map(|version| version.id).collect()
}

/// The ids that the server tells, and its cut-off.
async fn asked(caller: &Caller, query: &str) -> (Vec<i64>, Option<String>) {
    let answer = caller.get(&format!("/api/v1/data/report?curve=energy&{query}")).await;
    let known_at = answer.headers().get("x-known-at").map(|at| at.to_str().unwrap().to_owned());
    let status = answer.status().as_u16();
    let report: Value = answer.json().await.unwrap();
    if status == 404 {
        assert_eq!(report["code"], "no_data", "{query}");
        return (Vec::new(), known_at);
    }
    assert_eq!(status, 200, "{query}: {report}");
    let versions = report["entries"][0]["versions"].as_array().unwrap();
    let id = |version: &Value| version["id"].as_str().unwrap().parse().unwrap();
    (versions.iter().map(id).collect(), known_at)
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap() % sides
    }
}

fn text(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[tokio::test]
async fn any_history_is_read_as_it_was_known() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadOnly).await;
    let mut dice = Dice(7);
    for place in 0..5 {
        let dataset = Dataset::from_id(11 + place).unwrap();
        let mut history: Vec<Past> = Vec::new();
        let mut known_at = at(6, 1, 0, 0);
        while history.len() < 10 {
            let timestamp = at(5, 1 + dice.roll(3), dice.roll(24), 0);
            if history.iter().any(|version| version.timestamp == timestamp) {
                continue;
            }
            known_at += TimeDelta::microseconds(1 + i64::from(dice.roll(3)));
            let cob = dice.roll(3) == 0;
            let stored = Stored { dataset, ..small(timestamp, known_at, cob) };
            let id = store(&server.app.pool, &stored).await;
            history.push(Past { id, timestamp, cob, known_at });
        }
        for cut in 0..=history.len() {
            let as_of = match cut {
                0 => history[0].known_at - TimeDelta::microseconds(1),
                cut => history[cut - 1].known_at,
            };
            for selector in ["latest", "cob", "intraday", "all"] {
                for window in
                    [None, Some((at(5, 1, 0, 0).date_naive(), at(5, 2, 0, 0).date_naive()))]
                {
                    let days = window.map_or(String::new(), |(first, last)| {
                        format!("&operating_day={first}&operating_day_end={last}")
                    });
                    let query = format!(
                        "iso={}&version={selector}&as_of={}{days}",
                        dataset.iso,
                        text(as_of)
                    );
                    let expected = model(&history, selector, as_of, window);
                    assert_eq!(asked(&caller, &query).await.0, expected, "{query}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_answer_at_an_instant_stays_what_it_was() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadOnly).await;
    let mut recorded: Vec<(String, Vec<i64>)> = Vec::new();
    for hour in [9, 15, 12, 16, 8] {
        let now: DateTime<Utc> = sqlx::query_scalar("select clock_timestamp()")
            .fetch_one(&server.app.pool)
            .await
            .unwrap();
        store(&server.app.pool, &small(at(5, 1, hour, 0), now, hour == 16)).await;
        let (ids, known_at) = asked(&caller, "iso=ercot&version=all").await;
        recorded.push((known_at.unwrap(), ids));
    }
    for (known_at, ids) in &recorded {
        let query = format!("iso=ercot&version=all&as_of={known_at}");
        assert_eq!(&asked(&caller, &query).await.0, ids, "{known_at}");
    }
}

/// A version whose publisher has its instant, but has not committed, is waited for.
#[tokio::test]
async fn no_version_appears_below_a_cut_off_that_was_told() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadOnly).await;
    store(&server.app.pool, &small(at(5, 1, 9, 0), at(5, 1, 9, 1), false)).await;
    let mut publisher = server.app.pool.begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock(7421, 11)").execute(&mut *publisher).await.unwrap();
    let reader = tokio::spawn(async move { asked(&caller, "iso=ercot").await });
    // The reader stands at the lock: it cannot have answered.
    let waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted
         and database = (select oid from pg_database where datname = current_database())";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&server.app.pool).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!reader.is_finished());
    let known_at: DateTime<Utc> =
        sqlx::query_scalar("select clock_timestamp()").fetch_one(&mut *publisher).await.unwrap();
    publisher.commit().await.unwrap();
    let (ids, told) = reader.await.unwrap();
    assert_eq!(ids.len(), 1);
    assert!(told.unwrap() > text(known_at));
    let locks = "select count(*) from pg_locks where locktype = 'advisory'
         and database = (select oid from pg_database where datname = current_database())";
    assert_eq!(sqlx::query_scalar::<_, i64>(locks).fetch_one(&server.app.pool).await.unwrap(), 0);
}
