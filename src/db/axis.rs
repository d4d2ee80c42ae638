//! The axis of a version, as the columns of `curve_version` hold it: at most one kind is not null.

use chrono::NaiveDate;

use crate::domain::{Axis, Component, ContractMonth};

/// The columns of an axis.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AxisColumns {
    /// First days of contract months.
    pub months: Option<Vec<NaiveDate>>,
    /// Days, beside `hours`.
    pub dates: Option<Vec<NaiveDate>>,
    /// Months of any year, 1 to 12, beside `hours`.
    pub month_numbers: Option<Vec<i16>>,
    /// Hours ending, 1 to 25.
    pub hours: Option<Vec<i16>>,
    /// Names of price components.
    pub components: Option<Vec<String>>,
    /// Units of price components.
    pub component_units: Option<Vec<String>>,
}

/// The [`AxisColumns`] of a row that has their six columns.
macro_rules! axis_columns {
    ($row:ident) => {
        $crate::db::axis::AxisColumns {
            months: $row.months,
            dates: $row.dates,
            month_numbers: $row.month_numbers,
            hours: $row.hours,
            components: $row.components,
            component_units: $row.component_units,
        }
    };
}
pub(super) use axis_columns;

impl AxisColumns {
    /// The axis as it is stored.
    #[must_use]
    pub fn of(axis: &Axis) -> Self {
        let none = Self::default();
        match axis {
            Axis::Months(months) => {
                let months = months.iter().map(|month| month.first_day()).collect();
                Self { months: Some(months), ..none }
            }
            Axis::Hours(places) => {
                let (dates, hours): (_, Vec<u8>) = places.iter().copied().unzip();
                Self { dates: Some(dates), hours: Some(widened(&hours)), ..none }
            }
            Axis::MonthHours(places) => {
                let (months, hours): (Vec<u8>, Vec<u8>) = places.iter().copied().unzip();
                let (month_numbers, hours) = (Some(widened(&months)), Some(widened(&hours)));
                Self { month_numbers, hours, ..none }
            }
            Axis::Components(components) => {
                let names = components.iter().map(|component| component.name.clone());
                let units = components.iter().map(|component| component.unit.clone());
                let (components, units) = (Some(names.collect()), Some(units.collect()));
                Self { components, component_units: units, ..none }
            }
            Axis::Single => none,
        }
    }

    /// The axis that the columns hold.
    #[must_use]
    pub fn into_axis(self) -> Axis {
        let hours = narrowed(self.hours.unwrap_or_default());
        if let Some(months) = self.months {
            Axis::Months(months.into_iter().map(ContractMonth::containing).collect())
        } else if let Some(dates) = self.dates {
            Axis::Hours(dates.into_iter().zip(hours).collect())
        } else if let Some(months) = self.month_numbers {
            Axis::MonthHours(narrowed(months).into_iter().zip(hours).collect())
        } else if let Some(names) = self.components {
            let units = self.component_units.unwrap_or_default();
            let components = names.into_iter().zip(units);
            Axis::Components(components.map(|(name, unit)| Component { name, unit }).collect())
        } else {
            Axis::Single
        }
    }
}

fn widened(numbers: &[u8]) -> Vec<i16> {
    numbers.iter().map(|number| i16::from(*number)).collect()
}

/// Hours and month numbers are small by the ingestors' rules.
fn narrowed(numbers: Vec<i16>) -> Vec<u8> {
    numbers.into_iter().map(|number| u8::try_from(number).unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_axis_comes_back() {
        let day = NaiveDate::from_ymd_opt(2031, 11, 2).unwrap();
        let component = Component { name: "Energy".into(), unit: "$/MWh".into() };
        for axis in [
            Axis::Months(vec![ContractMonth::containing(day)]),
            Axis::Hours(vec![(day, 2), (day, 25)]),
            Axis::MonthHours(vec![(1, 24), (12, 1)]),
            Axis::Components(vec![component]),
            Axis::Single,
        ] {
            assert_eq!(AxisColumns::of(&axis).into_axis(), axis);
        }
    }
}
