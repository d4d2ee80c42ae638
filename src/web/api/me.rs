//! `GET /api/v1/me`: who am I?

use axum::{Json, extract::Extension};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    app::App,
    auth::{Credential, CsrfToken, Principal, Role, Scope, SignedIn},
    web::parameters::NoQuery,
};

/// The calls of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(me))
}

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a11", "email": "ann@example.com",
    "role": "read_write", "scopes": ["read", "upload"], "credential": "token",
    "entitlements": {"read": "all", "upload": true},
    "must_change_password": false, "csrf_token": null
}))]
struct Me {
    id: Uuid,
    email: String,
    /// `read_only`, `read_write` or `admin`; of a token no more than its scopes.
    role: String,
    scopes: Vec<Scope>,
    /// What the caller may do with datasets, in short.
    entitlements: Entitlements,
    /// `session` or `token`.
    credential: &'static str,
    /// Nothing but changing the password is allowed until it is changed.
    must_change_password: bool,
    /// For a session: what a state change sends in the header `X-CSRF-Token`.
    csrf_token: Option<String>,
}

/// What the caller may do with datasets, in short.
#[derive(Debug, Serialize, ToSchema)]
struct Entitlements {
    /// The datasets that may be read: `all`, or `none` for a token without the scope `read`.
    #[schema(example = "all")]
    read: &'static str,
    /// Whether files of any dataset may be uploaded.
    upload: bool,
}

impl Entitlements {
    /// Every signed-in user may read every dataset; writers may upload to each.
    fn of(principal: &Principal) -> Self {
        Self {
            read: if principal.may(Scope::Read) { "all" } else { "none" },
            upload: principal.role >= Role::ReadWrite && principal.may(Scope::Upload),
        }
    }
}

/// Who am I
#[utoipa::path(
    get, path = "/api/v1/me", tag = "access",
    responses(
        (status = 200, description = "The caller", body = Me),
        (status = 401, description = "Not signed in"),
    )
)]
async fn me(
    SignedIn(principal): SignedIn,
    csrf: Option<Extension<CsrfToken>>,
    _: NoQuery,
) -> Json<Me> {
    Json(Me {
        id: principal.user_id,
        role: principal.role.to_string(),
        entitlements: Entitlements::of(&principal),
        scopes: principal.scopes.as_slice().to_vec(),
        credential: match principal.credential {
            Credential::Session(_) => "session",
            Credential::Token(_) => "token",
        },
        must_change_password: principal.must_change_password,
        csrf_token: csrf.map(|Extension(token)| token.0),
        email: principal.email,
    })
}
