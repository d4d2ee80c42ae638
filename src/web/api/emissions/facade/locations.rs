//! `GET /locations`.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use super::asked::Caseless;
use crate::{
    app::App,
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
        (status = 200, description = "The locations.", body = serde_json::Value, example = json!({
            "GB": {"name": "GB", "displayName": "Great Britain", "latitude": null, "longitude": null}
        })),
        (status = 204, description = "There is nothing."),
        (status = 400, description = "`unknown_parameter`"),
        (status = 401, description = "No valid credential."),
    ),
)]
pub(super) async fn locations(State(app): State<App>, _: Caseless<Nothing>) -> Result<Response> {
    let regions = regions::list(&app.pool, "", None, i64::MAX).await?;
    let entry = |region: regions::RegionRow| {
        let about = json!({ "name": region.region_id, "displayName": region.name,
            "latitude": null, "longitude": null });
        (region.region_id, about)
    };
    let all: serde_json::Map<_, _> = regions.into_iter().map(entry).collect();
    Ok(match all.is_empty() {
        true => StatusCode::NO_CONTENT.into_response(),
        false => Json(all).into_response(),
    })
}
