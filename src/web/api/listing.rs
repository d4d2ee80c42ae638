//! What the catalogue's lists share: `as_of`, paging, JSON or CSV.

use std::io;

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Datelike as _, NaiveDate, SecondsFormat, Utc};
use sqlx::PgConnection;
use utoipa::IntoParams;

use crate::{
    app::App,
    auth::{Principal, SignedIn},
    db::{
        catalogue::{self, VersionList, VersionRow},
        snapshot::{Snapshot, View},
    },
    domain::{Dataset, Source, words},
    error::{Problem, Result, shown},
    extractors::{
        cell::{Cell, Sink as _},
        negotiate, query,
        words::{Area, Combination, Curve, Instant},
        writers::csv::Csv,
    },
    web::{
        paging,
        parameters::{FromParameters, Parameters, StrictQuery},
    },
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

/// `curve` and `iso` as the documentation shows them; [`dataset`] reads them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by utoipa only")]
pub struct DatasetParams {
    /// Curve type.
    #[param(example = "energy")]
    curve: String,
    /// ISO.
    #[param(example = "ercot")]
    iso: String,
}

/// A window of operating days as the documentation shows it; [`query::days`] reads it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by utoipa only")]
pub struct DaysParams {
    /// First operating day.
    #[param(example = "2031-03-04")]
    operating_day: Option<String>,
    /// Last operating day, inclusive; the first if omitted.
    operating_day_end: Option<String>,
}

/// The cut-off as the documentation shows it; [`query::as_of`] reads it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by utoipa only")]
pub struct AsOfParams {
    /// Only what was known then, RFC 3339 with an offset; `asOf` is the same.
    as_of: Option<String>,
}

/// Paging and format as the documentation shows them; [`Listing`] reads them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by utoipa only")]
pub struct PageParams {
    /// Items of a page.
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// json or csv; without it `Accept` decides.
    format: Option<String>,
}

/// Versions of a dataset, of all days or of a window.
pub struct VersionQuery {
    /// Whose.
    pub dataset: Dataset,
    /// First and last operating day.
    pub days: Option<(NaiveDate, NaiveDate)>,
    /// The page.
    pub listing: Listing,
}

impl FromParameters for VersionQuery {
    const NAMES: &'static [&'static str] = &[
        "curve",
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
            dataset: dataset(p)?,
            days: query::days(p)?,
            listing: Listing::from_parameters(p)?,
        })
    }
}

impl Asked<VersionQuery> {
    /// Answers with a page of versions, newest first.
    pub async fn versions<T: Keyed + serde::Serialize>(
        &self,
        item: impl FnMut(VersionRow) -> T,
    ) -> Result<Response> {
        let VersionQuery { dataset, days, ref listing } = self.query;
        let before = listing.after::<Instant>()?.map(|at| at.0);
        let list = VersionList { dataset, days, id: None, before, limit: listing.probe() };
        let read = async |connection: &mut PgConnection, view: &View| {
            catalogue::versions(connection, view, list).await
        };
        self.page(listing, &[dataset], read, item).await
    }
}

/// The parameters that every list takes.
#[derive(Debug, Clone)]
pub struct Listing {
    as_of: Option<DateTime<Utc>>,
    /// At most so many items: 1 to 1000.
    pub limit: i64,
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

impl Cursor {
    fn encode(known_at: DateTime<Utc>, key: &str) -> String {
        paging::cursor(format!("{}:{key}", known_at.timestamp_micros()).as_bytes())
    }

    fn decode(text: &str) -> Result<Self> {
        paging::read_cursor(text, |content| {
            let (micros, key) = std::str::from_utf8(content).ok()?.split_once(':')?;
            let known_at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
            // A database holds no other years, and no text with U+0000.
            let is_stored = (1..=9999).contains(&known_at.year()) && !key.contains('\0');
            is_stored.then(|| Self { known_at, key: key.to_owned() })
        })
    }
}

impl Listing {
    /// Takes its parameters.
    pub fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let limit = paging::limit(p, paging::MOST)?;
        let cursor = p.text("cursor")?;
        let cursor = cursor.as_deref().map(Cursor::decode).transpose()?;
        Ok(Self { as_of: query::as_of(p)?, limit, cursor, format: p.value("format")? })
    }

