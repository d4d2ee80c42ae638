//! `GET /api/v1/carbon-intensity` and what belongs to it: the reads of feeds.

pub mod answer;
mod average;
mod best_window;
mod duration;
mod factor_sets;
mod forecast;
mod fuel_mix;
mod intensity;
mod latest;
pub mod query;
pub mod whole;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// The routes of this folder.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(average::routes())
        .merge(best_window::routes())
        .merge(factor_sets::routes())
        .merge(forecast::routes())
        .merge(fuel_mix::routes())
        .merge(intensity::routes())
        .merge(latest::routes())
}
