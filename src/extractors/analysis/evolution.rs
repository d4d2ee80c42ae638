//! One contract month or strip over operating days.

use std::{collections::BTreeMap, str::FromStr};

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{
    read::{Series, price},
    strips::Strip,
};
use crate::{
    db::{
        analysis::{self, DayElements, Elements},
        snapshot::Snapshot,
    },
    domain::{ContractMonth, UnknownWord},
    error::Result,
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

/// The price of `period` on each operating day that has a version by the selector of `series`, from
/// the first to the last of `days`. One statement, which reads single elements.
pub async fn evolution(
    snapshot: &mut Snapshot,
    series: &Series,
    period: Period,
    days: (Option<NaiveDate>, Option<NaiveDate>),
) -> Result<BTreeMap<NaiveDate, Option<Decimal>>> {
    let Some(block) = &series.block else { return Ok(BTreeMap::new()) };
    let fixed = period.fixed();
    let wanted = Elements {
        cob: series.selector.cob(),
        series: &block.series(),
        months: fixed.map(|months| months.into_iter().map(ContractMonth::first_day).collect()),
        ahead: period.ahead(),
        from: days.0,
        to: days.1,
        limit: DAYS,
    };
    let connection = snapshot.connection();
    let rows = analysis::elements(connection, series.dataset, series.known_at, &wanted).await?;
    let of_day = |rows: &[DayElements]| {
        let day = rows.first()?.operating_day;
        Some((day, mean_of_day(series, period, day, rows)))
    };
    Ok(rows.chunk_by(|a, b| a.operating_day == b.operating_day).filter_map(of_day).collect())
}

/// The period's mean of one day's elements.
fn mean_of_day(
    series: &Series,
    period: Period,
    day: NaiveDate,
    rows: &[DayElements],
) -> Option<Decimal> {
    let block = series.block.as_ref()?;
    let months = match period.fixed() {
        Some(months) => months,
        None => Strip::next(day, period.ahead()).months,
    };
    let point = |(place, month): (usize, &ContractMonth)| {
        let value = |id: i64| {
            let row = rows.iter().find(|row| row.series_id == id)?;
            row.values.0.get(place).copied().flatten()
        };
        (month.first_day(), price(block, *month, value))
    };
    let prices: BTreeMap<_, _> = months.iter().enumerate().map(point).collect();
    match period {
        // As it stands: a stored value may have more decimals than a mean.
        Period::Month(month) => prices.get(&month.first_day()).copied().flatten(),
        Period::Prompt => prices.values().next().copied().flatten(),
        _ => period.strip(day).mean(&prices),
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
