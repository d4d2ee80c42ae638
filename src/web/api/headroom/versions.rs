//! `GET /api/v1/headroom/versions`: what was computed, and from what.

use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::listing::{self, Asked, Keyed, Listing, Page, Record},
    iso_of, sources,
};
use crate::{
    app::App,
    db::{
        headroom::reads::{self, HeadroomVersion},
        snapshot::View,
    },
    error::Result,
    extractors::{cell::Cell, query, words::Area},
    web::parameters::{FromParameters, Parameters},
};

/// The route of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The headroom of one Matrix version against one PTC version.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"id": "91", "iso": "pjm", "operating_day": "2031-03-04",
    "curve_timestamp": "2031-03-04T07:30:00Z", "ptc_timestamp": "2031-03-03T10:00:00Z",
    "matrix_version_id": "89", "ptc_version_id": "74", "load_profile_version_id": "12",
    "offers": 15, "records": 12, "ambiguous": 0, "known_at": "2031-03-04T07:31:12.000512Z",
    "ended_at": null}))]
struct HeadroomVersionItem {
    /// Its id: `GET /api/v1/data?curve=headroom&version_id=` reads it.
    id: String,
    /// Where.
    iso: String,
    /// The day of the matrix.
    operating_day: NaiveDate,
    /// When the matrix was published.
    curve_timestamp: DateTime<Utc>,
    /// When the prices to compare were published.
    ptc_timestamp: DateTime<Utc>,
    /// The Matrix version.
    matrix_version_id: String,
    /// The PTC version.
    ptc_version_id: String,
    /// The load profile version that means over terms are weighted by; null where there was none.
    load_profile_version_id: Option<String>,
    /// Offers of the matrix.
    offers: i32,
    /// Records of basis prompt.
    records: i32,
    /// Offers that match several prices to compare.
    ambiguous: i32,
    /// When it became visible.
    known_at: DateTime<Utc>,
    /// When another took its place, as far as is known; null while it is in force.
    ended_at: Option<DateTime<Utc>>,
}

impl From<HeadroomVersion> for HeadroomVersionItem {
    fn from(version: HeadroomVersion) -> Self {
        Self {
            id: version.id.to_string(),
            iso: iso_of(version.dataset_id).to_string(),
            operating_day: version.operating_day,
            curve_timestamp: version.curve_timestamp,
            ptc_timestamp: version.ptc_timestamp,
            matrix_version_id: version.matrix_version_id.to_string(),
            ptc_version_id: version.ptc_version_id.to_string(),
            load_profile_version_id: version.load_profile_version_id.map(|id| id.to_string()),
            offers: version.offers,
            records: version.records,
            ambiguous: version.ambiguous,
            known_at: version.known_at,
            ended_at: version.ended_at,
        }
    }
}

impl Record for HeadroomVersionItem {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "iso",
        "operating_day",
        "curve_timestamp",
        "ptc_timestamp",
        "matrix_version_id",
        "ptc_version_id",
        "load_profile_version_id",
        "offers",
        "records",
        "ambiguous",
        "known_at",
        "ended_at",
    ];

    fn cells(&self) -> Vec<Cell<'_>> {
        let count = |count: i32| Cell::Exact(count.into());
        vec![
            Cell::Text(&self.id),
            Cell::Text(&self.iso),
            Cell::Day(self.operating_day),
            Cell::Instant(self.curve_timestamp),
            Cell::Instant(self.ptc_timestamp),
            Cell::Text(&self.matrix_version_id),
            Cell::Text(&self.ptc_version_id),
            Cell::text(self.load_profile_version_id.as_deref()),
            count(self.offers),
            count(self.records),
            count(self.ambiguous),
            Cell::Microseconds(self.known_at),
            self.ended_at.map_or(Cell::Blank, Cell::Microseconds),
        ]
    }
}

impl Keyed for HeadroomVersionItem {
    fn key(&self) -> String {
        self.id.clone()
    }
}

struct VersionsQuery {
    iso: Area,
    days: Option<(NaiveDate, NaiveDate)>,
    listing: Listing,
}

impl FromParameters for VersionsQuery {
    const NAMES: &'static [&'static str] = &[
        "iso",
        "operating_day",
        "operating_day_end",
        "as_of",
        "asOf",
        "limit",
        "cursor",
        "format",
    ];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        Ok(Self {
            iso: p.value("iso")?.unwrap_or(Area::All),
            days: query::days(p)?,
            listing: Listing::from_parameters(p)?,
        })
    }
}

/// List versions of headroom
///
/// Newest first, those that another took the place of included.
#[utoipa::path(
    get,
    path = "/api/v1/headroom/versions",
    tag = "headroom",
    params(
        ("iso" = Option<String>, Query, description = "Where; every ISO if omitted.", example = "pjm"),
        listing::DaysParams,
        listing::AsOfParams,
        listing::PageParams,
    ),
    responses(
        (status = 200, description = "A page of versions.", body = Page<HeadroomVersionItem>),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 401, description = "No valid credential."),
        (status = 406, description = "`not_acceptable`"),
    ),
)]
async fn list(asked: Asked<VersionsQuery>) -> Result<Response> {
    let VersionsQuery { iso, days, ref listing } = asked.query;
    let (isos, before) = (iso.members(), listing.after::<i64>()?);
    let read = async |connection: &mut PgConnection, view: &View| {
        reads::history(connection, view, isos, days, before, listing.probe()).await
    };
    asked.page(listing, &sources(isos), read, HeadroomVersionItem::from).await
}
