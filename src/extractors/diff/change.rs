//! What became of one row, and of all of them.

use rust_decimal::Decimal;

use crate::domain::{exact, words};

words! {
    /// What became of a row.
    Status("a status") {
        /// Only the later version has it.
        Added = "added",
        /// Only the earlier version has it.
        Removed = "removed",
        /// Both have it, with different values; none is a value of its own.
        Changed = "changed",
    }
}

/// A row in both versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// None where both have the same value.
    pub status: Option<Status>,
    /// The value before; none also where it is missing.
    pub old: Option<Decimal>,
    /// The value after; none also where it is missing.
    pub new: Option<Decimal>,
}

/// Decimals of a percentage.
const PERCENT_DECIMALS: u32 = 5;

impl Change {
    /// Of a row's values before and after, each of which may be missing; the outer `None` is for a
    /// version without the row.
    #[must_use]
    pub fn of(old: Option<Option<Decimal>>, new: Option<Option<Decimal>>) -> Option<Self> {
        let status = match (old, new) {
            (None, None) => return None,
            (None, Some(_)) => Some(Status::Added),
            (Some(_), None) => Some(Status::Removed),
            (Some(old), Some(new)) => (old != new).then_some(Status::Changed),
        };
        Some(Self { status, old: old.flatten(), new: new.flatten() })
    }

    /// New minus old, exactly; none where one of them is.
    #[must_use]
    pub fn delta(&self) -> Option<Decimal> {
        self.new?.checked_sub(self.old?)
    }

    /// The delta in percent of old, to five decimals, half away from zero; none where old is 0.
    #[must_use]
    pub fn percent(&self) -> Option<Decimal> {
        exact::percent(self.delta()?, self.old?, PERCENT_DECIMALS)
    }
}

/// How many rows became what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Summary {
    /// Rows of the later version only.
    pub added: u64,
    /// Rows of the earlier version only.
    pub removed: u64,
    /// Rows of both with another value.
    pub changed: u64,
    /// Rows of both with the same value.
    pub unchanged: u64,
}

impl Summary {
    /// Counts a row.
    pub fn count(&mut self, change: &Change) {
        let counter = match change.status {
            Some(Status::Added) => &mut self.added,
            Some(Status::Removed) => &mut self.removed,
            Some(Status::Changed) => &mut self.changed,
            None => &mut self.unchanged,
        };
        *counter += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn change(old: &str, new: &str) -> Change {
        Change::of(Some(old.parse().ok()), Some(new.parse().ok())).unwrap()
    }

    fn told(change: &Change) -> (Option<String>, Option<String>) {
        (change.delta().map(|d| d.to_string()), change.percent().map(|p| p.to_string()))
    }

    #[test]
    fn a_missing_value_is_a_value_of_its_own() {
        assert_eq!(change("1.50", "1.5").status, None);
        assert_eq!(change("", "").status, None);
        assert_eq!(change("0", "").status, Some(Status::Changed));
        assert_eq!(change("", "0").status, Some(Status::Changed));
        assert_eq!(told(&change("", "1")), (None, None));
        assert_eq!(Change::of(None, None), None);
        let added = Change::of(None, Some(None)).unwrap();
        assert_eq!((added.status, added.new), (Some(Status::Added), None));
    }

    #[test]
    fn percents_are_of_old_and_rounded_once() {
        for (old, new, delta, percent) in [
            ("40", "41", "1", "2.50000"),
            ("3", "4", "1", "33.33333"),
            ("3", "5", "2", "66.66667"),
            ("-4", "-5", "-1", "25.00000"),
            ("-4", "1", "5", "-125.00000"),
            ("8000000", "8000000.4", "0.4", "0.00001"),
            ("-8000000", "-7999999.6", "0.4", "-0.00001"),
            (
                "999999999999.999999999999999",
                "-999999999999.999999999999999",
                "-1999999999999.999999999999998",
                "-200.00000",
            ),
        ] {
            let expected = (Some(delta.to_owned()), Some(percent.to_owned()));
            assert_eq!(told(&change(old, new)), expected, "{old} {new}");
        }
        assert_eq!(told(&change("0", "1")), (Some("1".to_owned()), None));
    }

    fn value() -> impl Strategy<Value = Option<Decimal>> {
        let number = (-999_999_999_i64..1_000_000_000, 0_u32..9);
        prop::option::of(number.prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale)))
    }

    proptest! {
        #[test]
        fn the_other_way_round_mirrors(old in prop::option::of(value()), new in prop::option::of(value())) {
            let (there, back) = (Change::of(old, new), Change::of(new, old));
            prop_assert_eq!(there.is_none(), old.is_none() && new.is_none());
            if let (Some(there), Some(back)) = (there, back) {
                let mirrored = match there.status {
                    Some(Status::Added) => Some(Status::Removed),
                    Some(Status::Removed) => Some(Status::Added),
                    same => same,
                };
                prop_assert_eq!(back.status, mirrored);
                prop_assert_eq!(back.delta(), there.delta().map(|delta| -delta));
                prop_assert_eq!((back.old, back.new), (there.new, there.old));
            }
        }

        #[test]
        fn a_percentage_is_within_half_of_its_last_decimal(old in value(), new in value()) {
            let change = Change::of(Some(old), Some(new)).unwrap();
            if let (Some(old), Some(delta), Some(percent)) = (change.old, change.delta(), change.percent()) {
                let error = (percent * old - delta * Decimal::from(100)).abs();
                prop_assert!(error * Decimal::from(2) <= old.abs() * Decimal::new(1, PERCENT_DECIMALS));
            }
        }
    }
}
