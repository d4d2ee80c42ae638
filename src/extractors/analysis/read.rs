//! From wishes to prices, in one snapshot.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::{
    block::{self, Block},
    hours::Hours,
    line::Line,
    settle::{Bound, bound, choose_line, no_version, settle},
    warn,
    wish::{VersionWish, Wish},
};
use crate::{
    db::{
        analysis::{self, Version, Which},
        data,
        pages::{OperatingDay, VersionChoice},
        snapshot::{Snapshot, View},
    },
    domain::{Calendar, ContractMonth, Dataset, Iso},
    error::{Problem, Result},
};

/// Days that a picker can offer.
const DAYS: i64 = 750;

/// A wish, as far as it could be met.
#[derive(Debug, Clone)]
pub struct Series {
    /// As it was asked for.
    pub wish: Wish,
    /// Whose it is.
    pub dataset: Dataset,
    /// The cut-off in force.
    pub known_at: DateTime<Utc>,
    /// The version selector in force.
    pub selector: VersionWish,
    /// How its months' hours are counted.
    pub hours: Hours,
    /// First and last contract month in force.
    pub bounds: (Option<ContractMonth>, Option<ContractMonth>),
    /// The dataset's days, newest first.
    pub days: Arc<Vec<OperatingDay>>,
    /// The versions of its day, newest first.
    pub versions: Vec<VersionChoice>,
    /// The version that is shown.
    pub version: Option<Version>,
    /// What the version has to choose from.
    pub lines: Arc<Vec<Line>>,
    /// The zone or component that is shown.
    pub line: Option<Line>,
    /// The block that is shown.
    pub block: Option<Block>,
    /// Contract months by their first days, and their prices.
    pub points: BTreeMap<NaiveDate, Option<Decimal>>,
    /// The visible contract months of the version, asked for or not.
    pub all_months: Vec<NaiveDate>,
    /// What is not there, for a person.
    pub trouble: Option<String>,
    /// What is odd about what is there: why prices are missing, names and units that disagree.
    pub warnings: Vec<String>,
}

impl Series {
    /// `ERCOT energy`.
    #[must_use]
    pub fn dataset_name(&self) -> String {
        dataset_name(self.dataset)
    }

    /// `ERCOT NORTH ZONE`, with the block where it is not every hour.
    #[must_use]
    pub fn name(&self) -> String {
        let zone = self.line.as_ref().map(|line| &*line.name).or(self.wish.zone.as_deref());
        let block = match &self.block {
            Some(block) if !block.is_all_hours() => format!(" {}", block.name),
            _ => String::new(),
        };
        format!("{} {}{block}", upper(self.dataset.iso), zone.unwrap_or("?"))
    }

    /// `ERCOT NORTH ZONE: 2023-05-22 08:25:40 ID` or `ERCOT NORTH ZONE: 2023-05-22 COB`; times on
    /// the clock of `zone`.
    #[must_use]
    pub fn label(&self, zone: Tz) -> String {
        match &self.version {
            Some(version) => format!("{}: {}", self.name(), version_name(version, zone)),
            None => format!("{}: none", self.name()),
        }
    }

    /// The unit of its prices.
    #[must_use]
    pub fn unit(&self) -> &str {
        self.block.as_ref().map_or("", Block::unit)
    }
}

/// A version as labels tell it: when for intraday, the day for close of business.
#[must_use]
pub fn version_name(version: &Version, zone: Tz) -> String {
    if version.cob {
        return format!("{} COB", version.operating_day);
    }
    let at = version.curve_timestamp.with_timezone(&zone);
    format!("{} ID", at.format("%Y-%m-%d %H:%M:%S"))
}

fn upper(iso: Iso) -> String {
    iso.as_str().to_uppercase()
}

/// `ERCOT energy`.
#[must_use]
pub fn dataset_name(dataset: Dataset) -> String {
    format!("{} {}", upper(dataset.iso), dataset.family)
}

/// Meets the wishes in their order; what the first one has stands for what the others leave out.
/// Hours are counted by `calendar`. 400 `bad_parameter` for a cut-off in the future.
pub async fn read(
    snapshot: &mut Snapshot,
    wishes: &[Wish],
    calendar: Calendar,
) -> Result<Vec<Series>> {
    let mut reader = Reader { snapshot, calendar, days: HashMap::new(), lines: HashMap::new() };
    let mut all: Vec<Series> = Vec::with_capacity(wishes.len());
    for wish in wishes {
        let series = reader.series(wish, all.first()).await?;
        all.push(series);
    }
    Ok(all)
}

struct Reader<'a> {
    snapshot: &'a mut Snapshot,
    calendar: Calendar,
    days: HashMap<(Dataset, DateTime<Utc>), Arc<Vec<OperatingDay>>>,
    lines: HashMap<i64, Arc<Vec<Line>>>,
}

