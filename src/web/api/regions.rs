//! `GET /api/v1/regions`: where there is something to read.

use axum::response::Response;
use chrono::DateTime;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::carbon::{
    answer::{Asking, Items, Page, trailer},
    query::{Format, PAGE, PageParams, REGION, named, names},
};
use crate::{
    app::App,
    db::feeds::regions::{self, RegionRow},
    error::{Problem, Result},
    extractors::feed::table::{Datum, Records},
    web::parameters::{FromParameters, Parameters},
};

/// The route of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// What is asked.
struct Query {
    regions: Vec<String>,
    page: Page,
}

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = names!(REGION, &["format"], PAGE);

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        Ok(Self { regions: p.texts("region"), page: Page::read(p)? })
    }
}

/// A region with what there is of it.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"region": "GB", "name": "Great Britain", "zone": "Europe/London", "country": "GB",
    "parent": null, "default_feed": "gb.intensity",
    "aliases": [{"provider": "neso", "code": "GB"}, {"provider": "octopus", "code": "GB"}],
    "feeds": [{"feed": "gb.intensity", "factor_set": "NESO", "step_seconds": 1800,
               "attribution": "Carbon Intensity API, NESO, CC BY 4.0", "data_from": "2018-01-01T00:00:00+00:00",
               "data_to": "2025-01-15T12:00:00+00:00", "latency_seconds": 1800}]}))]
struct RegionItem {
    /// Its id.
    region: String,
    /// Its name.
    name: String,
    /// IANA zone of its calendar.
    zone: String,
    /// ISO 3166 code.
    country: String,
    /// The region that it is a part of.
    parent: Option<String>,
    /// The feed that queries read where they name none.
    default_feed: Option<String>,
    /// By which codes providers know it.
    #[schema(value_type = Vec<Object>)]
    aliases: Value,
    /// What there is of it: feed, set of factors, first and last instant, usual delay.
    #[schema(value_type = Vec<Object>)]
    feeds: Value,
}

impl From<RegionRow> for RegionItem {
    fn from(row: RegionRow) -> Self {
        Self {
            region: row.region_id,
            name: row.name,
            zone: row.zone,
            country: row.country,
            parent: row.parent_id,
            default_feed: row.default_feed_id,
            aliases: row.aliases,
            feeds: row.feeds,
        }
    }
}

/// List regions
///
/// With the codes that providers know them by, and what there is of each: feeds, sets of factors, from when
/// to when, and how late the newest usually is.
#[utoipa::path(
    get,
    path = "/api/v1/regions",
    tag = "carbon",
    params(
        ("region" = Option<Vec<String>>, Query, description = "Only these, by id or by a provider's code.", example = json!(["GB"])),
        ("format" = Option<String>, Query, description = "json, or csv or xlsx: one record for each region, feed and set of factors; without it `Accept` decides.", example = "json"),
        PageParams,
    ),
    responses(
        (status = 200, description = "A page of regions, or a file of all.", content(
            (Items<RegionItem> = "application/json"),
            (String = "text/csv", example = "region,name,zone,country,parent,default_feed,aliases,feed,factor_set,step_seconds,data_from,data_to,latency_seconds,attribution\nGB,Great Britain,Europe/London,GB,,gb.intensity,neso:GB octopus:GB,gb.intensity,NESO,1800,2018-01-01T00:00:00Z,2025-01-15T12:00:00Z,1800,\"Carbon Intensity API, NESO, CC BY 4.0\"\n"),
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
async fn list(asking: Asking<Query>) -> Result<Response> {
    let Query { regions: texts, page } = &asking.query;
    let format = asking.format(page)?;
    let ids = match texts.is_empty() {
        true => None,
        false => Some(named(&asking.app, texts).await?),
    };
    let after = page.after::<1>()?.map_or("", |[id]| id);
    let limit = i64::try_from(page.limit + 1).map_err(|error| Problem::internal(&error))?;
    let limit = if format == Format::Json { limit } else { i64::MAX };
    let rows = regions::list(&asking.app.pool, after, ids.as_deref(), limit).await?;
    let now = asking.app.clock.now();
    if format == Format::Json {
        let items: Vec<RegionItem> = rows.into_iter().map(RegionItem::from).collect();
        return asking.page(now, page, items, |item| item.region.clone());
    }
    let records: Records = rows.iter().flat_map(records).collect();
    let names = ("regions".to_owned(), "regions".to_owned());
    let end = (trailer(&asking.app, []), DateTime::UNIX_EPOCH);
    asking.records(format, names, (COLUMNS, records), end, now).await
}

/// The columns of a file: of the region first, then those of [`OF_FEED`].
const COLUMNS: &[&str] =
    names!(&["region", "name", "zone", "country", "parent", "default_feed", "aliases"], OF_FEED);

/// What there is of a region.
const OF_FEED: &[&str] = &[
    "feed",
    "factor_set",
    "step_seconds",
    "data_from",
    "data_to",
    "latency_seconds",
    "attribution",
];

/// A value of [`OF_FEED`].
fn datum(name: &str, value: &Value) -> Datum {
    match (name, value) {
        ("data_from" | "data_to", value) => {
            Datum::Instant(value.as_str().and_then(|text| text.parse().ok()))
        }
        (_, Value::Number(number)) => Datum::Number(number.to_string().parse().ok()),
        (_, value) => Datum::Text(value.as_str().map(str::to_owned)),
    }
}

/// A record for each feed and set of factors; one without a feed where there is none.
fn records(row: &RegionRow) -> Records {
    let text = |text: &str| Datum::Text(Some(text.to_owned()));
    let alias = |alias: &Value| {
        Some(format!("{}:{}", alias["provider"].as_str()?, alias["code"].as_str()?))
    };
    let aliases: Vec<String> =
        row.aliases.as_array().into_iter().flatten().filter_map(alias).collect();
    let of_region = [
        text(&row.region_id),
        text(&row.name),
        text(&row.zone),
        text(&row.country),
        Datum::Text(row.parent_id.clone()),
        Datum::Text(row.default_feed_id.clone()),
        text(&aliases.join(" ")),
    ];
    let of_feed =
        |feed: &Value| OF_FEED.iter().map(|name| datum(name, &feed[*name])).collect::<Vec<_>>();
    let feeds = row.feeds.as_array().map(Vec::as_slice).unwrap_or_default();
    let feeds = if feeds.is_empty() { &[Value::Null] } else { feeds };
    feeds.iter().map(|feed| [of_region.to_vec(), of_feed(feed)].concat()).collect()
}
