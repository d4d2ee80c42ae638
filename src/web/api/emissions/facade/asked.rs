//! What calls of the interface have in common: names without case, series of places, arrays.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;

use super::super::super::{
    carbon::{
        answer::{json, tagged},
        query::named,
    },
    listing::known_at_headers,
};
use crate::{
    app::App,
    auth::{Principal, SignedIn},
    db::feeds::{
        regions::{self, Choice, Series},
        snapshot::FeedSnapshot,
    },
    domain::Sha256,
    error::{Problem, Result},
    web::parameters::{FromParameters, Parameters},
};

/// A request whose parameters have no case.
pub(super) struct Caseless<Q> {
    /// What is asked.
    pub query: Q,
    /// The server.
    pub app: App,
    /// What the caller has already.
    pub seen: Seen,
    _who: Principal,
}

impl<Q: FromParameters> FromRequestParts<App> for Caseless<Q> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let SignedIn(who) = SignedIn::from_request_parts(parts, app).await?;
        let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let lower = pairs.map(|(name, value)| (name.to_lowercase(), value));
        let lower = form_urlencoded::Serializer::new(String::new()).extend_pairs(lower).finish();
        let mut parameters = Parameters::of_query(Some(&lower), Q::NAMES)?;
        let query = Q::from_parameters(&mut parameters)?;
        let seen = Seen(parts.headers.clone());
        Ok(Self { query, app: app.clone(), seen, _who: who })
    }
}

/// A number with its exact digits.
pub(super) type Digits = Option<Box<RawValue>>;

/// Which series of places.
pub(super) async fn series_of(
    app: &App,
    locations: &[String],
    forecast: bool,
) -> Result<Vec<Series>> {
    let choice = Choice { regions: named(app, locations).await?, forecast, ..Choice::default() };
    Ok(regions::series(&app.pool, &choice).await?)
}

/// A view of them.
pub(super) async fn snapshot_of(app: &App, series: &[Series]) -> Result<FeedSnapshot> {
    let scopes: Vec<i32> = series.iter().flat_map(|one| one.scopes.clone()).collect();
    Ok(FeedSnapshot::begin(&app.pool, &scopes, None).await?)
}

/// What the caller has already: the headers of the request say it.
pub(super) struct Seen(HeaderMap);

impl Seen {
    /// An array; 204 where it is empty.
    pub fn array<T: Serialize>(&self, known_at: DateTime<Utc>, items: &[T]) -> Result<Response> {
        if items.is_empty() { nothing(known_at) } else { self.answer(known_at, &items, &items) }
    }

    /// An answer; 304 where the caller has one that says the same. `content` is what tells answers apart.
    pub fn answer(
        &self,
        known_at: DateTime<Utc>,
        content: &impl Serialize,
        answer: &impl Serialize,
    ) -> Result<Response> {
        let tag = Sha256::of(&json(content)?);
        tagged(&self.0, known_at_headers(known_at)?, tag, json(answer)?)
    }
}

/// 204: there is nothing.
pub(super) fn nothing(known_at: DateTime<Utc>) -> Result<Response> {
    Ok((StatusCode::NO_CONTENT, known_at_headers(known_at)?).into_response())
}
