//! Who is asking: one principal from exactly one credential, found once.
//!
//! With an `Authorization` header the cookies are taken away before anything looks at them, so a
//! call with a token never touches a session and a bad token never falls back to one.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use tower_sessions::Session;

use crate::{
    app::App,
    auth::{CsrfToken, Principal, Secret, session, token},
    error::{Problem, Result},
};

/// Assets and health checks have no use for an identity and must work without a database.
fn needs_nobody(path: &str) -> bool {
    ["/livez", "/readyz", "/metrics", "/favicon.ico"].contains(&path)
        || path.starts_with("/static/")
        || path.starts_with("/apidocs/")
}

pub(super) async fn by_token(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if needs_nobody(request.uri().path()) {
        request.headers_mut().remove(header::AUTHORIZATION);
        request.headers_mut().remove(header::COOKIE);
        return next.run(request).await;
    }
    match sent_token(request.headers()) {
        Ok(None) => next.run(request).await,
        Ok(Some(token)) => {
            request.headers_mut().remove(header::COOKIE);
            let (parts, body) = request.into_parts();
            match owner(&app, &parts, &token).await {
                Ok(principal) => run_as(principal, Request::from_parts(parts, body), next).await,
                Err(problem) => problem.into_response(),
            }
        }
        Err(problem) => problem.into_response(),
    }
}

pub(super) async fn by_session(mut request: Request, next: Next) -> Response {
    let session = request.extensions().get::<Session>().filter(|session| session.id().is_some());
    let Some(session) = session.cloned() else { return next.run(request).await };
    match session::principal(&session).await {
        Ok(None) => next.run(request).await,
        Ok(Some((principal, csrf))) => {
            request.extensions_mut().insert(csrf.clone());
            let mut response = run_as(principal, request, next).await;
            response.extensions_mut().insert::<CsrfToken>(csrf);
            response
        }
        Err(problem) => problem.into_response(),
    }
}

/// The answer carries the principal too, for the log and for error pages.
async fn run_as(principal: Principal, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(principal.clone());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(principal);
    response
}

async fn owner(app: &App, parts: &Parts, token: &Secret) -> Result<Principal> {
    token::principal(app, parts, token).await?.ok_or_else(|| {
        Problem::unauthenticated(
            "The token is unknown, expired or revoked. POST /api/v1/tokens makes a new one.",
        )
    })
}

/// The token of the `Authorization` header. 400 for two headers and for one that cannot be read.
fn sent_token(headers: &HeaderMap) -> Result<Option<Secret>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(bad_authorization("There are two Authorization headers; send one."));
    }
    let parsed = value.to_str().ok().and_then(|text| {
        let (scheme, rest) = text.split_once(' ')?;
        let rest = rest.trim();
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" if !rest.is_empty() && !rest.contains(' ') => Some(Secret::new(rest)),
            "basic" => basic_password(rest),
            _ => None,
        }
    });
    parsed.map(Some).ok_or_else(|| {
        bad_authorization(
            "The Authorization header cannot be read; send Bearer TOKEN, or Basic with the token \
             as password.",
        )
    })
}

/// The password of HTTP Basic, whoever the user is said to be.
fn basic_password(encoded: &str) -> Option<Secret> {
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| Secret::new(password))
}

fn bad_authorization(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad_authorization", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(values: &[&'static str]) -> Result<Option<String>, &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        let token = sent_token(&headers).map_err(|problem| problem.code)?;
        Ok(token.map(|token| token.expose().to_owned()))
    }

    #[test]
    fn exactly_one_credential() {
        assert_eq!(sent(&[]), Ok(None));
        assert_eq!(sent(&["Bearer tpk_a"]), Ok(Some("tpk_a".to_owned())));
        assert_eq!(sent(&["bearer tpk_a"]), Ok(Some("tpk_a".to_owned())));
        // ann:tpk_a
        assert_eq!(sent(&["Basic YW5uOnRwa19h"]), Ok(Some("tpk_a".to_owned())));
        for bad in
            ["tpk_a", "Bearer", "Bearer ", "Bearer a b", "Basic !", "Basic YW5u", "Digest a=b"]
        {
            assert_eq!(sent(&[bad]), Err("bad_authorization"), "{bad:?}");
        }
        assert_eq!(sent(&["Bearer tpk_a", "Bearer tpk_a"]), Err("bad_authorization"));
    }
}
