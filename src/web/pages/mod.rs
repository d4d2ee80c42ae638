//! Pages. Each works without JavaScript where a form can do the job.

use axum::Router;

use crate::app::App;

/// Every page.
pub fn routes() -> Router<App> {
    Router::new()
}
