//! How the reads of feeds answer: exact numbers, the cut-off, a tag, pages and files.

use axum::{
    body::Body,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::{OnceCell, mpsc};

use super::{
    super::listing::known_at_headers,
    query::{Format, Numbers},
};
use crate::{
    app::App,
    audit::download::{Asker, Download, Wanted},
    auth::{Principal, SignedIn},
    db::feeds::snapshot::FeedSnapshot,
    domain::{Sha256, feed::Window},
    error::{Problem, Result},
    extractors::{
        feed::{
            self, File, Reading,
            stamp::LocalClock,
            table::{Records, Table, once},
        },
        negotiate, number, stream,
        turns::Turn,
        words::Format as FileFormat,
        writers::xlsx::MAX_ROWS,
    },
    web::{
        paging,
        parameters::{FromParameters, Parameters, StrictQuery},
    },
};

/// A request, by somebody signed in, and what shapes the answer besides.
pub struct Asking<Q> {
    /// What is asked.
    pub query: Q,
    /// Who asks.
    pub principal: Principal,
    /// The server.
    pub app: App,
    uri: Uri,
    method: Method,
    headers: HeaderMap,
    asker: Asker,
    turn: OnceCell<Turn>,
}

impl<Q: FromParameters> FromRequestParts<App> for Asking<Q> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let SignedIn(principal) = SignedIn::from_request_parts(parts, app).await?;
        let Ok(asker) = Asker::from_request_parts(parts, app).await;
        let StrictQuery(query) = StrictQuery::from_request_parts(parts, app).await?;
        let app = app.clone();
        let (uri, method) = (parts.uri.clone(), parts.method.clone());
        let (headers, turn) = (parts.headers.clone(), OnceCell::new());
        Ok(Self { query, principal, app, uri, method, headers, asker, turn })
    }
}

/// A value with its exact digits: a string, or a number where that is asked for.
#[must_use]
pub fn digits(value: Option<Decimal>, numbers: Numbers) -> Option<Box<RawValue>> {
    let value = value?;
    let mut text = Vec::with_capacity(24);
    if numbers == Numbers::Exact {
        text.push(b'"');
    }
    number::put_exact(&mut text, &value);
    if numbers == Numbers::Exact {
        text.push(b'"');
    }
    String::from_utf8(text).ok().and_then(|text| RawValue::from_string(text).ok())
}

/// An instant as answers print it: with `Z`, or with the offset of the place.
#[must_use]
pub fn moment(instant: DateTime<Utc>, clock: Tz) -> String {
    match clock {
        Tz::UTC => instant.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        zone => LocalClock::new(zone).text(instant),
    }
}

/// Which page, and how it is written.
#[derive(Debug, Clone)]
pub struct Page {
    /// Items at the most.
    pub limit: usize,
    /// Where the page before ended: the cut-off of the first page, so that all are of one state, and the
    /// key of the last item.
    pub cursor: Option<(DateTime<Utc>, String)>,
    format: Option<Format>,
    is_paged: bool,
}

impl Page {
    /// Takes `limit`, `cursor` and `format`.
    pub fn read(p: &mut Parameters) -> Result<Self> {
        let limit = p.text("limit")?;
        let is_limited = limit.is_some();
        let limit =
            limit.map_or(Ok(paging::MOST), |text| crate::web::parameters::read("limit", &text))?;
        if !(1..=paging::MOST).contains(&limit) {
            let wanted = format!("it is a number from 1 to {}", paging::MOST);
            return Err(Problem::bad_parameter("limit", &limit.to_string(), wanted));
        }
        let cursor = p.text("cursor")?;
        let is_paged = is_limited || cursor.is_some();
        let cursor = cursor.as_deref().map(read_cursor).transpose()?;
        let limit = usize::try_from(limit).unwrap_or(1);
        Ok(Self { limit, cursor, format: p.value("format")?, is_paged })
    }

    /// The cut-off of the list: that of its first page, else what is asked.
    #[must_use]
    pub fn as_of(&self, asked: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        self.cursor.as_ref().map(|(known_at, _)| *known_at).or(asked)
    }

    /// Whether the page goes on with a list of what is known now: nobody asked for a cut-off.
    #[must_use]
    pub fn continues(&self, asked: Option<DateTime<Utc>>) -> bool {
        self.cursor.is_some() && asked.is_none()
    }

    /// The key of the last item of the page before: its parts, as many as items have.
    pub fn after<const N: usize>(&self) -> Result<Option<[&str; N]>> {
        let Some((_, key)) = &self.cursor else { return Ok(None) };
        let parts: Vec<&str> = key.split('\n').collect();
        let parts = <[&str; N]>::try_from(parts).map_err(|_| paging::bad_cursor(key))?;
        Ok(Some(parts))
    }
}

