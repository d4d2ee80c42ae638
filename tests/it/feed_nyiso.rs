//! The fuel mix of New York: what its files make of slots, in whatever pieces and order they come.

#![expect(clippy::similar_names, reason = "a loader loads, and what it loaded is looked at")]

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::New_York;
use rust_decimal::Decimal;
use sqlx::{AssertSqlSafe, PgPool};
use trueprice::{
    domain::feed::{TaskKind, Window},
    feeds::{
        FuelSample, Records,
        nyiso::{FUELS, FuelMix},
        runner::{self, Upkeep},
    },
};

use crate::support::{
    TestServer,
    loader::{Loader, at, count, one},
    upstream::{Answer, Upstream, hasty, wire},
};

async fn nyiso(server: &TestServer) -> Loader {
    let mut loader = Loader::of_region(server, &FuelMix, "NYISO", "US-NY-NYISO").await;
    // A file is read as one where its window is a day, whenever that was; and slots are told of.
    loader.window = day("2025-02-01T05:00:00Z");
    server.clock.set("2025-02-02T05:30:00Z");
    loader
}

fn day(from: &str) -> Window {
    Window::new(at(from), at(from) + TimeDelta::hours(20)).unwrap()
}

/// The rows of a file of any day.
fn samples(loader: &Loader, name: &str) -> Vec<FuelSample> {
    match loader.parse(&wire(name), 1) {
        Records::Samples(rows) => rows,
        other => panic!("{name}: {other:?}"),
    }
}

/// All values of a column as text.
async fn texts(pool: &PgPool, question: &str) -> Vec<String> {
    let question = AssertSqlSafe(format!("select q.v::text from ({question}) q(v)"));
    let rows: Vec<Option<String>> = sqlx::query_scalar(question).fetch_all(pool).await.unwrap();
    rows.into_iter().map(|text| text.unwrap_or_else(|| "null".to_owned())).collect()
}

/// g/kWh of each slot in order, with six decimals.
async fn intensities(pool: &PgPool) -> Vec<String> {
    texts(pool, "select round(generated, 6) from carbon_intensity order by start_at").await
}

/// What slots say, without when it was learnt.
async fn content(pool: &PgPool) -> Vec<String> {
    let mut all = texts(pool, "select concat_ws(' ', start_at, fuel, secs, mw, n_samples) from fuel_mix order by start_at, fuel").await;
    all.extend(texts(pool, "select concat_ws(' ', factor_set_id, start_at, secs, generated) from carbon_intensity order by start_at, factor_set_id").await);
    all
}

const TODAY: &str = "2025-02-01";

#[tokio::test]
async fn factors_are_dated_rows_with_their_source() {
    let server = TestServer::start().await;
    let pool = &server.owner;
    let factor = async |set: &str, region: &str, fuel: &str, day: &str| {
        one(
            pool,
            &format!(
                "select g_per_kwh from emission_factor where factor_set_id = '{set}' and region_id = '{region}'
                 and fuel = '{fuel}' and valid_from <= '{day}' and (valid_to is null or valid_to > '{day}')"
            ),
        )
        .await
    };
    for (fuel, expected) in [
        ("Natural Gas", "(473.035727290)"),
        ("Petroleum", "(970.268387065)"),
        ("Other Fossil Fuels", "(1212.018383969)"),
        ("Dual Fuel", "(491.117147261)"),
        ("Other Renewables", "(0.000000000)"),
        ("unknown", "(0.000000000)"),
    ] {
        assert_eq!(factor("NY-STATE-2016", "*", fuel, TODAY).await, expected, "{fuel}");
    }
    let total = factor("NY-STATE-2016", "*", "State Total", TODAY).await;
    assert!(total.starts_with("(232.8"), "{total}");
    let ny = "US-NY-NYISO";
    for (set, fuel, day, expected) in [
        ("IPCC-2014-LIFECYCLE", "Dual Fuel", TODAY, "(490.000000000)"),
        ("IPCC-2014-LIFECYCLE", "Other Fossil Fuels", "2020-03-31", "(820.000000000)"),
        ("IPCC-2014-LIFECYCLE", "Other Fossil Fuels", "2020-04-01", "(650.000000000)"),
        ("IPCC-2014-LIFECYCLE", "unknown", TODAY, "(700.000000000)"),
        ("IPCC-2014-DIRECT", "Other Fossil Fuels", TODAY, "(406.000000000)"),
        ("IPCC-2014-DIRECT", "unknown", TODAY, "(575.000000000)"),
        ("EGRID-NY", "Natural Gas", "2020-12-31", ""),
        ("EGRID-NY", "Natural Gas", "2021-12-31", "(412.600000000)"),
        ("EGRID-NY", "Natural Gas", "2022-01-01", "(419.380000000)"),
        ("EGRID-NY", "Other Fossil Fuels", TODAY, "(503.380000000)"),
        ("EGRID-NY-LIFECYCLE", "Dual Fuel", TODAY, "(537.210000000)"),
        ("EGRID-NY-LIFECYCLE", "Other Fossil Fuels", TODAY, "(747.380000000)"),
    ] {
        assert_eq!(factor(set, ny, fuel, day).await, expected, "{set} {fuel} {day}");
    }
    assert_eq!(factor("EGRID-NY-LIFECYCLE", "*", "coal", "2022-06-01").await, "(1052.450000000)");
    assert_eq!(factor("NESO", "*", "French Imports", TODAY).await, "(53.000000000)");
    assert_eq!(count(pool, "emission_factor where source = ''").await, 0);
}

