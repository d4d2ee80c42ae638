//! History, oldest first, page by page. Where it goes on is written with each page. A window that is refused
//! is passed over and counted; whatever else stands in the way is waited for.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    merge::{Merged, Open, merge},
    status,
    walk::{Place, Walk},
    work::{Ended, RunError, Work},
};
use crate::{
    db::feeds::{
        backfills::{self, BackfillRow, Step},
        tasks,
    },
    domain::feed::{BackfillState, TaskKind, Window},
    feeds::{Feed, PageRef, Scope, Settings, load::Loaded},
};

/// How often progress is told of at most.
const TELL_EVERY: TimeDelta = TimeDelta::seconds(1);

/// Where a backfill goes on. The page counts only while the window is cut as it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    window_start: DateTime<Utc>,
    window_end: Option<DateTime<Utc>>,
    page_size: u32,
    page: PageRef,
}

/// How far a backfill came.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Progress {
    /// Its number.
    pub backfill_id: i64,
    /// Its state.
    pub state: BackfillState,
    /// Windows in all.
    pub windows_total: i32,
    /// Windows that are done.
    pub windows_done: i32,
    /// Of these, those that were refused for good.
    pub windows_failed: i32,
    /// Hundredths of the whole, rounded down.
    pub percent: i32,
    /// Rows that were read in a second; none before the first page.
    pub rows_per_second: Option<i64>,
    /// Seconds until the end at this rate; none where nothing can be said.
    pub eta_seconds: Option<i64>,
    /// Start of the window that is asked for.
    pub window_start: Option<DateTime<Utc>>,
}

impl Progress {
    /// Of a row.
    #[must_use]
    pub fn of(row: &BackfillRow) -> Self {
        let state = row.state.parse().unwrap_or(BackfillState::Failed);
        let millis =
            row.started_at.zip(row.progress_at).map(|(start, at)| (at - start).num_milliseconds());
        let millis = millis.filter(|&millis| millis > 0);
        let rows = row.rows_new + row.rows_changed + row.rows_same;
        let (done, total) = (i64::from(row.windows_done), i64::from(row.windows_total.max(1)));
        let left = (total - done).max(0);
        let is_on = matches!(state, BackfillState::Running | BackfillState::Queued);
        let eta = millis.filter(|_| done > 0 && is_on);
        Self {
            backfill_id: row.backfill_id,
            state,
            windows_total: row.windows_total,
            windows_done: row.windows_done,
            windows_failed: row.windows_failed,
            percent: i32::try_from((done * 100 / total).min(100)).unwrap_or(100),
            rows_per_second: millis.map(|millis| rows.saturating_mul(1000) / millis),
            eta_seconds: eta.map(|millis| millis.saturating_mul(left) / done / 1000),
            window_start: cursor(row).map(|cursor| cursor.window_start),
        }
    }

    fn to_json(self) -> Value {
        json!(self)
    }
}

fn cursor(row: &BackfillRow) -> Option<Cursor> {
    row.cursor.clone().and_then(|cursor| serde_json::from_value(cursor).ok())
}

/// Whether somebody wants it to go on.
#[must_use]
pub fn is_wanted(row: &BackfillRow) -> bool {
    [BackfillState::Queued, BackfillState::Running].iter().any(|state| state.as_str() == row.state)
}

/// A backfill while it is walked through.
#[derive(Debug)]
pub struct Tracker {
    /// As it was after the last page.
    pub row: BackfillRow,
    told_at: Option<DateTime<Utc>>,
    /// Why the last window that failed did.
    failed: Option<String>,
}

/// What a backfill leaves behind with a page.
#[derive(Debug)]
pub struct Behind<'a> {
    /// The page.
    pub place: &'a Place,
    /// The page after it.
    pub following: Option<&'a Place>,
    /// Whether it is the last of its window.
    pub is_last: bool,
    /// Why its window failed by it.
    pub failed: Option<String>,
}

impl Tracker {
    /// Moves the cursor behind a page, in its transaction; `false`: it shall go no further. What nothing
    /// follows ends where its window does, though the backfill be stretched meanwhile.
    pub async fn advance(
        &mut self,
        conn: &mut PgConnection,
        work: &Work<'_>,
        behind: &Behind<'_>,
        loaded: &Loaded,
    ) -> sqlx::Result<bool> {
        let now = work.app.clock.now();
        let page_size = work.settings.page_size;
        let cursor = match behind.following {
            Some(place) => Cursor {
                window_start: place.window.from(),
                window_end: Some(place.window.to()),
                page_size,
                page: place.page.clone(),
            },
            None => Cursor {
                window_start: behind.place.window.to(),
                window_end: None,
                page_size,
                page: PageRef::FIRST,
            },
        };
        let step = Step {
            cursor: json!(cursor),
            windows: i32::from(behind.is_last),
            failed: i32::from(behind.failed.is_some()),
            new: count(loaded.new),
            changed: count(loaded.changed),
            same: count(loaded.same),
        };
        self.failed = behind.failed.clone().or(self.failed.take());
        self.row = backfills::advance(conn, self.row.backfill_id, &step, now).await?;
        if self.told_at.is_none_or(|told| now - told >= TELL_EVERY) {
            self.told_at = Some(now);
            let progress = Progress::of(&self.row).to_json();
            status::tell_progress(conn, work.place(), progress, now).await?;
        }
        Ok(self.row.state == BackfillState::Running.as_str())
    }
}

