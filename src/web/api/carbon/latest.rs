//! `GET /api/v1/carbon-intensity/latest`: how it is now.

use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer::{Asking, Items},
    intensity::{IntensityItem, Print},
    query::{Common, SeriesParams},
};
use crate::{
    app::App,
    db::feeds::{
        reads::{self, Slot},
        regions::{self, Series},
        snapshot::FeedSnapshot,
    },
    error::Result,
    web::parameters::{FromParameters, Parameters},
};

/// The route of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(latest))
}

/// What is asked.
struct Query(Common);

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = &Common::NAMES;

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        Common::read(p).map(Self)
    }
}

/// The newest slot of a region that has a value.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"region": "GB", "feed": "gb.intensity", "factor_set": "NESO",
    "start": "2025-01-15T11:30:00Z", "end": "2025-01-15T12:00:00Z", "generated": "141", "consumed": null,
    "marginal": null, "unit": "g/kWh", "quality": "measured", "rev": 1, "age_seconds": 1200, "late": false}))]
struct LatestItem {
    #[serde(flatten)]
    slot: IntensityItem,
    /// Since the slot ended.
    age_seconds: i64,
    /// Whether there should be a newer one: older than three slots and the feed's usual delay.
    late: bool,
}

/// Read the newest carbon intensity
///
/// Of each region, or of all where none is named, the newest slot with a known intensity of generation.
#[utoipa::path(
    get,
    path = "/api/v1/carbon-intensity/latest",
    tag = "carbon",
    params(SeriesParams),
    responses(
        (status = 200, description = "A slot for each region that has any.", body = Items<LatestItem>),
        (status = 304, description = "What If-None-Match names is still the answer."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_region`"),
    ),
)]
async fn latest(mut asking: Asking<Query>) -> Result<Response> {
    let common = &mut asking.query.0;
    if common.regions.is_empty() {
        let all = regions::list(&asking.app.pool, "", None, i64::MAX).await?;
        common.regions = all.into_iter().map(|region| region.region_id).collect();
    }
    let series = common.series(&asking.app, false).await?;
    let scopes: Vec<i32> = series.iter().flat_map(|one| one.scopes.clone()).collect();
    let mut snapshot = FeedSnapshot::begin(&asking.app.pool, &scopes, common.as_of).await?;
    let now = common.as_of.unwrap_or_else(|| asking.app.clock.now());
    let mut items = Vec::new();
    for one in &series {
        // With its quality beside it, one that is not plausible is shown, too.
        let newest = reads::newest(&mut snapshot, one, |slot| slot.values[0].is_some());
        if let Some(slot) = newest.await? {
            items.push(item(&asking.query.0, one, &slot, now));
        }
    }
    let known_at = snapshot.known_at;
    snapshot.finish().await?;
    asking.one(known_at, &Items { items, next: None })
}

fn item(common: &Common, series: &Series, slot: &Slot, now: DateTime<Utc>) -> LatestItem {
    let age = now - slot.end();
    let patience = TimeDelta::seconds(3 * i64::from(series.step_secs) + series.expected_lag);
    LatestItem {
        slot: Print::new(common, series).slot(slot),
        age_seconds: age.num_seconds(),
        late: age > patience,
    }
}
