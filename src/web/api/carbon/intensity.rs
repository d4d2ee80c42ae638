//! `GET /api/v1/carbon-intensity`: slots, hours, days, weeks and months.

use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use futures::TryStreamExt as _;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer::{Asking, Items, digits, instant_of, moment},
    query::{
        COMMON, Common, CommonParams, Format, Numbers, PAGE, PageParams, RANGE, REGION,
        RangeParams, RegionParams, names,
    },
    whole::Asked,
};
use crate::{
    app::App,
    db::feeds::{
        reads::{self, Slot},
        regions::Series,
        snapshot::FeedSnapshot,
    },
    domain::feed::{Grain, Metric, Window},
    error::Result,
    extractors::feed::held,
    feeds::read::{Aggregate, Figure, aggregates},
    web::parameters::{FromParameters, Parameters},
};

/// The route of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// What is asked.
struct Query(Asked);

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = names!(REGION, RANGE, &["granularity"], COMMON, PAGE);

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        Asked::read(p).map(Self)
    }
}

/// A number with exact digits: a string, or a JSON number with `numbers=float`.
type Digits = Option<Box<RawValue>>;

/// One slot, or one span of the calendar.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"region": "GB", "feed": "gb.intensity", "factor_set": "NESO",
    "start": "2025-01-15T00:00:00Z", "end": "2025-01-15T00:30:00Z", "generated": "150", "consumed": null,
    "marginal": null, "unit": "g/kWh", "quality": "measured", "rev": 1}))]
pub struct IntensityItem {
    /// Where.
    region: String,
    /// Which feed brought it.
    feed: String,
    /// Under which set of factors.
    factor_set: String,
    /// First instant.
    start: String,
    /// The instant after the last one.
    end: String,
    /// Of generation; null: not known. Of spans the mean over time.
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
    /// measured, estimated, imputed, or suspect, which is left out of means.
    quality: &'static str,
    /// Which content of the row: it grows with each restatement.
    rev: i32,
    #[serde(flatten)]
    coverage: Option<Coverage>,
    #[serde(skip)]
    key: String,
}

/// What spans have besides, each by metric.
#[derive(Debug, serde::Serialize, ToSchema)]
pub struct Coverage {
    /// Mean weighted by generation, where that is known.
    #[schema(value_type = Object)]
    mean_weighted: ByMetric<Digits>,
    /// Slots that the span has.
    n_expected: ByMetric<i32>,
    /// Slots that count.
    n_present: ByMetric<i32>,
    /// Whether every slot counts and the span is over.
    complete: ByMetric<bool>,
}

/// One thing of each metric that is asked for.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(super) struct ByMetric<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    generated: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marginal: Option<T>,
}

impl<T> ByMetric<T> {
    pub(super) fn new(common: &Common, of: impl Fn(Metric) -> T) -> Self {
        let of = |metric| common.wants(metric).then(|| of(metric));
        Self {
            generated: of(Metric::Generated),
            consumed: of(Metric::Consumed),
            marginal: of(Metric::Marginal),
        }
    }
}

/// How items of a series are printed.
pub(super) struct Print<'a> {
    pub common: &'a Common,
    pub series: &'a Series,
    pub clock: Tz,
}

impl<'a> Print<'a> {
    pub(super) fn new(common: &'a Common, series: &'a Series) -> Self {
        Self { common, series, clock: common.clock(&series.zone) }
    }

    fn item(
        &self,
        (start, end): (DateTime<Utc>, DateTime<Utc>),
        values: ByMetric<Digits>,
    ) -> IntensityItem {
        let Series { region_id, feed_id, factor_set_id, .. } = self.series;
        IntensityItem {
            region: region_id.clone(),
            feed: feed_id.clone(),
            factor_set: factor_set_id.clone(),
            start: moment(start, self.clock),
            end: moment(end, self.clock),
            generated: values.generated,
            consumed: values.consumed,
            marginal: values.marginal,
            unit: self.common.unit.as_str(),
            quality: "measured",
            rev: 0,
            coverage: None,
            key: format!("{region_id}\n{}", start.timestamp_micros()),
        }
    }

    pub(super) fn slot(&self, slot: &Slot) -> IntensityItem {
        let Common { unit, numbers, .. } = *self.common;
        let values = ByMetric::new(self.common, |metric| digits(slot.value(metric, unit), numbers));
        let item = self.item((slot.start, slot.end()), values);
        IntensityItem { quality: slot.quality.as_str(), rev: slot.rev, ..item }
    }

    fn span(&self, span: &Aggregate) -> IntensityItem {
        let Common { unit, numbers, .. } = *self.common;
        let number = |of: &dyn Fn(&Figure) -> Option<rust_decimal::Decimal>, numbers: Numbers| {
            ByMetric::new(self.common, |metric| digits(of(&span.figures[metric as usize]), numbers))
        };
        let coverage = Coverage {
            mean_weighted: number(&|figure| figure.weighted_in(unit), numbers),
            n_expected: ByMetric::new(self.common, |m| span.figures[m as usize].n_expected),
            n_present: ByMetric::new(self.common, |m| span.figures[m as usize].n_present),
            complete: ByMetric::new(self.common, |m| span.figures[m as usize].complete),
        };
        let item =
            self.item((span.start, span.end), number(&|figure| figure.mean_in(unit), numbers));
        let quality = span.quality().as_str();
        IntensityItem { quality, rev: span.rev, coverage: Some(coverage), ..item }
    }
}

