//! The REST interface. Each file: request type, errors, docs with a real example, handler.

mod login;
mod me;
mod sessions;
mod tokens;
pub mod uploads;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// Every documented route.
#[must_use]
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(super::ops::routes())
        .merge(login::routes())
        .merge(me::routes())
        .merge(sessions::routes())
        .merge(tokens::routes())
        .merge(uploads::routes())
}
