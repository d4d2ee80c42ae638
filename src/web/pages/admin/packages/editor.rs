//! The editor of a package. Its form carries the whole draft; nothing is stored until it is saved.

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use uuid::Uuid;

use super::{
    draft::{EditForm, Sent, Wish},
    holding::Holding,
    print,
    view::View,
};
use crate::{
    app::App,
    audit::Actor,
    db::{packages as store, users},
    domain::grant::GrantFields,
    error::{Problem, Result},
    packages::{
        self, Dates, Difference, Draft, Warning,
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

/// Holders, and users to choose from, that the page shows; the API pages through more.
const MOST_SHOWN: i64 = 1000;

#[derive(Template, WebTemplate)]
#[template(path = "admin/package.html")]
pub(super) struct EditorPage {
    page: Page,
    form: EditForm,
    view: View,
    /// The e-mail of whoever receives a new package.
    receiver: Option<String>,
    error: Option<String>,
    notice: Option<&'static str>,
    warnings: Vec<Warning>,
    overview: Option<Overview>,
    saved: Option<Saved>,
}

/// What there is of a package that is stored.
struct Saved {
    id: Uuid,
    name: String,
    builtin: bool,
    holders: Vec<Holding>,
    emails: Vec<String>,
    others: Vec<Choice>,
    other: Option<String>,
    difference: Option<Difference>,
}

impl EditorPage {
    async fn of(app: &App, context: &PageContext, form: EditForm) -> Result<Self> {
        let title = if form.package.is_some() { "Package" } else { "New package" };
        let mut connection = app.pool.acquire().await?;
        let receiver = match form.user {
            Some(user) => store::user(&mut connection, user).await?,
            None => None,
        };
        drop(connection);
        Ok(Self {
            page: context.page(title),
            view: View::of(app, &form).await?,
            receiver: receiver.map(|user| user.email),
            error: None,
            notice: None,
            warnings: Vec::new(),
            overview: None,
            saved: None,
            form,
        })
    }

    /// The page of a stored package, as it is stored.
    pub(super) async fn stored(app: &App, context: &PageContext, id: Uuid) -> Result<Self> {
        let mut connection = app.pool.acquire().await?;
        let row = packages::find(&mut connection, app, id).await?;
        let warnings = packages::warnings(&mut connection, &row.grants).await?;
        drop(connection);
        let mut grants: Vec<GrantFields> =
            packages::grants_of(&row)?.iter().map(GrantFields::from).collect();
        if grants.is_empty() {
            grants.push(GrantFields::default());
        }
        let form = EditForm {
            package: Some(id),
            revision: row.revision,
            name: row.name.clone(),
            note: row.note.clone(),
            grants,
            ..EditForm::default()
        };
        let saved = Saved::load(app, id, row.name, row.builtin).await?;
        let page = Self::of(app, context, form).await?;
        Ok(Self { warnings, saved: Some(saved), ..page })
    }

    /// The page with what went wrong.
    pub(super) fn refused(self, problem: Problem) -> Response {
        (problem.status, Self { error: Some(problem.detail), ..self }).into_response()
    }
}

impl Saved {
    async fn load(app: &App, id: Uuid, name: String, builtin: bool) -> Result<Self> {
        let (now, zone) = (app.clock.now(), app.config.curve_timezone);
        let mut connection = app.pool.acquire().await?;
        let rows = store::holders(&mut connection, id, None, MOST_SHOWN).await?;
        drop(connection);
        let mut holders: Vec<Holding> =
            rows.into_iter().map(|row| Holding::of(row, now, zone)).collect();
        holders.sort_by(|a, b| a.email.cmp(&b.email));
        let emails = users::all(&app.pool).await?.into_iter().map(|user| user.email);
        let emails = emails.filter(|email| !holders.iter().any(|holder| holder.email == *email));
        let names = store::names(&app.pool).await?;
        let others = names.into_iter().filter(|(other, _)| *other != id);
        Ok(Self {
            id,
            name,
            builtin,
            emails: emails.collect(),
            holders,
            others: others.map(|(id, name)| Choice::new(id, name, "")).collect(),
            other: None,
            difference: None,
        })
    }

    async fn compare(&mut self, app: &App, context: &PageContext, other: Uuid) -> Result<()> {
        let mut connection = app.pool.acquire().await?;
        let a = packages::find(&mut connection, app, self.id).await?;
        let b = packages::find(&mut connection, app, other).await?;
        drop(connection);
        let both = [&a.grants, &b.grants];
        let found = packages::difference(app, &context.principal, both, When::default()).await?;
        self.difference = Some(found);
        self.other = Some(b.name);
        for choice in &mut self.others {
            choice.chosen = choice.value == other.to_string();
        }
        Ok(())
    }
}

/// For whom a new package is made.
pub(super) struct ForUser(Option<Uuid>);

impl FromParameters for ForUser {
    const NAMES: &'static [&'static str] = &["user"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        Ok(Self(p.value("user")?))
    }
}

pub(super) async fn new(
    context: PageContext,
    State(app): State<App>,
    StrictQuery(ForUser(user)): StrictQuery<ForUser>,
) -> Result<EditorPage> {
    let context = context.admin()?;
    let page = EditorPage::of(&app, &context, EditForm { user, ..EditForm::empty() }).await?;
    if user.is_some() && page.receiver.is_none() {
        return Err(packages::no_such_user());
    }
    Ok(page)
}

/// What else the page of a package shows.
pub(super) struct Shown {
    notice: Option<&'static str>,
    compare: Option<Uuid>,
}

impl FromParameters for Shown {
    const NAMES: &'static [&'static str] = &["done", "compare"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let notice = match p.text("done")?.as_deref() {
            Some("saved") => Some("The package is saved. It counts from the next request on."),
            Some("attached") => {
                Some("The package is attached. It counts from the next request on.")
            }
            Some("detached") => {
                Some("The package is taken away. It counts from the next request on.")
            }
            _ => None,
        };
        Ok(Self { notice, compare: filled(p, "compare")? })
    }
}

