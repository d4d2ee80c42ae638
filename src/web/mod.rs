//! HTTP: pages for people, an API for programs, one file per page or endpoint.

pub mod api;
pub mod ops;
pub mod pages;
pub mod parameters;

use axum::Router;

use crate::app::App;

/// Every route of the server.
pub fn router(app: App) -> Router {
    let (api, _openapi) = api::routes().split_for_parts();
    Router::new().merge(api).merge(pages::routes()).with_state(app)
}
