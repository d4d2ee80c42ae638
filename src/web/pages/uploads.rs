//! `/uploads`: the log, and one upload with its report. Everybody sees their own files and those of
//! datasets that they have a grant for; administrators see all.

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::{Path, State},
    response::IntoResponse,
    routing::get,
};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use super::{
    Page,
    context::PageContext,
    form::{Choice, filled, url},
    format::{self, count, family_name, instant, iso_name},
    report::{Outcome, Report},
};
use crate::{
    app::App,
    audit::{self, Actor},
    auth::{Principal, Role},
    db::pages::{self, LoggedUpload, UploadDetail, UploadFilter},
    domain::{Dataset, Family, Iso},
    error::{Problem, Result},
    web::{
        paging,
        parameters::{FromParameters, NoQuery, Parameters, StrictQuery},
    },
};

/// Entries of a page of the log.
const PAGE: i64 = 50;

/// Outcomes that the log can be filtered by: value and name.
const OUTCOMES: [(&str, &str); 4] = [
    ("stored", "Stored"),
    ("unchanged", "Already stored"),
    ("refused", "Refused"),
    ("dry_run", "Dry runs"),
];

/// The pages' routes.
pub fn routes() -> Router<App> {
    Router::new().route("/uploads", get(log)).route("/uploads/{id}", get(one))
}

/// An entry as the log shows it.
#[derive(Debug)]
pub struct LogRow {
    /// The entry.
    pub upload: LoggedUpload,
    /// When it came, with its zone.
    pub received: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Values read, as far as known.
    pub points: Option<String>,
}

impl LogRow {
    /// Shapes an entry; times in `zone`.
    #[must_use]
    pub fn new(upload: LoggedUpload, zone: Tz) -> Self {
        let status = upload.status.cast_unsigned();
        Self {
            received: instant(upload.received_at, zone),
            outcome: Outcome::of(&upload.code, status, upload.dry_run),
            points: upload.points.map(|points| count(points.into())),
            upload,
        }
    }
}

/// Which part of the log is wanted.
#[derive(Debug, Default)]
pub struct Filter {
    curve: Option<Family>,
    iso: Option<Iso>,
    outcome: Option<String>,
    file: Option<String>,
    who: Option<String>,
    day: Option<NaiveDate>,
    cursor: Option<String>,
}

impl FromParameters for Filter {
    const NAMES: &'static [&'static str] =
        &["curve", "iso", "outcome", "file", "who", "day", "cursor"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        Ok(Self {
            curve: filled(parameters, "curve")?,
            iso: filled(parameters, "iso")?,
            outcome: filled(parameters, "outcome")?,
            file: filled(parameters, "file")?,
            who: filled(parameters, "who")?,
            day: filled(parameters, "day")?,
            cursor: filled(parameters, "cursor")?,
        })
    }
}

impl Filter {
    fn datasets(&self) -> Option<Vec<i16>> {
        if self.curve.is_none() && self.iso.is_none() {
            return None;
        }
        let wanted = |dataset: &Dataset| {
            self.curve.is_none_or(|curve| curve == dataset.family)
                && self.iso.is_none_or(|iso| iso == dataset.iso)
        };
        Some(Dataset::all().filter(wanted).map(Dataset::id).collect())
    }

    fn outcome(&self) -> Result<Option<&'static str>> {
        let Some(text) = &self.outcome else { return Ok(None) };
        let found = OUTCOMES.iter().find(|(value, _)| value == text);
        let wanted = "known are stored, unchanged, refused, dry_run";
        found
            .map(|(value, _)| Some(*value))
            .ok_or_else(|| Problem::bad_parameter("outcome", text, wanted))
    }

    fn to_rows(&self, zone: Tz) -> Result<UploadFilter> {
        let start = |day: NaiveDate| start_of_day(day, zone);
        Ok(UploadFilter {
            datasets: self.datasets(),
            outcome: self.outcome()?,
            file: self.file.clone(),
            who: self.who.clone(),
            from: self.day.and_then(start),
            until: self.day.and_then(|day| day.checked_add_days(Days::new(1))).and_then(start),
            after: self.cursor.as_deref().map(read_cursor).transpose()?,
        })
    }

    /// This view at `path`, going on after `cursor`.
    fn url(&self, path: &str, cursor: String) -> String {
        let pairs = [
            ("curve", self.curve.map(|curve| curve.to_string()).unwrap_or_default()),
            ("iso", self.iso.map(|iso| iso.to_string()).unwrap_or_default()),
            ("outcome", self.outcome.clone().unwrap_or_default()),
            ("file", self.file.clone().unwrap_or_default()),
            ("who", self.who.clone().unwrap_or_default()),
            ("day", self.day.map(|day| day.to_string()).unwrap_or_default()),
            ("cursor", cursor),
        ];
        url(path, pairs)
    }
}

/// The first instant of `day` in `zone`; where midnight was skipped, the hour after.
pub fn start_of_day(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let midnight = day.and_time(NaiveTime::MIN);
    let candidates = [midnight, midnight + chrono::Duration::hours(1)];
    candidates
        .into_iter()
        .find_map(|at| zone.from_local_datetime(&at).earliest())
        .map(|at| at.with_timezone(&Utc))
}

