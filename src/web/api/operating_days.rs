//! `GET /api/v1/operating-days`: the days that have data.

use axum::response::Response;
use chrono::NaiveDate;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::listing::{self, Asked, Keyed, Listing, Page, Record};
use crate::{
    app::App,
    db::{
        catalogue::{self, DayRow},
        headroom::reads,
        snapshot::View,
    },
    domain::Source,
    error::Result,
    extractors::{cell::Cell, words::Day},
    web::parameters::{FromParameters, Parameters},
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
async fn list(asked: Asked<Query>) -> Result<Response> {
    let Query { source, series, ref listing } = asked.query;
    let before = listing.after::<Day>()?.map(|day| day.0);
    let read = async |connection: &mut PgConnection, view: &View| {
        let limit = listing.probe();
        match source {
            Source::Stored(dataset) => {
                catalogue::operating_days(connection, dataset, view, series, before, limit).await
            }
            Source::Headroom(iso) => {
                reads::operating_days(connection, view, iso, before, limit).await
            }
        }
    };
    asked.page(listing, &[source], read, DayItem::from).await
}
