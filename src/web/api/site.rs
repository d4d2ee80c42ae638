//! `/api/v1/site`: the switches of the site.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    audit::Actor,
    auth::Admin,
    db::site::{self as rows, Site, Switch, Switches},
    error::Result,
    site,
    web::{body::StrictJson, parameters::NoQuery},
};

/// The calls of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, turn))
}

/// The site as it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "ui": {"open": true, "message": ""}, "api": {"open": false, "message": "Back at 14:00."},
    "curve_timezone": "America/Chicago", "disclaimer": "For the subscriber's own use."
}))]
struct SiteItem {
    /// For those who come with a browser's cookie.
    ui: Switch,
    /// For those who come with a token, and for BI.
    api: Switch,
    /// The zone whose days are operating days: `TRUEPRICE_CURVE_TIMEZONE` of the server that started
    /// last.
    curve_timezone: String,
    /// The text at the end of each downloaded file: `TRUEPRICE_DOWNLOADS_DISCLAIMER`.
    disclaimer: Option<String>,
}

async fn item(app: &App) -> Result<Json<SiteItem>> {
    let Site { switches: Switches { ui, api }, curve_timezone } = rows::read(&app.pool).await?;
    let disclaimer = app.config.downloads.disclaimer.clone();
    Ok(Json(SiteItem { ui, api, curve_timezone, disclaimer }))
}

/// Look at the switches
#[utoipa::path(
    get, path = "/api/v1/site", tag = "administration",
    responses(
        (status = 200, description = "The site as it is", body = SiteItem),
        (status = 400, description = "An unknown parameter"),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "Not an administrator"),
    )
)]
async fn show(State(app): State<App>, _: Admin, _: NoQuery) -> Result<Json<SiteItem>> {
    item(&app).await
}

/// Turn the switches
///
/// From the next request on, on every server. While a switch is off, everybody but administrators is
/// answered 503 `maintenance` with its message: `ui` for those who come with a browser's cookie, `api`
/// for those with a token. Signing in and out, health checks and static files always work; jobs and
/// accepted uploads run on.
#[utoipa::path(
    put, path = "/api/v1/site", tag = "administration", request_body(content = Switches, example = json!({
        "ui": {"open": true, "message": ""}, "api": {"open": false, "message": "Back at 14:00."}
    })),
    responses(
        (status = 200, description = "The site as it is now", body = SiteItem),
        (status = 400, description = "A member is unknown, missing or wrong"),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "Not an administrator"),
        (status = 415, description = "Not JSON"),
    )
)]
async fn turn(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    _: NoQuery,
    StrictJson(wanted): StrictJson<Switches>,
) -> Result<Json<SiteItem>> {
    site::switch(&app, &actor, wanted).await?;
    item(&app).await
}
