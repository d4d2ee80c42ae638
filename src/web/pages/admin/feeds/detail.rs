//! The page of one scope: how it fares, where rows are missing, and the last answers.

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::{Path, State};
use chrono::TimeDelta;
use serde_json::Value;

use super::{
    Done,
    list::View,
    timeline::{Marks, Strip},
    view::{BackfillView, RowView, Today, has_history, span},
};
use crate::{
    app::App,
    db::feeds::status::{self, FetchInfo, GapFilter, GapInfo, Reader},
    domain::feed::FetchClass,
    error::{Problem, Result},
    feeds::overview::{self, FeedStatus, ScopeStatus, Wanted},
    web::{
        pages::{
            Page, PageContext,
            format::{bytes, count},
        },
        parameters::StrictQuery,
    },
};

/// Answers and gaps that are shown; REST pages through more.
const SHOWN: i64 = 50;

/// Gaps that a strip is drawn with.
const DRAWN: i64 = 1000;

/// What the second strip covers.
const RECENT: TimeDelta = TimeDelta::days(14);

#[derive(Template, WebTemplate)]
#[template(path = "admin/feeds_scope.html")]
pub(super) struct ScopePage {
    page: Page,
    error: Option<String>,
    notice: Option<&'static str>,
    feed: FeedStatus,
    has_history: bool,
    row: RowView,
    facts: Vec<(&'static str, String)>,
    strips: Vec<StripView>,
    gaps: Vec<GapView>,
    more_gaps: bool,
    backfills: Vec<BackfillView>,
    fetches: Vec<FetchView>,
    zone: chrono_tz::Tz,
    csrf: String,
}

struct StripView {
    strip: Strip,
    name: &'static str,
    from: String,
    to: String,
}

struct GapView {
    start: String,
    end: String,
    slots: String,
    state: String,
    class: &'static str,
    tries: i32,
    next: String,
}

struct FetchView {
    number: i64,
    at: String,
    class: String,
    chip: &'static str,
    status: String,
    kind: String,
    window: String,
    url: String,
    page: i32,
    took: i32,
    size: String,
    rows: String,
    findings: Vec<(String, String, String)>,
    has_document: bool,
}

impl ScopePage {
    pub async fn load(
        app: &App,
        context: &PageContext,
        (feed_id, scope): (&str, &str),
        error: Option<String>,
        done: Option<Done>,
    ) -> Result<Self> {
        let mut conn = app.pool.acquire().await?;
        let reader = Reader::ADMIN;
        let wanted = Wanted { feed_id: Some(feed_id), scope: Some(scope), ..Wanted::all(reader) };
        let found = overview::feeds(app, &mut conn, &wanted).await?.into_iter().next();
        let found = found.and_then(|mut feed| Some((feed.scopes.pop()?, feed)));
        let Some((status, feed)) = found else {
            return Err(Problem::not_found(format!(
                "there is no scope {scope} of a feed {feed_id}"
            )));
        };
        let filter = GapFilter {
            feed_id,
            scope: Some(scope),
            state: None,
            before: None,
            reader,
            limit: DRAWN,
        };
        let gaps = status::gaps(&mut conn, &filter).await?;
        let fetches = status::fetches(&mut conn, (feed_id, scope), SHOWN).await?;
        let today = Today { now: app.clock.now(), zone: app.config.curve_timezone };
        let page = context.page(&format!("{scope} · {}", feed.name));
        let shown = usize::try_from(SHOWN).unwrap_or(usize::MAX);
        let step = feed.config.step_seconds.map_or(0, i64::from);
        Ok(Self {
            csrf: page.csrf.clone(),
            page,
            error,
            notice: done.map(Done::sentence),
            row: RowView::of(feed_id, &status, today),
            facts: facts(&feed, &status, today),
            strips: strips(&feed, &status, &gaps, today),
            more_gaps: gaps.len() > shown,
            gaps: gaps.iter().take(shown).map(|gap| GapView::of(gap, step, today)).collect(),
            backfills: status.backfills.iter().map(|one| BackfillView::of(one, today)).collect(),
            fetches: fetches.into_iter().map(|fetch| FetchView::of(fetch, today)).collect(),
            zone: today.zone,
            has_history: has_history(feed_id),
            feed,
        })
    }
}

/// What there is to say, in the order in which one asks.
fn facts(feed: &FeedStatus, scope: &ScopeStatus, today: Today) -> Vec<(&'static str, String)> {
    let length = |secs| span(TimeDelta::seconds(secs));
    let at = |at: Option<_>| at.map(|at| today.at(at));
    let expected = format!(
        "every {}, newest slot up to {} old",
        length(feed.config.poll_every_seconds),
        length(feed.config.expected_lag_seconds)
    );
    let said = [
        ("Newest slot ends", at(scope.high_water)),
        ("That is ago", scope.lag_seconds.map(length)),
        ("Without a hole up to", at(scope.contiguous_to)),
        ("History from", Some(today.at(scope.history_start)).filter(|_| has_history(&feed.feed))),
        ("Asked", Some(expected)),
        ("Next", at(scope.next_due)),
        ("Last good run", at(scope.last_ok)),
        ("Last run", at(scope.last_try)),
        ("Failed in a row", Some(scope.failures).filter(|&n| n > 0).map(|n| n.to_string())),
    ];
    said.into_iter().filter_map(|(name, said)| Some((name, said?))).collect()
}

/// All history, and what is recent of it. Feeds without a primary metric have no slots to miss.
fn strips(
    feed: &FeedStatus,
    scope: &ScopeStatus,
    gaps: &[GapInfo],
    today: Today,
) -> Vec<StripView> {
    if feed.config.primary_metric.is_none() {
        return Vec::new();
    }
    let marks = Marks { high_water: scope.high_water, contiguous_to: scope.contiguous_to };
    let start = scope.history_start;
    let recent = start.max(today.now - RECENT);
    let ranges = [("Since the start of history", start), ("Last 14 days", recent)];
    let strips = ranges.into_iter().filter_map(|(name, from)| {
        let strip = Strip::of((from, today.now), marks, gaps)?;
        Some(StripView { name, from: today.at(strip.from), to: today.at(strip.to), strip })
    });
    strips.collect()
}

impl GapView {
    fn of(gap: &GapInfo, step: i64, today: Today) -> Self {
        let secs = (gap.end_at - gap.start_at).num_seconds();
        Self {
            start: today.at(gap.start_at),
            end: today.at(gap.end_at),
            slots: if step > 0 { count(secs / step) } else { String::new() },
            class: match &*gap.state {
                "open" => "bad",
                "filled" => "good",
                _ => "",
            },
            state: gap.state.replace('_', " "),
            tries: gap.tries,
            next: gap.next_try.map(|at| today.at(at)).unwrap_or_default(),
        }
    }
}

impl FetchView {
    fn of(fetch: FetchInfo, today: Today) -> Self {
        let window = fetch.window_from.zip(fetch.window_to);
        let parts = [
            (fetch.rows_new, "new"),
            (fetch.rows_changed, "changed"),
            (fetch.rows_same, "same"),
            (fetch.rows_rejected, "left out"),
        ];
        let parts = parts.into_iter().filter(|(rows, _)| *rows > 0);
        let parts: Vec<String> =
            parts.map(|(rows, what)| format!("{} {what}", count(rows.into()))).collect();
        Self {
            number: fetch.fetch_id,
            at: today.at(fetch.fetched_at),
            chip: match fetch.class.parse() {
                Ok(FetchClass::Ok) => "good",
                Ok(FetchClass::Unchanged | FetchClass::NotYet | FetchClass::NoData) => "",
                Ok(FetchClass::Throttled | FetchClass::Transient) => "warn",
                _ => "bad",
            },
            class: fetch.class.replace('_', " "),
            status: fetch.status.map_or("no answer".to_owned(), |status| status.to_string()),
            kind: fetch.task_kind,
            window: window
                .map(|(from, to)| format!("{} to {}", today.at(from), today.at(to)))
                .unwrap_or_default(),
            url: fetch.url_redacted,
            page: fetch.page,
            took: fetch.duration_ms,
            size: bytes(fetch.bytes),
            rows: parts.join(", "),
            findings: findings(&fetch.findings),
            has_document: fetch.has_document,
        }
    }
}

/// Code, message and place of each.
fn findings(findings: &Value) -> Vec<(String, String, String)> {
    let text = |finding: &Value, name: &str| {
        finding.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let findings = findings.as_array().into_iter().flatten();
    findings
        .map(|finding| (text(finding, "code"), text(finding, "message"), text(finding, "at")))
        .collect()
}

pub(super) async fn show(
    context: PageContext,
    State(app): State<App>,
    Path((feed, scope)): Path<(String, String)>,
    StrictQuery(view): StrictQuery<View>,
) -> Result<ScopePage> {
    let context = context.admin()?;
    ScopePage::load(&app, &context, (&feed, &scope), None, view.done).await
}