#[tokio::test]
async fn a_small_file_makes_six_slots_and_the_same_again_nothing() {
    let server = TestServer::start().await;
    let (loader, pool) = (nyiso(&server).await, &server.owner);
    let loaded = loader.load(&wire("nyiso_rtfuelmix.csv")).await;
    assert_eq!((loaded.changed, loaded.rejected, loaded.findings.len()), (0, 0, 0));
    assert_eq!(count(pool, "fuel_sample").await, 49);
    assert_eq!(count(pool, "fuel_mix").await, 42);
    let expected =
        ["229.145120", "228.961415", "228.776351", "228.655349", "228.404889", "250.911127"];
    assert_eq!(intensities(pool).await, expected);
    let last = "select start_at = '2025-02-02 04:55Z', secs from carbon_intensity order by start_at desc limit 1";
    assert_eq!(one(pool, last).await, "(t,300)");
    let mean = "select mw, n_samples from fuel_mix where fuel = 'Dual Fuel' and start_at = '2025-02-01 05:15Z'";
    assert_eq!(one(pool, mean).await, "(3365.500000000,2)");
    assert_eq!(count(pool, "event_outbox where topic = 'grid.intensity'").await, 6);
    assert_eq!(count(pool, "event_outbox where topic = 'grid.fuelmix'").await, 6);
    let told =
        "select payload #>> '{data,fuels,Hydro}', payload #>> '{data,unit}' from event_outbox
                where topic = 'grid.fuelmix' order by outbox_id limit 1";
    assert_eq!(one(pool, told).await, "(2900,MW)");

    let before = count(pool, "event_outbox").await;
    let loaded = loader.load(&wire("nyiso_rtfuelmix.csv")).await;
    assert_eq!((loaded.new, loaded.changed, loaded.same), (0, 0, 49));
    assert_eq!(count(pool, "event_outbox").await, before);
    assert_eq!(count(pool, "row_revision").await, 0);
}

#[tokio::test]
async fn a_file_that_is_cut_is_completed_by_the_next() {
    let server = TestServer::start().await;
    let (loader, pool) = (nyiso(&server).await, &server.owner);
    loader.load(&wire("nyiso_rtfuelmix_truncated.csv")).await;
    assert_eq!(count(pool, "fuel_sample").await, 13);
    assert_eq!(intensities(pool).await, ["229.145120", "null"]);
    assert_eq!(count(pool, "event_outbox where topic = 'grid.intensity'").await, 1);
    loader.load(&wire("nyiso_rtfuelmix.csv")).await;
    assert_eq!(count(pool, "fuel_sample").await, 49);
    assert_eq!(intensities(pool).await[..2], ["229.145120", "228.961415"]);
    let filled = "select reason, count(*) from row_revision where table_name = 'carbon_intensity' group by 1";
    assert_eq!(one(pool, filled).await, "(filled,1)");
    assert_eq!(count(pool, "event_outbox where topic = 'grid.intensity'").await, 6);
    assert_eq!(count(pool, "event_outbox where topic = 'grid.intensity.restated'").await, 0);
}

