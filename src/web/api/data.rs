//! `GET /api/v1/data` and its description `GET /api/v1/data/report`.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    audit::download::{self, Asker, Wanted},
    auth::SignedIn,
    db::snapshot::Snapshot,
    error::{Problem, Result},
    extractors::{
        negotiate,
        query::{self, Query},
        report,
        selection::{self, Part, Selection},
        stream::body,
        turns::Turn,
        words::Combination,
    },
    web::parameters::StrictQuery,
};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(download)).routes(routes!(describe))
}

/// The parameters as the documentation shows them; [`Query`] reads them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by utoipa only")]
struct DataParams {
    /// What: energy, nonenergy, rec, ptc, matrix, headroom, loadprofile, shaping, vlr, lineloss, or
    /// all of them.
    #[param(example = "energy")]
    curve: String,
    /// Where: ercot, isone, nyiso, miso, pjm or all. Only lineloss may leave it out.
    #[param(example = "ercot")]
    iso: Option<String>,
    /// First contract month, `YYYY-MM` or `YYYY-MM-DD`.
    #[param(example = "2031-04")]
    start: Option<String>,
    /// Last contract month, inclusive.
    #[param(example = "2036-03")]
    end: Option<String>,
    /// Blocks, repeatable: 7x24, 5x16, 2x16, 7x8, wd, we, on-peak, off-peak, all.
    #[param(example = json!(["5x16", "7x8"]))]
    strip: Option<Vec<String>>,
    /// First operating day; without it the newest that has data, for each curve type and ISO.
    #[param(example = "2031-03-04")]
    operating_day: Option<String>,
    /// Last operating day, inclusive; the first if omitted.
    operating_day_end: Option<String>,
    /// Which versions of a day: latest (the default), intraday, cob or all.
    #[param(example = "latest")]
    version: Option<String>,
    /// These versions and no others, repeatable; not together with version, days or `as_of`.
    version_id: Option<Vec<String>>,
    /// Only what was known at this instant, RFC 3339 with an offset; `asOf` is the same.
    as_of: Option<String>,
    /// For energy and nonenergy: `standardized`, 7x24 prices in $/MWh, or `unstandardized`, stored
    /// blocks in native units. Without it 7x24 is standardized and every other strip that is asked
    /// for is not; with neither mode nor strip the answer is standardized.
    #[param(example = "standardized")]
    mode: Option<String>,
    /// How hours are counted where prices are computed: flat (the default; no holidays, no clock
    /// changes) or nerc.
    #[param(example = "flat")]
    calendar: Option<String>,
    /// wide (the default of csv and xlsx) or long (the only one of json, ndjson and parquet).
    #[param(example = "wide")]
    layout: Option<String>,
    /// csv, xlsx, json, ndjson or parquet; without it `Accept` decides.
    #[param(example = "csv")]
    format: Option<String>,
    /// Whether CSV begins with a byte-order mark.
    bom: Option<bool>,
}

