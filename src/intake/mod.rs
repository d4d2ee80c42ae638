//! The road of a document: keep its bytes, read it, decide its version, publish. One road for the
//! API, the pages, existing scripts and the command line.

mod annotated;
mod answer;
mod batch;
mod publish;
mod record;
mod replay;
mod turns;

pub use annotated::{AnnotatedFormat, annotate};
pub use answer::{Answer, Conflict};
pub use batch::{BatchAnswer, BatchResult, Part, receive_all};
pub use replay::{ReplayError, replay};
pub use turns::DayTurns;

pub use crate::db::versions::StoredVersion;

use std::sync::Arc;

use axum::http::StatusCode;
use bytes::Bytes;
use uuid::Uuid;

use crate::{
    app::App,
    audit::Actor,
    db::{
        sight::{self, Viewer},
        versions,
    },
    domain::{Code, CurveFileName, FileNameError, Finding, GRAMMAR, Sha256},
    error::{Problem, Result},
    ingestors::{self, Context, Earlier, EarlierSeries, Findings, Reading},
};

/// A file as it came in.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The client's name for it; never used as a path.
    pub file_name: String,
    /// Its bytes.
    pub bytes: Bytes,
    /// The archive that it came in.
    pub archive_name: Option<String>,
    /// Who sends it, how, and what they want.
    pub sender: Sender,
}

/// Who sends a file and what they want.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Row of `app_user`.
    pub user_id: Uuid,
    /// Who that is for the audit log.
    pub actor: Arc<Actor>,
    /// How it comes.
    pub via: Via,
    /// Only try: store no version.
    pub dry_run: bool,
    /// Store it before a newer version of its day.
    pub backfill: bool,
}

/// How a file comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// `POST /api/v1/uploads`.
    Api,
    /// The upload page without JavaScript.
    Page,
    /// `POST /upload_csv`.
    Script,
    /// `trueprice ingest`.
    Command,
}

impl Via {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Page => "page",
            Self::Script => "script",
            Self::Command => "command",
        }
    }
}

/// Takes one file in. The answer of a file that was stored, is stored already, or passed a dry run;
/// a problem for one that is refused. Either way the log has an entry with the same report.
pub async fn receive(app: &App, submission: Submission) -> Result<Answer> {
    let mut answer = Answer::begin(app, &submission).await?;
    if let Err(finding) = app.config.limits.check_file_bytes(submission.bytes.len()) {
        answer.is_kept = false;
        answer.findings.push(finding);
        return log(app, &submission, answer).await;
    }
    let now = app.clock.now();
    let name = match CurveFileName::parse(&submission.file_name, app.config.curve_timezone, now) {
        Ok(name) => name,
        Err(error) => return refuse_name(app, &submission, answer, &error).await,
    };
    answer.name = Some(name);
    keep(app, &submission, answer.sha256).await?;
    if let Some(stored) = publish::already_stored(app, &answer, name).await? {
        return log(app, &submission, answer.with_stored(stored)).await;
    }
    let reading = read(app, &submission, name).await?;
    publish::publish(app, &submission, answer, name, reading).await
}

/// Bytes first: nothing is written before they are durable.
async fn keep(app: &App, submission: &Submission, sha256: Sha256) -> Result<()> {
    app.documents.put(sha256, submission.bytes.clone()).await.map_err(|error| {
        tracing::warn!(%error, %sha256, "a document could not be kept");
        Problem::unavailable(
            Code::StorageUnavailable.as_str(),
            "The document store cannot keep the file just now. Nothing was stored; please send it again.",
            5,
        )
    })
}

/// Refuses a file for its name.
async fn refuse_name(
    app: &App,
    submission: &Submission,
    mut answer: Answer,
    error: &FileNameError,
) -> Result<Answer> {
    if let FileNameError::Bad { part, .. } = error {
        answer.part = Some(part);
    }
    refuse(app, submission, answer, name_finding(error)).await
}

/// Refuses a file that is not read; it is logged, with its document where that can be kept.
async fn refuse(
    app: &App,
    submission: &Submission,
    mut answer: Answer,
    finding: Finding,
) -> Result<Answer> {
    answer.is_kept = keep(app, submission, answer.sha256).await.is_ok();
    answer.findings.push(finding);
    log(app, submission, answer).await
}

