//! Bytes to curves, without a server: the real files, the good set and the bad set.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value, json};
use trueprice::{
    domain::{CurveFileName, Finding, Severity, ValueBand},
    grid::Limits,
    ingestors::{self, Context, Curve, CurveSeries, Findings, Reading},
};

use crate::support::files;

fn read(name: &str, path: &Path) -> Result<Reading, String> {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let name =
        CurveFileName::parse(name, chrono_tz::Tz::UTC, now).map_err(|e| e.code().to_owned())?;
    let bytes = std::fs::read(path).unwrap();
    let context = Context { name, bands: &[ValueBand::energy()] };
    Ok(ingestors::read(&bytes, &context, &Limits::default()))
}

fn by_code(findings: &Findings, severity: Severity) -> Value {
    let counts: BTreeMap<_, _> = findings
        .by_code()
        .iter()
        .filter(|(code, _)| code.severity() == severity)
        .map(|(code, count)| (code.as_str(), *count))
        .collect();
    json!(counts)
}

/// Section 12 of the curve file specification: rows, columns, points, missing, dash, percent, money,
/// negative, zero, sum, first and last month.
const REAL: [(&str, [usize; 9], &str, &str, &str); 13] = [
    (
        "Energy_ERCOT_20230522_082540",
        [61, 12, 732, 0, 0, 0, 0, 0, 0],
        "31720.56",
        "2023-05",
        "2028-05",
    ),
    (
        "Energy_ERCOT_20230522_082542_cob",
        [61, 12, 732, 0, 0, 0, 0, 0, 0],
        "31811.91",
        "2023-05",
        "2028-05",
    ),
    (
        "Energy_ISONE_20230522_082540",
        [61, 27, 1647, 0, 0, 0, 0, 0, 0],
        "100637.04",
        "2023-05",
        "2028-05",
    ),
    (
        "Energy_ISONE_20230522_082542_cob",
        [61, 27, 1647, 0, 0, 0, 0, 0, 0],
        "100839.11",
        "2023-05",
        "2028-05",
    ),
    (
        "Energy_MISO_20230522_082540",
        [61, 12, 732, 0, 0, 0, 0, 0, 0],
        "36925.27",
        "2023-05",
        "2028-05",
    ),
    (
        "Energy_MISO_20230522_082542_cob",
        [61, 12, 732, 0, 0, 0, 0, 0, 0],
        "40238.86",
        "2023-05",
        "2028-05",
    ),
    (
        "NonEnergy_ERCOT_20230419_101010",
        [252, 24, 6048, 73, 0, 0, 0, 599, 3241],
        "4161.23",
        "2010-01",
        "2030-12",
    ),
    (
        "NonEnergy_MISO_20230430_101010",
        [252, 29, 7308, 1968, 0, 0, 0, 188, 1767],
        "559352.52",
        "2010-01",
        "2030-12",
    ),
    (
        "NonEnergy_NYISO_20230430_101010",
        [252, 10, 2520, 732, 0, 0, 0, 169, 75],
        "1745.25668",
        "2010-01",
        "2030-12",
    ),
    (
        "REC_ERCOT_20230506_142300",
        [228, 7, 1596, 870, 0, 238, 456, 0, 0],
        "2826655988.286574663",
        "2012-01",
        "2030-12",
    ),
    (
        "REC_ERCOT_20230507_142300",
        [228, 3, 684, 0, 0, 0, 0, 0, 0],
        "433.5876",
        "2012-01",
        "2030-12",
    ),
    (
        "REC_NYISO_20230506_142700",
        [228, 8, 1824, 12, 0, 672, 1032, 0, 693],
        "6667.1244",
        "2012-01",
        "2030-12",
    ),
    (
        "REC_NYISO_20230507_142300",
        [228, 8, 1824, 0, 597, 0, 0, 0, 717],
        "6541.2",
        "2012-01",
        "2030-12",
    ),
];

#[test]
fn the_real_files_have_their_figures() {
    let Some(folder) = files::real_curves() else { return };
    for (stem, figures, sum, first, last) in REAL {
        let name = format!("{stem}.csv");
        let reading = read(&name, &folder.join(&name)).unwrap();
        assert!(!reading.findings.has_errors(), "{name}: {:?}", reading.findings.sorted());
        let stats = reading.stats.unwrap();
        let found = [
            stats.rows,
            stats.columns,
            stats.points,
            stats.missing,
            stats.dash_zeros,
            stats.percent_cells,
            stats.money_cells,
            stats.negatives,
            stats.zeros,
        ];
        assert_eq!(found, figures, "{name}");
        assert_eq!(
            (stats.sum.as_str(), stats.first_month.as_deref(), stats.last_month.as_deref()),
            (sum, Some(first), Some(last)),
            "{name}"
        );
        let expected = match stem {
            "Energy_MISO_20230522_082542_cob" => json!({"out_of_band": 1}),
            "REC_ERCOT_20230506_142300" => json!({"unit_conflict": 1}),
            _ => json!({}),
        };
        assert_eq!(by_code(&reading.findings, Severity::Warning), expected, "{name}");
    }
}

