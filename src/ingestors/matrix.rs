//! Fixed-term offers and how their price is built up: a column is an offer, a row a price component
//! with a unit of its own. No header row, no months.

use super::{
    labels::{Field, LabelRule},
    rules::{Header, Index, LOOKUP_KEY, MATCHING_ID, Rules},
};

/// The layout.
pub const RULES: Rules = Rules {
    labels: &[
        MATCHING_ID,
        LOOKUP_KEY,
        LabelRule::required("Beginning Date", Field::BeginningDate),
        LabelRule::required("Load Profile", Field::LoadProfile),
        LabelRule::required("Term (Months)", Field::Term),
    ],
    header: Header::Absent,
    index: Index::Component,
    has_sub_component: false,
};

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use crate::{
        domain::{Axis, Family, ValueBand},
        ingestors::testing::{common, found, read_banded, read_text, refused, values},
    };

    /// Labels in rows 1 to 13.
    fn file(below: &str) -> String {
        let eight = common("PJM", "");
        format!(
            "Matching ID,M-1,\nLookup ID1,L-1,L-1\nBeginning Date,6/1/2024,6/15/2024\n{eight}\
             Load Profile,RS,RS\nTerm (Months),12,120\n{below}"
        )
    }

    #[test]
    fn a_unit_belongs_to_the_component_and_a_series_is_an_offer() {
        let below = "Component,Offer 1,Offer 2\nTerms,,\n,,\nEnergy,41.20,40.85\nARR (Credit),(0.51),-\n\
                     Share,5%,0.06\nTotal Contract Load (kWh),\"1,250,000\",2500000\n cents/kWh ,4.2,#N/A\n";
        let reading = read_text("Matrix_PJM", &file(below));
        assert_eq!(
            found(&reading),
            ["unknown_label_row A14", "unknown_label_row A15", "mixed_units C19"]
        );
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            values(&reading),
            [
                ["41.2", "-0.51", "0.05", "1250000", "4.2"].map(some),
                [some("40.85"), some("0"), some("0.06"), some("2500000"), None],
            ]
        );
        let stats = reading.stats.unwrap();
        assert_eq!((stats.rows, stats.columns, stats.points), (5, 2, 10));
        assert_eq!((stats.months, stats.first_month, stats.last_month), (None, None, None));
        let curve = reading.curve.unwrap();
        let Axis::Components(components) = &curve.axis else { panic!("{:?}", curve.axis) };
        let named: Vec<_> = components.iter().map(|c| (&*c.name, &*c.unit)).collect();
        assert_eq!(
            named,
            [
                ("Energy", "$/MWh"),
                ("ARR (Credit)", "$/MWh"),
                ("Share", "%"),
                ("Total Contract Load (kWh)", "kWh"),
                ("cents/kWh", "c/kWh"),
            ]
        );
        let key = &curve.series[1].key;
        assert_eq!((&*key.unit, &*key.sub_component), ("", ""));
        assert_eq!((key.more.term, key.more.matching_id.as_deref()), (Some(120), Some("N/A")));
        assert_eq!(key.more.beginning_date.unwrap().to_string(), "2024-06-15");
        assert_eq!(key.more.load_profile.as_deref(), Some("RS"));
    }

    #[test]
    fn terms_and_beginnings_are_checked() {
        let good = file("Energy,1,2\n");
        let refused = |old: &str, new: &str| refused("Matrix_PJM", &good.replace(old, new));
        for term in ["0", "121", "+12", "12.0", "12 months", "999"] {
            assert_eq!(refused(",120", &format!(",{term}")), ["bad_term C13"], "{term}");
        }
        assert_eq!(refused(",120", ","), ["label_blank C13"]);
        assert_eq!(refused("6/15/2024", "soon"), ["bad_date C3"]);
        assert_eq!(refused("6/15/2024", "15/6/2024"), ["date_order C3"]);
        assert_eq!(refused("6/15/2024", "2024-06-15"), ["mixed_date_formats C3"]);
        assert_eq!(refused("6/15/2024", ""), ["label_blank C3"]);
    }

    #[test]
    fn components_are_named_once() {
        let refused = |below: &str| refused("Matrix_PJM", &file(below));
        assert_eq!(
            refused("Energy,1,2\nLosses,1,2\n Energy ,1,2\n"),
            ["duplicate_series A14", "duplicate_series A16"]
        );
        assert_eq!(refused("Energy,1,2\n,1,2\n"), ["label_blank A15"]);
        assert_eq!(refused("Energy,1,2\n#N/A,1,2\n"), ["label_blank A15"]);
        assert_eq!(refused("Notes,words,#N/A\n"), ["not_a_number B14"]);
        assert_eq!(
            refused("Energy,1,2\nNotes,words,more\n"),
            ["not_a_number B15", "not_a_number C15"]
        );
        assert_eq!(refused("Words,only,here\n"), ["no_data 14", "unknown_label_row A14"]);
        assert_eq!(refused("Energy,1,2,3\n"), ["column_unlabelled D14"]);
        assert_eq!(refused("Energy,1,\n"), ["column_empty C4"]);
        assert_eq!(refused("Energy,1\n"), ["ragged_row 14"]);
        let twice = file("Energy,1,2\n")
            .replace("M-1", "")
            .replace("6/15/2024", "6/1/2024")
            .replace(",120", ",12")
            .replace("ZONE B", "ZONE A");
        assert_eq!(super::super::testing::refused("Matrix_PJM", &twice), ["duplicate_series C1"]);
    }

    #[test]
    fn a_band_counts_in_its_unit_only() {
        let band = ValueBand {
            family: Family::Matrix,
            unit: "c/kWh".into(),
            low: None,
            high: Some(Decimal::TEN),
            hard: false,
        };
        let text = file("Energy,41,42\ncents/kWh,4,40\n");
        assert_eq!(found(&read_banded("Matrix_PJM", &text, &[band])), ["out_of_band C15"]);
    }
}
