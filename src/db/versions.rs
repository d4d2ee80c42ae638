//! Versions: their headers, the locks that order them, and the curves under them.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{
    axis::AxisColumns,
    data::{self, series_key},
    numeric::{Values, put_numeric_array},
    series::digest,
    updates,
};
use crate::domain::{
    Axis, CurveTimestamp, Dataset, Labels, Notation, SeriesKey, Sha256, VersionRef,
};

/// Classes of advisory locks: who publishes into a dataset, who decides about a day.
const PUBLICATION_LOCK: i32 = 7421;
const DAY_LOCK: i32 = 7422;

/// How many bytes of a COPY are sent at a time.
const COPY_CHUNK: usize = 256 << 10;

/// Holds the decision about a dataset's operating day until the transaction ends.
pub async fn lock_day(
    conn: &mut PgConnection,
    dataset: Dataset,
    day: NaiveDate,
) -> sqlx::Result<()> {
    // Days of the years 2000 to 2100 are below 40,000.
    let days = day.signed_duration_since(NaiveDate::default()).num_days();
    let key = i32::from(dataset.id()) * 100_000 + i32::try_from(days).unwrap_or_default();
    sqlx::query!("select pg_advisory_xact_lock($1, $2)", DAY_LOCK, key).execute(conn).await?;
    Ok(())
}

/// The versions of a dataset's operating day, and the one at the instant `at`: its day may have been
/// told in another zone.
pub async fn of_day(
    conn: &mut PgConnection,
    dataset: Dataset,
    day: NaiveDate,
    at: Option<DateTime<Utc>>,
) -> sqlx::Result<Vec<VersionRef>> {
    let rows = sqlx::query_file!("sql/queries/day_versions.sql", dataset.id(), day, at)
        .fetch_all(conn)
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(VersionRef {
                id: row.id,
                curve_timestamp: row.curve_timestamp,
                cob: row.cob,
                valid_to: row.valid_to,
                sha256: digest(&row.sha256)?,
                closes_day: row.closes_day,
            })
        })
        .collect()
}

/// The newest version of a dataset before an instant, whatever its day.
pub async fn newest_before(
    pool: &PgPool,
    dataset: Dataset,
    instant: DateTime<Utc>,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "select id from curve_version where dataset_id = $1 and curve_timestamp < $2
         order by curve_timestamp desc limit 1",
        dataset.id(),
        instant
    )
    .fetch_optional(pool)
    .await
}

/// The content of a version: its axis, and for each series the key and the values.
#[derive(Debug)]
pub struct StoredCurve {
    /// What the values stand for.
    pub axis: Axis,
    /// Keys and values in no particular order.
    pub series: Vec<(SeriesKey, Vec<Option<Decimal>>)>,
}

/// Reads a version whole.
pub async fn content(
    pool: &PgPool,
    dataset: Dataset,
    version_id: i64,
) -> sqlx::Result<StoredCurve> {
    let axis = data::axis(&mut *pool.acquire().await?, version_id).await?;
    let rows = sqlx::query_file!("sql/queries/version_content.sql", dataset.id(), version_id)
        .fetch_all(pool)
        .await?;
    let series = rows.into_iter().map(|row| (series_key!(row), row.values.0));
    Ok(StoredCurve { axis, series: series.collect() })
}

/// A stored version, as far as it takes to read its document again.
#[derive(Debug, Clone)]
pub struct StoredVersion {
    /// Its id.
    pub id: i64,
    /// The name of its file.
    pub file_name: String,
    /// The zone that the name was read in.
    pub zone: chrono_tz::Tz,
    /// Its document.
    pub sha256: Sha256,
}

