//! `GET /emissions/bylocation`, `.../bylocations` and `.../bylocations/best`.

use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt as _;
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    super::super::{
        carbon::{
            answer::digits,
            query::{Numbers, window},
        },
        listing::required,
    },
    asked::{Caseless, Digits, series_of, snapshot_of},
};
use crate::{
    app::App,
    db::feeds::{
        reads::{self, Slot},
        regions::Series,
        snapshot::FeedSnapshot,
    },
    domain::feed::{IntensityUnit, Metric, Window},
    error::{Problem, Result},
    extractors::words::Instant,
    feeds::read::{average::reaching, report::stamp},
    web::parameters::{FromParameters, Parameters},
};

/// The longest range of one call: arrays have no pages. `GET /api/v1/carbon-intensity` has.
const LONGEST: TimeDelta = TimeDelta::days(92);

/// The most slots of one call, of all its places together: an array is held as a whole.
const MOST: i64 = 50_000;

/// Where and when.
pub(super) struct Places {
    locations: Vec<String>,
    time: Option<DateTime<Utc>>,
    to_time: Option<DateTime<Utc>>,
}

impl FromParameters for Places {
    const NAMES: &'static [&'static str] = &["location", "time", "totime"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let locations = p.texts("location");
        let time = p.value::<Instant>("time")?.map(|at| at.0);
        let to_time = p.value::<Instant>("totime")?.map(|at| at.0);
        match (time, to_time) {
            _ if locations.is_empty() => Err(required("location")),
            (None, Some(_)) => Err(required("time")),
            (time, to_time) => Ok(Self { locations, time, to_time }),
        }
    }
}

impl Places {
    fn one(self) -> Result<Self> {
        match self.locations.len() {
            1 => Ok(self),
            _ => Err(Problem::bad_parameter(
                "location",
                &self.locations.join(", "),
                "name one location",
            )),
        }
    }

    /// What is asked of each place; none: the slot that holds an instant, or the newest.
    fn window(&self) -> Result<Option<Window>> {
        let (Some(time), Some(to_time)) = (self.time, self.to_time) else { return Ok(None) };
        let window = window(("time", time), to_time)?;
        if window.length() > LONGEST {
            let wanted =
                "one call gives 92 days at the most; GET /api/v1/carbon-intensity gives pages";
            return Err(Problem::bad_parameter("toTime", &to_time.to_rfc3339(), wanted));
        }
        Ok(Some(window))
    }
}

/// Places as the documentation shows them; [`Places`] reads them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "read by utoipa only")]
struct PlaceParams {
    /// A region by id or by a provider's code; several where the path says locations.
    #[param(example = json!(["GB"]))]
    location: Vec<String>,
    /// First instant; alone: the slot that holds it. Without it the newest slot.
    #[param(example = "2025-01-15T00:00:00Z")]
    time: Option<String>,
    /// The instant after the last one.
    #[param(example = "2025-01-15T01:00:00Z")]
    to_time: Option<String>,
}

/// The emissions of one slot.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"location": "GB", "time": "2025-01-15T00:00:00Z", "rating": 150, "duration": "00:30:00"}))]
struct EmissionsItem {
    /// Where.
    location: String,
    /// Start of the slot.
    time: String,
    /// g/kWh.
    #[schema(value_type = f64)]
    rating: Digits,
    /// Length of the slot, `HH:MM:SS`.
    duration: String,
    #[serde(skip)]
    value: Decimal,
}

/// The slots of places whose intensity is known, and up to when that is known.
async fn slots(app: &App, places: &Places) -> Result<(DateTime<Utc>, Vec<EmissionsItem>)> {
    let (window, metric) = (places.window()?, app.config.feeds.facade_metric);
    let series = series_of(app, &places.locations, false).await?;
    if let Some(window) = window {
        check_room(&series, window)?;
    }
    let mut snapshot = snapshot_of(app, &series).await?;
    let mut items = Vec::new();
    for one in &series {
        let slots: Vec<Slot> = match (window, places.time) {
            (Some(window), _) => reads::slots(&mut snapshot, one, window).try_collect().await?,
            (None, None) => {
                let counts = |slot: &Slot| value(slot, metric).is_some();
                reads::newest(&mut snapshot, one, counts).await?.into_iter().collect()
            }
            (None, Some(time)) => holding(&mut snapshot, one, time).await?.into_iter().collect(),
        };
        items.extend(slots.iter().filter_map(|slot| item(one, slot, metric)));
    }
    let known_at = snapshot.known_at;
    snapshot.finish().await?;
    Ok((known_at, items))
}