#[tokio::test]
async fn nulls_and_storage_are_kept_and_flagged() {
    let server = TestServer::start().await;
    let (loader, pool) = (nyiso(&server).await, &server.owner);
    loader.load(&wire("nyiso_rtfuelmix_header_mwh.csv")).await;
    assert_eq!(intensities(pool).await, ["229.145120", "null"]);
    let slot = "select fuel, mw, n_samples from fuel_mix where start_at = '2025-02-01 05:05Z' order by fuel";
    let rows = format!(
        "select concat_ws(' ', fuel, coalesce(mw::text, 'null'), n_samples) from ({slot}) s"
    );
    assert_eq!(texts(pool, &rows).await, ["Dual Fuel null 0", "Energy Storage -35.000000000 1"]);
}

#[tokio::test]
async fn a_day_of_a_clock_change_has_its_slots_hours_and_means() {
    for (file, from, slots, hours, means) in [
        ("20241103", "2024-11-03T04:00:00Z", 300, 25, "(229.238817,229.201607,300,t)"),
        ("20240310", "2024-03-10T05:00:00Z", 276, 23, "(233.066631,233.565074,276,t)"),
        ("20250201", "2025-02-01T05:00:00Z", 288, 24, "(234.816581,234.696118,288,t)"),
    ] {
        let server = TestServer::start().await;
        let (mut loader, pool) = (nyiso(&server).await, &server.owner);
        loader.window = day(from);
        let now = at(from) + TimeDelta::hours(30);
        server.clock.set(&now.to_rfc3339());
        loader.load(&wire(&format!("full/{file}rtfuelmix.csv"))).await;
        trueprice::feeds::rollups::drain(&server.app).await.unwrap();
        assert_eq!(count(pool, "carbon_intensity where generated is not null").await, slots);
        assert_eq!(count(pool, "fuel_mix").await, slots * 7);
        let local = "rollup where series_kind = 'intensity' and measure = 'generated' and zone = 'America/New_York'";
        let within = format!("{local} and grain = 'hour' and complete and n_present = 12");
        assert_eq!(count(pool, &within).await, hours, "{file}");
        let of_day = format!(
            "select round(mean_time, 6), round(mean_weighted, 6), n_present, complete from {local}
             and grain = 'day' and period_start = '{from}'"
        );
        assert_eq!(one(pool, &of_day).await, means, "{file}");
    }
}

#[tokio::test]
async fn the_repeated_hour_is_stored_twice() {
    let server = TestServer::start().await;
    let (mut loader, pool) = (nyiso(&server).await, &server.owner);
    loader.window = day("2024-11-03T04:00:00Z");
    server.clock.set("2024-11-04T06:00:00Z");
    loader.load(&wire("nyiso_rtfuelmix_fallback_excerpt.csv")).await;
    let instants = texts(pool, "select count(distinct sampled_at) from fuel_sample");
    assert_eq!(instants.await, ["10"]);
}

#[tokio::test]
async fn an_archive_is_loaded_as_days_are() {
    let server = TestServer::start().await;
    let (mut loader, pool) = (nyiso(&server).await, &server.owner);
    loader.window = Window::new(at("2025-02-01T05:00:00Z"), at("2025-03-01T05:00:00Z")).unwrap();
    server.clock.set("2025-06-01T00:00:00Z");
    loader.task_kind = TaskKind::Backfill;
    loader.load(&wire("nyiso_rtfuelmix_csv.zip")).await;
    let days = "select count(distinct sampled_at), count(distinct (start_at at time zone 'America/New_York')::date)
                from fuel_sample, fuel_mix";
    assert_eq!(one(pool, days).await, "(48,2)");
}

/// The readings of one stamp.
fn reading(stamp: &str, hydro: &str) -> Vec<FuelSample> {
    let mw = [
        ("Dual Fuel", "3369"),
        ("Natural Gas", "3188"),
        ("Nuclear", "3275"),
        ("Other Fossil Fuels", "2"),
        ("Other Renewables", "230"),
        ("Wind", "874"),
        ("Hydro", hydro),
    ];
    mw.iter()
        .map(|(fuel, mw)| FuelSample {
            sampled_at: at(stamp),
            fuel: (*fuel).into(),
            mw: Some(mw.parse::<Decimal>().unwrap()),
        })
        .collect()
}

