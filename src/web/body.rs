//! Bodies, strictly: JSON and forms with their type checked, no unknown member, in bounded size
//! and time, and every refusal a problem.

mod json;

use std::time::Duration;

use axum::{
    body::{Body, HttpBody as _},
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::{
    middleware::{BODY_LIMIT, csrf},
    parameters::{FromParameters, Parameters},
};
use crate::error::{Problem, Result};

/// How long a small body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Fields of a form at the most.
const MOST_FIELDS: usize = 10_000;

/// Extracts `T` from a JSON object. `T` should `deny_unknown_fields`.
#[derive(Debug, Clone, Copy)]
pub struct StrictJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for StrictJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        require_type(request.headers(), "application/json")?;
        let bytes = read(request.into_body(), BODY_LIMIT).await?;
        json::read(&bytes).map(Self)
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
        refuse_nul(text)?;
        refuse_many(text)?;
        let names = T::NAMES.iter().copied().filter(|name| *name != csrf::FIELD);
        let known: Vec<&str> = names.chain([csrf::FIELD]).collect();
        T::from_parameters(&mut Parameters::parse(Some(text), &known)?).map(Self)
    }
}

/// Reads a whole body. 413 naming the limit, 408 when it comes too slowly.
pub async fn read(body: Body, limit: usize) -> Result<Bytes> {
    read_within(PATIENCE, body, limit).await
}

async fn read_within(patience: Duration, body: Body, limit: usize) -> Result<Bytes> {
    // What announces too much is not waited for.
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(too_large(announced, limit));
    }
    match within(patience, Limited::new(body, limit).collect()).await? {
        Ok(whole) => Ok(whole.to_bytes()),
        // How much would have come is not known: it was more than this.
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(limit + 1, limit)),
        Err(_) => Err(broken()),
    }
}

fn too_large(measured: usize, limit: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        format!("The body is larger than the {limit} bytes that are allowed here."),
    )
    .with("limit", limit)
    .with("measured", measured)
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

/// 415 unless the body says that it is of this type.
pub fn require_type(headers: &HeaderMap, wanted: &str) -> Result<()> {
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

/// 400: a member or field that must be there is not.
#[must_use]
pub fn missing(name: &str, remark: &str) -> Problem {
    let detail = format!("{name} is missing{remark}");
    Problem::new(StatusCode::BAD_REQUEST, "bad_parameter", detail).with("parameter", name)
}

/// The character U+0000 can be part of no name, and the database keeps none.
fn refuse_nul(form: &str) -> Result<()> {
    let mut pairs = form_urlencoded::parse(form.as_bytes());
    match pairs.find(|(name, value)| name.contains('\0') || value.contains('\0')) {
        Some((name, _)) => Err(nul(&name.replace('\0', "\u{fffd}"))),
        None => Ok(()),
    }
}

fn refuse_many(form: &str) -> Result<()> {
    if form.split('&').nth(MOST_FIELDS).is_none() {
        return Ok(());
    }
    let detail = format!("There are more than {MOST_FIELDS} fields.");
    Err(Problem::new(StatusCode::BAD_REQUEST, "too_many_parameters", detail))
}

fn nul(name: &str) -> Problem {
    let detail = format!("{name} contains the character U+0000, which no text may have");
    Problem::new(StatusCode::BAD_REQUEST, "bad_parameter", detail).with("parameter", name)
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
        assert_eq!(
            (&problem.members["limit"], &problem.members["measured"]),
            (&65536.into(), &65537.into())
        );
    }

    #[tokio::test]
    async fn what_announces_too_much_is_not_waited_for() {
        struct Announced;

        impl axum::body::HttpBody for Announced {
            type Data = Bytes;
            type Error = std::convert::Infallible;

            fn poll_frame(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
                std::task::Poll::Pending
            }

            fn size_hint(&self) -> http_body::SizeHint {
                http_body::SizeHint::with_exact(11)
            }
        }

        let refused = read_within(Duration::ZERO, Body::new(Announced), 10).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    struct Named;

    impl FromParameters for Named {
        const NAMES: &'static [&'static str] = &["name", csrf::FIELD];

        fn from_parameters(_: &mut Parameters) -> Result<Self> {
            Ok(Self)
        }
    }

    #[tokio::test]
    async fn a_form_has_no_nul_and_names_each_field_once() {
        let refused = async |body: &'static str| {
            let request =
                Request::post("/").header("content-type", "application/x-www-form-urlencoded");
            let request = request.body(Body::from(body)).unwrap();
            StrictForm::<Named>::from_request(request, &())
                .await
                .err()
                .map(|problem| problem.detail)
        };
        assert_eq!(refused("name=a").await, None);
        assert!(refused("name=a%00").await.unwrap().contains("U+0000"));
        let many: &'static str = "name&".repeat(MOST_FIELDS).leak();
        assert_eq!(refused(many).await.unwrap(), "There are more than 10000 fields.");
        assert_ne!(
            refused(&many[..many.len() - 1]).await.as_deref(),
            Some("There are more than 10000 fields.")
        );
        let detail = refused("nam=a").await.unwrap();
        assert!(detail.ends_with("known are: name, csrf_token"), "{detail}");
    }

    #[tokio::test]
    async fn a_slow_body_is_a_408() {
        let body = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let refused = read_within(Duration::ZERO, body, 10).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::REQUEST_TIMEOUT);
    }
}
