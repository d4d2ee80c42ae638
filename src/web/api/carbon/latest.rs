//! `GET /api/v1/carbon-intensity/latest`: how it is now.

use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer::{Asking, Items, Whole},
    intensity::{IntensityItem, Print},
    query::{COMMON, Common, CommonParams, Format, PAGE, PageParams, REGION, names},
    whole::Few,
};
use crate::{
    app::App,
    db::feeds::{
        reads::{self, Slot},
        regions::{self, Series},
        snapshot::FeedSnapshot,
    },
    domain::feed::{Metric, Window},
    error::{Problem, Result},
    extractors::feed::{
        File, Reading, has_record,
        long::{Kind, Made, More},
    },
    web::parameters::{FromParameters, Parameters},
};

/// The route of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(latest))
}

/// What is asked.
struct Query(Common);

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = names!(REGION, COMMON, PAGE);

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
    #[serde(skip)]
    region: String,
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
    params(
        ("region" = Option<Vec<String>>, Query, description = "Regions by id or by a provider's code, repeatable; all if omitted.", example = json!(["GB"])),
        CommonParams,
        PageParams,
    ),
    responses(
        (status = 200, description = "A slot for each region that has any, or a file of them.", content(
            (Items<LatestItem> = "application/json"),
            (String = "text/csv", example = "region,feed,factor_set,metric,start_utc,start_local,seconds,value,unit,quality,rev,known_at,age_seconds,late\nGB,gb.intensity,NESO,generated,2025-01-15T11:30:00Z,2025-01-15T11:30:00+00:00,1800,141,g/kWh,measured,1,2025-01-15T12:05:00Z,1200,False\n"),
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
async fn latest(mut asking: Asking<Query>) -> Result<Response> {
    let common = &mut asking.query.0;
    if common.regions.is_empty() {
        let all = regions::list(&asking.app.pool, "", None, i64::MAX).await?;
        common.regions = all.into_iter().map(|region| region.region_id).collect();
    }
    let common = &asking.query.0;
    let format = asking.format(&common.page)?;
    let mut series = common.series(&asking.app, false).await?;
    if let Some([region]) = common.page.after()? {
        series.retain(|one| one.region_id.as_str() > region);
    }
    let scopes: Vec<i32> = series.iter().flat_map(|one| one.scopes.clone()).collect();
    asking.take_turn(format).await?;
    let mut snapshot = common.snapshot(&asking.app, &scopes).await?;
    let now = common.known().unwrap_or_else(|| asking.app.clock.now());
    let limit = if format == Format::Json { common.page.limit } else { usize::MAX };
    let newest = newest(&mut snapshot, &series, (limit, now)).await?;
    if format == Format::Json {
        let known_at = snapshot.known_at;
        snapshot.finish().await?;
        let items = newest.iter().map(|one| one.item(common)).collect();
        return asking.page(known_at, &common.page, items, |item| item.region.clone());
    }
    let (whole, file) = file((&asking.app, common), &newest, (now, format))?;
    asking.file(whole, file, snapshot).await
}

/// A file of the newest slots, named by when they are.
fn file(
    (app, common): (&App, &Common),
    newest: &[Newest<'_>],
    (now, format): (DateTime<Utc>, Format),
) -> Result<(Whole, (File, Reading))> {
    let first = newest.iter().map(|one| one.slot.start).min().unwrap_or(now);
    let past = newest.iter().map(|one| one.slot.end()).max();
    let window = Window::new(first, past.unwrap_or(first + TimeDelta::seconds(1)));
    let window = window.map_err(|error| Problem::internal(&error))?;
    let made = newest.iter().map(|one| (one.series.into(), one.records(common))).collect();
    let few = Few { what: ("intensity", "latest"), kind: Kind::Newest, format, window };
    let attributions = newest.iter().map(|one| &*one.series.attribution);
    Ok(few.file((app, common), made, attributions))
}

/// The newest slot of a series, and how old it is.
struct Newest<'a> {
    series: &'a Series,
    slot: Slot,
    age: TimeDelta,
}

/// Of each series that has any, and of one more than a page has.
async fn newest<'a>(
    snapshot: &mut FeedSnapshot,
    series: &'a [Series],
    (limit, now): (usize, DateTime<Utc>),
) -> Result<Vec<Newest<'a>>> {
    let mut found = Vec::new();
    for series in series {
        // With its quality beside it, one that is not plausible is shown, too.
        let newest = reads::newest(snapshot, series, |slot| slot.values[0].is_some());
        if let Some(slot) = newest.await? {
            found.push(Newest { series, slot, age: now - slot.end() });
        }
        if found.len() > limit {
            break;
        }
    }
    Ok(found)
}

impl Newest<'_> {
    fn is_late(&self) -> bool {
        let Series { step_secs, expected_lag, .. } = self.series;
        self.age > TimeDelta::seconds(3 * i64::from(*step_secs) + expected_lag)
    }

    fn item(&self, common: &Common) -> LatestItem {
        LatestItem {
            region: self.series.region_id.clone(),
            slot: Print::new(common, self.series).slot(&self.slot),
            age_seconds: self.age.num_seconds(),
            late: self.is_late(),
        }
    }

    fn records(&self, common: &Common) -> Vec<Made> {
        let (slot, wanted) = (&self.slot, common.metrics.as_deref());
        let is_known = |metric: &Metric| slot.values[*metric as usize].is_some();
        let has = |metric: &&Metric| has_record(**metric, wanted, is_known(metric));
        let Ok(window) = Window::new(slot.start, slot.end()) else { return Vec::new() };
        let made = |metric: &Metric| Made {
            metric: metric.as_str(),
            window,
            value: slot.value(*metric, common.unit),
            unit: common.unit.to_string(),
            quality: Some(slot.quality.as_str()),
            rev: Some(slot.rev),
            known_at: slot.known_at,
            more: More::Age { seconds: self.age.num_seconds(), late: self.is_late() },
        };
        Metric::ALL.iter().filter(has).map(made).collect()
    }
}
