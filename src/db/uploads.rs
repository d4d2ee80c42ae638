//! The log of uploads, and the documents that it names.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::sight::Viewer;
use crate::domain::{Dataset, Sha256};

/// An entry of the log that is about to be written.
#[derive(Debug)]
pub struct NewUpload<'a> {
    /// Its id.
    pub id: Uuid,
    /// When the file came.
    pub received_at: DateTime<Utc>,
    /// Who sent it.
    pub uploader: Uuid,
    /// How it came: `api`, `page`, `script` or `command`.
    pub via: &'static str,
    /// The client's name for it.
    pub file_name: &'a str,
    /// The archive that it came in.
    pub archive_name: Option<&'a str>,
    /// Its document, where it could be kept.
    pub sha256: Option<Sha256>,
    /// Its length.
    pub bytes: usize,
    /// Whether it was only tried.
    pub dry_run: bool,
    /// What its name says, where that could be read.
    pub place: Option<Place>,
    /// The answer's HTTP status and code.
    pub answer: (u16, &'a str),
    /// The version it made or met.
    pub version_id: Option<i64>,
    /// Its points, where it could be read.
    pub points: Option<usize>,
    /// Errors and warnings, counted.
    pub counts: (usize, usize),
    /// The answer.
    pub report: Value,
    /// Every finding that was kept.
    pub findings: Value,
}

/// Where a file belongs by its name.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Family and ISO.
    pub dataset: Dataset,
    /// When the curve was published.
    pub curve_timestamp: DateTime<Utc>,
    /// The day of that.
    pub operating_day: NaiveDate,
    /// Whether it closes the day.
    pub cob: bool,
}

/// Writes an entry, and the row of its document. The bytes are in the store already.
pub async fn insert(conn: &mut PgConnection, upload: NewUpload<'_>) -> sqlx::Result<()> {
    let bytes = i64::try_from(upload.bytes).unwrap_or(i64::MAX);
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    if let Some(sha256) = upload.sha256 {
        insert_document(conn, sha256, bytes, upload.received_at).await?;
    }
    sqlx::query_file!(
        "sql/queries/insert_upload.sql",
        upload.id,
        upload.received_at,
        upload.uploader,
        upload.via,
        upload.file_name,
        upload.archive_name,
        upload.sha256.as_ref().map(|sha256| sha256.as_bytes().as_slice()),
        bytes,
        upload.dry_run,
        upload.place.map(|place| place.dataset.id()),
        upload.place.map(|place| place.curve_timestamp),
        upload.place.map(|place| place.operating_day),
        upload.place.map(|place| place.cob),
        i16::try_from(upload.answer.0).unwrap_or(i16::MAX),
        upload.answer.1,
        upload.version_id,
        upload.points.map(count),
        count(upload.counts.0),
        count(upload.counts.1),
        upload.report,
        upload.findings
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the row of a document that is in the store. Doing it again changes nothing.
pub async fn insert_document(
    conn: &mut PgConnection,
    sha256: Sha256,
    bytes: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into document (sha256, bytes, stored_at) values ($1, $2, $3) on conflict do nothing",
        sha256.as_bytes(),
        bytes,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An entry of the log as lists show it.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct UploadRow {
    /// Its id.
    pub id: Uuid,
    /// When the file came.
    pub received_at: DateTime<Utc>,
    /// Who sent it: the sign-in name.
    pub uploader: String,
    /// How it came: `api`, `page`, `script` or `command`.
    pub via: String,
    /// The client's name for it.
    pub file: String,
    /// The archive that it came in.
    pub archive: Option<String>,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: Option<String>,
    /// Its length.
    pub bytes: i64,
    /// Whether it was only tried.
    pub dry_run: bool,
    /// The family, by its name.
    pub family: Option<String>,
    /// The ISO, by its name.
    pub iso: Option<String>,
    /// When the curve was published.
    pub curve_timestamp: Option<DateTime<Utc>>,
    /// The day of that.
    pub operating_day: Option<NaiveDate>,
    /// Whether it closes the day.
    pub cob: Option<bool>,
    /// The HTTP status of the answer.
    pub status: i16,
    /// The code of the answer.
    pub code: String,
    /// The version it made or met.
    pub version_id: Option<String>,
    /// Its points.
    pub points: Option<i32>,
    /// Errors, counted.
    pub errors: i32,
    /// Warnings, counted.
    pub warnings: i32,
}

/// Entries that `viewer` may see, newest first, those below `before` (an id) where it is given.
pub async fn list(
    pool: &PgPool,
    viewer: Viewer,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<UploadRow>> {
    let Viewer { user_id, now } = viewer;
    sqlx::query_file_as!(UploadRow, "sql/queries/list_uploads.sql", before, limit, user_id, now)
        .fetch_all(pool)
        .await
}

/// An entry with all that its pages need.
#[derive(Debug)]
pub struct UploadDetails {
    /// Whether the reader may see that there is one.
    pub visible: bool,
    /// Who sent it.
    pub uploader: Uuid,
    /// The client's name for it.
    pub file_name: String,
    /// Its document, where it could be kept.
    pub sha256: Option<Sha256>,
    /// The answer.
    pub report: Value,
    /// Every finding that was kept.
    pub findings: Value,
}

/// The entry of an id, and whether `viewer` may see it: their own, and those of datasets that they may
/// see whole, for a report tells prices.
pub async fn find(pool: &PgPool, viewer: Viewer, id: Uuid) -> sqlx::Result<Option<UploadDetails>> {
    let row = sqlx::query!(
        r#"select uploader, file_name, sha256, report, findings,
                  uploader = $2 or exists (
                      select from entitlements($2, array_remove(array[dataset_id], null), $3) e
                      where is_unlimited(e)) as "visible!"
           from upload where id = $1"#,
        id,
        viewer.user_id,
        viewer.now
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| UploadDetails {
        visible: row.visible,
        uploader: row.uploader,
        file_name: row.file_name,
        sha256: row.sha256.as_deref().and_then(Sha256::from_bytes),
        report: row.report,
        findings: row.findings,
    }))
}
