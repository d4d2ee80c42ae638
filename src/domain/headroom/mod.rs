//! How much cheaper a fixed-price offer is than the utility's price to compare (PTC). Pure.
//!
//! An offer of a matrix looks up prices to compare: those whose Matching ID is its Lookup ID1. With
//! u the price to compare and b the bundled price, both in $/MWh, headroom is u - b, and in percent
//! (u - b) / u. Which months of the price to compare make u is the [`Basis`].

mod compute;
mod quotient;

use chrono::NaiveDate;
use rust_decimal::Decimal;

pub use self::{compute::compute, quotient::Long};
use super::{Component, ContractMonth, Iso, words};

words! {
    /// Which months of the price to compare count.
    Basis("a basis") {
        /// The month in which the offer begins, or the one after where the prices start later.
        Prompt = "prompt",
        /// Every month of the offer's term, weighted by its load.
        Term = "term",
    }
}

words! {
    /// What is to be said of an offer, or of an offer and a price to compare.
    Remark("a remark") {
        /// Its Lookup ID1 is blank, or the Matching ID of no price to compare.
        NoMatchingId = "no_matching_id",
        /// There is no price to compare for its first month.
        NoPtcMonth = "no_ptc_month",
        /// The price to compare of a month that counts is missing, or is no price of energy.
        PtcGap = "ptc_gap",
        /// The matrix has no line Total Bundled Price.
        NoTotalLine = "no_total_line",
        /// The matrix has no number in that line, or one that is no price of energy.
        NullPrice = "null_price",
        /// It matches several prices to compare: a record each.
        AmbiguousMatch = "ambiguous_match",
    }
}

impl Remark {
    /// Why an offer has no record, in the order of section 11 of the specification.
    pub const REASONS: &'static [Self] =
        &[Self::NoMatchingId, Self::NoPtcMonth, Self::PtcGap, Self::NoTotalLine, Self::NullPrice];
}

/// The lines of a matrix that are the price of an offer: the first that it has.
pub const TOTAL_LINES: [&str; 2] = ["Total Bundled Price", "Total Bundled Price ($/MWh)"];

/// What each value of a record is, in the order of [`Record::measures`].
pub const MEASURES: [(&str, &str); 4] =
    [("ptc", "$/MWh"), ("retail_price", "$/MWh"), ("headroom", "$/MWh"), ("headroom_pct", "%")];

/// The measures as the components of an axis.
#[must_use]
pub fn measures() -> Vec<Component> {
    let component = |(name, unit): (&str, &str)| Component { name: name.into(), unit: unit.into() };
    MEASURES.into_iter().map(component).collect()
}

/// What the line of the bundled price has for an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BundledPrice {
    /// The matrix has no such line.
    NoLine,
    /// Nothing.
    Null,
    /// A number, and the unit of the line.
    Value(Decimal, String),
}

/// An offer of a matrix.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the labels of a matrix")]
pub struct Offer {
    /// Row of `series`.
    pub id: i64,
    pub state: String,
    pub load_zone: String,
    pub utility: String,
    pub block_type: String,
    pub load_profile: Option<String>,
    pub lookup_id: Option<String>,
    pub term: Option<u8>,
    pub beginning_date: Option<NaiveDate>,
    pub price: BundledPrice,
}

/// The prices to compare of one rate class.
#[derive(Debug, Clone)]
pub struct PriceToCompare {
    /// Row of `series`.
    pub id: i64,
    /// What offers look up.
    pub matching_id: String,
    /// Usually $/kWh; a file may say otherwise.
    pub unit: String,
    /// In that unit, one for each month of the version.
    pub values: Vec<Option<Decimal>>,
}

/// What a customer class uses in a month.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the labels of a load profile")]
pub struct MonthlyLoad {
    pub state: String,
    pub load_zone: String,
    pub utility: String,
    pub block_type: String,
    /// What offers call their load profile.
    pub customer_type: String,
    pub month: ContractMonth,
    /// kWh of all its hours; none where an hour is missing.
    pub kwh: Option<Long>,
}

/// A Matrix version, the PTC version that it is paired with, and the loads that are known.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Where.
    pub iso: Iso,
    /// The offers of the Matrix version.
    pub offers: Vec<Offer>,
    /// The months of the PTC version, ascending.
    pub months: Vec<ContractMonth>,
    /// The series of the PTC version that any offer looks up.
    pub prices: Vec<PriceToCompare>,
    /// By month; none without a load profile.
    pub loads: Vec<MonthlyLoad>,
}

/// An offer beside a price to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The offer's row of `series`.
    pub offer: i64,
    /// The row of `series` of the price to compare.
    pub ptc: i64,
    /// Which months count.
    pub basis: Basis,
    /// The first of them.
    pub month: ContractMonth,
    /// In the order of [`MEASURES`], each cut once, after 20 decimals. The percentage is null where
    /// the price to compare is zero.
    pub measures: ([Decimal; 3], Option<Decimal>),
}

/// A remark about an offer, or about an offer and a price to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    /// The offer's row of `series`.
    pub offer: i64,
    /// The row of `series` of the price to compare that it is about.
    pub ptc: Option<i64>,
    /// Which months were to count.
    pub basis: Basis,
    /// What is to be said.
    pub remark: Remark,
}

/// What came out.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// In the order of the offers, by basis.
    pub records: Vec<Record>,
    /// Likewise.
    pub notes: Vec<Note>,
}