fn count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Does the backfills of a scope that wait, oldest range first.
pub async fn run(work: &Work<'_>) -> Result<Ended, RunError> {
    let mut ended = Ended::Idle;
    let mut run_id = None;
    let mut totals = super::Totals::default();
    while let Some(row) = begin(work).await? {
        let id = match run_id {
            Some(id) => id,
            None => *run_id.insert(work.begin().await?),
        };
        let mut walk = Walk::new(work, id);
        walk.totals = totals;
        let (mut windows, page) = rest(work, &row);
        let backfill_id = row.backfill_id;
        walk.tracker = Some(Tracker { row, told_at: None, failed: None });
        let walked = walk.through(&mut windows, page).await;
        totals = walk.totals;
        ended = work.end(id, &walk, walked).await?;
        let failed = walk.tracker.and_then(|tracker| tracker.failed);
        settle(work, backfill_id, &ended, failed.as_deref()).await?;
        if !matches!(ended, Ended::Done(_)) && !is_turned(work, &ended) {
            break;
        }
    }
    Ok(ended)
}

/// Whether it stopped because somebody paused or ended one backfill: others go on.
fn is_turned(work: &Work<'_>, ended: &Ended) -> bool {
    matches!(ended, Ended::Stopped) && !work.halt.is_cancelled()
}

/// Takes the next backfill that waits.
async fn begin(work: &Work<'_>) -> sqlx::Result<Option<BackfillRow>> {
    if work.halt.is_cancelled() {
        return Ok(None);
    }
    let mut conn = work.app.pool.acquire().await?;
    let now = work.app.clock.now();
    let open = backfills::open(&mut conn, work.place()).await?;
    for row in open.into_iter().filter(is_wanted) {
        let waits = [BackfillState::Queued.as_str(), BackfillState::Running.as_str()];
        let running = BackfillState::Running.as_str();
        if backfills::turn(&mut conn, row.backfill_id, &waits, running, now).await? {
            return backfills::find(&mut conn, row.backfill_id).await;
        }
    }
    Ok(None)
}

/// The windows from the cursor on, and the page of the first.
fn rest(work: &Work<'_>, row: &BackfillRow) -> (VecDeque<Window>, PageRef) {
    let cursor = cursor(row);
    let from = cursor.as_ref().map_or(row.from_at, |cursor| cursor.window_start);
    let Ok(range) = Window::new(from, row.to_at) else { return (VecDeque::new(), PageRef::FIRST) };
    let windows = VecDeque::from(work.feed.windows(work.settings, &work.scope, range));
    let is_same = |cursor: &Cursor| {
        let first = windows.front();
        first.is_some_and(|window| Some(window.to()) == cursor.window_end)
            && cursor.page_size == work.settings.page_size
    };
    let page = cursor.filter(is_same).map_or(PageRef::FIRST, |cursor| cursor.page);
    (windows, page)
}

/// Writes down how a walk left a backfill, and tells of it.
async fn settle(
    work: &Work<'_>,
    backfill_id: i64,
    ended: &Ended,
    failed: Option<&str>,
) -> sqlx::Result<()> {
    let mut tx = work.app.pool.begin().await?;
    let now = work.app.clock.now();
    match ended {
        Ended::Done(_) | Ended::Idle => {
            if let Some(row) = backfills::find(&mut tx, backfill_id).await? {
                complete(&mut tx, work, &row, failed).await?;
            }
        }
        Ended::Failed { message, .. } | Ended::Broken(message) => {
            backfills::wait(&mut tx, backfill_id, message).await?;
        }
        Ended::Stopped => {
            let (running, queued) = (BackfillState::Running, BackfillState::Queued);
            backfills::turn(&mut tx, backfill_id, &[running.as_str()], queued.as_str(), now)
                .await?;
        }
    }
    if let Some(row) = backfills::find(&mut tx, backfill_id).await? {
        let progress = Progress::of(&row).to_json();
        status::tell_progress(&mut tx, work.place(), progress, now).await?;
    }
    tx.commit().await
}

