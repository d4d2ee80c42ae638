//! Who is asking, and what their role allows.

mod csrf;
mod principal;
pub mod return_to;
mod scope;

pub use csrf::CsrfToken;
pub use principal::{Admin, Credential, Principal, Role, SignedIn, Writer};
pub use scope::{Scope, Scopes};