/// Download curves
///
/// Prices as they were published, every version readable for ever. `X-Known-At` tells up to which
/// instant the answer knew; with it as `as_of` the same request gives the same versions again. More
/// than one curve type or ISO comes as a ZIP archive with a manifest.
#[utoipa::path(
    get,
    path = "/api/v1/data",
    tag = "data",
    params(DataParams),
    responses(
        (status = 200, description = "The data, as an attachment.", content(
            (String = "text/csv", example = "Control Area,,,ERCOT\nState,,,TX\nLoad Zone,,,NORTH ZONE\nCapacity Zone,,,-\nUtility,,,ONCOR\nBlock Type,,,5x16\nCost Group,,,Energy\nCost Component,,,Energy\nUOM,,,$/MWh\nCurve Update Date,Curve Start Month,COB,\n2031-03-04 09:30:00+00:00,2031-04-01 00:00:00+00:00,False,41.27000\n"),
            (serde_json::Value = "application/json", example = json!({"data": [{
                "curve": "energy", "iso": "ercot", "version_id": "17",
                "curve_timestamp": "2031-03-04T09:30:00Z", "operating_day": "2031-03-04", "cob": false,
                "known_at": "2031-03-04T09:30:41.000512Z",
                "dims": {"control_area": "ERCOT", "state": "TX", "load_zone": "NORTH ZONE",
                         "capacity_zone": "-", "utility": "ONCOR", "block_type": "5x16",
                         "cost_group": "Energy", "cost_component": "Energy", "sub_component": "Energy"},
                "customer_type": null, "load_profile": null, "matching_id": null, "lookup_id": null,
                "uom": "$/MWh", "kind": "native", "contract_month": "2031-04-01", "date": null,
                "month": null, "he": null, "term": null, "beginning_date": null, "measure": "value",
                "value": 41.27, "missing_reason": null
            }], "meta": {
                "request": {"curve": "energy", "iso": "ercot", "start": "2031-04-01", "end": "2031-04-01",
                            "strip": ["5x16"], "mode": "unstandardized", "layout": "long",
                            "format": "json"},
                "known_at": "2031-03-04T09:31:07.123456Z",
                "versions": [{"id": "17", "curve_timestamp": "2031-03-04T09:30:00Z",
                              "operating_day": "2031-03-04", "cob": false,
                              "known_at": "2031-03-04T09:30:41.000512Z",
                              "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}],
                "counts": {"versions": 1, "series": 1, "rows": 1}, "warnings": [], "warning_count": 0, "disclaimer": null
            }})),
            (String = "application/x-ndjson"),
            (Vec<u8> = "application/vnd.apache.parquet"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            (Vec<u8> = "application/zip"),
        ), headers(
            ("X-Known-At" = String, description = "The cut-off really used, UTC."),
            ("X-Warnings" = u32, description = "How many warnings the report lists."),
            ("X-Not-Applied" = String, description = "Given parameters without effect."),
            ("ETag" = String, description = "Send it as If-None-Match to be told that nothing changed."),
        )),
        (status = 304, description = "What If-None-Match names is still the answer."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`, `too_large_for_xlsx`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_data`, `no_such_dataset`; names the nearest operating day."),
        (status = 406, description = "`not_acceptable`"),
        (status = 429, description = "`too_many_downloads`: as many of yours run as may."),
        (status = 503, description = "`busy`; try again after Retry-After seconds."),
    ),
)]
async fn download(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    StrictQuery(query): StrictQuery<Query>,
    asker: Asker,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let format = negotiate::format(&query, &headers)?;
    let turn = app.downloads.take(&principal).await?;
    let (selection, snapshot) = selection::select(&app, &principal, query, format).await?;
    answer(selection, snapshot, (turn, asker), &method, &headers).await
}

/// Describe a download
///
/// Takes the parameters of `/api/v1/data` and tells what it would give: versions, counts, warnings
/// and what is skipped.
#[utoipa::path(
    get,
    path = "/api/v1/data/report",
    tag = "data",
    params(DataParams),
    responses(
        (status = 200, description = "The description.", body = serde_json::Value, example = json!({
            "request": {"curve": "energy", "iso": "ercot", "mode": "standardized", "layout": "wide",
                        "format": "csv"},
            "known_at": "2031-03-04T09:31:07.123456Z",
            "file": "energy_ercot_standardized_2031-03-04.csv",
            "entries": [{
                "file": "energy_ercot_standardized_2031-03-04.csv", "curve": "energy", "iso": "ercot",
                "mode": "standardized",
                "versions": [{"id": "17", "curve_timestamp": "2031-03-04T09:30:00Z",
                              "operating_day": "2031-03-04", "cob": false,
                              "known_at": "2031-03-04T09:30:41.000512Z",
                              "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}],
                "months": 60, "series": 8, "rows": 60, "columns": 11
            }],
            "skipped": [], "warnings": [], "warning_count": 0, "not_applied": [], "disclaimer": null
        })),
        (status = 400, description = "As for the data."),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "As for the data."),
    ),
)]
async fn describe(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    StrictQuery(query): StrictQuery<Query>,
) -> Result<Response> {
    // The report is always JSON: its own Accept says nothing about the data.
    let format = negotiate::format(&query, &HeaderMap::new())?;
    let (selection, mut snapshot) = selection::select(&app, &principal, query, format).await?;
    let report = report::describe(&selection, &mut snapshot).await?;
    snapshot.finish().await?;
    let mut response = Json(report).into_response();
    response.headers_mut().extend(common_headers(&selection)?);
    Ok(response)
}

/// Answers with a selection: its headers, and its points unless the caller has them. What is answered
/// is written down first.
pub(super) async fn answer(
    selection: Selection,
    mut snapshot: Snapshot,
    (turn, asker): (Turn, Asker),
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response> {
    report::check_limits(&selection, &mut snapshot).await?;
    let mut answer_headers = common_headers(&selection)?;
    answer_headers.extend(caching_headers(&selection)?);
    if matches(headers, &selection.etag()) {
        snapshot.finish().await?;
        asker.not_modified(&wanted(&selection)).await?;
        return Ok((StatusCode::NOT_MODIFIED, answer_headers).into_response());
    }
    answer_headers.extend(content_headers(&selection)?);
    if method == Method::HEAD {
        snapshot.finish().await?;
        asker.head(&wanted(&selection)).await?;
        // An empty body would say that the file is empty; how long it is nobody knows yet.
        let unknown = Body::from_stream(stream::empty::<std::io::Result<Bytes>>());
        return Ok((answer_headers, unknown).into_response());
    }
    let download = asker.begin(wanted(&selection)).await?;
    Ok((answer_headers, body(selection, snapshot, turn, download)).into_response())
}

/// What the audit log says of a selection.
fn wanted(selection: &Selection) -> Wanted {
    let Query { curve, iso, .. } = &selection.query;
    let of = |part: &Part| {
        let Combination { curve, iso } = part.combination;
        download::part((curve, iso), part.versions.iter().map(|version| version.id))
    };
    Wanted {
        object: ("dataset", format!("{curve}/{iso}")),
        format: selection.format.as_str(),
        parameters: selection.request_json(),
        known_at: Some(selection.known_at),
        parts: selection.parts.iter().map(of).collect(),
    }
}

fn value(text: impl AsRef<str>) -> Result<HeaderValue> {
    HeaderValue::from_str(text.as_ref()).map_err(|error| Problem::internal(&error))
}

fn common_headers(selection: &Selection) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("x-known-at"), value(selection.known_at_text())?);
    headers.insert(HeaderName::from_static("x-warnings"), selection.warnings.count.into());
    if !selection.not_applied.is_empty() {
        let names = selection.not_applied.join(", ");
        headers.insert(HeaderName::from_static("x-not-applied"), value(names)?);
    }
    let report = query::encode(&selection.normalised());
    let link = format!("</api/v1/data/report?{report}>; rel=\"describedby\"");
    headers.insert(header::LINK, value(link)?);
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Authorization, Cookie"));
    Ok(headers)
}

fn caching_headers(selection: &Selection) -> Result<HeaderMap> {
    let query = &selection.query;
    let is_pinned = !query.version_ids.is_empty() || query.as_of.is_some();
    let mut headers = HeaderMap::new();
    headers.insert(header::ETAG, value(selection.etag())?);
    let control = if is_pinned && selection.lasts {
        "private, max-age=31536000, immutable"
    } else {
        "private, no-cache"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(control));
    if !is_pinned {
        let date = selection.last_modified().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        headers.insert(header::LAST_MODIFIED, value(date)?);
    }
    Ok(headers)
}

fn content_headers(selection: &Selection) -> Result<HeaderMap> {
    let archive = selection.is_archive();
    let media = if archive { "application/zip" } else { selection.format.media_type() };
    let disposition = format!("attachment; filename=\"{}\"", selection.file_name());
    Ok(HeaderMap::from_iter([
        (header::CONTENT_TYPE, value(media)?),
        (header::CONTENT_DISPOSITION, value(disposition)?),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ]))
}

/// Whether `If-None-Match` names `etag`; weak and strong tags compare alike there.
fn matches(headers: &HeaderMap, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|tags| tags.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .any(|tag| tag.trim() == "*" || opaque(tag) == opaque(etag))
}