/// The instant in the key of a cursor. 400 where there is none, or one that no row has.
pub fn instant_of(part: &str) -> Result<DateTime<Utc>> {
    paging::instant(part).ok_or_else(|| paging::bad_cursor(part))
}

fn read_cursor(text: &str) -> Result<(DateTime<Utc>, String)> {
    paging::read_cursor(text, |content| {
        let (micros, key) = std::str::from_utf8(content).ok()?.split_once(':')?;
        let known_at = paging::instant(micros)?;
        (!key.contains('\0')).then(|| (known_at, key.to_owned()))
    })
}

/// A page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Items<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; null at the end.
    pub next: Option<String>,
}

impl<Q> Asking<Q> {
    /// The format of the answer: the one given, else what `Accept` likes best of what there is. 400 where
    /// a file is to be cut into pages.
    pub fn format(&self, page: &Page) -> Result<Format> {
        const MEDIA: [&str; 3] = [
            "application/json",
            "text/csv",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ];
        let offered = [Format::Json, Format::Csv, Format::Xlsx];
        let mut media = offered.into_iter().zip(MEDIA).map(|(format, media)| (format, vec![media]));
        let offers =
            std::array::from_fn::<_, 3, _>(|_| media.next().unwrap_or((Format::Json, Vec::new())));
        let format = page
            .format
            .or_else(|| negotiate::best(offers, &self.headers))
            .ok_or_else(|| negotiate::not_acceptable(MEDIA, "format=json"))?;
        if page.is_paged && format != Format::Json {
            let why = "is a whole file: limit and cursor cut JSON into pages";
            return Err(crate::extractors::query::contradiction("format", format, why));
        }
        Ok(format)
    }

    /// Waits for the turn of a file. Before its view begins: whoever waits must not hold a connection that
    /// those who download are in need of. Where no bytes are wanted there is nothing to wait for.
    pub async fn take_turn(&self, format: Format) -> Result<()> {
        if format != Format::Json && self.method != Method::HEAD {
            self.turn.get_or_try_init(|| self.app.downloads.take(&self.principal)).await?;
        }
        Ok(())
    }

    /// Answers with a page of items, of which there may be one more than the limit; `key` tells where
    /// one stands.
    pub fn page<T: Serialize>(
        &self,
        known_at: DateTime<Utc>,
        page: &Page,
        mut items: Vec<T>,
        key: impl Fn(&T) -> String,
    ) -> Result<Response> {
        let more = items.len() > page.limit;
        items.truncate(page.limit);
        let last = items.last().filter(|_| more);
        let micros = known_at.timestamp_micros();
        let next = last.map(|last| paging::cursor(format!("{micros}:{}", key(last)).as_bytes()));
        // The cursor holds the cut-off, which is another each time.
        let tag = Sha256::of(&json(&(&items, more))?);
        let mut headers = known_at_headers(known_at)?;
        if let Some(next) = &next {
            let query = self.uri.query().unwrap_or_default();
            headers.insert(header::LINK, paging::next_link(self.uri.path(), query, next)?);
        }
        self.tagged(headers, tag, json(&Items { items, next })?)
    }

    /// Answers with one object.
    pub fn one<T: Serialize>(&self, known_at: DateTime<Utc>, item: &T) -> Result<Response> {
        let body = json(item)?;
        self.tagged(known_at_headers(known_at)?, Sha256::of(&body), body)
    }

    fn tagged(&self, headers: HeaderMap, tag: Sha256, body: Vec<u8>) -> Result<Response> {
        tagged(&self.headers, headers, tag, body)
    }

    /// Answers with a file, written as it is read. 304 where the caller has it already, by what `state`
    /// says of its rows; 400 `too_large_for_xlsx` where a sheet has no room for `most` records.
    pub async fn file(
        self,
        whole: Whole,
        (file, reading): (File, Reading),
        snapshot: FeedSnapshot,
    ) -> Result<Response> {
        let how = (file.is_xlsx, &*file.trailer.clone().unwrap_or_default());
        match self.begin(whole, how, snapshot.known_at).await? {
            Begun::Answered(answer) => {
                snapshot.finish().await?;
                Ok(answer)
            }
            Begun::Wanted(headers, turn, download) => {
                let body = feed::body(file, reading, snapshot, turn, *download);
                Ok((headers, body).into_response())
            }
        }
    }

    /// Answers with a file of records that are like none of a slot.
    pub async fn table(
        self,
        whole: Whole,
        table: Table,
        records: mpsc::Receiver<sqlx::Result<Records>>,
        known_at: DateTime<Utc>,
    ) -> Result<Response> {
        let how = (table.is_xlsx, &*table.trailer.clone().unwrap_or_default());
        match self.begin(whole, how, known_at).await? {
            Begun::Answered(answer) => Ok(answer),
            Begun::Wanted(headers, turn, download) => {
                let body = stream::written(turn, *download, move |out| table.write(records, out));
                Ok((headers, body).into_response())
            }
        }
    }

