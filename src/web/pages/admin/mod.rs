//! The pages of administrators, one file each.

mod audit;
mod bi;
mod feeds;
mod jobs;
mod logs;
mod packages;
mod security;
mod sight;
mod site;
mod tokens;
mod uploads;
mod users;

use axum::{Router, response::Redirect, routing::get};

use super::Page;
use crate::app::App;

/// Path and name of each page, in the order of the sub-navigation.
const TABS: &[(&str, &str)] = &[
    ("/admin/users", "Users"),
    ("/admin/packages", "Packages"),
    ("/admin/tokens", "Tokens and sessions"),
    ("/admin/uploads", "Uploads"),
    ("/admin/feeds", "Feeds"),
    ("/admin/jobs", "Jobs"),
    ("/admin/bi", "BI"),
    ("/admin/site", "Site"),
    ("/admin/audit", "Audit"),
    ("/admin/logs", "Logs"),
    ("/admin/security", "Security"),
];

impl Page {
    /// The pages of administrators beside each other: path, name, and whether this is it.
    pub fn admin_tabs(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        TABS.iter().map(|&(path, name)| (path, name, self.is_in(path)))
    }
}

/// Every page of administrators.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin", get(async || Redirect::to("/admin/users")))
        .merge(audit::routes())
        .merge(bi::routes())
        .merge(feeds::routes())
        .merge(jobs::routes())
        .merge(logs::routes())
        .merge(packages::routes())
        .merge(security::routes())
        .merge(sight::routes())
        .merge(site::routes())
        .merge(tokens::routes())
        .merge(uploads::routes())
        .merge(users::routes())
}
