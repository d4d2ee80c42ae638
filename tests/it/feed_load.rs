//! Loading what pages of feeds say: what is stored, kept, told, and left alone.

#![expect(clippy::similar_names, reason = "a loader loads, and what it loaded is looked at")]

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::PgPool;
use trueprice::{
    auth::Role,
    domain::feed::{IntensityUnit, Quality, TaskKind},
    feeds::{
        Feed, Forecast, Intensity, MeterPoint, Records, Scope, Usage,
        carbonara::CarbonaraIntensity,
        gb::{GbFactors, GbForecast, GbIntensity, GbMix},
        load::{Loaded, meter_id},
        octopus::{OctopusAccount, OctopusRates, OctopusUsage},
    },
};

use crate::support::{
    TestServer,
    loader::{Loader, at, count, one},
    upstream::wire,
};

async fn caiso(server: &TestServer) -> Loader {
    Loader::of_region(server, &CarbonaraIntensity, "CAISO", "US-CA-CAISO").await
}

/// Both pages of an hour of CAISO.
async fn hour(loader: &Loader) -> [Loaded; 2] {
    let first = loader.put(loader.parse(&wire("carbonara_search.json"), 1)).await.0;
    [first, loader.put(loader.parse(&wire("carbonara_search_page2.json"), 2)).await.0]
}

async fn gb(server: &TestServer) -> Loader {
    Loader::of_region(server, &GbIntensity, "GB", "GB").await
}

/// What became of rows.
fn counts(loaded: &Loaded) -> (u64, u64, u64, u64) {
    (loaded.new, loaded.changed, loaded.same, loaded.rejected)
}

/// A rollup of CAISO in lb/MWh and its counts: mean of generated, consumed or marginal.
async fn rollup(pool: &PgPool, measure: &str, grain: &str, from: &str) -> String {
    let question = format!(
        "select round(mean_time / 0.45359237, 6), n_present, n_expected, complete from rollup
         where measure = '{measure}' and grain = '{grain}' and zone = 'UTC' and period_start = '{from}'
           and factor_set_id = 'EGRID_u2019'"
    );
    one(pool, &question).await
}

const HOUR: &str = "2021-07-07T23:00:00Z";

#[tokio::test]
async fn a_row_refers_to_a_fetch_and_a_series_that_are_there() {
    let server = TestServer::start().await;
    let loader = caiso(&server).await;
    hour(&loader).await;
    let wrong = [
        "update carbon_intensity set fetch_id = -1",
        "insert into carbon_intensity
         select (jsonb_populate_record(c, '{\"fetch_id\": -1, \"start_at\": \"2021-07-08\"}')).* from carbon_intensity c
         order by c.start_at limit 1",
        "insert into carbon_intensity
         select (jsonb_populate_record(c, '{\"factor_set_id\": \"GB-NESO\"}')).* from carbon_intensity c limit 1",
    ];
    for statement in wrong {
        let refused = sqlx::query(statement).execute(&server.owner).await.unwrap_err().to_string();
        assert!(refused.contains("one of which is not there"), "{statement}: {refused}");
    }
    let of_another = "update rollup set feed_id = 'nobody.knows'";
    let refused = sqlx::query(of_another).execute(&server.owner).await.unwrap_err().to_string();
    assert!(refused.contains("feed nobody.knows, which is not there"), "{refused}");
    for statement in ["delete from feed_fetch", "delete from intensity_series", "delete from feed"]
    {
        let refused = sqlx::query(statement).execute(&server.owner).await.unwrap_err().to_string();
        assert!(refused.contains("are never deleted"), "{statement}: {refused}");
    }
    let right = "insert into carbon_intensity
         select (jsonb_populate_record(c, '{\"start_at\": \"2021-07-08\"}')).* from carbon_intensity c
         where factor_set_id = 'EGRID_u2019' order by c.start_at limit 1";
    sqlx::query(right).execute(&server.owner).await.unwrap();
}

