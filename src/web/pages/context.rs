//! What a signed-in page needs to know about its request.

use axum::{
    extract::FromRequestParts,
    http::request::Parts,
    response::{IntoResponse as _, Redirect, Response},
};

use super::{Page, PageUser};
use crate::{
    auth::{CsrfToken, Principal, Role, return_to},
    error::Problem,
};

/// Extracts who is signed in; sends a browser that is not to `/login` and back again.
///
/// ```ignore
/// async fn uploads(context: PageContext, State(app): State<App>) -> Result<UploadsPage> {
///     let page = context.page("Uploads");
///     ...
/// }
/// ```
#[derive(Debug, Clone)]
pub struct PageContext {
    /// Who is signed in.
    pub principal: Principal,
    csrf: String,
    path: String,
}

impl PageContext {
    /// The frame of the page with this title.
    #[must_use]
    pub fn page(&self, title: &str) -> Page {
        Page {
            title: title.to_owned(),
            user: Some(PageUser { email: self.principal.email.clone(), role: self.principal.role }),
            csrf: self.csrf.clone(),
            path: self.path.clone(),
        }
    }

    /// Goes on for those who may upload; 403 for the others.
    pub fn writer(self) -> Result<Self, Problem> {
        self.at_least(Role::ReadWrite)
    }

    /// Goes on for administrators; 403 for the others.
    pub fn admin(self) -> Result<Self, Problem> {
        self.at_least(Role::Admin)
    }

    fn at_least(self, role: Role) -> Result<Self, Problem> {
        if self.principal.role >= role {
            return Ok(self);
        }
        Err(Problem::forbidden(format!("This page needs the role {role}.")))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PageContext {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let Some(principal) = parts.extensions.get::<Principal>().cloned() else {
            return Err(Redirect::to(&return_to::login_path(&parts.uri)).into_response());
        };
        let csrf = parts.extensions.get::<CsrfToken>().map(|token| token.0.clone());
        Ok(Self { principal, csrf: csrf.unwrap_or_default(), path: parts.uri.path().to_owned() })
    }
}
