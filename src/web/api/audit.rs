//! `GET /api/v1/audit`: who did what.

use std::{borrow::Cow, fmt::Write as _, io};

use axum::{
    Json,
    extract::{OriginalUri, State},
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};
use serde_json::json;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::listing::{self, Page, Record};
use crate::{
    app::App,
    audit::download::{Asker, Wanted},
    auth::Admin,
    db::audit::{self, Event, Filter},
    domain::words,
    error::{Problem, Result},
    extractors::{cell::Cell, negotiate, query::contradiction, stream, words::Instant},
    web::{
        paging,
        parameters::{FromParameters, Parameters, StrictQuery},
    },
};

/// The route of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

words! {
    /// How events are written.
    EventFormat("a format") {
        /// A page of them.
        Json = "json",
        /// All of them under a header record.
        Csv = "csv",
        /// All of them, one a line.
        Ndjson = "ndjson",
    }
}

/// The parameters as the documentation shows them; [`EventQuery`] reads them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by utoipa only")]
struct EventParams {
    /// A user: their id, or the e-mail that they had then.
    #[param(example = "ann@example.com")]
    actor: Option<String>,
    /// What was done.
    #[param(example = "role_changed")]
    action: Option<String>,
    /// To what kind of object.
    #[param(example = "user")]
    object_type: Option<String>,
    /// To which object.
    object_id: Option<String>,
    /// ok, refused or failed.
    outcome: Option<String>,
    /// Not before this instant, RFC 3339 with an offset.
    #[param(example = "2031-03-04T00:00:00Z")]
    from: Option<String>,
    /// Before this instant.
    to: Option<String>,
    /// json (the default), or the whole filtered log as csv or ndjson; without it `Accept` decides.
    format: Option<String>,
    /// Events of a page; for json only.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// The `next` of the page before; for json only.
    cursor: Option<String>,
}

/// What is asked for.
#[derive(Debug)]
struct EventQuery {
    filter: Filter,
    format: Option<EventFormat>,
    /// Whether `limit` or `cursor` was given.
    paged: Option<(&'static str, String)>,
    limit: i64,
    before: Option<i64>,
}

impl FromParameters for EventQuery {
    const NAMES: &'static [&'static str] = &[
        "actor",
        "action",
        "object_type",
        "object_id",
        "outcome",
        "from",
        "to",
        "format",
        "limit",
        "cursor",
    ];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let instant = |at: Instant| at.0;
        let mut filter = read_filter(p, Parameters::text)?;
        (filter.from, filter.to) = (p.value("from")?.map(instant), p.value("to")?.map(instant));
        let (limit, cursor) = (p.value::<i64>("limit")?, p.text("cursor")?);
        if let Some(limit) = limit.filter(|limit| !(1..=paging::MOST).contains(limit)) {
            let wanted = format!("it is a number from 1 to {}", paging::MOST);
            return Err(Problem::bad_parameter("limit", &limit.to_string(), wanted));
        }
        let before = cursor.as_deref().map(read_cursor).transpose()?;
        let given = [("limit", limit.map(|limit| limit.to_string())), ("cursor", cursor)];
        let paged = given.into_iter().find_map(|(name, text)| Some((name, text?)));
        let limit = limit.unwrap_or(100);
        Ok(Self { filter, format: p.value("format")?, paged, limit, before })
    }
}

/// Takes who, what, to what and how it ended, each as `take` gives its text.
pub fn read_filter(
    p: &mut Parameters,
    take: impl Fn(&mut Parameters, &str) -> Result<Option<String>>,
) -> Result<Filter> {
    let mut filter = Filter::default();
    if let Some(actor) = take(p, "actor")? {
        match actor.parse() {
            Ok(id) => filter.actor_id = Some(id),
            Err(_) if actor.contains('@') => filter.actor_email = Some(actor.to_lowercase()),
            Err(_) => {
                let why = "give the id of a user or an e-mail address";
                return Err(Problem::bad_parameter("actor", &actor, why));
            }
        }
    }
    filter.action = word::<crate::audit::Action>(take(p, "action")?, "action")?
        .map(crate::audit::Action::as_str);
    filter.outcome = word::<crate::audit::Outcome>(take(p, "outcome")?, "outcome")?
        .map(crate::audit::Outcome::as_str);
    (filter.object_type, filter.object_id) = (take(p, "object_type")?, take(p, "object_id")?);
    Ok(filter)
}

