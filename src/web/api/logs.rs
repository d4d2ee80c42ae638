//! `/api/v1/logs`: the last log lines of the server that answers.

use axum::{http::Uri, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::Admin,
    error::{Problem, Result},
    telemetry::lines::{self, Line, LogLevel, Wanted},
    web::{
        paging::{self, Listing},
        parameters::{FromParameters, Parameters, StrictQuery},
    },
};

/// The calls of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "1717403144120394", "at": "2024-06-03T08:25:44.120394Z", "level": "info",
    "target": "trueprice::web::middleware::access_log",
    "text": "answered status=200 milliseconds=3 client=192.0.2.7 method=GET route=/api/v1/data",
    "request_id": "0197a3c2-6f0e-7c3b-9d51-3f6a3f1f2b11"
}))]
struct LineItem {
    /// The same as a number.
    #[serde(skip)]
    number: i64,
    /// Ascends; what `after` takes.
    id: String,
    at: DateTime<Utc>,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    #[schema(value_type = String)]
    level: LogLevel,
    /// The part of the program that wrote it.
    target: String,
    /// The message and its fields.
    text: String,
    /// The request that it belongs to.
    request_id: Option<String>,
}

impl From<Line> for LineItem {
    fn from(line: Line) -> Self {
        let Line { id, at, level, target, text, request_id } = line;
        Self { number: id, id: id.to_string(), at, level, target, text, request_id }
    }
}

/// Which lines.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct LogsQuery {
    /// At least as grave: `error`, `warn`, `info`, `debug` or `trace`.
    #[param(required = false, value_type = Option<String>)]
    level: Option<LogLevel>,
    /// With these words, without case.
    #[param(required = false, max_length = 200, value_type = Option<String>)]
    q: Option<String>,
    /// Newer than the line with this `id`: for those who follow the log.
    #[param(required = false, value_type = Option<String>)]
    after: Option<i64>,
    /// Lines at the most.
    #[param(required = false, default = 100, minimum = 1, maximum = 1000, value_type = u16)]
    limit: i64,
    /// The `next` of the page before.
    #[param(required = false, value_type = Option<String>)]
    cursor: Option<i64>,
}

/// Characters of a text that lines are searched for.
const LONGEST: usize = 200;

impl FromParameters for LogsQuery {
    const NAMES: &'static [&'static str] = &["level", "q", "after", "limit", "cursor"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let q = parameters.text("q")?;
        if let Some(long) = q.as_ref().filter(|q| q.chars().count() > LONGEST) {
            return Err(Problem::bad_parameter("q", long, "give at most 200 characters"));
        }
        Ok(Self {
            level: parameters.value("level")?,
            q,
            after: parameters.value("after")?,
            limit: paging::limit(parameters, 100)?,
            cursor: parameters.text("cursor")?.as_deref().map(paging::read_number).transpose()?,
        })
    }
}

/// Read the log
///
/// The last lines of the server that answers, newest first. They are in its memory: those of another
/// server of the same database, and those before its start, are not among them.
#[utoipa::path(
    get, path = "/api/v1/logs", tag = "administration", params(LogsQuery),
    responses(
        (status = 200, description = "A page of the log", body = Listing<LineItem>),
        (status = 400, description = "An unknown or bad parameter"),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "Not an administrator"),
    )
)]
async fn list(_: Admin, uri: Uri, StrictQuery(query): StrictQuery<LogsQuery>) -> Result<Response> {
    let LogsQuery { level, q, after, limit, cursor } = query;
    let wanted = Wanted { level, text: q, before: cursor, after };
    let most = usize::try_from(limit + 1).unwrap_or(usize::MAX);
    let found = lines::newest(&wanted, most);
    let items: Vec<LineItem> = found.into_iter().map(LineItem::from).collect();
    paging::answer(&uri, items, limit, |line| line.number.to_be_bytes().to_vec())
}
