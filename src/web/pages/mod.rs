//! Pages. Each works without JavaScript where a form can do the job.

mod account;
mod admin;
mod bi;
mod carbon;
mod context;
mod curves;
mod download;
pub mod errors;
mod forgot;
mod form;
mod format;
mod headroom;
mod home;
mod link;
pub mod login;
mod navigation;
mod pre_login;
mod report;
mod upload;
mod uploads;

use axum::Router;

pub use context::PageContext;

use crate::{app::App, auth::Role};

/// What every page shows around its content; `templates/base.html` reads it as `page`.
#[derive(Debug, Clone)]
pub struct Page {
    /// Title of the page, without the product's name.
    pub title: String,
    /// Who is signed in.
    pub user: Option<PageUser>,
    /// The session's CSRF token, for every form.
    pub csrf: String,
    /// The path of the page, to mark it in the navigation.
    pub path: String,
}

/// The signed-in user as the header shows them.
#[derive(Debug, Clone)]
pub struct PageUser {
    /// Sign-in name.
    pub email: String,
    /// Decides which entries the navigation has.
    pub role: Role,
}

/// Every page.
pub fn routes() -> Router<App> {
    Router::new()
        .merge(account::routes())
        .merge(admin::routes())
        .merge(bi::routes())
        .merge(carbon::routes())
        .merge(curves::routes())
        .merge(download::routes())
        .merge(forgot::routes())
        .merge(headroom::routes())
        .merge(home::routes())
        .merge(link::routes())
        .merge(login::routes())
        .merge(upload::routes())
        .merge(uploads::routes())
}
