//! A new curve against an earlier version of its dataset: what changed, and what looks wrong.

use std::collections::{HashMap, HashSet};

use rust_decimal::Decimal;
use serde::Serialize;

use crate::domain::{Axis, Code, Finding, Place, SeriesKey};

use super::{
    curve::{Curve, CurveSeries},
    report::Findings,
};

/// Values this many times greater or smaller than before are told.
const JUMP: Decimal = Decimal::from_parts(50, 0, 0, false, 0);
/// How many changes a diff lists.
const LARGEST: usize = 20;

/// An earlier version, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Its id.
    pub version_id: i64,
    /// Its axis.
    pub axis: Axis,
    /// Its series.
    pub series: Vec<EarlierSeries>,
}

/// A series of an earlier version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierSeries {
    /// What makes it the same series.
    pub key: SeriesKey,
    /// Its values in axis order.
    pub values: Vec<Option<Decimal>>,
}

/// What a dry run tells of the changes that an upload would make.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Diff {
    /// The version it is compared with; null where there is none.
    pub against: Option<String>,
    /// Series that are new.
    pub series_added: usize,
    /// Series that are gone.
    pub series_removed: usize,
    /// Months, or other places of the axis, that are new.
    pub months_added: usize,
    /// Months, or other places of the axis, that are gone.
    pub months_removed: usize,
    /// Cells of common series and places with another value.
    pub changed: usize,
    /// Cells of common series and places with the same value.
    pub unchanged: usize,
    /// The largest changes; a value that comes or goes is larger than any that moves.
    pub largest: Vec<DiffCell>,
}

/// A changed cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiffCell {
    /// The series as a person names it.
    pub label: String,
    /// The place on the axis: `YYYY-MM`, or `2031-04-01 HE 7`, or a component's name.
    pub month: String,
    /// The earlier value.
    pub old: Option<String>,
    /// The new value.
    pub new: Option<String>,
}

/// Both curves side by side, series by series.
struct Pairing<'a> {
    pairs: Vec<(&'a CurveSeries, &'a EarlierSeries)>,
    /// For each place of the new axis the index of the same place in the earlier one.
    places: Vec<Option<usize>>,
    added: usize,
    removed: usize,
}

impl<'a> Pairing<'a> {
    fn of(curve: &'a Curve, earlier: &'a Earlier) -> Self {
        let known: HashMap<&SeriesKey, &EarlierSeries> =
            earlier.series.iter().map(|series| (&series.key, series)).collect();
        let pairs: Vec<_> = curve
            .series
            .iter()
            .filter_map(|series| known.get(&series.key).map(|other| (series, *other)))
            .collect();
        let known: HashMap<Place<'_>, usize> =
            earlier.axis.places().enumerate().map(|(index, place)| (place, index)).collect();
        let places: Vec<_> = curve.axis.places().map(|place| known.get(&place).copied()).collect();
        // A series of a matrix is a column and a component.
        let (new, old, common) = match curve.axis {
            Axis::Components(_) => {
                let common = places.iter().flatten().count();
                (curve.axis.len(), earlier.axis.len(), common)
            }
            _ => (1, 1, 1),
        };
        Self {
            added: curve.series.len() * new - pairs.len() * common,
            removed: earlier.series.len() * old - pairs.len() * common,
            places,
            pairs,
        }
    }

    /// The cells of common places of a pair: place in the new axis, new value, old value.
    fn cells(
        &self,
        (new, old): (&'a CurveSeries, &'a EarlierSeries),
    ) -> impl Iterator<Item = (usize, Option<Decimal>, Option<Decimal>)> {
        self.places.iter().enumerate().filter_map(move |(place, other)| {
            Some((place, new.value(place), old.values.get((*other)?).copied().flatten()))
        })
    }
}

/// Warns of what looks wrong beside an earlier version.
pub fn compare(curve: &Curve, earlier: &Earlier, findings: &mut Findings) {
    let pairing = Pairing::of(curve, earlier);
    let version = earlier.version_id;
    for (code, count, verb) in [
        (Code::SeriesAdded, pairing.added, "are new"),
        (Code::SeriesRemoved, pairing.removed, "are no longer there"),
    ] {
        if count > 0 {
            let message = format!("{count} series {verb}, compared with version {version}");
            findings.push(Finding::new(code, message).value(&count.to_string()));
        }
    }
    // Components keep the order of their file, which is no content.
    let is_same_axis = matches!(curve.axis, Axis::Components(_)) || curve.axis == earlier.axis;
    let mut equal = pairing.added == 0 && pairing.removed == 0 && is_same_axis;
    for &pair in &pairing.pairs {
        equal = equal && pairing.cells(pair).all(|(_, new, old)| new == old);
        warn_of_jumps(curve, pair.0, pairing.cells(pair), findings);
    }
    if equal {
        let message = format!("every point equals version {version}");
        findings.push(Finding::new(Code::UnchangedContent, message));
    }
}

/// A cell that both curves have a number in, and neither a zero.
#[derive(Clone, Copy)]
struct Moved {
    place: usize,
    new: Decimal,
    old: Decimal,
}

