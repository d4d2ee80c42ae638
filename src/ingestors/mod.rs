//! Cells to a curve and a report, one file per family. Pure: no database, no network, no clock.
//!
//! A family is a declaration ([`Rules`]): its labels, how its header row is found, what a data row
//! stands for. All that reads is shared: [`layout`] finds labels, captions and values, [`labels`] and
//! [`index`] read what names them, [`values`] the cells with their units, [`reader`] makes the series.
//!
//! To add a family:
//! 1. write its file beside [`energy`]: a constant of [`Rules`];
//! 2. name it in [`rules_of`];
//! 3. add its table to `good_test_data/generate.py`.

pub mod cell;
mod compare;
mod curve;
pub mod date;
mod energy;
mod index;
mod labels;
mod layout;
mod lineloss;
mod loadprofile;
mod matrix;
mod nonenergy;
mod ptc;
mod reader;
mod rec;
mod report;
mod rules;
mod shaping;
#[cfg(test)]
mod testing;
mod totals;
mod unit;
mod values;
mod vlr;

pub use compare::{Diff, DiffCell, Earlier, EarlierSeries, compare, diff};
pub use curve::{Curve, CurveSeries};
pub use report::{Findings, MissingByReason, Stats};

use self::rules::Rules;
use crate::{
    domain::{CurveFileName, Family, ValueBand},
    grid::{Grid, Limits},
};

/// What an ingestor knows besides the cells.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The file's name, taken apart.
    pub name: CurveFileName,
    /// The bands of plausible values.
    pub bands: &'a [ValueBand],
}

/// What a reading yields.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The curve; `None` if there is an error.
    pub curve: Option<Curve>,
    /// The figures, as far as the file could be read.
    pub stats: Option<Stats>,
    /// Errors and warnings.
    pub findings: Findings,
}

impl Reading {
    const fn refused(findings: Findings) -> Self {
        Self { curve: None, stats: None, findings }
    }
}

/// The layout of a family.
const fn rules_of(family: Family) -> &'static Rules {
    match family {
        Family::Energy => &energy::RULES,
        Family::NonEnergy => &nonenergy::RULES,
        Family::Rec => &rec::RULES,
        Family::Ptc => &ptc::RULES,
        Family::Matrix => &matrix::RULES,
        Family::LoadProfile => &loadprofile::RULES,
        Family::Shaping => &shaping::RULES,
        Family::Vlr => &vlr::RULES,
        Family::LineLoss => &lineloss::RULES,
    }
}

