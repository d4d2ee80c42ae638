//! `GET /api/v1/uploads/{id}/report`: the file with an added column `error`.

use axum::{
    extract::{Path, State},
    response::Response,
};
use utoipa::IntoParams;

use super::document::{attachment, document, fetched, own};
use crate::{
    app::App,
    audit::Actor,
    auth::Writer,
    domain::FileFormat,
    error::{Problem, Result},
    intake::{AnnotatedFormat, annotate},
    web::parameters::{FromParameters, Parameters, StrictQuery},
};

/// The form of the copy.
#[derive(Debug, Clone, Copy, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReportQuery {
    /// `csv` or `xlsx`.
    #[param(required = false, value_type = String, example = "xlsx")]
    pub format: AnnotatedFormat,
}

impl FromParameters for ReportQuery {
    const NAMES: &'static [&'static str] = &["format"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let text = parameters.text("format")?;
        let format = match text.as_deref() {
            None | Some("csv") => AnnotatedFormat::Csv,
            Some("xlsx") => AnnotatedFormat::Xlsx,
            Some(other) => {
                return Err(Problem::bad_parameter("format", other, "it is csv or xlsx"));
            }
        };
        Ok(Self { format })
    }
}

/// Download an uploaded file with its findings
///
/// Every cell is unchanged; a last column headed `error` says what was found in its row. The workbook
/// also has a sheet of all findings and marks the cells. For the uploader and administrators.
#[utoipa::path(
    get, path = "/api/v1/uploads/{id}/report", tag = "uploads",
    params(("id" = uuid::Uuid, Path, description = "`upload_id` of the answer"), ReportQuery),
    responses(
        (status = 200, description = "The annotated copy", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 400, description = "An unknown or bad parameter"),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "The role may not see uploads"),
        (status = 404, description = "No such upload, or that of another"),
    )
)]
pub(super) async fn download_report(
    Writer(principal): Writer,
    StrictQuery(query): StrictQuery<ReportQuery>,
    Path(id): Path<String>,
    State(app): State<App>,
    actor: Actor,
) -> Result<Response> {
    let upload = own((&app, &actor, &principal), &id).await?;
    let bytes = document(&app, &upload).await?;
    fetched((&app, &actor), (&id, &upload), "with its findings").await?;
    let (stem, source) = source(&upload.file_name);
    let (name, content_type) = match query.format {
        AnnotatedFormat::Csv => (format!("{stem}_report.csv"), "text/csv; charset=utf-8"),
        AnnotatedFormat::Xlsx => (
            format!("{stem}_report.xlsx"),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
    };
    let limits = app.config.limits;
    let copy = app
        .in_reader_turn(move || annotate(source, &bytes, &limits, upload.findings, query.format))
        .await?;
    let copy = copy.map_err(|error| Problem::internal(&error))?;
    Ok(attachment(&name, content_type, copy))
}

/// The name without its extension, and the form that the extension tells.
fn source(file_name: &str) -> (&str, FileFormat) {
    match file_name.rsplit_once('.') {
        Some((stem, extension)) if extension.eq_ignore_ascii_case("xlsx") => {
            (stem, FileFormat::Xlsx)
        }
        Some((stem, _)) => (stem, FileFormat::Csv),
        None => (file_name, FileFormat::Csv),
    }
}
