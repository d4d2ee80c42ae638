//! Reads of the analysis pages: which days and versions there are up to a cut-off, and single
//! elements of many versions' curves. All through the page's one [`super::snapshot::Snapshot`].

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::{
    data::{self, SeriesHeader},
    numeric::Values,
    pages::{OperatingDay, SeriesValues, VersionChoice},
    sight::Admitted,
    snapshot::View,
};
use crate::domain::Dataset;

/// A version with its axis.
#[derive(Debug, Clone)]
pub struct Version {
    /// Row of `curve_version`.
    pub id: i64,
    /// The calendar day of the curve timestamp in the curve time zone.
    pub operating_day: NaiveDate,
    /// When the curve was published.
    pub curve_timestamp: DateTime<Utc>,
    /// Whether it closes the day.
    pub cob: bool,
    /// First days of its contract months; none for families of another axis.
    pub months: Vec<NaiveDate>,
    /// The grants that show it.
    pub admitted: Admitted,
}

/// The newest operating days of a dataset in the view, newest first.
pub async fn days(
    connection: &mut PgConnection,
    view: &View,
    dataset: Dataset,
    limit: i64,
) -> sqlx::Result<Vec<OperatingDay>> {
    sqlx::query_as!(
        OperatingDay,
        r#"select operating_day as day, count(*) as "versions!", bool_or(cob) as "cob!",
                  bool_or(not cob) as "intraday!"
           from curve_version v
           where dataset_id = $1 and known_at <= $2
             and exists (select from jsonb_populate_recordset(null::entitlement, $4) as e
                         where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null))
           group by operating_day order by operating_day desc limit $3"#,
        dataset.id(),
        view.known_at,
        limit,
        view.sight.rows()
    )
    .fetch_all(connection)
    .await
}

/// The versions of an operating day, newest first.
pub async fn versions_of_day(
    connection: &mut PgConnection,
    view: &View,
    dataset: Dataset,
    day: NaiveDate,
) -> sqlx::Result<Vec<VersionChoice>> {
    sqlx::query_as!(
        VersionChoice,
        "select id, operating_day, curve_timestamp, cob from curve_version v
         where dataset_id = $1 and known_at <= $2 and operating_day = $3
           and exists (select from jsonb_populate_recordset(null::entitlement, $4) as e
                       where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null))
         order by curve_timestamp desc",
        dataset.id(),
        view.known_at,
        day,
        view.sight.rows()
    )
    .fetch_all(connection)
    .await
}

/// Which version [`version`] reads.
#[derive(Debug, Clone, Copy, Default)]
pub struct Which {
    /// The one with this id.
    pub id: Option<i64>,
    /// Of the newest operating day from this one,
    pub first: Option<NaiveDate>,
    /// to this one that has any.
    pub last: Option<NaiveDate>,
    /// Only (`true`) or never (`false`) one of close of business.
    pub cob: Option<bool>,
}

/// The newest version of a dataset that is meant.
pub async fn version(
    connection: &mut PgConnection,
    view: &View,
    dataset: Dataset,
    which: Which,
) -> sqlx::Result<Option<Version>> {
    sqlx::query_file_as!(
        Version,
        "sql/queries/analysis_version.sql",
        dataset.id(),
        view.known_at,
        which.id,
        which.first,
        which.last,
        which.cob,
        view.sight.rows()
    )
    .fetch_optional(connection)
    .await
}

