//! Emission factors: what burning a fuel for one kWh gives off, by set, region and date.

use std::cmp::Reverse;

use chrono::NaiveDate;
use rust_decimal::Decimal;

/// The name under which a set keeps its factor of fuels that it does not know.
pub const UNKNOWN: &str = "unknown";

/// One factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatedFactor {
    /// As the set names it.
    pub fuel: String,
    /// Of this region rather than of all: it goes first.
    pub is_regional: bool,
    /// From this day of the region on.
    pub valid_from: NaiveDate,
    /// Up to this day, which is not in it; none: open.
    pub valid_to: Option<NaiveDate>,
    /// g/kWh.
    pub g_per_kwh: Decimal,
}

impl DatedFactor {
    fn holds(&self, day: NaiveDate) -> bool {
        self.valid_from <= day && self.valid_to.is_none_or(|to| day < to)
    }
}

/// The factors of one set that count in one region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Factors(Vec<DatedFactor>);

impl Factors {
    /// These, in any order.
    #[must_use]
    pub fn new(mut rows: Vec<DatedFactor>) -> Self {
        // A region's own before everybody's, a later one before an earlier one.
        rows.sort_by_key(|row| Reverse((row.is_regional, row.valid_from)));
        Self(rows)
    }

    /// g/kWh of a fuel on a day of the region.
    #[must_use]
    pub fn of(&self, fuel: &str, day: NaiveDate) -> Option<Decimal> {
        let it = |row: &&DatedFactor| row.fuel == fuel && row.holds(day);
        self.0.iter().find(it).map(|row| row.g_per_kwh)
    }

    /// g/kWh of a fuel that the set need not know.
    #[must_use]
    pub fn of_or_unknown(&self, fuel: &str, day: NaiveDate) -> Option<Decimal> {
        self.of(fuel, day).or_else(|| self.of(UNKNOWN, day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fuel: &str, is_regional: bool, from: &str, to: Option<&str>, g: i64) -> DatedFactor {
        DatedFactor {
            fuel: fuel.to_owned(),
            is_regional,
            valid_from: from.parse().unwrap(),
            valid_to: to.map(|to| to.parse().unwrap()),
            g_per_kwh: g.into(),
        }
    }

    #[test]
    fn the_factor_is_that_of_the_day_and_rather_the_regions_own() {
        let factors = Factors::new(vec![
            row("oil", false, "2000-01-01", None, 406),
            row("oil", true, "2000-01-01", Some("2020-04-01"), 760),
            row("oil", true, "2020-04-01", Some("2024-01-01"), 500),
            row(UNKNOWN, false, "2000-01-01", None, 575),
        ]);
        let of = |fuel, day: &str| factors.of(fuel, day.parse().unwrap()).map(|g| g.to_string());
        assert_eq!(of("oil", "2020-03-31").as_deref(), Some("760"));
        assert_eq!(of("oil", "2020-04-01").as_deref(), Some("500"));
        assert_eq!(of("oil", "2024-01-01").as_deref(), Some("406"));
        assert_eq!(of("oil", "1999-12-31"), None);
        assert_eq!(of("peat", "2020-04-01"), None);
        let day = "2020-04-01".parse().unwrap();
        assert_eq!(factors.of_or_unknown("peat", day), Some(575.into()));
    }
}
