//! `/upload`: send files, read what became of each.

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::{Request, State},
    response::IntoResponse,
    routing::get,
};
use serde_json::Value;

use super::{Page, context::PageContext, format, report::Report};
use crate::{
    app::App,
    error::Result,
    intake::{BatchAnswer, Sender, Via, receive_all},
    web::{
        api::uploads::{read_parts, upload_routes_limit},
        parameters::NoQuery,
    },
};

/// The page's route.
pub fn routes() -> Router<App> {
    Router::new().route("/upload", get(form).post(send).layer(upload_routes_limit()))
}

/// The form, and below it the reports of the files that were just sent.
#[derive(Debug, Template, WebTemplate)]
#[template(path = "upload.html")]
pub struct UploadPage {
    page: Page,
    reports: Vec<Report>,
    file_limit: String,
    archive_limit: String,
}

impl UploadPage {
    /// The page with the reports of the answer's JSON; none before the first file was sent.
    #[must_use]
    pub fn new(page: Page, app: &App, reports: Vec<Report>) -> Self {
        let size = |bytes: u64| format::bytes(i64::try_from(bytes).unwrap_or(i64::MAX));
        let limits = &app.config.limits;
        Self {
            page,
            reports,
            file_limit: size(limits.file_bytes),
            archive_limit: size(limits.archive_bytes),
        }
    }
}

async fn form(
    context: PageContext,
    _: NoQuery,
    State(app): State<App>,
) -> Result<impl IntoResponse> {
    let context = context.writer()?;
    Ok(UploadPage::new(context.page("Upload"), &app, Vec::new()))
}

/// The form without JavaScript: the same road as the API, the reports on the page.
async fn send(
    context: PageContext,
    _: NoQuery,
    State(app): State<App>,
    request: Request,
) -> Result<impl IntoResponse> {
    let context = context.writer()?;
    let incoming = read_parts(&app, request, &["dry_run", "backfill"]).await?;
    let is_ticked = |name: &str| incoming.ticked.iter().any(|ticked| ticked == name);
    let sender = Sender {
        user_id: context.principal.user_id,
        via: Via::Page,
        dry_run: is_ticked("dry_run"),
        backfill: is_ticked("backfill"),
    };
    let answers = match receive_all(&app, sender, incoming.parts).await {
        Ok(BatchAnswer::One(answer)) => vec![Value::Object(answer.to_json())],
        Ok(BatchAnswer::Several(results)) => {
            results.iter().map(|result| result.to_json()).collect()
        }
        Err(problem) if problem.status.is_client_error() => vec![Value::Object(problem.to_json())],
        Err(problem) => return Err(problem),
    };
    let reports = answers.iter().map(Report::read).collect();
    Ok(UploadPage::new(context.page("Upload"), &app, reports))
}
