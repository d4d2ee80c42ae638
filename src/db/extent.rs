//! How much of a version a caller may see. Counts tell as much as names do: those of a version's header
//! are for who sees all of it.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::Deserialize;
use sqlx::{PgConnection, types::Json};

use super::{
    axis::axis_columns,
    sight::{Admitted, Cells},
    snapshot::View,
};
use crate::domain::{Axis, ContractMonth, Dataset, Place};

/// What a caller may see of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// Places of its axis.
    pub places: i32,
    /// Series.
    pub series: i32,
    /// Cells, missing ones included.
    pub points: i32,
    /// First and last contract month, where the axis has months.
    pub months: Option<(NaiveDate, NaiveDate)>,
}

/// The extents of versions of a dataset; of none where the caller may see all of each, as their headers
/// tell it.
pub async fn of_versions(
    connection: &mut PgConnection,
    view: &View,
    dataset: Dataset,
    versions: &[i64],
) -> sqlx::Result<HashMap<i64, Extent>> {
    let sight = &view.sight;
    if sight.shows_every_series(dataset) && !sight.has_windows(dataset) {
        return Ok(HashMap::new());
    }
    let rows =
        sqlx::query_file!("sql/queries/version_extents.sql", dataset.id(), versions, sight.rows())
            .fetch_all(connection)
            .await?;
    let extents = rows.into_iter().map(|row| {
        let sets = row.sets.0.iter();
        let columns: Vec<(Cells, i32)> = sets
            .map(|set| (sight.cells(&row.admitted, &set.admitted), set.series))
            .filter(|(cells, _)| !cells.is_none())
            .collect();
        (row.id, Extent::of(&axis_columns!(row).into_axis(), &columns))
    });
    Ok(extents.collect())
}

/// Series that the same grants show.
#[derive(Debug, Clone, Deserialize)]
struct Alike {
    admitted: Admitted,
    series: i32,
}

impl Extent {
    /// Of an axis, and of columns with their cells and how many there are of the kind.
    fn of(axis: &Axis, columns: &[(Cells, i32)]) -> Self {
        let mut extent = Self::default();
        let mut shown = vec![false; columns.len()];
        for place in axis.places() {
            let mut series = 0;
            for ((cells, count), shown) in columns.iter().zip(&mut shown) {
                if cells.shows(place) {
                    *shown = true;
                    series += count;
                }
            }
            if series > 0 {
                extent.places += 1;
                extent.points = extent.points.saturating_add(series);
                extent.cover(place);
            }
        }
        let counts = columns.iter().zip(&shown).filter(|(_, shown)| **shown);
        extent.series = counts.map(|((_, count), _)| count).sum();
        extent
    }

    fn cover(&mut self, place: Place<'_>) {
        let month = match place {
            Place::Month(month) => month,
            Place::Hour(day, _) => ContractMonth::containing(day),
            _ => return,
        };
        let day = month.first_day();
        let (first, last) = self.months.unwrap_or((day, day));
        self.months = Some((first.min(day), last.max(day)));
    }
}
