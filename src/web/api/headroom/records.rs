//! `GET /api/v1/headroom`: the map's data.

use std::collections::{BTreeMap, BTreeSet};

use axum::{http::header, response::Response};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{json, value::RawValue};
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::listing::{self, Asked, Keyed, Page, Record},
    HeadroomParams, OfferParams, OfferQuery, day_cell, iso_of, json_number, per_kwh,
};
use crate::{
    app::App,
    audit::download::{self, Asker, Wanted},
    db::{
        headroom::reads::{self, RecordRow},
        snapshot::View,
    },
    domain::Iso,
    error::Result,
    extractors::cell::Cell,
};

/// The route of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// An offer beside the price to compare of its utility. Prices are in $/kWh with five decimals.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"iso": "pjm", "version_id": "91", "operating_day": "2031-03-04",
    "curve_timestamp": "2031-03-04T07:30:00Z", "ptc_timestamp": "2031-03-03T10:00:00Z",
    "state": "PA", "utility": "KSP", "load_zone": "PECO", "utility_price": 0.12000,
    "retail_price": 0.09000, "headroom": 0.03000, "headroom_pct": 25.00,
    "customer_type": "Residential", "term": 12, "beginning_date": "2031-04-01",
    "ptc_month": "2031-04-01", "load_profile": "RES", "utility_name": "Keystone Power",
    "rate_class": "R", "matching_id": "E0001", "lookup_id": "PA-KSP-R",
    "ptc_lookup_id": "PJM PA PECO PECO KSP R", "ambiguous": false}))]
struct HeadroomItem {
    /// Where.
    iso: String,
    /// The version of headroom.
    version_id: String,
    /// The day of the matrix.
    operating_day: NaiveDate,
    /// When the matrix was published.
    curve_timestamp: DateTime<Utc>,
    /// When the prices to compare were published.
    ptc_timestamp: DateTime<Utc>,
    /// State.
    state: String,
    /// Utility.
    utility: String,
    /// Load zone.
    load_zone: String,
    /// The price to compare, $/kWh.
    #[schema(value_type = f64)]
    utility_price: Option<Box<RawValue>>,
    /// The price of the offer, $/kWh.
    #[schema(value_type = f64)]
    retail_price: Option<Box<RawValue>>,
    /// How much cheaper the offer is, $/kWh.
    #[schema(value_type = f64)]
    headroom: Option<Box<RawValue>>,
    /// The same in percent of the price to compare, with two decimals; null where that is 0.
    #[schema(value_type = Option<f64>)]
    headroom_pct: Option<Box<RawValue>>,
    /// To whom it is offered: the cost component of the matrix.
    customer_type: String,
    /// Months.
    term: Option<i16>,
    /// The day on which the term begins.
    beginning_date: Option<NaiveDate>,
    /// The first month of the price to compare that counts.
    ptc_month: NaiveDate,
    /// Load profile of the offer.
    load_profile: Option<String>,
    /// The utility by its full name.
    utility_name: Option<String>,
    /// Rate class of the price to compare.
    rate_class: Option<String>,
    /// Matching ID of the offer.
    matching_id: Option<String>,
    /// Lookup ID1 of the offer: the Matching ID of the price to compare.
    lookup_id: Option<String>,
    /// Lookup ID1 of the price to compare.
    ptc_lookup_id: Option<String>,
    /// Whether the offer matches further prices to compare, and so has further records.
    ambiguous: bool,
    #[serde(skip)]
    values: [Decimal; 3],
    #[serde(skip)]
    percent: Option<Decimal>,
    #[serde(skip)]
    number: i64,
}

impl HeadroomItem {
    fn new(row: RecordRow, number: i64) -> Self {
        let values = [row.ptc, row.retail_price, row.headroom].map(per_kwh);
        let [utility_price, retail_price, headroom] = values.map(|value| json_number(value, 5));
        Self {
            iso: iso_of(row.dataset_id).to_string(),
            version_id: row.version_id.to_string(),
            operating_day: row.operating_day,
            curve_timestamp: row.curve_timestamp,
            ptc_timestamp: row.ptc_timestamp,
            state: row.state,
            utility: row.utility,
            load_zone: row.load_zone,
            utility_price,
            retail_price,
            headroom,
            headroom_pct: row.headroom_pct.and_then(|percent| json_number(percent, 2)),
            customer_type: row.cost_component,
            term: row.term,
            beginning_date: row.beginning_date,
            ptc_month: row.month,
            load_profile: row.load_profile,
            utility_name: row.utility_name,
            rate_class: row.rate_class,
            matching_id: row.matching_id,
            lookup_id: row.lookup_id,
            ptc_lookup_id: row.ptc_lookup_id,
            ambiguous: row.ambiguous,
            values,
            percent: row.headroom_pct,
            number,
        }
    }
}

