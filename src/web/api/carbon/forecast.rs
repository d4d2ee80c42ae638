//! `GET /api/v1/carbon-intensity/forecast`: what is foretold.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer::{Asking, Items, Whole, digits, instant_of, moment, trailer},
    query::{
        COMMON, Common, CommonParams, Format, PAGE, PageParams, RANGE, REGION, RegionParams, ends,
        names, window,
    },
};
use crate::{
    app::App,
    db::feeds::{
        reads::{self, ForecastSlot, Issue},
        regions::Series,
        snapshot::FeedSnapshot,
    },
    domain::feed::{Metric, Window},
    error::Result,
    extractors::{
        feed::{File, Piece, Reading, file_name, long::Kind},
        words::{BadForm, Instant},
    },
    web::parameters::{FromParameters, Parameters},
};

/// The route of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which issue.
#[derive(Debug, Clone, Copy)]
enum Issued {
    Latest,
    /// The newest at or before then.
    At(DateTime<Utc>),
}

impl std::str::FromStr for Issued {
    type Err = BadForm;

    fn from_str(text: &str) -> Result<Self, BadForm> {
        if text.eq_ignore_ascii_case("latest") {
            return Ok(Self::Latest);
        }
        let wanted = BadForm { what: "an issue", form: "latest, or RFC 3339 with an offset" };
        text.parse::<Instant>().map(|at| Self::At(at.0)).map_err(|_| wanted)
    }
}

type Ends = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// What is asked.
struct Query {
    common: Common,
    issued: Issued,
    ends: Ends,
}

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = names!(REGION, &["issued"], RANGE, COMMON, PAGE);

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let ends = ends(p, ("start", "end"))?;
        if let (Some(start), Some(end)) = ends {
            window(("start", start), end)?;
        }
        let issued = p.value("issued")?.unwrap_or(Issued::Latest);
        Ok(Self { common: Common::read(p)?, issued, ends })
    }
}

type Digits = Option<Box<RawValue>>;

/// One slot of a forecast.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"region": "GB", "feed": "gb.forecast", "factor_set": "NESO",
    "issued_at": "2025-01-15T12:00:00Z", "start": "2025-01-15T12:30:00Z", "end": "2025-01-15T13:00:00Z",
    "generated": "118", "consumed": null, "marginal": null, "unit": "g/kWh"}))]
struct ForecastItem {
    /// Where.
    region: String,
    /// Which feed brought it.
    feed: String,
    /// Under which set of factors.
    factor_set: String,
    /// When it was issued.
    issued_at: String,
    /// First instant.
    start: String,
    /// The instant after the last one.
    end: String,
    /// Of generation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    generated: Option<Digits>,
    /// Of consumption.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    consumed: Option<Digits>,
    /// Marginal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    marginal: Option<Digits>,
    /// The unit of all of them.
    unit: &'static str,
    #[serde(skip)]
    key: String,
}

impl ForecastItem {
    fn new(common: &Common, series: &Series, issue: Issue, slot: &ForecastSlot) -> Self {
        let clock = common.clock(&series.zone);
        let of = |metric: Metric| {
            common.wants(metric).then(|| digits(slot.value(metric, common.unit), common.numbers))
        };
        Self {
            region: series.region_id.clone(),
            feed: series.feed_id.clone(),
            factor_set: series.factor_set_id.clone(),
            issued_at: moment(issue.0, clock),
            start: moment(slot.start, clock),
            end: moment(slot.end(), clock),
            generated: of(Metric::Generated),
            consumed: of(Metric::Consumed),
            marginal: of(Metric::Marginal),
            unit: common.unit.as_str(),
            key: format!("{}\n{}", series.region_id, slot.start.timestamp_micros()),
        }
    }
}

