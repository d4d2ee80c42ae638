//! The axis of a version: what its values stand for, place by place.

use chrono::NaiveDate;
use serde::ser::SerializeMap as _;

use super::ContractMonth;

/// One line of a matrix: a price component, whose unit is its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Component {
    /// As the file has it, without surrounding blanks.
    pub name: String,
    /// The unit in canonical form, such as `$/MWh`.
    pub unit: String,
}

/// The places of a grid's values, each once, ascending but for components, which keep the order of
/// their file. Every series of a version has one value, or NULL, per place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Axis {
    /// Contract months: energy, nonenergy, rec, ptc.
    Months(Vec<ContractMonth>),
    /// Days and hours ending, 1 to 25: loadprofile and shaping. 25 is the hour that comes twice on
    /// the day when clocks go back.
    Hours(Vec<(NaiveDate, u8)>),
    /// Month numbers, 1 to 12, and hours ending: vlr.
    MonthHours(Vec<(u8, u8)>),
    /// Price components: matrix.
    Components(Vec<Component>),
    /// One value per series: lineloss.
    Single,
}

/// A place of an axis; it is the same place in another version if it is equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place<'a> {
    /// A contract month.
    Month(ContractMonth),
    /// A day and an hour ending.
    Hour(NaiveDate, u8),
    /// A month number and an hour ending.
    MonthHour(u8, u8),
    /// A price component by name and unit.
    Component(&'a str, &'a str),
    /// The only one.
    Single,
}

impl Axis {
    /// How many values a series has.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Months(months) => months.len(),
            Self::Hours(hours) => hours.len(),
            Self::MonthHours(hours) => hours.len(),
            Self::Components(components) => components.len(),
            Self::Single => 1,
        }
    }

    /// Whether it has no place at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The place at an index below [`Axis::len`].
    #[must_use]
    pub fn place(&self, index: usize) -> Place<'_> {
        match self {
            Self::Months(months) => Place::Month(months[index]),
            Self::Hours(hours) => Place::Hour(hours[index].0, hours[index].1),
            Self::MonthHours(hours) => Place::MonthHour(hours[index].0, hours[index].1),
            Self::Components(components) => {
                Place::Component(&components[index].name, &components[index].unit)
            }
            Self::Single => Place::Single,
        }
    }

    /// Every place in order.
    #[must_use]
    pub fn places(&self) -> impl ExactSizeIterator<Item = Place<'_>> {
        (0..self.len()).map(|index| self.place(index))
    }

    /// The contract month of each place; none where places have no month of a year.
    pub fn months(&self) -> impl Iterator<Item = ContractMonth> + '_ {
        self.places().filter_map(|place| match place {
            Place::Month(month) => Some(month),
            Place::Hour(day, _) => Some(ContractMonth::containing(day)),
            _ => None,
        })
    }

    /// First and last contract month.
    #[must_use]
    pub fn span(&self) -> Option<(ContractMonth, ContractMonth)> {
        self.months().min().zip(self.months().max())
    }

    /// Whether the places ascend, as they are stored; components need not.
    #[must_use]
    pub fn is_in_order(&self) -> bool {
        matches!(self, Self::Components(_)) || self.places().is_sorted()
    }

    /// The axis with its places in the order of `indices`.
    #[must_use]
    pub fn reordered(&self, indices: &[usize]) -> Self {
        match self {
            Self::Months(months) => Self::Months(picked(months, indices)),
            Self::Hours(hours) => Self::Hours(picked(hours, indices)),
            Self::MonthHours(hours) => Self::MonthHours(picked(hours, indices)),
            Self::Components(components) => Self::Components(picked(components, indices)),
            Self::Single => Self::Single,
        }
    }

    /// The places from `range` only.
    #[must_use]
    pub fn cut(&self, range: std::ops::Range<usize>) -> Self {
        self.reordered(&range.collect::<Vec<_>>())
    }
}

fn picked<T: Clone>(items: &[T], indices: &[usize]) -> Vec<T> {
    indices.iter().filter_map(|index| items.get(*index).cloned()).collect()
}

/// As a person names it: `2031-04`, `2031-04-01 HE 7`, `month 4 HE 7`, `Line Losses`; the only
/// place of an axis has no name.
impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Month(month) => month.fmt(f),
            Self::Hour(day, hour) => write!(f, "{day} HE {hour}"),
            Self::MonthHour(month, hour) => write!(f, "month {month} HE {hour}"),
            Self::Component(name, _) => f.write_str(name),
            Self::Single => Ok(()),
        }
    }
}

/// As members of an object: `month`, `date` and `he`, `month_number` and `he`, `component` and
/// `uom`, or none.
impl serde::Serialize for Place<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Month(month) => map.serialize_entry("month", &month.to_string())?,
            Self::Hour(day, hour) => {
                map.serialize_entry("date", day)?;
                map.serialize_entry("he", hour)?;
            }
            Self::MonthHour(month, hour) => {
                map.serialize_entry("month_number", month)?;
                map.serialize_entry("he", hour)?;
            }
            Self::Component(name, unit) => {
                map.serialize_entry("component", name)?;
                map.serialize_entry("uom", unit)?;
            }
            Self::Single => {}
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_names_months_and_an_order() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let axis = Axis::Hours(vec![(day("2031-02-01"), 2), (day("2031-01-31"), 24)]);
        let names: Vec<String> = axis.places().map(|place| place.to_string()).collect();
        assert_eq!(names, ["2031-02-01 HE 2", "2031-01-31 HE 24"]);
        let months: Vec<String> = axis.months().map(|month| month.to_string()).collect();
        assert_eq!(months, ["2031-02", "2031-01"]);
        assert!(!axis.is_in_order());
        assert!(axis.reordered(&[1, 0]).is_in_order());
        assert_eq!(axis.cut(1..2).len(), 1);
        assert_eq!(axis.span().unwrap().0.to_string(), "2031-01");
        assert_eq!((Axis::Single.len(), Axis::Single.span()), (1, None));
    }
}
