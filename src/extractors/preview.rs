//! The first records of a download as texts, and one curve as numbers for a chart.

use std::io;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::{
    cell::{Cell, Sink},
    layout::{Layout as _, Wide},
    negotiate,
    query::Query,
    selection, stream,
    writers::csv,
};
use crate::{
    app::App,
    auth::Principal,
    db::{data, sight::Cells},
    domain::{Axis, Dataset, Place, SeriesKey},
    error::{Problem, Result},
};

/// Warnings beside a preview.
const WARNINGS: usize = 20;

/// The beginning of what a query gives, laid out wide.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The name of the whole answer.
    pub file: String,
    /// The cut-off.
    pub known_at: DateTime<Utc>,
    /// Curve types and ISOs in the answer; the preview shows the first.
    pub parts: usize,
    /// Versions of the first part.
    pub versions: usize,
    /// Series of the first part, shown or not.
    pub series: usize,
    /// Records of the first part, shown or not.
    pub months: u64,
    /// The header records: eight labels, the unit, the captions.
    pub header: Vec<Vec<String>>,
    /// The first records of data.
    pub rows: Vec<Vec<String>>,
    /// How many cells before the series.
    pub index_columns: usize,
    /// What the caller should know.
    pub warnings: Vec<selection::Warning>,
}

/// Runs `query` and reads its first version only; at most `rows` records and `series` columns of
/// it. The problems are those of the download.
pub async fn preview(
    app: &App,
    principal: &Principal,
    query: Query,
    rows: usize,
    series: usize,
) -> Result<Preview> {
    let format = negotiate::format(&query, &axum::http::HeaderMap::new())?;
    let chosen = selection::select(app, principal, query, format).await?;
    let (mut selection, mut snapshot) = chosen;
    let file = selection.file_name();
    let (parts, known_at) = (selection.parts.len(), selection.known_at);
    let Some(part) = selection.parts.first_mut() else {
        return Err(Problem::internal(&"a selection without a part"));
    };
    let total = part.series.len();
    part.series.truncate(series);
    let mut grid = stream::PartReader::new(&selection.query, part).grid(0, &mut snapshot).await?;
    snapshot.finish().await?;
    grid.axis = grid.axis.cut(0..rows.min(grid.axis.len()));
    let (layout, mut table) = (Wide(part), Table::default());
    let version = &part.versions[0];
    layout
        .header(&mut table)
        .and_then(|()| layout.version(version, &grid, &mut table))
        .map_err(|error| Problem::internal(&error))?;
    let (header, index) = layout.frozen();
    let rows = table.records.split_off(header as usize);
    Ok(Preview {
        file,
        known_at,
        parts,
        versions: part.versions.len(),
        series: total,
        months: part.places,
        header: table.records,
        rows,
        index_columns: index.into(),
        warnings: selection.warnings.shown(WARNINGS),
    })
}

/// Records as texts.
#[derive(Default)]
struct Table {
    records: Vec<Vec<String>>,
    record: Vec<String>,
}

impl Sink for Table {
    type Prepared = Vec<String>;

    fn prepare(&self, _first_column: usize, cells: &[Cell<'_>]) -> Vec<String> {
        cells.iter().map(text).collect()
    }

    fn put(&mut self, prepared: &Vec<String>) -> io::Result<()> {
        self.record.extend_from_slice(prepared);
        Ok(())
    }

    fn cell(&mut self, cell: Cell<'_>) -> io::Result<()> {
        self.record.push(text(&cell));
        Ok(())
    }

    fn end_record(&mut self) -> io::Result<()> {
        self.records.push(std::mem::take(&mut self.record));
        Ok(())
    }
}

fn text(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Text(text) => (*text).to_owned(),
        cell => {
            let mut bytes = Vec::new();
            csv::put_cell(&mut bytes, cell);
            String::from_utf8_lossy(&bytes).into_owned()
        }
    }
}

/// One series of one version, for a chart and its table.
#[derive(Debug, Clone)]
pub struct ChartSeries {
    /// Whose it is.
    pub dataset: Dataset,
    /// Its labels, verbatim.
    pub key: SeriesKey,
    /// The version.
    pub version_id: i64,
    /// When the curve was published.
    pub curve_timestamp: DateTime<Utc>,
    /// The day it belongs to.
    pub operating_day: NaiveDate,
    /// Whether it closed the day.
    pub cob: bool,
    /// What the values stand for.
    pub axis: Axis,
    /// As many as places, exact; none where the file had none.
    pub values: Vec<Option<Decimal>>,
    cells: Cells,
}

/// Reads one series of one version; `None` where the version has it not. One statement.
pub async fn chart_series(
    app: &App,
    principal: &Principal,
    series_id: i64,
    version_id: i64,
) -> Result<Option<ChartSeries>> {
    let viewer = app.viewer(principal);
    let curve = data::curve_of(&app.pool, viewer, series_id, version_id).await?;
    Ok(curve.and_then(ChartSeries::new))
}

/// Which curve [`curve_as_of`] reads.
#[derive(Debug, Clone, Copy)]
pub struct CurveAsOf {
    /// Row of `series`.
    pub series_id: i64,
    /// Of this day; without it the newest day.
    pub operating_day: Option<NaiveDate>,
    /// The cut-off; without it now.
    pub as_of: Option<DateTime<Utc>>,
}

/// Reads one series of the newest version that was known at an instant, with the cut-off really
/// used.
pub async fn curve_as_of(
    app: &App,
    principal: &Principal,
    wanted: CurveAsOf,
) -> Result<(Option<ChartSeries>, DateTime<Utc>)> {
    // A series that is not there and one that may not be seen are the same.
    let found = data::dataset_of_series(&app.pool, wanted.series_id).await?;
    let Some(dataset) = found else { return Ok((None, app.clock.now())) };
    let mut snapshot = app.snapshot(principal, &[dataset], wanted.as_of).await?;
    let known_at = snapshot.view.known_at;
    let (connection, view) = snapshot.parts();
    let day = wanted.operating_day;
    let curve = data::curve_as_of(connection, view, dataset, wanted.series_id, day).await?;
    snapshot.finish().await?;
    Ok((curve.and_then(ChartSeries::new), known_at))
}

impl ChartSeries {
    /// The places that the caller may see, and their values.
    pub fn points(&self) -> impl Iterator<Item = (Place<'_>, Option<Decimal>)> {
        let points = self.axis.places().zip(self.values.iter().copied());
        points.filter(|(place, _)| self.cells.shows(*place))
    }

    /// `None` where no place of it is visible.
    fn new(curve: data::Curve) -> Option<Self> {
        if !curve.axis.places().any(|place| curve.cells.shows(place)) {
            return None;
        }
        Some(Self {
            dataset: Dataset::from_id(curve.dataset_id)?,
            key: curve.key,
            version_id: curve.version_id,
            curve_timestamp: curve.curve_timestamp,
            operating_day: curve.operating_day,
            cob: curve.cob,
            axis: curve.axis,
            values: curve.values.0,
            cells: curve.cells,
        })
    }
}
