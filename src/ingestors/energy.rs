//! Energy prices by block, 61 months from the file's own month on.

use crate::grid::Grid;

use super::{
    Context, Ingestor, Reading,
    monthly::{self, MonthlyRules},
    report::Findings,
};

/// The ingestor.
#[derive(Debug)]
pub struct Energy;

impl Ingestor for Energy {
    fn read(&self, grid: &Grid, context: &Context<'_>, findings: Findings) -> Reading {
        let rules = MonthlyRules { has_state_row: false, has_window: true };
        monthly::read(grid, context, rules, findings)
    }
}