#[tokio::test]
async fn two_pages_make_one_hour_and_a_restatement_its_next_revision() {
    let server = TestServer::start().await;
    let (loader, pool) = (caiso(&server).await, &server.owner);
    for loaded in hour(&loader).await {
        assert_eq!((loaded.changed, loaded.same, loaded.rejected), (0, 0, 0));
    }
    let rows = one(pool, "select count(*), min(start_at) = '2021-07-07 23:00Z', max(start_at + secs * interval '1 s') =
                         '2021-07-08 00:00Z', count(consumed) from carbon_intensity");
    assert_eq!(rows.await, "(12,t,t,0)");
    let first = one(
        pool,
        "select raw_generated, raw_unit, generated, rev from carbon_intensity order by start_at limit 1",
    );
    assert_eq!(first.await, "(520.0,lb/MWh,235.868032400,1)");
    assert_eq!(rollup(pool, "generated", "hour", HOUR).await, "(542.000000,12,12,t)");
    assert_eq!(rollup(pool, "marginal", "hour", HOUR).await, "(866.250000,12,12,t)");
    assert_eq!(rollup(pool, "consumed", "hour", HOUR).await, "(,0,12,f)");
    let mean = "select mean_time from rollup where measure = 'generated' and grain = 'hour' and zone = 'UTC'";
    assert_eq!(one(pool, mean).await, "(245.847064540)");
    assert_eq!(count(pool, "event_outbox where topic = 'grid.intensity'").await, 12);

    let loaded = loader.load(&wire("carbonara_search_restated.json")).await;
    assert_eq!(counts(&loaded), (0, 12, 0, 0));
    assert_eq!(rollup(pool, "consumed", "hour", HOUR).await, "(576.500000,12,12,t)");
    assert_eq!(rollup(pool, "generated", "hour", HOUR).await, "(542.000000,12,12,t)");
    assert_eq!(rollup(pool, "marginal", "hour", HOUR).await, "(866.250000,12,12,t)");
    assert_eq!(count(pool, "carbon_intensity where rev = 2").await, 12);
    assert_eq!(count(pool, "row_revision where reason = 'filled' and rev = 1").await, 12);
    assert_eq!(count(pool, "event_outbox where topic = 'grid.intensity.restated'").await, 12);

    let before = everything(pool).await;
    let loaded = loader.load(&wire("carbonara_search_restated.json")).await;
    assert_eq!(counts(&loaded), (0, 0, 12, 0));
    assert_eq!(everything(pool).await, before, "the same again changes nothing");
}

/// All rows, revisions, events and rollups, and when each was written.
async fn everything(pool: &PgPool) -> Vec<String> {
    let mut all = Vec::new();
    for table in
        ["carbon_intensity", "fuel_mix", "meter_usage", "row_revision", "event_outbox", "rollup"]
    {
        let question = format!(
            "select md5(string_agg(t::text, ';' order by t::text)), max(xmin::text::bigint) from (select t.xmin, t.* from {table} t) t"
        );
        all.push(one(pool, &question).await);
    }
    all
}

#[tokio::test]
async fn events_say_what_changed_with_exact_digits() {
    let server = TestServer::start().await;
    let (loader, pool) = (caiso(&server).await, &server.owner);
    hour(&loader).await;
    loader.load(&wire("carbonara_search_restated.json")).await;
    let payload: Value = sqlx::query_scalar(
        "select payload from event_outbox where topic = 'grid.intensity.restated' order by outbox_id limit 1",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    let data = &payload["data"];
    assert_eq!(payload["region"], "US-CA-CAISO");
    assert_eq!(data["start"], "2021-07-07T23:00:00Z");
    assert_eq!(
        (&data["secs"], &data["rev"], &data["unit"]),
        (&300.into(), &2.into(), &"g/kWh".into())
    );
    assert_eq!(data["old"]["consumed"], Value::Null);
    assert!(data["consumed"].is_number());
    let digits = "select payload::text like '%\"generated\": 235.8680324,%' from event_outbox
                  where topic = 'grid.intensity' order by outbox_id limit 1";
    assert_eq!(one(pool, digits).await, "(t)");
    let keys = "select distinct series_key from event_outbox";
    assert_eq!(one(pool, keys).await, "(carbonara.intensity/US-CA-CAISO/EGRID_u2019)");
}

#[tokio::test]
async fn sets_of_factors_stay_apart() {
    let server = TestServer::start().await;
    let (mut loader, pool) = (caiso(&server).await, &server.owner);
    loader.settings.factor_sets = vec!["EGRID_u2019".to_owned(), "EGRID_2019".to_owned()];
    hour(&loader).await;
    assert_eq!(count(pool, "carbon_intensity").await, 24);
    assert_eq!(
        count(pool, "rollup where measure = 'generated' and grain = 'hour' and zone = 'UTC'").await,
        2
    );
    assert_eq!(rollup(pool, "generated", "hour", HOUR).await, "(542.000000,12,12,t)");
}

#[tokio::test]
async fn gaps_leave_an_hour_incomplete_until_the_late_rows_come() {
    let server = TestServer::start().await;
    let (loader, pool) = (caiso(&server).await, &server.owner);
    let loaded = loader.load(&wire("carbonara_search_gap_unordered.json")).await;
    assert_eq!(loaded.new, 10);
    assert_eq!(rollup(pool, "generated", "hour", HOUR).await, "(542.400000,10,12,f)");
    hour(&loader).await;
    assert_eq!(rollup(pool, "generated", "hour", HOUR).await, "(542.000000,12,12,t)");
    for (grain, from) in [
        ("day", "2021-07-07T00:00:00Z"),
        ("week", "2021-07-05T00:00:00Z"),
        ("month", "2021-07-01T00:00:00Z"),
    ] {
        let rollup = rollup(pool, "generated", grain, from).await;
        assert!(rollup.starts_with("(542.000000,12,"), "{grain}: {rollup}");
    }
    let revisions =
        "select distinct rev from rollup where measure = 'generated' and grain = 'hour'";
    assert_ne!(one(pool, revisions).await, "(1)");
}

#[tokio::test]
async fn unknown_actuals_are_filled_and_restated_slot_by_slot() {
    let server = TestServer::start().await;
    server.clock.set("2025-01-16T00:30:00Z");
    let (loader, pool) = (gb(&server).await, &server.owner);
    let day = "select mean_time, n_present, n_expected, complete from rollup
               where grain = 'day' and zone = 'UTC' and measure = 'generated'
                 and period_start = '2025-01-15T00:00:00Z'";
    loader.load(&wire("uk_intensity_partial_day.json")).await;
    assert_eq!(count(pool, "carbon_intensity where generated is null").await, 28);
    assert_eq!(count(pool, "event_outbox").await, 20);
    let loaded = loader.load(&wire("uk_intensity_date.json")).await;
    assert_eq!(counts(&loaded), (0, 28, 20, 0));
    assert_eq!(count(pool, "event_outbox where topic = 'grid.intensity'").await, 48);
    assert_eq!(one(pool, day).await, "(150.062500000,48,48,t)");
    let loaded = loader.load(&wire("uk_intensity_restated.json")).await;
    assert_eq!(counts(&loaded), (0, 6, 42, 0));
    assert_eq!(count(pool, "row_revision where reason = 'revised'").await, 6);
    assert_eq!(count(pool, "event_outbox where topic = 'grid.intensity.restated'").await, 6);
    assert_eq!(one(pool, day).await, "(150.437500000,48,48,t)");
    let raised = "select bool_and(c.generated - (r.old_values->>'generated')::numeric = 3),
                         array_agg(extract(epoch from c.start_at - timestamptz '2025-01-15 00:00Z') / 1800
                                   order by c.start_at)::int[]::text
                  from row_revision r join carbon_intensity c on c.start_at = r.start_at where r.reason = 'revised'";
    assert_eq!(one(pool, raised).await, "(t,\"{30,31,32,33,34,35}\")");
}

#[tokio::test]
async fn of_a_slot_that_comes_twice_the_later_one_is_taken() {
    let server = TestServer::start().await;
    let (loader, pool) = (gb(&server).await, &server.owner);
    let loaded = loader.load(&wire("uk_intensity_duplicate.json")).await;
    assert_eq!(counts(&loaded), (2, 0, 0, 0));
    assert_eq!(loaded.findings.len(), 1);
    assert_eq!(loaded.findings[0].code, "duplicate_in_body");
    let values = "select array_agg(generated::int order by start_at) from carbon_intensity where start_at::text like '%19:00%'
                  or start_at at time zone 'UTC' = (start_at at time zone 'UTC')::date + time '19:00'";
    assert_eq!(one(pool, values).await, "({91})");
}

/// A row of Great Britain.
fn row(start: &str, generated: Option<i64>) -> Intensity {
    Intensity {
        factor_set: "NESO".into(),
        start: at(start),
        secs: 1800,
        generated: generated.map(Decimal::from),
        consumed: None,
        marginal: None,
        unit: IntensityUnit::GPerKwh,
        quality: Quality::Measured,
        src_key: None,
        src_updated_at: None,
        raw: None,
    }
}

#[tokio::test]
async fn an_older_document_and_a_null_undo_no_news() {
    let server = TestServer::start().await;
    server.clock.set("2025-01-16T00:00:00Z");
    let (mut loader, pool) = (gb(&server).await, &server.owner);
    let slot = "2025-01-15T10:00:00Z";
    let stored = "select generated::int, rev from carbon_intensity";
    loader.put(Records::Intensity(vec![row(slot, Some(100))])).await;
    loader.fetched_at = Some(at("2025-01-15T23:59:59Z"));
    let (loaded, _) = loader.put(Records::Intensity(vec![row(slot, Some(90))])).await;
    assert_eq!((counts(&loaded), one(pool, stored).await), ((0, 0, 1, 0), "(100,1)".to_owned()));
    loader.fetched_at = Some(at("2025-01-16T00:00:01Z"));
    let (loaded, _) = loader.put(Records::Intensity(vec![row(slot, None)])).await;
    assert_eq!((counts(&loaded), one(pool, stored).await), ((0, 0, 1, 0), "(100,1)".to_owned()));
    let (loaded, _) = loader.put(Records::Intensity(vec![row(slot, Some(110))])).await;
    assert_eq!((counts(&loaded), one(pool, stored).await), ((0, 1, 0, 0), "(110,2)".to_owned()));
    // The upstream's own stamp goes before the time of the fetch, whichever way.
    let stamped = |generated, stamp: &str| Intensity {
        src_updated_at: Some(at(stamp)),
        ..row("2025-01-15T11:00:00Z", Some(generated))
    };
    loader.put(Records::Intensity(vec![stamped(1, "2025-01-15T20:00:00Z")])).await;
    loader.fetched_at = Some(at("2025-01-01T00:00:00Z"));
    loader.put(Records::Intensity(vec![stamped(2, "2025-01-15T20:00:01Z")])).await;
    let second =
        "select generated::int, rev from carbon_intensity where start_at = '2025-01-15T11:00:00Z'";
    assert_eq!(one(pool, second).await, "(2,2)");
    loader.fetched_at = Some(at("2025-01-17T00:00:00Z"));
    loader.put(Records::Intensity(vec![stamped(3, "2025-01-15T19:00:00Z")])).await;
    assert_eq!(one(pool, second).await, "(2,2)");
}

#[tokio::test]
async fn what_is_ahead_is_left_out_and_what_cannot_be_is_suspect() {
    let server = TestServer::start().await;
    server.clock.set("2025-01-15T10:20:00Z");
    let (loader, pool) = (gb(&server).await, &server.owner);
    let rows = vec![
        row("2025-01-15T09:00:00Z", Some(5001)),
        row("2025-01-15T09:30:00Z", Some(100)),
        row("2025-01-15T08:00:00Z", Some(-1)),
        // Ends at once 10 minutes ahead: just not too far.
        row("2025-01-15T10:00:00Z", Some(101)),
        row("2025-01-15T10:30:00Z", Some(102)),
        row("2025-01-15T11:00:00Z", None),
    ];
    let (loaded, _) = loader.put(Records::Intensity(rows)).await;
    assert_eq!(counts(&loaded), (5, 0, 0, 1));
    assert_eq!(loaded.findings[0].code, "future_row");
    assert!(loaded.findings[0].rejects_row);
    assert_eq!(count(pool, "carbon_intensity where quality = 'suspect'").await, 2);
    let hour =
        "select mean_time, n_present, n_expected from rollup where grain = 'hour' and zone = 'UTC'
                and measure = 'generated' and period_start = '2025-01-15 09:00Z'";
    assert_eq!(one(pool, hour).await, "(100.000000000,1,2)");
    let hour = "select mean_time, n_present from rollup where grain = 'hour' and zone = 'UTC'
                and measure = 'generated' and period_start = '2025-01-15 08:00Z'";
    assert_eq!(one(pool, hour).await, "(,0)");
}

#[tokio::test]
async fn whoever_asks_as_of_an_instant_sees_what_was_known_then() {
    let server = TestServer::start().await;
    server.clock.set("2025-02-01T00:00:00Z");
    let (mut loader, pool) = (gb(&server).await, &server.owner);
    let mut random = Random(7);
    let first = at("2025-01-15T00:00:00Z");
    // The model: what each slot says, and when that was fetched.
    let mut model: BTreeMap<DateTime<Utc>, (Option<i64>, DateTime<Utc>, i32)> = BTreeMap::new();
    let mut known = Vec::new();
    for _ in 0..60 {
        let fetched_at = at("2025-01-20T00:00:00Z") + TimeDelta::hours(random.below(200));
        loader.fetched_at = Some(fetched_at);
        let rows: Vec<(DateTime<Utc>, Option<i64>)> = (0..=random.below(5))
            .map(|_| {
                let slot = first + TimeDelta::minutes(30 * random.below(12));
                (slot, (random.below(3) > 0).then(|| random.below(3)))
            })
            .collect();
        // Of a slot that comes twice the last one counts.
        let last: BTreeMap<_, _> = rows.iter().copied().collect();
        for (slot, value) in last {
            let held = model.entry(slot).or_insert((value, fetched_at, 1));
            let is_news = value.is_some() && value != held.0 && held.1 <= fetched_at;
            if is_news {
                *held = (value, fetched_at, held.2 + 1);
            }
        }
        let rows = rows.iter().map(|(slot, value)| row(&slot.to_rfc3339(), *value)).collect();
        let (_, known_at) = loader.put(Records::Intensity(rows)).await;
        known.push((known_at, model.clone()));
    }
    for (known_at, model) in &known {
        let rows: Vec<(DateTime<Utc>, Option<Decimal>, i32)> = sqlx::query_as(
            "select start_at, generated, rev
             from carbon_intensity_at('gb.intensity', 'GB', array['NESO'], '2025-01-01Z', '2025-02-01Z', $1)",
        )
        .bind(known_at)
        .fetch_all(pool)
        .await
        .unwrap();
        let seen: BTreeMap<_, _> =
            rows.into_iter().map(|(slot, value, rev)| (slot, (value, rev))).collect();
        let model: BTreeMap<_, _> = model
            .iter()
            .map(|(slot, (value, _, rev))| (*slot, (value.map(Decimal::from), *rev)))
            .collect();
        assert_eq!(seen, model, "as of {known_at}");
    }
    let before = known[0].0 - TimeDelta::microseconds(1);
    let none: i64 = sqlx::query_scalar(
        "select count(*) from carbon_intensity_at('gb.intensity', 'GB', array['NESO'], '2025-01-01Z', '2025-02-01Z', $1)",
    )
    .bind(before)
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(none, 0);
}

/// Numbers that are the same in each run.
pub struct Random(pub u64);

impl Random {
    /// At least 0, below `bound`.
    pub fn below(&mut self, bound: i64) -> i64 {
        // Knuth's MMIX; the high bits are the random ones.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// A meter that an account told of.
pub async fn metered(server: &TestServer) -> (Loader, String) {
    let scope = Scope {
        scope: "A-00000000".to_owned(),
        region_id: Some("GB".to_owned()),
        meter: None,
        tariff_code: None,
        first_available: at("2018-01-01T00:00:00Z"),
    };
    let mut account = Loader::of(server, &OctopusAccount, scope.clone()).await;
    account.settings.account = Some("A-00000000".to_owned());
    for feed in [&OctopusUsage as &'static dyn Feed, &OctopusRates] {
        Loader::of(server, feed, Scope { scope: "none".to_owned(), ..scope.clone() }).await;
    }
    // Daily summaries are of its intensities.
    gb(server).await;
    account.load(&wire("octopus_account.json")).await;
    let (meter_id, mpan, serial): (String, String, String) = sqlx::query_as(
        "select meter_id, mpan, serial from meter where fuel_kind = 'electricity' and direction = 'import'",
    )
    .fetch_one(&server.owner)
    .await
    .unwrap();
    let meter = Some(MeterPoint { meter_id: meter_id.clone(), mpan, serial });
    let scope = Scope { scope: meter_id.clone(), meter, ..scope };
    (Loader::of(server, &OctopusUsage, scope).await, meter_id)
}

#[tokio::test]
async fn an_account_makes_meters_agreements_and_the_scopes_that_follow() {
    let server = TestServer::start().await;
    let (loader, id) = metered(&server).await;
    let pool = &server.owner;
    let meter = loader.scope.meter.clone().unwrap();
    assert_eq!(meter_id("electricity", &meter.mpan, &meter.serial), id);
    assert!(count(pool, "meter_agreement").await >= 2);
    assert_eq!(
        count(pool, "feed_scope where feed_id = 'octopus.rates' and tariff_code is not null").await,
        count(pool, "(select distinct tariff_code from meter_agreement join meter using (meter_id) where fuel_kind = 'electricity') t").await
    );
    assert_eq!(
        count(pool, &format!("feed_scope where feed_id = 'octopus.usage' and meter_id = '{id}'"))
            .await,
        1
    );
    let zone = format!("select zone, region_id, owner_user_id from meter where meter_id = '{id}'");
    assert_eq!(one(pool, &zone).await, "(Europe/London,GB,)");
}

#[tokio::test]
async fn usage_of_the_days_of_a_clock_change_is_whole() {
    let server = TestServer::start().await;
    let (loader, id) = metered(&server).await;
    let pool = &server.owner;
    for (file, from, figures) in [
        ("octopus_consumption_20240331.json", "2024-03-31 00:00Z", "(21.059,46,46,t)"),
        ("octopus_consumption_20241027.json", "2024-10-26 23:00Z", "(22.335,50,50,t)"),
    ] {
        loader.load(&wire(file)).await;
        let day = format!(
            "select trim_scale(sum_value), n_present, n_expected, complete from rollup
             where series_kind = 'usage' and subject_id = '{id}' and measure = 'kwh' and grain = 'day'
               and zone = 'Europe/London' and period_start = '{from}'"
        );
        assert_eq!(one(pool, &day).await, figures, "{file}");
        assert_eq!(
            counts(&loader.load(&wire(file)).await).2,
            if file.contains("0331") { 46 } else { 50 }
        );
    }
    assert_eq!(count(pool, "event_outbox where topic = 'retail.usage'").await, 96);
    assert_eq!(count(pool, "row_revision where table_name = 'meter_usage'").await, 0);
}

#[tokio::test]
async fn late_and_corrected_usage_is_told_apart() {
    let server = TestServer::start().await;
    let (loader, id) = metered(&server).await;
    let pool = &server.owner;
    let late = loader.load(&wire("octopus_consumption_late.json")).await;
    assert_eq!(counts(&late), (45, 0, 0, 0));
    let restated = loader.load(&wire("octopus_consumption_restated.json")).await;
    assert_eq!((restated.new, restated.changed), (1, 3));
    assert_eq!(count(pool, "event_outbox where topic = 'retail.usage.restated'").await, 3);
    let sum = format!("select sum(quantity) from meter_usage where meter_id = '{id}'");
    assert_eq!(one(pool, &sum).await, "(17.7990)");
    let raised = "select bool_and((payload->'data'->>'quantity')::numeric
                                  - (payload->'data'->'old'->>'quantity')::numeric = 0.05)
                  from event_outbox where topic = 'retail.usage.restated'";
    assert_eq!(one(pool, raised).await, "(t)");
    let old = format!(
        "select count(*), sum(quantity) from meter_usage_at('{id}', '2025-01-01Z', '2025-02-01Z',
             (select min(changed_at) from meter_usage))"
    );
    assert_eq!(one(pool, &old).await, "(45,17.3420)");
}

#[tokio::test]
async fn a_number_that_the_column_rounds_is_not_restated_for_ever() {
    let server = TestServer::start().await;
    let (loader, _) = metered(&server).await;
    let usage = || Usage {
        start: at("2025-01-15T00:00:00Z"),
        secs: 1800,
        quantity: Some("0.123456".parse().unwrap()),
    };
    assert_eq!(counts(&loader.put(Records::Usage(vec![usage()])).await.0), (1, 0, 0, 0));
    assert_eq!(counts(&loader.put(Records::Usage(vec![usage()])).await.0), (0, 0, 1, 0));
}

#[tokio::test]
async fn prices_are_spans_and_a_corrected_one_is_a_revision() {
    let server = TestServer::start().await;
    metered(&server).await;
    let pool = &server.owner;
    let scope = Scope {
        scope: "E-1R-AGILE-24-10-01-C".to_owned(),
        region_id: Some("GB".to_owned()),
        meter: None,
        tariff_code: Some("E-1R-AGILE-24-10-01-C".to_owned()),
        first_available: at("2018-01-01T00:00:00Z"),
    };
    let mut loader = Loader::of(&server, &OctopusRates, scope).await;
    let Records::Prices(mut prices) = loader.parse(&wire("octopus_rates.json"), 1) else {
        panic!("rates are prices")
    };
    assert_eq!(loader.put(Records::Prices(prices.clone())).await.0.new, prices.len() as u64);
    assert_eq!(loader.put(Records::Prices(prices.clone())).await.0.same, prices.len() as u64);
    assert_eq!(
        count(pool, "event_outbox where topic = 'retail.price'").await,
        i64::try_from(prices.len()).unwrap()
    );
    let old = prices[0].exc_vat;
    prices[0].exc_vat = Decimal::from(-5);
    let (loaded, _) = loader.put(Records::Prices(prices)).await;
    assert_eq!(counts(&loaded).1, 1);
    let told = "select payload->'data'->>'exc_vat', payload->'data'->'old'->>'exc_vat', payload->'data'->>'rev'
                from event_outbox where topic = 'retail.price' order by outbox_id desc limit 1";
    assert_eq!(one(pool, told).await, format!("(-5,{},2)", old.normalize()));
    let key = "select series_key from row_revision where table_name = 'tariff_price'";
    assert_eq!(one(pool, key).await, "(octopus/E-1R-AGILE-24-10-01-C/standard/-)");
    let before = "select count(*), min(exc_vat) >= 0 from tariff_price_at('octopus', 'E-1R-AGILE-24-10-01-C', '2000-01-01Z',
                  '2100-01-01Z', (select min(valid_from) from row_revision where table_name = 'tariff_price'))";
    assert_eq!(one(pool, before).await, format!("({},t)", loaded.changed + loaded.same));
    // A backfill tells of old days.
    loader.task_kind = TaskKind::Backfill;
    loader.load(&wire("octopus_rates_flexible.json")).await;
    let told = "select count(*) filter (where topic = 'rollup' and payload->'data'->>'series_kind' = 'price') > 0,
                       count(*) filter (where topic = 'retail.price')
                from event_outbox where outbox_id > (select max(outbox_id) from event_outbox where topic = 'retail.price')";
    assert_eq!(one(pool, told).await, "(t,0)");
}

#[tokio::test]
async fn a_mix_is_told_slot_by_slot_with_all_of_its_fuels() {
    let server = TestServer::start().await;
    let pool = &server.owner;
    let loader = Loader::of_region(&server, &GbMix, "GB", "GB").await;
    let Records::Mix(mut shares) = loader.parse(&wire("uk_generation.json"), 1) else {
        panic!("generation is a mix")
    };
    loader.put(Records::Mix(shares.clone())).await;
    let before = everything(pool).await;
    loader.put(Records::Mix(shares.clone())).await;
    assert_eq!(everything(pool).await, before);
    let slots = count(pool, "(select distinct start_at from fuel_mix) t").await;
    assert_eq!(count(pool, "event_outbox where topic = 'grid.fuelmix'").await, slots);
    for percent in [1, 2] {
        shares[percent].percent = Some(Decimal::from(77));
        assert_eq!(loader.put(Records::Mix(shares.clone())).await.0.changed, 1);
    }
    assert_eq!(count(pool, "event_outbox where topic = 'grid.fuelmix'").await, slots + 2);
    let fuels =
        "select count(distinct k) from event_outbox, jsonb_object_keys(payload->'data'->'fuels') k
                 where topic = 'grid.fuelmix'";
    let known = "select count(distinct fuel) from fuel_mix";
    assert_eq!(one(pool, fuels).await, one(pool, known).await);
    let rollup = "select measure, round(mean_time, 4), sum_value from rollup where series_kind = 'mix' and grain = 'hour'
                  and zone = 'UTC' and measure like 'wind:%' order by period_start limit 1";
    assert!(one(pool, rollup).await.starts_with("(wind:percent,"));
    assert_eq!(count(pool, "rollup where measure like '%:mw'").await, 0);
}

#[tokio::test]
async fn every_issue_of_a_forecast_is_kept_until_the_last_of_the_day_will_do() {
    let server = TestServer::start().await;
    let pool = &server.owner;
    let loader = Loader::of_region(&server, &GbForecast, "GB", "GB").await;
    let mut points = 0;
    for now in [
        "2025-01-15T10:05:00Z",
        "2025-01-15T10:31:00Z",
        "2025-01-15T23:59:00Z",
        "2025-01-16T00:01:00Z",
    ] {
        server.clock.set(now);
        let loaded = loader.load(&wire("uk_intensity_fw48h.json")).await;
        points = i64::try_from(loaded.new).unwrap();
        assert_eq!(counts(&loader.load(&wire("uk_intensity_fw48h.json")).await).2, loaded.new);
    }
    assert!(points > 0);
    assert_eq!(count(pool, "carbon_intensity_forecast").await, 4 * points);
    assert_eq!(count(pool, "event_outbox where topic = 'grid.forecast'").await, 4);
    let thin = async |now: &str| {
        trueprice::db::feeds::forecasts::thin(&server.app.pool, at(now)).await.unwrap()
    };
    assert_eq!(thin("2025-04-15T00:00:00Z").await, 0);
    assert_eq!(thin("2025-05-15T00:00:00Z").await, 2 * points.unsigned_abs());
    let left =
        "select array_agg(distinct issued_at at time zone 'UTC') from carbon_intensity_forecast";
    assert_eq!(one(pool, left).await, r#"("{""2025-01-15 23:30:00"",""2025-01-16 00:00:00""}")"#);
}

#[tokio::test]
async fn what_an_issue_told_first_stays_and_what_is_added_is_known_from_then_on() {
    let server = TestServer::start().await;
    server.clock.set("2025-01-15T10:05:00Z");
    let pool = &server.owner;
    let loader = Loader::of_region(&server, &GbForecast, "GB", "GB").await;
    let Records::Forecast(points) = loader.parse(&wire("uk_intensity_fw48h.json"), 1) else {
        panic!("a forecast is a forecast")
    };
    let (known, late) = (points.len() - 1, points.last().unwrap().start);
    loader.put(Records::Forecast(points[..known].to_vec())).await;
    let caller = server.caller(Role::ReadOnly).await;
    let ask = async |as_of: &str| {
        let answer =
            caller.get(&format!("/api/v1/carbon-intensity/forecast?region=GB{as_of}")).await;
        let known_at = answer.headers()["x-known-at"].to_str().unwrap().to_owned();
        (known_at, answer.json::<Value>().await.unwrap()["items"].clone())
    };
    let (known_at, first) = ask("").await;
    assert_eq!(first.as_array().unwrap().len(), known);

    // Within the half-hour the provider says something else, and more.
    server.clock.set("2025-01-15T10:25:00Z");
    let other = |point: &Forecast| Forecast { generated: Some(Decimal::ONE), ..point.clone() };
    let (loaded, _) = loader.put(Records::Forecast(points.iter().map(other).collect())).await;
    assert_eq!(counts(&loaded), (1, 0, known as u64, 0));
    let (_, now) = ask("").await;
    let now = now.as_array().unwrap();
    assert_eq!(
        (&now[..known], &now[known]["generated"]),
        (&first.as_array().unwrap()[..], &"1".into())
    );
    assert_eq!(ask(&format!("&as_of={known_at}")).await.1, first);
    // It is told whole, as it is stored.
    let told = format!(
        "select jsonb_array_length(payload #> '{{data,points}}'),
                (select count(*) from jsonb_array_elements(payload #> '{{data,points}}') p
                 join carbon_intensity_forecast f on f.start_at = (p ->> 'start')::timestamptz
                                                 and f.generated = (p ->> 'value')::numeric),
                payload #>> '{{data,points,{known},start}}'
         from event_outbox where topic = 'grid.forecast' order by outbox_id desc limit 1"
    );
    let late = late.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    assert_eq!(one(pool, &told).await, format!("({0},{0},{late})", known + 1));
    // Whoever reads by SQL sees it from when it was known, not from the half-hour that names it.
    let view =
        "select bool_and(known_at > issued_at + interval '5 minutes'), count(distinct known_at)
                from trueprice.carbon_intensity_forecast";
    assert_eq!(one(pool, view).await, "(t,2)");
}

#[tokio::test]
async fn a_factor_that_is_published_anew_holds_from_that_day_on() {
    let server = TestServer::start().await;
    server.clock.set("2026-03-01T12:00:00Z");
    let pool = &server.owner;
    let loader = Loader::of_region(&server, &GbFactors, "GB", "GB").await;
    let Records::Factors(mut factors) = loader.parse(&wire("uk_factors.json"), 1) else {
        panic!("factors are factors")
    };
    loader.put(Records::Factors(factors.clone())).await;
    let (again, _) = loader.put(Records::Factors(factors.clone())).await;
    assert_eq!(counts(&again), (0, 0, factors.len() as u64, 0));
    let fuel = factors[0].fuel.clone();
    let old = factors[0].g_per_kwh;
    server.clock.set("2026-04-01T12:00:00Z");
    for number in [1, 2] {
        factors[0].g_per_kwh = Decimal::from(number);
        assert_eq!(loader.put(Records::Factors(factors.clone())).await.0.changed, 1);
    }
    let rows = format!(
        "select array_agg(concat_ws(' ', trim_scale(g_per_kwh), valid_to) order by valid_from) from emission_factor
         where factor_set_id = 'NESO' and fuel = '{fuel}'"
    );
    assert_eq!(
        one(pool, &rows).await,
        format!("(\"{{\"\"{} 2026-04-01\"\",2}}\")", old.normalize())
    );
}

#[tokio::test]
async fn a_backfill_tells_of_old_days_once_and_of_new_slots_one_by_one() {
    let server = TestServer::start().await;
    server.clock.set("2025-01-15T10:00:00Z");
    let (mut loader, pool) = (gb(&server).await, &server.owner);
    loader.task_kind = TaskKind::Backfill;
    let slots = |from: &str, n: i64| -> Vec<Intensity> {
        let slot = |i| row(&(at(from) + TimeDelta::minutes(30 * i)).to_rfc3339(), Some(100 + i));
        (0..n).map(slot).collect()
    };
    loader.put(Records::Intensity(slots("2025-01-01T12:00:00Z", 72))).await;
    loader.put(Records::Intensity(slots("2025-01-15T00:00:00Z", 4))).await;
    assert_eq!(count(pool, "event_outbox where topic = 'grid.intensity'").await, 4);
    assert_eq!(count(pool, "rollup").await, 0, "history is left to the worker");
    assert_eq!(trueprice::feeds::rollups::drain(&server.app).await.unwrap(), 3);
    assert_eq!(trueprice::feeds::rollups::drain(&server.app).await.unwrap(), 0);
    let told = "select array_agg(payload->'data'->>'period_start' order by outbox_id), count(*) from event_outbox
                where topic = 'rollup'";
    assert_eq!(one(pool, told).await, "(\"{2025-01-01T00:00:00Z,2025-01-02T00:00:00Z}\",2)");
    // Again: nothing. Another value: its day, once more.
    loader.put(Records::Intensity(slots("2025-01-01T12:00:00Z", 72))).await;
    trueprice::feeds::rollups::drain(&server.app).await.unwrap();
    assert_eq!(count(pool, "event_outbox where topic = 'rollup'").await, 2);
    loader.put(Records::Intensity(vec![row("2025-01-02T00:00:00Z", Some(7))])).await;
    trueprice::feeds::rollups::drain(&server.app).await.unwrap();
    assert_eq!(count(pool, "event_outbox where topic = 'rollup'").await, 3);
}
