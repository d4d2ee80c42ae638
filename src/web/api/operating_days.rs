//! `GET /api/v1/operating-days`: the days that have data.

use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use chrono::NaiveDate;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::listing::{self, Keyed, Listing, Page, Record};
use crate::{
    app::App,
    auth::SignedIn,
    db::{
        catalogue::{self, DayRow},
        headroom::reads,
    },
    domain::Source,
    error::Result,
    extractors::{cell::Cell, words::Day},
    web::parameters::{FromParameters, Parameters, StrictQuery},
};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// An operating day with data.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"operating_day": "2031-03-04", "versions": 3, "cob": true, "noncob": true}))]
struct DayItem {
    /// The day.
    operating_day: NaiveDate,
    /// Accepted files of the day.
    versions: i64,
    /// Whether it has a close-of-business version.
    cob: bool,
    /// Whether it has an intraday version.
    noncob: bool,
}

impl From<DayRow> for DayItem {
    fn from(row: DayRow) -> Self {
        let DayRow { operating_day, versions, cob, noncob } = row;
        Self { operating_day, versions, cob, noncob }
    }
}

impl Record for DayItem {
    const COLUMNS: &'static [&'static str] = &["operating_day", "versions", "cob", "noncob"];

    fn cells(&self) -> Vec<Cell<'_>> {
        vec![
            Cell::Day(self.operating_day),
            Cell::Exact(self.versions.into()),
            Cell::Flag(self.cob),
            Cell::Flag(self.noncob),
        ]
    }
}

impl Keyed for DayItem {
    fn key(&self) -> String {
        self.operating_day.to_string()
    }
}

struct Query {
    source: Source,
    series: Option<i64>,
    listing: Listing,
}

impl FromParameters for Query {
    const NAMES: &'static [&'static str] =
        &["curve", "iso", "series", "as_of", "asOf", "limit", "cursor", "format"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        Ok(Self {
            source: listing::source(p)?,
            series: p.value("series")?,
            listing: Listing::from_parameters(p)?,
        })
    }
}

/// List operating days
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/api/v1/operating-days",
    tag = "catalogue",
    params(
        listing::DatasetParams,
        ("series" = Option<String>, Query, description = "Only days on which this series has data."),
        listing::AsOfParams,
        listing::PageParams,
    ),
    responses(
        (status = 200, description = "A page of days.", body = Page<DayItem>),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 406, description = "`not_acceptable`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_dataset`"),
    ),
)]
async fn list(
    State(app): State<App>,
    _signed_in: SignedIn,
    StrictQuery(query): StrictQuery<Query>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response> {
    let Query { source, series, listing } = query;
    let before = listing.after::<Day>()?.map(|day| day.0);
    let mut snapshot = listing.snapshot(&app, &[source]).await?;
    let (known_at, limit) = (snapshot.known_at, listing.probe());
    let connection = snapshot.connection();
    let rows = match source {
        Source::Stored(dataset) => {
            catalogue::operating_days(connection, dataset, known_at, series, before, limit).await?
        }
        Source::Headroom(iso) => {
            reads::operating_days(connection, iso, known_at, before, limit).await?
        }
    };
    snapshot.finish().await?;
    let items: Vec<DayItem> = rows.into_iter().map(DayItem::from).collect();
    listing::page(&listing, known_at, items, &uri, &headers)
}
