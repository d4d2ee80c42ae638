//! The interface of the Carbon Aware SDK, for programs that know it: `/emissions/...` and `/locations`,
//! and the same below `/api/v1`. Values are g/kWh and always JSON numbers; names of parameters have no case.
//! Slots that are not plausible are left out: no quality stands beside a value.

mod asked;
mod average;
mod forecasts;
mod locations;
mod slots;

use axum::routing::get;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

/// The routes of this folder: each below `/api/v1`, too.
pub(super) fn routes() -> OpenApiRouter<App> {
    let mut router = OpenApiRouter::new()
        .routes(routes!(slots::by_location))
        .routes(routes!(slots::by_locations))
        .routes(routes!(slots::best))
        .routes(routes!(average::average))
        .routes(routes!(forecasts::forecasts))
        .routes(routes!(locations::locations));
    let paths = &mut router.get_openapi_mut().paths.paths;
    let twins: Vec<_> =
        paths.iter().map(|(path, item)| (format!("/api/v1{path}"), item.clone())).collect();
    for (path, mut item) in twins {
        if let Some(operation) = &mut item.get
            && let Some(id) = &mut operation.operation_id
        {
            id.push_str("_v1");
        }
        paths.insert(path, item);
    }
    router
        .route("/api/v1/emissions/bylocation", get(slots::by_location))
        .route("/api/v1/emissions/bylocations", get(slots::by_locations))
        .route("/api/v1/emissions/bylocations/best", get(slots::best))
        .route("/api/v1/emissions/average-carbon-intensity", get(average::average))
        .route("/api/v1/emissions/forecasts/current", get(forecasts::forecasts))
        .route("/api/v1/locations", get(locations::locations))
}
