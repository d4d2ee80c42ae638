//! Rollups are what a direct question to the base rows comes to, whoever computed them and when.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use sqlx::PgPool;
use trueprice::{
    domain::feed::{IntensityUnit, Quality, TaskKind},
    feeds::{
        FuelShare, Intensity, Records, Usage,
        carbonara::CarbonaraIntensity,
        gb::{GbIntensity, GbMix},
        rollups::drain,
    },
};

use crate::{
    feed_load::{Random, metered},
    support::{
        TestServer,
        loader::{Loader, at, count, one},
        upstream::wire,
    },
};

/// Rollups of intensities that differ from what base rows come to, and how many there are at all. A
/// period with base rows and without a rollup differs, too.
const INTENSITY: &str = "
with slots as (
    select i.feed_id, i.region_id, i.factor_set_id, i.start_at, i.secs, i.quality, v.measure,
           case when i.quality <> 'suspect' then v.value end as value, m.mw
    from carbon_intensity i
    cross join lateral (values ('generated', i.generated), ('consumed', i.consumed), ('marginal', i.marginal))
        v(measure, value)
    left join (select feed_id, region_id, start_at, sum(mw) as mw from fuel_mix where mw > 0 group by 1, 2, 3) m
        using (feed_id, region_id, start_at)
), told as (
    select s.feed_id, s.region_id, s.factor_set_id, s.measure, g.grain, z.zone,
           date_trunc(g.grain, s.start_at, z.zone) as period_start,
           date_trunc(g.grain, s.start_at, z.zone) + case g.grain when 'hour' then interval '1 hour' end as hour_end,
           round(sum(value * secs) / sum(secs) filter (where value is not null), 9) as mean_time,
           round(sum(value * mw * secs) / sum(mw * secs) filter (where value is not null), 9) as mean_weighted,
           min(value) as min_value, max(value) as max_value,
           count(value) as n_present,
           count(value) filter (where quality in ('imputed', 'estimated')) as n_estimated
    from slots s join region r using (region_id)
    cross join (values ('hour'), ('day'), ('week'), ('month')) g(grain)
    cross join lateral (values ('UTC'), (r.zone)) z(zone)
    group by 1, 2, 3, 4, 5, 6, 7
)
select count(*) filter (where (t.mean_time, t.mean_weighted, t.min_value, t.max_value, t.n_present, t.n_estimated)
                              is distinct from
                              (r.mean_time, r.mean_weighted, r.min_value, r.max_value, r.n_present, r.n_estimated)
                           or r.n_expected <> extract(epoch from r.period_end - r.period_start) / 300
                           or r.complete <> (r.n_present = r.n_expected)
                           or r.period_end <> coalesce(t.hour_end,
                               (t.period_start at time zone t.zone + ('1 ' || t.grain)::interval) at time zone t.zone)) as wrong,
       count(t.*) as told, count(r.*) as stored
from told t
full join (select * from rollup where series_kind = 'intensity') r
    on (r.feed_id, r.subject_id, r.factor_set_id, r.measure, r.grain, r.zone, r.period_start)
     = (t.feed_id, t.region_id, t.factor_set_id, t.measure, t.grain, t.zone, t.period_start)";

/// All rollups of intensities are right, and none is missing; tells how many there are.
async fn assert_intensities(pool: &PgPool) -> i64 {
    let (wrong, told, stored): (i64, i64, i64) =
        sqlx::query_as(INTENSITY).fetch_one(pool).await.unwrap();
    assert_eq!((wrong, told), (0, stored));
    assert!(stored > 0);
    stored
}

/// Random slots of some days: unknown, imputed and suspect ones among them.
fn random_slots(random: &mut Random, from: &str, days: i64, n: usize) -> Vec<Intensity> {
    let number = |random: &mut Random, most: i64| {
        (random.below(4) > 0).then(|| Decimal::new(random.below(most), 4))
    };
    let slot = |_| Intensity {
        factor_set: "EGRID_u2019".into(),
        start: at(from) + TimeDelta::minutes(5 * random.below(days * 288)),
        secs: 300,
        generated: number(random, 9_000_000),
        consumed: number(random, 9_000_000),
        // Some of them cannot be.
        marginal: number(random, 120_000_000),
        unit: IntensityUnit::LbPerMwh,
        quality: if random.below(5) == 0 { Quality::Imputed } else { Quality::Measured },
        src_key: None,
        src_updated_at: None,
        raw: None,
    };
    (0..n).map(slot).collect()
}

