//! An upload's answer as a page shows it: a report, or the problem that refused the file.

use serde::Deserialize;
use serde_json::Value;

use super::form::url;

/// A report or a problem, read from the JSON that the API answers and the log keeps.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Report {
    pub upload_id: Option<String>,
    pub file: Option<String>,
    pub sha256: Option<String>,
    pub code: String,
    /// Of a problem.
    pub status: Option<u16>,
    /// Of a problem.
    pub detail: Option<String>,
    pub dry_run: bool,
    pub family: Option<String>,
    pub iso: Option<String>,
    pub curve_timestamp: Option<String>,
    pub operating_day: Option<String>,
    pub cob: Option<bool>,
    pub version_id: Option<String>,
    pub supersedes: Option<VersionName>,
    /// The version that is in the way.
    pub conflict: Option<VersionName>,
    pub stats: Option<Stats>,
    pub counts: Counts,
    pub truncated: bool,
    /// Of a report.
    findings: Vec<Finding>,
    /// Of a problem.
    errors: Vec<Finding>,
    pub diff: Option<Diff>,
}

/// A stored version as a report names it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct VersionName {
    pub version_id: String,
    pub curve_timestamp: String,
}

/// Figures of a file, as far as it was read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Stats {
    pub rows: Option<i64>,
    pub columns: Option<i64>,
    pub points: Option<i64>,
    pub missing: Option<i64>,
    pub zeros: Option<i64>,
    pub min: Option<String>,
    pub max: Option<String>,
    pub sum: Option<String>,
    pub first_month: Option<String>,
    pub last_month: Option<String>,
}

/// How many findings there are in all.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct Counts {
    pub error: i64,
    pub warning: i64,
}

/// One thing that is wrong or strange.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Finding {
    pub severity: String,
    pub code: String,
    pub message: String,
    pub row: Option<i64>,
    pub column: Option<i64>,
    pub cell: Option<String>,
    pub label: Option<String>,
    pub value: Option<String>,
    pub hint: Option<String>,
}

/// What a dry run would change.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Diff {
    pub series_added: i64,
    pub series_removed: i64,
    pub months_added: i64,
    pub months_removed: i64,
    pub changed: i64,
    pub unchanged: i64,
    pub largest: Vec<Change>,
}

/// One changed value.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Change {
    pub label: String,
    pub month: Option<String>,
    pub old: Option<String>,
    pub new: Option<String>,
}

/// An outcome in a word, with the class of its badge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// `good`, `info`, `warn` or `bad`.
    pub class: &'static str,
    /// The word.
    pub words: &'static str,
}

impl Outcome {
    /// The outcome of an upload that was answered with this code and HTTP status.
    #[must_use]
    pub fn of(code: &str, status: u16, dry_run: bool) -> Self {
        let (class, words) = match (code, dry_run) {
            _ if status >= 500 => ("bad", "Not stored"),
            _ if status >= 400 && dry_run => ("bad", "Would be refused"),
            _ if status >= 400 => ("bad", "Refused"),
            ("already_stored", _) => ("info", "Already stored"),
            ("skipped", _) => ("info", "Skipped"),
            (_, true) => ("info", "Would be stored"),
            ("backfilled", _) => ("good", "Stored as history"),
            _ => ("good", "Stored"),
        };
        Self { class, words }
    }
}

impl Report {
    /// Reads one report or problem. What cannot be read is shown as its text, never as a success.
    #[must_use]
    pub fn read(json: &Value) -> Self {
        Self::deserialize(json).unwrap_or_else(|_| Self {
            status: Some(500),
            code: "unreadable_report".into(),
            file: json["file"].as_str().map(str::to_owned),
            detail: Some(json["detail"].as_str().unwrap_or("The report cannot be shown.").into()),
            ..Self::default()
        })
    }

    /// Whether it is stored, or would be, or was before.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let refused = if self.errors.is_empty() && self.counts.error == 0 { 200 } else { 422 };
        Outcome::of(&self.code, self.status.unwrap_or(refused), self.dry_run)
    }

    /// Everything found, errors first.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        if self.errors.is_empty() { &self.findings } else { &self.errors }
    }

    /// The stored version's page.
    #[must_use]
    pub fn version_url(&self) -> Option<String> {
        self.url_of(self.version_id.as_deref().filter(|_| !self.dry_run)?)
    }

    /// The page of another version of the dataset.
    #[must_use]
    pub fn url_of(&self, version: &str) -> Option<String> {
        let pairs = [
            ("curve", self.family.clone()?),
            ("iso", self.iso.clone()?),
            ("version", version.to_owned()),
        ];
        Some(url("/curves", pairs))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stored_file_leads_to_its_version() {
        let report = Report::read(&json!({
            "code": "superseded", "family": "energy", "iso": "miso", "version_id": "17",
            "operating_day": "2023-05-22", "stats": {"points": 732}, "findings": [{"code": "value_jump"}],
        }));
        assert_eq!(report.outcome().words, "Stored");
        assert_eq!(report.findings().len(), 1);
        let url = report.version_url().unwrap();
        assert_eq!(url, "/curves?curve=energy&iso=miso&version=17");
    }

    #[test]
    fn nothing_that_failed_looks_stored() {
        let refused = json!({"status": 422, "code": "not_a_number", "errors": [{"cell": "D17"}]});
        assert_eq!(Report::read(&refused).outcome().class, "bad");
        assert_eq!(Report::read(&refused).findings()[0].cell.as_deref(), Some("D17"));
        assert_eq!(Report::read(&json!({"code": 7})).outcome().class, "bad");
        let dry = json!({"code": "created", "dry_run": true, "version_id": "9"});
        assert_eq!(Report::read(&dry).outcome().words, "Would be stored");
        assert_eq!(Report::read(&dry).version_url(), None);
    }
}
