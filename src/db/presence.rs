//! Which versions hold which series, and where these have gaps: what a computation can tell before
//! a value is read.

use chrono::NaiveDate;
use futures::stream::BoxStream;
use sqlx::PgConnection;

use crate::domain::Dataset;

/// The series of a version.
#[derive(Debug, Clone)]
pub struct Presence {
    /// Row of `curve_version`.
    pub version_id: i64,
    /// Its contract months.
    pub months: Vec<NaiveDate>,
    /// Rows of `series`.
    pub series: Vec<i64>,
    /// Those of them that miss a value.
    pub gapped: Vec<i64>,
    /// For each of these one character per month, see [`crate::domain::Notation`].
    pub notations: Vec<String>,
}

/// Which series each of `versions`, all with months, holds; by curve timestamp.
pub fn presence<'a>(
    connection: &'a mut PgConnection,
    dataset: Dataset,
    versions: &'a [i64],
) -> BoxStream<'a, sqlx::Result<Presence>> {
    sqlx::query_file_as!(Presence, "sql/queries/presence.sql", dataset.id(), versions)
        .fetch(connection)
}
