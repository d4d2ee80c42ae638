//! `GET /api/v1/datasets` and `GET /api/v1/datasets/{curve}/{iso}`.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::listing::{self, Asked, Keyed, Listing, Page, Record};
use crate::{
    app::App,
    auth::SignedIn,
    db::{
        catalogue::{self, DatasetSummary},
        headroom::reads,
        snapshot::View,
    },
    domain::{Family, Iso, Source},
    error::Result,
    extractors::{
        cell::Cell,
        query,
        words::{Combination, Curve},
    },
    web::parameters::{FromParameters, Parameters, StrictQuery},
};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one))
}

/// A dataset: a curve type of an ISO.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"curve": "energy", "iso": "ercot", "strips": ["7x24", "5x16", "7x8", "2x16"],
    "versions": 412, "first_operating_day": "2030-01-02", "last_operating_day": "2031-03-04",
    "latest_curve_timestamp": "2031-03-04T09:30:00Z"}))]
struct DatasetItem {
    /// Curve type.
    curve: String,
    /// ISO.
    iso: String,
    /// Blocks that may be asked for.
    strips: Vec<&'static str>,
    /// Accepted files.
    versions: i64,
    /// Oldest operating day with data.
    first_operating_day: Option<NaiveDate>,
    /// Newest operating day with data.
    last_operating_day: Option<NaiveDate>,
    /// Newest curve timestamp.
    latest_curve_timestamp: Option<DateTime<Utc>>,
    #[serde(skip)]
    id: i16,
    #[serde(skip)]
    strips_text: String,
}

impl DatasetItem {
    fn new(source: Source, summary: &DatasetSummary) -> Self {
        let strips = strips(source.family());
        Self {
            curve: source.curve().to_owned(),
            iso: source.iso().to_string(),
            strips: strips.to_vec(),
            versions: summary.versions,
            first_operating_day: summary.first_day,
            last_operating_day: summary.last_day,
            latest_curve_timestamp: summary.latest,
            id: summary.dataset_id,
            strips_text: strips.join(" "),
        }
    }
}

/// The blocks that a request may name.
const fn strips(family: Family) -> &'static [&'static str] {
    match family {
        Family::NonEnergy => &["7x24", "5x16", "7x8", "2x16", "wd", "we", "on-peak", "off-peak"],
        Family::Energy | Family::Shaping => &["7x24", "5x16", "7x8", "2x16"],
        _ => &["7x24"],
    }
}

impl Record for DatasetItem {
    const COLUMNS: &'static [&'static str] = &[
        "curve",
        "iso",
        "strips",
        "versions",
        "first_operating_day",
        "last_operating_day",
        "latest_curve_timestamp",
    ];

    fn cells(&self) -> Vec<Cell<'_>> {
        vec![
            Cell::Text(&self.curve),
            Cell::Text(&self.iso),
            Cell::Text(&self.strips_text),
            Cell::Exact(self.versions.into()),
            self.first_operating_day.map_or(Cell::Blank, Cell::Day),
            self.last_operating_day.map_or(Cell::Blank, Cell::Day),
            self.latest_curve_timestamp.map_or(Cell::Blank, Cell::Instant),
        ]
    }
}

impl Keyed for DatasetItem {
    fn key(&self) -> String {
        self.id.to_string()
    }
}

struct ListQuery(Listing);

impl FromParameters for ListQuery {
    const NAMES: &'static [&'static str] = &["as_of", "asOf", "limit", "cursor", "format"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        Listing::from_parameters(p).map(Self)
    }
}

/// List datasets
///
/// Every curve type of every ISO with what is stored of it; one without versions has no days.
#[utoipa::path(
    get,
    path = "/api/v1/datasets",
    tag = "catalogue",
    params(
        listing::AsOfParams,
        listing::PageParams,
    ),
    responses(
        (status = 200, description = "A page of datasets.", body = Page<DatasetItem>),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 406, description = "`not_acceptable`"),
        (status = 401, description = "No valid credential."),
    ),
)]
async fn list(asked: Asked<ListQuery>) -> Result<Response> {
    let ListQuery(listing) = &asked.query;
    let after: i16 = listing.after()?.unwrap_or_default();
    let all: Vec<Source> = Source::all().collect();
    let read = async |connection: &mut PgConnection, view: &View| {
        let rows = summaries(connection, view).await?.into_iter();
        let rows = rows.filter(|row| row.dataset_id > after);
        Ok(rows.filter_map(|row| Some((Source::from_id(row.dataset_id)?, row))).collect())
    };
    asked.page(listing, &all, read, |(source, row)| DatasetItem::new(source, &row)).await
}

/// Those of files, then those of headroom.
async fn summaries(
    connection: &mut PgConnection,
    view: &View,
) -> sqlx::Result<Vec<DatasetSummary>> {
    let mut summaries = catalogue::datasets(connection, view).await?;
    summaries.extend(reads::summaries(connection, view).await?);
    Ok(summaries)
}

struct OneQuery(Option<DateTime<Utc>>);

impl FromParameters for OneQuery {
    const NAMES: &'static [&'static str] = &["as_of", "asOf"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        query::as_of(p).map(Self)
    }
}

/// Read a dataset
#[utoipa::path(
    get,
    path = "/api/v1/datasets/{curve}/{iso}",
    tag = "catalogue",
    params(
        ("curve" = String, Path, example = "energy"),
        ("iso" = String, Path, example = "ercot"),
        listing::AsOfParams,
    ),
    responses(
        (status = 200, description = "The dataset.", body = DatasetItem),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_dataset`"),
    ),
)]
async fn one(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    Path((curve, iso)): Path<(String, String)>,
    StrictQuery(OneQuery(as_of)): StrictQuery<OneQuery>,
) -> Result<Response> {
    let unknown = || listing::no_such_dataset(&curve, &iso);
    let curve: Curve = curve.parse().map_err(|_| unknown())?;
    let area: Iso = iso.parse().map_err(|_| unknown())?;
    let source = Combination { curve, iso: area }.source().ok_or_else(unknown)?;
    let mut snapshot = app.snapshot(&principal, &[source], as_of).await?;
    let (connection, view) = snapshot.parts();
    let (known_at, refused) = (view.known_at, listing::refused(view, &[source]));
    let summaries = summaries(connection, view).await?;
    snapshot.finish().await?;
    refused.map_or(Ok(()), Err)?;
    let summary = summaries.iter().find(|row| row.dataset_id == source.id()).ok_or_else(unknown)?;
    let headers = listing::known_at_headers(known_at)?;
    Ok((headers, Json(DatasetItem::new(source, summary))).into_response())
}
