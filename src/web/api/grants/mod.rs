//! `/api/v1/grants`: packages with their grants, for administrators.

mod holders;
mod preview;

use axum::{
    Json,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    app::App,
    audit::Actor,
    auth::Admin,
    db::packages::{self as store, PackageList, PackageRow},
    domain::grant::GrantFields,
    error::{Problem, Result},
    packages::{self, Draft, EXPIRY_WARNING, Warning},
    web::{
        body::{StrictJson, missing},
        paging::{self, PageOf},
        parameters::{FromParameters, NoQuery, Parameters, StrictQuery},
    },
};

/// The calls of this folder.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, delete))
        .merge(holders::routes())
        .merge(preview::routes())
}

/// A package in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a11", "name": "ERCOT north, on-peak",
    "note": "Trial of March", "builtin": false, "revision": 3,
    "created_at": "2026-03-02T08:00:00Z", "changed_at": "2026-03-04T09:30:00Z",
    "grants": [{
        "curves": ["energy"], "isos": ["ercot"], "control_areas": null, "states": null,
        "load_zones": ["NORTH ZONE"], "capacity_zones": null, "utilities": null,
        "block_types": ["5x16"], "cost_groups": null, "cost_components": null,
        "sub_components": null, "months": "rolling", "first_month": null, "last_month": null,
        "rolling_months": 3, "rolling_from": "balance", "cob_only": false, "delay_days": null,
        "history_days": null, "current_only": false, "derived": false
    }],
    "holders": 2, "expiring": 1, "next_expiry": "2026-04-01T00:00:00Z"
}))]
struct PackageItem {
    id: Uuid,
    name: String,
    note: String,
    /// New users of role `read_write` receive it.
    builtin: bool,
    /// Raised by every change.
    revision: i32,
    created_at: DateTime<Utc>,
    changed_at: DateTime<Utc>,
    /// A cell is seen if one of them lets all of it through.
    grants: Vec<GrantFields>,
    /// Users who have it, in force or not.
    holders: i64,
    /// Users who lose it within 30 days, or within those that were asked for.
    expiring: i64,
    /// When the next of them does.
    next_expiry: Option<DateTime<Utc>>,
}

impl PackageItem {
    fn of(row: PackageRow) -> Result<Self> {
        Ok(Self {
            grants: packages::grants_of(&row)?.iter().map(GrantFields::from).collect(),
            id: row.id,
            name: row.name,
            note: row.note,
            builtin: row.builtin,
            revision: row.revision,
            created_at: row.created_at,
            changed_at: row.changed_at,
            holders: row.holders,
            expiring: row.expiring,
            next_expiry: row.next_expiry,
        })
    }
}

/// A package.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a11", "name": "ERCOT north, on-peak",
    "note": "Trial of March", "builtin": false, "revision": 3,
    "created_at": "2026-03-02T08:00:00Z", "changed_at": "2026-03-04T09:30:00Z",
    "grants": [{
        "curves": ["energy"], "isos": ["ercot"], "control_areas": null, "states": null,
        "load_zones": ["NRTH ZONE"], "capacity_zones": null, "utilities": null,
        "block_types": ["5x16"], "cost_groups": null, "cost_components": null,
        "sub_components": null, "months": "rolling", "first_month": null, "last_month": null,
        "rolling_months": 3, "rolling_from": "balance", "cob_only": false, "delay_days": null,
        "history_days": null, "current_only": false, "derived": false
    }],
    "holders": 2, "expiring": 1, "next_expiry": "2026-04-01T00:00:00Z",
    "warnings": [{
        "code": "unknown_label", "grant": 1, "member": "load_zones", "label": "NRTH ZONE",
        "detail": "grant 1: no series has the load zone \"NRTH ZONE\""
    }]
}))]
struct Package {
    #[serde(flatten)]
    item: PackageItem,
    /// What is accepted and may be meant otherwise.
    warnings: Vec<Warning>,
}

/// A page of packages.
#[derive(Debug, Serialize, ToSchema)]
struct Packages {
    /// By id, descending: the newest first, the built-in one anywhere.
    items: Vec<PackageItem>,
    /// The cursor of the next page; null on the last.
    next: Option<String>,
}

