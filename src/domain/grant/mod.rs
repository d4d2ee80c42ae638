//! What a package grants: which curves, which of their series, which months, which versions.
//!
//! A [`Grant`] is a condition on everything at once; a package is a choice of grants. Its flat form,
//! [`GrantFields`], is that of the API, of the row and of the form on the page. What a grant comes to
//! at an instant is resolved by SQL alone (function `resolve_grant`).

mod fields;
mod print;

pub use fields::{GrantError, GrantFields};

use super::{ContractMonth, Iso, words};

words! {
    /// What can be granted: the nine families, and headroom.
    GrantedCurve("a curve type") {
        /// Energy prices by block.
        Energy = "energy",
        /// Capacity, ancillary services, transmission and other charges.
        NonEnergy = "nonenergy",
        /// Renewable energy certificates.
        Rec = "rec",
        /// Price to compare.
        Ptc = "ptc",
        /// Fixed-term retail offers.
        Matrix = "matrix",
        /// Hourly load of a customer class.
        LoadProfile = "loadprofile",
        /// Hourly price shaping factors.
        Shaping = "shaping",
        /// Volume-weighted load ratio.
        Vlr = "vlr",
        /// Line loss factors.
        LineLoss = "lineloss",
        /// How much cheaper an offer is than the price to compare.
        Headroom = "headroom",
    }
}

impl GrantedCurve {
    /// Whether a window of contract months limits it; the others are seen whole.
    #[must_use]
    pub const fn has_month_policy(self) -> bool {
        matches!(self, Self::Energy | Self::NonEnergy | Self::Rec | Self::Shaping)
    }

    /// Whether it has close-of-business versions.
    #[must_use]
    pub const fn has_cob(self) -> bool {
        matches!(self, Self::Energy)
    }
}

words! {
    /// A label that a grant may name values of, by its member. The order is that in which they are
    /// chosen.
    GrantLabel("a label") {
        /// Control area.
        ControlArea = "control_areas",
        /// State.
        State = "states",
        /// Load zone.
        LoadZone = "load_zones",
        /// Capacity zone.
        CapacityZone = "capacity_zones",
        /// Utility.
        Utility = "utilities",
        /// Block type, without case.
        BlockType = "block_types",
        /// Cost group.
        CostGroup = "cost_groups",
        /// Cost component.
        CostComponent = "cost_components",
        /// Sub-component; of a matrix, its price components.
        SubComponent = "sub_components",
    }
}

impl GrantLabel {
    /// As a person calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ControlArea => "Control area",
            Self::State => "State",
            Self::LoadZone => "Load zone",
            Self::CapacityZone => "Capacity zone",
            Self::Utility => "Utility",
            Self::BlockType => "Block type",
            Self::CostGroup => "Cost group",
            Self::CostComponent => "Cost component",
            Self::SubComponent => "Sub-component",
        }
    }
}

words! {
    /// Where a rolling window begins.
    RollingFrom("the beginning of a rolling window") {
        /// The current month.
        Balance = "balance",
        /// The next month.
        Prompt = "prompt",
    }
}

/// Which contract months are seen, of curves that have a month policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Months {
    /// All of them.
    Unlimited,
    /// From the first to the last, both inclusive; at least one is there, and they are in order.
    Fixed {
        /// None: no beginning.
        first: Option<ContractMonth>,
        /// None: no end.
        last: Option<ContractMonth>,
    },
    /// Exactly so many calendar months.
    Rolling {
        /// 1 to 600.
        count: u16,
        /// From which on.
        from: RollingFrom,
    },
}

/// How far back operating days are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// All of them.
    All,
    /// The newest so many of those visible, 1 to 36,500.
    Newest(u16),
}

/// What is seen: a cell is, if every part lets it through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Of which curves: at least one, each once, in their fixed order.
    pub curves: Vec<GrantedCurve>,
    /// Of which ISOs; none for any.
    pub isos: Vec<Iso>,
    /// The values of each of [`GrantLabel::ALL`], ascending; none for any.
    pub labels: [Vec<String>; 9],
    /// Which contract months.
    pub months: Months,
    /// Only versions of close of business, where there are such.
    pub cob_only: bool,
    /// Only operating days at least so many days ago, 0 to 36,500.
    pub delay_days: Option<u16>,
    /// How far back.
    pub history: History,
    /// Nothing that was superseded.
    pub current_only: bool,
    /// Also prices of every hour that are computed from those of blocks.
    pub derived: bool,
}

impl Grant {
    /// The values of a label; none for any.
    #[must_use]
    pub fn values(&self, label: GrantLabel) -> &[String] {
        &self.labels[label as usize]
    }
}

/// The most grants of a package.
pub const MOST_GRANTS: usize = 100;
