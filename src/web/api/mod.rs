//! The REST interface. Each file: request type, errors, docs with a real example, handler.

pub mod uploads;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// Every documented route.
#[must_use]
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(super::ops::routes()).merge(uploads::routes())
}
