//! Refuses state changes that another site made the browser send: its `Origin` must be ours, and
//! under a cookie the form or the header must carry the session's token as well.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, Method, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::{BODY_LIMIT, first_part};
use crate::{
    auth::{Credential, CsrfToken, Principal},
    error::{Problem, Result},
    web::body,
};

/// The header that carries the token; in a form it is the field [`FIELD`].
pub const HEADER: &str = "x-csrf-token";
/// The field of a form that carries the token. In a multipart form it must come first.
pub const FIELD: &str = "csrf_token";

pub(super) async fn refuse_forgery(request: Request, next: Next) -> Response {
    match check(request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn check(request: Request) -> Result<Request> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let credential = request.extensions().get::<Principal>().map(|principal| principal.credential);
    if reads || matches!(credential, Some(Credential::Token(_))) {
        return Ok(request);
    }
    if !is_ours(request.headers(), request.uri()) {
        return Err(Problem::forbidden(
            "The request came from another site. If there is a proxy in front of this server, it \
             must pass on the header Host.",
        ));
    }
    match request.extensions().get::<CsrfToken>().cloned() {
        Some(token) if !has_own_token(request.uri().path()) => with_token(request, &token).await,
        _ => Ok(request),
    }
}

/// The forms of those who are not signed in have a token of their own, which their handlers check.
fn has_own_token(path: &str) -> bool {
    ["/login", "/forgot"].contains(&path) || path.starts_with("/link/")
}

/// What the browser says of where the request is from. Whoever says nothing is no browser.
#[must_use]
pub fn is_ours(headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(origin) = text(header::ORIGIN.as_str()) {
        let host = text(header::HOST.as_str()).or_else(|| uri.authority().map(Authority::as_str));
        let origin = origin.split_once("://").map(|(_, authority)| authority);
        return origin.is_some() && origin == host;
    }
    text("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none")
}

async fn with_token(request: Request, token: &CsrfToken) -> Result<Request> {
    if let Some(sent) = request.headers().get(HEADER) {
        let sent = sent.to_str().ok().map(str::to_owned);
        return accept(request, token, sent);
    }
    let content_type = request.headers().get(header::CONTENT_TYPE).cloned();
    let content_type = content_type.as_ref().and_then(|value| value.to_str().ok()).unwrap_or("");
    let (parts, body) = request.into_parts();
    if content_type.starts_with("application/x-www-form-urlencoded") {
        let bytes = body::read(body, BODY_LIMIT).await?;
        let mut sent = form_urlencoded::parse(&bytes).filter(|(name, _)| name == FIELD);
        let sent = sent.next().map(|(_, value)| value.into_owned());
        return accept(Request::from_parts(parts, Body::from(bytes)), token, sent);
    }
    if content_type.starts_with("multipart/form-data") {
        let (sent, body) = first_part::peek(body, FIELD).await?;
        return accept(Request::from_parts(parts, body), token, sent);
    }
    Err(refused())
}

fn accept(request: Request, token: &CsrfToken, sent: Option<String>) -> Result<Request> {
    match sent {
        Some(sent) if token.is(&sent) => Ok(request),
        _ => Err(refused()),
    }
}

/// 403 `csrf`.
#[must_use]
pub fn refused() -> Problem {
    Problem {
        code: "csrf",
        ..Problem::forbidden(
            "The form is too old or was not made by this server. Go back, load the page again and \
             repeat. A script with a cookie sends the page's token in the header X-CSRF-Token.",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            (header::HeaderName::from_static(name), header::HeaderValue::from_static(value))
        });
        is_ours(&headers.collect(), &Uri::from_static("/logout"))
    }

    #[test]
    fn origins() {
        assert!(ours(&[("host", "a:1"), ("origin", "http://a:1")]));
        assert!(ours(&[("host", "a:1")]));
        assert!(!ours(&[("host", "a:1"), ("origin", "http://a:2")]));
        assert!(!ours(&[("host", "a:1"), ("origin", "null")]));
        assert!(!ours(&[("host", "a:1"), ("origin", "http://evil")]));
        assert!(!ours(&[("host", "a:1"), ("sec-fetch-site", "cross-site")]));
        assert!(!ours(&[("host", "a:1"), ("sec-fetch-site", "same-site")]));
        assert!(ours(&[("host", "a:1"), ("sec-fetch-site", "same-origin")]));
    }
}
