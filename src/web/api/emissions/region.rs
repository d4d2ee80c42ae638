//! `GET /api/v1/emissions/region/{region}`: emissions of a region as reports.

use axum::{extract::Path, response::Response};
use chrono::TimeDelta;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::carbon::{
    answer::{Asking, Items, Page, digits, instant_of, moment},
    query::{Common, Granularity, RangeParams, Zone, range},
};
use crate::{
    app::App,
    audit::Actor,
    db::feeds::{regions::Series, snapshot::FeedSnapshot},
    domain::{
        feed::{IntensityUnit, Metric, Window},
        words,
    },
    error::Result,
    extractors::{feed::held, query::as_of},
    feeds::read::{
        Calendar, live,
        report::{Report, duration_type, piece, reports},
    },
    web::parameters::{FromParameters, Parameters},
};

/// The route of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

words! {
    /// Where reports are from.
    Source("a source") {
        /// What is stored.
        Store = "store",
        /// The upstream, asked now; its rows are kept.
        Live = "live",
    }
}

/// What is asked.
struct Query {
    common: Common,
    window: Window,
    granularity: Granularity,
    source: Source,
    page: Page,
}

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = &[
        "start",
        "end",
        "granularity",
        "feed",
        "factor_set",
        "unit",
        "zone",
        "source",
        "as_of",
        "asOf",
        "numbers",
        "limit",
        "cursor",
    ];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let source = p.value("source")?.unwrap_or(Source::Store);
        let common = Common {
            regions: Vec::new(),
            feed: p.text("feed")?,
            factor_set: p.text("factor_set")?,
            metrics: None,
            unit: p.value("unit")?.unwrap_or(IntensityUnit::GPerKwh),
            zone: p.value("zone")?.unwrap_or(Zone::Utc),
            as_of: as_of(p)?,
            numbers: p.value("numbers")?.unwrap_or(super::super::carbon::query::Numbers::Exact),
        };
        let granularity = p.value("granularity")?.unwrap_or(Granularity::Native);
        Ok(Self { common, window: range(p)?, granularity, source, page: Page::read(p)? })
    }
}

type Digits = Option<Box<RawValue>>;

/// Emissions of a region over a span.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"duration": {"start_time": "2021-07-07T23:00:00Z", "end_time": "2021-07-08T00:00:00Z"},
    "duration_type": "hourly", "generated_rate": "542", "marginal_rate": "866.25", "consumed_rate": null,
    "region": "US-CA-CAISO", "unit": "lb/MWh", "factor_set": "EGRID_u2019", "n_expected": 12, "n_present": 12}))]
struct ReportItem {
    /// When.
    duration: ReportDuration,
    /// minute (a slot), hourly, daily, weekly or monthly.
    duration_type: &'static str,
    /// Of generation; null: not known. Of spans the mean over time.
    #[schema(value_type = Option<String>)]
    generated_rate: Digits,
    /// Marginal.
    #[schema(value_type = Option<String>)]
    marginal_rate: Digits,
    /// Of consumption.
    #[schema(value_type = Option<String>)]
    consumed_rate: Digits,
    /// Where.
    region: String,
    /// The unit of all of them.
    unit: &'static str,
    /// Under which set of factors.
    factor_set: String,
    /// Slots that the span has.
    n_expected: i32,
    /// Slots that count.
    n_present: i32,
    #[serde(skip)]
    key: String,
}

/// A span of time.
#[derive(Debug, serde::Serialize, ToSchema)]
struct ReportDuration {
    /// First instant.
    start_time: String,
    /// The instant after the last one.
    end_time: String,
}

