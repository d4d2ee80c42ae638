//! What changed between two versions of a dataset, cell by cell.
//!
//! Both versions are read as a download reads them, so that the diff of standardized prices is that
//! of what downloads print. A row is a series at a place of the axis; it is in a version where the
//! version has both. Two grids are in memory at the most.

mod change;
#[cfg(test)]
mod tests;
mod write;

use std::{cmp::Ordering, collections::HashMap};

use axum::body::Body;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::{Decimal, RoundingStrategy};

pub use self::change::{Change, Status, Summary};
use super::{
    layout::{Grid, GridColumn},
    number::FIVE,
    printed::PrintedSeries,
    query::Query,
    selection::{self, Selection},
    stream::{self, PartReader},
    turns::Turn,
    words::{Combination, Format},
};
use crate::{
    app::App,
    audit::download::Download,
    auth::Principal,
    db::{data::VersionHeader, snapshot::Snapshot},
    domain::{ContractMonth, Place},
    error::{Problem, Result},
};

/// Two versions, read whole.
#[derive(Debug)]
pub struct Comparison {
    /// What they are of.
    pub combination: Combination,
    /// The cut-off that they were read at.
    pub known_at: DateTime<Utc>,
    /// Given parameters without effect.
    pub not_applied: Vec<&'static str>,
    disclaimer: Option<String>,
    from: Side,
    to: Side,
    /// First and last contract month.
    months: (Option<NaiveDate>, Option<NaiveDate>),
}

/// One of the two.
#[derive(Debug)]
struct Side {
    version: VersionHeader,
    /// Which part of the selection it is; both have the same series there, in the same places.
    part: usize,
    series: Vec<PrintedSeries>,
    grid: Grid,
}

/// Reads the versions `from` and `to` of the one dataset of `query`, whose other parameters say
/// which of their cells, and in which units. 404 where the query lets nothing of them through.
pub async fn read(
    app: &App,
    principal: &Principal,
    mut query: Query,
    (from, to): (i64, i64),
) -> Result<Comparison> {
    // Cut here and not before: a version without a month in the window is compared all the same.
    let months = (query.start.take(), query.end.take());
    let windowed = query.curve.has_months();
    query.version_ids = vec![from.min(to), from.max(to)];
    query.version_ids.dedup();
    let (selection, mut snapshot) =
        selection::select(app, principal, query, Format::Ndjson).await?;
    let from = side(&selection, from, &mut snapshot).await?;
    let to = side(&selection, to, &mut snapshot).await?;
    snapshot.finish().await?;
    let mut not_applied = selection.not_applied;
    let unused = [("start", months.0), ("end", months.1)];
    let unused = unused.into_iter().filter(|(_, day)| day.is_some() && !windowed);
    not_applied.extend(unused.map(|(name, _)| name));
    Ok(Comparison {
        combination: selection.parts[from.part].combination,
        known_at: selection.known_at,
        not_applied,
        disclaimer: selection.disclaimer,
        from,
        to,
        months: if windowed { months } else { (None, None) },
    })
}

async fn side(selection: &Selection, id: i64, snapshot: &mut Snapshot) -> Result<Side> {
    let places = selection.parts.iter().enumerate().find_map(|(place, part)| {
        let index = part.versions.iter().position(|version| version.id == id)?;
        Some((place, part, index))
    });
    let (place, part, index) = places
        .ok_or_else(|| Problem::not_found(format!("nothing of version {id} is asked for")))?;
    let grid = PartReader::new(&selection.query, part).grid(index, snapshot).await?;
    let (version, series) = (part.versions[index].clone(), part.series.clone());
    Ok(Side { version, part: place, series, grid })
}

/// A series with its columns in both versions.
#[derive(Debug, Clone, Copy)]
struct Pair<'a> {
    series: &'a PrintedSeries,
    from: Option<&'a GridColumn>,
    to: Option<&'a GridColumn>,
}

/// A place with its rows in both grids.
#[derive(Debug, Clone, Copy)]
struct Level<'a> {
    place: Place<'a>,
    from: Option<usize>,
    to: Option<usize>,
}

