//! `GET /emissions/average-carbon-intensity`.

use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    super::super::{
        carbon::{
            answer::digits,
            query::{Numbers, window},
        },
        listing::required,
    },
    asked::{Caseless, Digits, nothing, series_of, snapshot_of},
};
use crate::{
    domain::feed::{IntensityUnit, Window},
    error::Result,
    extractors::words::Instant,
    feeds::read::{averages, report::stamp},
    web::parameters::{FromParameters, Parameters},
};

/// Where and over what.
pub(super) struct Span {
    location: String,
    window: Window,
}

impl FromParameters for Span {
    const NAMES: &'static [&'static str] = &["location", "starttime", "endtime"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let location = p.text("location")?.ok_or_else(|| required("location"))?;
        let start = p.value::<Instant>("starttime")?.ok_or_else(|| required("startTime"))?;
        let end = p.value::<Instant>("endtime")?.ok_or_else(|| required("endTime"))?;
        Ok(Self { location, window: window(("startTime", start.0), end.0)? })
    }
}

/// The mean of a location.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"location": "GB", "startTime": "2025-01-15T01:15:00Z",
    "endTime": "2025-01-15T02:40:00Z", "carbonIntensity": 180.117_647_059}))]
struct AwareAverage {
    /// Where.
    location: String,
    /// First instant.
    start_time: String,
    /// The instant after the last one.
    end_time: String,
    /// g/kWh, weighted by time.
    #[schema(value_type = f64)]
    carbon_intensity: Digits,
}

/// Average carbon intensity of a location
///
/// The mean over exactly the range, weighted by time.
#[utoipa::path(
    get,
    path = "/emissions/average-carbon-intensity",
    tag = "carbon aware",
    params(
        ("location" = String, Query, description = "A region by id or by a provider's code.", example = "GB"),
        ("startTime" = String, Query, description = "First instant.", example = "2025-01-15T01:15:00Z"),
        ("endTime" = String, Query, description = "The instant after the last one.", example = "2025-01-15T02:40:00Z"),
    ),
    responses(
        (status = 200, description = "The mean.", body = AwareAverage, headers(
            ("X-Known-At" = String, description = "Up to when that is known, UTC."),
            ("ETag" = String, description = "Send it as If-None-Match to be told that nothing changed."),
        )),
        (status = 304, description = "What If-None-Match names is still the answer."),
        (status = 204, description = "Nothing is known of the range."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_region`"),
    ),
)]
pub(super) async fn average(asked: Caseless<Span>) -> Result<Response> {
    let Caseless { query: Span { location, window }, app, seen, .. } = asked;
    let series = series_of(&app, &[location], false).await?;
    let mut snapshot = snapshot_of(&app, &series).await?;
    let known_at = snapshot.known_at;
    let mut mean = None;
    if let Some(series) = series.first() {
        let means = averages(&mut snapshot, series, window, IntensityUnit::GPerKwh).await?;
        mean = means[app.config.feeds.facade_metric as usize].value;
    }
    snapshot.finish().await?;
    let (Some(mean), Some(series)) = (mean, series.first()) else {
        return nothing(known_at);
    };
    let item = AwareAverage {
        location: series.region_id.clone(),
        start_time: stamp(window.from()),
        end_time: stamp(window.to()),
        carbon_intensity: digits(Some(mean), Numbers::Float),
    };
    seen.answer(known_at, &item, &item)
}
