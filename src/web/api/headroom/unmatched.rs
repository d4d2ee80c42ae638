//! `GET /api/v1/headroom/unmatched`: offers without a record, and why.

use axum::response::Response;
use chrono::NaiveDate;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::listing::{self, Asked, Keyed, Page, Record},
    HeadroomParams, PlainQuery, day_cell, iso_of,
};
use crate::{
    app::App,
    db::{
        headroom::reads::{self, UnmatchedRow},
        snapshot::View,
    },
    error::Result,
    extractors::cell::Cell,
};

/// The route of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// An offer without a record, or without one for one of the prices to compare that it matches.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"iso": "pjm", "version_id": "91", "operating_day": "2031-03-04",
    "reason": "no_matching_id", "state": "OH", "utility": "BVP", "load_zone": "AEP",
    "customer_type": "Residential", "term": 12, "beginning_date": "2031-04-01",
    "load_profile": "RES", "matching_id": "E0013", "lookup_id": "OH-BVP-RS", "ptc_lookup_id": null}))]
struct UnmatchedItem {
    /// Where.
    iso: String,
    /// The version of headroom.
    version_id: String,
    /// The day of the matrix.
    operating_day: NaiveDate,
    /// `no_matching_id`: no price to compare has the offer's Lookup ID1 as its Matching ID.
    /// `no_ptc_month`: none for the month in which the offer begins. `ptc_gap`: the price of a month
    /// is missing, or its unit is none of $/kWh, $/MWh and c/kWh. `no_total_line`: the matrix has no
    /// line Total Bundled Price. `null_price`: no number in it, or one of another unit.
    reason: String,
    /// State.
    state: String,
    /// Utility.
    utility: String,
    /// Load zone.
    load_zone: String,
    /// To whom it is offered: the cost component of the matrix.
    customer_type: String,
    /// Months.
    term: Option<i16>,
    /// The day on which the term begins.
    beginning_date: Option<NaiveDate>,
    /// Load profile of the offer.
    load_profile: Option<String>,
    /// Matching ID of the offer.
    matching_id: Option<String>,
    /// Lookup ID1 of the offer.
    lookup_id: Option<String>,
    /// Lookup ID1 of the price to compare that it is about, where it is about one.
    ptc_lookup_id: Option<String>,
    #[serde(skip)]
    number: i64,
}

impl UnmatchedItem {
    fn new(row: UnmatchedRow, number: i64) -> Self {
        Self {
            iso: iso_of(row.dataset_id).to_string(),
            version_id: row.version_id.to_string(),
            operating_day: row.operating_day,
            reason: row.code,
            state: row.state,
            utility: row.utility,
            load_zone: row.load_zone,
            customer_type: row.cost_component,
            term: row.term,
            beginning_date: row.beginning_date,
            load_profile: row.load_profile,
            matching_id: row.matching_id,
            lookup_id: row.lookup_id,
            ptc_lookup_id: row.ptc_lookup_id,
            number,
        }
    }
}

impl Record for UnmatchedItem {
    const COLUMNS: &'static [&'static str] = &[
        "iso",
        "version_id",
        "operating_day",
        "reason",
        "state",
        "utility",
        "load_zone",
        "customer_type",
        "term",
        "beginning_date",
        "load_profile",
        "matching_id",
        "lookup_id",
        "ptc_lookup_id",
    ];

    fn cells(&self) -> Vec<Cell<'_>> {
        vec![
            Cell::Text(&self.iso),
            Cell::Text(&self.version_id),
            Cell::Day(self.operating_day),
            Cell::Text(&self.reason),
            Cell::Text(&self.state),
            Cell::Text(&self.utility),
            Cell::Text(&self.load_zone),
            Cell::Text(&self.customer_type),
            self.term.map_or(Cell::Blank, |term| Cell::Exact(term.into())),
            day_cell(self.beginning_date),
            Cell::text(self.load_profile.as_deref()),
            Cell::text(self.matching_id.as_deref()),
            Cell::text(self.lookup_id.as_deref()),
            Cell::text(self.ptc_lookup_id.as_deref()),
        ]
    }
}

impl Keyed for UnmatchedItem {
    fn key(&self) -> String {
        self.number.to_string()
    }
}

/// List unmatched offers
///
/// Offers that have no headroom, and why.
#[utoipa::path(
    get,
    path = "/api/v1/headroom/unmatched",
    tag = "headroom",
    params(
        HeadroomParams,
        listing::AsOfParams,
        listing::PageParams,
    ),
    responses(
        (status = 200, description = "A page of offers.", body = Page<UnmatchedItem>),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`"),
        (status = 401, description = "No valid credential."),
        (status = 406, description = "`not_acceptable`"),
    ),
)]
async fn list(asked: Asked<PlainQuery>) -> Result<Response> {
    let PlainQuery(query) = &asked.query;
    let read = async |connection: &mut PgConnection, view: &View| {
        reads::unmatched(connection, view, query.basis, &query.wanted).await
    };
    let mut number = query.wanted.offset;
    let item = |row| {
        number += 1;
        UnmatchedItem::new(row, number)
    };
    asked.page(&query.listing, &query.sources(), read, item).await
}