#[tokio::test]
async fn a_slot_is_computed_when_it_is_full_or_late_and_again_with_a_late_reading() {
    let server = TestServer::start().await;
    let (loader, pool) = (nyiso(&server).await, &server.owner);
    server.clock.set("2025-02-01T05:17:00Z");
    loader.put(Records::Samples(reading("2025-02-01T05:16:34Z", "2900"))).await;
    assert_eq!(count(pool, "fuel_mix").await, 0, "the slot has not ended");
    server.clock.set("2025-02-01T05:29:59Z");
    loader.put(Records::Samples(Vec::new())).await;
    assert_eq!(count(pool, "fuel_mix").await, 0, "a later reading may still come");
    server.clock.set("2025-02-01T05:30:00Z");
    loader.put(Records::Samples(Vec::new())).await;
    assert_eq!(intensities(pool).await, ["228.720596"]);
    loader.put(Records::Samples(reading("2025-02-01T05:20:00Z", "5800"))).await;
    let row = "select mw, n_samples, rev from fuel_mix where fuel = 'Hydro'";
    assert_eq!(one(pool, row).await, "(4350.000000000,2,2)");
    assert_eq!(count(pool, "event_outbox where topic = 'grid.intensity.restated'").await, 1);
    let reasons = "select distinct reason from row_revision where table_name = 'carbon_intensity'";
    assert_eq!(texts(pool, reasons).await, ["recomputed"]);
    let old = "select (old_values ->> 'generated')::numeric(18, 6) from row_revision where table_name = 'carbon_intensity'";
    assert_eq!(texts(pool, old).await, ["228.720596"]);
    // A reading of the slot after the next makes the one before ripe at once.
    server.clock.set("2025-02-01T05:37:00Z");
    loader.put(Records::Samples(reading("2025-02-01T05:31:00Z", "2900"))).await;
    assert_eq!(count(pool, "carbon_intensity").await, 1);
    loader.put(Records::Samples(reading("2025-02-01T05:36:00Z", "2900"))).await;
    assert_eq!(count(pool, "carbon_intensity").await, 2);
}

#[tokio::test]
async fn a_reading_from_the_future_is_left_out() {
    let server = TestServer::start().await;
    let (loader, pool) = (nyiso(&server).await, &server.owner);
    server.clock.set("2025-02-01T05:00:00Z");
    let mut rows = reading("2025-02-01T05:10:00Z", "2900");
    rows.extend(reading("2025-02-01T05:10:01Z", "2900"));
    rows.extend(
        rows[..1]
            .iter()
            .map(|row| FuelSample {
                sampled_at: at("2025-02-01T06:00:00Z"),
                mw: None,
                ..row.clone()
            })
            .collect::<Vec<_>>(),
    );
    let (loaded, _) = loader.put(Records::Samples(rows)).await;
    assert_eq!(loaded.rejected, 7);
    assert!(loaded.findings.iter().all(|finding| finding.code == "future_row"));
    assert_eq!(count(pool, "fuel_sample").await, 8);
}

#[tokio::test]
async fn pieces_in_any_order_make_the_same_slots() {
    let whole = TestServer::start().await;
    let loader = nyiso(&whole).await;
    let rows = samples(&loader, "full/20250201rtfuelmix.csv");
    loader.put(Records::Samples(rows.clone())).await;
    let expected = content(&whole.owner).await;
    assert_eq!(expected.len(), 288 * 8);

    let pieces = TestServer::start().await;
    let loader = nyiso(&pieces).await;
    let mut rows = rows;
    let mut state = 2_025_u64;
    for place in (1..rows.len()).rev() {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        rows.swap(place, usize::try_from(state >> 33).unwrap() % (place + 1));
    }
    for piece in rows.chunks(300) {
        loader.put(Records::Samples(piece.to_vec())).await;
    }
    assert_eq!(content(&pieces.owner).await, expected);
    // However often a slot was computed, it is told as known once.
    assert_eq!(count(&pieces.owner, "event_outbox where topic = 'grid.intensity'").await, 288);
}