    /// The key that the page goes on after, read as `T`.
    pub fn after<T: std::str::FromStr>(&self) -> Result<Option<T>> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let text = || Cursor::encode(cursor.known_at, &cursor.key);
        cursor.key.parse().map(Some).map_err(|_| paging::bad_cursor(&text()))
    }

    /// One more than a page, to know whether another follows.
    #[must_use]
    pub const fn probe(&self) -> i64 {
        self.limit + 1
    }

    /// Begins the snapshot of `sources` that the page is read in.
    pub async fn snapshot<S: Copy + Into<Source>>(
        &self,
        app: &App,
        principal: &Principal,
        sources: &[S],
    ) -> Result<Snapshot> {
        let as_of = self.cursor.as_ref().map(|cursor| cursor.known_at).or(self.as_of);
        Ok(app.snapshot(principal, sources, as_of).await?)
    }
}

/// One item of a list as a record.
pub trait Record {
    /// The header record of the CSV form.
    const COLUMNS: &'static [&'static str];

    /// The cells under it.
    fn cells(&self) -> Vec<Cell<'_>>;
}

/// A record of a list that is read page by page.
pub trait Keyed: Record {
    /// What the next page goes on after.
    fn key(&self) -> String;
}

/// A request for a list: what is asked, by somebody signed in, and what shapes the answer besides.
pub struct Asked<Q> {
    /// What is asked.
    pub query: Q,
    principal: Principal,
    app: App,
    uri: Uri,
    headers: HeaderMap,
}

impl<Q: FromParameters> FromRequestParts<App> for Asked<Q> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let SignedIn(principal) = SignedIn::from_request_parts(parts, app).await?;
        let StrictQuery(query) = StrictQuery::from_request_parts(parts, app).await?;
        let (uri, headers) = (parts.uri.clone(), parts.headers.clone());
        Ok(Self { query, principal, app: app.clone(), uri, headers })
    }
}

impl<Q> Asked<Q> {
    /// Answers with the page of `listing` that `read` gives, as `item` shows its rows. They are read
    /// in one snapshot of `sources`, up to the cut-off that `read` is given.
    pub async fn page<S: Copy + Into<Source>, R, T: Keyed + serde::Serialize>(
        &self,
        listing: &Listing,
        sources: &[S],
        read: impl AsyncFnOnce(&mut PgConnection, &View) -> sqlx::Result<Vec<R>>,
        item: impl FnMut(R) -> T,
    ) -> Result<Response> {
        let mut snapshot = listing.snapshot(&self.app, &self.principal, sources).await?;
        let (connection, view) = snapshot.parts();
        let (known_at, refused) = (view.known_at, refused(view, sources));
        let rows = if refused.is_some() { Vec::new() } else { read(connection, view).await? };
        snapshot.finish().await?;
        if let Some(problem) = refused {
            return Err(problem);
        }
        let items = rows.into_iter().map(item).collect();
        page(listing, known_at, items, &self.uri, &self.headers)
    }
}

/// 403 `no_grant` where one source is asked for that the caller has no grant for: it says nothing
/// about what is there. Among several, those without are left out.
pub fn refused<S: Copy + Into<Source>>(view: &View, sources: &[S]) -> Option<Problem> {
    match sources {
        [only] if !view.sight.has(*only) => Some(no_grant((*only).into())),
        _ => None,
    }
}

/// 403 `no_grant`.
pub fn no_grant(what: impl std::fmt::Display) -> Problem {
    Problem::new(
        axum::http::StatusCode::FORBIDDEN,
        "no_grant",
        format!(
            "You have no grant for {what}. An administrator can give you a package that has one."
        ),
    )
}

/// A page of a list.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; null at the end.
    pub next: Option<String>,
}

