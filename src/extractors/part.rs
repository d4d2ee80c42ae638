//! One combination of an answer: its versions and series, as far as the caller may see them, decided
//! before the first byte.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    headroom,
    printed::PrintedSeries,
    query::Query,
    standardise::{self, Look, Recipe, Wish},
    warnings::{self, Warning, Warnings},
    words::{Block, Combination, Curve, Format, Mode, Selector},
};
use crate::{
    db::{
        data::{self, SeriesHeader, VersionHeader},
        sight::{Cells, Sight},
        snapshot::Snapshot,
    },
    domain::{Axis, Code, ContractMonth, Dataset, Family, Source, headroom::measures},
    error::Result,
};

/// One non-empty combination of the answer.
#[derive(Debug)]
pub struct Part {
    /// What it is.
    pub combination: Combination,
    /// Where it is kept.
    pub source: Source,
    /// By curve timestamp.
    pub versions: Vec<VersionHeader>,
    /// In the order of the columns.
    pub series: Vec<PrintedSeries>,
    /// Records of the wide layout: places of the axes of all versions.
    pub places: u64,
    /// Records of the long layout, where they are known before the points are read.
    pub values: Option<u64>,
    /// What the caller may see of it.
    pub sight: Sight,
    /// Whether that is not all of it: cells are looked at one by one then.
    pub masked: bool,
}

/// The headers of one file; none where nothing is left of the versions.
pub(super) async fn part(
    snapshot: &mut Snapshot,
    (combination, source): (Combination, Source),
    query: &Query,
    versions: Vec<VersionHeader>,
    warnings: &mut Warnings,
) -> Result<Option<Part>> {
    if versions.is_empty() {
        return Ok(None);
    }
    let wish = query.wish(combination.curve);
    let ids: Vec<i64> = versions.iter().map(|version| version.id).collect();
    let series = match source {
        Source::Stored(dataset) => {
            let (connection, view) = snapshot.parts();
            let found = data::series_of(connection, view, dataset, &ids).await?;
            output(dataset, &wish, combination.curve, found, warnings)
        }
        Source::Headroom(iso) => headroom::series(snapshot, iso, &wish, &ids, warnings).await?,
    };
    let sight = snapshot.view.sight.clone();
    let (places, values, masked) = (0, None, false);
    let mut part = Part { combination, source, versions, series, places, values, sight, masked };
    part.masked = !part.sight.shows_every_series(source) || !part.is_whole();
    part.keep_visible(snapshot, query).await?;
    if part.versions.is_empty() || part.series.is_empty() {
        return Ok(None);
    }
    if let Source::Stored(dataset) = source {
        part.settle(snapshot, dataset, query, warnings).await?;
    }
    Ok(Some(part).filter(|part| !part.series.is_empty()))
}

impl Part {
    /// The cells of a series in a version that the caller may see.
    #[must_use]
    pub fn cells(&self, version: &VersionHeader, series: &PrintedSeries) -> Cells {
        self.sight.cells(&version.admitted, &series.admitted)
    }

    /// Whether every cell of its series is visible.
    fn is_whole(&self) -> bool {
        self.versions.iter().all(|version| {
            self.series.iter().all(|series| self.cells(version, series) == Cells::All)
        })
    }

    /// Drops versions and series without a visible cell among those asked for, and counts the places
    /// that are left.
    async fn keep_visible(&mut self, snapshot: &mut Snapshot, query: &Query) -> Result<()> {
        if self.masked {
            let held = self.held(snapshot).await?;
            let mut used = vec![false; self.series.len()];
            for (index, held) in held.iter().enumerate() {
                let axis = self.days_or_axis(snapshot, index).await?;
                let rows = query.rows(self.combination.curve, &axis);
                let version = &self.versions[index];
                let columns: Vec<(usize, Cells)> =
                    held.iter().map(|&n| (n, self.cells(version, &self.series[n]))).collect();
                let mut places = 0;
                for row in rows {
                    let place = axis.place(row);
                    let shown = columns.iter().filter(|(_, cells)| cells.shows(place));
                    let before = places;
                    shown.for_each(|(n, _)| (used[*n], places) = (true, before + 1));
                }
                self.versions[index].places = places;
            }
            let mut used = used.into_iter();
            self.series.retain(|_| used.next().unwrap_or_default());
            self.versions.retain(|version| version.places > 0);
        }
        let places = self.versions.iter().map(|v| u64::from(v.places.unsigned_abs()));
        self.places = places.sum();
        Ok(())
    }