fn name_finding(error: &FileNameError) -> Finding {
    let (code, hint) = match error {
        FileNameError::Bad { suggestion: Some(near), .. } => {
            (Code::BadFilename, format!("did you mean {near}? names are {GRAMMAR}"))
        }
        FileNameError::Bad { .. } => (Code::BadFilename, format!("names are {GRAMMAR}")),
        FileNameError::Legacy => (Code::LegacyFormat, format!("names are {GRAMMAR}")),
        FileNameError::UnsupportedArea { supported, .. } => {
            (Code::UnsupportedArea, format!("supported are {supported}"))
        }
        FileNameError::CobNotApplicable(_) => {
            (Code::CobNotApplicable, "send it without _cob".to_owned())
        }
    };
    let finding = Finding::new(code, error.to_string()).hint(hint);
    match error {
        FileNameError::Bad { offending, .. } => finding.value(offending),
        _ => finding,
    }
}

/// Reads a file, and beside it the newest earlier version of its dataset, and compares the two.
async fn read(app: &App, submission: &Submission, name: CurveFileName) -> Result<ReadFile> {
    let (bytes, config) = (submission.bytes.clone(), app.config.clone());
    let reading = app.in_reader_turn(move || {
        let context = Context { name, bands: &config.bands };
        ingestors::read(&bytes, &context, &config.limits)
    });
    let (reading, earlier) = tokio::join!(reading, load_earlier(app, submission, name));
    let (mut reading, earlier) = (reading?, earlier?);
    if reading.curve.is_none() || earlier.is_none() {
        return Ok(ReadFile { reading, earlier });
    }
    app.in_reader_turn(move || {
        if let (Some(curve), Some(earlier)) = (&reading.curve, &earlier) {
            ingestors::compare(curve, earlier, &mut reading.findings);
        }
        ReadFile { reading, earlier }
    })
    .await
}

/// Whether the sender may see what their file is compared with: a comparison tells stored prices.
async fn sees_earlier(app: &App, submission: &Submission, name: CurveFileName) -> Result<bool> {
    let viewer = Viewer { user_id: submission.sender.user_id, now: app.clock.now() };
    let mut connection = app.pool.acquire().await?;
    Ok(sight::sees_whole(&mut connection, viewer, name.dataset).await?)
}

async fn load_earlier(
    app: &App,
    submission: &Submission,
    name: CurveFileName,
) -> Result<Option<Earlier>> {
    if !sees_earlier(app, submission, name).await? {
        return Ok(None);
    }
    let instant = name.timestamp.instant();
    match versions::newest_before(&app.pool, name.dataset, instant).await? {
        Some(version) => load(app, name, version).await.map(Some),
        None => Ok(None),
    }
}

/// A file that was read, and the version that it was compared with.
struct ReadFile {
    reading: Reading,
    earlier: Option<Earlier>,
}

async fn load(app: &App, name: CurveFileName, version_id: i64) -> Result<Earlier> {
    let stored = versions::content(&app.pool, name.dataset, version_id).await?;
    let series = stored.series.into_iter().map(|(key, values)| EarlierSeries { key, values });
    Ok(Earlier { version_id, axis: stored.axis, series: series.collect() })
}

/// Writes the entry of a file that makes no version, and answers.
async fn log(app: &App, submission: &Submission, answer: Answer) -> Result<Answer> {
    let mut tx = app.pool.begin().await?;
    record::upload(app, &mut tx, submission, &answer).await?;
    tx.commit().await?;
    answer.into_result()
}

/// Errors and warnings, counted.
fn counts(findings: &Findings) -> (usize, usize) {
    use crate::domain::Severity::{Error, Warning};
    (findings.count(Error), findings.count(Warning))
}

/// The status of a code that an answer carries.
fn status_of(code: &str) -> StatusCode {
    match code {
        "created" | "superseded" | "backfilled" => StatusCode::CREATED,
        "already_stored" => StatusCode::OK,
        word => Code::ALL
            .iter()
            .find(|code| code.as_str() == word)
            .map_or(StatusCode::INTERNAL_SERVER_ERROR, |code| code.status_code()),
    }
}
