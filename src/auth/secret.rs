//! Secrets: never printed by accident, and made by the operating system.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use rand::{TryRng as _, rngs::SysRng};

use crate::domain::Sha256;

/// Names of parameters whose values must not be in a URL, nor be shown of one.
pub const SECRET_NAMES: [&str; 14] = [
    "token",
    "access_token",
    "accesstoken",
    "auth_token",
    "api_token",
    "refresh_token",
    "api_key",
    "apikey",
    "api-key",
    "key",
    "secret",
    "password",
    "passwd",
    "authorization",
];

/// A text that must not be seen: a password or a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// The operating system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness;

impl Secret {
    /// Hides a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// 256 random bits in base64url, after `prefix`.
    pub fn random(prefix: &str) -> Result<Self, NoRandomness> {
        let mut bytes = [0; 32];
        SysRng.try_fill_bytes(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(Self(format!("{prefix}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// A password that a person has to type once: 120 random bits.
    pub fn random_password() -> Result<Self, NoRandomness> {
        let mut bytes = [0; 15];
        SysRng.try_fill_bytes(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(Self(BASE64_URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The text. Each call is a place to look at twice.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        Sha256::of(self.0.as_bytes())
    }
}

impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(text))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}
