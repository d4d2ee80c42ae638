//! Who holds which package.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{package_id, user_id};
use crate::{
    app::App,
    audit::Actor,
    auth::Admin,
    db::packages::{self as store, Attachment},
    error::Result,
    packages::{self, Dates},
    web::{
        body::StrictJson,
        paging::{Listing, PageOf},
        parameters::{NoQuery, StrictQuery},
    },
};

/// The calls of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(holders))
        .routes(routes!(of_user))
        .routes(routes!(attach, detach))
        .routes(routes!(copy))
}

/// A user and a package that they hold.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "user": "0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a12", "email": "ann@example.com",
    "package": "0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a11", "name": "ERCOT north, on-peak",
    "starts_at": null, "ends_at": "2026-04-01T00:00:00Z", "attached_at": "2026-03-02T08:00:00Z",
    "in_force": true
}))]
struct Holding {
    /// Id of the user.
    user: Uuid,
    email: String,
    /// Id of the package.
    package: Uuid,
    /// Name of the package.
    name: String,
    /// In force from then on; null: always.
    starts_at: Option<DateTime<Utc>>,
    /// Not in force any more from then on; null: for good.
    ends_at: Option<DateTime<Utc>>,
    attached_at: DateTime<Utc>,
    /// Whether it is in force now.
    in_force: bool,
}

impl Holding {
    fn of(row: Attachment, now: DateTime<Utc>) -> Self {
        let in_force =
            row.starts_at.is_none_or(|at| at <= now) && row.ends_at.is_none_or(|at| at > now);
        Self {
            user: row.user_id,
            email: row.email,
            package: row.package_id,
            name: row.name,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            attached_at: row.attached_at,
            in_force,
        }
    }
}

/// Packages of a user.
#[derive(Debug, Serialize, ToSchema)]
struct Holdings {
    /// By name.
    items: Vec<Holding>,
}

/// List the holders of a package
#[utoipa::path(
    get, path = "/api/v1/grants/{package}/holders", tag = "administration",
    params(
        ("package" = Uuid, Path, description = "the id of a package"),
        ("limit" = Option<u16>, Query, description = "1 to 1000 items, 100 when left out"),
        ("cursor" = Option<String>, Query, description = "the `next` of the page before"),
    ),
    responses(
        (status = 200, description = "The holders, newest user first", body = Listing<Holding>),
        (status = 400, description = "A parameter is unknown or wrong"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "There is no such package"),
    )
)]
async fn holders(
    State(app): State<App>,
    _: Admin,
    Path(id): Path<String>,
    StrictQuery(page): StrictQuery<PageOf>,
) -> Result<Listing<Holding>> {
    let mut connection = app.pool.acquire().await?;
    let package = packages::find(&mut connection, &app, package_id(&id)?).await?;
    let rows = store::holders(&mut connection, package.id, page.before, page.fetch()).await?;
    let now = app.clock.now();
    Ok(page.listing(rows, |row| row.user_id).map(|row| Holding::of(row, now)))
}

/// List the packages of a user
#[utoipa::path(
    get, path = "/api/v1/users/{id}/grants", tag = "administration",
    params(("id" = Uuid, Path, description = "the id of a user")),
    responses(
        (status = 200, description = "Their packages by name, those not in force among them", body = Holdings),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "There is no such user"),
    )
)]
async fn of_user(
    State(app): State<App>,
    _: Admin,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Json<Holdings>> {
    let mut connection = app.pool.acquire().await?;
    let user = store::user(&mut connection, user_id(&id)?).await?;
    let user = user.ok_or_else(packages::no_such_user)?;
    let rows = store::attachments_of(&mut connection, user.id).await?;
    Ok(Json(holdings(&app, rows)))
}

fn holdings(app: &App, rows: Vec<Attachment>) -> Holdings {
    let now = app.clock.now();
    Holdings { items: rows.into_iter().map(|row| Holding::of(row, now)).collect() }
}

/// From when until when a package is held.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"starts_at": null, "ends_at": "2026-04-01T00:00:00Z"}))]
struct Term {
    /// In force from then on, RFC 3339 with an offset; left out: always.
    starts_at: Option<DateTime<Utc>>,
    /// Not in force any more from then on; left out: for good.
    ends_at: Option<DateTime<Utc>>,
}

/// Attach a package to a user
///
/// Or give it other dates, where the user holds it. It counts from the next request on.
#[utoipa::path(
    put, path = "/api/v1/users/{id}/grants/{package}", tag = "administration",
    params(
        ("id" = Uuid, Path, description = "the id of a user"),
        ("package" = Uuid, Path, description = "the id of a package"),
    ),
    request_body = Term,
    responses(
        (status = 200, description = "The user holds the package", body = Holding),
        (status = 400, description = "A member is unknown or wrong, or the dates are not in order"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "There is no such user or package"),
        (status = 415, description = "Not JSON"),
    )
)]
async fn attach(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    Path((user, package)): Path<(String, String)>,
    _: NoQuery,
    StrictJson(term): StrictJson<Term>,
) -> Result<Json<Holding>> {
    let (user, package) = (user_id(&user)?, package_id(&package)?);
    let dates = Dates::new(term.starts_at, term.ends_at)?;
    let attached = packages::attach(&app, &actor, user, package, dates).await?;
    Ok(Json(Holding::of(attached, app.clock.now())))
}

/// Take a package from a user
#[utoipa::path(
    delete, path = "/api/v1/users/{id}/grants/{package}", tag = "administration",
    params(
        ("id" = Uuid, Path, description = "the id of a user"),
        ("package" = Uuid, Path, description = "the id of a package"),
    ),
    responses(
        (status = 204, description = "The user does not hold it any more"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "The user does not hold it"),
    )
)]
async fn detach(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    Path((user, package)): Path<(String, String)>,
    _: NoQuery,
) -> Result<StatusCode> {
    packages::detach(&app, &actor, user_id(&user)?, package_id(&package)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whose packages to copy.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from": "0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a12"}))]
struct Source {
    /// The id of a user.
    from: Uuid,
}

/// Copy the packages of another user
///
/// With their dates, those that ran out left aside. What the user holds already stays as it is.
#[utoipa::path(
    post, path = "/api/v1/users/{id}/grants/copy", tag = "administration",
    params(("id" = Uuid, Path, description = "the id of the user who receives them")),
    request_body = Source,
    responses(
        (status = 200, description = "What was attached", body = Holdings),
        (status = 400, description = "A member is unknown or wrong"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "There is no such user"),
        (status = 415, description = "Not JSON"),
    )
)]
async fn copy(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
    StrictJson(source): StrictJson<Source>,
) -> Result<Json<Holdings>> {
    let attached = packages::copy(&app, &actor, source.from, user_id(&id)?).await?;
    Ok(Json(holdings(&app, attached)))
}
