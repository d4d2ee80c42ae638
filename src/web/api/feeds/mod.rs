//! `/api/v1/feeds`: what is polled, how far it came, and what upstreams answered.

mod fetches;
mod runs;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(fetches::routes()).merge(runs::routes())
}
