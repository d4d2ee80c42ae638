//! Hours, days, weeks and months: kept sums and the rows themselves, page after page.

use reqwest::header::ETAG;
use serde_json::{Value, json};
use trueprice::auth::Role;

use crate::support::{
    Caller, TestServer,
    feeds::{Fed, KNOWN, caiso, gb},
};

const DAYS: &str = "carbon-intensity?region=GB&start=2025-01-13T00:00:00Z&end=2025-01-16T00:00:00Z&granularity=day&limit=1";

/// Three days of Britain at 100, whose kept sums say 111, 112 and 113: which of them an answer is from shows.
async fn summed() -> (TestServer, Caller) {
    let server = TestServer::start().await;
    for (day, mean) in [("13", "111"), ("14", "112"), ("15", "113")] {
        let start = format!("2025-01-{day}T00:00:00Z");
        gb(&server.app.pool).generated(&start, &["100"; 48]).await;
        keep(&server, "day", (&start, "1 day"), mean).await;
    }
    let caller = server.caller(Role::ReadOnly).await;
    (server, caller)
}

async fn keep(server: &TestServer, grain: &str, (start, length): (&str, &str), mean: &str) {
    sqlx::query(
        "insert into rollup (series_kind, feed_id, subject_id, factor_set_id, measure, grain, zone, period_start,
             period_end, mean_time, n_expected, n_present, n_estimated, complete, computed_at, rev)
         select 'intensity', 'gb.intensity', 'GB', 'NESO', m, $1, 'UTC', $2::text::timestamptz,
                $2::text::timestamptz + $3::text::interval, $4::text::numeric, 48, 48, 0, true,
                $5::text::timestamptz, 7
         from unnest(array['generated', 'consumed', 'marginal']) m",
    )
    .bind(grain)
    .bind(start)
    .bind(length)
    .bind(mean)
    .bind(KNOWN)
    .execute(&server.app.pool)
    .await
    .unwrap();
}

async fn summed_again(server: &TestServer, start: &str, mean: &str) {
    sqlx::query(
        "update rollup set mean_time = $2::text::numeric, rev = rev + 1, computed_at = clock_timestamp()
         where period_start = $1::text::timestamptz",
    )
    .bind(start)
    .bind(mean)
    .execute(&server.app.pool)
    .await
    .unwrap();
}

async fn read(caller: &Caller, path: &str) -> Value {
    let reply = caller.ask(&format!("/api/v1/{path}")).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.body);
    reply.body
}

/// The day of a page, and the page after it.
async fn page(caller: &Caller, path: &str, before: &Value) -> Value {
    let cursor = before["next"].as_str().unwrap();
    read(caller, &format!("{path}&cursor={cursor}")).await
}

fn shown(page: &Value) -> (&Value, &Value) {
    let item = &page["items"][0];
    (&item["generated"], &item["rev"])
}

#[tokio::test]
async fn sums_that_are_kept_count_on_every_page() {
    let (_server, caller) = summed().await;
    let first = read(&caller, DAYS).await;
    let second = page(&caller, DAYS, &first).await;
    let third = page(&caller, DAYS, &second).await;
    for (page, mean) in [(&first, "111"), (&second, "112"), (&third, "113")] {
        assert_eq!(shown(page), (&json!(mean), &json!(7)));
        assert_eq!(page["items"][0]["complete"]["generated"], true);
    }
    assert_eq!(third["next"], Value::Null);
    let reports = DAYS.replace("carbon-intensity?region=GB&", "emissions/region/GB?");
    let first = read(&caller, &reports).await;
    assert_eq!(page(&caller, &reports, &first).await["items"][0]["generated_rate"], "112");
}

#[tokio::test]
async fn what_changes_between_two_pages_belongs_to_the_next_state() {
    let (server, caller) = summed().await;
    let first = read(&caller, DAYS).await;
    // Summed up again since: the rows as they were known say what the second day was.
    summed_again(&server, "2025-01-14T00:00:00Z", "500").await;
    let second = page(&caller, DAYS, &first).await;
    assert_eq!(shown(&second), (&json!("100"), &json!(1)));
    // Restated since, back to what its sums say: the rows tell, and not the new ones.
    gb(&server.app.pool).revise("2025-01-15T12:00:00Z", "999", "2999-01-01T00:00:00Z").await;
    assert_eq!(shown(&page(&caller, DAYS, &second).await), (&json!("100"), &json!(1)));
    // A cut-off that was asked for is answered from rows always, so that it is the same for ever.
    let asked = format!("{DAYS}&as_of=2025-01-31T00:00:00Z");
    let first = read(&caller, &asked).await;
    let second = page(&caller, &asked, &first).await;
    assert_eq!((shown(&first).0, shown(&second).0), (&json!("100"), &json!("100")));
}

