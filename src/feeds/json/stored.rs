//! What is kept of JSON as it is.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess},
};
use serde_json::value::RawValue;

use super::{Exact, Text};

/// The members of an object in their order, as they are written.
#[derive(Debug, Default)]
pub struct Members<'a>(pub Vec<(Text<'a>, &'a RawValue)>);

impl Members<'_> {
    /// An object of some of them; none: there are none.
    #[must_use]
    pub fn object(&self, keeps: impl Fn(&str, &RawValue) -> bool) -> Option<Box<RawValue>> {
        let kept = || self.0.iter().filter(|(name, value)| keeps(name, value));
        let length = kept().map(|(name, value)| name.len() + value.get().len() + 4).sum::<usize>();
        let mut object = String::with_capacity(length + 2);
        for (name, value) in kept() {
            object.push(if object.is_empty() { '{' } else { ',' });
            object.push_str(&serde_json::Value::from(&**name).to_string());
            object.push(':');
            object.push_str(value.get());
        }
        if object.is_empty() {
            return None;
        }
        object.push('}');
        RawValue::from_string(object).ok()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AsObject)
    }
}

struct AsObject;

impl<'de> de::Visitor<'de> for AsObject {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::with_capacity(12);
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

/// How deep values that are kept may be nested.
const DEPTH_MAX: u32 = 32;

/// The most bytes of a value that is kept.
const LENGTH_MAX: usize = 64 << 10;

/// Whether the database can keep a value: its texts are Unicode without U+0000, and its numbers, its
/// depth and its length have bounds.
#[must_use]
pub fn is_storable(value: &RawValue) -> bool {
    value.get().len() <= LENGTH_MAX && is_storable_at(value, 0)
}

fn is_storable_at(value: &RawValue, depth: u32) -> bool {
    let inner = |value| is_storable_at(value, depth + 1);
    match value.get().as_bytes() {
        // Most values: a text as it is, a word.
        [b'"', text @ ..] if !text.contains(&b'\\') => true,
        [b'n' | b't' | b'f', ..] => true,
        [b'"', ..] => {
            serde_json::from_str::<Text<'_>>(value.get()).is_ok_and(|text| is_text(&text))
        }
        [b'{' | b'[', ..] if depth == DEPTH_MAX => false,
        [b'{', ..] => serde_json::from_str::<Members<'_>>(value.get()).is_ok_and(|members| {
            members.0.into_iter().all(|(name, value)| is_text(&name) && inner(value))
        }),
        [b'[', ..] => serde_json::from_str::<Vec<&RawValue>>(value.get())
            .is_ok_and(|values| values.into_iter().all(inner)),
        _ => serde_json::from_str::<Exact>(value.get()).is_ok(),
    }
}

/// Whether a column of text can hold it.
#[must_use]
pub fn is_text(text: &str) -> bool {
    !text.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storable(json: &str) -> bool {
        is_storable(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn some_members_stay_as_they_are_written() {
        let members: Members<'_> =
            serde_json::from_str("{ \"a\": 1.50, \"b\\\"\": [ 1 ], \"unit\": \"x\" }").unwrap();
        let kept = members.object(|name, _| name != "unit").unwrap();
        assert_eq!(kept.get(), "{\"a\":1.50,\"b\\\"\":[ 1 ]}");
        assert!(members.object(|_, _| false).is_none());
    }

    #[test]
    fn what_the_database_cannot_keep_is_seen() {
        for fine in ["1.5", "-2e3", "null", "\"é\"", "\"\\u00e9\\n\"", "[1,{\"a\":[]}]", "{}"] {
            assert!(storable(fine), "{fine}");
        }
        for not in
            ["\"\\u0000\"", "[\"\\ud800\"]", "{\"\\u0000\":1}", "1e999999", "{\"a\":{\"b\":1e99}}"]
        {
            assert!(!storable(not), "{not}");
        }
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(storable(&nested(32)) && !storable(&nested(33)) && !storable(&nested(200_000)));
        let long = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
        assert!(storable(&long(64 << 10)) && !storable(&long((64 << 10) + 1)));
    }
}
