//! The name that a user signs in with.

use std::str::FromStr;

/// An e-mail address: trimmed, case-folded, with one `@`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// A text is not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an e-mail address has one @ with something before and after it, no spaces, and at most 254 bytes"
)]
pub struct EmailError;

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        let folded = text.trim().to_lowercase();
        let (local, host) = folded.split_once('@').ok_or(EmailError)?;
        let odd = |c: char| c.is_whitespace() || c.is_control() || c == '@';
        let good = !local.is_empty() && !host.is_empty() && folded.len() <= 254;
        if !good || local.contains(odd) || host.contains(odd) {
            return Err(EmailError);
        }
        Ok(Self(folded))
    }
}

impl Email {
    /// The address as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_and_refuses() {
        assert_eq!(" Ann@Example.COM ".parse::<Email>().unwrap().as_str(), "ann@example.com");
        for bad in
            ["", "ann", "@b", "a@", "a@b@c", "a b@c", "a@b\nc", &format!("{}@b", "a".repeat(254))]
        {
            assert_eq!(bad.parse::<Email>(), Err(EmailError), "{bad:?}");
        }
    }
}
