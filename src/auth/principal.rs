//! The one identity of a request, and the extractors that ask for a role.

use axum::{extract::FromRequestParts, http::request::Parts};
use uuid::Uuid;

use super::{Scope, Scopes};
use crate::{
    domain::words,
    error::{Problem, Result},
};

words! {
    /// What a user may do, in ascending order. Compared as a value, never by text.
    Role("a role", exact) {
        /// Reads.
        ReadOnly = "read_only",
        /// Reads and uploads.
        ReadWrite = "read_write",
        /// Everything.
        Admin = "admin",
    }
}

/// How the request proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// The browser's cookie, by the id of the session's row (which is not the cookie's secret).
    Session(Uuid),
    /// An API or login token, by its id.
    Token(Uuid),
}

/// Who is asking: resolved once at the edge by the middleware, which puts it into the request's
/// extensions.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Row of `app_user`.
    pub user_id: Uuid,
    /// Trimmed and case-folded.
    pub email: String,
    /// The role in force: that of the user, lowered to the scopes of the token.
    pub role: Role,
    /// What the credential is good for; all of it for a session.
    pub scopes: Scopes,
    /// The credential that was used.
    pub credential: Credential,
    /// The first characters of the token, or of the session's row id: for the audit log.
    pub prefix: String,
    /// The password was chosen by somebody else: nothing but changing it is allowed.
    pub must_change_password: bool,
    /// While the switch of this kind of credential is off: its message. Administrators pass.
    pub shut: Option<String>,
}

impl Principal {
    /// Whether the credential reaches as far as `scope`.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contain(scope)
    }

    fn of(parts: &Parts) -> Result<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            Problem::unauthenticated(
                "Sign in, or send a token: Authorization: Bearer TOKEN. POST /api/v1/tokens makes one.",
            )
        })
    }
}

macro_rules! requires {
    ($(#[$meta:meta])* $name:ident, $scope:ident, $lowest:ident, $detail:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        pub struct $name(pub Principal);

        impl<S: Send + Sync> FromRequestParts<S> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
                let principal = Principal::of(parts)?;
                if principal.role >= Role::$lowest && principal.may(Scope::$scope) {
                    return Ok(Self(principal));
                }
                Err(Problem::forbidden($detail))
            }
        }
    };
}

requires!(
    /// Any signed-in user; else 401. 403 for a token without the scope `read`.
    SignedIn, Read, ReadOnly, "This token lacks the scope read."
);
requires!(
    /// A user who may upload; else 401 or 403.
    Writer, Upload, ReadWrite, "This needs the role read_write or admin, and of a token the scope upload."
);
requires!(
    /// An administrator; else 401 or 403.
    Admin, Admin, Admin, "This needs the role admin, and of a token the scope admin."
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_one_of_three_words_and_no_other_text() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(*role));
        }
        for bad in
            ["", "a", "min", "ADMIN", "admin ", " admin", "administrator", "read_write,admin"]
        {
            assert!(bad.parse::<Role>().is_err(), "{bad:?}");
            assert!(serde_json::from_value::<Role>(bad.into()).is_err(), "{bad:?}");
        }
    }
}
