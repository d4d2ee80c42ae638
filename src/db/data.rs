//! Reads of a download: first the headers that decide everything, then one grid at a time.
//!
//! What a caller may see is decided in `select_versions.sql` (its `visible`) and in [`series_of`];
//! the grids are read by the ids that these two let through, and of a grid the cells that
//! [`super::sight::Sight::cells`] shows.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, PgPool};

use super::{
    axis::{AxisColumns, axis_columns},
    extent,
    headroom::reads,
    numeric::Values,
    sight::{Admitted, Cells, Viewer},
    snapshot::View,
};
use crate::domain::{Axis, Dataset, Labels, SeriesKey, Source};

/// The [`Labels`] of a row that has their eight columns.
macro_rules! labels {
    ($row:ident) => {
        Labels {
            control_area: $row.control_area,
            state: $row.state,
            load_zone: $row.load_zone,
            capacity_zone: $row.capacity_zone,
            utility: $row.utility,
            block_type: $row.block_type,
            cost_group: $row.cost_group,
            cost_component: $row.cost_component,
        }
    };
}
pub(super) use labels;

/// The [`SeriesKey`] of a row that has all columns of a series.
macro_rules! series_key {
    ($row:ident) => {
        SeriesKey {
            labels: $crate::db::data::labels!($row),
            sub_component: $row.sub_component,
            unit: $row.unit,
            more: $crate::domain::MoreLabels {
                customer_type: $row.customer_type,
                utility_name: $row.utility_name,
                load_profile: $row.load_profile,
                matching_id: $row.matching_id,
                lookup_id: $row.lookup_id,
                term: $row.term.and_then(|months| u8::try_from(months).ok()),
                beginning_date: $row.beginning_date,
            },
        }
    };
}
pub(super) use series_key;

/// Which versions of a dataset to read.
#[derive(Debug, Clone, Default)]
pub struct VersionFilter {
    /// Only (`true`) or never (`false`) close-of-business versions.
    pub cob: Option<bool>,
    /// First and last operating day; without it the newest day that has a matching version.
    pub days: Option<(NaiveDate, NaiveDate)>,
    /// Every version of a day instead of its newest.
    pub every: bool,
    /// Only these versions.
    pub ids: Option<Vec<i64>>,
    /// First contract month, by its first day.
    pub start: Option<NaiveDate>,
    /// Last contract month, by its first day.
    pub end: Option<NaiveDate>,
}

/// A version as a download needs to know it.
#[derive(Debug, Clone)]
pub struct VersionHeader {
    /// Row of `curve_version`.
    pub id: i64,
    /// When the curve was published.
    pub curve_timestamp: DateTime<Utc>,
    /// The day it belongs to.
    pub operating_day: NaiveDate,
    /// Whether it closed that day.
    pub cob: bool,
    /// When it became visible.
    pub known_at: DateTime<Utc>,
    /// The document it was made from.
    pub sha256: Vec<u8>,
    /// How many places of its axis the filter lets through.
    pub places: i32,
    /// When the price to compare was published that headroom was computed with; others have none.
    pub ptc_timestamp: Option<DateTime<Utc>>,
    /// The grants that show it.
    pub admitted: Admitted,
    /// The days, or first days of months, of its axis, where some of them may be hidden.
    pub days: Option<Vec<NaiveDate>>,
}

/// A series, verbatim.
#[derive(Debug, Clone)]
pub struct SeriesHeader {
    /// Row of `series`.
    pub id: i64,
    /// Labels, sub-component and unit.
    pub key: SeriesKey,
    /// The grants that show it.
    pub admitted: Admitted,
    /// The grants that show a price of every hour that is derived from it and others like it.
    pub derived: Admitted,
}

/// One series of one version.
#[derive(Debug, Clone)]
pub struct Column {
    /// Row of `series`.
    pub series_id: i64,
    /// In axis order.
    pub values: Values,
    /// One character per value, see [`crate::domain::Notation`].
    pub notation: Option<String>,
    /// As the file had it.
    pub lookup_id: Option<String>,
}

/// The versions that `filter` chooses among those of the view, by curve timestamp.
pub async fn versions(
    connection: &mut PgConnection,
    view: &View,
    source: impl Into<Source>,
    filter: &VersionFilter,
) -> sqlx::Result<Vec<VersionHeader>> {
    let dataset = match source.into() {
        Source::Stored(dataset) => dataset,
        Source::Headroom(iso) => return reads::versions(connection, view, iso, filter).await,
    };
    sqlx::query_file_as!(
        VersionHeader,
        "sql/queries/select_versions.sql",
        dataset.id(),
        view.known_at,
        filter.cob,
        filter.days.map(|days| days.0),
        filter.days.map(|days| days.1),
        filter.every,
        filter.ids.as_deref(),
        filter.start,
        filter.end,
        view.sight.rows(),
        view.sight.has_windows(dataset)
    )
    .fetch_all(connection)
    .await
}

