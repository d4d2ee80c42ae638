//! `GET /api/v1/headroom`, `/api/v1/headroom/unmatched` and `/api/v1/headroom/versions`.

mod records;
mod unmatched;
mod versions;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::value::RawValue;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use super::listing::Listing;
use crate::{
    app::App,
    db::headroom::reads::Wanted,
    domain::{Iso, Source, headroom::Basis},
    error::Result,
    extractors::{
        number,
        query::contradiction,
        words::{Area, Day},
    },
    web::parameters::{FromParameters, Parameters},
};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(records::routes())
        .merge(unmatched::routes())
        .merge(versions::routes())
}

/// Which headroom, as the documentation shows it; [`Query`] reads it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by utoipa only")]
struct HeadroomParams {
    /// Where; every ISO if omitted.
    #[param(example = "pjm", default = "all")]
    iso: Option<String>,
    /// `prompt`: the price to compare of the month in which the offer begins. `term`: its mean over
    /// the offer's term.
    #[param(default = "prompt")]
    basis: Option<String>,
    /// The day of the matrix; the newest of each ISO if omitted.
    #[param(example = "2031-03-04")]
    operating_day: Option<String>,
    /// This version of headroom instead.
    version_id: Option<String>,
}

/// Which offers, as the documentation shows it; [`Query`] reads it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by utoipa only")]
struct OfferParams {
    /// Only offers of this state.
    #[param(example = "PA")]
    state: Option<String>,
    /// Only offers to this type of customer, which is the offer's cost component.
    #[param(example = "Residential")]
    customer_type: Option<String>,
    /// Only offers of so many months.
    #[param(example = 12)]
    term: Option<u8>,
}

/// A page of records, or of offers without one.
struct Query {
    basis: Basis,
    wanted: Wanted,
    listing: Listing,
}

impl Query {
    const NAMES: [&'static str; 9] = [
        "iso",
        "basis",
        "operating_day",
        "version_id",
        "as_of",
        "asOf",
        "limit",
        "cursor",
        "format",
    ];

    fn read(p: &mut Parameters) -> Result<Self> {
        let iso: Area = p.value("iso")?.unwrap_or(Area::All);
        let day = p.value::<Day>("operating_day")?.map(|day| day.0);
        let version = p.value("version_id")?;
        if let (Some(id), Some(_)) = (version, day) {
            let why = "names the version itself and cannot be combined with operating_day";
            return Err(contradiction("version_id", id, why));
        }
        let listing = Listing::from_parameters(p)?;
        let offset = listing.after::<i64>()?.unwrap_or_default().max(0);
        let limit = listing.probe();
        let isos = iso.members().to_vec();
        Ok(Self {
            basis: p.value("basis")?.unwrap_or(Basis::Prompt),
            wanted: Wanted { isos, day, version, offset, limit, ..Wanted::default() },
            listing,
        })
    }

    fn sources(&self) -> Vec<Source> {
        sources(&self.wanted.isos)
    }
}

/// The same for offers that are chosen by their labels.
struct OfferQuery(Query);

impl FromParameters for OfferQuery {
    const NAMES: &'static [&'static str] = &[
        "iso",
        "basis",
        "operating_day",
        "version_id",
        "state",
        "customer_type",
        "term",
        "as_of",
        "asOf",
        "limit",
        "cursor",
        "format",
    ];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let (state, customer_type) = (p.text("state")?, p.text("customer_type")?);
        let term = p.value::<u8>("term")?.map(i16::from);
        let mut query = Query::read(p)?;
        query.wanted = Wanted { state, customer_type, term, ..query.wanted };
        Ok(Self(query))
    }
}

/// A query without labels.
struct PlainQuery(Query);

impl FromParameters for PlainQuery {
    const NAMES: &'static [&'static str] = &Query::NAMES;

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        Query::read(p).map(Self)
    }
}

fn sources(isos: &[Iso]) -> Vec<Source> {
    isos.iter().map(|&iso| Source::Headroom(iso)).collect()
}

fn iso_of(source: i16) -> Iso {
    Source::from_id(source).map_or(Iso::ALL[0], Source::iso)
}

/// $/MWh as $/kWh: the point moves by three places.
fn per_kwh(value: Decimal) -> Decimal {
    Decimal::from_i128_with_scale(value.mantissa(), value.scale() + 3)
}

/// A JSON number with exactly so many decimals, rounded half away from zero.
fn json_number(value: Decimal, places: u32) -> Option<Box<RawValue>> {
    let mut text = Vec::new();
    number::put_decimals(&mut text, &value, places);
    String::from_utf8(text).ok().and_then(|text| RawValue::from_string(text).ok())
}

fn day_cell(day: Option<NaiveDate>) -> crate::extractors::cell::Cell<'static> {
    day.map_or(crate::extractors::cell::Cell::Blank, crate::extractors::cell::Cell::Day)
}
