//! Reads of what there is: datasets, series, labels, days, versions.
//!
//! Each goes through a view: what was known by its cut-off, and what its caller may see.

use chrono::{DateTime, NaiveDate, Utc};
use futures::stream::BoxStream;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{data::series_key, extent, sight::Viewer, snapshot::View};
use crate::domain::{Dataset, Labels, SeriesKey};

/// What is stored of a dataset.
#[derive(Debug, Clone)]
pub struct DatasetSummary {
    /// Its id.
    pub dataset_id: i16,
    /// Accepted files.
    pub versions: i64,
    /// Oldest operating day.
    pub first_day: Option<NaiveDate>,
    /// Newest operating day.
    pub last_day: Option<NaiveDate>,
    /// Newest curve timestamp.
    pub latest: Option<DateTime<Utc>>,
}

/// Every dataset that there is a grant for, also those without a version.
pub async fn datasets(
    connection: &mut PgConnection,
    view: &View,
) -> sqlx::Result<Vec<DatasetSummary>> {
    let granted: Vec<i16> =
        Dataset::all().filter(|dataset| view.sight.has(*dataset)).map(Dataset::id).collect();
    sqlx::query_as!(
        DatasetSummary,
        r#"select d.id as dataset_id, count(v.id) as "versions!",
                  min(v.operating_day) as first_day, max(v.operating_day) as last_day,
                  max(v.curve_timestamp) as latest
           from dataset d
           left join curve_version v on v.dataset_id = d.id and v.known_at <= $1
               and exists (select from jsonb_populate_recordset(null::entitlement, $2) as e
                           where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null))
           where d.id = any($3)
           group by d.id
           order by d.id"#,
        view.known_at,
        view.sight.rows(),
        &granted
    )
    .fetch_all(connection)
    .await
}

/// A version as lists show it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of curve_version, described there")]
pub struct VersionRow {
    pub id: i64,
    pub dataset_id: i16,
    pub curve_timestamp: DateTime<Utc>,
    /// As it was known at the cut-off.
    pub valid_to: Option<DateTime<Utc>>,
    pub operating_day: NaiveDate,
    pub cob: bool,
    pub known_at: DateTime<Utc>,
    pub upload_id: Uuid,
    pub file_name: String,
    pub sha256: Vec<u8>,
    pub axis_length: i32,
    pub series_count: i32,
    pub points: i32,
    pub first_month: Option<NaiveDate>,
    pub last_month: Option<NaiveDate>,
}

/// Which versions to list.
#[derive(Debug, Clone, Copy)]
pub struct VersionList {
    /// Of one dataset.
    pub dataset: Dataset,
    /// Of these operating days.
    pub days: Option<(NaiveDate, NaiveDate)>,
    /// Only this one.
    pub id: Option<i64>,
    /// Only those with an older curve timestamp.
    pub before: Option<DateTime<Utc>>,
    /// At most so many.
    pub limit: i64,
}

/// Versions, superseded ones included, newest first.
pub async fn versions(
    connection: &mut PgConnection,
    view: &View,
    list: VersionList,
) -> sqlx::Result<Vec<VersionRow>> {
    let mut rows = sqlx::query_file_as!(
        VersionRow,
        "sql/queries/list_versions.sql",
        list.dataset.id(),
        view.known_at,
        list.days.map(|days| days.0),
        list.days.map(|days| days.1),
        list.id,
        list.before,
        list.limit,
        view.sight.rows()
    )
    .fetch_all(&mut *connection)
    .await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let extents = extent::of_versions(connection, view, list.dataset, &ids).await?;
    for row in &mut rows {
        let Some(extent) = extents.get(&row.id) else { continue };
        row.axis_length = extent.places;
        row.series_count = extent.series;
        row.points = extent.points;
        (row.first_month, row.last_month) = extent.months.unzip();
    }
    Ok(rows)
}

/// Dataset and operating day of a version that the viewer may see. Both never change, so no snapshot is
/// needed.
pub async fn place_of_version(
    pool: &PgPool,
    viewer: Viewer,
    version: i64,
) -> sqlx::Result<Option<(Dataset, NaiveDate)>> {
    let row = sqlx::query!(
        "select dataset_id, operating_day from curve_version v
         where id = $1 and known_at < 'infinity'
           and exists (select from entitlements($2, array[v.dataset_id], $3) e
                       where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null))",
        version,
        viewer.user_id,
        viewer.now
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.and_then(|row| Some((Dataset::from_id(row.dataset_id)?, row.operating_day))))
}

/// A series and the span of its contract months.
#[derive(Debug, Clone)]
pub struct SeriesRow {
    /// Row of `series`.
    pub id: i64,
    /// Labels, sub-component and unit.
    pub key: SeriesKey,
    /// Earliest contract month of a version that holds it.
    pub first_month: Option<NaiveDate>,
    /// Latest contract month of a version that holds it.
    pub last_month: Option<NaiveDate>,
}

