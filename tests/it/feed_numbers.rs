//! What Prometheus is told of feeds, and what it makes of it.

use std::collections::BTreeSet;

use trueprice::{db::feeds::gauges, domain::feed::FetchClass, feeds::numbers};

use crate::support::{
    TestServer,
    bench::{Bench, PATH, page},
    files,
    upstream::{Answer, hasty},
};

async fn told(server: &TestServer) -> String {
    let answer = server.anonymous().get("/metrics").await;
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

/// The value of a line.
fn value(told: &str, line: &str) -> Option<f64> {
    let found = told.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(' '));
    found.map(|text| text.parse().unwrap())
}

#[tokio::test]
async fn answers_are_counted() {
    let bench = Bench::new(hasty()).await;
    bench.upstream.queue(PATH, [page("1", None), Answer::status(401)]);
    let line = |class: FetchClass| {
        format!("trueprice_feed_fetch_total{{feed=\"test.feed\",class=\"{class}\"}}")
    };
    let before = told(&bench.server).await;
    bench.fetch().await;
    bench.fetch().await;
    bench.upstream.fault(Answer::fault("fault_429.json"));
    bench.fetch().await;
    let after = told(&bench.server).await;
    for class in [FetchClass::Ok, FetchClass::Auth, FetchClass::Throttled] {
        let count = |told: &str| value(told, &line(class)).unwrap_or(0.0);
        assert!(count(&after) > count(&before), "{class}");
    }
    let throttled = format!("trueprice_feed_throttled_total{{host=\"{}\"}}", bench.upstream.host());
    assert_eq!(value(&after, &throttled), Some(1.0));
    let seconds = "trueprice_feed_fetch_seconds_bucket{feed=\"test.feed\",le=\"60\"}";
    assert!(value(&after, seconds).unwrap() >= 3.0);
    assert!(!after.contains("1900000000001") && !after.contains("A-12345678"));
}

const SEED: &str = "
    insert into meter (meter_id, fuel_kind, direction, unit, zone, mpan, serial)
    values ('m1', 'electricity', 'import', 'kWh', 'Europe/London', '1900000000001', '2'),
           ('m2', 'electricity', 'import', 'kWh', 'Europe/London', '1900000000002', '3');
    update feed set step_secs = 1800, expected_lag = '30 min', poll_every = '10 min', default_factor_set = 'NESO';
    insert into feed_scope (feed_id, scope, region_id, meter_id, first_available, enabled)
    values ('test.feed', '1900000000001', 'GB', 'm1', now(), true),
           ('test.feed', 'A-12345678', null, null, now(), true),
           ('test.feed', 'twice', null, 'm2', now(), true), ('test.feed', 'again', null, 'm2', now(), true),
           ('test.feed', 'B-12', null, null, now(), true), ('test.feed', 'B-13', null, null, now(), true),
           ('test.feed', 'off', 'GB', null, now(), false);
    insert into feed_watermark (feed_id, scope, high_water, updated_at)
    select feed_id, scope, '2025-01-15T11:00:00Z', now() from feed_scope where scope <> 'A-12345678';
    insert into feed_task (feed_id, scope, task_kind, priority, next_due, fail_count, last_ok, last_class)
    values ('test.feed', 'meter-1', 'live', 0, now(), 7, '2025-01-15T10:00:00Z', 'auth'),
           ('test.feed', 'meter-1', 'sweep', 2, now(), 0, '2025-01-15T10:30:00Z', 'ok');
    insert into feed_gap (feed_id, scope, start_at, end_at, state, opened_at, closed_at)
    values ('test.feed', 'meter-1', '2025-01-14T00:00Z', '2025-01-14T01:00Z', 'open', '2025-01-14T12:00Z', null),
           ('test.feed', 'meter-1', '2025-01-14T02:00Z', '2025-01-14T02:30Z', 'open', '2025-01-15T00:00Z', null),
           ('test.feed', 'meter-1', '2025-01-13T00:00Z', '2025-01-13T09:00Z', 'filled', '2025-01-13T12:00Z', now());
    insert into feed_backfill (feed_id, scope, from_at, to_at, state, windows_total, windows_done, requested_at,
                               started_at, progress_at)
    values ('test.feed', 'meter-1', '2024-01-01', '2024-02-01', 'running', 30, 10, now(), '2025-01-15T11:00Z',
            '2025-01-15T11:30Z'),
           ('test.feed', 'meter-1', '2024-03-01', '2024-04-01', 'queued', 10, 0, now(), null, null),
           ('test.feed', 'meter-1', '2023-03-01', '2023-04-01', 'done', 10, 10, now(), now(), now());
    insert into upstream_host (host, tokens, refilled_at, rate, burst, breaker_state)
    values ('down.test', 1, now(), 1, 1, 'open'), ('up.test', 1, now(), 1, 1, 'closed');
    insert into event_outbox (event_id, topic, subject, series_key, payload, created_at, stream_seq)
    values (gen_random_uuid(), 'feed.gap', 'x', 'x', '{}', '2025-01-15T11:59:00Z', null),
           (gen_random_uuid(), 'feed.gap', 'x', 'x', '{}', '2025-01-15T11:00:00Z', 1);
    insert into rollup_dirty (series_kind, feed_id, subject_id, factor_set_id, grain, zone, period_start,
                              due_at)
    values ('intensity', 'test.feed', 'GB', 'NESO', 'day', 'UTC', '2025-01-14T00:00Z', '-infinity'),
           ('intensity', 'test.feed', 'GB', 'NESO', 'day', 'UTC', '2025-01-15T00:00Z', '2025-01-16T00:00Z');
    insert into feed_fetch (run_id, feed_id, scope, task_kind, url_redacted, request_key, page, attempt, class,
                            fetched_at, duration_ms, parser_version, lease_epoch)
    select (select min(run_id) from feed_run), 'test.feed', 'meter-1', 'live', '', '', 1, 1, class, now(), 1, 1, 1
    from unnest(array['bad_body', 'ok', 'bad_body', 'bad_body', 'bad_body']) with ordinality t (class, n)
    order by n;
