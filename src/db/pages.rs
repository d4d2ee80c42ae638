//! What only the pages ask: overviews, the upload log, curves as they are looked at. Curves are read
//! through one [`Snapshot`] a page, so that all that it shows is of one state.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{
    extent,
    numeric::Values,
    sight::{Admitted, Viewer},
    snapshot::{Snapshot, View},
};
use crate::domain::Dataset;

/// The newest version of a dataset.
#[derive(Debug, Clone)]
pub struct NewestVersion {
    /// Row of `dataset`.
    pub dataset_id: i16,
    /// Row of `curve_version`.
    pub id: i64,
    /// The calendar day of the curve timestamp in the curve time zone.
    pub operating_day: NaiveDate,
    /// When the curve was published.
    pub curve_timestamp: DateTime<Utc>,
    /// Whether it closes the day.
    pub cob: bool,
    /// Series of the version.
    pub series_count: i32,
}

/// The newest version of every dataset that has one.
pub async fn newest_versions(snapshot: &mut Snapshot) -> sqlx::Result<Vec<NewestVersion>> {
    let (connection, view) = snapshot.parts();
    let (known_at, sight) = (view.known_at, view.sight.rows());
    let mut newest = sqlx::query_file_as!(
        NewestVersion,
        "sql/queries/pages_newest_versions.sql",
        known_at,
        sight
    )
    .fetch_all(&mut *connection)
    .await?;
    for version in &mut newest {
        let Some(dataset) = Dataset::from_id(version.dataset_id) else { continue };
        let extents = extent::of_versions(connection, view, dataset, &[version.id]).await?;
        if let Some(extent) = extents.get(&version.id) {
            version.series_count = extent.series;
        }
    }
    Ok(newest)
}

/// An entry of the upload log.
#[derive(Debug, Clone)]
pub struct LoggedUpload {
    /// Row of `upload`.
    pub id: Uuid,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// Who sent it.
    pub email: String,
    /// The client's name for it.
    pub file_name: String,
    /// The archive that it came in.
    pub archive_name: Option<String>,
    /// Whether nothing was to be stored.
    pub dry_run: bool,
    /// The answer's HTTP status.
    pub status: i16,
    /// The answer's machine word.
    pub code: String,
    /// Values read, as far as known.
    pub points: Option<i32>,
    /// Errors found.
    pub errors: i32,
    /// Warnings found.
    pub warnings: i32,
    /// Whether its bytes are kept.
    pub kept: bool,
}

/// Which entries of the upload log.
#[derive(Debug, Clone, Default)]
pub struct UploadFilter {
    /// Of these datasets; `None` for any, files of unknown dataset among them.
    pub datasets: Option<Vec<i16>>,
    /// `stored`, `unchanged`, `refused` or `dry_run`.
    pub outcome: Option<&'static str>,
    /// In the file's or the archive's name, without case.
    pub file: Option<String>,
    /// In the sender's e-mail, without case.
    pub who: Option<String>,
    /// Received from this instant on.
    pub from: Option<DateTime<Utc>>,
    /// Received before this instant.
    pub until: Option<DateTime<Utc>>,
    /// Older than this entry.
    pub after: Option<(DateTime<Utc>, Uuid)>,
}

/// The upload log as `viewer` sees it, newest first: their own files, and those of datasets that they
/// have any grant for.
pub async fn uploads(
    pool: &PgPool,
    viewer: Viewer,
    filter: &UploadFilter,
    limit: i64,
) -> sqlx::Result<Vec<LoggedUpload>> {
    let (after_at, after_id) = filter.after.unzip();
    sqlx::query_file_as!(
        LoggedUpload,
        "sql/queries/pages_uploads.sql",
        filter.datasets.as_deref(),
        filter.outcome,
        filter.file.as_deref(),
        filter.from,
        filter.until,
        after_at,
        after_id,
        limit,
        viewer.user_id,
        viewer.now,
        filter.who.as_deref()
    )
    .fetch_all(pool)
    .await
}

/// One upload with its report.
#[derive(Debug, Clone)]
pub struct UploadDetail {
    /// Row of `upload`.
    pub id: Uuid,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// Who sent it.
    pub uploader: Uuid,
    /// Their address.
    pub email: String,
    /// How it came: api, page, script or command.
    pub via: String,
    /// The archive that it came in.
    pub archive_name: Option<String>,
    /// Whether its bytes are kept.
    pub kept: bool,
    /// Their number.
    pub bytes: i64,
    /// The answer as it was given.
    pub report: serde_json::Value,
    /// Whether the reader may see that there is one.
    pub visible: bool,
}

