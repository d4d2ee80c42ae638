//! `/admin/users`: who may come in, and inviting more.

mod bulk;
mod one;

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use chrono_tz::Tz;
use uuid::Uuid;

use crate::{
    app::App,
    audit::Actor,
    auth::{
        Email, Role,
        accounts::{self, Line},
        links::Link,
    },
    db::users::{self, ListedUser, UserFilter},
    error::{Problem, Result},
    mail,
    web::{
        api::users::{STATUSES, read_status},
        body::{StrictForm, missing},
        pages::{
            Page, PageContext,
            form::{Choice, filled, url},
            format::instant,
        },
        paging::{cursor, read_cursor},
        parameters::{FromParameters, NoQuery, Parameters, StrictQuery},
    },
};

/// Users of a page of the list.
const PAGE: i64 = 50;

/// The pages and their forms.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/users", get(list))
        .route("/admin/users/invite", post(invite))
        .route("/admin/users/invite-many", post(bulk::invite_many))
        .merge(one::routes())
}

/// What a role does, for people.
fn roles(chosen: &str) -> Vec<Choice> {
    let name = |role: Role| match role {
        Role::ReadOnly => "read_only: reads",
        Role::ReadWrite => "read_write: reads and uploads",
        Role::Admin => "admin: everything",
    };
    Role::ALL.iter().map(|&role| Choice::new(role, name(role), chosen)).collect()
}

/// Status and the kind of its badge.
fn badge(user: &ListedUser) -> (&'static str, &'static str) {
    match user.status.as_str() {
        "enabled" if user.has_password => ("enabled", "good"),
        "enabled" => ("waits for a password", "warn"),
        "disabled" => ("disabled", "bad"),
        _ => ("erased", ""),
    }
}

/// A user as the list shows them.
#[derive(Debug)]
struct Row {
    user: ListedUser,
    /// Status and the kind of its badge.
    badge: (&'static str, &'static str),
    last_login: Option<String>,
    /// Whether it is the reader of the page.
    own: bool,
}

impl Row {
    fn new(user: ListedUser, own: Uuid, zone: Tz) -> Self {
        Self {
            badge: badge(&user),
            last_login: user.last_login_at.map(|at| instant(at, zone)),
            own: user.id == own,
            user,
        }
    }
}

/// A link as it is shown once.
#[derive(Debug)]
struct Shown {
    email: String,
    url: String,
    until: String,
    mailed: bool,
}

impl Shown {
    fn new(app: &App, link: &Link, mailed: bool) -> Self {
        Self {
            email: link.email.to_string(),
            url: link.url(&app.config),
            until: instant(link.expires_at, app.config.curve_timezone),
            mailed,
        }
    }

    /// Mails the link; shows it in any case.
    async fn mailed(app: &App, link: &Link) -> Self {
        Self::new(app, link, mail::send_link(app, link).await)
    }
}

/// What became of many invitations.
#[derive(Debug)]
struct Many {
    invited: Vec<Shown>,
    refused: Vec<Line>,
}

impl Many {
    fn all_mailed(&self) -> bool {
        self.invited.iter().all(|shown| shown.mailed)
    }
}

#[derive(Debug, Default)]
struct Filter {
    part: Option<String>,
    role: Option<Role>,
    status: Option<&'static str>,
    cursor: Option<String>,
}

impl FromParameters for Filter {
    const NAMES: &'static [&'static str] = &["q", "role", "status", "cursor"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let status: Option<String> = filled(parameters, "status")?;
        Ok(Self {
            part: filled(parameters, "q")?,
            role: filled(parameters, "role")?,
            status: status.as_deref().map(read_status).transpose()?,
            cursor: filled(parameters, "cursor")?,
        })
    }
}

impl Filter {
    /// This view, going on after `cursor`.
    fn url(&self, cursor: String) -> String {
        let pairs = [
            ("q", self.part.clone().unwrap_or_default()),
            ("role", self.role.map(|role| role.to_string()).unwrap_or_default()),
            ("status", self.status.unwrap_or_default().to_owned()),
            ("cursor", cursor),
        ];
        url("/admin/users", pairs)
    }

