//! Whether the totals of a matrix agree with its lines: a warning, for the file says what it says.

use rust_decimal::Decimal;

use crate::domain::{Axis, Code, Finding, Place, headroom::TOTAL_LINES};

use super::{
    curve::{Curve, CurveSeries},
    report::Findings,
};

/// What an offer costs in all ([`TOTAL_LINES`]), by another name.
const REQUIREMENTS: [&str; 2] =
    ["Total Full Requirements Price", "Total Full Requirements Price ($/MWh)"];
/// The price in cents, a tenth of it.
const CENTS: &str = "cents/kWh";
/// How far the lines may be from the total, and the cents from their tenth: publishers round each.
const LINES_WITHIN: Decimal = Decimal::from_parts(3, 0, 0, false, 2);
const CENTS_WITHIN: Decimal = Decimal::from_parts(5, 0, 0, false, 3);

/// The places of a matrix by what they are in the sum.
#[derive(Debug, Default)]
struct Lines {
    bundled: Option<usize>,
    requirements: Option<usize>,
    cents: Option<usize>,
    parts: Vec<usize>,
}

impl Lines {
    fn of(axis: &Axis) -> Self {
        let mut lines = Self::default();
        for (index, place) in axis.places().enumerate() {
            let Place::Component(name, _) = place else { continue };
            match name {
                name if TOTAL_LINES.contains(&name) => lines.bundled = Some(index),
                name if REQUIREMENTS.contains(&name) => lines.requirements = Some(index),
                CENTS => lines.cents = Some(index),
                name if name.starts_with("Total") => {}
                _ => lines.parts.push(index),
            }
        }
        lines
    }
}

/// Warns of every offer whose lines do not sum to its bundled price, whose other total is another,
/// or whose price in cents is not a tenth. Missing values are not compared.
pub fn check(curve: &Curve, findings: &mut Findings) {
    let lines = Lines::of(&curve.axis);
    let Some(bundled) = lines.bundled else { return };
    for series in &curve.series {
        let Some(total) = series.value(bundled) else { continue };
        let parts: Option<Vec<Decimal>> =
            lines.parts.iter().map(|place| series.value(*place)).collect();
        if let Some(parts) = parts.filter(|parts| !parts.is_empty()) {
            let sum: Decimal = parts.iter().sum();
            if (sum - total).abs() > LINES_WITHIN {
                let message = format!("the lines sum to {sum}, the bundled price is {total}");
                findings.push(finding(curve, series, bundled, message));
            }
        }
        let other = lines.requirements.and_then(|place| Some((place, series.value(place)?)));
        if let Some((place, other)) = other.filter(|(_, other)| *other != total) {
            let message =
                format!("the full requirements price is {other}, the bundled one {total}");
            findings.push(finding(curve, series, place, message));
        }
        let cents = lines.cents.and_then(|place| Some((place, series.value(place)?)));
        let tenth = total / Decimal::TEN;
        if let Some((place, cents)) = cents.filter(|(_, c)| (*c - tenth).abs() > CENTS_WITHIN) {
            let message = format!("{cents} cents/kWh, the bundled price makes {tenth}");
            findings.push(finding(curve, series, place, message));
        }
    }
}

fn finding(curve: &Curve, series: &CurveSeries, place: usize, message: String) -> Finding {
    let value = series.value(place).unwrap_or_default().to_string();
    Finding::new(Code::TotalMismatch, message)
        .row(curve.row_of(series, place))
        .column(series.column)
        .label(series.label_at(curve.axis.place(place)))
        .value(&value)
        .hint("check the spreadsheet's totals; the values are stored as they stand")
}

#[cfg(test)]
mod tests {
    use crate::ingestors::testing::{common, found, read_text};

    fn codes(below: &str) -> Vec<String> {
        let eight = common("PJM", "");
        let text = format!(
            "Matching ID,M-1,M-2\nLookup ID1,L-1,L-2\nBeginning Date,6/1/2024,6/1/2024\n{eight}\
             Load Profile,RS,RS\nTerm (Months),12,24\n{below}"
        );
        found(&read_text("Matrix_PJM", &text))
    }

    #[test]
    fn totals_agree_within_what_rounding_leaves() {
        let good = "Energy,40,40\nARR (Credit),(0.50),#N/A\nTotal Bundled Price,39.53,77\n\
                    Total Full Requirements Price,39.53,77\nTotal Contract Load (kWh),5,5\n\
                    cents/kWh,3.949,7.705\n";
        assert_eq!(codes(good), [""; 0]);
        assert_eq!(codes(&good.replace(",39.53,", ",39.54,")), ["total_mismatch B16"]);
        let other = good.replace("Price,39.53,77\nTotal C", "Price,39.52,77\nTotal C");
        assert_eq!(codes(&other), ["total_mismatch B17"]);
        assert_eq!(codes(&good.replace("7.705", "7.7051")), ["total_mismatch C19"]);
        assert_eq!(codes("Energy,40,40\nTotal,1,1\n"), [""; 0]);
    }
}
