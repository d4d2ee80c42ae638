//! `GET /download`: every choice of `GET /api/v1/data` as a form, with what it gives.
//!
//! The form leads to this page again; the link that downloads, the preview and the texts to copy
//! are made from one normalised query, so that they agree.

mod choices;

use askama::Template;
use askama_web::WebTemplate;
use axum::{Router, extract::State, response::IntoResponse, routing::get};

use self::choices::{Choices, Wish};
use super::{Page, context::PageContext, form::url};
use crate::{app::App, error::Result, web::parameters::StrictQuery};

/// The page's route.
pub fn routes() -> Router<App> {
    Router::new().route("/download", get(download))
}

#[derive(Template, WebTemplate)]
#[template(path = "download.html")]
struct DownloadPage {
    page: Page,
    choices: Choices,
    link: String,
    preview: Preview,
    copies: Vec<CopyText>,
}

/// The first rows of the answer.
#[derive(Debug, Default)]
struct Preview {
    /// Records above the data, the last one naming the columns.
    head: Vec<Vec<String>>,
    rows: Vec<Vec<String>>,
    /// Why there are none.
    problem: Option<String>,
}

/// The same query in another tool.
#[derive(Debug)]
struct CopyText {
    tool: &'static str,
    text: String,
}

async fn download(
    context: PageContext,
    StrictQuery(wish): StrictQuery<Wish>,
    State(app): State<App>,
) -> Result<impl IntoResponse> {
    let choices = Choices::load(&app, wish).await?;
    let link = url("/api/v1/data", choices.query());
    let (preview, copies) = (Preview::default(), Vec::new());
    Ok(DownloadPage { page: context.page("Download"), choices, link, preview, copies })
}
