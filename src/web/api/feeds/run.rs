//! `POST /api/v1/feeds/{id}/run`: what is due, or a range, now.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    audit::Actor,
    auth::Admin,
    error::Result,
    feeds::runner::orders::{self, Ordered},
    web::{body::StrictJson, parameters::NoQuery},
};

/// The call of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(run))
}

/// What to ask the upstream for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "scopes": ["CAISO"], "from": "2021-07-07T00:00:00Z", "to": "2021-07-08T00:00:00Z"
}))]
struct WantedRun {
    /// The scopes; left out: all that are polled.
    scopes: Option<Vec<String>>,
    /// From then on, RFC 3339 with an offset; left out: what is due.
    from: Option<DateTime<Utc>>,
    /// Until then; left out: until now.
    to: Option<DateTime<Utc>>,
}

/// Runs that wait for a server.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "run_id": 4711, "run_ids": [4711] }))]
struct QueuedRuns {
    /// The run of the first scope.
    run_id: i64,
    /// One for each scope, by its name.
    run_ids: Vec<i64>,
}

/// Run a feed
///
/// The upstream is asked soon, by a server that polls; this call does not wait for it.
#[utoipa::path(
    post, path = "/api/v1/feeds/{id}/run", tag = "feeds",
    params(("id" = String, Path, description = "the id of a feed, such as carbonara.intensity")),
    request_body = WantedRun,
    responses(
        (status = 202, description = "The runs wait", body = QueuedRuns),
        (status = 400, description = "A member is unknown or wrong, a scope is not known, or the range holds nothing"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "There is no such feed"),
        (status = 409, description = "The feed is off, and no scope was named; or a range was, and its upstream tells nothing of the past"),
        (status = 415, description = "Not JSON"),
    )
)]
async fn run(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
    StrictJson(wanted): StrictJson<WantedRun>,
) -> Result<(StatusCode, Json<QueuedRuns>)> {
    let feed = Ordered::of(&app, &id)?;
    let window = orders::range(wanted.from, wanted.to, app.clock.now())?;
    let run_ids = orders::run(&app, &actor, &feed, wanted.scopes.as_deref(), window).await?;
    let run_id = run_ids.first().copied().unwrap_or_default();
    Ok((StatusCode::ACCEPTED, Json(QueuedRuns { run_id, run_ids })))
}