fn read_cursor(text: &str) -> Result<(DateTime<Utc>, Uuid)> {
    let read = || {
        let (micros, id) = text.split_once('.')?;
        Some((paging::instant(micros)?, id.parse().ok()?))
    };
    read().ok_or_else(|| {
        Problem::bad_parameter("cursor", text, "take it from the link to the next page")
    })
}

/// A part of the log with its filters, as a page shows it.
#[derive(Debug)]
pub struct LogView {
    /// Where it is.
    pub path: &'static str,
    /// Curves to choose from.
    pub curves: Vec<Choice>,
    /// ISOs to choose from.
    pub isos: Vec<Choice>,
    /// Outcomes to choose from.
    pub outcomes: Vec<Choice>,
    /// What the file's name contains.
    pub file: String,
    /// What the sender's e-mail contains.
    pub who: String,
    /// The day of receipt.
    pub day: String,
    /// Whether anything is chosen.
    pub filtered: bool,
    /// The entries.
    pub uploads: Vec<LogRow>,
    /// Where older ones are.
    pub next: Option<String>,
    /// In which zone times are told.
    pub zone: Tz,
}

impl LogView {
    /// Reads the part that `filter` wants, as `principal` sees it.
    pub async fn read(
        app: &App,
        principal: &Principal,
        path: &'static str,
        filter: &Filter,
    ) -> Result<Self> {
        let zone = app.config.curve_timezone;
        let wanted = filter.to_rows(zone)?;
        // One more than is shown tells whether there is a next page.
        let viewer = app.viewer(principal);
        let mut rows = pages::uploads(&app.pool, viewer, &wanted, PAGE + 1).await?;
        let more = paging::cut(&mut rows, PAGE);
        let next = rows.last().filter(|_| more).map(|last| {
            filter.url(path, format!("{}.{}", last.received_at.timestamp_micros(), last.id))
        });
        let uploads = rows.into_iter().map(|upload| LogRow::new(upload, zone)).collect();
        Ok(Self { uploads, next, ..Self::empty(path, filter, zone) })
    }

    fn empty(path: &'static str, filter: &Filter, zone: Tz) -> Self {
        let curve = filter.curve.map(Family::as_str).unwrap_or_default();
        let iso = filter.iso.map(Iso::as_str).unwrap_or_default();
        let outcome = filter.outcome.as_deref().unwrap_or_default();
        Self {
            path,
            curves: Family::ALL.iter().map(|&f| Choice::new(f, family_name(f), curve)).collect(),
            isos: Iso::ALL.iter().map(|&i| Choice::new(i, iso_name(i), iso)).collect(),
            outcomes: OUTCOMES.iter().map(|(v, name)| Choice::new(v, name, outcome)).collect(),
            file: filter.file.clone().unwrap_or_default(),
            who: filter.who.clone().unwrap_or_default(),
            day: filter.day.map(|day| day.to_string()).unwrap_or_default(),
            filtered: filter.url(path, String::new()) != path,
            uploads: Vec::new(),
            next: None,
            zone,
        }
    }
}

#[derive(Template, WebTemplate)]
#[template(path = "uploads.html")]
struct LogPage {
    page: Page,
    log: LogView,
}

async fn log(
    context: PageContext,
    StrictQuery(filter): StrictQuery<Filter>,
    State(app): State<App>,
) -> Result<impl IntoResponse> {
    let context = context.writer()?;
    let log = LogView::read(&app, &context.principal, "/uploads", &filter).await?;
    Ok(LogPage { page: context.page("Upload log"), log })
}

#[derive(Template, WebTemplate)]
#[template(path = "upload_detail.html")]
struct DetailPage {
    page: Page,
    upload: UploadDetail,
    received: String,
    size: String,
    report: Report,
    /// The document and its annotated copy are for the uploader and administrators.
    copy: bool,
}

async fn one(
    context: PageContext,
    Path(id): Path<String>,
    _: NoQuery,
    State(app): State<App>,
    actor: Actor,
) -> Result<impl IntoResponse> {
    let context = context.writer()?;
    let missing =
        || Problem::not_found(format!("There is no upload {id:?}; the log lists them all."));
    let id: Uuid = id.parse().map_err(|_| missing())?;
    let who = &context.principal;
    let upload = pages::upload(&app.pool, app.viewer(who), id).await?.ok_or_else(missing)?;
    if !upload.visible {
        audit::refused(&app, &actor, ("upload", id)).await?;
        return Err(missing());
    }
    let report = Report::read(&upload.report);
    Ok(DetailPage {
        page: context.page(report.file.as_deref().unwrap_or("Upload")),
        received: instant(upload.received_at, app.config.curve_timezone),
        size: format::bytes(upload.bytes),
        copy: upload.kept && (who.role == Role::Admin || who.user_id == upload.uploader),
        report,
        upload,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is() {
        let id = Uuid::from_u128(7);
        assert_eq!(read_cursor(&format!("1500000.{id}")).unwrap().1, id);
        for wrong in ["", "1.2", "x.y", "99999999999999999999.1"] {
            assert_eq!(read_cursor(wrong).unwrap_err().code, "bad_parameter");
        }
    }

    #[test]
    fn a_day_begins_after_a_skipped_midnight() {
        let day = NaiveDate::from_ymd_opt(2024, 4, 26).unwrap_or_default();
        let start = start_of_day(day, chrono_tz::Africa::Cairo).unwrap();
        assert_eq!(start.to_rfc3339(), "2024-04-25T22:00:00+00:00");
    }
}
