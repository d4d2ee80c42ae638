//! `POST /upload_csv`: the same door for scripts that exist.

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::receive::{UploadQuery, read_parts, sender, take_in};
use crate::{
    app::App,
    auth::Writer,
    error::Problem,
    intake::{BatchAnswer, Via},
    web::parameters::StrictQuery,
};

/// Uploads curve files for scripts of the former system.
///
/// Same checks, report and status codes as `POST /api/v1/uploads`; adds `message_flag` and
/// `message_toast`.
#[utoipa::path(
    post, path = "/upload_csv", tag = "existing scripts", params(UploadQuery),
    request_body(content_type = "multipart/form-data", description = "a part named `file`"),
    responses(
        (status = 201, description = "Stored", body = serde_json::Value, content_type = "application/json",
         example = json!({"code": "created", "version_id": "17", "message_flag": "success",
                          "message_toast": "Energy_ERCOT_20240603_080000.csv: created"})),
        (status = 422, description = "Refused, as by `POST /api/v1/uploads`; `message_flag` is `error`",
         body = serde_json::Value, content_type = "application/problem+json"),
    )
)]
pub(super) async fn upload_csv(
    Writer(principal): Writer,
    StrictQuery(query): StrictQuery<UploadQuery>,
    State(app): State<App>,
    request: Request,
) -> Response {
    let sender = sender(principal.user_id, Via::Script, query);
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
