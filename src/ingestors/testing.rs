//! Files of a few rows, for the tests of the families.

use super::{Context, Reading, read};
use crate::{
    domain::{CurveFileName, Severity, ValueBand},
    grid::Limits,
};

/// Reads a text under the name `<stem>_20240603_090000.csv`.
pub fn read_text(stem: &str, text: &str) -> Reading {
    read_banded(stem, text, &[ValueBand::energy()])
}

/// The same with bands.
pub fn read_banded(stem: &str, text: &str, bands: &[ValueBand]) -> Reading {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let name = format!("{stem}_20240603_090000.csv");
    let name = CurveFileName::parse(&name, chrono_tz::Tz::UTC, now).unwrap();
    read(text.as_bytes(), &Context { name, bands }, &Limits::default())
}

/// The words and cells of what was found: `bad_term C13`.
pub fn found(reading: &Reading) -> Vec<String> {
    let sorted = reading.findings.clone().sorted();
    let told = sorted.iter().map(|finding| {
        let cell = finding.cell.clone().or(finding.row.map(|row| row.to_string()));
        format!("{} {}", finding.code, cell.unwrap_or_default()).trim_end().to_owned()
    });
    told.collect()
}

/// What was found in a file that must be refused.
pub fn refused(stem: &str, text: &str) -> Vec<String> {
    let reading = read_text(stem, text);
    assert!(reading.curve.is_none(), "{text}");
    assert!(reading.findings.count(Severity::Error) > 0, "{text}");
    found(&reading)
}

/// Every value of a reading: series by series, place by place.
pub fn values(reading: &Reading) -> Vec<Vec<Option<String>>> {
    let curve = reading.curve.as_ref().unwrap();
    let of = |value: Option<rust_decimal::Decimal>| value.map(|value| value.to_string());
    curve.series.iter().map(|series| series.values().map(of).collect()).collect()
}

/// The common eight label rows for two columns; `beside` stands between the word and them.
pub fn common(area: &str, beside: &str) -> String {
    let row = |name: &str, first: &str, second: &str| format!("{name}{beside},{first},{second}\n");
    [
        row("Control Area", area, area),
        row("State", "NY", "NY"),
        row("Load Zone", "ZONE A", "ZONE B"),
        row("Capacity Zone", "ROS", "ROS"),
        row("Utility", "UTILITY", "UTILITY"),
        row("Block Type", "7X24", "7x24"),
        row("Cost Group", "Group", "Group"),
        row("Cost Component", "Component", "Component"),
    ]
    .concat()
}