#[tokio::test]
async fn each_set_of_factors_is_a_series_and_says_why_it_is_silent() {
    let server = TestServer::start().await;
    let (mut loader, pool) = (nyiso(&server).await, &server.owner);
    loader.settings.factor_sets =
        ["NY-STATE-2016", "IPCC-2014-LIFECYCLE", "EGRID-NY"].map(str::to_owned).to_vec();
    let of = |slot: DateTime<Utc>| {
        let question = format!(
            "select round(generated, 6) from carbon_intensity where start_at = '{slot}' order by factor_set_id"
        );
        async move { texts(pool, &question).await }
    };
    loader.put(Records::Samples(reading("2025-02-01T05:05:00Z", "2900"))).await;
    // ((3369 + 3188) gas + 2 oil ...) / 13838, with gas 417.21 and oil 503.38; then 490, 650, nuclear 12,
    // biomass 230, wind 11 and hydro 24.
    let expected = ["197.763602", "244.662813", "228.720596"];
    assert_eq!(of(at("2025-02-01T05:00:00Z")).await, expected);

    // In 2020 eGRID is not known, and other fossil fuels are coal before April.
    let (loaded, _) = loader.put(Records::Samples(reading("2020-03-31T12:00:00Z", "2900"))).await;
    let codes: Vec<&str> = loaded.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["no_factor"]);
    assert_eq!(of(at("2020-03-31T11:55:00Z")).await, ["null", "244.687383", "228.720596"]);

    let (loaded, _) = loader.put(Records::Samples(reading("2025-02-01T05:10:00Z", "-10.5"))).await;
    assert_eq!(loaded.findings.len(), 3);
    assert!(loaded.findings.iter().all(|finding| finding.code == "negative_mw"));
    assert_eq!(of(at("2025-02-01T05:05:00Z")).await, ["null"; 3]);
}

#[tokio::test]
async fn a_new_set_of_factors_gets_the_history_that_is_asked_for_again() {
    let server = TestServer::start().await;
    let (mut loader, pool) = (nyiso(&server).await, &server.owner);
    loader.load(&wire("nyiso_rtfuelmix.csv")).await;
    let of =
        "select count(*), round(min(generated), 6) from carbon_intensity where factor_set_id = ";
    let before = one(pool, &format!("{of} 'NY-STATE-2016'")).await;
    assert_eq!(before, "(6,228.404889)");
    let mixes = "select max(rev), max(changed_at) from fuel_mix";
    let mix = one(pool, mixes).await;

    // The same file says the same readings, and yet the slots are computed under the other set.
    loader.settings.factor_sets.push("IPCC-2014-DIRECT".to_owned());
    loader.window = Window::new(at("2025-02-01T05:00:00Z"), at("2025-02-02T05:00:00Z")).unwrap();
    loader.task_kind = TaskKind::Backfill;
    let loaded = loader.load(&wire("nyiso_rtfuelmix.csv")).await;
    assert_eq!((loaded.new, loaded.changed), (6, 0));
    let direct = one(pool, &format!("{of} 'IPCC-2014-DIRECT'")).await;
    assert!(direct.starts_with("(6,1"), "{direct}");
    // So they are for an answer that is unchanged, which has no rows, and only in the window asked for.
    loader.settings.factor_sets.push("IPCC-2014-LIFECYCLE".to_owned());
    loader.window = Window::new(at("2025-02-01T05:05:00Z"), at("2025-02-01T05:15:00Z")).unwrap();
    assert_eq!(loader.put(Records::Samples(Vec::new())).await.0.new, 2);
    assert_eq!(loader.put(Records::Samples(Vec::new())).await.0.new, 0);
    assert_eq!(one(pool, &format!("{of} 'NY-STATE-2016'")).await, before);
    assert_eq!((one(pool, mixes).await, count(pool, "row_revision").await), (mix, 0));
}

/// A file as the upstream writes it: a reading at each of these instants.
fn file(stamps: &[DateTime<Utc>]) -> String {
    let mut text = "Time Stamp,Time Zone,Fuel Category,Gen MW\r\n".to_owned();
    for stamp in stamps {
        let local = stamp.with_timezone(&New_York);
        for fuel in FUELS {
            _ = write!(text, "{},{fuel},100.0\r\n", local.format("%m/%d/%Y %H:%M:%S,%Z"));
        }
    }
    text
}

/// A server that polls New York alone, from half an hour before a midnight on.
async fn polling(upstream: &Upstream, midnight: DateTime<Utc>) -> TestServer {
    let server = TestServer::start_with(
        |config| {
            config.feeds.manners = hasty();
            for settings in &mut config.feeds.each {
                settings.enabled = settings.feed.id == "nyiso.rtfuelmix";
                settings.base_url = upstream.base();
                settings.not_before = midnight - TimeDelta::minutes(30);
            }
        },
        None,
    )
    .await;
    server.clock.set(&(midnight - TimeDelta::minutes(2)).to_rfc3339());
    runner::sync(&server.app, Upkeep::Settle).await.unwrap();
    server
}

