//! `/upload`: send files, read what became of each.

use std::sync::Arc;

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    response::IntoResponse,
    routing::get,
};
use serde_json::Value;

use super::{Page, context::PageContext, format, report::Report};
use crate::{
    app::App,
    audit::Actor,
    error::Result,
    intake::{BatchAnswer, BatchResult, Sender, Via},
    web::{
        api::uploads::{read_parts, take_in, upload_routes_limit},
        parameters::{FromParameters, NoQuery, Parameters, StrictQuery},
    },
};

/// The page's routes.
pub fn routes() -> Router<App> {
    let sending = get(form).post(send).layer(upload_routes_limit());
    Router::new().route("/upload", sending)
}

/// The form, and below it the reports of the files that were just sent.
#[derive(Debug, Template, WebTemplate)]
#[template(path = "upload.html")]
struct UploadPage {
    page: Page,
    reports: Vec<Report>,
    file_limit: String,
    archive_limit: String,
}

impl UploadPage {
    /// The page; without reports before a file was sent.
    fn new(page: Page, app: &App, reports: Vec<Report>) -> Self {
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

/// What the button that was pressed says.
struct Wish {
    dry_run: bool,
    backfill: bool,
}

impl FromParameters for Wish {
    const NAMES: &'static [&'static str] = &["dry_run", "backfill"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        Ok(Self {
            dry_run: parameters.value("dry_run")?.unwrap_or_default(),
            backfill: parameters.value("backfill")?.unwrap_or_default(),
        })
    }
}

/// The form without JavaScript: the answer is the page with a report for each file.
async fn send(
    context: PageContext,
    StrictQuery(Wish { dry_run, backfill }): StrictQuery<Wish>,
    State(app): State<App>,
    actor: Actor,
    request: Request,
) -> Result<impl IntoResponse> {
    let context = context.writer()?;
    let user_id = context.principal.user_id;
    let sender = Sender { user_id, actor: Arc::new(actor), via: Via::Page, dry_run, backfill };
    let parts = read_parts(&app, request).await?;
    let (status, reports) = match take_in(app.clone(), sender, parts).await {
        Ok(BatchAnswer::One(answer)) => (answer.status(), vec![read(answer.to_json())]),
        Ok(BatchAnswer::Several(results)) => (StatusCode::MULTI_STATUS, read_all(&results)),
        Err(problem) => (problem.status, vec![read(problem.to_json())]),
    };
    Ok((status, UploadPage::new(context.page("Upload"), &app, reports)))
}

fn read(members: serde_json::Map<String, Value>) -> Report {
    Report::read(&Value::Object(members))
}

fn read_all(results: &[BatchResult]) -> Vec<Report> {
    results.iter().map(|result| Report::read(&result.to_json())).collect()
}
