//! Which versions hold which series, and where these have gaps: what a computation can tell before
//! a value is read.

use chrono::NaiveDate;
use futures::stream::BoxStream;
use sqlx::PgConnection;

use crate::domain::Dataset;

/// The series of a version, out of those asked for.
#[derive(Debug, Clone)]
pub struct Presence {
    /// Row of `curve_version`.
    pub version_id: i64,
    /// Its contract months.
    pub months: Vec<NaiveDate>,
    /// Rows of `series`.
    pub series: Vec<i64>,
    /// For each of them one character per month, see [`crate::domain::Notation`]; none where no
    /// value is missing.
    pub notations: Vec<Option<String>>,
}

/// Which of `series` each of `versions` holds, by curve timestamp; versions with none are left out.
pub fn presence<'a>(
    connection: &'a mut PgConnection,
    dataset: Dataset,
    versions: &'a [i64],
    series: &'a [i64],
) -> BoxStream<'a, sqlx::Result<Presence>> {
    sqlx::query_as!(
        Presence,
        r#"select v.id as version_id, v.months as "months!", array_agg(c.series_id) as "series!",
                  array_agg(case when c.notation ~ '[eb#]' then c.notation end)
                      as "notations!: Vec<Option<String>>"
           from curve_version v
           join curve c on c.dataset_id = v.dataset_id and c.version_id = v.id
           where c.dataset_id = $1 and c.version_id = any($2) and c.series_id = any($3)
           group by v.id order by v.curve_timestamp, v.id"#,
        dataset.id(),
        versions,
        series
    )
    .fetch(connection)
}