";

#[tokio::test]
async fn what_the_tables_know_is_told_as_it_is_now() {
    let bench = Bench::new(hasty()).await;
    sqlx::raw_sql(SEED).execute(&bench.server.owner).await.unwrap();
    bench.server.clock.set("2025-01-15T12:00:00Z");
    let all = told(&bench.server).await;
    let of = |name: &str, scope: &str| {
        value(&all, &format!("trueprice_{name}{{feed=\"test.feed\",scope=\"{scope}\"}}"))
    };
    assert_eq!(of("feed_lag_seconds", "meter-1"), Some(3600.0));
    assert_eq!(of("feed_lag_seconds", "m1"), Some(3600.0), "a meter by its id");
    assert_eq!(of("feed_lag_seconds", "A-1***"), None, "nothing came yet");
    assert_eq!(of("feed_open_gap_slots", "A-1***"), Some(0.0));
    assert_eq!(of("feed_lag_seconds", "off"), None);
    assert_eq!(of("feed_last_success_timestamp_seconds", "meter-1"), Some(1_736_937_000.0));
    assert_eq!(of("feed_consecutive_failures", "meter-1"), Some(7.0));
    assert_eq!(of("feed_auth_refused", "meter-1"), Some(1.0));
    assert_eq!(of("feed_auth_refused", "m1"), Some(0.0));
    assert_eq!(of("feed_open_gap_slots", "meter-1"), Some(3.0));
    assert_eq!(of("feed_oldest_gap_seconds", "meter-1"), Some(86_400.0));
    assert_eq!(of("feed_rejected_in_a_row", "meter-1"), Some(3.0));
    assert_eq!(of("feed_backfill_progress_ratio", "meter-1"), Some(0.25));
    assert_eq!(of("feed_backfill_idle_seconds", "meter-1"), Some(1800.0));
    assert_eq!(
        value(&all, "trueprice_feed_expected_lag_seconds{feed=\"test.feed\"}"),
        Some(1800.0)
    );
    assert_eq!(value(&all, "trueprice_feed_poll_seconds{feed=\"test.feed\"}"), Some(600.0));
    assert_eq!(value(&all, "trueprice_feed_breaker_open{host=\"down.test\"}"), Some(1.0));
    assert_eq!(value(&all, "trueprice_feed_breaker_open{host=\"up.test\"}"), Some(0.0));
    assert_eq!(value(&all, "trueprice_outbox_unsent"), Some(1.0));
    assert_eq!(value(&all, "trueprice_outbox_oldest_seconds"), Some(60.0));
    assert_eq!(value(&all, "trueprice_rollup_dirty_periods"), Some(1.0));
    assert!(!all.contains("1900000000001") && !all.contains("A-12345678"));
    // No two values under one name: Prometheus would take none.
    let values = all.lines().filter(|line| line.starts_with("trueprice_feed_"));
    let labels: Vec<&str> = values.map(|line| line.rsplit_once(' ').unwrap().0).collect();
    assert_eq!(labels.iter().collect::<BTreeSet<_>>().len(), labels.len(), "{labels:?}");
    assert_eq!(
        labels
            .iter()
            .filter(|label| label.contains("gap_slots") && label.contains("\"m2#"))
            .count(),
        2
    );

    // What is over is told no more.
    sqlx::raw_sql("update feed_backfill set state = 'done'; update feed_scope set enabled = false")
        .execute(&bench.server.owner)
        .await
        .unwrap();
    let all = told(&bench.server).await;
    assert!(!all.contains("trueprice_feed_lag_seconds{") && !all.contains("progress_ratio{"));
}

