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
pub mod server;

use axum::Router;

use crate::app::App;

/// Every route of the server.
pub fn router(app: App) -> Router {
    let (api, openapi) = api::routes().split_for_parts();
    let routes = Router::new()
        .merge(api)
        .merge(assets::routes())
        .merge(docs::routes(docs::complete(openapi)))
        .merge(pages::routes());
    middleware::layers(routes, &app).with_state(app)
}

/// The description of the REST interface.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    docs::complete(api::routes().split_for_parts().1)
}
