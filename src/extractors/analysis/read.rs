//! From wishes to prices, in one snapshot.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::{
    line::{Block, Line},
    mean,
    settle::{Bound, bound, choose_line, no_version, settle},
    wish::{VersionWish, Wish},
};
use crate::{
    db::{
        analysis::{self, Version},
        pages::{self, OperatingDay, VersionChoice},
        snapshot::Snapshot,
    },
    domain::{ContractMonth, Dataset, Family, Iso},
    error::Result,
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
    /// What is not there, for a person.
    pub trouble: Option<String>,
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
        let usual = |block: &str| {
            self.dataset.family != Family::Energy && block.eq_ignore_ascii_case("7x24")
        };
        let block = match &self.block {
            Some(Block::Stored(block, _)) if !usual(block) => format!(" {block}"),
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
        self.line.as_ref().map_or("", |line| &line.unit)
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
/// 400 `bad_parameter` for a cut-off in the future.
pub async fn read(snapshot: &mut Snapshot, wishes: &[Wish]) -> Result<Vec<Series>> {
    let mut reader = Reader { snapshot, days: HashMap::new(), lines: HashMap::new() };
    let mut all: Vec<Series> = Vec::with_capacity(wishes.len());
    for wish in wishes {
        let series = reader.series(wish, all.first()).await?;
        all.push(series);
    }
    Ok(all)
}

struct Reader<'a> {
    snapshot: &'a mut Snapshot,
    days: HashMap<(Dataset, DateTime<Utc>), Arc<Vec<OperatingDay>>>,
    lines: HashMap<i64, Arc<Vec<Line>>>,
}

impl Reader<'_> {
    async fn series(&mut self, wish: &Wish, base: Option<&Series>) -> Result<Series> {
        let mut series = settle(wish, base, self.snapshot.known_at)?;
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

    async fn days_of(
        &mut self,
        dataset: Dataset,
        known_at: DateTime<Utc>,
    ) -> Result<Arc<Vec<OperatingDay>>> {
        if let Some(days) = self.days.get(&(dataset, known_at)) {
            return Ok(Arc::clone(days));
        }
        let connection = self.snapshot.connection();
        let days = Arc::new(analysis::days(connection, dataset, known_at, DAYS).await?);
        self.days.insert((dataset, known_at), Arc::clone(&days));
        Ok(days)
    }

    async fn find_version(&mut self, series: &mut Series, bound: Bound) -> Result<()> {
        let (dataset, known_at) = (series.dataset, series.known_at);
        let connection = self.snapshot.connection();
        series.version = match series.selector {
            VersionWish::Id(id) => analysis::version(connection, dataset, known_at, id).await?,
            selector => {
                let (window, cob) = (bound.window(), selector.cob());
                analysis::newest_version(connection, dataset, known_at, window, cob).await?
            }
        };
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
            series.versions = analysis::versions_of_day(connection, dataset, known_at, day).await?;
        }
        Ok(())
    }

    async fn find_line(
        &mut self,
        series: &mut Series,
        base: Option<&Series>,
        version: i64,
    ) -> Result<()> {
        let (dataset, family) = (series.dataset, series.dataset.family);
        if let Some(lines) = self.lines.get(&version) {
            series.lines = Arc::clone(lines);
        } else {
            let labels = pages::series_of(self.snapshot, dataset, version).await?;
            series.lines = Arc::new(Line::all(family, &labels));
            self.lines.insert(version, Arc::clone(&series.lines));
        }
        choose_line(series, base);
        let Some(line) = &series.line else { return Ok(()) };
        let wanted = series.wish.block.clone();
        let inherited = base.filter(|base| base.dataset == dataset);
        let wanted = wanted.or_else(|| inherited.and_then(|base| base.wish.block.clone()));
        series.block = line.block(family, wanted.as_deref());
        if series.block.is_none() {
            let blocks: Vec<_> = line.choices(family).into_iter().map(|(value, _)| value).collect();
            let wanted = wanted.unwrap_or_default();
            let has = blocks.join(", ");
            series.trouble = Some(format!("{} has no block {wanted}; it has {has}.", line.name));
        }
        Ok(())
    }

    async fn find_points(&mut self, series: &mut Series, version: &Version) -> Result<()> {
        let Some(block) = &series.block else { return Ok(()) };
        let ids = block.series();
        let found = pages::values(self.snapshot, series.dataset, version.id, &ids).await?;
        let (start, end) = series.bounds;
        for (place, month) in version.months.iter().enumerate() {
            let contract = ContractMonth::containing(*month);
            if start.is_some_and(|start| contract < start) || end.is_some_and(|end| contract > end)
            {
                continue;
            }
            let value = |id: i64| {
                let series = found.iter().find(|values| values.series_id == id)?;
                series.values.0.get(place).copied().flatten()
            };
            series.points.insert(*month, price(block, contract, value));
        }
        if let (Block::Derived(_), Some(line)) = (block, &series.line)
            && !line.lacks().is_empty()
        {
            let (name, lacks) = (&line.name, line.lacks().join(", "));
            series.trouble =
                Some(format!("{name} has no 7x24 price: the version lacks its {lacks}."));
        }
        Ok(())
    }
}

/// The price of a month of a block, of the values of its series.
pub(super) fn price(
    block: &Block,
    month: ContractMonth,
    value: impl Fn(i64) -> Option<Decimal>,
) -> Option<Decimal> {
    match block {
        Block::Stored(_, series) => value(*series),
        Block::Derived([a, b, c]) => mean::round_the_clock(month, value(*a), value(*b), value(*c)),
    }
}
