//! `GET /api/v1/series/{id}/curve`: one curve as of an instant.

use axum::{
    body::Body,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::listing;
use crate::{
    app::App,
    auth::SignedIn,
    error::{Problem, Result, shown},
    extractors::{self, ChartSeries, CurveAsOf, number, query, words::Day},
    web::parameters::{FromParameters, Parameters, StrictQuery},
};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(read))
}

struct Query {
    version_id: Option<i64>,
    operating_day: Option<NaiveDate>,
    as_of: Option<DateTime<Utc>>,
}

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = &["version_id", "operating_day", "as_of", "asOf"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let version_id: Option<i64> = p.value("version_id")?;
        let operating_day = p.value::<Day>("operating_day")?.map(|day| day.0);
        let as_of = query::as_of(p)?;
        match version_id {
            Some(id) if operating_day.is_some() || as_of.is_some() => Err(query::contradiction(
                "version_id",
                id,
                "names the version itself and cannot be combined with operating_day or as_of",
            )),
            _ => Ok(Self { version_id, operating_day, as_of }),
        }
    }
}

/// Read one curve
///
/// One series of the newest version of a day (of the newest day if none is named), as of an
/// instant. Values are exact; null where the file had none.
#[utoipa::path(
    get,
    path = "/api/v1/series/{id}/curve",
    tag = "data",
    params(
        ("id" = String, Path, description = "A series, as `/api/v1/series` lists it.", example = "71"),
        ("version_id" = Option<String>, Query, description = "This version; not with the others."),
        ("operating_day" = Option<String>, Query, example = "2031-03-04"),
        listing::AsOfParams,
    ),
    responses(
        (status = 200, description = "The curve.", body = serde_json::Value, example = json!({
            "series_id": "71", "curve": "energy", "iso": "ercot", "series": "NORTH ZONE 5x16",
            "uom": "$/MWh", "version_id": "17", "curve_timestamp": "2031-03-04T09:30:00Z",
            "operating_day": "2031-03-04", "cob": false,
            "points": [{"month": "2031-04", "value": 41.27}, {"month": "2031-05", "value": null}]
        })),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`not_found`, `no_data`"),
    ),
)]
async fn read(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    Path(id): Path<String>,
    StrictQuery(query): StrictQuery<Query>,
) -> Result<Response> {
    let unknown = || Problem::not_found(format!("there is no series {:?}", shown(&id)));
    let series_id: i64 = id.parse().map_err(|_| unknown())?;
    let (curve, known_at) = if let Some(version) = query.version_id {
        let curve = extractors::chart_series(&app, &principal, series_id, version).await?;
        (curve, None)
    } else {
        let Query { operating_day, as_of, .. } = query;
        let wanted = CurveAsOf { series_id, operating_day, as_of };
        let (curve, known_at) = extractors::curve_as_of(&app, &principal, wanted).await?;
        (curve, Some(known_at))
    };
    let curve = curve.ok_or_else(no_data)?;
    let headers = known_at.map(listing::known_at_headers).transpose()?.unwrap_or_default();
    let media = [(header::CONTENT_TYPE, "application/json")];
    Ok((headers, media, Body::from(body(series_id, &curve))).into_response())
}

fn no_data() -> Problem {
    Problem::new(
        axum::http::StatusCode::NOT_FOUND,
        "no_data",
        "the version has no such series; GET /api/v1/operating-days with series= lists its days",
    )
}

/// Points are written digit by digit: no number passes through binary floating point.
fn body(series_id: i64, curve: &ChartSeries) -> Vec<u8> {
    let head = json!({
        "series_id": series_id.to_string(),
        "curve": curve.dataset.family,
        "iso": curve.dataset.iso,
        "series": curve.key.to_string(),
        "uom": curve.key.unit,
        "version_id": curve.version_id.to_string(),
        "curve_timestamp": curve.curve_timestamp,
        "operating_day": curve.operating_day,
        "cob": curve.cob,
    });
    let mut out = head.to_string().into_bytes();
    out.pop();
    out.extend_from_slice(b",\"points\":[");
    for (index, (place, value)) in curve.points().enumerate() {
        let mut members = json!(place).to_string();
        members.pop();
        let (comma, more) =
            (if index > 0 { "," } else { "" }, if members.len() > 1 { "," } else { "" });
        out.extend_from_slice(format!("{comma}{members}{more}\"value\":").as_bytes());
        match value {
            Some(value) => number::put_exact(&mut out, &value),
            None => out.extend_from_slice(b"null"),
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out
}
