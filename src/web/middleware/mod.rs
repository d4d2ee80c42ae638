//! What every request passes through, outermost first.
//!
//! | layer | does |
//! | --- | --- |
//! | [`request_id`] | gives the request its id |
//! | [`access_log`] | one line and one measurement per request, by route template |
//! | [`headers`] | the security headers |
//! | [`faces`] | gives an error its request id, and shows it to a browser as a page |
//! | [`panics`] | turns a panic into a 500 |
//! | [`url`] | refuses long URLs and credentials in them |
//! | [`refusals`] | writes down what was refused to somebody who is signed in |
//! | [`identity`] | finds out who is asking, from exactly one credential |
//! | [`running`] | breaks off what is being sent to a user who is shut out |
//! | [`csrf`] | refuses state changes that another site made the browser send |
//! | [`access`] | refuses whoever is not signed in or kept out by a switch of the site, everywhere but on a short list of routes |

pub mod accept;
pub mod access;
mod access_log;
pub mod csrf;
mod faces;
mod first_part;
pub mod headers;
mod identity;
mod panics;
mod refusals;
pub mod request_id;
pub mod running;
pub mod url;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware::{from_fn, from_fn_with_state},
};
use tower_http::catch_panic::CatchPanicLayer;
use tower_sessions::{SessionManagerLayer, cookie::SameSite};

use crate::{
    app::App,
    auth::{session, store::Sessions},
    error::Problem,
};

/// Bytes of a form or of a JSON body. A route that takes more has a `DefaultBodyLimit` of its own.
pub const BODY_LIMIT: usize = 64 << 10;

/// Wraps every route into the layers, and answers what no route does.
pub fn layers(router: Router<App>, app: &App) -> Router<App> {
    router
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn(access::require_identity))
        .layer(from_fn(csrf::refuse_forgery))
        .layer(from_fn_with_state(app.clone(), running::stop_with_user))
        .layer(from_fn(identity::by_session))
        .layer(sessions(app))
        .layer(from_fn_with_state(app.clone(), identity::by_token))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(app.clone(), refusals::record))
        .layer(from_fn_with_state(app.clone(), url::refuse_credentials))
        .layer(CatchPanicLayer::custom(panics::answer))
        .layer(from_fn(faces::show))
        .layer(from_fn(headers::add))
        .layer(from_fn_with_state(app.clone(), access_log::record))
        .layer(from_fn_with_state(app.clone(), request_id::give))
}

fn sessions(app: &App) -> SessionManagerLayer<Sessions> {
    SessionManagerLayer::new(Sessions::new(app.clone()))
        .with_name(session::cookie_name(&app.config.auth))
        .with_secure(app.config.auth.behind_tls_proxy)
        .with_same_site(SameSite::Lax)
        .with_path("/")
}

async fn no_such_route() -> Problem {
    Problem::not_found("There is nothing at this address. The API is described at /apidocs.")
}

async fn no_such_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address does not take this method; the header Allow names those it takes.",
    )
}