impl Moved {
    /// Whether the value is at least 50 times what it was.
    fn is_up(self) -> bool {
        self.new.abs() >= self.old.abs() * JUMP
    }

    /// Whether it is at most a 50th.
    fn is_down(self) -> bool {
        self.new.abs() * JUMP <= self.old.abs()
    }

    fn ratio(self) -> Option<Decimal> {
        self.new.abs().checked_div(self.old.abs())
    }
}

fn warn_of_jumps(
    curve: &Curve,
    series: &CurveSeries,
    cells: impl Iterator<Item = (usize, Option<Decimal>, Option<Decimal>)>,
    findings: &mut Findings,
) {
    let moved: Vec<Moved> = cells
        .filter_map(|(place, new, old)| Some(Moved { place, new: new?, old: old? }))
        .filter(|cell| !cell.new.is_zero() && !cell.old.is_zero())
        .collect();
    if matches!(curve.axis, Axis::Components(_) | Axis::Single) {
        // A series of one value, as each component of an offer is: its ratio is the median.
        let jumps = moved.iter().filter(|cell| cell.is_up() || cell.is_down());
        findings.extend(jumps.filter_map(|jump| {
            Some(placed(scale_jump(series, jump.ratio()?), curve, series, *jump))
        }));
        return;
    }
    let jumps: Vec<Moved> =
        moved.iter().copied().filter(|cell| cell.is_up() || cell.is_down()).collect();
    // Division is slow: the median matters only if half of the cells jumped.
    let is_many = jumps.len() * 2 >= moved.len();
    let median = if is_many { median(&moved) } else { None };
    match median.filter(|median| *median >= JUMP || *median * JUMP <= Decimal::ONE) {
        Some(median) => findings.push(scale_jump(series, median)),
        None => findings.extend(jumps.iter().map(|jump| value_jump(curve, series, *jump))),
    }
}

fn scale_jump(series: &CurveSeries, median: Decimal) -> Finding {
    let times = median.round_sf(3).unwrap_or(median).normalize();
    let message = format!("values are about {times} times those of the version before");
    Finding::new(Code::ScaleJump, message)
        .column(series.column)
        .label(series.key.to_string())
        .hint("check the unit: percent against fraction, kW against MW")
}

fn value_jump(curve: &Curve, series: &CurveSeries, jump: Moved) -> Finding {
    let place = curve.axis.place(jump.place);
    let unit = match place {
        Place::Component(_, unit) => unit,
        _ => &series.key.unit,
    };
    let message = format!("{} {unit}, was {}", jump.new, jump.old);
    let finding = Finding::new(Code::ValueJump, message).hint("check the decimal point");
    placed(finding, curve, series, jump)
}

/// A finding about a cell: where it stands, whose value it is.
fn placed(finding: Finding, curve: &Curve, series: &CurveSeries, jump: Moved) -> Finding {
    finding
        .row(curve.row_of(series, jump.place))
        .column(series.column)
        .label(series.label_at(curve.axis.place(jump.place)))
        .value(&jump.new.to_string())
}

/// The median ratio of the new values to the old ones.
fn median(moved: &[Moved]) -> Option<Decimal> {
    let mut ratios: Vec<Decimal> = moved.iter().filter_map(|cell| cell.ratio()).collect();
    ratios.sort_unstable();
    let middle = ratios.len() / 2;
    match ratios.len() {
        0 => None,
        length if length % 2 == 1 => Some(ratios[middle]),
        _ => Some(ratios[middle - 1] / Decimal::TWO + ratios[middle] / Decimal::TWO),
    }
}

