//! `/account`: one's password, tokens and sessions.

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::{Extension, Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use tower_sessions::Session;

use super::{Page, PageContext};
use crate::{
    app::App,
    audit::{Actor, identity},
    auth::{
        Credential, Scope, Scopes, Secret, address, login, session, store,
        token::{self, Kind, Made, Wanted},
    },
    db::{
        sessions::{self, SessionRow},
        tokens::{self, TokenRow},
    },
    error::{Problem, Result},
    web::{
        api::{end_own, revoke_own},
        body::StrictForm,
        parameters::{FromParameters, NoQuery, Parameters, StrictQuery},
    },
};

/// Tokens and sessions that the page shows; the API pages through more.
const MOST_SHOWN: i64 = 200;

/// The page and its forms.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/account", get(show))
        .route("/account/password", post(change_password))
        .route("/account/tokens", post(make_token))
        .route("/account/tokens/{id}/revoke", post(revoke_token))
        .route("/account/sessions/{id}/end", post(end_session))
        .route("/account/log-out-everywhere", post(log_out_everywhere))
}

#[derive(Debug, Template, WebTemplate)]
#[template(path = "account.html")]
struct AccountPage {
    page: Page,
    error: Option<String>,
    notice: Option<&'static str>,
    made: Option<Made>,
    must_change: bool,
    scopes: Vec<Scope>,
    tokens: Vec<TokenRow>,
    sessions: Vec<SessionRow>,
    current: String,
}

impl AccountPage {
    async fn load(app: &App, context: &PageContext) -> Result<Self> {
        let user = context.principal.user_id;
        let (pool, now, since) = (&app.pool, app.clock.now(), store::in_force_since(app));
        let current = match context.principal.credential {
            Credential::Session(id) => id.to_string(),
            Credential::Token(_) => String::new(),
        };
        Ok(Self {
            page: context.page("Account"),
            error: None,
            notice: None,
            made: None,
            must_change: context.principal.must_change_password,
            scopes: Scopes::of_role(context.principal.role).as_slice().to_vec(),
            tokens: tokens::of_user(pool, user, now, None, MOST_SHOWN).await?,
            sessions: sessions::of_user(pool, user, since, None, MOST_SHOWN).await?,
            current,
        })
    }

    /// The page again, with what went wrong.
    async fn refused(app: &App, context: &PageContext, problem: Problem) -> Result<Response> {
        let page = Self { error: Some(problem.detail), ..Self::load(app, context).await? };
        let mut response = (problem.status, page).into_response();
        let retry = problem.headers.into_iter().filter(|(name, _)| *name == header::RETRY_AFTER);
        response.headers_mut().extend(retry);
        Ok(response)
    }
}

/// What was just done, told after the redirect.
struct Done {
    notice: Option<&'static str>,
}

impl FromParameters for Done {
    const NAMES: &'static [&'static str] = &["done"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let notice = match parameters.text("done")?.as_deref() {
            None => None,
            Some("password") => Some("Your password is changed."),
            Some(other) => return Err(Problem::bad_parameter("done", other, "it is password")),
        };
        Ok(Self { notice })
    }
}

async fn show(
    State(app): State<App>,
    context: PageContext,
    StrictQuery(done): StrictQuery<Done>,
) -> Result<AccountPage> {
    let page = AccountPage::load(&app, &context).await?;
    Ok(AccountPage { notice: done.notice, ..page })
}

struct PasswordForm {
    old: Secret,
    new: Secret,
}

impl FromParameters for PasswordForm {
    const NAMES: &'static [&'static str] = &["old_password", "new_password"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let mut secret =
            |name| parameters.text(name).map(|text| Secret::new(text.unwrap_or_default()));
        Ok(Self { old: secret("old_password")?, new: secret("new_password")? })
    }
}

async fn change_password(
    State(app): State<App>,
    context: PageContext,
    Extension(session): Extension<Session>,
    actor: Actor,
    headers: HeaderMap,
    _: NoQuery,
    StrictForm(sent): StrictForm<PasswordForm>,
) -> Result<Response> {
    only_browsers(&context)?;
    let email = &context.principal.email;
    match login::change_password(&app, &actor, email, &sent.old, &sent.new).await {
        Ok(user) => {
            let address = address::of_actor(&actor);
            session::begin(&session, user.id, address, &headers, None).await?;
            Ok(Redirect::to("/account?done=password").into_response())
        }
        Err(problem) => {
            identity::login_refused(&app, &actor, email, &problem).await?;
            AccountPage::refused(&app, &context, problem).await
        }
    }
}

struct TokenForm {
    name: String,
    scopes: Vec<String>,
    days: Option<i64>,
}

impl FromParameters for TokenForm {
    const NAMES: &'static [&'static str] = &["name", "scopes", "expires_in_days"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        Ok(Self {
            name: parameters.text("name")?.unwrap_or_default(),
            scopes: parameters.texts("scopes"),
            days: parameters.value("expires_in_days")?,
        })
    }
}

async fn make_token(
    State(app): State<App>,
    context: PageContext,
    actor: Actor,
    _: NoQuery,
    StrictForm(sent): StrictForm<TokenForm>,
) -> Result<Response> {
    only_browsers(&context)?;
    match make(&app, &actor, &context, sent).await {
        Ok(made) => {
            let page = AccountPage { made: Some(made), ..AccountPage::load(&app, &context).await? };
            Ok((StatusCode::CREATED, page).into_response())
        }
        Err(problem) => AccountPage::refused(&app, &context, problem).await,
    }
}

async fn make(app: &App, actor: &Actor, context: &PageContext, sent: TokenForm) -> Result<Made> {
    let scopes = sent.scopes.iter().map(|word| {
        Scope::from_word(word)
            .ok_or_else(|| Problem::bad_parameter("scopes", word, "known are read, upload, admin"))
    });
    let wanted = Wanted {
        kind: Kind::Api,
        user_id: context.principal.user_id,
        name: sent.name,
        scopes: Some(Scopes::new(scopes.collect::<Result<_>>()?)),
        life: token::life(sent.days)?,
    };
    token::make(app, actor, context.principal.role, wanted).await
}

async fn revoke_token(
    State(app): State<App>,
    context: PageContext,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Redirect> {
    revoke_own(&app, &actor, context.principal.user_id, &id).await?;
    Ok(Redirect::to("/account#tokens"))
}

async fn end_session(
    State(app): State<App>,
    context: PageContext,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Redirect> {
    end_own(&app, &actor, context.principal.user_id, &id).await?;
    Ok(Redirect::to("/account#sessions"))
}

async fn log_out_everywhere(
    State(app): State<App>,
    context: PageContext,
    actor: Actor,
    _: NoQuery,
) -> Result<Response> {
    session::end_everywhere(&app, &actor, context.principal.user_id).await?;
    let forget = [(header::SET_COOKIE, session::forget_cookie(&app.config.auth))];
    Ok((forget, Redirect::to("/login")).into_response())
}

/// A call with a token never makes a session, and a token makes no tokens.
fn only_browsers(context: &PageContext) -> Result<()> {
    match context.principal.credential {
        Credential::Session(_) => Ok(()),
        Credential::Token(_) => Err(Problem::forbidden("Sign in with a browser to do this.")),
    }
}
