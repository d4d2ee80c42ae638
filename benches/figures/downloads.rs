//! Everything out, streamed.

use std::time::{Duration, Instant};

use crate::{
    files::{MONTHS, SERIES},
    server::Server,
    table::{Table, ms},
};

struct Streamed {
    first: Duration,
    whole: Duration,
    bytes: usize,
    memory: f64,
}

async fn stream(server: &Server, days: usize, form: &str) -> Streamed {
    stream_of(server, days, &format!("curve=nonenergy&iso=pjm&mode=unstandardized&{form}")).await
}

async fn stream_of(server: &Server, days: usize, query: &str) -> Streamed {
    let last = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).unwrap_or_default()
        + chrono::Days::new(days as u64);
    let path =
        format!("data?{query}&operating_day=2024-01-02&operating_day_end={last}&version=all");
    server.reset_memory();
    let before = server.memory();
    let begun = Instant::now();
    let mut answer = server.get(&path).await;
    let (mut first, mut bytes) = (None, 0);
    while let Some(chunk) = answer.chunk().await.expect("the stream goes on") {
        first.get_or_insert_with(|| begun.elapsed());
        bytes += chunk.len();
    }
    let whole = begun.elapsed();
    let memory = (server.memory() - before).max(0.0);
    Streamed { first: first.unwrap_or_default(), whole, bytes, memory }
}

/// A wide CSV of every day.
pub async fn csv(server: &Server, table: &mut Table, days: usize) {
    // Once for the caches of PostgreSQL and of the allocator.
    stream(server, days, "format=csv").await;
    let little = stream(server, days / 10, "format=csv").await;
    let much = stream(server, days, "format=csv").await;
    let points = (days * SERIES * MONTHS) as f64;
    let rate = points / much.whole.as_secs_f64() / 1e6;
    table.add(
        "CSV, points per second",
        format!("{rate:.1} M"),
        &format!("{:.1} M points, {} MB", points / 1e6, much.bytes / 1_000_000),
        "2 M",
        rate >= 2.0,
    );
    let is_met = much.first <= Duration::from_millis(50);
    table.add("CSV, first byte", ms(much.first), "the same download", "50 ms", is_met);
    table.add(
        "CSV, memory that is added",
        format!("{:.1} MiB", much.memory),
        &format!("a tenth of the range adds {:.1} MiB", little.memory),
        "no growth",
        much.memory <= little.memory + 8.0,
    );
}

/// A wide workbook of every day.
pub async fn xlsx(server: &Server, table: &mut Table, days: usize) {
    let little = stream(server, days / 10, "format=xlsx").await;
    let much = stream(server, days, "format=xlsx").await;
    let cells = (days * MONTHS * (SERIES + 2)) as f64;
    let rate = cells / much.whole.as_secs_f64() / 1e6;
    table.add(
        "XLSX, cells per second",
        format!("{rate:.2} M"),
        &format!("{:.1} M cells", cells / 1e6),
        "1 M",
        rate >= 1.0,
    );
    table.add(
        "XLSX, memory that is added",
        format!("{:.1} MiB", much.memory),
        &format!("a tenth of the range adds {:.1} MiB", little.memory),
        "no growth",
        much.memory <= little.memory + 8.0,
    );
}

/// Every curve type of every ISO as an archive, standardized where there is such a form.
pub async fn everything(server: &Server, table: &mut Table, days: usize) {
    let archive = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("good_test_data/good/all_families.zip");
    let bytes = std::fs::read(archive).expect("good_test_data");
    server.upload("all_families.zip", bytes, &[207]).await;
    let query = "curve=all&iso=all&format=csv";
    let little = stream_of(server, days / 10, query).await;
    // The files of good_test_data lie within the year.
    let much = stream_of(server, 366, query).await;
    table.add(
        "curve=all&iso=all, memory that is added",
        format!("{:.1} MiB", much.memory),
        &format!(
            "{} MB of archive in {:.1} s; a tenth of the range adds {:.1} MiB",
            much.bytes / 1_000_000,
            much.whole.as_secs_f64(),
            little.memory
        ),
        "no growth",
        much.memory <= little.memory + 8.0,
    );
}