/// A package that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "ERCOT north, on-peak", "note": "Trial of March",
    "grants": [{
        "curves": ["energy"], "isos": ["ercot"], "load_zones": ["NORTH ZONE"],
        "block_types": ["5x16"], "months": "rolling", "rolling_months": 3,
        "rolling_from": "balance"
    }]
}))]
struct NewPackage {
    /// 1 to 100 characters, unique.
    name: String,
    /// Up to 2000 characters.
    #[serde(default)]
    note: String,
    /// Up to 100. Without one the package shows nothing.
    grants: Vec<GrantFields>,
    /// Of a change: the revision that it began with, unless `If-Match` names it.
    revision: Option<i32>,
}

impl NewPackage {
    fn draft(self) -> Result<Draft> {
        Draft::parse(&self.name, &self.note, self.grants)
    }
}

/// Which packages are listed.
struct Query {
    page: PageOf,
    expiring_in_days: Option<i64>,
}

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = &["expiring_in_days", "limit", "cursor"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let expiring_in_days: Option<i64> = p.value("expiring_in_days")?;
        if let Some(days) = expiring_in_days.filter(|days| !(1..=3650).contains(days)) {
            let wanted = "it is a number of days from 1 to 3650";
            return Err(Problem::bad_parameter("expiring_in_days", &days.to_string(), wanted));
        }
        Ok(Self { page: PageOf::from_parameters(p)?, expiring_in_days })
    }
}

/// The package that an address names. 404 where it is no id.
fn package_id(text: &str) -> Result<Uuid> {
    text.parse().map_err(|_| Problem::not_found("There is no such package."))
}

/// The user whom an address names. 404 where it is no id.
fn user_id(text: &str) -> Result<Uuid> {
    text.parse().map_err(|_| packages::no_such_user())
}

/// List packages
#[utoipa::path(
    get, path = "/api/v1/grants", tag = "administration",
    params(
        ("expiring_in_days" = Option<u16>, Query, description = "Only packages that somebody loses within so many days, 1 to 3650."),
        ("limit" = Option<u16>, Query, description = "1 to 1000 items, 100 when left out"),
        ("cursor" = Option<String>, Query, description = "the `next` of the page before"),
    ),
    responses(
        (status = 200, description = "The packages by id, descending: the newest first, the built-in one anywhere", body = Packages),
        (status = 400, description = "A parameter is unknown or wrong"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
    )
)]
async fn list(
    State(app): State<App>,
    _: Admin,
    StrictQuery(query): StrictQuery<Query>,
    RawQuery(raw): RawQuery,
) -> Result<Response> {
    let now = app.clock.now();
    let wanted = PackageList {
        now,
        until: now + TimeDelta::days(query.expiring_in_days.unwrap_or(EXPIRY_WARNING)),
        only_expiring: query.expiring_in_days.is_some(),
        before: query.page.before,
        id: None,
        limit: query.page.fetch(),
    };
    let mut connection = app.pool.acquire().await?;
    let listing = query.page.listing(store::list(&mut connection, wanted).await?, |row| row.id);
    let next = listing.next.clone();
    let items = listing.items.into_iter().map(PackageItem::of).collect::<Result<_>>()?;
    let mut response = Json(Packages { items, next: next.clone() }).into_response();
    if let Some(next) = next {
        let link = paging::next_link("", &raw.unwrap_or_default(), &next)?;
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// Make a package
#[utoipa::path(
    post, path = "/api/v1/grants", tag = "administration",
    request_body = NewPackage,
    responses(
        (status = 201, description = "The package; a label that no series has is a warning", body = Package),
        (status = 400, description = "A member is unknown or wrong; `parameter` names it"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 409, description = "`name_taken`"),
        (status = 415, description = "Not JSON"),
    )
)]
async fn create(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    _: NoQuery,
    StrictJson(wanted): StrictJson<NewPackage>,
) -> Result<Response> {
    let made = packages::create(&app, &actor, &wanted.draft()?).await?;
    let place = format!("/api/v1/grants/{}", made.id);
    let place = HeaderValue::try_from(place).map_err(|error| Problem::internal(&error))?;
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], answer(&app, made).await?)
        .into_response())
}

