//! The version decision and its transaction: version, series, points, log entry and event commit
//! together or not at all.

use serde_json::json;
use sqlx::PgConnection;

use super::{Answer, ReadFile, Submission, log, record};
use crate::{
    app::App,
    db::{
        series, updates, uploads,
        versions::{self, NewCurve, NewVersion},
    },
    domain::{
        Candidate, Code, CurveFileName, Dataset, Decision, Family, Finding, VersionRef, decide,
    },
    error::{Problem, Result},
    ingestors::{Curve, Earlier, Findings, diff},
};

/// The version at the file's timestamp with the same bytes: it needs no reading.
pub(super) async fn already_stored(
    app: &App,
    answer: &Answer,
    name: CurveFileName,
) -> Result<Option<VersionRef>> {
    let mut conn = app.pool.acquire().await?;
    let versions = day_of(&mut conn, name).await?;
    let same = versions.into_iter().find(|version| {
        version.curve_timestamp == name.timestamp.instant() && version.sha256 == answer.sha256
    });
    Ok(same)
}

/// The versions that decide about a file of this name.
async fn day_of(conn: &mut PgConnection, name: CurveFileName) -> sqlx::Result<Vec<VersionRef>> {
    let at = name.timestamp;
    versions::of_day(conn, name.dataset, at.operating_day(), Some(at.instant())).await
}

/// Decides and, unless the file is refused or only tried, stores it as a version.
pub(super) async fn publish(
    app: &App,
    submission: &Submission,
    mut answer: Answer,
    name: CurveFileName,
    read: ReadFile,
) -> Result<Answer> {
    answer.findings = read.reading.findings;
    answer.stats = read.reading.stats;
    let curve = match read.reading.curve {
        Some(curve) if !submission.sender.dry_run => curve,
        curve => return try_only(app, submission, answer, name, (curve, read.earlier)).await,
    };
    let _turn = app.days.take(name.dataset, name.timestamp.operating_day()).await;
    let mut tx = app.pool.begin().await?;
    versions::lock_day(&mut tx, name.dataset, name.timestamp.operating_day()).await?;
    let day = day_of(&mut tx, name).await?;
    let decision = decide(candidate(&answer, submission, name), &day);
    apply(&mut answer, name, decision);
    if !is_stored(decision) {
        drop(tx);
        return log(app, submission, answer).await;
    }
    store((app, &mut tx), submission, &mut answer, (name, decision, &curve)).await?;
    tx.commit().await.map_err(|error| unknown_end(&error))?;
    answer.into_result()
}

/// A commit that was not answered may have happened all the same.
fn unknown_end(error: &sqlx::Error) -> Problem {
    tracing::warn!(%error, "the end of a transaction is not known");
    Problem::unavailable(
        "database_unavailable",
        "The database went away while the file was stored; it is not known whether it was. Please \
         send it again: nothing is stored twice.",
        5,
    )
}

const fn is_stored(decision: Decision) -> bool {
    matches!(decision, Decision::Created | Decision::Superseded(_) | Decision::Backfilled { .. })
}

fn candidate(answer: &Answer, submission: &Submission, name: CurveFileName) -> Candidate {
    Candidate {
        curve_timestamp: name.timestamp.instant(),
        cob: name.cob,
        sha256: answer.sha256,
        backfill: submission.sender.backfill,
    }
}

/// A file with errors, or a dry run: what would be decided is told, nothing is stored.
async fn try_only(
    app: &App,
    submission: &Submission,
    mut answer: Answer,
    name: CurveFileName,
    (curve, earlier): (Option<Curve>, Option<Earlier>),
) -> Result<Answer> {
    let day = {
        let mut conn = app.pool.acquire().await?;
        day_of(&mut conn, name).await?
    };
    let decision = decide(candidate(&answer, submission, name), &day);
    apply(&mut answer, name, decision);
    if let Some(curve) = curve
        && super::sees_earlier(app, submission, name).await?
    {
        let current =
            day.iter().find(|version| version.valid_to.is_none()).map(|version| version.id);
        let against = match current {
            Some(id) if earlier.as_ref().is_none_or(|earlier| earlier.version_id != id) => {
                Some(super::load(app, name, id).await?)
            }
            _ => earlier,
        };
        answer.diff = Some(diff(&curve, against.as_ref()));
    }
    log(app, submission, answer).await
}

