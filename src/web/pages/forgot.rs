//! `/forgot`: a link to a new password, by mail.

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};

use super::{Page, pre_login::PreLogin};
use crate::{
    app::App,
    audit::Actor,
    auth::{Email, links},
    error::{Problem, Result},
    web::{
        body::{StrictForm, missing},
        middleware::csrf,
        parameters::{FromParameters, Parameters, StrictQuery},
    },
};

/// The page and its form.
pub fn routes() -> Router<App> {
    Router::new().route("/forgot", get(show).post(submit))
}

#[derive(Debug, Template, WebTemplate)]
#[template(path = "forgot.html")]
struct ForgotPage {
    page: Page,
    error: Option<String>,
    /// Whether mail is set up; without it there is no form.
    mails: bool,
    /// Whether the wish was taken.
    sent: bool,
}

/// Whether the wish was taken, told after the redirect.
struct Sent(bool);

impl FromParameters for Sent {
    const NAMES: &'static [&'static str] = &["done"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        match parameters.text("done")?.as_deref() {
            None => Ok(Self(false)),
            Some("sent") => Ok(Self(true)),
            Some(other) => Err(Problem::bad_parameter("done", other, "it is sent")),
        }
    }
}

async fn show(
    State(app): State<App>,
    headers: HeaderMap,
    StrictQuery(Sent(sent)): StrictQuery<Sent>,
) -> Result<Response> {
    form(&app, &headers, sent, None)
}

fn form(app: &App, headers: &HeaderMap, sent: bool, problem: Option<Problem>) -> Result<Response> {
    let browser = PreLogin::of(&app.config.auth, headers)?;
    let page = browser.page("Forgot your password?", "/forgot");
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    let error = problem.as_ref().map(|problem| problem.detail.clone());
    let page = ForgotPage { page, error, mails: app.config.mail.is_some(), sent };
    let mut response = browser.answer((status, page));
    let retry = problem.into_iter().flat_map(|problem| problem.headers);
    response.headers_mut().extend(retry.filter(|(name, _)| *name == header::RETRY_AFTER));
    Ok(response)
}

struct ForgotForm {
    email: String,
    csrf_token: Option<String>,
}

impl FromParameters for ForgotForm {
    const NAMES: &'static [&'static str] = &["email", csrf::FIELD];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let email = parameters.text("email")?.ok_or_else(|| missing("email", " from the form"))?;
        Ok(Self { email, csrf_token: parameters.text(csrf::FIELD)? })
    }
}

async fn submit(
    State(app): State<App>,
    actor: Actor,
    headers: HeaderMap,
    StrictForm(sent): StrictForm<ForgotForm>,
) -> Result<Response> {
    match take(&app, actor, &headers, &sent).await {
        Ok(()) => Ok(Redirect::to("/forgot?done=sent").into_response()),
        Err(problem) => form(&app, &headers, false, Some(problem)),
    }
}

/// 409 `no_mail`: nothing could be sent.
async fn take(app: &App, actor: Actor, headers: &HeaderMap, sent: &ForgotForm) -> Result<()> {
    PreLogin::check(&app.config.auth, headers, sent.csrf_token.as_deref())?;
    if app.config.mail.is_none() {
        let detail = "This server sends no mail; nothing was sent.";
        return Err(Problem::new(StatusCode::CONFLICT, "no_mail", detail));
    }
    let email: Email = sent.email.parse().map_err(|error| Problem {
        detail: format!("{error}"),
        ..Problem::bad_parameter("email", &sent.email, error)
    })?;
    links::forgot(app, actor, email).await
}
