//! The step between selection and layout: one 7x24 price out of stored blocks, units converted to
//! $/MWh, capacity prices scaled.
//!
//! ```text
//! stored series   plan     output series, each with a recipe     (before the first byte)
//!                 scan     which cells will be empty, and why    (before the first byte)
//! stored columns  compute  output columns of one version
//! ```
//!
//! Every derivation stays inside one version. Sums are exact and rounded once.

mod compute;
mod names;
mod plan;
mod recipe;
mod scan;

pub use self::{
    compute::compute,
    names::printed_block,
    plan::{Plan, plan},
    recipe::{Computed, Formula, Recipe, Rule},
    scan::{Look, scan},
};
use super::words::Block;

/// Which output series are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The 7x24 price of every hour: derived, converted, or stored as such.
    pub standardized: bool,
    /// Stored blocks in native units; [`Block::All`] stands for every one.
    pub stored: Vec<Block>,
}

impl Wish {
    /// Whether the stored series of a block are listed in native units.
    #[must_use]
    pub fn lists(&self, block: &str) -> bool {
        let is =
            |wanted: &Block| *wanted == Block::All || wanted.as_str().eq_ignore_ascii_case(block);
        self.stored.iter().any(is)
    }
}
