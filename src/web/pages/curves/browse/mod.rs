//! `GET /curves/versions`: browse days and versions, a table and a chart, two versions side by side.
//!
//! Every view is a URL. The chart reads the table that stands in the page.

mod compare;
mod grid;
mod query;

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::NaiveDate;
use chrono_tz::Tz;

use self::{compare::Comparison, grid::Grid, query::View};
use super::super::{
    Page,
    context::PageContext,
    form::{Choice, keep_granted, url},
    format::{Cell, count, family_name, instant, iso_name, time_of_day, time_on},
};
use super::market::known_at_header;
use crate::{
    app::App,
    auth::Role,
    db::{
        data,
        pages::{self, OperatingDay, SeriesLabels, VersionChoice, VersionHeader},
        sight::Granted,
        snapshot::Snapshot,
    },
    domain::{Axis, Dataset},
    error::{Problem, Result},
    web::parameters::StrictQuery,
};

/// Days that the picker offers.
const DAYS: i64 = 750;

/// Versions that a version can be compared with by the list.
const COMPARABLE: i64 = 60;

/// Series that are shown when none was chosen, and where each has but one value.
const SHOWN: usize = 3;
const MOST_SHOWN: usize = 500;

/// The page's route.
pub fn routes() -> Router<App> {
    Router::new().route("/curves/versions", get(curves))
}

#[derive(Template, WebTemplate)]
#[template(path = "curves_empty.html")]
struct EmptyPage {
    page: Page,
    pick: Pick,
    name: String,
    writes: bool,
}

#[derive(Template, WebTemplate)]
#[template(path = "curves_versions.html")]
struct CurvesPage {
    page: Page,
    pick: Pick,
    name: String,
    note: Option<String>,
    view: View,
    day: NaiveDate,
    version: i64,
    /// The version as a market, where it has contract months.
    market: Option<String>,
    versions: Vec<VersionRow>,
    series: Vec<SeriesRow>,
    choices: Vec<DayChoices>,
    content: Content,
}

/// What stands on the right.
enum Content {
    Grid(Grid),
    Comparison(Box<Comparison>),
}

/// The form that chooses curve, ISO and day.
struct Pick {
    curves: Vec<Choice>,
    isos: Vec<Choice>,
    days: Vec<Choice>,
}

struct VersionRow {
    header: VersionHeader,
    time: String,
    known_at: String,
    valid_to: Option<String>,
    points: String,
    url: String,
    compare_url: String,
    shown: bool,
}

struct SeriesRow {
    labels: SeriesLabels,
    name: String,
    chosen: bool,
}

/// The versions of one day that can be compared with.
struct DayChoices {
    day: NaiveDate,
    versions: Vec<Choice>,
}

async fn curves(
    context: PageContext,
    StrictQuery(view): StrictQuery<View>,
    State(app): State<App>,
) -> Result<Response> {
    let wanted = view.dataset()?;
    let datasets = wanted.map_or_else(|| Dataset::all().collect(), |dataset| vec![dataset]);
    let mut snapshot = app.snapshot(&context.principal, &datasets, view.as_of).await?;
    let known_at = known_at_header(snapshot.view.known_at)?;
    let granted = app.granted(&context.principal).await?;
    let answer = answer(&app, &mut snapshot, &context, &granted, (wanted, view)).await?;
    snapshot.finish().await?;
    Ok((known_at, answer).into_response())
}