/// Answers with a page of `items`, of which there may be one more than the limit. 406
/// `not_acceptable` where `Accept` takes neither JSON nor CSV.
fn page<T: Keyed + serde::Serialize>(
    listing: &Listing,
    known_at: DateTime<Utc>,
    mut items: Vec<T>,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Response> {
    let format = format(listing, headers)?;
    let more = paging::cut(&mut items, listing.limit);
    let next = items.last().filter(|_| more).map(|item| Cursor::encode(known_at, &item.key()));
    let mut answer = known_at_headers(known_at)?;
    if let Some(next) = &next {
        let query = uri.query().unwrap_or_default();
        answer.insert(header::LINK, paging::next_link(uri.path(), query, next)?);
    }
    Ok(match format {
        ListFormat::Json => (answer, Json(Page { items, next })).into_response(),
        ListFormat::Csv => (answer, csv(&items)?).into_response(),
    })
}

/// Answers with one item: as it is, or as a table of one record.
pub fn single<T: Record + serde::Serialize>(
    listing: &Listing,
    known_at: DateTime<Utc>,
    item: T,
    headers: &HeaderMap,
) -> Result<Response> {
    let answer = known_at_headers(known_at)?;
    Ok(match format(listing, headers)? {
        ListFormat::Json => (answer, Json(item)).into_response(),
        ListFormat::Csv => (answer, csv(&[item])?).into_response(),
    })
}

fn format(listing: &Listing, headers: &HeaderMap) -> Result<ListFormat> {
    const JSON: &str = "application/json";
    const CSV: &str = "text/csv";
    if let Some(format) = listing.format {
        return Ok(format);
    }
    let offered = [(ListFormat::Json, vec![JSON]), (ListFormat::Csv, vec![CSV])];
    negotiate::best(offered, headers)
        .ok_or_else(|| negotiate::not_acceptable([JSON, CSV], "format=json"))
}

/// Records as CSV, with its media type.
pub fn csv<T: Record>(items: &[T]) -> Result<impl IntoResponse + use<T>> {
    let bytes = header_record::<T>()
        .and_then(|header| Ok([header, records(items)?].concat()))
        .map_err(|error| Problem::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], bytes))
}

/// The header record of a CSV.
pub fn header_record<T: Record>() -> io::Result<Vec<u8>> {
    put_records([T::COLUMNS.iter().map(|name| Cell::Text(name))])
}

/// Records of a CSV without the header.
pub fn records<T: Record>(items: &[T]) -> io::Result<Vec<u8>> {
    put_records(items.iter().map(Record::cells))
}

fn put_records<'a>(
    records: impl IntoIterator<Item = impl IntoIterator<Item = Cell<'a>>>,
) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut csv = Csv::new(&mut bytes, false);
    for record in records {
        record.into_iter().try_for_each(|cell| csv.cell(cell))?;
        csv.end_record()?;
    }
    csv.finish(None)?;
    Ok(bytes)
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
/// that does not exist, and for headroom, which is no dataset of files.
pub fn dataset(p: &mut Parameters) -> Result<Dataset> {
    match source(p)? {
        Source::Stored(dataset) => Ok(dataset),
        Source::Headroom(_) => Err(Problem::new(
            axum::http::StatusCode::NOT_FOUND,
            "no_such_dataset",
            "headroom is computed and has no files; GET /api/v1/headroom/versions lists its versions",
        )),
    }
}

/// What the parameters `curve` and `iso` name, one of each; headroom, too. 404 `no_such_dataset` for
/// a pair that does not exist.
pub fn source(p: &mut Parameters) -> Result<Source> {
    let curve: Curve = p.value("curve")?.ok_or_else(|| required("curve"))?;
    let area: Area = p.value("iso")?.ok_or_else(|| required("iso"))?;
    match (curve, area.members()) {
        (Curve::All, _) => Err(Problem::bad_parameter("curve", "all", "name one curve type")),
        (curve, [iso]) => Combination { curve, iso: *iso }
            .source()
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
    let (curve, iso) = (shown(curve), shown(iso));
    Problem::new(
        axum::http::StatusCode::NOT_FOUND,
        "no_such_dataset",
        format!("there are no {curve} curves for {iso}; GET /api/v1/datasets lists what there is"),
    )
}
