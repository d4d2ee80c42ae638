//! Carbon intensity as files: the long layout in CSV and in workbooks.

use std::time::Instant;

use calamine::{Data, Reader as _};
use reqwest::Method;
use trueprice::{
    auth::Role,
    db::feeds::{reads, regions, snapshot::FeedSnapshot},
    domain::feed::Window,
};

use crate::support::{
    Caller, TestServer,
    feeds::{KNOWN, caiso, gb, gb_forecast, load_gb},
};

const RANGE: &str = "start=2025-01-15T00:00:00Z&end=2025-01-16T00:00:00Z";
const HEADER: &str =
    "region,feed,factor_set,metric,start_utc,start_local,seconds,value,unit,quality,rev,known_at";

async fn served() -> (TestServer, Caller) {
    let server = TestServer::start().await;
    load_gb(&server.app.pool, include_str!("wire/uk_intensity_date.json")).await;
    let caller = server.caller(Role::ReadOnly).await;
    (server, caller)
}

async fn text(caller: &Caller, path: &str) -> String {
    let answer = caller.get(&format!("/api/v1/{path}&format=csv")).await;
    assert_eq!(answer.status(), 200, "{path}");
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8");
    answer.text().await.unwrap()
}

#[tokio::test]
async fn the_csv_is_right_to_the_byte() {
    let (server, caller) = served().await;
    let csv = text(&caller, &format!("carbon-intensity?region=GB&{RANGE}")).await;
    let (records, trailer) = csv.split_once("\r\n").unwrap();
    assert_eq!(trailer, "\"Data by neso\"\r\n");
    let lines: Vec<&str> = records.lines().collect();
    assert_eq!(lines[0], HEADER);
    assert_eq!(
        lines[1],
        "GB,gb.intensity,NESO,generated,2025-01-15T00:00:00Z,2025-01-15T00:00:00+00:00,1800,150,g/kWh,measured,1,2025-01-16T06:00:00Z"
    );
    assert_eq!(
        lines.len(),
        49,
        "the metrics that are not known have no records unless they are asked for"
    );
    let slots = [[Some("520.5"), None, Some("-0.5")], [None, Some("3"), None]];
    caiso(&server.app.pool)
        .slots("2025-07-15T00:00:00Z", &slots, "2025-07-15T01:00:00.120031Z")
        .await;
    let range = "start=2025-07-15T00:00:00Z&end=2025-07-16T00:00:00Z&unit=lb/MWh";
    let csv = text(&caller, &format!("carbon-intensity?region=CAISO&{range}")).await;
    let of = |metric: &str, minute: &str, value: &str| {
        format!(
            "US-CA-CAISO,carbonara.intensity,EGRID_u2019,{metric},2025-07-15T00:{minute}:00Z,2025-07-14T17:{minute}:00-07:00,\
             300,{value},lb/MWh,measured,1,2025-07-15T01:00:00.120031Z"
        )
    };
    let lines: Vec<&str> = csv.split("\r\n").next().unwrap().lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            of("generated", "00", "520.5"),
            of("marginal", "00", "-0.5"),
            of("generated", "05", ""),
            of("consumed", "05", "3")
        ]
    );
    // Two regions in two zones: the local stamps of each are its own.
    caiso(&server.app.pool).generated("2025-01-15T00:00:00Z", &["1"]).await;
    let both =
        "start=2025-01-15T00:00:00Z&end=2025-01-15T00:05:00Z&metric=generated&metric=consumed";
    let csv = text(&caller, &format!("carbon-intensity?region=CAISO&region=GB&{both}")).await;
    let local: Vec<&str> =
        csv.lines().skip(1).take(4).map(|line| line.split(',').nth(5).unwrap()).collect();
    assert_eq!(local[..2], ["2025-01-15T00:00:00+00:00"; 2]);
    assert_eq!(local[2..], ["2025-01-14T16:00:00-08:00"; 2]);
}

#[tokio::test]
async fn spans_forecasts_and_mixes_have_files_too() {
    let (server, caller) = served().await;
    let fed = gb(&server.app.pool);
    fed.dirty("2025-01-15T00:00:00Z").await;
    let day = text(
        &caller,
        &format!("carbon-intensity?region=GB&{RANGE}&granularity=day&metric=generated"),
    )
    .await;
    let lines: Vec<&str> = day.lines().collect();
    assert_eq!(lines[0], format!("{HEADER},mean_weighted,n_expected,n_present,complete"));
    assert_eq!(
        lines[1],
        "GB,gb.intensity,NESO,generated,2025-01-15T00:00:00Z,2025-01-15T00:00:00+00:00,86400,150.0625,g/kWh,measured,1,\
         2025-01-16T06:00:00Z,,48,48,True"
    );
    gb_forecast(&server.app.pool)
        .issue("2025-01-15T12:00:00Z", "2025-01-15T12:00:00Z", &["110.5"])
        .await;
    let forecast = text(&caller, "carbon-intensity/forecast?region=GB").await;
    assert!(forecast.starts_with(&format!("{HEADER},issued_at\n")), "{forecast}");
    assert!(
        forecast.contains(",110.5,g/kWh,,1,2025-01-15T12:00:00Z,2025-01-15T12:00:00Z\n"),
        "{forecast}"
    );
    fed.mix(
        "2025-01-15T00:00:00Z",
        &[("gas", Some("9000.5"), None), ("wind", None, Some("32.43"))],
    )
    .await;
    let mix = text(&caller, &format!("fuel-mix?region=GB&{RANGE}")).await;
    let lines: Vec<&str> = mix.lines().collect();
    assert!(
        lines[1].starts_with("GB,gb.intensity,,gas,") && lines[1].contains(",9000.5,MW,,1,"),
        "{mix}"
    );
    assert!(
        lines[2].starts_with("GB,gb.intensity,,wind,") && lines[2].contains(",32.43,percent,,1,"),
        "{mix}"
    );
}

