//! `/curves/views`: addresses kept under names. They belong to who saved them; a shared one can be
//! opened by everybody and changed by nobody else.

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use uuid::Uuid;

use super::{market::SAVED, view::View};
use crate::{
    app::App,
    audit::{self, Actor},
    db::saved_views::{self, Changed, SavedView},
    error::{Problem, Result},
    web::{
        body::StrictForm,
        pages::{Page, context::PageContext, format::instant},
        parameters::{FromParameters, NoQuery, Parameters},
    },
};

/// Characters of a name at the most.
const NAME: usize = 100;

/// Bytes of a query at the most.
const QUERY: usize = 8000;

/// The page and its forms.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/curves/views", get(list).post(save))
        .route("/curves/views/{id}", get(open))
        .route("/curves/views/{id}/rename", post(rename))
        .route("/curves/views/{id}/share", post(share))
        .route("/curves/views/{id}/delete", post(delete))
}

#[derive(Template, WebTemplate)]
#[template(path = "curves_views.html")]
struct ViewsPage {
    page: Page,
    views: Vec<Row>,
    fault: Option<String>,
}

struct Row {
    view: SavedView,
    saved: String,
}

impl ViewsPage {
    async fn load(app: &App, context: &PageContext, fault: Option<String>) -> Result<Self> {
        let views = saved_views::visible(&app.pool, context.principal.user_id, SAVED).await?;
        let zone = app.config.curve_timezone;
        let row = |view: SavedView| Row { saved: instant(view.created_at, zone), view };
        let views = views.into_iter().map(row).collect();
        Ok(Self { page: context.page("Saved views"), views, fault })
    }
}

/// The list again, with what went wrong.
async fn refused(app: &App, context: &PageContext, problem: Problem) -> Result<Response> {
    let page = ViewsPage::load(app, context, Some(problem.detail)).await?;
    Ok((problem.status, page).into_response())
}

async fn list(context: PageContext, _: NoQuery, State(app): State<App>) -> Result<ViewsPage> {
    ViewsPage::load(&app, &context, None).await
}

/// A view's name, trimmed.
struct Name(String);

impl FromParameters for Name {
    const NAMES: &'static [&'static str] = &["name"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let name = p.text("name")?.unwrap_or_default();
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME {
            let why = format!("give the view a name of 1 to {NAME} characters");
            return Err(Problem::bad_parameter("name", name, why));
        }
        Ok(Self(name.to_owned()))
    }
}

struct NewView {
    name: Name,
    query: String,
}

impl FromParameters for NewView {
    const NAMES: &'static [&'static str] = &["name", "query"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let name = Name::from_parameters(p)?;
        let query = p.text("query")?.unwrap_or_default();
        // Kept as the address prints it, and only if it is one.
        let mut parameters = Parameters::of_query(Some(&query), View::NAMES)?;
        let query = View::from_parameters(&mut parameters)?.query();
        if query.len() > QUERY {
            return Err(Problem::bad_parameter("query", &query, "the address is too long"));
        }
        Ok(Self { name, query })
    }
}

fn taken(name: &str) -> Problem {
    let detail = format!(
        "You have a view {name:?} already, or {SAVED} of them: choose another name, or delete one."
    );
    Problem::new(StatusCode::CONFLICT, "name_taken", detail)
}

fn gone() -> Problem {
    Problem::not_found("You have no such view.")
}

/// Writes down that a view of somebody else was asked for, if that is what was not found.
async fn note_foreign(app: &App, context: &PageContext, actor: &Actor, id: Uuid) -> Result<()> {
    if saved_views::is_of_another(&app.pool, context.principal.user_id, id).await? {
        audit::refused(app, actor, ("view", id)).await?;
    }
    Ok(())
}

async fn save(
    context: PageContext,
    State(app): State<App>,
    _: NoQuery,
    StrictForm(sent): StrictForm<NewView>,
) -> Result<Response> {
    let (id, now) = (app.clock.new_id(), app.clock.now());
    let (owner, name) = (context.principal.user_id, &sent.name.0);
    let row = (id, owner);
    match saved_views::insert(&app.pool, row, name, &sent.query, now, SAVED).await? {
        true => Ok(Redirect::to(&format!("/curves?{}", sent.query)).into_response()),
        false => refused(&app, &context, taken(name)).await,
    }
}

async fn open(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Redirect> {
    let id: Uuid = id.parse().map_err(|_| gone())?;
    let query = saved_views::query_of(&app.pool, context.principal.user_id, id).await?;
    if query.is_none() {
        note_foreign(&app, &context, &actor, id).await?;
    }
    let missing = || Problem::not_found("There is no such view, or it is not shared any more.");
    Ok(Redirect::to(&format!("/curves?{}", query.ok_or_else(missing)?)))
}

async fn rename(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
    StrictForm(Name(name)): StrictForm<Name>,
) -> Result<Response> {
    let id: Uuid = id.parse().map_err(|_| gone())?;
    let owner = context.principal.user_id;
    match saved_views::rename(&app.pool, owner, id, &name).await? {
        Changed::NameTaken => refused(&app, &context, taken(&name)).await,
        changed => back(&app, &context, &actor, id, changed).await,
    }
}

/// Whether others may open a view.
struct Shared(bool);

impl FromParameters for Shared {
    const NAMES: &'static [&'static str] = &["shared"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let why = || Problem::bad_parameter("shared", "", "give true or false");
        p.value("shared")?.map(Self).ok_or_else(why)
    }
}

async fn share(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
    StrictForm(Shared(shared)): StrictForm<Shared>,
) -> Result<Response> {
    let id: Uuid = id.parse().map_err(|_| gone())?;
    let changed = saved_views::share(&app.pool, context.principal.user_id, id, shared).await?;
    back(&app, &context, &actor, id, changed).await
}

async fn delete(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Response> {
    let id: Uuid = id.parse().map_err(|_| gone())?;
    let changed = saved_views::delete(&app.pool, context.principal.user_id, id).await?;
    back(&app, &context, &actor, id, changed).await
}

/// To the list, where the change is to be seen.
async fn back(
    app: &App,
    context: &PageContext,
    actor: &Actor,
    id: Uuid,
    changed: Changed,
) -> Result<Response> {
    if changed == Changed::Done {
        return Ok(Redirect::to("/curves/views").into_response());
    }
    note_foreign(app, context, actor, id).await?;
    Err(gone())
}
