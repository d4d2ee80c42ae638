//! Capacity, ancillary services, transmission and the like: components of different units side by side.

use crate::grid::Grid;

use super::{
    Context, Ingestor, Reading,
    monthly::{self, MonthlyRules},
    report::Findings,
};

/// The ingestor.
#[derive(Debug)]
pub struct NonEnergy;

impl Ingestor for NonEnergy {
    fn read(&self, grid: &Grid, context: &Context<'_>, findings: Findings) -> Reading {
        let rules = MonthlyRules { has_state_row: false, has_window: false };
        monthly::read(grid, context, rules, findings)
    }
}
