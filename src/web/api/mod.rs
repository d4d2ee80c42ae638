//! The REST interface. Each file: request type, errors, docs with a real example, handler.

pub mod admin;
pub mod audit;
mod bi;
mod carbon;
mod curve;
mod data;
mod datasets;
mod diff;
mod emissions;
mod exports;
mod feeds;
mod get_data;
mod grants;
mod headroom;
mod intraday_timestamps;
mod jobs;
mod labels;
mod listing;
mod login;
mod logs;
mod me;
mod meters;
mod operating_days;
mod reference_hours;
mod regions;
mod series;
mod sessions;
mod site;
mod stream;
mod tokens;
mod updates;
pub mod uploads;
mod usage;
pub mod users;
mod versions;

use utoipa_axum::router::OpenApiRouter;

pub use sessions::end_own;
pub use tokens::revoke_own;

use crate::app::App;

/// Every documented route.
#[must_use]
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(super::ops::routes())
        .merge(admin::routes())
        .merge(audit::routes())
        .merge(bi::routes())
        .merge(carbon::routes())
        .merge(curve::routes())
        .merge(data::routes())
        .merge(datasets::routes())
        .merge(diff::routes())
        .merge(emissions::routes())
        .merge(exports::routes())
        .merge(feeds::routes())
        .merge(get_data::routes())
        .merge(grants::routes())
        .merge(headroom::routes())
        .merge(intraday_timestamps::routes())
        .merge(jobs::routes())
        .merge(labels::routes())
        .merge(login::routes())
        .merge(logs::routes())
        .merge(me::routes())
        .merge(meters::routes())
        .merge(operating_days::routes())
        .merge(reference_hours::routes())
        .merge(regions::routes())
        .merge(series::routes())
        .merge(sessions::routes())
        .merge(site::routes())
        .merge(stream::routes())
        .merge(tokens::routes())
        .merge(updates::routes())
        .merge(uploads::routes())
        .merge(usage::routes())
        .merge(users::routes())
        .merge(versions::routes())
}
