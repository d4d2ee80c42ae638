//! `POST /upload_csv`: the same door for scripts that exist.

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{
    examples,
    receive::{UploadQuery, read_parts, sender, take_in},
};
use crate::{
    app::App,
    audit::Actor,
    auth::Writer,
    error::Problem,
    intake::{BatchAnswer, Via},
    web::parameters::StrictQuery,
};

/// Upload curve files as existing scripts do
///
/// Same checks, report and status codes as `POST /api/v1/uploads`; adds `message_flag` and
/// `message_toast`.
#[utoipa::path(
    post, path = "/upload_csv", tag = "scripts", params(UploadQuery),
    request_body(content_type = "multipart/form-data", description = "a part named `file`"),
    responses(
        (status = 201, description = "Stored", body = serde_json::Value, content_type = "application/json",
         example = json!(examples::stored_for_script())),
        (status = 200, description = "`already_stored`, or a dry run without errors", body = serde_json::Value, content_type = "application/json"),
        (status = 207, description = "Several files, or an archive: one result each", body = serde_json::Value, content_type = "application/json"),
        (status = 400, description = "As for `POST /api/v1/uploads`; `message_flag` is `error`"),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "The role may not upload"),
        (status = 408, description = "Nothing came for 60 s"),
        (status = 409, description = "As for `POST /api/v1/uploads`"),
        (status = 413, description = "As for `POST /api/v1/uploads`"),
        (status = 415, description = "As for `POST /api/v1/uploads`"),
        (status = 422, description = "The content has errors; `errors` names each cell"),
        (status = 503, description = "As for `POST /api/v1/uploads`"),
    )
)]
pub(super) async fn upload_csv(
    Writer(principal): Writer,
    StrictQuery(query): StrictQuery<UploadQuery>,
    State(app): State<App>,
    actor: Actor,
    request: Request,
) -> Response {
    let sender = sender(&principal, actor, Via::Script, query);
    let answer = async {
        let parts = read_parts(&app, request).await?;
        take_in(app, sender, parts).await
    };
    match answer.await {
        Ok(answer) => flagged(&answer),
        Err(problem) => flagged_problem(problem),
    }
}

fn flagged(answer: &BatchAnswer) -> Response {
    let (status, mut body, flag, toast) = match answer {
        BatchAnswer::One(answer) => {
            (answer.status(), answer.to_json(), "success", answer.sentence())
        }
        BatchAnswer::Several(results) => {
            let refused = results.iter().filter(|result| !result.status.is_success()).count();
            let items: Vec<Value> =
                results.iter().map(crate::intake::BatchResult::to_json).collect();
            let body = Map::from_iter([("results".to_owned(), json!(items))]);
            let flag = if refused == 0 { "success" } else { "error" };
            (
                StatusCode::MULTI_STATUS,
                body,
                flag,
                format!("{} files, {refused} refused", results.len()),
            )
        }
    };
    body.insert("message_flag".into(), json!(flag));
    body.insert("message_toast".into(), json!(toast));
    (status, Json(body)).into_response()
}

fn flagged_problem(problem: Problem) -> Response {
    let toast = problem.detail.clone();
    problem.with("message_flag", "error").with("message_toast", toast).into_response()
}
