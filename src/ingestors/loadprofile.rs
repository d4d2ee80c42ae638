//! The load of a customer class, hour by hour.

use super::{
    labels::{Field, LabelRule},
    rules::{LOOKUP_ID, Rules},
};

/// The layout.
pub const RULES: Rules = Rules {
    labels: &[LOOKUP_ID, LabelRule::required("Customer Type", Field::CustomerType)],
    ..Rules::HOURLY
};

#[cfg(test)]
mod tests {
    use crate::{
        domain::Axis,
        ingestors::testing::{common, found, read_text, refused, values},
    };

    /// Labels in rows 1 to 10, a separator in row 11, the header in row 12.
    fn file(below: &str) -> String {
        let eight = common("NYISO", ",");
        format!(
            "Lookup ID1,,L,\n{eight}Customer Type,,RES,COM\n,,,\nMonth,HE,ZONE A,ZONE B\n{below}"
        )
    }

    #[test]
    fn hours_of_months_are_read_and_put_in_order() {
        let reading = read_text(
            "LoadProfile_NYISO",
            &file("5/1/2024,2,0.2,1\n5/1/2024,1,0.1,\n8/1/2024,1,0.3,#N/A\n"),
        );
        assert_eq!(found(&reading), ["month_gap", "month_order A14"]);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(values(&reading), [["0.1", "0.2", "0.3"].map(some), [None, some("1"), None]]);
        let stats = reading.stats.unwrap();
        assert_eq!((stats.rows, stats.columns, stats.points, stats.months), (3, 2, 6, Some(2)));
        let curve = reading.curve.unwrap();
        let hours: Vec<String> = curve.axis.places().map(|place| place.to_string()).collect();
        assert_eq!(hours, ["2024-05-01 HE 1", "2024-05-01 HE 2", "2024-08-01 HE 1"]);
        assert!(matches!(curve.axis, Axis::Hours(_)));
        let series = &curve.series[0];
        assert_eq!((&*series.key.unit, &*series.key.sub_component), ("kWh", "Component"));
        assert_eq!(series.key.more.customer_type.as_deref(), Some("RES"));
        // An optional look-up text is kept beside the series.
        assert_eq!(
            (series.key.more.lookup_id.as_deref(), series.lookup_id.as_deref()),
            (None, Some("L"))
        );
    }

    #[test]
    fn months_and_hours_are_checked() {
        let refused = |below: &str| refused("LoadProfile_NYISO", &file(below));
        for hour in ["0", "25", "26", "-1", "1.5", "", "8:00", "HE1", "256", "+1"] {
            assert_eq!(refused(&format!("5/1/2024,{hour},1,2\n")), ["bad_hour B13"], "{hour}");
        }
        // Under Month the day when clocks go back is no day.
        assert_eq!(refused("11/3/2024,25,1,2\n"), ["not_first_of_month A13", "bad_hour B13"]);
        assert_eq!(
            refused("5/1/2024,1,1,2\n6/1/2024,1,1,2\n5/1/2024,1,1,2\n"),
            ["duplicate_hour A13", "duplicate_hour A15", "month_order A15"]
        );
        assert_eq!(refused("1/1/2024,1,1,2\n1/2/2024,1,1,2\n"), ["date_order A14"]);
        assert_eq!(refused(",1,1,2\n"), ["bad_date A13"]);
        assert_eq!(refused("5/1/2024,1,1,2\n2024-06-01,1,1,2\n"), ["mixed_date_formats A14"]);
    }

    #[test]
    fn hours_stand_in_column_b_alone() {
        let good = file("5/1/2024,1,1,2\n");
        let refused = |old: &str, new: &str| refused("LoadProfile_NYISO", &good.replace(old, new));
        assert_eq!(refused("Month,HE", "Month,Hour"), ["header_not_found B12"]);
        assert_eq!(refused("Month,HE", "EY,HE"), ["header_not_found A12"]);
        assert_eq!(refused("State,,", "State,NY,"), ["label_invalid B3"]);
        assert_eq!(
            refused("Customer Type", "Customers"),
            ["label_missing", "header_not_found A10"]
        );
        assert_eq!(refused("COM", ""), ["label_blank D10"]);
    }
}
