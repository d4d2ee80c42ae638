//! Reference hours of a contract month, by formula.

use chrono::{Datelike, Months, NaiveDate, Weekday};

use super::ContractMonth;

/// Hours of a month in each block, without holidays and clock changes: 16 on-peak hours a day,
/// weekdays apart from Saturdays and Sundays. They are the same for every ISO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the blocks' own names")]
pub struct FlatHours {
    pub s5x16: u32,
    pub s7x8: u32,
    pub s2x16: u32,
    pub s7x24: u32,
    pub we: u32,
    pub wd: u32,
    pub on_peak: u32,
    pub off_peak: u32,
}

impl FlatHours {
    /// The hours of `month`.
    #[must_use]
    pub fn of(month: ContractMonth) -> Self {
        let first = month.first_day();
        let days = days_of(first);
        let weekend = weekend_days(first, days);
        let week = days - weekend;
        Self {
            s5x16: 16 * week,
            s7x8: 8 * days,
            s2x16: 16 * weekend,
            s7x24: 24 * days,
            we: 24 * weekend,
            wd: 24 * week,
            on_peak: 16 * days,
            off_peak: 8 * days,
        }
    }
}

fn days_of(first: NaiveDate) -> u32 {
    let next = first.checked_add_months(Months::new(1)).unwrap_or(first);
    u32::try_from((next - first).num_days()).unwrap_or_default()
}

/// Four of each in the first 28 days, then those among the days left over.
fn weekend_days(first: NaiveDate, days: u32) -> u32 {
    let start = first.weekday().num_days_from_monday();
    let saturday = Weekday::Sat.num_days_from_monday();
    8 + (28..days).map(|day| u32::from((start + day) % 7 >= saturday)).sum::<u32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(month: &str) -> [u32; 6] {
        let h = FlatHours::of(month.parse().unwrap());
        [h.s5x16, h.s2x16, h.s7x8, h.s7x24, h.wd, h.we]
    }

    #[test]
    fn the_reference_table_is_met() {
        assert_eq!(hours("2024-01"), [368, 128, 248, 744, 552, 192]);
        assert_eq!(hours("2024-02"), [336, 128, 232, 696, 504, 192]);
        assert_eq!(hours("2024-03"), [336, 160, 248, 744, 504, 240]);
        assert_eq!(hours("2024-09"), [336, 144, 240, 720, 504, 216]);
        assert_eq!(hours("2024-12"), [352, 144, 248, 744, 528, 216]);
        assert_eq!(hours("2025-11"), [320, 160, 240, 720, 480, 240]);
        assert_eq!(hours("2027-07"), [352, 144, 248, 744, 528, 216]);
    }

    #[test]
    fn blocks_add_up_in_every_month_of_a_century() {
        let first: ContractMonth = "2000-01".parse().unwrap();
        for month in (0..1212).map(|months| first.plus(months)) {
            let h = FlatHours::of(month);
            assert_eq!(h.s5x16 + h.s2x16 + h.s7x8, h.s7x24, "{month}");
            assert_eq!(h.wd + h.we, h.s7x24, "{month}");
            assert_eq!(h.on_peak + h.off_peak, h.s7x24, "{month}");
        }
    }
}