fn word<T: std::str::FromStr<Err: std::fmt::Display>>(
    text: Option<String>,
    name: &str,
) -> Result<Option<T>> {
    let read =
        |text: String| text.parse().map_err(|error| Problem::bad_parameter(name, &text, error));
    text.map(read).transpose()
}

/// Where the next page goes on: below this id.
#[must_use]
pub fn cursor(id: i64) -> String {
    paging::cursor(&id.to_be_bytes())
}

/// The id of a cursor.
pub fn read_cursor(text: &str) -> Result<i64> {
    paging::read_cursor(text, |content| Some(i64::from_be_bytes(content.try_into().ok()?)))
}

/// Read the audit log
///
/// Newest first. Every change, every refusal and every download is an event, written in the
/// transaction of what it tells; nothing is ever changed. As csv or ndjson the whole filtered log comes
/// as a stream.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    tag = "administration",
    params(EventParams),
    responses(
        (status = 200, description = "Events, newest first.", content(
            (Page<Event> = "application/json", example = json!({"items": [{
                "id": "4711", "at": "2031-03-04T09:30:41.000512Z",
                "actor_id": "0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a11", "actor_email": "ann@example.com",
                "credential": "session", "credential_prefix": "0195d0b1", "address": "192.0.2.7",
                "request_id": "0195d0c2-3c1e-7a10-9f6e-2f1f6f0c7a11", "action": "upload",
                "object_type": "upload", "object_id": "0195d0c2-4d2f-7a10-9f6e-2f1f6f0c7a12",
                "outcome": "ok",
                "detail": {"file": "Energy_ERCOT_20310304_093000.csv", "archive": null,
                           "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                           "bytes": 6520, "via": "api", "dry_run": false, "status": 201,
                           "code": "created", "version_id": "17"}
            }], "next": null})),
            (String = "text/csv"),
            (String = "application/x-ndjson"),
        )),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`: a page of a stream"),
        (status = 401, description = "No valid credential."),
        (status = 403, description = "Not an administrator."),
        (status = 406, description = "`not_acceptable`"),
        (status = 429, description = "`too_many_downloads`"),
        (status = 503, description = "`busy`"),
    ),
)]
async fn list(
    State(app): State<App>,
    Admin(principal): Admin,
    StrictQuery(query): StrictQuery<EventQuery>,
    OriginalUri(uri): OriginalUri,
    asker: Asker,
    headers: HeaderMap,
) -> Result<Response> {
    let format = query.format(&headers)?;
    if format == EventFormat::Json {
        return page(&app, &query, (uri.path(), uri.query().unwrap_or_default())).await;
    }
    if let Some((name, value)) = &query.paged {
        return Err(contradiction(name, value, &format!("is for json; {format} is the whole log")));
    }
    let turn = app.downloads.take(&principal).await?;
    let wanted = Wanted {
        parameters: json!(query.filter),
        ..Wanted::list("audit", format.as_str(), Some(app.clock.now()))
    };
    let (pieces, body) = stream::channel(asker.begin(wanted).await?);
    tokio::spawn(async move {
        let outcome = send(&app, &query.filter, format, &pieces).await;
        pieces.end(outcome).await;
        drop(turn);
    });
    Ok((file_headers(format), body).into_response())
}

impl EventQuery {
    fn format(&self, headers: &HeaderMap) -> Result<EventFormat> {
        const MEDIA: [&str; 3] = ["application/json", "text/csv", "application/x-ndjson"];
        if let Some(format) = self.format {
            return Ok(format);
        }
        let formats = [EventFormat::Json, EventFormat::Csv, EventFormat::Ndjson];
        let offered: [_; 3] = std::array::from_fn(|place| (formats[place], vec![MEDIA[place]]));
        negotiate::best(offered, headers)
            .ok_or_else(|| negotiate::not_acceptable(MEDIA, "format=json"))
    }
}

async fn page(app: &App, query: &EventQuery, (path, uri_query): (&str, &str)) -> Result<Response> {
    let mut items = audit::list(&app.pool, &query.filter, query.before, query.limit + 1).await?;
    let more = paging::cut(&mut items, query.limit);
    let next = items.last().filter(|_| more).map(|event| cursor(event.id));
    let mut headers = HeaderMap::new();
    if let Some(next) = &next {
        headers.insert(header::LINK, paging::next_link(path, uri_query, next)?);
    }
    Ok((headers, Json(Page { items, next })).into_response())
}

fn file_headers(format: EventFormat) -> [(header::HeaderName, &'static str); 3] {
    let (media, disposition) = match format {
        EventFormat::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"audit.csv\""),
        _ => ("application/x-ndjson", "attachment; filename=\"audit.ndjson\""),
    };
    [
        (header::CONTENT_TYPE, media),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, "private, no-store"),
    ]
}

/// Sends the filtered log, a thousand events at a time: no connection waits for the client. What is
/// added meanwhile stands above the first event and is left out.
async fn send(
    app: &App,
    filter: &Filter,
    format: EventFormat,
    pieces: &stream::Pieces,
) -> io::Result<u64> {
    const AT_ONCE: i64 = 1000;
    if format == EventFormat::Csv {
        pieces.send(listing::header_record::<Line>()?.into()).await?;
    }
    let (mut count, mut before) = (0, None);
    loop {
        let events = audit::list(&app.pool, filter, before, AT_ONCE).await;
        let events = events.map_err(io::Error::other)?;
        let Some(last) = events.last() else { return Ok(count) };
        before = Some(last.id);
        count += events.len() as u64;
        let bytes = match format {
            EventFormat::Csv => {
                let lines: Vec<Line> = events.iter().map(Line::of).collect();
                listing::records(&lines)?
            }
            _ => lines(&events)?,
        };
        pieces.send(bytes.into()).await?;
    }
}

fn lines(events: &[Event]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for event in events {
        bytes.extend_from_slice(one_line(&serde_json::to_string(event)?).as_bytes());
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// The text without what anybody takes for the end of a line or for an order to a terminal: such
/// characters are written as JSON escapes them.
fn one_line(text: &str) -> Cow<'_, str> {
    let is_odd = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if !text.contains(is_odd) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_odd(c) {
            // Writing into a text cannot fail.
            _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe.into()
}

/// An event as a record of text.
struct Line {
    event: Event,
    id: String,
    actor_id: Option<String>,
    request_id: Option<String>,
    detail: String,
}

impl Line {
    fn of(event: &Event) -> Self {
        let safe = |text: &Option<String>| text.as_deref().map(|text| one_line(text).into_owned());
        Self {
            id: event.id.to_string(),
            actor_id: event.actor_id.map(|id| id.to_string()),
            request_id: event.request_id.map(|id| id.to_string()),
            detail: one_line(&event.detail.to_string()).into_owned(),
            event: Event {
                actor_email: safe(&event.actor_email),
                object_id: safe(&event.object_id),
                ..event.clone()
            },
        }
    }
}

impl Record for Line {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "at",
        "actor_id",
        "actor_email",
        "credential",
        "credential_prefix",
        "address",
        "request_id",
        "action",
        "object_type",
        "object_id",
        "outcome",
        "detail",
    ];

    fn cells(&self) -> Vec<Cell<'_>> {
        let event = &self.event;
        vec![
            Cell::Text(&self.id),
            Cell::Microseconds(event.at),
            Cell::text(self.actor_id.as_deref()),
            Cell::text(event.actor_email.as_deref()),
            Cell::Text(&event.credential),
            Cell::text(event.credential_prefix.as_deref()),
            Cell::text(event.address.as_deref()),
            Cell::text(self.request_id.as_deref()),
            Cell::Text(&event.action),
            Cell::text(event.object_type.as_deref()),
            Cell::text(event.object_id.as_deref()),
            Cell::Text(&event.outcome),
            Cell::Text(&self.detail),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_forges_a_line() {
        assert_eq!(one_line("plain é"), "plain é");
        let odd = "a\r\nb\u{85}c\u{2028}d\u{1b}[2J\t";
        assert_eq!(one_line(odd), "a\\u000d\\u000ab\\u0085c\\u2028d\\u001b[2J\\u0009");
    }

    #[test]
    fn filters_are_read_strictly() {
        let read = |query: &str| {
            let mut parameters = Parameters::parse(Some(query), EventQuery::NAMES)?;
            EventQuery::from_parameters(&mut parameters)
        };
        let good = read("actor=Ann@Example.com&action=login&outcome=ok&limit=5").unwrap();
        assert_eq!(good.filter.actor_email.as_deref(), Some("ann@example.com"));
        assert_eq!((good.filter.action, good.limit), (Some("login"), 5));
        for bad in [
            "actor=",
            "actor=ann",
            "action=LOGIN",
            "action=",
            "outcome=good",
            "from=2031-03-04",
            "limit=0",
            "limit=",
            "cursor=x",
            "format=xlsx",
        ] {
            assert_eq!(read(bad).unwrap_err().code, "bad_parameter", "{bad}");
        }
    }
}
