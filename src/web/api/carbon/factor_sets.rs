//! `GET /api/v1/factor-sets`: what intensities are computed with.

use axum::response::Response;
use chrono::NaiveDate;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer::{Asking, Items, digits},
    query::Numbers,
};
use crate::{
    app::App,
    db::feeds::regions::{self, FactorRow, FactorSetRow},
    error::Result,
    web::parameters::{FromParameters, Parameters},
};

/// The route of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// What is asked.
struct Query(Numbers);

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = &["numbers"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        Ok(Self(p.value("numbers")?.unwrap_or(Numbers::Exact)))
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
    params(("numbers" = Option<String>, Query, description = "string (the default) or float.", example = "string")),
    responses(
        (status = 200, description = "Every set.", body = Items<FactorSetItem>),
        (status = 304, description = "What If-None-Match names is still the answer."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 401, description = "No valid credential."),
    ),
)]
async fn list(asking: Asking<Query>) -> Result<Response> {
    let pool = &asking.app.pool;
    let (sets, factors) = (regions::factor_sets(pool).await?, regions::factors(pool).await?);
    let numbers = asking.query.0;
    let items = sets.into_iter().map(|set| item(set, &factors, numbers)).collect();
    asking.one(asking.app.clock.now(), &Items { items, next: None })
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
