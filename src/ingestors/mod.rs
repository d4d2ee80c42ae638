//! Cells to a curve and a report, one file per family. Pure: no database, no network, no clock.
//!
//! To add a family:
//! 1. write its file beside [`energy`]: a type with [`Ingestor`], most of it a call into the shared
//!    layout ([`layout`]), cells ([`cell`]), dates ([`date`]) and units ([`unit`]);
//! 2. name it in [`ingestor`];
//! 3. add its table to `good_test_data/generate.py`.

pub mod cell;
mod compare;
mod curve;
mod date;
mod energy;
mod layout;
mod monthly;
mod nonenergy;
mod rec;
mod report;
mod unit;

pub use compare::{Diff, DiffCell, Earlier, EarlierSeries, compare, diff};
pub use curve::{Curve, CurveSeries};
pub use report::{Findings, MissingByReason, Stats};

use crate::{
    domain::{Code, CurveFileName, Family, Finding, ValueBand},
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

/// Reads the files of one family.
pub trait Ingestor: Sync {
    /// Turns the cells of a file into a curve. `findings` holds what the grid warned of.
    fn read(&self, grid: &Grid, context: &Context<'_>, findings: Findings) -> Reading;
}

/// The ingestor of a family; `None` for families whose files are not read.
#[must_use]
pub fn ingestor(family: Family) -> Option<&'static dyn Ingestor> {
    match family {
        Family::Energy => Some(&energy::Energy),
        Family::NonEnergy => Some(&nonenergy::NonEnergy),
        Family::Rec => Some(&rec::Rec),
        Family::Ptc
        | Family::Matrix
        | Family::LoadProfile
        | Family::Shaping
        | Family::Vlr
        | Family::LineLoss => None,
    }
}

/// Reads a file: bytes to cells to a curve.
#[must_use]
pub fn read(bytes: &[u8], context: &Context<'_>, limits: &Limits) -> Reading {
    let mut warnings = Vec::new();
    let grid = Grid::read(context.name.format, bytes, limits, &mut warnings);
    let mut findings = Findings::default();
    findings.extend(warnings);
    let family = context.name.dataset.family;
    match (grid, ingestor(family)) {
        (Ok(grid), Some(ingestor)) => ingestor.read(&grid, context, findings),
        (Ok(_), None) => {
            let message = format!("files of the family {family} are not read by this server");
            findings.push(Finding::new(Code::UnsupportedArea, message));
            Reading::refused(findings)
        }
        (Err(error), _) => {
            findings.push(error);
            Reading::refused(findings)
        }
    }
}
