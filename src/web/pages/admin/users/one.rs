//! `/admin/users/{id}`: one user, and what an administrator can do with them.

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use uuid::Uuid;

use super::{Row, Shown, roles};
use crate::{
    app::App,
    audit::Actor,
    auth::{
        Role,
        accounts::{self, Changes, Status, no_such_user},
    },
    db::users,
    error::{Problem, Result},
    web::{
        body::{StrictForm, missing},
        pages::{Page, PageContext, form::Choice, format::instant},
        parameters::{FromParameters, NoQuery, Parameters, StrictQuery},
    },
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/admin/users/{id}", get(show))
        .route("/admin/users/{id}/role", post(change_role))
        .route("/admin/users/{id}/status", post(change_status))
        .route("/admin/users/{id}/reset", post(reset))
        .route("/admin/users/{id}/end-sessions", post(end_sessions))
        .route("/admin/users/{id}/erase", post(erase))
}

#[derive(Debug, Template, WebTemplate)]
#[template(path = "admin/user.html")]
struct UserPage {
    page: Page,
    error: Option<String>,
    notice: Option<&'static str>,
    made: Option<Shown>,
    row: Row,
    created: String,
    roles: Vec<Choice>,
    mails: bool,
}

impl UserPage {
    async fn load(app: &App, context: &PageContext, id: Uuid) -> Result<Self> {
        let (now, zone) = (app.clock.now(), app.config.curve_timezone);
        let user = users::listed(&app.pool, id, now).await?.ok_or_else(no_such_user)?;
        Ok(Self {
            page: context.page(&user.email),
            error: None,
            notice: None,
            made: None,
            created: instant(user.created_at, zone),
            roles: roles(&user.role),
            row: Row::new(user, context.principal.user_id, zone),
            mails: app.config.mail.is_some(),
        })
    }

    /// The page again, with what went wrong.
    async fn refused(app: &App, at: &At, problem: Problem) -> Result<Response> {
        if problem.status == StatusCode::NOT_FOUND {
            return Err(problem);
        }
        let page = Self::load(app, &at.context, at.id).await?;
        let page = Self { error: Some(problem.detail), ..page };
        Ok((problem.status, page).into_response())
    }
}

/// An administrator at the page of a user.
struct At {
    context: PageContext,
    id: Uuid,
}

impl At {
    fn new(context: PageContext, id: &str) -> Result<Self> {
        let context = context.admin()?;
        Ok(Self { context, id: id.parse().map_err(|_| no_such_user())? })
    }

    /// Back to the page, which tells what was done; or the page with what went wrong.
    async fn after(self, app: &App, done: Result<()>, word: &str) -> Result<Response> {
        match done {
            Ok(()) => {
                let path = format!("/admin/users/{}?done={word}", self.id);
                Ok(Redirect::to(&path).into_response())
            }
            Err(problem) => UserPage::refused(app, &self, problem).await,
        }
    }
}

/// What was just done, told after the redirect.
struct Done(Option<&'static str>);

const NOTICES: [(&str, &str); 5] = [
    ("role", "The role is changed. It holds from their next request on."),
    ("disabled", "The user is shut out. Their sessions have ended, and their tokens are refused."),
    ("enabled", "The user may come in again. Their API tokens work again."),
    ("sessions", "Their sessions and login tokens have ended. API tokens still work."),
    ("erased", "The personal data are gone."),
];

impl FromParameters for Done {
    const NAMES: &'static [&'static str] = &["done"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let Some(word) = parameters.text("done")? else { return Ok(Self(None)) };
        let known = NOTICES.iter().find(|(known, _)| *known == word);
        let names = NOTICES.map(|(name, _)| name).join(", ");
        let known = known
            .ok_or_else(|| Problem::bad_parameter("done", &word, format!("known are {names}")))?;
        Ok(Self(Some(known.1)))
    }
}

async fn show(
    context: PageContext,
    State(app): State<App>,
    Path(id): Path<String>,
    StrictQuery(Done(notice)): StrictQuery<Done>,
) -> Result<UserPage> {
    let at = At::new(context, &id)?;
    Ok(UserPage { notice, ..UserPage::load(&app, &at.context, at.id).await? })
}

struct RoleForm(Role);

impl FromParameters for RoleForm {
    const NAMES: &'static [&'static str] = &["role"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let role = parameters.value("role")?;
        role.map(Self).ok_or_else(|| missing("role", " from the form"))
    }
}

async fn change_role(
    context: PageContext,
    State(app): State<App>,
    Path(id): Path<String>,
    actor: Actor,
    _: NoQuery,
    StrictForm(RoleForm(role)): StrictForm<RoleForm>,
) -> Result<Response> {
    let at = At::new(context, &id)?;
    let changes = Changes { role: Some(role), status: None };
    let done = accounts::change(&app, &actor, at.id, changes).await;
    at.after(&app, done, "role").await
}

struct StatusForm(Status);

impl FromParameters for StatusForm {
    const NAMES: &'static [&'static str] = &["status"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let status = parameters.value("status")?;
        status.map(Self).ok_or_else(|| missing("status", " from the form"))
    }
}

async fn change_status(
    context: PageContext,
    State(app): State<App>,
    Path(id): Path<String>,
    actor: Actor,
    _: NoQuery,
    StrictForm(StatusForm(status)): StrictForm<StatusForm>,
) -> Result<Response> {
    let at = At::new(context, &id)?;
    let changes = Changes { role: None, status: Some(status) };
    let done = accounts::change(&app, &actor, at.id, changes).await;
    at.after(&app, done, status.as_str()).await
}

/// The page with the link, this once.
async fn reset(
    context: PageContext,
    State(app): State<App>,
    Path(id): Path<String>,
    actor: Actor,
    _: NoQuery,
) -> Result<Response> {
    let at = At::new(context, &id)?;
    match accounts::reset(&app, &actor, at.id).await {
        Ok(link) => {
            let made = Some(Shown::mailed(&app, &link).await);
            let page = UserPage { made, ..UserPage::load(&app, &at.context, at.id).await? };
            Ok((StatusCode::CREATED, page).into_response())
        }
        Err(problem) => UserPage::refused(&app, &at, problem).await,
    }
}

async fn end_sessions(
    context: PageContext,
    State(app): State<App>,
    Path(id): Path<String>,
    actor: Actor,
    _: NoQuery,
) -> Result<Response> {
    let at = At::new(context, &id)?;
    let done = accounts::end_sessions(&app, &actor, at.id).await;
    at.after(&app, done, "sessions").await
}

async fn erase(
    context: PageContext,
    State(app): State<App>,
    Path(id): Path<String>,
    actor: Actor,
    _: NoQuery,
) -> Result<Response> {
    let at = At::new(context, &id)?;
    let done = accounts::erase(&app, &actor, at.id).await;
    at.after(&app, done, "erased").await
}
