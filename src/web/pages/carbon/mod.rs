//! `GET /carbon`: the carbon intensity of a region, as it is and as it comes.
//!
//! The page is whole without a script. With one it listens to the stream from the place at which it
//! was made, and asks for nothing else.

mod chart;
mod view;

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};

use self::view::{Found, ORDER, View};
use super::{Page, PageContext};
use crate::{
    app::App,
    db::feeds::{
        carbon::{self, RegionRow},
        retained, stream,
    },
    error::{Problem, Result},
    web::parameters::{FromParameters, NoQuery, Parameters, StrictQuery},
};

/// The region that is shown first, where it has data.
const FIRST: &str = "US-NY-NYISO";

/// The page's routes.
pub fn routes() -> Router<App> {
    Router::new().route("/carbon", get(default)).route("/carbon/{region}", get(region))
}

#[derive(Template, WebTemplate)]
#[template(path = "carbon.html")]
struct CarbonPage {
    page: Page,
    regions: Vec<RegionRow>,
    view: View,
    /// The place in the stream at which the page was made.
    last_event: i64,
    topics: String,
    order: String,
}

#[derive(Template, WebTemplate)]
#[template(path = "carbon_empty.html")]
struct EmptyPage {
    page: Page,
    regions: Vec<RegionRow>,
    /// The region that has nothing; none: no region has.
    region: Option<String>,
}

/// Which region; by the form of the page.
struct Choice(Option<String>);

impl FromParameters for Choice {
    const NAMES: &'static [&'static str] = &["region"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        Ok(Self(p.text("region")?))
    }
}

async fn default(
    context: PageContext,
    StrictQuery(Choice(chosen)): StrictQuery<Choice>,
    State(app): State<App>,
) -> Result<Response> {
    let regions = carbon::regions(&app.pool).await?;
    if let Some(chosen) = chosen {
        // Only to what there is: the address is never that of somewhere else.
        let known =
            regions.iter().find(|row| row.region_id == chosen).ok_or_else(no_such_region)?;
        return Ok(Redirect::to(&format!("/carbon/{}", known.region_id)).into_response());
    }
    let first = regions.iter().find(|row| row.region_id == FIRST).or(regions.first()).cloned();
    match first {
        Some(region) => show(&app, &context, regions, region).await,
        None => Ok(empty(&context, regions, None)),
    }
}

async fn region(
    context: PageContext,
    _: NoQuery,
    Path(id): Path<String>,
    State(app): State<App>,
) -> Result<Response> {
    let regions = carbon::regions(&app.pool).await?;
    if let Some(region) = regions.iter().find(|row| row.region_id == id).cloned() {
        return show(&app, &context, regions, region).await;
    }
    let name = carbon::region_name(&app.pool, &id).await?.ok_or_else(no_such_region)?;
    Ok(empty(&context, regions, Some(name)))
}

fn no_such_region() -> Problem {
    Problem {
        code: "no_such_region",
        ..Problem::not_found("There is no such region; /carbon offers those that there are.")
    }
}

fn empty(context: &PageContext, regions: Vec<RegionRow>, region: Option<String>) -> Response {
    EmptyPage { page: context.page("Carbon"), regions, region }.into_response()
}

async fn show(
    app: &App,
    context: &PageContext,
    regions: Vec<RegionRow>,
    region: RegionRow,
) -> Result<Response> {
    // Before anything else is read: what comes after it is told.
    let last_event = stream::reach(&app.pool).await?.newest;
    let id = region.region_id.clone();
    let page = context.page(&format!("Carbon, {}", region.name));
    let found = read(app, region).await?;
    let topics = ["grid.intensity", "grid.intensity.restated", "grid.fuelmix", "grid.forecast"];
    let topics = topics.map(|topic| format!("{topic}:{id}")).join(",") + ",page.reload:*";
    let view = View::of(found, app.clock.now());
    let order = ORDER.join("|");
    Ok(CarbonPage { page, regions, view, last_event, topics, order }.into_response())
}

async fn read(app: &App, region: RegionRow) -> Result<Found> {
    let only = [region.region_id.clone()];
    Ok(Found {
        now: retained::now(&app.pool, Some(&only)).await?,
        series: retained::series(&app.pool, Some(&only)).await?,
        forecast: retained::forecast(&app.pool, Some(&only)).await?,
        mix: retained::mix(&app.pool, Some(&only)).await?,
        changed_at: carbon::changed_at(&app.pool, &region).await?,
        region,
    })
}
