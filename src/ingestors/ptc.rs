//! Prices to compare: the default rate of a utility's rate class, month by month, under a header row
//! of any words.

use super::{
    labels::{Field, LabelRule},
    rules::{Header, LOOKUP_KEY, MATCHING_ID, Rules},
};

/// The layout.
pub const RULES: Rules = Rules {
    labels: &[
        MATCHING_ID,
        LOOKUP_KEY,
        LabelRule::required("Utility Name", Field::UtilityName),
        LabelRule::required("Rate Class/Load Profile", Field::LoadProfile),
    ],
    header: Header::AboveFirstDate,
    has_sub_component: false,
    ..Rules::MONTHLY
};

#[cfg(test)]
mod tests {
    use crate::ingestors::testing::{common, found, read_text, refused, values};

    /// Labels in rows 1 to 12, a separator in row 13.
    fn file(below: &str) -> String {
        let eight = common("NYISO", "");
        format!(
            "Matching ID,,M-2\nLookup ID1,L-1,L-2\n{eight}Utility Name,Utility One,Utility Two\n\
             Rate Class/Load Profile,SC-1,SC-2\n,,\n{below}"
        )
    }

    #[test]
    fn the_last_row_above_the_first_date_is_the_header_whatever_it_says() {
        let below =
            "Rate Code,x,y\n,,\nAnything,PTC,PTC\n,,\n5/1/2024,0.0931,#N/A\n6/1/2024,$.1,(1.5)\n";
        let reading = read_text("PTC_NYISO", &file(below));
        assert_eq!(found(&reading), ["unknown_label_row A14", "mixed_units B19"]);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(values(&reading), [[some("0.0931"), some("0.1")], [None, some("-1.5")]]);
        let stats = reading.stats.unwrap();
        assert_eq!((stats.rows, stats.columns, stats.points, stats.months), (2, 2, 4, Some(2)));
        assert_eq!(stats.last_month.as_deref(), Some("2024-06"));
    }

    #[test]
    fn the_key_is_made_of_labels_and_ids_and_not_of_the_caption() {
        let reading = read_text("PTC_NYISO", &file("Month,PTC,Other\n5/1/2024,0.1,0.2\n"));
        let curve = reading.curve.unwrap();
        let [first, second] = [0, 1].map(|place| curve.series[place].key.clone());
        assert_eq!((&*first.sub_component, &*first.unit), ("Component", "$/kWh"));
        assert_eq!(first.labels.block_type, "7x24");
        assert_eq!(first.more.matching_id.as_deref(), Some("N/A"));
        assert_eq!(second.more.matching_id.as_deref(), Some("M-2"));
        assert_eq!(second.more.lookup_id.as_deref(), Some("L-2"));
        assert_eq!(second.more.utility_name.as_deref(), Some("Utility Two"));
        assert_eq!(second.more.load_profile.as_deref(), Some("SC-2"));
        assert_eq!((second.more.customer_type, second.more.term), (None, None));
        assert_eq!(curve.series[1].lookup_id.as_deref(), Some("L-2"));
        let same = file("Month,PTC,Other\n5/1/2024,0.1,0.2\n")
            .replace("ZONE B", "ZONE A")
            .replace("M-2", "")
            .replace("L-2", "L-1")
            .replace("Utility Two", "Utility One")
            .replace("SC-2", "SC-1");
        assert_eq!(refused("PTC_NYISO", &same), ["duplicate_series C14"]);
    }

    #[test]
    fn a_header_row_is_needed_and_numbers_are_none() {
        let refused = |below: &str| refused("PTC_NYISO", &file(below));
        assert_eq!(refused("5/1/2024,0.1,0.2\n"), ["header_not_found A14"]);
        assert_eq!(
            refused("Month,PTC,PTC\n5/0/2024,0.1,0.2\n6/1/2024,0.1,0.2\n"),
            ["bad_date A15", "unknown_label_row A14"]
        );
        assert_eq!(
            refused("Month,PTC,PTC\n45413,0.1,0.2\n45444,0.1,0.2\n"),
            ["bad_date A15", "bad_date A16"]
        );
        assert_eq!(refused("Month,PTC,PTC\n13/1/2024,0.1,0.2\n"), ["date_order A15"]);
        assert_eq!(refused("Month,PTC,PTC\n5/1/2024,0.1,0.2\nTotal,1,1\n"), ["bad_date A16"]);
        assert_eq!(refused("Month,PTC,PTC\n"), ["no_data"]);
    }

    #[test]
    fn labels_of_the_family_are_labels_like_the_others() {
        let good = file("Month,PTC,PTC\n5/1/2024,0.1,0.2\n");
        let with = |old: &str, new: &str| good.replace(old, new);
        assert_eq!(refused("PTC_NYISO", &with("L-1", "#N/A")), ["label_blank B2"]);
        assert_eq!(refused("PTC_NYISO", &with("Utility Two", "")), ["label_blank C11"]);
        assert_eq!(refused("PTC_NYISO", &with("SC-1", &"x".repeat(256))), ["label_too_long B12"]);
        assert_eq!(refused("PTC_NYISO", &with("M-2", "#REF!")), ["label_blank C1"]);
        assert_eq!(
            refused("PTC_NYISO", &with("Utility Name", "Utility Names")),
            ["label_missing", "unknown_label_row A11"]
        );
        assert_eq!(refused("PTC_PJM", &good), ["area_mismatch B3", "area_mismatch C3"]);
        let odd = with("SC-1", "sc-2").replace("Utility Two", "0");
        assert_eq!(
            found(&read_text("PTC_NYISO", &odd)),
            ["suspicious_label C11", "near_duplicate_label C12"]
        );
        assert_eq!(found(&read_text("PTC_NYISO", &with("M-2", "n/a"))), [""; 0]);
    }
}
