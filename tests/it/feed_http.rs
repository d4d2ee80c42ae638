//! Asking upstreams: turns, pauses, pages that are the same, links. Faults are in `feed_faults.rs`.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use trueprice::{
    app::App,
    domain::feed::{FetchClass, TaskKind},
    feeds::{
        PageRef,
        http::{Manners, Pace, Upstreams},
    },
};

use crate::support::{
    bench::{ACCOUNT, Bench, FEED, KEY, NEWER, PATH, fetch, page, settings},
    upstream::{Answer, Upstream, hasty},
};

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
    let pausing = Manners { patience: Duration::from_mins(1), ..hasty() };
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
async fn a_file_that_is_to_come_is_no_failure() {
    let bench = Bench::new(hasty()).await;
    bench.server.clock.set("2025-01-15T12:00:00Z");
    let fetched = bench.fetch().await;
    assert_eq!((fetched.class, fetched.message), (FetchClass::NotYet, None));
    bench.server.clock.set("2025-01-17T12:00:00Z");
    assert_eq!(bench.fetch().await.class, FetchClass::ClientError);
    assert_eq!(bench.upstream.log().len(), 2);
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
async fn turns_are_shared_and_a_backfill_leaves_half() {
    use FetchClass::{Ok as Fine, Throttled};
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
    assert_eq!(classes, [Fine, Fine, Fine, Throttled, Throttled]);
    assert_eq!(
        class(TaskKind::Manual).await,
        Throttled,
        "what is asked for by hand leaves it, too"
    );
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
