//! Versions put straight into the database, for tests of what is read from there.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use sqlx::PgPool;
use trueprice::domain::{Dataset, Labels, SeriesKey, Sha256};
use uuid::Uuid;

/// A column: its key and a value for each month, as text; empty for none.
pub struct Column {
    pub key: SeriesKey,
    pub values: Vec<String>,
    pub notation: Option<String>,
}

/// A version to store.
pub struct Stored {
    pub dataset: Dataset,
    pub timestamp: DateTime<Utc>,
    pub cob: bool,
    pub known_at: DateTime<Utc>,
    pub months: Vec<NaiveDate>,
    pub columns: Vec<Column>,
}

/// `zone`, `block`, `unit` and values of an energy column.
pub fn column(zone: &str, block: &str, values: &[&str]) -> Column {
    let labels = ["ERCOT", "TX", zone, "-", "ONCOR", block, "Energy", "Energy"];
    let labels = Labels::from(labels.map(str::to_owned));
    let key = SeriesKey {
        labels,
        sub_component: zone.to_owned(),
        unit: "$/MWh".to_owned(),
        ..SeriesKey::default()
    };
    let missing = values.iter().any(|value| value.is_empty());
    let letters = values.iter().map(|value| if value.is_empty() { 'e' } else { 'n' });
    let notation = missing.then(|| letters.collect());
    Column { key, values: values.iter().map(|&value| value.to_owned()).collect(), notation }
}

/// An instant of 2020, by month, day, hour and minute.
pub fn at(month: u32, day: u32, hour: u32, minute: u32) -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(2020, month, day)
        .unwrap()
        .and_hms_opt(hour, minute, 0)
        .unwrap()
        .and_utc()
}

/// `count` months from 2020-03 on.
pub fn months(count: u32) -> Vec<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(2020, 3, 1).unwrap();
    (0..count).map(|months| first + chrono::Months::new(months)).collect()
}

/// Stores a version as a publisher leaves it: validity of its neighbours cut. Gives its id.
pub async fn store(pool: &PgPool, stored: &Stored) -> i64 {
    let (upload, sha256) = (Uuid::new_v4(), Sha256::of(Uuid::new_v4().as_bytes()));
    let day = stored.timestamp.date_naive();
    let id = stored.dataset.id();
    let mut tx = pool.begin().await.unwrap();
    store_upload(&mut tx, upload, sha256, stored.known_at).await;
    sqlx::query(
        "update curve_version set valid_to = $3
         where dataset_id = $1 and operating_day = $2 and curve_timestamp < $3
           and (valid_to is null or valid_to > $3)",
    )
    .bind(id)
    .bind(day)
    .bind(stored.timestamp)
    .execute(&mut *tx)
    .await
    .unwrap();
    let length = i32::try_from(stored.months.len()).unwrap();
    let count = i32::try_from(stored.columns.len()).unwrap();
    let version: i64 = sqlx::query_scalar(
        "insert into curve_version
             (dataset_id, curve_timestamp, curve_timestamp_local, curve_timezone, operating_day,
              cob, valid_to, known_at, sha256, upload_id, axis_length, months, series_count,
              points, first_month, last_month, stats, findings)
         values ($1, $2, $2 at time zone 'UTC', 'UTC', $3, $4,
                 (select min(curve_timestamp) from curve_version
                  where dataset_id = $1 and operating_day = $3 and curve_timestamp > $2),
                 $5, $6, $7, $8, $9, $10, $8 * $10, $11, $12, '{}', '[]')
         returning id",
    )
    .bind(id)
    .bind(stored.timestamp)
    .bind(day)
    .bind(stored.cob)
    .bind(stored.known_at)
    .bind(sha256.as_bytes())
    .bind(upload)
    .bind(length)
    .bind(&stored.months)
    .bind(count)
    .bind(stored.months.first())
    .bind(stored.months.last())
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    for (place, column) in (1_i32..).zip(&stored.columns) {
        let series = series(&mut tx, id, &column.key).await;
        let values: Vec<Option<Decimal>> =
            column.values.iter().map(|value| value.parse().ok()).collect();
        sqlx::query("insert into curve values ($1, $2, $3, $4, $5, null, $6, $7)")
            .bind(id)
            .bind(version)
            .bind(series)
            .bind(length)
            .bind(place)
            .bind(values)
            .bind(&column.notation)
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    version
}

/// The document, its upload and the uploader.
async fn store_upload(
    connection: &mut sqlx::PgConnection,
    upload: Uuid,
    sha256: Sha256,
    at: DateTime<Utc>,
) {
    sqlx::query(
        "insert into app_user (id, email, role, created_at)
         values ($1, 'uploader@example.com', 'read_write', $2) on conflict do nothing",
    )
    .bind(Uuid::from_u128(1))
    .bind(at)
    .execute(&mut *connection)
    .await
    .unwrap();
    sqlx::query("insert into document values ($1, 1, $2)")
        .bind(sha256.as_bytes())
        .bind(at)
        .execute(&mut *connection)
        .await
        .unwrap();
    sqlx::query(
        "insert into upload (id, received_at, uploader, via, file_name, sha256, bytes, dry_run,
                             status, code, errors, warnings, report, findings)
         values ($1, $2, $3, 'api', 'Energy_ERCOT_20200304_093000.csv', $4, 1, false, 201,
                 'created', 0, 0, '{}', '[]')",
    )
    .bind(upload)
    .bind(at)
    .bind(Uuid::from_u128(1))
    .bind(sha256.as_bytes())
    .execute(&mut *connection)
    .await
    .unwrap();
}

async fn series(connection: &mut sqlx::PgConnection, dataset: i16, key: &SeriesKey) -> i64 {
    sqlx::query(
        "insert into series (dataset_id, digest, control_area, state, load_zone, capacity_zone,
                             utility, block_type, cost_group, cost_component, sub_component, unit)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing",
    )
    .bind(dataset)
    .bind(key.digest().as_bytes())
    .bind(key.labels.as_array()[0])
    .bind(key.labels.as_array()[1])
    .bind(key.labels.as_array()[2])
    .bind(key.labels.as_array()[3])
    .bind(key.labels.as_array()[4])
    .bind(key.labels.as_array()[5])
    .bind(key.labels.as_array()[6])
    .bind(key.labels.as_array()[7])
    .bind(&key.sub_component)
    .bind(&key.unit)
    .execute(&mut *connection)
    .await
    .unwrap();
    sqlx::query_scalar("select id from series where dataset_id = $1 and digest = $2")
        .bind(dataset)
        .bind(key.digest().as_bytes())
        .fetch_one(connection)
        .await
        .unwrap()
}

/// A version of energy in ERCOT with one column and one month.
pub fn small(timestamp: DateTime<Utc>, known_at: DateTime<Utc>, cob: bool) -> Stored {
    Stored {
        dataset: Dataset::from_id(11).unwrap(),
        timestamp,
        cob,
        known_at,
        months: months(1),
        columns: vec![column("NORTH ZONE", "5x16", &["41.27"])],
    }
}

/// A minute later.
pub fn after(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant + TimeDelta::minutes(1)
}
