//! The list of feeds: a row for each scope.

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::State;
use chrono_tz::Tz;

use super::{
    Done,
    view::{FeedView, Today},
};
use crate::{
    app::App,
    db::feeds::status::Reader,
    error::Result,
    feeds::overview::{self, Wanted},
    web::{
        pages::{Page, PageContext, form::filled, format::count},
        parameters::{FromParameters, Parameters, StrictQuery},
    },
};

#[derive(Template, WebTemplate)]
#[template(path = "admin/feeds.html")]
pub(super) struct FeedsPage {
    page: Page,
    notice: Option<&'static str>,
    feeds: Vec<FeedView>,
    zone: Tz,
}

/// What was just done.
#[derive(Default)]
pub(super) struct View {
    pub done: Option<Done>,
}

impl FromParameters for View {
    const NAMES: &'static [&'static str] = &["done"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        Ok(Self { done: filled(parameters, "done")? })
    }
}

pub(super) async fn show(
    context: PageContext,
    State(app): State<App>,
    StrictQuery(view): StrictQuery<View>,
) -> Result<FeedsPage> {
    let context = context.admin()?;
    let mut conn = app.pool.acquire().await?;
    let feeds = overview::feeds(&app, &mut conn, &Wanted::all(Reader::ADMIN)).await?;
    let zone = app.config.curve_timezone;
    let today = Today { now: app.clock.now(), zone };
    let feeds = feeds.into_iter().map(|feed| FeedView::of(feed, today));
    Ok(FeedsPage {
        page: context.page("Feeds"),
        notice: view.done.map(Done::sentence),
        feeds: feeds.collect(),
        zone,
    })
}
