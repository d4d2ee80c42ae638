//! HTTP: pages for people, an API for programs, one file per page or endpoint.

pub mod api;
pub mod assets;
pub mod body;
pub mod docs;
pub mod middleware;
pub mod ops;
pub mod pages;
pub mod paging;
pub mod parameters;

use axum::Router;

use crate::app::App;

/// Every route of the server.
pub fn router(app: App) -> Router {
    let (api, openapi) = api::routes().split_for_parts();
    let routes = Router::new()
        .merge(api)
        .merge(assets::routes())
        .merge(docs::routes(docs::for_app(openapi, &app)))
        .merge(pages::routes());
    middleware::layers(routes, &app).with_state(app)
}
