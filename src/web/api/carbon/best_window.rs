//! `GET /api/v1/carbon-intensity/best-window`: when to run something that takes so long.

use axum::{http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::listing::required,
    answer::{Asking, Whole, digits, moment},
    duration::Duration,
    query::{
        COMMON, Common, CommonParams, Format, Numbers, RANGE, REGION, RangeParams, RegionParams,
        names, range,
    },
    whole::Few,
};
use crate::{
    app::App,
    db::feeds::{
        reads::{self, Issue, Priced},
        regions::Series,
        snapshot::FeedSnapshot,
    },
    domain::{
        feed::{
            Window,
            best::{Best, Found, Step, Wish, best},
        },
        words,
    },
    error::{Problem, Result},
    extractors::{
        feed::{
            File, Reading,
            long::{Kind, Made, More, Subject},
            zone,
        },
        query::contradiction,
    },
    feeds::read::steps,
    web::parameters::{FromParameters, Parameters},
};

/// The route of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(find))
}

words! {
    /// What is to be low.
    By("a measure of windows") {
        /// Carbon intensity.
        Carbon = "carbon",
        /// The price of a kWh without VAT.
        Price = "price",
        /// Both, each by its mean over the range.
        Blend = "blend",
    }
}

words! {
    /// Which carbon intensities.
    Source("a source") {
        /// As measured.
        Measured = "measured",
        /// As the newest forecast has them.
        Forecast = "forecast",
    }
}

/// The parameters as the documentation shows them; [`Query`] reads them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by utoipa only")]
struct WindowParams {
    /// How long the window is, as ISO 8601 writes durations.
    #[param(example = "PT3H")]
    duration: String,
    /// carbon (the default), price, or blend.
    #[param(example = "carbon")]
    by: Option<String>,
    /// measured (the default) or forecast. What is about intensities has no use with by=price.
    #[param(example = "measured")]
    source: Option<String>,
    /// Whether the window may touch what is not known.
    allow_gaps: Option<bool>,
    /// What carbon counts in a blend, 0 to 1; the price counts the rest. With by=blend only.
    #[param(example = "0.5")]
    carbon_weight: Option<String>,
    /// Whose prices: those of this tariff.
    tariff: Option<String>,
    /// Whose prices: those of the tariffs of this meter, which must be yours.
    meter: Option<String>,
}

/// What is asked.
struct Query {
    common: Common,
    window: Window,
    duration: Duration,
    by: By,
    source: Source,
    allow_gaps: bool,
    carbon_weight: Decimal,
    priced: Option<Priced>,
}

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = names!(
        REGION,
        RANGE,
        &["duration", "by", "source", "allow_gaps", "carbon_weight", "tariff", "meter"],
        COMMON,
    );

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let window = range(p)?;
        if window.length() > steps::LONGEST {
            let end = window.to().to_rfc3339();
            return Err(Problem::bad_parameter("end", &end, "the range is longer than 366 days"));
        }
        let by = p.value("by")?.unwrap_or(By::Carbon);
        refuse_unused(p, by)?;
        let (weight, priced) = (p.text("carbon_weight")?, priced(p, by)?);
        Ok(Self {
            common: Common::read(p)?,
            window,
            duration: p.value("duration")?.ok_or_else(|| required("duration"))?,
            by,
            source: p.value("source")?.unwrap_or(Source::Measured),
            allow_gaps: p.value("allow_gaps")?.unwrap_or(false),
            carbon_weight: weight.map_or(Ok(Decimal::new(5, 1)), |text| weight_of(&text))?,
            priced,
        })
    }
}

fn weight_of(text: &str) -> Result<Decimal> {
    let weight = text.parse().ok().filter(|weight| (Decimal::ZERO..=Decimal::ONE).contains(weight));
    weight
        .ok_or_else(|| Problem::bad_parameter("carbon_weight", text, "it is a number from 0 to 1"))
}

/// 400 for a parameter that changes nothing about windows by this measure.
fn refuse_unused(p: &Parameters, by: By) -> Result<()> {
    let unused: &[&str] = match by {
        By::Carbon => &["tariff", "meter", "carbon_weight"],
        By::Price => &["source", "feed", "factor_set", "metric", "unit", "carbon_weight"],
        By::Blend => &[],
    };
    match unused.iter().find_map(|name| Some((name, p.given(name)?))) {
        Some((name, value)) => Err(contradiction(name, value, &format!("has no use with by={by}"))),
        None => Ok(()),
    }
}

/// Whose prices count. 400 unless there is one of them where prices count.
fn priced(p: &mut Parameters, by: By) -> Result<Option<Priced>> {
    match (p.text("tariff")?, p.text("meter")?, by) {
        (None, None, By::Carbon) => Ok(None),
        (Some(_), Some(meter), _) => {
            Err(contradiction("meter", meter, "and tariff name prices: give one"))
        }
        (Some(tariff), None, _) => Ok(Some(Priced::Tariff(tariff))),
        (None, Some(meter), _) => Ok(Some(Priced::Meter(meter))),
        (None, None, _) => {
            let detail = format!("by={by} needs prices: name a tariff or a meter");
            Err(Problem::new(StatusCode::BAD_REQUEST, "bad_parameter", detail)
                .with("parameter", "tariff"))
        }
    }
}

