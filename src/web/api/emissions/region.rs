//! `GET /api/v1/emissions/region/{region}`: emissions of a region as reports.

use axum::{extract::Path, response::Response};
use chrono::TimeDelta;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::carbon::{
    answer::{Asking, Items, digits, instant_of, moment},
    query::{
        COMMON, Common, CommonParams, Format, PAGE, PageParams, RANGE, RangeParams, named, names,
    },
    whole::Asked,
};
use crate::{
    app::App,
    audit::Actor,
    db::feeds::{regions::Series, snapshot::FeedSnapshot},
    domain::{
        feed::{Metric, Window},
        words,
    },
    error::Result,
    extractors::feed::held,
    feeds::read::{
        Calendar,
        live::{self, By},
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
    asked: Asked,
    source: Source,
}

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = names!(RANGE, &["granularity", "source"], COMMON, PAGE);

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let source = p.value("source")?.unwrap_or(Source::Store);
        Ok(Self { asked: Asked::read(p)?, source })
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
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    generated_rate: Option<Digits>,
    /// Marginal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    marginal_rate: Option<Digits>,
    /// Of consumption.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    consumed_rate: Option<Digits>,
    /// Where.
    region: String,
    /// The unit of all of them.
    unit: &'static str,
    /// Under which set of factors.
    factor_set: String,
    /// Slots that the span has.
    n_expected: i32,
    /// Slots that count: of generation, or of the first metric that is asked for.
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
        ("source" = Option<String>, Query, description = "store (the default): what is stored. live: the upstream is asked first, and its rows are kept; not where a cursor or as_of is given."),
        CommonParams,
        PageParams,
    ),
    responses(
        (status = 200, description = "A page of reports, or a file of slots or spans.", content(
            (Items<ReportItem> = "application/json"),
            (String = "text/csv", example = "region,feed,factor_set,metric,start_utc,start_local,seconds,value,unit,quality,rev,known_at\nUS-CA-CAISO,carbonara.intensity,EGRID_u2019,generated,2021-07-07T23:00:00Z,2021-07-07T16:00:00-07:00,300,520,lb/MWh,measured,1,2021-07-08T01:10:02.120031Z\n"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )),
        (status = 304, description = "What If-None-Match names is still the answer."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`, `range_too_long`, `too_large_for_xlsx`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_region`"),
        (status = 406, description = "`not_acceptable`"),
        (status = 409, description = "`feed_off`, `no_key`: source=live of a feed that is off, or has no key."),
        (status = 429, description = "`too_many_downloads`; `too_many_runs`: source=live, and as many runs of the \
            region as may wait do so already.", headers(
            ("Retry-After" = u32, description = "Seconds after which it may be asked again."),
        )),
        (status = 502, description = "`upstream_failed`"),
        (status = 504, description = "`still_loading`: ask for source=store in a while."),
    ),
)]
async fn list(
    Path(region): Path<String>,
    actor: Actor,
    mut asking: Asking<Query>,
) -> Result<Response> {
    asking.query.asked.common.regions = vec![region];
    let asked = &asking.query.asked;
    let common = &asked.common;
    let format = asking.format(&common.page)?;
    if asking.query.asks_upstream() {
        bring(&asking.app, &actor, asked).await?;
    }
    let series = common.one_series(&asking.app, false).await?;
    let scopes = series.as_ref().map(|one| one.scopes.clone()).unwrap_or_default();
    asking.take_turn(format).await?;
    let mut snapshot = common.snapshot(&asking.app, &scopes).await?;
    if format == Format::Json {
        let items = match &series {
            Some(series) => items(&mut snapshot, asked, series).await?,
            None => Vec::new(),
        };
        let known_at = snapshot.known_at;
        snapshot.finish().await?;
        return asking.page(known_at, &common.page, items, |item| item.key.clone());
    }
    let series = series.as_slice();
    let whole = asked.whole(&mut snapshot, series, ("emissions", format)).await?;
    let file = asked.file(&asking.app, series, format);
    asking.file(whole, file, snapshot).await
}

impl Query {
    /// A next page is of the state of the first one, and what was known then is not known better now.
    fn asks_upstream(&self) -> bool {
        self.source == Source::Live && self.asked.common.known().is_none()
    }
}

/// Has the upstream asked for what a region has in the range.
async fn bring(app: &App, actor: &Actor, Asked { common, window, .. }: &Asked) -> Result<()> {
    let Some(region) = named(app, &common.regions).await?.pop() else { return Ok(()) };
    let feed = match (common.one_series(app, false).await?, &common.feed) {
        (Some(series), _) => series.feed_id,
        // Nothing of the region is there yet.
        (None, Some(feed)) => feed.clone(),
        (None, None) => live::source(app, &region).await?,
    };
    live::bring(app, actor, (&feed, &region), *window, By::Server).await
}

async fn items(
    snapshot: &mut FeedSnapshot,
    Asked { common, window, granularity }: &Asked,
    series: &Series,
) -> Result<Vec<ReportItem>> {
    let grain = granularity.grain();
    let calendar = grain.map(|grain| common.calendar(series, grain));
    let (mut window, page) = (*window, &common.page);
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
    let rate = |metric: Metric| {
        common.wants(metric).then(|| digits(report.rates[metric as usize], common.numbers))
    };
    let first = Metric::ALL.iter().copied().find(|metric| common.wants(*metric));
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
        n_present: report.n_present[first.unwrap_or(Metric::Generated) as usize],
        key: report.start.timestamp_micros().to_string(),
    }
}