/// Reads a file: bytes to cells to a curve.
#[must_use]
pub fn read(bytes: &[u8], context: &Context<'_>, limits: &Limits) -> Reading {
    let mut warnings = Vec::new();
    let grid = Grid::read(context.name.format, bytes, limits, &mut warnings);
    let mut findings = Findings::default();
    findings.extend(warnings);
    match grid {
        Ok(grid) => {
            let rules = rules_of(context.name.dataset.family);
            reader::read(rules, &grid, context, findings)
        }
        Err(error) => {
            findings.push(error);
            Reading::refused(findings)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, collections::HashSet};

    use proptest::{prelude::*, test_runner::TestRunner};

    use super::{
        rules::{Header, Index},
        rules_of,
        testing::{read_text, refused},
    };
    use crate::domain::{Axis, Family, Labels, Place};

    const WORDS: [&str; 36] = [
        "",
        " ",
        "#N/A",
        "NYISO",
        "NY",
        "7x24",
        "Month",
        "Date",
        "HE",
        "5/1/2024",
        "6/1/2024",
        "11/3/2024",
        "13/1/2024",
        "1",
        "2",
        "25",
        "0.5",
        "5%",
        "$1",
        "-",
        "(1)",
        "words",
        "0",
        "x\u{7}",
        "Energy",
        "cents/kWh",
        "12",
        "Zone",
        "zone a",
        "Total ($/furlong)",
        "1e-16",
        "inf",
        "State",
        "Load Profile",
        "Line Loss Factor",
        "2024-05-01",
    ];

    /// A good file of a family: two series, three rows (or three series).
    fn good(family: Family) -> Vec<Vec<&'static str>> {
        let rules = rules_of(family);
        let labels: Vec<&str> = rules.all_labels().iter().map(|label| label.name).collect();
        let cell = |label: &str, second: bool| match (label, second) {
            ("Control Area", _) => "NYISO",
            ("Block Type", _) => "7x24",
            ("Term (Months)", _) => "12",
            ("Beginning Date", _) => "5/1/2024",
            ("Load Zone", true) => "ZONE B",
            _ => "ZONE A",
        };
        let index: [&[&str]; 3] = match rules.index {
            Index::Month { .. } => [&["5/1/2024"], &["6/1/2024"], &["7/1/2024"]],
            Index::DayHour => [&["11/1/2024", "1"], &["11/1/2024", "2"], &["12/1/2024", "1"]],
            Index::MonthHour => [&["1", "1"], &["1", "2"], &["2", "1"]],
            Index::Component => [&["Energy"], &["cents/kWh"], &["Losses"]],
            Index::Series => [&[], &[], &[]],
        };
        if let Header::Flat { value } = rules.header {
            let row = |(number, second): (&'static str, bool)| {
                labels.iter().map(|label| cell(label, second)).chain([number]).collect()
            };
            let header = labels.iter().copied().chain([value]).collect();
            return [header].into_iter().chain([("1", true), ("0.5", false)].map(row)).collect();
        }
        let lead = &["", ""][..rules.first_column() - 1];
        let label = |name: &&'static str| {
            let cells = [cell(name, false), cell(name, true)];
            [*name].iter().chain(lead).chain(&cells).copied().collect()
        };
        let header = match rules.header {
            Header::Word { words, beside, .. } => [words[0]].into_iter().chain(beside).collect(),
            _ => vec!["x"],
        };
        let header: Vec<&str> = header.into_iter().chain(["ZONE A", "ZONE B"]).collect();
        let data = index.map(|place| place.iter().copied().chain(["1", "0.5"]).collect());
        labels.iter().map(label).chain([header]).chain(data).collect()
    }

    fn edited(mut rows: Vec<Vec<&'static str>>, edits: &[(usize, usize, &'static str)]) -> String {
        for (row, column, word) in edits {
            let row = row % rows.len();
            let column = column % rows[row].len();
            rows[row][column] = word;
        }
        rows.iter().map(|row| row.join(",") + "\n").collect()
    }

    #[test]
    fn what_is_read_can_be_stored() {
        for family in Family::ALL.iter().copied() {
            let (read, refused) = (Cell::new(0), Cell::new(0));
            let edit = (0..40_usize, 0..10_usize, prop::sample::select(&WORDS[..]));
            let edits = prop::collection::vec(edit, 0..4);
            let tried = TestRunner::deterministic().run(&edits, |edits| {
                let text = edited(good(family), &edits);
                let reading = read_text(&format!("{family}_nyiso"), &text);
                prop_assert_eq!(reading.curve.is_none(), reading.findings.has_errors(), "{}", text);
                let Some(curve) = reading.curve else {
                    refused.set(refused.get() + 1);
                    return Ok(());
                };
                read.set(read.get() + 1);
                let places: HashSet<Place<'_>> = curve.axis.places().collect();
                prop_assert!(!places.is_empty() && places.len() == curve.axis.len());
                prop_assert!(curve.axis.is_in_order());
                let keys: HashSet<_> = curve.series.iter().map(|series| &series.key).collect();
                prop_assert!(!keys.is_empty() && keys.len() == curve.series.len());
                for series in &curve.series {
                    prop_assert_eq!(series.numbers.len(), curve.axis.len());
                    prop_assert_eq!(series.notations.len(), curve.axis.len());
                }
                let stats = reading.stats.unwrap();
                prop_assert_eq!(stats.points, curve.axis.len() * curve.series.len());
                let has_months = matches!(curve.axis, Axis::Months(_) | Axis::Hours(_));
                prop_assert_eq!(stats.months.is_some(), has_months);
                Ok(())
            });
            tried.unwrap();
            assert!(read.get() > 50 && refused.get() > 50, "{family} {read:?} {refused:?}");
        }
    }

    #[test]
    fn a_file_without_a_column_of_values_has_no_data() {
        let names = Labels::NAMES.join("\n");
        let text = format!("{names}\nDate\n5/1/2024\n");
        assert_eq!(refused("NonEnergy_NYISO", &text), ["no_data 9"]);
    }
}
