//! Prices of tariffs while they are valid.

use super::rows::{ATTRIBUTE, Kind, METRIC, Part, Table, column};

/// Rows of `tariff_price`.
pub const TABLE: Table = Table {
    name: "tariff_price",
    columns: &[
        column("provider", Kind::Text, Part::Fixed),
        column("tariff_code", Kind::Text, Part::Fixed),
        column("rate_kind", Kind::Text, Part::Further),
        column("payment_method", Kind::Text, Part::Further),
        column("valid_from", Kind::Instant, Part::Start),
        column("valid_to", Kind::Instant, ATTRIBUTE),
        column("exc_vat", Kind::Number, METRIC),
        column("inc_vat", Kind::Number, METRIC),
        column("currency", Kind::Text, ATTRIBUTE),
        column("unit", Kind::Text, ATTRIBUTE),
    ],
    series: &["provider", "tariff_code", "rate_kind", "payment_method"],
    updated_at: None,
    reconcile: None,
};

/// Where the cells of a row stand.
pub const RATE_KIND: usize = 2;
/// See [`RATE_KIND`].
pub const PAYMENT_METHOD: usize = 3;
/// See [`RATE_KIND`].
pub const VALID_FROM: usize = 4;
/// See [`RATE_KIND`].
pub const VALID_TO: usize = 5;
/// See [`RATE_KIND`].
pub const EXC_VAT: usize = 6;
/// See [`RATE_KIND`].
pub const INC_VAT: usize = 7;
/// See [`RATE_KIND`].
pub const UNIT: usize = 9;
