//! `GET /api/v1/labels`: distinct values of a label, given others.

use axum::response::Response;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::listing::{self, Asked, Keyed, Listing, Page, Record};
use crate::{
    app::App,
    db::{catalogue, snapshot::View},
    domain::{Dataset, words},
    error::Result,
    extractors::cell::Cell,
    web::parameters::{FromParameters, Parameters},
};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

words! {
    /// A label, by its parameter.
    Label("a label") {
        /// Control area.
        ControlArea = "control_area",
        /// State.
        State = "state",
        /// Load zone.
        LoadZone = "load_zone",
        /// Capacity zone.
        CapacityZone = "capacity_zone",
        /// Utility.
        Utility = "utility",
        /// Block type.
        BlockType = "block_type",
        /// Cost group.
        CostGroup = "cost_group",
        /// Cost component.
        CostComponent = "cost_component",
    }
}

/// A value of the label that was asked for.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"label": "load_zone", "value": "NORTH ZONE"}))]
struct LabelItem {
    /// The label.
    label: &'static str,
    /// A value, verbatim.
    value: String,
}

impl Record for LabelItem {
    const COLUMNS: &'static [&'static str] = &["label", "value"];

    fn cells(&self) -> Vec<Cell<'_>> {
        vec![Cell::Text(self.label), Cell::Text(&self.value)]
    }
}

impl Keyed for LabelItem {
    fn key(&self) -> String {
        self.value.clone()
    }
}

struct Query {
    dataset: Dataset,
    next: Label,
    chosen: [Option<String>; 8],
    listing: Listing,
}

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = &[
        "curve",
        "iso",
        "next",
        "control_area",
        "state",
        "load_zone",
        "capacity_zone",
        "utility",
        "block_type",
        "cost_group",
        "cost_component",
        "as_of",
        "asOf",
        "limit",
        "cursor",
        "format",
    ];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let mut chosen: [Option<String>; 8] = Default::default();
        for (place, label) in chosen.iter_mut().zip(Label::ALL) {
            *place = p.text(label.as_str())?;
        }
        Ok(Self {
            dataset: listing::dataset(p)?,
            next: p.value("next")?.ok_or_else(|| listing::required("next"))?,
            chosen,
            listing: Listing::from_parameters(p)?,
        })
    }
}

/// List the values of a label
///
/// Cascading: only values that occur together with those already chosen, each chosen one given by
/// its own parameter (`load_zone=NORTH ZONE`).
#[utoipa::path(
    get,
    path = "/api/v1/labels",
    tag = "catalogue",
    params(
        listing::DatasetParams,
        ("next" = String, Query, description = "The label whose values are wanted.", example = "load_zone"),
        ("control_area" = Option<String>, Query),
        ("state" = Option<String>, Query, example = "TX"),
        ("load_zone" = Option<String>, Query),
        ("capacity_zone" = Option<String>, Query),
        ("utility" = Option<String>, Query),
        ("block_type" = Option<String>, Query),
        ("cost_group" = Option<String>, Query),
        ("cost_component" = Option<String>, Query),
        listing::AsOfParams,
        listing::PageParams,
    ),
    responses(
        (status = 200, description = "A page of values, byte-wise ascending.", body = Page<LabelItem>),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 406, description = "`not_acceptable`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_dataset`"),
    ),
)]
async fn list(asked: Asked<Query>) -> Result<Response> {
    let Query { dataset, next, ref chosen, ref listing } = asked.query;
    let (label, limit) = (next.as_str(), listing.probe());
    let after: Option<String> = listing.after()?;
    let read = async |connection: &mut PgConnection, view: &View| {
        let after = after.as_deref();
        catalogue::labels(connection, dataset, view, label, chosen, after, limit).await
    };
    asked.page(listing, &[dataset], read, |value| LabelItem { label, value }).await
}