impl Comparison {
    /// The ids of the versions, the earlier first.
    #[must_use]
    pub const fn version_ids(&self) -> [i64; 2] {
        [self.from.version.id, self.to.version.id]
    }

    /// The answer: a body that holds both versions until its end.
    pub fn body(
        self,
        format: Format,
        only: Option<Status>,
        (turn, download): (Turn, Download),
    ) -> Body {
        stream::written(turn, download, move |out| write::write(&self, format, only, out))
    }

    /// The series of both versions in the order of columns.
    fn pairs(&self) -> Vec<Pair<'_>> {
        let (from, to) = (self.from.columns(), self.to.columns());
        if self.from.part == self.to.part {
            let both = from.zip(to);
            let pairs = both.map(|((series, from), (_, to))| Pair { series, from, to });
            return pairs.collect();
        }
        let mut pairs: HashMap<i64, Pair<'_>> =
            from.map(|(series, from)| (series.id, Pair { series, from, to: None })).collect();
        for (series, column) in to {
            pairs.entry(series.id).or_insert(Pair { series, from: None, to: None }).to = column;
        }
        let mut pairs: Vec<_> = pairs.into_values().collect();
        pairs.sort_by(|a, b| self.column_order(a.series, b.series));
        pairs
    }

    fn column_order(&self, a: &PrintedSeries, b: &PrintedSeries) -> Ordering {
        let family = self.combination.dataset().map(|dataset| dataset.family);
        let printed = family.map_or(Ordering::Equal, |family| a.order(b, family));
        printed.then(a.id.cmp(&b.id))
    }

    /// The places of both axes that were asked for, ascending.
    fn levels(&self) -> Vec<Level<'_>> {
        let (from, to) = (&self.from.grid.axis, &self.to.grid.axis);
        let mut levels: HashMap<Place<'_>, Level<'_>> = from
            .places()
            .enumerate()
            .map(|(row, place)| (place, Level { place, from: Some(row), to: None }))
            .collect();
        for (row, place) in to.places().enumerate() {
            levels.entry(place).or_insert(Level { place, from: None, to: None }).to = Some(row);
        }
        let mut levels: Vec<_> = levels.into_values().collect();
        levels.retain(|level| self.is_wanted(level.place));
        levels.sort_unstable_by_key(|level| level.place);
        levels
    }

    fn is_wanted(&self, place: Place<'_>) -> bool {
        let month = match place {
            Place::Month(month) => month,
            Place::Hour(day, _) => ContractMonth::containing(day),
            _ => return true,
        };
        let (start, end) = self.months;
        let day = month.first_day();
        start.is_none_or(|start| start <= day) && end.is_none_or(|end| day <= end)
    }
}

impl Side {
    fn columns(&self) -> impl Iterator<Item = (&PrintedSeries, Option<&GridColumn>)> {
        self.series.iter().zip(self.grid.columns.iter().map(Option::as_ref))
    }
}

/// A series at a place, and what became of it.
#[derive(Debug, Clone, Copy)]
struct Row<'a> {
    pair: Pair<'a>,
    /// The later of the columns that there are.
    column: &'a GridColumn,
    place: Place<'a>,
    change: Change,
}

impl<'a> Row<'a> {
    /// `None` where neither version has it.
    fn of(pair: Pair<'a>, level: Level<'a>) -> Option<Self> {
        let cell = |column: Option<&GridColumn>, row: Option<usize>| {
            let (column, row) = (column?, row?);
            column.has(row).then(|| printed(column, row))
        };
        let change = Change::of(cell(pair.from, level.from), cell(pair.to, level.to))?;
        Some(Self { pair, column: pair.to.or(pair.from)?, place: level.place, change })
    }
}

/// The value as a download prints it.
fn printed(column: &GridColumn, row: usize) -> Option<Decimal> {
    let value = column.value(row)?;
    let rounded = || value.round_dp_with_strategy(FIVE, RoundingStrategy::MidpointAwayFromZero);
    Some(if column.computed { rounded() } else { value })
}
