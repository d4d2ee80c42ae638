//! Small reads among many points.

use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Row as _};

use crate::{
    server::Server,
    table::{Table, median, ms},
};

/// The plan of a statement as it was executed: its time, and whether it scanned a table in sequence.
async fn explain(server: &Server, statement: &str) -> (Duration, bool) {
    let explain = format!("explain (analyze, format json) {statement}");
    let mut times = Vec::new();
    let mut scanned = false;
    for _ in 0..11 {
        let row = sqlx::query(AssertSqlSafe(explain.clone())).fetch_one(&server.pool).await;
        let plan: Value = row.expect("a plan").get(0);
        let ms = plan[0]["Execution Time"].as_f64().expect("a time");
        times.push(Duration::from_secs_f64(ms / 1e3));
        scanned |= plan.to_string().contains("\"Seq Scan\"");
    }
    (median(times), scanned)
}

/// The median time of an answer, and its bytes.
async fn ask(server: &Server, path: &str, times: usize) -> (Duration, usize) {
    let mut found = Vec::new();
    let mut bytes = 0;
    for _ in 0..times {
        let begun = Instant::now();
        bytes = server.get(path).await.bytes().await.expect("a body").len();
        found.push(begun.elapsed());
    }
    (median(found), bytes)
}

async fn a_series(server: &Server) -> i64 {
    sqlx::query_scalar("select min(id) from series where load_zone = 'ZONE 07'")
        .fetch_one(&server.pool)
        .await
        .expect("a series")
}

/// One curve as of an instant.
pub async fn one_curve(server: &Server, table: &mut Table) {
    let series = a_series(server).await;
    let statement = include_str!("../../sql/queries/curve_as_of.sql")
        .replace(r#"c.values as "values: Values""#, "c.values");
    let (time, scanned) = explain(server, &bind(&statement, series)).await;
    let points: i64 = sqlx::query_scalar("select sum(axis_length) from curve")
        .fetch_one(&server.pool)
        .await
        .expect("a count");
    table.add(
        "one curve as of an instant, in PostgreSQL",
        ms(time),
        &format!("among {:.1} M points; sequential scan: {scanned}", points as f64 / 1e6),
        "0.3 ms, none",
        time <= Duration::from_micros(300) && !scanned,
    );
    let (time, bytes) = ask(server, &format!("series/{series}/curve"), 201).await;
    let is_met = time <= Duration::from_millis(2);
    table.add("the same over HTTP", ms(time), &format!("{bytes} bytes of JSON"), "2 ms", is_met);
}

/// Puts literals into a statement of the program, for EXPLAIN.
fn bind(statement: &str, series: i64) -> String {
    // 25 is nonenergy of PJM.
    statement
        .replace("$1", "25")
        .replace("$2", &series.to_string())
        .replace("$3", "now()")
        .replace("$4", "null")
        .replace("$5", r#"'[{"cob_only": false, "current_only": false, "derived": true}]'::jsonb"#)
}

/// One contract month of one series over all versions.
pub async fn one_month(server: &Server, table: &mut Table) {
    let series = a_series(server).await;
    let statement = format!(
        "select v.curve_timestamp, c.values[array_position(v.months, date '2024-06-01')]
         from curve c join curve_version v on v.id = c.version_id
         where c.series_id = {series} and v.dataset_id = c.dataset_id order by 1"
    );
    let (time, _) = explain(server, &statement).await;
    let is_met = time <= Duration::from_millis(15);
    table.add("one contract month over 100 versions", ms(time), "in PostgreSQL", "15 ms", is_met);
}

/// What a workbook asks of the view: one zone, one year, every day.
pub async fn workbook_query(server: &Server, table: &mut Table) {
    let statement = "select * from trueprice.pjm_nonenergy
                     where load_zone = 'ZONE 07' and month between '2024-01-01' and '2024-12-01'";
    let (time, _) = explain(server, statement).await;
    let rows: i64 =
        sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from ({statement}) q")))
            .fetch_one(&server.pool)
            .await
            .expect("a count");
    table.add(
        "view: one zone, one year, 101 days",
        ms(time),
        &format!("{rows} rows"),
        "150 ms",
        time <= Duration::from_millis(150),
    );
}
