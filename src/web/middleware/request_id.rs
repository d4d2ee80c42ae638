//! The id by which a user can tell the administrator which request they mean.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use uuid::Uuid;

use crate::app::App;

/// The id of a request, in its extensions. Always our own: one that a client sends is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(pub Uuid);

/// The header that tells it.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

pub(super) async fn give(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = app.clock.new_id();
    request.headers_mut().remove(HEADER);
    request.extensions_mut().insert(RequestId(id));
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
