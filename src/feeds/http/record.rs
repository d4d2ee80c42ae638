//! Writing down what became of a request: in the database, the log and the numbers.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Fetched, asking::Asking, outcome::Outcome};
use crate::{
    app::App,
    db::feeds::fetches::{self, NewFetch},
    domain::{Sha256, feed::FetchClass},
    feeds::numbers,
    objects::StoreError,
};

/// Findings of one answer that are written down with it.
const MOST_FINDINGS: usize = 200;

/// When and how a request went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course {
    pub(super) attempt: u16,
    /// When its answer came.
    pub(super) at: DateTime<Utc>,
    pub(super) took: Duration,
}

/// Writes down what became of a request, its bytes first.
pub(super) async fn write(
    app: &App,
    asking: &Asking<'_>,
    course: Course,
    outcome: Outcome,
) -> sqlx::Result<Fetched> {
    let document = keep(app, &outcome).await.map_err(|error| {
        // The store is as much a part of the record as the database.
        sqlx::Error::Io(std::io::Error::other(error))
    })?;
    tell(asking, course, &outcome, document.map(|(sha256, _)| sha256));
    let fetch_id = fetches::insert(&app.pool, &row(asking, course, &outcome, document)).await?;
    let pause = outcome.verdict.pause.and_then(|pause| TimeDelta::from_std(pause).ok());
    Ok(Fetched {
        fetch_id,
        class: outcome.verdict.class,
        fetched_at: course.at,
        parsed: outcome.parsed,
        next: outcome.next,
        not_before: pause.map(|pause| course.at + pause),
        message: outcome.verdict.message,
    })
}

async fn keep(app: &App, outcome: &Outcome) -> Result<Option<(Sha256, i64)>, StoreError> {
    let length = i64::try_from(outcome.bytes).unwrap_or(i64::MAX);
    match (&outcome.keep, outcome.known) {
        (Some((sha256, bytes)), _) => {
            app.documents.put(*sha256, bytes.clone()).await?;
            Ok(Some((*sha256, length)))
        }
        (None, known) => Ok(known.map(|sha256| (sha256, length))),
    }
}

fn row<'a>(
    asking: &'a Asking<'_>,
    course: Course,
    outcome: &'a Outcome,
    document: Option<(Sha256, i64)>,
) -> NewFetch<'a> {
    let (errand, ask) = (asking.errand, &asking.errand.ask);
    let about = errand.feed.about();
    NewFetch {
        run_id: errand.run_id,
        feed_id: about.id,
        scope: &ask.scope.scope,
        task_kind: errand.task_kind,
        url_redacted: &asking.shown,
        request_key: asking.request_key,
        window: ask.window,
        page: i32::try_from(ask.page.number()).unwrap_or(i32::MAX),
        attempt: i16::try_from(course.attempt).unwrap_or(i16::MAX),
        status: outcome.status.and_then(|status| i16::try_from(status).ok()),
        class: outcome.verdict.class,
        etag: outcome.etag.as_deref(),
        last_modified: outcome.last_modified.as_deref(),
        answered_at: outcome.date.as_deref(),
        fetched_at: course.at,
        duration_ms: i32::try_from(course.took.as_millis()).unwrap_or(i32::MAX),
        bytes: i64::try_from(outcome.bytes).unwrap_or(i64::MAX),
        document,
        parser_version: about.parser_version,
        findings: findings(outcome),
        lease_epoch: errand.lease_epoch,
        next: outcome.next.as_ref().and_then(|next| serde_json::to_value(next).ok()),
    }
}

/// What is odd: of a page what its feed found, else why it is none.
fn findings(outcome: &Outcome) -> Value {
    let found = outcome.parsed.iter().flat_map(|parsed| &parsed.findings).take(MOST_FINDINGS);
    let found = found.filter_map(|finding| serde_json::to_value(finding).ok());
    let class = outcome.verdict.class.as_str();
    let told = outcome.verdict.message.iter().map(
        |message| json!({ "code": class, "message": message, "at": null, "rejects_row": false }),
    );
    told.chain(found).collect()
}

fn tell(asking: &Asking<'_>, course: Course, outcome: &Outcome, sha256: Option<Sha256>) {
    let (errand, class) = (asking.errand, outcome.verdict.class);
    let feed = errand.feed.about().id;
    numbers::fetched(feed, class, outcome.status.is_some().then_some(course.took));
    if class.is_success() {
        tracing::debug!(feed, run = errand.run_id, %class, bytes = outcome.bytes, "page fetched");
        return;
    }
    if class == FetchClass::Throttled && outcome.status.is_some() {
        numbers::throttled(asking.ready.as_ref().map_or("", |ready| &ready.host));
    }
    tracing::warn!(
        feed,
        run = errand.run_id,
        url = %asking.shown,
        page = errand.ask.page.number(),
        attempt = course.attempt,
        %class,
        sha256 = sha256.map(tracing::field::display),
        why = outcome.verdict.message.as_deref().unwrap_or_default(),
        "page not fetched"
    );
}
