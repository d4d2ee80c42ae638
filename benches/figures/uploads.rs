//! Files in, end to end over HTTP: kept, read, compared, published, committed, answered.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use sqlx::PgPool;
use trueprice::db::numeric::put_numeric;

use crate::{
    files,
    server::Server,
    table::{Table, median, ms},
};

/// The 13 real files where they lie beside the repository, else as many of `good_test_data`.
fn small() -> (Vec<PathBuf>, &'static str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = |folder: &str| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "csv"));
        paths.sort();
        paths
    };
    match list("../shared/data/curves") {
        real if real.len() == 13 => (real, "the 13 real files"),
        _ => (list("good_test_data/good").into_iter().take(13).collect(), "13 of good_test_data"),
    }
}

/// The small files, over and over under new days, one after the other.
pub async fn small_files(server: &Server, table: &mut Table) {
    let (paths, which) = small();
    let mut times = Vec::new();
    for round in 0..20 {
        for path in &paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let mut words: Vec<&str> = name.split('_').collect();
            // Far enough apart that no file meets another's day.
            let day = chrono::NaiveDate::parse_from_str(words[2], "%Y%m%d").expect("a date");
            let date = (day + chrono::Days::new(40 * round)).format("%Y%m%d").to_string();
            words[2] = &date;
            let bytes = std::fs::read(path).expect("the file");
            let begun = Instant::now();
            server.upload(&words.join("_"), bytes, &[201]).await;
            if round > 0 {
                times.push(begun.elapsed());
            }
        }
    }
    let middle = median(times);
    let is_met = middle <= Duration::from_millis(15);
    table.add(&format!("{which}, a file at the median"), ms(middle), "19 rounds", "15 ms", is_met);
}

/// A wide file against a bare COPY of its points, one row each with a primary key.
pub async fn wide_file(server: &Server, table: &mut Table) {
    const TIMES: usize = 9;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    bare_table(&server.pool).await;
    for round in 0..TIMES {
        let bytes = files::wide(round).into_bytes();
        let name = files::name(0, round);
        let begun = Instant::now();
        server.upload(&name, bytes, &[201]).await;
        ours.push(begun.elapsed());
        let begun = Instant::now();
        bare_copy(&server.pool, round).await;
        bare.push(begun.elapsed());
    }
    let (ours, bare) = (median(ours), median(bare));
    let ratio = ours.as_secs_f64() / bare.as_secs_f64();
    table.add(
        "283 x 252 file, upload to answer",
        format!("{} = {ratio:.2} of the bare COPY", ms(ours)),
        &format!("COPY BINARY of its 71,316 points, a row each with a primary key: {}", ms(bare)),
        "0.5",
        ratio <= 0.5,
    );
}

async fn bare_table(pool: &PgPool) {
    sqlx::query(
        "create table bare (version_id bigint, series_id bigint, month date, value numeric,
                            primary key (version_id, series_id, month))",
    )
    .execute(pool)
    .await
    .expect("a table");
}

async fn bare_copy(pool: &PgPool, version: usize) {
    let mut buffer = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    let epoch = chrono::NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default();
    for series in 0..files::SERIES {
        for place in 0..files::MONTHS {
            let (year, month) = files::month(place);
            let month = chrono::NaiveDate::from_ymd_opt(year as i32, month as u32, 1);
            let days = (month.unwrap_or_default() - epoch).num_days() as i32;
            let cents = files::cents(series, place, version) as i64;
            buffer.extend_from_slice(&4_i16.to_be_bytes());
            for key in [version as i64, series as i64] {
                buffer.extend_from_slice(&8_i32.to_be_bytes());
                buffer.extend_from_slice(&key.to_be_bytes());
            }
            buffer.extend_from_slice(&4_i32.to_be_bytes());
            buffer.extend_from_slice(&days.to_be_bytes());
            put_numeric(&mut buffer, &rust_decimal::Decimal::new(cents, 2));
        }
    }
    buffer.extend_from_slice(&(-1_i16).to_be_bytes());
    let mut connection = pool.acquire().await.expect("a connection");
    let copy = connection.copy_in_raw("copy bare from stdin (format binary)").await;
    let mut copy = copy.expect("COPY begins");
    for chunk in buffer.chunks(256 << 10) {
        copy.send(chunk).await.expect("COPY takes");
    }
    copy.finish().await.expect("COPY ends");
}

/// A version a day, so that the reads have something to find.
pub async fn fill(server: &Server, days: usize) {
    for day in 1..=days {
        server.upload(&files::name(day, 80_000), files::wide(day).into_bytes(), &[201]).await;
    }
    sqlx::query("vacuum analyze").execute(&server.pool).await.expect("vacuum");
}