/// Tells what an upload would change.
#[must_use]
pub fn diff(curve: &Curve, earlier: Option<&Earlier>) -> Diff {
    let Some(earlier) = earlier else {
        return Diff {
            series_added: curve.series.len(),
            months_added: curve.axis.len(),
            ..Diff::default()
        };
    };
    let pairing = Pairing::of(curve, earlier);
    let mut changes = Vec::new();
    let mut unchanged = 0;
    for &pair in &pairing.pairs {
        for (place, new, old) in pairing.cells(pair) {
            if new == old {
                unchanged += 1;
            } else {
                changes.push((pair.0, place, new, old));
            }
        }
    }
    let moved = changes.len();
    let size = |new: Option<Decimal>, old: Option<Decimal>| match (new, old) {
        (Some(new), Some(old)) => (new - old).abs(),
        _ => Decimal::MAX,
    };
    changes.sort_by_key(|(_, _, new, old)| std::cmp::Reverse(size(*new, *old)));
    let places: HashSet<Place<'_>> = curve.axis.places().collect();
    Diff {
        against: Some(earlier.version_id.to_string()),
        series_added: pairing.added,
        series_removed: pairing.removed,
        months_added: pairing.places.iter().filter(|place| place.is_none()).count(),
        months_removed: earlier.axis.places().filter(|place| !places.contains(place)).count(),
        changed: moved,
        unchanged,
        largest: changes
            .into_iter()
            .take(LARGEST)
            .map(|(series, place, new, old)| DiffCell {
                label: series.key.to_string(),
                month: curve.axis.place(place).to_string(),
                old: old.map(|value| value.to_string()),
                new: new.map(|value| value.to_string()),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Component, ContractMonth, Labels, Notation};

    fn key(zone: &str) -> SeriesKey {
        let labels =
            Labels { load_zone: zone.into(), block_type: "7x8".into(), ..Labels::default() };
        SeriesKey { labels, unit: "$/MWh".into(), ..SeriesKey::default() }
    }

    fn months(count: i32) -> Axis {
        let first: ContractMonth = "2023-05".parse().unwrap();
        Axis::Months((0..count).map(|step| first.plus(step)).collect())
    }

    fn curve(columns: &[(&str, &[&str])]) -> Curve {
        let length = columns[0].1.len();
        Curve {
            axis: months(i32::try_from(length).unwrap()),
            rows: (10..10 + length).collect(),
            series: columns
                .iter()
                .enumerate()
                .map(|(column, (zone, values))| CurveSeries {
                    key: key(zone),
                    column,
                    row: None,
                    lookup_id: None,
                    numbers: values.iter().map(|v| v.parse().unwrap()).collect(),
                    notations: vec![Notation::Plain; values.len()],
                })
                .collect(),
        }
    }

    fn earlier(columns: &[(&str, &[&str])]) -> Earlier {
        let curve = curve(columns);
        Earlier {
            version_id: 7,
            series: curve
                .series
                .iter()
                .map(|s| EarlierSeries { key: s.key.clone(), values: s.values().collect() })
                .collect(),
            axis: curve.axis,
        }
    }

    fn codes(curve: &Curve, earlier: &Earlier) -> Vec<(Code, Option<String>)> {
        let mut findings = Findings::default();
        compare(curve, earlier, &mut findings);
        findings.sorted().into_iter().map(|f| (f.code, f.cell)).collect()
    }

    #[test]
    fn a_single_jump_names_its_cell_and_a_whole_column_its_scale() {
        let before = earlier(&[("A", &["20", "21", "22"])]);
        let jump = curve(&[("A", &["3333.33", "21", "22"])]);
        assert_eq!(codes(&jump, &before), [(Code::ValueJump, Some("A11".into()))]);
        let scale = curve(&[("A", &["0.2", "0.21", "22"])]);
        assert_eq!(codes(&scale, &before), [(Code::ScaleJump, None)]);
        let from_zero = earlier(&[("A", &["0", "0", "0"])]);
        assert_eq!(codes(&jump, &from_zero), []);
    }

    #[test]
    fn a_component_of_an_offer_is_a_series_of_its_own() {
        let components = |mut curve: Curve| -> Curve {
            let component = |name: &str| Component { name: name.into(), unit: "$/MWh".into() };
            curve.axis = Axis::Components(vec![component("Energy"), component("Losses")]);
            curve
        };
        let mut before = earlier(&[("A", &["20", "2"]), ("B", &["21", "2"])]);
        before.axis = components(curve(&[("A", &["20", "2"])])).axis;
        let same = components(curve(&[("A", &["20", "2"]), ("B", &["21", "2"])]));
        assert_eq!(codes(&same, &before), [(Code::UnchangedContent, None)]);
        let now = components(curve(&[("A", &["0.2", "2"]), ("B", &["21", "3"])]));
        assert_eq!(codes(&now, &before), [(Code::ScaleJump, Some("A11".into()))]);
        let mut renamed = now;
        if let Axis::Components(components) = &mut renamed.axis {
            components[0].unit = "c/kWh".into();
        }
        // In another unit it is another series, of both offers.
        assert_eq!(
            codes(&renamed, &before),
            [(Code::SeriesAdded, None), (Code::SeriesRemoved, None)]
        );
        let diff = diff(&renamed, Some(&before));
        assert_eq!((diff.series_added, diff.series_removed, diff.changed), (2, 2, 1));
    }

    #[test]
    fn series_that_come_and_go_are_counted() {
        let before = earlier(&[("A", &["1"]), ("B", &["1"])]);
        let now = curve(&[("A", &["1"]), ("C", &["1"]), ("D", &["1"])]);
        assert_eq!(codes(&now, &before), [(Code::SeriesAdded, None), (Code::SeriesRemoved, None)]);
        let same = curve(&[("B", &["1.0"]), ("A", &["1"])]);
        assert_eq!(codes(&same, &before), [(Code::UnchangedContent, None)]);
    }

    #[test]
    fn a_diff_counts_cells_and_lists_the_largest() {
        let before = earlier(&[("A", &["1", "2"]), ("B", &["5", "5"])]);
        let now = curve(&[("A", &["1", "2.5", "9"]), ("B", &["6", "5", "9"])]);
        let diff = diff(&now, Some(&before));
        assert_eq!((diff.changed, diff.unchanged, diff.months_added), (2, 2, 1));
        assert_eq!(diff.largest[0].label, "B 7x8");
        assert_eq!(diff.largest[0].new.as_deref(), Some("6"));
    }
}
