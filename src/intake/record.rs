//! What the audit log says of a file and of the versions it moves.

use serde_json::json;
use sqlx::PgConnection;

use super::{Answer, Submission};
use crate::{
    app::App,
    audit::{self, Act, Action},
    db::uploads,
    domain::{CurveFileName, Dataset, Decision},
};

/// Writes the entry of a file into the log of uploads, and with it that it came.
pub(super) async fn upload(
    app: &App,
    tx: &mut PgConnection,
    submission: &Submission,
    answer: &Answer,
) -> sqlx::Result<()> {
    uploads::insert(tx, answer.entry(submission)).await?;
    audit::write(app, tx, &submission.sender.actor, act(submission, answer)).await
}

fn act(submission: &Submission, answer: &Answer) -> Act {
    let act = match answer.findings.has_errors() {
        true => Act::refused(Action::Upload),
        false => Act::done(Action::Upload),
    };
    act.to("upload", answer.upload_id).with(json!({
        "file": submission.file_name,
        "archive": submission.archive_name,
        "sha256": answer.sha256,
        "bytes": submission.bytes.len(),
        "via": submission.sender.via.as_str(),
        "dry_run": answer.dry_run,
        "status": answer.status().as_u16(),
        "code": answer.code(),
        "version_id": answer.version_id.map(|id| id.to_string()),
    }))
}

/// A dataset as downloads are written down: `energy/ercot`.
fn path(dataset: Dataset) -> String {
    format!("{}/{}", dataset.family, dataset.iso)
}

/// Writes what a new version does to its operating day.
pub(super) async fn version(
    app: &App,
    tx: &mut PgConnection,
    submission: &Submission,
    (answer, name, decision): (&Answer, CurveFileName, Decision),
) -> sqlx::Result<()> {
    let Some(id) = answer.version_id else { return Ok(()) };
    let action = match decision {
        Decision::Backfilled { .. } => Action::Backfilled,
        _ => Action::Published,
    };
    let cut = match decision {
        Decision::Superseded(older) | Decision::Backfilled { cut: Some(older), .. } => Some(older),
        _ => None,
    };
    let act = Act::done(action).to("version", id).with(json!({
        "dataset": path(name.dataset),
        "operating_day": name.timestamp.operating_day(),
        "curve_timestamp": name.timestamp.instant(),
        "cob": name.cob,
        "sha256": answer.sha256,
        "upload_id": answer.upload_id,
        "after": cut.map(|older| older.id.to_string()),
    }));
    let actor = &submission.sender.actor;
    audit::write(app, tx, actor, act).await?;
    if let Decision::Superseded(older) = decision {
        let detail = json!({
            "dataset": path(name.dataset),
            "by": id.to_string(),
            "before": { "valid_to": older.valid_to },
            "after": { "valid_to": name.timestamp.instant() },
        });
        let act = Act::done(Action::Superseded).to("version", older.id).with(detail);
        audit::write(app, tx, actor, act).await?;
    }
    Ok(())
}
