//! Series on one axis of days, with their differences from the first: what is drawn, tabulated and
//! exported.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{hours::Hours, mean};

/// One line of a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// Its place in the form, from 0: colour, dashes and markers go by it.
    pub place: usize,
    /// As a legend has it.
    pub label: String,
    /// The unit of its prices.
    pub unit: String,
    /// How its months are weighted.
    pub hours: Hours,
    /// Contract months by their first days, or operating days.
    pub points: BTreeMap<NaiveDate, Option<Decimal>>,
}

/// Tracks on their common axis.
#[derive(Debug, Clone, Default)]
pub struct Figure {
    /// Every day that any track has.
    pub rows: Vec<NaiveDate>,
    /// The days that all tracks have.
    pub common: BTreeSet<NaiveDate>,
    /// One per track.
    pub columns: Vec<Column>,
    /// One per track after the first.
    pub differences: Vec<Difference>,
}

/// A track, row by row.
#[derive(Debug, Clone)]
pub struct Column {
    /// See [`Track::place`].
    pub place: usize,
    /// See [`Track::label`].
    pub label: String,
    /// See [`Track::unit`].
    pub unit: String,
    /// See [`Track::hours`].
    pub hours: Hours,
    /// Decimals that its prices are printed with.
    pub places: u32,
    /// One per row.
    pub values: Vec<Option<Decimal>>,
}

/// A track less the first, over the days that all have.
#[derive(Debug, Clone)]
pub struct Difference {
    /// See [`Track::place`].
    pub place: usize,
    /// See [`Track::label`].
    pub label: String,
    /// The unit, if the two share it; else there is no difference.
    pub unit: Option<String>,
    /// Decimals that it is printed with.
    pub places: u32,
    /// One per row.
    pub values: Vec<Option<Decimal>>,
    /// Percent of the first, one per row; none where that is 0.
    pub percents: Vec<Option<Decimal>>,
}

impl Figure {
    /// Puts the tracks on one axis.
    #[must_use]
    pub fn new(tracks: &[Track]) -> Self {
        let days = |track: &Track| track.points.keys().copied().collect::<BTreeSet<_>>();
        let rows: BTreeSet<NaiveDate> = tracks.iter().flat_map(days).collect();
        let shared = |day: &NaiveDate| tracks.iter().all(|track| track.points.contains_key(day));
        let common: BTreeSet<NaiveDate> = rows.iter().copied().filter(shared).collect();
        let rows: Vec<NaiveDate> = rows.into_iter().collect();
        let columns: Vec<Column> = tracks.iter().map(|track| Column::new(track, &rows)).collect();
        let differences = match columns.split_first() {
            Some((base, others)) => {
                others.iter().map(|other| Difference::new(base, other, &rows, &common)).collect()
            }
            None => Vec::new(),
        };
        Self { rows, common, columns, differences }
    }

    /// The points of a column on the days that all tracks have.
    #[must_use]
    pub fn common_points(&self, column: &Column) -> BTreeMap<NaiveDate, Option<Decimal>> {
        let points = self.rows.iter().copied().zip(column.values.iter().copied());
        points.filter(|(day, _)| self.common.contains(day)).collect()
    }
}

impl Column {
    fn new(track: &Track, rows: &[NaiveDate]) -> Self {
        let scales = track.points.values().flatten().map(Decimal::scale);
        let least = if track.unit.starts_with('$') { 2 } else { 0 };
        Self {
            place: track.place,
            label: track.label.clone(),
            unit: track.unit.clone(),
            hours: track.hours,
            places: scales.max().unwrap_or_default().max(least),
            values: rows.iter().map(|day| track.points.get(day).copied().flatten()).collect(),
        }
    }
}

impl Difference {
    fn new(
        base: &Column,
        other: &Column,
        rows: &[NaiveDate],
        common: &BTreeSet<NaiveDate>,
    ) -> Self {
        let alike = base.unit == other.unit;
        let pair = |place: usize| {
            let shared = alike && common.contains(rows.get(place)?);
            shared.then(|| base.values[place].zip(other.values[place])).flatten()
        };
        let pairs = || (0..rows.len()).map(pair);
        Self {
            place: other.place,
            label: other.label.clone(),
            unit: alike.then(|| base.unit.clone()),
            places: base.places.max(other.places),
            values: pairs().map(|pair| pair.and_then(|(a, b)| b.checked_sub(a))).collect(),
            percents: pairs()
                .map(|pair| pair.and_then(|(a, b)| mean::percent(b.checked_sub(a)?, a)))
                .collect(),
        }
    }

    /// The difference of largest size, and its row.
    #[must_use]
    pub fn largest(&self) -> Option<(usize, Decimal)> {
        let known = self.values.iter().enumerate().filter_map(|(row, v)| Some((row, (*v)?)));
        known.max_by_key(|(row, value)| (value.abs(), std::cmp::Reverse(*row)))
    }
}

/// A value with exactly these decimals; it never has more. A zero has no sign.
#[must_use]
pub fn print(value: Decimal, places: u32) -> String {
    let mut value = if value.is_zero() { value.abs() } else { value };
    if value.scale() < places {
        value.rescale(places);
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Calendar, Iso};

    fn track(place: usize, unit: &str, points: &[(&str, &str)]) -> Track {
        let point = |(day, value): &(&str, &str)| (day.parse().unwrap(), value.parse().ok());
        let points = points.iter().map(point).collect();
        let hours = Hours { iso: Iso::Pjm, calendar: Calendar::Flat };
        Track { place, label: format!("{place}"), unit: unit.into(), hours, points }
    }

    #[test]
    fn differences_are_over_common_months_and_percent_of_the_first() {
        let base = [("2024-01-01", "10"), ("2024-02-01", "0"), ("2024-03-01", "4")];
        let other = [("2024-01-01", "12.5"), ("2024-02-01", "1"), ("2024-04-01", "9")];
        let third = [("2024-01-01", "1"), ("2024-02-01", "-")];
        let tracks =
            [track(0, "$/MWh", &base), track(1, "$/MWh", &other), track(2, "$/MWh", &third)];
        let figure = Figure::new(&tracks);
        assert_eq!((figure.rows.len(), figure.common.len()), (4, 2));
        let texts = |values: &[Option<Decimal>]| -> Vec<String> {
            values.iter().map(|v| v.map_or("-".into(), |v| v.to_string())).collect()
        };
        assert_eq!(texts(&figure.differences[0].values), ["2.5", "1", "-", "-"]);
        assert_eq!(texts(&figure.differences[0].percents), ["25.00", "-", "-", "-"]);
        assert_eq!(texts(&figure.differences[1].values), ["-9", "-", "-", "-"]);
        assert_eq!(figure.differences[0].largest().unwrap().0, 0);
    }

    #[test]
    fn what_has_other_units_is_not_subtracted() {
        let point = [("2024-01-01", "10")];
        let figure = Figure::new(&[track(0, "$/MWh", &point), track(1, "$/kW-mo", &point)]);
        assert_eq!(figure.differences[0].unit, None);
        assert_eq!(figure.differences[0].values, [None]);
    }

    #[test]
    fn prices_line_up_and_a_zero_has_no_sign() {
        assert_eq!(print("19.7".parse().unwrap(), 2), "19.70");
        assert_eq!(print("-0.00".parse().unwrap(), 5), "0.00000");
    }
}