#[tokio::test]
async fn intensities_are_told_of_feeds_that_anybody_may_see() {
    let bench = Bench::new(hasty()).await;
    sqlx::raw_sql(
        "update feed set default_factor_set = 'NESO';
         update region set default_feed_id = 'test.feed' where region_id = 'GB';
         insert into intensity_series values ('test.feed', 'GB', 'NESO');
         insert into feed_fetch (run_id, feed_id, scope, task_kind, url_redacted, request_key, page, attempt,
                                 class, fetched_at, duration_ms, parser_version, lease_epoch)
         select run_id, feed_id, scope, 'live', '', '', 1, 1, 'ok', now(), 1, 1, 1 from feed_run;
         insert into carbon_intensity (feed_id, region_id, factor_set_id, start_at, secs, generated, marginal,
             raw_unit, quality, content_hash, first_seen, changed_at, fetch_id)
         select 'test.feed', 'GB', 'NESO', at::timestamptz, 1800, g, m, 'g/kWh', q, '', now(), now(), max(fetch_id)
         from feed_fetch, (values ('2025-01-15T10:00Z', 150.25, 9.5, 'measured'),
             ('2025-01-15T10:30Z', 151, null, 'measured'), ('2025-01-15T11:00Z', 9999, null, 'suspect'),
             ('2025-01-15T13:00Z', 1, 1, 'measured')) t (at, g, m, q)
         group by at, g, m, q",
    )
    .execute(&bench.server.owner)
    .await
    .unwrap();
    let now = "2025-01-15T12:00:00Z".parse().unwrap();
    let pool = &bench.server.app.pool;
    let text = gauges::read(pool, now, &["test.feed".to_owned()]).await.unwrap();
    let of = |metric: &str| {
        let name = "trueprice_carbon_intensity_g_per_kwh";
        value(&text, &format!("{name}{{region=\"GB\",metric=\"{metric}\"}}"))
    };
    assert_eq!((of("generated"), of("consumed"), of("marginal")), (Some(151.0), None, Some(9.5)));
    let closed = gauges::read(pool, now, &[]).await.unwrap();
    assert!(!closed.contains("trueprice_carbon_intensity_g_per_kwh{"), "{closed}");
}

/// Names of metrics in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("trueprice_")).collect()
}

#[tokio::test]
async fn alerts_look_at_what_there_is() {
    let server = TestServer::start().await;
    numbers::loaded(
        "test.feed",
        [1, 2, 3, 4],
        ["unknown_fuel"],
        std::time::Duration::from_millis(3),
    );
    numbers::fetched("test.feed", FetchClass::Ok, Some(std::time::Duration::from_millis(3)));
    numbers::throttled("host.test");
    // What the stream and the broker count; they run in tests of their own.
    metrics::counter!(numbers::EVENTS, "topic" => "feed.gap").increment(1);
    metrics::counter!(numbers::MQTT_PUBLISHED).increment(1);
    metrics::gauge!(numbers::MQTT_CONNECTED).increment(1);
    metrics::gauge!(numbers::SSE_CLIENTS).increment(0);
    metrics::histogram!(numbers::EVENT_DELAY).record(0.003);
    let told = told(&server).await;
    let typed = |name: &str| told.contains(&format!("# TYPE {name} "));
    for name in numbers::NAMES.iter().chain(&gauges::NAMES) {
        assert!(typed(name), "{name} is not told");
    }
    let rules =
        std::fs::read_to_string(files::repository("static/alerts/trueprice.rules.yml")).unwrap();
    let used = names(&rules);
    assert!(used.len() >= 11, "{used:?}");
    for name in used {
        assert!(typed(name), "{name} is in the rules only");
    }
    for alert in [
        "FeedLate",
        "FeedFailing",
        "FeedAuth",
        "FeedGapOld",
        "FeedRejected",
        "OutboxStuck",
        "RollupBacklog",
        "BackfillStalled",
    ] {
        assert!(rules.contains(&format!("- alert: {alert}\n")), "{alert}");
    }
    let rows = "trueprice_feed_rows_total{feed=\"test.feed\",outcome=\"rejected\"}";
    assert!(value(&told, rows).unwrap() >= 4.0);
}
