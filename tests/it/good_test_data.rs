//! The synthetic files are what their script writes.

use std::process::Command;

use crate::support::files;

#[test]
fn the_script_writes_the_committed_files() {
    let script = files::repository("good_test_data/generate.py");
    let output = Command::new("python3").arg(script).arg("--check").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
