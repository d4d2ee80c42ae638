//! Strips of contract months that a market is summed up by.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use super::{hours::Hours, mean, wish::year_of};
use crate::domain::ContractMonth;

/// Months of winter and of summer, everywhere.
const WINTER: [u32; 4] = [11, 12, 1, 2];
const SUMMER: [u32; 2] = [7, 8];

/// Some contract months under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strip {
    /// As a heading has it.
    pub name: String,
    /// Ascending.
    pub months: Vec<ContractMonth>,
}

impl Strip {
    /// The month after the month of `day`.
    #[must_use]
    pub fn prompt(day: NaiveDate) -> Self {
        Self { name: "Prompt month".into(), months: ahead(day, 1) }
    }

    /// The prompt month and those after it, `count` in all.
    #[must_use]
    pub fn next(day: NaiveDate, count: i32) -> Self {
        Self { name: format!("{count} months"), months: ahead(day, count) }
    }

    /// January to December.
    #[must_use]
    pub fn calendar(year: i32) -> Self {
        let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
        let first = ContractMonth::containing(first);
        let months = (0..12).map(|months| first.plus(months)).collect();
        Self { name: format!("Cal {year}"), months }
    }

    /// The winter months among the twelve from the prompt month on.
    #[must_use]
    pub fn winter(day: NaiveDate) -> Self {
        Self { name: "Winter".into(), months: among(day, &WINTER) }
    }

    /// The summer months among the twelve from the prompt month on.
    #[must_use]
    pub fn summer(day: NaiveDate) -> Self {
        Self { name: "Summer".into(), months: among(day, &SUMMER) }
    }

    /// The mean of `prices`, by their months' first days, weighted by the hours of each month;
    /// `None` unless every month of the strip has a price.
    #[must_use]
    pub fn mean(
        &self,
        prices: &BTreeMap<NaiveDate, Option<Decimal>>,
        hours: Hours,
    ) -> Option<Decimal> {
        let price = |month: &ContractMonth| {
            let price = prices.get(&month.first_day()).copied().flatten();
            price.map(|price| (price, hours.of(*month).s7x24))
        };
        let found: Option<Vec<_>> = self.months.iter().map(price).collect();
        mean::weighted(&found?)
    }

    /// `2023-06 to 2024-05`; both winters' ends where it has a gap.
    #[must_use]
    pub fn span(&self) -> String {
        let mut runs: Vec<(ContractMonth, ContractMonth)> = Vec::new();
        for month in &self.months {
            match runs.last_mut() {
                Some((_, last)) if last.plus(1) == *month => *last = *month,
                _ => runs.push((*month, *month)),
            }
        }
        let run = |(first, last): &(ContractMonth, ContractMonth)| match first == last {
            true => first.to_string(),
            false => format!("{first} to {last}"),
        };
        runs.iter().map(run).collect::<Vec<_>>().join(", ")
    }
}

fn ahead(day: NaiveDate, count: i32) -> Vec<ContractMonth> {
    let month = ContractMonth::containing(day);
    (1..=count).map(|months| month.plus(months)).collect()
}

fn among(day: NaiveDate, wanted: &[u32]) -> Vec<ContractMonth> {
    let is_wanted = |month: &ContractMonth| wanted.contains(&month.first_day().month());
    ahead(day, 12).into_iter().filter(is_wanted).collect()
}

/// The year after that of the prompt month.
#[must_use]
pub fn default_year(day: NaiveDate) -> i32 {
    ahead(day, 1).first().map_or(day.year(), |prompt| year_of(*prompt)) + 1
}

/// What a day's curves are summed up by; the calendar strip is that of `year`.
#[must_use]
pub fn summary_strips(day: NaiveDate, year: i32) -> [Strip; 6] {
    [
        Strip::prompt(day),
        Strip::next(day, 12),
        Strip::next(day, 24),
        Strip::calendar(year),
        Strip::winter(day),
        Strip::summer(day),
    ]
}

/// The years that lie in `months` from January to December.
#[must_use]
pub fn complete_years(months: &[NaiveDate]) -> Vec<i32> {
    let mut counts: BTreeMap<i32, usize> = BTreeMap::new();
    for month in months {
        *counts.entry(month.year()).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count == 12).map(|(year, _)| year).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Calendar, Iso};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn strips_start_with_the_month_after_the_day() {
        let of = |text| summary_strips(day(text), default_year(day(text))).map(|s| s.span());
        assert_eq!(
            of("2023-05-22"),
            [
                "2023-06",
                "2023-06 to 2024-05",
                "2023-06 to 2025-05",
                "2024-01 to 2024-12",
                "2023-11 to 2024-02",
                "2023-07 to 2023-08",
            ]
        );
        // In December the prompt month lies in the next year, and its winter has two ends.
        let december = of("2023-12-31");
        assert_eq!(december[3], "2025-01 to 2025-12");
        assert_eq!(december[4], "2024-01 to 2024-02, 2024-11 to 2024-12");
    }

    #[test]
    fn a_mean_needs_every_month() {
        let strip = Strip::next(day("2023-12-05"), 2);
        let price = |text: &str| Some(text.parse::<Decimal>().unwrap());
        let mut prices = BTreeMap::from([
            (day("2024-01-01"), price("10")),
            (day("2024-02-01"), price("20")),
            (day("2024-03-01"), None),
        ]);
        let hours = |iso, calendar| Hours { iso, calendar };
        let flat = hours(Iso::Pjm, Calendar::Flat);
        // (10 * 744 + 20 * 696) / 1440
        assert_eq!(strip.mean(&prices, flat).unwrap().to_string(), "14.83333");
        assert_eq!(Strip::next(day("2023-12-05"), 3).mean(&prices, flat), None);
        prices.remove(&day("2024-01-01"));
        assert_eq!(strip.mean(&prices, flat), None);
    }

    #[test]
    fn the_clocks_of_march_count_where_they_change() {
        let strip = Strip::next(day("2024-01-31"), 2);
        let price = |text: &str| Some(text.parse::<Decimal>().unwrap());
        let prices =
            BTreeMap::from([(day("2024-02-01"), price("10")), (day("2024-03-01"), price("20"))]);
        let mean =
            |iso, calendar| strip.mean(&prices, Hours { iso, calendar }).unwrap().to_string();
        // (10 * 696 + 20 * 743) / 1439 and (10 * 696 + 20 * 744) / 1440
        assert_eq!(mean(Iso::Pjm, Calendar::Nerc), "15.16331");
        assert_eq!(mean(Iso::Miso, Calendar::Nerc), "15.16667");
        assert_eq!(mean(Iso::Pjm, Calendar::Flat), "15.16667");
    }

    #[test]
    fn only_whole_years_are_complete() {
        let months: Vec<_> =
            (0..20).map(|n| ContractMonth::containing(day("2023-06-01")).plus(n)).collect();
        let months: Vec<_> = months.into_iter().map(ContractMonth::first_day).collect();
        assert_eq!(complete_years(&months), [2024]);
    }
}
