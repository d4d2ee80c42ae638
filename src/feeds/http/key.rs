//! The key of a feed: in a header, and nowhere else.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use memchr::memmem;
use reqwest::{
    RequestBuilder,
    header::{AUTHORIZATION, HeaderName, HeaderValue},
};

use crate::{
    auth::Secret,
    feeds::{Auth, Request, Secrecy, Settings},
};

/// Bytes of a key that make it one that can be told from other text.
const LEAST_TOLD: usize = 6;

/// What is sent of a key, and what must not be seen of it.
pub(super) struct Key {
    header: Option<(HeaderName, HeaderValue)>,
    /// As bytes that an upstream might repeat.
    traces: Vec<Vec<u8>>,
}

/// The setting that is wrong, in words; never the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeyError {
    #[error("the setting api_key is missing")]
    Missing,
    #[error("the setting api_key holds characters that no header can carry")]
    Unfit,
}

impl Key {
    /// Of a request.
    pub(super) fn of(settings: &Settings, request: &Request) -> Result<Self, KeyError> {
        let secret = settings.api_key.as_ref();
        if settings.feed.secrecy == Secrecy::ApiKey && secret.is_none() {
            return Err(KeyError::Missing);
        }
        let header = match (request.auth, secret) {
            (Auth::None, _) => None,
            (_, None) => return Err(KeyError::Missing),
            (auth, Some(secret)) => Some(header(auth, secret).ok_or(KeyError::Unfit)?),
        };
        Ok(Self { header, traces: secret.map(traces).unwrap_or_default() })
    }

    pub(super) fn put_into(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.header {
            Some((name, value)) => request.header(name, value),
            None => request,
        }
    }

    /// Whether bytes hold it.
    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        self.traces.iter().any(|trace| memmem::find(bytes, trace).is_some())
    }
}

fn header(auth: Auth, secret: &Secret) -> Option<(HeaderName, HeaderValue)> {
    let (name, text) = match auth {
        Auth::None => return None,
        Auth::Header(name) => (HeaderName::try_from(name).ok()?, secret.expose().to_owned()),
        Auth::BasicUser => (AUTHORIZATION, format!("Basic {}", basic(secret))),
    };
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

/// A user without a password.
fn basic(secret: &Secret) -> String {
    BASE64_STANDARD.encode(format!("{}:", secret.expose()))
}

/// None of a key so short that any text holds it.
fn traces(secret: &Secret) -> Vec<Vec<u8>> {
    let all = [secret.expose().to_owned(), basic(secret)];
    let told = secret.expose().len() >= LEAST_TOLD;
    all.into_iter().filter(|_| told).map(String::into_bytes).collect()
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(auth: Auth, secret: &str) -> Option<(String, String)> {
        let (name, value) = header(auth, &Secret::new(secret))?;
        assert!(value.is_sensitive() && !format!("{value:?}").contains(secret));
        Some((name.to_string(), value.to_str().unwrap().to_owned()))
    }

    #[test]
    fn keys_travel_in_headers() {
        let own = key(Auth::Header("X-Api-Key"), "hunter2");
        assert_eq!(own, Some(("x-api-key".into(), "hunter2".into())));
        let basic = key(Auth::BasicUser, "hunter2");
        assert_eq!(basic, Some(("authorization".into(), "Basic aHVudGVyMjo=".into())));
        assert_eq!(key(Auth::None, "hunter2"), None);
        assert_eq!(key(Auth::Header("X-Api-Key"), "hunter\n2"), None);
    }

    #[test]
    fn a_key_is_found_in_what_an_upstream_repeats() {
        let secret = Secret::new("hunter2");
        let key = Key { header: None, traces: traces(&secret) };
        assert!(key.is_in(b"{\"error\":\"hunter2 is no key\"}"));
        assert!(key.is_in(b"Basic aHVudGVyMjo="));
        assert!(!key.is_in(b"hunter 2"));
        assert!(!format!("{key:?}").contains("hunter"));
    }
}
