//! A feed of the tests, and what it takes to fetch its pages.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use sqlx::{AssertSqlSafe, PgPool};
use trueprice::{
    app::App,
    auth::Secret,
    domain::{
        Sha256,
        feed::{FetchClass, TaskKind, TimeSemantics, Window},
    },
    feeds::{
        About, Ask, Auth, BadBody, Default, Feed, Finding, FuelSample, MeterPoint, Next, PageRef,
        Parsed, Records, Request, Scope, Secrecy, Settings,
        http::{Errand, Fetched, Manners},
    },
};

use super::{
    TestServer,
    upstream::{Answer, Upstream},
};

pub const KEY: &str = "key-that-nobody-may-see-Zq7";
pub const MPAN: &str = "1900000000001";
pub const SERIAL: &str = "21X0000001";
pub const ACCOUNT: &str = "A-12345678";

const fn about(parser_version: i32) -> About {
    About {
        id: "test.feed",
        provider: "test",
        name: "A feed of the test",
        attribution: "",
        assumptions: &[],
        step_secs: None,
        time_semantics: TimeSemantics::Instant,
        primary_metric: None,
        secrecy: Secrecy::ApiKey,
        parser_version,
        sweep: None,
        default: Default {
            base_url: "https://api.canonical.test",
            window: Duration::from_hours(24),
            page_size: 100,
            page_size_max: 100,
            poll_every: Duration::from_mins(5),
            look_back: Duration::from_hours(24),
            expected_lag: Duration::from_hours(1),
            not_before: "2025-01-01T00:00:00Z",
            factor_sets: &[],
        },
    }
}

/// A feed whose pages are `{"results": [numbers], "next": link or null}`.
#[derive(Debug)]
pub struct TestFeed(About);

pub static FEED: TestFeed = TestFeed(about(1));
/// The same with another parser.
pub static NEWER: TestFeed = TestFeed(about(2));

#[derive(Deserialize)]
struct Page {
    results: Vec<serde_json::Number>,
    next: Option<String>,
}

impl Feed for TestFeed {
    fn about(&self) -> &'static About {
        if self.0.parser_version == 1 { &FEED.0 } else { &NEWER.0 }
    }

    fn scopes(&self, _: &Settings) -> Vec<Scope> {
        Vec::new()
    }

    fn request(&self, ask: &Ask<'_>) -> Request {
        let path = match ask.page {
            PageRef::Number(_) => format!("/v1/points/{MPAN}/meters/{SERIAL}/"),
            PageRef::Link { path_and_query, .. } => path_and_query.clone(),
        };
        let auth = Auth::Header("X-Api-Key");
        Request { path, query: vec![("account", ACCOUNT.to_owned())], auth, is_archive: false }
    }

    fn absence(&self, ask: &Ask<'_>) -> Option<FetchClass> {
        (ask.window.to() > ask.now).then_some(FetchClass::NotYet)
    }

    fn parse(&self, body: &[u8], ask: &Ask<'_>) -> Result<Parsed, BadBody> {
        let page: Page =
            serde_json::from_slice(body).map_err(|error| BadBody(format!("{MPAN}: {error}")))?;
        assert!(page.results.len() < 100, "a parser that was not made for so much");
        let sample = |(n, _): (usize, &serde_json::Number)| FuelSample {
            sampled_at: ask.window.from() + TimeDelta::minutes(i64::try_from(n).unwrap()),
            fuel: "Wind".into(),
            mw: None,
        };
        let findings = page.results.is_empty().then(|| Finding {
            code: "nothing".into(),
            message: "no rows".into(),
            at: None,
            rejects_row: false,
        });
        Ok(Parsed {
            records: Records::Samples(page.results.iter().enumerate().map(sample).collect()),
            findings: findings.into_iter().collect(),
            next: page.next.map(Next::Link),
        })
    }
}

pub const PATH: &str = "/v1/points/1900000000001/meters/21X0000001/";

pub fn page(results: &str, next: Option<&str>) -> Answer {
    Answer::body(format!("{{\"results\":[{results}],\"next\":{}}}", serde_json::json!(next)))
}

/// A server, an upstream, and what is asked of it.
pub struct Bench {
    pub server: TestServer,
    pub upstream: Upstream,
    pub settings: Settings,
    pub scope: Scope,
    pub run_id: i64,
}

