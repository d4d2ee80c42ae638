//! `/account/bi`: one's login role for Tableau and other tools that speak SQL.

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};

use super::{Page, PageContext, download, format::instant};
use crate::{
    app::App,
    audit::Actor,
    auth::Credential,
    bi::{
        connect::{self, Connection},
        roles::{self, Made},
    },
    db::bi::{self, RoleRow},
    error::{Problem, Result},
    web::parameters::{FromParameters, NoQuery, Parameters, StrictQuery},
};

/// The page, its forms, and the file for Tableau.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/account/bi", get(show).post(make))
        .route("/account/bi/remove", post(remove))
        .route("/account/bi/trueprice.tds", get(tds))
}

#[derive(Debug, Template, WebTemplate)]
#[template(path = "account_bi.html")]
struct BiPage {
    page: Page,
    error: Option<String>,
    notice: Option<&'static str>,
    made: Option<Made>,
    user: String,
    database: String,
    role: Option<Role>,
    connection: Option<Connection>,
    samples: Vec<(&'static str, String)>,
    /// The same by REST.
    rest: String,
}

/// A role in the words of the page.
#[derive(Debug)]
struct Role {
    created: String,
    rotated: String,
    last_login: Option<String>,
    is_locked: bool,
}

impl BiPage {
    async fn load(app: &App, context: &PageContext, headers: &HeaderMap) -> Result<Self> {
        let row = bi::role_of(&app.pool, context.principal.user_id).await?;
        let user = bi::name_of(context.principal.user_id);
        let connection = Connection::of(app, &user);
        let base = download::base_url(app, headers);
        let samples = |c: &Connection| {
            vec![
                ("psql", c.psql()),
                ("Excel and other tools with ODBC", c.odbc()),
                ("Python", c.python()),
            ]
        };
        Ok(Self {
            page: context.page("Tableau and SQL"),
            error: None,
            notice: None,
            made: None,
            database: connect::database(app),
            role: row.map(|row| Role::of(app, &row)),
            samples: connection.as_ref().map(samples).unwrap_or_default(),
            rest: format!(
                "curl -u '{}:YOUR_TOKEN' '{base}/api/v1/data?curve=energy&iso=ercot&layout=long&format=csv'",
                context.principal.email
            ),
            connection,
            user,
        })
    }
}

impl Role {
    fn of(app: &App, row: &RoleRow) -> Self {
        let shown = |at| instant(at, app.config.curve_timezone);
        Self {
            created: shown(row.created_at),
            rotated: shown(row.rotated_at),
            last_login: row.last_login_at.map(shown),
            is_locked: row.locked_at.is_some(),
        }
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
            Some("removed") => Some("Your login is removed, and its connections are ended."),
            Some(other) => return Err(Problem::bad_parameter("done", other, "it is removed")),
        };
        Ok(Self { notice })
    }
}

async fn show(
    State(app): State<App>,
    context: PageContext,
    StrictQuery(done): StrictQuery<Done>,
    headers: HeaderMap,
) -> Result<BiPage> {
    let page = BiPage::load(&app, &context, &headers).await?;
    Ok(BiPage { notice: done.notice, ..page })
}

async fn make(
    State(app): State<App>,
    context: PageContext,
    actor: Actor,
    _: NoQuery,
    headers: HeaderMap,
) -> Result<Response> {
    only_browsers(&context)?;
    match roles::make(&app, &actor, context.principal.user_id).await {
        Ok(made) => {
            let page = BiPage::load(&app, &context, &headers).await?;
            Ok((StatusCode::CREATED, BiPage { made: Some(made), ..page }).into_response())
        }
        Err(problem) => {
            let page = BiPage::load(&app, &context, &headers).await?;
            let status = problem.status;
            Ok((status, BiPage { error: Some(problem.detail), ..page }).into_response())
        }
    }
}

async fn remove(
    State(app): State<App>,
    context: PageContext,
    actor: Actor,
    _: NoQuery,
) -> Result<Redirect> {
    only_browsers(&context)?;
    roles::drop(&app, &actor, context.principal.user_id).await?;
    Ok(Redirect::to("/account/bi?done=removed"))
}

async fn tds(State(app): State<App>, context: PageContext, _: NoQuery) -> Result<Response> {
    let user = bi::name_of(context.principal.user_id);
    let connection = Connection::of(&app, &user).ok_or_else(|| {
        Problem::not_found("This server has no address for SQL; the operator can open one.")
    })?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"trueprice.tds\""),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, connection.tds()).into_response())
}

/// A call with a token uses the API.
fn only_browsers(context: &PageContext) -> Result<()> {
    match context.principal.credential {
        Credential::Session(_) => Ok(()),
        Credential::Token(_) => Err(Problem::forbidden("Sign in with a browser to do this.")),
    }
}