/// Puts a decision into the answer.
fn apply(answer: &mut Answer, name: CurveFileName, decision: Decision) {
    match decision {
        Decision::AlreadyStored(version) => {
            answer.code = Some("already_stored");
            answer.version_id = Some(version.id);
        }
        Decision::Refused(code, version) => {
            answer.findings.push(refusal(code, name, version));
            answer.conflict = Some(version.into());
        }
        Decision::Superseded(version) => {
            answer.code = Some(decision.code());
            answer.supersedes = Some(version.into());
        }
        Decision::Backfilled { .. } | Decision::Created => answer.code = Some(decision.code()),
    }
}

fn refusal(code: Code, name: CurveFileName, version: VersionRef) -> Finding {
    let (dataset, id) = (name.dataset, version.id);
    let at = version.curve_timestamp.format("%Y-%m-%d %H:%M:%S UTC");
    let (message, hint) = match code {
        Code::VersionConflict => (
            format!("version {id} of {dataset} at {at} has other content"),
            "a correction carries a new timestamp in its name",
        ),
        Code::DayClosedByCob => (
            format!(
                "the operating day of {dataset} is closed by the close-of-business version {id} of {at}"
            ),
            "an administrator can reopen the day",
        ),
        _ => (
            format!("version {id} of {dataset} at {at} is newer than this file"),
            "send it with backfill=true to store it before the newer one",
        ),
    };
    Finding::new(code, message).hint(hint)
}

async fn store(
    (app, tx): (&App, &mut PgConnection),
    submission: &Submission,
    answer: &mut Answer,
    (name, decision, curve): (CurveFileName, Decision, &Curve),
) -> Result<()> {
    let dataset = name.dataset;
    let bytes = i64::try_from(submission.bytes.len()).unwrap_or(i64::MAX);
    uploads::insert_document(tx, answer.sha256, bytes, answer.received_at).await?;
    let mut valid_to = None;
    let older = match decision {
        Decision::Superseded(older) | Decision::Backfilled { cut: Some(older), .. } => {
            versions::end_validity(tx, older.id, name.timestamp.instant()).await?;
            Some(older.id)
        }
        _ => None,
    };
    if let Decision::Backfilled { valid_to: next, .. } = decision {
        valid_to = Some(next);
    }
    let version_id = versions::insert(tx, header(answer, name, valid_to, curve)).await?;
    copy(tx, dataset, version_id, curve).await?;
    if let Some(kind) = event_kind(dataset.family).filter(|_| valid_to.is_none()) {
        versions::insert_event(tx, kind, dataset, version_id, answer.received_at).await?;
    }
    answer.version_id = Some(version_id);
    record::upload(app, tx, submission, answer).await?;
    record::version(app, tx, submission, (answer, name, decision)).await?;
    updates::take_turn(tx).await?;
    let known_at = versions::make_known(tx, dataset, version_id).await?;
    updates::tell_published(tx, dataset, version_id, older, known_at).await?;
    Ok(())
}

fn header<'a>(
    answer: &Answer,
    name: CurveFileName,
    valid_to: Option<chrono::DateTime<chrono::Utc>>,
    curve: &'a Curve,
) -> NewVersion<'a> {
    let mut warnings = answer.findings.clone().sorted();
    warnings.truncate(Findings::SHOWN);
    NewVersion {
        dataset: name.dataset,
        timestamp: name.timestamp,
        cob: name.cob,
        valid_to,
        sha256: answer.sha256,
        upload_id: answer.upload_id,
        axis: &curve.axis,
        series_count: curve.series.len(),
        stats: json!(answer.stats),
        findings: json!(warnings),
    }
}

async fn copy(
    tx: &mut PgConnection,
    dataset: Dataset,
    version_id: i64,
    curve: &Curve,
) -> Result<()> {
    let keys: Vec<_> = curve.series.iter().map(|series| &series.key).collect();
    let ids = series::ids_of(tx, dataset, &keys).await?;
    let rows: Vec<NewCurve<'_>> = curve
        .series
        .iter()
        .zip(ids)
        .map(|(series, series_id)| NewCurve {
            series_id,
            file_column: series.column + 1,
            lookup_id: series.lookup_id.as_deref(),
            numbers: &series.numbers,
            notations: &series.notations,
        })
        .collect();
    versions::copy_curves(tx, dataset, version_id, &rows).await?;
    Ok(())
}

/// The event that a new current version of a family is announced by.
const fn event_kind(family: Family) -> Option<&'static str> {
    match family {
        Family::Energy => Some("price-change"),
        Family::Matrix | Family::Ptc => Some("headroom"),
        _ => None,
    }
}