pub(super) async fn show(
    context: PageContext,
    State(app): State<App>,
    Path(id): Path<String>,
    StrictQuery(shown): StrictQuery<Shown>,
) -> Result<EditorPage> {
    let context = context.admin()?;
    let mut page = EditorPage::stored(&app, &context, super::holders::id_of(&id)?).await?;
    if let (Some(saved), Some(other)) = (&mut page.saved, shown.compare) {
        saved.compare(&app, &context, other).await?;
    }
    Ok(EditorPage { notice: shown.notice, ..page })
}

pub(super) async fn edit(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    _: NoQuery,
    StrictForm(Sent { mut form, wish }): StrictForm<Sent>,
) -> Result<Response> {
    let context = context.admin()?;
    form.apply(wish);
    if wish == Wish::Save {
        return match save(&app, &actor, &form).await {
            Ok(place) => Ok(Redirect::to(&place).into_response()),
            Err(problem) => Ok(EditorPage::of(&app, &context, form).await?.refused(problem)),
        };
    }
    let mut page = EditorPage::of(&app, &context, form).await?;
    if wish == Wish::Preview {
        match preview(&app, &context, &page.form).await {
            Ok((overview, warnings)) => {
                (page.overview, page.warnings) = (Some(overview), warnings);
            }
            Err(problem) => return Ok(page.refused(problem)),
        }
    }
    Ok((StatusCode::OK, page).into_response())
}

/// Stores the draft; tells where it is seen then.
async fn save(app: &App, actor: &Actor, form: &EditForm) -> Result<String> {
    let draft = Draft::parse(&form.name, &form.note, form.filled_in()).map_err(for_people)?;
    if let Some(id) = form.package {
        packages::change(app, actor, id, form.revision, &draft).await?;
        return Ok(format!("/admin/packages/{id}?done=saved"));
    }
    let made = packages::create(app, actor, &draft).await?;
    let Some(user) = form.user else {
        return Ok(format!("/admin/packages/{}?done=saved", made.id));
    };
    packages::attach(app, actor, user, made.id, Dates::default()).await?;
    Ok(format!("/admin/users/{user}/sight?done=attached"))
}

/// The page numbers grants from 1 on.
fn for_people(problem: Problem) -> Problem {
    let numbered = problem.detail.strip_prefix("grants[").and_then(|rest| {
        let (place, what) = rest.split_once("].")?;
        Some(format!("Grant {}: {what}", place.parse::<usize>().ok()? + 1))
    });
    Problem { detail: numbered.unwrap_or_else(|| problem.detail.clone()), ..problem }
}

async fn preview(
    app: &App,
    context: &PageContext,
    form: &EditForm,
) -> Result<(Overview, Vec<Warning>)> {
    let rows = packages::rows(&packages::parse_grants(form.filled_in()).map_err(for_people)?);
    let overview = overview::of_grants(app, &context.principal, &rows, When::default()).await?;
    let mut connection = app.pool.acquire().await?;
    Ok((overview, packages::warnings(&mut connection, &rows).await?))
}
