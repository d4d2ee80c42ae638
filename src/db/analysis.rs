//! Reads of the analysis pages: which days and versions there are up to a cut-off, and single
//! elements of many versions' curves. All through the page's one [`super::snapshot::Snapshot`].

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::{
    data::{SeriesHeader, series_key},
    numeric::Values,
    pages::{OperatingDay, SeriesValues, VersionChoice},
};
use crate::domain::{Dataset, Labels, SeriesKey};

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
}

/// The newest operating days of a dataset that are known at `known_at`, newest first.
pub async fn days(
    connection: &mut PgConnection,
    dataset: Dataset,
    known_at: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<OperatingDay>> {
    sqlx::query_as!(
        OperatingDay,
        r#"select operating_day as day, count(*) as "versions!", bool_or(cob) as "cob!",
                  bool_or(not cob) as "intraday!"
           from curve_version where dataset_id = $1 and known_at <= $2
           group by operating_day order by operating_day desc limit $3"#,
        dataset.id(),
        known_at,
        limit
    )
    .fetch_all(connection)
    .await
}

/// The versions of an operating day, newest first.
pub async fn versions_of_day(
    connection: &mut PgConnection,
    dataset: Dataset,
    known_at: DateTime<Utc>,
    day: NaiveDate,
) -> sqlx::Result<Vec<VersionChoice>> {
    sqlx::query_as!(
        VersionChoice,
        "select id, operating_day, curve_timestamp, cob from curve_version
         where dataset_id = $1 and known_at <= $2 and operating_day = $3
         order by curve_timestamp desc",
        dataset.id(),
        known_at,
        day
    )
    .fetch_all(connection)
    .await
}

/// The newest version of the newest operating day from `first` to `last` that has one; only
/// (`true`) or never (`false`) one of close of business.
pub async fn newest_version(
    connection: &mut PgConnection,
    dataset: Dataset,
    known_at: DateTime<Utc>,
    (first, last): (Option<NaiveDate>, Option<NaiveDate>),
    cob: Option<bool>,
) -> sqlx::Result<Option<Version>> {
    sqlx::query_as!(
        Version,
        r#"select id, operating_day, curve_timestamp, cob, coalesce(months, '{}') as "months!"
           from curve_version
           where dataset_id = $1 and known_at <= $2 and ($5::boolean is null or cob = $5)
             and operating_day >= coalesce($3::date, '-infinity')
             and operating_day <= coalesce($4::date, 'infinity')
           order by operating_day desc, curve_timestamp desc
           limit 1"#,
        dataset.id(),
        known_at,
        first,
        last,
        cob
    )
    .fetch_optional(connection)
    .await
}

/// The version of a dataset with this id.
pub async fn version(
    connection: &mut PgConnection,
    dataset: Dataset,
    known_at: DateTime<Utc>,
    id: i64,
) -> sqlx::Result<Option<Version>> {
    sqlx::query_as!(
        Version,
        r#"select id, operating_day, curve_timestamp, cob, coalesce(months, '{}') as "months!"
           from curve_version where dataset_id = $1 and known_at <= $2 and id = $3"#,
        dataset.id(),
        known_at,
        id
    )
    .fetch_optional(connection)
    .await
}

/// The series of a version, in the order of the file's columns; by their labels where a file has a
/// row for each.
pub async fn series_of(
    connection: &mut PgConnection,
    dataset: Dataset,
    version: i64,
) -> sqlx::Result<Vec<SeriesHeader>> {
    let rows = sqlx::query!(
        "select s.id, s.control_area, s.state, s.load_zone, s.capacity_zone, s.utility, s.block_type,
                s.cost_group, s.cost_component, s.sub_component, s.unit, s.customer_type,
                s.utility_name, s.load_profile, s.matching_id, s.lookup_id, s.term, s.beginning_date
         from curve c join series s on s.id = c.series_id
         where c.dataset_id = $1 and c.version_id = $2
         order by c.file_column, s.state, s.load_zone, s.utility, s.cost_component, s.id",
        dataset.id(),
        version
    )
    .fetch_all(connection)
    .await?;
    let header = |key, id| SeriesHeader { id, key };
    Ok(rows.into_iter().map(|row| header(series_key!(row), row.id)).collect())
}

/// Every series of a dataset at a place, that is with these first five labels: what any version may
/// compute a price of the place from.
pub async fn series_at(
    connection: &mut PgConnection,
    dataset: Dataset,
    [control_area, state, load_zone, capacity_zone, utility]: [&str; 5],
) -> sqlx::Result<Vec<SeriesHeader>> {
    let rows = sqlx::query!(
        "select id, control_area, state, load_zone, capacity_zone, utility, block_type, cost_group,
                cost_component, sub_component, unit, customer_type, utility_name, load_profile,
                matching_id, lookup_id, term, beginning_date
         from series
         where dataset_id = $1 and control_area = $2 and state = $3 and load_zone = $4
           and capacity_zone = $5 and utility = $6
         order by id",
        dataset.id(),
        control_area,
        state,
        load_zone,
        capacity_zone,
        utility
    )
    .fetch_all(connection)
    .await?;
    let header = |key, id| SeriesHeader { id, key };
    Ok(rows.into_iter().map(|row| header(series_key!(row), row.id)).collect())
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
}

/// The newest version of each operating day, and of each series only the months asked for.
/// Ascending by day; a day whose version lacks a series has no row for it.
pub async fn elements(
    connection: &mut PgConnection,
    dataset: Dataset,
    known_at: DateTime<Utc>,
    wanted: &Elements<'_>,
) -> sqlx::Result<Vec<DayElements>> {
    sqlx::query_file_as!(
        DayElements,
        "sql/queries/analysis_elements.sql",
        dataset.id(),
        known_at,
        wanted.cob,
        wanted.series,
        wanted.months.as_deref(),
        wanted.ahead,
        wanted.from,
        wanted.to,
        wanted.limit
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