    /// For each version which of the series it has, by their places.
    async fn held(&self, snapshot: &mut Snapshot) -> Result<Vec<Vec<usize>>> {
        if self.versions.len() == 1 {
            // It is the one that the series were taken from.
            return Ok(vec![(0..self.series.len()).collect()]);
        }
        let versions: Vec<i64> = self.versions.iter().map(|version| version.id).collect();
        let sources: Vec<i64> = self.series.iter().flat_map(PrintedSeries::sources).collect();
        let held = data::held(snapshot.connection(), self.source, &versions, &sources).await?;
        let held: HashMap<i64, HashSet<i64>> = held
            .into_iter()
            .map(|(version, series)| (version, series.into_iter().collect()))
            .collect();
        let of = |version: &i64| {
            let Some(held) = held.get(version) else { return Vec::new() };
            let has = |series: &PrintedSeries| match &series.recipe {
                Recipe::Stored => held.contains(&series.id),
                Recipe::Computed(computed) => {
                    computed.attendance(|id| held.contains(&id)).is_some()
                }
            };
            let places = self.series.iter().enumerate().filter(|(_, series)| has(series));
            places.map(|(place, _)| place).collect()
        };
        Ok(versions.iter().map(of).collect())
    }

    /// How many cells of the series `held` by a version are visible and asked for; with `whole`, how
    /// many series have such.
    pub async fn visible_cells(
        &self,
        snapshot: &mut Snapshot,
        query: &Query,
        index: usize,
        held: &[i64],
        whole: bool,
    ) -> Result<u64> {
        let axis = self.days_or_axis(snapshot, index).await?;
        let rows = query.rows(self.combination.curve, &axis);
        let series = self.series.iter().filter(|series| held.contains(&series.id));
        let counts = series.map(|series| {
            let cells = self.cells(&self.versions[index], series);
            rows.clone().filter(|row| cells.shows(axis.place(*row))).count() as u64
        });
        Ok(counts.map(|count| if whole { count.min(1) } else { count }).sum())
    }

    /// The axis of a version as far as windows need it: the days alone where it has days.
    async fn days_or_axis(&self, snapshot: &mut Snapshot, index: usize) -> Result<Axis> {
        let version = &self.versions[index];
        match (&version.days, self.source) {
            (_, Source::Headroom(_)) => Ok(Axis::Components(measures())),
            (Some(days), Source::Stored(dataset)) if dataset.family == Family::Shaping => {
                Ok(Axis::Hours(days.iter().map(|day| (*day, 0)).collect()))
            }
            (Some(days), _) => {
                Ok(Axis::Months(days.iter().map(|day| ContractMonth::containing(*day)).collect()))
            }
            _ => Ok(data::axis(snapshot.connection(), version.id).await?),
        }
    }

    /// Puts the series of stored versions in the order of the columns, and counts the values where
    /// something is computed.
    async fn settle(
        &mut self,
        snapshot: &mut Snapshot,
        dataset: Dataset,
        query: &Query,
        warnings: &mut Warnings,
    ) -> Result<()> {
        let ids: Vec<i64> = self.versions.iter().map(|version| version.id).collect();
        if dataset.family == Family::Matrix {
            warn_of_totals(snapshot, self, &ids, warnings).await?;
        }
        self.series.sort_by(|a, b| a.order(b, dataset.family).then(a.id.cmp(&b.id)));
        break_ties(snapshot, dataset, &ids, &mut self.series).await?;
        self.scan(snapshot, dataset, query, warnings).await
    }

    /// Looks ahead where something is computed: warns of empty cells, drops columns that no version
    /// has, and counts the values.
    async fn scan(
        &mut self,
        snapshot: &mut Snapshot,
        dataset: Dataset,
        query: &Query,
        warnings: &mut Warnings,
    ) -> Result<()> {
        if self.series.iter().all(|series| series.recipe == Recipe::Stored) {
            return Ok(());
        }
        let (start, end) = (query.start, query.end);
        let is_wanted = move |month: NaiveDate| {
            start.is_none_or(|start| start <= month) && end.is_none_or(|end| month <= end)
        };
        let cells =
            |index: usize, series: &PrintedSeries| self.cells(&self.versions[index], series);
        let look = Look { is_wanted, cells: self.masked.then_some(cells) };
        let ids: Vec<i64> = self.versions.iter().map(|version| version.id).collect();
        let connection = snapshot.connection();
        let scanned =
            standardise::scan(connection, dataset, &ids, &self.series, look, warnings).await?;
        let mut used = scanned.used.into_iter();
        self.series.retain(|_| used.next().unwrap_or_default());
        self.values = Some(scanned.values);
        Ok(())
    }
}

