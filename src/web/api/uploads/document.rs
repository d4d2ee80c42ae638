//! `GET /api/v1/uploads/{id}/document`: the bytes as they came.

use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::json;

use super::list::find;
use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    auth::{Principal, Role, Writer},
    db::uploads::UploadDetails,
    domain::Sha256,
    error::{Problem, Result},
    objects::StoreError,
    web::parameters::NoQuery,
};

/// Download an uploaded file
///
/// The bytes as they came, for the uploader and administrators.
#[utoipa::path(
    get, path = "/api/v1/uploads/{id}/document", tag = "uploads",
    params(("id" = uuid::Uuid, Path, description = "`upload_id` of the answer")),
    responses(
        (status = 200, description = "The bytes as they came", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "The role may not see uploads"),
        (status = 404, description = "No such upload, or that of another"),
        (status = 503, description = "`storage_unavailable`"),
    )
)]
pub(super) async fn download_document(
    Writer(principal): Writer,
    NoQuery: NoQuery,
    Path(id): Path<String>,
    State(app): State<App>,
    actor: Actor,
) -> Result<Response> {
    let upload = own((&app, &actor, &principal), &id).await?;
    let bytes = document(&app, &upload).await?;
    fetched((&app, &actor), (&id, &upload), "as it came").await?;
    Ok(attachment(&upload.file_name, "application/octet-stream", bytes))
}

/// An upload of the caller; that of another is as good as none, but for administrators. That it was
/// asked for is written down.
pub(super) async fn own(
    (app, actor, principal): (&App, &Actor, &Principal),
    id: &str,
) -> Result<UploadDetails> {
    let upload = find((app, actor, principal), id).await?;
    if upload.uploader == principal.user_id || principal.role == Role::Admin {
        return Ok(upload);
    }
    if let Ok(id) = id.parse() {
        audit::refused(app, actor, ("upload", id)).await?;
    }
    Err(Problem::not_found("There is no such upload."))
}

/// Writes down that the document of an upload is given out, before it is.
pub(super) async fn fetched(
    (app, actor): (&App, &Actor),
    (id, upload): (&str, &UploadDetails),
    copy: &str,
) -> Result<()> {
    let detail = json!({ "file": upload.file_name, "sha256": upload.sha256, "copy": copy });
    let act = Act::done(Action::DocumentFetched).to("upload", id.to_ascii_lowercase());
    Ok(audit::note(app, actor, act.with(detail)).await?)
}

/// The kept bytes of an upload.
pub(super) async fn document(app: &App, upload: &UploadDetails) -> Result<Bytes> {
    let missing = || Problem::not_found("The document of this upload could not be kept.");
    kept(app, upload.sha256.ok_or_else(missing)?).await
}

/// The bytes of a document.
pub(in crate::web::api) async fn kept(app: &App, sha256: Sha256) -> Result<Bytes> {
    app.documents.get(sha256).await.map_err(|error| match error {
        StoreError::Unavailable(_) => Problem::unavailable(
            "storage_unavailable",
            "The document store cannot be reached just now; please try again.",
            5,
        ),
        StoreError::NotFound(_) | StoreError::Damaged(_) => Problem::internal(&error),
    })
}

/// A download with a safe name: letters, digits, dots, dashes and underscores of the client's.
pub(in crate::web::api) fn attachment(
    file_name: &str,
    content_type: &'static str,
    bytes: impl Into<axum::body::Body>,
) -> Response {
    let safe: String = file_name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
        .take(200)
        .collect();
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{safe}\""))
        .unwrap_or(HeaderValue::from_static("attachment"));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, bytes.into()).into_response()
}
