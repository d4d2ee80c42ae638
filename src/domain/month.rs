//! Contract months: calendar dates, never instants.

use chrono::{Datelike, Months, NaiveDate};

/// A delivery month, named by its first day. No time zone applies to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContractMonth(NaiveDate);

impl ContractMonth {
    /// The month that starts on `first_day`; `None` if that is not the first of a month.
    #[must_use]
    pub fn from_first_day(first_day: NaiveDate) -> Option<Self> {
        (first_day.day() == 1).then_some(Self(first_day))
    }

    /// The month that `day` lies in.
    ///
    /// # Panics
    /// Never: every month has a first day.
    #[must_use]
    pub fn containing(day: NaiveDate) -> Self {
        Self(day.with_day(1).unwrap_or(day))
    }

    /// Its first day.
    #[must_use]
    pub const fn first_day(self) -> NaiveDate {
        self.0
    }

    /// The month `months` later (earlier if negative). Clamped at the calendar's ends.
    #[must_use]
    pub fn plus(self, months: i32) -> Self {
        let step = Months::new(months.unsigned_abs());
        let moved = if months < 0 {
            self.0.checked_sub_months(step)
        } else {
            self.0.checked_add_months(step)
        };
        Self(moved.unwrap_or(self.0))
    }

    /// How many months after `earlier` this one comes.
    #[must_use]
    pub fn months_since(self, earlier: Self) -> i32 {
        (self.0.year() - earlier.0.year()) * 12 + self.0.month0().cast_signed()
            - earlier.0.month0().cast_signed()
    }
}

/// `YYYY-MM`.
impl std::fmt::Display for ContractMonth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

/// Reads `YYYY-MM`, or `YYYY-MM-DD` (any day of the month).
impl std::str::FromStr for ContractMonth {
    type Err = super::UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let day = match text.len() {
            7 => NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d"),
            _ => NaiveDate::parse_from_str(text, "%Y-%m-%d"),
        };
        day.ok().filter(|_| matches!(text.len(), 7 | 10)).map(Self::containing).ok_or_else(|| {
            super::UnknownWord {
                found: text.to_owned(),
                what: "a contract month",
                known: "YYYY-MM and YYYY-MM-DD".to_owned(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_read_printed_and_counted() {
        let may: ContractMonth = "2023-05".parse().unwrap();
        assert_eq!("2023-05-01".parse(), Ok(may));
        assert_eq!(may.to_string(), "2023-05");
        assert_eq!(may.plus(60).to_string(), "2028-05");
        assert_eq!(may.plus(-5).to_string(), "2022-12");
        assert_eq!(may.plus(60).months_since(may), 60);
        for wrong in ["2023", "2023-13", "2023-5", "05/2023", "2023-05-32", ""] {
            assert!(wrong.parse::<ContractMonth>().is_err(), "{wrong}");
        }
    }
}
