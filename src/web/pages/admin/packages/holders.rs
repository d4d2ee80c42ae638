//! What the page of a package does to its holders, and its end.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use chrono::NaiveDate;
use chrono_tz::Tz;
use uuid::Uuid;

use super::editor::EditorPage;
use crate::{
    app::App,
    audit::Actor,
    auth::Email,
    db::packages::{self as store, UserRow},
    error::{Problem, Result},
    packages::{self, Dates},
    web::{
        body::StrictForm,
        pages::{PageContext, form::filled},
        parameters::{FromParameters, NoQuery, Parameters},
    },
};

/// The package that an address names. 404 where it is no id.
pub(super) fn id_of(text: &str) -> Result<Uuid> {
    text.parse().map_err(|_| Problem::not_found("There is no such package."))
}

/// The user of an e-mail as somebody typed it.
pub(in crate::web::pages::admin) async fn user_of(app: &App, email: &str) -> Result<UserRow> {
    let unknown = || {
        Problem::new(StatusCode::NOT_FOUND, "no_such_user", format!("There is no user {email:?}."))
    };
    let address: Email = email.parse().map_err(|_| unknown())?;
    store::user_of_email(&app.pool, address.as_str()).await?.ok_or_else(unknown)
}

/// Days of a form.
pub(in crate::web::pages::admin) struct Days {
    first: Option<NaiveDate>,
    last: Option<NaiveDate>,
}

impl Days {
    pub fn read(p: &mut Parameters) -> Result<Self> {
        Ok(Self { first: filled(p, "first_day")?, last: filled(p, "last_day")? })
    }

    /// As instants: whole days of the zone, both inclusive.
    pub fn dates(&self, zone: Tz) -> Result<Dates> {
        Dates::of_days(self.first, self.last, zone)
    }
}

pub(super) struct AttachForm {
    email: String,
    days: Days,
}

impl FromParameters for AttachForm {
    const NAMES: &'static [&'static str] = &["email", "first_day", "last_day"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        Ok(Self { email: p.text("email")?.unwrap_or_default(), days: Days::read(p)? })
    }
}

pub(super) async fn attach(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
    StrictForm(form): StrictForm<AttachForm>,
) -> Result<Response> {
    let context = context.admin()?;
    let package = id_of(&id)?;
    match attach_user(&app, &actor, package, &form).await {
        Ok(()) => Ok(back(package, "attached")),
        Err(problem) => {
            let page = EditorPage::stored(&app, &context, package).await?;
            Ok(page.refused(problem))
        }
    }
}

async fn attach_user(app: &App, actor: &Actor, package: Uuid, form: &AttachForm) -> Result<()> {
    let user = user_of(app, &form.email).await?;
    let dates = form.days.dates(app.config.curve_timezone)?;
    packages::attach(app, actor, user.id, package, dates).await.map(drop)
}

fn back(package: Uuid, done: &str) -> Response {
    Redirect::to(&format!("/admin/packages/{package}?done={done}#holders")).into_response()
}

pub(super) struct DetachForm {
    user: Uuid,
}

impl FromParameters for DetachForm {
    const NAMES: &'static [&'static str] = &["user"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        Ok(Self { user: p.value("user")?.ok_or_else(packages::no_such_user)? })
    }
}

pub(super) async fn detach(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
    StrictForm(form): StrictForm<DetachForm>,
) -> Result<Response> {
    context.admin()?;
    let package = id_of(&id)?;
    packages::detach(&app, &actor, form.user, package).await?;
    Ok(back(package, "detached"))
}

pub(super) struct DeleteForm {
    confirmed: bool,
}

impl FromParameters for DeleteForm {
    const NAMES: &'static [&'static str] = &["confirm"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        Ok(Self { confirmed: p.text("confirm")?.is_some() })
    }
}

pub(super) async fn delete(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
    StrictForm(form): StrictForm<DeleteForm>,
) -> Result<Response> {
    let context = context.admin()?;
    let package = id_of(&id)?;
    if form.confirmed {
        packages::delete(&app, &actor, package).await?;
        return Ok(Redirect::to("/admin/packages?done=deleted").into_response());
    }
    let detail = "Tick the box to say that the package may go; nothing was deleted.";
    let problem = Problem::new(StatusCode::BAD_REQUEST, "not_confirmed", detail);
    Ok(EditorPage::stored(&app, &context, package).await?.refused(problem))
}
