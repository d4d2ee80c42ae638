//! Upstreams that fail, refuse, send what is no page, or repeat the key.

use std::{fmt::Write as _, sync::LazyLock, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, TimeDelta};
use sqlx::PgPool;
use tracing_subscriber::layer::SubscriberExt as _;
use trueprice::{
    app::App,
    auth::Secret,
    clock::Clock,
    domain::{
        Sha256,
        feed::{FetchClass, TaskKind, Window},
    },
    feeds::{
        About, Ask, FEEDS, Feed, MeterPoint, PageRef, Scope, Secrecy, Settings,
        http::{Errand, Fetched, Manners},
    },
    telemetry::lines::{self, Keeper, Wanted},
};

use crate::{
    negative_secrets::dump,
    support::{
        TestServer,
        bench::{ACCOUNT, Bench, FEED, KEY, MPAN, PATH, SERIAL, fetch, page, settings},
        upstream::{Answer, Upstream, hasty, wire},
    },
};

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
        _ = write!(told, "{fetched:?}");
        bench.upstream.heal();
    }
    assert!(!format!("{:?}", bench.settings).contains(KEY));
    _ = write!(told, "{:?}", bench.server.app.upstreams);
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

/// An errand of a real feed: its first scope and window.
struct Real {
    feed: &'static dyn Feed,
    settings: Settings,
    scope: Scope,
    window: Window,
    run_id: i64,
}

impl Real {
    /// Of every feed that there is.
    async fn all(server: &TestServer, upstream: &Upstream) -> Vec<Self> {
        let mut all = Vec::new();
        for feed in FEEDS {
            let about = feed.about();
            let mut settings = server.app.config.feeds.of(about.id).unwrap().clone();
            settings.base_url = upstream.base();
            settings.api_key = (about.secrecy == Secrecy::ApiKey).then(|| Secret::new(KEY));
            settings.account = Some(ACCOUNT.to_owned());
            let scope = feed.scopes(&settings).into_iter().next().unwrap_or_else(|| Scope {
                scope: "E-1R-AGILE-SAMPLE-25-C".to_owned(),
                region_id: Some("GB".to_owned()),
                meter: Some(MeterPoint {
                    meter_id: "meter-1".to_owned(),
                    mpan: MPAN.to_owned(),
                    serial: SERIAL.to_owned(),
                }),
                tariff_code: Some("E-1R-AGILE-SAMPLE-25-C".to_owned()),
                first_available: DateTime::UNIX_EPOCH,
            });
            let from = "2025-01-15T00:00:00Z".parse().unwrap();
            let range = Window::new(from, from + TimeDelta::days(1)).unwrap();
            let window = feed.windows(&settings, &scope, range)[0];
            let run_id = noted(&server.owner, about, &scope).await;
            all.push(Self { feed: *feed, settings, scope, window, run_id });
        }
        all
    }

    async fn fetch(&self, app: &App) -> Fetched {
        let (settings, scope, window) = (&self.settings, &self.scope, self.window);
        let ask = Ask { settings, scope, window, page: &PageRef::FIRST, now: app.clock.now() };
        let (run_id, task_kind) = (self.run_id, TaskKind::Live);
        let errand = Errand { feed: self.feed, ask, run_id, task_kind, lease_epoch: 1 };
        app.upstreams.fetch(app, &errand).await.unwrap()
    }
}

/// Writes a feed, a scope and a run down.
async fn noted(owner: &PgPool, about: &About, scope: &Scope) -> i64 {
    sqlx::query(
        "insert into feed (feed_id, kind, provider, time_semantics, not_before, look_back, poll_every,
                           expected_lag, enabled, config)
         values ($1, $1, $2, $3, now(), '1 day', '5 min', '1 h', true, '{}')",
    )
    .bind(about.id)
    .bind(about.provider)
    .bind(about.time_semantics.as_str())
    .execute(owner)
    .await
    .unwrap();
    sqlx::query("insert into feed_scope (feed_id, scope, first_available, enabled) values ($1, $2, now(), true)")
        .bind(about.id)
        .bind(&scope.scope)
        .execute(owner)
        .await
        .unwrap();
    sqlx::query_scalar(
        "insert into feed_run (feed_id, scope, task_kind, requested_at, state)
         values ($1, $2, 'live', now(), 'running') returning run_id",
    )
    .bind(about.id)
    .bind(&scope.scope)
    .fetch_one(owner)
    .await
    .unwrap()
}

#[tokio::test]
async fn every_feed_meets_every_fault_in_the_same_way() {
    let server = TestServer::start_with(|config| config.feeds.manners = hasty(), None).await;
    let upstream = Upstream::start().await;
    server.clock.set("2025-01-17T12:00:00Z");
    let faults = [
        (Answer::fault("fault_truncated.json"), FetchClass::BadBody, 2),
        (Answer::fault("fault_wrong_type.json"), FetchClass::BadBody, 2),
        (Answer::fault("fault_empty_body.bin"), FetchClass::BadBody, 2),
        (Answer::fault("fault_500.html"), FetchClass::Transient, 4),
        (Answer::status(503), FetchClass::Transient, 4),
        (Answer::reset(), FetchClass::Transient, 4),
        (Answer::file("octopus_error_401.json").with_status(401), FetchClass::Auth, 1),
        (Answer::file("eia_error_403.json").with_status(403), FetchClass::Auth, 1),
        (Answer::file("uk_error_400.json").with_status(400), FetchClass::ClientError, 1),
        (Answer::fault("fault_429.json"), FetchClass::Throttled, 1),
    ];
    let all = Real::all(&server, &upstream).await;
    assert!(all.len() >= 2);
    for real in &all {
        for (fault, class, tries) in &faults {
            sqlx::query("update upstream_host set failures = 0, breaker_state = 'closed', not_before = null")
                .execute(&server.owner)
                .await
                .unwrap();
            let before = upstream.log().len();
            upstream.fault(fault.clone());
            let fetched = real.fetch(&server.app).await;
            let what = format!("{} of {fault:?}: {:?}", real.feed.about().id, fetched.message);
            assert_eq!(fetched.class, *class, "{what}");
            assert_eq!(upstream.log().len() - before, *tries, "{what}");
            assert!(fetched.parsed.is_none() && fetched.next.is_none(), "{what}");
            upstream.heal();
        }
    }
    let all = dump(&server.owner).await;
    for secret in [KEY, BASIC.as_str(), MPAN, SERIAL] {
        assert!(!all.contains(secret), "{secret}");
    }
}
