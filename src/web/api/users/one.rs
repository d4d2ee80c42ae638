//! `/api/v1/users/{id}`: one user changed, reset, signed out, erased.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{UserItem, UserWithLink, item};
use crate::{
    app::App,
    audit::Actor,
    auth::{
        Admin, Role,
        accounts::{self, Changes, Status, no_such_user},
    },
    error::{Problem, Result},
    web::{body::StrictJson, parameters::NoQuery},
};

fn id_of(text: &str) -> Result<Uuid> {
    text.parse().map_err(|_| no_such_user())
}

/// What is changed; at least one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "admin"}))]
pub(super) struct UserChange {
    /// `read_only`, `read_write` or `admin`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false)]
    role: Option<Role>,
    /// `enabled` or `disabled`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false)]
    status: Option<Status>,
}

/// A member that may be left out, but is not null.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Change role or status
///
/// Holds from the next request of the user on. After a change of role each of their sessions gets a
/// new id, and tokens shrink. Disabling ends their sessions and login tokens; API tokens work again
/// when the user is enabled.
#[utoipa::path(
    patch, path = "/api/v1/users/{id}", tag = "administration",
    params(("id" = Uuid, Path, description = "the id of a user")), request_body = UserChange,
    responses(
        (status = 200, description = "The user as it is now", body = UserItem),
        (status = 400, description = "A member is unknown, wrong or null, or there is none"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator, or `own_account`"),
        (status = 404, description = "No such user"),
        (status = 409, description = "`last_administrator`, `user_erased`"),
        (status = 415, description = "Not JSON"),
    )
)]
pub(super) async fn change(
    _admin: Admin,
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
    StrictJson(wanted): StrictJson<UserChange>,
) -> Result<Json<UserItem>> {
    let id = id_of(&id)?;
    let UserChange { role, status } = wanted;
    if role.is_none() && status.is_none() {
        let detail = "Nothing is to be changed: give role, status or both.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "bad_parameter", detail));
    }
    accounts::change(&app, &actor, id, Changes { role, status }).await?;
    Ok(Json(item(&app, id).await?))
}

/// Reset the password
///
/// Ends the user's sessions, login tokens and API tokens at once and takes the password away. The
/// link leads to a new one: good once, for an hour (72 hours for who never had a password), shown
/// in this answer only, and mailed where mail is set up. The former link dies.
#[utoipa::path(
    post, path = "/api/v1/users/{id}/reset", tag = "administration",
    params(("id" = Uuid, Path, description = "the id of a user")),
    responses(
        (status = 201, description = "The user, and the link to a new password", body = UserWithLink),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator, or `own_account`"),
        (status = 404, description = "No such user"),
        (status = 409, description = "`user_disabled`, `user_erased`"),
    )
)]
pub(super) async fn reset(
    _admin: Admin,
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<(StatusCode, Json<UserWithLink>)> {
    let link = accounts::reset(&app, &actor, id_of(&id)?).await?;
    Ok((StatusCode::CREATED, Json(UserWithLink::of(&app, &link).await?)))
}

/// End a user's sessions
///
/// Ends their sessions and the tokens that `POST /login` made. API tokens stay.
#[utoipa::path(
    delete, path = "/api/v1/users/{id}/sessions", tag = "administration",
    params(("id" = Uuid, Path, description = "the id of a user")),
    responses(
        (status = 204, description = "No session of the user is left"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "No such user"),
    )
)]
pub(super) async fn end_sessions(
    _admin: Admin,
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<StatusCode> {
    accounts::end_sessions(&app, &actor, id_of(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Erase personal data
///
/// Of a disabled user only, and for good. An address that says nothing takes the place of the
/// e-mail; the id stays, for what uploads and the audit log tell of it.
#[utoipa::path(
    delete, path = "/api/v1/users/{id}", tag = "administration",
    params(("id" = Uuid, Path, description = "the id of a disabled user")),
    responses(
        (status = 204, description = "The personal data are gone"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "No such user"),
        (status = 409, description = "`not_disabled`"),
    )
)]
pub(super) async fn erase(
    _admin: Admin,
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<StatusCode> {
    accounts::erase(&app, &actor, id_of(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
