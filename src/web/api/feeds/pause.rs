//! `POST /api/v1/feeds/{id}/pause` and `/resume`.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    audit::Actor,
    auth::Admin,
    error::Result,
    feeds::runner::orders::{self, Ordered},
    web::parameters::NoQuery,
};

/// The calls of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(pause)).routes(routes!(resume))
}

/// Pause a feed
///
/// Nothing is asked by plan any more: neither what is due nor history. A run that somebody asks for is
/// done all the same.
#[utoipa::path(
    post, path = "/api/v1/feeds/{id}/pause", tag = "feeds",
    params(("id" = String, Path, description = "the id of a feed, such as carbonara.intensity")),
    responses(
        (status = 204, description = "It is paused"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "There is no such feed"),
    )
)]
async fn pause(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<StatusCode> {
    orders::pause(&app, &actor, &Ordered::of(&app, &id)?, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Resume a feed
///
/// What fell due meanwhile is asked for once.
#[utoipa::path(
    post, path = "/api/v1/feeds/{id}/resume", tag = "feeds",
    params(("id" = String, Path, description = "the id of a feed, such as carbonara.intensity")),
    responses(
        (status = 204, description = "It is polled again"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "There is no such feed"),
    )
)]
async fn resume(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<StatusCode> {
    orders::pause(&app, &actor, &Ordered::of(&app, &id)?, false).await?;
    Ok(StatusCode::NO_CONTENT)
}