fn check_room(series: &[Series], window: Window) -> Result<()> {
    let slots_of = |one: &Series| window.length().num_seconds() / i64::from(one.step_secs.max(1));
    let slots: i64 = series.iter().map(slots_of).sum();
    if slots <= MOST {
        return Ok(());
    }
    let wanted = format!(
        "the range has {slots} slots of these locations, and one call gives {MOST} at the most: ask for a shorter \
         range or fewer locations; GET /api/v1/carbon-intensity gives pages"
    );
    Err(Problem::bad_parameter("toTime", &window.to().to_rfc3339(), wanted))
}

/// The slot that holds an instant.
async fn holding(
    snapshot: &mut FeedSnapshot,
    series: &Series,
    time: DateTime<Utc>,
) -> Result<Option<Slot>> {
    let Ok(moment) = Window::new(time, time + TimeDelta::microseconds(1)) else { return Ok(None) };
    let slots: Vec<Slot> = reads::slots(snapshot, series, reaching(moment)).try_collect().await?;
    Ok(slots.into_iter().rfind(|slot| slot.end() > time))
}

fn value(slot: &Slot, metric: Metric) -> Option<Decimal> {
    slot.plausible(metric, IntensityUnit::GPerKwh)
}

fn item(series: &Series, slot: &Slot, metric: Metric) -> Option<EmissionsItem> {
    let value = value(slot, metric)?;
    Some(EmissionsItem {
        location: series.region_id.clone(),
        time: stamp(slot.start),
        rating: digits(Some(value), Numbers::Float),
        duration: clock_face(slot.secs),
        value,
    })
}

/// `HH:MM:SS`; days stand before the hours, as .NET writes spans of time.
fn clock_face(secs: i32) -> String {
    let (days, secs) = (secs / 86_400, secs % 86_400);
    let time = format!("{:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60);
    if days > 0 { format!("{days}.{time}") } else { time }
}

/// Emissions of a location
///
/// As the Carbon Aware SDK has it: each slot that begins in the range, in g/kWh.
#[utoipa::path(
    get,
    path = "/emissions/bylocation",
    tag = "carbon aware",
    params(PlaceParams),
    responses(
        (status = 200, description = "The slots.", body = Vec<EmissionsItem>, headers(
            ("X-Known-At" = String, description = "Up to when that is known, UTC."),
            ("ETag" = String, description = "Send it as If-None-Match to be told that nothing changed."),
        )),
        (status = 304, description = "What If-None-Match names is still the answer."),
        (status = 204, description = "There is nothing."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_region`"),
    ),
)]
pub(super) async fn by_location(asked: Caseless<Places>) -> Result<Response> {
    let Caseless { query: places, app, seen, .. } = asked;
    let (known_at, items) = slots(&app, &places.one()?).await?;
    seen.array(known_at, &items)
}

/// Emissions of several locations
#[utoipa::path(
    get,
    path = "/emissions/bylocations",
    tag = "carbon aware",
    params(PlaceParams),
    responses(
        (status = 200, description = "The slots of all of them.", body = Vec<EmissionsItem>, headers(
            ("X-Known-At" = String, description = "Up to when that is known, UTC."),
            ("ETag" = String, description = "Send it as If-None-Match to be told that nothing changed."),
        )),
        (status = 304, description = "What If-None-Match names is still the answer."),
        (status = 204, description = "There is nothing."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_region`"),
    ),
)]
pub(super) async fn by_locations(asked: Caseless<Places>) -> Result<Response> {
    let (known_at, items) = slots(&asked.app, &asked.query).await?;
    asked.seen.array(known_at, &items)
}

/// The best slots of several locations
///
/// Those with the lowest rating: several where they are equal.
#[utoipa::path(
    get,
    path = "/emissions/bylocations/best",
    tag = "carbon aware",
    params(PlaceParams),
    responses(
        (status = 200, description = "The slots with the lowest rating.", body = Vec<EmissionsItem>, headers(
            ("X-Known-At" = String, description = "Up to when that is known, UTC."),
            ("ETag" = String, description = "Send it as If-None-Match to be told that nothing changed."),
        )),
        (status = 304, description = "What If-None-Match names is still the answer."),
        (status = 204, description = "There is nothing."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_region`"),
    ),
)]
pub(super) async fn best(asked: Caseless<Places>) -> Result<Response> {
    let (known_at, mut items) = slots(&asked.app, &asked.query).await?;
    let lowest = items.iter().map(|item| item.value).min();
    items.retain(|item| Some(item.value) == lowest);
    asked.seen.array(known_at, &items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_are_written_as_the_sdk_reads_them() {
        for (secs, face) in
            [(300, "00:05:00"), (1800, "00:30:00"), (3600, "01:00:00"), (90_061, "1.01:01:01")]
        {
            assert_eq!(clock_face(secs), face);
        }
    }
}
