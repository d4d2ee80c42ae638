//! `GET /headroom`: how much cheaper offers are than the price to compare, as a map and a table.

mod map;
mod print;
mod view;

use askama::Template;
use askama_web::WebTemplate;
use axum::{Router, extract::State, http::HeaderMap, response::IntoResponse, routing::get};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use self::{
    map::Map,
    view::{Choices, View},
};
use super::{
    Page, PageContext, download,
    form::keep_granted,
    format::{instant, iso_name},
};
use crate::{
    app::App,
    auth::Principal,
    db::headroom::reads::{self, HeadroomVersion, RecordRow, UnmatchedRow},
    domain::{Source, headroom::Remark},
    error::Result,
    extractors::{
        copy_box::{CopyBox, copy_box},
        query::Query,
    },
    web::parameters::{FromParameters as _, Parameters, StrictQuery},
};

/// How many records the map is made of at the most; the lists have them all.
const READ: i64 = 20_000;

/// How many records, and offers without one, the tables show.
const SHOWN: usize = 500;

/// How many versions the history shows.
const HISTORY: i64 = 12;

/// The page's route.
pub fn routes() -> Router<App> {
    Router::new().route("/headroom", get(headroom))
}

#[derive(Template, WebTemplate)]
#[template(path = "headroom.html")]
struct HeadroomPage {
    page: Page,
    view: View,
    choices: Choices,
    known_at: String,
    /// The same view as it is now, for ever.
    permanent: String,
    map: Map,
    records: Vec<Record>,
    /// Records of the view, shown or not.
    found: usize,
    /// Whether there are more than the map is made of.
    cut: bool,
    unmatched: Vec<Unmatched>,
    /// How many offers have no record, by reason.
    reasons: Vec<(&'static str, &'static str, usize)>,
    versions: Vec<VersionRow>,
    copies: Option<[(&'static str, String); 3]>,
}

struct Record {
    row: RecordRow,
    iso: &'static str,
    ptc: String,
    price: String,
    headroom: String,
    percent: String,
}

struct Unmatched {
    row: UnmatchedRow,
    iso: &'static str,
    why: &'static str,
}

struct VersionRow {
    headroom: HeadroomVersion,
    iso: &'static str,
    url: String,
    matrix: String,
    ptc: String,
    known_at: String,
    shown: bool,
}

/// What was read, up to one cut-off.
struct Found {
    known_at: DateTime<Utc>,
    records: Vec<RecordRow>,
    unmatched: Vec<UnmatchedRow>,
    versions: Vec<HeadroomVersion>,
}

async fn headroom(
    context: PageContext,
    StrictQuery(view): StrictQuery<View>,
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<impl IntoResponse> {
    let mut found = read(&app, &context.principal, &view).await?;
    let zone = app.config.curve_timezone;
    let cut = found.records.len() > usize::try_from(READ).unwrap_or(usize::MAX);
    let mut choices = Choices::of(&view, &found.records);
    let granted = app.granted(&context.principal).await?;
    keep_granted(&granted, &mut Vec::new(), &mut choices.isos);
    found.records.retain(|row| view.shows(row));
    let permanent = View { as_of: Some(found.known_at), ..view.clone() };
    let shown: Vec<i64> = found.records.iter().map(|row| row.version_id).collect();
    Ok(HeadroomPage {
        page: context.page("Headroom"),
        copies: copies(&view, &download::base_url(&app, &headers)),
        choices,
        known_at: instant(found.known_at, zone),
        permanent: permanent.url(),
        map: Map::of(&found.records),
        found: found.records.len(),
        cut,
        reasons: reasons(&found.unmatched),
        versions: found
            .versions
            .into_iter()
            .map(|v| VersionRow::new(v, &view, zone, &shown))
            .collect(),
        unmatched: found.unmatched.into_iter().take(SHOWN).map(Unmatched::new).collect(),
        records: found.records.into_iter().take(SHOWN).map(Record::new).collect(),
        view,
    })
}

async fn read(app: &App, principal: &Principal, view: &View) -> Result<Found> {
    let isos = view.area().members();
    let sources: Vec<Source> = isos.iter().map(|&iso| Source::Headroom(iso)).collect();
    let mut snapshot = app.snapshot(principal, &sources, view.as_of).await?;
    let (basis, wanted) = (view.basis(), view.wanted(READ + 1));
    let (connection, view) = snapshot.parts();
    let known_at = view.known_at;
    let records = reads::records(connection, view, basis, &wanted).await?;
    let unmatched = reads::unmatched(connection, view, basis, &wanted).await?;
    let versions = reads::history(connection, view, isos, None, None, HISTORY).await?;
    snapshot.finish().await?;
    Ok(Found { known_at, records, unmatched, versions })
}

/// The download in other tools.
fn copies(view: &View, base: &str) -> Option<[(&'static str, String); 3]> {
    let link = view.data("csv");
    let query = link.split_once('?').map(|(_, query)| query);
    let mut parameters = Parameters::parse(query, Query::NAMES).ok()?;
    let CopyBox { curl, python, excel } =
        copy_box(&Query::from_parameters(&mut parameters).ok()?, base);
    Some([("curl", curl), ("Python with pandas", python), ("Excel, Power Query", excel)])
}

fn reasons(unmatched: &[UnmatchedRow]) -> Vec<(&'static str, &'static str, usize)> {
    let counted = Remark::REASONS.iter().map(|reason| {
        let count = unmatched.iter().filter(|row| row.code == reason.as_str()).count();
        (reason.as_str(), words(*reason), count)
    });
    counted.filter(|(.., count)| *count > 0).collect()
}

const fn words(remark: Remark) -> &'static str {
    match remark {
        Remark::NoMatchingId => "no price to compare has its Lookup ID1 as Matching ID",
        Remark::NoPtcMonth => "no price to compare for the month in which it begins",
        Remark::PtcGap => "the price to compare of a month is missing or no price of energy",
        Remark::NoTotalLine => "the matrix has no line Total Bundled Price",
        Remark::NullPrice => "the matrix has no price of energy in the line Total Bundled Price",
        Remark::AmbiguousMatch => "it matches several prices to compare",
    }
}

fn name_of(source: i16) -> &'static str {
    Source::from_id(source).map(|source| iso_name(source.iso())).unwrap_or_default()
}

impl Record {
    fn new(row: RecordRow) -> Self {
        Self {
            iso: name_of(row.dataset_id),
            ptc: print::per_kwh(row.ptc),
            price: print::per_kwh(row.retail_price),
            headroom: print::per_kwh(row.headroom),
            percent: row.headroom_pct.map(|p| print::signed(p, 2)).unwrap_or_default(),
            row,
        }
    }
}

impl Unmatched {
    fn new(row: UnmatchedRow) -> Self {
        let why = row.code.parse().map(words).unwrap_or_default();
        Self { iso: name_of(row.dataset_id), why, row }
    }
}

impl VersionRow {
    fn new(version: HeadroomVersion, view: &View, zone: Tz, shown: &[i64]) -> Self {
        let of = View {
            iso: Source::from_id(version.dataset_id).and_then(|s| s.iso().as_str().parse().ok()),
            version: Some(version.id),
            day: None,
            ..view.clone()
        };
        Self {
            iso: name_of(version.dataset_id),
            url: of.url(),
            matrix: instant(version.curve_timestamp, zone),
            ptc: instant(version.ptc_timestamp, zone),
            known_at: instant(version.known_at, zone),
            shown: shown.contains(&version.id),
            headroom: version,
        }
    }
}
