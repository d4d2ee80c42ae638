//! `GET /emissions/forecasts/current`.

use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
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
    db::feeds::{
        reads::{self, ForecastSlot, Issue},
        regions::Series,
    },
    domain::feed::{IntensityUnit, Mean, Metric, Window},
    error::{Problem, Result},
    extractors::words::Instant,
    feeds::read::report::stamp,
    web::parameters::{FromParameters, Parameters},
};

/// Which forecasts.
pub(super) struct Ahead {
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

impl AwareForecast {
    /// What it says: all but when it was asked for, and what follows from the rest.
    fn content(&self) -> impl Serialize {
        let Self { generated_at, location, data_start_at, data_end_at, window_size, .. } = self;
        let range = (data_start_at, data_end_at, window_size);
        (generated_at, location, range, &self.forecast_data)
    }
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
        (status = 200, description = "A forecast for each location that has one.", body = Vec<AwareForecast>, headers(
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
pub(super) async fn forecasts(asked: Caseless<Ahead>) -> Result<Response> {
    let Caseless { query: ahead, app, seen, .. } = asked;
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
    if items.is_empty() {
        return nothing(known_at);
    }
    let content: Vec<_> = items.iter().map(AwareForecast::content).collect();
    seen.answer(known_at, &content, &items)
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
        mean.add(window, (slot.start, slot.end()), slot.plausible(metric, IntensityUnit::GPerKwh));
    }
    mean.value().filter(|_| mean.coverage(window.length()) == Decimal::ONE)
}