type Digits = Option<Box<RawValue>>;

/// A window.
#[derive(Debug, serde::Serialize, ToSchema)]
struct WindowItem {
    /// First instant.
    start: String,
    /// The instant after the last one.
    end: String,
    /// The mean over it, weighted by time, in `unit`; of a blend a number without one.
    #[schema(value_type = Option<String>)]
    average: Digits,
    /// How much of it is known, 0 to 1.
    #[schema(value_type = Option<String>)]
    coverage: Digits,
}

/// The best window and what comes next.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"region": "GB", "feed": "gb.intensity", "factor_set": "NESO", "by": "carbon",
    "source": "measured", "issued_at": null, "start": "2025-01-15T16:30:00Z", "end": "2025-01-15T19:30:00Z",
    "average": "81.833333333", "coverage": "1", "unit": "g/kWh", "candidates_considered": 43,
    "alternatives": [{"start": "2025-01-15T16:00:00Z", "end": "2025-01-15T19:00:00Z",
                      "average": "84.166666667", "coverage": "1"}]}))]
struct BestItem {
    /// Where.
    region: String,
    /// Which feed brought the intensities; null where only prices count.
    feed: Option<String>,
    /// Under which set of factors.
    factor_set: Option<String>,
    /// What is low.
    by: &'static str,
    /// Where the intensities are from.
    source: &'static str,
    /// Which forecast.
    issued_at: Option<String>,
    #[serde(flatten)]
    window: WindowItem,
    /// The unit of `average`; null of a blend.
    unit: Option<String>,
    /// Windows that were looked at.
    candidates_considered: usize,
    /// At most five more, the lowest first.
    alternatives: Vec<WindowItem>,
}

