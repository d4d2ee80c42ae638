//! What a reading yields: an axis and its series.

use rust_decimal::Decimal;

use crate::domain::{ContractMonth, Notation, SeriesKey};

/// The content of a curve file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Curve {
    /// The axis: contract months, ascending.
    pub months: Vec<ContractMonth>,
    /// The 0-based record of each place of the axis.
    pub rows: Vec<usize>,
    /// The series in the order of the file's columns.
    pub series: Vec<CurveSeries>,
}

impl Curve {
    /// The same curve with its months ascending: readers rely on it.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        if self.months.is_sorted() {
            return self;
        }
        let mut places: Vec<usize> = (0..self.months.len()).collect();
        places.sort_by_key(|place| self.months[*place]);
        self.months = permuted(&self.months, &places);
        self.rows = permuted(&self.rows, &places);
        for series in &mut self.series {
            series.numbers = permuted(&series.numbers, &places);
            series.notations = permuted(&series.notations, &places);
        }
        self
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

    /// Every value in axis order.
    #[must_use]
    pub fn values(&self) -> impl ExactSizeIterator<Item = Option<Decimal>> + '_ {
        (0..self.numbers.len()).map(|place| self.value(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Labels, Missing};

    #[test]
    fn months_are_put_in_order_with_all_that_belongs_to_them() {
        let month = |text: &str| text.parse::<ContractMonth>().unwrap();
        let key = SeriesKey {
            labels: Labels::default(),
            sub_component: String::new(),
            unit: String::new(),
        };
        let series = CurveSeries {
            key,
            column: 1,
            lookup_id: None,
            numbers: vec![3.into(), 0.into(), 2.into()],
            notations: vec![Notation::Plain, Notation::Missing(Missing::Empty), Notation::Money],
        };
        let months = vec![month("2024-03"), month("2024-01"), month("2024-02")];
        let curve = Curve { months, rows: vec![10, 11, 12], series: vec![series] }.in_order();
        assert_eq!(curve.months, [month("2024-01"), month("2024-02"), month("2024-03")]);
        assert_eq!(curve.rows, [11, 12, 10]);
        let values: Vec<_> = curve.series[0].values().collect();
        assert_eq!(values, [None, Some(2.into()), Some(3.into())]);
        assert_eq!(curve.series[0].notations[1], Notation::Money);
    }
}
