//! What a reading yields: an axis and its series.

use rust_decimal::Decimal;

use crate::domain::{Axis, Notation, Place, SeriesKey};

/// The content of a curve file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Curve {
    /// What the values stand for, place by place.
    pub axis: Axis,
    /// The 0-based record of each place of the axis.
    pub rows: Vec<usize>,
    /// The series in the order of the file's columns.
    pub series: Vec<CurveSeries>,
}

impl Curve {
    /// The same curve with its places ascending: readers rely on it.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        if self.axis.is_in_order() {
            return self;
        }
        let mut places: Vec<usize> = (0..self.axis.len()).collect();
        places.sort_by_key(|place| self.axis.place(*place));
        self.axis = self.axis.reordered(&places);
        self.rows = permuted(&self.rows, &places);
        for series in &mut self.series {
            series.numbers = permuted(&series.numbers, &places);
            series.notations = permuted(&series.notations, &places);
        }
        self
    }
}

impl Curve {
    /// The 0-based record of a series' value.
    #[must_use]
    pub fn row_of(&self, series: &CurveSeries, place: usize) -> usize {
        series.row.or_else(|| self.rows.get(place).copied()).unwrap_or_default()
    }
}

fn permuted<T: Copy>(items: &[T], places: &[usize]) -> Vec<T> {
    places.iter().filter_map(|place| items.get(*place).copied()).collect()
}

/// One series of a curve file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurveSeries {
    /// What makes it the same series in another version.
    pub key: SeriesKey,
    /// Its 0-based physical column.
    pub column: usize,
    /// Its 0-based record, where every series has one of its own.
    pub row: Option<usize>,
    /// The `Lookup ID1` of the column.
    pub lookup_id: Option<String>,
    /// One number per place of the axis; meaningless where the notation says missing.
    pub numbers: Vec<Decimal>,
    /// One notation per place of the axis.
    pub notations: Vec<Notation>,
}

impl CurveSeries {
    /// The value at a place of the axis; `None` where it is missing.
    #[must_use]
    pub fn value(&self, place: usize) -> Option<Decimal> {
        match self.notations.get(place) {
            None | Some(Notation::Missing(_)) => None,
            Some(_) => self.numbers.get(place).copied(),
        }
    }

    /// As a person names a value: the series, then the place on the axis.
    #[must_use]
    pub fn label_at(&self, place: Place<'_>) -> String {
        match place {
            Place::Single => self.key.to_string(),
            place => format!("{}, {place}", self.key),
        }
    }

    /// Every value in axis order.
    #[must_use]
    pub fn values(&self) -> impl ExactSizeIterator<Item = Option<Decimal>> + '_ {
        (0..self.numbers.len()).map(|place| self.value(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ContractMonth, Missing};

    #[test]
    fn months_are_put_in_order_with_all_that_belongs_to_them() {
        let month = |text: &str| text.parse::<ContractMonth>().unwrap();
        let series = CurveSeries {
            key: SeriesKey::default(),
            column: 1,
            row: None,
            lookup_id: None,
            numbers: vec![3.into(), 0.into(), 2.into()],
            notations: vec![Notation::Plain, Notation::Missing(Missing::Empty), Notation::Money],
        };
        let axis = Axis::Months(vec![month("2024-03"), month("2024-01"), month("2024-02")]);
        let curve = Curve { axis, rows: vec![10, 11, 12], series: vec![series] }.in_order();
        let ordered = vec![month("2024-01"), month("2024-02"), month("2024-03")];
        assert_eq!(curve.axis, Axis::Months(ordered));
        assert_eq!(curve.rows, [11, 12, 10]);
        let values: Vec<_> = curve.series[0].values().collect();
        assert_eq!(values, [None, Some(2.into()), Some(3.into())]);
        assert_eq!(curve.series[0].notations[1], Notation::Money);
    }
}
