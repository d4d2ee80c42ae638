//! The interface of the Carbon Aware SDK, for programs that know it: `/emissions/...` and `/locations`,
//! and the same below `/api/v1`. Values are g/kWh and always JSON numbers; names of parameters have no case.

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
    routing::get,
};
use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt as _;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{json, value::RawValue};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{
    carbon::{
        answer::digits,
        query::{Numbers, named, window},
    },
    listing::{known_at_headers, required},
};
use crate::{
    app::App,
    auth::{Principal, SignedIn},
    db::feeds::{
        reads::{self, ForecastSlot, Issue, Slot},
        regions::{self, Choice, Series},
        snapshot::FeedSnapshot,
    },
    domain::feed::{IntensityUnit, Mean, Metric, Window},
    error::{Problem, Result},
    extractors::words::Instant,
    feeds::read::{average::reaching, averages, report::stamp},
    web::parameters::{FromParameters, Parameters},
};

/// The routes of this file: each below `/api/v1`, too.
pub(super) fn routes() -> OpenApiRouter<App> {
    let mut router = OpenApiRouter::new()
        .routes(routes!(by_location))
        .routes(routes!(by_locations))
        .routes(routes!(best))
        .routes(routes!(average))
        .routes(routes!(forecasts))
        .routes(routes!(locations));
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
        .route("/api/v1/emissions/bylocation", get(by_location))
        .route("/api/v1/emissions/bylocations", get(by_locations))
        .route("/api/v1/emissions/bylocations/best", get(best))
        .route("/api/v1/emissions/average-carbon-intensity", get(average))
        .route("/api/v1/emissions/forecasts/current", get(forecasts))
        .route("/api/v1/locations", get(locations))
}

/// The longest range of one call: arrays have no pages. `GET /api/v1/carbon-intensity` has.
const LONGEST: TimeDelta = TimeDelta::days(92);

/// A request whose parameters have no case.
struct Caseless<Q> {
    query: Q,
    app: App,
    _who: Principal,
}

impl<Q: FromParameters> FromRequestParts<App> for Caseless<Q> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let SignedIn(who) = SignedIn::from_request_parts(parts, app).await?;
        let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let lower = pairs.map(|(name, value)| (name.to_lowercase(), value));
        let lower = form_urlencoded::Serializer::new(String::new()).extend_pairs(lower).finish();
        let mut parameters = Parameters::of_query(Some(&lower), Q::NAMES)?;
        let query = Q::from_parameters(&mut parameters)?;
        Ok(Self { query, app: app.clone(), _who: who })
    }
}