/// The series of a version, in the order of the file's columns; by their labels where a file has a
/// row for each. Hidden ones are among them: prices are derived from them.
pub async fn series_of(
    connection: &mut PgConnection,
    view: &View,
    dataset: Dataset,
    version: i64,
) -> sqlx::Result<Vec<SeriesHeader>> {
    let versions = [version];
    let mut series = data::series_of(connection, view, dataset, &versions).await?;
    let ids: Vec<i64> = series.iter().map(|header| header.id).collect();
    let places = data::file_columns(connection, dataset, &versions, &ids).await?;
    let places: HashMap<i64, i32> = places.into_iter().collect();
    series.sort_by(|a, b| {
        let by_label = |header: &SeriesHeader| {
            let labels = &header.key.labels;
            [&labels.state, &labels.load_zone, &labels.utility, &labels.cost_component]
                .map(Clone::clone)
        };
        let place = |header: &SeriesHeader| places.get(&header.id).copied();
        place(a).cmp(&place(b)).then_with(|| by_label(a).cmp(&by_label(b))).then(a.id.cmp(&b.id))
    });
    Ok(series)
}

/// Every series of a dataset at a place, that is with these first five labels: what any version may
/// compute a price of the place from.
pub async fn series_at(
    connection: &mut PgConnection,
    view: &View,
    dataset: Dataset,
    [control_area, state, load_zone, capacity_zone, utility]: [&str; 5],
) -> sqlx::Result<Vec<SeriesHeader>> {
    let ids = sqlx::query_scalar!(
        "select id from series
         where dataset_id = $1 and control_area = $2 and state = $3 and load_zone = $4
           and capacity_zone = $5 and utility = $6",
        dataset.id(),
        control_area,
        state,
        load_zone,
        capacity_zone,
        utility
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut series = data::select_series(connection, view, dataset, None, Some(&ids)).await?;
    series.sort_by_key(|header| header.id);
    Ok(series)
}

/// Which elements of which curves [`elements`] reads.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    /// Only (`true`) or never (`false`) versions of close of business.
    pub cob: Option<bool>,
    /// Rows of `series`.
    pub series: &'a [i64],
    /// These contract months by their first days; without them those ahead of each day.
    pub months: Option<Vec<NaiveDate>>,
    /// How many months from the one after the operating day's.
    pub ahead: i32,
    /// First operating day.
    pub from: Option<NaiveDate>,
    /// Last operating day.
    pub to: Option<NaiveDate>,
    /// At most so many days, the newest.
    pub limit: i64,
}

/// The elements of one series in one day's version.
#[derive(Debug, Clone)]
pub struct DayElements {
    /// The day.
    pub operating_day: NaiveDate,
    /// Row of `series`.
    pub series_id: i64,
    /// One per month asked for, in their order.
    pub values: Values,
    /// The grants that show the version.
    pub admitted: Admitted,
}

/// The newest version of each operating day, and of each series only the months asked for.
/// Ascending by day; a day whose version lacks a series has no row for it.
pub async fn elements(
    connection: &mut PgConnection,
    view: &View,
    dataset: Dataset,
    wanted: &Elements<'_>,
) -> sqlx::Result<Vec<DayElements>> {
    sqlx::query_file_as!(
        DayElements,
        "sql/queries/analysis_elements.sql",
        dataset.id(),
        view.known_at,
        wanted.cob,
        wanted.series,
        wanted.months.as_deref(),
        wanted.ahead,
        wanted.from,
        wanted.to,
        wanted.limit,
        view.sight.rows()
    )
    .fetch_all(connection)
    .await
}

/// The values of some series of a version at its places from `first` (0-based), `count` of them.
pub async fn slice(
    connection: &mut PgConnection,
    dataset: Dataset,
    version: i64,
    series: &[i64],
    (first, count): (usize, usize),
) -> sqlx::Result<Vec<SeriesValues>> {
    let place = |place: usize| i32::try_from(place).unwrap_or(i32::MAX);
    sqlx::query_as!(
        SeriesValues,
        r#"select series_id, values[$4 + 1 : $4 + $5] as "values!: Values",
                  substr(notation, $4 + 1, $5) as notation
           from curve where dataset_id = $1 and version_id = $2 and series_id = any($3)"#,
        dataset.id(),
        version,
        series,
        place(first),
        place(count)
    )
    .fetch_all(connection)
    .await
}
