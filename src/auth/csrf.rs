//! The token that every state change under a cookie must carry.
//!
//! A request with neither `Origin` nor `Sec-Fetch-Site` is decided by this token alone. Refusing it
//! would shut out scripts that sign in with a cookie and send the header, and older browsers, and
//! would win nothing: another site can make a browser send the cookie, but cannot read the token.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The CSRF token of the browser that sent the request, in the request's extensions.
///
/// It is a digest of the secret in the cookie, so there is nothing to store, it changes with the
/// session's id, and it tells nothing about that secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsrfToken(pub String);

impl CsrfToken {
    /// The token that belongs to the secret of a cookie.
    #[must_use]
    pub fn of_secret(secret: &str) -> Self {
        let digest = Sha256::new().chain_update(b"csrf:").chain_update(secret).finalize();
        Self(BASE64_URL_SAFE_NO_PAD.encode(digest))
    }

    /// Compares in constant time.
    #[must_use]
    pub fn is(&self, sent: &str) -> bool {
        self.0.as_bytes().ct_eq(sent.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_secret_has_its_token() {
        let token = CsrfToken::of_secret("one");
        assert!(token.is(&CsrfToken::of_secret("one").0));
        assert!(!token.is(&CsrfToken::of_secret("two").0));
        assert!(!token.is(""));
    }
}
