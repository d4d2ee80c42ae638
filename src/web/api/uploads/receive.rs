//! `POST /api/v1/uploads`: files in.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{DefaultBodyLimit, FromRequest as _, Multipart, Request, State, multipart::Field},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;
use tracing::Instrument as _;
use utoipa::IntoParams;

use super::examples;
use crate::{
    app::App,
    audit::Actor,
    auth::{Principal, Writer},
    domain::Code,
    error::{Problem, Result},
    intake::{BatchAnswer, Part, Sender, Via, receive_all},
    web::parameters::{FromParameters, Parameters, StrictQuery, unknown_parameter},
};

/// All files of a request must be there within so many times the patience with silence: ten minutes,
/// unless it is set otherwise.
const WHOLE: u32 = 10;
/// What the frame of a multipart body may add to its files.
const FRAME_BYTES: u64 = 1 << 20;

/// What an upload may be told in its query.
#[derive(Debug, Clone, Copy, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    /// Only try: the report with a diff, and nothing is stored.
    #[param(required = false, default = false)]
    pub dry_run: bool,
    /// Store the file before a newer version of its operating day. Not for `_cob` files.
    #[param(required = false, default = false)]
    pub backfill: bool,
}

impl FromParameters for UploadQuery {
    const NAMES: &'static [&'static str] = &["dry_run", "backfill"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        Ok(Self {
            dry_run: parameters.value("dry_run")?.unwrap_or(false),
            backfill: parameters.value("backfill")?.unwrap_or(false),
        })
    }
}

/// The body as Swagger UI shows it.
#[derive(Debug, utoipa::ToSchema)]
#[expect(dead_code, reason = "describes the multipart body")]
struct UploadForm {
    /// One or more files: .csv, .xlsx or .zip.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<String>,
}

/// Upload curve files
///
/// Each file is kept unchanged, read, and published as a new version of its dataset, or refused as a
/// whole with every finding and its cell. Sending the same file again changes nothing.
#[utoipa::path(
    post, path = "/api/v1/uploads", tag = "uploads", params(UploadQuery),
    request_body(content = inline(UploadForm), content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "Stored: `created`, `superseded` or `backfilled`",
         body = serde_json::Value, content_type = "application/json",
         example = json!(examples::stored())),
        (status = 200, description = "`already_stored`, or a dry run without errors (then with `diff`)",
         body = serde_json::Value, content_type = "application/json",
         example = json!(examples::dry_run())),
        (status = 207, description = "Several files, or an archive: one result each",
         body = serde_json::Value, content_type = "application/json",
         example = json!(examples::several())),
        (status = 400, description = "`bad_filename`, `legacy_format`, `unsupported_area`, `cob_not_applicable`, `no_file`"),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "The role may not upload"),
        (status = 408, description = "Nothing came for 60 s"),
        (status = 409, description = "`version_conflict`, `day_closed_by_cob`, `newer_version_exists`"),
        (status = 413, description = "`too_large`, `too_many_cells`, `archive_limit`"),
        (status = 415, description = "`not_csv`, `not_xlsx`, `bad_archive`, `bad_encoding`, `wrong_delimiter`, or no multipart body"),
        (status = 422, description = "The content has errors; `errors` names each cell"),
        (status = 503, description = "`storage_unavailable` or `database_unavailable`: send it again"),
    )
)]
pub(super) async fn upload(
    Writer(principal): Writer,
    StrictQuery(query): StrictQuery<UploadQuery>,
    State(app): State<App>,
    actor: Actor,
    request: Request,
) -> Result<Response> {
    let sender = sender(&principal, actor, Via::Api, query);
    let parts = read_parts(&app, request).await?;
    Ok(shape(take_in(app, sender, parts).await?))
}

/// Who sends, by which way, and what they want.
pub(super) fn sender(principal: &Principal, actor: Actor, via: Via, query: UploadQuery) -> Sender {
    let (dry_run, backfill) = (query.dry_run, query.backfill);
    Sender { user_id: principal.user_id, actor: Arc::new(actor), via, dry_run, backfill }
}

fn shape(answer: BatchAnswer) -> Response {
    match answer {
        BatchAnswer::One(answer) => (answer.status(), Json(answer.to_json())).into_response(),
        BatchAnswer::Several(results) => {
            let results: Vec<_> = results.iter().map(crate::intake::BatchResult::to_json).collect();
            (StatusCode::MULTI_STATUS, Json(json!({ "results": results }))).into_response()
        }
    }
}