#[tokio::test]
async fn every_rollup_is_what_its_rows_come_to_over_both_clock_changes() {
    let server = TestServer::start().await;
    let pool = &server.owner;
    let mut loader = Loader::of_region(&server, &CarbonaraIntensity, "CAISO", "US-CA-CAISO").await;
    let mut random = Random(20_240_310);
    for (from, task_kind) in [
        ("2024-03-08T00:00:00Z", TaskKind::Backfill),
        ("2024-10-31T12:00:00Z", TaskKind::Backfill),
        ("2024-12-29T00:00:00Z", TaskKind::Sweep),
    ] {
        loader.task_kind = task_kind;
        loader.put(Records::Intensity(random_slots(&mut random, from, 5, 900))).await;
    }
    // Few periods are computed at once: here among many that wait.
    loader.task_kind = TaskKind::Live;
    loader.put(Records::Intensity(random_slots(&mut random, "2024-11-03T06:00:00Z", 1, 3))).await;
    assert!(count(pool, "rollup").await > 0);
    drain(&server.app).await.unwrap();
    let stored = assert_intensities(pool).await;
    // Computed within the load, they are the same.
    for _ in 0..8 {
        loader
            .put(Records::Intensity(random_slots(&mut random, "2024-03-10T05:00:00Z", 1, 4)))
            .await;
    }
    assert_eq!(count(pool, "rollup_dirty").await, 0);
    assert!(assert_intensities(pool).await >= stored);
    let revs = "select min(rev), max(rev) from rollup where grain = 'month'";
    assert!(!one(pool, revs).await.ends_with(",1)"));
}

#[tokio::test]
async fn what_is_generated_weighs_intensities_and_has_means_of_its_own() {
    let server = TestServer::start().await;
    let pool = &server.owner;
    let loader = Loader::of_region(&server, &CarbonaraIntensity, "CAISO", "US-CA-CAISO").await;
    sqlx::query(
        "insert into feed_run (feed_id, scope, task_kind, requested_at, state)
         values ('carbonara.intensity', 'CAISO', 'live', now(), 'done')",
    )
    .execute(pool)
    .await
    .unwrap();
    let mut random = Random(3);
    let rows = random_slots(&mut random, "2024-03-09T00:00:00Z", 2, 300);
    loader.put(Records::Intensity(rows.clone())).await;
    for (fuel, scale) in [("Wind", "1"), ("Gas", "10"), ("Storage", "-1")] {
        sqlx::query(
            "insert into fuel_mix (feed_id, region_id, start_at, fuel, secs, mw, n_samples, content_hash, first_seen,
                                   changed_at, fetch_id)
             select feed_id, region_id, start_at, $1, secs, $2::numeric * (extract(minute from start_at) + 1), 1, '',
                    changed_at, changed_at, fetch_id
             from carbon_intensity where extract(hour from start_at) < 20",
        )
        .bind(fuel)
        .bind(scale)
        .execute(pool)
        .await
        .unwrap();
    }
    // As the load of a mix marks them.
    sqlx::query(
        "insert into rollup_dirty (series_kind, feed_id, subject_id, factor_set_id, grain, zone, period_start)
         select distinct kind, feed_id, region_id, case kind when 'mix' then '-' else 'EGRID_u2019' end, 'day', 'UTC',
                date_trunc('day', start_at, 'UTC')
         from carbon_intensity, unnest(array['mix', 'intensity']) kind",
    )
    .execute(pool)
    .await
    .unwrap();
    drain(&server.app).await.unwrap();
    assert_intensities(pool).await;
    assert!(
        count(pool, "rollup where mean_weighted <> mean_time and weight_kind = 'generation'").await
            > 0
    );
    let wrong = "select count(*) from (
             select date_trunc('day', start_at, 'America/Los_Angeles') as day, fuel || ':mw' as measure,
                    round(sum(mw * secs) / sum(secs), 9) as mean, round(sum(mw * secs) / 3600, 9) as mwh
             from fuel_mix group by 1, 2) t
         full join (select * from rollup where series_kind = 'mix' and grain = 'day'
                    and zone = 'America/Los_Angeles') r on r.period_start = t.day and r.measure = t.measure
         where (t.mean, t.mwh) is distinct from (r.mean_time, r.sum_value)";
    assert_eq!(one(pool, wrong).await, "(0)");
}

