//! The prices of a line that can be meant: of every hour, or of a stored block.

use rust_decimal::Decimal;

use crate::{
    db::data::Column,
    domain::{MonthHours, exact::TooLarge},
    extractors::{
        layout::GridColumn,
        printed::{Kind, PrintedSeries},
        standardise::{self, Formula, Recipe, Rule},
    },
};

const BLOCK_TYPE: usize = 5;

/// The prices of every hour: the standardized ones.
const ALL_HOURS: &str = "7x24";

/// The stored 7x24 where that is something else.
const STORED: &str = "7x24-stored";

/// The stored 7x24 in $/MWh where the price of every hour is derived from others.
const CONVERTED: &str = "7x24-converted";

/// The prices of a line that are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The word by which it is chosen; no two blocks of a line share one.
    pub word: String,
    /// As a person reads it.
    pub name: String,
    /// How its prices come about, as in a download.
    pub series: PrintedSeries,
    /// Whether it is of the standardized series.
    pub(super) standard: bool,
}

impl Block {
    /// The unit of its prices.
    #[must_use]
    pub fn unit(&self) -> &str {
        &self.series.uom
    }

    /// Whether it is what the line shows unless told otherwise.
    #[must_use]
    pub fn is_all_hours(&self) -> bool {
        self.word == ALL_HOURS
    }

    /// Whether `word` means it. A stored 7x24 that needs no conversion is both.
    pub(super) fn is_called(&self, word: &str) -> bool {
        let stored = || self.is_all_hours() && self.series.kind == Kind::Native;
        self.word.eq_ignore_ascii_case(word) || word.eq_ignore_ascii_case(STORED) && stored()
    }

    /// Whether the output series `other`, of any version, is this one there.
    pub(super) fn is_like(&self, other: &PrintedSeries) -> bool {
        let own = &self.series;
        (&own.labels, &own.sub_component, &own.uom, &own.more)
            == (&other.labels, &other.sub_component, &other.uom, &other.more)
            && rule(own) == rule(other)
    }

    /// Whether it stands for the same prices in another version.
    #[must_use]
    pub fn is_twin(&self, other: &Self) -> bool {
        self.standard == other.standard && self.is_like(&other.series)
    }
}

/// The rule by which a series is derived from several; none where it is one stored series.
fn rule(series: &PrintedSeries) -> Option<Rule> {
    match &series.recipe {
        Recipe::Computed(computed) => match computed.formula {
            Formula::Mean(rule) => Some(rule),
            Formula::Single { .. } => None,
        },
        Recipe::Stored => None,
    }
}

/// The blocks of a line's series, the default first.
pub(super) fn blocks(stored: Vec<PrintedSeries>, mut standard: Vec<PrintedSeries>) -> Vec<Block> {
    // Derived ones first, by their rules.
    standard.sort_by_key(|series| (series.kind != Kind::Derived, rule(series)));
    let mut blocks: Vec<Block> = Vec::new();
    for series in standard {
        let (word, name) = match rule(&series) {
            _ if blocks.is_empty() => (ALL_HOURS, ALL_HOURS),
            Some(Rule::Blocks) => ("7x24-wdph", "7x24 of 2x16, 5x16 and 7x8"),
            Some(Rule::Days) => ("7x24-wd", "7x24 of WD and WE"),
            Some(Rule::Peak) => ("7x24-ph", "7x24 of on-peak and off-peak"),
            // Unchanged, it is listed as stored.
            None if stored.contains(&series) => continue,
            None => (CONVERTED, "7x24 converted"),
        };
        let (word, name) = (word.to_owned(), name.to_owned());
        blocks.push(Block { word, name, series, standard: true });
    }
    for series in stored {
        let block = series.labels[BLOCK_TYPE].to_ascii_lowercase();
        let known = blocks.first().map(|first| first.series == series);
        let (word, name) = match (&*block, known) {
            (ALL_HOURS, Some(true)) => continue,
            (ALL_HOURS, Some(false)) => (STORED.to_owned(), "7x24 as stored".to_owned()),
            _ => (block.clone(), block),
        };
        blocks.push(Block { word, name, series, standard: false });
    }
    blocks.sort_by_key(|block| !block.is_all_hours());
    blocks
}

/// One version's prices of the first of `outputs` that it has, of its stored columns read from their
/// place `first` on; one for each of `hours`. `None` where it has none of them.
pub(super) fn compute(
    outputs: &[PrintedSeries],
    found: Vec<Column>,
    first: usize,
    hours: &[MonthHours],
) -> Result<Option<GridColumn>, TooLarge> {
    let columns = standardise::compute(outputs, found, first, hours)?;
    Ok(columns.into_iter().flatten().next())
}

/// The prices of a column, row by row.
pub(super) fn prices(column: &GridColumn, rows: usize) -> impl Iterator<Item = Option<Decimal>> {
    (0..rows).map(|row| column.value(row))
}