/// Read the emissions of a region
///
/// A report for each slot, hour, day, ISO week or month that begins in the range, with the means of each
/// intensity. `end_time` is exclusive: the report of 23:55 ends at 00:00.
#[utoipa::path(
    get,
    path = "/api/v1/emissions/region/{region}",
    tag = "carbon",
    params(
        ("region" = String, Path, description = "A region by id or by a provider's code.", example = "US-CA-CAISO"),
        RangeParams,
        ("granularity" = Option<String>, Query, description = "native or 5m (slots, the default), hour, day, week or month.", example = "hour"),
        ("feed" = Option<String>, Query, description = "This feed rather than the region's own.", example = "carbonara.intensity"),
        ("factor_set" = Option<String>, Query, description = "This set of factors rather than the feed's own.", example = "EGRID_u2019"),
        ("unit" = Option<String>, Query, description = "g/kWh (the default), kg/MWh or lb/MWh.", example = "lb/MWh"),
        ("zone" = Option<String>, Query, description = "UTC (the default) or local."),
        ("source" = Option<String>, Query, description = "store (the default): what is stored. live: the upstream is asked first, and its rows are kept."),
        ("as_of" = Option<String>, Query, description = "Only what was known then."),
        ("numbers" = Option<String>, Query, description = "string (the default) or float."),
        ("limit" = Option<u32>, Query, description = "Reports of a page, 1 to 1000 (the default)."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of reports.", body = Items<ReportItem>),
        (status = 304, description = "What If-None-Match names is still the answer."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_region`"),
        (status = 409, description = "`feed_off`: source=live of a feed that is off."),
        (status = 502, description = "`upstream_failed`"),
        (status = 504, description = "`still_loading`: ask for source=store in a while."),
    ),
)]
async fn list(
    Path(region): Path<String>,
    actor: Actor,
    mut asking: Asking<Query>,
) -> Result<Response> {
    asking.query.common.regions = vec![region];
    let Query { common, page, window, source, .. } = &asking.query;
    let series = common.one_series(&asking.app, false).await?;
    if let (Source::Live, Some(series)) = (source, &series) {
        live::bring(&asking.app, &actor, series, *window).await?;
    }
    let scopes = series.as_ref().map(|one| one.scopes.clone()).unwrap_or_default();
    let mut snapshot =
        FeedSnapshot::begin(&asking.app.pool, &scopes, page.as_of(common.as_of)).await?;
    snapshot.continues = page.continues(common.as_of);
    let items = match &series {
        Some(series) => items(&mut snapshot, &asking.query, series).await?,
        None => Vec::new(),
    };
    let known_at = snapshot.known_at;
    snapshot.finish().await?;
    asking.page(known_at, &asking.query.page, items, |item| item.key.clone())
}

async fn items(
    snapshot: &mut FeedSnapshot,
    Query { common, window, granularity, page, .. }: &Query,
    series: &Series,
) -> Result<Vec<ReportItem>> {
    let grain = granularity.grain();
    let calendar = grain.map(|grain| common.calendar(series, grain));
    let mut window = *window;
    if let Some([start]) = page.after()? {
        let next = instant_of(start)? + TimeDelta::microseconds(1);
        match Window::new(window.from().max(next), window.to()) {
            Ok(rest) => window = rest,
            Err(_) => return Ok(Vec::new()),
        }
    }
    let utc = Calendar { grain: crate::domain::feed::Grain::Hour, zone: chrono_tz::Tz::UTC };
    let Some(window) = held(snapshot, series, calendar.unwrap_or(utc), window).await? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for part in window.cut(piece(series, calendar)) {
        found.extend(reports(snapshot, series, calendar, (part, common.unit)).await?);
        if found.len() > page.limit {
            break;
        }
    }
    found.truncate(page.limit + 1);
    Ok(found.iter().map(|report| item(common, series, duration_type(grain), report)).collect())
}

fn item(
    common: &Common,
    series: &Series,
    duration_type: &'static str,
    report: &Report,
) -> ReportItem {
    let clock = common.clock(&series.zone);
    let rate = |metric: Metric| digits(report.rates[metric as usize], common.numbers);
    ReportItem {
        duration: ReportDuration {
            start_time: moment(report.start, clock),
            end_time: moment(report.end, clock),
        },
        duration_type,
        generated_rate: rate(Metric::Generated),
        marginal_rate: rate(Metric::Marginal),
        consumed_rate: rate(Metric::Consumed),
        region: series.region_id.clone(),
        unit: common.unit.as_str(),
        factor_set: series.factor_set_id.clone(),
        n_expected: report.n_expected,
        n_present: report.n_present,
        key: report.start.timestamp_micros().to_string(),
    }
}