impl Reader<'_> {
    async fn series(&mut self, wish: &Wish, base: Option<&Series>) -> Result<Series> {
        let mut series = settle(wish, base, self.snapshot.view.known_at, self.calendar)?;
        if series.trouble.is_some() {
            return Ok(series);
        }
        series.days = self.days_of(series.dataset, series.known_at).await?;
        let bound = bound(wish, base, &series);
        self.find_version(&mut series, bound).await?;
        if let Some(version) = series.version.clone() {
            self.find_line(&mut series, base, version.id).await?;
            self.find_points(&mut series, &version).await?;
        }
        Ok(series)
    }

    /// What the caller may see of what was known then.
    fn view(&self, known_at: DateTime<Utc>) -> View {
        View { known_at, sight: self.snapshot.view.sight.clone() }
    }

    async fn days_of(
        &mut self,
        dataset: Dataset,
        known_at: DateTime<Utc>,
    ) -> Result<Arc<Vec<OperatingDay>>> {
        if let Some(days) = self.days.get(&(dataset, known_at)) {
            return Ok(Arc::clone(days));
        }
        let view = self.view(known_at);
        let connection = self.snapshot.connection();
        let days = Arc::new(analysis::days(connection, &view, dataset, DAYS).await?);
        self.days.insert((dataset, known_at), Arc::clone(&days));
        Ok(days)
    }

    async fn find_version(&mut self, series: &mut Series, bound: Bound) -> Result<()> {
        let (dataset, known_at) = (series.dataset, series.known_at);
        let view = self.view(known_at);
        let connection = self.snapshot.connection();
        let which = match series.selector {
            VersionWish::Id(id) => Which { id: Some(id), ..Which::default() },
            selector => {
                let (first, last) = bound.window();
                Which { id: None, first, last, cob: selector.cob() }
            }
        };
        series.version = analysis::version(connection, &view, dataset, which).await?;
        let pinned = series.version.as_ref().map(|version| version.operating_day);
        if let (Some(was), Bound::On(day), VersionWish::Id(id)) = (pinned, bound, series.selector)
            && was != day
        {
            series.version = None;
            series.trouble = Some(format!(
                "Version {id} is of {was}, not of {day}: choose a version of {day}, or that day."
            ));
        } else if series.version.is_none() {
            series.trouble = Some(no_version(series, bound));
        }
        let day = match (bound, &series.version) {
            (_, Some(version)) => Some(version.operating_day),
            (Bound::On(day), None) => Some(day),
            _ => None,
        };
        if let Some(day) = day {
            let connection = self.snapshot.connection();
            series.versions = analysis::versions_of_day(connection, &view, dataset, day).await?;
        }
        Ok(())
    }

    async fn find_line(
        &mut self,
        series: &mut Series,
        base: Option<&Series>,
        version: i64,
    ) -> Result<()> {
        let dataset = series.dataset;
        if let Some(lines) = self.lines.get(&version) {
            series.lines = Arc::clone(lines);
        } else {
            let (connection, view) = self.snapshot.parts();
            let headers = analysis::series_of(connection, view, dataset, version).await?;
            series.lines = Arc::new(Line::all(dataset, &headers));
            self.lines.insert(version, Arc::clone(&series.lines));
        }
        choose_line(series, base);
        let Some(line) = &series.line else { return Ok(()) };
        let wanted = series.wish.block.clone();
        let inherited = base.filter(|base| base.dataset == dataset);
        let wanted = wanted.or_else(|| inherited.and_then(|base| base.wish.block.clone()));
        series.block = line.block(wanted.as_deref()).cloned();
        if series.block.is_none() {
            let blocks: Vec<_> = line.blocks.iter().map(|block| &*block.word).collect();
            let wanted = wanted.unwrap_or_default();
            let has = blocks.join(", ");
            series.trouble = Some(format!("{} has no block {wanted}; it has {has}.", line.name));
        }
        Ok(())
    }

    async fn find_points(&mut self, series: &mut Series, version: &Version) -> Result<()> {
        let (Some(block), Some(line)) = (&series.block, &series.line) else { return Ok(()) };
        let months: Vec<_> =
            version.months.iter().map(|month| ContractMonth::containing(*month)).collect();
        let (start, end) = series.bounds;
        let first = months.partition_point(|month| start.is_some_and(|start| *month < start));
        let last = months.partition_point(|month| end.is_none_or(|end| *month <= end));
        let months = &months[first..last.max(first)];
        let hours: Vec<_> = months.iter().map(|month| series.hours.of(*month)).collect();
        let (connection, view) = self.snapshot.parts();
        let (dataset, cells) =
            (series.dataset, view.sight.cells(&version.admitted, &block.series.admitted));
        let visible = version.months.iter().copied().filter(|month| cells.shows_month(*month));
        series.all_months = visible.collect();
        let sources = block.series.sources();
        let found = data::columns(connection, dataset, version.id, &sources).await?;
        let outputs = std::slice::from_ref(&block.series);
        let column = block::compute(outputs, found, first, &hours)
            .map_err(|error| Problem::internal(&error))?;
        let Some(column) = column else { return Ok(()) };
        let days = months.iter().map(|month| month.first_day());
        let points = days.zip(block::prices(&column, months.len()));
        series.points = points.filter(|(month, _)| cells.shows_month(*month)).collect();
        series.warnings.clone_from(&line.warnings);
        if column.computed && series.points.values().any(Option::is_none) {
            let shown = |month: NaiveDate| series.points.contains_key(&month);
            let missing = warn::missing(connection, dataset, version, block, shown).await?;
            series.warnings.extend(missing);
        }
        Ok(())
    }
}