/// Read a forecast of carbon intensity
///
/// The newest issue of each region, or the newest at or before an instant; every issue of the last 90 days
/// is kept.
#[utoipa::path(
    get,
    path = "/api/v1/carbon-intensity/forecast",
    tag = "carbon",
    params(
        RegionParams,
        ("issued" = Option<String>, Query, description = "latest (the default), or an instant: the newest issue at or before it.", example = "latest"),
        ("start" = Option<String>, Query, description = "Only slots that begin then or later.", example = "2025-01-15T12:00:00Z"),
        ("end" = Option<String>, Query, description = "Only slots that begin before.", example = "2025-01-17T12:00:00Z"),
        CommonParams,
        PageParams,
    ),
    responses(
        (status = 200, description = "A page of slots, or a file.", content(
            (Items<ForecastItem> = "application/json"),
            (String = "text/csv", example = "region,feed,factor_set,metric,start_utc,start_local,seconds,value,unit,quality,rev,known_at,issued_at\nGB,gb.forecast,NESO,generated,2025-01-15T12:30:00Z,2025-01-15T12:30:00+00:00,1800,118,g/kWh,,1,2025-01-15T12:00:00Z,2025-01-15T12:00:00Z\n"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )),
        (status = 304, description = "What If-None-Match names is still the answer."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_region`"),
        (status = 406, description = "`not_acceptable`"),
        (status = 429, description = "`too_many_downloads`"),
        (status = 503, description = "`busy`"),
    ),
)]
async fn list(asking: Asking<Query>) -> Result<Response> {
    let common = &asking.query.common;
    let format = asking.format(&common.page)?;
    let series = common.series(&asking.app, true).await?;
    let scopes: Vec<i32> = series.iter().flat_map(|one| one.scopes.clone()).collect();
    asking.take_turn(format).await?;
    let mut snapshot = common.snapshot(&asking.app, &scopes).await?;
    let issues = issues(&mut snapshot, &asking.query, series).await?;
    let known_at = snapshot.known_at;
    if format == Format::Json {
        snapshot.finish().await?;
        let items = items(&asking.query, &issues)?;
        return asking.page(known_at, &common.page, items, |item| item.key.clone());
    }
    let (whole, file) = file(&asking, issues, format, known_at);
    asking.file(whole, file, snapshot).await
}

type Told = (Series, Issue, Vec<ForecastSlot>);

async fn issues(
    snapshot: &mut FeedSnapshot,
    query: &Query,
    series: Vec<Series>,
) -> Result<Vec<Told>> {
    let at = match query.issued {
        Issued::Latest => None,
        Issued::At(at) => Some(at),
    };
    let mut told = Vec::new();
    for one in series {
        if let Some(issue) = reads::issue(snapshot, &one, at).await? {
            let slots = reads::forecast(snapshot, &one, issue, query.ends).await?;
            told.push((one, issue, slots));
        }
    }
    Ok(told)
}

fn items(query: &Query, told: &[Told]) -> Result<Vec<ForecastItem>> {
    let after = match query.common.page.after()? {
        Some([region, start]) => Some((region, instant_of(start)?)),
        None => None,
    };
    let is_next = |region: &str, start| after.is_none_or(|after| (region, start) > after);
    let slots = told
        .iter()
        .flat_map(|(series, issue, slots)| slots.iter().map(move |s| (series, issue, s)));
    let rest = slots.filter(|(series, _, slot)| is_next(&series.region_id, slot.start));
    let items =
        rest.map(|(series, issue, slot)| ForecastItem::new(&query.common, series, *issue, slot));
    Ok(items.take(query.common.page.limit + 1).collect())
}

fn file(
    asking: &Asking<Query>,
    told: Vec<Told>,
    format: Format,
    now: DateTime<Utc>,
) -> (Whole, (File, Reading)) {
    let common = &asking.query.common;
    let slots = || told.iter().flat_map(|(_, _, slots)| slots);
    let first = slots().map(|slot| slot.start).min().unwrap_or(now);
    let past = slots().map(ForecastSlot::end).max().unwrap_or(now);
    let regions: Vec<&str> = told.iter().map(|(series, ..)| &*series.region_id).collect();
    let name = match Window::new(first, past) {
        Ok(window) => file_name(("forecast", "native", format.as_str()), &regions, window),
        Err(_) => format!("forecast.{format}"),
    };
    let whole = Whole {
        name,
        object: format!("carbon-intensity-forecast/{}", regions.join(",")),
        state: (told.iter())
            .map(|(series, issue, slots)| format!("{} {issue:?} {slots:?}\n", series.region_id))
            .collect::<Vec<_>>()
            .concat(),
        most: slots().count() as u64 * Metric::ALL.len() as u64,
    };
    let end = (trailer(&asking.app, told.iter().map(|(series, ..)| &*series.attribution)), past);
    let subjects = told.iter().map(|(series, ..)| series.into()).collect();
    let file = common.file(format, Kind::Forecasts, subjects, end);
    let pieces = told.into_iter().map(|(_, issue, slots)| Piece::Forecast(issue, slots));
    (whole, (file, Reading::Ready(pieces.collect())))
}