    /// Answers with a file of records that are there already; their state is what they say.
    pub async fn records(
        self,
        format: Format,
        (name, object): (String, String),
        (columns, records): (&'static [&'static str], Records),
        (trailer, dated): (Option<String>, DateTime<Utc>),
        known_at: DateTime<Utc>,
    ) -> Result<Response> {
        let (state, most) = (format!("{records:?}"), records.len() as u64);
        let whole = Whole { name: format!("{name}.{format}"), object, state, most };
        let table = Table { is_xlsx: format == Format::Xlsx, columns, trailer, dated };
        self.table(whole, table, once(records), known_at).await
    }

    /// What there is to say before the first byte of a file.
    async fn begin(
        self,
        whole: Whole,
        (is_xlsx, trailer): (bool, &str),
        known_at: DateTime<Utc>,
    ) -> Result<Begun> {
        if is_xlsx && whole.most > MAX_ROWS - 3 {
            let detail = format!(
                "may need {} rows; a sheet has {MAX_ROWS}. Ask for format=csv, or a shorter range",
                whole.most
            );
            return Err(Problem::new(StatusCode::BAD_REQUEST, "too_large_for_xlsx", detail));
        }
        let format = if is_xlsx { FileFormat::Xlsx } else { FileFormat::Csv };
        let mut headers = known_at_headers(known_at)?;
        let query = self.uri.query().unwrap_or_default();
        let tag = format!("2\n{query}\n{format}\n{}\n{trailer:?}", whole.state);
        let tag = format!("W/\"{}\"", Sha256::of(tag.as_bytes()));
        headers.insert(header::ETAG, text(&tag)?);
        let wanted = Wanted {
            object: ("feed", whole.object),
            format: format.as_str(),
            parameters: parameters(query),
            known_at: Some(known_at),
            parts: Vec::new(),
        };
        if has(&self.headers, &tag) {
            self.asker.not_modified(&wanted).await?;
            return Ok(Begun::Answered((StatusCode::NOT_MODIFIED, headers).into_response()));
        }
        let disposition = format!("attachment; filename=\"{}\"", whole.name);
        headers.insert(header::CONTENT_TYPE, text(format.media_type())?);
        headers.insert(header::CONTENT_DISPOSITION, text(&disposition)?);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if self.method == Method::HEAD {
            self.asker.head(&wanted).await?;
            let unknown = Body::from_stream(futures::stream::empty::<std::io::Result<Bytes>>());
            return Ok(Begun::Answered((headers, unknown).into_response()));
        }
        let turn = match self.turn.into_inner() {
            Some(turn) => turn,
            None => self.app.downloads.take(&self.principal).await?,
        };
        let download = Box::new(self.asker.begin(wanted).await?);
        Ok(Begun::Wanted(headers, turn, download))
    }
}

/// Answers with JSON under a tag; 304 where the request says that the caller has it.
pub fn tagged(
    request: &HeaderMap,
    mut headers: HeaderMap,
    tag: Sha256,
    body: Vec<u8>,
) -> Result<Response> {
    let tag = format!("W/\"{tag}\"");
    headers.insert(header::ETAG, text(&tag)?);
    if has(request, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok((headers, body).into_response())
}

/// Whether the caller has what a tag names.
fn has(request: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|tags| tags.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .any(|one| one.trim() == "*" || opaque(one) == opaque(tag))
}

/// How far a file is answered before its first byte.
enum Begun {
    /// Wholly: there are no bytes.
    Answered(Response),
    /// Its bytes are wanted.
    Wanted(HeaderMap, Turn, Box<Download>),
}

/// What is known of a file before it is written.
#[derive(Debug)]
pub struct Whole {
    /// Its name.
    pub name: String,
    /// What the audit log calls it.
    pub object: String,
    /// What tells its state from another.
    pub state: String,
    /// Records at the most.
    pub most: u64,
}

/// The parameters of a query as the audit log keeps them.
fn parameters(query: &str) -> serde_json::Value {
    let mut members = serde_json::Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let values = members.entry(name).or_insert_with(|| serde_json::Value::Array(Vec::new()));
        if let serde_json::Value::Array(values) = values {
            values.push(value.into_owned().into());
        }
    }
    members.into()
}

/// What stands at the end of a file: who is to be named, and the deployment's own words.
#[must_use]
pub fn trailer<'a>(app: &App, attributions: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut lines: Vec<&str> = attributions.into_iter().filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.extend(app.config.downloads.disclaimer.as_deref());
    Some(lines.join("\n")).filter(|text| !text.is_empty())
}

/// What dates a workbook: the end of what it is of.
#[must_use]
pub fn dated(window: Window) -> DateTime<Utc> {
    window.to().min(DateTime::from_timestamp(4_102_444_800, 0).unwrap_or_default())
}

/// JSON as it is sent.
pub fn json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Problem::internal(&error))
}

fn text(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|error| Problem::internal(&error))
}
