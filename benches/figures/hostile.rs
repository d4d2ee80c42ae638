//! What hostile files cost in memory.

use std::{path::Path, process::Command};

use crate::{server::Server, table::Table};

/// Sends every hostile file of the generator and notes the greatest growth.
pub async fn memory(table: &mut Table) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a folder");
    let made = Command::new("python3")
        .arg(root.join("good_test_data/generate.py"))
        .args(["--big".as_ref(), folder.path().as_os_str()])
        .output();
    if !made.is_ok_and(|output| output.status.success()) {
        println!("hostile files: skipped, python3 is missing");
        return;
    }
    let server = Server::start().await;
    let expected = std::fs::read(folder.path().join("expected.json")).expect("expected.json");
    let expected: serde_json::Value = serde_json::from_slice(&expected).expect("JSON");
    let cases = expected["cases"].as_array().cloned().unwrap_or_default();
    let (mut worst, mut name, mut refused) = (0.0_f64, String::new(), 0);
    for case in cases.iter().filter(|case| case["status"].as_u64().is_some_and(|s| s >= 400)) {
        let file = case["file"].as_str().unwrap_or_default();
        let sent_as = case["upload_as"].as_str().unwrap_or(file);
        let bytes = std::fs::read(folder.path().join(file)).expect("the file");
        server.reset_memory();
        let before = server.memory();
        server.upload(sent_as, bytes, &[400, 413, 415, 422]).await;
        let growth = server.memory() - before;
        refused += 1;
        if growth > worst {
            (worst, name) = (growth, file.to_owned());
        }
    }
    table.add(
        "hostile files, memory growth at the worst",
        format!("{worst:.0} MiB ({name})"),
        &format!("{refused} files, one after the other in one process"),
        "100 MiB",
        worst <= 100.0,
    );
}
