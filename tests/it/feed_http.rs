//! Asking upstreams: pauses, retries, rests, pages that cannot be used, links, and what is written down.

use std::{sync::LazyLock, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use sqlx::{AssertSqlSafe, PgPool};
use tracing_subscriber::layer::SubscriberExt as _;
use trueprice::{
    app::App,
    auth::Secret,
    clock::Clock,
    domain::{
        Sha256,
        feed::{FetchClass, TaskKind, TimeSemantics, Window},
    },
    feeds::{
        About, Ask, Auth, BadBody, Default, Feed, Finding, FuelSample, MeterPoint, Next, PageRef,
        Parsed, Records, Request, Scope, Secrecy, Settings,
        http::{Errand, Fetched, Manners, Pace, Upstreams},
    },
    telemetry::lines::{self, Keeper, Wanted},
};

use crate::support::{
    TestServer,
    upstream::{Answer, Upstream, hasty, wire},
};

const KEY: &str = "key-that-nobody-may-see-Zq7";
const MPAN: &str = "1900000000001";
const SERIAL: &str = "21X0000001";
const ACCOUNT: &str = "A-12345678";

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
struct TestFeed(About);

static FEED: TestFeed = TestFeed(about(1));
/// The same with another parser.
static NEWER: TestFeed = TestFeed(about(2));

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

    fn is_not_yet(&self, ask: &Ask<'_>) -> bool {
        ask.window.to() > ask.now
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

const PATH: &str = "/v1/points/1900000000001/meters/21X0000001/";

fn page(results: &str, next: Option<&str>) -> Answer {
    Answer::body(format!("{{\"results\":[{results}],\"next\":{}}}", serde_json::json!(next)))
}

/// A server, an upstream, and what is asked of it.
struct Bench {
    server: TestServer,
    upstream: Upstream,
    settings: Settings,
    scope: Scope,
    run_id: i64,
}

impl Bench {
    async fn new(manners: Manners) -> Self {
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

    async fn fetch(&self) -> Fetched {
        self.fetch_as(&self.server.app, &FEED, &PageRef::FIRST, TaskKind::Live).await
    }

    async fn fetch_page(&self, page: &PageRef) -> Fetched {
        self.fetch_as(&self.server.app, &FEED, page, TaskKind::Live).await
    }

    async fn fetch_as(
        &self,
        app: &App,
        feed: &'static TestFeed,
        page: &PageRef,
        task_kind: TaskKind,
    ) -> Fetched {
        fetch(app, (&self.settings, &self.scope, self.run_id), feed, page, task_kind).await
    }

    /// As if its rows were loaded.
    async fn load(&self, fetched: &Fetched) {
        sqlx::query("update feed_fetch set loaded_at = fetched_at where fetch_id = $1")
            .bind(fetched.fetch_id)
            .execute(&self.server.owner)
            .await
            .unwrap();
    }

    /// What is written down of all answers: attempt, status, class.
    async fn rows(&self) -> Vec<(i16, Option<i16>, String)> {
        sqlx::query_as("select attempt, status, class from feed_fetch order by fetch_id")
            .fetch_all(&self.server.owner)
            .await
            .unwrap()
    }

    /// What is kept of an answer.
    async fn document(&self, fetched: &Fetched) -> Option<Vec<u8>> {
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
    async fn host(&self, change: &'static str) {
        let statement = format!("update upstream_host set {change} where host = $1");
        sqlx::query(AssertSqlSafe(statement))
            .bind(self.upstream.host())
            .execute(&self.server.owner)
            .await
            .unwrap();
    }

    /// Failures in a row, state of the breaker, and minutes that it stays.
    async fn breaker(&self) -> (i32, String, Option<f64>) {
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

fn settings(upstream: &Upstream) -> Settings {
    Settings {
        feed: &FEED.0,
        enabled: true,
        base_url: upstream.base(),
        allowed_hosts: Vec::new(),
        poll_every: Duration::from_mins(5),
        look_back: TimeDelta::days(1),
        window: TimeDelta::days(1),
        page_size: 100,
        not_before: DateTime::UNIX_EPOCH,
        expected_lag: TimeDelta::hours(1),
        scopes: None,
        factor_sets: Vec::new(),
        api_key: Some(Secret::new(KEY)),
        filter_upstream: false,
        account: Some(ACCOUNT.to_owned()),
        owner: None,
        payment_method: String::new(),
        gas_in_m3: false,
    }
}

/// Writes the feed, its scope and a run down.
async fn run(owner: &PgPool) -> i64 {
    sqlx::raw_sql(
        "insert into feed (feed_id, kind, provider, time_semantics, not_before, look_back, poll_every,
                           expected_lag, enabled, config)
         values ('test.feed', 'test', 'test', 'instant', now(), '1 day', '5 min', '1 h', true, '{}');
         insert into feed_scope (feed_id, scope, first_available, enabled)
         values ('test.feed', 'meter-1', now(), true);",
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

async fn fetch(
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

#[tokio::test]
async fn a_page_is_fetched_parsed_kept_and_written_down() {
    let bench = Bench::new(hasty()).await;
    bench.upstream.always(PATH, page("1, 2, 3", None).header("ETag", "\"one\""));
    let fetched = bench.fetch().await;
    assert_eq!(fetched.class, FetchClass::Ok);
    assert_eq!(fetched.parsed.as_ref().unwrap().records.len(), 3);
    assert_eq!((&fetched.next, &fetched.not_before, &fetched.message), (&None, &None, &None));
    assert_eq!(bench.document(&fetched).await.unwrap(), b"{\"results\":[1, 2, 3],\"next\":null}");

    let asked = &bench.upstream.log()[0];
    assert_eq!(asked.headers["x-api-key"], KEY);
    assert_eq!(asked.headers["user-agent"], concat!("trueprice/", env!("CARGO_PKG_VERSION")));
    assert_eq!(asked.parameter("account"), Some(ACCOUNT));
    let row: (String, String, i32, i64, Option<DateTime<Utc>>, i64, i32) = sqlx::query_as(
        "select url_redacted, etag, page, bytes, loaded_at, lease_epoch, parser_version from feed_fetch",
    )
    .fetch_one(&bench.server.owner)
    .await
    .unwrap();
    let shown = format!("{}/v1/points/190***/meters/21X***/?account=A-1***", bench.upstream.base());
    assert_eq!(row, (shown, "\"one\"".to_owned(), 1, 33, None, 1, 1));
}

#[tokio::test]
async fn a_host_that_asks_for_a_pause_gets_it_from_all_servers() {
    let pausing = Manners { patience: Duration::from_secs(60), ..hasty() };
    let bench = Bench::new(pausing).await;
    let other = Upstream::start().await;
    bench.upstream.once(PATH, Answer::fault("fault_429.json"));
    bench.upstream.always(PATH, page("1", None));
    other.always(PATH, page("1", None));

    let elsewhere = async {
        while bench.upstream.log().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let (settings, app) = (settings(&other), &bench.server.app);
        let asked = (&settings, &bench.scope, bench.run_id);
        fetch(app, asked, &FEED, &PageRef::FIRST, TaskKind::Live).await
    };
    // A second server on the same database, which does not wait.
    let second = App { upstreams: Upstreams::new(hasty()), ..bench.server.app.clone() };
    let beside = async {
        let known = async || -> bool {
            sqlx::query_scalar(
                "select exists (select from upstream_host where not_before is not null)",
            )
            .fetch_one(&bench.server.owner)
            .await
            .unwrap()
        };
        while !known().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let now = second.clock.now();
        let fetched = bench.fetch_as(&second, &FEED, &PageRef::FIRST, TaskKind::Live).await;
        (now, fetched)
    };
    let (fetched, elsewhere, (now, beside)) = tokio::join!(bench.fetch(), elsewhere, beside);

    assert_eq!(fetched.class, FetchClass::Ok);
    let log = bench.upstream.log();
    assert_eq!(log.len(), 2, "the pause is waited for, by the second server too");
    assert!(log[1].at - log[0].at >= Duration::from_secs(7), "{:?}", log[1].at - log[0].at);
    assert_eq!(elsewhere.class, FetchClass::Ok);
    assert!(other.log()[0].at < log[1].at, "other hosts go on");
    assert_eq!(beside.class, FetchClass::Throttled);
    assert!(beside.not_before.unwrap() > now);
    let rows = bench.rows().await;
    assert!(rows.contains(&(1, Some(429), "throttled".into())), "{rows:?}");
    assert!(rows.contains(&(2, Some(200), "ok".into())), "{rows:?}");
}

#[tokio::test]
async fn pauses_are_trusted_within_bounds() {
    let bench = Bench::new(hasty()).await;
    let tell = async |answer: Answer| {
        bench.host("not_before = null, failures = 0").await;
        bench.upstream.faults([answer]);
        let fetched = bench.fetch().await;
        assert_eq!(fetched.class, FetchClass::Throttled);
        (fetched.not_before.unwrap() - bench.server.app.clock.now()).as_seconds_f64()
    };
    for (answer, longest) in [
        (Answer::status(429), 60.0),
        (Answer::status(429).header("Retry-After", "soon"), 60.0),
        (Answer::status(429).header("Retry-After", "86400"), 3600.0),
        (Answer::status(503).header("Retry-After", "120"), 120.0),
    ] {
        let seconds = tell(answer.clone()).await;
        assert!(seconds <= longest && seconds > longest - 50.0, "{seconds} of {answer:?}");
    }
    let date = "Wed, 15 Jan 2025 12:00:00 GMT";
    let until = "Wed, 15 Jan 2025 12:10:00 GMT";
    let dated = Answer::status(429).header("Date", date).header("Retry-After", until);
    let seconds = tell(dated).await;
    assert!(seconds <= 600.0 && seconds > 550.0, "{seconds}");
    assert_eq!(bench.upstream.log().len(), 5, "one request each");
}

#[tokio::test]
async fn failures_are_tried_again_and_then_the_host_rests() {
    let manners = Manners {
        connect: Duration::from_millis(500),
        idle: Duration::from_millis(300),
        total: Duration::from_millis(600),
        ..hasty()
    };
    let bench = Bench::new(manners).await;
    let slow = Duration::from_secs(30);
    for failing in [
        Answer::fault("fault_500.html"),
        Answer::status(502),
        Answer::status(503),
        Answer::status(504),
        Answer::reset(),
        Answer::file("fault_truncated.json").cut(),
        page("1", None).after(slow),
    ] {
        if !bench.upstream.log().is_empty() {
            bench.host("failures = 0, breaker_state = 'closed', breaker_until = null").await;
        }
        let before = (bench.upstream.log().len(), bench.rows().await.len());
        bench.upstream.fault(failing.clone());
        let fetched = bench.fetch().await;
        assert_eq!(fetched.class, FetchClass::Transient, "{failing:?}");
        assert!(fetched.message.is_some() && fetched.parsed.is_none());
        assert_eq!(bench.upstream.log().len() - before.0, 4, "{failing:?}");
        let rows = &bench.rows().await[before.1..];
        assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert!(rows.iter().all(|row| row.2 == "transient"), "{rows:?}");
        assert_eq!(bench.breaker().await.0, 4);
        bench.upstream.heal();
    }

    // The fifth failure in a row opens the breaker: the rest of the tries are not made.
    bench.upstream.fault(Answer::status(500));
    let before = bench.upstream.log().len();
    let fetched = bench.fetch().await;
    assert_eq!((fetched.class, bench.upstream.log().len() - before), (FetchClass::Transient, 1));
    assert!(fetched.not_before.is_some());
    assert_eq!(bench.breaker().await, (5, "open".into(), Some(1.0)));
    let fetched = bench.fetch().await;
    assert!(fetched.message.unwrap().contains("left alone") && fetched.not_before.is_some());
    assert_eq!(bench.upstream.log().len() - before, 1, "nobody asks");
    assert_eq!(bench.rows().await.last().unwrap(), &(1, None, "transient".into()));

    // Other hosts go on.
    let other = Upstream::start().await;
    other.always(PATH, page("1", None));
    let asked = (&settings(&other), &bench.scope, bench.run_id);
    let elsewhere = fetch(&bench.server.app, asked, &FEED, &PageRef::FIRST, TaskKind::Live).await;
    assert_eq!(elsewhere.class, FetchClass::Ok);

    // One probe each time that the rest is over; the rest doubles up to a quarter of an hour.
    for (failures, minutes) in [(6, 2.0), (7, 4.0), (8, 8.0), (9, 15.0), (10, 15.0)] {
        bench.host("breaker_until = clock_timestamp()").await;
        let before = bench.upstream.log().len();
        assert_eq!(bench.fetch().await.class, FetchClass::Transient);
        assert_eq!(bench.upstream.log().len() - before, 1);
        assert_eq!(bench.breaker().await, (failures, "open".into(), Some(minutes)));
    }
    bench.host("breaker_until = clock_timestamp()").await;
    bench.upstream.heal();
    bench.upstream.always(PATH, page("1", None));
    assert_eq!(bench.fetch().await.class, FetchClass::Ok);
    assert_eq!(bench.breaker().await, (0, "closed".into(), None));
}

#[tokio::test]
async fn one_probe_at_a_time() {
    let bench = Bench::new(hasty()).await;
    bench.upstream.always(PATH, page("1", None).after(Duration::from_millis(300)));
    bench.fetch().await;
    bench.host("failures = 5, breaker_state = 'open', breaker_until = clock_timestamp()").await;
    let (one, two) = tokio::join!(bench.fetch(), bench.fetch());
    let mut classes = [one.class, two.class];
    classes.sort();
    assert_eq!(classes, [FetchClass::Ok, FetchClass::Transient]);
    assert_eq!(bench.upstream.log().len(), 2);
}

#[tokio::test]
async fn nobody_is_there() {
    let mut bench = Bench::new(hasty()).await;
    bench.settings.base_url = format!("http://127.0.0.1:{}", crate::support::free_port());
    let fetched = bench.fetch().await;
    assert_eq!(fetched.class, FetchClass::Transient);
    assert!(fetched.message.unwrap().starts_with("no connection"));
    assert_eq!(bench.rows().await.len(), 4);
    let shown: Vec<String> = sqlx::query_scalar("select findings::text from feed_fetch")
        .fetch_all(&bench.server.owner)
        .await
        .unwrap();
    assert!(
        shown.iter().all(|text| text.contains("no connection") && !text.contains(MPAN)),
        "{shown:?}"
    );
}

#[tokio::test]
async fn what_another_try_would_not_better_is_asked_once() {
    let bench = Bench::new(hasty()).await;
    let refused = wire("octopus_error_401.json");
    for (status, class) in [
        (401, FetchClass::Auth),
        (403, FetchClass::Auth),
        (400, FetchClass::ClientError),
        (404, FetchClass::ClientError),
        (422, FetchClass::ClientError),
        (204, FetchClass::BadBody),
    ] {
        let before = bench.upstream.log().len();
        bench.upstream.fault(Answer::body(refused.clone()).with_status(status));
        let fetched = bench.fetch().await;
        assert_eq!(fetched.class, class, "{status}");
        let tries = if class == FetchClass::BadBody { 2 } else { 1 };
        assert_eq!(bench.upstream.log().len() - before, tries, "{status}");
        if status != 204 {
            assert_eq!(
                bench.document(&fetched).await.unwrap(),
                refused,
                "{status}: kept for diagnosis"
            );
        }
        bench.upstream.heal();
    }
    assert_eq!(bench.breaker().await, (0, "closed".into(), None));
    let long = "x".repeat(100_000);
    bench.upstream.fault(Answer::body(long).with_status(400));
    let kept = bench.document(&bench.fetch().await).await.unwrap();
    assert_eq!(kept.len(), 64 << 10, "the beginning of a long one");
}

#[tokio::test]
async fn a_file_that_is_to_come_is_no_failure() {
    let bench = Bench::new(hasty()).await;
    bench.server.clock.set("2025-01-15T12:00:00Z");
    let fetched = bench.fetch().await;
    assert_eq!((fetched.class, fetched.message), (FetchClass::NotYet, None));
    bench.server.clock.set("2025-01-17T12:00:00Z");
    assert_eq!(bench.fetch().await.class, FetchClass::ClientError);
    assert_eq!(bench.upstream.log().len(), 2);
}

/// Log lines of this thread since it was called.
fn listen() -> tracing::subscriber::DefaultGuard {
    let subscriber = tracing_subscriber::registry().with(Keeper::new(Clock::system()));
    tracing::subscriber::set_default(subscriber)
}

#[tokio::test]
async fn a_page_that_cannot_be_used_is_rejected_whole_and_kept() {
    let bench = Bench::new(hasty()).await;
    let _listening = listen();
    let long = format!("{{\"results\":[{}1],\"next\":null}}", "1,".repeat(200));
    for body in [
        wire("fault_truncated.json"),
        wire("fault_wrong_type.json"),
        wire("fault_empty_body.bin"),
        long.into(),
    ] {
        let before = bench.upstream.log().len();
        bench.upstream.fault(Answer::body(body.clone()));
        let fetched = bench.fetch().await;
        assert_eq!(fetched.class, FetchClass::BadBody);
        assert!(fetched.parsed.is_none() && fetched.next.is_none());
        assert!(!fetched.message.unwrap().contains(MPAN));
        assert_eq!(bench.upstream.log().len() - before, 2, "asked once more");
        let kept: Vec<u8> =
            sqlx::query_scalar("select document_sha256 from feed_fetch where fetch_id = $1")
                .bind(fetched.fetch_id)
                .fetch_one(&bench.server.owner)
                .await
                .unwrap();
        let sha256 = Sha256::of(&body);
        assert_eq!(kept, sha256.as_bytes());
        assert_eq!(bench.server.app.documents.get(sha256).await.unwrap(), body);
        let line = Wanted { text: Some(sha256.to_string()), ..Wanted::default() };
        assert_eq!(lines::newest(&line, 10).len(), 2, "the digest is logged");
        bench.upstream.heal();
    }
    assert_eq!(bench.breaker().await, (0, "closed".into(), None));
}

#[tokio::test]
async fn a_page_that_is_good_at_the_second_try_is_good() {
    let bench = Bench::new(hasty()).await;
    bench.upstream.queue(PATH, [Answer::file("fault_truncated.json"), page("1", None)]);
    assert_eq!(bench.fetch().await.class, FetchClass::Ok);
    assert_eq!(bench.rows().await.len(), 2);
}

#[tokio::test]
async fn what_is_known_is_not_parsed_again() {
    let bench = Bench::new(hasty()).await;
    let next = format!("{}{PATH}?page=2", bench.upstream.base());
    let date = "Wed, 15 Jan 2025 12:00:00 GMT";
    let answer = || page("1", Some(&next)).header("ETag", "\"one\"").header("Last-Modified", date);
    bench.upstream.always(PATH, answer());
    let first = bench.fetch().await;
    assert_eq!(first.class, FetchClass::Ok);
    // It was not loaded: whoever fetched it may have died.
    let second = bench.fetch().await;
    assert_eq!(second.class, FetchClass::Ok);
    assert!(!bench.upstream.log()[1].headers.contains_key("if-none-match"));
    bench.load(&second).await;

    let same = bench.fetch().await;
    assert_eq!(same.class, FetchClass::Unchanged, "equal bytes");
    assert!(same.parsed.is_none());
    assert_eq!(same.next, second.next, "the pages after it are asked for, too");
    let asked = bench.upstream.log().pop().unwrap();
    assert_eq!(asked.headers["if-none-match"], "\"one\"");
    assert_eq!(asked.headers["if-modified-since"], date);
    bench.upstream.always(PATH, Answer::status(304));
    let same = bench.fetch().await;
    assert_eq!((same.class, &same.next), (FetchClass::Unchanged, &second.next));
    assert_eq!(bench.document(&same).await, bench.document(&second).await);
    bench.load(&same).await;
    assert_eq!(bench.fetch().await.class, FetchClass::Unchanged, "also when that is the last");

    // What gives other rows is another request.
    bench.upstream.always(PATH, answer());
    let newer = bench.fetch_as(&bench.server.app, &NEWER, &PageRef::FIRST, TaskKind::Live).await;
    assert_eq!(newer.class, FetchClass::Ok, "another parser");
    assert!(!bench.upstream.log().pop().unwrap().headers.contains_key("if-none-match"));
    let mut other = settings(&bench.upstream);
    other.factor_sets = vec!["EGRID_2019".to_owned()];
    let asked = (&other, &bench.scope, bench.run_id);
    let other = fetch(&bench.server.app, asked, &FEED, &PageRef::FIRST, TaskKind::Live).await;
    assert_eq!(other.class, FetchClass::Ok, "another setting");

    // Rows that were refused then may be taken now.
    sqlx::query("update feed_fetch set rows_rejected = 1")
        .execute(&bench.server.owner)
        .await
        .unwrap();
    assert_eq!(bench.fetch().await.class, FetchClass::Ok);
}

#[tokio::test]
async fn an_answer_that_says_not_modified_unasked_is_none() {
    let bench = Bench::new(hasty()).await;
    bench.upstream.fault(Answer::status(304));
    assert_eq!(bench.fetch().await.class, FetchClass::BadBody);
}

#[tokio::test]
async fn a_page_without_rows_is_no_data() {
    let bench = Bench::new(hasty()).await;
    bench.upstream.always(PATH, page("", None));
    let fetched = bench.fetch().await;
    assert_eq!(fetched.class, FetchClass::NoData);
    assert_eq!(fetched.parsed.unwrap().findings.len(), 1);
    let findings: serde_json::Value = sqlx::query_scalar("select findings from feed_fetch")
        .fetch_one(&bench.server.owner)
        .await
        .unwrap();
    assert_eq!(findings[0]["code"], "nothing");
}

#[tokio::test]
async fn pages_are_followed_on_the_base_address_alone() {
    let bench = Bench::new(hasty()).await;
    let second = "https://api.canonical.test/v1/second/?page=2";
    bench.upstream.always(PATH, page("1", Some(second)));
    let first = bench.fetch().await;
    let next = PageRef::Link { number: 2, path_and_query: "/v1/second/?page=2".to_owned() };
    assert_eq!((first.class, first.next), (FetchClass::Ok, Some(next.clone())));
    bench.upstream.always("/v1/second/?page=2", page("1", Some("?page=3")));
    let fetched = bench.fetch_page(&next).await;
    let third = PageRef::Link { number: 3, path_and_query: "/v1/second/?page=3".to_owned() };
    assert_eq!(fetched.next, Some(third.clone()));
    let asked = bench.upstream.asked("/v1/second/");
    assert_eq!((asked.len(), asked[0].parameter("page")), (1, Some("2")));
    assert_eq!(asked[0].headers["x-api-key"], KEY);

    // Around in a circle, or on the spot.
    for again in ["?page=2", "?page=3"] {
        bench.upstream.always("/v1/second/?page=3", page("1", Some(again)));
        let fetched = bench.fetch_page(&third).await;
        assert_eq!((fetched.class, fetched.next), (FetchClass::BadBody, None), "{again}");
    }
    // Another run begins anew.
    sqlx::query("update feed_fetch set loaded_at = null")
        .execute(&bench.server.owner)
        .await
        .unwrap();
    assert_eq!(bench.fetch().await.class, FetchClass::Ok);

    let foreign = Upstream::start().await;
    bench.upstream.always(PATH, page("1", Some(&format!("{}{PATH}?page=2", foreign.base()))));
    let fetched = bench.fetch().await;
    assert_eq!((fetched.class, fetched.next), (FetchClass::BadBody, None));
    assert!(fetched.message.unwrap().contains("another host"));
    assert_eq!(foreign.log().len(), 0);
}

#[tokio::test]
async fn a_host_that_is_allowed_is_followed_on_the_base_address() {
    let mut bench = Bench::new(hasty()).await;
    bench.settings.allowed_hosts = vec!["mirror.test".to_owned()];
    bench.upstream.always(PATH, page("1", Some("https://mirror.test/v1/second/")));
    let next = bench.fetch().await.next;
    assert_eq!(next, Some(PageRef::Link { number: 2, path_and_query: "/v1/second/".to_owned() }));
}

#[tokio::test]
async fn answers_send_on_to_the_same_host_alone() {
    let bench = Bench::new(hasty()).await;
    let foreign = Upstream::start().await;
    bench.upstream.once(PATH, Answer::status(302).header("Location", "/moved"));
    bench.upstream.always("/moved", page("1", None));
    assert_eq!(bench.fetch().await.class, FetchClass::Ok);
    bench.upstream.once(PATH, Answer::status(302).header("Location", foreign.base() + "/moved"));
    assert_eq!(bench.fetch().await.class, FetchClass::ClientError);
    assert_eq!(foreign.log().len(), 0, "the key stays here");
    let circle = Answer::status(307).header("Location", bench.upstream.base() + PATH);
    bench.upstream.always(PATH, circle);
    assert_eq!(bench.fetch().await.class, FetchClass::ClientError);
}

#[tokio::test]
async fn bodies_have_a_limit_packed_or_not() {
    let bench = Bench::new(Manners { longest_body: 50_000, ..hasty() }).await;
    // 100,000 spaces.
    let packed = BASE64_STANDARD.decode(PACKED).unwrap();
    assert!(packed.len() < 1000);
    for answer in
        [Answer::body("x".repeat(50_001)), Answer::body(packed).header("Content-Encoding", "gzip")]
    {
        bench.upstream.once(PATH, answer);
        let before = bench.upstream.log().len();
        let fetched = bench.fetch().await;
        assert_eq!(fetched.class, FetchClass::TooLarge);
        assert_eq!(bench.document(&fetched).await, None);
        assert_eq!(bench.upstream.log().len() - before, 1);
    }
    // Not packed as announced: no better at the second try.
    let broken = page("1", None).header("Content-Encoding", "gzip");
    bench.upstream.queue(PATH, [broken.clone(), broken]);
    assert_eq!(bench.fetch().await.class, FetchClass::BadBody);
}

const PACKED: &str = "H4sIAAAAAAACA+3BMQEAAADCoCrrn9IaHkABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAArwYt8HnKoIYBAA==";

#[tokio::test]
async fn a_feed_without_its_key_asks_nobody() {
    let mut bench = Bench::new(hasty()).await;
    for (key, what) in [(None, "missing"), (Some("two\nlines"), "characters")] {
        bench.settings.api_key = key.map(Secret::new);
        let fetched = bench.fetch().await;
        assert_eq!(fetched.class, FetchClass::Config);
        assert!(fetched.message.unwrap().contains(what));
    }
    assert_eq!(bench.upstream.log().len(), 0);
    assert_eq!(bench.rows().await.len(), 2);
}

#[tokio::test]
async fn turns_are_shared_and_a_backfill_leaves_half() {
    // Nothing comes back while the test runs.
    let slow = Pace { rate: 1e-6, burst: 4.0 };
    let bench = Bench::new(Manners { pace: slow, ..hasty() }).await;
    bench.upstream.always(PATH, page("1", None));
    let second = App {
        upstreams: Upstreams::new(Manners { pace: slow, ..hasty() }),
        ..bench.server.app.clone()
    };
    let all = (0..12).map(|n| {
        let app = if n % 2 == 0 { &bench.server.app } else { &second };
        bench.fetch_as(app, &FEED, &PageRef::FIRST, TaskKind::Live)
    });
    let classes = futures::future::join_all(all).await;
    let ok = classes.iter().filter(|fetched| fetched.class == FetchClass::Ok).count();
    assert_eq!((ok, bench.upstream.log().len()), (4, 4));
    let busy = classes.iter().find(|fetched| fetched.class != FetchClass::Ok).unwrap();
    assert_eq!(busy.class, FetchClass::Throttled);
    assert!(busy.not_before.unwrap() - bench.server.app.clock.now() > TimeDelta::days(1));

    bench.host("tokens = 4").await;
    let class =
        async |kind| bench.fetch_as(&bench.server.app, &FEED, &PageRef::FIRST, kind).await.class;
    let mut classes = Vec::new();
    for _ in 0..5 {
        classes.push(class(TaskKind::Backfill).await);
    }
    use FetchClass::{Ok as Fine, Throttled};
    assert_eq!(classes, [Fine, Fine, Fine, Throttled, Throttled]);
    assert_eq!(class(TaskKind::Live).await, Fine);
    assert_eq!(class(TaskKind::Live).await, Throttled);
}

#[tokio::test]
async fn tokens_come_back_with_time() {
    let quick = Pace { rate: 50.0, burst: 1.0 };
    let patient = Manners { pace: quick, patience: Duration::from_secs(30), ..hasty() };
    let bench = Bench::new(patient).await;
    bench.upstream.always(PATH, page("1", None));
    let all = (0..10).map(|_| bench.fetch());
    let classes = futures::future::join_all(all).await;
    assert!(classes.iter().all(|fetched| fetched.class == FetchClass::Ok));
    let log = bench.upstream.log();
    // Nine tokens had to come back, one in 20 ms; a bound from below alone.
    assert!(log[9].at - log[0].at >= Duration::from_millis(170), "{:?}", log[9].at - log[0].at);
}

/// Everything in the database, as text.
async fn dump(pool: &PgPool) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', table_schema, table_name) from information_schema.tables
         where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let mut dump = String::new();
    for table in tables {
        let statement = format!("select coalesce(string_agg(t::text, ' '), '') from {table} t");
        let rows: String =
            sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(pool).await.unwrap();
        dump += &rows;
    }
    dump
}

static BASIC: LazyLock<String> = LazyLock::new(|| BASE64_STANDARD.encode(format!("{KEY}:")));

#[tokio::test]
async fn keys_are_written_nowhere_even_when_the_upstream_repeats_them() {
    let bench = Bench::new(hasty()).await;
    let _listening = listen();
    let echo = format!("{{\"results\":[1],\"next\":null,\"key\":\"{KEY}\"}}");
    let basic = format!("{{\"detail\":\"{} is wrong\"}}", *BASIC);
    let link = page("1", Some(&format!("https://evil.test/?api_key={KEY}")));
    let messages = [
        Answer::body(echo.clone()),
        Answer::body(echo.clone()).with_status(401),
        Answer::body(basic).with_status(403),
        Answer::body(echo).with_status(500),
        page("1", None).header("ETag", format!("\"{KEY}\"")),
        Answer::status(302).header("Location", format!("https://evil.test/?api_key={KEY}")),
        link,
        Answer::reset(),
    ];
    let mut told = String::new();
    for answer in messages {
        bench.host("breaker_state = 'closed', failures = 0").await;
        bench.upstream.fault(answer);
        let fetched = bench.fetch().await;
        told += &format!("{fetched:?}");
        bench.upstream.heal();
    }
    assert!(!format!("{:?}", bench.settings).contains(KEY));
    told += &format!("{:?}", bench.server.app.upstreams);
    told += &dump(&bench.server.owner).await;
    let all = Wanted::default();
    let lines = lines::newest(&all, lines::KEPT);
    assert!(lines.iter().any(|line| line.text.contains("page not fetched")));
    told.extend(lines.into_iter().map(|line| line.text));
    for kept in std::fs::read_dir(bench.server.data_dir().join("documents")).unwrap() {
        let path = kept.unwrap().path();
        if path.is_file() {
            told += &String::from_utf8_lossy(&std::fs::read(path).unwrap());
        }
    }
    for secret in [KEY, BASIC.as_str(), MPAN, SERIAL, ACCOUNT] {
        let place = told.find(secret);
        let around = place.map(|at| &told[at.saturating_sub(200)..told.len().min(at + 100)]);
        assert_eq!(around, None, "{secret}");
    }
    assert!(told.contains("test.feed"), "there is something to look through");
}
