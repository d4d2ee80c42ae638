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
mod date;
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
