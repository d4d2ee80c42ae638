//! `/admin/users/{id}/sight`: what a user can see, and the packages that show it.

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use chrono::NaiveDate;
use uuid::Uuid;

use super::packages::{
    holders::{Days, user_of},
    holding::Holding,
    print,
};
use crate::{
    app::App,
    audit::Actor,
    db::{
        packages::{self as store, UserRow},
        users,
    },
    error::{Problem, Result},
    extractors::words::Instant,
    packages::{
        self, midnight,
        overview::{self, Overview, When},
    },
    web::{
        body::StrictForm,
        pages::{
            Page, PageContext,
            form::{Choice, filled},
        },
        parameters::{FromParameters, NoQuery, Parameters, StrictQuery},
    },
};

/// The page and its forms.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/users/{id}/sight", get(show))
        .route("/admin/users/{id}/sight/attach", post(attach))
        .route("/admin/users/{id}/sight/detach", post(detach))
        .route("/admin/users/{id}/sight/copy", post(copy))
}

#[derive(Template, WebTemplate)]
#[template(path = "admin/sight.html")]
struct SightPage {
    page: Page,
    user: UserRow,
    packages: Vec<Holding>,
    /// Packages that the user does not hold.
    others: Vec<Choice>,
    emails: Vec<String>,
    overview: Option<Overview>,
    on: String,
    as_of: String,
    error: Option<String>,
    notice: Option<&'static str>,
}

/// For which time, and what was just done.
#[derive(Default)]
struct Query {
    on: Option<NaiveDate>,
    as_of: Option<Instant>,
    notice: Option<&'static str>,
}

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = &["on", "as_of", "done"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let notice = match p.text("done")?.as_deref() {
            Some("attached") => {
                Some("The package is attached. It counts from the next request on.")
            }
            Some("detached") => {
                Some("The package is taken away. It counts from the next request on.")
            }
            Some("copied") => Some("The packages are copied. They count from the next request on."),
            Some("same") => Some("There was nothing to copy: the user holds all of them already."),
            _ => None,
        };
        Ok(Self { on: filled(p, "on")?, as_of: filled(p, "as_of")?, notice })
    }
}

impl SightPage {
    async fn load(app: &App, context: &PageContext, id: Uuid, query: Query) -> Result<Self> {
        let (now, zone) = (app.clock.now(), app.config.curve_timezone);
        let mut connection = app.pool.acquire().await?;
        let user = store::user(&mut connection, id).await?.ok_or_else(packages::no_such_user)?;
        let held = store::attachments_of(&mut connection, id).await?;
        drop(connection);
        let as_of = query.as_of.map(|instant| instant.0);
        let when = When { as_of, at: query.on.map(|day| midnight(day, zone)) };
        let overview = overview::of_user(app, &context.principal, id, when).await?;
        let names = store::names(&app.pool).await?;
        let others =
            names.into_iter().filter(|(id, _)| held.iter().all(|one| one.package_id != *id));
        let emails = users::all(&app.pool).await?.into_iter().map(|user| user.email);
        Ok(Self {
            page: context.page("What can this user see?"),
            others: others.map(|(id, name)| Choice::new(id, name, "")).collect(),
            emails: emails.filter(|email| *email != user.email).collect(),
            packages: held.into_iter().map(|row| Holding::of(row, now, zone)).collect(),
            overview: Some(overview),
            on: query.on.map(|day| day.to_string()).unwrap_or_default(),
            as_of: as_of.map(|at| at.to_rfc3339()).unwrap_or_default(),
            error: None,
            notice: query.notice,
            user,
        })
    }

    async fn refused(
        app: &App,
        context: &PageContext,
        id: Uuid,
        problem: Problem,
    ) -> Result<Response> {
        let page = Self::load(app, context, id, Query::default()).await?;
        Ok((problem.status, Self { error: Some(problem.detail), ..page }).into_response())
    }
}

/// The user whom an address names. 404 where it is no id.
fn id_of(text: &str) -> Result<Uuid> {
    text.parse().map_err(|_| packages::no_such_user())
}

async fn show(
    context: PageContext,
    State(app): State<App>,
    Path(id): Path<String>,
    StrictQuery(query): StrictQuery<Query>,
) -> Result<SightPage> {
    let context = context.admin()?;
    SightPage::load(&app, &context, id_of(&id)?, query).await
}

fn back(user: Uuid, done: &str) -> Response {
    Redirect::to(&format!("/admin/users/{user}/sight?done={done}")).into_response()
}

struct AttachForm {
    package: Option<Uuid>,
    days: Days,
}

impl FromParameters for AttachForm {
    const NAMES: &'static [&'static str] = &["package", "first_day", "last_day"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        Ok(Self { package: filled(p, "package")?, days: Days::read(p)? })
    }
}

async fn attach(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
    StrictForm(form): StrictForm<AttachForm>,
) -> Result<Response> {
    let context = context.admin()?;
    let user = id_of(&id)?;
    match attach_package(&app, &actor, user, &form).await {
        Ok(()) => Ok(back(user, "attached")),
        Err(problem) => SightPage::refused(&app, &context, user, problem).await,
    }
}

async fn attach_package(app: &App, actor: &Actor, user: Uuid, form: &AttachForm) -> Result<()> {
    let none = || Problem::not_found("Choose a package.");
    let package = form.package.ok_or_else(none)?;
    let dates = form.days.dates(app.config.curve_timezone)?;
    packages::attach(app, actor, user, package, dates).await.map(drop)
}

struct DetachForm {
    package: Option<Uuid>,
}

impl FromParameters for DetachForm {
    const NAMES: &'static [&'static str] = &["package"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        Ok(Self { package: p.value("package")? })
    }
}

async fn detach(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
    StrictForm(form): StrictForm<DetachForm>,
) -> Result<Response> {
    context.admin()?;
    let user = id_of(&id)?;
    packages::detach(&app, &actor, user, form.package.unwrap_or_default()).await?;
    Ok(back(user, "detached"))
}

struct CopyForm {
    email: String,
}

impl FromParameters for CopyForm {
    const NAMES: &'static [&'static str] = &["email"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        Ok(Self { email: p.text("email")?.unwrap_or_default() })
    }
}

async fn copy(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
    StrictForm(form): StrictForm<CopyForm>,
) -> Result<Response> {
    let context = context.admin()?;
    let user = id_of(&id)?;
    let copied = match user_of(&app, &form.email).await {
        Ok(from) => packages::copy(&app, &actor, from.id, user).await,
        Err(problem) => Err(problem),
    };
    match copied {
        Ok(new) => Ok(back(user, if new.is_empty() { "same" } else { "copied" })),
        Err(problem) => SightPage::refused(&app, &context, user, problem).await,
    }
}