impl Record for HeadroomItem {
    const COLUMNS: &'static [&'static str] = &[
        "iso",
        "version_id",
        "operating_day",
        "curve_timestamp",
        "ptc_timestamp",
        "state",
        "utility",
        "load_zone",
        "utility_price",
        "retail_price",
        "headroom",
        "headroom_pct",
        "customer_type",
        "term",
        "beginning_date",
        "ptc_month",
        "load_profile",
        "utility_name",
        "rate_class",
        "matching_id",
        "lookup_id",
        "ptc_lookup_id",
        "ambiguous",
    ];

    fn cells(&self) -> Vec<Cell<'_>> {
        let [utility_price, retail_price, headroom] = self.values.map(Cell::Price);
        vec![
            Cell::Text(&self.iso),
            Cell::Text(&self.version_id),
            Cell::Day(self.operating_day),
            Cell::Instant(self.curve_timestamp),
            Cell::Instant(self.ptc_timestamp),
            Cell::Text(&self.state),
            Cell::Text(&self.utility),
            Cell::Text(&self.load_zone),
            utility_price,
            retail_price,
            headroom,
            self.percent.map_or(Cell::Blank, Cell::Percent),
            Cell::Text(&self.customer_type),
            self.term.map_or(Cell::Blank, |term| Cell::Exact(term.into())),
            day_cell(self.beginning_date),
            Cell::Day(self.ptc_month),
            Cell::text(self.load_profile.as_deref()),
            Cell::text(self.utility_name.as_deref()),
            Cell::text(self.rate_class.as_deref()),
            Cell::text(self.matching_id.as_deref()),
            Cell::text(self.lookup_id.as_deref()),
            Cell::text(self.ptc_lookup_id.as_deref()),
            Cell::Flag(self.ambiguous),
        ]
    }
}

impl Keyed for HeadroomItem {
    fn key(&self) -> String {
        self.number.to_string()
    }
}

/// List headroom
///
/// How much cheaper each offer is than the utility's price to compare: of the newest operating day of
/// each ISO, of a day, or of a version. `GET /api/v1/data?curve=headroom` gives the same in $/MWh.
#[utoipa::path(
    get,
    path = "/api/v1/headroom",
    tag = "headroom",
    params(
        HeadroomParams,
        OfferParams,
        listing::AsOfParams,
        listing::PageParams,
    ),
    responses(
        (status = 200, description = "A page of offers; empty where nothing is known.", body = Page<HeadroomItem>),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`"),
        (status = 401, description = "No valid credential."),
        (status = 406, description = "`not_acceptable`"),
    ),
)]
async fn list(asked: Asked<OfferQuery>, record: Asker) -> Result<Response> {
    let OfferQuery(query) = &asked.query;
    let read = async |connection: &mut PgConnection, view: &View| {
        reads::records(connection, view, query.basis, &query.wanted).await
    };
    let mut number = query.wanted.offset;
    let mut versions: BTreeMap<Iso, BTreeSet<i64>> = BTreeMap::new();
    let item = |row: RecordRow| {
        number += 1;
        versions.entry(iso_of(row.dataset_id)).or_default().insert(row.version_id);
        HeadroomItem::new(row, number)
    };
    let page = asked.page(&query.listing, &query.sources(), read, item).await?;
    let rows = (number - query.wanted.offset).min(query.listing.limit);
    if page.headers()[header::CONTENT_TYPE] == "application/json" {
        return Ok(page);
    }
    let part = |(iso, ids)| download::part(("headroom", iso), ids);
    let wanted = Wanted {
        parameters: json!({ "limit": query.listing.limit, "offset": query.wanted.offset }),
        parts: versions.into_iter().map(part).collect(),
        ..Wanted::list("headroom", "csv", None)
    };
    Ok(record.begin(wanted).await?.whole(Some(rows.unsigned_abs()), page))
}
