//! `/link/{secret}`: the form of a one-time link, which sets a password.

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::{Extension, Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use tower_sessions::Session;

use super::{Page, pre_login::PreLogin};
use crate::{
    app::App,
    audit::Actor,
    auth::{
        Secret,
        links::{self, Open, Purpose},
        session,
    },
    error::{Problem, Result},
    web::{
        body::{StrictForm, missing},
        middleware::csrf,
        parameters::{FromParameters, NoQuery, Parameters},
    },
};

/// The page and its form.
pub fn routes() -> Router<App> {
    Router::new().route("/link/{secret}", get(show).post(submit))
}

/// The form goes back to where it came from: its address, a secret, does not stand in it.
#[derive(Debug, Template, WebTemplate)]
#[template(path = "link.html")]
struct LinkPage {
    page: Page,
    error: Option<String>,
    open: Open,
}

/// Uses nothing up: mail programs and scanners follow links before people do.
async fn show(
    State(app): State<App>,
    actor: Actor,
    Path(secret): Path<Secret>,
    headers: HeaderMap,
    _: NoQuery,
) -> Result<Response> {
    let open = links::look(&app, &actor, &secret).await?;
    form(&app, &headers, open, None)
}

fn form(app: &App, headers: &HeaderMap, open: Open, problem: Option<&Problem>) -> Result<Response> {
    let browser = PreLogin::of(&app.config.auth, headers)?;
    let title = match open.purpose {
        Purpose::Invite => "Welcome",
        Purpose::Reset | Purpose::Recover => "Choose a new password",
    };
    let status = problem.map_or(StatusCode::OK, |problem| problem.status);
    let page = browser.page(title, "/link");
    let error = problem.map(|problem| problem.detail.clone());
    let mut response = browser.answer((status, LinkPage { page, error, open }));
    let retry = problem.into_iter().flat_map(|problem| problem.headers.clone());
    let retry = retry.filter(|(name, _)| *name == header::RETRY_AFTER);
    response.headers_mut().extend(retry);
    Ok(response)
}

struct PasswordForm {
    password: Secret,
    csrf_token: Option<String>,
}

impl FromParameters for PasswordForm {
    const NAMES: &'static [&'static str] = &["password", csrf::FIELD];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let password = parameters.text("password")?;
        let password = password.ok_or_else(|| missing("password", " from the form"))?;
        let csrf_token = parameters.text(csrf::FIELD)?;
        Ok(Self { password: Secret::new(password), csrf_token })
    }
}

/// Whatever is wrong with the password or the form, the form comes back with the reason; a link that
/// is over is an error of its own.
async fn submit(
    State(app): State<App>,
    actor: Actor,
    Path(secret): Path<Secret>,
    Extension(session): Extension<Session>,
    headers: HeaderMap,
    _: NoQuery,
    StrictForm(sent): StrictForm<PasswordForm>,
) -> Result<Response> {
    let token = sent.csrf_token.as_deref();
    let done = match PreLogin::check(&app.config.auth, &headers, token) {
        Ok(()) => links::set_password(&app, actor.clone(), &secret, &sent.password).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(()) => {
            // Whoever this browser was signed in as, now it signs in anew.
            if session.id().is_some() {
                session::end(&session).await?;
            }
            Ok(Redirect::to("/login?done=password").into_response())
        }
        Err(problem) if is_about_the_link(&problem) => Err(problem),
        Err(problem) => {
            let open = links::look(&app, &actor, &secret).await?;
            form(&app, &headers, open, Some(&problem))
        }
    }
}

fn is_about_the_link(problem: &Problem) -> bool {
    let over = [StatusCode::NOT_FOUND, StatusCode::GONE, StatusCode::TOO_MANY_REQUESTS];
    over.contains(&problem.status) || problem.code == "internal"
}
