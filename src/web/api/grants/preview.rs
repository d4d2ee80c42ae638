//! What a user, a package or grants that are not stored yet show.

use axum::{
    Json,
    extract::{Path, State},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{package_id, user_id};
use crate::{
    app::App,
    auth::Admin,
    db::packages as store,
    domain::grant::GrantFields,
    error::{Problem, Result},
    extractors::{query, words::Instant},
    packages::{
        self, Difference, Warning,
        overview::{self, Overview, When},
    },
    web::{
        body::StrictJson,
        parameters::{FromParameters, Parameters, StrictQuery},
    },
};

/// The calls of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(of_user))
        .routes(routes!(of_grants))
        .routes(routes!(difference))
}

/// The times as the documentation shows them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by utoipa only")]
struct Times {
    /// Only what was known then, RFC 3339 with an offset.
    as_of: Option<String>,
    /// The clock on the wall by which windows and the dates of packages are resolved, past or future;
    /// now when left out.
    at: Option<String>,
}

impl FromParameters for When {
    const NAMES: &'static [&'static str] = &["as_of", "asOf", "at"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let at = p.value::<Instant>("at")?.map(|instant| instant.0);
        Ok(Self { as_of: query::as_of(p)?, at })
    }
}

/// See what a user sees
///
/// Counted by the rule that every reader goes by. Of an administrator it is everything; of a user who
/// is shut out, nothing.
#[utoipa::path(
    get, path = "/api/v1/users/{id}/preview", tag = "administration",
    params(("id" = Uuid, Path, description = "the id of a user"), Times),
    responses(
        (status = 200, description = "Datasets, series, months, versions, operating days, cells", body = Overview),
        (status = 400, description = "A parameter is unknown or wrong, or `as_of` lies in the future"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "There is no such user"),
    )
)]
async fn of_user(
    State(app): State<App>,
    Admin(principal): Admin,
    Path(id): Path<String>,
    StrictQuery(when): StrictQuery<When>,
) -> Result<Json<Overview>> {
    let mut connection = app.pool.acquire().await?;
    let user = store::user(&mut connection, user_id(&id)?).await?;
    let user = user.ok_or_else(packages::no_such_user)?;
    drop(connection);
    overview::of_user(&app, &principal, user.id, when).await.map(Json)
}

/// Grants that are not stored.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "grants": [{
        "curves": ["energy"], "isos": ["ercot"], "load_zones": ["NORTH ZONE"],
        "block_types": ["5x16"], "months": "rolling", "rolling_months": 3,
        "rolling_from": "balance"
    }]
}))]
struct Unsaved {
    /// Up to 100.
    grants: Vec<GrantFields>,
}

/// What grants show.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "known_at": "2026-11-20T15:00:00Z", "at": "2026-11-20T15:00:00Z",
    "totals": {
        "datasets": 1, "series": 1, "versions": 5, "operating_days": 2,
        "first_month": "2026-11-01", "last_month": "2027-01-01", "months": 3, "cells": 15
    },
    "datasets": [{
        "curve": "energy", "iso": "ercot", "series": 1, "versions": 5, "operating_days": 2,
        "first_day": "2026-11-19", "last_day": "2026-11-20", "first_month": "2026-11-01",
        "last_month": "2027-01-01", "months": 3, "cells": 15, "derived": false
    }],
    "warnings": [{
        "code": "unknown_label", "grant": 1, "member": "load_zones", "label": "NRTH ZONE",
        "detail": "grant 1: no series has the load zone \"NRTH ZONE\""
    }]
}))]
struct Preview {
    #[serde(flatten)]
    overview: Overview,
    /// What is accepted and may be meant otherwise.
    warnings: Vec<Warning>,
}

/// See what grants would show
///
/// Of a package before it is saved, to whoever would hold it and nothing else.
#[utoipa::path(
    post, path = "/api/v1/grants/preview", tag = "administration",
    params(Times),
    request_body = Unsaved,
    responses(
        (status = 200, description = "Datasets, series, months, versions, operating days, cells", body = Preview),
        (status = 400, description = "A parameter or member is unknown or wrong"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 415, description = "Not JSON"),
    )
)]
async fn of_grants(
    State(app): State<App>,
    Admin(principal): Admin,
    StrictQuery(when): StrictQuery<When>,
    StrictJson(unsaved): StrictJson<Unsaved>,
) -> Result<Json<Preview>> {
    let rows = packages::rows(&packages::parse_grants(unsaved.grants)?);
    let overview = overview::of_grants(&app, &principal, &rows, when).await?;
    let mut connection = app.pool.acquire().await?;
    let warnings = packages::warnings(&mut connection, &rows).await?;
    Ok(Json(Preview { overview, warnings }))
}

/// Compare two packages
///
/// What only one of them shows: of datasets, series, months, versions and cells.
#[utoipa::path(
    get, path = "/api/v1/grants/{a}/difference/{b}", tag = "administration",
    params(
        ("a" = Uuid, Path, description = "the id of a package"),
        ("b" = Uuid, Path, description = "the id of another"),
        Times,
    ),
    responses(
        (status = 200, description = "The datasets in which they differ", body = Difference),
        (status = 400, description = "A parameter is unknown or wrong, or `as_of` lies in the future"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "There is no such package"),
    )
)]
async fn difference(
    State(app): State<App>,
    Admin(principal): Admin,
    Path((a, b)): Path<(String, String)>,
    StrictQuery(when): StrictQuery<When>,
) -> Result<Json<Difference>, Problem> {
    let mut connection = app.pool.acquire().await?;
    let a = packages::find(&mut connection, &app, package_id(&a)?).await?;
    let b = packages::find(&mut connection, &app, package_id(&b)?).await?;
    drop(connection);
    packages::difference(&app, &principal, [&a.grants, &b.grants], when).await.map(Json)
}
