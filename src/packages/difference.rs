//! What only one of two packages shows.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::overview::{Look, When};
use crate::{
    app::App,
    auth::Principal,
    db::packages::{self as store, Seen},
    domain::Source,
    error::{Problem, Result},
};

/// Series that are named of each dataset and side at the most.
const NAMED: usize = 20;

/// What only one of two packages shows, dataset by dataset.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "known_at": "2026-11-20T15:00:00Z", "at": "2026-11-20T15:00:00Z",
    "datasets": [{
        "curve": "energy", "iso": "ercot",
        "only_a": {
            "dataset": false, "series": 1, "series_names": ["NORTH ZONE 5x16"], "versions": 0,
            "operating_days": 0, "months": ["2027-02-01"], "cells": 12
        },
        "only_b": {
            "dataset": false, "series": 0, "series_names": ["WEST ZONE 7x8"], "versions": 2,
            "operating_days": 1, "months": ["2026-11-01"], "cells": 3
        }
    }]
}))]
pub struct Difference {
    /// The cut-off.
    pub known_at: DateTime<Utc>,
    /// The clock on the wall.
    pub at: DateTime<Utc>,
    /// Datasets in which they differ.
    pub datasets: Vec<DifferentDataset>,
}

/// What only one of two packages shows of a dataset.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DifferentDataset {
    /// Curve type.
    pub curve: &'static str,
    /// ISO.
    pub iso: &'static str,
    /// Shown by the first package alone.
    pub only_a: Part,
    /// Shown by the second package alone.
    pub only_b: Part,
}

/// What one package shows and the other does not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Part {
    /// Whether the other shows nothing of the dataset.
    pub dataset: bool,
    /// Series of which the other has no cell.
    pub series: usize,
    /// The first 20 of them.
    pub series_names: Vec<String>,
    /// Versions of which the other has no cell.
    pub versions: usize,
    /// Operating days of which the other has no cell.
    pub operating_days: usize,
    /// Contract months of which the other has no cell.
    pub months: Vec<NaiveDate>,
    /// Cells that the other does not show. There may be some where nothing else differs: of one
    /// series the one package may show these months, the other those.
    pub cells: i64,
}

/// Compares the grants of two packages (rows of `package_grant`, in an array).
pub async fn difference(
    app: &App,
    principal: &Principal,
    [a, b]: [&Value; 2],
    when: When,
) -> Result<Difference> {
    let mut look = Look::begin(app, principal, when).await?;
    let (a, b) = (look.resolve(a).await?, look.resolve(b).await?);
    // A cell that either shows is shown by both together: what the other lacks is what is left.
    let together = [&a, &b].into_iter().filter_map(Value::as_array).flatten().cloned().collect();
    let [a, b, together] = [
        by_source(look.seen(&a).await?),
        by_source(look.seen(&b).await?),
        by_source(look.seen(&together).await?),
    ];
    let mut datasets = Vec::new();
    for source in Source::all() {
        let id = source.id();
        let cells = together.get(&id).map_or(0, |seen| seen.cells);
        let (a, b) = (a.get(&id), b.get(&id));
        let [only_a, only_b] =
            [part(&mut look, a, b, cells).await?, part(&mut look, b, a, cells).await?];
        if only_a != Part::default() || only_b != Part::default() {
            let (curve, iso) = (source.curve(), source.iso().as_str());
            datasets.push(DifferentDataset { curve, iso, only_a, only_b });
        }
    }
    let (known_at, at) = (look.snapshot.view.known_at, look.at);
    look.snapshot.finish().await?;
    Ok(Difference { known_at, at, datasets })
}

fn by_source(seen: Vec<Seen>) -> HashMap<i16, Seen> {
    seen.into_iter().map(|one| (one.source_id, one)).collect()
}

/// What `one` shows and `other` does not, where both together show `cells`.
async fn part(
    look: &mut Look,
    one: Option<&Seen>,
    other: Option<&Seen>,
    cells: i64,
) -> Result<Part, Problem> {
    let Some(one) = one else { return Ok(Part::default()) };
    let none = Seen {
        source_id: one.source_id,
        cells: 0,
        versions: Vec::new(),
        days: Vec::new(),
        series: Vec::new(),
        months: Vec::new(),
        derived: false,
    };
    let than = other.unwrap_or(&none);
    let series = without(&one.series, &than.series);
    Ok(Part {
        dataset: other.is_none(),
        series_names: names(look, &series[..series.len().min(NAMED)]).await?,
        series: series.len(),
        versions: without(&one.versions, &than.versions).len(),
        operating_days: without(&one.days, &than.days).len(),
        months: without(&one.months, &than.months),
        cells: cells - than.cells,
    })
}

async fn names(look: &mut Look, series: &[i64]) -> sqlx::Result<Vec<String>> {
    if series.is_empty() {
        return Ok(Vec::new());
    }
    let names = store::names_of(look.snapshot.connection(), series).await?;
    let mut names: Vec<String> = names.into_iter().map(|(_, labels)| labels.to_string()).collect();
    names.sort_unstable();
    Ok(names)
}

/// The items of `one` that `other` has not; both ascend.
fn without<T: Ord + Copy>(one: &[T], other: &[T]) -> Vec<T> {
    one.iter().copied().filter(|item| other.binary_search(item).is_err()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_keeps_its_order() {
        assert_eq!(without(&[1, 2, 4, 7], &[2, 3, 7]), [1, 4]);
        assert_eq!(without(&[1, 2], &[]), [1, 2]);
    }
}
