//! `GET /api/v1/series`: the columns of a dataset's files.

use axum::response::Response;
use chrono::NaiveDate;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::listing::{self, Asked, Keyed, Listing, Page, Record};
use crate::{
    app::App,
    db::{
        catalogue::{self, SeriesRow},
        snapshot::View,
    },
    domain::{ContractMonth, Dataset, SeriesKey},
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
    /// loadprofile.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Residential")]
    customer_type: Option<String>,
    /// ptc: the utility by its full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Utility One")]
    utility_name: Option<String>,
    /// ptc: rate class or load profile; matrix: load profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "SC-2")]
    load_profile: Option<String>,
    /// ptc and matrix: what offers look up; `N/A` where the file leaves it blank.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "M-0002")]
    matching_id: Option<String>,
    /// ptc and matrix: `Lookup ID1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "NYISO NY ZONE Y")]
    lookup_id: Option<String>,
    /// matrix: months of the offer's term.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 12)]
    term: Option<u8>,
    /// matrix: the day on which the offer's term begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2031-06-01")]
    beginning_date: Option<NaiveDate>,
}

impl From<SeriesRow> for SeriesItem {
    fn from(row: SeriesRow) -> Self {
        let month = |day| ContractMonth::containing(day).to_string();
        let SeriesKey { labels, sub_component, unit, more } = row.key;
        Self {
            id: row.id.to_string(),
            control_area: labels.control_area,
            state: labels.state,
            load_zone: labels.load_zone,
            capacity_zone: labels.capacity_zone,
            utility: labels.utility,
            block_type: labels.block_type,
            cost_group: labels.cost_group,
            cost_component: labels.cost_component,
            sub_component,
            uom: unit,
            kind: "native",
            first_month: row.first_month.map(month),
            last_month: row.last_month.map(month),
            customer_type: more.customer_type,
            utility_name: more.utility_name,
            load_profile: more.load_profile,
            matching_id: more.matching_id,
            lookup_id: more.lookup_id,
            term: more.term,
            beginning_date: more.beginning_date,
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
        "customer_type",
        "utility_name",
        "load_profile",
        "matching_id",
        "lookup_id",
        "term",
        "beginning_date",
    ];

    fn cells(&self) -> Vec<Cell<'_>> {
        let labels = [
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
        ];
        let of_some = [
            &self.first_month,
            &self.last_month,
            &self.customer_type,
            &self.utility_name,
            &self.load_profile,
            &self.matching_id,
            &self.lookup_id,
        ];
        let of_some = of_some.map(|text| text.as_deref().map_or(Cell::Blank, Cell::Text));
        let term = self.term.map_or(Cell::Blank, |months| Cell::Exact(months.into()));
        let beginning = self.beginning_date.map_or(Cell::Blank, Cell::Day);
        labels.map(Cell::Text).into_iter().chain(of_some).chain([term, beginning]).collect()
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
    let read = async |connection: &mut PgConnection, view: &View| {
        catalogue::series(connection, dataset, view, after, listing.probe()).await
    };
    asked.page(listing, &[dataset], read, SeriesItem::from).await
}
