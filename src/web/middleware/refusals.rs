//! What was refused to somebody who is signed in: one row for each 403.
//!
//! Nothing was changed, so there is no transaction to be part of, and the refusal stands whether or
//! not it can be written down. A stranger has no name to be written under, and is refused cheaply.

use axum::{
    extract::{MatchedPath, Request, State},
    http::StatusCode,
    middleware::Next,
    response::Response,
};
use serde_json::json;

use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    auth::Principal,
};

pub(super) async fn record(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let (parts, body) = request.into_parts();
    let stranger = Actor::of(&parts, &app);
    let method = parts.method.clone();
    let response = next.run(Request::from_parts(parts, body)).await;
    let principal = response.extensions().get::<Principal>();
    if let (StatusCode::FORBIDDEN, Some(principal)) = (response.status(), principal) {
        let route = route.as_ref().map_or("(none)", MatchedPath::as_str);
        let detail = json!({ "method": method.as_str(), "answer": 403 });
        let act = Act::refused(Action::AccessRefused).to("route", route).with(detail);
        if let Err(error) = audit::note(&app, &stranger.signed_in(principal), act).await {
            tracing::warn!(%error, "a refusal could not be written down");
        }
    }
    response
}
