//! `/login` for people. Programs use the same address, see `web::api::login`.

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use tower_sessions::Session;

use super::{Page, pre_login::PreLogin};
use crate::{
    app::App,
    audit::{Actor, identity},
    auth::{Principal, Secret, address::ClientAddress, login, return_to, session, store},
    error::{Problem, Result},
    web::{
        body::missing,
        middleware::csrf,
        parameters::{FromParameters, Parameters, StrictQuery},
    },
};

/// The page.
pub fn routes() -> Router<App> {
    Router::new().route("/login", get(show))
}

#[derive(Debug, Template, WebTemplate)]
#[template(path = "login.html")]
struct LoginPage {
    page: Page,
    error: Option<String>,
    notice: Option<&'static str>,
    email: String,
    return_to: String,
}

/// The query of `/login`.
#[derive(Debug, Clone)]
pub struct LoginQuery {
    return_to: Option<String>,
    notice: Option<&'static str>,
}

impl FromParameters for LoginQuery {
    const NAMES: &'static [&'static str] = &["return_to", "done"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let notice = match parameters.text("done")?.as_deref() {
            None => None,
            Some("password") => Some("Your password is set. Sign in with it."),
            Some(other) => return Err(Problem::bad_parameter("done", other, "it is password")),
        };
        Ok(Self { return_to: parameters.text("return_to")?, notice })
    }
}

/// What the form sends; a script sends the first two.
#[derive(Debug, Clone)]
pub struct LoginForm {
    /// Sign-in name.
    pub email: String,
    /// Password.
    pub password: Secret,
    /// Where to go afterwards.
    pub return_to: String,
    /// The pre-login token of the form.
    pub csrf_token: Option<String>,
}

impl FromParameters for LoginForm {
    const NAMES: &'static [&'static str] = &["email", "password", "return_to", csrf::FIELD];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let mut need =
            |name: &str| parameters.text(name)?.ok_or_else(|| missing(name, " from the form"));
        Ok(Self {
            email: need("email")?,
            password: Secret::new(need("password")?),
            return_to: parameters.text("return_to")?.unwrap_or_default(),
            csrf_token: parameters.text(csrf::FIELD)?,
        })
    }
}

async fn show(
    State(app): State<App>,
    headers: HeaderMap,
    principal: Option<axum::Extension<Principal>>,
    StrictQuery(query): StrictQuery<LoginQuery>,
) -> Result<Response> {
    let wanted = query.return_to.unwrap_or_default();
    let wanted = return_to::safe(&wanted);
    if principal.is_some() {
        return Ok(Redirect::to(wanted).into_response());
    }
    let said = Said { notice: query.notice, ..Said::default() };
    form(&app, &headers, wanted.to_owned(), said)
}

/// The browser's way to sign in. Whatever goes wrong, the form comes back with the reason.
pub async fn submit(
    app: &App,
    session: &Session,
    from: (ClientAddress, Actor),
    headers: &HeaderMap,
    sent: LoginForm,
) -> Result<Response> {
    match sign_in(app, session, from, headers, &sent).await {
        Ok(next) => Ok(Redirect::to(&next).into_response()),
        Err(problem) => {
            let said = Said { email: sent.email, notice: None, problem: Some(problem) };
            form(app, headers, return_to::safe(&sent.return_to).to_owned(), said)
        }
    }
}

async fn sign_in(
    app: &App,
    session: &Session,
    (ClientAddress(address), actor): (ClientAddress, Actor),
    headers: &HeaderMap,
    sent: &LoginForm,
) -> Result<String> {
    PreLogin::check(&app.config.auth, headers, sent.csrf_token.as_deref())?;
    let user = match login::with_password(app, &sent.email, &sent.password, address).await {
        Ok(user) => user,
        Err(problem) => {
            identity::login_refused(app, &actor, &sent.email, &problem).await?;
            return Err(problem);
        }
    };
    let email = sent.email.trim().to_lowercase();
    let login = Some(store::Login { email, request_id: actor.request_id });
    session::begin(session, user.id, address, headers, login).await?;
    let next =
        if user.must_change_password { "/account" } else { return_to::safe(&sent.return_to) };
    Ok(next.to_owned())
}

/// What the form says beside its fields.
#[derive(Debug, Default)]
struct Said {
    email: String,
    notice: Option<&'static str>,
    problem: Option<Problem>,
}

fn form(app: &App, headers: &HeaderMap, return_to: String, said: Said) -> Result<Response> {
    let Said { email, notice, problem } = said;
    let browser = PreLogin::of(&app.config.auth, headers)?;
    let page = browser.page("Sign in", "/login");
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    let error = problem.as_ref().map(|problem| problem.detail.clone());
    let page = LoginPage { page, error, notice, email, return_to };
    let mut response = browser.answer((status, page));
    for (name, value) in problem.into_iter().flat_map(|problem| problem.headers) {
        if name != header::WWW_AUTHENTICATE {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}
