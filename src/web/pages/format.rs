//! How pages print figures, times and names.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use crate::{
    domain::{Family, Iso, Missing, Notation},
    extractors::analysis::mean,
};

/// `2026-01-05 08:25:42 UTC`: wall clock and zone, to the second.
#[must_use]
pub fn instant(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// `08:25:42 UTC`, where the day stands beside it.
#[must_use]
pub fn time_of_day(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%H:%M:%S %Z").to_string()
}

/// The time alone on `day`, with its date on another.
#[must_use]
pub fn time_on(day: NaiveDate, at: DateTime<Utc>, zone: Tz) -> String {
    let same = at.with_timezone(&zone).date_naive() == day;
    if same { time_of_day(at, zone) } else { instant(at, zone) }
}

/// `71,316`.
#[must_use]
pub fn count(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::from(if n < 0 { "-" } else { "" });
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1.4 MiB`; whole bytes below one KiB.
#[must_use]
pub fn bytes(n: i64) -> String {
    match n {
        ..=1023 => format!("{n} bytes"),
        1024..=1_048_575 => format!("{}.{} KiB", n / 1024, n % 1024 * 10 / 1024),
        n if n % 1_048_576 == 0 => format!("{} MiB", n / 1_048_576),
        _ => format!("{}.{} MiB", n / 1_048_576, n % 1_048_576 * 10 / 1_048_576),
    }
}

/// The family as a heading has it.
#[must_use]
pub const fn family_name(family: Family) -> &'static str {
    match family {
        Family::Energy => "Energy",
        Family::NonEnergy => "Non-energy",
        Family::Rec => "REC",
        Family::Ptc => "Price to compare",
        Family::Matrix => "Matrix",
        Family::LoadProfile => "Load profile",
        Family::Shaping => "Shaping",
        Family::Vlr => "VLR",
        Family::LineLoss => "Line loss",
    }
}

/// The ISO as the trade writes it.
#[must_use]
pub const fn iso_name(iso: Iso) -> &'static str {
    match iso {
        Iso::Ercot => "ERCOT",
        Iso::Isone => "ISONE",
        Iso::Miso => "MISO",
        Iso::Nyiso => "NYISO",
        Iso::Pjm => "PJM",
    }
}

/// One value of a table: its exact digits, or a dash with the reason why it is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// A stored value.
    Value(String),
    /// No value: what the file had in its place.
    Missing(&'static str),
}

impl Cell {
    /// A stored value with at least `decimals` decimals, so that a column's points line up.
    #[must_use]
    pub fn new(value: Option<Decimal>, notation: Notation, decimals: u32) -> Self {
        match (value, notation) {
            (Some(mut value), _) => {
                if value.scale() < decimals {
                    value.rescale(decimals);
                }
                Self::Value(value.to_string())
            }
            (None, Notation::Missing(reason)) => Self::Missing(missing_words(reason)),
            (None, _) => Self::Missing("empty cell"),
        }
    }
}

/// What the file had where a value is missing.
#[must_use]
pub const fn missing_words(reason: Missing) -> &'static str {
    match reason {
        Missing::Empty => "empty cell",
        Missing::Blank => "blank cell",
        Missing::NotAvailable => "#N/A",
    }
}

/// The most decimals that any of the values has; of money at least two.
pub fn decimals<'a>(unit: &str, values: impl IntoIterator<Item = &'a Option<Decimal>>) -> u32 {
    let least = if unit.starts_with('$') { 2 } else { 0 };
    values.into_iter().flatten().map(Decimal::scale).max().unwrap_or_default().max(least)
}

/// A change with its sign; none has no sign.
#[must_use]
pub fn signed(change: Decimal, decimals: u32) -> String {
    let decimals = decimals as usize;
    if change.is_zero() { format!("{change:.decimals$}") } else { format!("{change:+.decimals$}") }
}

/// `change` as percent of `old`, with sign and two decimals; none from zero. Of a negative `old` a
/// rise is a negative percentage.
#[must_use]
pub fn percent(change: Decimal, old: Decimal) -> Option<String> {
    Some(format!("{}%", signed(mean::percent(change, old)?, 2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_every_digit() {
        assert_eq!([count(7), count(1234), count(-71_316_000)], ["7", "1,234", "-71,316,000"]);
        let value = |text: &str| Cell::new(text.parse().ok(), Notation::Plain, 3);
        assert_eq!(value("19.7"), Cell::Value("19.700".into()));
        assert_eq!(value("0.049867512"), Cell::Value("0.049867512".into()));
        assert_eq!(value("0"), Cell::Value("0.000".into()));
    }

    #[test]
    fn a_missing_value_is_never_a_zero() {
        let missing = Notation::Missing(Missing::NotAvailable);
        assert_eq!(Cell::new(None, missing, 2), Cell::Missing("#N/A"));
    }

    #[test]
    fn a_percentage_of_nothing_is_not_told() {
        let decimal = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(percent(decimal("91.35"), decimal("19.76")).as_deref(), Some("+462.30%"));
        assert_eq!(percent(decimal("-1"), decimal("-4")).as_deref(), Some("+25.00%"));
        assert_eq!(percent(decimal("1"), decimal("-4")).as_deref(), Some("-25.00%"));
        // Rounded once, half away from zero.
        assert_eq!(percent(decimal("0.0025"), decimal("2")).as_deref(), Some("+0.13%"));
        assert_eq!(percent(decimal("0"), decimal("4")).as_deref(), Some("0.00%"));
        assert_eq!(percent(decimal("1"), Decimal::ZERO), None);
    }
}
