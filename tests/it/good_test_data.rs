//! The synthetic files are what their script writes.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;
use trueprice::domain::{Code, Dataset, Severity};

use crate::support::files;

#[test]
fn the_script_writes_the_committed_files() {
    let script = files::repository("good_test_data/generate.py");
    let output = Command::new("python3").arg(script).arg("--check").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_dataset_has_a_good_file_and_its_twin() {
    let expected = files::json("good_test_data/expected.json");
    let names: Vec<String> =
        expected["files"].as_object().unwrap().keys().map(|name| name.to_lowercase()).collect();
    for dataset in Dataset::all() {
        let start = format!("{}_{}_", dataset.family, dataset.iso);
        for end in [".csv", ".xlsx"] {
            let is_of = |name: &String| name.starts_with(&start) && name.ends_with(end);
            assert!(names.iter().any(is_of), "{start}*{end}");
        }
    }
}

/// What no committed file can bring about: it takes many bytes, a setting, or a store that is away.
const NOT_OF_A_FILE: [Code; 6] = [
    Code::NoFile,
    Code::TooLarge,
    Code::TooManyCells,
    Code::ArchiveLimit,
    Code::OutsideBand,
    Code::StorageUnavailable,
];

#[test]
fn every_error_has_a_bad_file() {
    let expected = files::json("good_test_data/bad/expected.json");
    let cases = expected["cases"].as_array().unwrap();
    let entries = |case: &Value| case["results"].as_array().cloned().unwrap_or_default();
    let found: BTreeSet<String> = cases
        .iter()
        .flat_map(|case| entries(case).into_iter().chain([case.clone()]))
        .filter_map(|case| case["code"].as_str().map(str::to_owned))
        .collect();
    let missing: Vec<&Code> = Code::ALL
        .iter()
        .filter(|code| code.severity() == Severity::Error && !NOT_OF_A_FILE.contains(code))
        .filter(|code| !found.contains(code.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
