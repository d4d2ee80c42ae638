//! `/emissions/...`: reports of a region, and the interface of the Carbon Aware SDK.

mod facade;
mod region;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// The routes of this folder.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(facade::routes()).merge(region::routes())
}
