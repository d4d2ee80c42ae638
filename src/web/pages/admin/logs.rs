//! `/admin/logs`: the last log lines of this server. A script follows them; without it one reloads.

use askama::Template;
use askama_web::WebTemplate;
use axum::{Router, extract::State, routing::get};

use crate::{
    app::App,
    error::Result,
    telemetry::lines::{self, KEPT, Line, LogLevel, Wanted},
    web::{
        pages::{
            Page, PageContext,
            form::{Choice, filled, url},
            format::count,
        },
        paging,
        parameters::{FromParameters, Parameters, StrictQuery},
    },
};

/// Lines of a page.
const PAGE: usize = 200;

/// The page.
pub fn routes() -> Router<App> {
    Router::new().route("/admin/logs", get(show))
}

/// A line as the page shows it.
#[derive(Debug)]
struct LineView {
    line: Line,
    class: &'static str,
}

#[derive(Template, WebTemplate)]
#[template(path = "admin/logs.html")]
struct LogsPage {
    page: Page,
    levels: Vec<Choice>,
    search: String,
    here: String,
    is_newest: bool,
    newest: i64,
    lines: Vec<LineView>,
    older: Option<String>,
    kept: String,
}

/// Which lines.
struct View {
    level: Option<LogLevel>,
    search: Option<String>,
    before: Option<i64>,
}

impl FromParameters for View {
    const NAMES: &'static [&'static str] = &["level", "q", "before"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        Ok(Self {
            level: filled(parameters, "level")?,
            search: filled(parameters, "q")?,
            before: filled(parameters, "before")?,
        })
    }
}

impl View {
    /// This view, from before a line on.
    fn url(&self, before: Option<i64>) -> String {
        let pairs = [
            ("level", self.level.map(|level| level.to_string()).unwrap_or_default()),
            ("q", self.search.clone().unwrap_or_default()),
            ("before", before.map(|id| id.to_string()).unwrap_or_default()),
        ];
        url("/admin/logs", pairs)
    }
}

const fn class(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Error => "bad",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug | LogLevel::Trace => "",
    }
}

async fn show(
    context: PageContext,
    State(_): State<App>,
    StrictQuery(view): StrictQuery<View>,
) -> Result<LogsPage> {
    let context = context.admin()?;
    let (level, text, before) = (view.level, view.search.clone(), view.before);
    let wanted = Wanted { level, text, before, after: None };
    // Looked for before the lines: what comes in between is told twice rather than never.
    let newest = lines::newest(&Wanted::default(), 1).first().map(|line| line.id);
    let mut found = lines::newest(&wanted, PAGE + 1);
    let more = paging::cut(&mut found, i64::try_from(PAGE).unwrap_or(i64::MAX));
    let chosen = view.level.map(LogLevel::as_str).unwrap_or_default();
    Ok(LogsPage {
        page: context.page("Logs"),
        levels: LogLevel::ALL.iter().map(|level| Choice::new(level, level, chosen)).collect(),
        older: found.last().filter(|_| more).map(|last| view.url(Some(last.id))),
        here: view.url(None),
        is_newest: view.before.is_none(),
        newest: found.first().map(|line| line.id).or(newest).unwrap_or_default(),
        search: view.search.unwrap_or_default(),
        lines: found.into_iter().map(|line| LineView { class: class(line.level), line }).collect(),
        kept: count(i64::try_from(KEPT).unwrap_or(i64::MAX)),
    })
}
