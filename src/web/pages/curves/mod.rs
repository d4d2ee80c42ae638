//! `/curves`: the place to look at a market, and `/curves/versions`: what came in, version by version.
//!
//! Every view is an address and a form. [`view`] reads the address, [`market`] makes the page of it,
//! [`export`] the same numbers as a file; [`saved`] keeps addresses under names.

mod browse;
mod chart;
mod export;
mod form;
mod look;
mod market;
mod offers;
mod saved;
mod tables;
mod view;

use axum::Router;

use crate::app::App;

/// The pages' routes.
pub fn routes() -> Router<App> {
    Router::new()
        .merge(browse::routes())
        .merge(export::routes())
        .merge(market::routes())
        .merge(saved::routes())
}
