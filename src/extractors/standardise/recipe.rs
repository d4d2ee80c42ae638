//! How the values of an output column come about.

use crate::{domain::MonthHours, extractors::words::Block};

/// Where the values of an output column come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipe {
    /// A stored series as it is.
    Stored,
    /// A computation.
    Computed(Box<Computed>),
}

/// A computation inside one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Computed {
    /// What it does with its members.
    pub formula: Formula,
    /// The stored series that it may use; a version need not hold all of them.
    pub members: Vec<Member>,
    /// Members of the same names have different units: this column is for versions whose members
    /// all have this one.
    pub only_unit: Option<String>,
}

/// What a computation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Formula {
    /// Σ(value × hours of its block) / hours of the month.
    Mean(Rule),
    /// The only member, times `times`, divided by what it is `per`.
    Single {
        /// A factor: 1000 kW are a MW.
        times: u32,
        /// A divisor.
        per: Per,
    },
}

/// What a price is per, in hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// Not converted.
    One,
    /// A day of 24 hours.
    Day,
    /// The hours of the month.
    Month,
}

/// Which members a price of every hour is derived from. Rules never mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// 2x16, 5x16 and 7x8: `wdph`.
    Blocks,
    /// WD and WE: `wd`.
    Days,
    /// On-peak and off-peak: `ph`.
    Peak,
}

impl Rule {
    /// The members, all of them needed.
    #[must_use]
    pub const fn blocks(self) -> &'static [Block] {
        match self {
            Self::Blocks => &[Block::S2x16, Block::S5x16, Block::S7x8],
            Self::Days => &[Block::Wd, Block::We],
            Self::Peak => &[Block::OnPeak, Block::OffPeak],
        }
    }

    /// The rule that a block is a member of.
    #[must_use]
    pub fn of(block: Block) -> Option<Self> {
        [Self::Blocks, Self::Days, Self::Peak]
            .into_iter()
            .find(|rule| rule.blocks().contains(&block))
    }
}

/// The hours of a block in a month.
#[must_use]
pub const fn hours_in(block: Block, hours: &MonthHours) -> u32 {
    match block {
        Block::S5x16 => hours.s5x16,
        Block::S2x16 => hours.s2x16,
        Block::S7x8 => hours.s7x8,
        Block::Wd => hours.wd,
        Block::We => hours.we,
        Block::OnPeak => hours.on_peak,
        Block::OffPeak => hours.off_peak,
        Block::S7x24 | Block::All => hours.s7x24,
    }
}

/// A stored series that a computation may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Row of `series`.
    pub series: i64,
    /// Its block.
    pub block: Block,
    /// Its unit.
    pub unit: String,
    /// Rows of `series` that may multiply it; a version should hold at most one.
    pub scalers: Vec<i64>,
}

/// What a version has of a computation's members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attendance {
    /// One series for each block, but for those absent.
    Sources {
        /// In the order of the rule.
        sources: Vec<Source>,
        /// Blocks without a series.
        absent: Vec<Block>,
    },
    /// Nothing can be computed, for the whole column.
    Failed(Fault),
}

/// A series of a version, and what multiplies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The block.
    pub block: Block,
    /// Row of `series`.
    pub series: i64,
    /// Row of `series` of the scaler.
    pub scaler: Option<i64>,
}

/// Why a computed column of a version is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The members have different units.
    MixedUom,
    /// Two series of a version claim to be the same member or scaler.
    AmbiguousMember,
}

impl Fault {
    /// The machine word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MixedUom => "mixed_uom",
            Self::AmbiguousMember => "ambiguous_member",
        }
    }
}

/// Why a computed cell is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// These blocks have no value.
    Strips(Vec<Block>),
    /// The scaler has no value.
    Scaler,
    /// The only member has no value: nothing to warn about.
    Native,
}

impl Lack {
    /// The machine word; none where the stored cell says why.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::Strips(_) => Some("missing_strip"),
            Self::Scaler => Some("missing_scaler"),
            Self::Native => None,
        }
    }
}

impl Computed {
    /// Every series that it may read.
    pub fn series(&self) -> impl Iterator<Item = i64> + '_ {
        self.members
            .iter()
            .flat_map(|member| std::iter::once(member.series).chain(member.scalers.iter().copied()))
    }

    /// What a version that has the series `is_present` has of the members; `None` where it has
    /// none and thus not the column.
    pub fn attendance(&self, is_present: impl Fn(i64) -> bool) -> Option<Attendance> {
        let present: Vec<&Member> =
            self.members.iter().filter(|member| is_present(member.series)).collect();
        let first = present.first()?;
        if let Some(unit) = &self.only_unit {
            let is_mixed = present.iter().any(|member| member.unit != first.unit);
            match (is_mixed, first.unit == *unit) {
                (_, false) => return None,
                (true, true) => return Some(Attendance::Failed(Fault::MixedUom)),
                (false, true) => {}
            }
        }
        Some(self.sources(&present, &is_present))
    }

    fn sources(&self, present: &[&Member], is_present: &impl Fn(i64) -> bool) -> Attendance {
        let blocks = match self.formula {
            Formula::Mean(rule) => rule.blocks(),
            Formula::Single { .. } => std::slice::from_ref(&present[0].block),
        };
        let (mut sources, mut absent) = (Vec::with_capacity(blocks.len()), Vec::new());
        for &block in blocks {
            let mut of_block = present.iter().filter(|member| member.block == block);
            let Some(member) = of_block.next() else {
                absent.push(block);
                continue;
            };
            let mut scalers = member.scalers.iter().copied().filter(|scaler| is_present(*scaler));
            let scaler = scalers.next();
            if of_block.next().is_some() || scalers.next().is_some() {
                return Attendance::Failed(Fault::AmbiguousMember);
            }
            sources.push(Source { block, series: member.series, scaler });
        }
        Attendance::Sources { sources, absent }
    }

    /// Why a cell is empty, by which series miss a value there; `None` where it is not.
    pub fn lack(
        &self,
        sources: &[Source],
        absent: &[Block],
        is_missing: impl Fn(i64) -> bool,
    ) -> Option<Lack> {
        let missing = sources.iter().filter(|source| is_missing(source.series));
        let missing: Vec<Block> =
            absent.iter().copied().chain(missing.map(|source| source.block)).collect();
        let scaler = |source: &Source| source.scaler.is_some_and(&is_missing);
        match (missing.is_empty(), self.formula) {
            (false, Formula::Mean(_)) => Some(Lack::Strips(missing)),
            (false, Formula::Single { .. }) => Some(Lack::Native),
            (true, _) => sources.iter().any(scaler).then_some(Lack::Scaler),
        }
    }
}