/// The package with its warnings; its revision is its tag.
async fn answer(app: &App, row: PackageRow) -> Result<Response> {
    let mut connection = app.pool.acquire().await?;
    let warnings = packages::warnings(&mut connection, &row.grants).await?;
    let tag = HeaderValue::try_from(format!("\"{}\"", row.revision));
    let tag = tag.map_err(|error| Problem::internal(&error))?;
    let package = Package { item: PackageItem::of(row)?, warnings };
    Ok(([(header::ETAG, tag)], Json(package)).into_response())
}

/// Read a package
#[utoipa::path(
    get, path = "/api/v1/grants/{package}", tag = "administration",
    params(("package" = Uuid, Path, description = "the id of a package")),
    responses(
        (status = 200, description = "The package; its revision is the `ETag`", body = Package),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "There is no such package"),
    )
)]
async fn read(
    State(app): State<App>,
    _: Admin,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Response> {
    let mut connection = app.pool.acquire().await?;
    let row = packages::find(&mut connection, &app, package_id(&id)?).await?;
    drop(connection);
    answer(&app, row).await
}

/// Replace a package
///
/// All of it at once, for everybody who holds it. The revision that the edit began with is in the body
/// or in `If-Match`; a package that was changed meanwhile stays as it is.
#[utoipa::path(
    put, path = "/api/v1/grants/{package}", tag = "administration",
    params(
        ("package" = Uuid, Path, description = "the id of a package"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the package, in place of `revision`."),
    ),
    request_body = NewPackage,
    responses(
        (status = 200, description = "The package as it is now", body = Package),
        (status = 400, description = "A member is unknown or wrong; `parameter` names it"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "There is no such package"),
        (status = 409, description = "`stale_edit`: changed meanwhile; `name_taken`"),
        (status = 415, description = "Not JSON"),
    )
)]
async fn replace(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
    headers: HeaderMap,
    StrictJson(wanted): StrictJson<NewPackage>,
) -> Result<Response> {
    let id = package_id(&id)?;
    let revision = revision(&headers, wanted.revision)?;
    let changed = packages::change(&app, &actor, id, revision, &wanted.draft()?).await?;
    answer(&app, changed).await
}

/// The revision that an edit began with. 400 where it is not told, or told twice and not alike.
fn revision(headers: &HeaderMap, member: Option<i32>) -> Result<i32> {
    let Some(tag) = headers.get(header::IF_MATCH) else {
        return member.ok_or_else(|| missing("revision", ": or send it as If-Match"));
    };
    let text = tag.to_str().unwrap_or_default();
    let number = text.strip_prefix("W/").unwrap_or(text).trim_matches('"').parse().ok();
    match number {
        Some(number) if member.is_none_or(|member| member == number) => Ok(number),
        _ => {
            let wanted = "it is the ETag of the package, and the same as the member revision";
            Err(Problem::bad_parameter("If-Match", text, wanted))
        }
    }
}

/// Delete a package
///
/// Whoever holds it loses what it shows at once.
#[utoipa::path(
    delete, path = "/api/v1/grants/{package}", tag = "administration",
    params(("package" = Uuid, Path, description = "the id of a package")),
    responses(
        (status = 204, description = "The package is gone"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "There is no such package"),
    )
)]
async fn delete(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<StatusCode> {
    packages::delete(&app, &actor, package_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_revision_is_told_once_or_alike() {
        let headers = |tag: &'static str| {
            HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_static(tag))])
        };
        for (tag, member, read) in [
            ("\"3\"", None, Some(3)),
            ("W/\"3\"", Some(3), Some(3)),
            ("\"3\"", Some(4), None),
            ("*", None, None),
        ] {
            assert_eq!(revision(&headers(tag), member).ok(), read, "{tag}");
        }
        assert_eq!(revision(&HeaderMap::new(), Some(7)).unwrap(), 7);
        let problem = revision(&HeaderMap::new(), None).unwrap_err();
        assert!(problem.detail.contains("revision"), "{}", problem.detail);
    }
}
