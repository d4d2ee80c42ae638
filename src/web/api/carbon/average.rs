//! `GET /api/v1/carbon-intensity/average`: the mean over exactly a range.

use axum::response::Response;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer::{Asking, digits, moment},
    intensity::ByMetric,
    query::{
        COMMON, Common, CommonParams, Format, RANGE, REGION, RangeParams, RegionParams, names,
        range,
    },
    whole::Few,
};
use crate::{
    app::App,
    db::feeds::regions::Series,
    domain::feed::{Metric, Window},
    error::Result,
    extractors::feed::{
        has_record,
        long::{Kind, Made, More, Subject},
        zone,
    },
    feeds::read::{Average, averages},
    web::parameters::{FromParameters, Parameters},
};

/// The route of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(average))
}

/// What is asked.
struct Query {
    common: Common,
    window: Window,
}

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = names!(REGION, RANGE, COMMON);

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        Ok(Self { common: Common::read(p)?, window: range(p)? })
    }
}

type Digits = Option<Box<RawValue>>;

/// Means over a range, each metric for itself.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"region": "GB", "feed": "gb.intensity", "factor_set": "NESO",
    "start": "2025-01-15T01:15:00Z", "end": "2025-01-15T02:40:00Z", "generated": "180.117647059",
    "consumed": null, "marginal": null, "unit": "g/kWh", "coverage": "1",
    "coverage_by_metric": {"generated": "1", "consumed": "0", "marginal": "0"}}))]
struct AverageItem {
    /// Where.
    region: String,
    /// Which feed brought it; null where there is none.
    feed: Option<String>,
    /// Under which set of factors.
    factor_set: Option<String>,
    /// First instant.
    start: String,
    /// The instant after the last one.
    end: String,
    /// Of generation, slots at the edges weighted by what lies in the range; null where nothing is known.
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
    /// How much of the range is known, 0 to 1: of generation, or of the first metric that is asked for.
    #[schema(value_type = String)]
    coverage: Digits,
    /// The same of each metric.
    #[schema(value_type = Object)]
    coverage_by_metric: ByMetric<Digits>,
}

/// Average carbon intensity
///
/// The mean over exactly `[start, end)`, weighted by time: a slot at an edge counts by the seconds that lie
/// inside. What is not known counts nowhere; `coverage` says how much is.
#[utoipa::path(
    get,
    path = "/api/v1/carbon-intensity/average",
    tag = "carbon",
    params(RegionParams, RangeParams, CommonParams),
    responses(
        (status = 200, description = "The means, or a file of them.", content(
            (AverageItem = "application/json"),
            (String = "text/csv", example = "region,feed,factor_set,metric,start_utc,start_local,seconds,value,unit,quality,rev,known_at,coverage\nGB,gb.intensity,NESO,generated,2025-01-15T01:15:00Z,2025-01-15T01:15:00+00:00,5100,180.117647059,g/kWh,,,2025-01-16T06:00:00Z,1\n"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )),
        (status = 304, description = "What If-None-Match names is still the answer."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_region`"),
        (status = 406, description = "`not_acceptable`"),
        (status = 429, description = "`too_many_downloads`"),
    ),
)]
async fn average(asking: Asking<Query>) -> Result<Response> {
    let Query { common, window } = &asking.query;
    let format = asking.format(&common.page)?;
    let (region, its_zone) = common.place(&asking.app).await?;
    let series = common.one_series(&asking.app, false).await?;
    let scopes = series.as_ref().map(|one| one.scopes.clone()).unwrap_or_default();
    asking.take_turn(format).await?;
    let mut snapshot = common.snapshot(&asking.app, &scopes).await?;
    let nothing = Average { value: None, coverage: Decimal::ZERO };
    let means = match &series {
        Some(series) => averages(&mut snapshot, series, *window, common.unit).await?,
        None => [nothing; 3],
    };
    let known_at = snapshot.known_at;
    if format == Format::Json {
        snapshot.finish().await?;
        let place = (region, common.clock(&its_zone));
        return asking.one(known_at, &asking.query.item(place, series.as_ref(), means));
    }
    let subject = Subject::of(&region, zone(&its_zone), series.as_ref());
    let made = vec![(subject, asking.query.records(means, known_at))];
    let few = Few { what: ("intensity", "average"), kind: Kind::Means, format, window: *window };
    let attribution = series.iter().map(|one| &*one.attribution);
    let (whole, file) = few.file((&asking.app, common), made, attribution);
    asking.file(whole, file, snapshot).await
}

impl Query {
    fn item(
        &self,
        (region, clock): (String, Tz),
        series: Option<&Series>,
        means: [Average; 3],
    ) -> AverageItem {
        let Self { common, window } = self;
        let of = |metric: Metric| {
            common.wants(metric).then(|| digits(means[metric as usize].value, common.numbers))
        };
        let coverage =
            |metric: Metric| digits(Some(means[metric as usize].coverage), common.numbers);
        let first = Metric::ALL.iter().copied().find(|metric| common.wants(*metric));
        AverageItem {
            region,
            feed: series.map(|one| one.feed_id.clone()),
            factor_set: series.map(|one| one.factor_set_id.clone()),
            start: moment(window.from(), clock),
            end: moment(window.to(), clock),
            generated: of(Metric::Generated),
            consumed: of(Metric::Consumed),
            marginal: of(Metric::Marginal),
            unit: common.unit.as_str(),
            coverage: first.and_then(coverage),
            coverage_by_metric: ByMetric::new(common, coverage),
        }
    }

    fn records(&self, means: [Average; 3], known_at: DateTime<Utc>) -> Vec<Made> {
        let wanted = self.common.metrics.as_deref();
        let is_known = |metric: &&Metric| means[**metric as usize].value.is_some();
        let has = |metric: &&Metric| has_record(**metric, wanted, is_known(metric));
        let made = |metric: &Metric| Made {
            metric: metric.as_str(),
            window: self.window,
            value: means[*metric as usize].value,
            unit: self.common.unit.to_string(),
            quality: None,
            rev: None,
            known_at,
            more: More::Known(means[*metric as usize].coverage),
        };
        Metric::ALL.iter().filter(has).map(made).collect()
    }
}