#[tokio::test]
async fn shares_and_usage_come_to_means_and_sums_by_local_days() {
    let server = TestServer::start().await;
    let pool = &server.owner;
    let (usage, _) = metered(&server).await;
    let mix = Loader::of_region(&server, &GbMix, "GB", "GB").await;
    let mut random = Random(11);
    for from in ["2024-03-29T00:00:00Z", "2024-10-25T00:00:00Z"] {
        let slot = |random: &mut Random| at(from) + TimeDelta::minutes(30 * random.below(192));
        let shares = (0..200).map(|i| FuelShare {
            start: slot(&mut random),
            secs: 1800,
            fuel: if i % 2 == 0 { "wind".into() } else { "gas".into() },
            percent: (random.below(5) > 0).then(|| Decimal::new(random.below(1000), 1)),
        });
        mix.put(Records::Mix(shares.collect())).await;
        let slots = (0..150).map(|_| Usage {
            start: slot(&mut random),
            secs: 1800,
            quantity: (random.below(9) > 0).then(|| Decimal::new(random.below(4000), 3)),
        });
        usage.put(Records::Usage(slots.collect())).await;
    }
    drain(&server.app).await.unwrap();
    let wrong = "with told as (
             select 'usage' as kind, 'kwh' as measure, start_at, secs, quantity as value, quantity as part from meter_usage
             union all select 'mix', fuel || ':percent', start_at, secs, percent, null from fuel_mix
         ), summed as (
             select kind, measure, grain, zone, date_trunc(grain, start_at, zone) as period_start,
                    round(sum(value * secs) / sum(secs) filter (where value is not null), 9) as mean,
                    sum(part) as sum, count(value) as n
             from told, unnest(array['hour', 'day', 'week', 'month']) grain, unnest(array['UTC', 'Europe/London']) zone
             group by 1, 2, 3, 4, 5
         )
         select count(*) filter (where (t.mean, t.sum, t.n) is distinct from (r.mean_time, r.sum_value, r.n_present)),
                count(*) > 800
         from summed t full join rollup r
           on (t.kind, t.measure, t.grain, t.zone, t.period_start)
            = (r.series_kind, r.measure, r.grain, r.zone, r.period_start)";
    assert_eq!(one(pool, wrong).await, "(0,t)");
    let hours = "select array_agg(distinct n_expected order by n_expected) from rollup
                 where grain = 'day' and zone = 'Europe/London'";
    assert_eq!(one(pool, hours).await, "(\"{46,48,50}\")");
}

