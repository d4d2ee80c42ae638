//! `/admin/uploads`: every file that was sent, by whomever, with its report and its bytes.

use askama::Template;
use askama_web::WebTemplate;
use axum::{Router, extract::State, routing::get};

use crate::{
    app::App,
    error::Result,
    web::{
        pages::{
            Page, PageContext,
            uploads::{Filter, LogView},
        },
        parameters::StrictQuery,
    },
};

/// The page.
pub fn routes() -> Router<App> {
    Router::new().route("/admin/uploads", get(show))
}

#[derive(Template, WebTemplate)]
#[template(path = "admin/uploads.html")]
struct UploadsPage {
    page: Page,
    log: LogView,
}

async fn show(
    context: PageContext,
    StrictQuery(filter): StrictQuery<Filter>,
    State(app): State<App>,
) -> Result<UploadsPage> {
    let context = context.admin()?;
    let log = LogView::read(&app, &context.principal, "/admin/uploads", &filter).await?;
    Ok(UploadsPage { page: context.page("Uploads"), log })
}
