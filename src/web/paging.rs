//! Lists: `?limit=` and an opaque `cursor`, newest first.

use axum::{
    Json,
    http::{HeaderValue, Uri, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Datelike as _, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::parameters::{FromParameters, Parameters};
use crate::error::{Problem, Result};

/// Items of a page when no limit is given.
const DEFAULT: i64 = 100;
/// The most items of a page.
pub const MOST: i64 = 1000;

/// Takes `limit`, 1 to [`MOST`].
pub fn limit(parameters: &mut Parameters, default: i64) -> Result<i64> {
    let limit = parameters.value("limit")?.unwrap_or(default);
    if !(1..=MOST).contains(&limit) {
        let wanted = format!("it is a number from 1 to {MOST}");
        return Err(Problem::bad_parameter("limit", &limit.to_string(), wanted));
    }
    Ok(limit)
}

/// Cuts `items`, of which there may be one too many, to a page; tells whether there are more.
pub fn cut<T>(items: &mut Vec<T>, limit: i64) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    more
}

/// What a cursor says, as a parameter.
#[must_use]
pub fn cursor(content: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(content)
}

/// The instant that a cursor holds as microseconds; none outside the years of what is stored, with which
/// nothing could be reckoned.
#[must_use]
pub fn instant(micros: &str) -> Option<DateTime<Utc>> {
    let instant = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
    (1970..=9999).contains(&instant.year()).then_some(instant)
}

/// Reads what a cursor says with `read`. 400 `bad_parameter` for anything that no page gave.
pub fn read_cursor<T>(text: &str, read: impl FnOnce(&[u8]) -> Option<T>) -> Result<T> {
    let content = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
    content.and_then(|content| read(&content)).ok_or_else(|| bad_cursor(text))
}

/// 400 for a cursor that no page of this list gave.
#[must_use]
pub fn bad_cursor(text: &str) -> Problem {
    let wanted = "take it from the field next of the page before, of the same list";
    Problem::bad_parameter("cursor", text, wanted)
}

/// `Link` to the next page: `path` with every parameter of `query` but the cursor, which is `next`.
pub fn next_link(path: &str, query: &str, next: &str) -> Result<HeaderValue> {
    let pairs = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "cursor");
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .append_pair("cursor", next)
        .finish();
    HeaderValue::try_from(format!("<{path}?{query}>; rel=\"next\""))
        .map_err(|error| Problem::internal(&error))
}

/// A page of `items`, of which there may be one more than `limit`, of a list with parameters of its
/// own: the link to the next page has them all. `key` tells where an item stands.
pub fn answer<T: Serialize>(
    uri: &Uri,
    mut items: Vec<T>,
    limit: i64,
    key: impl Fn(&T) -> Vec<u8>,
) -> Result<Response> {
    let more = cut(&mut items, limit);
    let next = items.last().filter(|_| more).map(|last| cursor(&key(last)));
    let link = next.as_deref().map(|next| next_link("", uri.query().unwrap_or_default(), next));
    let mut response = Json(Listing { items, next, limit }).into_response();
    if let Some(link) = link.transpose()? {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// The number that a cursor holds, as [`answer`] is given it by [`i64::to_be_bytes`].
pub fn read_number(text: &str) -> Result<i64> {
    read_cursor(text, |content| Some(i64::from_be_bytes(content.try_into().ok()?)))
}

/// Which page of a list that is ordered by id, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageOf {
    /// Entries at the most, 1 to 1000.
    #[param(required = false, default = 100, minimum = 1, maximum = 1000, value_type = u16)]
    pub limit: i64,
    /// Where the page before ended: its `next`.
    #[param(required = false, rename = "cursor", value_type = Option<String>)]
    pub before: Option<Uuid>,
}

impl FromParameters for PageOf {
    const NAMES: &'static [&'static str] = &["limit", "cursor"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let limit = limit(parameters, DEFAULT)?;
        let cursor = parameters.text("cursor")?;
        Ok(Self { limit, before: cursor.as_deref().map(decode).transpose()? })
    }
}

impl PageOf {
    /// One more than the limit, by which it is seen that there is a next page.
    #[must_use]
    pub const fn fetch(&self) -> i64 {
        self.limit + 1
    }

    /// The page of `items`, of which there may be one too many.
    pub fn listing<T>(&self, items: Vec<T>, id: impl Fn(&T) -> Uuid) -> Listing<T> {
        Listing::cut(items, self.limit, |last| id(last).into_bytes())
    }
}

/// A page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Listing<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; null on the last.
    pub next: Option<String>,
    #[serde(skip)]
    limit: i64,
}

impl<T> Listing<T> {
    /// At most `limit` of `items`, of which there may be one too many; `place` is what the cursor holds
    /// of the last.
    pub fn cut<B: AsRef<[u8]>>(mut items: Vec<T>, limit: i64, place: impl FnOnce(&T) -> B) -> Self {
        let more = cut(&mut items, limit);
        let next = items.last().filter(|_| more).map(|last| cursor(place(last).as_ref()));
        Self { items, next, limit }
    }

    /// The same page of other items.
    pub fn map<U>(self, shape: impl FnMut(T) -> U) -> Listing<U> {
        let items = self.items.into_iter().map(shape).collect();
        Listing { items, next: self.next, limit: self.limit }
    }
}

impl<T: Serialize> IntoResponse for Listing<T> {
    fn into_response(self) -> Response {
        // These lists take no other parameter; the reference is relative to the list itself.
        let link = |next: &String| next_link("", &format!("limit={}", self.limit), next).ok();
        let link = self.next.as_ref().and_then(link);
        let mut response = Json(self).into_response();
        if let Some(link) = link {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

fn decode(cursor: &str) -> Result<Uuid> {
    read_cursor(cursor, |content| Uuid::from_slice(content).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_keeps_the_parameters_of_its_list() {
        let uri = Uri::from_static("/api/v1/jobs?state=done&limit=2&cursor=old");
        let response = answer(&uri, vec![3_i64, 2, 1], 2, |id| id.to_be_bytes().to_vec()).unwrap();
        let link = response.headers()[header::LINK].to_str().unwrap();
        let next = link.strip_prefix("<?state=done&limit=2&cursor=").unwrap();
        assert_eq!(read_number(next.split_once('>').unwrap().0).unwrap(), 2);
        let last = answer(&uri, vec![1_i64], 2, |id| id.to_be_bytes().to_vec()).unwrap();
        assert!(!last.headers().contains_key(header::LINK));
        assert_eq!(read_number("AAAA").unwrap_err().code, "bad_parameter");
    }

    #[test]
    fn the_cursor_leads_to_the_next_page_and_ends() {
        let page = PageOf { limit: 2, before: None };
        let ids = [3, 2, 1].map(Uuid::from_u128).to_vec();
        let listing = page.listing(ids, |id| *id);
        let link = listing.clone().into_response().headers()[header::LINK].clone();
        assert!(link.to_str().unwrap().starts_with("<?limit=2&cursor="), "{link:?}");
        assert_eq!(listing.items.len(), 2);
        assert_eq!(decode(&listing.next.unwrap()).unwrap(), Uuid::from_u128(2));
        assert_eq!(page.listing(vec![Uuid::nil()], |id| *id).next, None);
        assert_eq!(decode("nonsense").unwrap_err().code, "bad_parameter");
    }
}