#[tokio::test]
async fn nothing_that_is_loaded_while_the_worker_computes_is_lost() {
    let server = TestServer::start().await;
    let pool = &server.owner;
    let loaders: Vec<Loader> = {
        let mut loaders = Vec::new();
        for (code, region) in [("CAISO", "US-CA-CAISO"), ("PJM", "US-MIDA-PJM")] {
            for task_kind in [TaskKind::Backfill, TaskKind::Live] {
                let mut loader =
                    Loader::of_region(&server, &CarbonaraIntensity, code, region).await;
                loader.task_kind = task_kind;
                loaders.push(loader);
            }
        }
        loaders
    };
    let loads = loaders.iter().enumerate().map(async |(seed, loader)| {
        let mut random = Random(u64::try_from(seed).unwrap());
        for round in 0..25 {
            let (days, n) = if loader.task_kind == TaskKind::Live { (2, 5) } else { (40, 60) };
            let from = if round % 2 == 0 { "2024-03-08T00:00:00Z" } else { "2024-02-20T00:00:00Z" };
            loader.put(Records::Intensity(random_slots(&mut random, from, days, n))).await;
        }
    });
    let done = std::sync::atomic::AtomicBool::new(false);
    let workers = (0..2).map(async |_| {
        while !done.load(std::sync::atomic::Ordering::Relaxed) {
            drain(&server.app).await.unwrap();
        }
    });
    let loading = async {
        futures::future::join_all(loads).await;
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    futures::join!(loading, futures::future::join_all(workers));
    drain(&server.app).await.unwrap();
    assert_eq!(count(pool, "rollup_dirty").await, 0);
    assert_intensities(pool).await;
}

#[tokio::test]
async fn a_full_period_is_complete_once_it_has_ended() {
    let server = TestServer::start().await;
    server.clock.set("2024-05-01T09:55:00Z");
    let pool = &server.owner;
    let loader = Loader::of_region(&server, &CarbonaraIntensity, "CAISO", "US-CA-CAISO").await;
    let mut random = Random(1);
    let template = random_slots(&mut random, "2024-05-01T09:00:00Z", 1, 1).remove(0);
    let slot = |i: i64| Intensity {
        start: at("2024-05-01T09:00:00Z") + TimeDelta::minutes(5 * i),
        generated: Some(Decimal::from(100 + i)),
        ..template.clone()
    };
    loader.put(Records::Intensity((0..12).map(slot).collect())).await;
    let hour = "select n_present, complete from rollup where grain = 'hour' and zone = 'UTC' and measure = 'generated'";
    assert_eq!(one(pool, hour).await, "(12,f)");
    assert_eq!(drain(&server.app).await.unwrap(), 0, "it has not ended");
    server.clock.set("2024-05-01T10:00:00Z");
    drain(&server.app).await.unwrap();
    assert_eq!(one(pool, hour).await, "(12,t)");
    assert_eq!(count(pool, "rollup_dirty").await, 0);
}

#[tokio::test]
async fn usage_has_the_mean_of_the_intensities_it_was_used_at() {
    let server = TestServer::start().await;
    let pool = &server.owner;
    let (usage, _) = metered(&server).await;
    let carbon = Loader::of_region(&server, &GbIntensity, "GB", "GB").await;
    usage.load(&wire("octopus_consumption.json")).await;
    let day = "select round(mean_weighted, 4), weight_kind, trim_scale(sum_value) from rollup
               where series_kind = 'usage' and grain = 'day' and zone = 'Europe/London'";
    assert_eq!(one(pool, day).await, "(,,21.697)");
    // The usage is there first: its mean follows the intensities.
    carbon.load(&wire("uk_intensity_date.json")).await;
    assert_eq!(one(pool, day).await, "(172.4618,usage,21.697)");
    carbon.load(&wire("uk_intensity_restated.json")).await;
    let grams = "select round(sum(u.quantity * c.generated) / sum(u.quantity), 4), 'usage', trim_scale(sum(u.quantity))
                 from meter_usage u join carbon_intensity c using (start_at)";
    assert_ne!(one(pool, grams).await, "(172.4618,usage,21.697)");
    assert_eq!(one(pool, day).await, one(pool, grams).await);
}

/// Loads a year of one region by pages of 1000 rows and prints how long its parts take.
#[tokio::test]
#[ignore = "prints figures"]
async fn a_year_of_a_region() {
    let server = TestServer::start().await;
    let mut loader = Loader::of_region(&server, &CarbonaraIntensity, "CAISO", "US-CA-CAISO").await;
    loader.task_kind = TaskKind::Backfill;
    let mut random = Random(1);
    let template = random_slots(&mut random, "2021-01-01T00:00:00Z", 1, 1).remove(0);
    let raw = serde_json::value::RawValue::from_string(
        r#"{"meta":{"generated_emissions_source":"EGRID_u2019","raw_start_date":"2021-07-07T23:00:00+00:00"}}"#.to_owned(),
    )
    .unwrap();
    let slot = |i: i64| Intensity {
        start: at("2021-01-01T00:00:00Z") + TimeDelta::minutes(5 * i),
        generated: Some(Decimal::new(5_000_000 + i * 7 % 100_000, 4)),
        src_key: Some(format!("CAISO:carbon_intensity:EGRID_u2019:{i}")),
        src_updated_at: Some(at("2022-01-01T00:00:00Z")),
        raw: Some(raw.clone()),
        ..template.clone()
    };
    let pages = 105;
    let clock = std::time::Instant::now();
    for page in 0..pages {
        loader.put(Records::Intensity((page * 1000..(page + 1) * 1000).map(slot).collect())).await;
    }
    println!(
        "{pages} pages of 1000 new rows: {:?} a page",
        clock.elapsed() / u32::try_from(pages).unwrap()
    );
    let clock = std::time::Instant::now();
    let days = drain(&server.app).await.unwrap();
    println!("rollups of {days} days: {:?}", clock.elapsed());
    let clock = std::time::Instant::now();
    for page in 0..10 {
        loader.put(Records::Intensity((page * 1000..(page + 1) * 1000).map(slot).collect())).await;
    }
    println!("a page of 1000 rows that are there: {:?}", clock.elapsed() / 10);
    let newest: DateTime<Utc> = slot(pages * 1000 - 1).start;
    println!("to {newest}");
}