/// Everything is read from the one snapshot: a file that comes in meanwhile is on the next page.
async fn answer(
    app: &App,
    snapshot: &mut Snapshot,
    context: &PageContext,
    granted: &Granted,
    (wanted, view): (Option<Dataset>, View),
) -> Result<Response> {
    let dataset = match wanted {
        Some(dataset) => dataset,
        None => first_dataset(snapshot).await?,
    };
    let days = pages::operating_days(snapshot, &[dataset.id()], DAYS).await?;
    let Some(newest) = days.first().map(|day| day.day) else {
        return Ok(EmptyPage::new(context, granted, dataset).into_response());
    };
    let chosen = choose_version(snapshot, dataset, &view, &days, newest).await?;
    let view = View { version: Some(chosen.0.id), ..view.of(dataset, chosen.0.operating_day) };
    let page = context.page("Curves");
    let mut page = CurvesPage::load(app, snapshot, page, dataset, view, &days, chosen).await?;
    keep_granted(granted, &mut page.pick.curves, &mut page.pick.isos);
    Ok(page.into_response())
}

/// The first dataset that has a version, energy before the others.
async fn first_dataset(snapshot: &mut Snapshot) -> Result<Dataset> {
    let newest = pages::newest_versions(snapshot).await?;
    let first = newest.first().and_then(|version| Dataset::from_id(version.dataset_id));
    first
        .or_else(|| Dataset::all().next())
        .ok_or_else(|| Problem::not_found("No dataset is known."))
}

/// The version that was asked for, else the newest of the day, else the newest of all with a note.
async fn choose_version(
    snapshot: &mut Snapshot,
    dataset: Dataset,
    view: &View,
    days: &[OperatingDay],
    newest: NaiveDate,
) -> Result<(VersionHeader, Option<String>)> {
    if let Some(id) = view.version {
        let found = pages::version(snapshot, dataset, id).await?;
        let problem =
            || Problem::not_found(format!("There is no version {id} of {dataset} curves."));
        return found.map(|version| (version, None)).ok_or_else(problem);
    }
    let wanted = view.day.unwrap_or(newest);
    let note = (!days.iter().any(|day| day.day == wanted)).then(|| {
        format!("There is no {dataset} curve of {wanted}. This is the newest one, of {newest}.")
    });
    let day = if note.is_some() { newest } else { wanted };
    let versions = pages::versions_of_day(snapshot, dataset, day).await?;
    let first = versions.into_iter().next();
    let version =
        first.ok_or_else(|| Problem::not_found(format!("There is no curve of {day}.")))?;
    Ok((version, note))
}

impl EmptyPage {
    fn new(context: &PageContext, granted: &Granted, dataset: Dataset) -> Self {
        let mut pick = Pick::new(dataset, &[], "");
        keep_granted(granted, &mut pick.curves, &mut pick.isos);
        Self {
            page: context.page("Curves"),
            pick,
            name: name_of(dataset),
            writes: context.principal.role >= Role::ReadWrite,
        }
    }
}

impl CurvesPage {
    async fn load(
        app: &App,
        snapshot: &mut Snapshot,
        page: Page,
        dataset: Dataset,
        view: View,
        days: &[OperatingDay],
        (version, note): (VersionHeader, Option<String>),
    ) -> Result<Self> {
        let day = version.operating_day;
        let zone = app.config.curve_timezone;
        let versions = pages::versions_of_day(snapshot, dataset, day).await?;
        let others = pages::versions_until(snapshot, dataset, day, COMPARABLE).await?;
        let labels = pages::series_of(snapshot, dataset, version.id).await?;
        let axis = data::axis(snapshot.connection(), version.id).await?;
        // One value each: all of them are a table.
        let usual = if axis == Axis::Single { MOST_SHOWN } else { SHOWN };
        let mut chosen = chosen_series(&view, &labels, usual);
        let this = (&version, &axis);
        let content = if let Some(other) = view.compare {
            let compared = Comparison::load(app, snapshot, dataset, &view, this, other).await?;
            Content::Comparison(Box::new(compared))
        } else {
            let part = view.part.as_deref();
            Content::Grid(Grid::load(snapshot, dataset, this, &labels, &chosen, part).await?)
        };
        if let Content::Comparison(comparison) = &content {
            chosen = comparison.shown.iter().map(|shown| shown.id).collect();
        }
        Ok(Self {
            page,
            pick: Pick::new(dataset, days, &day.to_string()),
            name: name_of(dataset),
            note,
            day,
            versions: versions.into_iter().map(|v| VersionRow::new(v, &view, zone)).collect(),
            series: labels.into_iter().map(|labels| SeriesRow::new(labels, &chosen)).collect(),
            choices: group_by_day(others, &view, zone),
            version: version.id,
            market: matches!(axis, Axis::Months(_)).then(|| market_url(dataset, version.id)),
            view,
            content,
        })
    }
}

