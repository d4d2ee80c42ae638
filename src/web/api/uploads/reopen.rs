//! `POST /api/v1/datasets/{curve}/{iso}/operating-days/{day}/reopen`: lifts the close of a day.

use axum::{
    Json,
    extract::{Path, State},
};
use chrono::NaiveDate;
use serde_json::json;

use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    auth::Admin,
    db::versions,
    domain::Dataset,
    error::{Problem, Result},
    intake::Conflict,
    web::{body::StrictJson, parameters::NoQuery},
};

/// Why a day is reopened.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReopenRequest {
    /// For those who ask later.
    #[schema(example = "wrong close for HOUSTON ZONE, corrected file follows")]
    reason: String,
}

/// Reopen an operating day
///
/// Lifts the close by a close-of-business version. That version stays stored and current until a newer file takes its place; a new close-of-business
/// file closes the day again.
#[utoipa::path(
    post, path = "/api/v1/datasets/{curve}/{iso}/operating-days/{day}/reopen", tag = "uploads",
    params(("curve" = String, Path, example = "energy"), ("iso" = String, Path, example = "ercot"),
           ("day" = String, Path, example = "2024-06-03")),
    request_body = ReopenRequest,
    responses(
        (status = 200, description = "Reopened; the version that had closed it", body = serde_json::Value,
         content_type = "application/json",
         example = json!({"reopened": {"version_id": "18", "curve_timestamp": "2024-06-03T16:30:00+00:00", "cob": true}})),
        (status = 400, description = "No reason, or an unknown member"),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "No closed day"),
    )
)]
pub(super) async fn reopen_day(
    Admin(principal): Admin,
    actor: Actor,
    NoQuery: NoQuery,
    Path((curve, iso, day)): Path<(String, String, String)>,
    State(app): State<App>,
    StrictJson(request): StrictJson<ReopenRequest>,
) -> Result<Json<serde_json::Value>> {
    let not_closed =
        || Problem::not_found(format!("No closed operating day {day} of {curve} {iso}."));
    let dataset = curve.parse().ok().zip(iso.parse().ok());
    let dataset =
        dataset.and_then(|(curve, iso)| Dataset::new(curve, iso)).ok_or_else(not_closed)?;
    let date: NaiveDate = day.parse().map_err(|_| not_closed())?;
    let reason = request.reason.trim();
    if reason.is_empty() || reason.chars().count() > 1000 {
        return Err(Problem::bad_parameter("reason", reason, "give one of 1 to 1000 characters"));
    }
    let mut tx = app.pool.begin().await?;
    let by = (reason, principal.user_id);
    let version = versions::reopen_day(&mut tx, dataset, date, by, app.clock.now()).await?;
    let version = version.map(Conflict::from).ok_or_else(not_closed)?;
    let detail = json!({ "reason": reason, "before": { "closed_by": version } });
    let act = Act::done(Action::DayReopened);
    let act =
        act.to("operating_day", format!("{}/{}/{date}", dataset.family, dataset.iso)).with(detail);
    audit::write(&app, &mut tx, &actor, act).await?;
    tx.commit().await?;
    tracing::info!(%dataset, %day, user = %principal.user_id, "operating day reopened");
    Ok(Json(json!({ "reopened": version })))
}
