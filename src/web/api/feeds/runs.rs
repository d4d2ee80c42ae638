//! `GET /api/v1/feeds/{id}/runs/{run_id}`: how a run goes.

use axum::{
    Json,
    extract::{Path, State},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::fetches::asker;
use crate::{
    app::App,
    auth::SignedIn,
    db::feeds::fetches::{self, RunRow},
    error::{Problem, Result},
    web::parameters::NoQuery,
};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// One pass over the scope of a feed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "1203", "feed": "gb.intensity", "scope": "GB", "task_kind": "manual",
    "from": "2025-01-01T00:00:00Z", "to": "2025-01-15T00:00:00Z", "requested_by": "ana@example.com",
    "requested_at": "2025-01-16T00:00:10.120394Z", "started_at": "2025-01-16T00:00:11.004122Z",
    "finished_at": "2025-01-16T00:00:14.611874Z", "state": "done",
    "totals": {"windows": 2, "pages": 2, "new": 12, "changed": 3, "same": 657, "rejected": 0, "findings": 0}
}))]
struct RunItem {
    id: String,
    feed: String,
    scope: String,
    /// `live`, `manual`, `sweep` or `backfill`.
    task_kind: String,
    /// What was asked for, from then on; null: what is due.
    from: Option<DateTime<Utc>>,
    /// Its end, which is not in it.
    to: Option<DateTime<Utc>>,
    /// Told to themselves and to administrators; null: it was due.
    requested_by: Option<String>,
    requested_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    /// `queued`, `running`, `done` or `failed`.
    state: String,
    /// `{windows, pages, new, changed, same, rejected, findings}` as far as it came, and `error`.
    totals: Value,
}

impl From<RunRow> for RunItem {
    fn from(row: RunRow) -> Self {
        Self {
            id: row.run_id.to_string(),
            feed: row.feed_id,
            scope: row.scope,
            task_kind: row.task_kind,
            from: row.from_at,
            to: row.to_at,
            requested_by: row.requested_by,
            requested_at: row.requested_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            state: row.state,
            totals: row.totals,
        }
    }
}

/// Read how a run goes
///
/// Meters are told to those who may read them, accounts to administrators.
#[utoipa::path(
    get, path = "/api/v1/feeds/{id}/runs/{run_id}", tag = "feeds",
    params(
        ("id" = String, Path, description = "The feed", example = "gb.intensity"),
        ("run_id" = i64, Path, description = "`run_id` of the answer to the order", example = 1203),
    ),
    responses(
        (status = 200, description = "The run as far as it came", body = RunItem),
        (status = 401, description = "No valid credential"),
        (status = 404, description = "No such run of that feed"),
    )
)]
async fn show(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    Path((id, run_id)): Path<(String, String)>,
    _: NoQuery,
) -> Result<Json<RunItem>> {
    let missing = || Problem::not_found("There is no such run of this feed.");
    let run_id: i64 = run_id.parse().map_err(|_| missing())?;
    let run = fetches::find_run(&app.pool, &id, run_id, asker(&principal)).await?;
    Ok(Json(run.ok_or_else(missing)?.into()))
}
