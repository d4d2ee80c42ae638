//! Renewable energy certificates: a row of states above the header row; `EY` is the energy year, yet values are monthly.

use crate::grid::Grid;

use super::{
    Context, Ingestor, Reading,
    monthly::{self, MonthlyRules},
    report::Findings,
};

/// The ingestor.
#[derive(Debug)]
pub struct Rec;

impl Ingestor for Rec {
    fn read(&self, grid: &Grid, context: &Context<'_>, findings: Findings) -> Reading {
        let rules = MonthlyRules { has_state_row: true, has_window: false };
        monthly::read(grid, context, rules, findings)
    }
}