/// The series that any of `versions` holds: those of files in no particular order, those of headroom
/// in the order of its records. Series that no grant shows are among them: prices are derived from
/// them.
pub async fn series_of(
    connection: &mut PgConnection,
    view: &View,
    source: impl Into<Source>,
    versions: &[i64],
) -> sqlx::Result<Vec<SeriesHeader>> {
    let dataset = match source.into() {
        Source::Stored(dataset) => dataset,
        Source::Headroom(_) => return reads::series_of(connection, view, versions).await,
    };
    if !view.sight.shows_every_series(dataset) {
        return select_series(connection, view, dataset, Some(versions), None).await;
    }
    let rows = sqlx::query!(
        "select id, control_area, state, load_zone, capacity_zone, utility, block_type, cost_group,
                cost_component, sub_component, unit, customer_type, utility_name, load_profile,
                matching_id, lookup_id, term, beginning_date
         from series
         where dataset_id = $1
           and id in (select series_id from curve where dataset_id = $1 and version_id = any($2))",
        dataset.id(),
        versions
    )
    .fetch_all(connection)
    .await?;
    let all = view.sight.all();
    let header = |key, id| SeriesHeader { id, key, admitted: all.clone(), derived: all.clone() };
    Ok(rows.into_iter().map(|row| header(series_key!(row), row.id)).collect())
}

/// Series of a dataset with the grants that show them: those that one of `versions` holds, or any
/// version; only those with one of `ids`, if given. In no particular order.
pub async fn select_series(
    connection: &mut PgConnection,
    view: &View,
    dataset: Dataset,
    versions: Option<&[i64]>,
    ids: Option<&[i64]>,
) -> sqlx::Result<Vec<SeriesHeader>> {
    let rows = sqlx::query_file!(
        "sql/queries/select_series.sql",
        dataset.id(),
        versions,
        ids,
        view.sight.rows()
    )
    .fetch_all(connection)
    .await?;
    let header = |key, id, admitted, derived| SeriesHeader { id, key, admitted, derived };
    let headers =
        rows.into_iter().map(|row| header(series_key!(row), row.id, row.admitted, row.derived));
    Ok(headers.collect())
}

/// A warning that was accepted with a version.
#[derive(Debug, Clone)]
pub struct AcceptedWarning {
    /// Row of `curve_version`.
    pub version_id: i64,
    /// What it is about: a series, or a value of one.
    pub label: Option<String>,
    /// One sentence.
    pub message: String,
}

/// The warnings with this code that were kept with `versions`, a hundred each at the most.
pub async fn accepted_warnings(
    connection: &mut PgConnection,
    versions: &[i64],
    code: &str,
) -> sqlx::Result<Vec<AcceptedWarning>> {
    sqlx::query_file_as!(AcceptedWarning, "sql/queries/accepted_warnings.sql", versions, code)
        .fetch_all(connection)
        .await
}

/// Where the given series stand in the file of the newest of `versions` that has them: ties of the
/// column order are broken by it.
pub async fn file_columns(
    connection: &mut PgConnection,
    dataset: Dataset,
    versions: &[i64],
    series: &[i64],
) -> sqlx::Result<Vec<(i64, i32)>> {
    let rows = sqlx::query!(
        "select distinct on (c.series_id) c.series_id, c.file_column
         from curve c join curve_version v on v.id = c.version_id
         where c.dataset_id = $1 and c.version_id = any($2) and c.series_id = any($3)
         order by c.series_id, v.curve_timestamp desc",
        dataset.id(),
        versions,
        series
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.series_id, row.file_column)).collect())
}

/// Which of the given series each version holds.
pub async fn held(
    connection: &mut PgConnection,
    source: impl Into<Source>,
    versions: &[i64],
    series: &[i64],
) -> sqlx::Result<Vec<(i64, Vec<i64>)>> {
    let Source::Stored(dataset) = source.into() else {
        return reads::held(connection, versions, series).await;
    };
    let rows = sqlx::query!(
        r#"select version_id, array_agg(series_id) as "series!" from curve
           where dataset_id = $1 and version_id = any($2) and series_id = any($3)
           group by version_id"#,
        dataset.id(),
        versions,
        series
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.version_id, row.series)).collect())
}

/// The axis of a version.
pub async fn axis(connection: &mut PgConnection, version: i64) -> sqlx::Result<Axis> {
    let columns = sqlx::query_as!(
        AxisColumns,
        "select months, dates, month_numbers, hours, components, component_units
         from curve_version where id = $1",
        version
    )
    .fetch_one(connection)
    .await?;
    Ok(columns.into_axis())
}

