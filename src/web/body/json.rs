//! JSON objects, strictly, refused in our own words rather than the library's.

use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{bad_body, missing, nul};
use crate::{
    error::{Problem, Result},
    web::parameters::unknown_parameter,
};

/// Reads an object: no list, which would be taken for the members in their order.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| bad_body(format!("this is no JSON: {error}")))?;
    if !value.is_object() {
        return Err(bad_body(format!("the body must be a JSON object; it is {}", kind(&value))));
    }
    refuse_nul("", &value)?;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| refused(&error.path().to_string(), &error.inner().to_string()))
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn refuse_nul(place: &str, value: &Value) -> Result<()> {
    match value {
        Value::String(text) if text.contains('\0') => Err(nul(place)),
        Value::Array(items) => items.iter().try_for_each(|item| refuse_nul(place, item)),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            if name.contains('\0') {
                return Err(nul(&name.replace('\0', "\u{fffd}")));
            }
            refuse_nul(name, value)
        }),
        _ => Ok(()),
    }
}

/// The library tells what is wrong in words, and where by a path. The value is not repeated: it may
/// be a password.
fn refused(path: &str, text: &str) -> Problem {
    let text = text.split(" at line ").next().unwrap_or_default();
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let names: Vec<String> = quoted(text);
    let name = names.first().map(String::as_str).unwrap_or_default();
    if text.starts_with("unknown field") {
        let known: Vec<&str> = names.iter().skip(1).map(String::as_str).collect();
        return unknown_parameter(name, &known);
    }
    if text.starts_with("missing field") {
        return missing(name, "");
    }
    if text.starts_with("duplicate field") {
        return wrong(name, "is there twice; give it once");
    }
    if text.starts_with("unknown variant") {
        return wrong(path, &format!("is not understood; known are {}", names[1..].join(", ")));
    }
    match text.rsplit_once("expected ") {
        Some((_, expected)) => wrong(path, &format!("must be {}", in_words(expected))),
        None => wrong(path, &format!("is not understood; {text}")),
    }
}

fn wrong(name: &str, what: &str) -> Problem {
    let detail = format!("{name} {what}");
    Problem::new(StatusCode::BAD_REQUEST, "bad_parameter", detail).with("parameter", name)
}

fn in_words(expected: &str) -> &str {
    match expected {
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        "a string" | "str" | "string or map" => "a text",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Wanted {
        email: String,
        days: Option<i64>,
        scopes: Option<Vec<crate::auth::Scope>>,
        password: Option<crate::auth::Secret>,
    }

    #[test]
    fn each_refusal_is_in_our_own_words() {
        for (body, wanted) in [
            (r#"["a", 1, ["read"], "b"]"#, "the body must be a JSON object; it is a list"),
            ("7", "the body must be a JSON object; it is a number"),
            (r#"{"days": 1}"#, "email is missing"),
            (r#"{"email": 5}"#, "email must be a text"),
            (r#"{"email": "a", "email": "b"}"#, "email is there twice; give it once"),
            (r#"{"email": "a", "days": "x"}"#, "days must be a whole number"),
            (r#"{"email": "a", "password": 12345}"#, "password must be a text"),
            (r#"{"email": "a", "scopes": "read"}"#, "scopes must be a list"),
            (
                r#"{"email": "a", "scopes": ["rad"]}"#,
                "scopes[0] is not understood; known are read, upload, admin",
            ),
            (
                r#"{"email": "a\u0000"}"#,
                "email contains the character U+0000, which no text may have",
            ),
        ] {
            let problem = read::<Wanted>(body.as_bytes()).unwrap_err();
            assert_eq!((problem.status.as_u16(), &*problem.detail), (400, wanted), "{body}");
        }
        let unknown = read::<Wanted>(br#"{"email": "a", "dys": 1}"#).unwrap_err();
        assert_eq!(unknown.code, "unknown_parameter");
        assert!(unknown.detail.contains("did you mean days?"), "{}", unknown.detail);
        assert!(read::<Wanted>(br#"{"email": "a", "days": null}"#).is_ok());
    }
}
