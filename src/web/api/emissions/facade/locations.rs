//! `GET /locations`.

use axum::response::Response;
use serde_json::json;

use super::asked::{Caseless, nothing};
use crate::{
    db::feeds::regions,
    error::Result,
    web::parameters::{FromParameters, Parameters},
};

/// No parameter at all.
pub(super) struct Nothing;

impl FromParameters for Nothing {
    const NAMES: &'static [&'static str] = &[];

    fn from_parameters(_: &mut Parameters) -> Result<Self> {
        Ok(Self)
    }
}

/// Locations by name
///
/// Every region. Where it lies on a map is not known here.
#[utoipa::path(
    get,
    path = "/locations",
    tag = "carbon aware",
    responses(
        (status = 200, description = "The locations.", headers(
            ("X-Known-At" = String, description = "Up to when that is known, UTC."),
            ("ETag" = String, description = "Send it as If-None-Match to be told that nothing changed."),
        ), body = serde_json::Value, example = json!({
            "GB": {"name": "GB", "displayName": "Great Britain", "latitude": null, "longitude": null}
        })),
        (status = 304, description = "What If-None-Match names is still the answer."),
        (status = 204, description = "There is nothing."),
        (status = 400, description = "`unknown_parameter`"),
        (status = 401, description = "No valid credential."),
    ),
)]
pub(super) async fn locations(asked: Caseless<Nothing>) -> Result<Response> {
    let (app, known_at) = (&asked.app, asked.app.clock.now());
    let regions = regions::list(&app.pool, "", None, i64::MAX).await?;
    let entry = |region: regions::RegionRow| {
        let about = json!({ "name": region.region_id, "displayName": region.name,
            "latitude": null, "longitude": null });
        (region.region_id, about)
    };
    let all: serde_json::Map<_, _> = regions.into_iter().map(entry).collect();
    if all.is_empty() { nothing(known_at) } else { asked.seen.answer(known_at, &all, &all) }
}
