//! `/admin/bi`: login roles, their connections, and what may be done about them.

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::{Path, State},
    response::Redirect,
    routing::{get, post},
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    app::App,
    audit::Actor,
    bi::roles,
    db::bi::{self, Backend, RoleRow},
    error::{Problem, Result},
    web::{
        pages::{Page, PageContext, format::instant},
        parameters::{FromParameters, NoQuery, Parameters, StrictQuery},
    },
};

/// Roles that the page shows; the API pages through more.
const MOST_SHOWN: i64 = 1000;

/// The page and its forms.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/bi", get(show))
        .route("/admin/bi/roles/{id}/reset", post(reset))
        .route("/admin/bi/roles/{id}/lock", post(lock))
        .route("/admin/bi/roles/{id}/unlock", post(unlock))
        .route("/admin/bi/connections/{pid}/cancel", post(cancel))
}

#[derive(Template, WebTemplate)]
#[template(path = "admin/bi.html")]
struct BiPage {
    page: Page,
    notice: Option<&'static str>,
    /// Where people are told to connect.
    server: Option<(String, u16)>,
    roles: Vec<Role>,
    connections: Vec<Connection>,
    /// Versions whose prices are still to be computed.
    due: i64,
}

struct Role {
    row: RoleRow,
    rotated: String,
    last_login: String,
    connections: usize,
}

struct Connection {
    backend: Backend,
    since: String,
    /// For how long the statement runs, in seconds.
    running: Option<i64>,
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
            Some("reset") => Some("The password is taken away, and its connections are ended."),
            Some("locked") => Some("The login is locked, and its connections are ended."),
            Some("unlocked") => Some("The login is unlocked."),
            Some("cancelled") => Some("The statement is cancelled."),
            Some(other) => {
                let wanted = "known are reset, locked, unlocked, cancelled";
                return Err(Problem::bad_parameter("done", other, wanted));
            }
        };
        Ok(Self { notice })
    }
}

async fn show(
    State(app): State<App>,
    context: PageContext,
    StrictQuery(done): StrictQuery<Done>,
) -> Result<BiPage> {
    let context = context.admin()?;
    let zone = app.config.curve_timezone;
    let mut connection = app.pool.acquire().await?;
    let (now, backends) = (bi::now(&mut connection).await?, bi::backends(&mut connection).await?);
    let due = bi::due(&mut connection).await?;
    drop(connection);
    let mut rows = bi::roles(&app.pool, None, MOST_SHOWN).await?;
    rows.sort_by(|a, b| a.email.cmp(&b.email));
    let role = |row: RoleRow| Role {
        rotated: instant(row.rotated_at, zone),
        last_login: row.last_login_at.map_or_else(|| "never".to_owned(), |at| instant(at, zone)),
        connections: backends.iter().filter(|backend| backend.role_name == row.name).count(),
        row,
    };
    Ok(BiPage {
        page: context.page("BI"),
        notice: done.notice,
        server: app.config.bi.server(),
        roles: rows.into_iter().map(role).collect(),
        connections: backends
            .into_iter()
            .map(|backend| Connection {
                since: instant(backend.backend_start, zone),
                running: running(&backend, now),
                backend,
            })
            .collect(),
        due,
    })
}

fn running(backend: &Backend, now: DateTime<Utc>) -> Option<i64> {
    let since = backend.query_start.filter(|_| backend.is_active)?;
    Some((now - since).num_seconds().max(0))
}

async fn reset(
    State(app): State<App>,
    context: PageContext,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Redirect> {
    context.admin()?;
    roles::reset(&app, &actor, user(&id)?).await?;
    Ok(Redirect::to("/admin/bi?done=reset"))
}

async fn lock(
    State(app): State<App>,
    context: PageContext,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Redirect> {
    context.admin()?;
    roles::lock(&app, &actor, user(&id)?, true).await?;
    Ok(Redirect::to("/admin/bi?done=locked"))
}

async fn unlock(
    State(app): State<App>,
    context: PageContext,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Redirect> {
    context.admin()?;
    roles::lock(&app, &actor, user(&id)?, false).await?;
    Ok(Redirect::to("/admin/bi?done=unlocked"))
}

async fn cancel(
    State(app): State<App>,
    context: PageContext,
    actor: Actor,
    Path(pid): Path<String>,
    _: NoQuery,
) -> Result<Redirect> {
    context.admin()?;
    let pid = pid.parse().map_err(|_| Problem::not_found("There is no such connection."))?;
    roles::cancel(&app, &actor, pid).await?;
    Ok(Redirect::to("/admin/bi?done=cancelled"))
}

fn user(id: &str) -> Result<Uuid> {
    id.parse().map_err(|_| Problem::not_found("There is no such login role."))
}
