//! What a sender is told: one shape for stored and refused files, for the log and every way in.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Submission, counts, status_of};
use crate::{
    app::App,
    db::uploads::{NewUpload, Place},
    domain::{CurveFileName, Finding, Sha256, VersionRef},
    error::{Problem, Result},
    ingestors::{Diff, Findings, Stats},
};

/// The answer to one file.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The entry of the log.
    pub upload_id: Uuid,
    /// When the file came.
    pub received_at: DateTime<Utc>,
    /// The client's name for it.
    pub file: String,
    /// Of its bytes.
    pub sha256: Sha256,
    /// Whether the document is in the store.
    pub is_kept: bool,
    /// `created`, `superseded`, `backfilled` or `already_stored`; without it the first error counts.
    pub code: Option<&'static str>,
    /// Whether it was only tried.
    pub dry_run: bool,
    /// The name, taken apart.
    pub name: Option<CurveFileName>,
    /// The part of the name that is wrong.
    pub part: Option<&'static str>,
    /// The version that was made or met.
    pub version_id: Option<i64>,
    /// The version that the new one takes the place of.
    pub supersedes: Option<Conflict>,
    /// The version that is in the way.
    pub conflict: Option<Conflict>,
    /// The figures of the file.
    pub stats: Option<Stats>,
    /// What would change.
    pub diff: Option<Diff>,
    /// Errors and warnings.
    pub findings: Findings,
}

/// The digest of a file; a long one is computed off the async threads.
async fn digest(bytes: Bytes) -> Result<Sha256> {
    const LONG: usize = 256 << 10;
    if bytes.len() < LONG {
        return Ok(Sha256::of(&bytes));
    }
    let digest = tokio::task::spawn_blocking(move || Sha256::of(&bytes)).await;
    digest.map_err(|stopped| Problem::internal(&stopped))
}

/// A stored version as an answer names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// Its id.
    pub version_id: String,
    /// Its curve timestamp, RFC 3339.
    pub curve_timestamp: String,
    /// Whether it closes its day.
    pub cob: bool,
}

impl From<VersionRef> for Conflict {
    fn from(version: VersionRef) -> Self {
        Self {
            version_id: version.id.to_string(),
            curve_timestamp: version.curve_timestamp.to_rfc3339(),
            cob: version.cob,
        }
    }
}

impl Answer {
    pub(super) async fn begin(app: &App, submission: &Submission) -> Result<Self> {
        Ok(Self {
            upload_id: app.clock.new_id(),
            received_at: app.clock.now(),
            file: submission.file_name.clone(),
            sha256: digest(submission.bytes.clone()).await?,
            is_kept: true,
            code: None,
            dry_run: submission.sender.dry_run,
            name: None,
            part: None,
            version_id: None,
            supersedes: None,
            conflict: None,
            stats: None,
            diff: None,
            findings: Findings::default(),
        })
    }

    pub(super) fn with_stored(mut self, version: VersionRef) -> Self {
        self.code = Some("already_stored");
        self.version_id = Some(version.id);
        self
    }

    /// The machine word: the outcome, or the code of the first error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.findings.first_error() {
            Some(error) => error.code.as_str(),
            None => self.code.unwrap_or("internal"),
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.findings.first_error() {
            Some(error) => error.code.status_code(),
            None if self.dry_run => StatusCode::OK,
            None => status_of(self.code()),
        }
    }

    /// The body of the answer. Findings are under `errors` in that of a refused file, and it has the
    /// members of a problem document.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        if self.findings.has_errors() { self.problem().to_json() } else { self.members("findings") }
    }

    /// The problem of a refused file.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let mut problem = Problem::new(self.status(), self.code(), self.sentence());
        problem.members = self.members("errors");
        problem.members.remove("code");
        problem
    }

    /// One sentence on what became of the file.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Some(error) = self.findings.first_error() else {
            return format!("{}: {}", self.file, self.code().replace('_', " "));
        };
        let (errors, _) = counts(&self.findings);
        let place =
            error.cell.as_deref().map(|cell| format!(" in cell {cell}")).unwrap_or_default();
        let more = match errors {
            0 | 1 => String::new(),
            _ => format!(" ({} more errors)", errors - 1),
        };
        format!("{}{place}: {}{more}", self.file, error.message)
    }

    /// The answer, or the problem of a refused file.
    pub fn into_result(self) -> Result<Self> {
        if self.findings.has_errors() { Err(self.problem()) } else { Ok(self) }
    }

    fn members(&self, findings_name: &str) -> Map<String, Value> {
        let (errors, warnings) = counts(&self.findings);
        let shown = self.shown();
        let by_code: BTreeMap<&str, usize> =
            self.findings.by_code().iter().map(|(code, count)| (code.as_str(), *count)).collect();
        let mut members = Map::new();
        let mut set = |name: &str, value: Value| members.insert(name.to_owned(), value);
        set("upload_id", json!(self.upload_id));
        set("file", json!(self.file));
        set("sha256", json!(self.sha256));
        set("code", json!(self.code()));
        set("dry_run", json!(self.dry_run));
        if let Some(name) = self.name {
            set("family", json!(name.dataset.family));
            set("iso", json!(name.dataset.iso));
            set("curve_timestamp", json!(name.timestamp.instant().to_rfc3339()));
            set("operating_day", json!(name.timestamp.operating_day()));
            set("cob", json!(name.cob));
        }
        if let Some(part) = self.part {
            set("part", json!(part));
        }
        set("version_id", json!(self.version_id.map(|id| id.to_string())));
        set("supersedes", json!(self.supersedes));
        if let Some(conflict) = &self.conflict {
            set("conflict", json!(conflict));
        }
        set("stats", json!(self.stats));
        set("warnings", json!(warnings));
        set("counts", json!({"error": errors, "warning": warnings}));
        set("by_code", json!(by_code));
        set("truncated", json!(shown.len() < errors + warnings));
        set(findings_name, json!(shown));
        if let Some(diff) = &self.diff {
            set("diff", json!(diff));
        }
        members
    }

    fn shown(&self) -> Vec<Finding> {
        let mut findings = self.findings.clone().sorted();
        findings.truncate(Findings::SHOWN);
        findings
    }

    /// The entry of the log.
    pub(super) fn entry<'a>(&'a self, submission: &'a Submission) -> NewUpload<'a> {
        NewUpload {
            id: self.upload_id,
            received_at: self.received_at,
            uploader: submission.sender.user_id,
            via: submission.sender.via.as_str(),
            file_name: &submission.file_name,
            archive_name: submission.archive_name.as_deref(),
            sha256: self.is_kept.then_some(self.sha256),
            bytes: submission.bytes.len(),
            dry_run: self.dry_run,
            place: self.name.map(|name| Place {
                dataset: name.dataset,
                curve_timestamp: name.timestamp.instant(),
                operating_day: name.timestamp.operating_day(),
                cob: name.cob,
            }),
            answer: (self.status().as_u16(), self.code()),
            version_id: self.version_id,
            points: self.stats.as_ref().map(|stats| stats.points),
            counts: counts(&self.findings),
            report: Value::Object(self.to_json()),
            findings: json!(self.findings.clone().sorted()),
        }
    }
}
