//! The hours of months, as a view counts them.

use std::sync::OnceLock;

use chrono::NaiveDate;

use crate::domain::{Calendar, ContractMonth, Iso, MonthHours};

/// Months whose hours are kept, from 1970 on.
const MONTHS: i32 = 12 * 150;

/// Whose hours, and by which calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// Where: by NERC's calendar not all clocks change.
    pub iso: Iso,
    /// How they are counted.
    pub calendar: Calendar,
}

impl Hours {
    /// The hours of a month. Charts ask for the same months again and again.
    #[must_use]
    pub fn of(self, month: ContractMonth) -> MonthHours {
        static KNOWN: [[OnceLock<Vec<MonthHours>>; Iso::ALL.len()]; Calendar::ALL.len()] =
            [const { [const { OnceLock::new() }; Iso::ALL.len()] }; Calendar::ALL.len()];
        let first = ContractMonth::containing(NaiveDate::default());
        let count = |month| MonthHours::of(self.iso, self.calendar, month);
        let known = KNOWN[self.calendar as usize][self.iso as usize]
            .get_or_init(|| (0..MONTHS).map(|months| count(first.plus(months))).collect());
        let place = usize::try_from(month.months_since(first)).ok();
        place.and_then(|place| known.get(place).copied()).unwrap_or_else(|| count(month))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_the_formula_says() {
        for (iso, calendar) in [(Iso::Pjm, Calendar::Nerc), (Iso::Miso, Calendar::Flat)] {
            for month in ["1969-12", "1970-01", "2024-03", "2119-12", "2120-01"] {
                let month: ContractMonth = month.parse().unwrap();
                let formula = MonthHours::of(iso, calendar, month);
                assert_eq!(Hours { iso, calendar }.of(month), formula, "{iso} {month}");
            }
        }
    }
}
