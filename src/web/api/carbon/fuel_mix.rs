//! `GET /api/v1/fuel-mix`: what electricity is made of.

use axum::response::Response;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer::{Asking, Items, Page, Whole, dated, digits, instant_of, moment, trailer},
    query::{Common, Format, Numbers, PageParams, RangeParams, Zone, range},
};
use crate::{
    app::App,
    db::feeds::{
        reads::{self, MixRow},
        regions::MixSeries,
        snapshot::FeedSnapshot,
    },
    domain::feed::{IntensityUnit, Window},
    error::Result,
    extractors::{
        feed::{
            File, Reading, file_name,
            long::{Kind, Subject},
            stamp::LocalClock,
            zone,
        },
        query::as_of,
    },
    web::parameters::{FromParameters, Parameters},
};

/// The route of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The parameters as the documentation shows them; [`Query`] reads them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by utoipa only")]
struct MixParams {
    /// Regions by id or by a provider's code, repeatable.
    #[param(example = json!(["GB"]))]
    region: Vec<String>,
    /// This feed rather than the region's own.
    #[param(example = "gb.mix")]
    feed: Option<String>,
    /// UTC (the default) or local: how instants are printed.
    zone: Option<String>,
    /// Only what was known then, RFC 3339 with an offset; `asOf` is the same.
    as_of: Option<String>,
    /// `string` (the default): values as strings with exact digits. `float`: as JSON numbers.
    numbers: Option<String>,
}

/// What is asked.
struct Query {
    common: Common,
    window: Window,
    page: Page,
}

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = &[
        "region", "start", "end", "feed", "zone", "as_of", "asOf", "numbers", "limit", "cursor",
        "format",
    ];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let common = Common {
            regions: p.texts("region"),
            feed: p.text("feed")?,
            factor_set: None,
            metrics: None,
            unit: IntensityUnit::GPerKwh,
            zone: p.value("zone")?.unwrap_or(Zone::Utc),
            as_of: as_of(p)?,
            numbers: p.value("numbers")?.unwrap_or(Numbers::Exact),
        };
        Ok(Self { common, window: range(p)?, page: Page::read(p)? })
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
/// What was generated of which fuel, by slot: megawatts, or percent where the upstream gives shares.
#[utoipa::path(
    get,
    path = "/api/v1/fuel-mix",
    tag = "carbon",
    params(MixParams, RangeParams, PageParams),
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
    let Query { common, page, .. } = &asking.query;
    let format = asking.format(page)?;
    let series = common.mixes(&asking.app).await?;
    let scopes: Vec<i32> = series.iter().flat_map(|one| one.scopes.clone()).collect();
    let mut snapshot =
        FeedSnapshot::begin(&asking.app.pool, &scopes, page.as_of(common.as_of)).await?;
    if format == Format::Json {
        let items = items(&mut snapshot, &asking.query, &series).await?;
        let known_at = snapshot.known_at;
        snapshot.finish().await?;
        return asking.page(known_at, &asking.query.page, items, |item| item.key.clone());
    }
    let whole = whole(&mut snapshot, &asking.query, &series, format).await?;
    let file = file(&asking, &series, format);
    asking.file(whole, file, snapshot).await
}

async fn items(
    snapshot: &mut FeedSnapshot,
    Query { common, window, page }: &Query,
    series: &[MixSeries],
) -> Result<Vec<MixItem>> {
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
    Query { common, window, .. }: &Query,
    series: &[MixSeries],
    format: Format,
) -> Result<Whole> {
    let (mut state, mut most) = (Vec::new(), 0);
    for one in series {
        let stamp = reads::mix_stamp(snapshot, one, *window).await?;
        state.push(format!("{} {} {stamp:?}\n", one.region_id, one.feed_id));
        // A fuel may have megawatts and percent.
        most += 2 * u64::try_from(stamp.rows).unwrap_or_default();
    }
    let regions: Vec<&str> = series.iter().map(|one| &*one.region_id).collect();
    let regions = if regions.is_empty() {
        common.regions.iter().map(|text| &**text).collect()
    } else {
        regions
    };
    let name = file_name(("mix", "native", format.as_str()), &regions, *window);
    Ok(Whole {
        name,
        object: format!("fuel-mix/{}", regions.join(",")),
        state: state.concat(),
        most,
    })
}

fn file(asking: &Asking<Query>, series: &[MixSeries], format: Format) -> (File, Reading) {
    let Query { common, window, .. } = &asking.query;
    let subject = |one: &MixSeries| Subject {
        region: one.region_id.clone(),
        feed: one.feed_id.clone(),
        factor_set: None,
        clock: LocalClock::new(zone(&one.zone)),
    };
    let file = File {
        is_xlsx: format == Format::Xlsx,
        kind: Kind::Slots,
        subjects: series.iter().map(subject).collect(),
        metrics: None,
        unit: common.unit,
        trailer: trailer(&asking.app, series.iter().map(|one| &*one.attribution)),
        dated: dated(*window),
    };
    (file, Reading::Mix(series.to_vec(), *window))
}
