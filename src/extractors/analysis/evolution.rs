//! One contract month or strip over operating days.

use std::{collections::BTreeMap, str::FromStr};

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{
    block::{self, Block},
    hours::Hours,
    line::{has_modes, outputs},
    read::Series,
    strips::Strip,
    warn,
};
use crate::{
    db::{
        analysis::{self, DayElements, Elements},
        data::Column,
        sight::Cells,
        snapshot::{Snapshot, View},
    },
    domain::{ContractMonth, Dataset, Place, UnknownWord},
    error::{Problem, Result},
    extractors::printed::PrintedSeries,
};

/// Operating days that are read at the most.
const DAYS: i64 = 1000;

/// What is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// One contract month.
    Month(ContractMonth),
    /// A calendar year.
    Calendar(i32),
    /// The month after each day's month.
    Prompt,
    /// The twelve months from each day's prompt month on.
    Twelve,
    /// The twenty-four months from each day's prompt month on.
    TwentyFour,
    /// The winter months among each day's twelve.
    Winter,
    /// The summer months among each day's twelve.
    Summer,
}

impl Period {
    /// Those that move with the operating day.
    pub const MOVING: [Self; 5] =
        [Self::Prompt, Self::Twelve, Self::TwentyFour, Self::Winter, Self::Summer];

    /// Its months on an operating day.
    #[must_use]
    pub fn strip(self, day: NaiveDate) -> Strip {
        match self {
            Self::Month(month) => Strip { name: month.to_string(), months: vec![month] },
            Self::Calendar(year) => Strip::calendar(year),
            Self::Prompt => Strip::prompt(day),
            Self::Twelve => Strip::next(day, 12),
            Self::TwentyFour => Strip::next(day, 24),
            Self::Winter => Strip::winter(day),
            Self::Summer => Strip::summer(day),
        }
    }

    /// As a heading has it.
    #[must_use]
    pub fn name(self) -> String {
        self.strip(NaiveDate::default()).name
    }

    /// The months that do not move with the day.
    fn fixed(self) -> Option<Vec<ContractMonth>> {
        matches!(self, Self::Month(_) | Self::Calendar(_))
            .then(|| self.strip(NaiveDate::default()).months)
    }

    /// How many months ahead of a day reach over it.
    const fn ahead(self) -> i32 {
        match self {
            Self::Month(_) | Self::Calendar(_) => 0,
            Self::Prompt => 1,
            Self::Twelve | Self::Winter | Self::Summer => 12,
            Self::TwentyFour => 24,
        }
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Month(month) => month.fmt(f),
            Self::Calendar(year) => write!(f, "cal-{year}"),
            Self::Prompt => f.write_str("prompt"),
            Self::Twelve => f.write_str("12"),
            Self::TwentyFour => f.write_str("24"),
            Self::Winter => f.write_str("winter"),
            Self::Summer => f.write_str("summer"),
        }
    }
}

impl FromStr for Period {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let moving = Self::MOVING.into_iter().find(|period| period.to_string() == text);
        let year = || text.strip_prefix("cal-")?.parse().ok().filter(|y| (1900..=2200).contains(y));
        let month = || text.parse().ok().map(Self::Month);
        moving.or_else(|| year().map(Self::Calendar)).or_else(month).ok_or_else(|| UnknownWord {
            found: text.to_owned(),
            what: "a contract month or strip",
            known: "YYYY-MM, cal-YYYY, prompt, 12, 24, winter, summer".to_owned(),
        })
    }
}

/// One price per operating day.
#[derive(Debug, Clone, Default)]
pub struct Evolution {
    /// Operating days and the prices of their versions.
    pub points: BTreeMap<NaiveDate, Option<Decimal>>,
    /// Why days have no price, for a person.
    pub warnings: Vec<String>,
}