/// Find the best window
///
/// The window of the given length with the lowest mean, weighted by time: windows that begin or end where a
/// slot does, wholly inside the range; of equals the earliest. A window that touches a missing slot is out
/// unless `allow_gaps`. `by=blend` looks for the lowest
/// `carbon_weight` × carbon / mean carbon + (1 − `carbon_weight`) × price / mean price, means over the range.
#[utoipa::path(
    get,
    path = "/api/v1/carbon-intensity/best-window",
    tag = "carbon",
    params(RegionParams, RangeParams, WindowParams, CommonParams),
    responses(
        (status = 200, description = "The best window, or a file of it and the alternatives, the lowest first.", content(
            (BestItem = "application/json"),
            (String = "text/csv", example = "region,feed,factor_set,metric,start_utc,start_local,seconds,value,unit,quality,rev,known_at,coverage\nGB,gb.intensity,NESO,generated,2025-01-15T16:30:00Z,2025-01-15T16:30:00+00:00,10800,81.833333333,g/kWh,,,2025-01-16T06:00:00Z,1\n"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )),
        (status = 304, description = "What If-None-Match names is still the answer."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_region`, `no_such_tariff`, `no_such_meter`, `no_data`: no window without a gap"),
        (status = 406, description = "`not_acceptable`"),
        (status = 429, description = "`too_many_downloads`"),
    ),
)]
async fn find(asking: Asking<Query>) -> Result<Response> {
    let query = &asking.query;
    let format = asking.format(&query.common.page)?;
    let known = query.known(&asking).await?;
    asking.take_turn(format).await?;
    let mut snapshot =
        FeedSnapshot::begin(&asking.app.pool, &known.scopes, query.common.as_of).await?;
    let looked = query.look(&asking.app, &mut snapshot, known.series.as_ref()).await?;
    let known_at = snapshot.known_at;
    let wish = Wish { range: query.window, length: query.duration.0, allow_gaps: query.allow_gaps };
    let steps = looked.steps;
    let found = tokio::task::spawn_blocking(move || best(&steps, &wish)).await;
    let found = found.map_err(|error| Problem::internal(&error))?;
    if found.windows.is_empty() {
        return Err(no_window(query.allow_gaps));
    }
    if format == Format::Json {
        snapshot.finish().await?;
        return asking.one(known_at, &query.item(&known, looked.issue, looked.unit, found)?);
    }
    let (whole, file) = query.file(&asking.app, &known, (&found, looked.unit, known_at), format)?;
    asking.file(whole, file, snapshot).await
}

/// What is known before anything is read.
struct Known {
    region: String,
    zone: String,
    /// Whose intensities count; none where only prices do.
    series: Option<Series>,
    scopes: Vec<i32>,
}

/// What is looked through.
struct Looked {
    steps: Vec<Step>,
    issue: Option<Issue>,
    unit: Option<String>,
}

impl Query {
    /// 404 for a tariff or a meter that there is not; one of somebody else is none.
    async fn known(&self, asking: &Asking<Self>) -> Result<Known> {
        let app = &asking.app;
        self.common.one_metric()?;
        let (region, zone) = self.common.place(app).await?;
        let series = match self.by {
            By::Carbon | By::Blend => {
                self.common.one_series(app, self.source == Source::Forecast).await?
            }
            By::Price => None,
        };
        let mut scopes = series.as_ref().map(|one| one.scopes.clone()).unwrap_or_default();
        if let Some(priced) = &self.priced {
            if !reads::priced(&app.pool, priced, asking.principal.user_id).await? {
                return Err(no_prices(priced));
            }
            scopes.extend(reads::tariff_scopes(&app.pool, priced).await?);
        }
        scopes.sort_unstable();
        scopes.dedup();
        Ok(Known { region, zone, series, scopes })
    }

    async fn look(
        &self,
        app: &App,
        snapshot: &mut FeedSnapshot,
        series: Option<&Series>,
    ) -> Result<Looked> {
        let (window, wanted) = (self.window, (self.common.one_metric()?, self.common.unit));
        let (mut issue, mut carbon) = (None, Vec::new());
        if let Some(series) = series {
            (issue, carbon) = match self.source {
                Source::Measured => {
                    (None, steps::measured(snapshot, series, window, wanted).await?)
                }
                Source::Forecast => steps::foretold(snapshot, series, window, wanted).await?,
            };
        }
        let Some(priced) = &self.priced else {
            return Ok(Looked { steps: carbon, issue, unit: Some(self.common.unit.to_string()) });
        };
        let payment = app.config.feeds.of("octopus.rates").map(|feed| feed.payment_method.clone());
        let payment = payment.unwrap_or_else(|| "DIRECT_DEBIT".to_owned());
        let (unit, costs) = steps::priced(snapshot, priced, window, &payment).await?;
        if self.by == By::Price {
            return Ok(Looked { steps: costs, issue, unit });
        }
        let steps = steps::blend(&carbon, &costs, self.carbon_weight, window)
            .map_err(|error| Problem::new(StatusCode::NOT_FOUND, "no_data", error.to_string()))?;
        Ok(Looked { steps, issue, unit: None })
    }

    /// A file of the windows, the lowest first.
    fn file(
        &self,
        app: &App,
        known: &Known,
        (found, unit, known_at): (&Best, Option<String>, DateTime<Utc>),
        format: Format,
    ) -> Result<(Whole, (File, Reading))> {
        let metric = match self.by {
            By::Carbon => self.common.one_metric()?.as_str(),
            By::Price | By::Blend => self.by.as_str(),
        };
        let unit = unit.unwrap_or_default();
        let made = |found: &Found| {
            Some(Made {
                metric,
                window: Window::new(found.start, found.end).ok()?,
                value: Some(found.average),
                unit: unit.clone(),
                quality: None,
                rev: None,
                known_at,
                more: More::Known(found.coverage),
            })
        };
        let series = known.series.as_ref();
        let subject = Subject::of(&known.region, zone(&known.zone), series);
        let made = vec![(subject, found.windows.iter().filter_map(made).collect())];
        let what = ("intensity", "best");
        let few = Few { what, kind: Kind::Means, format, window: self.window };
        let attribution = series.into_iter().map(|one| &*one.attribution);
        Ok(few.file((app, &self.common), made, attribution))
    }

    fn item(
        &self,
        known: &Known,
        issue: Option<Issue>,
        unit: Option<String>,
        Best { windows, considered }: Best,
    ) -> Result<BestItem> {
        let clock = self.common.clock(&known.zone);
        let numbers = self.common.numbers;
        let mut windows = windows.into_iter().map(|found| shown(&found, clock, numbers));
        let window = windows.next().ok_or_else(|| no_window(self.allow_gaps))?;
        let series = known.series.as_ref();
        Ok(BestItem {
            region: known.region.clone(),
            feed: series.map(|one| one.feed_id.clone()),
            factor_set: series.map(|one| one.factor_set_id.clone()),
            by: self.by.as_str(),
            source: self.source.as_str(),
            issued_at: issue.map(|issue| moment(issue.0, clock)),
            window,
            unit,
            candidates_considered: considered,
            alternatives: windows.collect(),
        })
    }
}

fn shown(found: &Found, clock: chrono_tz::Tz, numbers: Numbers) -> WindowItem {
    WindowItem {
        start: moment(found.start, clock),
        end: moment(found.end, clock),
        average: digits(Some(found.average), numbers),
        coverage: digits(Some(found.coverage), numbers),
    }
}

fn no_prices(priced: &Priced) -> Problem {
    let (code, what) = match priced {
        Priced::Tariff(code) => {
            ("no_such_tariff", format!("prices of the tariff {}", crate::error::shown(code)))
        }
        Priced::Meter(id) => ("no_such_meter", format!("meter {}", crate::error::shown(id))),
    };
    Problem::new(StatusCode::NOT_FOUND, code, format!("there are no {what} that you may read"))
}

fn no_window(allow_gaps: bool) -> Problem {
    let detail = match allow_gaps {
        true => "nothing is known in the range, or it is shorter than the duration",
        false => {
            "no window of this length is known from beginning to end; allow_gaps=true takes what is known"
        }
    };
    Problem::new(StatusCode::NOT_FOUND, "no_data", detail)
}
