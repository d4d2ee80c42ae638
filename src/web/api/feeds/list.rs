//! `GET /api/v1/feeds`: every feed and how it fares.

use axum::{extract::State, http::Uri, response::Response};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::{Principal, Role, SignedIn},
    db::feeds::status::Reader,
    error::Result,
    feeds::overview::{self, FeedStatus, Wanted},
    web::{
        paging::{self, Listing},
        parameters::{FromParameters, Parameters, StrictQuery},
    },
};

/// The call of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Who reads the state of feeds.
pub(super) fn reader(principal: &Principal) -> Reader {
    Reader { user_id: Some(principal.user_id), is_admin: principal.role == Role::Admin }
}

/// Which feeds.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct FeedsQuery {
    /// Feeds at the most.
    #[param(required = false, default = 100, minimum = 1, maximum = 1000, value_type = u16)]
    limit: i64,
    /// The `next` of the page before.
    #[param(required = false, value_type = Option<String>)]
    cursor: Option<String>,
}

impl FromParameters for FeedsQuery {
    const NAMES: &'static [&'static str] = &["limit", "cursor"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let read = |cursor: String| {
            paging::read_cursor(&cursor, |content| String::from_utf8(content.to_vec()).ok())
        };
        Ok(Self {
            limit: paging::limit(parameters, 100)?,
            cursor: parameters.text("cursor")?.map(read).transpose()?,
        })
    }
}

/// List feeds
///
/// Every feed by its id: its settings without secrets, and of each scope the state, how old its newest
/// slot is, how far its rows are without a hole, its open gaps, its last error and its backfills. Scopes
/// of meters are shown to those who may read the meter.
#[utoipa::path(
    get, path = "/api/v1/feeds", tag = "feeds", params(FeedsQuery),
    responses(
        (status = 200, description = "A page of the feeds", body = Listing<FeedStatus>),
        (status = 400, description = "An unknown or bad parameter"),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "A token without the scope read"),
    )
)]
async fn list(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    uri: Uri,
    StrictQuery(query): StrictQuery<FeedsQuery>,
) -> Result<Response> {
    let wanted = Wanted {
        after: query.cursor.as_deref(),
        limit: query.limit + 1,
        ..Wanted::all(reader(&principal))
    };
    let mut conn = app.pool.acquire().await?;
    let feeds = overview::feeds(&app, &mut conn, &wanted).await?;
    paging::answer(&uri, feeds, query.limit, |feed| feed.feed.as_bytes().to_vec())
}