/// The ids that were asked for, as far as the version has them, else its first few.
fn chosen_series(view: &View, labels: &[SeriesLabels], usual: usize) -> Vec<i64> {
    let known = |id: &i64| labels.iter().any(|series| series.id == *id);
    let mut chosen: Vec<i64> = view.series.iter().copied().filter(known).collect();
    if chosen.is_empty() {
        chosen.extend(labels.iter().take(usual).map(|series| series.id));
    }
    chosen
}

fn market_url(dataset: Dataset, version: i64) -> String {
    let Dataset { family, iso } = dataset;
    let pairs = [("curve", family.to_string()), ("iso", iso.to_string())];
    url("/curves", pairs.into_iter().chain([("version", version.to_string())]))
}

fn name_of(dataset: Dataset) -> String {
    format!("{} {}", iso_name(dataset.iso), family_name(dataset.family).to_lowercase())
        .replace(" rec", " REC")
}

impl Pick {
    fn new(dataset: Dataset, days: &[OperatingDay], day: &str) -> Self {
        use crate::domain::{Family, Iso};
        let (curve, iso) = (dataset.family.as_str(), dataset.iso.as_str());
        Self {
            curves: Family::ALL.iter().map(|&f| Choice::new(f, family_name(f), curve)).collect(),
            isos: Iso::ALL.iter().map(|&i| Choice::new(i, iso_name(i), iso)).collect(),
            days: days
                .iter()
                .map(|d| {
                    let cob = if d.cob { ", COB" } else { "" };
                    let plural = if d.versions == 1 { "" } else { "s" };
                    let name = format!("{} ({} version{plural}{cob})", d.day, d.versions);
                    Choice::new(d.day, name, day)
                })
                .collect(),
        }
    }
}

impl VersionRow {
    fn new(header: VersionHeader, view: &View, zone: Tz) -> Self {
        let shown = view.version == Some(header.id);
        let of_this = View { version: Some(header.id), compare: None, ..view.clone() };
        let with_this = View { compare: Some(header.id), ..view.clone() };
        Self {
            time: time_of_day(header.curve_timestamp, zone),
            known_at: time_on(header.operating_day, header.known_at, zone),
            valid_to: header.valid_to.map(|at| time_on(header.operating_day, at, zone)),
            points: count(header.points.into()),
            url: of_this.url(),
            compare_url: with_this.url(),
            shown,
            header,
        }
    }
}

impl SeriesRow {
    fn new(labels: SeriesLabels, chosen: &[i64]) -> Self {
        Self { name: grid::series_name(&labels), chosen: chosen.contains(&labels.id), labels }
    }
}

fn group_by_day(others: Vec<VersionChoice>, view: &View, zone: Tz) -> Vec<DayChoices> {
    let chosen = view.compare.map(|id| id.to_string()).unwrap_or_default();
    let mut days: Vec<DayChoices> = Vec::new();
    for other in others.into_iter().filter(|other| view.version != Some(other.id)) {
        let cob = if other.cob { " COB" } else { "" };
        let name = format!("{}{cob}", instant(other.curve_timestamp, zone));
        let choice = Choice::new(other.id, name, &chosen);
        match days.last_mut().filter(|last| last.day == other.operating_day) {
            Some(last) => last.versions.push(choice),
            None => days.push(DayChoices { day: other.operating_day, versions: vec![choice] }),
        }
    }
    days
}
