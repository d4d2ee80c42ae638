//! Watermark and gaps, in the transaction of a window's last page.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{json, value::to_raw_value};
use sqlx::PgConnection;

use super::{
    gaps::{self, Changes, Grid},
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

/// Holds the slots of a window against those that are expected, writes down what is missing, and moves
/// the marks. `of`: the fetch whose page this is, and now.
pub async fn settle(
    conn: &mut PgConnection,
    work: &Work<'_>,
    window: Window,
    mark: Watermark,
    of: (i64, DateTime<Utc>),
) -> sqlx::Result<()> {
    let Some((slots, grid)) = work.slots() else { return Ok(()) };
    let (_, now) = of;
    let last = now - work.settings.expected_lag;
    if let Some(expected) = grid.expected(window, work.history_start(), last) {
        compare(conn, work, (slots, grid), expected, of).await?;
    }
    let moved = Watermark {
        high_water: high_water(conn, work, slots, mark.high_water).await?,
        contiguous_to: contiguous_to(conn, work, (slots, grid), window, mark).await?,
    };
    if moved != mark {
        progress::write(conn, work.place(), moved, now).await?;
    }
    Ok(())
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
    let end = mark.contiguous_to.unwrap_or_else(|| grid.up(work.history_start()));
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
    (slots, grid): (Slots<'_>, Grid),
    expected: Window,
    (fetch_id, now): (i64, DateTime<Utc>),
) -> sqlx::Result<()> {
    let search = Search {
        feed_id: &work.task.feed_id,
        slots,
        step: grid.seconds(),
        from: expected.from(),
        to: expected.to(),
        // A row without the value is no gap.
        known: false,
        limit: i64::MAX,
    };
    let islands = progress::islands(conn, &search).await?;
    let missing = grid.missing(expected, &islands);
    let kept = rows::touching(conn, work.place(), expected.from(), expected.to()).await?;
    let Changes { gone, put } = gaps::reconcile(&kept, expected, &missing, now);
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
