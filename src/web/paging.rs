//! Lists: `?limit=` and an opaque `cursor`, newest first.

use axum::{
    Json,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::parameters::{FromParameters, Parameters};
use crate::error::{Problem, Result};

/// Items of a page when no limit is given.
const DEFAULT: i64 = 100;
/// The most items of a page.
const MOST: i64 = 1000;

/// Which page of a list that is ordered by id, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageOf {
    /// Items, 1 to 1000.
    pub limit: i64,
    /// Only items that are older than this one.
    pub before: Option<Uuid>,
}

impl FromParameters for PageOf {
    const NAMES: &'static [&'static str] = &["limit", "cursor"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let limit = parameters.value("limit")?.unwrap_or(DEFAULT);
        if !(1..=MOST).contains(&limit) {
            let wanted = format!("it is a number from 1 to {MOST}");
            return Err(Problem::bad_parameter("limit", &limit.to_string(), wanted));
        }
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
    pub fn listing<T>(&self, mut items: Vec<T>, id: impl Fn(&T) -> Uuid) -> Listing<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| encode(id(last)));
        Listing { items, next }
    }
}

/// A page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Listing<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; null on the last.
    pub next: Option<String>,
}

impl<T> Listing<T> {
    /// The same page of other items.
    pub fn map<U>(self, shape: impl FnMut(T) -> U) -> Listing<U> {
        Listing { items: self.items.into_iter().map(shape).collect(), next: self.next }
    }
}

impl<T: Serialize> IntoResponse for Listing<T> {
    fn into_response(self) -> Response {
        let link = self.next.as_ref().map(|next| format!("<?cursor={next}>; rel=\"next\""));
        let mut response = Json(self).into_response();
        if let Some(link) = link.and_then(|link| HeaderValue::try_from(link).ok()) {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

fn encode(id: Uuid) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(id.as_bytes())
}

fn decode(cursor: &str) -> Result<Uuid> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok();
    bytes.and_then(|bytes| Uuid::from_slice(&bytes).ok()).ok_or_else(|| {
        Problem::bad_parameter("cursor", cursor, "take it from the field next of the page before")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_leads_to_the_next_page_and_ends() {
        let page = PageOf { limit: 2, before: None };
        let ids = [3, 2, 1].map(Uuid::from_u128).to_vec();
        let listing = page.listing(ids, |id| *id);
        assert_eq!(listing.items.len(), 2);
        assert_eq!(decode(&listing.next.unwrap()).unwrap(), Uuid::from_u128(2));
        assert_eq!(page.listing(vec![Uuid::nil()], |id| *id).next, None);
        assert_eq!(decode("nonsense").unwrap_err().code, "bad_parameter");
    }
}
