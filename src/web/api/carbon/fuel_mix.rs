//! `GET /api/v1/fuel-mix`: what electricity is made of.

use axum::response::Response;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer::{Asking, Items, Whole, dated, digits, instant_of, moment, trailer},
    query::{
        COMMON, Common, CommonParams, Format, PAGE, PageParams, RANGE, REGION, RangeParams,
        RegionParams, names, range,
    },
};
use crate::{
    app::App,
    db::feeds::{
        reads::{self, MixRow},
        regions::MixSeries,
        snapshot::FeedSnapshot,
    },
    domain::feed::{Metric, Window},
    error::{Problem, Result},
    extractors::feed::{File, Reading, file_name, long::Kind},
    web::parameters::{FromParameters, Parameters},
};

/// The route of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// What is asked.
struct Query {
    common: Common,
    window: Window,
}

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = names!(REGION, RANGE, COMMON, PAGE);

    /// A mix is of what is generated, in megawatts and percent: a set of factors and a unit of intensities
    /// are read as everywhere, and say nothing about it.
    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let common = Common::read(p)?;
        if let Some(other) = common.metrics.iter().flatten().find(|m| **m != Metric::Generated) {
            let wanted = "a mix is of what is generated; give generated, or leave it out";
            return Err(Problem::bad_parameter("metric", other.as_str(), wanted));
        }
        Ok(Self { common, window: range(p)? })
    }
}

type Digits = Option<Box<RawValue>>;

/// One fuel in one slot.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"region": "GB", "feed": "gb.mix", "start": "2025-01-15T00:00:00Z",
    "end": "2025-01-15T00:30:00Z", "fuel": "gas", "mw": null, "percent": "36", "rev": 1}))]
struct MixItem {
    /// Where.
    region: String,
    /// Which feed brought it.
    feed: String,
    /// First instant.
    start: String,
    /// The instant after the last one.
    end: String,
    /// As the upstream names it.
    fuel: String,
    /// Mean MW; null where the upstream gives shares, or nothing.
    #[schema(value_type = Option<String>)]
    mw: Digits,
    /// Percent of generation; null where the upstream gives megawatts.
    #[schema(value_type = Option<String>)]
    percent: Digits,
    /// Which content of the row.
    rev: i32,
    #[serde(skip)]
    key: String,
}

impl MixItem {
    fn new(common: &Common, series: &MixSeries, row: &MixRow) -> Self {
        let clock = common.clock(&series.zone);
        let end = row.start + chrono::TimeDelta::seconds(row.secs.into());
        Self {
            region: series.region_id.clone(),
            feed: series.feed_id.clone(),
            start: moment(row.start, clock),
            end: moment(end, clock),
            fuel: row.fuel.clone(),
            mw: digits(row.mw, common.numbers),
            percent: digits(row.percent, common.numbers),
            rev: row.rev,
            key: format!("{}\n{}\n{}", series.region_id, row.start.timestamp_micros(), row.fuel),
        }
    }
}

/// Read the fuel mix
///
/// What was generated of which fuel, by slot: megawatts, or percent where the upstream gives shares. One
/// query serves this and the reads of intensities: `metric` may be generated only, and `unit` and `factor_set`
/// are read as there but change nothing, for megawatts and percent are made with no factor.
#[utoipa::path(
    get,
    path = "/api/v1/fuel-mix",
    tag = "carbon",
    params(RegionParams, RangeParams, CommonParams, PageParams),
    responses(
        (status = 200, description = "A page of fuels by slot, or a file.", content(
            (Items<MixItem> = "application/json"),
            (String = "text/csv", example = "region,feed,factor_set,metric,start_utc,start_local,seconds,value,unit,quality,rev,known_at\nGB,gb.mix,,gas,2025-01-15T00:00:00Z,2025-01-15T00:00:00+00:00,1800,36,percent,,1,2025-01-15T01:10:02.120031Z\n"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
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
    let common = &asking.query.common;
    let format = asking.format(&common.page)?;
    let series = common.mixes(&asking.app).await?;
    let scopes: Vec<i32> = series.iter().flat_map(|one| one.scopes.clone()).collect();
    asking.take_turn(format).await?;
    let mut snapshot = common.snapshot(&asking.app, &scopes).await?;
    if format == Format::Json {
        let items = items(&mut snapshot, &asking.query, &series).await?;
        let known_at = snapshot.known_at;
        snapshot.finish().await?;
        return asking.page(known_at, &common.page, items, |item| item.key.clone());
    }
    let whole = whole(&mut snapshot, &asking.query, &series, format).await?;
    let file = file(&asking, &series, format);
    asking.file(whole, file, snapshot).await
}

async fn items(
    snapshot: &mut FeedSnapshot,
    Query { common, window }: &Query,
    series: &[MixSeries],
) -> Result<Vec<MixItem>> {
    let page = &common.page;
    let after = match page.after()? {
        Some([region, start, fuel]) => Some((region, instant_of(start)?, fuel)),
        None => None,
    };
    let mut items = Vec::new();
    for one in series {
        let here = match after {
            Some((region, ..)) if one.region_id.as_str() < region => continue,
            Some((region, start, fuel)) if one.region_id == region => Some((start, fuel)),
            _ => None,
        };
        let room = i64::try_from(page.limit + 1 - items.len()).unwrap_or(1);
        let rows = reads::mix(snapshot, one, *window, here, room).await?;
        items.extend(rows.iter().map(|row| MixItem::new(common, one, row)));
        if items.len() > page.limit {
            break;
        }
    }
    Ok(items)
}

async fn whole(
    snapshot: &mut FeedSnapshot,
    Query { common, window }: &Query,
    series: &[MixSeries],
    format: Format,
) -> Result<Whole> {
    let (mut state, mut most) = (Vec::new(), 0);
    for one in series {
        let MixSeries { region_id, feed_id, .. } = one;
        let changes = reads::state(snapshot, "fuel_mix", (feed_id, region_id), *window).await?;
        state.push(format!("{region_id} {feed_id} {changes:?}\n"));
        if format == Format::Xlsx {
            let count = reads::mix_count(snapshot, one, *window).await?;
            most += u64::try_from(count).unwrap_or_default();
        }
    }
    let regions = common.names(series.iter().map(|one| &*one.region_id));
    let name = file_name(("mix", "native", format.as_str()), &regions, *window);
    Ok(Whole {
        name,
        object: format!("fuel-mix/{}", regions.join(",")),
        state: state.concat(),
        most,
    })
}

fn file(asking: &Asking<Query>, series: &[MixSeries], format: Format) -> (File, Reading) {
    let Query { common, window } = &asking.query;
    let attributions = series.iter().map(|one| &*one.attribution);
    let end = (trailer(&asking.app, attributions), dated(*window));
    let subjects = series.iter().map(Into::into).collect();
    let file = common.file(format, Kind::Slots, subjects, end);
    (file, Reading::Mix(series.to_vec(), *window))
}
