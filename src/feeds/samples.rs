//! What the tests of feeds share.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{Feed, Scope, Settings, json::Stamp};
use crate::domain::feed::Window;

/// A decimal.
pub fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// An instant.
pub fn at(text: &str) -> DateTime<Utc> {
    serde_json::from_str::<Stamp>(&format!("{text:?}")).unwrap().0
}

/// A range.
pub fn window(from: &str, to: &str) -> Window {
    Window::new(at(from), at(to)).unwrap()
}

/// The settings of a feed that nobody set.
pub fn settings(feed: &dyn Feed) -> Settings {
    Settings { enabled: true, ..Settings::unset(feed.about()) }
}

/// A scope of a name alone.
pub fn scope(name: &str) -> Scope {
    Scope { region_id: None, ..Scope::region(name, name, DateTime::UNIX_EPOCH) }
}

/// Bodies with a few bytes cut out, put in or changed.
pub fn damaged(bodies: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..6),
        proptest::sample::select(vec!["null", "[]", "{", "\"", "1e999", "-", "\\u0000", "é", ","])
            .prop_map(|text| text.as_bytes().to_vec()),
    ];
    let change = (any::<prop::sample::Index>(), 0_usize..60, piece);
    (proptest::sample::select(bodies), proptest::collection::vec(change, 0..4)).prop_map(
        |(body, changes)| {
            let mut body = body.to_vec();
            for (place, length, piece) in changes {
                let from = place.index(body.len() + 1);
                let to = (from + length).min(body.len());
                body.splice(from..to, piece);
            }
            body
        },
    )
}