#[tokio::test]
async fn a_workbook_has_typed_cells() {
    let (_server, caller) = served().await;
    let path = format!("/api/v1/carbon-intensity?region=GB&{RANGE}&format=xlsx");
    let answer = caller.get(&path).await;
    let name = "attachment; filename=\"intensity_gb_native_2025-01-15_2025-01-16.xlsx\"";
    assert_eq!(answer.headers()["content-disposition"], name);
    let bytes = answer.bytes().await.unwrap();
    let again = caller.get(&path).await.bytes().await.unwrap();
    assert_eq!(bytes, again, "the same rows have the same bytes");
    let mut book: calamine::Xlsx<_> = calamine::Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    assert_eq!(sheet.get((0, 4)), Some(&Data::String("start_utc".to_owned())));
    assert!(matches!(sheet.get((2, 4)), Some(Data::DateTime(_))), "{:?}", sheet.get((2, 4)));
    assert!(matches!(sheet.get((2, 5)), Some(Data::DateTime(_))));
    assert_eq!(sheet.get((2, 7)), Some(&Data::Float(159.0)));
    assert_eq!(sheet.get((2, 11)), Some(&Data::String(KNOWN.to_owned())));
    let last = sheet.height() - 1;
    assert_eq!(sheet.get((last, 0)), Some(&Data::String("Data by neso".to_owned())));
    assert_eq!(last, 50, "an empty row before the attribution");
}

#[tokio::test]
async fn downloads_are_written_down_and_heads_send_nothing() {
    let (server, caller) = served().await;
    let path = format!("/api/v1/carbon-intensity?region=GB&{RANGE}&format=csv");
    let whole = caller.get(&path).await.text().await.unwrap();
    let head = caller.request(Method::HEAD, &path).send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert!(
        head.headers().contains_key("x-known-at") && !head.headers().contains_key("content-length")
    );
    server.app.endings.close();
    server.app.endings.wait().await;
    let acts: Vec<(String, Option<String>, serde_json::Value)> = sqlx::query_as(
        "select action, object_id, detail from audit_event where action like 'download%' order by id",
    )
    .fetch_all(&server.owner)
    .await
    .unwrap();
    let begun = &acts[0];
    assert_eq!(begun.1.as_deref(), Some("carbon-intensity/GB"));
    assert_eq!(begun.2["parameters"]["region"], serde_json::json!(["GB"]));
    assert_eq!(begun.2["route"], "/api/v1/carbon-intensity");
    let ended = acts.iter().find(|act| act.2["end"] == "complete").unwrap();
    assert_eq!((&ended.2["rows"], &ended.2["bytes"]), (&48.into(), &whole.len().into()));
}

#[tokio::test]
async fn a_sheet_that_would_be_too_long_is_refused_before_its_first_byte() {
    let (server, caller) = served().await;
    years(&server, 4).await;
    let range = "start=2020-01-01T00:00:00Z&end=2025-01-01T00:00:00Z";
    let path = format!("/api/v1/carbon-intensity?region=CAISO&{range}&format=xlsx");
    let all = format!("{path}&metric=generated&metric=consumed&metric=marginal");
    assert_eq!(caller.ask(&all).await.outcome(), (400, "too_large_for_xlsx"));
    // Consumption is known of every third slot, and where it is not it has no record unless it is asked for.
    for fits in [&path, &format!("{path}&metric=generated&metric=marginal")] {
        let head = caller.request(Method::HEAD, fits).send().await.unwrap();
        assert_eq!(head.status(), 200, "{fits}");
    }
    let csv =
        text(&caller, &format!("carbon-intensity?region=CAISO&{range}&metric=generated")).await;
    assert_eq!(csv.lines().filter(|line| line.contains(",generated,")).count(), 420_768);
}

#[tokio::test]
async fn a_sheet_of_spans_is_as_long_as_its_spans() {
    let (server, caller) = served().await;
    years(&server, 4).await;
    let path = |range: &str, grain: &str| {
        format!("/api/v1/carbon-intensity?region=CAISO&{range}&granularity={grain}&format=xlsx")
    };
    // More slots than a sheet has rows, in few days.
    let days = path("start=2020-01-01T00:00:00Z&end=2025-01-01T00:00:00Z", "day");
    assert_eq!(caller.get(&days).await.status(), 200);
    // More hours than a sheet has rows are asked for, and few are there.
    let hours = path("start=1900-01-01T00:00:00Z&end=2030-01-01T00:00:00Z", "hour");
    let head = async || caller.request(Method::HEAD, &hours).send().await.unwrap().status();
    assert_eq!(head().await, 200);
    caiso(&server.app.pool).generated("1970-01-01T00:00:00Z", &["1"]).await;
    assert_eq!(head().await, 400);
    assert_eq!(caller.ask(&hours).await.outcome(), (400, "too_large_for_xlsx"));
}

