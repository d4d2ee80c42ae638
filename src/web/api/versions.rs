//! `GET /api/v1/versions` and `GET /api/v1/versions/{id}`.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, NaiveDate, Utc};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::listing::{self, Asked, Keyed, Page, Record, VersionQuery};
use crate::{
    app::App,
    auth::SignedIn,
    db::catalogue::{self, VersionList, VersionRow},
    domain::{Dataset, Sha256},
    error::{Problem, Result, shown},
    extractors::{cell::Cell, query},
    web::parameters::{FromParameters, Parameters, StrictQuery},
};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one))
}

/// An accepted file.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"id": "17", "curve": "energy", "iso": "ercot",
    "curve_timestamp": "2031-03-04T09:30:00Z", "valid_to": null, "operating_day": "2031-03-04",
    "cob": false, "known_at": "2031-03-04T09:30:41.000512Z",
    "upload": "01938c2e-7a40-7c3e-9d2b-1f2e3d4c5b6a", "file_name": "Energy_ERCOT_20310304_093000.csv",
    "note": null, "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "counts": {"months": 60, "series": 24, "points": 1440},
    "first_month": "2031-04-01", "last_month": "2036-03-01"}))]
struct VersionItem {
    /// Its id.
    id: String,
    /// Curve type.
    curve: String,
    /// ISO.
    iso: String,
    /// When the curve was published.
    curve_timestamp: DateTime<Utc>,
    /// Until when it was the newest of its day, as far as is known; null while it is.
    valid_to: Option<DateTime<Utc>>,
    /// The day it belongs to.
    operating_day: NaiveDate,
    /// Whether it closes the day.
    cob: bool,
    /// When it became visible.
    known_at: DateTime<Utc>,
    /// The upload that made it.
    upload: String,
    /// The client's name for the file.
    file_name: String,
    /// A remark of the uploader.
    note: Option<String>,
    /// Of the kept document.
    sha256: String,
    /// How much it holds.
    counts: Counts,
    /// First contract month.
    first_month: Option<NaiveDate>,
    /// Last contract month.
    last_month: Option<NaiveDate>,
}

/// How much a version holds.
#[derive(Debug, serde::Serialize, ToSchema)]
struct Counts {
    /// Contract months.
    months: i32,
    /// Series.
    series: i32,
    /// Months times series.
    points: i32,
}

impl From<VersionRow> for VersionItem {
    fn from(row: VersionRow) -> Self {
        let dataset = Dataset::from_id(row.dataset_id);
        Self {
            id: row.id.to_string(),
            curve: dataset.map(|dataset| dataset.family.to_string()).unwrap_or_default(),
            iso: dataset.map(|dataset| dataset.iso.to_string()).unwrap_or_default(),
            curve_timestamp: row.curve_timestamp,
            valid_to: row.valid_to,
            operating_day: row.operating_day,
            cob: row.cob,
            known_at: row.known_at,
            upload: row.upload_id.to_string(),
            file_name: row.file_name,
            note: None,
            sha256: Sha256::from_bytes(&row.sha256).map(|sha| sha.to_string()).unwrap_or_default(),
            counts: Counts {
                months: row.axis_length,
                series: row.series_count,
                points: row.points,
            },
            first_month: row.first_month,
            last_month: row.last_month,
        }
    }
}

impl Record for VersionItem {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "curve",
        "iso",
        "curve_timestamp",
        "valid_to",
        "operating_day",
        "cob",
        "known_at",
        "upload",
        "file_name",
        "note",
        "sha256",
        "months",
        "series",
        "points",
        "first_month",
        "last_month",
    ];

    fn cells(&self) -> Vec<Cell<'_>> {
        let count = |count: i32| Cell::Exact(count.into());
        vec![
            Cell::Text(&self.id),
            Cell::Text(&self.curve),
            Cell::Text(&self.iso),
            Cell::Instant(self.curve_timestamp),
            self.valid_to.map_or(Cell::Blank, Cell::Instant),
            Cell::Day(self.operating_day),
            Cell::Flag(self.cob),
            Cell::Instant(self.known_at),
            Cell::Text(&self.upload),
            Cell::Text(&self.file_name),
            self.note.as_deref().map_or(Cell::Blank, Cell::Text),
            Cell::Text(&self.sha256),
            count(self.counts.months),
            count(self.counts.series),
            count(self.counts.points),
            self.first_month.map_or(Cell::Blank, Cell::Day),
            self.last_month.map_or(Cell::Blank, Cell::Day),
        ]
    }
}

impl Keyed for VersionItem {
    fn key(&self) -> String {
        self.curve_timestamp.to_rfc3339()
    }
}

/// List versions
///
/// Newest first, superseded ones included. `valid_to` is what was known at the cut-off.
#[utoipa::path(
    get,
    path = "/api/v1/versions",
    tag = "catalogue",
    params(
        listing::DatasetParams,
        listing::DaysParams,
        listing::AsOfParams,
        listing::PageParams,
    ),
    responses(
        (status = 200, description = "A page of versions.", body = Page<VersionItem>),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 406, description = "`not_acceptable`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_dataset`"),
    ),
)]
async fn list(asked: Asked<VersionQuery>) -> Result<Response> {
    asked.versions(VersionItem::from).await
}

struct OneQuery(Option<DateTime<Utc>>);

impl FromParameters for OneQuery {
    const NAMES: &'static [&'static str] = &["as_of", "asOf"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        query::as_of(p).map(Self)
    }
}

/// Read a version
#[utoipa::path(
    get,
    path = "/api/v1/versions/{id}",
    tag = "catalogue",
    params(
        ("id" = String, Path, example = "17"),
        ("as_of" = Option<String>, Query, description = "As it was known then, RFC 3339."),
    ),
    responses(
        (status = 200, description = "The version.", body = VersionItem),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`not_found`"),
    ),
)]
async fn one(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    Path(id): Path<String>,
    StrictQuery(OneQuery(as_of)): StrictQuery<OneQuery>,
) -> Result<Response> {
    let unknown = || Problem::not_found(format!("there is no version {:?}", shown(&id)));
    let number: i64 = id.parse().map_err(|_| unknown())?;
    let place = catalogue::place_of_version(&app.pool, app.viewer(&principal), number).await?;
    let (dataset, day) = place.ok_or_else(unknown)?;
    let mut snapshot = app.snapshot(&principal, &[dataset], as_of).await?;
    let (connection, view) = snapshot.parts();
    let (known_at, days) = (view.known_at, Some((day, day)));
    let list = VersionList { dataset, days, id: Some(number), before: None, limit: 1 };
    let version = catalogue::versions(connection, view, list).await?.pop();
    snapshot.finish().await?;
    let item = VersionItem::from(version.ok_or_else(unknown)?);
    Ok((listing::known_at_headers(known_at)?, Json(item)).into_response())
}
