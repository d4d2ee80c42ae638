//! `GET /api/v1/intraday-timestamps` and `GET /api/v1/cob-availability`: what a day offers.

use axum::{extract::State, http::HeaderMap, response::Response};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::listing::{self, Asked, Keyed, Page, Record, VersionQuery};
use crate::{
    app::App,
    auth::SignedIn,
    db::catalogue::{self, VersionRow},
    domain::Dataset,
    error::Result,
    extractors::cell::Cell,
    web::parameters::{FromParameters, Parameters, StrictQuery},
};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(availability))
}

/// A moment at which a curve was published.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"timestamp": "2031-03-04 09:30", "cob": false, "curve": "energy",
    "version_id": "17"}))]
struct TimestampItem {
    /// `YYYY-MM-DD HH:MM`, UTC.
    timestamp: String,
    /// Whether it closes the day.
    cob: bool,
    /// Curve type.
    curve: String,
    /// The version.
    version_id: String,
    #[serde(skip)]
    key: String,
}

impl TimestampItem {
    fn new(dataset: Dataset, row: &VersionRow) -> Self {
        Self {
            timestamp: row.curve_timestamp.format("%Y-%m-%d %H:%M").to_string(),
            cob: row.cob,
            curve: dataset.family.to_string(),
            version_id: row.id.to_string(),
            key: row.curve_timestamp.to_rfc3339(),
        }
    }
}

impl Record for TimestampItem {
    const COLUMNS: &'static [&'static str] = &["timestamp", "cob", "curve", "version_id"];

    fn cells(&self) -> Vec<Cell<'_>> {
        vec![
            Cell::Text(&self.timestamp),
            Cell::Flag(self.cob),
            Cell::Text(&self.curve),
            Cell::Text(&self.version_id),
        ]
    }
}

impl Keyed for TimestampItem {
    fn key(&self) -> String {
        self.key.clone()
    }
}

/// List the timestamps of a day
///
/// Newest first, those of close of business among them.
#[utoipa::path(
    get,
    path = "/api/v1/intraday-timestamps",
    tag = "catalogue",
    params(
        listing::DatasetParams,
        listing::DaysParams,
        listing::AsOfParams,
        listing::PageParams,
    ),
    responses(
        (status = 200, description = "A page of timestamps.", body = Page<TimestampItem>),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 406, description = "`not_acceptable`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_dataset`"),
    ),
)]
async fn list(asked: Asked<VersionQuery>) -> Result<Response> {
    let dataset = asked.query.dataset;
    asked.versions(|row| TimestampItem::new(dataset, &row)).await
}

/// Which versions the days of a window have.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"cob": true, "noncob": true}))]
struct Availability {
    /// One of close of business.
    cob: bool,
    /// One that is not. False, too, for curves without close of business.
    noncob: bool,
}

impl Record for Availability {
    const COLUMNS: &'static [&'static str] = &["cob", "noncob"];

    fn cells(&self) -> Vec<Cell<'_>> {
        vec![Cell::Flag(self.cob), Cell::Flag(self.noncob)]
    }
}

/// The parameters of a list that is no list: one answer, without pages.
struct AvailabilityQuery(VersionQuery);

impl FromParameters for AvailabilityQuery {
    const NAMES: &'static [&'static str] =
        &["curve", "iso", "operating_day", "operating_day_end", "as_of", "asOf", "format"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        VersionQuery::from_parameters(p).map(Self)
    }
}

/// Tell whether close-of-business and intraday versions exist
#[utoipa::path(
    get,
    path = "/api/v1/cob-availability",
    tag = "catalogue",
    params(
        listing::DatasetParams,
        listing::DaysParams,
        listing::AsOfParams,
        ("format" = Option<String>, Query, description = "json or csv."),
    ),
    responses(
        (status = 200, description = "What there is.", body = Availability),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 406, description = "`not_acceptable`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_dataset`"),
    ),
)]
async fn availability(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    StrictQuery(AvailabilityQuery(query)): StrictQuery<AvailabilityQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let VersionQuery { dataset, days, listing } = query;
    let mut snapshot = listing.snapshot(&app, &principal, &[dataset]).await?;
    let (connection, view) = snapshot.parts();
    let (known_at, refused) = (view.known_at, listing::refused(view, &[dataset]));
    let found = catalogue::availability(connection, view, dataset, days).await?;
    snapshot.finish().await?;
    refused.map_or(Ok(()), Err)?;
    let (cob, noncob) = if dataset.family.has_cob() { found } else { (false, false) };
    listing::single(&listing, known_at, Availability { cob, noncob }, &headers)
}
