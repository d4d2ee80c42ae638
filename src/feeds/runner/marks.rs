//! Watermark and gaps, in the transaction of a window's last page.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{json, value::to_raw_value};
use sqlx::PgConnection;

use super::{
    gaps::{self, Changes, Grid, Look},
    work::Work,
};
use crate::{
    db::feeds::{
        gaps as rows,
        outbox::{self, NewEvent},
        progress::{self, Search, Slots, Watermark},
    },
    domain::feed::{Topic, Window},
};

/// A window that was asked for to its last page.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// The window.
    pub window: Window,
    /// The fetch of that page.
    pub fetch_id: i64,
    /// Now.
    pub now: DateTime<Utc>,
    /// Whether the upstream has no document of it.
    pub is_absent: bool,
}

/// A document that the upstream does not have for so long after its window does not come: history would
/// begin with it otherwise.
const MAY_COME: TimeDelta = TimeDelta::days(30);

/// Holds the slots of a window against those that are expected, writes down what is missing, and moves
/// the marks.
pub async fn settle(
    conn: &mut PgConnection,
    work: &Work<'_>,
    known: Watermark,
    seen: Seen,
) -> sqlx::Result<()> {
    let Some(of) = work.slots() else { return Ok(()) };
    let Seen { window, now, .. } = seen;
    let mut mark = history(conn, work, of, known, seen).await?;
    let begins = mark.history_start(work.history_start());
    let last = now - work.settings.expected_lag;
    if let Some(expected) = of.1.expected(window, begins, last) {
        let look = Look { examined: expected, first: of.1.up(begins), grid: of.1, now };
        compare(conn, work, of.0, &look, seen.fetch_id).await?;
    }
    mark.high_water = high_water(conn, work, of.0, mark.high_water).await?;
    mark.contiguous_to = contiguous_to(conn, work, of, window, mark).await?;
    if mark != known {
        progress::write(conn, work.place(), mark, now).await?;
    }
    Ok(())
}

/// Where history begins, after a window at its beginning was asked for. It begins later where the upstream
/// has no document of the window, nor of any before, unless it is young or there are gaps of it; and
/// earlier again where there are rows after all.
async fn history(
    conn: &mut PgConnection,
    work: &Work<'_>,
    (slots, grid): (Slots<'_>, Grid),
    mark: Watermark,
    Seen { window, now, is_absent, .. }: Seen,
) -> sqlx::Result<Watermark> {
    let start = work.history_start();
    if window.from() > mark.history_start(start) {
        return Ok(mark);
    }
    let search = Search {
        feed_id: &work.task.feed_id,
        slots,
        step: grid.seconds(),
        from: start,
        to: window.to(),
        known: false,
        limit: 1,
    };
    let is_empty = progress::islands(conn, &search).await?.is_empty();
    if !is_empty && mark.begins_at.is_some_and(|begins_at| window.from() < begins_at) {
        return Ok(Watermark { begins_at: Some(window.from()), contiguous_to: None, ..mark });
    }
    let gaps = rows::touching(conn, work.place(), window.from(), window.to()).await?;
    let is_gap = gaps.iter().any(|gap| gap.start_at < window.to() && gap.end_at > window.from());
    if is_absent && is_empty && !is_gap && window.to() <= now - MAY_COME {
        return Ok(Watermark { begins_at: Some(mark.history_start(window.to())), ..mark });
    }
    Ok(mark)
}

/// End of the newest slot with a value. It never moves back.
pub(super) async fn high_water(
    conn: &mut PgConnection,
    work: &Work<'_>,
    slots: Slots<'_>,
    known: Option<DateTime<Utc>>,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    let from = known.unwrap_or(DateTime::UNIX_EPOCH);
    Ok(progress::newest(conn, &work.task.feed_id, slots, from).await?.max(known))
}

/// End of the unbroken run of slots with a value. It goes on where it ended: what was found unbroken once
/// is not looked at again, and only a window that holds its end can move it.
pub(super) async fn contiguous_to(
    conn: &mut PgConnection,
    work: &Work<'_>,
    (slots, grid): (Slots<'_>, Grid),
    window: Window,
    mark: Watermark,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    let end = mark.contiguous_to;
    let end = end.unwrap_or_else(|| grid.up(mark.history_start(work.history_start())));
    if end < grid.down(window.from()) || end >= grid.up(window.to()) {
        return Ok(mark.contiguous_to);
    }
    let search = |to, limit| Search {
        feed_id: &work.task.feed_id,
        slots,
        step: grid.seconds(),
        from: end,
        to,
        known: true,
        limit,
    };
    // Whether it moves at all is asked of one row: behind a hole there may be years.
    let next = progress::islands(conn, &search(end + grid.step(), 1)).await?;
    if next.is_empty() {
        return Ok(mark.contiguous_to);
    }
    let far = end + TimeDelta::days(366 * 100);
    // An island has one shore or two: with two rows the first island is whole.
    let islands = progress::islands(conn, &search(far, 2)).await?;
    Ok(islands.first().map(|(_, last)| *last + grid.step()).or(mark.contiguous_to))
}

/// Writes down which runs of slots are missing, and tells of those that were not known or came.
async fn compare(
    conn: &mut PgConnection,
    work: &Work<'_>,
    slots: Slots<'_>,
    look: &Look,
    fetch_id: i64,
) -> sqlx::Result<()> {
    let Look { examined, grid, now, .. } = *look;
    let search = Search {
        feed_id: &work.task.feed_id,
        slots,
        step: grid.seconds(),
        from: examined.from(),
        to: examined.to(),
        // A row without the value is no gap.
        known: false,
        limit: i64::MAX,
    };
    let islands = progress::islands(conn, &search).await?;
    let missing = grid.missing(examined, &islands);
    let kept = rows::touching(conn, work.place(), examined.from(), examined.to()).await?;
    let Changes { gone, put } = gaps::reconcile(&kept, &missing, look);
    rows::replace(conn, work.place(), &gone, &put).await?;
    tell(conn, work, &put, (fetch_id, now)).await
}

async fn tell(
    conn: &mut PgConnection,
    work: &Work<'_>,
    gaps: &[rows::GapRow],
    (fetch_id, now): (i64, DateTime<Utc>),
) -> sqlx::Result<()> {
    let (feed_id, scope) = work.place();
    let series_key = format!("{feed_id}/{scope}");
    let events = gaps.iter().map(|gap| {
        let data = json!({
            "scope": scope, "start": gap.start_at, "end": gap.end_at, "state": gap.state
        });
        let data = to_raw_value(&data).map_err(|error| sqlx::Error::Encode(error.into()))?;
        // A page changes a gap once: no two of its events have one start.
        let (topic, time, rev) = (Topic::FeedGap, gap.start_at, fetch_id);
        Ok(NewEvent { topic, subject: feed_id, series_key: &series_key, feed_id, time, rev, data })
    });
    let events: Vec<NewEvent<'_>> = events.collect::<sqlx::Result<_>>()?;
    outbox::write(conn, &events, now).await
}
