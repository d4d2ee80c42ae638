//! `/api/v1/feeds`: what is polled, how it fares, what upstreams answered, and what can be asked of it.

mod backfill;
mod fetches;
mod gaps;
mod list;
mod one;
mod pause;
mod run;
mod runs;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// The calls of these files.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(backfill::routes())
        .merge(fetches::routes())
        .merge(gaps::routes())
        .merge(list::routes())
        .merge(one::routes())
        .merge(pause::routes())
        .merge(run::routes())
        .merge(runs::routes())
}