/// Where and when.
struct Places {
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

type Digits = Option<Box<RawValue>>;

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

/// Which series of places.
async fn series_of(app: &App, locations: &[String], forecast: bool) -> Result<Vec<Series>> {
    let choice = Choice { regions: named(app, locations).await?, forecast, ..Choice::default() };
    Ok(regions::series(&app.pool, &choice).await?)
}

async fn snapshot_of(app: &App, series: &[Series]) -> Result<FeedSnapshot> {
    let scopes: Vec<i32> = series.iter().flat_map(|one| one.scopes.clone()).collect();
    Ok(FeedSnapshot::begin(&app.pool, &scopes, None).await?)
}

/// The slots of places whose intensity is known, and up to when that is known.
async fn slots(app: &App, places: &Places) -> Result<(DateTime<Utc>, Vec<EmissionsItem>)> {
    let (window, metric) = (places.window()?, app.config.feeds.facade_metric);
    let series = series_of(app, &places.locations, false).await?;
    let mut snapshot = snapshot_of(app, &series).await?;
    let mut items = Vec::new();
    for one in &series {
        let slots: Vec<Slot> = match (window, places.time) {
            (Some(window), _) => reads::slots(&mut snapshot, one, window).try_collect().await?,
            (None, None) => reads::newest(&mut snapshot, one).await?.into_iter().collect(),
            (None, Some(time)) => holding(&mut snapshot, one, time).await?.into_iter().collect(),
        };
        items.extend(slots.iter().filter_map(|slot| item(one, slot, metric)));
    }
    let known_at = snapshot.known_at;
    snapshot.finish().await?;
    Ok((known_at, items))
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

fn item(series: &Series, slot: &Slot, metric: Metric) -> Option<EmissionsItem> {
    let value = slot.value(metric, IntensityUnit::GPerKwh)?;
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

/// An array; 204 where it is empty.
fn array<T: Serialize>(known_at: DateTime<Utc>, items: &[T]) -> Result<Response> {
    let headers = known_at_headers(known_at)?;
    Ok(match items.is_empty() {
        true => (StatusCode::NO_CONTENT, headers).into_response(),
        false => (headers, Json(items)).into_response(),
    })
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
        (status = 200, description = "The slots.", body = Vec<EmissionsItem>),
        (status = 204, description = "There is nothing."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_region`"),
    ),
)]
async fn by_location(asked: Caseless<Places>) -> Result<Response> {
    let places = asked.query.one()?;
    let (known_at, items) = slots(&asked.app, &places).await?;
    array(known_at, &items)
}

/// Emissions of several locations
#[utoipa::path(
    get,
    path = "/emissions/bylocations",
    tag = "carbon aware",
    params(PlaceParams),
    responses(
        (status = 200, description = "The slots of all of them.", body = Vec<EmissionsItem>),
        (status = 204, description = "There is nothing."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_region`"),
    ),
)]
async fn by_locations(asked: Caseless<Places>) -> Result<Response> {
    let (known_at, items) = slots(&asked.app, &asked.query).await?;
    array(known_at, &items)
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
        (status = 200, description = "The slots with the lowest rating.", body = Vec<EmissionsItem>),
        (status = 204, description = "There is nothing."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_region`"),
    ),
)]
async fn best(asked: Caseless<Places>) -> Result<Response> {
    let (known_at, mut items) = slots(&asked.app, &asked.query).await?;
    let lowest = items.iter().map(|item| item.value).min();
    items.retain(|item| Some(item.value) == lowest);
    array(known_at, &items)
}

/// Where and over what.
struct Span {
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
        (status = 200, description = "The mean.", body = AwareAverage),
        (status = 204, description = "Nothing is known of the range."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_region`"),
    ),
)]
async fn average(asked: Caseless<Span>) -> Result<Response> {
    let (Span { location, window }, app) = (asked.query, asked.app);
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
        return array::<()>(known_at, &[]);
    };
    let item = AwareAverage {
        location: series.region_id.clone(),
        start_time: stamp(window.from()),
        end_time: stamp(window.to()),
        carbon_intensity: digits(Some(mean), Numbers::Float),
    };
    Ok((known_at_headers(known_at)?, Json(item)).into_response())
}

/// Which forecasts.
struct Ahead {
    locations: Vec<String>,
    start: Option<DateTime<Utc>>,
    end: Option<DateTime<Utc>>,
    minutes: Option<u32>,
}

impl FromParameters for Ahead {
    const NAMES: &'static [&'static str] = &["location", "datastartat", "dataendat", "windowsize"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let locations = p.texts("location");
        let start = p.value::<Instant>("datastartat")?.map(|at| at.0);
        let end = p.value::<Instant>("dataendat")?.map(|at| at.0);
        if let (Some(start), Some(end)) = (start, end) {
            window(("dataStartAt", start), end)?;
        }
        let minutes: Option<u32> = p.value("windowsize")?;
        match minutes {
            _ if locations.is_empty() => Err(required("location")),
            Some(none @ (0 | 527_041..)) => {
                let wanted = "give minutes, from 1 to a year of them";
                Err(Problem::bad_parameter("windowSize", &none.to_string(), wanted))
            }
            minutes => Ok(Self { locations, start, end, minutes }),
        }
    }
}

/// The forecast of a location.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AwareForecast {
    /// When it was issued.
    generated_at: String,
    /// Now.
    requested_at: String,
    /// Where.
    location: String,
    /// First instant.
    data_start_at: String,
    /// The instant after the last one.
    data_end_at: String,
    /// Minutes of a window.
    window_size: u32,
    /// The windows with the lowest mean.
    optimal_data_points: Vec<ForecastPoint>,
    /// The mean of each window that begins with a slot and lies in the range.
    forecast_data: Vec<ForecastPoint>,
}

