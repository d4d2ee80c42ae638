//! `/api/v1/users`: who may come in, for administrators.

mod bulk;
mod one;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    app::App,
    audit::Actor,
    auth::{
        Admin, Email, Role,
        accounts::{self, no_such_user},
        links::{Link, Purpose},
    },
    db::users::{self, ListedUser, UserFilter},
    error::{Problem, Result},
    mail,
    web::{
        body::StrictJson,
        paging::{self, Listing, PageOf},
        parameters::{FromParameters, NoQuery, Parameters, StrictQuery},
    },
};

/// The calls of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(bulk::invite))
        .routes(routes!(one::change, one::erase))
        .routes(routes!(one::reset))
        .routes(routes!(one::end_sessions))
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a11", "email": "ann@example.com",
    "role": "read_write", "status": "enabled", "has_password": true,
    "created_at": "2026-03-02T08:00:00Z", "last_login_at": "2026-03-05T07:55:12Z", "packages": 1
}))]
struct UserItem {
    id: Uuid,
    email: String,
    /// `read_only`, `read_write` or `admin`.
    role: String,
    /// `enabled`, `disabled`, or `erased` once the personal data are gone.
    status: String,
    /// Whether there is a password; without one the user waits for a link.
    has_password: bool,
    created_at: DateTime<Utc>,
    /// The last time the password was given; null while it never was.
    last_login_at: Option<DateTime<Utc>>,
    /// Packages that have not run out.
    packages: i64,
}

impl From<ListedUser> for UserItem {
    fn from(row: ListedUser) -> Self {
        let ListedUser { id, email, role, status, .. } = row;
        let ListedUser { has_password, created_at, last_login_at, packages, .. } = row;
        Self { id, email, role, status, has_password, created_at, last_login_at, packages }
    }
}

/// A one-time link, shown this once.
#[derive(Debug, Serialize, ToSchema)]
struct LinkItem {
    /// Where the user chooses a password.
    url: String,
    /// `invite` or `reset`.
    #[schema(value_type = String)]
    purpose: Purpose,
    expires_at: DateTime<Utc>,
    /// Whether it was mailed to the user; if not, hand it on.
    mailed: bool,
}

impl LinkItem {
    fn new(app: &App, link: &Link, mailed: bool) -> Self {
        let url = link.url(&app.config);
        Self { url, purpose: link.purpose, expires_at: link.expires_at, mailed }
    }
}

/// A user and the link to their password.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "user": {
        "id": "0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a11", "email": "ann@example.com",
        "role": "read_write", "status": "enabled", "has_password": false,
        "created_at": "2026-03-02T08:00:00Z", "last_login_at": null, "packages": 1
    },
    "link": {
        "url": "https://curves.example.com/link/u3n0cQ4f2yW1sZ8hR6kT5vB7xD9mG2jL4pN6qS8tV0w",
        "purpose": "invite", "expires_at": "2026-03-05T08:00:00Z", "mailed": true
    }
}))]
struct UserWithLink {
    user: UserItem,
    link: LinkItem,
}

impl UserWithLink {
    /// Mails the link and shapes the answer.
    async fn of(app: &App, link: &Link) -> Result<Self> {
        let mailed = mail::send_link(app, link).await;
        let user = item(app, link.user_id).await?;
        Ok(Self { user, link: LinkItem::new(app, link, mailed) })
    }
}

async fn item(app: &App, id: Uuid) -> Result<UserItem> {
    let found = users::listed(&app.pool, id, app.clock.now()).await?;
    found.map(UserItem::from).ok_or_else(no_such_user)
}

/// Which users.
#[derive(Debug, Clone, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UsersQuery {
    /// A part of the e-mail, without case.
    #[param(required = false, value_type = Option<String>, rename = "q")]
    part: Option<String>,
    /// One role.
    #[param(required = false, value_type = Option<String>, example = "admin")]
    role: Option<Role>,
    /// `enabled`, `disabled` or `erased`.
    #[param(required = false, value_type = Option<String>, example = "enabled")]
    status: Option<&'static str>,
    #[param(ignore)]
    page: PageOf,
}

/// The statuses that lists are filtered by.
pub const STATUSES: [&str; 3] = ["enabled", "disabled", "erased"];

/// Takes `status`: one of [`STATUSES`].
fn status(parameters: &mut Parameters) -> Result<Option<&'static str>> {
    let Some(text) = parameters.text("status")? else { return Ok(None) };
    read_status(&text).map(Some)
}

/// 400 for what is none of [`STATUSES`].
pub fn read_status(text: &str) -> Result<&'static str> {
    STATUSES.into_iter().find(|known| *known == text).ok_or_else(|| {
        let wanted = format!("known are {}", STATUSES.join(", "));
        Problem::bad_parameter("status", text, wanted)
    })
}

impl FromParameters for UsersQuery {
    const NAMES: &'static [&'static str] = &["q", "role", "status", "limit", "cursor"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        Ok(Self {
            part: parameters.text("q")?,
            role: parameters.value("role")?,
            status: status(parameters)?,
            page: PageOf::from_parameters(parameters)?,
        })
    }
}

/// List users
///
/// Newest first. For administrators.
#[utoipa::path(
    get, path = "/api/v1/users", tag = "administration", params(UsersQuery, PageOf),
    responses(
        (status = 200, description = "A page of users", body = Listing<UserItem>),
        (status = 400, description = "A parameter is unknown or wrong"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
    )
)]
async fn list(
    _admin: Admin,
    State(app): State<App>,
    uri: Uri,
    StrictQuery(query): StrictQuery<UsersQuery>,
) -> Result<Response> {
    let page = query.page;
    let filter = UserFilter {
        part: query.part.map(|part| part.trim().to_lowercase()),
        role: query.role.map(Role::as_str),
        status: query.status,
    };
    let now = app.clock.now();
    let rows = users::list(&app.pool, &filter, page.before, page.fetch(), now).await?;
    let listing = page.listing(rows, |row| row.id).map(UserItem::from);
    let link = listing.next.clone();
    let mut response = listing.into_response();
    if let Some(next) = link {
        let link: HeaderValue =
            paging::next_link(uri.path(), uri.query().unwrap_or_default(), &next)?;
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// The user that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ann@example.com", "role": "read_write"}))]
struct NewUser {
    /// Sign-in name.
    #[schema(max_length = 254)]
    email: String,
    /// `read_only`, `read_write` or `admin`.
    #[schema(value_type = String)]
    role: Role,
}

/// Invite a user
///
/// Makes a user without a password, and a link by which they choose one: good once, for 72 hours,
/// shown in this answer only, and mailed where mail is set up. A `read_write` user receives the
/// built-in package.
#[utoipa::path(
    post, path = "/api/v1/users", tag = "administration", request_body = NewUser,
    responses(
        (status = 201, description = "The user, and the link to their password", body = UserWithLink),
        (status = 400, description = "A member is unknown or wrong"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 409, description = "`email_taken`"),
        (status = 415, description = "Not JSON"),
    )
)]
async fn create(
    _admin: Admin,
    State(app): State<App>,
    actor: Actor,
    _: NoQuery,
    StrictJson(wanted): StrictJson<NewUser>,
) -> Result<(StatusCode, Json<UserWithLink>)> {
    let email: Email = wanted
        .email
        .parse()
        .map_err(|error| Problem::bad_parameter("email", &wanted.email, error))?;
    let link = accounts::invite(&app, &actor, &email, wanted.role).await?;
    Ok((StatusCode::CREATED, Json(UserWithLink::of(&app, &link).await?)))
}