/// Series of a dataset with ids above `after`.
pub async fn series(
    connection: &mut PgConnection,
    dataset: Dataset,
    view: &View,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<SeriesRow>> {
    let (known_at, sight) = (view.known_at, view.sight.rows());
    let rows = sqlx::query_file!(
        "sql/queries/list_series.sql",
        dataset.id(),
        known_at,
        after,
        limit,
        sight
    )
    .fetch_all(connection)
    .await?;
    let series = rows.into_iter().map(|row| SeriesRow {
        id: row.id,
        first_month: row.first_month,
        last_month: row.last_month,
        key: series_key!(row),
    });
    Ok(series.collect())
}

/// Distinct values of the label `next`, given the `chosen` ones (in the order of
/// [`Labels::NAMES`]), byte-wise ascending after `after`.
pub async fn labels(
    connection: &mut PgConnection,
    dataset: Dataset,
    view: &View,
    next: &str,
    chosen: &[Option<String>; 8],
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<String>> {
    let [area, state, zone, capacity, utility, block, group, component] = chosen;
    sqlx::query_file_scalar!(
        "sql/queries/list_labels.sql",
        dataset.id(),
        view.known_at,
        area.as_deref(),
        state.as_deref(),
        zone.as_deref(),
        capacity.as_deref(),
        utility.as_deref(),
        block.as_deref(),
        group.as_deref(),
        component.as_deref(),
        after,
        next,
        limit,
        view.sight.rows()
    )
    .fetch_all(connection)
    .await
}

/// An operating day that has data.
#[derive(Debug, Clone)]
pub struct DayRow {
    /// The day.
    pub operating_day: NaiveDate,
    /// Accepted files of the day.
    pub versions: i64,
    /// Whether one of them is of close of business.
    pub cob: bool,
    /// Whether one of them is not.
    pub noncob: bool,
}

/// Operating days before `before`, newest first; only those of `series` if given.
pub async fn operating_days(
    connection: &mut PgConnection,
    dataset: Dataset,
    view: &View,
    series: Option<i64>,
    before: Option<NaiveDate>,
    limit: i64,
) -> sqlx::Result<Vec<DayRow>> {
    sqlx::query_file_as!(
        DayRow,
        "sql/queries/list_operating_days.sql",
        dataset.id(),
        view.known_at,
        series,
        before,
        limit,
        view.sight.rows()
    )
    .fetch_all(connection)
    .await
}

/// An upload that made a version, for the list of uploads.
#[derive(Debug, Clone)]
pub struct UploadRow {
    /// Where it went.
    pub dataset_id: i16,
    /// Operating day of the version.
    pub operating_day: NaiveDate,
    /// When the curve was published.
    pub curve_timestamp: DateTime<Utc>,
    /// The client's name for the file.
    pub file_name: String,
    /// Whether it closed its day.
    pub cob: bool,
}

/// Every accepted file, newest first.
pub fn uploads<'c>(
    connection: &'c mut PgConnection,
    view: &'c View,
) -> BoxStream<'c, sqlx::Result<UploadRow>> {
    sqlx::query_as!(
        UploadRow,
        "select v.dataset_id, v.operating_day, v.curve_timestamp, u.file_name, v.cob
         from curve_version v join upload u on u.id = v.upload_id
         where v.known_at <= $1
           and exists (select from jsonb_populate_recordset(null::entitlement, $2) as e
                       where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null))
         order by v.curve_timestamp desc, v.dataset_id",
        view.known_at,
        view.sight.rows()
    )
    .fetch(connection)
}

/// A column of a current file, for the list of components.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of series, described there")]
pub struct ComponentRow {
    pub lookup_id: Option<String>,
    pub control_area: String,
    pub state: String,
    pub load_zone: String,
    pub capacity_zone: String,
    pub utility: String,
    pub block_type: String,
    pub cost_group: String,
    pub cost_component: String,
}

/// The series of the newest version of each of a family's datasets, byte-wise by label.
pub fn components<'c>(
    connection: &'c mut PgConnection,
    datasets: &[i16],
    view: &'c View,
) -> BoxStream<'c, sqlx::Result<ComponentRow>> {
    let (known_at, sight) = (view.known_at, view.sight.rows());
    sqlx::query_file_as!(ComponentRow, "sql/queries/list_components.sql", datasets, known_at, sight)
        .fetch(connection)
}

/// Whether versions of close of business, and others, exist on any of `days`.
pub async fn availability(
    connection: &mut PgConnection,
    view: &View,
    dataset: Dataset,
    days: Option<(NaiveDate, NaiveDate)>,
) -> sqlx::Result<(bool, bool)> {
    let row = sqlx::query!(
        r#"select coalesce(bool_or(cob), false) as "cob!",
                  coalesce(bool_or(not cob), false) as "noncob!"
           from curve_version v
           where dataset_id = $1 and known_at <= $2
             and ($3::date is null or operating_day >= $3)
             and ($4::date is null or operating_day <= $4)
             and exists (select from jsonb_populate_recordset(null::entitlement, $5) as e
                         where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null))"#,
        dataset.id(),
        view.known_at,
        days.map(|days| days.0),
        days.map(|days| days.1),
        view.sight.rows()
    )
    .fetch_one(connection)
    .await?;
    Ok((row.cob, row.noncob))
}
