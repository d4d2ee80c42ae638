//! How answers in JSON are read: without copying, with exact numbers, and with a sentence for whatever
//! is not as announced.

mod number;
mod stamp;
mod stored;

pub use number::Exact;
pub use stamp::Stamp;
pub use stored::{Members, is_storable, is_text};

use std::{borrow::Cow, collections::HashMap, ops::Deref};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{BadBody, Shared};

/// A text, borrowed from the body where it is written without escapes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Reads a whole body. What is wrong with it is said with its place.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, BadBody> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(bad("expected JSON, found an empty body"));
    }
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => place_of::<T>(body, &error),
        serde_json::error::Category::Eof => {
            bad(&format!("expected a whole JSON document, found one that is cut off: {error}"))
        }
        _ => bad(&format!("expected JSON, found something else: {error}")),
    })
}

/// The same again, slower, to find the place of what is wrong.
fn place_of<'a, T: Deserialize<'a>>(body: &'a [u8], error: &serde_json::Error) -> BadBody {
    let reader = &mut serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, T>(reader) {
        Err(found) => bad(&format!("at {}: {}", found.path(), found.inner())),
        Ok(_) => bad(&error.to_string()),
    }
}

/// A page that cannot be taken.
#[must_use]
pub fn bad(sentence: &str) -> BadBody {
    BadBody::new(sentence)
}

/// An instant as findings and sentences name it.
#[must_use]
pub fn named(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// Texts that many rows share, each kept once.
#[derive(Debug, Default)]
pub struct Pool(HashMap<String, Shared>);

impl Pool {
    /// The shared one.
    pub fn share(&mut self, text: &str) -> Shared {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let shared = Shared::from(text);
        self.0.insert(text.to_owned(), shared.clone());
        shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::records::SENTENCE_MAX;

    #[derive(Debug, Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        data: Vec<Text<'a>>,
    }

    fn refused(body: &str) -> String {
        read::<Answer<'_>>(body.as_bytes()).unwrap_err().0
    }

    #[test]
    fn what_is_wrong_with_a_body_is_said_with_its_place() {
        assert_eq!(refused(""), "expected JSON, found an empty body");
        assert_eq!(refused(" \n"), "expected JSON, found an empty body");
        assert!(refused("{\"data\":[\"a\"").starts_with("expected a whole JSON document"));
        assert!(refused("<html>").starts_with("expected JSON, found something else"));
        assert!(
            refused("{\"data\":[\"a\",1]}").starts_with("at data[1]: invalid type: integer `1`")
        );
        assert!(refused("{\"data\":\"maintenance\"}").contains("expected a sequence"));
        assert!(refused("{}").contains("missing field `data`"));
        let long = format!("{{\"data\":\"{}\"}}", "é".repeat(9000));
        assert_eq!(refused(&long).chars().count(), SENTENCE_MAX + 1);
    }

    #[test]
    fn a_text_is_borrowed_unless_it_holds_escapes() {
        let body = br#"{"data":["plain","\u00e9"]}"#;
        let answer: Answer<'_> = read(body).unwrap();
        assert!(matches!(answer.data[0].0, Cow::Borrowed("plain")));
        assert_eq!(&*answer.data[1], "é");
    }

    #[test]
    fn a_shared_text_is_kept_once() {
        let mut pool = Pool::default();
        assert!(Shared::ptr_eq(&pool.share("wind"), &pool.share("wind")));
        assert_eq!(&*pool.share("gas"), "gas");
    }
}
