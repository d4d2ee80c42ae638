//! Line loss factors: a flat table, a row for each series and no date.

use super::rules::{Header, Index, Rules};

/// The layout.
pub const RULES: Rules = Rules {
    labels: &[],
    header: Header::Flat { value: "Line Loss Factor" },
    index: Index::Series,
    has_sub_component: false,
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::{
        domain::Axis,
        ingestors::testing::{found, read_text, refused, values},
    };

    const HEADER: &str = "Control Area,State,Load Zone,Capacity Zone,Utility,Block Type,Cost Group,Cost Component,Line Loss Factor\n";
    const FIRST: &str = "ERCOT,TX,NORTH,NORTH,ONE,7X24,Line Loss,Distribution,4.5%\n";
    const SECOND: &str = "ERCOT,TX,NORTH,NORTH,TWO,7x24,Line Loss,Distribution,0.05\n";

    #[test]
    fn a_row_is_a_series_with_one_value() {
        let third = SECOND.replace("TWO", "THREE").replace("0.05", "#N/A");
        let reading =
            read_text("LineLoss_ERCOT", &format!(",,,\n{HEADER}{FIRST},,\n{SECOND}{third}"));
        assert_eq!(found(&reading), ["mixed_units I5"]);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(values(&reading), [[some("0.045")], [some("0.05")], [None]]);
        let stats = reading.stats.unwrap();
        assert_eq!((stats.rows, stats.columns, stats.points, stats.missing), (3, 1, 3, 1));
        assert_eq!(stats.months, None);
        let curve = reading.curve.unwrap();
        assert_eq!(curve.axis, Axis::Single);
        let [first, second] = [0, 1].map(|place| &curve.series[place]);
        assert_eq!((first.column, first.row, second.row), (8, Some(2), Some(4)));
        assert_eq!((&*first.key.unit, &*first.key.sub_component), ("%", "Distribution"));
        assert_eq!(first.key.labels.block_type, "7x24");
    }

    #[test]
    fn columns_are_found_by_name_and_others_ignored() {
        let more = |line: &str, cell: &str| format!("{},{cell}\n", line.trim_end());
        let text = more(HEADER, "Remark") + &more(FIRST, "not a number");
        assert_eq!(found(&read_text("LineLoss_ERCOT", &text)), ["unknown_column J1"]);
        assert_eq!(
            refused("LineLoss_ERCOT", &(more(HEADER, "") + &more(FIRST, "x"))),
            ["column_unlabelled J2"]
        );
        assert_eq!(
            refused("LineLoss_ERCOT", &(more(HEADER, "State") + &more(FIRST, "TX"))),
            ["label_duplicate J1"]
        );
        let title = format!("Losses,,,,,,,,\n{HEADER}{FIRST}");
        assert_eq!(found(&read_text("LineLoss_ERCOT", &title)), ["unknown_label_row A1"]);
    }

    #[test]
    fn every_row_is_checked() {
        let file = |line: &str| format!("{HEADER}{FIRST}{line}");
        let with =
            |old: &str, new: &str| refused("LineLoss_ERCOT", &file(&SECOND.replace(old, new)));
        assert_eq!(with("TWO", "ONE"), ["duplicate_series I3", "mixed_units I3"]);
        assert_eq!(with("TWO", ""), ["label_blank E3"]);
        assert_eq!(with("ERCOT", "PJM"), ["area_mismatch A3"]);
        assert_eq!(with("7x24", "7x25"), ["unknown_strip F3"]);
        assert_eq!(with("0.05", "x"), ["not_a_number I3"]);
        assert_eq!(with(",0.05", ""), ["ragged_row 3"]);
        assert_eq!(with("0.05", "0.05,1"), ["ragged_row J3"]);
        assert_eq!(refused("LineLoss_ERCOT", &file(FIRST)), ["duplicate_series I3"]);
        assert_eq!(refused("LineLoss_ERCOT", HEADER), ["no_data 1"]);
        assert_eq!(
            refused("LineLoss_ERCOT", &HEADER.replace("State", "Sta")),
            ["label_missing 1", "unknown_column B1"]
        );
        assert_eq!(refused("LineLoss_ERCOT", FIRST), ["header_not_found A1"]);
        assert_eq!(
            refused("LineLoss_ERCOT", &format!("{HEADER}{}", SECOND.replace("0.05", ""))),
            ["column_empty I1"]
        );
        // In another case it is another series.
        let near = file(&SECOND.replace("TWO", "One").replace("0.05", "5%"));
        assert_eq!(found(&read_text("LineLoss_ERCOT", &near)), ["near_duplicate_label E3"]);
    }

    proptest! {
        #[test]
        fn columns_in_any_order_are_the_same_series(
            order in Just((0..9_usize).collect::<Vec<_>>()).prop_shuffle()
        ) {
            let shuffled = |line: &str| {
                let cells: Vec<&str> = line.trim_end().split(',').collect();
                order.iter().map(|place| cells[*place]).collect::<Vec<_>>().join(",") + "\n"
            };
            let text: String = [HEADER, FIRST, SECOND].map(shuffled).concat();
            let read = |text: &str| read_text("LineLoss_ERCOT", text).curve.unwrap();
            let (found, plain) = (read(&text), read(&format!("{HEADER}{FIRST}{SECOND}")));
            for (found, plain) in found.series.iter().zip(&plain.series) {
                prop_assert_eq!((&found.key, found.value(0)), (&plain.key, plain.value(0)));
                prop_assert_eq!(Some(found.column), order.iter().position(|place| *place == 8));
            }
        }
    }
}
