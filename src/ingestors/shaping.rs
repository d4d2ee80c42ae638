//! Factors that shape a block price into hours.

use super::rules::Rules;

/// The layout.
pub const RULES: Rules = Rules::HOURLY;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::{
        domain::Iso,
        ingestors::testing::{common, found, read_text, refused, values},
    };

    /// Labels in rows 1 to 8, the header in row 9.
    fn file(iso: Iso, below: &str) -> String {
        let eight = common(&iso.as_str().to_uppercase(), ",");
        format!("{eight}Date,HE,ZONE A,ZONE B\n{below}")
    }

    #[test]
    fn any_day_is_read_and_days_have_no_gaps() {
        let below = "1/5/2024,24,1.2,1\n1/9/2024,1,.8,2\n4/9/2024,01,5%,3\n";
        let reading = read_text("Shaping_NYISO", &file(Iso::Nyiso, below));
        assert_eq!(found(&reading), ["mixed_units C12"]);
        let units = reading.curve.as_ref().unwrap().series.iter().map(|series| &*series.key.unit);
        assert_eq!(units.collect::<Vec<_>>(), ["%", "factor"]);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(values(&reading), [["1.2", "0.8", "0.05"].map(some), ["1", "2", "3"].map(some)]);
    }

    #[test]
    fn the_hour_25_is_that_of_the_day_when_the_clocks_of_the_iso_go_back() {
        for iso in Iso::ALL.iter().copied() {
            for (day, is_long) in [
                ("10/31/2004", true),
                ("11/7/2004", false),
                ("11/4/2007", true),
                ("10/28/2007", false),
                ("11/3/2024", true),
                ("11/10/2024", false),
                ("3/10/2024", false),
            ] {
                let stem = format!("Shaping_{}", iso.as_str().to_uppercase());
                let text = file(iso, &format!("{day},25,1,1\n"));
                if is_long && iso != Iso::Miso {
                    assert_eq!(found(&read_text(&stem, &text)), [""; 0], "{iso} {day}");
                } else {
                    assert_eq!(refused(&stem, &text), ["bad_hour B10"], "{iso} {day}");
                }
            }
        }
        let twice = file(Iso::Pjm, "11/3/2024,2,1,1\n11/3/2024,25,1,1\n11/3/2024,2,1,1\n");
        assert_eq!(
            refused("Shaping_PJM", &twice),
            ["duplicate_hour A10", "duplicate_hour A12", "month_order A12"]
        );
    }

    proptest! {
        #[test]
        fn rows_in_any_order_are_the_same_curve(
            rows in Just((0..96_u32).collect::<Vec<_>>()).prop_shuffle()
        ) {
            let line = |n: &u32| format!("2024-11-{:02},{},{n},-{n}\n", n / 24 + 1, n % 24 + 1);
            let read = |rows: &[u32]| {
                let below: String = rows.iter().map(line).collect();
                read_text("Shaping_PJM", &file(Iso::Pjm, &below)).curve.unwrap()
            };
            let (shuffled, sorted) = (read(&rows), read(&(0..96).collect::<Vec<_>>()));
            prop_assert_eq!(&shuffled.axis, &sorted.axis);
            prop_assert_eq!(&shuffled.series, &sorted.series);
            prop_assert!(shuffled.rows.iter().zip(0..).all(|(row, n)| rows[*row - 9] == n));
        }
    }
}
