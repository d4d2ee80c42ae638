//! `GET /download`: every choice of `GET /api/v1/data` as a form, with what it gives.
//!
//! The form leads to this page again; the link that downloads, the preview and the texts to copy
//! are made from one normalised query, so that they agree.

mod carbon;
mod choices;
mod wish;

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::get,
};

use self::{choices::Choices, wish::Wish};
use super::{Page, context::PageContext, form::url};
use crate::{
    app::App,
    auth::Principal,
    error::Result,
    extractors::{
        copy_box::{CopyBox, copy_box},
        preview::{Preview, preview},
        query::Query,
    },
    web::parameters::{FromParameters as _, Parameters},
};

/// What the preview shows at most: records, and series beside each other.
const SHOWN: (usize, usize) = (12, 12);

/// The page's route.
pub fn routes() -> Router<App> {
    Router::new().route("/download", get(download)).route("/download/carbon", get(carbon::carbon))
}

#[derive(Template, WebTemplate)]
#[template(path = "download.html")]
struct DownloadPage {
    page: Page,
    choices: Choices,
    link: String,
    answer: Answer,
}

/// The query in other tools: their names and the texts to copy.
type Copies = [(&'static str, String); 3];

/// What the query gives.
enum Answer {
    /// There is nothing to ask for.
    Nothing,
    Preview(Box<Preview>, Copies),
    /// The download would be refused, and why.
    Refused(String),
}

async fn download(
    context: PageContext,
    RawQuery(query): RawQuery,
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<impl IntoResponse> {
    let wish = Wish::read(query.as_deref().unwrap_or_default());
    let choices = Choices::load(&app, &context.principal, wish).await?;
    let link = url("/api/v1/data", choices.query());
    let answer = match choices.is_empty() {
        true => Answer::Nothing,
        false if !choices.faults.is_empty() => {
            Answer::Refused("Correct the form first; what is wrong stands beside its field.".into())
        }
        false => ask(&app, &context.principal, &link, &base_url(&app, &headers)).await?,
    };
    let status = match choices.faults.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::BAD_REQUEST,
    };
    Ok((status, DownloadPage { page: context.page("Download"), choices, link, answer }))
}

/// Asks for the beginning of what `link` downloads. A refusal is shown; a server in trouble is not
/// taken for one.
async fn ask(app: &App, principal: &Principal, link: &str, base: &str) -> Result<Answer> {
    let query = link.split_once('?').map(|(_, query)| query);
    let query = Parameters::parse(query, Query::NAMES)
        .and_then(|mut parameters| Query::from_parameters(&mut parameters));
    let query = match query {
        Ok(query) => query,
        Err(problem) => return Ok(Answer::Refused(problem.detail)),
    };
    let CopyBox { curl, python, excel } = copy_box(&query, base);
    let copies = [("curl", curl), ("Python with pandas", python), ("Excel, Power Query", excel)];
    match preview(app, principal, query, SHOWN.0, SHOWN.1).await {
        Ok(preview) => Ok(Answer::Preview(Box::new(preview), copies)),
        Err(problem) if problem.status.is_client_error() => Ok(Answer::Refused(problem.detail)),
        Err(problem) => Err(problem),
    }
}

/// How the reader's own tools reach this server: as the settings say, else as the browser did.
pub(super) fn base_url(app: &App, headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let scheme = if app.config.auth.behind_tls_proxy { "https" } else { "http" };
    let asked = || format!("{scheme}://{}", host.unwrap_or("localhost"));
    app.config.public_url.clone().unwrap_or_else(asked)
}
