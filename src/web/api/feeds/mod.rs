//! `/api/v1/feeds`: what is polled, how it fares, and what can be asked of it.

mod backfill;
mod gaps;
mod list;
mod one;
mod pause;
mod run;
//! `/api/v1/feeds`: what is polled, how far it came, and what upstreams answered.

mod fetches;
mod runs;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// The calls of these files.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(backfill::routes())
        .merge(gaps::routes())
        .merge(list::routes())
        .merge(one::routes())
        .merge(pause::routes())
        .merge(run::routes())
/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(fetches::routes()).merge(runs::routes())
}