/// Versions by ascending id, those above `after`, at the most `limit`.
pub async fn after(pool: &PgPool, after: i64, limit: i64) -> sqlx::Result<Vec<StoredVersion>> {
    let rows = sqlx::query!(
        "select v.id, u.file_name, v.curve_timezone, v.sha256
         from curve_version v join upload u on u.id = v.upload_id
         where v.id > $1 order by v.id limit $2",
        after,
        limit
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            let zone = row.curve_timezone.parse();
            let broken =
                || sqlx::Error::Decode(format!("version {} has a broken header", row.id).into());
            Ok(StoredVersion {
                id: row.id,
                zone: zone.map_err(|_| broken())?,
                sha256: digest(&row.sha256)?,
                file_name: row.file_name,
            })
        })
        .collect()
}

/// The header of a version that is about to be stored.
#[derive(Debug)]
pub struct NewVersion<'a> {
    /// Where it belongs.
    pub dataset: Dataset,
    /// The file name's timestamp.
    pub timestamp: CurveTimestamp,
    /// Whether it closes its day.
    pub cob: bool,
    /// The end of its validity, for one that is stored before a newer one.
    pub valid_to: Option<DateTime<Utc>>,
    /// Its document.
    pub sha256: Sha256,
    /// The entry of the log that brought it.
    pub upload_id: Uuid,
    /// What its values stand for.
    pub axis: &'a Axis,
    /// How many series it has.
    pub series_count: usize,
    /// The figures of its report.
    pub stats: Value,
    /// The warnings that were accepted with it.
    pub findings: Value,
}

/// Inserts the header; it is known to nobody until [`make_known`].
pub async fn insert(conn: &mut PgConnection, version: NewVersion<'_>) -> sqlx::Result<i64> {
    let (axis, span) = (AxisColumns::of(version.axis), version.axis.span());
    sqlx::query_file_scalar!(
        "sql/queries/insert_version.sql",
        version.dataset.id(),
        version.timestamp.instant(),
        version.timestamp.local(),
        version.timestamp.zone().name(),
        version.timestamp.operating_day(),
        version.cob,
        version.valid_to,
        version.sha256.as_bytes(),
        version.upload_id,
        i32::try_from(version.axis.len()).unwrap_or(i32::MAX),
        axis.months.as_deref(),
        axis.dates.as_deref(),
        axis.month_numbers.as_deref(),
        axis.hours.as_deref(),
        axis.components.as_deref(),
        axis.component_units.as_deref(),
        i32::try_from(version.series_count).unwrap_or(i32::MAX),
        span.map(|(first, _)| first.first_day()),
        span.map(|(_, last)| last.first_day()),
        version.stats,
        version.findings
    )
    .fetch_one(conn)
    .await
}

/// One row of `curve` that is about to be stored.
#[derive(Debug)]
pub struct NewCurve<'a> {
    /// Its series.
    pub series_id: i64,
    /// The 1-based column of the file.
    pub file_column: usize,
    /// The `Lookup ID1` of the column.
    pub lookup_id: Option<&'a str>,
    /// One number per place of the axis; meaningless where the notation says missing.
    pub numbers: &'a [Decimal],
    /// One notation per place of the axis.
    pub notations: &'a [Notation],
}

