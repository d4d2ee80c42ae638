//! Killed at random points: the tables are those of a run that nobody disturbed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgPool;
use trueprice::{clock::Clock, db::pool};

use crate::support::{Home, Program, User, address, empty_database, grid::Grid, until};

/// How often the program is killed: a handful, or as often as this variable says.
const KILLS: &str = "TRUEPRICE_TEST_KILLS";

/// What the program leaves behind. Times of its own, numbers of fetches and the like are left out.
const TABLES: [&str; 5] = [
    "select to_jsonb(c) - 'first_seen' - 'changed_at' - 'fetch_id' from carbon_intensity c
     order by feed_id, region_id, factor_set_id, start_at",
    "select to_jsonb(r) - 'fetch_id' - 'valid_from' - 'valid_to' from row_revision r
     order by table_name, row_key, rev",
    "select jsonb_build_array(feed_id, scope, start_at, end_at, state) from feed_gap
     order by feed_id, scope, start_at",
    "select jsonb_build_array(feed_id, scope, high_water, contiguous_to) from feed_watermark
     order by feed_id, scope",
    // Of what is polled: with the clock it moves from where on a backfill tells of days instead.
    // Counted back from the last slot, for the clock moves between two readings of this too.
    "select jsonb_build_array(event_id, topic, payload) from event_outbox
     where topic like 'grid.intensity%' and (payload ->> 'time')::timestamptz
         > (select max(start_at) from carbon_intensity) - interval '13 days'
     order by event_id",
];

const ROWS: &str = "select count(*) from carbon_intensity";
const OPEN: &str = "select count(*) from feed_backfill where state in ('queued', 'running')";
const POLLED: &str =
    "select count(*) from feed_task where task_kind = 'live' and last_ok is not null";

async fn count(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// A database and a program that polls two regions into it from a stub, some days back.
struct Site {
    pool: PgPool,
    home: Home,
    base: String,
    from: DateTime<Utc>,
}

impl Site {
    async fn new(grid: &Grid, from: DateTime<Utc>) -> Self {
        let pool = empty_database().await;
        pool::migrate(&pool).await.unwrap();
        // The stub is asked as quickly as it answers.
        let host = grid.base().trim_start_matches("http://").to_owned();
        let patient = "insert into upstream_host (host, tokens, refilled_at, rate, burst)
                       values ($1, 1e9, now(), 1e9, 1e9)";
        sqlx::query(patient).bind(host).execute(&pool).await.unwrap();
        Self { pool, home: Home::of(User::Same), base: grid.base(), from }
    }

    async fn start(&self) -> Program {
        let mut command = self.home.command(&["serve"]);
        command.env("DATABASE_URL", address(&self.pool)).env("TRUEPRICE_FEEDS_POLL", "true");
        for (setting, value) in [
            ("BASE_URL", &*self.base),
            ("API_KEY", "k"),
            ("SCOPES", "CAISO,BPA"),
            ("NOT_BEFORE", &self.from.to_rfc3339()),
            ("WINDOW", "1d"),
            ("PAGE_SIZE", "100"),
            // Nothing falls due, or late, while the test runs.
            ("EXPECTED_LAG", "12h"),
            ("POLL_EVERY", "12h"),
        ] {
            command.env(format!("TRUEPRICE_FEED_CARBONARA_INTENSITY_{setting}"), value);
        }
        for feed in ["NYISO_RTFUELMIX", "GB_INTENSITY", "GB_MIX", "GB_FORECAST", "GB_FACTORS"] {
            if trueprice::feeds::find(&feed.to_lowercase().replacen('_', ".", 1)).is_some() {
                command.env(format!("TRUEPRICE_FEED_{feed}_ENABLED"), "false");
            }
        }
        Program::start(command).await
    }

    /// As if the time of its leases had run out.
    async fn forget_leases(&self) {
        let statement = "update feed_task set lease_until = now() - interval '1 second' where lease_until is not null";
        sqlx::query(statement).execute(&self.pool).await.unwrap();
    }

    async fn is_done(&self) -> bool {
        count(&self.pool, POLLED).await == 2 && count(&self.pool, OPEN).await == 0
    }

    async fn tables(&self) -> Vec<Vec<Value>> {
        let mut tables = Vec::new();
        for table in TABLES {
            tables.push(sqlx::query_scalar(table).fetch_all(&self.pool).await.unwrap());
        }
        tables
    }

    /// No answer was loaded twice, and whoever loads holds the lease.
    async fn assert_sound(&self) {
        let twice = "select count(*) from (select 1 from feed_fetch where loaded_at is not null
                     group by request_key, document_sha256 having count(*) > 1) twice";
        assert_eq!(count(&self.pool, twice).await, 0, "no page is loaded twice");
        let bodies: Vec<(Value,)> =
            sqlx::query_as("select payload from event_outbox").fetch_all(&self.pool).await.unwrap();
        let mut ids: BTreeMap<String, &Value> = BTreeMap::new();
        for (body,) in &bodies {
            let id = body["id"].as_str().unwrap().to_owned();
            assert!(ids.insert(id, body).is_none(), "no id has two bodies");
        }
        let numbers: Vec<i64> = sqlx::query_scalar(
            "select stream_seq from event_outbox where stream_seq is not null order by 1",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap();
        let holes = numbers.windows(2).filter(|two| two[1] != two[0] + 1).count();
        assert_eq!(holes, 0, "the stream has no hole");
    }
}

fn kills() -> u32 {
    std::env::var(KILLS).ok().and_then(|text| text.parse().ok()).unwrap_or(6)
}

#[tokio::test]
async fn kill_9_at_random_points_changes_nothing_in_the_end() {
    let until_then = Clock::system().now().trunc_subsecs(0);
    let from = until_then - TimeDelta::days(17);
    let grid = Grid::start(until_then).await;
    let calm = Site::new(&grid, from).await;
    let program = calm.start().await;
    until(async || calm.is_done().await).await;
    program.end("TERM").await;
    calm.assert_sound().await;
    let wanted = calm.tables().await;
    assert!(wanted[0].len() > 9_000, "{}", wanted[0].len());

    let (mut left, mut seen) = (kills(), BTreeSet::new());
    while left > 0 {
        let site = Site::new(&grid, from).await;
        while left > 0 && !site.is_done().await {
            let program = site.start().await;
            // Soon after it began, or some pages later; then anywhere within a page.
            let wanted = count(&site.pool, ROWS).await + rand::random_range(0..1_500);
            until(async || count(&site.pool, ROWS).await >= wanted || site.is_done().await).await;
            tokio::time::sleep(Duration::from_micros(rand::random_range(0..100_000))).await;
            program.end("KILL").await;
            site.forget_leases().await;
            seen.insert(count(&site.pool, ROWS).await);
            left -= 1;
        }
        let program = site.start().await;
        until(async || site.is_done().await).await;
        program.end("TERM").await;
        site.assert_sound().await;
        for (table, (found, wanted)) in TABLES.iter().zip(site.tables().await.iter().zip(&wanted)) {
            let differs = found.iter().zip(wanted).find(|(found, wanted)| found != wanted);
            assert_eq!(differs, None, "{table}");
            assert_eq!(found.len(), wanted.len(), "{table}");
        }
    }
    assert!(seen.len() > 1, "the kills came at different points: {seen:?}");
}
