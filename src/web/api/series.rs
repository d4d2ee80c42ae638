//! `GET /api/v1/series`: the columns of a dataset's files.

use axum::response::Response;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::listing::{self, Asked, Keyed, Listing, Page, Record};
use crate::{
    app::App,
    db::catalogue::{self, SeriesRow},
    domain::{ContractMonth, Dataset},
    error::Result,
    extractors::cell::Cell,
    web::parameters::{FromParameters, Parameters},
};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A series: what a column of a file is, verbatim.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"id": "71", "control_area": "ERCOT", "state": "TX", "load_zone": "NORTH ZONE",
    "capacity_zone": "-", "utility": "ONCOR", "block_type": "5x16", "cost_group": "Energy",
    "cost_component": "Energy", "sub_component": "Energy", "uom": "$/MWh", "kind": "native",
    "first_month": "2031-04", "last_month": "2036-03"}))]
struct SeriesItem {
    id: String,
    control_area: String,
    state: String,
    load_zone: String,
    capacity_zone: String,
    utility: String,
    block_type: String,
    cost_group: String,
    cost_component: String,
    sub_component: String,
    uom: String,
    kind: &'static str,
    /// Earliest contract month, `YYYY-MM`.
    first_month: Option<String>,
    /// Latest contract month, `YYYY-MM`.
    last_month: Option<String>,
}

impl From<SeriesRow> for SeriesItem {
    fn from(row: SeriesRow) -> Self {
        let month = |day| ContractMonth::containing(day).to_string();
        Self {
            id: row.id.to_string(),
            control_area: row.labels.control_area,
            state: row.labels.state,
            load_zone: row.labels.load_zone,
            capacity_zone: row.labels.capacity_zone,
            utility: row.labels.utility,
            block_type: row.labels.block_type,
            cost_group: row.labels.cost_group,
            cost_component: row.labels.cost_component,
            sub_component: row.sub_component,
            uom: row.unit,
            kind: "native",
            first_month: row.first_month.map(month),
            last_month: row.last_month.map(month),
        }
    }
}

impl Record for SeriesItem {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "control_area",
        "state",
        "load_zone",
        "capacity_zone",
        "utility",
        "block_type",
        "cost_group",
        "cost_component",
        "sub_component",
        "uom",
        "kind",
        "first_month",
        "last_month",
    ];

    fn cells(&self) -> Vec<Cell<'_>> {
        let texts = [
            &*self.id,
            &self.control_area,
            &self.state,
            &self.load_zone,
            &self.capacity_zone,
            &self.utility,
            &self.block_type,
            &self.cost_group,
            &self.cost_component,
            &self.sub_component,
            &self.uom,
            self.kind,
            self.first_month.as_deref().unwrap_or_default(),
            self.last_month.as_deref().unwrap_or_default(),
        ];
        texts.into_iter().map(Cell::Text).collect()
    }
}

impl Keyed for SeriesItem {
    fn key(&self) -> String {
        self.id.clone()
    }
}

struct Query {
    dataset: Dataset,
    listing: Listing,
}

impl FromParameters for Query {
    const NAMES: &'static [&'static str] =
        &["curve", "iso", "as_of", "asOf", "limit", "cursor", "format"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        Ok(Self { dataset: listing::dataset(p)?, listing: Listing::from_parameters(p)? })
    }
}

/// List series
#[utoipa::path(
    get,
    path = "/api/v1/series",
    tag = "catalogue",
    params(
        listing::DatasetParams,
        listing::AsOfParams,
        listing::PageParams,
    ),
    responses(
        (status = 200, description = "A page of series.", body = Page<SeriesItem>),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 406, description = "`not_acceptable`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_dataset`"),
    ),
)]
async fn list(asked: Asked<Query>) -> Result<Response> {
    let Query { dataset, ref listing } = asked.query;
    let after: i64 = listing.after()?.unwrap_or_default();
    let read = async |connection: &mut PgConnection, known_at| {
        catalogue::series(connection, dataset, known_at, after, listing.probe()).await
    };
    asked.page(listing, &[dataset], read, SeriesItem::from).await
}
