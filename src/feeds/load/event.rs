//! What events say of numbers.

use rust_decimal::Decimal;
use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;

use crate::domain::feed::upsert::Cell;

/// A number with its exact digits, or null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figure(pub Option<Decimal>);

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(number) = self.0 else { return serializer.serialize_none() };
        let digits = RawValue::from_string(number.normalize().to_string());
        digits.map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// A count in a cell.
pub(crate) const fn int(cell: &Cell) -> i32 {
    if let Cell::Int(number) = cell { *number } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_keeps_its_digits_and_unknown_is_null() {
        let told = |number: Option<&str>| {
            let number = number.map(|number| number.parse().unwrap());
            serde_json::value::to_raw_value(&Figure(number)).unwrap().get().to_owned()
        };
        assert_eq!(told(Some("245.847064540")), "245.84706454");
        assert_eq!(told(Some("0.000000000")), "0");
        assert_eq!(told(None), "null");
    }
}
