//! `GET /api/v1/feeds/{id}`: one feed and how it fares.

use axum::{
    Json,
    extract::{Path, State},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::list::reader;
use crate::{
    app::App,
    auth::SignedIn,
    error::{Problem, Result},
    feeds::overview::{self, FeedStatus, Wanted},
    web::parameters::NoQuery,
};

/// The call of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(one))
}

/// The problem of a feed that there is not.
pub(super) fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("there is no feed {id}"))
}

/// Show a feed
///
/// As in the list of all.
#[utoipa::path(
    get, path = "/api/v1/feeds/{id}", tag = "feeds",
    params(("id" = String, Path, description = "The id of a feed", example = "carbonara.intensity")),
    responses(
        (status = 200, description = "The feed", body = FeedStatus),
        (status = 400, description = "A parameter: there are none"),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "A token without the scope read"),
        (status = 404, description = "There is no such feed"),
    )
)]
async fn one(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Json<FeedStatus>> {
    let wanted = Wanted { feed_id: Some(&id), ..Wanted::all(reader(&principal)) };
    let mut conn = app.pool.acquire().await?;
    let feed = overview::feeds(&app, &mut conn, &wanted).await?.into_iter().next();
    feed.map(Json).ok_or_else(|| unknown(&id))
}
