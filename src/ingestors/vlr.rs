//! Volume-weighted load ratios: hours of the twelve months of any year.

use super::rules::{Index, Rules};

/// The layout.
pub const RULES: Rules = Rules { index: Index::MonthHour, ..Rules::HOURLY };

#[cfg(test)]
mod tests {
    use crate::{
        domain::Axis,
        ingestors::testing::{common, found, read_text, refused, values},
    };

    /// Labels in rows 1 to 8, the header in row 9.
    fn file(below: &str) -> String {
        format!("{}Month,HE,ZONE A,ZONE B\n{below}", common("ERCOT", ","))
    }

    #[test]
    fn months_are_numbers() {
        let reading = read_text("Vlr_ERCOT", &file("12,24,5.5%,5.1%\n1,1,5%,\n"));
        assert_eq!(found(&reading), ["month_gap", "month_order A11"]);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(values(&reading), [["0.05", "0.055"].map(some), [None, some("0.051")]]);
        let stats = reading.stats.unwrap();
        assert_eq!((stats.months, stats.first_month, stats.percent_cells), (None, None, 3));
        let curve = reading.curve.unwrap();
        assert_eq!(curve.axis, Axis::MonthHours(vec![(1, 1), (12, 24)]));
        assert_eq!(curve.series[0].key.unit, "%");
    }

    #[test]
    fn months_and_hours_are_checked() {
        let refused = |below: &str| refused("Vlr_ERCOT", &file(below));
        for month in ["0", "13", "1.5", "Jan", "", "1/1/2024", "-1", "+1"] {
            assert_eq!(refused(&format!("{month},1,1,1\n")), ["bad_month A10"], "{month}");
        }
        assert_eq!(refused("11,25,1,1\n"), ["bad_hour B10"]);
        assert_eq!(refused("13,25,1,1\n"), ["bad_month A10", "bad_hour B10"]);
        assert_eq!(refused("1,1,1,1\n01,1,1,1\n"), ["duplicate_hour A10", "duplicate_hour A11"]);
    }
}
