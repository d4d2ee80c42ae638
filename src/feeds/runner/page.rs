//! The transaction of a page: its rows, its scope's marks, its backfill's place. That of a page that is
//! refused, or whose rows cannot be loaded, has no rows: the slots of its window are found missing.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use super::{
    backfill::{Behind, Tracker},
    marks::{self, Seen},
    walk::Place,
    work::{Ended, RunError, Totals, Work},
};
use crate::{
    db::feeds::{
        fetches, progress,
        runs::{self, Counts},
        tasks::{self, Lease},
        turn,
    },
    domain::feed::{FetchClass, TimeSemantics, Window},
    feeds::{
        Finding, Parsed, Records,
        http::Fetched,
        load::{self, Loaded, Page},
        numbers,
    },
};

/// So many findings of loading are kept with an answer; all are counted.
const MOST_FINDINGS: usize = 200;

/// What loading a page changes about a walk.
#[derive(Debug)]
pub struct After<'a> {
    /// What for.
    pub work: &'a Work<'a>,
    /// The run.
    pub run_id: i64,
    /// What came of it.
    pub totals: Totals,
    /// The backfill that it brings further.
    pub tracker: Option<Tracker>,
    /// Loads nothing.
    pub is_dry: bool,
    /// The window of the last page that brought nothing, and why it did not.
    pub failed: Option<(Window, Ended)>,
}

/// Loads a page; `false`: somebody wants its feed or its backfill to go no further. Nothing is committed when the
/// lease is somebody else's by then.
pub async fn load(
    after: &mut After<'_>,
    place: &Place,
    fetched: Fetched,
    following: Option<&Place>,
) -> Result<bool, RunError> {
    let is_last = fetched.next.is_none();
    after.totals.pages += 1;
    after.totals.windows += u64::from(is_last);
    let refused = (!fetched.class.is_success()).then(|| Ended::of(&fetched));
    if after.is_dry {
        after.would_load(&fetched);
        after.fail(place.window, refused);
        return Ok(true);
    }
    let work = after.work;
    let (now, started) = (work.app.clock.now(), Instant::now());
    let mut tx = work.app.pool.begin().await?;
    let mark = progress::lock(&mut tx, work.place()).await?;
    let lease = tasks::hold(&mut tx, work.task.task_id, work.task.lease_epoch).await?;
    if lease == Lease::Lost {
        return Err(RunError::Lost);
    }
    let (fetch_id, class) = (fetched.fetch_id, fetched.class);
    let is_absent = class == FetchClass::NoData && fetched.parsed.is_none();
    let every_slot = after.tracker.as_ref().is_some_and(|tracker| tracker.row.every_slot);
    let (loaded, unloadable) = match rows(&mut tx, work, place, fetched, every_slot).await {
        Ok(loaded) => (loaded, None),
        // It will be the same the next time.
        Err(RunError::Load(error)) => (Loaded::default(), Some(Ended::unloadable(&error))),
        Err(error) => return Err(error),
    };
    // A document that is not there yet leaves no hole.
    if let Some(mark) = mark.filter(|_| is_last && class != FetchClass::NotYet) {
        let seen = Seen { window: place.window, fetch_id, now, is_absent };
        marks::settle(&mut tx, work, mark, seen).await?;
    }
    after.count(&loaded);
    let failed = after.fail(place.window, refused.or(unloadable));
    let goes_on = match &mut after.tracker {
        None => true,
        Some(tracker) => {
            let behind = Behind { place, following, is_last, failed };
            tracker.advance(&mut tx, work, &behind, &loaded).await?
        }
    };
    if is_last {
        runs::note(&mut tx, after.run_id, &after.totals.to_json(None)).await?;
    }
    tx.commit().await?;
    tell(work, &loaded, started.elapsed());
    Ok(goes_on && lease == Lease::Held)
}

