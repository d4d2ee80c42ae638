//! What administrators do with jobs: try one again at once, ask for headroom.

use axum::http::StatusCode;
use serde_json::json;

use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    db::jobs::{self, JobId, JobRow, JobState},
    domain::{Dataset, Family, Iso},
    error::{Problem, Result},
};

/// Makes a job due at once, on whichever server hears of it first. 404 for what is no job, 409
/// `job_done` for one that is done.
pub async fn retry(app: &App, actor: &Actor, id: &str) -> Result<JobRow> {
    let missing = || Problem::not_found("There is no such job.");
    let id: JobId = id.parse().map_err(|_| missing())?;
    let mut transaction = app.pool.begin().await?;
    let job = jobs::find(&mut transaction, &id).await?.ok_or_else(missing)?;
    if job.state == JobState::Done.as_str() {
        let detail = "This job is done; there is nothing to try again.";
        return Err(Problem::new(StatusCode::CONFLICT, "job_done", detail));
    }
    jobs::wake(&mut transaction, &job.kind).await?;
    let detail = json!({ "kind": job.kind, "attempts": job.attempts, "error": job.last_error });
    let act = Act::done(Action::JobRetried).to("job", id).with(detail);
    audit::write(app, &mut transaction, actor, act).await?;
    transaction.commit().await?;
    Ok(job)
}

/// Has the headroom of an ISO looked at anew: whatever is missing of it is computed. 409 `no_matrix`
/// where there is nothing to compute it from.
pub async fn run_headroom(app: &App, actor: &Actor, iso: Iso) -> Result<JobRow> {
    let none = || {
        let detail = format!("There is no Matrix of {iso} yet, so there is no headroom.");
        Problem::new(StatusCode::CONFLICT, "no_matrix", detail)
    };
    let matrix = Dataset::new(Family::Matrix, iso).ok_or_else(none)?;
    let mut transaction = app.pool.begin().await?;
    let asked = jobs::ask_for_headroom(&mut transaction, matrix, app.clock.now()).await?;
    let id = asked.ok_or_else(none)?;
    let job = jobs::find(&mut transaction, &id).await?.ok_or_else(none)?;
    let detail = json!({ "iso": iso, "matrix_version_id": job.version_id.to_string() });
    let act = Act::done(Action::HeadroomRun).to("job", id).with(detail);
    audit::write(app, &mut transaction, actor, act).await?;
    transaction.commit().await?;
    Ok(job)
}
