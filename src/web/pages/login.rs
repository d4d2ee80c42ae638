//! `/login` for people. Programs use the same address, see `web::api::login`.

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use tower_sessions::{Session, cookie::Cookie};

use super::Page;
use crate::{
    app::App,
    audit::{Actor, identity},
    auth::{
        CsrfToken, Principal, Secret, address::ClientAddress, login, return_to, session, store,
    },
    config::AuthConfig,
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
    email: String,
    return_to: String,
}

/// The query of `/login`.
#[derive(Debug, Clone)]
pub struct LoginQuery {
    return_to: Option<String>,
}

impl FromParameters for LoginQuery {
    const NAMES: &'static [&'static str] = &["return_to"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        Ok(Self { return_to: parameters.text("return_to")? })
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
    form(&app, &headers, String::new(), wanted.to_owned(), None)
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
        Err(problem) => form(
            app,
            headers,
            sent.email,
            return_to::safe(&sent.return_to).to_owned(),
            Some(problem),
        ),
    }
}

async fn sign_in(
    app: &App,
    session: &Session,
    (ClientAddress(address), actor): (ClientAddress, Actor),
    headers: &HeaderMap,
    sent: &LoginForm,
) -> Result<String> {
    let cookie = pre_login_secret(&app.config.auth, headers).ok_or_else(old_form)?;
    let token = CsrfToken::of_secret(&cookie);
    if !sent.csrf_token.as_deref().is_some_and(|sent| token.is(sent)) {
        return Err(old_form());
    }
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

/// 403 `csrf`, for a person: the form that comes back with it is a new one.
fn old_form() -> Problem {
    Problem {
        detail: "This form is too old, or your browser does not keep our cookies. Nothing was \
                 checked; please sign in once more."
            .to_owned(),
        ..csrf::refused()
    }
}

fn form(
    app: &App,
    headers: &HeaderMap,
    email: String,
    return_to: String,
    problem: Option<Problem>,
) -> Result<Response> {
    let known = pre_login_secret(&app.config.auth, headers);
    let secret = match known.clone() {
        Some(secret) => secret,
        None => Secret::random("")?.expose().to_owned(),
    };
    let page = Page {
        title: "Sign in".to_owned(),
        user: None,
        csrf: CsrfToken::of_secret(&secret).0,
        path: "/login".to_owned(),
    };
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    let error = problem.as_ref().map(|problem| problem.detail.clone());
    let mut response = (status, LoginPage { page, error, email, return_to }).into_response();
    if known.is_none() {
        let cookie = pre_login_cookie(&app.config.auth, &secret);
        response.headers_mut().append(header::SET_COOKIE, cookie?);
    }
    for (name, value) in problem.into_iter().flat_map(|problem| problem.headers) {
        if name != header::WWW_AUTHENTICATE {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

const fn pre_login_name(config: &AuthConfig) -> &'static str {
    if config.behind_tls_proxy { "__Host-login" } else { "login" }
}

/// The secret of the browser that is about to sign in; several open forms share it.
fn pre_login_secret(config: &AuthConfig, headers: &HeaderMap) -> Option<String> {
    let sent = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    sent.flat_map(Cookie::split_parse)
        .flatten()
        .find(|cookie| cookie.name() == pre_login_name(config) && cookie.value().len() == 43)
        .map(|cookie| cookie.value().to_owned())
}

fn pre_login_cookie(config: &AuthConfig, secret: &str) -> Result<HeaderValue> {
    let secure = if config.behind_tls_proxy { "; Secure" } else { "" };
    let name = pre_login_name(config);
    let cookie = format!("{name}={secret}; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&cookie).map_err(|error| Problem::internal(&error))
}