/// A series' prices over the operating days from and to `days`: of each day the version that its
/// selector takes. Days without a curve of the series are not there.
pub async fn evolution(
    snapshot: &mut Snapshot,
    series: &Series,
    period: Period,
    days: (Option<NaiveDate>, Option<NaiveDate>),
) -> Result<Evolution> {
    let Some(block) = &series.block else { return Ok(Evolution::default()) };
    let outputs = over_versions(snapshot, series.dataset, block).await?;
    let mut sources: Vec<i64> = outputs.iter().flat_map(PrintedSeries::sources).collect();
    sources.sort_unstable();
    sources.dedup();
    let fixed = period.fixed();
    let wanted = Elements {
        cob: series.selector.cob(),
        series: &sources,
        months: fixed.map(|months| months.into_iter().map(ContractMonth::first_day).collect()),
        ahead: period.ahead(),
        from: days.0,
        to: days.1,
        limit: DAYS,
    };
    let sight = snapshot.view.sight.clone();
    let view = View { known_at: series.known_at, sight: sight.clone() };
    let connection = snapshot.connection();
    let rows = analysis::elements(connection, &view, series.dataset, &wanted).await?;
    let (mut found, mut lacks) = (Evolution::default(), BTreeMap::new());
    for rows in rows.chunk_by(|a, b| a.operating_day == b.operating_day) {
        let cells = |series: &PrintedSeries| sight.cells(&rows[0].admitted, &series.admitted);
        let outputs: Vec<PrintedSeries> =
            outputs.iter().filter(|series| !cells(series).is_none()).cloned().collect();
        let cells: Vec<Cells> = outputs.iter().map(cells).collect();
        let one = Day { date: rows[0].operating_day, period, hours: series.hours, cells };
        if let Some((price, lack)) = one.price(&outputs, rows)? {
            found.points.insert(one.date, price);
            if let Some(code) = lack {
                *lacks.entry(code).or_default() += 1;
            }
        }
    }
    found.warnings = warn::of_days(&lacks, found.points.len());
    Ok(found)
}

/// A block's output series as the versions of the dataset have them: they may write its members'
/// names in other ways. Those of the version that is shown come first.
async fn over_versions(
    snapshot: &mut Snapshot,
    dataset: Dataset,
    block: &Block,
) -> Result<Vec<PrintedSeries>> {
    if !has_modes(dataset.family) {
        return Ok(vec![block.series.clone()]);
    }
    let [control_area, state, load_zone, capacity_zone, utility, ..] = &block.series.labels;
    let place = [control_area, state, load_zone, capacity_zone, utility].map(String::as_str);
    let (connection, view) = snapshot.parts();
    let headers = analysis::series_at(connection, view, dataset, place).await?;
    let mut all = outputs(dataset, block.standard, &headers).series;
    all.retain(|series| block.is_like(series));
    all.sort_by_key(|series| series.id != block.series.id);
    Ok(all)
}

/// An operating day of an evolution.
struct Day {
    date: NaiveDate,
    period: Period,
    hours: Hours,
    /// What the caller may see of each output.
    cells: Vec<Cells>,
}

impl Day {
    /// The period's price out of the day's elements, and why it is missing where it should be
    /// computed; `None` where the day's version has not the series.
    fn price(
        &self,
        outputs: &[PrintedSeries],
        rows: &[DayElements],
    ) -> Result<Option<(Option<Decimal>, Option<&'static str>)>> {
        let strip = match self.period.fixed() {
            Some(_) => self.period.strip(self.date),
            None => Strip::next(self.date, self.period.ahead()),
        };
        let hours: Vec<_> = strip.months.iter().map(|month| self.hours.of(*month)).collect();
        let column = |row: &DayElements| Column {
            series_id: row.series_id,
            values: row.values.clone(),
            notation: None,
            lookup_id: None,
        };
        let found = rows.iter().map(column).collect();
        let column =
            block::compute(outputs, found, 0, &hours).map_err(|error| Problem::internal(&error))?;
        let Some(column) = column else { return Ok(None) };
        let days = strip.months.iter().map(|month| month.first_day());
        let prices: BTreeMap<_, _> = days.zip(block::prices(&column, hours.len())).collect();
        let price = match self.period {
            // As it stands: a stored value may have more decimals than a mean.
            Period::Month(_) | Period::Prompt => prices.values().next().copied().flatten(),
            period => period.strip(self.date).mean(&prices, self.hours),
        };
        let needed = self.period.strip(self.date).months;
        // A price over months of which one is hidden is none: it would tell of it.
        let shown = |month: &ContractMonth| {
            self.cells.iter().all(|cells| cells.shows(Place::Month(*month)))
        };
        if !needed.iter().all(shown) {
            return Ok(None);
        }
        let rows = strip.months.iter().enumerate().filter(|(_, month)| needed.contains(month));
        let lack = || rows.clone().find_map(|(row, _)| column.missing_reason(row));
        Ok(Some((price, price.is_none().then(lack).flatten())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_print_what_they_were_read_from() {
        for word in ["2024-07", "cal-2025", "prompt", "12", "24", "winter", "summer"] {
            assert_eq!(word.parse::<Period>().unwrap().to_string(), word);
        }
        for word in ["cal-1", "36", "", "2024-13"] {
            assert!(word.parse::<Period>().is_err(), "{word}");
        }
        let names = Period::MOVING.map(Period::name);
        assert_eq!(names, ["Prompt month", "12 months", "24 months", "Winter", "Summer"]);
    }
}
