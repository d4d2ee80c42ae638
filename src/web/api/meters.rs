//! `/api/v1/meters`: whose meters there are, and who else may read them.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    auth::{Admin, Principal, Role, SignedIn, accounts::no_such_user},
    db::{
        feeds::meters::{self, MeterRow},
        users,
    },
    error::{Problem, Result},
    web::{
        paging::{self, Listing},
        parameters::{FromParameters, NoQuery, Parameters, StrictQuery},
    },
};

/// The calls of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show, hide))
}

/// A meter.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "m4f0c2a9be17d", "fuel_kind": "electricity", "direction": "import", "unit": "kWh",
    "zone": "Europe/London", "region": "GB", "mpan_end": "0001", "owner": "ann@example.com", "own": true,
    "readers": ["bob@example.com"]
}))]
struct MeterItem {
    id: String,
    /// `electricity` or `gas`.
    fuel_kind: String,
    /// `import` or `export`.
    direction: String,
    /// `kWh` or `m3`; null: not known.
    unit: Option<String>,
    zone: String,
    /// The region whose carbon its usage is counted with.
    region: Option<String>,
    /// The last four digits of the supply point's number.
    mpan_end: String,
    owner: Option<String>,
    /// Whether it is the caller's own.
    own: bool,
    /// Who may read it besides; told to the owner and to administrators.
    readers: Option<Vec<String>>,
}

impl MeterItem {
    fn of(row: MeterRow, asker: &Principal) -> Self {
        Self {
            readers: (row.is_own || is_admin(asker)).then_some(row.readers),
            id: row.meter_id,
            fuel_kind: row.fuel_kind,
            direction: row.direction,
            unit: row.unit,
            zone: row.zone,
            region: row.region_id,
            mpan_end: row.mpan_end,
            owner: row.owner,
            own: row.is_own,
        }
    }
}

fn is_admin(principal: &Principal) -> bool {
    principal.role == Role::Admin
}

/// Which page.
#[derive(Debug)]
struct MetersQuery {
    limit: i64,
    after: String,
}

impl FromParameters for MetersQuery {
    const NAMES: &'static [&'static str] = &["limit", "cursor"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let cursor = parameters.text("cursor")?;
        let read = |cursor: &str| {
            paging::read_cursor(cursor, |content| Some(str::from_utf8(content).ok()?.to_owned()))
        };
        Ok(Self {
            limit: paging::limit(parameters, 100)?,
            after: cursor.as_deref().map(read).transpose()?.unwrap_or_default(),
        })
    }
}

/// List meters
///
/// One's own and those that one may read; to administrators all. What they measured is read by owner
/// and readers only.
#[utoipa::path(
    get, path = "/api/v1/meters", tag = "feeds",
    params(
        ("limit" = Option<u16>, Query, description = "1 to 1000 items, 100 when left out"),
        ("cursor" = Option<String>, Query, description = "the `next` of the page before"),
    ),
    responses(
        (status = 200, description = "The meters by id", body = Listing<MeterItem>),
        (status = 400, description = "A parameter is unknown or wrong"),
        (status = 401, description = "Not signed in"),
    )
)]
async fn list(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    StrictQuery(query): StrictQuery<MetersQuery>,
) -> Result<Listing<MeterItem>> {
    let asker = (principal.user_id, is_admin(&principal));
    let rows = meters::list(&app.pool, asker, &query.after, query.limit + 1).await?;
    let page = Listing::cut(rows, query.limit, |last| last.meter_id.clone());
    Ok(page.map(|row| MeterItem::of(row, &principal)))
}

/// Show a meter to a user
#[utoipa::path(
    put, path = "/api/v1/meters/{id}/readers/{user_id}", tag = "administration",
    params(
        ("id" = String, Path, description = "the id of a meter"),
        ("user_id" = Uuid, Path, description = "the id of a user"),
    ),
    responses(
        (status = 204, description = "The user may read the meter"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "No such meter, or no such user"),
    )
)]
async fn show(
    _admin: Admin,
    State(app): State<App>,
    actor: Actor,
    Path((meter, user)): Path<(String, String)>,
    _: NoQuery,
) -> Result<StatusCode> {
    change(&app, &actor, Action::MeterShown, (&meter, &user)).await
}

/// Show a meter to a user no more
#[utoipa::path(
    delete, path = "/api/v1/meters/{id}/readers/{user_id}", tag = "administration",
    params(
        ("id" = String, Path, description = "the id of a meter"),
        ("user_id" = Uuid, Path, description = "the id of a user"),
    ),
    responses(
        (status = 204, description = "The user may not read the meter"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "No such meter, or no such user"),
    )
)]
async fn hide(
    _admin: Admin,
    State(app): State<App>,
    actor: Actor,
    Path((meter, user)): Path<(String, String)>,
    _: NoQuery,
) -> Result<StatusCode> {
    change(&app, &actor, Action::MeterHidden, (&meter, &user)).await
}

/// Doing it again changes nothing.
async fn change(
    app: &App,
    actor: &Actor,
    action: Action,
    (meter, user): (&str, &str),
) -> Result<StatusCode> {
    let user: Uuid = user.parse().map_err(|_| no_such_user())?;
    let mut tx = app.pool.begin().await?;
    if !meters::is_there(&mut tx, meter).await? {
        return Err(Problem::not_found("There is no such meter."));
    }
    users::lock(&mut tx, user).await?.ok_or_else(no_such_user)?;
    let changed = match action {
        Action::MeterShown => meters::add_reader(&mut tx, meter, user).await?,
        _ => meters::remove_reader(&mut tx, meter, user).await?,
    };
    if changed {
        let act = Act::done(action).to("meter", meter).with(json!({ "reader": user }));
        audit::write(app, &mut tx, actor, act).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