/// Copies the curves of a version in, in PostgreSQL's binary form.
pub async fn copy_curves(
    conn: &mut PgConnection,
    dataset: Dataset,
    version_id: i64,
    curves: &[NewCurve<'_>],
) -> sqlx::Result<()> {
    let mut copy = conn
        .copy_in_raw(
            "copy curve (dataset_id, version_id, series_id, axis_length, file_column, lookup_id, values, \
             notation) from stdin (format binary)",
        )
        .await?;
    let mut buffer = Vec::with_capacity(COPY_CHUNK * 2);
    // Signature, flags, length of the header's extension.
    buffer.extend_from_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
    for curve in curves {
        put_curve(&mut buffer, dataset, version_id, curve);
        if buffer.len() >= COPY_CHUNK {
            copy.send(buffer.as_slice()).await?;
            buffer.clear();
        }
    }
    buffer.extend_from_slice(&(-1_i16).to_be_bytes());
    copy.send(buffer.as_slice()).await?;
    copy.finish().await?;
    Ok(())
}

fn put_curve(buffer: &mut Vec<u8>, dataset: Dataset, version_id: i64, curve: &NewCurve<'_>) {
    const FIELDS: i16 = 8;
    let integer = |number: usize| i32::try_from(number).unwrap_or(i32::MAX).to_be_bytes();
    buffer.extend_from_slice(&FIELDS.to_be_bytes());
    put_field(buffer, Some(&dataset.id().to_be_bytes()));
    put_field(buffer, Some(&version_id.to_be_bytes()));
    put_field(buffer, Some(&curve.series_id.to_be_bytes()));
    put_field(buffer, Some(&integer(curve.numbers.len())));
    put_field(buffer, Some(&integer(curve.file_column)));
    put_field(buffer, curve.lookup_id.map(str::as_bytes));
    let values: Vec<Option<Decimal>> = curve
        .numbers
        .iter()
        .zip(curve.notations)
        .map(|(number, notation)| (!matches!(notation, Notation::Missing(_))).then_some(*number))
        .collect();
    put_numeric_array(buffer, &values);
    let is_plain = curve.notations.iter().all(|notation| *notation == Notation::Plain);
    let codes: Vec<u8> = curve.notations.iter().map(|notation| notation.code()).collect();
    put_field(buffer, (!is_plain).then_some(&*codes));
}

fn put_field(buffer: &mut Vec<u8>, field: Option<&[u8]>) {
    let length = field.map_or(-1, |bytes| i32::try_from(bytes.len()).unwrap_or(i32::MAX));
    buffer.extend_from_slice(&length.to_be_bytes());
    buffer.extend_from_slice(field.unwrap_or_default());
}

/// Ends the validity of a version.
pub async fn end_validity(
    conn: &mut PgConnection,
    version_id: i64,
    valid_to: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!("update curve_version set valid_to = $2 where id = $1", version_id, valid_to)
        .execute(conn)
        .await?;
    Ok(())
}

/// Makes a version known, as the last statement of its transaction: from here to the commit nobody
/// reads the dataset, so that no version appears at or below a cut-off that was answered before.
pub async fn make_known(
    conn: &mut PgConnection,
    dataset: Dataset,
    version_id: i64,
) -> sqlx::Result<DateTime<Utc>> {
    let key = i32::from(dataset.id());
    sqlx::query!("select pg_advisory_xact_lock($1, $2)", PUBLICATION_LOCK, key)
        .execute(&mut *conn)
        .await?;
    sqlx::query_file_scalar!("sql/queries/make_known.sql", version_id).fetch_one(conn).await
}

/// Writes an event into the outbox.
pub async fn insert_event(
    conn: &mut PgConnection,
    kind: &str,
    dataset: Dataset,
    version_id: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into event (kind, dataset_id, version_id, created_at) values ($1, $2, $3, $4)",
        kind,
        dataset.id(),
        version_id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lifts the close of an operating day; `None` if no version closes it.
pub async fn reopen_day(
    conn: &mut PgConnection,
    dataset: Dataset,
    day: NaiveDate,
    (reason, user): (&str, Uuid),
    now: DateTime<Utc>,
) -> sqlx::Result<Option<VersionRef>> {
    lock_day(conn, dataset, day).await?;
    let versions = of_day(conn, dataset, day, None).await?;
    let closing: Vec<VersionRef> =
        versions.into_iter().filter(|version| version.closes_day).collect();
    for version in &closing {
        sqlx::query!(
            "insert into day_reopening (dataset_id, operating_day, version_id, reason, reopened_by, reopened_at)
             values ($1, $2, $3, $4, $5, $6)",
            dataset.id(),
            day,
            version.id,
            reason,
            user,
            now
        )
        .execute(&mut *conn)
        .await?;
        updates::tell_reopened(conn, dataset, version.id, reason, now).await?;
    }
    Ok(closing.into_iter().max_by_key(|version| version.curve_timestamp))
}
