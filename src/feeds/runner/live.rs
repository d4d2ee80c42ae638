//! What is due by the cadence.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::{
    backfill, basis,
    plan::{self, Split},
    work::{Ended, RunError, Work},
};
use crate::{
    db::feeds::{
        backfills, gaps,
        progress::{self, Watermark},
    },
    domain::feed::{FetchClass, Window},
    feeds::Live,
};

/// How many gaps are asked for again after one run.
const GAPS_AT_ONCE: i64 = 8;

/// How long history that failed is not wanted again.
const FAILED_AGAIN: TimeDelta = TimeDelta::days(1);

/// Polls a scope, and sees to what polling does not reach.
pub async fn run(work: &Work<'_>) -> Result<Ended, RunError> {
    let due = due(work).await?;
    let Some(window) = due else { return Ok(Ended::Done(FetchClass::Unchanged)) };
    let run_id = work.begin().await?;
    let windows = work.feed.windows(work.settings, &work.scope, window);
    let ended = work.pass(run_id, windows).await?;
    if ended.is_answered() {
        ask_again(work, window.from()).await?;
    }
    Ok(ended)
}

/// What is asked for now; the rest waits as a backfill.
pub async fn due(work: &Work<'_>) -> sqlx::Result<Option<Window>> {
    let now = work.app.clock.now();
    let mut tx = work.app.pool.begin().await?;
    basis::follow(&mut tx, work, now).await?;
    let split = split(&mut tx, work, now).await?;
    if let Some(rest) = split.as_ref().and_then(|split| split.backfill) {
        queue_rest(&mut tx, work, rest, now).await?;
    }
    tx.commit().await?;
    Ok(split.map(|split| split.live))
}

/// The same without letting anything wait.
pub async fn range(work: &Work<'_>) -> sqlx::Result<Option<Window>> {
    let mut conn = work.app.pool.acquire().await?;
    let split = split(&mut conn, work, work.app.clock.now()).await?;
    Ok(split.map(|split| split.live))
}

async fn split(
    conn: &mut PgConnection,
    work: &Work<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Split>> {
    let mark = progress::read(conn, work.place()).await?;
    let high_water = mark.and_then(|mark| mark.high_water);
    let last_ok = work.task.last_ok;
    let live = Live { now, history_start: history_start(work, mark), high_water, last_ok };
    Ok(work.feed.live_range(work.settings, &live).map(|range| plan::split(range, now)))
}

fn history_start(work: &Work<'_>, mark: Option<Watermark>) -> DateTime<Utc> {
    let known = work.history_start();
    mark.map_or(known, |mark| mark.history_start(known))
}

/// Queues what lies longer ago than polling reaches, as far as no backfill was ever there for it: what
/// one did not find is a gap, which has a schedule of its own. Where there are no slots there are no gaps:
/// what failed is wanted again after a while.
async fn queue_rest(
    conn: &mut PgConnection,
    work: &Work<'_>,
    rest: Window,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let failed_since = work.slots().map_or(now - FAILED_AGAIN, |_| DateTime::UNIX_EPOCH);
    let all = backfills::ranges(conn, work.place(), failed_since).await?;
    let covered: Vec<Window> =
        all.into_iter().filter_map(|(from, to)| Window::new(from, to).ok()).collect();
    let high_water = progress::read(conn, work.place()).await?.and_then(|mark| mark.high_water);
    for piece in super::gaps::without(rest, &covered) {
        // What slid out of reach was polled while it was in reach: all before the newest slot, and where
        // there is none yet, what is short. What came during an outage was not, nor what history has gained.
        let unpolled = match (high_water, work.task.last_ok) {
            (_, None) => Some(piece),
            (Some(high_water), _) => Window::new(piece.from().max(high_water), piece.to()).ok(),
            (None, Some(_)) => Some(piece).filter(|piece| piece.length() >= work.settings.window),
        };
        if let Some(unpolled) = unpolled {
            backfill::want(conn, work, unpolled, now).await?;
        }
    }
    Ok(())
}

/// Queues backfills for gaps of history before `from` that are to be asked for again.
async fn ask_again(work: &Work<'_>, from: DateTime<Utc>) -> sqlx::Result<()> {
    let now = work.app.clock.now();
    let mut tx = work.app.pool.begin().await?;
    let first = history_start(work, progress::read(&mut tx, work.place()).await?);
    let due = gaps::due(&mut tx, work.place(), (first, from), now, GAPS_AT_ONCE).await?;
    for (start, end) in due {
        if let Ok(window) = Window::new(start.max(first), end) {
            backfill::want(&mut tx, work, window, now).await?;
        }
    }
    tx.commit().await
}