/// The mean of a window.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"location": "GB", "timestamp": "2025-01-15T16:30:00Z", "duration": 30, "value": 79}))]
struct ForecastPoint {
    /// Where.
    location: String,
    /// Its start.
    timestamp: String,
    /// Its minutes.
    duration: u32,
    /// g/kWh.
    #[schema(value_type = f64)]
    value: Digits,
    #[serde(skip)]
    exact: Decimal,
}

/// The newest forecasts of locations
///
/// Rolling means over windows of `windowSize` minutes (a slot, where it is not given), and the lowest.
#[utoipa::path(
    get,
    path = "/emissions/forecasts/current",
    tag = "carbon aware",
    params(
        ("location" = Vec<String>, Query, description = "Regions by id or by a provider's code.", example = json!(["GB"])),
        ("dataStartAt" = Option<String>, Query, description = "Windows begin then or later."),
        ("dataEndAt" = Option<String>, Query, description = "Windows end then or before."),
        ("windowSize" = Option<u32>, Query, description = "Minutes of a window.", example = 180),
    ),
    responses(
        (status = 200, description = "A forecast for each location that has one.", body = Vec<AwareForecast>),
        (status = 204, description = "There is nothing."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_region`"),
    ),
)]
async fn forecasts(asked: Caseless<Ahead>) -> Result<Response> {
    let (ahead, app) = (asked.query, asked.app);
    let series = series_of(&app, &ahead.locations, true).await?;
    let mut snapshot = snapshot_of(&app, &series).await?;
    let (known_at, metric, now) =
        (snapshot.known_at, app.config.feeds.facade_metric, app.clock.now());
    let mut items = Vec::new();
    for one in &series {
        if let Some(issue) = reads::issue(&mut snapshot, one, None).await? {
            let slots = reads::forecast(&mut snapshot, one, issue, (None, None)).await?;
            items.extend(foretold(&ahead, one, (issue, &slots), (metric, now)));
        }
    }
    snapshot.finish().await?;
    array(known_at, &items)
}

fn foretold(
    ahead: &Ahead,
    series: &Series,
    (issue, slots): (Issue, &[ForecastSlot]),
    (metric, now): (Metric, DateTime<Utc>),
) -> Option<AwareForecast> {
    let (first, last) = (slots.first()?, slots.last()?);
    let start = ahead.start.map_or(first.start, |start| start.max(first.start));
    let end = ahead.end.map_or(last.end(), |end| end.min(last.end()));
    let minutes = ahead.minutes.or_else(|| u32::try_from(first.secs / 60).ok())?;
    let point = |slot: &ForecastSlot| {
        let window =
            Window::new(slot.start, slot.start + TimeDelta::minutes(minutes.into())).ok()?;
        let mean = (start <= window.from() && window.to() <= end)
            .then(|| mean(slots, window, metric))??;
        let value = digits(Some(mean), Numbers::Float);
        let (location, timestamp) = (series.region_id.clone(), stamp(window.from()));
        Some(ForecastPoint { location, timestamp, duration: minutes, value, exact: mean })
    };
    let points: Vec<ForecastPoint> = slots.iter().filter_map(point).collect();
    let lowest = points.iter().map(|point| point.exact).min()?;
    Some(AwareForecast {
        generated_at: stamp(issue.0),
        requested_at: stamp(now),
        location: series.region_id.clone(),
        data_start_at: stamp(start),
        data_end_at: stamp(end),
        window_size: minutes,
        optimal_data_points: points.iter().filter(|point| point.exact == lowest).cloned().collect(),
        forecast_data: points,
    })
}

/// The mean over a window that is known from beginning to end.
fn mean(slots: &[ForecastSlot], window: Window, metric: Metric) -> Option<Decimal> {
    let mut mean = Mean::default();
    for slot in slots.iter().filter(|slot| slot.end() > window.from() && slot.start < window.to()) {
        mean.add(window, (slot.start, slot.end()), slot.value(metric, IntensityUnit::GPerKwh));
    }
    mean.value().filter(|_| mean.coverage(window.length()) == Decimal::ONE)
}

/// No parameter at all.
struct Nothing;

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
async fn locations(State(app): State<App>, _: Caseless<Nothing>) -> Result<Response> {
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