/// Ends a backfill whose windows were all asked for. It is done if one of them was good, and the others are
/// gaps; where there are no slots that could be missing, only if all were. One that was stretched
/// meanwhile goes on.
async fn complete(
    conn: &mut PgConnection,
    work: &Work<'_>,
    row: &BackfillRow,
    last: Option<&str>,
) -> sqlx::Result<()> {
    let came_to = cursor(row).map_or(row.from_at, |cursor| cursor.window_start);
    let error = (row.windows_failed > 0).then(|| {
        let last = last.map(|last| format!("; the last, {last}")).unwrap_or_default();
        format!("{} of {} windows failed{last}", row.windows_failed, row.windows_total)
    });
    let is_good = row.windows_failed < row.windows_done && work.slots().is_some();
    let is_done = error.is_none() || is_good;
    let state = if is_done { BackfillState::Done } else { BackfillState::Failed };
    let end = (state.as_str(), error.as_deref());
    backfills::complete(conn, row.backfill_id, came_to, end, work.app.clock.now()).await?;
    Ok(())
}

/// What is wanted of history, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The feed.
    pub feed: &'static dyn Feed,
    /// Its settings.
    pub settings: &'a Settings,
    /// The scope.
    pub scope: &'a Scope,
    /// The range.
    pub window: Window,
    /// Who asked; none: the program itself.
    pub requested_by: Option<Uuid>,
    /// Whether it was asked for by hand: then one that is paused goes on.
    pub by_hand: bool,
    /// Whether each slot has an event of its own, however old it is.
    pub every_slot: bool,
}

/// Lets a piece of history wait for a server, for the program itself.
pub async fn want(
    conn: &mut PgConnection,
    work: &Work<'_>,
    window: Window,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let (feed, settings, scope) = (work.feed, work.settings, &work.scope);
    let (by_hand, every_slot) = (false, false);
    let wish = Wish { feed, settings, scope, window, requested_by: None, by_hand, every_slot };
    queue(conn, &wish, now).await.map(drop)
}

/// Lets a piece of history wait for a server; what waits already covers it as far as it can. Gives the
/// numbers of those that cover it.
pub async fn queue(
    conn: &mut PgConnection,
    wish: &Wish<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<i64>> {
    let place = (wish.feed.about().id, &*wish.scope.scope);
    // Its task first, as loading does: whoever plans waits for whoever loads, and nobody in a circle.
    tasks::make_due(conn, place.0, place.1, TaskKind::Backfill, tasks::never()).await?;
    let open = backfills::open(conn, place).await?;
    let merged = merge(&open.iter().filter_map(as_open).collect::<Vec<_>>(), wish.window);
    let Merged { stretched, covering: mut ids, new } = merged;
    // What waits after a failure does not become due by being wished for again.
    if wish.by_hand || !stretched.is_empty() || !new.is_empty() {
        tasks::make_due(conn, place.0, place.1, TaskKind::Backfill, now).await?;
    }
    for (id, window) in stretched {
        let total = total(wish, window);
        backfills::stretch(conn, id, (window.from(), window.to()), total).await?;
    }
    for window in new {
        let (range, total) = ((window.from(), window.to()), total(wish, window));
        ids.push(backfills::insert(conn, place, range, total, wish.requested_by, now).await?);
    }
    if wish.every_slot {
        backfills::tell_every_slot(conn, &ids).await?;
    }
    if wish.by_hand {
        let (paused, queued) = (BackfillState::Paused, BackfillState::Queued);
        for id in &ids {
            backfills::turn(conn, *id, &[paused.as_str()], queued.as_str(), now).await?;
        }
    }
    Ok(ids)
}

fn as_open(row: &BackfillRow) -> Option<Open> {
    let window = Window::new(row.from_at, row.to_at).ok()?;
    // One that runs may have its first page under way.
    let begun = row.cursor.is_some() || row.state == BackfillState::Running.as_str();
    Some(Open { id: row.backfill_id, window, begun })
}

fn total(wish: &Wish<'_>, window: Window) -> i32 {
    let windows = wish.feed.windows(wish.settings, wish.scope, window).len();
    i32::try_from(windows).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> BackfillRow {
        let at = |seconds| DateTime::from_timestamp(seconds, 0);
        BackfillRow {
            backfill_id: 3,
            feed_id: "carbonara.intensity".to_owned(),
            scope: "CAISO".to_owned(),
            from_at: at(0).unwrap(),
            to_at: at(400_000).unwrap(),
            cursor: None,
            state: "running".to_owned(),
            every_slot: false,
            windows_total: 4,
            windows_done: 1,
            windows_failed: 0,
            rows_new: 600,
            rows_changed: 20,
            rows_same: 380,
            started_at: at(1000),
            progress_at: at(1010),
            last_error: None,
        }
    }

    #[test]
    fn progress_tells_rate_and_end() {
        let progress = Progress::of(&row());
        assert_eq!((progress.percent, progress.rows_per_second), (25, Some(100)));
        assert_eq!(progress.eta_seconds, Some(30));
        let fresh = Progress::of(&BackfillRow { progress_at: None, windows_done: 0, ..row() });
        assert_eq!((fresh.rows_per_second, fresh.eta_seconds), (None, None));
        let done = BackfillRow { state: "done".to_owned(), windows_done: 4, ..row() };
        assert_eq!((Progress::of(&done).percent, Progress::of(&done).eta_seconds), (100, None));
    }
}
