//! What calls of the interface have in common: names without case, series of places, arrays.

use axum::{
    Json,
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;

use super::super::super::{carbon::query::named, listing::known_at_headers};
use crate::{
    app::App,
    auth::{Principal, SignedIn},
    db::feeds::{
        regions::{self, Choice, Series},
        snapshot::FeedSnapshot,
    },
    error::{Problem, Result},
    web::parameters::{FromParameters, Parameters},
};

/// A request whose parameters have no case.
pub(super) struct Caseless<Q> {
    /// What is asked.
    pub query: Q,
    /// The server.
    pub app: App,
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
        Ok(Self { query, app: app.clone(), _who: who })
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

/// An array; 204 where it is empty.
pub(super) fn array<T: Serialize>(known_at: DateTime<Utc>, items: &[T]) -> Result<Response> {
    let headers = known_at_headers(known_at)?;
    Ok(match items.is_empty() {
        true => (StatusCode::NO_CONTENT, headers).into_response(),
        false => (headers, Json(items)).into_response(),
    })
}
