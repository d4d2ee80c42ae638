//! The one identity of a request, and the extractors that ask for a role.

use axum::{extract::FromRequestParts, http::request::Parts};
use uuid::Uuid;

use crate::{
    domain::words,
    error::{Problem, Result},
};

words! {
    /// What a user may do. Compared by equality, never by text.
    Role("a role") {
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
    /// The browser's cookie.
    Session,
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
    /// The credential that was used.
    pub credential: Credential,
}

impl Principal {
    fn of(parts: &Parts) -> Result<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            Problem::unauthenticated(
                "Sign in, or send a token: Authorization: Bearer TOKEN. POST /api/v1/tokens makes one.",
            )
        })
    }
}

macro_rules! requires {
    ($(#[$meta:meta])* $name:ident, $($role:pat_param)|+, $detail:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        pub struct $name(pub Principal);

        impl<S: Send + Sync> FromRequestParts<S> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
                let principal = Principal::of(parts)?;
                #[allow(unreachable_patterns, reason = "one of the three roles' lists is complete")]
                match principal.role {
                    $($role)|+ => Ok(Self(principal)),
                    _ => Err(Problem::forbidden($detail)),
                }
            }
        }
    };
}

requires!(
    /// Any signed-in user; else 401.
    SignedIn, Role::ReadOnly | Role::ReadWrite | Role::Admin, ""
);
requires!(
    /// A user who may upload; else 401 or 403.
    Writer, Role::ReadWrite | Role::Admin, "This needs the role read_write or admin."
);
requires!(
    /// An administrator; else 401 or 403.
    Admin, Role::Admin, "This needs the role admin."
);
