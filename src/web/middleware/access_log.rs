//! One line and one measurement per request. The route's template stands for the path: neither
//! path, query, credential nor body is ever written.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use tracing::Instrument as _;

use super::request_id::RequestId;
use crate::{
    app::App,
    auth::{Principal, address},
    telemetry::REQUEST_DURATION,
};

pub(super) async fn record(State(app): State<App>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().as_str().to_owned();
    let route = match request.extensions().get::<MatchedPath>() {
        Some(path) => path.as_str().to_owned(),
        None => "(none)".to_owned(),
    };
    let id = request.extensions().get::<RequestId>().map(|id| id.0);
    let (parts, body) = request.into_parts();
    let client = address::of_request(&parts, &app.config.auth.trusted_proxies);
    let span = tracing::info_span!("request", id = id.map(tracing::field::display), method, route);
    let request = Request::from_parts(parts, body);
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    let elapsed = begun.elapsed();
    let user = response.extensions().get::<Principal>().map(|principal| principal.user_id);
    span.in_scope(|| {
        let user = user.map(tracing::field::display);
        tracing::info!(status, milliseconds = elapsed.as_millis(), %client, user, "answered");
    });
    let labels = [
        ("method", known_method(&method).to_owned()),
        ("route", route),
        ("status", status.to_string()),
    ];
    metrics::histogram!(REQUEST_DURATION, &labels).record(elapsed.as_secs_f64());
    response
}

/// A client may invent methods; numbers must not grow with them.
fn known_method(method: &str) -> &'static str {
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}