/// What is counted before a sheet is begun is what a file has.
#[tokio::test]
async fn a_fuel_counts_once_for_each_figure_and_once_for_none() {
    let (server, caller) = served().await;
    let fuels = [
        ("gas", Some("9000.5"), Some("40")),
        ("wind", None, Some("32.43")),
        ("oil", Some("1"), None),
        ("coal", None, None),
    ];
    gb(&server.app.pool).mix("2025-01-15T00:00:00Z", &fuels).await;
    let csv = text(&caller, &format!("fuel-mix?region=GB&{RANGE}")).await;
    let records = csv.split("\r\n").next().unwrap().lines().count() - 1;
    let pool = &server.app.pool;
    let series = regions::mixes(pool, &["GB".to_owned()], None).await.unwrap().remove(0);
    let window = Window::new(
        "2025-01-15T00:00:00Z".parse().unwrap(),
        "2025-01-16T00:00:00Z".parse().unwrap(),
    );
    let mut snapshot = FeedSnapshot::begin(pool, &series.scopes, None).await.unwrap();
    let counted = reads::mix_count(&mut snapshot, &series, window.unwrap()).await.unwrap();
    assert_eq!((counted, records), (5, 5));
}

/// California by five minutes from 2020 on, consumption in every third of them.
async fn years(server: &TestServer, years: i32) {
    let fed = caiso(&server.app.pool);
    let fetch = fed.fetch().await;
    sqlx::query(
        "insert into carbon_intensity (feed_id, region_id, factor_set_id, start_at, secs, generated, consumed, marginal,
             raw_generated, raw_consumed, raw_marginal, raw_unit, quality, content_hash, first_seen, changed_at, fetch_id)
         select 'carbonara.intensity', 'US-CA-CAISO', 'EGRID_u2019', at, 300, g * 0.45359237, c * 0.45359237, m * 0.45359237,
                g, c, m, 'lb/MWh', 'measured', 'hash', '2025-01-01Z'::timestamptz + place / 1000 * interval '1.000001 s',
                '2025-01-01Z'::timestamptz + place / 1000 * interval '1.000001 s', $1
         from generate_series('2020-01-01Z'::timestamptz, '2020-01-01Z'::timestamptz + make_interval(years => $2)
                              - interval '5 minutes', '5 minutes') with ordinality as t (at, place)
         cross join lateral (select 500 + place % 97 * 0.7 as g, case when place % 3 = 0 then 500.5 end as c,
                                    800 + place % 89 * 0.3 as m) v",
    )
    .bind(fetch)
    .bind(years)
    .execute(&server.app.pool)
    .await
    .unwrap();
    sqlx::query("analyze carbon_intensity").execute(&server.owner).await.unwrap();
}

/// `cargo test --release --test it a_year -- --ignored --nocapture` says how long a year takes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, not a test"]
async fn a_year_of_five_minutes() {
    let (server, caller) = served().await;
    years(&server, 3).await;
    let range = "start=2021-01-01T00:00:00Z&end=2022-01-01T00:00:00Z&format=csv";
    for (what, more) in [
        ("one metric", "&metric=generated&unit=lb/MWh"),
        ("in grams", "&metric=generated"),
        ("three metrics", ""),
    ] {
        for _ in 0..5 {
            let began = Instant::now();
            let answer =
                caller.get(&format!("/api/v1/carbon-intensity?region=CAISO&{range}{more}")).await;
            let first = began.elapsed();
            let bytes = answer.bytes().await.unwrap().len();
            println!(
                "{what}: {bytes} bytes, head after {first:?}, all after {:?}",
                began.elapsed()
            );
        }
    }
}

#[tokio::test]
async fn a_file_waits_for_its_turn_before_it_is_looked_for() {
    let server =
        TestServer::start_with(|config| config.downloads.concurrent_per_user = 0, None).await;
    load_gb(&server.app.pool, include_str!("wire/uk_intensity_date.json")).await;
    let caller = server.caller(Role::ReadOnly).await;
    let path = |format: &str| {
        let range = "start=1900-01-01T00:00:00Z&end=2030-01-01T00:00:00Z";
        format!("/api/v1/carbon-intensity?region=GB&{range}&granularity=hour&format={format}")
    };
    // That a sheet has no room for it is known from the view.
    assert_eq!(caller.ask(&path("xlsx")).await.outcome(), (429, "too_many_downloads"));
    let head = caller.request(Method::HEAD, &path("csv")).send().await.unwrap();
    assert_eq!(head.status(), 200, "no bytes, no turn");
    assert_eq!(caller.ask(&path("json")).await.status, 200);
}
