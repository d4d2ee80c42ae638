//! The error at the edge: RFC 9457 problem documents, and the same facts as a page.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use crate::db::snapshot::SnapshotError;

/// An error answer. Handlers return it; the middleware adds the request id (`instance`) and, for a
/// browser that asks for HTML, shows it as a page.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// A stable machine word, such as `bad_parameter`.
    pub code: &'static str,
    /// What is wrong, where, and what to do; one or two sentences for a person.
    pub detail: String,
    /// Further members, `errors` among them.
    pub members: Map<String, Value>,
    /// Further headers, such as `Retry-After`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// What handlers return.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

/// What a caller sent, as much of it as an answer repeats.
#[must_use]
pub fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

impl Problem {
    /// A problem with no further members.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), members: Map::new(), headers: Vec::new() }
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// 400 `bad_parameter`: the parameter, its value, and what is wrong or what it should be.
    #[must_use]
    pub fn bad_parameter(name: &str, value: &str, wanted: impl std::fmt::Display) -> Self {
        let shown = shown(value);
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad_parameter",
            format!("parameter {name}={shown:?}: {wanted}"),
        )
        .with("parameter", name)
        .with("value", shown)
    }

    /// 404 `not_found`.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", what)
    }

    /// 401 `unauthenticated`.
    #[must_use]
    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail).with_header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"TRUEPrice\", Basic realm=\"TRUEPrice\""),
        )
    }

    /// 403 `forbidden`.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 500 `internal`: logs `cause` once, tells the user nothing of it.
    #[must_use]
    pub fn internal(cause: &dyn std::fmt::Debug) -> Self {
        tracing::error!(?cause, "internal error");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong on the server. Nothing was changed; please try again, and tell \
             the administrator the request id if it happens again.",
        )
    }

    /// 503 with `Retry-After` in seconds.
    pub fn unavailable(code: &'static str, detail: impl Into<String>, retry_after: u32) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from(retry_after))
    }

    /// The members of the problem document. `instance` is added by the middleware.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("type".into(), json!("about:blank"));
        body.insert("title".into(), json!(self.status.canonical_reason().unwrap_or("Error")));
        body.insert("status".into(), json!(self.status.as_u16()));
        body.insert("detail".into(), json!(self.detail));
        body.insert("code".into(), json!(self.code));
        for (name, value) in &self.members {
            body.insert(name.clone(), value.clone());
        }
        body
    }
}

/// What a failure of the database is to the caller.
enum Failure {
    /// It is away for a moment.
    Away,
    /// It has no room, or another request stands in the way: the same request may succeed.
    Busy,
    /// It cannot hold a value that the caller sent.
    Value,
    /// Our own.
    Fault,
}

impl Failure {
    fn of(error: &sqlx::Error) -> Self {
        use sqlx::Error as E;
        match error {
            E::Io(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::Tls(_) => Self::Away,
            E::Database(database) => Self::of_code(&database.code().unwrap_or_default()),
            _ => Self::Fault,
        }
    }

    fn of_code(code: &str) -> Self {
        match code {
            // Too many connections, deadlock, serialization failure, lock not available.
            "53300" | "40P01" | "40001" | "55P03" => Self::Busy,
            // A character, a day, a text or a number that has no place in a column.
            "22021" | "22008" | "22P02" | "22003" => Self::Value,
            // Class 57 is operator intervention: the server shuts down or starts.
            code if code.starts_with("57P") || code.starts_with("08") => Self::Away,
            _ => Self::Fault,
        }
    }
}

/// A database that is away or busy is a 503 that may be tried again; a value that it cannot hold is
/// a 400; anything else is our fault.
/// A cut-off that has not come yet is the caller's mistake.
impl From<SnapshotError> for Problem {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Future { as_of, .. } => {
                let text = as_of.to_rfc3339_opts(SecondsFormat::AutoSi, true);
                Self::bad_parameter("as_of", &text, "it lies in the future")
            }
            SnapshotError::Database(error) => error.into(),
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        match Failure::of(&error) {
            Failure::Away => {
                tracing::warn!(%error, "the database is away");
                Self::unavailable(
                    "database_unavailable",
                    "The database cannot be reached just now. Nothing was stored; please try again.",
                    5,
                )
            }
            Failure::Busy => {
                tracing::warn!(%error, "the database is busy");
                Self::unavailable(
                    "database_busy",
                    "The database is busy just now. Nothing was stored; please try again.",
                    1,
                )
            }
            Failure::Value => {
                tracing::warn!(%error, "a value got as far as the database");
                Self::new(
                    StatusCode::BAD_REQUEST,
                    "bad_parameter",
                    "A value in the request is out of range, or holds a character that cannot be \
                     stored.",
                )
            }
            Failure::Fault => Self::internal(&error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.to_json())).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        for (name, value) in &self.headers {
            response.headers_mut().insert(name.clone(), value.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_the_database_are_told_apart() {
        for code in ["53300", "40P01", "40001", "55P03"] {
            assert!(matches!(Failure::of_code(code), Failure::Busy), "{code}");
        }
        for code in ["57P01", "08006"] {
            assert!(matches!(Failure::of_code(code), Failure::Away), "{code}");
        }
        for code in ["22021", "22008", "22P02", "22003"] {
            assert!(matches!(Failure::of_code(code), Failure::Value), "{code}");
        }
        assert!(matches!(Failure::of_code("23505"), Failure::Fault));
        assert!(matches!(Failure::of(&sqlx::Error::PoolTimedOut), Failure::Away));
    }

    #[test]
    fn a_bad_parameter_is_named_once_and_its_value_cut() {
        let problem = Problem::bad_parameter("as_of", "2999", "it lies in the future");
        assert_eq!(problem.detail, "parameter as_of=\"2999\": it lies in the future");
        let long = Problem::bad_parameter("x", &"y".repeat(500), "it is too long");
        assert!(long.detail.len() < 150, "{}", long.detail);
    }
}
