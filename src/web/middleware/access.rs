//! Deny by default: a route that is not on the list below needs somebody signed in, whether its
//! handler asks or not.

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};

use super::accept::wants_page;
use crate::{
    auth::{Credential, Principal, login, return_to},
    error::Problem,
};

/// What anybody may see: templates of routes.
const PUBLIC: [&str; 11] = [
    "/livez",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/apidocs",
    "/apidocs/{file}",
    "/favicon.ico",
    "/forgot",
    "/link/{secret}",
    "/login",
    "/static/{*path}",
];

/// What somebody may do whose password was chosen for them.
const BEFORE_OWN_PASSWORD: [&str; 4] = ["/account", "/account/password", "/logout", "/api/v1/me"];

/// Whether a route answers without a credential.
#[must_use]
pub fn is_public(method: &Method, template: &str) -> bool {
    // The body of this one has e-mail and password.
    let makes_token = method == Method::POST && template == "/api/v1/tokens";
    // Everybody may hear that signing out is a POST.
    let no_logout = method != Method::POST && template == "/logout";
    makes_token || no_logout || PUBLIC.contains(&template)
}

pub(super) async fn require_identity(request: Request, next: Next) -> Response {
    let Some(route) = request.extensions().get::<MatchedPath>() else {
        // No route at all: the fallback says 404.
        return next.run(request).await;
    };
    let open = is_public(request.method(), route.as_str());
    match request.extensions().get::<Principal>() {
        None if open => next.run(request).await,
        None => sign_in_first(&request),
        Some(principal) if principal.must_change_password && !open => {
            if BEFORE_OWN_PASSWORD.contains(&route.as_str()) {
                return next.run(request).await;
            }
            change_password_first(&request, principal)
        }
        Some(_) => next.run(request).await,
    }
}

/// Whether the request is a browser's for a page, so that it can be sent elsewhere.
fn is_page(request: &Request) -> bool {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    reads && wants_page(request.headers(), request.uri().path())
}

fn sign_in_first(request: &Request) -> Response {
    if is_page(request) {
        return Redirect::to(&return_to::login_path(request.uri())).into_response();
    }
    Problem::unauthenticated(
        "Sign in, or send a token: Authorization: Bearer TOKEN. POST /api/v1/tokens makes one.",
    )
    .into_response()
}

fn change_password_first(request: &Request, principal: &Principal) -> Response {
    if is_page(request) && matches!(principal.credential, Credential::Session(_)) {
        return Redirect::to("/account").into_response();
    }
    login::password_change_required().into_response()
}