/// The upload with this id, and whether `viewer` may see its report: their own, and those of datasets
/// that they may see whole.
pub async fn upload(pool: &PgPool, viewer: Viewer, id: Uuid) -> sqlx::Result<Option<UploadDetail>> {
    sqlx::query_as!(
        UploadDetail,
        r#"select u.id, u.received_at, u.uploader, a.email, u.via, u.archive_name,
                  u.sha256 is not null as "kept!", u.bytes, u.report,
                  u.uploader = $2 or exists (
                      select from entitlements($2, array_remove(array[u.dataset_id], null), $3) e
                      where is_unlimited(e)) as "visible!"
           from upload u join app_user a on a.id = u.uploader
           where u.id = $1"#,
        id,
        viewer.user_id,
        viewer.now
    )
    .fetch_optional(pool)
    .await
}

/// An operating day of a dataset.
#[derive(Debug, Clone)]
pub struct OperatingDay {
    /// The day.
    pub day: NaiveDate,
    /// Versions that it has.
    pub versions: i64,
    /// Whether one of them is a close of business.
    pub cob: bool,
    /// Whether one of them is not.
    pub intraday: bool,
}

/// The newest operating days of any of the sources, newest first.
pub async fn operating_days(
    snapshot: &mut Snapshot,
    sources: &[i16],
    limit: i64,
) -> sqlx::Result<Vec<OperatingDay>> {
    let (connection, view) = snapshot.parts();
    sqlx::query_as!(
        OperatingDay,
        r#"select operating_day as "day!", count(*) as "versions!", bool_or(cob) as "cob!",
                  bool_or(not cob) as "intraday!"
           from (select dataset_id, operating_day, known_at, cob, valid_to is null as is_current
                 from curve_version
                 union all
                 select dataset_id, operating_day, known_at, false, ended_at is null
                 from headroom_version) v
           where dataset_id = any($1) and known_at <= $3
             and exists (select from jsonb_populate_recordset(null::entitlement, $4) as e
                         where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.is_current))
           group by operating_day order by operating_day desc limit $2"#,
        sources,
        limit,
        view.known_at,
        view.sight.rows()
    )
    .fetch_all(connection)
    .await
}

/// A version as its header tells it.
#[derive(Debug, Clone)]
pub struct VersionHeader {
    /// Row of `curve_version`.
    pub id: i64,
    /// Row of `dataset`.
    pub dataset_id: i16,
    /// The calendar day of the curve timestamp in the curve time zone.
    pub operating_day: NaiveDate,
    /// When the curve was published.
    pub curve_timestamp: DateTime<Utc>,
    /// The zone of the file's clock.
    pub curve_timezone: String,
    /// Whether it closes the day.
    pub cob: bool,
    /// Until when it is valid; `None` while it is current.
    pub valid_to: Option<DateTime<Utc>>,
    /// When it became visible.
    pub known_at: DateTime<Utc>,
    /// The upload that brought it.
    pub upload_id: Uuid,
    /// Who sent it.
    pub email: String,
    /// The file's name.
    pub file_name: String,
    /// Series of the version.
    pub series_count: i32,
    /// Values, missing ones included.
    pub points: i32,
    /// First days of its contract months.
    pub months: Vec<NaiveDate>,
    /// The grants that show it.
    pub admitted: Admitted,
}

/// The versions of an operating day, newest first.
pub async fn versions_of_day(
    snapshot: &mut Snapshot,
    dataset: Dataset,
    day: NaiveDate,
) -> sqlx::Result<Vec<VersionHeader>> {
    let (connection, view) = snapshot.parts();
    let mut versions = sqlx::query_file_as!(
        VersionHeader,
        "sql/queries/pages_versions.sql",
        dataset.id(),
        Some(day),
        None::<i64>,
        view.known_at,
        view.sight.rows()
    )
    .fetch_all(&mut *connection)
    .await?;
    as_far_as_visible(connection, view, dataset, &mut versions).await?;
    Ok(versions)
}

/// The version of the dataset with this id.
pub async fn version(
    snapshot: &mut Snapshot,
    dataset: Dataset,
    id: i64,
) -> sqlx::Result<Option<VersionHeader>> {
    let (connection, view) = snapshot.parts();
    let mut versions = sqlx::query_file_as!(
        VersionHeader,
        "sql/queries/pages_versions.sql",
        dataset.id(),
        None::<NaiveDate>,
        Some(id),
        view.known_at,
        view.sight.rows()
    )
    .fetch_all(&mut *connection)
    .await?;
    as_far_as_visible(connection, view, dataset, &mut versions).await?;
    Ok(versions.pop())
}

/// Counts and months of what the caller may see.
async fn as_far_as_visible(
    connection: &mut PgConnection,
    view: &View,
    dataset: Dataset,
    versions: &mut [VersionHeader],
) -> sqlx::Result<()> {
    let ids: Vec<i64> = versions.iter().map(|version| version.id).collect();
    let extents = extent::of_versions(connection, view, dataset, &ids).await?;
    for version in versions {
        let Some(extent) = extents.get(&version.id) else { continue };
        (version.series_count, version.points) = (extent.series, extent.points);
    }
    Ok(())
}

