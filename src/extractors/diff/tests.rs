//! Axes and columns of every kind, without a database.

use super::*;
use crate::{
    db::{
        data::{Column, SeriesHeader},
        numeric::Values,
    },
    domain::{Axis, Component, Family, MoreLabels, SeriesKey},
    extractors::words::Curve,
};

fn version(id: i64) -> VersionHeader {
    let instant = DateTime::UNIX_EPOCH;
    VersionHeader {
        id,
        curve_timestamp: instant,
        operating_day: instant.date_naive(),
        cob: false,
        known_at: instant,
        sha256: Vec::new(),
        places: 1,
        ptc_timestamp: None,
        admitted: vec![1],
        days: None,
    }
}

/// A side with its own series, by id, and their values.
fn side(part: usize, axis: Axis, family: Family, columns: &[(i64, &[&str])]) -> Side {
    let header = |id: i64| {
        let more = MoreLabels { matching_id: Some(format!("M{id}")), ..MoreLabels::default() };
        let key = SeriesKey { more, ..SeriesKey::default() };
        SeriesHeader { id, key, admitted: vec![1], derived: vec![1] }
    };
    let column = |id: i64, values: &[&str]| {
        let values = Values(values.iter().map(|value| value.parse().ok()).collect());
        let column = Column { series_id: id, values, notation: None, lookup_id: None };
        Some(GridColumn::new(column, 0))
    };
    let series = columns.iter().map(|(id, _)| PrintedSeries::native(family, header(*id)));
    let grid =
        Grid { axis, columns: columns.iter().map(|(id, values)| column(*id, values)).collect() };
    Side { version: version(i64::from(part != 0)), part, series: series.collect(), grid }
}

fn comparison(curve: Curve, from: Side, to: Side) -> Comparison {
    Comparison {
        combination: Combination { curve, iso: crate::domain::Iso::Pjm },
        known_at: DateTime::UNIX_EPOCH,
        not_applied: Vec::new(),
        disclaimer: None,
        from,
        to,
        months: (None, None),
    }
}

fn told(comparison: &Comparison) -> Vec<String> {
    let levels = comparison.levels();
    let rows = comparison.pairs().into_iter().flat_map(|pair| {
        levels.iter().filter_map(move |level| Row::of(pair, *level)).collect::<Vec<_>>()
    });
    let text = |value: Option<Decimal>| value.map_or("-".to_owned(), |v| v.to_string());
    rows.map(|row| {
        let (change, status) = (row.change, row.change.status);
        let status = status.map_or("same", Status::as_str);
        let series = row.pair.series.id;
        format!("{series} {} {status} {} {}", row.place, text(change.old), text(change.new))
    })
    .collect()
}

#[test]
fn offers_of_a_matrix_are_matched_though_their_files_differ() {
    let component = |name: &str, unit: &str| Component { name: name.into(), unit: unit.into() };
    let old = Axis::Components(vec![
        component("Total", "$/MWh"),
        component("Losses", "$/MWh"),
        component("Fee", "$/kWh"),
    ]);
    // The same name in another unit is another line.
    let new = Axis::Components(vec![component("Losses", "$/MWh"), component("Fee", "$/MWh")]);
    let from = side(0, old, Family::Matrix, &[(1, &["10", "1", "2"]), (3, &["20", "", "4"])]);
    let to = side(1, new, Family::Matrix, &[(2, &["5", "6"]), (3, &["7", "8"])]);
    assert_eq!(
        told(&comparison(Curve::Matrix, from, to)),
        [
            "1 Fee removed 2 -",
            "1 Losses removed 1 -",
            "1 Total removed 10 -",
            "2 Fee added - 6",
            "2 Losses added - 5",
            "3 Fee added - 8",
            "3 Fee removed 4 -",
            "3 Losses changed - 7",
            "3 Total removed 20 -",
        ]
    );
}

#[test]
fn hours_and_single_values_are_places_too() {
    let day: NaiveDate = "2031-11-02".parse().unwrap();
    let old = Axis::Hours(vec![(day, 1), (day, 2)]);
    let new = Axis::Hours(vec![(day, 2), (day, 25)]);
    let from = side(0, old, Family::Shaping, &[(1, &["1", "2"])]);
    let to = side(0, new, Family::Shaping, &[(1, &["2.0", ""])]);
    let mut hours = comparison(Curve::Shaping, from, to);
    assert_eq!(
        told(&hours),
        [
            "1 2031-11-02 HE 1 removed 1 -",
            "1 2031-11-02 HE 2 same 2 2.0",
            "1 2031-11-02 HE 25 added - -",
        ]
    );
    hours.months.0 = Some("2031-12-01".parse().unwrap());
    assert_eq!(told(&hours), Vec::<String>::new());
    let [from, to] =
        ["0.5", "0.6"].map(|value| side(0, Axis::Single, Family::LineLoss, &[(1, &[value])]));
    assert_eq!(told(&comparison(Curve::LineLoss, from, to)), ["1  changed 0.5 0.6"]);
}

#[test]
fn computed_prices_are_compared_as_they_print() {
    let [from, to] = ["1.0000049", "1.0000051"].map(|value| {
        let mut side = side(0, Axis::Single, Family::LineLoss, &[(1, &[])]);
        side.grid.columns = vec![Some(GridColumn::computed(vec![value.parse().ok()]))];
        side
    });
    assert_eq!(told(&comparison(Curve::LineLoss, from, to)), ["1  changed 1.00000 1.00001"]);
    let [from, to] = ["1.0000051", "1.0000052"].map(|value| {
        let mut side = side(0, Axis::Single, Family::LineLoss, &[(1, &[])]);
        side.grid.columns = vec![Some(GridColumn::computed(vec![value.parse().ok()]))];
        side
    });
    assert_eq!(told(&comparison(Curve::LineLoss, from, to)), ["1  same 1.00001 1.00001"]);
}