#[test]
fn the_side_table_of_the_real_rec_file_is_read() {
    let Some(folder) = files::real_curves() else { return };
    let name = "REC_ERCOT_20230506_142300.csv";
    let curve = read(name, &folder.join(name)).unwrap().curve.unwrap();
    let first: Vec<(String, &str)> = curve
        .series
        .iter()
        .map(|series| (series.value(0).unwrap().to_string(), series.key.unit.as_str()))
        .collect();
    let expected = [
        ("0.04", "$/MWh"),
        ("0.0499", "%"),
        ("0.9", "$/MWh"),
        ("2012", "year"),
        ("248543619", "MWh"),
        ("12394252", "MWh"),
        ("0.049867512", "%"),
    ];
    assert_eq!(first, expected.map(|(value, unit)| (value.to_owned(), unit)));
}

/// The point that a sample names, told as the sample tells it.
fn point(curve: &Curve, sample: &Value) -> Value {
    let number =
        |member: &str| sample[member].as_u64().map(|number| usize::try_from(number).unwrap() - 1);
    let is_named = |series: &&CurveSeries| {
        Some(series.column) == number("column") && series.row == number("row")
    };
    let Some(series) = curve.series.iter().find(is_named) else { return Value::Null };
    let members: Vec<Value> = curve.axis.places().map(|place| json!(place)).collect();
    let names = ["month", "date", "month_number", "he", "component"];
    let is_meant = |place: &Value| names.iter().all(|name| place[name] == sample[name]);
    let Some(place) = members.iter().position(is_meant) else { return Value::Null };
    let mut found = sample.clone();
    found["value"] = json!(series.value(place).map(|value| value.to_string()));
    found["unit"] = members[place].get("uom").cloned().unwrap_or(json!(series.key.unit));
    if sample.get("labels").is_some() {
        found["labels"] = json!(series.key.labels.as_array());
    }
    found
}

#[test]
fn every_good_file_and_its_twin_give_what_was_written() {
    let expected = files::json("good_test_data/expected.json");
    let mut wrong = Vec::new();
    for (name, entry) in expected["files"].as_object().unwrap() {
        let reading = read(name, &files::repository("good_test_data/good").join(name)).unwrap();
        let found = json!({
            "stats": reading.stats,
            "warnings": by_code(&reading.findings, Severity::Warning),
            "errors": by_code(&reading.findings, Severity::Error),
        });
        let wanted = json!({"stats": entry["stats"], "warnings": entry["warnings"], "errors": {}});
        if found != wanted {
            wrong.push(format!("{name}\n  found  {found}\n  wanted {wanted}"));
            continue;
        }
        let curve = reading.curve.unwrap();
        for sample in entry["samples"].as_array().unwrap() {
            let found = point(&curve, sample);
            if found != *sample {
                wrong.push(format!("{name}\n  found  {found}\n  wanted {sample}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether a case is about one file by itself: no archive, no earlier upload.
fn is_about_one_file(case: &Value) -> bool {
    let name = Path::new(case["upload_as"].as_str().unwrap());
    let is_archive =
        name.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
    case.get("setup").is_none() && !is_archive && case["status"] != 207
}

#[test]
fn every_bad_file_is_refused_at_its_cell() {
    let expected = files::json("good_test_data/bad/expected.json");
    let mut wrong = Vec::new();
    for case in expected["cases"].as_array().unwrap().iter().filter(|case| is_about_one_file(case))
    {
        let path = files::repository("good_test_data/bad").join(case["file"].as_str().unwrap());
        let found = match read(case["upload_as"].as_str().unwrap(), &path) {
            Err(code) => json!({"code": code, "cell": null, "row": null, "column": null}),
            Ok(reading) => first_error(&reading.findings),
        };
        for member in ["code", "cell", "row", "column"] {
            let open = case["open"].as_array().is_some_and(|open| open.contains(&json!(member)));
            if !open && found[member] != case[member] {
                wrong.push(format!("{member}: found {found}\n  wanted {case}"));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn first_error(findings: &Findings) -> Value {
    findings.first_error().map_or(Value::Null, |finding: &Finding| {
        json!({"code": finding.code, "cell": finding.cell, "row": finding.row, "column": finding.column})
    })
}