/// A version that another may be compared with.
#[derive(Debug, Clone)]
pub struct VersionChoice {
    /// Row of `curve_version`.
    pub id: i64,
    /// The calendar day of the curve timestamp in the curve time zone.
    pub operating_day: NaiveDate,
    /// When the curve was published.
    pub curve_timestamp: DateTime<Utc>,
    /// Whether it closes the day.
    pub cob: bool,
}

/// The versions of a dataset around a day: those of the day and of days before it, newest first.
pub async fn versions_until(
    snapshot: &mut Snapshot,
    dataset: Dataset,
    day: NaiveDate,
    limit: i64,
) -> sqlx::Result<Vec<VersionChoice>> {
    let (connection, view) = snapshot.parts();
    sqlx::query_as!(
        VersionChoice,
        "select id, operating_day, curve_timestamp, cob from curve_version v
         where dataset_id = $1 and operating_day <= $2 and known_at <= $4
           and exists (select from jsonb_populate_recordset(null::entitlement, $5) as e
                       where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null))
         order by operating_day desc, curve_timestamp desc limit $3",
        dataset.id(),
        day,
        limit,
        view.known_at,
        view.sight.rows()
    )
    .fetch_all(connection)
    .await
}

/// A series of a version, by its labels.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are the field's own terms")]
pub struct SeriesLabels {
    pub id: i64,
    pub state: String,
    pub load_zone: String,
    pub capacity_zone: String,
    pub utility: String,
    pub block_type: String,
    pub cost_group: String,
    pub cost_component: String,
    pub sub_component: String,
    pub unit: String,
    /// The labels that only some families have, joined.
    pub more: String,
    /// The grants that show it.
    pub admitted: Admitted,
}

/// The series of a version that the caller may see, in the order of the file's columns; by their labels where a file has a
/// row for each.
pub async fn series_of(
    snapshot: &mut Snapshot,
    dataset: Dataset,
    version: i64,
) -> sqlx::Result<Vec<SeriesLabels>> {
    let (connection, view) = snapshot.parts();
    sqlx::query_file_as!(
        SeriesLabels,
        "sql/queries/pages_series.sql",
        dataset.id(),
        version,
        view.sight.rows()
    )
    .fetch_all(connection)
    .await
}

/// The values of a series in one version.
#[derive(Debug, Clone)]
pub struct SeriesValues {
    /// Row of `series`.
    pub series_id: i64,
    /// In the order of the version's axis.
    pub values: Values,
    /// A character per value, see [`crate::domain::Notation`].
    pub notation: Option<String>,
}

/// The values of some series of a version.
pub async fn values(
    snapshot: &mut Snapshot,
    dataset: Dataset,
    version: i64,
    series: &[i64],
) -> sqlx::Result<Vec<SeriesValues>> {
    sqlx::query_as!(
        SeriesValues,
        r#"select series_id, values as "values: Values", notation from curve
           where dataset_id = $1 and version_id = $2 and series_id = any($3)"#,
        dataset.id(),
        version,
        series
    )
    .fetch_all(snapshot.connection())
    .await
}

/// The values of one series in two versions, `None` where a version lacks it.
#[derive(Debug, Clone)]
pub struct ValuesPair {
    /// Row of `series`.
    pub series_id: i64,
    /// In the earlier version.
    pub old: Option<Values>,
    /// In the later version.
    pub new: Option<Values>,
}

/// The series whose values differ between two versions of a dataset, or that only one has.
/// With `axes_differ`, all series: the same array may then mean other months.
pub async fn differing_series(
    snapshot: &mut Snapshot,
    dataset: Dataset,
    versions: (i64, i64),
    axes_differ: bool,
) -> sqlx::Result<Vec<ValuesPair>> {
    sqlx::query_file_as!(
        ValuesPair,
        "sql/queries/pages_differing_series.sql",
        dataset.id(),
        versions.0,
        versions.1,
        axes_differ
    )
    .fetch_all(snapshot.connection())
    .await
}

/// The block types that the series of the datasets have.
pub async fn block_types(snapshot: &mut Snapshot, datasets: &[i16]) -> sqlx::Result<Vec<String>> {
    let (connection, view) = snapshot.parts();
    sqlx::query_scalar!(
        "select distinct block_type from series s
         where dataset_id = any($1)
           and exists (select from jsonb_populate_recordset(null::entitlement, $2) as e
                       where (e.dataset_id is null or e.dataset_id = s.dataset_id)
                         and admits_labels(e, s) and admits_block(e, s.block_type))
         order by block_type",
        datasets,
        view.sight.rows()
    )
    .fetch_all(connection)
    .await
}
