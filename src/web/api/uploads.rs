//! `POST /api/v1/uploads` and the log of what came in.

mod document;
mod examples;
mod list;
mod receive;
mod reopen;
mod report;
mod script;

pub(super) use document::{attachment, kept};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub use receive::{read_parts, take_in, upload_routes_limit};

/// The routes.
#[must_use]
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_uploads))
        .routes(routes!(list::show_upload))
        .routes(routes!(document::download_document))
        .routes(routes!(report::download_report))
        .routes(routes!(reopen::reopen_day))
        .merge(
            OpenApiRouter::new()
                .routes(routes!(receive::upload))
                .routes(routes!(script::upload_csv))
                .layer(upload_routes_limit()),
        )
}
