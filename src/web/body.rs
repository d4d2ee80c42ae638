//! Bodies, strictly: JSON and forms with their type checked, no unknown member, in bounded size
//! and time, and every refusal a problem.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::{
    middleware::{BODY_LIMIT, csrf},
    parameters::{FromParameters, Parameters, unknown_parameter},
};
use crate::error::{Problem, Result};

/// How long a small body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Extracts `T` from a JSON body. `T` should `deny_unknown_fields`.
#[derive(Debug, Clone, Copy)]
pub struct StrictJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for StrictJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        require_type(request.headers(), "application/json")?;
        let bytes = read(request.into_body(), BODY_LIMIT).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| bad_json(&error))
    }
}

/// Extracts `T` from an urlencoded form, by the same rules as a query. The field of the token
/// against forgery is always allowed.
#[derive(Debug, Clone, Copy)]
pub struct StrictForm<T>(pub T);

impl<S: Send + Sync, T: FromParameters> FromRequest<S> for StrictForm<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        require_type(request.headers(), "application/x-www-form-urlencoded")?;
        let bytes = read(request.into_body(), BODY_LIMIT).await?;
        let text = std::str::from_utf8(&bytes).map_err(|_| bad_body("the form is not text"))?;
        let known: Vec<&str> = T::NAMES.iter().copied().chain([csrf::FIELD]).collect();
        T::from_parameters(&mut Parameters::parse(Some(text), &known)?).map(Self)
    }
}

/// Reads a whole body. 413 naming the limit, 408 when it comes too slowly.
pub async fn read(body: Body, limit: usize) -> Result<Bytes> {
    read_within(PATIENCE, body, limit).await
}

async fn read_within(patience: Duration, body: Body, limit: usize) -> Result<Bytes> {
    match within(patience, Limited::new(body, limit).collect()).await? {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("The body is larger than the {limit} bytes that are allowed here."),
        )
        .with("limit_bytes", limit)),
        Err(_) => Err(broken()),
    }
}

/// Waits for a part of a body. 408 `too_slow`.
pub async fn in_time<T>(arrival: impl Future<Output = T>) -> Result<T> {
    within(PATIENCE, arrival).await
}

async fn within<T>(patience: Duration, arrival: impl Future<Output = T>) -> Result<T> {
    tokio::time::timeout(patience, arrival).await.map_err(|_| {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "too_slow",
            format!("The body did not arrive within {} s.", patience.as_secs()),
        )
    })
}

/// 400: the connection broke in the middle of the body.
#[must_use]
pub fn broken() -> Problem {
    bad_body("the body broke off")
}

fn bad_body(what: impl std::fmt::Display) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad_body", what.to_string())
}

fn require_type(headers: &HeaderMap, wanted: &str) -> Result<()> {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = sent.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    if media.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        format!("The body must have the Content-Type {wanted}."),
    ))
}

/// serde tells of an unknown member in words; our words name the nearest known one.
fn bad_json(error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    match text.strip_prefix("unknown field `") {
        Some(rest) => {
            let mut names = rest.split('`').step_by(2);
            let unknown = names.next().unwrap_or_default();
            unknown_parameter(unknown, &names.collect::<Vec<_>>())
        }
        None => bad_body(format!("the JSON body is not understood: {text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        #[serde(rename = "email")]
        _email: String,
        #[serde(rename = "password")]
        _password: String,
    }

    async fn refused(content_type: &str, body: String) -> Problem {
        let request =
            Request::post("/").header("content-type", content_type).body(Body::from(body)).unwrap();
        StrictJson::<Wanted>::from_request(request, &()).await.unwrap_err()
    }

    #[tokio::test]
    async fn each_refusal_says_why() {
        let problem = refused("application/json", r#"{"emial":"a"}"#.to_owned()).await;
        assert_eq!(problem.code, "unknown_parameter");
        assert!(problem.detail.contains("did you mean email?"), "{}", problem.detail);
        let problem = refused("text/plain", "{}".to_owned()).await;
        assert_eq!(problem.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let problem = refused("application/json", " ".repeat(BODY_LIMIT + 1)).await;
        assert_eq!(problem.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(problem.detail.contains("65536"));
    }

    #[tokio::test]
    async fn a_slow_body_is_a_408() {
        let body = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let refused = read_within(Duration::ZERO, body, 10).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::REQUEST_TIMEOUT);
    }
}
