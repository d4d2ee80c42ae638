//! `/upload`: send files, read what became of each.

use askama::Template;
use askama_web::WebTemplate;
use axum::{Router, extract::State, response::IntoResponse, routing::get};

use super::{Page, context::PageContext, format, report::Report};
use crate::{app::App, error::Result, web::parameters::NoQuery};

/// The page's route.
pub fn routes() -> Router<App> {
    Router::new().route("/upload", get(form))
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
