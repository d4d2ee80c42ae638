//! One request and its answer.

use std::{
    error::Error as _,
    io::{self, ErrorKind},
    sync::OnceLock,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Client, RequestBuilder, Response, Url,
    header::{
        DATE, ETAG, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
        RETRY_AFTER,
    },
    redirect::{Attempt, Policy},
};

use super::{Manners, address::same_house, key::Key};
use crate::{db::feeds::fetches::Base, domain::feed::FetchClass};

/// Addresses that one request may be sent on to.
const MOST_HOPS: usize = 3;
/// Characters of a header that are kept.
const LONGEST_HEADER: usize = 512;
/// Characters of a message that are kept.
const LONGEST_MESSAGE: usize = 300;

/// The client, made when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Lazy(OnceLock<Result<Client, String>>);

impl Lazy {
    pub(super) fn get(&self, manners: &Manners) -> Result<&Client, Failure> {
        let built = self.0.get_or_init(|| {
            // Once for the process; who was first does not matter.
            _ = rustls::crypto::ring::default_provider().install_default();
            let client = Client::builder()
                .user_agent(concat!("trueprice/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(manners.connect)
                .read_timeout(manners.idle)
                .redirect(Policy::custom(hop))
                .referer(false)
                .retry(reqwest::retry::never());
            client.build().map_err(|error| chain(&error))
        });
        built
            .as_ref()
            .map_err(|error| Failure::new(FetchClass::Config, format!("no client: {error}")))
    }
}

fn hop(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let from = attempt.previous().last();
    let follows = attempt.previous().len() <= MOST_HOPS
        && from.is_some_and(|from| same_house(from, attempt.url()));
    if follows { attempt.follow() } else { attempt.stop() }
}

/// What is sent.
#[derive(Debug)]
pub(super) struct Sending<'a> {
    pub(super) url: &'a Url,
    pub(super) key: &'a Key,
    pub(super) base: Option<&'a Base>,
    pub(super) is_archive: bool,
}

impl Sending<'_> {
    /// Whether the upstream is told what is known already.
    pub(super) fn is_conditional(&self) -> bool {
        self.base.is_some_and(|base| base.etag.is_some() || base.last_modified.is_some())
    }

    fn conditions(&self, mut request: RequestBuilder) -> RequestBuilder {
        let Some(base) = self.base else { return request };
        for (name, value) in [(IF_NONE_MATCH, &base.etag), (IF_MODIFIED_SINCE, &base.last_modified)]
        {
            if let Some(value) = value.as_deref().and_then(|text| HeaderValue::from_str(text).ok())
            {
                request = request.header(name, value);
            }
        }
        request
    }
}

/// What came.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    pub(super) date: Option<String>,
    pub(super) retry_after: Option<String>,
    pub(super) body: Body,
}

/// How the body came.
#[derive(Debug)]
pub(super) enum Body {
    /// Whole; of a request that failed, its beginning.
    Read(Bytes),
    /// It is longer than may be: so many bytes were seen, or announced.
    TooLong(u64),
}

/// Nothing came, or not all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) class: FetchClass,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(class: FetchClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into() }
    }

    /// The address is left out: it may hold the number of a person.
    fn of(error: reqwest::Error, since: Instant) -> Self {
        // Bytes that are not packed as announced are no better when they come again and again.
        let garbled = error.is_decode() && is_garbled(&error);
        let class = if garbled { FetchClass::BadBody } else { FetchClass::Transient };
        let what = match &error {
            error if error.is_timeout() => "no answer in time",
            error if error.is_connect() => "no connection",
            _ if garbled => "the body cannot be unpacked",
            _ => "the connection broke",
        };
        let after = since.elapsed().as_secs_f64();
        Self::new(class, format!("{what} after {after:.1} s: {}", chain(&error.without_url())))
    }
}

/// Whether bytes came that are not what was announced. A body that breaks off is a decoding error of
/// the client, too.
fn is_garbled(error: &reqwest::Error) -> bool {
    let causes = std::iter::successors(error.source(), |error| (*error).source());
    let mut kinds =
        causes.filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind);
    kinds.any(|kind| matches!(kind, ErrorKind::InvalidData | ErrorKind::InvalidInput))
}

/// An error with what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    let text = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    text.chars().take(LONGEST_MESSAGE).collect()
}

/// Sends a request and reads the answer.
pub(super) async fn send(
    client: &Client,
    manners: &Manners,
    sending: &Sending<'_>,
) -> Result<Answer, Failure> {
    let started = Instant::now();
    let total: Duration = if sending.is_archive { manners.archive } else { manners.total };
    let request = client.get(sending.url.clone()).timeout(total);
    let request = sending.conditions(sending.key.put_into(request));
    let response = request.send().await.map_err(|error| Failure::of(error, started))?;
    let header = |name: HeaderName| {
        let value = response.headers().get(name).and_then(|value| value.to_str().ok());
        let value = value
            .filter(|text| text.len() <= LONGEST_HEADER && !sending.key.is_in(text.as_bytes()));
        value.map(str::to_owned)
    };
    let (etag, last_modified) = (header(ETAG), header(LAST_MODIFIED));
    let (date, retry_after) = (header(DATE), header(RETRY_AFTER));
    let status = response.status().as_u16();
    let body = match status {
        200 => whole(response, manners.longest_body).await,
        // The status says it already; its body is a help to people, and may break.
        _ => Ok(Body::Read(beginning(response, manners.kept_of_failure).await)),
    };
    let body = body.map_err(|error| Failure::of(error, started))?;
    Ok(Answer { status, etag, last_modified, date, retry_after, body })
}

async fn whole(mut response: Response, longest: usize) -> reqwest::Result<Body> {
    let announced = response.content_length().unwrap_or(0);
    if announced > u64::try_from(longest).unwrap_or(u64::MAX) {
        return Ok(Body::TooLong(announced));
    }
    let mut bytes = BytesMut::new();
    while let Some(piece) = response.chunk().await? {
        let length = bytes.len() + piece.len();
        if length > longest {
            return Ok(Body::TooLong(u64::try_from(length).unwrap_or(u64::MAX)));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(Body::Read(bytes.freeze()))
}

async fn beginning(mut response: Response, most: usize) -> Bytes {
    let mut bytes = BytesMut::new();
    while let Ok(Some(piece)) = response.chunk().await {
        bytes.extend_from_slice(&piece[..piece.len().min(most - bytes.len())]);
        if bytes.len() == most {
            break;
        }
    }
    bytes.freeze()
}
