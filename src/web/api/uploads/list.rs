//! `GET /api/v1/uploads` and `GET /api/v1/uploads/{id}`: the log.

use axum::{
    Json,
    extract::{Path, State},
};
use uuid::Uuid;

use super::examples;
use crate::{
    app::App,
    audit::{self, Actor},
    auth::{Principal, Writer},
    db::uploads::{self, UploadDetails, UploadRow},
    error::{Problem, Result},
    web::{
        paging::{Listing, PageOf},
        parameters::{NoQuery, StrictQuery},
    },
};

/// List uploads
///
/// Newest first: one's own files, and those of datasets that one has a grant for.
#[utoipa::path(
    get, path = "/api/v1/uploads", tag = "uploads",
    params(PageOf),
    responses(
        (status = 200, description = "A page of the log", body = serde_json::Value, content_type = "application/json",
         example = json!({"items": [{"id": "0197a3c2-6f0e-7c3b-9d51-3f6a3f1f2b11",
            "received_at": "2024-06-03T08:25:44.120394Z", "uploader": "ana@example.com", "via": "api",
            "file": "Energy_ERCOT_20240603_080000.csv", "archive": null,
            "sha256": "5f0c7a54d7a6a32f4a0cf8a2b8f2d3d5c9b0a4f6f8f5a7e8c6f1f6f2d2c4b9e1", "bytes": 6520,
            "dry_run": false, "family": "energy", "iso": "ercot", "curve_timestamp": "2024-06-03T08:00:00Z",
            "operating_day": "2024-06-03", "cob": false, "status": 201, "code": "created", "version_id": "17",
            "points": 732, "errors": 0, "warnings": 0}], "next": null})),
        (status = 400, description = "An unknown or bad parameter"),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "The role may not see the log"),
    )
)]
pub(super) async fn list_uploads(
    Writer(principal): Writer,
    StrictQuery(page): StrictQuery<PageOf>,
    State(app): State<App>,
) -> Result<Listing<UploadRow>> {
    let viewer = app.viewer(&principal);
    let items = uploads::list(&app.pool, viewer, page.before, page.fetch()).await?;
    Ok(page.listing(items, |entry| entry.id))
}

/// Read the report of an upload
#[utoipa::path(
    get, path = "/api/v1/uploads/{id}", tag = "uploads",
    params(("id" = Uuid, Path, description = "`upload_id` of the answer")),
    responses(
        (status = 200, description = "The answer as it was given; a refused file has `errors`",
         body = serde_json::Value, content_type = "application/json", example = json!(examples::stored())),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "The role may not see the log"),
        (status = 404, description = "No such upload, or that of another and of a dataset without a grant"),
    )
)]
pub(super) async fn show_upload(
    Writer(principal): Writer,
    NoQuery: NoQuery,
    Path(id): Path<String>,
    State(app): State<App>,
    actor: Actor,
) -> Result<Json<serde_json::Value>> {
    Ok(Json(find((&app, &actor, &principal), &id).await?.report))
}

/// The entry of an id as it stands in a path; 404 for what is no id as well, and for what the caller
/// may not see. That it was asked for is written down then.
pub(super) async fn find(
    (app, actor, principal): (&App, &Actor, &Principal),
    id: &str,
) -> Result<UploadDetails> {
    let missing = || Problem::not_found("There is no such upload.");
    let id = Uuid::try_parse(id).map_err(|_| missing())?;
    let upload = uploads::find(&app.pool, app.viewer(principal), id).await?.ok_or_else(missing)?;
    if !upload.visible {
        audit::refused(app, actor, ("upload", id)).await?;
        return Err(missing());
    }
    Ok(upload)
}
