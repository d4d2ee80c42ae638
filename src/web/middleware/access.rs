//! Deny by default: a route that is not on the list below needs somebody signed in, whether its
//! handler asks or not. And while a switch of the site is off, who comes by it is sent away.

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};

use super::accept::wants_page;
use crate::{
    auth::{Credential, Principal, Role, login, return_to},
    error::Problem,
    site,
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

/// What somebody may do who is not let in just now, beside what anybody may see.
const WHILE_SHUT: [&str; 1] = ["/logout"];

/// Seconds after which it is worth asking a closed site again.
const CLOSED_FOR: u32 = 120;

/// The machine word of a closed site; a browser is shown the maintenance page for it.
pub const CLOSED: &str = "maintenance";

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

/// The pages below `/admin`.
fn is_of_administrators(route: &MatchedPath) -> bool {
    route.as_str().split('/').nth(1) == Some("admin")
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
        Some(principal) if is_shut_out(principal, route.as_str()) => {
            closed(principal.shut.as_deref().unwrap_or_default()).into_response()
        }
        Some(principal) if principal.must_change_password && !open => {
            if BEFORE_OWN_PASSWORD.contains(&route.as_str()) {
                return next.run(request).await;
            }
            change_password_first(&request, principal)
        }
        // Before anything of the body is read: who may not learns nothing of the fields.
        Some(principal) if is_of_administrators(route) && principal.role < Role::Admin => {
            Problem::forbidden("This page needs the role admin.").into_response()
        }
        Some(_) => next.run(request).await,
    }
}

/// Whether a switch keeps somebody out. It is the credential that decides which one, and the role in
/// force who passes: a token for reading is no administrator.
fn is_shut_out(principal: &Principal, template: &str) -> bool {
    let is_exempt = PUBLIC.contains(&template) || WHILE_SHUT.contains(&template);
    principal.shut.is_some() && principal.role != Role::Admin && !is_exempt
}

/// 503 `maintenance`, with the message of the switch or our own words.
#[must_use]
pub fn closed(message: &str) -> Problem {
    Problem::unavailable(CLOSED, site::told(message), CLOSED_FOR)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Scopes;

    fn is_out(role: Role, shut: bool, template: &str) -> bool {
        let principal = Principal {
            user_id: uuid::Uuid::nil(),
            email: "a@b".into(),
            role,
            scopes: Scopes::of_role(role),
            credential: Credential::Token(uuid::Uuid::nil()),
            prefix: String::new(),
            must_change_password: false,
            shut: shut.then(String::new),
        };
        is_shut_out(&principal, template)
    }

    #[test]
    fn who_is_let_in_where() {
        for (role, shut, template, out) in [
            (Role::ReadWrite, true, "/api/v1/data", true),
            (Role::ReadOnly, true, "/", true),
            (Role::Admin, true, "/api/v1/data", false),
            (Role::ReadWrite, false, "/api/v1/data", false),
            (Role::ReadWrite, true, "/login", false),
            (Role::ReadWrite, true, "/logout", false),
            (Role::ReadWrite, true, "/livez", false),
            (Role::ReadWrite, true, "/static/{*path}", false),
            // With e-mail and password it is a sign-in and comes without a credential.
            (Role::ReadWrite, true, "/api/v1/tokens", true),
        ] {
            assert_eq!(is_out(role, shut, template), out, "{role} {shut} {template}");
        }
    }
}
