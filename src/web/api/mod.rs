//! The REST interface. Each file: request type, errors, docs with a real example, handler.

mod login;
mod me;
mod sessions;
mod tokens;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// Every documented route.
#[must_use]
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(login::routes())
        .merge(me::routes())
        .merge(sessions::routes())
        .merge(tokens::routes())
        .merge(super::ops::routes())
}
