//! `GET /api/v1/feeds/{id}/gaps`: where rows of a feed are missing, or were.

use axum::{
    extract::{Path, State},
    http::Uri,
    response::Response,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{list::reader, one::unknown};
use crate::{
    app::App,
    auth::SignedIn,
    db::feeds::status::{self, GapFilter, GapInfo},
    domain::feed::GapState,
    error::Result,
    feeds::find,
    web::{
        paging::{self, Listing},
        parameters::{FromParameters, Parameters, StrictQuery},
    },
};

/// The call of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(gaps))
}

/// Slots one after the other that are missing, or were.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "scope": "CAISO", "start": "2021-07-07T23:15:00Z", "end": "2021-07-07T23:20:00Z", "slots": 1,
    "state": "open", "tries": 3, "next_try": "2021-07-09T00:00:00Z",
    "opened_at": "2021-07-08T01:00:04Z", "closed_at": null
}))]
struct Gap {
    /// The scope that they are of.
    scope: String,
    /// Start of the first of them.
    start: DateTime<Utc>,
    /// End of the last.
    end: DateTime<Utc>,
    /// How many.
    slots: Option<i64>,
    /// `open`, `filled` (they came) or `upstream_absent` (still missing after twelve tries over thirty
    /// days).
    state: String,
    /// How often they were asked for again.
    tries: i32,
    /// When they are asked for again.
    next_try: Option<DateTime<Utc>>,
    /// When it was seen that they are missing.
    opened_at: DateTime<Utc>,
    /// When they came, or were given up.
    closed_at: Option<DateTime<Utc>>,
}

impl Gap {
    fn of(row: GapInfo, step_secs: Option<u32>) -> Self {
        let secs = (row.end_at - row.start_at).num_seconds();
        Self {
            scope: row.scope,
            start: row.start_at,
            end: row.end_at,
            slots: step_secs.map(|step| secs / i64::from(step.max(1))),
            state: row.state,
            tries: row.tries,
            next_try: row.next_try,
            opened_at: row.opened_at,
            closed_at: row.closed_at,
        }
    }

    fn key(&self) -> Vec<u8> {
        format!("{} {}", self.start.timestamp_micros(), self.scope).into_bytes()
    }
}

/// Where a page of gaps ended.
fn read_key(content: &[u8]) -> Option<(DateTime<Utc>, String)> {
    let (micros, scope) = str::from_utf8(content).ok()?.split_once(' ')?;
    Some((paging::instant(micros)?, scope.to_owned()))
}

/// Which gaps.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct GapsQuery {
    /// Of this scope.
    #[param(required = false, value_type = Option<String>)]
    scope: Option<String>,
    /// `open`, `filled` or `upstream_absent`.
    #[param(required = false, value_type = Option<String>)]
    state: Option<GapState>,
    /// Gaps at the most.
    #[param(required = false, default = 100, minimum = 1, maximum = 1000, value_type = u16)]
    limit: i64,
    /// The `next` of the page before.
    #[param(required = false, value_type = Option<String>)]
    cursor: Option<(DateTime<Utc>, String)>,
}

impl FromParameters for GapsQuery {
    const NAMES: &'static [&'static str] = &["scope", "state", "limit", "cursor"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let read = |cursor: String| paging::read_cursor(&cursor, read_key);
        Ok(Self {
            scope: parameters.text("scope")?,
            state: parameters.value("state")?,
            limit: paging::limit(parameters, 100)?,
            cursor: parameters.text("cursor")?.map(read).transpose()?,
        })
    }
}

/// List gaps
///
/// Where slots of a feed are missing, or were: newest first. A slot whose row has no value of the primary
/// metric is not missing.
#[utoipa::path(
    get, path = "/api/v1/feeds/{id}/gaps", tag = "feeds",
    params(
        ("id" = String, Path, description = "The id of a feed", example = "carbonara.intensity"),
        GapsQuery
    ),
    responses(
        (status = 200, description = "A page of gaps", body = Listing<Gap>),
        (status = 400, description = "An unknown or bad parameter"),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "A token without the scope read"),
        (status = 404, description = "There is no such feed"),
    )
)]
async fn gaps(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    Path(id): Path<String>,
    uri: Uri,
    StrictQuery(query): StrictQuery<GapsQuery>,
) -> Result<Response> {
    let step = find(&id).ok_or_else(|| unknown(&id))?.about().step_secs;
    let filter = GapFilter {
        feed_id: &id,
        scope: query.scope.as_deref(),
        state: query.state.map(GapState::as_str),
        before: query.cursor.as_ref().map(|(start, scope)| (*start, scope.as_str())),
        reader: reader(&principal),
        limit: query.limit + 1,
    };
    let mut conn = app.pool.acquire().await?;
    let rows = status::gaps(&mut conn, &filter).await?;
    let gaps = rows.into_iter().map(|row| Gap::of(row, step)).collect();
    paging::answer(&uri, gaps, query.limit, Gap::key)
}
