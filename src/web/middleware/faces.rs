//! The two faces of an error: a problem document with the request's id, and for a browser a page
//! with the same facts and a way on.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::{accept::wants_page, access::CLOSED, request_id::RequestId};
use crate::{
    auth::{CsrfToken, Principal},
    error::Problem,
    web::pages::{
        Page, PageUser,
        errors::{ErrorPage, Facts, MaintenancePage},
    },
};

pub(super) async fn show(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.to_string());
    let path = request.uri().path().to_owned();
    let page = wants_page(request.headers(), &path);
    let is_browser = page || request.headers().contains_key("sec-fetch-mode");
    let mut response = next.run(request).await;
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    if !is_error {
        return response;
    }
    let Some(mut problem) = problem_of(&response) else { return response };
    if is_browser {
        // A Basic challenge would make the browser ask for a password in a window of its own.
        response.headers_mut().remove(header::WWW_AUTHENTICATE);
        problem.headers.retain(|(name, _)| *name != header::WWW_AUTHENTICATE);
    }
    let problem = problem.with("instance", id.unwrap_or_default());
    let shown = if page { as_page(&response, &problem, path) } else { problem.into_response() };
    in_place_of(response, shown)
}

/// The problem of an answer. What a library refused in words of its own becomes one too; an error
/// that has a body of another kind (a report, a file) is left alone.
fn problem_of(response: &Response) -> Option<Problem> {
    if let Some(problem) = response.extensions().get::<Problem>() {
        return Some(problem.clone());
    }
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if kind.is_some_and(|kind| !kind.starts_with("text/plain")) {
        return None;
    }
    let status = response.status();
    Some(Problem::new(status, code_of(status), status.canonical_reason().unwrap_or("Error")))
}

fn code_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        StatusCode::REQUEST_TIMEOUT => "too_slow",
        status if status.is_server_error() => "internal",
        _ => "bad_request",
    }
}

fn as_page(response: &Response, problem: &Problem, path: String) -> Response {
    let user = response
        .extensions()
        .get::<Principal>()
        .map(|principal| PageUser { email: principal.email.clone(), role: principal.role });
    let csrf = response.extensions().get::<CsrfToken>().map(|token| token.0.clone());
    let facts = Facts::of(problem, &path);
    if problem.code == CLOSED {
        let email = user.map(|user| user.email).unwrap_or_default();
        let page = MaintenancePage::new(csrf.unwrap_or_default(), email, problem.detail.clone());
        return (problem.status, page).into_response();
    }
    let page = Page { title: facts.title.clone(), user, csrf: csrf.unwrap_or_default(), path };
    (problem.status, ErrorPage { page, facts }).into_response()
}

/// The new face with what the old one had beside its body.
fn in_place_of(old: Response, mut shown: Response) -> Response {
    keep_headers(&old, shown.headers_mut());
    *shown.extensions_mut() = old.into_parts().0.extensions;
    shown
}

/// Headers such as `Retry-After`, `Allow` and `Set-Cookie` stay; those of the body do not.
fn keep_headers(from: &Response, to: &mut HeaderMap) {
    for (name, value) in from.headers() {
        let of_body = *name == header::CONTENT_TYPE || *name == header::CONTENT_LENGTH;
        if !of_body && (!to.contains_key(name) || *name == header::SET_COOKIE) {
            to.append(name, value.clone());
        }
    }
}
