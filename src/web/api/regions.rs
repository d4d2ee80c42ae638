//! `GET /api/v1/regions`: where there is something to read.

use axum::response::Response;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::carbon::{
    answer::{Asking, Items, Page},
    query::named,
};
use crate::{
    app::App,
    db::feeds::regions::{self, RegionRow},
    error::{Problem, Result},
    web::{
        paging,
        parameters::{FromParameters, Parameters},
    },
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
    const NAMES: &'static [&'static str] = &["region", "limit", "cursor"];

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
        ("limit" = Option<u32>, Query, description = "Regions of a page, 1 to 1000 (the default)."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of regions.", body = Items<RegionItem>),
        (status = 304, description = "What If-None-Match names is still the answer."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_region`"),
    ),
)]
async fn list(asking: Asking<Query>) -> Result<Response> {
    let Query { regions: texts, page } = &asking.query;
    let ids = match texts.is_empty() {
        true => None,
        false => Some(named(&asking.app, texts).await?),
    };
    let after = page.after::<1>()?.map_or("", |[id]| id);
    let limit = i64::try_from(page.limit + 1).map_err(|error| Problem::internal(&error))?;
    let limit = limit.min(paging::MOST + 1);
    let rows = regions::list(&asking.app.pool, after, ids.as_deref(), limit).await?;
    let items: Vec<RegionItem> = rows.into_iter().map(RegionItem::from).collect();
    asking.page(asking.app.clock.now(), page, items, |item| item.region.clone())
}