/// Passes on what was found wrong with the totals of a matrix when it was stored.
async fn warn_of_totals(
    snapshot: &mut Snapshot,
    part: &Part,
    versions: &[i64],
    warnings: &mut Warnings,
) -> Result<()> {
    let code = Code::TotalMismatch.as_str();
    // A warning names its offer by a text: who may not see every offer is not told of any.
    if part.masked {
        return Ok(());
    }
    for found in data::accepted_warnings(snapshot.connection(), versions, code).await? {
        warnings.add(|| Warning {
            code,
            detail: found.message,
            place: Some(warnings::Place {
                series: found.label.unwrap_or_default(),
                version_id: Some(found.version_id.to_string()),
                contract_month: None,
                blocks: Vec::new(),
            }),
        });
    }
    Ok(())
}

/// The output series of stored ones.
fn output(
    dataset: Dataset,
    wish: &Wish,
    curve: Curve,
    found: Vec<SeriesHeader>,
    warnings: &mut Warnings,
) -> Vec<PrintedSeries> {
    if curve.has_modes() {
        let plan = standardise::plan(dataset, wish, &found);
        plan.warnings.into_iter().for_each(|warning| warnings.add(|| warning));
        return plan.series;
    }
    let visible = found.into_iter().filter(|header| !header.admitted.is_empty());
    let native = |header| PrintedSeries::native(dataset.family, header);
    visible.map(native).filter(|series| wish.lists(&series.labels[5])).collect()
}

/// Columns that print alike stay in the order of the source file.
async fn break_ties(
    snapshot: &mut Snapshot,
    dataset: Dataset,
    versions: &[i64],
    series: &mut [PrintedSeries],
) -> Result<()> {
    let tied: Vec<i64> = series
        .chunk_by(|a, b| a.order(b, dataset.family).is_eq())
        .filter(|equal| equal.len() > 1)
        .flat_map(|equal| equal.iter().map(|series| series.id))
        .collect();
    if tied.is_empty() {
        return Ok(());
    }
    let places = data::file_columns(snapshot.connection(), dataset, versions, &tied).await?;
    let place = |id| places.iter().find(|(series, _)| *series == id).map(|(_, column)| *column);
    series.sort_by(|a, b| a.order(b, dataset.family).then_with(|| place(a.id).cmp(&place(b.id))));
    Ok(())
}

impl Part {
    /// `energy_ercot_7x24_5x16_2031-03-04.csv`: built of checked words only. `several` files of one
    /// combination are told apart by their version.
    #[must_use]
    pub fn file_name(&self, query: &Query, format: Format, several: bool) -> String {
        let Combination { curve, iso } = self.combination;
        let mut name = format!("{curve}_{iso}");
        if curve.has_strips() {
            name = format!("{name}_{}", what(query, curve));
        }
        let days = self.versions.iter().map(|version| version.operating_day);
        let (first, last) = match query.days {
            Some(days) => days,
            None => (days.clone().min().unwrap_or_default(), days.max().unwrap_or_default()),
        };
        name = format!("{name}_{first}");
        if first != last {
            name = format!("{name}_{last}");
        }
        let all = if query.selector() == Selector::All { "_all" } else { "" };
        let id = match &*self.versions {
            [version] if several => format!("_{}", version.id),
            _ => String::new(),
        };
        format!("{name}{all}{id}.{format}")
    }

    /// The newest version: internal dates of archives and workbooks.
    #[must_use]
    pub fn newest(&self) -> DateTime<Utc> {
        self.versions.iter().map(|version| version.curve_timestamp).max().unwrap_or_default()
    }
}

fn what(query: &Query, curve: Curve) -> String {
    match query.mode {
        Some(mode) if curve.has_modes() => mode.to_string(),
        None if query.strips.is_empty() && curve.has_modes() => Mode::Standardized.to_string(),
        _ if query.strips.is_empty() => Block::All.to_string(),
        _ => {
            let strips: Vec<&str> = query.strips.iter().map(|strip| strip.as_str()).collect();
            strips.join("_")
        }
    }
}