#[tokio::test]
async fn at_midnight_the_old_files_last_row_and_the_new_files_first_come_once() {
    for (midnight, old, new) in [
        ("2025-02-02T05:00:00Z", "20250201", "20250202"),
        ("2025-07-02T04:00:00Z", "20250701", "20250702"),
    ] {
        let midnight = at(midnight);
        let path = |day: &str| format!("/public/csv/rtfuelmix/{day}rtfuelmix.csv");
        let after = |minutes: i64| midnight + TimeDelta::minutes(minutes);
        let upstream = Upstream::start().await;
        let server = polling(&upstream, midnight).await;
        let pool = &server.owner;
        let before: Vec<_> = (-5..0).map(|n| after(5 * n)).collect();
        let whole = [&before[..], &[midnight]].concat();
        let poll = async |minutes: i64| {
            server.clock.set(&after(minutes).to_rfc3339());
            runner::catch_up(&server.app).await.unwrap();
        };
        let serve = |day: &str, stamps: &[DateTime<Utc>]| {
            upstream.always(&path(day), Answer::body(file(stamps)));
        };
        upstream.always(&path(new), Answer::status(404));
        serve(old, &before);
        poll(-2).await;
        assert_eq!(count(pool, "fuel_sample").await, 5 * 7);
        poll(3).await;
        let classes = "select string_agg(class, ' ' order by fetch_id) from feed_fetch";
        assert_eq!(one(pool, classes).await, "(\"ok unchanged not_yet\")");
        serve(old, &whole);
        serve(new, &[after(5)]);
        poll(7).await;
        serve(new, &[after(5), after(10)]);
        poll(12).await;

        let stamps = texts(
            pool,
            "select distinct sampled_at at time zone 'utc' from fuel_sample order by 1",
        )
        .await;
        assert_eq!(stamps.len(), 8);
        assert_eq!(count(pool, "fuel_sample").await, 8 * 7);
        assert_eq!(count(pool, "fuel_sample where rev > 1").await, 0);
        let slots = "select count(*), max(start_at) - min(start_at) from carbon_intensity where generated is not null";
        assert_eq!(one(pool, slots).await, "(8,00:35:00)");
        assert_eq!(count(pool, "event_outbox where topic = 'grid.intensity'").await, 8);
        assert_eq!(count(pool, "event_outbox where topic like '%restated'").await, 0);
        assert_eq!(count(pool, "feed_gap where state = 'open'").await, 0);
        assert_eq!(count(pool, "feed_task where fail_count > 0").await, 0);
    }
}

#[tokio::test]
async fn a_slot_whose_file_stands_still_is_computed_all_the_same() {
    let midnight = at("2025-02-02T05:00:00Z");
    let upstream = Upstream::start().await;
    let server = polling(&upstream, midnight).await;
    let pool = &server.owner;
    let off_grid = midnight - TimeDelta::seconds(206);
    let stands = file(&[midnight - TimeDelta::minutes(5), off_grid]);
    upstream.always("/public/csv/rtfuelmix/20250201rtfuelmix.csv", Answer::body(stands));
    upstream.always("/public/csv/rtfuelmix/20250202rtfuelmix.csv", Answer::status(404));
    runner::catch_up(&server.app).await.unwrap();
    assert_eq!(count(pool, "carbon_intensity").await, 1);
    server.clock.set("2025-02-02T05:10:00Z");
    runner::catch_up(&server.app).await.unwrap();
    assert_eq!(count(pool, "feed_fetch where class = 'unchanged'").await, 1);
    assert_eq!(count(pool, "carbon_intensity").await, 2);
}

#[tokio::test]
async fn a_day_with_a_hole_has_one_gap() {
    let upstream = Upstream::start().await;
    let server = polling(&upstream, at("2025-02-01T05:30:00Z")).await;
    let pool = &server.owner;
    server.clock.set("2025-02-02T05:25:00Z");
    upstream
        .always("/public/csv/rtfuelmix/20250201rtfuelmix.csv", Answer::file("nyiso_rtfuelmix.csv"));
    upstream.always("/public/csv/rtfuelmix/20250202rtfuelmix.csv", Answer::status(404));
    runner::catch_up(&server.app).await.unwrap();
    let gap = "select start_at = '2025-02-01 05:25Z', extract(epoch from end_at - start_at)::int / 300, state from feed_gap";
    assert_eq!(one(pool, gap).await, "(t,282,open)");
}
