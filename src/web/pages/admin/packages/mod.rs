//! `/admin/packages`: packages, their editor, who holds them, and what sets two apart.

mod draft;
mod editor;
pub(super) mod holders;
pub(super) mod holding;
pub(super) mod print;
mod view;

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::State,
    response::Redirect,
    routing::{get, post},
};

use crate::{
    app::App,
    db::packages::{self as store, PackageList, PackageRow},
    error::Result,
    packages::{self, expiring_until},
    web::{
        pages::{Page, PageContext},
        parameters::{FromParameters, NoQuery, Parameters, StrictQuery},
    },
};

/// Packages that the list shows; the API pages through more.
const MOST_SHOWN: i64 = 1000;

/// The pages and their forms.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/packages", get(list))
        .route("/admin/packages/new", get(editor::new))
        .route("/admin/packages/edit", get(back).post(editor::edit))
        .route("/admin/packages/{id}", get(editor::show))
        .route("/admin/packages/{id}/attach", post(holders::attach))
        .route("/admin/packages/{id}/detach", post(holders::detach))
        .route("/admin/packages/{id}/delete", post(holders::delete))
}

#[derive(Template, WebTemplate)]
#[template(path = "admin/packages.html")]
struct PackagesPage {
    page: Page,
    packages: Vec<Row>,
    /// Attachments that end soon.
    expiring: i64,
    notice: Option<&'static str>,
}

struct Row {
    package: PackageRow,
    grants: Vec<String>,
    /// The day on which the next holder loses it.
    next_expiry: Option<String>,
}

/// What was just done, told after the redirect.
struct Done(Option<&'static str>);

impl FromParameters for Done {
    const NAMES: &'static [&'static str] = &["done"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let deleted = p.text("done")?.is_some_and(|word| word == "deleted");
        Ok(Self(deleted.then_some("The package is deleted.")))
    }
}

async fn list(
    context: PageContext,
    State(app): State<App>,
    StrictQuery(Done(notice)): StrictQuery<Done>,
) -> Result<PackagesPage> {
    let context = context.admin()?;
    let now = app.clock.now();
    let wanted = PackageList {
        now,
        until: expiring_until(now),
        only_expiring: false,
        before: None,
        id: None,
        limit: MOST_SHOWN,
    };
    let mut connection = app.pool.acquire().await?;
    let mut rows = store::list(&mut connection, wanted).await?;
    rows.sort_by_cached_key(|row| (!row.builtin, row.name.to_lowercase()));
    let expiring = rows.iter().map(|row| row.expiring).sum();
    let zone = app.config.curve_timezone;
    let row = |package: PackageRow| -> Result<Row> {
        Ok(Row {
            grants: packages::grants_of(&package)?.iter().map(ToString::to_string).collect(),
            next_expiry: package.next_expiry.map(|at| holding::last_day(at, zone)),
            package,
        })
    };
    let packages = rows.into_iter().map(row).collect::<Result<_>>()?;
    Ok(PackagesPage { page: context.page("Packages"), packages, expiring, notice })
}

/// A form's address, opened as a page.
async fn back(context: PageContext, _: NoQuery) -> Result<Redirect> {
    context.admin()?;
    Ok(Redirect::to("/admin/packages"))
}