/// The given series of a version, in no particular order.
pub async fn columns(
    connection: &mut PgConnection,
    dataset: Dataset,
    version: i64,
    series: &[i64],
) -> sqlx::Result<Vec<Column>> {
    sqlx::query_as!(
        Column,
        r#"select series_id, values as "values: Values", notation, lookup_id from curve
           where dataset_id = $1 and version_id = $2 and series_id = any($3)"#,
        dataset.id(),
        version,
        series
    )
    .fetch_all(connection)
    .await
}

/// First and last contract month of `versions` that the caller may see.
pub async fn span(
    connection: &mut PgConnection,
    view: &View,
    source: impl Into<Source>,
    versions: &[i64],
) -> sqlx::Result<Option<(NaiveDate, NaiveDate)>> {
    if let Source::Stored(dataset) = source.into()
        && view.sight.has_windows(dataset)
    {
        let extents = extent::of_versions(connection, view, dataset, versions).await?;
        let months = extents.values().filter_map(|extent| extent.months);
        return Ok(months.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))));
    }
    let row = sqlx::query!(
        "select min(first_month) as first, max(last_month) as last
         from curve_version where id = any($1)",
        versions
    )
    .fetch_one(connection)
    .await?;
    Ok(row.first.zip(row.last))
}

/// The operating day nearest to `wanted` (the newest without it) that has a version in the view;
/// only (`true`) or never (`false`) one of close of business.
pub async fn nearest_day(
    connection: &mut PgConnection,
    view: &View,
    source: impl Into<Source>,
    wanted: Option<NaiveDate>,
    cob: Option<bool>,
) -> sqlx::Result<Option<NaiveDate>> {
    let dataset = match source.into() {
        Source::Stored(dataset) => dataset,
        Source::Headroom(iso) => {
            return reads::nearest_day(connection, view, iso, wanted).await;
        }
    };
    sqlx::query_scalar!(
        "select operating_day from curve_version v
         where dataset_id = $1 and known_at <= $2 and ($4::boolean is null or cob = $4)
           and exists (select from jsonb_populate_recordset(null::entitlement, $5) as e
                       where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null))
         order by abs(operating_day - coalesce($3, 'epoch'::date + 1000000)), operating_day desc
         limit 1",
        dataset.id(),
        view.known_at,
        wanted,
        cob,
        view.sight.rows()
    )
    .fetch_optional(connection)
    .await
}

/// One series of one version, with its labels and its axis.
#[derive(Debug, Clone)]
pub struct Curve {
    /// Whose it is.
    pub dataset_id: i16,
    /// Labels, sub-component and unit.
    pub key: SeriesKey,
    /// Row of `curve_version`.
    pub version_id: i64,
    /// When the curve was published.
    pub curve_timestamp: DateTime<Utc>,
    /// The day it belongs to.
    pub operating_day: NaiveDate,
    /// Whether it closed the day.
    pub cob: bool,
    /// What the values stand for.
    pub axis: Axis,
    /// As many as places of the axis.
    pub values: Values,
    /// Which of them the caller may see.
    pub cells: Cells,
}

/// Builds a [`Curve`] of a row that both statements below give.
macro_rules! curve {
    ($row:expr) => {{
        let row = $row;
        Curve {
            dataset_id: row.dataset_id,
            key: series_key!(row),
            version_id: row.version_id,
            curve_timestamp: row.curve_timestamp,
            operating_day: row.operating_day,
            cob: row.cob,
            axis: axis_columns!(row).into_axis(),
            values: row.values,
            cells: Cells::of_rows(row.admitting)?,
        }
    }};
}

/// One series of one version, for a chart or a page; `None` where the version has it not, or not for
/// this viewer. One statement, for it is asked often.
pub async fn curve_of(
    pool: &PgPool,
    viewer: Viewer,
    series: i64,
    version: i64,
) -> sqlx::Result<Option<Curve>> {
    let row =
        sqlx::query_file!("sql/queries/curve_of.sql", version, series, viewer.user_id, viewer.now)
            .fetch_optional(pool)
            .await?;
    row.map(|row| Ok(curve!(row))).transpose()
}

/// The dataset of a series.
pub async fn dataset_of_series(pool: &PgPool, series: i64) -> sqlx::Result<Option<Dataset>> {
    let id = sqlx::query_scalar!("select dataset_id from series where id = $1", series)
        .fetch_optional(pool)
        .await?;
    Ok(id.and_then(Dataset::from_id))
}

/// One series of the newest version in the view (of `day`, else of the newest day), if that version
/// has it, and the caller may see it.
pub async fn curve_as_of(
    connection: &mut PgConnection,
    view: &View,
    dataset: Dataset,
    series: i64,
    day: Option<NaiveDate>,
) -> sqlx::Result<Option<Curve>> {
    let (known_at, sight) = (view.known_at, view.sight.rows());
    let row = sqlx::query_file!(
        "sql/queries/curve_as_of.sql",
        dataset.id(),
        series,
        known_at,
        day,
        sight
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok(curve!(row))).transpose()
}