#[tokio::test]
async fn only_spans_that_wait_are_summed_up_from_rows() {
    let (server, caller) = summed().await;
    gb(&server.app.pool).dirty("2025-01-14T00:00:00Z").await;
    let all = read(&caller, &DAYS.replace("&limit=1", "")).await;
    let means: Vec<&Value> =
        all["items"].as_array().unwrap().iter().map(|item| &item["generated"]).collect();
    assert_eq!(means, ["111", "100", "113"]);
}

#[tokio::test]
async fn a_file_has_another_tag_when_a_sum_in_it_is_another() {
    let (server, caller) = summed().await;
    keep(&server, "week", ("2025-01-13T00:00:00Z", "7 days"), "110").await;
    // The week begins in the range, and most of it lies beyond.
    let path = "/api/v1/carbon-intensity?region=GB&start=2025-01-13T00:00:00Z&end=2025-01-14T00:00:00Z\
                &granularity=week&format=csv";
    let tag = async || caller.get(path).await.headers()[ETAG].clone();
    let had = tag().await;
    assert_eq!(tag().await, had);
    summed_again(&server, "2025-01-13T00:00:00Z", "109").await;
    let summed = tag().await;
    assert_ne!(summed, had);
    gb(&server.app.pool).dirty("2025-01-15T00:00:00Z").await;
    let waiting = tag().await;
    assert_ne!(waiting, summed);
    gb(&server.app.pool).revise("2025-01-15T12:00:00Z", "999", "2025-02-01T00:00:00Z").await;
    assert_ne!(tag().await, waiting);
}

#[tokio::test]
async fn each_record_of_a_span_tells_how_its_own_metric_came_about() {
    let (server, caller) = summed().await;
    sqlx::query("update rollup set n_estimated = 3 where measure = 'consumed'")
        .execute(&server.app.pool)
        .await
        .unwrap();
    let path = format!("/api/v1/{}&format=csv", DAYS.replace("&limit=1", ""));
    let file = caller.get(&path).await.text().await.unwrap();
    let records: Vec<(&str, &str)> = (file.split("\r\n").next().unwrap().lines().skip(1).take(3))
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|cells| (cells[3], cells[9]))
        .collect();
    let wanted = [("generated", "measured"), ("consumed", "estimated"), ("marginal", "measured")];
    assert_eq!(records, wanted);
    // An item of all metrics is as good as the worst of them.
    let items = read(&caller, DAYS).await["items"].clone();
    assert_eq!(items[0]["quality"], "estimated");
}

#[tokio::test]
async fn whoever_names_no_feed_and_no_set_reads_the_one_series_that_is_shown() {
    let server = TestServer::start().await;
    let pool = &server.app.pool;
    let caller = server.caller(Role::ReadOnly).await;
    let other = Fed { feed: "another.intensity", set: "EGRID_2018", ..caiso(pool) };
    for fed in [&other, &caiso(pool)] {
        fed.generated("2025-01-15T00:00:00Z", &["100"]).await;
    }
    let one = async |change: &'static str| {
        sqlx::raw_sql(change).execute(pool).await.unwrap();
        let chosen: (String, String) = sqlx::query_as(
            "select feed_id, factor_set_id from region_series where region_id = 'US-CA-CAISO'",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        let latest =
            read(&caller, "carbon-intensity/latest?region=CAISO").await["items"][0].clone();
        assert_eq!((&latest["feed"], &latest["factor_set"]), (&json!(chosen.0), &json!(chosen.1)));
        chosen.0
    };
    let none = "update region set default_feed_id = null";
    assert_eq!(one(none).await, "another.intensity");
    let off = "update feed set enabled = false where feed_id = 'another.intensity'";
    assert_eq!(one(off).await, "carbonara.intensity");
    let default =
        "update region set default_feed_id = 'another.intensity' where region_id = 'US-CA-CAISO'";
    assert_eq!(one(default).await, "another.intensity");
    // The default set has no rows: what has some is shown.
    let empty = "update feed set default_factor_set = 'EGRID_2018_eq'";
    assert_eq!(one(empty).await, "another.intensity");
}