/// Read carbon intensity
///
/// Slots as the upstream gave them, or means over hours, days, ISO weeks and calendar months, of UTC or of
/// the region. `csv` and `xlsx` are files in the long layout: one record for each slot and metric, where a
/// metric that nobody asked for has no record while it is not known. `X-Known-At` tells up to which instant
/// the answer knew; as `as_of` it gives the same answer for ever.
#[utoipa::path(
    get,
    path = "/api/v1/carbon-intensity",
    tag = "carbon",
    params(
        RegionParams,
        RangeParams,
        ("granularity" = Option<String>, Query, description = "native (the default), hour, day, week or month: those that begin in the range.", example = "native"),
        CommonParams,
        PageParams,
    ),
    responses(
        (status = 200, description = "A page of slots or spans, or a file.", content(
            (Items<IntensityItem> = "application/json", example = json!({"items": [{"region": "GB",
                "feed": "gb.intensity", "factor_set": "NESO", "start": "2025-01-15T00:00:00Z",
                "end": "2025-01-16T00:00:00Z", "generated": "150.0625", "consumed": null, "marginal": null,
                "unit": "g/kWh", "quality": "measured", "rev": 1,
                "mean_weighted": {"generated": null, "consumed": null, "marginal": null},
                "n_expected": {"generated": 48, "consumed": 48, "marginal": 48},
                "n_present": {"generated": 48, "consumed": 0, "marginal": 0},
                "complete": {"generated": true, "consumed": false, "marginal": false}}], "next": null})),
            (String = "text/csv", example = "region,feed,factor_set,metric,start_utc,start_local,seconds,value,unit,quality,rev,known_at\nGB,gb.intensity,NESO,generated,2025-01-15T00:00:00Z,2025-01-15T00:00:00+00:00,1800,150,g/kWh,measured,1,2025-01-15T01:10:02.120031Z\n"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ), headers(
            ("X-Known-At" = String, description = "The cut-off really used, UTC."),
            ("ETag" = String, description = "Send it as If-None-Match to be told that nothing changed."),
        )),
        (status = 304, description = "What If-None-Match names is still the answer."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`, `too_large_for_xlsx`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_region`"),
        (status = 406, description = "`not_acceptable`"),
        (status = 429, description = "`too_many_downloads`"),
        (status = 503, description = "`busy`"),
    ),
)]
async fn list(asking: Asking<Query>) -> Result<Response> {
    let asked = &asking.query.0;
    let common = &asked.common;
    let format = asking.format(&common.page)?;
    let series = common.series(&asking.app, false).await?;
    let scopes: Vec<i32> = series.iter().flat_map(|one| one.scopes.clone()).collect();
    asking.take_turn(format).await?;
    let mut snapshot = common.snapshot(&asking.app, &scopes).await?;
    if format == Format::Json {
        let items = items(&mut snapshot, asked, &series).await?;
        let known_at = snapshot.known_at;
        snapshot.finish().await?;
        return asking.page(known_at, &common.page, items, |item| item.key.clone());
    }
    let whole = asked.whole(&mut snapshot, &series, ("intensity", format)).await?;
    let file = asked.file(&asking.app, &series, format);
    asking.file(whole, file, snapshot).await
}

/// One item more than a page has, after the last one of the page before.
async fn items(
    snapshot: &mut FeedSnapshot,
    Asked { common, window, granularity }: &Asked,
    series: &[Series],
) -> Result<Vec<IntensityItem>> {
    let page = &common.page;
    let after = page.after()?;
    let mut items = Vec::new();
    for one in series {
        let mut window = *window;
        if let Some([region, start]) = after {
            if one.region_id.as_str() < region {
                continue;
            }
            if one.region_id == region {
                let next = instant_of(start)? + TimeDelta::microseconds(1);
                match Window::new(window.from().max(next), window.to()) {
                    Ok(rest) => window = rest,
                    Err(_) => continue,
                }
            }
        }
        let room = (page.limit + 1).saturating_sub(items.len());
        let print = Print::new(common, one);
        items.extend(match granularity.grain() {
            None => slots(snapshot, &print, window, room).await?,
            Some(grain) => spans(snapshot, &print, (grain, window), room).await?,
        });
        if items.len() > page.limit {
            break;
        }
    }
    Ok(items)
}

async fn slots(
    snapshot: &mut FeedSnapshot,
    print: &Print<'_>,
    window: Window,
    room: usize,
) -> Result<Vec<IntensityItem>> {
    let mut items = Vec::new();
    let Some(extent) = reads::extent(snapshot.connection(), print.series).await? else {
        return Ok(items);
    };
    let Some(window) = extent.meet(window) else { return Ok(items) };
    // About a page at once: nobody reads a year to show a thousand slots.
    let room_of_time =
        i64::try_from(room).unwrap_or(1).saturating_mul(print.series.step_secs.into());
    for part in window.cut(TimeDelta::seconds(room_of_time.max(1))) {
        let mut rows = reads::slots(snapshot, print.series, part);
        while let Some(slot) = rows.try_next().await? {
            if items.len() < room {
                items.push(print.slot(&slot));
            }
        }
        drop(rows);
        if items.len() >= room {
            break;
        }
    }
    Ok(items)
}

async fn spans(
    snapshot: &mut FeedSnapshot,
    print: &Print<'_>,
    (grain, window): (Grain, Window),
    room: usize,
) -> Result<Vec<IntensityItem>> {
    let calendar = print.common.calendar(print.series, grain);
    let mut items = Vec::new();
    let Some(window) = held(snapshot, print.series, calendar, window).await? else {
        return Ok(items);
    };
    for part in window.cut(calendar.piece()) {
        let found = aggregates(snapshot, print.series, calendar, part).await?;
        items.extend(found.iter().take(room - items.len()).map(|span| print.span(span)));
        if items.len() >= room {
            break;
        }
    }
    Ok(items)
}
