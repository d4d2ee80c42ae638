//! `GET /curves`: several series in one chart, their differences, summary and table.

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use chrono::{DateTime, SecondsFormat, Utc};

use super::{
    chart, export,
    form::{MONTHLY, Row, Suggestions, suggestions},
    look::{Look, begin, lead},
    offers::{Picks, additions, shapes, versions_of},
    tables::{Summary, Table},
    view::View,
};
use crate::{
    app::App,
    auth::Role,
    db::{
        saved_views::{self, SavedView},
        sight::Granted,
    },
    domain::{Dataset, Family, Iso},
    error::{Problem, Result},
    extractors::{
        CopyBox,
        analysis::{Series, VersionWish},
    },
    web::{
        pages::{
            Page,
            context::PageContext,
            form::{Choice, keep_granted, url},
            format::{family_name, iso_name},
        },
        parameters::StrictQuery,
    },
};

/// Saved views that the page lists.
pub(super) const SAVED: i64 = 500;

/// The page's route.
pub fn routes() -> Router<App> {
    Router::new().route("/curves", get(market))
}

#[derive(Template, WebTemplate)]
#[template(path = "curves.html")]
struct MarketPage {
    page: Page,
    view: View,
    title: String,
    rows: Vec<Row>,
    lists: Vec<Suggestions>,
    more: Vec<(&'static str, String)>,
    shapes: Vec<(&'static str, String, bool)>,
    notes: Vec<String>,
    picks: Picks,
    chart: String,
    table: Table,
    summary: Option<Summary>,
    files: [(&'static str, String); 2],
    copies: [(&'static str, String); 3],
    versions: String,
    saved: Vec<SavedView>,
    known_at: String,
}

#[derive(Template, WebTemplate)]
#[template(path = "curves_none.html")]
struct NonePage {
    page: Page,
    name: String,
    curves: Vec<Choice>,
    isos: Vec<Choice>,
    writes: bool,
}

async fn market(
    context: PageContext,
    StrictQuery(view): StrictQuery<View>,
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response> {
    let mut snapshot = begin(&app, &context.principal, &view).await?;
    let view = lead(&mut snapshot, view).await?;
    if let Some(elsewhere) = elsewhere(&view) {
        snapshot.finish().await?;
        return Ok(Redirect::to(&elsewhere).into_response());
    }
    let look = Look::at(&app, &mut snapshot, view).await?;
    snapshot.finish().await?;
    let granted = app.granted(&context.principal).await?;
    let saved = saved_views::visible(&app.pool, context.principal.user_id, SAVED).await?;
    let known_at = known_at_header(look.known_at)?;
    if look.series[0].days.is_empty() && look.series[0].trouble.is_some() {
        return Ok((known_at, NonePage::new(&context, &granted, &look.series[0])).into_response());
    }
    let base = export::base_url(&app, &headers);
    Ok((known_at, MarketPage::new(&context, &granted, look, saved, &base)).into_response())
}

/// Curves without contract months are looked at version by version.
fn elsewhere(view: &View) -> Option<String> {
    let first = &view.wishes[0];
    let family = first.curve.filter(|family| !MONTHLY.contains(family))?;
    let text = |value: Option<String>| value.unwrap_or_default();
    let day = first.day.map(|day| day.to_string());
    let version = first.version.filter(|version| matches!(version, VersionWish::Id(_)));
    let pairs = [
        ("curve", family.to_string()),
        ("iso", text(first.iso.map(|iso| iso.to_string()))),
        ("day", text(day)),
        ("version", text(version.map(|version| version.to_string()))),
    ];
    Some(url("/curves/versions", pairs))
}

/// The header that repeats the answer.
pub(super) fn known_at_header(known_at: DateTime<Utc>) -> Result<HeaderMap> {
    let text = known_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let value = HeaderValue::from_str(&text).map_err(|error| Problem::internal(&error))?;
    Ok(HeaderMap::from_iter([(HeaderName::from_static("x-known-at"), value)]))
}

impl NonePage {
    fn new(context: &PageContext, granted: &Granted, first: &Series) -> Self {
        let Dataset { family, iso } = first.dataset;
        let (curve, place) = (family.to_string(), iso.to_string());
        let name = format!("{} {}", iso_name(iso), family_name(family).to_lowercase());
        let mut curves =
            Family::ALL.iter().map(|f| Choice::new(f, family_name(*f), &curve)).collect();
        let mut isos = Iso::ALL.iter().map(|i| Choice::new(i, iso_name(*i), &place)).collect();
        keep_granted(granted, &mut curves, &mut isos);
        Self {
            page: context.page("Curves"),
            name: name.replace(" rec", " REC"),
            curves,
            isos,
            writes: context.principal.role >= Role::ReadWrite,
        }
    }
}

impl MarketPage {
    fn new(
        context: &PageContext,
        granted: &Granted,
        look: Look,
        saved: Vec<SavedView>,
        base: &str,
    ) -> Self {
        let Look { view, series, figure, .. } = &look;
        let first = &series[0];
        let title =
            format!("{} {}", iso_name(first.dataset.iso), family_name(first.dataset.family));
        let CopyBox { curl, python, excel } = export::copy_box(&look, base);
        let mut rows = Row::all(view, series, look.zone);
        for row in &mut rows {
            keep_granted(granted, &mut row.curves, &mut row.isos);
        }
        let picks = Picks::new(view, series, &look.labels, look.years.clone());
        let file = |format: &'static str| {
            (format, view.url_at("/curves/export", &[("format", &format.to_lowercase())]))
        };
        Self {
            page: context.page("Curves"),
            rows,
            lists: suggestions(series),
            more: additions(view, series),
            shapes: shapes(view),
            picks,
            chart: chart::data(figure, look.is_month, view.percent),
            table: Table::new(figure, look.is_month),
            files: [file("CSV"), file("XLSX")],
            copies: [("curl", curl), ("Python with pandas", python), ("Excel, Power Query", excel)],
            versions: versions_of(first),
            known_at: look.known_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            title,
            saved,
            notes: look.notes,
            summary: look.summary,
            view: look.view,
        }
    }

    fn own(&self) -> impl Iterator<Item = &SavedView> {
        self.saved.iter().filter(|view| view.own)
    }

    fn shared(&self) -> impl Iterator<Item = &SavedView> {
        self.saved.iter().filter(|view| !view.own)
    }
}
