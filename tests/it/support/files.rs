//! Files that tests read.

use std::path::{Path, PathBuf};

/// A path of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A JSON file of the repository.
pub fn json(path: &str) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(repository(path)).unwrap()).unwrap()
}

/// The folder of real curve files beside the repository; says so and answers `None` where it is not.
pub fn real_curves() -> Option<PathBuf> {
    let folder = repository("../shared/data/curves");
    if !folder.is_dir() {
        eprintln!("skipped: ../shared/data/curves is not there");
        return None;
    }
    Some(folder)
}
