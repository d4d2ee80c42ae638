//! Versions far beyond the usual: more columns than a sheet has, and decades of hours.

use reqwest::{Method, StatusCode};
use sqlx::PgPool;
use trueprice::{
    auth::Role,
    domain::{Dataset, Family, Iso},
};

use crate::{
    downloads_stored::{Stored, at, small, store},
    support::{Caller, TestServer},
};

/// Copies of the only series of `version`, each in a zone of its own, with values that tell their
/// place, as `value` says for zone `n`.
async fn widen(pool: &PgPool, version: i64, zones: i32, value: &'static str) {
    sqlx::query(
        "insert into series (dataset_id, digest, control_area, state, load_zone, capacity_zone, utility,
                             block_type, cost_group, cost_component, sub_component, unit)
         select s.dataset_id, sha256(n::text::bytea), control_area, state, 'Z' || lpad(n::text, 5, '0'),
                capacity_zone, utility, block_type, cost_group, cost_component, sub_component, unit
         from series s, generate_series(1, $2) as n
         where s.id = (select min(series_id) from curve where version_id = $1)
         on conflict do nothing",
    )
    .bind(version)
    .bind(zones)
    .execute(pool)
    .await
    .unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "insert into curve
         select v.dataset_id, v.id, s.id, v.axis_length, 1 + n, null, {value}, null
         from curve_version v
         join series s on s.dataset_id = v.dataset_id and s.load_zone like 'Z_____'
         cross join lateral (select substr(s.load_zone, 2)::int) as z (n)
         where v.id = $1 and n <= $2"
    )))
    .bind(version)
    .bind(zones)
    .execute(pool)
    .await
    .unwrap();
}

async fn text(caller: &Caller, path: &str) -> String {
    let answer = caller.get(path).await;
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    text
}

#[tokio::test]
async fn more_columns_than_a_sheet_has_are_a_file_all_the_same() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadOnly).await;
    let version = store(&server.app.pool, &small(at(3, 4, 9, 30), at(3, 4, 9, 31), false)).await;
    widen(&server.app.pool, version, 16_381, "array[n + 0.5]").await;
    let data = "/api/v1/data?curve=energy&iso=ercot&mode=unstandardized";
    let csv = text(&caller, data).await;
    let mut lines = csv.lines();
    let zones: Vec<&str> = lines.by_ref().nth(2).unwrap().split(',').collect();
    let prices: Vec<&str> = lines.last().unwrap().split(',').collect();
    assert_eq!((zones.len(), prices.len()), (16_385, 16_385));
    // NORTH ZONE comes before Z00001.
    assert_eq!((zones[3], prices[3]), ("NORTH ZONE", "41.27000"));
    assert_eq!((zones[16_384], prices[16_384]), ("Z16381", "16381.50000"));
    assert_eq!(text(&caller, &format!("{data}&layout=long")).await.lines().count(), 1 + 16_382);
    for method in [Method::GET, Method::HEAD] {
        let path = format!("{data}&format=xlsx");
        let wide = caller.request(method, &path).send().await.unwrap();
        assert_eq!(wide.status(), StatusCode::BAD_REQUEST);
    }
    let refused = caller.ask(&format!("{data}&format=xlsx")).await;
    assert_eq!(refused.code(), "too_large_for_xlsx");
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("format=csv or layout=long"), "{detail}");
    let long = caller.request(Method::HEAD, &format!("{data}&format=xlsx&layout=long"));
    assert_eq!(long.send().await.unwrap().status(), StatusCode::OK);
    // A column less, and the sheet is full.
    let version = store(&server.app.pool, &small(at(3, 5, 9, 30), at(3, 5, 9, 31), false)).await;
    widen(&server.app.pool, version, 16_380, "array[n + 0.5]").await;
    let book = caller.get(&format!("{data}&format=xlsx")).await.bytes().await.unwrap();
    let mut book: calamine::Xlsx<_> = calamine::Reader::new(std::io::Cursor::new(book)).unwrap();
    let sheet = calamine::Reader::worksheet_range_at(&mut book, 0).unwrap().unwrap();
    assert_eq!(sheet.get((10, 16_383)), Some(&calamine::Data::Float(16_380.5)));
}

/// The same version with hours from 2000 on in place of its month.
async fn with_hours(pool: &PgPool, month: i64, hours: i32) -> i64 {
    sqlx::query_scalar(
        "insert into curve_version
             (dataset_id, curve_timestamp, curve_timestamp_local, curve_timezone, operating_day, cob,
              known_at, sha256, upload_id, axis_length, dates, hours, series_count, points,
              first_month, last_month, stats, findings)
         select dataset_id, curve_timestamp + interval '1 day',
                curve_timestamp_local + interval '1 day', curve_timezone, operating_day + 1, cob,
                known_at + interval '1 day', sha256, upload_id, $2,
                (select array_agg(date '2000-01-01' + n / 24 order by n)
                 from generate_series(0, $2 - 1) n),
                (select array_agg((1 + n % 24)::smallint order by n)
                 from generate_series(0, $2 - 1) n),
                1, $2, '2000-01-01', '2022-10-01', stats, findings
         from curve_version where id = $1
         returning id",
    )
    .bind(month)
    .bind(hours)
    .fetch_one(pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn decades_of_hours_are_read_and_cut_to_the_row() {
    let server = TestServer::start().await;
    let pool = &server.app.pool;
    let caller = server.caller(Role::ReadOnly).await;
    let dataset = Dataset::new(Family::Shaping, Iso::Pjm).unwrap();
    let month =
        store(pool, &Stored { dataset, ..small(at(3, 4, 9, 30), at(3, 4, 9, 31), false) }).await;
    let version = with_hours(pool, month, 200_000).await;
    sqlx::query(
        "insert into curve
         select c.dataset_id, $2, c.series_id, 200000, 1, null,
                (select array_agg(n + 0.25 order by n) from generate_series(0, 199999) n), null
         from curve c where version_id = $1",
    )
    .bind(month)
    .bind(version)
    .execute(pool)
    .await
    .unwrap();
    let data = "/api/v1/data?curve=shaping&iso=pjm";
    let csv = text(&caller, data).await;
    assert_eq!(csv.lines().count(), 9 + 200_000);
    let last = "2020-03-05 09:30:00+00:00,2022-10-25 00:00:00+00:00,8,199999.25";
    assert_eq!(csv.lines().last(), Some(last));
    let long = text(&caller, &format!("{data}&format=ndjson&start=2022-10")).await;
    assert_eq!(long.lines().count(), 24 * 24 + 8);
    let february = text(&caller, &format!("{data}&start=2004-02&end=2004-02")).await;
    let lines: Vec<&str> = february.lines().skip(9).collect();
    assert_eq!(lines.len(), 24 * 29);
    // 1461 + 31 days from the first of 2000.
    assert!(lines[0].ends_with(",2004-02-01 00:00:00+00:00,1,35808.25"), "{}", lines[0]);
    let report = caller.ask("/api/v1/data/report?curve=shaping&iso=pjm&start=2004-02&end=2004-02");
    assert_eq!(report.await.body["entries"][0]["rows"], 24 * 29);
    // Six series of so many hours are more than a sheet has rows.
    widen(pool, version, 5, "array_fill(null::numeric, array[v.axis_length])").await;
    let sheet = caller.ask(&format!("{data}&format=xlsx&layout=long")).await;
    assert_eq!(sheet.outcome(), (400, "too_large_for_xlsx"));
    let detail = sheet.body["detail"].as_str().unwrap();
    assert!(detail.contains("needs 1200001 rows"), "{detail}");
}
