//! `/admin/jobs`: what works in the background, what failed, and trying it again.

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};

use crate::{
    app::App,
    audit::Actor,
    db::jobs::{self as rows, JobFilter, JobId, JobKind, JobPlace, JobRow, JobState},
    domain::{Dataset, Iso, words},
    error::Result,
    jobs,
    web::{
        body::{StrictForm, missing},
        pages::{
            Page, PageContext,
            form::{Choice, filled, url},
            format::{count, family_name, instant, iso_name},
        },
        paging,
        parameters::{FromParameters, NoQuery, Parameters, StrictQuery},
    },
};

/// Jobs of a page.
const PAGE: i64 = 50;

/// The page and its forms.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/jobs", get(show))
        .route("/admin/jobs/headroom", post(run))
        .route("/admin/jobs/{id}/retry", post(retry))
}

/// A job as the page shows it.
#[derive(Debug)]
struct JobView {
    id: JobId,
    kind: String,
    about: String,
    set_off: String,
    state: String,
    class: &'static str,
    attempts: i32,
    last: Option<String>,
    error: Option<String>,
    is_done: bool,
}

#[derive(Template, WebTemplate)]
#[template(path = "admin/jobs.html")]
struct JobsPage {
    page: Page,
    error: Option<String>,
    notice: Option<&'static str>,
    kinds: Vec<JobKind>,
    choices: Vec<Choice>,
    states: Vec<Choice>,
    isos: Vec<Choice>,
    filtered: bool,
    jobs: Vec<JobView>,
    older: Option<String>,
    zone: chrono_tz::Tz,
}

words! {
    /// What was just done.
    Done("something done") {
        /// A job is tried again.
        Retried = "retried",
        /// Headroom is computed.
        Run = "run",
    }
}

/// Which jobs, and what was just done.
#[derive(Default)]
struct View {
    kind: Option<String>,
    state: Option<JobState>,
    before: Option<JobPlace>,
    done: Option<Done>,
}

impl FromParameters for View {
    const NAMES: &'static [&'static str] = &["kind", "state", "before", "done"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        Ok(Self {
            kind: filled(parameters, "kind")?,
            state: filled(parameters, "state")?,
            before: filled(parameters, "before")?,
            done: filled(parameters, "done")?,
        })
    }
}

impl View {
    /// This view, from before a job on.
    fn url(&self, before: Option<JobPlace>) -> String {
        let pairs = [
            ("kind", self.kind.clone().unwrap_or_default()),
            ("state", self.state.map(|state| state.to_string()).unwrap_or_default()),
            ("before", before.map(|place| place.to_string()).unwrap_or_default()),
        ];
        url("/admin/jobs", pairs)
    }
}

impl JobsPage {
    async fn load(app: &App, context: &PageContext, view: View) -> Result<Self> {
        let zone = app.config.curve_timezone;
        let kinds = rows::kinds(&app.pool).await?;
        let (kind, state, before) = (view.kind.clone(), view.state, view.before.clone());
        let filter = JobFilter { kind, state, before };
        let mut jobs = rows::list(&app.pool, &filter, PAGE + 1).await?;
        let more = paging::cut(&mut jobs, PAGE);
        let older = jobs.last().filter(|_| more).map(|last| view.url(Some(last.place())));
        let kind = view.kind.as_deref().unwrap_or_default();
        let state = view.state.map(JobState::as_str).unwrap_or_default();
        Ok(Self {
            page: context.page("Jobs"),
            error: None,
            notice: view.done.map(|done| match done {
                Done::Retried => "The job is due now; the page shows what becomes of it.",
                Done::Run => "The headroom is looked at anew; what is missing is computed.",
            }),
            choices: kinds.iter().map(|k| Choice::new(&k.kind, &k.name, kind)).collect(),
            states: JobState::ALL.iter().map(|s| Choice::new(s, s, state)).collect(),
            isos: Iso::ALL.iter().map(|&iso| Choice::new(iso, iso_name(iso), "")).collect(),
            filtered: view.url(None) != "/admin/jobs",
            jobs: jobs.into_iter().map(|job| JobView::new(job, &kinds, zone)).collect(),
            kinds,
            older,
            zone,
        })
    }
}

impl JobView {
    fn new(job: JobRow, kinds: &[JobKind], zone: chrono_tz::Tz) -> Self {
        let name = kinds.iter().find(|kind| kind.kind == job.kind).map(|kind| kind.name.clone());
        let dataset = Dataset::from_id(job.dataset_id);
        let about = dataset.map(|d| format!("{} {}", iso_name(d.iso), family_name(d.family)));
        Self {
            id: job.id(),
            kind: name.unwrap_or(job.kind),
            about: format!("{}, version {}", about.unwrap_or_default(), job.version_id),
            set_off: instant(job.created_at, zone),
            class: match job.state.parse() {
                Ok(JobState::Done) => "good",
                Ok(JobState::Failed) => "bad",
                Ok(JobState::Running) => "info",
                Ok(JobState::Waiting) | Err(_) => "warn",
            },
            is_done: job.state == JobState::Done.as_str(),
            state: job.state,
            attempts: job.attempts,
            last: job.done_at.or(job.last_at).map(|at| instant(at, zone)),
            error: job.last_error,
        }
    }
}

async fn show(
    context: PageContext,
    State(app): State<App>,
    StrictQuery(view): StrictQuery<View>,
) -> Result<JobsPage> {
    let context = context.admin()?;
    JobsPage::load(&app, &context, view).await
}

async fn retry(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<Response> {
    let context = context.admin()?;
    let done = jobs::retry(&app, &actor, &id).await;
    answer(&app, &context, done, Done::Retried).await
}

/// Of which ISO.
struct Wanted(Iso);

impl FromParameters for Wanted {
    const NAMES: &'static [&'static str] = &["iso"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        parameters.value("iso")?.map(Self).ok_or_else(|| missing("iso", " from the form"))
    }
}

async fn run(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    _: NoQuery,
    StrictForm(Wanted(iso)): StrictForm<Wanted>,
) -> Result<Response> {
    let context = context.admin()?;
    let done = jobs::run_headroom(&app, &actor, iso).await;
    answer(&app, &context, done, Done::Run).await
}

/// The page again: with the news, or with what went wrong.
async fn answer(
    app: &App,
    context: &PageContext,
    outcome: Result<JobRow>,
    done: Done,
) -> Result<Response> {
    match outcome {
        Ok(_) => Ok(Redirect::to(&format!("/admin/jobs?done={done}")).into_response()),
        Err(problem) if problem.status.is_server_error() => Err(problem),
        Err(problem) => {
            let page = JobsPage::load(app, context, View::default()).await?;
            let error = Some(problem.detail);
            Ok((problem.status, JobsPage { error, ..page }).into_response())
        }
    }
}