impl Bench {
    pub async fn new(manners: Manners) -> Self {
        let server = TestServer::start_with(|config| config.feeds.manners = manners, None).await;
        let upstream = Upstream::start().await;
        let settings = settings(&upstream);
        let scope = Scope {
            scope: "meter-1".to_owned(),
            region_id: None,
            meter: Some(MeterPoint {
                meter_id: "meter-1".to_owned(),
                mpan: MPAN.to_owned(),
                serial: SERIAL.to_owned(),
            }),
            tariff_code: None,
            first_available: DateTime::UNIX_EPOCH,
        };
        let run_id = run(&server.owner).await;
        Self { server, upstream, settings, scope, run_id }
    }

    pub async fn fetch(&self) -> Fetched {
        self.fetch_as(&self.server.app, &FEED, &PageRef::FIRST, TaskKind::Live).await
    }

    pub async fn fetch_page(&self, page: &PageRef) -> Fetched {
        self.fetch_as(&self.server.app, &FEED, page, TaskKind::Live).await
    }

    pub async fn fetch_as(
        &self,
        app: &App,
        feed: &'static TestFeed,
        page: &PageRef,
        task_kind: TaskKind,
    ) -> Fetched {
        fetch(app, (&self.settings, &self.scope, self.run_id), feed, page, task_kind).await
    }

    /// As if its rows were loaded.
    pub async fn load(&self, fetched: &Fetched) {
        sqlx::query("update feed_fetch set loaded_at = fetched_at where fetch_id = $1")
            .bind(fetched.fetch_id)
            .execute(&self.server.owner)
            .await
            .unwrap();
    }

    /// What is written down of all answers: attempt, status, class.
    pub async fn rows(&self) -> Vec<(i16, Option<i16>, String)> {
        sqlx::query_as("select attempt, status, class from feed_fetch order by fetch_id")
            .fetch_all(&self.server.owner)
            .await
            .unwrap()
    }

    /// What is kept of an answer.
    pub async fn document(&self, fetched: &Fetched) -> Option<Vec<u8>> {
        let sha256: Option<Vec<u8>> =
            sqlx::query_scalar("select document_sha256 from feed_fetch where fetch_id = $1")
                .bind(fetched.fetch_id)
                .fetch_one(&self.server.owner)
                .await
                .unwrap();
        let sha256 = Sha256::from_bytes(&sha256?).unwrap();
        Some(self.server.app.documents.get(sha256).await.unwrap().to_vec())
    }

    /// Changes what is known of the host.
    pub async fn host(&self, change: &'static str) {
        let statement = format!("update upstream_host set {change} where host = $1");
        sqlx::query(AssertSqlSafe(statement))
            .bind(self.upstream.host())
            .execute(&self.server.owner)
            .await
            .unwrap();
    }

    /// Failures in a row, state of the breaker, and minutes that it stays.
    pub async fn breaker(&self) -> (i32, String, Option<f64>) {
        sqlx::query_as(
            "select failures, breaker_state,
                 round(extract(epoch from breaker_until - clock_timestamp()) / 60.0)::float8
             from upstream_host where host = $1",
        )
        .bind(self.upstream.host())
        .fetch_one(&self.server.owner)
        .await
        .unwrap()
    }
}

pub fn settings(upstream: &Upstream) -> Settings {
    Settings {
        enabled: true,
        base_url: upstream.base(),
        api_key: Some(Secret::new(KEY)),
        account: Some(ACCOUNT.to_owned()),
        ..Settings::unset(&FEED.0)
    }
}

/// Writes the feed, its scope and a run down.
async fn run(owner: &PgPool) -> i64 {
    sqlx::raw_sql(
        "insert into feed (feed_id, kind, provider, time_semantics, not_before, look_back, poll_every,
                           expected_lag, enabled, config)
         values ('test.feed', 'test', 'test', 'instant', now(), '1 day', '5 min', '1 h', true, '{}');
         insert into feed_scope (feed_id, scope, region_id, first_available, enabled)
         values ('test.feed', 'meter-1', 'GB', now(), true);",
    )
    .execute(owner)
    .await
    .unwrap();
    sqlx::query_scalar(
        "insert into feed_run (feed_id, scope, task_kind, requested_at, state)
         values ('test.feed', 'meter-1', 'live', now(), 'running') returning run_id",
    )
    .fetch_one(owner)
    .await
    .unwrap()
}

pub async fn fetch(
    app: &App,
    (settings, scope, run_id): (&Settings, &Scope, i64),
    feed: &'static TestFeed,
    page: &PageRef,
    task_kind: TaskKind,
) -> Fetched {
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let window = Window::new(at("2025-01-15T00:00:00Z"), at("2025-01-16T00:00:00Z")).unwrap();
    let ask = Ask { settings, scope, window, page, now: app.clock.now() };
    let errand = Errand { feed, ask, run_id, task_kind, lease_epoch: 1 };
    app.upstreams.fetch(app, &errand).await.unwrap()
}
