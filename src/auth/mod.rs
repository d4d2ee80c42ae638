//! Who is asking, and what their role allows.

mod principal;

pub use principal::{Admin, Credential, Principal, Role, SignedIn, Writer};
