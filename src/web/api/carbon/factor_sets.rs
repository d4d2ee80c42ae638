//! `GET /api/v1/factor-sets`: what intensities are computed with.

use axum::response::Response;
use chrono::{DateTime, NaiveDate};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer::{Asking, Items, Page, digits, trailer},
    query::{Format, Numbers, PAGE, PageParams, names},
};
use crate::{
    app::App,
    db::feeds::regions::{self, FactorRow, FactorSetRow},
    error::Result,
    extractors::feed::table::{Datum, Records},
    web::parameters::{FromParameters, Parameters},
};

/// The route of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// What is asked.
struct Query {
    numbers: Numbers,
    page: Page,
}

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = names!(&["numbers", "format"], PAGE);

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let numbers = p.value("numbers")?.unwrap_or(Numbers::Exact);
        Ok(Self { numbers, page: Page::read(p)? })
    }
}

/// A named set of emission factors.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"factor_set": "NY-STATE-2016", "provider": "trueprice", "basis": "direct",
    "note": "EIA-923 emissions over EIA-906/920/923 net generation of the state in 2016",
    "factors": [{"region": null, "fuel": "Natural Gas", "valid_from": "1900-01-01", "valid_to": null,
                 "g_per_kwh": "473.035727", "source": "EIA-923, EIA-906/920/923"}]}))]
struct FactorSetItem {
    /// Its name.
    factor_set: String,
    /// Who made it.
    provider: String,
    /// direct, lifecycle or provider.
    basis: String,
    /// What it is made of.
    note: String,
    /// Its factors; none where the provider keeps them to itself.
    factors: Vec<FactorItem>,
}

/// What a fuel emits.
#[derive(Debug, serde::Serialize, ToSchema)]
struct FactorItem {
    /// Where; null everywhere else.
    region: Option<String>,
    /// Of what.
    fuel: String,
    /// From then on.
    valid_from: NaiveDate,
    /// Until then, exclusive; null: still.
    valid_to: Option<NaiveDate>,
    /// g/kWh.
    #[schema(value_type = String)]
    g_per_kwh: Option<Box<RawValue>>,
    /// Where it is from.
    source: String,
}

/// List sets of emission factors
///
/// With each factor and where it is from. Another set is another series: means never mix them.
#[utoipa::path(
    get,
    path = "/api/v1/factor-sets",
    tag = "carbon",
    params(
        ("numbers" = Option<String>, Query, description = "string (the default) or float.", example = "string"),
        ("format" = Option<String>, Query, description = "json, or csv or xlsx: one record for each factor; without it `Accept` decides.", example = "json"),
        PageParams,
    ),
    responses(
        (status = 200, description = "A page of sets, or a file of all factors.", content(
            (Items<FactorSetItem> = "application/json"),
            (String = "text/csv", example = "factor_set,provider,basis,region,fuel,valid_from,valid_to,g_per_kwh,source\nNY-STATE-2016,trueprice,direct,,Natural Gas,1900-01-01,,473.035727,\"EIA-923, EIA-906/920/923\"\n"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )),
        (status = 304, description = "What If-None-Match names is still the answer."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`"),
        (status = 401, description = "No valid credential."),
        (status = 406, description = "`not_acceptable`"),
        (status = 429, description = "`too_many_downloads`"),
    ),
)]
async fn list(asking: Asking<Query>) -> Result<Response> {
    let Query { numbers, page } = &asking.query;
    let format = asking.format(page)?;
    let pool = &asking.app.pool;
    let (mut sets, factors) = (regions::factor_sets(pool).await?, regions::factors(pool).await?);
    let now = asking.app.clock.now();
    if format == Format::Json {
        if let Some([last]) = page.after()? {
            sets.retain(|set| set.factor_set_id.as_str() > last);
        }
        let some = sets.into_iter().take(page.limit + 1);
        let items = some.map(|set| item(set, &factors, *numbers)).collect();
        return asking.page(now, page, items, |item| item.factor_set.clone());
    }
    let records: Records = sets.iter().flat_map(|set| records(set, &factors)).collect();
    let names = ("factor-sets".to_owned(), "factor-sets".to_owned());
    let end = (trailer(&asking.app, []), DateTime::UNIX_EPOCH);
    asking.records(format, names, (COLUMNS, records), end, now).await
}

/// The columns of a file.
const COLUMNS: &[&str] = &[
    "factor_set",
    "provider",
    "basis",
    "region",
    "fuel",
    "valid_from",
    "valid_to",
    "g_per_kwh",
    "source",
];

/// A record for each factor of a set; one without a fuel where its provider keeps them to itself.
fn records(set: &FactorSetRow, factors: &[FactorRow]) -> Records {
    let text = |text: &str| Datum::Text(Some(text.to_owned()).filter(|text| !text.is_empty()));
    let of_set = || vec![text(&set.factor_set_id), text(&set.provider), text(&set.basis)];
    let own = factors.iter().filter(|factor| factor.factor_set_id == set.factor_set_id);
    let mut records: Records = own
        .map(|factor| {
            let region = if factor.region_id == "*" { "" } else { &factor.region_id };
            let valid_to = factor.valid_to.map_or(Datum::Text(None), Datum::Day);
            let more = [
                text(region),
                text(&factor.fuel),
                Datum::Day(factor.valid_from),
                valid_to,
                Datum::Number(Some(factor.g_per_kwh)),
                text(&factor.source),
            ];
            of_set().into_iter().chain(more).collect()
        })
        .collect();
    if records.is_empty() {
        let nothing = std::iter::repeat_n(Datum::Text(None), COLUMNS.len() - 3);
        records.push(of_set().into_iter().chain(nothing).collect());
    }
    records
}

fn item(set: FactorSetRow, factors: &[FactorRow], numbers: Numbers) -> FactorSetItem {
    let own = factors.iter().filter(|factor| factor.factor_set_id == set.factor_set_id);
    let factors = own.map(|factor| FactorItem {
        region: Some(factor.region_id.clone()).filter(|region| region != "*"),
        fuel: factor.fuel.clone(),
        valid_from: factor.valid_from,
        valid_to: factor.valid_to,
        g_per_kwh: digits(Some(factor.g_per_kwh), numbers),
        source: factor.source.clone(),
    });
    FactorSetItem {
        factors: factors.collect(),
        factor_set: set.factor_set_id,
        provider: set.provider,
        basis: set.basis,
        note: set.note,
    }
}