/// Counts a page that is loaded.
fn tell(work: &Work<'_>, loaded: &Loaded, took: Duration) {
    let rows = [loaded.new, loaded.changed, loaded.same, loaded.rejected];
    let codes = loaded.findings.iter().map(|finding| finding.code.as_str());
    numbers::loaded(work.feed.about().id, rows, codes, took);
}

/// Loads the rows, if there are any to load, and notes with the fetch what became of them; all of it, or
/// nothing.
async fn rows(
    conn: &mut PgConnection,
    work: &Work<'_>,
    place: &Place,
    fetched: Fetched,
    every_slot: bool,
) -> Result<Loaded, RunError> {
    // A sweep, a poll and a backfill of a scope may ask for one page at once: it is loaded once.
    let is_loaded = fetched.parsed.is_some() && fetches::is_loaded(conn, fetched.fetch_id).await?;
    let class = if is_loaded { FetchClass::Unchanged } else { fetched.class };
    let parsed = fetched.parsed.filter(|_| !is_loaded);
    let Some(parsed) = parsed.or_else(|| standing_still(work, class)) else {
        return Ok(Loaded::default());
    };
    let mut tx = conn.begin().await?;
    let now = work.app.clock.now();
    let mut loaded = Loaded::default();
    if !parsed.records.is_empty() || is_resampled(work) {
        let page = Page {
            feed: work.feed,
            settings: work.settings,
            scope: &work.scope,
            window: place.window,
            fetch_id: fetched.fetch_id,
            fetched_at: fetched.fetched_at,
            known_at: turn::take(&mut tx, work.scope_no).await?,
            now,
            task_kind: work.kind,
            every_slot,
        };
        loaded = load::load(&mut tx, &page, parsed.records).await?;
    }
    loaded.rejected += rejected(&parsed.findings);
    let counts = Counts {
        new: small(loaded.new),
        changed: small(loaded.changed),
        same: small(loaded.same),
        rejected: small(loaded.rejected),
    };
    let told = &loaded.findings[..loaded.findings.len().min(MOST_FINDINGS)];
    runs::loaded(&mut tx, fetched.fetch_id, counts, json!(told), now).await?;
    tx.commit().await?;
    loaded.findings.extend(parsed.findings);
    Ok(loaded)
}

/// Whether slots are made of readings: one becomes full by a later reading, or with time alone.
fn is_resampled(work: &Work<'_>) -> bool {
    work.feed.about().time_semantics == TimeSemantics::Instant
}

/// No readings, of an answer that brings none: time has passed all the same.
fn standing_still(work: &Work<'_>, class: FetchClass) -> Option<Parsed> {
    let stands = class == FetchClass::Unchanged && is_resampled(work);
    let records = Records::Samples(Vec::new());
    stands.then(|| Parsed { records, findings: Vec::new(), next: None })
}

fn rejected(findings: &[Finding]) -> u64 {
    findings.iter().filter(|finding| finding.rejects_row).count() as u64
}

fn small(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

impl After<'_> {
    /// Keeps why a page brought nothing. Gives it where its window had brought something so far, in words.
    fn fail(&mut self, window: Window, failed: Option<Ended>) -> Option<String> {
        let failed = failed?;
        let is_news = self.failed.as_ref().is_none_or(|(before, _)| *before != window);
        self.totals.failed += u64::from(is_news);
        let told = failed.error().filter(|_| is_news).map(|error| format!("{window}: {error}"));
        self.failed = Some((window, failed));
        told
    }

    fn count(&mut self, loaded: &Loaded) {
        let totals = &mut self.totals;
        totals.new += loaded.new;
        totals.changed += loaded.changed;
        totals.same += loaded.same;
        totals.rejected += loaded.rejected;
        totals.findings += loaded.findings.len() as u64;
    }

    /// Of a page that is only tried: its rows count as new.
    fn would_load(&mut self, fetched: &Fetched) {
        let Some(parsed) = &fetched.parsed else { return };
        self.totals.new += parsed.records.len() as u64;
        self.totals.rejected += rejected(&parsed.findings);
        self.totals.findings += parsed.findings.len() as u64;
    }
}
