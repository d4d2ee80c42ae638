//! What the catalogue's lists share: `as_of`, paging, JSON or CSV.

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, Uri, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Datelike as _, SecondsFormat, Utc};

use crate::{
    app::App,
    db::snapshot::Snapshot,
    domain::{Dataset, words},
    error::{Problem, Result},
    extractors::{
        cell::{Cell, Sink as _},
        query,
        words::{Area, Combination, Curve},
        writers::csv::Csv,
    },
    web::parameters::Parameters,
};

words! {
    /// How a list is written.
    ListFormat("a format") {
        /// `{"items": [...], "next": cursor}`.
        Json = "json",
        /// A header record and the items.
        Csv = "csv",
    }
}

/// The parameters that every list takes.
#[derive(Debug, Clone)]
pub struct Listing {
    as_of: Option<DateTime<Utc>>,
    /// At most so many items: 1 to 1000.
    pub limit: usize,
    cursor: Option<Cursor>,
    format: Option<ListFormat>,
}

/// Where a page goes on: the cut-off of the first page, so that all are of one state, and the last
/// item's key.
#[derive(Debug, Clone)]
struct Cursor {
    known_at: DateTime<Utc>,
    key: String,
}

impl std::str::FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let broken = "take it as a page's next gave it";
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| broken)?;
        let text = String::from_utf8(bytes).map_err(|_| broken)?;
        let (micros, key) = text.split_once(':').ok_or(broken)?;
        let known_at = micros.parse().ok().and_then(DateTime::from_timestamp_micros);
        // A database holds no other years, and no text with U+0000.
        let known_at = known_at.filter(|at| (1..=9999).contains(&at.year()));
        if key.contains('\0') {
            return Err(broken);
        }
        Ok(Self { known_at: known_at.ok_or(broken)?, key: key.to_owned() })
    }
}

impl Cursor {
    fn encode(known_at: DateTime<Utc>, key: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(format!("{}:{key}", known_at.timestamp_micros()))
    }
}

impl Listing {
    /// Takes its parameters.
    pub fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let limit: usize = p.value("limit")?.unwrap_or(1000);
        if !(1..=1000).contains(&limit) {
            return Err(Problem::bad_parameter("limit", &limit.to_string(), "it is 1 to 1000"));
        }
        let (as_of, cursor) = (query::as_of(p)?, p.value("cursor")?);
        Ok(Self { as_of, limit, cursor, format: p.value("format")? })
    }

    /// The key that the page goes on after, read as `T`.
    pub fn after<T: std::str::FromStr>(&self) -> Result<Option<T>> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let key = cursor.key.parse().map_err(|_| {
            Problem::bad_parameter("cursor", &cursor.key, "it belongs to another list")
        })?;
        Ok(Some(key))
    }

    /// One more than a page, to know whether another follows.
    #[must_use]
    pub fn probe(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX - 1) + 1
    }

    /// Begins the snapshot of `datasets` that the page is read in.
    pub async fn snapshot(&self, app: &App, datasets: &[Dataset]) -> Result<Snapshot> {
        let as_of = self.cursor.as_ref().map(|cursor| cursor.known_at).or(self.as_of);
        Ok(Snapshot::begin(&app.pool, datasets, as_of).await?)
    }
}

/// One item of a list as a record.
pub trait Record {
    /// The header record of the CSV form.
    const COLUMNS: &'static [&'static str];

    /// The cells under it.
    fn cells(&self) -> Vec<Cell<'_>>;

    /// What the next page goes on after.
    fn key(&self) -> String;
}

/// A page of a list.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; null at the end.
    pub next: Option<String>,
}

/// Answers with a page of `items`, of which there may be one more than the limit.
pub fn page<T: Record + serde::Serialize>(
    listing: &Listing,
    known_at: DateTime<Utc>,
    mut items: Vec<T>,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Response> {
    let more = items.len() > listing.limit;
    items.truncate(listing.limit);
    let next = items.last().filter(|_| more).map(|item| Cursor::encode(known_at, &item.key()));
    let mut answer = known_at_headers(known_at)?;
    if let Some(next) = &next {
        let link = format!("<{}>; rel=\"next\"", next_uri(uri, next));
        let link = HeaderValue::from_str(&link).map_err(|error| Problem::internal(&error))?;
        answer.insert(header::LINK, link);
    }
    Ok(match format(listing, headers) {
        ListFormat::Json => (answer, Json(Page { items, next })).into_response(),
        ListFormat::Csv => (answer, csv(&items)?).into_response(),
    })
}

fn format(listing: &Listing, headers: &HeaderMap) -> ListFormat {
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let csv = accepts.is_some_and(|accept| accept.trim_start().starts_with("text/csv"));
    listing.format.unwrap_or(if csv { ListFormat::Csv } else { ListFormat::Json })
}

fn next_uri(uri: &Uri, cursor: &str) -> String {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let others = pairs.filter(|(name, _)| name != "cursor");
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others)
        .append_pair("cursor", cursor)
        .finish();
    format!("{}?{query}", uri.path())
}

/// Records as CSV, with its media type.
pub fn csv<T: Record>(items: &[T]) -> Result<impl IntoResponse + use<T>> {
    let mut bytes = Vec::new();
    let mut csv = Csv::new(&mut bytes, false);
    let written = (|| {
        T::COLUMNS.iter().try_for_each(|name| csv.cell(Cell::Text(name)))?;
        csv.end_record()?;
        for item in items {
            item.cells().into_iter().try_for_each(|cell| csv.cell(cell))?;
            csv.end_record()?;
        }
        csv.finish(None)
    })();
    written.map_err(|error| Problem::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], bytes))
}

/// `X-Known-At`, and that the answer is the caller's own.
pub fn known_at_headers(known_at: DateTime<Utc>) -> Result<HeaderMap> {
    let text = known_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let value = HeaderValue::from_str(&text).map_err(|error| Problem::internal(&error))?;
    Ok(HeaderMap::from_iter([
        (HeaderName::from_static("x-known-at"), value),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::VARY, HeaderValue::from_static("Accept, Authorization, Cookie")),
    ]))
}

/// The dataset of the parameters `curve` and `iso`, one of each. 404 `no_such_dataset` for a pair
/// that does not exist.
pub fn dataset(p: &mut Parameters) -> Result<Dataset> {
    let curve: Curve = p.value("curve")?.ok_or_else(|| required("curve"))?;
    let area: Area = p.value("iso")?.ok_or_else(|| required("iso"))?;
    match (curve, area.members()) {
        (Curve::All, _) => Err(Problem::bad_parameter("curve", "all", "name one curve type")),
        (curve, [iso]) => Combination { curve, iso: *iso }
            .dataset()
            .ok_or_else(|| no_such_dataset(curve.as_str(), iso.as_str())),
        _ => Err(Problem::bad_parameter("iso", "all", "name one ISO")),
    }
}

/// 400 for a parameter that must be there.
pub fn required(name: &str) -> Problem {
    Problem::new(
        axum::http::StatusCode::BAD_REQUEST,
        "bad_parameter",
        format!("parameter {name} is required"),
    )
    .with("parameter", name)
}

/// 404 for a pair that does not exist.
pub fn no_such_dataset(curve: &str, iso: &str) -> Problem {
    Problem::new(
        axum::http::StatusCode::NOT_FOUND,
        "no_such_dataset",
        format!("there are no {curve} curves for {iso}; GET /api/v1/datasets lists what there is"),
    )
}
