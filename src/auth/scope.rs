//! What a token is good for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Role;

/// One thing that a token is good for. What it may do is this and the owner's role, both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Reading and downloading.
    Read,
    /// Uploading.
    Upload,
    /// Administration.
    Admin,
}

impl Scope {
    /// Every one, in ascending order.
    pub const ALL: [Self; 3] = [Self::Read, Self::Upload, Self::Admin];

    /// The word as it is stored and printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Upload => "upload",
            Self::Admin => "admin",
        }
    }

    /// The scope of a word, which must be exactly that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }

    const fn needs(self) -> Role {
        match self {
            Self::Read => Role::ReadOnly,
            Self::Upload => Role::ReadWrite,
            Self::Admin => Role::Admin,
        }
    }
}

/// A set of scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Everything that a user of this role may do.
    #[must_use]
    pub fn of_role(role: Role) -> Self {
        Self(Scope::ALL.into_iter().filter(|scope| scope.needs() <= role).collect())
    }

    /// These scopes, each once.
    #[must_use]
    pub fn new(mut scopes: Vec<Scope>) -> Self {
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes)
    }

    /// Reads stored words; one that is unknown gives no right.
    #[must_use]
    pub fn from_words(words: &[String]) -> Self {
        Self::new(words.iter().filter_map(|word| Scope::from_word(word)).collect())
    }

    /// The words as they are stored.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        self.0.iter().map(|scope| scope.as_str().to_owned()).collect()
    }

    /// Whether `scope` is among them.
    #[must_use]
    pub fn contain(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Whether a user of this role may give all of them away.
    #[must_use]
    pub fn within(&self, role: Role) -> bool {
        self.0.iter().all(|scope| scope.needs() <= role)
    }

    /// The scopes that are left of these under `role`, and the role that is left of it under them.
    #[must_use]
    pub fn meet(&self, role: Role) -> (Self, Role) {
        let left: Vec<Scope> =
            self.0.iter().copied().filter(|scope| scope.needs() <= role).collect();
        let lowered = left.iter().map(|scope| scope.needs()).max().unwrap_or(Role::ReadOnly);
        (Self(left), lowered)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes in ascending order.
    #[must_use]
    pub fn as_slice(&self) -> &[Scope] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_shrinks_with_its_owner() {
        let all = Scopes::of_role(Role::Admin);
        assert_eq!(all.as_slice(), Scope::ALL);
        let (left, role) = all.meet(Role::ReadWrite);
        assert_eq!((left.as_slice(), role), (&[Scope::Read, Scope::Upload][..], Role::ReadWrite));
    }

    #[test]
    fn a_reading_token_of_an_admin_is_a_reader() {
        let (left, role) = Scopes::new(vec![Scope::Read]).meet(Role::Admin);
        assert_eq!((left.as_slice(), role), (&[Scope::Read][..], Role::ReadOnly));
    }

    #[test]
    fn words_are_exact() {
        assert_eq!(Scope::from_word("Admin"), None);
        assert_eq!(Scope::from_word("admin "), None);
        assert_eq!(Scope::from_word("admin"), Some(Scope::Admin));
    }
}
