//! What the pages of feeds say.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::{PageRef, ask::Shared};
use crate::domain::feed::{IntensityUnit, Quality, RateKind};

/// What a page says.
#[derive(Debug)]
pub struct Parsed {
    /// Its rows, of one kind.
    pub records: Records,
    /// What is odd about it.
    pub findings: Vec<Finding>,
    /// The page after it; none: it is the last of its window.
    pub next: Option<Next>,
}

/// Where the next page is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// By number.
    Page(PageRef),
    /// By a link as the upstream wrote it; whether it may be followed is checked before it is.
    Link(String),
}

/// Rows of one kind. The region, meter or tariff is that of the scope.
#[derive(Debug)]
pub enum Records {
    /// Intensities by slot.
    Intensity(Vec<Intensity>),
    /// A forecast.
    Forecast(Vec<Forecast>),
    /// Readings of generation, from which the mix and the intensity of slots are made.
    Samples(Vec<FuelSample>),
    /// Shares of generation by slot.
    Mix(Vec<FuelShare>),
    /// Usage by slot.
    Usage(Vec<Usage>),
    /// Prices by span.
    Prices(Vec<Price>),
    /// The meters of an account with their agreements.
    Account(Vec<Metering>),
    /// Emission factors as published.
    Factors(Vec<Factor>),
}

impl Records {
    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Intensity(rows) => rows.len(),
            Self::Forecast(rows) => rows.len(),
            Self::Samples(rows) => rows.len(),
            Self::Mix(rows) => rows.len(),
            Self::Usage(rows) => rows.len(),
            Self::Prices(rows) => rows.len(),
            Self::Account(rows) => rows.len(),
            Self::Factors(rows) => rows.len(),
        }
    }

    /// Whether there are none: the answer is `no_data`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The intensity of one slot under one set of factors, as the upstream wrote it.
#[derive(Debug, Clone)]
pub struct Intensity {
    /// The set.
    pub factor_set: Shared,
    /// Start of the slot.
    pub start: DateTime<Utc>,
    /// Its length in seconds.
    pub secs: i32,
    /// Of generation, in `unit`; none: unknown.
    pub generated: Option<Decimal>,
    /// Of consumption, in `unit`.
    pub consumed: Option<Decimal>,
    /// Marginal, in `unit`.
    pub marginal: Option<Decimal>,
    /// The upstream's unit.
    pub unit: IntensityUnit,
    /// As far as the upstream says; plausibility is looked at when it is loaded.
    pub quality: Quality,
    /// The upstream's name of the row.
    pub src_key: Option<String>,
    /// When the upstream last touched it.
    pub src_updated_at: Option<DateTime<Utc>>,
    /// What else it says: an object.
    pub raw: Option<Box<RawValue>>,
}

/// One slot of a forecast.
#[derive(Debug, Clone)]
pub struct Forecast {
    /// The set of factors.
    pub factor_set: Shared,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// Start of the slot.
    pub start: DateTime<Utc>,
    /// Its length in seconds.
    pub secs: i32,
    /// Of generation, in `unit`.
    pub generated: Option<Decimal>,
    /// The upstream's unit.
    pub unit: IntensityUnit,
}

/// Generation of one fuel at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FuelSample {
    /// When it was read.
    pub sampled_at: DateTime<Utc>,
    /// As the upstream names it.
    pub fuel: Shared,
    /// MW; none: unknown.
    pub mw: Option<Decimal>,
}

/// The share of one fuel in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FuelShare {
    /// Start of the slot.
    pub start: DateTime<Utc>,
    /// Its length in seconds.
    pub secs: i32,
    /// As the upstream names it.
    pub fuel: Shared,
    /// Percent; none: unknown.
    pub percent: Option<Decimal>,
}

/// Usage of a meter in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Start of the slot.
    pub start: DateTime<Utc>,
    /// Its length in seconds.
    pub secs: i32,
    /// In the meter's unit.
    pub quantity: Option<Decimal>,
}

/// A price of a tariff while it is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// What is charged for.
    pub rate_kind: RateKind,
    /// Who pays how; none: it applies to all.
    pub payment_method: Option<String>,
    /// From then on.
    pub valid_from: DateTime<Utc>,
    /// Until then; none: open.
    pub valid_to: Option<DateTime<Utc>>,
    /// Without VAT, in pence per kWh or per day; may be negative.
    pub exc_vat: Decimal,
    /// With VAT.
    pub inc_vat: Decimal,
}

/// A meter and what was agreed for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metering {
    /// `electricity` or `gas`.
    pub fuel_kind: &'static str,
    /// `import` or `export`.
    pub direction: &'static str,
    /// `kWh` or `m3`; none: not known.
    pub unit: Option<&'static str>,
    /// The number of the supply point.
    pub mpan: String,
    /// The number on the meter.
    pub serial: String,
    /// Which tariff when.
    pub agreements: Vec<Agreement>,
}

/// Which tariff prices a meter, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// The tariff.
    pub tariff_code: String,
    /// From then on.
    pub valid_from: DateTime<Utc>,
    /// Until then; none: open.
    pub valid_to: Option<DateTime<Utc>>,
}

/// An emission factor as the upstream publishes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factor {
    /// As the upstream names it.
    pub fuel: String,
    /// g/kWh.
    pub g_per_kwh: Decimal,
}

/// Something odd in a page: `{"code","message","at"}` in `feed_fetch.findings`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Finding {
    /// A stable word: `unknown_fuel`, `duplicate_in_body`, `future_row`, `bad_row`.
    pub code: String,
    /// What, and what was done about it.
    pub message: String,
    /// The place: a stamp, a row.
    pub at: Option<String>,
    /// Whether a row was left out for it.
    pub rejects_row: bool,
}

/// The most characters of a sentence about a page: what upstreams wrote may be long.
pub(super) const SENTENCE_MAX: usize = 400;

fn sentence(text: &str) -> String {
    match text.char_indices().nth(SENTENCE_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl Finding {
    /// One of a page; a text that is too long is cut.
    #[must_use]
    pub fn new(code: &str, message: &str, at: &str, rejects_row: bool) -> Self {
        let (message, at) = (sentence(message), Some(sentence(at)));
        Self { code: code.to_owned(), message, at, rejects_row }
    }
}

/// A page that cannot be taken: it is rejected whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadBody(pub String);

impl BadBody {
    /// Says why; a text that is too long is cut.
    #[must_use]
    pub fn new(why: &str) -> Self {
        Self(sentence(why))
    }
}
