//! `GET /api/v1/me`: who am I?

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Extension, State},
};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    app::App,
    auth::{Credential, CsrfToken, Principal, Role, Scope, SignedIn},
    db::sight::{Sight, Viewer},
    domain::{Source, grant::GrantLabel},
    error::{Problem, Result},
    web::parameters::NoQuery,
};

/// The calls of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(me))
}

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a11", "email": "ann@example.com",
    "role": "read_write", "scopes": ["read", "upload"], "credential": "token",
    "entitlements": {"read": "granted", "upload": true, "datasets": [{
        "curve": "energy", "iso": "ercot", "windows": [{
            "first_month": "2026-11-01", "last_month": "2027-01-01",
            "first_day": null, "last_day": "2026-11-18",
            "cob_only": false, "current_only": false, "derived": false,
            "labels": {"load_zones": ["NORTH ZONE"], "block_types": ["5x16"]}
        }]
    }]},
    "must_change_password": false, "csrf_token": null
}))]
struct Me {
    id: Uuid,
    email: String,
    /// `read_only`, `read_write` or `admin`; of a token no more than its scopes.
    role: String,
    scopes: Vec<Scope>,
    /// What the caller may do with datasets, in short.
    entitlements: Entitlements,
    /// `session` or `token`.
    credential: &'static str,
    /// Nothing but changing the password is allowed until it is changed.
    must_change_password: bool,
    /// For a session: what a state change sends in the header `X-CSRF-Token`.
    csrf_token: Option<String>,
}

/// What the caller may do with datasets, in short.
#[derive(Debug, Serialize, ToSchema)]
struct Entitlements {
    /// `all` for an administrator; `granted`: what the packages in force show; `none` for a token
    /// without the scope `read`.
    #[schema(example = "granted")]
    read: &'static str,
    /// Whether files of any dataset may be uploaded.
    upload: bool,
    /// What the packages in force come to today, dataset by dataset; empty where `read` is `all` or
    /// `none`.
    datasets: Vec<Granted>,
}

/// The grants of one dataset.
#[derive(Debug, Serialize, ToSchema)]
struct Granted {
    /// Curve type.
    curve: &'static str,
    /// ISO.
    iso: &'static str,
    /// Alternatives: what one of them lets through is seen.
    windows: Vec<Window>,
}

/// What a grant comes to today. A null bound is none.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
struct Window {
    #[serde(skip_serializing)]
    dataset_id: Option<i16>,
    /// First contract month.
    first_month: Option<NaiveDate>,
    /// Last contract month, inclusive.
    last_month: Option<NaiveDate>,
    /// First operating day.
    first_day: Option<NaiveDate>,
    /// Last operating day, inclusive.
    last_day: Option<NaiveDate>,
    /// Close of business only.
    cob_only: bool,
    /// Nothing that was superseded.
    current_only: bool,
    /// 7x24 prices that are derived from blocks as well.
    derived: bool,
    /// The values of the labels that are limited; the others are seen whatever they are.
    #[serde(skip_deserializing)]
    #[schema(value_type = BTreeMap<String, Vec<String>>)]
    labels: BTreeMap<&'static str, Vec<String>>,
}

impl Window {
    fn read(row: &Value) -> serde_json::Result<Self> {
        let limited = GrantLabel::ALL.iter().filter_map(|label| {
            let values = Vec::deserialize(row.get(label.as_str())?).ok()?;
            Some((label.as_str(), values))
        });
        Ok(Self { labels: limited.collect(), ..Self::deserialize(row)? })
    }
}

impl Entitlements {
    async fn of(app: &App, principal: &Principal) -> Result<Self> {
        let upload = principal.role >= Role::ReadWrite && principal.may(Scope::Upload);
        if !principal.may(Scope::Read) {
            return Ok(Self { read: "none", upload, datasets: Vec::new() });
        }
        let sources: Vec<i16> = Source::all().map(Source::id).collect();
        let viewer = Viewer { user_id: principal.user_id, now: app.clock.now() };
        let mut connection = app.pool.acquire().await?;
        let sight = Sight::of(&mut connection, viewer, &sources).await?;
        let rows = sight.rows().as_array().map(Vec::as_slice).unwrap_or_default();
        let windows: Vec<Window> = rows
            .iter()
            .map(Window::read)
            .collect::<serde_json::Result<_>>()
            .map_err(|error| Problem::internal(&error))?;
        let all = windows.iter().any(|window| window.dataset_id.is_none());
        let read = if all { "all" } else { "granted" };
        Ok(Self { read, upload, datasets: by_dataset(windows) })
    }
}

/// The windows of each dataset, by the order of sources; those of every dataset are not listed.
fn by_dataset(windows: Vec<Window>) -> Vec<Granted> {
    let mut by_id: BTreeMap<i16, Vec<Window>> = BTreeMap::new();
    for window in windows {
        if let Some(id) = window.dataset_id {
            by_id.entry(id).or_default().push(window);
        }
    }
    let granted = by_id.into_iter().filter_map(|(id, windows)| {
        let source = Source::from_id(id)?;
        Some(Granted { curve: source.curve(), iso: source.iso().as_str(), windows })
    });
    granted.collect()
}

/// Who am I
#[utoipa::path(
    get, path = "/api/v1/me", tag = "access",
    responses(
        (status = 200, description = "The caller", body = Me),
        (status = 401, description = "Not signed in"),
    )
)]
async fn me(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    csrf: Option<Extension<CsrfToken>>,
    _: NoQuery,
) -> Result<Json<Me>> {
    Ok(Json(Me {
        id: principal.user_id,
        role: principal.role.to_string(),
        entitlements: Entitlements::of(&app, &principal).await?,
        scopes: principal.scopes.as_slice().to_vec(),
        credential: match principal.credential {
            Credential::Session(_) => "session",
            Credential::Token(_) => "token",
        },
        must_change_password: principal.must_change_password,
        csrf_token: csrf.map(|Extension(token)| token.0),
        email: principal.email,
    }))
}