    fn to_rows(&self) -> UserFilter {
        UserFilter {
            part: self.part.as_ref().map(|part| part.to_lowercase()),
            role: self.role.map(Role::as_str),
            status: self.status,
        }
    }
}

#[derive(Debug, Template, WebTemplate)]
#[template(path = "admin/users.html")]
struct UsersPage {
    page: Page,
    error: Option<String>,
    made: Option<Shown>,
    /// What became of many invitations.
    many: Option<Many>,
    /// What was typed into the invitation that was refused.
    email: String,
    invites: Vec<Choice>,
    part: String,
    roles: Vec<Choice>,
    statuses: Vec<Choice>,
    /// This list from its beginning, and whether this is a later page of it.
    first: String,
    later: bool,
    rows: Vec<Row>,
    next: Option<String>,
    mails: bool,
    zone: Tz,
}

impl UsersPage {
    async fn load(app: &App, context: &PageContext, filter: &Filter) -> Result<Self> {
        let read = |text| read_cursor(text, |content| Uuid::from_slice(content).ok());
        let before = filter.cursor.as_deref().map(read).transpose()?;
        let (now, zone) = (app.clock.now(), app.config.curve_timezone);
        let mut found = users::list(&app.pool, &filter.to_rows(), before, PAGE + 1, now).await?;
        let more = crate::web::paging::cut(&mut found, PAGE);
        let last = found.last().filter(|_| more);
        let next = last.map(|last| filter.url(cursor(last.id.as_bytes())));
        let own = context.principal.user_id;
        let (role, status) = (filter.role.map(Role::as_str), filter.status);
        Ok(Self {
            page: context.page("Users"),
            error: None,
            made: None,
            many: None,
            email: String::new(),
            invites: roles(Role::ReadOnly.as_str()),
            part: filter.part.clone().unwrap_or_default(),
            roles: roles(role.unwrap_or_default()),
            statuses: STATUSES
                .iter()
                .map(|known| Choice::new(known, known, status.unwrap_or_default()))
                .collect(),
            first: filter.url(String::new()),
            later: filter.cursor.is_some(),
            rows: found.into_iter().map(|user| Row::new(user, own, zone)).collect(),
            next,
            mails: app.config.mail.is_some(),
            zone,
        })
    }
}

async fn list(
    context: PageContext,
    State(app): State<App>,
    StrictQuery(filter): StrictQuery<Filter>,
) -> Result<UsersPage> {
    let context = context.admin()?;
    UsersPage::load(&app, &context, &filter).await
}

struct InviteForm {
    email: String,
    role: Role,
}

impl FromParameters for InviteForm {
    const NAMES: &'static [&'static str] = &["email", "role"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let email = parameters.text("email")?.ok_or_else(|| missing("email", " from the form"))?;
        let role = parameters.value("role")?.ok_or_else(|| missing("role", " from the form"))?;
        Ok(Self { email, role })
    }
}

/// The page again, with the link or with what went wrong.
async fn invite(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    _: NoQuery,
    StrictForm(sent): StrictForm<InviteForm>,
) -> Result<Response> {
    let context = context.admin()?;
    let invited = match sent.email.parse::<Email>() {
        Ok(email) => accounts::invite(&app, &actor, &email, sent.role).await,
        Err(error) => Err(Problem {
            detail: format!("{:?}: {error}", sent.email),
            ..Problem::bad_parameter("email", &sent.email, error)
        }),
    };
    let made = match &invited {
        Ok(link) => Some(Shown::mailed(&app, link).await),
        Err(_) => None,
    };
    let page = UsersPage::load(&app, &context, &Filter::default()).await?;
    let Err(problem) = invited else {
        return Ok((StatusCode::CREATED, UsersPage { made, ..page }).into_response());
    };
    let (error, chosen) = (Some(problem.detail), roles(sent.role.as_str()));
    let page = UsersPage { error, invites: chosen, email: sent.email, ..page };
    Ok((problem.status, page).into_response())
}
