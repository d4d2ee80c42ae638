//! `POST /api/v1/feeds/{id}/backfill` and what can be done with a backfill.

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
    domain::feed::Window,
    error::{Problem, Result},
    feeds::runner::orders::{self, History, Ordered, Turn},
    web::{body::StrictJson, parameters::NoQuery},
};

/// The calls of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(begin)).routes(routes!(turn))
}

/// Which history is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "scopes": ["CAISO", "NYISO"], "from": "2021-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"
}))]
struct WantedHistory {
    /// The scopes; left out: all that are polled.
    scopes: Option<Vec<String>>,
    /// From then on, RFC 3339 with an offset; not before the setting `not_before` of the feed.
    from: DateTime<Utc>,
    /// Until then, at most until now.
    to: DateTime<Utc>,
    /// Tells of each slot by an event of its own. Left out or false: of slots older than seven days, one
    /// `rollup` event tells of each day that changed.
    #[serde(default)]
    every_slot: bool,
}

/// Backfills that cover what was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "backfill_ids": [12, 13] }))]
struct QueuedBackfills {
    /// Those that were made, and those that waited or ran and cover a part of it.
    backfill_ids: Vec<i64>,
}

/// Fetch the history of a feed
///
/// Oldest first, beside polling; this call does not wait for it. What waits or runs already for a part
/// of the range is joined, and one that was paused goes on. What is joined tells of every slot from then on
/// where that is asked for.
#[utoipa::path(
    post, path = "/api/v1/feeds/{id}/backfill", tag = "feeds",
    params(("id" = String, Path, description = "the id of a feed, such as carbonara.intensity")),
    request_body = WantedHistory,
    responses(
        (status = 202, description = "The backfills wait", body = QueuedBackfills),
        (status = 400, description = "A member is unknown or wrong, a scope is not known, or there is no history in the range"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "There is no such feed"),
        (status = 409, description = "The feed is off, and no scope was named; or its upstream tells nothing of the past"),
        (status = 415, description = "Not JSON"),
    )
)]
async fn begin(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
    StrictJson(wanted): StrictJson<WantedHistory>,
) -> Result<(StatusCode, Json<QueuedBackfills>)> {
    let feed = Ordered::of(&app, &id)?;
    let window = Window::new(wanted.from, wanted.to)
        .map_err(|empty| Problem::bad_parameter("from", &wanted.from.to_rfc3339(), empty))?;
    let scopes = wanted.scopes.as_deref();
    let history = History { window, every_slot: wanted.every_slot };
    let backfill_ids = orders::backfill(&app, &actor, &feed, scopes, history).await?;
    Ok((StatusCode::ACCEPTED, Json(QueuedBackfills { backfill_ids })))
}

/// Pause, resume or cancel a backfill
///
/// `pause`: it ends with the page that is being loaded, and waits until it is resumed. `resume`: it goes on
/// at the page where it ended, also after a failure. `cancel`: it is at its end, and what it loaded stays.
#[utoipa::path(
    post, path = "/api/v1/feeds/{id}/backfill/{backfill}/{turn}", tag = "feeds",
    params(
        ("id" = String, Path, description = "the id of a feed"),
        ("backfill" = i64, Path, description = "the number of a backfill"),
        ("turn" = String, Path, description = "what to do", pattern = "^(pause|resume|cancel)$", example = "pause"),
    ),
    responses(
        (status = 204, description = "Done, or so already"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "There is no such backfill, or nothing of that name to do with it"),
        (status = 409, description = "It is at its end: one that is done stays so, and one that was cancelled does not go on"),
    )
)]
async fn turn(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    Path((feed, backfill, turn)): Path<(String, String, String)>,
    _: NoQuery,
) -> Result<StatusCode> {
    let no_such = || Problem::not_found(format!("there is no backfill {backfill} of {feed}"));
    let number = backfill.parse().map_err(|_| no_such())?;
    let turn = turn.parse::<Turn>().map_err(|unknown| Problem::not_found(unknown.to_string()))?;
    orders::turn(&app, &actor, Some(&feed), number, turn).await?;
    Ok(StatusCode::NO_CONTENT)
}
