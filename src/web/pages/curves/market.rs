//! `GET /curves`: several series in one chart, their differences, summary and table.

use std::collections::BTreeMap;

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
use chrono_tz::Tz;

use super::{
    chart::{self, Key},
    export,
    form::{MONTHLY, Row, Suggestions, suggestions},
    tables::{Summary, Table},
    view::{Shape, View},
};
use crate::{
    app::App,
    auth::Role,
    db::{
        pages,
        saved_views::{self, SavedView},
        snapshot::Snapshot,
    },
    domain::{Dataset, Family, Iso},
    error::{Problem, Result},
    extractors::{
        CopyBox,
        analysis::{
            self, DayWish, Figure, Period, Series, Track, VersionWish, Wish, strips, summary_strips,
        },
    },
    web::{
        pages::{
            Page,
            context::PageContext,
            form::{Choice, url},
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

/// What else can be chosen.
struct Picks {
    periods: Vec<Group>,
    /// What a spread is made of: the one, less the other.
    one: Vec<Choice>,
    other: Vec<Choice>,
    /// Calendar strips.
    years: Vec<Choice>,
}

/// Entries of a select under a name.
struct Group {
    name: &'static str,
    choices: Vec<Choice>,
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
    let mut snapshot = begin(&app, &view).await?;
    let view = lead(&mut snapshot, view).await?;
    if let Some(elsewhere) = elsewhere(&view) {
        snapshot.finish().await?;
        return Ok(Redirect::to(&elsewhere).into_response());
    }
    let look = Look::at(&app, &mut snapshot, view).await?;
    snapshot.finish().await?;
    let saved = saved_views::visible(&app.pool, context.principal.user_id, SAVED).await?;
    let known_at = known_at_header(look.known_at)?;
    if look.series[0].days.is_empty() && look.series[0].trouble.is_some() {
        return Ok((known_at, NonePage::new(&context, &look.series[0])).into_response());
    }
    let base = export::base_url(&app, &headers);
    Ok((known_at, MarketPage::new(&context, look, saved, &base)).into_response())
}

/// One snapshot over every dataset that the view may read.
pub(super) async fn begin(app: &App, view: &View) -> Result<Snapshot> {
    let first = &view.wishes[0];
    let of = |wish: &Wish| {
        let family = wish.curve.or(first.curve).unwrap_or(Family::Energy);
        Dataset::new(family, wish.iso.or(first.iso).unwrap_or(Iso::Ercot))
    };
    let open = first.curve.is_none() && first.iso.is_none();
    let mut datasets: Vec<Dataset> = match open {
        true => Dataset::all().collect(),
        false => view.wishes.iter().filter_map(of).collect(),
    };
    datasets.sort_unstable();
    datasets.dedup();
    Ok(Snapshot::begin(&app.pool, &datasets, None).await?)
}

/// An address that names no market shows the first that has a curve, energy before the others.
pub(super) async fn lead(snapshot: &mut Snapshot, mut view: View) -> Result<View> {
    let first = &mut view.wishes[0];
    if first.curve.is_some() || first.iso.is_some() {
        let family = first.curve.unwrap_or(Family::Energy);
        let iso = first.iso.unwrap_or(Iso::Ercot);
        let none = || Problem::not_found(format!("There are no {family} curves for {iso}."));
        Dataset::new(family, iso).ok_or_else(none)?;
        return Ok(view);
    }
    let newest = pages::newest_versions(snapshot).await?;
    let datasets = newest.iter().filter_map(|version| Dataset::from_id(version.dataset_id));
    let mut monthly = datasets.filter(|dataset| MONTHLY.contains(&dataset.family));
    if let Some(dataset) = monthly.next() {
        (first.curve, first.iso) = (Some(dataset.family), Some(dataset.iso));
    }
    Ok(view)
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

/// A view with all that it shows.
pub(super) struct Look {
    pub(super) view: View,
    pub(super) series: Vec<Series>,
    pub(super) figure: Figure,
    pub(super) summary: Option<Summary>,
    /// Whether rows are contract months, or operating days.
    pub(super) is_month: bool,
    pub(super) known_at: DateTime<Utc>,
    notes: Vec<String>,
    years: Vec<Choice>,
    labels: Vec<String>,
    zone: Tz,
}

impl Look {
    /// Reads everything.
    pub(super) async fn at(app: &App, snapshot: &mut Snapshot, view: View) -> Result<Self> {
        let zone = app.config.curve_timezone;
        let series = analysis::read(snapshot, &view.wishes).await?;
        let is_month = view.shape() != Shape::Evolution;
        let mut notes = Vec::new();
        let tracks = match view.shape() {
            Shape::Evolution => evolutions(snapshot, &view, &series, &mut notes).await?,
            _ => {
                let track = |(place, series): (usize, &Series)| track(place, series, zone);
                series.iter().enumerate().filter_map(track).collect()
            }
        };
        let tracks = if view.is("spread") { spread(&view, tracks, &mut notes) } else { tracks };
        let figure = Figure::new(&tracks);
        let known_at = series.first().map_or(snapshot.known_at, |first| first.known_at);
        let labels = series.iter().map(|series| series.label(zone)).collect();
        let mut look = Self {
            view,
            series,
            figure,
            summary: None,
            is_month,
            known_at,
            notes,
            years: Vec::new(),
            labels,
            zone,
        };
        look.sum_up();
        Ok(look)
    }

    /// The strips of the first series' day, over the months that all series have.
    fn sum_up(&mut self) {
        let day = self.series[0].version.as_ref().map(|version| version.operating_day);
        let Some(day) = day.filter(|_| self.is_month && !self.figure.columns.is_empty()) else {
            return;
        };
        let year = self.view.year.unwrap_or(strips::default_year(day));
        let common: Vec<_> = self.figure.common.iter().copied().collect();
        let mut years = strips::complete_years(&common);
        years.push(year);
        years.sort_unstable();
        years.dedup();
        let chosen = year.to_string();
        self.years = years.into_iter().map(|year| Choice::new(year, year, &chosen)).collect();
        self.summary = Some(Summary::new(&self.figure, summary_strips(day, year)));
    }

    /// The name of a file with this view.
    pub(super) fn file_name(&self, extension: &str) -> String {
        let first = &self.series[0];
        let what = match self.view.shape() {
            Shape::Curves => String::new(),
            Shape::Spread => "_spread".to_owned(),
            Shape::Evolution => format!("_evolution_{}", self.view.period()),
        };
        let day = first.version.as_ref().filter(|_| self.is_month);
        let day = day.map(|version| format!("_{}", version.operating_day)).unwrap_or_default();
        let Dataset { family, iso } = first.dataset;
        format!("curves_{family}_{iso}{what}{day}.{extension}")
    }
}

fn track(place: usize, series: &Series, zone: Tz) -> Option<Track> {
    series.block.as_ref()?;
    let (label, unit) = (series.label(zone), series.unit().to_owned());
    Some(Track { place, label, unit, points: series.points.clone() })
}

async fn evolutions(
    snapshot: &mut Snapshot,
    view: &View,
    series: &[Series],
    notes: &mut Vec<String>,
) -> Result<Vec<Track>> {
    let mut tracks = Vec::new();
    for (place, series) in series.iter().enumerate().filter(|(_, series)| series.block.is_some()) {
        let days = (view.from, view.to);
        let points = analysis::evolution(snapshot, series, view.period(), days).await?;
        let selector = match series.selector.cob() {
            None => "latest",
            Some(true) => "COB",
            Some(false) => "intraday",
        };
        if let VersionWish::Id(id) = series.selector {
            let number = place + 1;
            notes.push(format!(
                "Series {number} names version {id}; over days the latest of each is taken."
            ));
        }
        let label = format!("{}: {selector}", series.name());
        tracks.push(Track { place, label, unit: series.unit().to_owned(), points });
    }
    if tracks.iter().all(|track: &Track| track.points.values().all(Option::is_none)) {
        notes.push(format!("No operating day has a price of {}.", view.period().name()));
    }
    Ok(tracks)
}

/// The two legs, what is subtracted first.
fn spread(view: &View, tracks: Vec<Track>, notes: &mut Vec<String>) -> Vec<Track> {
    let Some((b, a)) = view.legs() else {
        notes.push("A spread needs two series: add one, or choose two that are there.".to_owned());
        return tracks;
    };
    let leg = |place: usize| tracks.iter().find(|track| track.place == place).cloned();
    [leg(b), leg(a)].into_iter().flatten().collect()
}

impl NonePage {
    fn new(context: &PageContext, first: &Series) -> Self {
        let Dataset { family, iso } = first.dataset;
        let (curve, place) = (family.to_string(), iso.to_string());
        let name = format!("{} {}", iso_name(iso), family_name(family).to_lowercase());
        Self {
            page: context.page("Curves"),
            name: name.replace(" rec", " REC"),
            curves: Family::ALL.iter().map(|f| Choice::new(f, family_name(*f), &curve)).collect(),
            isos: Iso::ALL.iter().map(|i| Choice::new(i, iso_name(*i), &place)).collect(),
            writes: context.principal.role >= Role::ReadWrite,
        }
    }
}

impl MarketPage {
    fn new(context: &PageContext, look: Look, saved: Vec<SavedView>, base: &str) -> Self {
        let Look { view, series, figure, .. } = &look;
        let first = &series[0];
        let title =
            format!("{} {}", iso_name(first.dataset.iso), family_name(first.dataset.family));
        let CopyBox { curl, python, excel } = export::copy_box(&look, base);
        let [one, other] = legs(view, &look.labels);
        let file = |format: &'static str| {
            (format, view.url_at("/curves/export", &[("format", &format.to_lowercase())]))
        };
        Self {
            page: context.page("Curves"),
            rows: Row::all(view, series, look.zone),
            lists: suggestions(series),
            more: additions(view, series),
            shapes: shapes(view),
            picks: Picks { periods: periods(view, series), one, other, years: look.years.clone() },
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

    fn key(&self, place: &usize) -> Key {
        Key::of(*place)
    }

    fn own(&self) -> impl Iterator<Item = &SavedView> {
        self.saved.iter().filter(|view| view.own)
    }

    fn shared(&self) -> impl Iterator<Item = &SavedView> {
        self.saved.iter().filter(|view| !view.own)
    }
}

/// What an analyst puts beside a curve most often, one step away.
fn additions(view: &View, series: &[Series]) -> Vec<(&'static str, String)> {
    let first = &series[0];
    let mut offered = Vec::new();
    let alike = series.iter().filter(|one| one.dataset == first.dataset);
    let used: Vec<_> = alike.filter_map(|one| Some(&*one.line.as_ref()?.name)).collect();
    let next = first.lines.iter().find(|line| !used.contains(&&*line.name));
    if let Some(line) = next {
        let what = if first.dataset.family == Family::Energy { "zone" } else { "component" };
        let wish = Wish { zone: Some(line.name.clone()), ..Wish::default() };
        offered.push((what, wish));
    }
    if view.shape() == Shape::Evolution {
        return addresses(view, offered);
    }
    offered.extend(
        DayWish::RELATIVE
            .map(|(day, name)| (name, day))
            .map(|(name, day)| (name, Wish { day: Some(day), ..Wish::default() })),
    );
    let has = |cob: bool| first.versions.iter().any(|version| version.cob == cob);
    for (name, version) in [("COB", VersionWish::Cob), ("intraday", VersionWish::Intraday)] {
        let shown = first.version.as_ref().is_none_or(|one| Some(one.cob) == version.cob());
        if has(true) && has(false) && !shown {
            offered.push((name, Wish { version: Some(version), ..Wish::default() }));
        }
    }
    addresses(view, offered)
}

fn addresses(view: &View, offered: Vec<(&'static str, Wish)>) -> Vec<(&'static str, String)> {
    let fits = view.wishes.len() < super::view::SUFFIXES.len();
    let fresh = |(_, wish): &(&str, Wish)| fits && !view.wishes.contains(wish);
    let offered = offered.into_iter().filter(fresh);
    offered.map(|(name, wish)| (name, view.with(wish).url())).collect()
}

fn shapes(view: &View) -> Vec<(&'static str, String, bool)> {
    let named = [
        (Shape::Curves, "Forward curves"),
        (Shape::Evolution, "Evolution"),
        (Shape::Spread, "Spread"),
    ];
    named.map(|(shape, name)| (name, view.shaped(shape).url(), view.shape() == shape)).into()
}

fn periods(view: &View, series: &[Series]) -> Vec<Group> {
    let chosen = view.period().to_string();
    let choice = |period: Period| Choice::new(period, period.name(), &chosen);
    let months = series.iter().find_map(|series| series.version.as_ref());
    let months = months.map(|version| version.months.clone()).unwrap_or_default();
    let years = strips::complete_years(&months).into_iter().map(Period::Calendar);
    let months = months.into_iter().map(crate::domain::ContractMonth::containing);
    let group = |name, choices| Group { name, choices };
    let mut groups = vec![
        group("Moving with the day", Period::MOVING.map(choice).to_vec()),
        group("Calendar years", years.map(choice).collect()),
        group("Contract months", months.map(Period::Month).map(choice).collect()),
    ];
    if !groups.iter().flat_map(|group| &group.choices).any(|choice| choice.chosen) {
        groups.push(group("Chosen", vec![choice(view.period())]));
    }
    groups.retain(|group| !group.choices.is_empty());
    groups
}

fn legs(view: &View, labels: &[String]) -> [Vec<Choice>; 2] {
    let (b, a) = view.legs().unwrap_or((0, 1));
    let choices = |chosen: usize| {
        let chosen = (chosen + 1).to_string();
        let numbered = labels.iter().enumerate();
        numbered.map(|(place, label)| Choice::new(place + 1, label, &chosen)).collect()
    };
    [choices(a), choices(b)]
}

/// Every series of the first series' version.
fn versions_of(first: &Series) -> String {
    let version = first.version.as_ref().map(|version| version.id.to_string());
    let Dataset { family, iso } = first.dataset;
    let pairs: BTreeMap<_, _> = BTreeMap::from([
        ("curve", family.to_string()),
        ("iso", iso.to_string()),
        ("version", version.unwrap_or_default()),
    ]);
    url("/curves/versions", pairs)
}
