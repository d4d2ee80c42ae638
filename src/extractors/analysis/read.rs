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
    wish::{DayWish, VersionWish, Wish},
};
use crate::{
    db::{
        analysis::{self, Version},
        pages::{self, OperatingDay, VersionChoice},
        snapshot::{Snapshot, SnapshotError},
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

    /// `ERCOT NORTH ZONE`, with the block where it is a stored one.
    #[must_use]
    pub fn name(&self) -> String {
        let zone = self.line.as_ref().map(|line| &*line.name).or(self.wish.zone.as_deref());
        let block = match &self.block {
            Some(Block::Stored(block, _)) => format!(" {block}"),
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

/// Which operating day a version may be of.
#[derive(Debug, Clone, Copy)]
enum Bound {
    Any,
    On(NaiveDate),
    NotAfter(NaiveDate),
}

impl Bound {
    const fn window(self) -> (Option<NaiveDate>, Option<NaiveDate>) {
        match self {
            Self::Any => (None, None),
            Self::On(day) => (Some(day), Some(day)),
            Self::NotAfter(day) => (None, Some(day)),
        }
    }
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
        series.lines = match self.lines.get(&version) {
            Some(lines) => Arc::clone(lines),
            None => {
                let labels = pages::series_of(self.snapshot, dataset, version).await?;
                let lines = Arc::new(Line::all(family, &labels));
                self.lines.insert(version, Arc::clone(&lines));
                lines
            }
        };
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

/// Fills what the wish leaves out, as far as that needs no reading.
fn settle(wish: &Wish, base: Option<&Series>, now: DateTime<Utc>) -> Result<Series> {
    if let Some(as_of) = wish.as_of.filter(|as_of| *as_of > now) {
        return Err(SnapshotError::Future { as_of, now }.into());
    }
    let family = wish.curve.or(base.map(|base| base.dataset.family)).unwrap_or(Family::Energy);
    let iso = wish.iso.or(base.map(|base| base.dataset.iso)).unwrap_or(Iso::Ercot);
    let selector = wish.version.unwrap_or_else(|| inherited_version(wish, base, family, iso));
    let mut series = Series {
        wish: wish.clone(),
        dataset: Dataset { family, iso },
        known_at: wish.as_of.or(base.map(|base| base.known_at)).unwrap_or(now),
        selector,
        bounds: (
            wish.start.or(base.and_then(|base| base.bounds.0)),
            wish.end.or(base.and_then(|base| base.bounds.1)),
        ),
        days: Arc::default(),
        versions: Vec::new(),
        version: None,
        lines: Arc::default(),
        line: None,
        block: None,
        points: BTreeMap::new(),
        trouble: None,
    };
    if Dataset::new(family, iso).is_none() {
        series.trouble = Some(format!("There are no {} curves.", series.dataset_name()));
    } else if selector.cob().is_some() && !family.has_cob() {
        series.trouble = Some(format!("{family} curves have no close of business: choose latest."));
    }
    Ok(series)
}

/// A version by its number stands for its own day and dataset only.
fn inherited_version(wish: &Wish, base: Option<&Series>, family: Family, iso: Iso) -> VersionWish {
    let Some(base) = base else { return VersionWish::Latest };
    let same = base.dataset == Dataset { family, iso } && wish.day.is_none();
    match base.selector {
        VersionWish::Id(_) if !same => VersionWish::Latest,
        VersionWish::Cob | VersionWish::Intraday if !family.has_cob() => VersionWish::Latest,
        selector => selector,
    }
}

/// The day that is meant. Another family, published on other days, has its newest up to the day of
/// the first series.
fn bound(wish: &Wish, base: Option<&Series>, series: &Series) -> Bound {
    let base =
        base.filter(|_| !matches!((wish.version, wish.day), (Some(VersionWish::Id(_)), None)));
    let base_day = base.and_then(|base| {
        let wanted = match base.wish.day {
            Some(DayWish::On(day)) => Some(day),
            _ => None,
        };
        base.version.as_ref().map(|version| version.operating_day).or(wanted)
    });
    match (wish.day, base_day) {
        (None, None) => Bound::Any,
        (None, Some(day)) if base.is_some_and(|b| b.dataset.family != series.dataset.family) => {
            Bound::NotAfter(day)
        }
        (None, Some(day)) => Bound::On(day),
        (Some(wanted), base) => {
            let newest = series.days.first().map(|day| day.day);
            match wanted.bound(base.or(newest).unwrap_or_default()) {
                (day, true) => Bound::NotAfter(day),
                (day, false) => Bound::On(day),
            }
        }
    }
}

fn choose_line(series: &mut Series, base: Option<&Series>) {
    let of_base = base.and_then(|base| base.line.as_ref().map(|line| (base.dataset, &*line.name)));
    let inherited = of_base.filter(|(dataset, _)| dataset.family == series.dataset.family);
    let find = |name: &str| series.lines.iter().find(|line| line.name == name).cloned();
    series.line = match (&series.wish.zone, inherited) {
        (Some(zone), _) => find(zone),
        // The same zone of the same market, else the first of another.
        (None, Some((dataset, name))) if dataset == series.dataset => find(name),
        (None, Some((_, name))) => find(name).or_else(|| series.lines.first().cloned()),
        (None, None) => series.lines.first().cloned(),
    };
    if series.line.is_none() {
        let name = series.wish.zone.as_deref().or(inherited.map(|(_, name)| name));
        series.trouble = Some(format!(
            "{} of this version has no {:?}: choose one of its {}.",
            series.dataset_name(),
            name.unwrap_or_default(),
            series.lines.len()
        ));
    }
}

/// Why there is no version, and what there is.
fn no_version(series: &Series, bound: Bound) -> String {
    let (name, selector) = (series.dataset_name(), series.selector);
    let kind = match selector {
        VersionWish::Id(id) => return format!("There is no version {id} of {name}."),
        VersionWish::Cob => "COB version",
        VersionWish::Intraday => "intraday version",
        VersionWish::Latest => "curve",
    };
    if series.days.is_empty() {
        return format!("There is no {name} curve yet.");
    }
    let (day, how) = match bound {
        Bound::Any => return format!("{name} has no {kind} yet."),
        Bound::On(day) => (day, "of"),
        Bound::NotAfter(day) => (day, "up to"),
    };
    let has =
        series.days.iter().find(|has| has.day == day).map(|has| match (has.cob, has.intraday) {
            (true, true) => "the day has others",
            (true, false) => "the day has only its COB",
            _ => "the day has only intraday versions",
        });
    let nearest = series.days.iter().min_by_key(|has| (has.day - day).num_days().abs());
    let nearest = nearest.map(|has| format!("the nearest day with data is {}", has.day));
    let more = has.map(str::to_owned).or(nearest).unwrap_or_default();
    format!("There is no {name} {kind} {how} {day}; {more}.")
}