/// The files bound their size themselves, while they stream in.
pub fn upload_routes_limit() -> DefaultBodyLimit {
    DefaultBodyLimit::disable()
}

/// A turn at sending, held until the answer is made: it bounds the bytes in memory.
pub type Turn = tokio::sync::OwnedSemaphorePermit;

/// Takes the files in, to the end even when the sender goes away before the answer: a COPY that is
/// dropped halfway would leave its connection to the next request in the middle of a conversation.
pub async fn take_in(
    app: App,
    sender: Sender,
    (turn, parts): (Turn, Vec<Part>),
) -> Result<BatchAnswer> {
    let taking = async move {
        let answer = receive_all(&app, &sender, parts).await;
        drop(turn);
        answer
    };
    tokio::spawn(taking.in_current_span()).await.map_err(|error| Problem::internal(&error))?
}

/// Reads the files of a multipart request into memory, within the limits. A part that is neither
/// `file` nor the form's token is a 400.
pub async fn read_parts(app: &App, request: Request) -> Result<(Turn, Vec<Part>)> {
    let total = app.config.limits.archive_bytes + FRAME_BYTES;
    let announced = request
        .headers()
        .get(axum::http::header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if let Some(announced) = announced.filter(|announced| *announced > total) {
        return Err(too_large("the request", announced, total));
    }
    let mut multipart = Multipart::from_request(request, app).await.map_err(|rejection| {
        Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_multipart",
            format!(
                "send multipart/form-data with parts named file: curl -F file=@NAME ({rejection})"
            ),
        )
    })?;
    let turn = app.uploads.clone().acquire_owned().await.map_err(|e| Problem::internal(&e))?;
    // A byte now and then must not hold a turn for ever.
    let deadline = app.config.upload_idle * WHOLE;
    let parts = tokio::time::timeout(deadline, read_all(app, &mut multipart, total)).await;
    Ok((turn, parts.map_err(|_| too_slow("the files did not come within", deadline))??))
}

async fn read_all(app: &App, multipart: &mut Multipart, total: u64) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut room = total;
    while let Some(field) = within(app, multipart.next_field()).await? {
        match field.name() {
            Some("file") => {
                if let Some(part) = read_part(app, field, &mut room).await? {
                    parts.push(part);
                }
            }
            Some(crate::web::middleware::csrf::FIELD) => {}
            other => return Err(unknown_parameter(other.unwrap_or_default(), &["file"])),
        }
    }
    Ok(parts)
}

async fn read_part(app: &App, mut field: Field<'_>, room: &mut u64) -> Result<Option<Part>> {
    let file_name = field.file_name().unwrap_or_default().to_owned();
    let limit = match file_name.to_ascii_lowercase().ends_with(".zip") {
        true => app.config.limits.archive_bytes,
        false => app.config.limits.file_bytes,
    };
    let mut bytes = Vec::new();
    while let Some(chunk) = within(app, field.chunk()).await? {
        let measured = (bytes.len() + chunk.len()) as u64;
        if measured > limit {
            return Err(too_large("the file", measured, limit));
        }
        *room = room.checked_sub(chunk.len() as u64).ok_or_else(|| {
            let total = app.config.limits.archive_bytes;
            too_large("the request", total + 1, total)
        })?;
        bytes.extend_from_slice(&chunk);
    }
    // A browser sends an empty part without a name when no file was chosen.
    if file_name.is_empty() && bytes.is_empty() {
        return Ok(None);
    }
    Ok(Some(Part { file_name, bytes: bytes.into() }))
}

/// Waits for the next piece of the body, but not for ever.
async fn within<T>(
    app: &App,
    next: impl Future<Output = Result<T, axum::extract::multipart::MultipartError>>,
) -> Result<T> {
    let idle = app.config.upload_idle;
    match tokio::time::timeout(idle, next).await {
        Ok(Ok(piece)) => Ok(piece),
        Ok(Err(error)) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "bad_multipart",
            format!("the multipart body cannot be read: {}", error.body_text()),
        )),
        Err(_) => Err(too_slow("nothing came for", idle)),
    }
}

fn too_slow(what: &str, time: Duration) -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "too_slow",
        format!("{what} {} s; please send the file again", time.as_secs()),
    )
}

fn too_large(what: &str, measured: u64, limit: u64) -> Problem {
    Problem::new(
        Code::TooLarge.status_code(),
        Code::TooLarge.as_str(),
        format!("{what} has at least {measured} bytes; the limit is {limit}"),
    )
    .with("limit", limit)
    .with("measured", measured)
}
